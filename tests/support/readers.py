"""Reads folders of Parquet files in every way that their users would, with the defaults of each.

usage: readers.py frames|spark FOLDER...

Prints a JSON object per way and folder: {"way", "columns", "rows"}, rows as lists of texts, sorted.
"""

import json
import sys


def show(way, columns, rows):
    texts = sorted(["" if value is None else str(value) for value in row] for row in rows)
    print(json.dumps({"way": way, "columns": list(columns), "rows": texts}))


def show_table(way, table):
    """A table of Arrow's, which every library here can give."""
    show(way, table.column_names, (row.values() for row in table.to_pylist()))


def read_frames(folder):
    import pandas
    import polars
    import pyarrow
    import pyarrow.dataset
    import pyarrow.parquet

    for place in (f"{folder}/*.parquet", f"{folder}/**/*.parquet", folder):
        show_table(f"polars.read_parquet {place}", polars.read_parquet(place).to_arrow())
        show_table(f"polars.scan_parquet {place}", polars.scan_parquet(place).collect().to_arrow())
    # The frame itself might hold NaN in place of NULL; its columns and Arrow's rows are compared.
    frame = pandas.read_parquet(folder)
    show_table(f"pandas.read_parquet {folder}",
               pyarrow.Table.from_pandas(frame, preserve_index=False))
    show_table(f"pyarrow.parquet.read_table {folder}", pyarrow.parquet.read_table(folder))
    show_table(f"pyarrow.dataset.dataset {folder}", pyarrow.dataset.dataset(folder).to_table())


def spark_session():
    from pyspark.sql import SparkSession

    spark = (SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
             .config("spark.driver.bindAddress", "127.0.0.1").getOrCreate())
    spark.sparkContext.setLogLevel("ERROR")
    return spark


def read_spark(folder):
    spark = spark_session()
    for way, frame in ((f"spark.read.parquet {folder}", spark.read.parquet(folder)),
                       (f"spark.read.parquet {folder}/*.parquet",
                        spark.read.parquet(folder + "/*.parquet")),
                       (f"spark.read.parquet {folder}, with basePath",
                        spark.read.option("basePath", folder).parquet(folder))):
        show(way, frame.columns, frame.collect())


if __name__ == "__main__":
    read = {"frames": read_frames, "spark": read_spark}[sys.argv[1]]
    for path in sys.argv[2:]:
        read(path)

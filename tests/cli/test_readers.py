"""What others see who read the projections by glob or folder: exactly the published columns."""

import ctypes
import json
import os
import subprocess
import unittest

from cauce_cli import ROOT, Case

# Names that folders of partitions might have, with values that are none of a partition's.
COLUMNS = """columns:
  - {name: id, type: bigint}
  - {name: at, type: date}
  - {name: year, type: text}
  - {name: month, type: text}
  - {name: day, type: text}
"""

ROWS = """id,at,year,month,day
1,2026-01-05,FY25,Q1,Mon
2,2026-02-05,FY26,Q2,Tue
3,2027-02-07,FY27,Q3,Wed
"""

NAMES = ["id", "at", "year", "month", "day"]
ADDED = ["_version", "_ingested_at"]


class DuckDB:
    """The engine that cauce itself loads, by way of its C interface."""

    class Result(ctypes.Structure):
        _fields_ = [("counts", ctypes.c_uint64 * 3), ("pointers", ctypes.c_void_p * 3)]

    def __init__(self):
        self.library = ctypes.CDLL(os.environ["CAUCE_LIBDUCKDB"])
        self.library.duckdb_value_varchar.restype = ctypes.c_void_p
        self.library.duckdb_column_name.restype = ctypes.c_char_p
        self.library.duckdb_result_error.restype = ctypes.c_char_p
        for name in ("column_count", "row_count"):
            getattr(self.library, "duckdb_" + name).restype = ctypes.c_uint64
        database, self.connection = ctypes.c_void_p(), ctypes.c_void_p()
        assert self.library.duckdb_open(None, ctypes.byref(database)) == 0
        assert self.library.duckdb_connect(database, ctypes.byref(self.connection)) == 0

    def text(self, result, column, row):
        value = self.library.duckdb_value_varchar(result, ctypes.c_uint64(column),
                                                  ctypes.c_uint64(row))
        text = "" if value is None else ctypes.string_at(value).decode()
        self.library.duckdb_free(ctypes.c_void_p(value))
        return text

    def query(self, sql):
        """Names of the columns, and the rows as texts, sorted."""
        result = ctypes.byref(self.Result())
        if self.library.duckdb_query(self.connection, sql.encode(), result) != 0:
            raise AssertionError(self.library.duckdb_result_error(result).decode())
        columns = self.library.duckdb_column_count(result)
        names = [self.library.duckdb_column_name(result, ctypes.c_uint64(c)).decode()
                 for c in range(columns)]
        rows = sorted([self.text(result, c, r) for c in range(columns)]
                      for r in range(self.library.duckdb_row_count(result)))
        self.library.duckdb_destroy_result(result)
        return names, rows


class Projections(Case):
    """Of four datasets, one for each way to cut."""

    def configure(self, by, more=""):
        cut = f"partition: {{column: at, by: {by}}}\n" if by != "none" else ""
        (self.folder / "d.yml").write_text(f"dataset: {by}\nstore: ./published\n"
                                           "source: ./rates.csv\n" + COLUMNS + more +
                                           "key: [id, at]\n" + cut)

    def setUp(self):
        """A column is added after the first version, whose partitions but one stay untouched."""
        super().setUp()
        self.windows = []
        for by in ("none", "year", "month", "day"):
            self.configure(by)
            self.publish(ROWS)
            self.configure(by, "  - {name: more, type: text}\n")
            self.publish("id,at,year,month,day,more\n4,2026-02-08,FY28,Q4,Thu,new\n")
            self.windows.append(str(self.folder / f"published/{by}/projections/windows"))

    def expect(self, way, names, rows):
        self.assertEqual(names, NAMES + ["more"] + ADDED, way)
        lines = [line.split(",") + [""] for line in ROWS.splitlines()[1:]]
        lines.append(["4", "2026-02-08", "FY28", "Q4", "Thu", "new"])
        self.assertEqual([row[:6] for row in rows], lines, way)

    def check_others(self, name):
        done = subprocess.run([ROOT / "tests/support/readers", "run", name, *self.windows],
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        if done.returncode == 77:
            self.skipTest(done.stderr.strip().splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertGreater(len(answers), 2 * len(self.windows))
        for answer in answers:
            self.expect(answer["way"], answer["columns"], answer["rows"])

    def test_duckdb_sees_exactly_the_published_columns(self):
        duckdb = DuckDB()
        for folder in self.windows:
            for glob in ("*.parquet", "**/*.parquet", "**"):
                way = f"{folder}/{glob}"
                self.expect(way, *duckdb.query(f"SELECT * FROM read_parquet('{way}')"))
            for file in os.listdir(folder):
                names, _ = duckdb.query(f"SELECT * FROM '{folder}/{file}'")
                self.assertEqual(names, NAMES + ["more"] + ADDED, file)

    def test_a_store_whose_path_would_hide_a_column_is_refused(self):
        text = (self.folder / "d.yml").read_text()
        (self.folder / "d.yml").write_text(text.replace("./published", "./lake/Year=2026/x"))
        _, err = self.cauce("run", "d.yml", status=2)
        self.assertIn('has the folder "Year=2026"', err)
        (self.folder / "d.yml").write_text(text.replace("./published", "./lake/region=eu/x"))
        self.cauce("run", "-q", "d.yml")

    def test_the_query_of_the_readme_is_one_of_these(self):
        text = (ROOT / "README.md").read_text()
        self.assertIn("read_parquet('published/river_gauges/projections/windows/*.parquet')", text)

    def test_polars_pandas_and_pyarrow_see_exactly_the_published_columns(self):
        self.check_others("frames")

    def test_spark_sees_exactly_the_published_columns(self):
        self.check_others("spark")


if __name__ == "__main__":
    unittest.main(verbosity=2)

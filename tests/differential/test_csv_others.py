"""The reader of CSV against pandas and DuckDB, over files of the dialects that they share with
docs/sources.md: texts, all of them in every column.

Skipped by name where the libraries are not there. CAUCE_TEST_FILES says how many files of each
dialect (CAUCE_TORTURE=full: 1000).
"""

import io
import os
import pathlib
import tempfile
import unittest

from answers import ask
from others import library
from test_csv import DIALECTS, Dialect

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (1000 if os.environ.get("CAUCE_TORTURE") == "full" else 40))
SHARED_WITH_PANDAS = ("comma", "semicolon", "tab", "pipe", "single quotes", "CR LF", "long", "wide", "small blocks",
          "UTF-8 with its mark", "UTF-16 with its mark", "Latin 1", "Windows 1252", "gzip", "section sign")
SHARED_WITH_DUCKDB = ("comma", "semicolon", "tab", "pipe", "single quotes", "CR LF", "wide", "backslash")


def invent(name):
    """Files of a dialect: settings, and content and what Python wrote into each."""
    dialect = Dialect(name)
    columns, settings = dialect.columns()
    settings = {key: value for key, value in settings.items() if key not in ("columns", "nulls")}
    files = []
    for _ in range(FILES):
        text, _, records = dialect.invent(columns)
        if records:
            files.append((dialect.encode(text), [texts for texts, _ in records]))
    return dialect, settings, files


class Others(unittest.TestCase):
    def compare(self, name, read):
        dialect, settings, files = invent(name)
        answers = ask([(settings, [content for content, _ in files])])[0]
        for (content, records), answer in zip(files, answers):
            rows = list(answer.rows.values())
            self.assertEqual(rows, records, content)
            found = read(dialect, content)
            if found is not None:
                self.assertEqual(rows, found, content)

    @unittest.skipUnless(library("pandas"), "there is no pandas")
    def test_files_are_read_as_pandas_reads_them(self):
        pandas = library("pandas")

        def read(dialect, content):
            encoded = "MARK" in dialect.how or dialect.codec != "utf-8"
            frame = pandas.read_csv(
                io.BytesIO(content), sep=dialect.delimiter, quotechar=dialect.quote, dtype=str,
                doublequote=dialect.escape == dialect.quote, keep_default_na=False, na_filter=False,
                escapechar=dialect.escape if dialect.escape != dialect.quote else None,
                encoding={"utf-16-le": "utf-16", "utf-8": "utf-8-sig"}.get(dialect.codec, dialect.codec)
                if encoded else "utf-8", index_col=False,
                compression="gzip" if "PACK" in dialect.how else None,
                engine="python" if len(dialect.delimiter.encode()) > 1 else "c")
            return frame.values.tolist()

        for name in SHARED_WITH_PANDAS:
            with self.subTest(dialect=name):
                self.compare(name, read)

    @unittest.skipUnless(library("duckdb"), "there is no DuckDB")
    def test_files_are_read_as_duckdb_reads_them(self):
        duckdb = library("duckdb")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = pathlib.Path(folder.name) / "file.csv"

        def read(dialect, content):
            path.write_bytes(content)
            names = dialect.decode(content).split("\n")[0].strip("\r").split(dialect.delimiter)
            rows = duckdb.execute(
                "SELECT * FROM read_csv(?, delim = ?, quote = ?, escape = ?, header = true, "
                "auto_detect = false, strict_mode = true, nullstr = 'never in a file', columns = ?)",
                [str(path), dialect.delimiter, dialect.quote, dialect.escape,
                 {name: "VARCHAR" for name in names}]).fetchall()
            return [["" if value is None else value for value in row] for row in rows]

        for name in SHARED_WITH_DUCKDB:
            with self.subTest(dialect=name):
                self.compare(name, read)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""cauce read: what other programs make of what it writes."""

import csv
import io
import json
import os
import threading
import unittest

from cauce_cli import Case

TEXTS = ["plain", "", None, "comma, here", 'quote " here', "two\nlines", "cr\rhere", "crlf\r\nhere",
         " blanks ", "tab\there", "\u00e4\u20ac\U0001f600", "'", "\\n", "null", "NULL", "\x01\x1f"]

CONFIG = """dataset: rates
store: ./published
source: {url: ./rates.ndjson}
columns:
  - {name: id, type: int}
  - {name: text, type: text}
key: id
"""


class Read(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG)
        self.rows = [{"id": i, "text": text} for i, text in enumerate(TEXTS)]
        self.write("".join(json.dumps(row) + "\n" for row in self.rows))
        self.assertEqual(self.json("run", "d.yml")["rows_new"], len(TEXTS))

    def write(self, text):
        (self.folder / "rates.ndjson").write_text(text)

    def test_json_lines_give_back_every_text(self):
        out = self.answer("read", "--json", "d.yml")
        self.assertEqual([json.loads(line) for line in out.split("\n")[:-1]], self.rows)
        self.assertEqual(out, self.answer("read", "--format", "jsonl", "d.yml"))

    def test_csv_is_what_a_reader_of_csv_expects(self):
        self.answer("read", "-o", "rows.csv", "d.yml")
        with open(self.folder / "rows.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        self.assertEqual(rows[0], ["id", "text"])
        # The csv module does not tell NULL from an empty text.
        self.assertEqual([row[1] for row in rows[1:]], [text or "" for text in TEXTS])
        raw = (self.folder / "rows.csv").read_bytes()
        self.assertIn(b'\n1,""\n2,\n', raw)

    def test_csv_published_again_is_the_same_dataset(self):
        self.answer("read", "-o", "again.csv", "d.yml")
        (self.folder / "again.yml").write_text(
            CONFIG.replace("dataset: rates", "dataset: again")
            .replace("{url: ./rates.ndjson}", "./again.csv"))
        self.json("run", "again.yml")
        self.assertEqual([r["text"] or "" for r in map(json.loads, self.answer(
            "read", "--json", "again.yml").splitlines())], [text or "" for text in TEXTS])

    def test_the_name_of_the_file_tells_the_format(self):
        for name, beginning in (("a.csv", b"id,text\n"), ("a.jsonl", b'{"id":0,'),
                                ("a.ndjson", b'{"id":0,'), ("a.parquet", b"PAR1"),
                                ("a", b"id,text\n")):
            self.assertEqual(self.answer("read", "-o", name, "d.yml"), "")
            self.assertTrue((self.folder / name).read_bytes().startswith(beginning), name)
        self.answer("read", "-o", "b.csv", "--format", "parquet", "d.yml")
        self.assertTrue((self.folder / "b.csv").read_bytes().startswith(b"PAR1"))

    def test_a_file_is_replaced_as_a_whole(self):
        (self.folder / "rows.csv").write_text("old")
        os.symlink("rows.csv", self.folder / "link.csv")
        self.cauce("read", "-o", "rows.csv", "--version", "7", "d.yml", status=10)
        self.assertEqual((self.folder / "rows.csv").read_text(), "old")
        before = sorted(os.listdir(self.folder))
        self.answer("read", "-o", "link.csv", "d.yml")
        self.assertTrue((self.folder / "link.csv").is_symlink())
        self.assertTrue((self.folder / "rows.csv").read_text().startswith("id,text\n"))
        self.assertEqual(sorted(os.listdir(self.folder)), before)
        err = self.cauce("read", "-o", "absent/rows.csv", "d.yml", status=1)[1]
        self.assertIn("absent/rows.csv", err)
        self.cauce("read", "-o", ".", "d.yml", status=2)

    def test_a_dash_is_the_standard_output(self):
        self.assertEqual(self.answer("read", "-o", "-", "d.yml"), self.answer("read", "d.yml"))
        self.assertFalse((self.folder / "-").exists())

    def test_a_named_pipe_is_written_to(self):
        path = self.folder / "pipe"
        os.mkfifo(path)
        found = []
        reader = threading.Thread(target=lambda: found.append(path.read_text(encoding="utf-8")))
        reader.start()
        self.answer("read", "-o", "pipe", "--format", "jsonl", "--limit", "1", "d.yml")
        reader.join()
        self.assertEqual(found, ['{"id":0,"text":"plain"}\n'])

    def test_versions_times_and_events(self):
        first = self.json("show", "d.yml")
        self.write('{"id": 0, "text": "changed"}\n')
        self.json("run", "d.yml")
        self.assertEqual(self.answer("read", "--limit", "1", "d.yml"), "id,text\n0,changed\n")
        for args in (["--version", "1"], ["--at", first["time"]]):
            self.assertEqual(self.answer("read", "--limit", "1", *args, "d.yml"),
                             "id,text\n0,plain\n")
        events = list(csv.DictReader(io.StringIO(self.answer("read", "--events", "d.yml"))))
        self.assertEqual(len(events), len(TEXTS) + 1)
        self.assertEqual([e["_version"] for e in events], ["1"] * len(TEXTS) + ["2"])
        self.assertEqual(events[-1]["text"], "changed")
        self.assertRegex(events[-1]["_ingested_at"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""cauce init: from a sample to a configuration that checks and runs."""

import gzip
import io
import json
import os
import tarfile
import unittest
import zipfile

from cauce_cli import FIRST, Case


class Init(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").unlink()

    def text(self, name):
        return (self.folder / name).read_text(encoding="utf-8")

    def test_a_general_example_is_a_valid_configuration(self):
        out = self.answer("init", "Daily Rates.yml")
        self.assertIn("then: cauce check Daily Rates.yml", out)
        self.assertIn("dataset: daily-rates\n", self.text("Daily Rates.yml"))
        self.answer("check", "Daily Rates.yml")

    def test_what_is_found_in_a_sample_publishes_it(self):
        (self.folder / "rates.csv").write_text(FIRST)
        made = self.json("init", "--from", "rates.csv", "d.yml")
        self.assertEqual(made, {"file": "d.yml", "dataset": "d", "columns": 4, "rows": 3,
                                "key": ["day", "currency"], "partition": "day"})
        text = self.text("d.yml")
        self.assertIn("  url: ./rates.csv\n", text)
        self.assertIn("  - name: day\n    type: date\n    nullable: false\n", text)
        self.assertIn("3 rows of ./rates.csv", text)
        self.answer("check", "d.yml")
        self.assertEqual(self.json("run", "d.yml")["rows_new"], 3)
        self.assertTrue(self.json("verify", "--data", "d.yml")["sound"])

    def test_rows_of_the_sample_that_cannot_be_read_are_named_one_on_each_line(self):
        (self.folder / "s.csv").write_text("id,v\n1,2\n2,3,4\n3,5\n4,6,7\n5,8\n6,9\n7,9\n")
        _, err = self.cauce("init", "--from", "s.csv", "d.yml")
        lines = err.splitlines()
        self.assertTrue(lines[0].endswith("2 of 7 rows of the sample could not be read; the first ones:"), err)
        self.assertIn('s.csv:3:5: "2,3,4"', lines[1])
        self.assertIn('s.csv:5:5: "4,6,7"', lines[2])

    def test_every_format_publishes_what_it_holds(self):
        rows = [{"id": i, "name": f"n{i % 2}", "day": f"2026-01-{i + 1:02}"} for i in range(5)]
        csv = "id;name;day\n" + "".join(f"{r['id']};{r['name']};{r['day']}\n" for r in rows)
        lines = "".join(json.dumps(r) + "\n" for r in rows)
        (self.folder / "a.csv").write_text(csv)
        (self.folder / "b.json").write_text(json.dumps(rows))
        (self.folder / "c.ndjson").write_text(lines)
        (self.folder / "d.csv.gz").write_bytes(gzip.compress(csv.encode()))
        (self.folder / "e.data").write_text(lines)
        (self.folder / "f.csv").write_bytes(b"\xef\xbb\xbf" + csv.replace("\n", "\r\n").encode())
        for name in ("a.csv", "b.json", "c.ndjson", "d.csv.gz", "e.data", "f.csv"):
            made = self.json("init", "--from", name, name[0] + ".yml", "--store", "./p")
            self.assertEqual((made["rows"], made["key"]), (5, ["id"]), name)
            self.assertEqual(self.json("run", name[0] + ".yml")["rows_new"], 5, name)
        everything = self.answer("read", "a.yml")
        for name in "bcdef":
            self.assertEqual(self.answer("read", name + ".yml"), everything, name)
        self.answer("read", "-o", "g.parquet", "a.yml")
        self.json("init", "--from", "g.parquet", "g.yml", "--store", "./p")
        self.json("run", "g.yml")
        self.assertEqual(self.answer("read", "g.yml"), everything)

    def test_the_sample_is_named_as_the_file_sees_it(self):
        (self.folder / "incoming").mkdir()
        (self.folder / "sets").mkdir()
        (self.folder / "incoming/rates.csv").write_text(FIRST)
        self.answer("init", "--from", "incoming/rates.csv", "sets/d.yml")
        self.assertIn("  url: ../incoming/rates.csv\n", self.text("sets/d.yml"))
        self.json("run", "sets/d.yml")
        self.assertTrue((self.folder / "sets/published/d/current/manifest.json").exists())
        full = str((self.folder / "incoming/rates.csv").resolve())
        self.answer("init", "--from", full, "e.yml")
        self.assertIn(f"  url: {full}\n", self.text("e.yml"))

    def test_dates_that_are_not_iso_are_read_as_found(self):
        (self.folder / "a.csv").write_text("day,v\n31.12.2025,1\n01.01.2026,1\n")
        self.answer("init", "--from", "a.csv", "a.yml")
        self.assertIn("formats:", self.text("a.yml"))
        self.json("run", "a.yml")
        self.assertEqual(self.answer("read", "a.yml"), "day,v\n2025-12-31,1\n2026-01-01,1\n")

    def test_an_archive_is_looked_into(self):
        with zipfile.ZipFile(self.folder / "a.zip", "w") as z:
            z.writestr("read.me", "hello")
            z.writestr("in/1.csv", "k;v\n1;0,5\n")
            z.writestr("in/2.csv", "k;v\n2;0,25\n")
        with tarfile.open(self.folder / "b.tar.gz", "w:gz") as t:
            info = tarfile.TarInfo("x.json")
            info.size = 18
            t.addfile(info, io.BytesIO(b'[{"k":1,"v":0.5} ]'))
        for name, pattern, rows in (("a.zip", "*.csv", ["1,0.5", "2,0.25"]), ("b.tar.gz", "*.json", ["1,0.5"])):
            self.answer("init", "--from", name, name[0] + ".yml", "--store", "./p")
            self.assertIn(f'  archive: "{pattern}"\n', self.text(name[0] + ".yml"))
            self.json("run", name[0] + ".yml")
            self.assertEqual(self.answer("read", name[0] + ".yml").splitlines()[1:], rows)

    def test_columns_of_a_fixed_width_are_told_by_their_blanks(self):
        (self.folder / "f.txt").write_text("place     day          value\nCórdoba   2026-01-01    12.5\n"
                                           "Sta Fe    2026-01-02     3.25\n", encoding="utf-8")
        self.answer("init", "--from", "f.txt", "f.yml")
        self.assertIn("  format: fixed\n", self.text("f.yml"))
        self.json("run", "f.yml")
        self.assertEqual(self.answer("read", "f.yml").splitlines(),
                         ["place,day,value", "Córdoba,2026-01-01,12.5", "Sta Fe,2026-01-02,3.25"])

    def test_names_that_no_dataset_can_have_get_others(self):
        names = ["Id", "id", "_version", "x" * 200, "é" * 90, "a"]
        (self.folder / "a.csv").write_text(",".join(names) + "\n1,2,3,4,5,6\n", encoding="utf-8")
        (self.folder / "plain.yml").write_text("dataset: p\nstore: ./p\nsource: ./a.csv\nkey: a\n")
        self.assertIn("`cauce init --from` writes such a list", self.cauce("run", "plain.yml", status=2)[1])
        self.answer("init", "--from", "a.csv", "a.yml")
        self.answer("check", "a.yml")
        self.json("run", "a.yml")
        self.assertEqual([c["name"] for c in self.json("show", "a.yml")["columns"]],
                         ["Id", "id.2", "column_version", "x" * 112, "é" * 56, "a"])
        self.assertEqual(self.answer("read", "a.yml").splitlines()[1], "1,2,3,4,5,6")

    def test_a_key_that_was_given_is_taken(self):
        (self.folder / "rates.csv").write_text(FIRST)
        made = self.json("init", "--from", "rates.csv", "--key", "currency,day", "d.yml")
        self.assertEqual(made["key"], ["currency", "day"])
        self.assertIn("key: [currency, day]\n", self.text("d.yml"))
        err = self.cauce("init", "--from", "rates.csv", "--key", "currncy", "e.yml", status=2)[1]
        self.assertIn('did you mean "currency"?', err)
        self.assertFalse((self.folder / "e.yml").exists())

    def test_names_of_columns_may_be_anything(self):
        names = ["a: b", "# x", "${HOME}", "null", "ä €", "'", '"', "- y"]
        quoted = ",".join('"' + n.replace('"', '""') + '"' for n in names)
        (self.folder / "odd.csv").write_text(quoted + "\n" + ",".join("12345678") + "\n",
                                             encoding="utf-8")
        self.answer("init", "--from", "odd.csv", "odd.yml")
        self.answer("check", "odd.yml")
        self.json("run", "odd.yml")
        self.assertEqual([c["name"] for c in self.json("show", "odd.yml")["columns"]], names)

    def test_a_file_that_exists_is_kept(self):
        (self.folder / "d.yml").write_text("mine")
        err = self.cauce("init", "d.yml", status=2)[1]
        self.assertIn("--force replaces it", err)
        self.assertEqual(self.text("d.yml"), "mine")
        self.answer("init", "--force", "d.yml")
        self.answer("check", "d.yml")

    def test_tables_of_many_countries_are_read_as_they_are_meant(self):
        cases = {  # text: rows as they are published
            "Informe;;\nFuente: INDEC;;\n;;\nfecha;lugar;monto\n31/12/2025;A;1.234,5\n"
            "01/01/2026;B;-0,25\n;;\nNota: provisorio;;\n":
                ["2025-12-31,A,1234.5", "2026-01-01,B,-0.25"],
            "k;n;r\na;1.500;0,5\nb;12.345.678;0,25\nc;7;s/d\n": ["a,1500,0.5", "b,12345678,0.25", "c,7,"],
            "k,v\na,\"1,234.50\"\nb,7.25\n": ["a,1234.5", "b,7.25"],
            "k,share\na,12.5%\nb,3%\n": ["a,0.125", "b,0.03"],
            "k  ,  v\na  ,  1\nbb ,  2\n": ["a,1", "bb,2"],
            ",2020,2021\nAT,1,..\nBE,3,4\n": ["AT,1,", "BE,3,4"],
            "k,v\na,1\nb,2\n\nTotal of 2\n": ["a,1", "b,2"],
        }
        for i, (text, rows) in enumerate(cases.items()):
            (self.folder / f"s{i}.csv").write_text(text, encoding="utf-8")
            self.answer("init", "--from", f"s{i}.csv", f"s{i}.yml")
            self.json("run", f"s{i}.yml")
            self.assertEqual(self.answer("read", f"s{i}.yml").splitlines()[1:], rows, text)
        self.assertIn("  footer: \";;\"\n", self.text("s0.yml"))
        self.assertIn("  footer: \"Total of\"\n", self.text("s6.yml"))

    def test_what_cannot_be_sampled_says_why(self):
        (self.folder / "empty.csv").write_text("")
        for name, words in (("absent.csv", "does not exist"), ("empty.csv", "is empty"),
                            ("scratch", "is a folder")):
            err = self.cauce("init", "--from", name, "d.yml", status=3)[1]
            self.assertIn(words, err)
        self.cauce("init", "--dataset", "No Id", "d.yml", status=2)
        self.assertEqual(sorted(set(os.listdir(self.folder)) - {"state"}), ["empty.csv", "scratch"])


if __name__ == "__main__":
    unittest.main(verbosity=2)

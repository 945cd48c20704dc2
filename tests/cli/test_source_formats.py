"""Formats of sources, from a file as others write it to the published rows."""

import base64
import bz2
import gzip
import hashlib
import io
import json
import lzma
import random
import tarfile
import unittest
import zipfile

from cauce_cli import Case

CONFIG = """dataset: d
store: ./published
source: {source}
columns:
{columns}
key: {key}
{more}
"""


def config(source, columns, key="k", more=""):
    lines = "".join(f"  - {{{c}}}\n" for c in columns)
    return CONFIG.format(source=source, columns=lines, key=key, more=more)


class FormatCase(Case):
    def write(self, name, content):
        mode = "wb" if isinstance(content, bytes) else "w"
        with open(self.folder / name, mode) as f:
            f.write(content)

    def publish(self, text, status=0):
        """Publish by this configuration. Returns the rows, or what was said instead."""
        (self.folder / "d.yml").write_text(text)
        _, said = self.cauce("run", "d.yml", status=status)
        if status != 0:
            return said
        return self.rows()

    def rows(self):
        out, _ = self.cauce("read", "--format", "jsonl", "d.yml")
        rows = [json.loads(line, parse_float=str) for line in out.splitlines()]
        return [{k: v for k, v in row.items() if not k.startswith("_")} for row in rows]


class Json(FormatCase):
    def test_numbers_keep_their_digits(self):
        self.write("s.json", '[{"k":1,"v":1234567890123456.78},{"k":2,"v":123456789012345678.25}]')
        rows = self.publish(config("s.json", ["name: k, type: int", 'name: v, type: "decimal(38,10)"']))
        self.assertEqual([str(r["v"]) for r in rows],
                         ["1234567890123456.7800000000", "123456789012345678.2500000000"])

    def test_records_and_values_below_paths(self):
        self.write("s.json", json.dumps({"meta": {"n": 2}, "data": {"items": [
            {"id": 1, "value": {"amount": 5}, "tags": ["a"]}, {"id": 2, "tags": []}]}}))
        rows = self.publish(config(
            "{url: s.json, records: data.items}",
            ["name: k, type: int, from: id", "name: v, type: int, from: $.value.amount",
             "name: t, type: text, from: [\"$.tags[0]\", tag]"]))
        self.assertEqual(rows, [{"k": 1, "v": 5, "t": "a"}, {"k": 2, "v": None, "t": None}])

    def test_an_empty_array_has_no_rows(self):
        self.write("s.json", "[]")
        (self.folder / "d.yml").write_text(config("s.json", ["name: k, type: int", "name: v, type: int"]))
        out, _ = self.cauce("run", "--json", "d.yml")
        self.assertEqual(json.loads(out)["outcome"], "no_new_rows")

    def test_a_file_that_was_cut_is_refused(self):
        self.write("s.json", '[\n{"k":1,"v":2},\n{"k":2,"v":3},\n')
        said = self.publish(config("s.json", ["name: k, type: int", "name: v, type: int"]), status=3)
        self.assertIn("s.json:4:1: not JSON: the file ends inside an array or object", said)

    def test_a_line_that_is_not_json_is_a_bad_row(self):
        self.write("s.ndjson", '{"k":1,"v":2}\n{"k":2,"v":\n\n{"k":3,"v":"x"}\n{"k":4,"v":5}\n')
        columns = ["name: k, type: int", "name: v, type: int"]
        said = self.publish(config("s.ndjson", columns), status=4)
        self.assertIn("s.ndjson:2:12", said)
        self.assertIn("s.ndjson:4:12", said)
        rows = self.publish(config("s.ndjson", columns, more="bad_rows: reject"))
        self.assertEqual(rows, [{"k": 1, "v": 2}, {"k": 4, "v": 5}])

    def test_listed_columns_are_read_whatever_else_there_is(self):
        for name, text in (("a.json", json.dumps([{f"n{i}": i for i in range(5000)}])),
                           ("b.ndjson", json.dumps({"n7": 7, "x" * 2000: 1}) + "\n")):
            self.write(name, text)
            text = config(name, ["name: k, type: int, from: n7"]).replace("dataset: d", f"dataset: {name[0]}")
            self.assertEqual(self.publish(text), [{"k": 7}])
            self.assertIn("more names than can be listed", self.json("plan", "--force", "d.yml")["warnings"][0])

    def test_an_array_in_place_of_lines_says_what_it_is(self):
        (self.folder / "a.ndjson").write_text('[{"k":1},\n{"k":2}]\n')
        for rows in ("fail", "reject"):
            (self.folder / "d.yml").write_text(
                "dataset: d\nstore: ./published\nsource: ./a.ndjson\n"
                f"key: k\nbad_rows: {rows}\ncolumns: [{{name: k, type: int}}]\n")
            err = self.cauce("run", "d.yml", status=3)[1]
            self.assertIn("a.ndjson is one array of JSON, not an object on each line. Set "
                          "`format: json`.", err)

    def test_null_texts_count_as_configured(self):
        self.write("s.json", r'[{"k":1,"v":""},{"k":2,"v":"NA"},{"k":3,"v":"\\N"}]')
        columns = ["name: k, type: int", "name: v, type: text"]
        self.assertEqual([r["v"] for r in self.publish(config("s.json", columns))], ["", "NA", "\\N"])
        self.cauce("gc", "d.yml")
        text = config("{url: s.json, nulls: ['', NA]}", columns).replace("dataset: d", "dataset: e")
        self.assertEqual([r["v"] for r in self.publish(text)], [None, None, "\\N"])

    def test_columns_are_found_among_hundreds_of_names(self):
        lines = [json.dumps({"k": i, **{f"c{n}": n for n in range(300)}}) for i in range(2)]
        self.write("s.ndjson", "\n".join(lines))
        rows = self.publish(config("s.ndjson", ["name: k, type: int", "name: c5, type: int"]))
        self.assertEqual(rows, [{"k": 0, "c5": 5}, {"k": 1, "c5": 5}])

    def test_what_python_reads_of_generated_documents(self):
        """Texts, digits, nested values and what is missing, against Python's json."""
        rng = random.Random(8)
        records = [self.record(rng, i) for i in range(3000)]
        written = [self.spell(rng, r) for r in records]
        columns = ["name: k, type: bigint"] + [f"name: c{n}, type: text" for n in range(5)]
        expected = [{"k": int(r["k"]), **{f"c{n}": self.text(r.get(f"c{n}")) for n in range(5)}}
                    for r in map(self.parse, written)]
        self.write("s.ndjson", "\n".join(w.replace("\n", " ").replace("\r", " ") for w in written))
        self.write("a.json", "[" + ",".join(written) + "]")
        self.write("b.json", "\n".join(written))
        for name in ("s.ndjson", "a.json", "b.json"):
            text = config(name, columns).replace("dataset: d", "dataset: d" + name[0])
            self.assertEqual(self.publish(text), expected, name)

    class Digits(str):
        """A number as it stands in the text."""

    def parse(self, text):
        return json.loads(text, parse_float=self.Digits, parse_int=self.Digits)

    def text(self, value):
        """What a text column has of a value."""
        if value is None:
            return None
        return str(value) if isinstance(value, str) else self.compact(value)

    def compact(self, value):
        if isinstance(value, self.Digits):
            return str(value)
        if isinstance(value, dict):
            return "{" + ",".join(f"{self.compact(k)}:{self.compact(v)}" for k, v in value.items()) + "}"
        if isinstance(value, list):
            return "[" + ",".join(map(self.compact, value)) + "]"
        if isinstance(value, str):
            short = json.dumps(value, ensure_ascii=False)
            return "".join(c.upper() if short[i - 4:i - 1] == "u00" or short[i - 3:i] == "u00" else c
                           for i, c in enumerate(short)) if "\\u00" in short else short
        return {None: "null", True: "true", False: "false"}[value]

    def record(self, rng, i):
        record = {"k": i}
        for n in rng.sample(range(5), rng.randrange(6)):
            record[f"c{n}"] = self.value(rng, 0)
        return record

    def value(self, rng, depth):
        kind = rng.randrange(9 if depth < 4 else 7)
        if kind == 0:
            return None
        if kind == 1:
            return rng.choice([True, False])
        if kind in (2, 3):
            return self.Digits(self.number(rng))
        if kind < 7:
            alphabet = "abc \\\"/\b\f\n\r\t\x1f\x7f\u00e9\u20ac\ud7ff\uffff\U0001f30a{}[],:"
            return "".join(rng.choice(alphabet) for _ in range(rng.randrange(12)))
        if kind == 7:
            return [self.value(rng, depth + 1) for _ in range(rng.randrange(4))]
        return {rng.choice(["a", "b c", "\u00e9", ""]) + str(n): self.value(rng, depth + 1)
                for n in range(rng.randrange(4))}

    @staticmethod
    def number(rng):
        whole = rng.choice(["0", str(rng.randrange(1, 10 ** rng.randrange(1, 30)))])
        text = rng.choice(["", "-"]) + whole
        if rng.random() < 0.5:
            text += "." + "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 20)))
        if rng.random() < 0.3:
            text += rng.choice("eE") + rng.choice(["", "+", "-"]) + str(rng.randrange(400))
        return text

    def spell(self, rng, value):
        """A value as JSON, with blanks and escapes wherever they may be."""
        def blank():
            return "".join(rng.choice(" \t\r\n") for _ in range(rng.choice([0, 0, 0, 1, 2])))

        def spell_text(text):
            out = ""
            for c in text:
                units = c.encode("utf-16-be").hex()
                escape = "".join("\\u" + (units[i:i + 4] if rng.random() < 0.5 else units[i:i + 4].upper())
                                 for i in range(0, len(units), 4))
                short = json.dumps(c, ensure_ascii=False)[1:-1]
                out += escape if rng.random() < 0.2 else short
            return '"' + out + '"'

        def spell_any(v):
            if isinstance(v, self.Digits) or (isinstance(v, int) and not isinstance(v, bool)):
                return str(v)
            if isinstance(v, str):
                return spell_text(v)
            if isinstance(v, list):
                return "[" + ",".join(blank() + spell_any(x) + blank() for x in v) + blank() + "]"
            if isinstance(v, dict):
                return "{" + ",".join(blank() + spell_text(k) + blank() + ":" + blank() + spell_any(x) + blank()
                                      for k, x in v.items()) + blank() + "}"
            return {None: "null", True: "true", False: "false"}[v]

        return spell_any(value)


class Packed(FormatCase):
    TEXT = "k,v\n1,a\n2,b\n"
    COLUMNS = ["name: k, type: int", "name: v, type: text"]
    ROWS = [{"k": 1, "v": "a"}, {"k": 2, "v": "b"}]

    def test_xz_and_bzip2(self):
        self.write("s.csv.xz", lzma.compress(self.TEXT.encode()))
        self.assertEqual(self.publish(config("s.csv.xz", self.COLUMNS)), self.ROWS)
        self.write("t.csv.bz2", bz2.compress(self.TEXT.encode())[:-3])
        said = self.publish(config("t.csv.bz2", self.COLUMNS), status=3)
        self.assertIn("t.csv.bz2 is not complete and sound bzip2 data", said)

    def test_moments_of_old_parquet_files_are_those_of_utc(self):
        """Files without logical types: 2023-11-14 22:13:20 UTC, which no zone may shift."""
        self.write("s.parquet", base64.b64decode(
            "UEFSMRUAFRQVFCwVAhUAFQYVBhwAAAACAAAAAgEBAAAAFQAVHBUcLBUCFQAVBhUGHAAAAAIAAAACAQBAHhgkCgYA"
            "FQQZPDUAGAZzY2hlbWEVBAAVAiUCGAFrABUEJQIYAXYlFAAWAhkcGSwmABwVAhklBgAZGAFrFQAWAhY6FjomCEkc"
            "FQAVABUCADwpBhkmAAIAAAAmABwVBBklBgAZGAF2FQAWAhZCFkImQkkcFQAVABUCADwpBhkmAAIAAAAWfBYCJggW"
            "fAAoIHBhcnF1ZXQtY3BwLWFycm93IHZlcnNpb24gMjYuMC4xGSwcAAAcAAAAsQAAAFBBUjE="))
        rows = self.publish(config("{url: s.parquet, time_zone: Europe/Madrid}",
                                   ["name: k, type: int", "name: v, type: timestamp"]))
        self.assertEqual(rows, [{"k": 1, "v": "2023-11-14T22:13:20.000000Z"}])

    def test_parquet_that_is_compressed_as_a_whole(self):
        self.write("s.csv", self.TEXT.encode())
        self.publish(config("s.csv", self.COLUMNS))
        self.cauce("read", "-o", "s.parquet", "d.yml")
        content = (self.folder / "s.parquet").read_bytes()
        for name, pack in (("gz", gzip.compress), ("xz", lzma.compress), ("bz2", bz2.compress)):
            self.write(f"s.parquet.{name}", pack(content))
            text = config(f"s.parquet.{name}", self.COLUMNS)
            self.assertEqual(self.publish(text.replace("dataset: d", f"dataset: d{name}")), self.ROWS, name)
        self.write("t.parquet.gz", gzip.compress(content)[:-20])
        self.assertIn("t.parquet.gz", self.publish(config("t.parquet.gz", self.COLUMNS), status=3))
        self.write("u.parquet.gz", gzip.compress(b"PAR1" + bytes(5000)))
        text = config("{url: u.parquet.gz, max_bytes: 100 B}", self.COLUMNS)
        self.assertIn("max_bytes", self.publish(text, status=1))

    def test_what_is_unpacked_counts_for_max_bytes(self):
        self.write("s.csv.gz", gzip.compress(b"k,v\n" + b"1,a\n" * 1000))
        text = config("{url: s.csv.gz, max_bytes: 2000 B}", self.COLUMNS, more="duplicates: last")
        said = self.publish(text, status=1)
        self.assertIn("s.csv.gz is larger than the limit of 2000 bytes as a plain file", said)
        self.publish(text.replace("2000 B", "5 kB"))

    def recorded(self):
        newest = sorted((self.folder / "published/d/manifests").iterdir())[-1]
        return json.loads(newest.read_text())["source"]["sha256"]

    def test_what_is_recorded_of_a_source_is_the_digest_of_its_bytes(self):
        rows = "".join(f"{i},x{i}\n" for i in range(20000))
        csv = ("k,v\n" + rows).encode()
        lines = "".join('{"k": %d, "v": "y"}\n' % i for i in range(3000)).encode()
        with_footer = csv + b'total,"\n' + b"," * 300000
        for name, content, more in (
                ("a.csv", csv, ""), ("b.csv.gz", gzip.compress(csv + b"20000,b\n"), ""),
                ("c.csv.bz2", bz2.compress(csv + b"20001,c\n"), ""), ("d.ndjson", lines, ""),
                ("e.json", b"[" + lines.replace(b"}\n{", b"},{").replace(b"y", b"w") + b"]  \n", ""),
                ("f.csv", with_footer, ", footer: total"),
                ("g.csv", csv.replace(b"x1", b"z1"), ""), ("h.csv", csv.replace(b"x1", b"q1"), ""),
                ("i.zip", self.archive("zip", {"i.csv": "k,v\n30000,x\n"}),
                 ", archive: '*.csv', format: csv")):
            self.write(name, content)
            text = config("{url: %s%s}" % (name, more), self.COLUMNS)
            self.publish(text)
            self.assertEqual(self.recorded(), hashlib.sha256(content).hexdigest(), name)
            self.assertEqual(self.json("run", "d.yml")["outcome"], "unchanged", name)

    def test_several_files_are_recorded_by_their_digests(self):
        digests = ""
        for i in range(3):
            self.write(f"{i}.csv", f"k,v\n{i},x\n")
            digests += hashlib.sha256(f"k,v\n{i},x\n".encode()).hexdigest()
        self.publish(config("'*.csv'", self.COLUMNS))
        self.assertEqual(self.recorded(), hashlib.sha256(digests.encode()).hexdigest())

    def archive(self, kind, members):
        out = io.BytesIO()
        if kind == "zip":
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
                for name, text in members.items():
                    z.writestr(name, text)
        else:
            with tarfile.open(fileobj=out, mode="w:" + kind) as t:
                for name, text in members.items():
                    info = tarfile.TarInfo(name)
                    info.size = len(text)
                    t.addfile(info, io.BytesIO(text.encode()))
        return out.getvalue()

    def test_members_of_archives_are_files_of_the_source(self):
        members = {"b/2.csv": "k,v\n2,b\n", "read.me": "hello", "b/1.csv": "k,v\n1,a\n"}
        for kind in ("zip", "gz", "xz", "bz2", ""):
            self.write("s.archive", self.archive(kind, members))
            text = config('{url: s.archive, archive: "*.csv"}', self.COLUMNS)
            self.assertEqual(self.publish(text.replace("dataset: d", f"dataset: d{kind}")), self.ROWS, kind)

    def test_a_fault_names_the_member(self):
        self.write("s.zip", self.archive("zip", {"in/a.csv": "k,v\n1,a\nx,b\n"}))
        text = config('{url: s.zip, archive: "in/*.csv"}', self.COLUMNS)
        self.assertIn("s.zip:in/a.csv:3:1", self.publish(text, status=4))

    def test_no_member_that_matches_is_an_error(self):
        self.write("s.zip", self.archive("zip", {"a.txt": "x"}))
        text = config('{url: s.zip, archive: "*.csv"}', self.COLUMNS)
        self.assertIn('has no member that matches "*.csv" (`archive`); it has a.txt',
                      self.publish(text, status=3))

    def test_an_unchanged_archive_is_not_read_again(self):
        self.write("s.zip", self.archive("zip", {"a.csv": self.TEXT}))
        self.publish(config('{url: s.zip, archive: "*.csv"}', self.COLUMNS))
        out, _ = self.cauce("run", "--json", "d.yml")
        self.assertEqual(json.loads(out)["outcome"], "unchanged")


class Workbook(FormatCase):
    OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"

    def workbook(self, rows, merged=""):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as z:
            z.writestr("_rels/.rels", f'<Relationships><Relationship Id="a" Target="xl/workbook.xml" '
                       f'Type="{self.OFFICE}/officeDocument"/></Relationships>')
            z.writestr("xl/workbook.xml", '<workbook xmlns:r="r"><sheets><sheet name="One" r:id="s"/>'
                       "</sheets></workbook>")
            z.writestr("xl/_rels/workbook.xml.rels", "<Relationships>"
                       f'<Relationship Id="s" Type="{self.OFFICE}/worksheet" Target="sheet.xml"/>'
                       f'<Relationship Id="t" Type="{self.OFFICE}/styles" Target="styles.xml"/>'
                       "</Relationships>")
            z.writestr("xl/styles.xml", '<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/>'
                       "</cellXfs></styleSheet>")
            z.writestr("xl/sheet.xml", "<worksheet><sheetData>" + "".join(
                "<row>" + "".join(row) + "</row>" for row in rows) + "</sheetData>" + merged + "</worksheet>")
        return out.getvalue()

    @staticmethod
    def text(value):
        return f'<c t="inlineStr"><is><t>{value}</t></is></c>'

    @staticmethod
    def number(value, style=0):
        return f'<c s="{style}"><v>{value}</v></c>'

    def test_rows_of_a_sheet(self):
        self.write("s.xlsx", self.workbook([
            [self.text("k"), self.text("day"), self.text("price")],
            [self.number(1), self.number(45296, 1), self.number("0.10000000000000001")],
            [self.number(2), self.number(45297, 1), self.number("12.5")]]))
        rows = self.publish(config("s.xlsx", ["name: k, type: int", "name: day, type: date",
                                              'name: price, type: "decimal(9,2)"']))
        self.assertEqual([(r["k"], r["day"], str(r["price"])) for r in rows],
                         [(1, "2024-01-05", "0.10"), (2, "2024-01-06", "12.50")])

    def test_a_fault_names_the_row_and_column(self):
        self.write("s.xlsx", self.workbook([[self.text("k"), self.text("v")],
                                            [self.number(1), '<c t="e"><v>#N/A</v></c>']]))
        columns = ["name: k, type: int", "name: v, type: double"]
        said = self.publish(config("s.xlsx", columns), status=4)
        self.assertIn("s.xlsx:2:2", said)
        self.assertIn("#N/A", said)
        rows = self.publish(config('{url: s.xlsx, nulls: ["#N/A"]}', columns))
        self.assertEqual(rows, [{"k": 1, "v": None}])

    def test_a_formula_whose_value_was_not_saved_is_a_fault(self):
        columns = ["name: k, type: int", "name: v, type: text"]
        for saved in ("", "<v></v>", "<v/>"):
            self.write("s.xlsx", self.workbook([[self.text("k"), self.text("v")],
                                                [self.number(1), f"<c><f>1+1</f>{saved}</c>"]]))
            said = self.publish(config("s.xlsx", columns), status=4)
            self.assertIn('s.xlsx:2:2', said)
            self.assertIn("is a formula without a value", said)
        self.write("s.xlsx", self.workbook([[self.text("k"), self.text("v")],
                                            [self.number(1), '<c t="str"><f>""</f><v></v></c>']]))
        rows = self.publish(config("{url: s.xlsx, nulls: []}", columns))
        self.assertEqual(rows, [{"k": 1, "v": ""}])

    def test_rows_before_the_header_are_skipped(self):
        self.write("s.xlsx", self.workbook([[self.text("A title")], [self.text("k")], [self.number(1)]]))
        rows = self.publish(config("{url: s.xlsx, skip_lines: 1}", ["name: k, type: int"]))
        self.assertEqual(rows, [{"k": 1}])

    def test_a_sheet_that_is_not_there(self):
        self.write("s.xlsx", self.workbook([[self.text("k")]]))
        said = self.publish(config("{url: s.xlsx, sheet: Two}", ["name: k, type: int"]), status=4)
        self.assertIn('has no sheet "Two" (`sheet`); it has "One"', said)

    def test_what_openpyxl_writes(self):
        try:
            import openpyxl
        except ImportError:
            self.skipTest("openpyxl is not installed")
        book = openpyxl.Workbook()
        book.active.append(["k", "v"])
        for i in range(50):
            book.active.append([i, f"text {i} <&>"])
        book.save(self.folder / "s.xlsx")
        rows = self.publish(config("s.xlsx", ["name: k, type: int", "name: v, type: text"]))
        self.assertEqual(rows, [{"k": i, "v": f"text {i} <&>"} for i in range(50)])


if __name__ == "__main__":
    unittest.main()

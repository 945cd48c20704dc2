"""Every kind of fault of every reader has its place, its column and its value; every error of a whole
file has the file and, where there is one, the place.

What is expected is written as the report of a run writes it: line:character, column and value in
quotes. A reason follows; which one is what the unit tests of the readers look at.
"""

import io
import unittest
import zipfile

from answers import ask_one

COLUMNS = [{"name": "k", "type": "int", "nulls": [""], "required": True},
           {"name": "v", "type": "date", "nulls": [""]}, {"name": "t", "type": "text", "nulls": [""]}]

OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
BOOK = {
    "_rels/.rels": f"<Relationships><Relationship Id='r' Type='{OFFICE}/officeDocument' "
                   "Target='xl/workbook.xml'/></Relationships>",
    "xl/workbook.xml": f"<workbook xmlns:r='{OFFICE}'><sheets><sheet name='S' r:id='a'/></sheets></workbook>",
    "xl/_rels/workbook.xml.rels":
        f"<Relationships><Relationship Id='a' Type='{OFFICE}/worksheet' Target='s.xml'/>"
        f"<Relationship Id='b' Type='{OFFICE}/styles' Target='y.xml'/></Relationships>",
    "xl/y.xml": "<styleSheet><cellXfs><xf/><xf numFmtId='14'/></cellXfs></styleSheet>",
}

# Of each format: settings, what stands before, and for each kind of fault what stands in the file and
# what is said of it.
CSV = ({"format": "csv"}, "k,v,t\n1,,x\n", {
    "x,,\n": '3:1 k "x"',
    "3000000000,,\n": '3:1 k "3000000000"',
    "1.5,,\n": '3:1 k "1.5"',
    ",,\n": '3:1 k',
    "1,05/01/24,\n": '3:3 v "05/01/24"',
    "1,2026-02-30,\n": '3:3 v "2026-02-30"',
    '1,"a\nb",\n': '3:3 v "a\nb"',
    'é,"x"\n': '3:6 "é,"x""',
    "1,,x,y\n": '3:6 "1,,x,y"',
    '1,,"x"y\n': '3:7 "1,,"x"y"',
    b"1,,\xff\n": '3:4 "1,,\udcff"',
})
FIXED = ({"format": "fixed", "widths": [3, 10, 2]}, "k  v         t\n1            x\n", {
    "x\n": '3:2 "x"',
    "x             \n": '3:1 k "x"',
    "             x\n": '3:4 k',
    "1  05/01/24   \n": '3:4 v "05/01/24"',
    "1            xyz\n": '3:16 "1            xyz"',
    b"1            \xff\n": '3:14 "1            \udcff"',
})
NDJSON = ({"format": "ndjson"}, '{"k":1,"v":null,"t":"x"}\n', {
    '{"k":"x"}\n': '2:6 k "x"',
    '{"k":1.5}\n': '2:6 k "1.5"',
    '{"k":null}\n': '2:6 k "null"',
    '{}\n': '2:1 k',
    '{"k":true}\n': '2:6 k "true"',
    '{"k":[1]}\n': '2:6 k "[1]"',
    '{"é":1,"k":1,"v":"05/01/24"}\n': '2:18 v "05/01/24"',
    '{"k":1,"k":2}\n': '2:9 "{"k":1,"k":2}"',
    '{"k":1\n': '2:7 "{"k":1"',
    '{"k":01}\n': '2:6 "{"k":01}"',
    '[1]\n': '2:1 "[1]"',
    b'{"k":1,"t":"\xff"}\n': '2:13 "{"k":1,"t":"\udcff"}"',
    '{"k":1,"t":"\\ud800"}\n': '2:15 "{"k":1,"t":"\\ud800"}"',
})
JSON = ({"format": "json"}, '[{"k":1,"v":null,"t":"x"}\n,', {
    '{"k":"x"}]': '2:7 k "x"',
    '{}]': '2:2 k',
    '{"k":1,"v":\n{"a":1}}]': '3:1 v "{"a":1}"',
    '{"k":1,"k":2}]': '2:10 "{"k":1,"k":2}"',
    'null]': '2:2 "null"',
    '"x"]': '2:2 "x"',
})
XLSX = ({"format": "xlsx"}, "<row><c t='str'><v>k</v></c><c t='str'><v>v</v></c><c t='str'><v>t</v></c></row>"
        "<row><c><v>1</v></c></row>", {
    "<row><c t='str'><v>x</v></c></row>": '3:1 k "x"',
    "<row><c><v>1.5</v></c></row>":
        '3:1 k "1.5"',
    "<row r='9'><c r='B9'><v>1</v></c></row>": '9:1 k',
    "<row><c><v>1</v></c><c s='1'><v>60</v></c></row>":
        '3:2 v "60"',
    "<row><c><v>1</v></c><c><v>45000</v></c></row>": '3:2 v "45000"',
    "<row><c t='e'><v>#N/A</v></c></row>":
        '3:1 k "#N/A"',
    "<row><c><f>1</f></c></row>": '3:1 k ""',
    "<row><c t='b'><v>2</v></c></row>": '3:1 k "2"',
    "<row><c><v>x</v></c></row>": '3:1 k "x"',
})

# What ends the reading of a whole file.
ERRORS = [
    ({"format": "csv"}, "", "source is empty"),
    ({"format": "csv"}, 'k,v,t\n1,,x\n2,,"é\n', "source:3:4: a quote"),
    ({"format": "csv"}, 'k,"v\n', "source: line 1, before the data, has a quote"),
    ({"format": "csv"}, b"k,\xff\n", "source: the name of column 2 on line 1 is not UTF-8"),
    ({"format": "csv"}, "k,t\n1,2\n", 'column "v" is not in source'),
    ({"format": "csv", "skip_lines": 9}, "k,v,t\n1,,x\n", "source"),
    ({"format": "csv"}, b"PK\x03\x04", "source is a ZIP archive"),
    ({"format": "csv", "encoding": "utf-16le"}, "k,v,t\n".encode("utf-16le") + b"1", "source"),
    ({"format": "fixed", "widths": [1, 1, 1]}, "", "source is empty"),
    ({"format": "ndjson"}, "<html>", "source is a web page"),
    ({"format": "json"}, '[{"k":1,"v":null,"t":"x"},', "source:1:27: not JSON"),
    ({"format": "json"}, '[{"k":1}\n,,]', "source:2:2: not JSON"),
    ({"format": "json"}, '[{"k":1,}]', "source:1:9: not JSON"),
    ({"format": "json"}, '[{"k":1}]\n]', "source:2:1: not JSON"),
    ({"format": "json"}, "1", "source:1:1: not records"),
    ({"format": "json", "records": "a.b"}, '{"a":{"c":1}}', "source"),
    ({"format": "xlsx"}, "k,v\n", "source"),
]


def book(rows):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in BOOK.items():
            archive.writestr(name, text)
        archive.writestr("xl/s.xml", f"<worksheet><sheetData>{rows}</sheetData></worksheet>")
    return out.getvalue()


def encode(text):
    return text if isinstance(text, bytes) else text.encode()


def show(fault):
    """As the report of a run does; a place that is not known, 0, is left in, to be seen."""
    parts = [f"{fault.line}:{fault.column}"] + ([fault.name] if fault.name else [])
    return " ".join(parts + ([f'"{fault.value}"'] if fault.value is not None else []))


class Faults(unittest.TestCase):
    maxDiff = None

    def check(self, settings, before, faults, make=lambda content: content):
        for content, expected in faults.items():
            with self.subTest(content=content):
                whole = before + content if settings["format"] == "xlsx" else encode(before) + encode(content)
                answer = ask_one({**settings, "columns": COLUMNS}, make(whole))
                self.assertIsNone(answer.error)
                self.assertEqual([show(fault) for fault in answer.faults.values()], [expected])
                self.assertTrue(all(fault.reason for fault in answer.faults.values()))
                self.assertEqual(list(answer.rows), [1])

    def test_csv(self):
        self.check(*CSV)

    def test_fixed_width(self):
        self.check(*FIXED)

    def test_lines_of_json(self):
        self.check(*NDJSON)

    def test_json(self):
        self.check(*JSON)

    def test_workbooks(self):
        self.check(*XLSX, make=book)

    def test_errors_of_a_file_have_its_name_and_their_place(self):
        for settings, content, begin in ERRORS:
            with self.subTest(settings=settings, content=content):
                answer = ask_one({**settings, "columns": COLUMNS}, encode(content))
                self.assertIsNotNone(answer.error, answer)
                self.assertEqual(answer.error[1][:len(begin)], begin)


if __name__ == "__main__":
    unittest.main()

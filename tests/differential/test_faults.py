"""Every kind of fault of every reader has its place, its column and its value; every error of a whole
file has the file and, where there is one, the place.

What is expected is written as the report writes it: line:character (row of a format without lines),
column, value in quotes, reason.
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
    "x,,\n": '3:1 k "x" is not an int',
    "3000000000,,\n": '3:1 k "3000000000" is not an int (too great or too small for it)',
    "1.5,,\n": '3:1 k "1.5" is not an int (it has more digits after the point than the type keeps)',
    ",,\n": '3:1 k has no value, but must have one',
    "1,05/01/24,\n": '3:3 v "05/01/24" is not a date',
    "1,2026-02-30,\n": '3:3 v "2026-02-30" is not a date (there is no such day)',
    '1,"a\nb",\n': '3:3 v "a\nb" is not a date',
    'é,"x"\n': '3:6 "é,"x"" has 2 values instead of 3',
    "1,,x,y\n": '3:6 "1,,x,y" has 4 values instead of 3',
    '1,,"x"y\n': '3:7 "1,,"x"y" has text behind a closing quote',
    b"1,,\xff\n": '3:4 "1,,\udcff" is not UTF-8 text',
})
FIXED = ({"format": "fixed", "widths": [3, 10, 2]}, "k  v         t\n1            x\n", {
    "x\n": '3:2 "x" ends before its last column',
    "x             \n": '3:1 k "x" is not an int',
    "             x\n": '3:4 k has no value, but must have one',
    "1  05/01/24   \n": '3:4 v "05/01/24" is not a date',
    "1            xyz\n": '3:16 "1            xyz" goes on behind its last column',
    b"1            \xff\n": '3:14 "1            \udcff" is not UTF-8 text',
})
NDJSON = ({"format": "ndjson"}, '{"k":1,"v":null,"t":"x"}\n', {
    '{"k":"x"}\n': '2:6 k "x" is not an int',
    '{"k":1.5}\n': '2:6 k "1.5" is not an int (it has more digits after the point than the type keeps)',
    '{"k":null}\n': '2:6 k "null" has no value, but must have one',
    '{}\n': '2:1 k has no value, but must have one',
    '{"k":true}\n': '2:6 k "true" is not an int',
    '{"k":[1]}\n': '2:6 k "[1]" is an array: only a text column takes it',
    '{"é":1,"k":1,"v":"05/01/24"}\n': '2:18 v "05/01/24" is not a date',
    '{"k":1,"k":2}\n': '2:9 "{"k":1,"k":2}" has the name "k" twice',
    '{"k":1\n': '2:7 "{"k":1" is not JSON: the line ends inside the object',
    '{"k":01}\n': '2:6 "{"k":01}" is not JSON: a number begins with a zero',
    '[1]\n': '2:1 "[1]" is an array, not an object',
    b'{"k":1,"t":"\xff"}\n': '2:13 "{"k":1,"t":"\udcff"}" is not JSON: a string is not valid UTF-8',
    '{"k":1,"t":"\\ud800"}\n': '2:15 "{"k":1,"t":"\\ud800"}" is not JSON: half of a surrogate pair stands alone',
})
JSON = ({"format": "json"}, '[{"k":1,"v":null,"t":"x"}\n,', {
    '{"k":"x"}]': '2:7 k "x" is not an int',
    '{}]': '2:2 k has no value, but must have one',
    '{"k":1,"v":\n{"a":1}}]': '3:1 v "{"a":1}" is an object: only a text column takes it',
    '{"k":1,"k":2}]': '2:10 "{"k":1,"k":2}" has the name "k" twice',
    'null]': '2:2 "null" is null, not an object',
    '"x"]': '2:2 "x" is a text, not an object',
})
XLSX = ({"format": "xlsx"}, "<row><c t='str'><v>k</v></c><c t='str'><v>v</v></c><c t='str'><v>t</v></c></row>"
        "<row><c><v>1</v></c></row>", {
    "<row><c t='str'><v>x</v></c></row>": '3:1 k "x" is not an int',
    "<row><c><v>1.5</v></c></row>":
        '3:1 k "1.5" is not an int (it has more digits after the point than the type keeps)',
    "<row r='9'><c r='B9'><v>1</v></c></row>": '9:1 k has no value, but must have one',
    "<row><c><v>1</v></c><c s='1'><v>60</v></c></row>":
        '3:2 v "60" is shown as a date, but there is no such day',
    "<row><c><v>1</v></c><c><v>45000</v></c></row>": '3:2 v "45000" is not a date',
    "<row><c t='e'><v>#N/A</v></c></row>":
        '3:1 k "#N/A" is an error: list it under `nulls` if it means that there is no value',
    "<row><c><f>1</f></c></row>": '3:1 k "" is a formula without a value: calculate and save the workbook',
    "<row><c t='b'><v>2</v></c></row>": '3:1 k "2" is not a truth value, though the workbook says so',
    "<row><c><v>x</v></c></row>": '3:1 k "x" is not a number, though the workbook says so',
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
    return " ".join(parts + ([f'"{fault.value}"'] if fault.value is not None else []) + [fault.reason])


class Faults(unittest.TestCase):
    maxDiff = None

    def check(self, settings, before, faults, make=lambda content: content):
        for content, expected in faults.items():
            with self.subTest(content=content):
                whole = before + content if settings["format"] == "xlsx" else encode(before) + encode(content)
                answer = ask_one({**settings, "columns": COLUMNS}, make(whole))
                self.assertIsNone(answer.error)
                self.assertEqual([show(fault) for fault in answer.faults.values()], [expected])
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

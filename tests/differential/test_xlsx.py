"""The reader of workbooks against what Python put into them: texts, numbers, dates and truth values
in columns of every type, in rows and cells that are often not there.

The workbooks are written here, with zipfile and datetime alone. CAUCE_TEST_FILES says how many there
are (CAUCE_TORTURE=full: 10000).
"""

import datetime
import io
import os
import random
import unittest
import zipfile
from xml.sax.saxutils import escape

from answers import ask
from columns import TYPES, Column
from invented import SEED

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (10000 if os.environ.get("CAUCE_TORTURE") == "full" else 400))
GROUP = 20
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
# Numbers of styles: general, date, moment.
STYLES = ("<styleSheet><numFmts><numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/>"
          "<numFmt numFmtId='165' formatCode='d/m/yy\\ h:mm'/></numFmts>"
          "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/></cellXfs></styleSheet>")


class Book:
    def __init__(self, rnd):
        self.random = rnd
        self.from_1904 = rnd.random() < 0.2
        self.shared = []

    def text_cell(self, text):
        kind = self.random.randrange(3)
        shown = f"<t xml:space='preserve'>{escape(text)}</t>"
        if kind == 0:
            return "t='inlineStr'", f"<is>{shown}</is>"
        if kind == 1:
            return "t='str'", f"<f>A1</f><v>{escape(text)}</v>"
        at = len(text) // 2
        runs = f"<r><t xml:space='preserve'>{escape(text[:at])}</t></r><r><t xml:space='preserve'>" \
               f"{escape(text[at:])}</t></r>"
        self.shared.append(f"<si>{self.random.choice((shown, runs))}</si>")
        return "t='s'", f"<v>{len(self.shared) - 1}</v>"

    def serial(self, moment):
        begin = datetime.datetime(1904, 1, 1) if self.from_1904 else datetime.datetime(1899, 12, 30)
        passed = moment - begin
        return passed.days + passed.seconds / 86400

    def cell(self, value):
        """Attributes and content of a cell."""
        if isinstance(value, bool):
            return "t='b'", f"<v>{int(value)}</v>"
        if isinstance(value, str):
            return self.text_cell(value)
        if isinstance(value, datetime.datetime):
            return "s='2'", f"<v>{self.serial(value)!r}</v>"
        if isinstance(value, datetime.date):
            days = self.serial(datetime.datetime.combine(value, datetime.time()))
            return "s='1'", f"<v>{int(days)}</v>"
        shown = f"{value:.17g}" if isinstance(value, float) else str(value)
        return "", f"<v>{shown.upper()}</v>"

    def row(self, number, values):
        cells = []
        for i, value in enumerate(values):
            if value is not None:
                attributes, content = self.cell(value)
                cells.append(f"<c r='{chr(65 + i)}{number}' {attributes}>{content}</c>")
        return f"<row r='{number}'>{''.join(cells)}</row>"

    def pack(self, rows):
        parts = {
            "_rels/.rels": f"<Relationships><Relationship Id='r' Type='{OFFICE}/officeDocument' "
                           "Target='xl/workbook.xml'/></Relationships>",
            "xl/workbook.xml": f"<workbook xmlns:r='{OFFICE}'><workbookPr date1904='{int(self.from_1904)}'/>"
                               "<sheets><sheet name='S' r:id='a'/></sheets></workbook>",
            "xl/_rels/workbook.xml.rels": "<Relationships>" + "".join(
                f"<Relationship Id='{key}' Type='{OFFICE}/{kind}' Target='{kind}.xml'/>"
                for key, kind in zip("abc", ("worksheet", "styles", "sharedStrings"))) + "</Relationships>",
            "xl/worksheet.xml": f"<worksheet><sheetData>{''.join(rows)}</sheetData></worksheet>",
            "xl/styles.xml": STYLES,
            "xl/sharedStrings.xml": f"<sst>{''.join(self.shared)}</sst>",
        }
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, text in parts.items():
                archive.writestr(name, text)
        return out.getvalue()


def invent(rnd, column):
    """A value that the column may have, mostly."""
    kind = column.kind.partition("(")[0] if rnd.random() < 0.9 else rnd.choice(("text", "int", "date", "boolean"))
    if rnd.random() < 0.15:
        return None
    if kind in ("date", "timestamp") and rnd.random() < 0.8:
        day = datetime.date(1904, 1, 2) + datetime.timedelta(days=rnd.randrange(100000))
        at = datetime.datetime.combine(day, datetime.time(rnd.randrange(24), rnd.randrange(60), rnd.randrange(60)))
        return at if kind == "timestamp" or rnd.random() < 0.1 else day
    if kind == "boolean" and rnd.random() < 0.7:
        return rnd.random() < 0.5
    if kind in ("int", "bigint") and rnd.random() < 0.7:
        return rnd.choice((rnd.randint(-1000, 1000), rnd.randint(-2**40, 2**40), rnd.randint(-2**63, 2**63 - 1)))
    if kind in ("decimal", "double") and rnd.random() < 0.7:
        return rnd.choice((rnd.randint(-10**8, 10**8) / 100, rnd.uniform(-1e3, 1e3), 0.1 + 0.2, 5.0, 1e-7))
    return column.valid() if kind != "text" else "".join(rnd.choices("ab 1<&>'é日\n", k=rnd.randint(1, 5)))


def value_of(column, value):
    """What a cell is in a column; False: a fault."""
    kind = column.kind
    if value is None:
        return None
    if isinstance(value, bool):
        return column.value("true" if value else "false")
    if isinstance(value, datetime.date):
        moment = isinstance(value, datetime.datetime)
        midnight = not moment or value.time() == datetime.time()
        shown = value.isoformat(" ") if moment else value.isoformat()
        if kind == "text":
            return shown
        if kind == "date":
            return shown[:10] if midnight else False
        return shown + ("+00" if moment else " 00:00:00+00") if kind == "timestamp" else False
    if isinstance(value, float):
        shown = repr(value).removesuffix(".0")
        return column.value(shown) if kind != "text" else shown
    return column.value(str(value))


class Xlsx(unittest.TestCase):
    def compare(self, columns, records, answer):
        self.assertIsNone(answer.error, records)
        for i, (number, values) in enumerate(records, 1):
            wanted = [value_of(column, value) for column, value in zip(columns, values)]
            fault = answer.faults.get(i)
            if False not in wanted:
                self.assertEqual(answer.rows.get(i), wanted, (values, fault))
                self.assertEqual(answer.lines[i], number)
                continue
            bad = [column.name for column, value in zip(columns, wanted) if value is False]
            self.assertIsNotNone(fault, (values, answer.rows.get(i)))
            self.assertIn(fault.name, bad)
            self.assertEqual(fault.line, number)
        self.assertEqual(len(answer.rows) + len(answer.faults), len(records))

    def invent_file(self, rnd, columns):
        book, records, number = Book(rnd), [], rnd.randint(1, 3)
        rows = [book.row(number, [column.name for column in columns])]
        for _ in range(rnd.randint(0, 12)):
            number += rnd.choice((1, 1, 1, 2, 5))
            values = [invent(rnd, column) for column in columns]
            rows.append(book.row(number, values))
            if any(value is not None for value in values):
                records.append((number, values))
        return book.pack(rows), records

    def test_cells_are_what_python_wrote(self):
        rnd = random.Random(SEED)
        groups = []
        for _ in range(FILES // GROUP):
            columns = [Column(f"column{i}", rnd.choice(TYPES), {}, rnd) for i in range(rnd.randint(1, 5))]
            settings = {"format": "xlsx", "columns": [column.settings() for column in columns]}
            groups.append((columns, settings, [self.invent_file(rnd, columns) for _ in range(GROUP)]))
        answers = ask([(settings, [content for content, _ in group]) for _, settings, group in groups])
        for (columns, _, group), found in zip(groups, answers):
            for (_, records), answer in zip(group, found):
                self.compare(columns, records, answer)


if __name__ == "__main__":
    unittest.main()

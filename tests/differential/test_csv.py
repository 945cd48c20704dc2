"""The reader of CSV against Python's csv, codecs and types, over invented files of many dialects.

Each file is read three ways: as it was invented (a table that Python wrote), as Python's csv module
and codecs read its bytes, and by our reader. Many are changed by a character or two after they were
written, and then the first way is out. Where Python is more lenient than docs/sources.md the files
are not compared, which is counted: it must stay rare.

CAUCE_TEST_FILES says how many files of each dialect (CAUCE_TORTURE=full: 10000).
"""

import bz2
import codecs
import csv
import gzip
import io
import lzma
import os
import random
import unittest

from answers import ask
from columns import TYPES, Column
from invented import SEED

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (10000 if os.environ.get("CAUCE_TORTURE") == "full" else 120))
GROUP = 40  # files with the same columns

WORDS = list("abcxyzABC019 .:-_'é€ßñ日本語Ж;,|\t#%\\/") + ["word", "Total", "  ", "  x", "\"", "\n", "\r\n"]

# What a file is written like; all but the capitals are settings of the reader or its columns.
DIALECTS = {
    "comma": {},
    "semicolon": {"delimiter": ";"},
    "tab": {"delimiter": "\t"},
    "pipe": {"delimiter": "|"},
    "blank": {"delimiter": " "},
    "section sign": {"delimiter": "\u00a7"},
    "euro sign": {"delimiter": "\u20ac"},
    "single quotes": {"quote": "'"},
    "no quotes": {"quote": "", "delimiter": "\t"},
    "backslash": {"escape": "\\"},
    "CR LF": {"ENDS": ["\r\n"]},
    "CR": {"ENDS": ["\r"]},
    "mixed line ends": {"ENDS": ["\n", "\r\n", "\r"]},
    "no header": {"header": 0},
    "small blocks": {"memory": 1, "threads": 3, "ROWS": 40},
    "long": {"memory": 65536, "threads": 4, "ROWS": 400, "FEWER": 10},
    "wide": {"COLUMNS": 60},
    "trim": {"trim": True},
    "nulls": {"nulls": ["", "NA", "-", "n/a", "\\N"]},
    "no nulls": {"nulls": []},
    "decimal comma": {"delimiter": ";", "decimal": ","},
    "thousands": {"delimiter": ";", "decimal": ",", "thousands": "."},
    "thousands in English": {"thousands": ","},
    "thousands by blanks": {"decimal": ",", "thousands": " ", "delimiter": ";"},
    "percent": {"percent": True},
    "days first": {"date": "%d/%m/%Y", "moment": "%d/%m/%Y %H:%M"},
    "month names": {"date": "%d %b %Y", "moment": "%B %d, %Y %I:%M:%S %p"},
    "packed dates": {"date": "%Y%m%d", "moment": "%Y%m%d%H%M%S"},
    "two digits of a year": {"date": "%d.%m.%y", "moment": "%y%m%d%H%M%S", "pivot": 1930},
    "Madrid": {"time_zone": "Europe/Madrid"},
    "Buenos Aires": {"time_zone": "America/Argentina/Buenos_Aires"},
    "Lord Howe": {"time_zone": "Australia/Lord_Howe"},
    "UTF-8 with its mark": {"MARK": codecs.BOM_UTF8},
    "UTF-16 with its mark": {"CODEC": "utf-16-le", "MARK": codecs.BOM_UTF16_LE},
    "UTF-16 the other way": {"CODEC": "utf-16-be", "MARK": codecs.BOM_UTF16_BE},
    "UTF-16 by name": {"CODEC": "utf-16-le", "encoding": "utf-16le"},
    "UTF-32": {"CODEC": "utf-32-le", "MARK": codecs.BOM_UTF32_LE},
    "Latin 1": {"CODEC": "latin-1", "encoding": "latin1"},
    "Windows 1252": {"CODEC": "cp1252", "encoding": "windows-1252"},
    "Windows 1251": {"CODEC": "cp1251", "encoding": "windows-1251"},
    "ISO 8859-15": {"CODEC": "iso8859-15", "encoding": "iso-8859-15"},
    "DOS": {"CODEC": "cp850", "encoding": "cp850"},
    "GB 18030": {"CODEC": "gb18030", "encoding": "gb18030"},
    "EUC-JP": {"CODEC": "euc-jp", "encoding": "euc-jp"},
    "Shift JIS": {"CODEC": "cp932", "encoding": "cp932"},
    "KOI8-R": {"CODEC": "koi8-r", "encoding": "koi8-r"},
    "gzip": {"PACK": gzip.compress},
    "xz": {"PACK": lzma.compress},
    "bzip2": {"PACK": bz2.compress},
    "comments": {"comment": "#"},
    "skipped lines": {"skip_lines": 2},
    "header of two lines": {"header": 2},
    "header of three lines": {"header": 3},
    "footer lines": {"footer_lines": 2},
    "footer": {"footer": "Total"},
}


class Dialect:
    def __init__(self, name):
        self.how = DIALECTS[name]
        self.random = random.Random(f"{SEED} {name}")
        get = self.how.get
        self.delimiter, self.quote = get("delimiter", ","), get("quote", '"')
        self.escape = get("escape", self.quote)
        self.codec, self.header = get("CODEC", "utf-8"), get("header", 1)
        self.words = [word for word in WORDS if self.can_write(word)]

    def can_write(self, word):
        if not self.quote and (self.delimiter in word or "\n" in word):
            return False
        try:
            return word.encode(self.codec).decode(self.codec) == word
        except UnicodeEncodeError:
            return False

    def columns(self):
        """Columns for a group of files, and the settings of the reader for it."""
        count = self.how.get("COLUMNS", self.random.randint(2, 6))
        columns = [Column(f"column{i}", self.random.choice(TYPES), self.how, self.random)
                   for i in range(count)]
        settings = {key: value for key, value in self.how.items() if key.islower()}
        settings.pop("decimal", None)
        settings["columns"] = [column.settings() for column in columns]
        return columns, settings

    # ---- writing ----

    def write_value(self, text):
        """A value as it stands in the file; None where it cannot be written."""
        rnd, quote = self.random, self.quote
        if not quote:
            return None if any(sign in text for sign in (self.delimiter, "\n", "\r")) else text
        needed = (any(sign in text for sign in (self.delimiter, "\n", "\r")) or
                  text.lstrip(" \t").startswith(quote) or text.startswith(("#", "Total")))
        if not needed and rnd.random() < 0.8:
            return text
        if self.escape != quote:
            text = text.replace(self.escape, self.escape * 2)
        return quote + text.replace(quote, self.escape + quote) + quote

    def write_record(self, columns):
        """The texts of a record, and how it is written. A blank line would be none."""
        while True:
            texts = [column.invent(self.words) for column in columns]
            written = [self.write_value(text) for text in texts]
            line = self.delimiter.join(text or "" for text in written)
            if None not in written and line.strip():
                return texts, line

    def before(self, columns, end):
        lines = ["a title; with, signs" + end] * self.how.get("skip_lines", 0)
        lines += [self.delimiter * (len(columns) - 1) + end] * (self.header - 1)
        if self.header:
            lines.append(self.delimiter.join(column.name for column in columns) + end)
        return lines

    def behind(self, end):
        lines = [f"{word}{end}" for word in ("Source: x", "2024")[:self.how.get("footer_lines", 0)]]
        return lines + (["Total,1" + end, "x" + end] if "footer" in self.how else [])

    def between(self, end):
        if "comment" in self.how and self.random.random() < 0.3:
            return ["# a comment, \"with" + end]
        return [end] if self.random.random() < 0.1 else []

    def invent(self, columns):
        """A file: its text, the size of its header, and the texts and the line (from 1) of each
        record. Without a header the first record says what there is."""
        rnd, records, ends = self.random, [], self.how.get("ENDS", ["\n"])
        lines = self.before(columns, ends[0])
        size = len("".join(lines))
        for _ in range(rnd.randint(0 if self.header else 1, self.how.get("ROWS", 8))):
            lines += self.between(rnd.choice(ends))
            texts, line = self.write_record(columns)
            records.append((texts, count_lines("".join(lines)) + 1))
            lines.append(line + rnd.choice(ends))
        lines += self.behind(rnd.choice(ends))
        if records and rnd.random() < 0.2:
            lines[-1] = lines[-1].rstrip("\r\n")
        return "".join(lines), size, records

    def change(self, text, first):
        """A character or two more, less or others, behind the header."""
        signs = ["\n", "\r", self.delimiter, self.quote, "x", "1", ""]
        for _ in range(self.random.randint(1, 2)):
            at = self.random.randint(first, len(text))
            text = text[:at] + self.random.choice(signs) + text[at + self.random.randint(0, 1):]
        return text

    def encode(self, text):
        content = self.how.get("MARK", b"") + text.encode(self.codec)
        return self.how.get("PACK", bytes)(content)

    def decode(self, content):
        return content[len(self.how.get("MARK", b"")):].decode(self.codec)

    # ---- Python's reading ----

    def can_change(self):
        """Python takes text behind a closing quote where the escape is another character."""
        return self.python_can() and self.header and self.escape == self.quote

    def python_can(self):
        return not any(key in self.how for key in ("comment", "footer", "footer_lines", "skip_lines"))

    def lenient(self, text):
        """Would Python take something for a part of a value which docs/sources.md does not?"""
        quote, escape = self.quote, self.escape
        blanks = " \t".replace(self.delimiter, "")
        return quote and (any(blank + quote in text or quote + blank in text for blank in blanks) or
                          escape != quote and escape in text)

    def python_records(self, text):
        """Texts and line of each record as Python reads them; the last one is None: it is broken."""
        how = {"delimiter": self.delimiter, "strict": True}
        if self.quote:
            how.update(quotechar=self.quote, doublequote=self.escape == self.quote)
            how["escapechar"] = self.escape if self.escape != self.quote else None
        else:
            how["quoting"] = csv.QUOTE_NONE
        reader = csv.reader(io.StringIO(text, newline=""), **how)
        records, line = [], 1
        try:
            for texts in reader:
                if texts:
                    records.append((texts, line))
                line = reader.line_num + 1
        except csv.Error:
            records.append(None)
        return records[self.header:]


def count_lines(text):
    return text.count("\n") + text.count("\r") - text.count("\r\n")


class Csv(unittest.TestCase):
    def compare_record(self, columns, texts, line, number, answer, text):
        """One record, which is row `number`."""
        fault = answer.faults.get(number)
        if len(texts) != len(columns):
            if len(texts) == len(columns) + 1 and texts[-1] == "":
                return  # nothing behind the last delimiter is no value; "" is one, which Python does not tell
            self.assertTrue(fault is not None and fault.name is None, (number, text))
            return
        values = [column.value(one) for column, one in zip(columns, texts)]
        if False not in values:
            self.assertEqual(answer.rows.get(number), values, (fault, text))
            self.assertEqual(answer.lines[number], line, text)
            return
        bad = [column for column, value in zip(columns, values) if value is False]
        self.assertIsNotNone(fault, (number, texts, answer.rows.get(number), text))
        self.assertIn(fault.name, [column.name for column in bad], text)
        self.assertGreaterEqual(fault.line, line, text)
        self.assertGreaterEqual(fault.column, 1, text)

    def compare(self, columns, records, answer, text):
        broken = records and records[-1] is None
        for i, record in enumerate(records[:-1] if broken else records):
            self.compare_record(columns, *record, i + 1, answer, text)
        if broken:
            # A record that Python cannot read, or a quote that is not closed.
            self.assertTrue(len(records) in answer.faults or answer.error, text)
        else:
            self.assertIsNone(answer.error, text)
            self.assertEqual(len(answer.rows) + len(answer.faults), len(records), text)

    def check(self, dialect, files):
        skipped = 0
        groups = []
        for _ in range(files // GROUP):
            columns, settings = dialect.columns()
            group = []
            for _ in range(GROUP):
                text, size, records = dialect.invent(columns)
                if dialect.can_change() and dialect.random.random() < 0.4:
                    text, records = dialect.change(text, size), None
                group.append((text, records))
            groups.append((columns, settings, group))
        answers = ask([(settings, [dialect.encode(text) for text, _ in group])
                       for _, settings, group in groups])
        for (columns, _, group), found in zip(groups, answers):
            for (text, records), answer in zip(group, found):
                if records is not None:
                    self.compare(columns, records, answer, text)
                if not dialect.python_can() or dialect.lenient(text):
                    skipped += 1
                else:
                    self.compare(columns, dialect.python_records(text), answer, text)
        return skipped

    def test_files_are_read_as_they_were_written_and_as_python_reads_them(self):
        skipped = 0
        for name in DIALECTS:
            with self.subTest(dialect=name):
                files = FILES // DIALECTS[name].get("FEWER", 1)
                skipped += self.check(Dialect(name), max(files, GROUP))
        self.assertLess(skipped, len(DIALECTS) * FILES // 3)


if __name__ == "__main__":
    unittest.main()

"""The readers of JSON against Python's json, over invented files of several kinds.

Files are invented as text, with values of every kind in columns of every type, and half of them are
changed by a character or two. Python says what is JSON and what it holds: with numbers as they
stand, and without what it takes beyond RFC 8259 (NaN, halves of surrogate pairs).

CAUCE_TEST_FILES says how many files of each kind (CAUCE_TORTURE=full: 10000).
"""

import codecs
import gzip
import json
import os
import random
import re
import unittest

from answers import ask
from columns import TYPES, Column
from invented import SEED

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (10000 if os.environ.get("CAUCE_TORTURE") == "full" else 240))
GROUP = 40

# Settings of the reader; in capitals, what the file is like.
KINDS = {
    "array": {"format": "json"},
    "objects": {"format": "json", "OBJECTS": " "},
    "objects on lines": {"format": "json", "OBJECTS": "\n"},
    "below a path": {"format": "json", "records": "data.items"},
    "below an element": {"format": "json", "records": "$.pages[1]"},
    "one record": {"format": "json", "records": "data"},
    "lines": {"format": "ndjson"},
    "lines with CR LF": {"format": "ndjson", "END": "\r\n"},
    "lines by threads": {"format": "ndjson", "threads": 3, "memory": 1},
    "array by threads": {"format": "json", "threads": 3, "memory": 1},
    "with its mark": {"format": "json", "MARK": codecs.BOM_UTF8},
    "UTF-16": {"format": "ndjson", "MARK": codecs.BOM_UTF16_LE, "CODEC": "utf-16-le"},
    "gzip": {"format": "json", "PACK": gzip.compress},
    "nulls": {"format": "ndjson", "nulls": ["", "NA", "-"]},
    "decimal comma": {"format": "json", "decimal": ",", "thousands": "."},
}
WORDS = ["", "a", "\u00e9", "\u20ac", "\U0001f30a", "\"", "\\", "/", "\n", "\t", "\u0001", "{", "[,]", "\u2028"]


class Number(str):
    """The digits of a number as they stand."""


class Twice(Exception):
    """A name stands twice in an object that is a record."""


def refuse(constant):
    raise ValueError(constant)


class Object(dict):
    """`twice`: names that come more than once; `pairs`: all there is."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs
        names = [name for name, _ in pairs]
        self.twice = {name for name in names if names.count(name) > 1}


DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, parse_constant=refuse,
                           object_pairs_hook=Object)


def load(text):
    """What a text of JSON holds; None where it is none."""
    try:
        value = DECODER.decode(text.strip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    return None if has_half_pair(value) else (value,)


def has_half_pair(value):
    if isinstance(value, dict):
        return any(has_half_pair(name) or has_half_pair(one) for name, one in value.pairs)
    if isinstance(value, list):
        return any(map(has_half_pair, value))
    return isinstance(value, str) and re.search("[\ud800-\udfff]", value) is not None


def load_many(text):
    """The objects that stand one after another; None where something else does."""
    out, at = [], 0
    text = text.strip(" \t\r\n")
    while at < len(text):
        try:
            value, at = DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return None
        if has_half_pair(value) or not isinstance(value, dict):
            return None
        out.append(value)
        while at < len(text) and text[at] in " \t\r\n":
            at += 1
    return out


class Kind:
    def __init__(self, name):
        self.how = KINDS[name]
        self.random = random.Random(f"{SEED} {name}")

    def columns(self):
        how = {"nulls": [], **self.how}
        columns = [Column(f"column{i}", self.random.choice(TYPES), how, self.random) for i in range(5)]
        settings = {key: value for key, value in self.how.items() if key.islower()}
        settings["columns"] = [{**column.settings(), "optional": True} for column in columns]
        return columns, settings

    # ---- writing ----

    def blank(self):
        return self.random.choice(("", "", "", " ", "\t " if self.how["format"] == "ndjson" else "\n"))

    def string(self, text):
        out = json.dumps(text, ensure_ascii=self.random.random() < 0.5)
        return out.replace("/", "\\/") if self.random.random() < 0.2 else out

    def value(self, column):
        """Mostly one that the column may have."""
        rnd, kind = self.random, column.kind.partition("(")[0]
        if rnd.random() < 0.05:
            kind = rnd.choice(("text", "int", "boolean"))
        if rnd.random() < 0.05:
            return "null"
        if kind in ("int", "bigint", "decimal", "double") and rnd.random() < 0.7:
            return self.number(column)
        if kind == "boolean" and rnd.random() < 0.7:
            return rnd.choice(("true", "false"))
        if kind == "text" and rnd.random() < 0.4:
            return rnd.choice((self.number(column), "true", self.nested(2), self.nested(2)))
        return self.string(column.invent(WORDS) if rnd.random() < 0.3 else column.valid())

    def number(self, column):
        """Mostly one of RFC 8259, and mostly one that the column may have."""
        text = column.valid()
        if re.fullmatch("-?(0|[1-9][0-9]*)([.][0-9]+)?([eE][-+]?[0-9]+)?", text):
            return text
        return self.random.choice(("0", "-0", "1", "1.0", "1.50", "1e2", "-12E-1", "123456789012345678901234567890",
                                   "1e400", "0.1", "01" if self.random.random() < 0.05 else "10"))

    def nested(self, depth):
        rnd = self.random
        if depth == 0:
            return rnd.choice(("1.50", "null", "true", self.string(rnd.choice(WORDS))))
        parts = [self.nested(depth - 1) for _ in range(rnd.randint(0, 3))]
        if rnd.random() < 0.5:
            return "[" + self.blank() + ("," + self.blank()).join(parts) + "]"
        names = [self.string(rnd.choice(WORDS) + str(i)) for i in range(len(parts))]
        return "{" + ", ".join(f"{name}:{self.blank()}{part}" for name, part in zip(names, parts)) + "}"

    def record(self, columns):
        rnd = self.random
        fields = [(column.name, self.value(column)) for column in columns if rnd.random() < 0.9]
        if rnd.random() < 0.2:
            fields.append(("other", self.nested(3)))
        if rnd.random() < 0.03 and fields:
            fields.append(rnd.choice(fields))
        rnd.shuffle(fields)
        blank = self.blank
        return "{" + ",".join(f"{blank()}{self.string(name)}{blank()}:{blank()}{value}{blank()}"
                              for name, value in fields) + "}"

    def invent(self, columns):
        rnd, how = self.random, self.how
        records = [self.record(columns) for _ in range(rnd.randint(0, 6))]
        if how["format"] == "ndjson":
            return "".join(record + how.get("END", "\n") for record in records)
        if "OBJECTS" in how:
            return how["OBJECTS"].join(records or ["{}"])
        array = "[" + (self.blank() + "," + self.blank()).join(records) + "]"
        return {"data.items": '{"x": [1, {}], "data": {"n": 1, "items": A, "z": null}}',
                "$.pages[1]": '{"pages": [[], A, {}]}',
                "data": '{"data": R}'}.get(how.get("records"), "A").replace("A", array).replace(
                    "R", records[0] if records else "{}")

    def change(self, text):
        signs = ["\"", "\\", "{", "}", "[", "]", ",", ":", "\n", " ", "0", "-", "e", "x", "\\ud800", ""]
        for _ in range(self.random.randint(1, 2)):
            at = self.random.randint(0, len(text))
            text = text[:at] + self.random.choice(signs) + text[at + self.random.randint(0, 1):]
        return text

    def encode(self, text):
        content = self.how.get("MARK", b"") + text.encode(self.how.get("CODEC", "utf-8"))
        return self.how.get("PACK", bytes)(content)

    # ---- Python's reading ----

    def python_records(self, text):
        """The records, with NONE for what is none; None where the file as a whole is not read."""
        if self.how["format"] == "ndjson":
            lines = [line for line in text.split("\n") if line.strip(" \t\r")]
            return [(load(line) or (None,))[0] for line in lines]
        found = load(text)
        path = {"data.items": ("data", "items"), "$.pages[1]": ("pages", 1), "data": ("data",)}.get(
            self.how.get("records"), ())
        if found is None:
            return None if path else load_many(text) or None
        value = found[0]
        for step in path:
            if isinstance(value, dict) and step in value.twice:
                return None
            if not isinstance(value, dict if isinstance(step, str) else list):
                return None
            if step not in value if isinstance(step, str) else step >= len(value):
                return None
            value = value[step]
        return value if isinstance(value, list) else [value] if isinstance(value, dict) else None


def value_of(column, value):
    """What a value of JSON is in a column; False: a fault."""
    if value is None:
        return None
    if isinstance(value, bool):
        text = "true" if value else "false"
        if column.kind == "text":
            return text
        if column.kind in ("boolean",):
            return text
        return False
    if isinstance(value, Number):
        return column.value_of_plain(value)
    if isinstance(value, str):
        return column.value(value)
    return json.dumps(value) if column.kind == "text" else False


class Json(unittest.TestCase):
    def compare_value(self, column, value, found, text):
        wanted = value_of(column, value)
        if isinstance(value, (dict, list)):
            self.assertIsInstance(found, str, text)
            self.assertEqual(load(found), (value,), text)
            self.assertNotIn(" ", re.sub(r'"(\\.|[^"\\])*"', "", found), text)
        else:
            self.assertEqual(found, wanted, text)

    def compare_record(self, columns, record, number, answer, text):
        fault = answer.faults.get(number)
        if not isinstance(record, dict) or record.twice & {column.name for column in columns}:
            self.assertIsNotNone(fault, (number, answer.rows.get(number), text))
            return
        values = [record.get(column.name) for column in columns]
        bad = [column.name for column, value in zip(columns, values) if value_of(column, value) is False]
        if bad:
            self.assertIsNotNone(fault, (number, bad, answer.rows.get(number), text))
            self.assertIn(fault.name, bad, text)
            self.assertTrue(fault.line and fault.column, (fault, text))
            return
        self.assertIn(number, answer.rows, (fault, text))
        for column, value, found in zip(columns, values, answer.rows[number]):
            self.compare_value(column, value, found, text)

    def compare(self, columns, records, answer, text):
        if records is None:
            self.assertIsNotNone(answer.error, text)
            self.assertRegex(answer.error[1], r"^source:\d+:\d+: |^source has no |\bleads\b|twice|path", text)
            return
        if answer.error and text.lstrip(" \t\r\n").startswith("["):
            self.assertIn("is one array of JSON, not an object on each line", answer.error[1], text)
            return
        self.assertIsNone(answer.error, text)
        self.assertEqual(len(answer.rows) + len(answer.faults), len(records), text)
        for i, record in enumerate(records):
            self.compare_record(columns, record, i + 1, answer, text)

    def check(self, kind, files):
        groups = []
        for _ in range(files // GROUP):
            columns, settings = kind.columns()
            texts = [kind.invent(columns) for _ in range(GROUP)]
            texts = [kind.change(text) if kind.random.random() < 0.5 else text for text in texts]
            groups.append((columns, settings, texts))
        answers = ask([(settings, [kind.encode(text) for text in texts])
                       for _, settings, texts in groups])
        for (columns, _, texts), found in zip(groups, answers):
            for text, answer in zip(texts, found):
                self.compare(columns, kind.python_records(text), answer, text)

    def test_files_are_read_as_python_reads_them(self):
        for name in KINDS:
            with self.subTest(kind=name):
                self.check(Kind(name), FILES)


if __name__ == "__main__":
    unittest.main()

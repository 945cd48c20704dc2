"""The reader of lines of fixed width against Python's slices, over invented files.

CAUCE_TEST_FILES says how many files of each kind there are (CAUCE_TORTURE=full: 10000).
"""

import codecs
import os
import random
import unittest

from answers import ask
from columns import TYPES, Column
from invented import SEED

FILES = int(os.environ.get("CAUCE_TEST_FILES") or
            (10000 if os.environ.get("CAUCE_TORTURE") == "full" else 120))
GROUP = 40
LETTERS = "abcXYZ019 .-:'\"é€日Ж,"

KINDS = {
    "lines": {},
    "CR LF": {"END": "\r\n"},
    "small blocks": {"memory": 1, "threads": 3, "ROWS": 60},
    "no header": {"header": 0},
    "comments": {"comment": "#"},
    "footer": {"footer": "Total"},
    "footer lines": {"footer_lines": 2},
    "decimal comma": {"decimal": ",", "thousands": "."},
    "Madrid": {"time_zone": "Europe/Madrid"},
    "UTF-16": {"CODEC": "utf-16-le", "MARK": codecs.BOM_UTF16_LE},
    "Latin 1": {"CODEC": "latin-1", "encoding": "latin1"},
}


class Kind:
    def __init__(self, name):
        self.how = KINDS[name]
        self.random = random.Random(f"{SEED} fixed {name}")
        self.codec = self.how.get("CODEC", "utf-8")
        self.letters = [letter for letter in LETTERS if letter.encode(self.codec, "ignore")]

    def columns(self):
        rnd = self.random
        columns = [Column(f"column{i}", rnd.choice(TYPES), {**self.how, "trim": True}, rnd)
                   for i in range(rnd.randint(1, 5))]
        settings = {key: value for key, value in self.how.items() if key.islower()}
        settings.pop("decimal", None)
        settings["format"] = "fixed"
        settings["widths"] = [rnd.choice((8, 12, 20, 30)) for _ in columns]
        settings["columns"] = [column.settings() for column in columns]
        return columns, settings

    def line(self, columns, widths):
        """A record as it stands in the file: the last value may be shorter than its column."""
        rnd, out = self.random, ""
        for column, width in zip(columns, widths):
            text = column.invent(self.letters)[:width]
            out += text.rjust(width) if rnd.random() < 0.5 else text.ljust(width)
        return out.rstrip(" ") if rnd.random() < 0.3 else out + " " * rnd.choice((0, 0, 3))

    def invent(self, columns, widths):
        """A file, and the lines of its records with their numbers."""
        rnd, end, lines, records = self.random, self.how.get("END", "\n"), [], []
        if self.how.get("header", 1):
            lines.append("".join(column.name.ljust(width)[:width]
                                 for column, width in zip(columns, widths)))
        for _ in range(rnd.randint(1, self.how.get("ROWS", 8))):
            if rnd.random() < 0.1:
                lines.append("" if "comment" not in self.how else "# a comment")
            line = self.line(columns, widths)
            if line.strip() and not line.startswith(("#", "Total")):
                lines.append(line)
                records.append((line, len(lines)))
        if "footer" in self.how:
            lines += ["Total  1", "x"]
        lines += ["a", "", "b"] if "footer_lines" in self.how else []
        text = end.join(lines) + (end if rnd.random() < 0.8 else "")
        return self.how.get("MARK", b"") + text.encode(self.codec), records


class Fixed(unittest.TestCase):
    def compare_record(self, columns, widths, line, number, at, answer):
        fault = answer.faults.get(number)
        begins = [sum(widths[:i]) for i in range(len(widths) + 1)]
        if len(line) <= begins[-2] or line[begins[-1]:].strip():
            self.assertTrue(fault is not None and fault.name is None, (line, answer))
            return
        texts = [line[begin:end].strip(" \t") for begin, end in zip(begins, begins[1:])]
        values = [column.value(text) for column, text in zip(columns, texts)]
        if False in values:
            bad = [column.name for column, value in zip(columns, values) if value is False]
            self.assertIsNotNone(fault, (line, answer.rows.get(number)))
            self.assertIn(fault.name, bad)
            self.assertEqual(fault.line, at)
        else:
            self.assertEqual(answer.rows.get(number), values, (line, fault))
            self.assertEqual(answer.lines[number], at)

    def check(self, kind, files):
        groups = []
        for _ in range(files // GROUP):
            columns, settings = kind.columns()
            groups.append((columns, settings,
                           [kind.invent(columns, settings["widths"]) for _ in range(GROUP)]))
        answers = ask([(settings, [content for content, _ in group]) for _, settings, group in groups])
        for (columns, settings, group), found in zip(groups, answers):
            for (content, records), answer in zip(group, found):
                if not records:
                    continue
                self.assertIsNone(answer.error, content)
                self.assertEqual(len(answer.rows) + len(answer.faults), len(records), content)
                for i, (line, at) in enumerate(records):
                    self.compare_record(columns, settings["widths"], line, i + 1, at, answer)

    def test_files_are_read_as_python_cuts_them(self):
        for name in KINDS:
            with self.subTest(kind=name):
                self.check(Kind(name), FILES)


if __name__ == "__main__":
    unittest.main()

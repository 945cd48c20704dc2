#!/usr/bin/env python3
"""The reader of CSV against Python's csv module, over invented files of several dialects.

The two definitions (docs/sources.md has ours) differ where Python is lenient, and the invented files
stay where they agree: no blanks beside quotes, escapes within quotes only.
"""

import csv
import io
import os
import pathlib
import random
import struct
import subprocess
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cauce_cli  # noqa: E402

DRIVER = pathlib.Path(cauce_cli.CAUCE).parent / "tests" / "driver" / "csv_rows"

# Of each dialect. A program built with a sanitizer is slow: some of them must do.
FILES = 1000 if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ else 10000

# delimiter, quote, escape
DIALECTS = {
    "comma": (",", '"', '"'),
    "semicolon": (";", '"', '"'),
    "tab": ("\t", '"', '"'),
    "single quotes": (",", "'", "'"),
    "backslash": (",", '"', "\\"),
    "no quotes": ("|", "", ""),
    "section sign": ("\u00a7", '"', '"'),
}


def quoted(rnd, delimiter, quote, escape):
    inside = ["x", "word", delimiter, "\n", "\r\n", "é", "€ ", "'", '"', "\\", ""]
    text = "".join(rnd.choice(inside) for _ in range(rnd.randrange(6)))
    if escape == quote:
        text = text.replace(quote, quote + quote)
    else:
        text = text.replace(escape, escape + escape).replace(quote, escape + quote)
    return quote + text + quote


def bare(rnd, delimiter, quote, escape):
    inside = ["1", "42", "word", " ", "é", ".", "'", '"', "#", "日本"]
    text = "".join(rnd.choice(inside) for _ in range(rnd.randrange(4)))
    text = text.replace(delimiter, "").replace(escape if escape != quote else "\0", "")
    # A quote may stand within a value, not at its begin, nor behind the blank there.
    return text.lstrip(" " + quote) if quote else text


def invent(rnd, delimiter, quote, escape):
    """A file whose first record says how many columns it has; a few are broken in some way."""
    columns = rnd.randrange(2, 6)
    end = rnd.choice(["\n", "\n", "\r\n", "\r"])
    flaws = 0.05 if rnd.random() < 0.2 else 0
    lines = []
    for i in range(rnd.randrange(1, 12)):
        count = columns if i == 0 or rnd.random() > flaws else rnd.randrange(1, 8)
        values = [quoted(rnd, delimiter, quote, escape) if quote and rnd.random() < 0.3
                  else bare(rnd, delimiter, quote, escape) for _ in range(count)]
        # With another escape Python takes text behind a closing quote for part of the value.
        if quote and escape == quote and i > 0 and rnd.random() < flaws:
            values[-1] = quote + "x" + quote + "y"
        lines.append(delimiter.join(values))
        if rnd.random() < 0.1:
            lines.append("")
    text = end.join(lines) + (end if rnd.random() < 0.8 else "")
    return text if rnd.random() > flaws else text[:rnd.randrange(len(text)) + 1]


def rows_of_python(text, delimiter, quote, escape):
    """Its rows, and whether it says that the file is broken."""
    how = {"delimiter": delimiter, "strict": True}
    if not quote:
        how["quoting"] = csv.QUOTE_NONE
    elif escape == quote:
        how.update(quotechar=quote, doublequote=True)
    else:
        how.update(quotechar=quote, doublequote=False, escapechar=escape)
    rows = []
    try:
        for row in csv.reader(io.StringIO(text, newline=""), **how):
            if row:
                rows.append(row)
    except csv.Error:
        return rows, True
    return rows, False


def rows_of_ours(texts, delimiter, quote, escape, threads):
    packed = b"".join(struct.pack("<I", len(t)) + t for t in (t.encode() for t in texts))
    done = subprocess.run([DRIVER, delimiter, quote, escape, str(threads)], input=packed,
                          stdout=subprocess.PIPE, check=True)
    out, at = done.stdout, 0
    for _ in texts:
        code, count = struct.unpack_from("<II", out, at)
        at += 8
        rows = []
        for _ in range(count):
            (width,) = struct.unpack_from("<I", out, at)
            at += 4
            row = []
            for _ in range(width):
                (length,) = struct.unpack_from("<I", out, at)
                row.append(out[at + 4:at + 4 + length].decode())
                at += 4 + length
            rows.append(row or None)
        yield rows, code != 0
    assert at == len(out)


class CsvDifferential(unittest.TestCase):

    def compare(self, text, ours, theirs):
        rows, failed = ours
        wanted, broken = theirs
        if not wanted and broken:
            return
        columns = len(wanted[0]) if wanted else 0
        if not broken:
            self.assertFalse(failed, text)
            self.assertEqual(len(rows), len(wanted), text)
        elif not failed:
            self.assertIn(None, rows, text)
        for row, want in zip(rows, wanted):
            if len(want) == columns:
                self.assertEqual(row, want, text)
            elif len(want) == columns + 1 and want[-1] == "":
                self.assertIn(row, (None, want[:-1]), text)
            else:
                self.assertIsNone(row, text)

    def check(self, dialect, threads, files):
        rnd = random.Random(f"{dialect} {threads}")
        texts = [invent(rnd, *DIALECTS[dialect]) for _ in range(files)]
        texts = [t for t in texts if t.strip("\r\n")]
        for text, ours in zip(texts, rows_of_ours(texts, *DIALECTS[dialect], threads)):
            self.compare(text, ours, rows_of_python(text, *DIALECTS[dialect]))

    def test_files_are_read_as_python_reads_them(self):
        for dialect in DIALECTS:
            with self.subTest(dialect=dialect):
                self.check(dialect, 1, FILES)

    def test_so_are_they_in_small_blocks_by_several_threads(self):
        for dialect in DIALECTS:
            with self.subTest(dialect=dialect):
                self.check(dialect, 3, FILES // 10)


if __name__ == "__main__":
    unittest.main(verbosity=2)

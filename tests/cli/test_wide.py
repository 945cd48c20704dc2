#!/usr/bin/env python3
"""Rows of many columns: as right as others, and within the memory that was allowed."""
import csv
import io
import os
import unittest

from cauce_cli import Case

MOST = 4096
SANITIZED = "ASAN_OPTIONS" in os.environ  # a sanitizer takes memory of its own
TYPES = ("bigint", "text", "decimal(9,2)", "double", "date", "boolean", "timestamp")


def value(row, column, revision=0):
    """A value of the column in the row, as `read` writes it; each column has some that are NULL."""
    n = row * 31 + column * 17 + revision
    if (row + column) % 11 == 0:
        return ""
    return (str(n), f"text {n}, \"quoted\"", f"{n}.{n % 9 + 1}{n % 8 + 1}", f"{n}.5",
            f"{2000 + n % 25}-{n % 12 + 1:02}-{n % 28 + 1:02}", ("false", "true")[n % 2],
            f"2026-01-{n % 28 + 1:02}T00:00:{n % 60:02}.000000Z")[column % len(TYPES)]


def table(rows, columns, revised=()):
    """The rows of a source, and its header before them."""
    lines = [["id", *(f"c{i}" for i in range(1, columns))]]
    for row in rows:
        lines.append([str(row), *(value(row, i, 1 if row in revised and i == columns - 1 else 0)
                                  for i in range(1, columns))])
    return lines


class Wide(Case):
    def configure(self, columns, more="", listed=True):
        lines = ["dataset: rates", "store: ./published", "source: {url: rates.csv, format: csv}",
                 "key: id", "memory: 1GiB", more]
        if listed:
            lines += ["columns:", "  - {name: id, type: bigint}"]
            lines += [f"  - {{name: c{i}, type: '{TYPES[i % len(TYPES)]}'}}"
                      for i in range(1, columns)]
        (self.folder / "d.yml").write_text("\n".join(lines) + "\n")

    def run_with(self, lines):
        with open(self.folder / "rates.csv", "w", newline="", encoding="utf-8") as file:
            csv.writer(file, lineterminator="\n").writerows(lines)
        return self.json("run", "d.yml")

    def read(self, *more):
        return list(csv.reader(io.StringIO(self.answer("read", "d.yml", *more))))

    def assert_run(self, run, new, revised, known):
        self.assertEqual((run["rows_new"], run["rows_revised"], run["rows_known"]),
                         (new, revised, known))

    def test_as_many_columns_as_may_be_are_published_revised_and_read_within_memory(self):
        self.configure(MOST)
        first = self.run_with(table(range(100), MOST))
        self.assert_run(first, 100, 0, 0)
        lines = table(range(110), MOST, revised=range(20, 30))
        second = self.run_with(lines)
        self.assert_run(second, 10, 10, 90)
        for run in (first, second):
            if not SANITIZED:
                self.assertLess(run["peak_memory_bytes"], 1 << 30)
        self.assertEqual(self.read(), lines)

    def test_columns_that_were_found_are_those_that_are_read(self):
        self.configure(300, listed=False)
        lines = table(range(200), 300)
        self.assert_run(self.run_with(lines), 200, 0, 0)
        self.assertEqual(self.read(), lines)

    def test_a_dataset_becomes_wide_by_columns_that_are_added(self):
        for columns, new in ((60, 50), (64, 0), (65, 0), (75, 0)):
            self.configure(columns)
            lines = table(range(50), columns)
            run = self.run_with(lines)
            self.assertEqual(run["rows_new"], new)
            self.assertEqual(self.read(), lines)
        self.assertEqual(len(self.read("--events")[0]), 75 + 2)
        self.cauce("rebuild-index", "d.yml")
        self.cauce("verify", "--data", "d.yml")
        self.assert_run(self.run_with(table(range(51), 75)), 1, 0, 50)

    def test_wide_rows_are_sorted_cut_and_repeated_like_others(self):
        self.configure(80, "duplicates: last\npartition: {column: c4, by: year}\nsort: [c1, c2]")
        lines = [line for line in table(range(100), 80) if line[4] != ""]
        rows = lines[1:]
        replaced = [row[:1] + table([7], 80)[1][1:4] + row[4:] for row in rows]
        run = self.run_with([lines[0], *replaced, *rows])
        self.assert_run(run, len(rows), 0, 0)
        self.assertEqual(self.read(), lines)
        self.cauce("verify", "--data", "d.yml")

    def test_an_index_that_is_behind_catches_up(self):
        self.configure(80)
        self.run_with(table(range(50), 80))
        index = self.folder / "published/rates/index/manifest.json"
        before = index.read_bytes()
        self.run_with(table(range(60), 80, revised=(3, 4)))
        index.write_bytes(before)
        run = self.run_with(table(range(61), 80, revised=(3, 4)))
        self.assertEqual(run["index_recovery"], "catch_up")
        self.assert_run(run, 1, 0, 60)

    def test_a_transform_sees_wide_rows(self):
        (self.folder / "d.yml").write_text(
            "dataset: rates\nstore: ./published\nsource: {url: rates.csv, format: csv}\nkey: id\n"
            "transform: SELECT id, c98 AS kept FROM source WHERE id % 2 = 0\n")
        self.assert_run(self.run_with(table(range(20), 100)), 10, 0, 0)
        self.assertEqual(self.read()[1:], [[str(i), value(i, 98)] for i in range(0, 20, 2)])


if __name__ == "__main__":
    unittest.main()

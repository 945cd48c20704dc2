#!/usr/bin/env python3
"""Real files, snapshot by snapshot, as they were really published: after each run the published rows
and every event are compared with an independent calculation, row by row.

The files lie beside the project, in ../shared/data (see its README); skipped where they are absent.
"""

import csv
import decimal
import gzip
import io
import os
import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cauce_cli  # noqa: E402

DATA = cauce_cli.ROOT.parent / "shared" / "data"

# A program built with a sanitizer is slow: some of the snapshots must do.
EVERY = 4 if "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ else 1

RATES = """dataset: rates
store: ./published
source: {{format: csv{source}}}
{transform}columns:
  - {{name: date, type: date, from: [Date]}}
  - {{name: country, type: text, from: [Country]}}
  - {{name: rate, type: "decimal(38,20)", from: [Value, Exchange rate]}}
key: [country, date]
{more}"""

# The first file has one column per country.
WIDE = """transform: |
  SELECT "Data" AS "Date", country AS "Country", rate AS "Value"
  FROM source UNPIVOT INCLUDE NULLS (rate FOR country IN (COLUMNS(* EXCLUDE "Data")))
"""

COUNTS = """dataset: counts
store: ./published
source: {{format: csv{source}}}
{transform}columns:
  - {{name: day, type: date, from: Date}}
  - {{name: country, type: text, from: Country}}
  - {{name: confirmed, type: bigint, from: Confirmed}}
  - {{name: recovered, type: bigint, from: Recovered}}
  - {{name: deaths, type: bigint, from: Deaths}}
key: [day, country]
{more}"""


def lines(path):
    """The rows of a CSV file, header first."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode("utf-8")
    return list(csv.reader(io.StringIO(text, newline="")))


def number(text):
    return decimal.Decimal(text) if text != "" else None


def rates(path):
    """{(country, date): (rate,)} of one snapshot, whatever its shape."""
    head, *body = lines(path)
    if len(head) > 3:
        return {(country, row[0]): (number(value),)
                for row in body for country, value in zip(head[1:], row[1:])}
    return {(row[1], row[0]): (number(row[2]),) for row in body}


def counts(path):
    head, *body = lines(path)
    assert head == ["Date", "Country", "Confirmed", "Recovered", "Deaths"], head
    swapped = path.name.startswith("01-")
    rows = {}
    for day, country, *values in body:
        if swapped:
            year, d, month = day.split("-")
            day = f"{year}-{month}-{d}"
        rows[day, country] = tuple(number(v) for v in values)
    return rows


class Model:
    """The serial execution of the snapshots."""

    def __init__(self, ignore_revisions=False):
        self.ignore = ignore_revisions
        self.newest = {}   # key: (version, values)
        self.events = []   # (version, key, values)
        self.version = 0

    def publish(self, rows):
        """What a run over these rows must report."""
        new = [k for k in rows if k not in self.newest]
        revised = [] if self.ignore else [k for k in rows
                                          if k in self.newest and self.newest[k][1] != rows[k]]
        vanished = len(self.newest) - (len(rows) - len(new))
        if new or revised:
            self.version += 1
        for key in new + revised:
            self.newest[key] = (self.version, rows[key])
            self.events.append((self.version, key, rows[key]))
        return {
            "outcome": "published" if new or revised else "no_new_rows",
            "sequence": self.version,
            "rows_new": len(new),
            "rows_revised": len(revised),
            "rows_known": len(rows) - len(new) - len(revised),
            "rows_vanished": vanished,
            "rows_total": len(self.events),
            "keys_total": len(self.newest),
        }


@unittest.skipUnless(DATA.is_dir(), f"{DATA.relative_to(cauce_cli.ROOT.parent)} is absent")
class RealSources(cauce_cli.Case):

    def configure(self, path, template, parse, more):
        """A snapshot's own description, as its warts need it."""
        source, transform = "", ""
        if parse is counts and path.name.startswith("01-"):
            source = ', date_formats: ["%Y-%d-%m"]'
        if parse is rates and len(lines(path)[0]) > 3:
            transform = WIDE
        text = template.format(source=source, transform=transform, more=more)
        (self.folder / "d.yml").write_text(text)

    def read(self, key_columns, *args):
        """{(key, version): values} of what `cauce read` writes."""
        out, _ = self.cauce("read", "d.yml", "--format", "csv", *args)
        head, *body = list(csv.reader(io.StringIO(out, newline="")))
        rows = {}
        for line in body:
            row = dict(zip(head, line))
            key = tuple(row.pop(c) for c in key_columns)
            version = int(row.pop("_version")) if "_version" in row else None
            row.pop("_ingested_at", None)
            self.assertNotIn((key, version), rows, "a row stands twice")
            rows[key, version] = tuple(number(v) for v in row.values())
        return rows

    def compare(self, found, wanted):
        """Row by row, with a message that a person can read."""
        if found == wanted:
            return
        missing = [f"{k} {v}" for k, v in wanted.items() if found.get(k) != v]
        extra = [f"{k} {v}" for k, v in found.items() if wanted.get(k) != v]
        self.fail(f"{len(missing)} missing: {missing[:5]}\n{len(extra)} too many: {extra[:5]}")

    def check_rows(self, model, key_columns):
        self.compare(self.read(key_columns),
                     {(k, None): values for k, (_, values) in model.newest.items()})
        self.compare(self.read(key_columns, "--events"),
                     {(k, version): values for version, k, values in model.events})

    def run_folder(self, name, template, parse, key_columns, more="", ignore=False):
        folder = DATA / name
        if not folder.is_dir():
            self.skipTest(f"shared/data/{name} is absent")
        model = Model(ignore)
        halfway = None
        paths = sorted(p for p in folder.iterdir() if ".csv" in p.suffixes)
        paths = paths[:-1:EVERY] + paths[-1:]
        self.assertGreater(len(paths), 1)
        for i, path in enumerate(paths):
            self.configure(path, template, parse, more)
            report = self.json("run", "d.yml", "--source", path, "-q")
            rows = parse(path)
            wanted = model.publish(rows)
            self.assertEqual({k: report[k] for k in wanted}, wanted, path.name)
            self.assertEqual(report["rows_rejected"], 0)
            self.assertFalse(report["index_rebuilt"], path.name)
            self.assertEqual(report["consolidation"]["state"], "completed")
            if i == len(paths) // 2:
                self.check_rows(model, key_columns)
                halfway = (model.version, dict(model.newest))
        self.check_rows(model, key_columns)
        # The past is still there, as it was.
        version, newest = halfway
        self.compare(self.read(key_columns, "--version", str(version)),
                     {(k, None): values for k, (_, values) in newest.items()})
        # The last file again: not even read; and read by force, it holds nothing new.
        again = self.json("run", "d.yml", "--source", paths[-1], "-q")
        self.assertEqual(again["outcome"], "unchanged")
        again = self.json("run", "d.yml", "--source", paths[-1], "-q", "--force")
        self.assertEqual(again["outcome"], "no_new_rows")
        self.cauce("verify", "d.yml", "--data")
        self.cauce("gc", "d.yml", "--delete")
        self.cauce("rebuild-index", "d.yml")
        self.cauce("verify", "d.yml", "--data")
        self.check_rows(model, key_columns)

    def test_exchange_rates_by_year(self):
        self.run_folder("exchange-rates-monthly", RATES, rates, ("country", "date"),
                        "partition: {column: date, by: year}\n")

    def test_exchange_rates_uncut_ignoring_revisions(self):
        self.run_folder("exchange-rates-monthly", RATES, rates, ("country", "date"),
                        "revisions: ignore\n", ignore=True)

    def test_countries_by_month(self):
        self.run_folder("countries-aggregated", COUNTS, counts, ("day", "country"),
                        "partition: {column: day, by: month}\n")


if __name__ == "__main__":
    unittest.main(verbosity=2)

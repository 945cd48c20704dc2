"""The table of events, read by programs that know nothing of cauce, as docs/reading.md says; each is
skipped where it is not there. What they read is compared with `cauce read --events`, at every version."""

import datetime
import decimal
import importlib
import json
import shutil
import unittest

from cauce_cli import Case

CONFIG = """dataset: rates
store: ./published
source: rates.csv
columns:
  - {name: id, type: bigint}
  - {name: at, type: time}
  - {name: who, type: uuid}
  - {name: "a name, (with) = and %20 é", type: text}
  - {name: amount, type: "decimal(38,5)"}
  - {name: moment, type: timestamp}
  - {name: day, type: date}
  - {name: share, type: double}
  - {name: good, type: boolean}
  - {name: bytes, type: binary}
key: [id, day]
partition: {column: day, by: month}
"""
LATER = CONFIG.replace("key:", "  - {name: count, type: int, optional: true}\nkey:")
HEAD = 'id,at,who,"a name, (with) = and %20 é",amount,moment,day,share,good,bytes'
FIRST = f"""{HEAD}
1,12:30:00.123456,0b5e7c1e-8a3d-4c44-9a0e-6f1b2c3d4e5f,Ünï,123456789012345678901234567890123.12345,2026-01-02T03:04:05.678901Z,2026-01-02,0.1,true,00ff
2,23:59:59,ffffffff-ffff-ffff-ffff-ffffffffffff,{"x" * 100},-0.00001,1969-12-31T23:59:59.999999Z,2026-02-02,-1e300,false,
3,,,,,,2026-02-03,,,
"""
SECOND = FIRST.replace("-0.00001", "0.00002") + "4,00:00:00,,x,1,,2026-03-01,2.5,true,\n"
THIRD = "\n".join(line + ("," if line else "") for line in SECOND.split("\n"))
THIRD = THIRD.replace("bytes,", "bytes,count") + "5,00:00:00,,x,1,,2026-03-02,2.5,true,,7\n"

LOG = "events/_delta_log"
EMPTY = f"{0:020}"


def entry(version):
    return f"{LOG}/{version:020}.json"


def normal(value):
    """A value as it compares, whoever gave it: JSON, or what a program has in its place."""
    if isinstance(value, (bytes, bytearray, memoryview)):
        return bytes(value).hex().upper()
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    return float(value) if isinstance(value, float) else decimal.Decimal(value)


def ordered(rows):
    rows = [{name: normal(value) for name, value in row.items()} for row in rows]
    return sorted(rows, key=lambda row: (row["_version"], row["id"]))


def module(name):
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        raise unittest.SkipTest(f"{name} is not installed") from missing


def by_deltalake(path, version):
    table = module("deltalake").DeltaTable(path, version=version)
    return module("pyarrow").table(table.to_pyarrow_table()).to_pylist()


def by_polars(path, version):
    module("deltalake")
    return module("polars").scan_delta(path, version=version).collect().to_dicts()


def by_datafusion(path, version):
    context = module("datafusion").SessionContext()
    context.register_table("gauges", module("deltalake").DeltaTable(path, version=version))
    return module("pyarrow").Table.from_batches(
        context.sql("SELECT * FROM gauges").collect()).to_pylist()


def by_duckdb(path, version):
    duckdb = module("duckdb").connect()
    try:
        duckdb.execute("LOAD delta")
    except Exception as missing:
        raise unittest.SkipTest("DuckDB has no extension delta") from missing
    found = duckdb.execute("SELECT * FROM delta_scan(?) WHERE _version <= ?", [path, version])
    names = [column[0] for column in found.description]
    return [dict(zip(names, row)) for row in found.fetchall()]


class Tables(Case):
    def setUp(self):
        super().setUp()
        for config, text in ((CONFIG, FIRST), (CONFIG, SECOND), (LATER, THIRD)):
            (self.folder / "d.yml").write_text(config)
            self.assertEqual(self.publish(text)["history"]["state"], "fresh")

    def table(self):
        return str(self.folder / "published/rates/events")

    def log(self):
        return [key.split("/")[-1] for key in self.objects(LOG)]

    def lines(self, version):
        return [json.loads(line) for line in self.object(entry(version)).read_text().splitlines()]

    def published(self, version):
        """Where an older version lacks a column that came later, no row has it."""
        text = self.answer("read", "--events", "--version", str(version), "--format", "jsonl", "d.yml")
        rows = [json.loads(line, parse_float=decimal.Decimal) for line in text.splitlines()]
        for row in rows:
            row["share"] = None if row["share"] is None else float(row["share"])
            row["day"] = datetime.date.fromisoformat(row["day"])
            for name in ("moment", "_ingested_at"):
                if row[name] is not None:
                    row[name] = datetime.datetime.fromisoformat(row[name].replace("Z", "+00:00"))
        return ordered(rows)

    def check(self, reader):
        for version in range(1, 4):
            with self.subTest(version=version):
                self.assertEqual(ordered(reader(self.table(), version)), self.published(version))

    def test_deltalake_reads_every_version(self):
        self.check(by_deltalake)
        self.assertEqual(by_deltalake(self.table(), 0), [])

    def test_polars_reads_every_version(self):
        self.check(by_polars)

    def test_datafusion_reads_every_version(self):
        self.check(by_datafusion)

    def test_duckdb_reads_every_version(self):
        self.check(by_duckdb)

    def test_a_moved_folder_still_reads(self):
        expected = self.published(3)
        shutil.move(self.folder / "published/rates", self.folder / "elsewhere")
        found = by_deltalake(str(self.folder / "elsewhere/events"), 3)
        shutil.move(self.folder / "elsewhere", self.folder / "published/rates")
        self.assertEqual(ordered(found), expected)

    def test_every_predicate_is_answered(self):
        deltalake = module("deltalake")
        context = module("datafusion").SessionContext()
        context.register_table("gauges", deltalake.DeltaTable(self.table()))
        for predicate, count in (("id = 2", 2), ("id > 2", 3), ("amount < 0", 1), ("who IS NULL", 3),
                                 ("share <= 0.1", 3), ("day >= DATE '2026-03-01'", 2),
                                 ("count = 7", 1), ("count IS NULL", 5), ("good", 3)):
            rows = context.sql(f"SELECT count(*) AS n FROM gauges WHERE {predicate}").to_pydict()
            self.assertEqual(rows["n"], [count], predicate)

    def test_nobody_else_can_write(self):
        table = module("deltalake").DeltaTable(self.table())
        before = {key: self.object(key).read_bytes() for key in self.objects("events/")}
        for attempt in (table.delete, table.optimize.compact,
                        lambda: module("deltalake").write_deltalake(
                            self.table(), table.to_pyarrow_table(), mode="append")):
            with self.assertRaises(Exception):
                attempt()
        try:
            table.vacuum(retention_hours=0, dry_run=False, enforce_retention_duration=False)
        except Exception:  # refused, or there was nothing that it would delete
            pass
        after = {key: self.object(key).read_bytes() for key in before}
        self.assertEqual(after, before)
        self.cauce("verify", "--data", "--strict", "d.yml")

    # What the log says, for which no other program is needed.

    def test_every_version_has_one_entry(self):
        self.assertEqual(self.log(), [f"{n:020}.json" for n in range(4)])
        self.assertEqual(self.publish(THIRD)["history"], {"state": "fresh", "written": 0})
        self.assertEqual(len(self.log()), 4)
        self.assertEqual([key for line in self.lines(0) for key in line],
                         ["commitInfo", "protocol", "metaData"])
        self.assertEqual([key for line in self.lines(2) for key in line],
                         ["commitInfo", "txn", "add", "add"])
        self.assertEqual([key for line in self.lines(3) for key in line],
                         ["commitInfo", "txn", "metaData", "add"])

    def test_an_entry_names_the_files_of_its_version(self):
        for version in range(1, 4):
            named = [line["add"] for line in self.lines(version) if "add" in line]
            files = self.json("show", "d.yml", str(version))["files"]
            self.assertEqual([("events/" + add["path"], add["size"]) for add in named],
                             [(file["key"], file["bytes"]) for file in files])
            self.assertTrue(all("stats" not in add for add in named))

    def test_what_is_missing_is_written_by_the_next_run(self):
        before = {key: self.object(key).read_bytes() for key in self.objects(LOG)}
        for version in (3, 2):
            self.object(entry(version)).unlink()
        self.assertEqual(self.json("status", "d.yml")["history"]["state"], "behind")
        self.assertEqual(self.publish(THIRD)["history"], {"state": "fresh", "written": 2})
        self.assertEqual({key: self.object(key).read_bytes() for key in self.objects(LOG)}, before)
        for key in self.objects(LOG):
            self.object(key).unlink()
        self.assertEqual(self.json("status", "d.yml")["history"]["state"], "none")
        self.json("run", "d.yml", "--force")
        self.assertEqual({key: self.object(key).read_bytes() for key in self.objects(LOG)}, before)

    def test_a_strangers_entry_is_told_and_publishing_goes_on(self):
        expected = self.object(entry(3)).read_bytes()
        self.object(entry(3)).write_text('{"commitInfo":{"operation":"WRITE"}}\n')
        told = self.publish(THIRD + "6,00:00:00,,x,1,,2026-03-02,2.5,true,,8\n")
        self.assertEqual(told["outcome"], "published")
        self.assertEqual(told["history"]["state"], "behind")
        self.assertTrue(any(entry(3) in warning for warning in told["warnings"]), told["warnings"])
        out, _ = self.cauce("verify", "--data", "--strict", "d.yml", status=12)
        self.assertIn(entry(3), out)
        healed = self.json("consolidate", "d.yml")["history"]
        self.assertEqual(healed, {"state": "fresh", "written": 1, "changed": 1})
        self.assertEqual(self.object(entry(3)).read_bytes(), expected)
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_a_changed_entry_is_found_by_its_content(self):
        key = entry(2)
        good = self.object(key).read_text()
        self.object(key).write_text(good.replace('"size":', '"size":1'))
        self.cauce("verify", "--strict", "d.yml")
        out, _ = self.cauce("verify", "--data", "--strict", "d.yml", status=12)
        self.assertIn(key, out)
        self.assertEqual(self.json("consolidate", "d.yml")["history"]["changed"], 1)
        self.assertEqual(self.object(key).read_text(), good)

    def test_a_repair_withdraws_what_it_gives_up(self):
        manifest = self.objects("manifests/")[1]
        self.cauce("repair", "--to", manifest, "--replace", "d.yml")
        self.assertEqual(self.log(), [f"{n:020}.json" for n in range(3)])
        self.assertEqual(self.publish(THIRD)["history"], {"state": "fresh", "written": 1})
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_gc_deletes_no_entry(self):
        self.object(f"{LOG}/_stranger.parquet").write_text("left by one who was refused")
        out, _ = self.cauce("gc", "--delete", "d.yml")
        self.assertNotIn(LOG + "/0", out)
        self.assertEqual(len(self.log()), 5)

    def test_it_can_be_switched_off_and_on(self):
        (self.folder / "d.yml").write_text(LATER + "tables: {delta: false}\n")
        more = THIRD + "6,00:00:00,,x,1,,2026-03-02,2.5,true,,8\n"
        self.assertEqual(self.publish(more)["history"], {"state": "none", "written": 0})
        self.assertEqual(len(self.log()), 4)
        self.assertEqual(self.json("status", "d.yml")["history"]["state"], "behind")
        self.cauce("verify", "--data", "--strict", "d.yml")
        (self.folder / "d.yml").write_text(LATER)
        self.assertEqual(self.publish(more)["history"], {"state": "fresh", "written": 1})


if __name__ == "__main__":
    unittest.main()

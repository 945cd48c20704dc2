"""The runbook (docs/operations.md), tried for real: every state is brought about, what cauce says and
leaves is checked, what the runbook advises is done, and then everything must be right again.

Exit codes 6 and 7, and the alerts that come of them, need a store that loses races and answers at will:
test_operations_s3.py brings them about with a real server, tests/unit/test_pipeline_records.c without
one; here their records are written."""

import datetime
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

from cauce_cli import CAUCE, CONFIG, FIRST, ROOT, SECOND, Case, months

THIRD = "day,currency,rate,note\n2026-02-02,EUR,1.0100,third\n"
RUNBOOK = (ROOT / "docs/operations.md").read_text()


class State(Case):
    """What the cases share."""

    def write(self, text):
        (self.folder / "rates.csv").write_text(text)

    def fails(self, status, *args, says, **how):
        """It ends with this status, prints nothing, and its last line says all this."""
        out, err = self.cauce(*args, status=status, **how)
        self.assertEqual(out, "")
        last = err.rstrip("\n").splitlines()[-1]
        self.assertTrue(last.startswith("cauce: error: "), err)
        for words in says:
            self.assertIn(words, err)
        return err

    def run_fails(self, status, *says, **how):
        return self.fails(status, "run", "d.yml", says=says, **how)

    def sound(self, strict=True):
        self.cauce("verify", "--data", *(["--strict"] if strict else []), "d.yml")

    def alerts(self):
        names = [alert["alert"] for alert in self.json("status", "d.yml")["alerts"]]
        self.cauce("status", "-q", "--alert", "d.yml", status=4 if names else 0)
        return names

    def published(self):
        """Everything but the records of runs, byte for byte."""
        return {key: self.object(key).read_bytes() for key in self.objects()
                if not key.startswith("runs/")}

    def all_is_well(self, text, rows):
        """The next ordinary run publishes, and everything is right afterwards."""
        report = self.publish(text)
        self.assertEqual((report["outcome"], report["rows_new"] + report["rows_revised"]),
                         ("published", rows))
        self.sound()

    def newest_manifest(self):
        return self.objects("manifests/")[-1]

    def flip(self, key):
        path = self.object(key)
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 1
        path.chmod(0o644)
        path.write_bytes(data)

    def records(self):
        return [json.loads(self.object(key).read_text()) for key in self.objects("runs/")]

    def age_records(self, days):
        """As if all runs had been so many days ago."""
        for key in self.objects("runs/"):
            record = json.loads(self.object(key).read_text())
            for field in ("started_at", "finished_at"):
                time = datetime.datetime.strptime(record[field], "%Y-%m-%dT%H:%M:%S.%fZ")
                record[field] = (time - datetime.timedelta(days=days)).strftime(
                    "%Y-%m-%dT%H:%M:%S.%fZ")
            stamp = re.sub("[-:]", "", record["started_at"])
            self.object(key).unlink()
            self.object(f"runs/{stamp}-{record['run_id']}.json").write_text(json.dumps(record))

    def add_record(self, **fields):
        """The record of a run just now, otherwise like the newest one."""
        record = self.records()[-1]
        time = datetime.datetime.now(datetime.timezone.utc)
        record.update(run_id=os.urandom(16).hex(), started_at=time.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
                      **fields)
        stamp = re.sub("[-:]", "", record["started_at"])
        self.object(f"runs/{stamp}-{record['run_id']}.json").write_text(json.dumps(record))


class ExitCodes(State):
    def test_exit_0_publishes_and_repeats_without_harm(self):
        self.assertEqual(self.publish(FIRST)["outcome"], "published")
        before = self.published()
        self.cauce("run", "d.yml")
        self.assertEqual(self.published(), before)

    def test_exit_0_may_warn_of_what_is_derived(self):
        self.publish(FIRST)
        self.object(".tmp").write_text("in the way")
        self.write(SECOND)
        _, err = self.cauce("run", "d.yml")
        self.assertIn("warning: the projections are behind", err)
        self.object(".tmp").unlink()
        self.cauce("run", "d.yml")
        self.sound()

    def test_exit_1_no_room_for_scratch(self):
        self.publish(FIRST)
        before = self.published()
        (self.folder / "file").write_text("")
        self.write(SECOND)
        self.run_fails(1, "scratch files (setting `temp`)", "Nothing was published",
                       env=self.environment(TMPDIR=str(self.folder / "file/x")))
        self.assertEqual(self.published(), before)
        self.all_is_well(SECOND, 2)

    def test_exit_1_standard_output_on_a_full_disk(self):
        self.publish(FIRST)
        with open("/dev/full", "w", encoding="utf-8") as full:
            _, err = self.cauce("status", "d.yml", status=1, stdout=full)
        self.assertIn("The standard output could not be written", err)

    def test_exit_2_the_command_line(self):
        self.fails(2, "run", "--metricz", "x", "d.yml", says=["--metricz", "cauce help run"])
        self.assertFalse((self.folder / "published").exists())

    def test_exit_2_the_configuration_and_check_lists_every_mistake(self):
        (self.folder / "d.yml").write_text(CONFIG.replace("date}", "dat}").replace("key:", "keys:"))
        self.run_fails(2, "d.yml:5:", "d.yml:9:", "problems")
        out, _ = self.cauce("check", "d.yml", status=2)
        self.assertGreaterEqual(len(out.splitlines()), 2)
        self.assertFalse((self.folder / "published").exists())

    def test_exit_2_a_contradiction_to_what_is_published(self):
        self.publish(FIRST)
        before = self.published()
        self.write(SECOND)
        for old, new in (("key: [currency, day]", "key: [day]"), ("decimal(9,4)", "decimal(9,2)"),
                         ('  - {name: note, type: text}\n', "")):
            self.assertIn(old, CONFIG)
            (self.folder / "d.yml").write_text(CONFIG.replace(old, new))
            self.run_fails(2, "published", "Nothing was published")
            self.assertEqual(self.published(), before)
        (self.folder / "d.yml").write_text(CONFIG)
        self.all_is_well(SECOND, 2)

    def test_exit_3_the_source(self):
        self.publish(FIRST)
        before = self.published()
        (self.folder / "rates.csv").unlink()
        self.run_fails(3, "rates.csv", "does not exist", "Nothing was published", "Run again")
        (self.folder / "rates.csv").mkdir()
        self.run_fails(3, "rates.csv is a folder", "Nothing was published")
        (self.folder / "rates.csv").rmdir()
        self.assertEqual(self.published(), before)
        self.assertEqual([r["outcome"] for r in self.records()], ["published", "failed", "failed"])
        self.all_is_well(SECOND, 2)

    def test_exit_4_rows_that_do_not_fit(self):
        self.publish(FIRST)
        before = self.published()
        self.write(SECOND.replace("1.0900", "dear").replace("2026-02-01", "tomorrow"))
        err = self.run_fails(4, "Nothing was published", 'column "rate": "dear"',
                             'column "day": "tomorrow"', "bad_rows: reject")
        self.assertEqual(len(re.findall(r"rates\.csv:\d+:\d+: ", err)), 2)
        self.assertEqual(self.published(), before)
        self.assertEqual(self.json("plan", "d.yml", status=4)["rows_rejected"], 2)
        self.all_is_well(SECOND, 2)

    def test_exit_4_repeated_keys_and_lost_columns(self):
        self.publish(FIRST)
        before = self.published()
        (self.folder / "d.yml").write_text(CONFIG + "duplicates: fail\n")
        self.write(SECOND + "2026-02-01,USD,1.1100,again\n")
        self.run_fails(4, "repeat a key", "Nothing was published", "duplicates: last")
        self.write("day,currency,note\n2026-02-01,USD,x\n")
        self.run_fails(4, 'column "rate" is not in ', "Nothing was published")
        self.assertEqual(self.published(), before)
        (self.folder / "d.yml").write_text(CONFIG)
        self.all_is_well(SECOND, 2)

    def test_exit_5_a_write_that_fails_is_rolled_back(self):
        self.publish(months(36, 1))
        before = self.published()
        self.write(months(36, 2))
        err = self.roll_back()
        self.assertIn("rolling back 36 events due to write failure", err)
        self.assertRegex(err, r"cauce: error: Cannot write manifests/0000000002-.*: File too large")
        self.assertIn("Nothing was changed", err)
        self.assertEqual(self.published(), before)
        self.assertEqual(self.records()[-1]["events_rolled_back"], 36)
        self.assertEqual(self.alerts(), ["CauceRollbacks"])
        self.all_is_well(months(36, 2), 36)

    def test_exit_5_something_in_the_way(self):
        self.publish(FIRST)
        os.rename(self.object("events"), self.folder / "aside")
        self.object("events").write_text("a file")
        self.write(SECOND)
        self.run_fails(5, "Cannot reach events/", "Nothing was changed", "remove it by hand")
        self.object("events").unlink()
        os.rename(self.folder / "aside", self.object("events"))
        self.all_is_well(SECOND, 2)

    def test_exit_5_a_store_that_cannot_be_made(self):
        (self.folder / "published").write_text("a file")
        self.write(FIRST)
        self.run_fails(5, "The store ./published cannot be opened", "Nothing was changed",
                       "run again")
        (self.folder / "published").unlink()
        self.all_is_well(FIRST, 3)

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_exit_5_permissions(self):
        self.publish(FIRST)
        self.object("events").chmod(0o555)
        self.write(SECOND)
        self.run_fails(5, "Cannot reach events/", "Permission denied", "Check the permissions")
        self.object("events").chmod(0o755)
        self.all_is_well(SECOND, 2)

    def test_exit_5_a_full_disk(self):
        """A small file system in a mount namespace of its own, which goes with its processes."""
        namespace = next((command for command in (["unshare", "-m"], ["unshare", "-rm"])
                          if shutil.which("unshare") and subprocess.run(
                              [*command, "mount", "-t", "tmpfs", "none", self.folder / "scratch"],
                              capture_output=True, check=False).returncode == 0), None)
        if namespace is None:
            self.skipTest("no file system can be mounted here")
        (self.folder / "published").mkdir()
        (self.folder / "first.csv").write_text(FIRST)
        (self.folder / "second.csv").write_text(SECOND)
        script = """set -u
            mount -t tmpfs -o size=400k none published
            "$1" run -q --source first.csv d.yml || exit 99
            find published -path '*/runs/*' -prune -o -type f -exec sha256sum {} + >before
            dd if=/dev/zero of=published/filler bs=1k 2>/dev/null
            "$1" run -q --source second.csv d.yml; echo "full: $?"
            rm published/filler
            find published -path '*/runs/*' -prune -o -type f -exec sha256sum {} + | diff before - ||
                exit 98
            "$1" run -q --source second.csv d.yml; echo "room: $?"
            "$1" verify -q --data --strict d.yml; echo "verified: $?"
        """
        done = subprocess.run([*namespace, "sh", "-c", script, "sh", CAUCE], cwd=self.folder,
                              env=self.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(done.stdout, "full: 5\nroom: 0\nverified: 0\n")
        self.assertIn("No space left on device", done.stderr)
        self.assertIn("Free some space and run again", done.stderr)

    def test_exit_9_nothing_changed(self):
        self.publish(FIRST)
        self.cauce("run", "-q", "--detailed-exitcode", "d.yml", status=9)
        self.cauce("run", "-q", "--detailed-exitcode", "--force", "d.yml", status=9)
        self.write(SECOND)
        self.cauce("run", "-q", "--detailed-exitcode", "d.yml")
        self.sound()

    def test_exit_10_no_such_dataset_or_version(self):
        self.fails(10, "status", "d.yml", says=['no dataset "rates"', "./published", "cauce run"])
        self.publish(FIRST)
        self.fails(10, "status", "--store", "./published", "--dataset", "rate",
                   says=['no dataset "rate"', "./published"])
        self.fails(10, "show", "d.yml", "2", says=['"rates" has no version 2'])
        self.cauce("status", "d.yml")

    def test_exit_124_the_time_limit_was_over_before_the_commit(self):
        self.publish(FIRST)
        (self.folder / "rates.csv").write_text(SECOND)
        (self.folder / "d.yml").write_text(
            CONFIG + "timeout: 1s\ntransform: SELECT source.* FROM source, range(1000000) a, "
            "range(1000000) b, range(1000) c WHERE hash(a.range, b.range, c.range) = 1\n")
        _, err = self.cauce("run", "d.yml", status=124)
        self.assertIn("Nothing was published. Raise `timeout`", err)
        (self.folder / "d.yml").write_text(CONFIG)
        self.all_is_well(SECOND, 2)

    def test_exit_130_interrupted_before_the_commit(self):
        self.publish(FIRST)
        before = self.published()
        rows = "".join(f"2026-03-01,{i},1.0,\n" for i in range(1_000_000))
        self.write("day,currency,rate,note\n" + rows)
        for signum in (signal.SIGINT, signal.SIGTERM):
            run = self.start("run", "d.yml", "-vv", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            for line in run.stderr:
                if "load begins" in line:
                    break
            run.send_signal(signum)
            out, err = run.communicate()
            self.assertEqual((run.returncode, out), (130, ""), err)
            self.assertIn("Stopped by a signal. Nothing was published. Run again", err)
            self.assertEqual(self.published(), before)
            self.check_scratch()
        self.all_is_well(SECOND, 2)

    def test_exit_141_nobody_reads(self):
        self.publish(FIRST)
        read, write = os.pipe()
        os.close(read)
        _, err = self.cauce("read", "d.yml", status=141, stdout=write)
        os.close(write)
        self.assertEqual(err, "")


class Damage(State):
    """Exit code 12, and what heals by itself. The next ordinary run is tried after each."""

    def setUp(self):
        super().setUp()
        self.publish_both()
        shutil.copytree(self.folder / "published", self.folder / "copy")

    def restore(self, key):
        """From a copy, as the runbook asks."""
        self.object(key).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(self.folder / "copy/rates" / key, self.object(key))

    def verify_finds(self, *args, status=12):
        found = self.json("verify", "d.yml", *args, status=status)
        return {(finding["level"], finding["object"]) for finding in found["findings"]}

    def test_exit_12_a_missing_pointer_is_repaired_by_explicit_word(self):
        self.object("current/manifest.json").unlink()
        before = self.published()
        self.write(THIRD)
        self.run_fails(12, "current/manifest.json", "is missing although other objects exist",
                       "Nothing was changed", "cauce repair --to MANIFEST")
        self.assertEqual(self.published(), before)
        self.assertEqual(self.verify_finds(), {("damaged", "current/manifest.json")})
        self.cauce("repair", "--to", self.newest_manifest(), "d.yml")
        self.sound()
        self.all_is_well(THIRD, 1)

    def test_exit_12_a_damaged_pointer(self):
        self.object("current/manifest.json").write_text('{"format": 1, ')
        self.write(THIRD)
        self.run_fails(12, "current/manifest.json", "not valid JSON", "Nothing was changed",
                       "cauce repair --to MANIFEST")
        self.cauce("repair", "--to", self.newest_manifest(), "d.yml")
        self.all_is_well(THIRD, 1)

    def test_exit_12_a_pointer_that_names_another_hash(self):
        path = self.object("current/manifest.json")
        digest = re.search('"([0-9a-f]{64})"', path.read_text()).group(1)
        path.write_text(path.read_text().replace(digest, digest[::-1]))
        self.write(THIRD)
        self.run_fails(12, self.newest_manifest(), "SHA-256", "Nothing was changed", "cauce verify")
        # It looks intact: repair wants to hear that it may be replaced.
        self.fails(4, "repair", "--to", self.newest_manifest(), "d.yml", says=["--replace"])
        self.cauce("repair", "--replace", "--to", self.newest_manifest(), "d.yml")
        self.all_is_well(THIRD, 1)

    def test_exit_12_the_newest_manifest(self):
        key = self.newest_manifest()
        for damage in (self.flip, lambda key: self.object(key).unlink()):
            damage(key)
            self.write(THIRD)
            self.run_fails(12, key, "Nothing was changed", "cauce verify")
            self.assertIn(("damaged", key), self.verify_finds())
            self.restore(key)
            self.sound()
        self.all_is_well(THIRD, 1)

    def test_exit_12_the_newest_manifest_without_a_copy(self):
        """The pointer goes back to the version before; what is in the source is published again."""
        manifests = self.objects("manifests/")
        self.object(manifests[-1]).unlink()
        self.cauce("repair", "--replace", "--to", manifests[0], "d.yml")
        report = self.publish(SECOND)
        self.assertEqual((report["outcome"], report["sequence"]), ("published", 2))
        self.assertEqual((report["rows_new"], report["rows_revised"]), (1, 1))
        self.sound()

    def test_exit_12_an_older_manifest_shows_where_it_is_needed(self):
        key = self.objects("manifests/")[0]
        self.flip(key)
        self.write(THIRD)
        _, err = self.cauce("run", "d.yml")
        self.assertIn(f"the projections are behind ({key}", err)
        self.assertEqual(self.alerts(), ["CauceConsolidationBehind"])
        self.assertIsNone(self.json("metrics", "d.yml")["files"])
        self.fails(12, "log", "d.yml", says=[key])
        self.assertIn(("damaged", key), self.verify_finds())
        self.restore(key)
        self.cauce("run", "d.yml")
        self.sound()

    def test_exit_12_a_flipped_bit_of_an_event_file(self):
        key = self.objects("events/_data/")[0]
        self.flip(key)
        # Nobody needs to read it for a run that adds to another month.
        report = self.publish("day,currency,rate,note\n2026-05-01,EUR,1,\n")
        self.assertEqual(report["outcome"], "published")
        self.assertEqual(self.verify_finds(status=0), set())
        self.assertEqual(self.verify_finds("--data"), {("damaged", key)})
        self.fails(12, "read", "d.yml", says=[key, "is damaged", "Restore the file from a copy"])
        # One that adds to its month publishes all the same; its projection waits.
        self.write("day,currency,rate,note\n2026-01-31,EUR,1,\n")
        _, err = self.cauce("run", "d.yml")
        self.assertIn(f"all others are up to date: {key} is damaged", err)
        self.assertEqual(self.alerts(), ["CauceConsolidationBehind"])
        self.restore(key)
        self.cauce("run", "d.yml")
        self.assertEqual(self.alerts(), [])
        self.sound()

    def test_exit_12_an_event_file_without_a_copy(self):
        """What is whole is published anew under another id; what the source holds comes again."""
        self.object(self.objects("events/_data/")[-1]).unlink()
        self.fails(12, "read", "d.yml", says=["is missing"])
        self.cauce("read", "--version", "1", "-o", "left.csv", "d.yml")
        (self.folder / "d.yml").write_text(CONFIG.replace("rates\n", "rates_anew\n", 1))
        left = self.json("run", "--source", "left.csv", "d.yml")
        self.assertEqual((left["outcome"], left["rows_new"]), ("published", 3))
        again = self.publish(SECOND)
        self.assertEqual((again["rows_new"], again["rows_revised"]), (1, 1))
        self.sound()

    def test_exit_12_a_missing_event_file(self):
        key = self.objects("events/_data/")[0]
        self.object(key).unlink()
        self.assertEqual(self.verify_finds(), {("damaged", key)})
        says = [key, "is missing although a published version names it", "from a copy",
                "cauce verify"]
        self.fails(12, "read", "d.yml", says=says)
        self.fails(12, "rebuild-index", "d.yml", says=says)
        # A run that must rebuild the index cannot do without it, and publishes nothing.
        self.object("index/manifest.json").unlink()
        self.write(THIRD)
        self.run_fails(12, *says, "Nothing was published")
        self.restore(key)
        self.all_is_well(THIRD, 1)

    def heals(self, text=THIRD, rows=1):
        report = self.publish(text)
        self.assertEqual((report["outcome"], report["rows_new"]), ("published", rows))
        self.sound()
        return report

    def test_a_damaged_shard_of_the_index_is_rebuilt_by_the_next_run(self):
        for key in self.objects("index/"):
            if key.endswith(".parquet"):
                self.flip(key)
        report = self.heals()
        self.assertEqual((report["index_recovery"], report["index_reason"]), ("rebuild", "damaged"))
        self.assertEqual(self.alerts(), ["CauceIndexRebuilds"])

    def test_a_damaged_index_is_rebuilt_by_rebuild_index_as_well(self):
        shards = [key for key in self.objects("index/") if key.endswith(".parquet")]
        self.flip(shards[-1])
        self.assertIn("derived", {level for level, _ in self.verify_finds("--data", status=0)})
        self.cauce("rebuild-index", "-q", "d.yml")
        self.sound()

    def test_a_manifest_of_index_or_projections_is_made_anew_by_the_next_run(self):
        for key in ("index/manifest.json", "projections/manifest.json"):
            for damage in (lambda key: self.object(key).unlink(),
                           lambda key: self.object(key).write_text("{")):
                damage(key)
                self.write(THIRD.replace("third", os.urandom(4).hex()))
                self.cauce("run", "-q", "d.yml")
                self.sound()

    def test_a_projection_that_is_gone_or_cut_is_built_by_the_next_run(self):
        key = self.objects("projections/windows/")[0]
        for damage in (lambda: self.object(key).unlink(), lambda: self.object(key).write_text("x")):
            damage()
            self.write(THIRD.replace("third", os.urandom(4).hex()))
            self.cauce("run", "-q", "d.yml")
            self.sound()

    def test_a_flipped_bit_of_a_projection_is_found_by_verify_and_mended_by_consolidate(self):
        key = self.objects("projections/windows/")[0]
        self.flip(key)
        self.assertEqual(self.verify_finds("--data", status=0), {("derived", key)})
        self.verify_finds("--data", "--strict")
        self.cauce("consolidate", "-q", "d.yml")
        self.sound()
        self.heals()

    def test_scratch_that_was_left_is_swept_or_collected(self):
        left = ".tmp/0000000009-0123456789abcdef0123456789abcdef/2026-01.parquet"
        orphan = "events/0000000009-0123456789abcdef0123456789abcdef/part-0.parquet"
        for key in (left, orphan):
            self.object(key).parent.mkdir(parents=True)
            self.object(key).write_text("remains")
        self.heals()
        items = {item["key"] for item in self.json("gc", "d.yml")["items"]}
        self.assertIn(orphan, items)
        self.cauce("gc", "-q", "--delete", "d.yml")
        self.assertEqual(self.objects(".tmp/"), [])
        self.assertFalse(self.object(orphan).exists())
        self.sound()
        self.assertEqual(self.json("gc", "d.yml")["objects"], 0)


class Alerts(State):
    def setUp(self):
        super().setUp()
        self.publish(FIRST)
        self.assertEqual(self.alerts(), [])

    def passes(self):
        """What happened goes out of sight after seven days."""
        self.age_records(7.1)
        self.assertEqual(self.alerts(), [])

    def test_CauceRollbacks(self):
        """ExitCodes.test_exit_5_a_write_that_fails_is_rolled_back brings about a real one."""
        self.add_record(outcome="failed", rollbacks=1, events_rolled_back=2,
                        error={"code": "storage", "message": "No space left on device"})
        self.assertEqual(self.alerts(), ["CauceRollbacks"])
        self.assertIn("No space left on device", self.cauce("status", "d.yml")[0])
        self.all_is_well(SECOND, 2)
        # Later, too, the runs show what it was.
        self.assertNotIn("No space left on device", self.cauce("status", "d.yml")[0])
        shown = self.cauce("log", "--runs", "d.yml")[0].splitlines()
        self.assertEqual([line.split()[3] for line in shown[1:]], ["published", "failed", "published"])
        self.assertRegex(shown[2], r" failed +1 .* 2 +0 .*No space left on device$")
        self.passes()

    def test_CauceIndexRebuilds(self):
        self.object("index/manifest.json").unlink()
        self.all_is_well(SECOND, 2)
        self.assertEqual(self.alerts(), ["CauceIndexRebuilds"])
        self.assertEqual(self.records()[-1]["index_reason"], "absent")
        self.passes()

    def test_CauceIndexRebuildSlow(self):
        self.add_record(index_rebuilt=True, index_recovery="rebuild", index_reason="damaged",
                        index_rebuild_seconds=301.0)
        self.assertEqual(self.alerts(), ["CauceIndexRebuilds", "CauceIndexRebuildSlow"])
        self.all_is_well(SECOND, 2)
        self.passes()

    def test_CauceCommitUnknown(self):
        doubtful = "0000000002-0123456789abcdef0123456789abcdef"
        self.add_record(outcome="unknown", ambiguous=1, doubtful=doubtful,
                        error={"code": "unknown", "message": "no answer"})
        self.assertEqual(self.alerts(), ["CauceCommitUnknown"])
        fates = self.json("metrics", "d.yml")["doubtful_commits"]
        self.assertEqual(fates, {"open": 1, "published": 0, "not_published": 0})
        self.all_is_well(SECOND, 2)
        fates = self.json("metrics", "d.yml")["doubtful_commits"]
        self.assertEqual(fates, {"open": 0, "published": 0, "not_published": 1})
        self.passes()

    def test_CauceConflicts(self):
        self.add_record(conflicts=5)
        self.assertEqual(self.alerts(), [])
        self.add_record(conflicts=1)
        self.assertEqual(self.alerts(), ["CauceConflicts"])
        self.all_is_well(SECOND, 2)
        self.passes()

    def test_CauceConsolidationBehind(self):
        self.object(".tmp").write_text("in the way")
        self.write(SECOND)
        self.cauce("run", "d.yml")
        self.assertEqual(self.alerts(), ["CauceConsolidationBehind"])
        self.assertIn("the projections are behind", self.records()[-1]["warnings"][0])
        # cauce read is right nevertheless.
        self.assertIn("2026-02-01,USD,1.1000,new", self.cauce("read", "d.yml")[0])
        self.object(".tmp").unlink()
        self.cauce("consolidate", "-q", "d.yml")
        self.assertEqual(self.alerts(), [])
        self.sound()

    def test_CauceFailing(self):
        (self.folder / "rates.csv").unlink()
        for alerts in ([], [], ["CauceFailing"]):
            self.run_fails(3, "rates.csv")
            self.assertEqual(self.alerts(), alerts)
        self.all_is_well(SECOND, 2)
        self.assertEqual(self.alerts(), [])

    def test_a_success_in_the_future_does_not_hide_that_runs_are_late(self):
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1h\n")
        self.age_records(0.5)
        manifest = json.loads(self.object(self.objects("manifests/")[0]).read_text())
        record = self.records()[-1]
        record.update(run_id=os.urandom(16).hex(), started_at="2040-01-01T00:00:00.000000Z",
                      finished_at="2040-01-01T00:00:01.000000Z")
        key = f"runs/20400101T000000.000000Z-{record['run_id']}.json"
        self.object(key).write_text(json.dumps(record))
        self.assertTrue(manifest["created_at"] < "2040")
        shown = self.cauce("status", "d.yml")[0]
        self.assertIn(key, shown)
        status = self.json("status", "d.yml")
        self.assertEqual((status["future_records"], status["future_example"]), (1, key))
        self.assertLess(status["last_success"], "2040")
        self.assertNotEqual(status["last_run"]["run_id"], record["run_id"])

    def test_CauceNotRefreshed(self):
        """A dataset whose first run has failed has never been refreshed at all."""
        shutil.rmtree(self.folder / "published")
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1h\n")
        self.write("day,currency,rate,note\nx,EUR,1,\n")
        self.run_fails(4, "Nothing was published")
        self.assertEqual(self.alerts(), ["CauceNotRefreshed"])
        self.assertIn("LATE", self.cauce("status", "d.yml")[0])
        self.all_is_well(FIRST, 3)
        self.assertEqual(self.alerts(), [])


class Runbook(unittest.TestCase):
    def sections(self, pattern):
        return set(re.findall(rf"^### ({pattern})$", RUNBOOK, re.M))

    def test_every_exit_code_has_a_section_and_is_tried(self):
        told = subprocess.run([CAUCE, "help"], capture_output=True, text=True, check=True).stdout
        codes = set(re.findall(r"^ +(\d+)  ", told, re.M))
        self.assertLessEqual({"0", "7", "130"}, codes)
        self.assertEqual(self.sections(r"\d+"), codes)
        tried = set()
        for name in ("test_operations.py", "test_operations_s3.py"):
            tried |= set(re.findall(r"\btest_exit_(\d+)_", (ROOT / "tests/cli" / name).read_text()))
        self.assertEqual(tried, codes)

    def test_every_alert_has_a_section_and_is_tried(self):
        rules = set(re.findall(r"- alert: (\w+)", (ROOT / "alerts/cauce.rules.yml").read_text()))
        self.assertEqual(self.sections(r"Cauce\w+"), rules)
        self.assertEqual({name.removeprefix("test_") for name in dir(Alerts)
                          if name.startswith("test_Cauce")}, rules)


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Every command as a user meets it: answers, messages, exit statuses."""

import datetime
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

from cauce_cli import CAUCE, FIRST, ROOT, SECOND, Case


def commands():
    text = subprocess.run([CAUCE, "help"], capture_output=True, text=True, check=True).stdout
    part = text[text.index("Commands:\n"):text.index("\n\n\"cauce help COMMAND\"")]
    return re.findall(r"^  ([a-z-]+) ", part, re.M)


class Help(Case):
    def test_every_command_has_help_with_examples(self):
        names = commands()
        self.assertGreaterEqual(len(names), 16)
        for name in names:
            for args in ([name, "--help"], [name, "-h"], ["help", name]):
                out = self.answer(*args)
                self.assertTrue(out.startswith(f"usage: cauce {name} [OPTIONS]"), out)
                self.assertIn("\nExamples:\n  cauce ", out)

    def test_the_list_comes_on_request_and_where_nothing_is_asked_for(self):
        out = self.answer("help")
        self.assertEqual(out, self.answer("--help"))
        self.assertEqual(out, self.answer("-h"))
        nothing, err = self.cauce(status=2)
        self.assertEqual((nothing, err), ("", out))

    def test_the_version_is_that_of_the_project(self):
        out = self.answer("version")
        self.assertRegex(out, r"^cauce \d+\.\d+\.\d+\n$")
        self.assertEqual(out, self.answer("--version"))
        self.assertEqual(out, f"cauce {self.json('version')['version']}\n")

    def test_help_is_json_where_asked_for(self):
        self.assertEqual([c["command"] for c in self.json("help")["commands"]], commands())
        one, = self.json("help", "run")["commands"]
        self.assertEqual(one["text"], self.answer("help", "run"))

    def test_every_option_in_an_example_is_known(self):
        for name in commands():
            out = self.answer(name, "--help")
            known = set(re.findall(r"^ .*?(--[a-z-]+)", out[:out.index("\nExamples:")], re.M))
            used = set(re.findall(r"(--[a-z-]+)", out[out.index("\nExamples:"):]))
            self.assertLessEqual(used, known, name)


class Mistakes(Case):
    def refused(self, *args, says, status=2):
        out, err = self.cauce(*args, status=status)
        self.assertEqual(out, "")
        self.assertIn(says, err)
        self.assertTrue(err.startswith("cauce: error: "), err)
        return err

    def test_commands_and_options_are_guessed(self):
        self.refused("statsu", "d.yml", says='"statsu" is not a command; did you mean "status"?')
        self.refused("nonsense", says='"cauce help" lists them')
        self.refused("run", "--forse", "d.yml", says='did you mean "--force"?')
        self.refused("--json", "run", says="options come after it, as in cauce run --json")

    def test_a_dataset_must_be_named(self):
        self.refused("run", says="No dataset is named: give DATASET.yml.")
        self.refused("status", says="give DATASET.yml, or --store URL and --dataset ID.")
        self.refused("status", "--store", "x", says="--store URL and --dataset ID")
        self.refused("status", "--dataset", "x", says="--dataset needs --store")
        self.refused("status", "a", "b", says='"b" is one operand too many')

    def test_what_is_not_there_has_a_status_of_its_own(self):
        self.refused("status", "absent.yml", says='"cauce init absent.yml" writes one')
        for name in ("status", "log", "show", "read", "verify", "rebuild-index", "consolidate", "gc"):
            self.refused(name, "d.yml", status=10, says='There is no dataset "rates"')
            self.refused(name, "--store", "published", "--dataset", "rates", status=10,
                         says='There is no dataset "rates"')
        self.assertFalse((self.folder / "published").exists())
        self.publish(FIRST)
        self.refused("status", "--store", "published", "--dataset", "other", status=10,
                     says='There is no dataset "other"')
        self.refused("show", "d.yml", "2", status=10, says="has no version 2: it has 1 to 1")
        self.refused("read", "--version", "2", "d.yml", status=10, says="has no version 2")
        self.refused("read", "--at", "2001-01-01", "d.yml", status=10, says="had no version at")

    def test_values_are_checked(self):
        self.refused("read", "--limit", "0", "d.yml", says="--limit needs a whole number from 1")
        self.refused("read", "--format", "xml", "d.yml", says="csv, jsonl or parquet")
        self.refused("read", "--json", "--format", "csv", "d.yml", says="--format jsonl, not csv")
        self.refused("read", "--at", "now", "d.yml", says="is not a time")
        self.refused("read", "--at", "2026-01-01", "--version", "1", "d.yml", says="give only one")
        self.refused("show", "d.yml", "newest", status=10, says='There is no dataset "rates"')
        self.refused("repair", "d.yml", says="--to and --list")
        self.refused("status", "--store", "ftp://x", "--dataset", "d", says="ftp://x")

    def test_every_problem_of_a_configuration_has_its_place(self):
        (self.folder / "bad.yml").write_text("dataset: X\nstor: ./x\n")
        expected = [r"^bad.yml:1:1: .*\"key\" is missing", r"^bad.yml:1:10: .*lower-case",
                    r"^bad.yml:2:1: .*did you mean \"store\"\?"]
        out, err = self.cauce("check", "bad.yml", status=2)
        self.assertEqual(err, "")
        for pattern, line in zip(expected, out.splitlines(), strict=True):
            self.assertRegex(line, pattern)
        out, err = self.cauce("run", "bad.yml", status=2)
        self.assertEqual(out, "")
        self.assertEqual(len(err.splitlines()), 4)
        self.assertEqual(err.splitlines()[3], "cauce: error: bad.yml has 3 problems.")
        found = self.json("check", "bad.yml", status=2)
        self.assertFalse(found["valid"])
        self.assertEqual([p["line"] for p in found["problems"]], [1, 1, 2])
        failed = self.json("run", "bad.yml", status=2)
        self.assertEqual((failed["outcome"], failed["error"]["code"]), ("failed", "config"))

    def test_messages_are_objects_where_machines_read_them(self):
        (self.folder / "bad.yml").write_text("dataset: X\n")
        for status, *args in ((2, "run", "bad.yml"), (10, "status", "d.yml"),
                              (2, "run", "--force", "absent.yml")):
            err = self.cauce(*args, "--log-format", "json", status=status)[1]
            lines = [json.loads(line) for line in err.splitlines()]
            self.assertTrue(lines)
            for line in lines:
                self.assertEqual(line["level"], "error")
                datetime.datetime.fromisoformat(line["time"].replace("Z", "+00:00"))
            self.assertIn("code", lines[-1])


class Run(Case):
    def test_versions_grow_and_nothing_new_is_no_version(self):
        first = self.publish(FIRST)
        self.assertEqual((first["outcome"], first["sequence"]), ("published", 1))
        self.assertEqual((first["rows_read"], first["rows_new"], first["files_written"]), (3, 3, 2))
        self.assertEqual(self.json("run", "d.yml")["outcome"], "unchanged")
        self.assertEqual(self.json("run", "d.yml", "--force")["outcome"], "no_new_rows")
        second = self.publish(SECOND)
        self.assertEqual((second["outcome"], second["sequence"]), ("published", 2))
        self.assertEqual([second["rows_" + n] for n in ("new", "revised", "known", "vanished")],
                         [1, 1, 1, 1])
        self.assertEqual((second["rows_total"], second["keys_total"]), (5, 4))
        self.assertNotEqual(first["commit"], second["commit"])

    def test_the_object_has_the_documented_fields(self):
        run = self.publish(FIRST)
        text = (ROOT / "docs/commands.md").read_text()
        section = text[text.index("\n## cauce run\n"):text.index("\n## cauce status\n")]
        table = section[section.index("| field |"):]
        documented = {name for row in re.findall(r"^\| (`.*?) \|", table, re.M)
                      for name in re.findall(r"`([a-z_]+)`", row)}
        self.assertEqual(set(run), documented)
        self.assertIsNone(run["error"])
        self.assertEqual(run["source"], "./rates.csv")
        self.assertGreater(run["peak_memory_bytes"], 1 << 20)
        record = json.loads(self.object(self.objects("runs/")[0]).read_text())
        for name in ("outcome", "run_id", "started_at", "rows_new", "sequence"):
            self.assertEqual(record[name], run[name])

    def test_the_summary_is_short_and_quiet_is_quiet(self):
        (self.folder / "rates.csv").write_text(FIRST)
        lines = self.answer("run", "d.yml").splitlines()
        self.assertRegex(lines[0], r"^rates: published version 1 \(0000000001-[0-9a-f]{32}\)$")
        self.assertLessEqual(len(lines), 6)
        lines = self.answer("run", "d.yml").splitlines()
        self.assertEqual(lines[0], "rates: the source has not changed; version 1 is the newest")
        self.assertEqual(self.answer("run", "-q", "--force", "d.yml"), "")
        self.assertEqual(json.loads(self.answer("run", "-q", "--json", "d.yml"))["sequence"], 1)

    def test_a_plan_changes_nothing(self):
        (self.folder / "rates.csv").write_text(FIRST)
        plan = self.json("plan", "d.yml")
        self.assertEqual((plan["outcome"], plan["sequence"], plan["rows_new"]), ("planned", 0, 3))
        self.assertFalse((self.folder / "published").exists())
        self.assertIn("would publish version 1", self.answer("run", "--dry-run", "d.yml"))
        self.publish(FIRST)
        before = self.objects()
        (self.folder / "rates.csv").write_text(SECOND)
        plan = self.json("plan", "d.yml")
        self.assertEqual([plan["rows_" + n] for n in ("new", "revised", "known", "vanished")],
                         [1, 1, 1, 1])
        self.assertEqual(self.objects(), before)

    def test_detailed_statuses_tell_whether_something_was_published(self):
        (self.folder / "rates.csv").write_text(FIRST)
        self.cauce("plan", "--detailed-exitcode", "d.yml", status=0)
        self.cauce("run", "--detailed-exitcode", "d.yml", status=0)
        self.cauce("run", "--detailed-exitcode", "d.yml", status=9)
        self.cauce("run", "--detailed-exitcode", "--force", "d.yml", status=9)
        self.cauce("plan", "--detailed-exitcode", "d.yml", status=9)
        self.cauce("run", "d.yml", status=0)

    def test_source_and_store_of_the_command_line_win(self):
        (self.folder / "other.csv").write_text(SECOND)
        run = self.json("run", "--source", "other.csv", "--store", "elsewhere", "d.yml")
        self.assertEqual((run["outcome"], run["source"]), ("published", "other.csv"))
        self.assertTrue((self.folder / "elsewhere/rates/current/manifest.json").exists())
        self.assertFalse((self.folder / "published").exists())

    def test_a_source_that_is_not_there(self):
        out, err = self.cauce("run", "d.yml", status=3)
        self.assertEqual(out, "")
        self.assertIn("rates.csv", err)
        failed = self.json("run", "d.yml", status=3)
        self.assertEqual((failed["outcome"], failed["error"]["code"]), ("failed", "source"))

    def test_rows_that_do_not_fit_are_named_with_their_place(self):
        (self.folder / "rates.csv").write_text(FIRST + "2026-02-02,EUR,abc,\n")
        out, err = self.cauce("run", "d.yml", status=4)
        self.assertEqual(out, "")
        self.assertRegex(err, r"rates.csv:5:16: .*\"rate\".*abc")
        failed = self.json("run", "d.yml", status=4)
        self.assertEqual(failed["rows_rejected"], 1)
        self.assertEqual({k: failed["rejects"][0][k] for k in ("line", "name", "value")},
                         {"line": 5, "name": "rate", "value": "abc"})
        with open(self.folder / "d.yml", "a", encoding="utf-8") as file:
            file.write("bad_rows: reject\n")
        out, err = self.cauce("run", "d.yml")
        self.assertIn("; 1 rejected", out)
        self.assertIn("warning", err)

    def test_a_signal_before_the_commit_publishes_nothing(self):
        with open(self.folder / "rates.csv", "w", encoding="utf-8") as file:
            file.write("day,currency,rate,note\n")
            for i in range(400000):
                file.write(f"2026-01-{i % 28 + 1:02},C{i},1.5,some text\n")
        for number in (signal.SIGINT, signal.SIGTERM):
            process = self.start("run", "-vv", "--json", "d.yml", stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            seen = False
            for line in process.stderr:
                if "load begins" in line:
                    seen = True
                    process.send_signal(number)
                    break
            self.assertTrue(seen)
            out, err = process.communicate()
            self.assertEqual(process.returncode, 130, err)
            self.assertEqual(json.loads(out)["error"]["code"], "interrupted")
            self.assertEqual(self.objects("manifests/"), [])
            self.assertEqual(self.objects("events/_data/"), [])
        self.assertEqual(self.json("run", "d.yml")["rows_new"], 400000)

    def test_runs_at_once_lose_no_row_and_repeat_none(self):
        self.publish(FIRST)
        running = []
        for i in range(4):
            name = f"s{i}.csv"
            (self.folder / name).write_text(
                "day,currency,rate,note\n2026-03-01,ALL,1.0,\n" +
                "".join(f"2026-03-{d:02},C{i},{d}.0,\n" for d in range(1, 20)))
            running.append(self.start("run", "-q", "--source", name, "d.yml",
                                      stderr=subprocess.PIPE))
        for process in running:
            err = process.communicate()[1]
            self.assertEqual(process.returncode, 0, err)
        rows = self.answer("read", "d.yml").splitlines()[1:]
        self.assertEqual(len(rows), 3 + 4 * 19 + 1)
        self.assertEqual(len(set(rows)), len(rows))
        self.assertTrue(self.json("verify", "--data", "d.yml")["sound"])


class Looking(Case):
    def setUp(self):
        super().setUp()
        self.publish_both()

    def test_every_answer_is_valid_json(self):
        dataset = ["--store", "published", "--dataset", "rates"]
        for args in (["check", "d.yml"], ["plan", "d.yml"], ["run", "d.yml"], ["status", "d.yml"],
                     ["status", *dataset], ["log", "d.yml"], ["log", *dataset], ["show", "d.yml"],
                     ["show", "d.yml", "1"], ["show", *dataset, "2"], ["verify", "d.yml"],
                     ["verify", "--data", *dataset], ["rebuild-index", "--dry-run", "d.yml"],
                     ["rebuild-index", "d.yml"], ["consolidate", "--dry-run", "d.yml"],
                     ["consolidate", *dataset], ["gc", "d.yml"], ["gc", "--delete", *dataset],
                     ["doctor"], ["doctor", "d.yml"], ["doctor", *dataset], ["version"]):
            self.json(*args)

    def test_file_and_store_lead_to_the_same_dataset(self):
        dataset = ["--store", "published", "--dataset", "rates"]
        for args in (["log"], ["show"], ["read"], ["verify", "--data"], ["gc"], ["consolidate"]):
            self.assertEqual(self.cauce(*args, "d.yml")[0], self.cauce(*args, *dataset)[0])

    def test_status_shows_what_reflects_the_newest_version(self):
        status = self.json("status", "d.yml")
        self.assertEqual((status["sequence"], status["rows_total"], status["keys_total"]), (2, 5, 4))
        self.assertEqual(status["index"]["state"], "fresh")
        self.assertEqual(status["projections"]["state"], "fresh")
        self.assertEqual(status["last_run"]["outcome"], "published")
        self.assertIsNone(status["late"])
        self.assertIn("key index:    fresh\n", self.answer("status", "d.yml"))
        with open(self.folder / "d.yml", "a", encoding="utf-8") as file:
            file.write("expect_every: 1h\n")
        self.assertIs(self.json("status", "d.yml")["late"], False)
        self.assertIn("in time", self.answer("status", "d.yml"))
        (self.folder / "rates.csv").write_text(FIRST.replace("1.0800", "7.0000"))
        self.cauce("run", "--no-consolidate", "d.yml")
        self.assertEqual(self.json("status", "d.yml")["projections"]["state"], "behind")

    def test_log_lists_the_newest_version_first(self):
        versions = self.json("log", "d.yml")
        self.assertEqual([v["sequence"] for v in versions], [2, 1])
        self.assertEqual([v["rows_new"] for v in versions], [1, 3])
        self.assertEqual([v["rows_revised"] for v in versions], [1, 0])
        self.assertEqual(len(self.json("log", "--limit", "1", "d.yml")), 1)
        lines = self.answer("log", "d.yml").splitlines()
        self.assertEqual(lines[0].split(), ["VERSION", "TIME", "NEW", "REVISED", "ROWS", "FILES",
                                            "BYTES", "SOURCE"])
        self.assertEqual(len(lines), 3)

    def test_show_takes_a_number_or_a_name(self):
        one = self.json("show", "d.yml", "1")
        name = f"{one['sequence']:010}-{one['commit']}"
        self.assertEqual(self.json("show", "d.yml", name), one)
        self.assertEqual(one["manifest"], f"manifests/{name}.json")
        self.assertEqual([c["type"] for c in one["columns"]],
                         ["date", "text", "decimal(9,4)", "text"])
        self.assertEqual((one["key"], one["partition"]),
                         (["currency", "day"], {"column": "day", "by": "month"}))
        self.assertEqual(sum(f["rows"] for f in one["files"]), one["rows_added"])
        self.assertEqual(self.json("show", "d.yml")["sequence"], 2)
        self.assertEqual(self.json("show", "d.yml")["parent"], one["manifest"])
        other = name[:-1] + ("0" if name[-1] != "0" else "1")
        err = self.cauce("show", "d.yml", other, status=10)[1]
        self.assertIn(f"its version 1 is {name}", err)

    def test_doctor_says_what_is_there(self):
        found = self.json("doctor", "d.yml")
        self.assertTrue(found["ok"])
        names = [c["check"] for c in found["checks"]]
        for name in ("program", "libduckdb", "memory", "threads", "scratch", "store", "probe"):
            self.assertIn(name, names)
        self.assertTrue(all(line.startswith("ok ")
                            for line in self.answer("doctor", "d.yml").splitlines()))
        self.assertNotIn(".probe", " ".join(self.objects()))
        self.assertIn("the first run creates it", self.answer("doctor", "--store", "nowhere",
                                                            "--dataset", "d"))

    @unittest.skipIf(os.geteuid() == 0 and not shutil.which("setpriv"), "needs setpriv")
    def test_a_store_that_may_not_be_seen_or_written_is_not_taken_for_an_absent_one(self):
        nobody = [] if os.geteuid() else ["setpriv", "--reuid=65534", "--regid=65534",
                                          "--clear-groups"]
        if subprocess.run([*nobody, os.path.abspath(CAUCE), "version"], check=False,
                          capture_output=True).returncode != 0:
            self.skipTest("another user cannot start the program from where it was built")
        home = self.folder / "home"
        (self.folder / "published").rename(home)
        scratch = self.folder / "scratch"
        for folder, mode in ((self.folder, 0o755), (scratch, 0o777), (home, 0o555),
                             (home / "rates", 0o555)):
            folder.chmod(mode)
        self.addCleanup(home.chmod, 0o755)
        self.addCleanup((home / "rates").chmod, 0o755)

        def as_nobody(status, *args):
            done = subprocess.run([*nobody, os.path.abspath(CAUCE), *args, "--store", str(home)],
                                  cwd=self.folder, env=self.environment(), text=True,
                                  capture_output=True, check=False)
            self.assertEqual(done.returncode, status, f"{args}: {done.stdout}{done.stderr}")
            return done.stdout + done.stderr

        as_nobody(0, "verify", "--data", "--dataset", "rates")
        said = as_nobody(5, "doctor", "--dataset", "rates")
        self.assertRegex(said, r"FAILED folder +Cannot write to the folder .*: Permission denied")
        self.assertRegex(said, r"FAILED probe +.*Permission denied")
        said = as_nobody(5, "doctor", "--dataset", "other")
        self.assertRegex(said, r"FAILED folder +Cannot write to the folder .*home: Permission")
        home.chmod(0o0)
        for command in ("status", "read", "verify", "doctor"):
            self.assertIn("Permission denied", as_nobody(5, command, "--dataset", "rates"))

    def test_a_scratch_folder_that_cannot_be_written_to_is_found_by_doctor(self):
        env = self.environment(TMPDIR="/proc/self")
        self.assertRegex(self.cauce("doctor", status=5, env=env)[0], r"FAILED scratch +Cannot write")

    def test_nothing_depends_on_the_locale(self):
        for locale in ("C", "POSIX", "de_DE.UTF-8", "tr_TR.UTF-8", "xx"):
            env = self.environment(LC_ALL=locale, LANG=locale, TZ="Asia/Tokyo")
            for args in (["read", "d.yml"], ["log", "d.yml"], ["show", "d.yml", "1"]):
                self.assertEqual(self.answer(*args), self.answer(*args, env=env))

    def test_a_pipe_gets_no_progress_and_no_colour(self):
        for args in (["verify", "--data"], ["rebuild-index", "-q"], ["consolidate"]):
            self.assertEqual(self.cauce(*args, "d.yml")[1], "")


class Healing(Case):
    def setUp(self):
        super().setUp()
        self.publish_both()

    def test_damage_is_found_and_has_its_status(self):
        self.assertTrue(self.json("verify", "d.yml")["sound"])
        event = self.objects("events/_data/")[0]
        content = self.object(event).read_bytes()
        self.object(event).chmod(0o644)
        self.object(event).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        self.assertTrue(self.json("verify", "d.yml")["sound"])
        report = self.json("verify", "--data", "d.yml", status=12)
        self.assertFalse(report["sound"])
        self.assertEqual([f["object"] for f in report["findings"] if f["level"] == "damaged"],
                         [event])
        self.assertIn("DAMAGED", self.cauce("verify", "--data", "d.yml", status=12)[0])
        out, err = self.cauce("read", "d.yml", status=12)
        self.assertEqual(out, "")
        self.assertIn(event, err)

    def test_what_is_derived_counts_only_where_asked_for(self):
        for key in self.objects("index/") + self.objects("projections/"):
            self.object(key).unlink()
        report = self.json("verify", "d.yml")
        self.assertTrue(report["sound"])
        self.assertEqual({f["level"] for f in report["findings"]}, {"derived"})
        self.cauce("verify", "--strict", "d.yml", status=12)
        out, err = self.cauce("rebuild-index", "d.yml")
        self.assertRegex(out, r"^rates: key index of version 2 rebuilt: 4 keys, ")
        self.assertIn("2 partitions would be built",
                      self.answer("consolidate", "--dry-run", "d.yml"))
        self.assertRegex(self.answer("consolidate", "d.yml"), r"version 2: 2 partitions built")
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_a_projection_that_was_changed_is_built_anew(self):
        key = self.objects("projections/windows/")[0]
        content = self.object(key).read_bytes()
        self.object(key).chmod(0o644)
        self.object(key).write_bytes(bytes([content[0] ^ 1]) + content[1:])
        self.cauce("verify", "--data", "--strict", "d.yml", status=12)
        self.assertEqual(self.json("consolidate", "d.yml")["moved"], 1)
        self.assertEqual(self.json("consolidate", "d.yml")["skipped"], True)
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_a_lost_pointer_is_set_by_explicit_word(self):
        manifests = self.objects("manifests/")
        self.object("current/manifest.json").unlink()
        err = self.cauce("run", "--force", "d.yml", status=12)[1]
        self.assertIn("repair", err)
        self.cauce("status", "d.yml", status=12)
        dry = self.json("repair", "--dry-run", "--to", manifests[1], "d.yml")
        self.assertEqual((dry["dry_run"], dry["sequence"]), (True, 2))
        self.assertFalse(self.object("current/manifest.json").exists())
        self.assertRegex(self.answer("repair", "--to", manifests[1], "d.yml"),
                         r"^rates: the pointer names version 2 ")
        self.assertEqual(self.json("status", "d.yml")["sequence"], 2)
        self.cauce("verify", "--data", "d.yml")
        err = self.cauce("repair", "--to", manifests[0], "d.yml", status=4)[1]
        self.assertIn("--replace does so", err)
        name = manifests[0].removeprefix("manifests/").removesuffix(".json")
        self.answer("repair", "--replace", "--to", name, "d.yml")
        self.assertEqual(self.json("status", "d.yml")["sequence"], 1)

    def test_gc_deletes_only_on_request_and_only_remains(self):
        self.cauce("gc", "--delete", "d.yml")
        self.assertIn("nothing to delete", self.answer("gc", "d.yml"))
        before = [key for key in self.objects() if not key.startswith("runs/")]
        orphan = "events/0000000009-" + "a" * 32 + "/part-0.parquet"
        self.object(orphan).parent.mkdir(parents=True)
        self.object(orphan).write_text("x")
        out = self.answer("gc", "d.yml")
        self.assertEqual(out.splitlines()[0], orphan)
        self.assertIn("would be deleted with --delete", out)
        self.assertTrue(self.object(orphan).exists())
        self.assertEqual(self.json("gc", "--delete", "d.yml")["removed"], 1)
        self.assertEqual([key for key in self.objects() if not key.startswith("runs/")], before)
        self.cauce("verify", "--data", "d.yml")


class Output(Case):
    def test_a_full_disk_is_no_success(self):
        self.publish(FIRST)
        for args in (["read"], ["log"], ["status"], ["log", "--json"], ["help"]):
            with open("/dev/full", "w", encoding="utf-8") as full:
                operands = [] if args == ["help"] else ["d.yml"]
                err = self.cauce(*args, *operands, status=1, stdout=full)[1]
                self.assertEqual(len(err.splitlines()), 1, err)
                self.assertIn("standard output", err)

    def test_a_reader_who_leaves_is_no_error(self):
        # More than a pipe holds, also compressed.
        lines = "".join(f"2026-01-{i % 28 + 1:02},C{i},1.5,{hashlib.sha256(b'%d' % i).hexdigest()}\n"
                        for i in range(20000))
        self.publish("day,currency,rate,note\n" + lines)
        for form in ("csv", "jsonl", "parquet"):
            read, write = os.pipe()
            process = self.start("read", "--format", form, "d.yml", stdout=write,
                                 stderr=subprocess.PIPE)
            os.close(write)
            os.read(read, 10)
            os.close(read)
            err = process.communicate()[1]
            self.assertEqual((process.returncode, err), (141, ""), form)


if __name__ == "__main__":
    unittest.main(verbosity=2)

"""Metrics, alerts and traces as the people who run cauce meet them.

With Prometheus' promtool (Debian's package prometheus) on the machine, what is written is checked by
it, and the shipped rules are tested."""

import datetime
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import time
import unittest

from cauce_cli import CONFIG, FIRST, ROOT, SECOND, Case, months

PROMTOOL = shutil.which("promtool")
ALERTS = ROOT / "alerts"
needs_promtool = unittest.skipUnless(PROMTOOL, "promtool is not there")


def promtool(*args, text=None):
    return subprocess.run([PROMTOOL, *args], input=text, cwd=ALERTS, capture_output=True, text=True,
                          check=False)


def value(text, sample):
    found = re.search("^" + re.escape(sample) + r" (\S+)$", text, re.M)
    assert found, f"{sample} is not in\n{text}"
    return float(found.group(1))


def families(text):
    """Name, type and help of every metric."""
    types = dict(re.findall(r"^# TYPE (\w+) (\w+)$", text, re.M))
    helps = dict(re.findall(r"^# HELP (\w+) (.+)$", text, re.M))
    return {name: (kind, helps[name]) for name, kind in types.items()}


def label_values(text):
    """The labels of every metric beside `dataset`, and the values that they have."""
    seen = {}
    for name, labels in re.findall(r"^(\w+)\{([^}]*)\}", text, re.M):
        name = re.sub("_(bucket|sum|count)$", "", name)
        for label, is_now in re.findall(r'(\w+)="([^"]*)"', labels):
            if label != "dataset":
                values = seen.setdefault(name, {}).setdefault(label, [])
                values += [is_now] * (is_now not in values)
    return seen


def documented():
    """The tables of docs/metrics.md: name, type, labels with their values, meaning."""
    text = (ROOT / "docs/metrics.md").read_text()
    for row in re.findall(r"^\| `(cauce_\w+)` \| (.*) \|$", text, re.M):
        kind, _, labels, meaning = row[1].split(" | ")
        shown = {}
        for label in labels.split("; ") if labels != "-" else []:
            name, values = label.split(": ")
            shown[name.strip("`")] = [v.strip("`") for v in values.split(", ")]
        yield row[0], (kind, meaning), shown


class Metrics(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1d\n")

    def run_to_file(self, text, *args, **how):
        (self.folder / "rates.csv").write_text(text)
        self.cauce("run", "d.yml", "--metrics-file", "m.prom", *args, **how)
        return (self.folder / "m.prom").read_text()

    def test_counters_survive_processes(self):
        self.run_to_file(FIRST)
        self.run_to_file(SECOND)
        text = self.run_to_file(SECOND, "--source", "missing.csv", status=3)
        self.assertEqual(value(text, 'cauce_runs_total{dataset="rates",outcome="published"}'), 2)
        self.assertEqual(value(text, 'cauce_runs_total{dataset="rates",outcome="failed"}'), 1)
        self.assertEqual(value(text, 'cauce_rows_total{dataset="rates",kind="revised"}'), 1)
        self.assertEqual(value(text, 'cauce_dataset_keys{dataset="rates"}'), 4)

    def test_the_file_of_metrics_is_replaced_and_leaves_no_other(self):
        before = set(os.listdir(self.folder))
        self.run_to_file(FIRST)
        self.run_to_file(SECOND)
        self.assertEqual(set(os.listdir(self.folder)) - before,
                         {"rates.csv", "m.prom", "published"})

    def test_a_damaged_index_raises_the_alert_of_the_rules(self):
        self.publish(FIRST)
        self.assertIn("alerts:       none", self.answer("status", "d.yml"))
        self.cauce("status", "d.yml", "--alert")
        self.object("index/manifest.json").unlink()
        self.cauce("run", "d.yml", "--force")
        self.assertIn("CauceIndexRebuilds", self.cauce("status", "d.yml", "--alert", status=4)[0])
        alerts = [alert["alert"] for alert in self.json("status", "d.yml")["alerts"]]
        self.assertEqual(alerts, ["CauceIndexRebuilds"])

    def test_openmetrics_has_its_end_and_counters_named_without_total(self):
        self.publish(FIRST)
        text = self.answer("metrics", "d.yml", "--format", "openmetrics")
        self.assertTrue(text.endswith("\n# EOF\n"))
        self.assertIn("# TYPE cauce_runs counter\n", text)
        self.assertIn("\ncauce_runs_total{", text)

    def promtool_is_content(self, text):
        done = promtool("check", "metrics", text=text)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    @needs_promtool
    def test_promtool_finds_nothing_to_say_about_the_text(self):
        self.publish(FIRST)
        self.promtool_is_content(self.answer("metrics", "d.yml"))

    @needs_promtool
    def test_promtool_finds_nothing_to_say_about_a_dataset_that_has_only_failed(self):
        text = self.run_to_file("day,currency,rate,note\nx,EUR,1,\n", status=4)
        self.assertEqual(value(text, 'cauce_runs_total{dataset="rates",outcome="failed"}'), 1)
        self.assertNotIn("cauce_last_success", text)
        self.promtool_is_content(text)

    def test_a_first_run_that_finds_no_source_is_told_as_never_refreshed(self):
        """There is no dataset yet, and so no record; somebody is to hear of it all the same."""
        self.cauce("run", "d.yml", "--metrics-file", "m.prom", status=3)
        self.assertEqual(self.objects(), [])
        text = (self.folder / "m.prom").read_text()
        self.assertEqual(value(text, 'cauce_expect_every_seconds{dataset="rates"}'), 86400)
        self.assertEqual(value(text, 'cauce_dataset_versions{dataset="rates"}'), 0)
        self.assertNotIn("cauce_last_success", text)
        self.cauce("metrics", "d.yml", status=10)
        if PROMTOOL:
            self.promtool_is_content(text)

    def test_names_and_records_made_by_hand_do_not_break_the_text(self):
        self.publish(FIRST)
        for name in ('a"b', "a\nb 1", "a}b", "../rates", "RATES", ""):
            self.cauce("metrics", "--store", "./published", "--dataset", name, status=2)
        key = self.objects("runs/")[0]
        record = json.loads(self.object(key).read_text())
        record.update(outcome='x"} 9\n', index_recovery=7, index_rebuilt=True, requests="no",
                      index_rebuild_seconds=-3, rows_new=-5, rows_read=2**63 - 1, consolidation=[],
                      seconds={"load": -1e308, "delta": 1e308}, finished_at="yesterday",
                      error={"code": 1, "message": "one\nalerts:       none\n\x1b[2J"})
        for name in (key, key.replace("runs/2", "runs/1")):
            self.object(name).write_text(json.dumps(record))
        text = self.answer("metrics", "d.yml")
        self.assertEqual(value(text, 'cauce_runs_total{dataset="rates",outcome="failed"}'), 2)
        for line in text.splitlines():
            self.assertRegex(line, r'^(# .*|cauce_\w+\{[^{}]*\} [0-9.e+]+)$')
        if PROMTOOL:
            self.promtool_is_content(text)
        shown = self.answer("status", "d.yml")
        self.assertNotIn("\x1b", shown)
        self.assertIn("\n              alerts:       none\n", shown)
        self.assertEqual(re.findall("^alerts: +(.{17})", shown, re.M), ["CauceIndexRebuild"])

    def test_moments_are_those_of_the_record(self):
        report = self.publish(FIRST)
        ended = datetime.datetime.fromisoformat(report["finished_at"].replace("Z", "+00:00"))
        text = self.answer("metrics", "d.yml")
        for what in ("run", "success", "change"):
            said = value(text, f'cauce_last_{what}_timestamp_seconds{{dataset="rates"}}')
            self.assertAlmostEqual(said, ended.timestamp(), places=3)

    def test_openmetrics_is_what_its_parser_understands(self):
        try:
            from prometheus_client.openmetrics import parser
        except ImportError:
            self.skipTest("Python's prometheus_client is not there")
        self.publish(FIRST)
        text = self.answer("metrics", "d.yml", "--format", "openmetrics")
        parsed = {family.name: family for family in parser.text_string_to_metric_families(text)}
        plain = families(self.answer("metrics", "d.yml"))
        self.assertEqual({name.removesuffix("_total") for name in plain}, set(parsed))
        for name, (kind, meaning) in plain.items():
            family = parsed[name.removesuffix("_total")]
            self.assertEqual((family.type, family.documentation), (kind, meaning))
        self.assertEqual({sample.labels["dataset"] for family in parsed.values()
                          for sample in family.samples}, {"rates"})

    def test_a_run_that_tells_no_metrics_reads_no_records(self):
        """What a run costs does not grow with the runs before it."""
        self.publish(FIRST)
        before = self.json("run", "--force", "d.yml")["requests"]
        for i in range(300):
            self.object(f"runs/20200101T000000.{i:06}Z-{i:032x}.json").write_text("unreadable")
        self.assertEqual(self.json("run", "--force", "d.yml")["requests"], before)
        self.assertNotIn("runs/", self.cauce("run", "d.yml", "--force", "-vv")[1].replace(
            "operation=put_new key=runs/", ""))
        self.assertIn("a record of a run is left out", self.cauce("metrics", "d.yml")[1])


class History(Case):
    """A history made by hand: each counter is what was done, no more and no less."""

    ROLLED_BACK = 36

    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG + "bad_rows: reject\n")
        self.reports = []

    def write(self, text):
        (self.folder / "rates.csv").write_text(text)

    def run_once(self, *args, text=None, status=0):
        if text is not None:
            self.write(text)
        self.reports.append(self.json("run", "d.yml", *args, status=status))
        return self.reports[-1]

    def index(self):
        return {key: self.object(key).read_bytes() for key in self.objects("index/")}

    def lose_a_race(self):
        """
        A run stands still after it has read its base, until another has published. Whether it sees
        that before its swap or at it depends on where it stood: the race is lost either way.
        """
        self.write(months(36, 3))
        slow = self.start("run", "d.yml", "-vv", "--json", stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
        for line in slow.stderr:
            if "load begins" in line:
                break
        slow.send_signal(signal.SIGSTOP)
        quick = self.folder / "quick.csv"
        quick.write_text(FIRST)
        self.run_once("--source", quick)
        slow.send_signal(signal.SIGCONT)
        out, err = slow.communicate()
        self.assertEqual(slow.returncode, 0, err)
        self.reports.append(json.loads(out))
        self.assertEqual(self.reports[-1]["conflicts"], 1)

    def make_history(self):
        self.run_once(text=months(36, 1))                              # published 1
        self.run_once()                                                # unchanged
        self.run_once("--force")                                       # no_new_rows
        self.run_once("--source", "missing.csv", status=3)             # failed
        self.write(months(36, 2))
        self.roll_back()                                               # failed, rolled back
        behind = self.index()
        self.run_once("--no-consolidate", text=months(36, 2))          # published 2
        for key, body in behind.items():
            self.object(key).parent.mkdir(parents=True, exist_ok=True)
            self.object(key).write_bytes(body)
        self.run_once("--force")                                       # no_new_rows, caught up
        self.object("index/manifest.json").unlink()
        self.run_once("--force")                                       # no_new_rows, rebuilt
        self.lose_a_race()                                             # published 3 and 4
        bad = FIRST + "2026-02-01,EUR,dear,\n2026-02-01,USD,2,\n2026-02-01,USD,3,\n"
        self.run_once(text=bad)                                        # published 5
        self.cauce("run", "--dry-run", "d.yml", "--force")             # no record
        orphan = self.object("events/0000000099-" + "0" * 32 + "/part-0.parquet")
        orphan.parent.mkdir()
        orphan.write_text("remains")
        self.gone = self.json("gc", "d.yml", "--delete")["objects"]
        self.assertGreaterEqual(self.gone, 1)

    def test_every_counter_is_what_was_done(self):
        self.make_history()
        text = self.answer("metrics", "d.yml")
        records = [json.loads(self.object(key).read_text()) for key in self.objects("runs/")]
        runs = [r for r in records if r["kind"] == "run"]
        self.assertEqual(len(runs), len(self.reports) + 1)

        def is_now(name, **labels):
            labels = "".join(f',{label}="{text}"' for label, text in labels.items())
            return value(text, f'{name}{{dataset="rates"{labels}}}')

        done = {"published": 5, "unchanged": 1, "no_new_rows": 3, "failed": 2, "lost": 0, "unknown": 0}
        for outcome, count in done.items():
            self.assertEqual(is_now("cauce_runs_total", outcome=outcome), count, outcome)
        for name, count in {
                "cauce_rollback_runs_total": 1, "cauce_events_rolled_back_total": self.ROLLED_BACK,
                "cauce_commit_conflicts_total": 1, "cauce_commit_ambiguous_total": 0,
                "cauce_commit_settled_by_reading_total": 0,
                "cauce_index_inconsistencies_total": 2,
                "cauce_index_rebuild_duration_seconds_count": 1,
                "cauce_consolidations_resumed_total": 0, "cauce_consolidations_replayed_total": 0,
                "cauce_partitions_behind": 0, "cauce_orphans_found_total": self.gone,
                "cauce_orphans_removed_total": self.gone, "cauce_dataset_versions": 5,
                "cauce_dataset_keys": 36 + 4, "cauce_dataset_rows": 36 * 3 + 4,
                "cauce_store_retries_total": 0}.items():
            self.assertEqual(is_now(name), count, name)
        self.assertEqual(is_now("cauce_index_recoveries_total", method="catch_up"), 1)
        self.assertEqual(is_now("cauce_index_recoveries_total", method="rebuild"), 1)
        self.assertEqual(is_now("cauce_rows_total", kind="rejected"), 1)
        self.assertEqual(is_now("cauce_rows_total", kind="duplicate"), 1)
        self.assertEqual(is_now("cauce_rows_total", kind="new"), 36 + 3 + 1)
        self.assertEqual(is_now("cauce_rows_total", kind="revised"), 36 + 36)
        self.assertEqual(is_now("cauce_dataset_files"), len(self.objects("events/_data/")))
        self.assertEqual(is_now("cauce_dataset_bytes"), sum(
            self.object(key).stat().st_size for key in self.objects("events/_data/")))
        self.sums_are_those_of_the_records(is_now, runs)
        self.json_has_the_same_figures(text)

    def json_has_the_same_figures(self, text):
        """Every number of the text stands in the JSON as well, and all of it was just now."""
        def numbers(value):
            if isinstance(value, dict):
                return {number for one in value.values() for number in numbers(one)}
            return set() if isinstance(value, (str, list)) else {float(value or 0)}

        told = self.json("metrics", "d.yml")
        self.assertEqual(told["all"], told["last_7_days"])
        shown = numbers(told)
        for name, labels, number in re.findall(r"^(\w+)(\{.*\}) (\S+)$", text, re.M):
            if not name.endswith(("_timestamp_seconds", "_bucket")):
                self.assertTrue(any(abs(float(number) - one) < 1e-6 for one in shown), name + labels)

    def sums_are_those_of_the_records(self, is_now, runs):
        """What the records hold in detail is added up as it is."""
        for kind in ("read", "new", "revised", "known", "vanished", "rejected", "duplicate"):
            told = runs
            if kind in ("new", "revised"):
                told = [run for run in runs if run["outcome"] == "published"]
            self.assertEqual(is_now("cauce_rows_total", kind=kind),
                             sum(run[f"rows_{kind}"] for run in told), kind)
        for kind in ("get", "head", "put", "swap", "move", "list", "delete"):
            self.assertEqual(is_now("cauce_store_requests_total", kind=kind),
                             sum(run["requests"][kind + "s"] for run in runs), kind)
        for direction in ("read", "written"):
            self.assertEqual(is_now("cauce_store_bytes_total", direction=direction),
                             sum(run["requests"]["bytes_" + direction] for run in runs))
        self.assertEqual(is_now("cauce_source_bytes_total"),
                         sum(run["source_bytes"] for run in runs))
        states = [run["consolidation"]["state"] for run in runs]
        for state in ("completed", "in_progress"):
            self.assertEqual(is_now("cauce_consolidations_total", state=state), states.count(state))
        for step in runs[0]["seconds"]:
            if step != "total":
                self.assertAlmostEqual(is_now("cauce_step_seconds_total", step=step),
                                       sum(run["seconds"][step] for run in runs), places=6)
        self.assertEqual(is_now("cauce_last_run_peak_memory_bytes"), runs[-1]["peak_memory_bytes"])


class Runs(Case):
    """`cauce log --runs`."""

    def setUp(self):
        super().setUp()
        self.reports = [self.publish(FIRST), self.publish(FIRST)]
        self.reports.append(self.json("run", "d.yml", "-s", "missing.csv", status=3))
        self.cauce("gc", "-q", "--delete", "d.yml")

    def test_runs_are_listed_newest_first_also_those_that_published_nothing(self):
        self.assertEqual(self.json("log", "--runs", "d.yml"), self.reports[::-1])
        self.assertEqual(self.json("log", "--runs", "-n", "1", "d.yml"), self.reports[2:])
        lines = self.answer("log", "--runs", "d.yml").splitlines()
        self.assertEqual(lines[0].split()[:3], ["TIME", "OUTCOME", "VERSION"])
        self.assertEqual([line.split()[3] for line in lines[1:]], ["failed", "unchanged", "published"])
        self.assertIn("missing.csv does not exist", lines[1])

    def test_runs_are_listed_where_the_dataset_is_damaged(self):
        self.object("current/manifest.json").write_text("{")
        self.assertEqual(self.json("log", "--runs", "d.yml"), self.reports[::-1])
        self.cauce("log", "d.yml", status=12)
        self.cauce("log", "--runs", "--store", "./published", "--dataset", "other", status=10)


class Failing(Case):
    """Where metrics and trace cannot be written the run's outcome stays, and a warning says why."""

    def setUp(self):
        super().setUp()
        (self.folder / "rates.csv").write_text(FIRST)

    def warns(self, says, *args, status=0):
        before = len(self.objects("runs/"))
        _, err = self.cauce("run", "d.yml", *args, status=status)
        warnings = [line for line in err.splitlines() if line.startswith("cauce: warning: ")]
        self.assertEqual(len(warnings), 1, err)
        self.assertRegex(warnings[0], says)
        self.assertEqual(len(self.objects("runs/")), before + 1)

    def test_a_file_of_metrics_that_cannot_be_written_is_a_warning(self):
        says = "the metrics could not be written: .*"
        (self.folder / "file").write_text("")
        self.warns(says + "nowhere/m.prom", "--metrics-file", "nowhere/m.prom")
        self.warns(says + "Not a directory", "--metrics-file", "file/m.prom")
        self.warns(says, "--metrics-file", "published")
        self.cauce("run", "-q", "d.yml", "--detailed-exitcode", "--metrics-file", "/dev/full/x",
                   status=9)
        self.warns(says, "--metrics-file", "file/m.prom", "--source", "missing.csv", status=3)
        self.assertTrue((self.folder / "published").is_dir())

    def test_a_trace_that_cannot_be_written_is_a_warning(self):
        says = "the trace could not be written: .*"
        self.warns(says + "nowhere/t.json", "--trace", "nowhere/t.json")
        self.warns(says, "--trace", "published")
        self.warns(says, "--trace", "nowhere/t.json", "--source", "missing.csv", status=3)

    def test_a_file_is_whole_or_as_it_was(self):
        """Below a limit of file sizes neither can be written: what was there stays."""
        self.cauce("run", "-q", "d.yml", "--metrics-file", "m.prom", "--trace", "t.json")
        old = {name: (self.folder / name).read_bytes() for name in ("m.prom", "t.json")}
        limit = 2500 # a record has room
        run = self.start("run", "d.yml", "--force", "--metrics-file", "m.prom", "--trace", "t.json",
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                               (limit, limit)))
        _, err = run.communicate()
        self.assertEqual(run.returncode, 0, err)
        self.assertIn("the metrics could not be written", err)
        self.assertIn("the trace could not be written", err)
        for name, body in old.items():
            self.assertEqual((self.folder / name).read_bytes(), body, err)
        self.assertEqual([name for name in os.listdir(self.folder) if name.startswith(".")], [])


class Trace(Case):
    """`run --trace FILE` in the format that Perfetto and chrome://tracing read."""

    def setUp(self):
        super().setUp()
        (self.folder / "rates.csv").write_text(FIRST)

    def trace(self):
        """Steps and operations; what every viewer relies on holds."""
        told = json.loads((self.folder / "t.json").read_text())
        self.assertEqual(told["otherData"], {"events_left_out": 0})
        names = [e["args"]["name"] for e in told["traceEvents"] if e["ph"] == "M"]
        self.assertEqual(names[:2], ["cauce", "steps"])
        events = [e for e in told["traceEvents"] if e["ph"] != "M"]
        rows = {}
        for e in events:
            self.assertEqual((e["ph"], e["pid"]), ("X", 1))
            for field in ("ts", "dur", "tid"):
                self.assertIsInstance(e[field], int)
                self.assertGreaterEqual(e[field], 0)
            self.assertLess(abs(e["ts"] / 1e6 - time.time()), 3600)
            # The events of one row follow each other.
            self.assertGreaterEqual(e["ts"], rows.get(e["tid"], 0))
            rows[e["tid"]] = e["ts"] + e["dur"]
        steps = [e for e in events if e["cat"] == "step"]
        self.assertEqual({e["tid"] for e in steps}, {1})
        operations = [e for e in events if e["cat"] == "store"]
        self.assertEqual(len(steps) + len(operations), len(events))
        return steps, operations

    def names(self, steps):
        return [e["name"] for e in steps]

    def test_steps_stand_one_behind_the_other_and_operations_below_them(self):
        self.cauce("run", "d.yml", "--trace", "t.json")
        steps, operations = self.trace()
        names = self.names(steps)
        self.assertLess(names.index("delta"), names.index("write_events"))
        self.assertLess(names.index("write_events"), names.index("publish"))
        for before, after in zip(steps, steps[1:]):
            self.assertEqual(before["ts"] + before["dur"], after["ts"])
        swap = [e for e in operations if e["name"] == "swap"
                and e["args"]["key"] == "current/manifest.json"][-1]
        publish = steps[names.index("publish")]
        self.assertLessEqual(publish["ts"], swap["ts"])
        self.assertLessEqual(swap["ts"] + swap["dur"], publish["ts"] + publish["dur"])
        self.assertEqual(set(swap["args"]), {"key", "objects", "bytes", "result"})

    def test_a_run_that_fails_leaves_its_trace(self):
        self.cauce("run", "d.yml", "--trace", "t.json", "--source", "missing.csv", status=3)
        self.assertEqual(self.names(self.trace()[0]), ["source"])
        self.publish(months(36, 1))
        (self.folder / "rates.csv").write_text("day,currency,rate,note\nx,EUR,1,\n")
        self.cauce("run", "d.yml", "--trace", "t.json", status=4)
        self.assertEqual(self.names(self.trace()[0])[-1], "load")

    def test_a_run_that_is_interrupted_leaves_its_trace(self):
        rows = "".join(f"2026-03-01,{i},1.0,\n" for i in range(1_000_000))
        (self.folder / "rates.csv").write_text("day,currency,rate,note\n" + rows)
        run = self.start("run", "d.yml", "-vv", "--trace", "t.json", stderr=subprocess.PIPE)
        for line in run.stderr:
            if "load begins" in line:
                break
        run.send_signal(signal.SIGINT)
        run.communicate()
        self.assertEqual(run.returncode, 130)
        self.assertEqual(self.names(self.trace()[0])[-1], "load")


class Shipped(Case):
    """alerts/, docs/metrics.md and docs/operations.md against what the program says."""

    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1d\n")
        self.publish_both()
        self.publish(FIRST + "no row\n", status=4)
        self.text = self.answer("metrics", "d.yml")

    def test_every_metric_is_documented_with_type_labels_and_meaning(self):
        pages = list(documented())
        self.assertEqual({name: told for name, told, _ in pages}, families(self.text))
        shown = label_values(self.text)
        self.assertEqual({name: labels for name, _, labels in pages if labels}, shown)

    def test_every_alert_stands_in_rules_program_and_runbook(self):
        def names(pattern, *path):
            return set(re.findall(pattern, ROOT.joinpath(*path).read_text(), re.M))
        rules = names(r"- alert: (\w+)", "alerts", "cauce.rules.yml")
        program = names(r'"(Cauce\w+)"', "src", "pipeline", "metrics_alerts.c")
        for thing in ROOT.joinpath("src", "derived").glob("*/*.c"):
            program |= names(r'"(Cauce\w+)"', thing)
        self.assertEqual(rules, program)
        self.assertEqual(rules, names(r"^### (Cauce\w+)$", "docs", "operations.md"))

    def test_every_metric_of_rules_and_dashboard_exists(self):
        for name in ("cauce.rules.yml", "cauce.dashboard.json"):
            used = set(re.findall(r"\bcauce_\w+", (ALERTS / name).read_text()))
            used = {re.sub("_(bucket|sum|count)$", "", metric) for metric in used}
            self.assertTrue(used)
            self.assertLessEqual(used, set(families(self.text)), name)

    @needs_promtool
    def test_the_rules_are_valid_and_pass_their_tests(self):
        for args in (("check", "rules", "cauce.rules.yml"), ("test", "rules", "cauce.rules.test.yml")):
            done = promtool(*args)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)

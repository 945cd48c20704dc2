"""Metrics, alerts and traces as the people who run cauce meet them.

With Prometheus' promtool (Debian's package prometheus) on the machine, what is written is checked by
it, and the shipped rules are tested."""

import json
import os
import re
import shutil
import subprocess
import unittest

from cauce_cli import CONFIG, FIRST, ROOT, SECOND, Case

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

    def test_a_trace_shows_steps_and_operations(self):
        (self.folder / "rates.csv").write_text(FIRST)
        self.cauce("run", "d.yml", "--trace", "t.json")
        events = json.loads((self.folder / "t.json").read_text())["traceEvents"]
        steps = [e["name"] for e in events if e["cat"] == "step"]
        self.assertLess(steps.index("delta"), steps.index("write_events"))
        self.assertLess(steps.index("write_events"), steps.index("publish"))
        self.assertIn("current/manifest.json",
                      [e["args"]["key"] for e in events if e["name"] == "swap"])

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

    @needs_promtool
    def test_promtool_finds_nothing_to_say_about_the_text(self):
        self.publish(FIRST)
        done = promtool("check", "metrics", text=self.answer("metrics", "d.yml"))
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))


class Shipped(Case):
    """alerts/, docs/metrics.md and docs/operations.md against what the program says."""

    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1d\n")
        self.publish_both()
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
        self.assertEqual(rules, names(r'"(Cauce\w+)"', "src", "pipeline", "metrics_alerts.c"))
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

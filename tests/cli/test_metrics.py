"""Metrics, alerts and traces as the people who run cauce meet them.

With Prometheus' promtool on the machine, what is written is checked by it, and the shipped rules are
tested; without it these parts are named as skipped."""
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

CAUCE = os.environ["CAUCE"]
ROOT = os.environ["CAUCE_SOURCE_DIR"]
PROMTOOL = shutil.which("promtool")


def cauce(*args, want=0, cwd=None):
    done = subprocess.run([CAUCE, *args], cwd=cwd, capture_output=True, text=True)
    assert done.returncode == want, (args, done.returncode, done.stdout, done.stderr)
    return done.stdout


def promtool(*args, text=None, cwd=None):
    done = subprocess.run([PROMTOOL, *args], input=text, cwd=cwd, capture_output=True, text=True)
    assert done.returncode == 0, (args, done.stdout, done.stderr)


def value(text, sample):
    found = re.search("^" + re.escape(sample) + r" (\S+)$", text, re.M)
    assert found, sample + " is not in\n" + text
    return float(found.group(1))


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def publish(folder):
    write(folder + "/d.yml", "dataset: demo\nstore: ./out\nsource: s.csv\nkey: [id]\nexpect_every: 1d\n")
    write(folder + "/s.csv", "id,v\n1,a\n2,b\n")
    cauce("run", "d.yml", "--metrics-file", "m.prom", "--trace", "t.json", cwd=folder)


def counters_survive_processes(folder):
    write(folder + "/s.csv", "id,v\n1,a\n2,c\n3,d\n")
    cauce("run", "d.yml", "--metrics-file", "m.prom", cwd=folder)
    cauce("run", "d.yml", "--source", "missing.csv", "--metrics-file", "m.prom", want=3, cwd=folder)
    with open(folder + "/m.prom") as f:
        written = f.read()
    assert value(written, 'cauce_runs_total{dataset="demo",outcome="published"}') == 2
    assert value(written, 'cauce_runs_total{dataset="demo",outcome="failed"}') == 1
    assert value(written, 'cauce_rows_total{dataset="demo",kind="revised"}') == 1
    assert value(written, 'cauce_dataset_keys{dataset="demo"}') == 3
    assert os.listdir(folder).count("m.prom") == 1 and not [n for n in os.listdir(folder) if ".tmp" in n]


def text_is_what_prometheus_reads(folder):
    text = cauce("metrics", "d.yml", cwd=folder)
    promtool("check", "metrics", text=text)
    assert cauce("metrics", "d.yml", "--format", "openmetrics", cwd=folder).endswith("# EOF\n")


def rules_are_right():
    folder = ROOT + "/alerts"
    promtool("check", "rules", "cauce.rules.yml", cwd=folder)
    promtool("test", "rules", "cauce.rules.test.yml", cwd=folder)


def a_trace_shows_steps_and_operations(folder):
    with open(folder + "/t.json") as f:
        events = json.load(f)["traceEvents"]
    steps = [e["name"] for e in events if e["cat"] == "step"]
    assert steps.index("delta") < steps.index("write_events") < steps.index("publish"), steps
    assert any(e["name"] == "swap" and e["args"]["key"] == "current/manifest.json" for e in events)


def a_damaged_index_raises_the_alert_of_the_rules(folder):
    assert "alerts:       none" in cauce("status", "d.yml", cwd=folder)
    cauce("status", "d.yml", "--alert", cwd=folder)
    os.remove(folder + "/out/demo/index/manifest.json")
    cauce("run", "d.yml", "--force", cwd=folder)
    assert "CauceIndexRebuilds" in cauce("status", "d.yml", "--alert", want=4, cwd=folder)
    alerts = json.loads(cauce("status", "d.yml", "--json", cwd=folder))["alerts"]
    assert [a["alert"] for a in alerts] == ["CauceIndexRebuilds"], alerts


def every_alert_stands_in_rules_program_and_runbook():
    with open(ROOT + "/alerts/cauce.rules.yml") as f:
        rules = set(re.findall(r"- alert: (\w+)", f.read()))
    with open(ROOT + "/src/pipeline/metrics_alerts.c") as f:
        program = set(re.findall(r'"(Cauce\w+)"', f.read()))
    with open(ROOT + "/docs/operations.md") as f:
        runbook = set(re.findall(r"^### (Cauce\w+)$", f.read(), re.M))
    assert rules == program == runbook, (rules, program, runbook)


def every_metric_of_rules_and_dashboard_exists(folder):
    known = set(re.findall(r"^# TYPE (\w+) ", cauce("metrics", "d.yml", cwd=folder), re.M))
    for name in ("cauce.rules.yml", "cauce.dashboard.json"):
        with open(ROOT + "/alerts/" + name) as f:
            used = set(re.findall(r"\bcauce_\w+", f.read()))
        used = {re.sub("_(bucket|sum|count)$", "", u) for u in used}
        assert used <= known, (name, used - known)


def main():
    with tempfile.TemporaryDirectory() as folder:
        publish(folder)
        counters_survive_processes(folder)
        a_trace_shows_steps_and_operations(folder)
        every_metric_of_rules_and_dashboard_exists(folder)
        a_damaged_index_raises_the_alert_of_the_rules(folder)
        every_alert_stands_in_rules_program_and_runbook()
        if PROMTOOL:
            text_is_what_prometheus_reads(folder)
            rules_are_right()
        else:
            print("skipped: promtool is not there (Debian's package prometheus)")
    print("metrics, alerts and traces: all as they should be")


if __name__ == "__main__":
    sys.exit(main())

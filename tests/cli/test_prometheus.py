"""A real Prometheus (Debian's package) with the shipped rules: it scrapes what cauce writes, and its
alerts are those of `cauce status`. Skipped where there is none."""

import http.server
import json
import re
import shutil
import socket
import subprocess
import threading
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from cauce_cli import CONFIG, FIRST, ROOT, SECOND, Case

PROMETHEUS = shutil.which("prometheus")
DASHBOARD = json.loads((ROOT / "alerts/cauce.dashboard.json").read_text())
TYPES = {"/text": "text/plain; version=0.0.4",
         "/open": "application/openmetrics-text; version=1.0.0; charset=utf-8"}

SETTINGS = """
global: {scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}
rule_files: [%s]
scrape_configs:
  - {job_name: text, metrics_path: /text, static_configs: [{targets: ["%s"]}]}
  - {job_name: open, metrics_path: /open, static_configs: [{targets: ["%s"]}]}
"""


class Files(http.server.ThreadingHTTPServer):
    """Shows the newest metrics in both formats, as a collector of text files does."""

    daemon_threads = True

    def __init__(self):
        self.pages = {}
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = self.server.pages[self.path].encode()
        self.send_response(200)
        self.send_header("content-type", TYPES[self.path])
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


def expressions():
    """Every expression of the dashboard, for all datasets."""
    for panel in DASHBOARD["panels"]:
        for target in panel["targets"]:
            yield target["expr"].replace("$dataset", ".*")


@unittest.skipUnless(PROMETHEUS, "prometheus is not there")
class Server(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "d.yml").write_text(CONFIG + "expect_every: 1d\n")
        self.files = Files()
        self.addCleanup(self.files.close)

    def show(self):
        self.files.pages = {"/text": self.cauce("metrics", "d.yml")[0],
                            "/open": self.cauce("metrics", "d.yml", "--format", "openmetrics")[0]}

    def start_prometheus(self):
        where = f"127.0.0.1:{free_port()}"
        here = "127.0.0.1:%d" % self.files.server_address[1]
        settings = self.folder / "prometheus.yml"
        settings.write_text(SETTINGS % (ROOT / "alerts/cauce.rules.yml", here, here))
        self.log = open(self.folder / "prometheus.log", "w+", encoding="utf-8")
        self.addCleanup(self.log.close)
        server = subprocess.Popen([PROMETHEUS, f"--config.file={settings}", "--log.level=warn",
                                   f"--storage.tsdb.path={self.folder}/tsdb",
                                   f"--web.listen-address={where}"],
                                  stdout=self.log, stderr=self.log, cwd=self.folder)
        self.addCleanup(server.wait)
        self.addCleanup(server.terminate)
        self.address = f"http://{where}/api/v1/"
        self.wait_for(200, lambda: urllib.request.urlopen(f"http://{where}/-/ready").status)

    def ask(self, path, **query):
        url = self.address + path + ("?" + urllib.parse.urlencode(query) if query else "")
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as refused:
            self.fail(f"{query}: {refused.read().decode()}")

    def wait_for(self, what, look):
        """Look again until it is true; what was seen last."""
        seen = None
        for _ in range(300):
            try:
                seen = look()
            except urllib.error.URLError as away:
                seen = away
            if seen == what or (what is None and seen):
                return seen
            time.sleep(0.2)
        self.log.seek(0)
        self.fail(f"{seen} is not {what}\n{self.log.read()}")

    def scraped(self):
        """Whether each format was read, with what was wrong."""
        targets = self.ask("targets")["activeTargets"]
        return {t["labels"]["job"]: (t["health"], t["lastError"]) for t in targets}

    def value(self, query):
        return {one["metric"]["job"]: float(one["value"][1])
                for one in self.ask("query", query=query)["result"]}

    def fired(self):
        """Per format, the names of the alerts that fire."""
        names = {"text": set(), "open": set()}
        for alert in self.ask("alerts")["alerts"]:
            self.assertEqual(alert["labels"]["dataset"], "rates")
            self.assertIn("rates: ", alert["annotations"]["summary"])
            names[alert["labels"]["job"]].add(alert["labels"]["alertname"])
        return names

    def fires(self, *names):
        """Prometheus and `cauce status` say that exactly these fire."""
        told = [alert["alert"] for alert in self.json("status", "d.yml")["alerts"]]
        self.assertEqual(set(told), set(names))
        self.wait_for({"text": set(names), "open": set(names)}, self.fired)

    def test_what_happens_raises_the_alerts_that_status_shows(self):
        self.publish(FIRST)
        self.show()
        self.start_prometheus()
        up = {"text": ("up", ""), "open": ("up", "")}
        self.wait_for(up, self.scraped)
        for name, count in (("cauce_runs_total{outcome='published'}", 1),
                            ("cauce_runs_total{outcome='unknown'}", 0),
                            ("cauce_index_rebuild_duration_seconds_bucket{le='300.0'}", 0),
                            ("cauce_dataset_keys", 3)):
            self.assertEqual(self.value(name), {"text": count, "open": count}, name)
        self.fires()

        self.object("index/manifest.json").unlink()
        self.cauce("run", "d.yml", "--force")
        self.show()
        self.fires("CauceIndexRebuilds")

        self.object(".tmp").write_text("in the way")
        (self.folder / "rates.csv").write_text(SECOND)
        self.cauce("run", "d.yml")
        self.show()
        self.fires("CauceIndexRebuilds", "CauceConsolidationBehind")

        self.object(".tmp").unlink()
        self.cauce("consolidate", "-q", "d.yml")
        self.show()
        self.fires("CauceIndexRebuilds")
        self.assertEqual(self.scraped(), up)
        self.dashboard_shows()

    def test_a_dataset_that_has_only_failed_was_never_refreshed(self):
        (self.folder / "rates.csv").write_text("day,currency,rate,note\nx,EUR,1,\n")
        self.cauce("run", "d.yml", status=4)
        self.show()
        self.start_prometheus()
        self.fires("CauceNotRefreshed")
        self.publish(FIRST)
        self.show()
        self.fires()

    def dashboard_shows(self):
        """Every expression of it has an answer, and so has its list of datasets."""
        self.assertGreater(len(list(expressions())), 10)
        for expression in expressions():
            self.assertTrue(self.ask("query", query=expression)["result"], expression)
        variable = next(v for v in DASHBOARD["templating"]["list"] if v["name"] == "dataset")
        metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]).groups()
        found = self.ask(f"label/{label}/values", **{"match[]": metric})
        self.assertEqual(found, ["rates"])


class Dashboard(unittest.TestCase):
    """What Grafana asks of a dashboard that is imported."""

    def test_panels_are_drawn_side_by_side_from_the_source_that_is_chosen(self):
        self.assertIsInstance(DASHBOARD["schemaVersion"], int)
        self.assertNotIn("id", DASHBOARD) # that of one server
        variables = {v["name"]: v for v in DASHBOARD["templating"]["list"]}
        self.assertEqual(variables["datasource"]["type"], "datasource")
        self.assertEqual(variables["datasource"]["query"], "prometheus")
        source = {"type": "prometheus", "uid": "${datasource}"}
        self.assertEqual(variables["dataset"]["datasource"], source)
        ids, cells = set(), set()
        for panel in DASHBOARD["panels"]:
            self.assertTrue(panel["title"])
            self.assertIn(panel["type"], ("stat", "timeseries", "table"))
            self.assertEqual(panel["datasource"], source)
            self.assertNotIn(panel["id"], ids)
            ids.add(panel["id"])
            place = panel["gridPos"]
            self.assertLessEqual(place["x"] + place["w"], 24)
            covered = {(x, y) for x in range(place["x"], place["x"] + place["w"])
                       for y in range(place["y"], place["y"] + place["h"])}
            self.assertFalse(covered & cells, panel["title"])
            cells |= covered
            refs = [target["refId"] for target in panel["targets"]]
            self.assertEqual(sorted(set(refs)), refs)

    def test_every_expression_looks_at_the_datasets_that_are_chosen(self):
        used = set()
        for panel in DASHBOARD["panels"]:
            for target in panel["targets"]:
                metrics = re.findall(r"\bcauce_\w+(\{[^}]*\})?", target["expr"])
                self.assertTrue(metrics)
                for selector in metrics:
                    self.assertIn('dataset=~"$dataset"', selector, target["expr"])
                used |= set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        self.assertLessEqual(used, {"dataset", "outcome", "kind", "step", "method", "state", "fate"})


if __name__ == "__main__":
    unittest.main(verbosity=2)

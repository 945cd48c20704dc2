#!/usr/bin/env python3
"""Sources on a web server, through the program: outcomes, requests, messages, secrets."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cauce_cli  # noqa: E402

CANARY = "canary-0123456789"


class Server:
    """tests/support/source_server.py over a folder of its own."""

    def __init__(self, case):
        holder = tempfile.TemporaryDirectory(prefix="cauce-source-")
        case.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        script = cauce_cli.ROOT / "tests/support/source_server.py"
        process = subprocess.Popen([sys.executable, script, self.folder], text=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        case.addCleanup(process.stdout.close)
        case.addCleanup(process.wait)
        case.addCleanup(process.stdin.close)
        self.host = f"127.0.0.1:{int(process.stdout.readline())}"

    def put(self, text, name="rates.csv"):
        (self.folder / name).write_text(text)

    def requests(self):
        """Those since the last call."""
        log = self.folder / "requests"
        if not log.exists():
            return []
        text = log.read_text()
        log.unlink()
        return text.split("\n\n")[:-1]


class Sources(cauce_cli.Case):
    def setUp(self):
        super().setUp()
        self.server = Server(self)
        self.server.put(cauce_cli.FIRST)

    def run_from(self, path, *args, **how):
        return self.json("run", "d.yml", "--source", f"http://{self.server.host}{path}", *args, **how)

    def test_an_unchanged_source_costs_one_request(self):
        self.assertEqual(self.run_from("/rates.csv")["outcome"], "published")
        self.assertEqual(len(self.server.requests()), 1)
        report = self.run_from("/rates.csv")
        self.assertEqual(report["outcome"], "unchanged")
        self.assertEqual(report["source"], f"http://{self.server.host}/rates.csv")
        asked = self.server.requests()
        self.assertEqual(len(asked), 1)
        self.assertIn('If-None-Match: "', asked[0])
        self.assertEqual(self.json("plan", "d.yml", "--source",
                                   f"http://{self.server.host}/rates.csv")["outcome"], "unchanged")

    def test_a_changed_source_is_published(self):
        self.run_from("/rates.csv")
        self.server.put(cauce_cli.SECOND)
        report = self.run_from("/rates.csv?cut=60")
        self.assertEqual(report["outcome"], "published")
        self.assertEqual(report["rows_revised"], 1)

    def test_a_source_that_cannot_be_had_is_status_3(self):
        self.run_from("/rates.csv")
        _, err = self.cauce("run", "d.yml", "--source", f"http://{self.server.host}/absent.csv",
                              status=3)
        self.assertIn("status 404", err)
        self.assertIn("Nothing was published", err)
        self.assertEqual(self.json("show", "d.yml")["sequence"], 1)

    def test_a_metadata_address_is_status_3(self):
        _, err = self.cauce("run", "d.yml", "--source", "http://169.254.169.254/x.csv", status=3)
        self.assertIn("allow_private", err)

    def test_proxies_are_found_in_the_environment(self):
        env = self.environment(http_proxy=f"http://{self.server.host}")
        report = self.json("run", "d.yml", "--source", "http://no-such-host.invalid/rates.csv",
                           env=env)
        self.assertEqual(report["outcome"], "published")
        self.assertIn("GET http://no-such-host.invalid/rates.csv", self.server.requests()[0])

    def test_secrets_show_nowhere(self):
        env = self.environment(FEED_PASSWORD=CANARY, FEED_TOKEN=CANARY + "-token")
        shown = ""
        for name, status in (("rates.csv?", 0), ("rates.csv?", 0), ("absent.csv?", 3),
                             ("rates.csv?cut=10&cuts=99&etag=none&", 3)):
            (self.folder / "d.yml").write_text(cauce_cli.CONFIG.replace("source: ./rates.csv", f"""source:
  url: http://me:${{FEED_PASSWORD}}@{self.server.host}/{name}token=${{FEED_TOKEN}}
  headers: {{X-Api-Key: "${{FEED_TOKEN}}"}}"""))
            shown += "".join(self.cauce("run", "d.yml", "--json", "-v", "-v", status=status, env=env))
        asked = self.server.requests()
        self.assertGreaterEqual(len(asked), 4)
        self.assertTrue(all(request.count(CANARY) == 2 for request in asked), asked)
        self.assertIn("http://***@", shown)
        self.assertNotIn(CANARY, shown)
        for path in self.folder.rglob("*"):
            if path.is_file():
                self.assertNotIn(CANARY.encode(), path.read_bytes(), path)


if __name__ == "__main__":
    unittest.main(verbosity=2)

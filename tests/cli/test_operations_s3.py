#!/usr/bin/env python3
"""The runbook (docs/operations.md) where it takes a real server: exit codes 6 and 7, and the alerts that
come of them, brought about by a proxy that loses answers, or lets others pass, at the one request
that commits."""
import json
import secrets
import sys
import threading
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import fault_proxy, s3_kit  # noqa: E402
from support.s3_kit import days_from, expected, rows_of  # noqa: E402

BUCKET = "runbook"
FOLDER = s3_kit.scratch()
SERVER = s3_kit.server(FOLDER)
s3_kit.Client(SERVER).make_bucket(BUCKET)

POINTER = "current/manifest.json"
FIRST = rows_of(range(2), days_from("2026-01-20", 20))
SECOND = rows_of(range(2, 4), days_from("2026-01-20", 20))
THIRD = rows_of(range(4, 5), days_from("2026-01-20", 20))


class Between(fault_proxy.Proxy):
    """Calls somebody just before the pointer is replaced."""

    rules = fault_proxy.Rules()

    def do_PUT(self):
        if self.path.endswith(POINTER):
            self.server.before_commit()
        self.handle_one()


class Server(fault_proxy.Server):
    def __init__(self):
        Between.upstream = SERVER["AWS_ENDPOINT_URL"].split("://")[1]
        self.before_commit = lambda: None
        super().__init__(("127.0.0.1", 0), Between)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class State(unittest.TestCase):
    def setUp(self):
        self.proxy = Server()
        self.addCleanup(self.proxy.server_close)
        self.addCleanup(self.proxy.shutdown)
        self.set_faults()
        name = secrets.token_hex(6)
        store = f"s3://{BUCKET}/{name}"
        through = dict(SERVER, AWS_ENDPOINT_URL=f"http://127.0.0.1:{self.proxy.server_port}",
                       CAUCE_S3_RETRY_SECONDS="2")
        self.d = s3_kit.Dataset(FOLDER / name, through, store)
        self.other = s3_kit.Dataset(FOLDER / (name + "-other"), SERVER, store)
        for d in (self.d, self.other):
            d.cache = FOLDER / "cache"
        # Proves both addresses of the store, so that what follows is the run alone.
        self.assertEqual(self.d.run(FIRST)["outcome"], "published")
        self.assertEqual(self.other.run(FIRST)["outcome"], "unchanged")

    def set_faults(self, *faults):
        Between.rules.replace([dict(fault, path=POINTER) for fault in faults])

    def run_fails(self, status, *says):
        source = self.d.snapshot(SECOND)
        done = self.d.cauce("run", "-s", source, status=status)
        self.assertEqual(done.stdout, "")
        last = done.stderr.splitlines()[-1]
        self.assertTrue(last.startswith("cauce: error: "), done.stderr)
        for words in says:
            self.assertIn(words, last)

    def alerts(self):
        told = json.loads(self.other.cauce("status", "--json").stdout)
        names = {alert["alert"] for alert in told["alerts"]}
        self.other.cauce("status", "-q", "--alert", status=4 if names else 0)
        return names

    def metrics(self):
        return json.loads(self.other.cauce("metrics", "--json").stdout)

    def sound(self, *snapshots):
        self.assertEqual(self.other.rows(), expected(*snapshots))
        self.assertEqual(self.other.findings("--data", "--strict"), [])


class ExitCodes(State):
    def test_exit_6_others_publish_first_in_every_attempt(self):
        published = []

        def overtake():
            published.append([(f"x{len(published)}", "2026-03-01", "first")])
            self.assertEqual(self.other.run(published[-1])["outcome"], "published")

        self.proxy.before_commit = overtake
        self.run_fails(6, "other writers published first in each of 9 attempts",
                       "Nothing of this run is published and nothing is lost; run again")
        self.proxy.before_commit = lambda: None
        self.assertEqual(len(published), 9)
        self.sound(FIRST, *published)
        metrics = self.metrics()["all"]
        self.assertEqual((metrics["outcomes"]["lost"], metrics["conflicts"]), (1, 9))
        self.assertIn("CauceConflicts", self.alerts())
        # As the runbook says: run again.
        self.assertEqual(self.d.run(SECOND)["outcome"], "published")
        self.sound(FIRST, SECOND, *published)

    def unknown(self, fault):
        """The request that commits and all after it about the pointer get no answer."""
        self.set_faults({"method": "PUT", "fault": fault, "times": 1000},
                        {"method": "GET", "nth": 2, "fault": "drop_before", "times": 1000})
        self.run_fails(7, "Whether version 0000000002-", "was published is not known",
                       "Nothing was deleted. The next run finds out")
        self.set_faults()
        metrics = self.metrics()
        self.assertEqual(metrics["all"]["outcomes"]["unknown"], 1)
        self.assertGreaterEqual(metrics["all"]["ambiguous"], 1)
        self.assertIn("CauceCommitUnknown", self.alerts())
        return metrics["doubtful_commits"]

    def test_exit_7_the_version_had_been_published(self):
        fates = self.unknown("drop_after")
        self.assertEqual(fates, {"open": 0, "published": 1, "not_published": 0})
        self.assertEqual(self.d.run(SECOND)["outcome"], "unchanged")
        self.sound(FIRST, SECOND)
        self.assertEqual(self.d.run(THIRD)["sequence"], 3)
        self.sound(FIRST, SECOND, THIRD)

    def test_exit_7_the_version_had_not_been_published(self):
        fates = self.unknown("drop_before")
        self.assertEqual(fates, {"open": 1, "published": 0, "not_published": 0})
        told = self.d.run(SECOND)
        self.assertEqual((told["outcome"], told["sequence"]), ("published", 2))
        self.sound(FIRST, SECOND)
        self.assertEqual(self.metrics()["doubtful_commits"],
                         {"open": 0, "published": 0, "not_published": 1})
        self.other.cauce("gc", "--delete")
        self.sound(FIRST, SECOND)

    def test_exit_0_where_the_answer_is_lost_and_the_pointer_tells(self):
        self.set_faults({"method": "PUT", "fault": "drop_after"})
        told = self.d.run(SECOND)
        self.assertEqual((told["outcome"], told["settled_by_reading"]), ("published", True))
        self.assertEqual(self.alerts(), set())
        self.sound(FIRST, SECOND)


if __name__ == "__main__":
    unittest.main(verbosity=2)

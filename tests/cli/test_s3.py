#!/usr/bin/env python3
"""The program on a bucket of a real server: every command, what heals, what a run costs in requests,
leases, settings, failures, and that no secret stands anywhere."""
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import threading
import time
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import fault_proxy, s3_kit  # noqa: E402
from support.s3_kit import days_from, expected, rows_of  # noqa: E402

BUCKET = "end-to-end"
FOLDER = s3_kit.scratch()
SERVER = s3_kit.server(FOLDER)
CLIENT = s3_kit.Client(SERVER)
CLIENT.make_bucket(BUCKET)


def dataset(more="", settings=None, name=None):
    """A new dataset at a prefix of its own; what was learned of the server is shared."""
    name = name or secrets.token_hex(6)
    folder = FOLDER / name
    d = s3_kit.Dataset(folder, dict(SERVER, **(settings or {})), f"s3://{BUCKET}/{name}", more=more)
    d.cache = FOLDER / "cache"
    d.prefix = f"{name}/{d.dataset}/"
    return d


def keys(d, below=""):
    return CLIENT.list(BUCKET, d.prefix + below)


def event_keys(d):
    return keys(d, "events/")


class EveryCommand(unittest.TestCase):
    def test_a_dataset_lives_on_a_bucket(self):
        d = dataset()
        first = rows_of(range(5), days_from("2026-01-01", 60))
        second = rows_of(range(5), days_from("2026-02-20", 20), lambda g, day: f"new {g}")
        told = d.run(first)
        self.assertEqual((told["outcome"], told["sequence"]), ("published", 1))
        self.assertEqual(told["rows_new"], len(first))
        self.assertEqual(d.run(first)["outcome"], "unchanged")

        source = d.snapshot(second)
        planned = json.loads(d.cauce("plan", "--json", "-s", source).stdout)
        self.assertEqual(planned["outcome"], "planned")
        before = keys(d)
        self.assertEqual(planned["requests"]["puts"] + planned["requests"]["swaps"], 0)
        told = d.run(second)
        self.assertEqual((told["outcome"], told["sequence"]), ("published", 2))
        self.assertEqual((told["rows_new"], told["rows_revised"]),
                         (planned["rows_new"], planned["rows_revised"]))
        self.assertLess(len(before), len(keys(d)))
        self.assertEqual(told["warnings"], [])
        self.assertEqual(d.rows(), expected(first, second))
        self.assertEqual(d.rows("--version", "1"), expected(first))
        self.assertEqual(d.findings("--data"), [])

        status = json.loads(d.cauce("status", "--json").stdout)
        self.assertEqual(status["sequence"], 2)
        self.assertEqual(len(d.cauce("log", "--json").stdout.splitlines()) > 0, True)
        self.assertIn("version:", d.cauce("show", "2").stdout)

        self.assertIn("nothing to do", d.cauce("consolidate").stdout)
        self.assertIn("rebuilt", d.cauce("rebuild-index").stdout)
        self.assertEqual(d.findings("--data"), [])
        self.assertIn("would be deleted", d.cauce("gc").stdout)
        d.cauce("gc", "--delete")
        self.assertEqual(json.loads(d.cauce("gc", "--json").stdout)["objects"], 0)
        self.assertEqual(d.run(second)["outcome"], "unchanged")
        self.assertEqual(d.run(first, "--force")["outcome"], "published")
        self.assertEqual(d.rows(), expected(first, second, first))

    def test_the_doctor_says_what_is_used(self):
        d = dataset()
        checks = {c["check"]: c for c in json.loads(d.cauce("doctor", "--json").stdout)["checks"]}
        self.assertTrue(checks["probe"]["ok"])
        self.assertIn(SERVER["AWS_ENDPOINT_URL"], checks["server"]["text"])
        self.assertIn("credentials from the environment", checks["server"]["text"])
        self.assertIn("ETags", checks["server"]["text"])
        self.assertNotIn(SERVER["AWS_SECRET_ACCESS_KEY"], json.dumps(checks))
        alone = subprocess.run([s3_kit.CAUCE, "doctor", "--store", f"s3://{BUCKET}"],
                               env=d.environment(), capture_output=True, text=True, check=False)
        self.assertEqual(alone.returncode, 0, alone.stdout + alone.stderr)
        self.assertIn("publishing to it is safe", alone.stdout)
        self.assertEqual([k for k in CLIENT.list(BUCKET)
                          if ".probe/" in k and not k.endswith("proof.json")], [])

    def test_the_doctor_trusts_no_proof_of_yesterday(self):
        good = dataset()
        good.cauce("doctor")
        bad = dataset(settings={"AWS_SECRET_ACCESS_KEY": "wrong"}, name=good.folder.name)
        done = bad.cauce("doctor", status=5)
        self.assertIn("FAILED probe", done.stdout)

    def test_a_version_of_the_past_becomes_the_newest_by_word(self):
        d = dataset()
        first = rows_of(range(2), days_from("2026-01-01", 3))
        d.run(first)
        d.run(rows_of(range(2, 4), days_from("2026-01-01", 3)))
        CLIENT.delete(BUCKET, d.prefix + "current/manifest.json")
        self.assertIn("pointer", d.cauce("status", status=12).stderr)
        manifest = sorted(keys(d, "manifests/"))[0][len(d.prefix):]
        d.cauce("repair", "--to", manifest, "--replace")
        self.assertEqual(d.rows(), expected(first))
        third = rows_of(range(9), days_from("2026-01-01", 3))
        self.assertEqual(d.run(third)["outcome"], "published")
        self.assertEqual(d.rows(), expected(first, third))
        self.assertEqual(d.findings("--data"), [])


class Healing(unittest.TestCase):
    def setUp(self):
        self.d = dataset()
        self.rows = rows_of(range(4), days_from("2026-01-20", 30))
        self.d.run(self.rows)

    def more(self):
        return rows_of(range(4, 6), days_from("2026-01-20", 30))

    def finish(self, told):
        self.assertEqual(told["outcome"], "published")
        self.assertEqual(self.d.rows(), expected(self.rows, self.more()))
        self.assertEqual(self.d.findings("--data"), [])

    def test_an_index_shard_that_is_gone(self):
        shard = next(k for k in keys(self.d, "index/") if k.endswith(".parquet"))
        CLIENT.delete(BUCKET, shard)
        told = self.d.run(self.more())
        self.assertTrue(told["index_rebuilt"])
        self.finish(told)

    def test_an_index_shard_that_was_overwritten(self):
        shard = next(k for k in keys(self.d, "index/") if k.endswith(".parquet"))
        CLIENT.put(BUCKET, shard, b"PAR1 no longer PAR1")
        told = self.d.run(self.more())
        self.assertTrue(told["index_rebuilt"])
        self.finish(told)

    def test_an_index_that_is_gone(self):
        CLIENT.delete(BUCKET, self.d.prefix + "index/manifest.json")
        self.finish(self.d.run(self.more()))

    def test_a_projection_that_was_overwritten_keeping_its_size(self):
        final = next(k for k in keys(self.d, "projections/") if k.endswith(".parquet"))
        body = CLIENT.get(BUCKET, final)
        CLIENT.put(BUCKET, final, body[:50] + bytes([body[50] ^ 1]) + body[51:])
        found = self.d.findings("--data")
        self.assertTrue(found)
        self.assertEqual({f["level"] for f in found}, {"derived"})
        self.d.cauce("consolidate")
        self.assertEqual(self.d.findings("--data"), [])
        self.assertEqual(CLIENT.get(BUCKET, final), body)

    def test_an_event_that_is_damaged_is_found_and_not_published_over(self):
        event = event_keys(self.d)[0]
        body = CLIENT.get(BUCKET, event)
        CLIENT.put(BUCKET, event, body[:50] + bytes([body[50] ^ 1]) + body[51:])
        done = self.d.cauce("verify", "--data", status=12)
        self.assertIn(event[len(self.d.prefix):], done.stdout)
        CLIENT.put(BUCKET, event, body)
        self.finish(self.d.run(self.more()))


class Probe(unittest.TestCase):
    """What was proven of the server is kept, and doubted where it no longer fits."""

    def forgetful(self, d):
        """As in a pod whose home is gone with it."""
        d.cache = d.folder / secrets.token_hex(4)

    def test_a_machine_that_keeps_nothing_finds_the_proof_in_the_store(self):
        d = dataset()
        rows = rows_of(range(2), days_from("2025-01-01", 5))
        self.forgetful(d)
        self.assertGreater(d.run(rows)["requests"]["sent"], 200)
        self.forgetful(d)
        told = d.run(rows + [("new", "2025-01-09", "1")])
        self.assertEqual(told["outcome"], "published")
        self.assertLess(told["requests"]["sent"], 40)
        d.cauce("gc", "--delete")
        self.forgetful(d)
        told = d.run(rows + [("newer", "2025-01-09", "1")])
        self.assertLess(told["requests"]["sent"], 40)
        self.assertEqual(d.findings("--data"), [])

    def test_its_requests_are_repeated_like_others(self):
        class Flaky(fault_proxy.Proxy):
            rules = fault_proxy.Rules()
            upstream = SERVER["AWS_ENDPOINT_URL"].split("://")[1]

        server = fault_proxy.Server(("127.0.0.1", 0), Flaky)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        d = dataset(settings={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
        self.forgetful(d)
        Flaky.rules.replace([{"method": method, "path": ".probe/", "nth": nth, "times": 2,
                              "fault": "answer", "status": 503}
                             for method, nth in (("PUT", 1), ("GET", 2), ("HEAD", 1))])
        told = d.run(rows_of(range(2), days_from("2025-01-01", 5)))
        self.assertEqual(told["outcome"], "published")
        seen = [one["fault"] for one in Flaky.rules.seen if one["fault"]]
        self.assertEqual(len(seen), 6)
        # One proof, not several.
        self.assertLess(told["requests"]["sent"], 350)

    def test_versioning_that_is_switched_on_later_is_named_and_nothing_is_published(self):
        bucket = f"versioned-{secrets.token_hex(4)}"
        CLIENT.make_bucket(bucket)
        d = dataset()
        d.file.write_text(d.file.read_text().replace(f"s3://{BUCKET}/", f"s3://{bucket}/"))
        self.forgetful(d)
        rows = rows_of(range(2), days_from("2025-01-01", 5))
        d.run(rows)
        status, _ = CLIENT.request("PUT", f"/{bucket}", {"versioning": ""},
                                   b"<VersioningConfiguration><Status>Enabled</Status>"
                                   b"</VersioningConfiguration>")
        self.assertEqual(status, 200)
        more = rows + [("new", "2025-01-09", "1")]
        for _ in range(2):
            told = d.run(more, status=None)
            if told["outcome"] == "published":
                self.skipTest("this server honours conditions with versioning, too")
            self.assertEqual(told["outcome"], "failed", told)
            self.assertIn("Versioning", told["error"]["message"])
            self.forgetful(d)
        self.assertEqual(d.rows(), expected(rows))


class Policy(unittest.TestCase):
    """The rights that docs/s3.md calls enough are enough, and a lack is named."""

    def allow(self, bucket, text):
        """Give the second user what a policy of IAM says; there it names nobody."""
        policy = json.loads(text.replace("BUCKET", bucket).replace("PREFIX", "p"))
        for statement in policy["Statement"]:
            statement["Principal"] = {"AWS": ["arn:aws:iam:::user/guest"]}
        status, answer = CLIENT.request("PUT", f"/{bucket}", {"policy": ""},
                                        json.dumps(policy).encode())
        self.assertIn(status, (200, 204), answer)

    def guest(self):
        bucket = f"policy-{secrets.token_hex(4)}"
        CLIENT.make_bucket(bucket)
        d = dataset(settings={"AWS_ACCESS_KEY_ID": "guestkey",
                              "AWS_SECRET_ACCESS_KEY": "guestsecret"})
        store = d.file.read_text().split("store: ")[1].split("\n")[0]
        d.file.write_text(d.file.read_text().replace(store, f"s3://{bucket}/p"))
        d.cache = d.folder / "cache"
        if "InvalidAccessKeyId" in d.cauce("status", status=None).stderr:
            self.skipTest("the server has no second user")
        return bucket, d

    def documented(self):
        text = (s3_kit.ROOT / "docs/s3.md").read_text().split("```json\n")[1]
        return text.split("```")[0]

    def test_the_documented_policy_is_enough_for_every_command(self):
        bucket, d = self.guest()
        self.allow(bucket, self.documented())
        rows = rows_of(range(2), days_from("2025-01-01", 40))
        self.assertEqual(d.run(rows)["outcome"], "published")
        self.assertEqual(d.run(rows + [("new", "2025-01-09", "1")])["outcome"], "published")
        self.assertEqual(d.findings("--data"), [])
        for command in (("gc", "--delete"), ("consolidate",), ("rebuild-index",), ("status",),
                        ("log",), ("metrics",), ("doctor",), ("read",)):
            d.cauce(*command)

    def test_without_the_right_to_list_the_message_names_it(self):
        bucket, d = self.guest()
        policy = json.loads(self.documented())
        policy["Statement"] = policy["Statement"][:1]
        self.allow(bucket, json.dumps(policy))
        self.assertIn("s3:ListBucket", d.cauce("status", status=5).stderr)


class Bill(unittest.TestCase):
    """The bounds that docs/s3.md states."""

    def test_a_run_sends_what_is_documented(self):
        d = dataset()
        months = 12
        days = days_from("2024-01-01", 360)
        d.cauce("doctor")
        told = d.run(rows_of(range(2), days))
        events = {m: 1 for m in range(1, months + 1)}
        bill = told["requests"]
        self.assertLessEqual(bill["sent"], 23 + 8 * months)
        for turn, touched in enumerate((1, 2, 3, 6, 1, 12, 2)):
            told = d.run([(f"new{turn}", f"2024-{m:02d}-07", "x") for m in range(1, touched + 1)])
            self.assertEqual(told["files_written"], touched)
            for m in range(1, touched + 1):
                events[m] += 1
            read = sum(events[m] for m in range(1, touched + 1))
            walked = told["sequence"] - 1
            bill = told["requests"]
            self.assertEqual(bill["lists"], 0)
            self.assertEqual(bill["retries"], 0)
            self.assertLessEqual(bill["sent"], 14 + 8 * touched + read + walked)
            self.assertEqual(bill["swaps"], 5)

    def test_the_bill_is_what_the_server_saw(self):
        class Witness(fault_proxy.Proxy):
            rules = fault_proxy.Rules()
            upstream = SERVER["AWS_ENDPOINT_URL"].split("://")[1]

        server = fault_proxy.Server(("127.0.0.1", 0), Witness)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        d = dataset(settings={"AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}"})
        d.cauce("doctor")
        counts = {}
        for turn, files in enumerate((6, 1, 6, 6, 1)):
            rows = [(f"g{turn}", f"2024-{m:02d}-07", "x") for m in range(1, files + 1)]
            Witness.rules.replace([])
            told = d.run(rows)
            self.assertEqual(told["files_written"], files)
            seen = [one["method"] for one in Witness.rules.seen]
            lists = [one for one in Witness.rules.seen
                     if "list-type" in one["target"] or "uploads" in one["target"]]
            bill = told["requests"]
            # The record of the run is written after the bill stands in it.
            self.assertEqual(len(seen), bill["sent"] + 1)
            self.assertEqual(len(lists), bill["lists"])
            self.assertEqual(seen.count("GET") - len(lists), bill["gets"])
            self.assertEqual(seen.count("HEAD"), bill["heads"])
            counts[turn] = len(seen)
            if turn > 0:
                self.assertEqual(lists, [])
        # Per partition, beside its events: a bound that does not grow with anything else.
        self.assertLessEqual(counts[3] - counts[4], 8 * 5 + 15)
        Witness.rules.replace([])
        self.assertEqual(d.run(rows)["outcome"], "unchanged")
        self.assertEqual([one["method"] for one in Witness.rules.seen], ["GET"] * 5 + ["PUT"])

    def test_verification_reads_each_object_once(self):
        d = dataset()
        d.run(rows_of(range(2), days_from("2025-01-01", 90)))
        d.run(rows_of(range(2, 4), days_from("2025-03-01", 60)))
        log = d.cauce("verify", "-vv", "--data").stderr
        read = [line.split("url=")[1].split()[0] for line in log.splitlines()
                if "method=GET" in line and ".parquet" in line]
        named = [key for key in keys(d) if key.endswith(".parquet") and ".tmp/" not in key]
        self.assertEqual(len(read), len(set(read)))
        self.assertGreaterEqual(len(read), 5 + 4 + 4)
        self.assertLessEqual(len(read), len(named))

    def test_what_is_unchanged_costs_five_requests(self):
        d = dataset()
        rows = rows_of(range(20), days_from("2025-01-01", 300))
        d.run(rows)
        bill = d.run(rows)["requests"]
        self.assertEqual((bill["sent"], bill["gets"]), (5, 5))

    def test_a_source_without_news_costs_the_shards_it_touches(self):
        d = dataset()
        rows = rows_of(range(3), days_from("2025-01-01", 300))
        d.run(rows)
        told = d.run([r for r in rows if r[1] < "2025-04"])
        self.assertEqual(told["outcome"], "no_new_rows")
        self.assertLessEqual(told["requests"]["sent"], 6 + 3)
        self.assertEqual(told["requests"]["lists"], 0)

    @unittest.skipIf(s3_kit.SANITIZED, "66 versions take long with a sanitizer, and count the same")
    def test_the_chain_is_read_back_to_its_checkpoint_only(self):
        d = dataset()
        for i in range(66):
            told = d.run([(f"g{i}", "2025-01-01", "x")], "--no-consolidate")
            self.assertEqual(told["outcome"], "published")
        # Version 64 carries a checkpoint: 65 and 64 are read, not all of them.
        told = d.run([("last", "2025-02-01", "x")])
        d.cauce("gc", "--delete")
        told = d.run([("very last", "2025-02-01", "x")])
        self.assertLessEqual(told["requests"]["sent"], 13 + 8 + 3 + 4)


class Lease(unittest.TestCase):
    MORE = "lease: {ttl: 10m}\n"

    def put_lease(self, d, expires):
        lease = {"format": 1, "holder": "somebody else", "id": "0" * 32, "epoch": 7,
                 "expires": expires}
        CLIENT.put(BUCKET, d.prefix + "current/lease.json", json.dumps(lease).encode())

    def test_a_run_is_skipped_while_another_holds_the_lease(self):
        d = dataset(self.MORE)
        rows = rows_of(range(2), days_from("2026-01-01", 3))
        self.put_lease(d, int((time.time() + 600) * 1e6))
        before = keys(d)
        told = d.run(rows)
        self.assertEqual(told["outcome"], "skipped")
        self.assertIn("somebody else", told["skipped"])
        self.assertEqual(keys(d), before)
        done = d.cauce("run", "-s", d.snapshot(rows), "--detailed-exitcode", status=9)
        self.assertIn("skipped: ", done.stdout)
        self.put_lease(d, int((time.time() - 60) * 1e6))
        self.assertEqual(d.run(rows)["outcome"], "published")
        lease = json.loads(CLIENT.get(BUCKET, d.prefix + "current/lease.json"))
        self.assertEqual((lease["epoch"], lease["expires"]), (8, 0))
        d.cauce("gc", "--delete")
        self.assertEqual(d.findings("--data"), [])


class Settings(unittest.TestCase):
    ROWS = rows_of(range(2), days_from("2026-01-01", 3))

    def test_the_file_says_where_the_server_is(self):
        more = f"""store_options:
  endpoint: {SERVER['AWS_ENDPOINT_URL']}
  region: us-east-1
  path_style: true
  parallel: 2
  profile: publisher
"""
        d = dataset(more)
        wrong = {"AWS_ENDPOINT_URL_S3": "http://127.0.0.1:1"}
        d.settings = dict(wrong)
        aws = d.folder / ".aws"
        aws.mkdir()
        (aws / "credentials").write_text(
            f"[publisher]\naws_access_key_id = {SERVER['AWS_ACCESS_KEY_ID']}\n"
            f"aws_secret_access_key = {SERVER['AWS_SECRET_ACCESS_KEY']}\n")
        self.assertEqual(d.run(self.ROWS)["outcome"], "published")
        self.assertEqual(d.rows(), expected(self.ROWS))
        self.assertIn("publisher", d.cauce("doctor").stdout)

    def test_plain_http_to_others_needs_a_word(self):
        d = dataset(settings={"AWS_ENDPOINT_URL": "http://storage.invalid"})
        done = d.cauce("run", "-s", d.snapshot(self.ROWS), status=2)
        self.assertIn("CAUCE_S3_ALLOW_HTTP", done.stderr)

    def test_a_server_that_is_away_is_told_in_time(self):
        d = dataset(settings={"AWS_ENDPOINT_URL": "http://127.0.0.1:1",
                              "CAUCE_S3_RETRY_SECONDS": "1"})
        began = time.monotonic()
        told = d.run(self.ROWS, status=5)
        self.assertEqual(told["outcome"], "failed")
        self.assertLess(time.monotonic() - began, 30)

    def test_a_bucket_that_is_not_there_is_a_mistake_of_the_configuration(self):
        d = dataset()
        d.file.write_text(d.file.read_text().replace(f"s3://{BUCKET}/", "s3://no-such-bucket/"))
        done = d.cauce("run", "-s", d.snapshot(self.ROWS), status=2)
        self.assertIn("NoSuchBucket", done.stderr)


class Secrets(unittest.TestCase):
    """Canaries: words that must not be found in anything that is left."""

    CANARY = "canary/" + secrets.token_hex(16)
    TOKEN = "canary-token-" + secrets.token_hex(16)
    ROWS = rows_of(range(2), days_from("2026-01-01", 40))

    def canaries(self):
        return [word.encode() for word in
                (self.CANARY, self.TOKEN, SERVER["AWS_SECRET_ACCESS_KEY"])]

    def assert_silent(self, what, content):
        for word in self.canaries():
            self.assertFalse(word in content, f"a secret stands in {what}")

    def look_everywhere(self, d, *processes):
        for i, done in enumerate(processes):
            self.assert_silent(f"the output of {i}", (done.stdout + done.stderr).encode())
        seen = 0
        for path in d.folder.rglob("*"):
            if path.is_file():
                self.assert_silent(path.name, path.read_bytes())
                seen += 1
        for key in keys(d):
            self.assert_silent(key, CLIENT.get(BUCKET, key))
        return seen

    def test_of_runs_that_succeed(self):
        d = dataset()
        source = d.snapshot(self.ROWS)
        trace = d.folder / "trace.json"
        done = [d.cauce("run", "-vv", "--json", "--trace", trace, "-s", source),
                d.cauce("run", "-vv", "--log-format", "json", "--force", "-s", source),
                d.cauce("doctor", "-vv"), d.cauce("status", "-vv"), d.cauce("verify", "-vv", "--data"),
                d.cauce("gc", "-vv"), d.cauce("read", "-vv")]
        self.assertIn("request", done[1].stderr)
        self.assertIn('"put_many"', trace.read_text())
        self.assertGreaterEqual(self.look_everywhere(d, *done), 3)

    def test_of_runs_that_are_refused(self):
        refused = {"AWS_SECRET_ACCESS_KEY": self.CANARY}
        other = dict(refused, AWS_ACCESS_KEY_ID="nobody", AWS_SESSION_TOKEN=self.TOKEN)
        for settings in (refused, other):
            d = dataset(settings=settings)
            source = d.snapshot(self.ROWS)
            done = [d.cauce("run", "-vv", "--json", "--trace", d.folder / "trace.json", "-s", source,
                            status=5),
                    d.cauce("run", "-vv", "-s", source, status=5),
                    d.cauce("doctor", "-vv", status=5), d.cauce("read", "-vv", status=5)]
            self.assertIn("403", done[1].stderr)
            self.look_everywhere(d, *done)

    def test_of_a_core(self):
        with open("/proc/sys/kernel/core_pattern", encoding="ascii") as file:
            pattern = file.read().strip()
        if "/" in pattern or pattern.startswith("|"):
            self.skipTest("cores of this machine do not lie in the working folder")
        # The server is a listener that never answers: the run stays in its first request.
        import socket
        listener = socket.create_server(("127.0.0.1", 0))
        d = dataset(settings={
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{listener.getsockname()[1]}",
            "AWS_SECRET_ACCESS_KEY": self.CANARY, "AWS_SESSION_TOKEN": self.TOKEN})
        source = d.snapshot(self.ROWS)
        unlimited = resource.RLIM_INFINITY

        def allow_core():
            try:
                resource.setrlimit(resource.RLIMIT_CORE, (unlimited, unlimited))
            except ValueError:
                pass

        process = subprocess.Popen(d.command("run", "-s", source), env=d.environment(),
                                   cwd=d.folder, preexec_fn=allow_core, stderr=subprocess.DEVNULL)
        connection, _ = listener.accept()
        connection.recv(16)
        process.send_signal(signal.SIGQUIT)
        process.wait()
        connection.close()
        listener.close()
        self.assertEqual(process.returncode, -signal.SIGQUIT)
        cores = list(d.folder.glob("core*"))
        if not cores:
            self.skipTest("this machine writes no cores")
        for core in cores:
            self.assert_silent("the core", core.read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)

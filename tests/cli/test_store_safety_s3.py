#!/usr/bin/env python3
"""What test_store_safety.py tries of a folder, in a bucket: what is not cauce's is left alone, datasets do
not lie within one another, and a listing that does not move on ends."""
import json
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
from support.s3_kit import days_from, rows_of  # noqa: E402

BUCKET = "safety"
FOLDER = s3_kit.scratch()
SERVER = s3_kit.server(FOLDER)
CLIENT = s3_kit.Client(SERVER)
CLIENT.make_bucket(BUCKET)
ROWS = rows_of(range(2), days_from("2026-01-20", 20))


def dataset(store, name="levels", **settings):
    d = s3_kit.Dataset(FOLDER / secrets.token_hex(6), dict(SERVER, **settings), store, name)
    d.cache = FOLDER / "cache"
    return d


class EndlessListing(fault_proxy.Proxy):
    """Every listing is one page that promises more, with the token of `next_token`."""

    rules = fault_proxy.Rules()

    def do_GET(self):
        if "list-type=2" not in self.path:
            self.handle_one()
            return
        token = self.server.next_token()
        body = (f"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>{token}"
                f"</NextContinuationToken></ListBucketResult>").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Listings(unittest.TestCase):
    def setUp(self):
        EndlessListing.upstream = SERVER["AWS_ENDPOINT_URL"].split("://")[1]
        self.proxy = fault_proxy.Server(("127.0.0.1", 0), EndlessListing)
        threading.Thread(target=self.proxy.serve_forever, daemon=True).start()
        self.addCleanup(self.proxy.server_close)
        self.addCleanup(self.proxy.shutdown)
        store = f"s3://{BUCKET}/{secrets.token_hex(6)}"
        dataset(store).run(ROWS)
        self.d = dataset(store, AWS_ENDPOINT_URL=f"http://127.0.0.1:{self.proxy.server_port}")

    def test_a_listing_that_repeats_its_token_ends_with_an_error(self):
        self.proxy.next_token = lambda: "same"
        for command in (("gc",), ("gc", "--delete"), ("verify",)):
            done = self.d.cauce(*command, status=5)
            self.assertIn("does not end", done.stderr)

    def test_pages_that_bring_nothing_end_with_an_error(self):
        self.proxy.next_token = lambda: secrets.token_hex(8)
        self.assertIn("does not end", self.d.cauce("gc", status=5).stderr)

    def test_a_signal_ends_an_endless_listing_at_once(self):
        def slow_token():
            time.sleep(0.2)
            return secrets.token_hex(8)

        self.proxy.next_token = slow_token
        gc = subprocess.Popen(self.d.command("gc"), env=self.d.environment(),
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        began = time.monotonic()
        gc.send_signal(signal.SIGTERM)
        gc.communicate(timeout=20)
        self.assertLess(time.monotonic() - began, 3)
        self.assertEqual(gc.returncode, 130)


class Place(unittest.TestCase):
    def setUp(self):
        self.store = f"s3://{BUCKET}/{secrets.token_hex(6)}"
        self.prefix = self.store.split("/", 3)[3]

    def test_gc_names_what_is_not_cauces_and_leaves_it_alone(self):
        d = dataset(self.store)
        d.run(ROWS)
        strangers = ["README", "notes/todo.txt"]
        orphan = f"events/0000000009-{'a' * 32}/part-0.parquet"
        for key in (*strangers, orphan):
            CLIENT.put(BUCKET, f"{self.prefix}/levels/{key}", b"x")
        answer = json.loads(d.cauce("gc", "--delete", "--json").stdout)
        self.assertEqual([item["key"] for item in answer["items"]], [orphan])
        self.assertEqual(answer["stranger_keys"], strangers)
        left = CLIENT.list(BUCKET, f"{self.prefix}/levels/")
        for key in strangers:
            self.assertIn(f"{self.prefix}/levels/{key}", left)
        self.assertNotIn(f"{self.prefix}/levels/{orphan}", left)

    def test_no_dataset_lies_within_another_one(self):
        outer = dataset(self.store)
        inner = dataset(f"{self.store}/levels/deep", "inner")
        outer.run(ROWS)
        before = CLIENT.list(BUCKET, self.prefix)
        done = inner.cauce("run", "-s", inner.snapshot(ROWS), status=4)
        self.assertIn("must not be inside one another", done.stderr)
        self.assertEqual(CLIENT.list(BUCKET, self.prefix), before)
        # As another program, or an older one, may have left it.
        elsewhere = dataset(f"{self.store}/elsewhere", "inner")
        elsewhere.run(ROWS)
        for key in CLIENT.list(BUCKET, f"{self.prefix}/elsewhere/"):
            moved = key.replace("/elsewhere/", "/levels/deep/")
            CLIENT.put(BUCKET, moved, CLIENT.get(BUCKET, key))
        done = outer.cauce("gc", "--delete", status=4)
        self.assertIn("deep/inner/current/manifest.json", done.stderr)
        self.assertEqual(inner.findings("--data"), [])

    def test_a_prefix_that_servers_resolve_to_another_is_refused_before_anything_is_written(self):
        before = CLIENT.list(BUCKET, "")
        for store in (f"s3://{BUCKET}/a/../b", f"s3://{BUCKET}/./", f"s3://{BUCKET}/a//b"):
            d = dataset(store)
            d.cauce("run", "-s", d.snapshot(ROWS), status=2)
        self.assertEqual(CLIENT.list(BUCKET, ""), before)


if __name__ == "__main__":
    unittest.main()

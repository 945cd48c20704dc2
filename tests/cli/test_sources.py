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


PAGES = """dataset: d
store: ./published
source: {{url: "http://{host}/{path}", {more}}}
columns:
  - {{name: k, type: int}}
key: k
"""


class Pages(cauce_cli.Case):
    """A source in pages: all of them are read, in order, and none twice."""

    def setUp(self):
        super().setUp()
        self.server = Server(self)

    def configure(self, path, more):
        (self.folder / "d.yml").write_text(PAGES.format(host=self.server.host, path=path, more=more))

    def keys(self):
        out, _ = self.cauce("read", "d.yml")
        return sorted(int(line.split(",")[0]) for line in out.splitlines()[1:])

    def refused(self):
        _, said = self.cauce("run", "d.yml", status=3)
        return said

    def test_a_link_header_leads_to_the_next_page(self):
        self.server.put('[{"k":1}]', "a.json")
        self.server.put('[{"k":2}]', "b.json")
        self.server.put("[]", "c.json")
        self.configure("a.json?next=b.json%3Fnext%3D/c.json", "next: link")
        self.assertEqual(self.json("run", "d.yml")["outcome"], "published")
        self.assertEqual(self.keys(), [1, 2])
        self.assertEqual(len(self.server.requests()), 3)
        self.assertEqual(self.json("run", "d.yml")["outcome"], "unchanged")
        self.server.put('[{"k":3}]', "c.json")
        self.assertEqual(self.json("run", "d.yml")["outcome"], "published")
        self.assertEqual(self.keys(), [1, 2, 3])

    def test_a_field_holds_the_next_url(self):
        self.server.put('{"data":[{"k":1}],"paging":{"next":"/b.json"}}', "a.json")
        self.server.put('{"data":[{"k":2}],"paging":{"next":null}}', "b.json")
        self.configure("a.json", "records: data, next: {field: paging.next}")
        self.json("run", "d.yml")
        self.assertEqual(self.keys(), [1, 2])

    def test_a_first_page_without_the_field_is_told(self):
        self.server.put('{"data":[{"k":1}],"paging":{"next":"/b.json"}}', "a.json")
        self.configure("a.json", "records: data, next: {field: paging.nxt}")
        told = self.json("run", "d.yml")["warnings"]
        self.assertEqual(len(told), 1)
        self.assertIn('page 1 has no field "paging.nxt" (`next`)', told[0])
        self.server.put('{"data":[{"k":1}],"paging":{"nxt":null}}', "a.json")
        self.assertEqual(self.json("run", "d.yml")["warnings"], [])

    def test_a_field_holds_a_token(self):
        self.server.put('{"data":[{"k":1}],"cursor":"x y"}', "a.json.")
        self.server.put('{"data":[{"k":2}],"cursor":7}', "a.json.x y")
        self.server.put('{"data":[{"k":3}]}', "a.json.7")
        self.configure("a.json?pages=c", "records: data, next: {field: cursor, parameter: c}")
        self.json("run", "d.yml")
        self.assertEqual(self.keys(), [1, 2, 3])
        self.assertEqual([r.split()[1] for r in self.server.requests()],
                         ["/a.json?pages=c", "/a.json?pages=c&c=x%20y", "/a.json?pages=c&c=7"])

    def test_a_parameter_counts_until_a_page_is_empty(self):
        for n in (0, 10, 20):
            self.server.put('[{"k":%d}]' % n, f"a.json.{n}")
        self.configure("a.json?pages=offset", "next: {parameter: offset, first: 0, step: 10}")
        self.json("run", "d.yml")
        self.assertEqual(self.keys(), [0, 10, 20])
        self.assertEqual(len(self.server.requests()), 4)

    def test_lines_are_counted_too(self):
        self.server.put('{"k":1}\n', "a.ndjson.1")
        self.server.put('{"k":2}\n', "a.ndjson.2")
        self.server.put("\n", "a.ndjson.3")
        self.configure("a.ndjson?pages=p", "next: {parameter: p}")
        self.json("run", "d.yml")
        self.assertEqual(self.keys(), [1, 2])

    def test_what_never_ends_is_refused(self):
        self.server.put('[{"k":1}]', "a.json")
        self.configure("a.json?next=/a.json%3Fnext%3Down", "next: link")
        self.assertIn("page 3: it leads back to page 2", self.refused())
        self.configure("a.json", "next: {parameter: page}")
        self.assertIn('page 2: it is the same as the page before: the server seems to ignore the '
                      'parameter "page"', self.refused())
        for n in range(1, 5):
            self.server.put('[{"k":%d}]' % n, f"b.json.{n}")
        self.configure("b.json?pages=p", "next: {parameter: p, max_pages: 3}")
        self.assertIn("has more than 3 pages", self.refused())
        self.configure("b.json?pages=p", "max_bytes: 30 B, next: {parameter: p}")
        self.assertIn("max_bytes", self.refused())

    def test_the_next_page_is_on_the_same_server(self):
        self.server.put('[{"k":1}]', "a.json")
        self.configure("a.json?next=http://127.0.0.2:9/secret", "next: link")
        said = self.refused()
        self.assertRegex(said, "the source http://.*, page 1: its next page is on another server, "
                               "http://127.0.0.2:9")
        self.assertNotIn("secret", said.replace("next=http://127.0.0.2:9/secret", ""))

    def test_a_page_that_is_not_json_is_named(self):
        self.server.put('{"next":"/b.json","k":1}', "a.json")
        self.server.put('{"next":', "b.json")
        self.configure("a.json", "next: {field: next}")
        self.assertIn("(page 2):1:9: not JSON", self.refused())
        self.server.put('{"next":{"url":"/b.json"},"k":1}', "a.json")
        self.assertIn('the field "next" (`next`) is an array or object', self.refused())


if __name__ == "__main__":
    unittest.main(verbosity=2)

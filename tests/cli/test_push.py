"""`cauce run --pushgateway`: what arrives at a gateway, and what a gateway that fails does not do."""

import http.server
import re
import threading
import unittest

from cauce_cli import FIRST, SECOND, Case

SAMPLE = re.compile(r'^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? [0-9.e+-]+$')


class Gateway(http.server.ThreadingHTTPServer):
    """Keeps what it is sent, and answers with `status`."""

    def __init__(self, status=202, answer=b""):
        self.status, self.answer, self.requests = status, answer, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.requests.append((self.path, dict(self.headers.items()), body.decode()))
        self.send_response(self.server.status)
        self.send_header("content-length", str(len(self.server.answer)))
        self.end_headers()
        self.wfile.write(self.server.answer)

    def log_message(self, *_):
        pass


class Push(Case):
    def gateway(self, *how):
        gateway = Gateway(*how)
        self.addCleanup(gateway.close)
        return gateway

    def run_with(self, url, text=FIRST, status=0, *more):
        (self.folder / "rates.csv").write_text(text)
        return self.cauce("run", "d.yml", "-q" if not more else more[0], *more[1:],
                          "--pushgateway", url, status=status)

    def test_the_group_of_the_dataset_is_replaced_with_all_metrics(self):
        gateway = self.gateway()
        out, err = self.run_with(gateway.url + "//")
        self.assertEqual((out, err), ("", ""))
        self.run_with(gateway.url, SECOND)
        self.assertEqual([path for path, _, _ in gateway.requests],
                         ["/metrics/job/cauce/dataset/rates"] * 2)
        _, headers, body = gateway.requests[1]
        headers = {name.lower(): value for name, value in headers.items()}
        self.assertEqual(headers["content-type"], "text/plain; version=0.0.4")
        self.assertNotIn("authorization", headers)
        self.assertTrue(body.endswith("\n"))
        for line in body.splitlines():
            if not line.startswith(("# HELP ", "# TYPE ")):
                self.assertRegex(line, SAMPLE)
        self.assertIn('cauce_runs_total{dataset="rates",outcome="published"} 2\n', body)
        self.assertEqual(body, self.answer("metrics", "d.yml"))

    def test_a_path_before_the_group_is_kept(self):
        gateway = self.gateway()
        self.run_with(gateway.url + "/push/")
        self.assertEqual(gateway.requests[0][0], "/push/metrics/job/cauce/dataset/rates")

    def test_a_failed_run_is_pushed_and_keeps_its_status(self):
        gateway = self.gateway()
        self.run_with(gateway.url)
        self.run_with(gateway.url, "day,currency\n", 4)
        self.assertIn('outcome="failed"} 1\n', gateway.requests[1][2])

    def test_a_gateway_that_refuses_is_a_warning(self):
        gateway = self.gateway(400, b"pushed metrics are invalid\x1b[31m or inconsistent\n")
        out, err = self.run_with(gateway.url, FIRST, 0, "--json")
        self.assertIn('"published"', out)
        self.assertEqual(err.count("\n"), 1)
        self.assertRegex(err, r"^cauce: warning: the metrics could not be pushed: it answered with "
                              r"status 400: pushed metrics are invalid")
        self.assertNotIn("\x1b", err)

    def test_a_gateway_that_is_down_is_a_warning(self):
        gateway = Gateway()
        gateway.close()
        _, err = self.run_with(gateway.url, FIRST, 0, "--json")
        self.assertRegex(err, r"^cauce: warning: the metrics could not be pushed: .* failed: ")
        _, err = self.run_with(gateway.url, SECOND)
        self.assertEqual(err, "")
        self.assertEqual(self.json("status", "d.yml")["sequence"], 2)

    def test_a_redirect_is_not_followed(self):
        gateway = self.gateway(302)
        _, err = self.run_with(gateway.url, FIRST, 0, "--json")
        self.assertIn("status 302", err)
        self.assertEqual(len(gateway.requests), 1)

    def test_no_secret_of_the_url_appears(self):
        gateway = self.gateway()
        host = gateway.url.removeprefix("http://")
        for scheme in ("http", "https", "ftp"):
            for rest in (f"user:t0psecret@{host}", f"t0psecret@{host}/path",
                         f"{host}/?token=t0psecret", f"{host}#t0psecret"):
                out, err = self.run_with(f"{scheme}://{rest}", FIRST, 0, "-vv", "--trace", "t.json",
                                         "--log-format", "json")
                self.assertIn("the metrics could not be pushed: the URL of a Pushgateway", err)
                self.assertNotIn("t0psecret", out + err)
                self.assertNotIn("t0psecret", (self.folder / "t.json").read_text())
        self.assertEqual(gateway.requests, [])
        records = "".join(self.object(key).read_text() for key in self.objects("runs/"))
        self.assertNotIn("t0psecret", records)

    def test_a_dry_run_pushes_nothing(self):
        gateway = self.gateway()
        self.run_with(gateway.url, FIRST, 0, "--dry-run")
        self.assertEqual(gateway.requests, [])


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""How a bucket is reached: TLS with a private authority, proxies, HTTP/2, the bucket in the host's
name, and copies on a server that honours conditions for them; each in front of a real server, and
each seen from the other side."""
import base64
import functools
import secrets
import select
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
import unittest
import urllib.parse
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import fault_proxy, s3_kit  # noqa: E402
from support.s3_kit import days_from, expected, rows_of  # noqa: E402

BUCKET = "reach"
FOLDER = s3_kit.scratch()
SERVER = s3_kit.server(FOLDER)
CLIENT = s3_kit.Client(SERVER)
CLIENT.make_bucket(BUCKET)
GATEWAY = SERVER["AWS_ENDPOINT_URL"].split("://")[1]
ROWS = rows_of(range(3), days_from("2026-01-20", 30))
MORE = rows_of(range(3, 5), days_from("2026-02-01", 3))


def dataset(more="", **settings):
    """A new dataset; what was learned of a server is shared."""
    name = secrets.token_hex(6)
    d = s3_kit.Dataset(FOLDER / name, dict(SERVER, **settings), f"s3://{BUCKET}/{name}", more=more)
    d.cache = FOLDER / "cache"
    d.prefix = f"{name}/{d.dataset}/"
    return d


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)))


# ---- Certificates --------------------------------------------------------------------------------


class Authority:
    """A certificate authority of this test's own."""

    def __init__(self, name):
        self.folder = FOLDER / f"authority-{name}"
        self.folder.mkdir()
        self.pem = self.folder / "ca.pem"
        self.openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", f"/CN={name}")

    def openssl(self, *arguments):
        subprocess.run(["openssl", *arguments], cwd=self.folder, check=True, capture_output=True)

    def certificate(self, *names):
        """Paths of a certificate for these names, and of its key."""
        stem = names[0]
        self.openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                     "-keyout", f"{stem}.key", "-out", f"{stem}.csr", "-subj", f"/CN={stem}")
        lines = "subjectAltName=" + ",".join(f"DNS:{name}" for name in names)
        (self.folder / f"{stem}.ext").write_text(lines)
        self.openssl("x509", "-req", "-in", f"{stem}.csr", "-CA", "ca.pem", "-CAkey", "ca.key",
                     "-CAcreateserial", "-days", "2", "-extfile", f"{stem}.ext", "-out", f"{stem}.pem")
        return self.folder / f"{stem}.pem", self.folder / f"{stem}.key"


AUTHORITY = Authority("one") if shutil.which("openssl") else None


def needs_openssl(what):
    return unittest.skipUnless(AUTHORITY, "there is no openssl to make certificates with")(what)


# ---- What stands in between ----------------------------------------------------------------------


def relay(one, other, may_answer=lambda: True):
    """Bytes in both directions until both sides have ended, or `other` has some that may not pass."""
    pairs = {one: other, other: one}
    while pairs:
        # What TLS has unpacked already does not show in the socket.
        ready = [s for s in pairs if getattr(s, "pending", lambda: 0)()]
        ready = ready or select.select(list(pairs), [], [], 60)[0]
        if not ready:
            return
        for source in ready:
            try:
                data = source.recv(65536)
                if data and source is other and not may_answer():
                    return
                if data:
                    pairs[source].sendall(data)
                    continue
            except OSError:
                return
            target = pairs.pop(source)
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                return


class Listener:
    """A server on loopback, one thread for each connection; `serve` is its subclass's."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port = self.socket.getsockname()[1]
        self.seen = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            threading.Thread(target=self.serve_one, args=(connection,), daemon=True).start()

    def serve_one(self, connection):
        try:
            self.serve(connection)
        except OSError:
            pass
        finally:
            connection.close()

    def close(self):
        self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()


class TlsFront(Listener):
    """TLS in front of the gateway; `seen` are the connections that came to a handshake."""

    def __init__(self, certificate):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        super().__init__()

    def serve(self, connection):
        with self.context.wrap_socket(connection, server_side=True) as inside:
            self.seen.append(inside.version())
            with connect(GATEWAY) as gateway:
                relay(inside, gateway)


class Proxy(Listener):
    """A proxy that alone knows where names lead; `seen` are the first lines of requests."""

    def __init__(self, names, login=None):
        self.names = names
        self.login = login and base64.b64encode(login.encode()).decode()
        super().__init__()

    def serve(self, connection):
        head = b""
        while b"\r\n\r\n" not in head:
            data = connection.recv(65536)
            if not data:
                return
            head += data
        head, rest = head.split(b"\r\n\r\n", 1)
        lines = head.decode().split("\r\n")
        self.seen.append(lines[0])
        if self.login and f"Proxy-Authorization: Basic {self.login}" not in lines:
            connection.sendall(b"HTTP/1.1 407 Who?\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        method, target, version = lines[0].split(" ")
        if method == "CONNECT":
            with connect(self.names[target]) as server:
                connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                relay(connection, server)
            return
        url = urllib.parse.urlsplit(target)
        kept = [line for line in lines[1:] if not line.lower().startswith("proxy-")]
        path = target[len(f"{url.scheme}://{url.netloc}"):]
        lines = [f"{method} {path} {version}", *kept, "Connection: close", "", ""]
        with connect(self.names[url.netloc]) as server:
            server.sendall("\r\n".join(lines).encode() + rest)
            relay(connection, server)


class Base(unittest.TestCase):
    def start(self, what):
        self.addCleanup(what.close)
        return what

    def works(self, d):
        """Two versions go there, and all of it comes back."""
        self.assertEqual(d.run(ROWS)["outcome"], "published")
        self.assertEqual(d.run(MORE)["outcome"], "published")
        self.assertEqual(d.rows(), expected(ROWS, MORE))
        self.assertEqual(d.findings("--data"), [])

    def is_refused(self, d, status, *words):
        began = time.monotonic()
        done = d.cauce("run", "-vv", "-s", d.snapshot(ROWS), status=status)
        self.assertLess(time.monotonic() - began, 20)
        for word in words:
            self.assertIn(word, done.stderr)
        self.assertEqual(CLIENT.list(BUCKET, d.prefix), [])
        return done


# ---- TLS -----------------------------------------------------------------------------------------


@functools.cache
def front_of_localhost():
    """One for several tests: what was learned of the server holds for all of them."""
    return TlsFront(AUTHORITY.certificate("localhost"))


@needs_openssl
class Tls(Base):
    def setUp(self):
        self.front = front_of_localhost()
        self.front.seen.clear()
        self.url = f"https://localhost:{self.front.port}"

    def test_a_private_authority_is_trusted_where_it_is_named(self):
        self.works(dataset(AWS_ENDPOINT_URL=self.url, AWS_CA_BUNDLE=str(AUTHORITY.pem)))
        self.assertEqual(set(self.front.seen), {"TLSv1.3"})

    def test_the_file_names_it_too(self):
        more = f"store_options:\n  endpoint: {self.url}\n  ca_bundle: {AUTHORITY.pem}\n"
        self.works(dataset(more, AWS_ENDPOINT_URL="http://127.0.0.1:1"))
        self.assertTrue(self.front.seen)

    def test_without_it_nothing_is_sent(self):
        d = dataset(AWS_ENDPOINT_URL=self.url)
        self.is_refused(d, 2, "certificate is not accepted", "AWS_CA_BUNDLE")

    def test_another_authority_will_not_do(self):
        d = dataset(AWS_ENDPOINT_URL=self.url, AWS_CA_BUNDLE=str(Authority("two").pem))
        self.is_refused(d, 2, "certificate is not accepted")

    def test_a_certificate_of_another_host_is_refused(self):
        other = self.start(TlsFront(AUTHORITY.certificate("elsewhere.test")))
        d = dataset(AWS_ENDPOINT_URL=f"https://localhost:{other.port}",
                    AWS_CA_BUNDLE=str(AUTHORITY.pem))
        self.is_refused(d, 2, "certificate is not accepted", "localhost")

    def test_an_authority_that_is_not_there_is_told(self):
        d = dataset(AWS_ENDPOINT_URL=self.url, AWS_CA_BUNDLE=str(FOLDER / "absent.pem"))
        self.is_refused(d, 2, "absent.pem")

    def test_plain_http_to_it_is_no_answer(self):
        d = dataset(AWS_ENDPOINT_URL=self.url.replace("https", "http"), CAUCE_S3_RETRY_SECONDS="1")
        self.is_refused(d, 5, "failed")


# ---- Proxies -------------------------------------------------------------------------------------


class Proxies(Base):
    """Nobody listens at the endpoint: it leads nowhere but by way of the proxy."""

    HOST = "localhost:1"

    def tls(self, login=None):
        front = front_of_localhost()
        proxy = self.start(Proxy({self.HOST: f"127.0.0.1:{front.port}"}, login))
        return proxy, dict(AWS_ENDPOINT_URL=f"https://{self.HOST}", AWS_CA_BUNDLE=str(AUTHORITY.pem),
                           CAUCE_S3_RETRY_SECONDS="1")

    @needs_openssl
    def test_tls_goes_through_the_proxy(self):
        proxy, settings = self.tls()
        url = f"http://127.0.0.1:{proxy.port}"
        self.works(dataset(**settings, HTTPS_PROXY=url))
        self.assertEqual(set(proxy.seen), {f"CONNECT {self.HOST} HTTP/1.1"})
        for name in ("https_proxy", "ALL_PROXY", "all_proxy"):
            self.assertEqual(dataset(**settings, **{name: url}).run(ROWS)["outcome"], "published")

    @needs_openssl
    def test_the_proxy_is_not_shown_what_is_signed_and_its_password_is_no_ones(self):
        proxy, settings = self.tls("somebody:canary-of-the-proxy")
        good = dataset(**settings,
                       https_proxy=f"http://somebody:canary-of-the-proxy@127.0.0.1:{proxy.port}")
        self.works(good)
        done = [good.cauce("status", "-vv")]
        bad = dataset(**settings, https_proxy=f"http://somebody:canary-wrong@127.0.0.1:{proxy.port}")
        done += [self.is_refused(bad, 5, "407")]
        for one in done:
            self.assertNotIn("canary", one.stdout + one.stderr)

    @needs_openssl
    def test_a_proxy_that_is_away_is_told(self):
        _, settings = self.tls()
        d = dataset(**settings, https_proxy="http://127.0.0.1:1")
        self.is_refused(d, 5, "127.0.0.1")

    @needs_openssl
    def test_hosts_that_need_no_proxy_are_reached_directly(self):
        front = front_of_localhost()
        settings = dict(AWS_ENDPOINT_URL=f"https://localhost:{front.port}",
                        AWS_CA_BUNDLE=str(AUTHORITY.pem), HTTPS_PROXY="http://127.0.0.1:1",
                        CAUCE_S3_RETRY_SECONDS="1")
        self.is_refused(dataset(**settings), 5)
        self.works(dataset(**settings, NO_PROXY="example.org,localhost"))

    def test_plain_http_goes_through_its_own_proxy(self):
        proxy = self.start(Proxy({self.HOST: GATEWAY}))
        url = f"http://127.0.0.1:{proxy.port}"
        settings = dict(AWS_ENDPOINT_URL=f"http://{self.HOST}", CAUCE_S3_RETRY_SECONDS="1")
        self.works(dataset(**settings, http_proxy=url))
        self.assertGreater(len(proxy.seen), 30)
        self.assertEqual([line for line in proxy.seen if f" http://{self.HOST}/{BUCKET}" not in line],
                         [])
        # Below a web server that name is whatever a client wishes.
        self.is_refused(dataset(**settings, HTTP_PROXY=url), 5)


# ---- HTTP/2 --------------------------------------------------------------------------------------


class Nghttpx:
    """nghttpx with TLS in front of the gateway; its log says which protocol was spoken."""

    def __init__(self, folder, certificate, backend=GATEWAY):
        folder.mkdir()
        self.log = folder / "log"
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        host, port = backend.rsplit(":", 1)
        pem, key = certificate
        self.process = subprocess.Popen(
            ["nghttpx", "--conf=/dev/null", "--workers=1", f"--frontend=127.0.0.1,{self.port}",
             f"--backend={host},{port}", f"--accesslog-file={self.log}",
             "--accesslog-format=$request $status", f"--errorlog-file={folder / 'errors'}",
             str(key), str(pem)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return
            except OSError:
                time.sleep(0.05)
        raise AssertionError((folder / "errors").read_text())

    def close(self):
        self.process.terminate()
        self.process.wait()


class Cutter(Listener):
    """Passes bytes on, until it is told to cut the next connection that has an answer to carry."""

    def __init__(self, address):
        self.address = address
        self.cutting = False
        super().__init__()

    def may_answer(self):
        cut, self.cutting = self.cutting, False
        if cut:
            self.seen.append("cut")
        return not cut

    def serve(self, connection):
        with connect(self.address) as server:
            relay(connection, server, self.may_answer)


@needs_openssl
class Http2(Base):
    def test_a_commit_whose_connection_breaks_is_settled(self):
        if not shutil.which("nghttpx"):
            self.skipTest("there is no nghttpx (Debian: nghttp2-proxy)")
        test = self

        class Backend(fault_proxy.Proxy):
            """The gateway; once it has done the second swap of the pointer, the answer is cut."""

            rules = fault_proxy.Rules()
            upstream = GATEWAY
            swaps = 0

            def forward(self, body):
                answer = super().forward(body)
                if self.command == "PUT" and "current/manifest.json" in self.path:
                    Backend.swaps += 1
                    if Backend.swaps == 2:
                        test.assertEqual(answer[0], 200)
                        cutter.cutting = True
                return answer

        backend = fault_proxy.Server(("127.0.0.1", 0), Backend)
        threading.Thread(target=backend.serve_forever, daemon=True).start()
        self.addCleanup(backend.server_close)
        self.addCleanup(backend.shutdown)
        server = self.start(Nghttpx(FOLDER / "nghttpx-cut", AUTHORITY.certificate("localhost"),
                                    f"127.0.0.1:{backend.server_port}"))
        cutter = self.start(Cutter(f"127.0.0.1:{server.port}"))
        d = dataset(AWS_ENDPOINT_URL=f"https://localhost:{cutter.port}",
                    AWS_CA_BUNDLE=str(AUTHORITY.pem))
        told = d.run(ROWS)
        self.assertEqual((told["outcome"], told["sequence"]), ("published", 1))
        self.assertEqual((told["ambiguous"], told["settled_by_reading"]), (1, True))
        self.assertEqual(Backend.swaps, 2)
        self.assertEqual(cutter.seen, ["cut"])
        self.assertEqual(d.rows(), expected(ROWS))
        self.assertEqual(d.findings("--data"), [])

    def test_it_is_spoken_where_tls_negotiates_it(self):
        if not shutil.which("nghttpx"):
            self.skipTest("there is no nghttpx (Debian: nghttp2-proxy)")
        server = self.start(Nghttpx(FOLDER / "nghttpx", AUTHORITY.certificate("localhost")))
        d = dataset(AWS_ENDPOINT_URL=f"https://localhost:{server.port}",
                    AWS_CA_BUNDLE=str(AUTHORITY.pem))
        self.works(d)
        d.cauce("gc", "--delete")
        done = d.cauce("verify", "-vv", "--data")
        self.assertIn("http=2", done.stderr)
        self.assertNotIn("http=1.1", done.stderr)
        lines = server.log.read_text().splitlines()
        self.assertEqual({line.split()[-2] for line in lines}, {"HTTP/2"})
        for method in ("GET", "HEAD", "PUT", "POST"):
            self.assertTrue(any(line.startswith(method + " ") for line in lines), method)
        # The swaps of the pointer went this way, too, and one of the probe's was refused.
        swaps = [line for line in lines if line.startswith("PUT ") and "current/manifest" in line]
        self.assertEqual({line.split()[-1] for line in swaps}, {"200"})
        self.assertGreaterEqual(len(swaps), 3)
        self.assertTrue(any(line.endswith(" 412") for line in lines))


# ---- The bucket in the host's name ---------------------------------------------------------------


class VirtualHost(Base):
    def setUp(self):
        if not GATEWAY.startswith("127."):
            self.skipTest("the server is not one that knows the names of this machine")
        self.url = f"http://localhost:{GATEWAY.split(':')[1]}"

    def goes_by_host(self, d):
        self.works(d)
        done = d.cauce("verify", "-vv", "--data")
        self.assertIn(f"url=http://{BUCKET}.localhost:", done.stderr)
        self.assertNotIn(f"/{BUCKET}/", done.stderr.replace("s3://", ""))
        d.cauce("gc", "--delete")
        # The same objects, seen by path.
        self.assertIn(d.prefix + "current/manifest.json", CLIENT.list(BUCKET, d.prefix))

    def test_the_bucket_goes_into_the_host(self):
        self.goes_by_host(dataset(AWS_ENDPOINT_URL=self.url, CAUCE_S3_ADDRESSING="virtual"))

    def test_the_file_says_so(self):
        more = f"store_options:\n  endpoint: {self.url}\n  path_style: false\n"
        self.goes_by_host(dataset(more))

    @needs_openssl
    def test_under_tls_the_certificate_is_that_of_the_bucket(self):
        front = self.start(TlsFront(AUTHORITY.certificate(f"{BUCKET}.localhost")))
        settings = dict(AWS_ENDPOINT_URL=f"https://localhost:{front.port}",
                        AWS_CA_BUNDLE=str(AUTHORITY.pem))
        self.works(dataset(**settings, CAUCE_S3_ADDRESSING="virtual"))
        self.is_refused(dataset(**settings), 2, "certificate is not accepted")


# ---- Copies on the server ------------------------------------------------------------------------


class CopyProxy(fault_proxy.Proxy):
    """Adds to the gateway what AWS has: conditions hold for copies, too. `atomic` False: they are
    checked, and what is written is written a little later."""

    rules = fault_proxy.Rules()
    upstream = GATEWAY
    atomic = True
    lock = threading.Lock()
    copies = []

    def fits(self):
        bucket, key = urllib.parse.unquote(self.path).split("?")[0][1:].split("/", 1)
        tag = CLIENT.etag(bucket, key)
        wanted = self.headers.get("If-Match")
        if wanted is None:
            return tag is None
        return tag is not None and wanted.strip('"') == tag.strip('"')

    def forward(self, body):
        if self.command not in ("PUT", "DELETE"):
            return super().forward(body)
        if not self.headers.get("x-amz-copy-source"):
            with self.lock:
                return super().forward(body)
        with self.lock:
            if not self.fits():
                code = b"<Error><Code>PreconditionFailed</Code></Error>"
                return 412, "Precondition Failed", [], code
            if self.atomic:
                self.copies.append(self.path)
                return super().forward(body)
        time.sleep(0.02)
        return super().forward(body)


class Copies(Base):
    def through(self, atomic):
        class Handler(CopyProxy):
            copies = []
        Handler.atomic = atomic
        server = fault_proxy.Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return Handler, dataset(AWS_ENDPOINT_URL=f"http://127.0.0.1:{server.server_port}")

    def test_projections_are_put_in_place_by_copies(self):
        proxy, d = self.through(True)
        self.assertIn("for copies: yes", d.cauce("doctor").stdout)
        proxy.copies.clear()
        proxy.rules.replace([])
        told = d.run(ROWS)
        self.assertEqual(told["outcome"], "published")
        finals = [k for k in CLIENT.list(BUCKET, d.prefix + "projections/") if k.endswith(".parquet")]
        self.assertEqual(sorted(urllib.parse.unquote(c)[len(f"/{BUCKET}/"):] for c in proxy.copies),
                         sorted(finals))
        # Nothing of the scratch area was carried through this machine.
        read = [s["target"] for s in proxy.rules.seen if s["method"] == "GET"]
        self.assertEqual([t for t in read if "/.tmp/" in t and t.endswith(".parquet")], [])
        self.assertEqual(told["requests"]["moves"], len(finals))
        self.assertEqual(d.run(MORE)["outcome"], "published")
        self.assertEqual(d.rows(), expected(ROWS, MORE))
        self.assertEqual(d.findings("--data"), [])

    def test_copies_that_are_not_atomic_are_not_used(self):
        _, d = self.through(False)
        self.assertIn("for copies: no", d.cauce("doctor").stdout)
        self.works(d)


if __name__ == "__main__":
    unittest.main(verbosity=2)

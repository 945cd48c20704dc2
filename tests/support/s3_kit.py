"""What the end-to-end tests against S3 share: a server, a client that shares no code with cauce, the
program, and small snapshots with the rows that must come of them.

Where no server can be had, `server()` prints why and ends the test with status 77: skipped.
"""
import atexit
import datetime
import hashlib
import hmac
import http.client
import json
import os
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import xml.etree.ElementTree as ET
from pathlib import Path

ROOT = Path(os.environ.get("CAUCE_SOURCE_DIR", Path(__file__).resolve().parents[2]))
CAUCE = os.environ.get("CAUCE", str(ROOT / "build" / "cauce"))

# A program built with a sanitizer is slow.
SANITIZED = "ASAN_OPTIONS" in os.environ or "TSAN_OPTIONS" in os.environ


def torture():
    """Is this the long proof?"""
    return os.environ.get("CAUCE_TORTURE", "") not in ("", "0")


def skip(why):
    print(f"skipped: {why}")
    sys.exit(77)


def scratch():
    """A folder of this test's own, removed at its end."""
    folder = Path(tempfile.mkdtemp(prefix="cauce-test-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


# ---- Server and client ---------------------------------------------------------------------------


def server(folder):
    """Settings (names of the environment) of a server that is up until this test ends."""
    endpoint = os.environ.get("CAUCE_TEST_S3_ENDPOINT")
    if endpoint == "none":
        skip("there is no S3 server (CAUCE_TEST_S3_ENDPOINT is \"none\")")
    if endpoint:
        return {
            "AWS_ENDPOINT_URL": endpoint,
            "AWS_ACCESS_KEY_ID": os.environ["CAUCE_TEST_S3_ACCESS_KEY"],
            "AWS_SECRET_ACCESS_KEY": os.environ["CAUCE_TEST_S3_SECRET_KEY"],
            "AWS_REGION": "us-east-1",
        }
    starter = str(ROOT / "tests/support/ceph-rgw")
    place = str(folder / "server")
    env = dict(os.environ, CAUCE_TEST_OWNER=str(os.getpid()))
    started = subprocess.run([starter, "start", place], env=env, stdout=subprocess.PIPE, text=True,
                             check=False)
    if started.returncode == 77:
        skip("Ceph's gateway cannot be brought up here (see above)")
    if started.returncode != 0:
        sys.exit(f"{starter} ended with {started.returncode}")
    atexit.register(subprocess.run, [starter, "stop", place], check=False)
    return dict(line.split("=", 1) for line in started.stdout.split())


class Absent(Exception):
    """A server that cannot be had here; the text says why."""


def other_server(folder, name):
    """Settings of a server of another maker that is up until this test ends; Absent: there is none."""
    starter = str(ROOT / "tests/support/s3-other")
    place = str(folder / f"server-{name}")
    env = dict(os.environ, CAUCE_TEST_OWNER=str(os.getpid()))
    started = subprocess.run([starter, "start", name, place], env=env, capture_output=True, text=True,
                             check=False)
    if started.returncode != 0:
        raise Absent((started.stderr.strip().splitlines() or ["it does not start"])[-1])
    atexit.register(subprocess.run, [starter, "stop", name, place], check=False)
    return dict(line.split("=", 1) for line in started.stdout.split())


class Client:
    """The few requests that tests send themselves, signed as "Signature Version 4" describes it."""

    def __init__(self, settings):
        self.host = settings["AWS_ENDPOINT_URL"].split("://")[1]
        self.key = settings["AWS_ACCESS_KEY_ID"]
        self.secret = settings["AWS_SECRET_ACCESS_KEY"]
        self.region = settings["AWS_REGION"]

    def authorization(self, method, path, query, headers, digest):
        date = headers["x-amz-date"]
        names = ";".join(sorted(headers))
        lines = "".join(f"{name}:{headers[name]}\n" for name in sorted(headers))
        canonical = "\n".join((method, path, query, lines, names, digest))
        scope = f"{date[:8]}/{self.region}/s3/aws4_request"
        text = "\n".join(("AWS4-HMAC-SHA256", date, scope,
                          hashlib.sha256(canonical.encode()).hexdigest()))
        key = ("AWS4" + self.secret).encode()
        for part in scope.split("/"):
            key = hmac.new(key, part.encode(), hashlib.sha256).digest()
        signature = hmac.new(key, text.encode(), hashlib.sha256).hexdigest()
        return (f"AWS4-HMAC-SHA256 Credential={self.key}/{scope}, SignedHeaders={names}, "
                f"Signature={signature}")

    def request(self, method, path, query=None, body=b""):
        """Status and body; path is "/bucket/key"."""
        return self.answer(method, path, query, body)[:2]

    def answer(self, method, path, query=None, body=b""):
        """Status, body and headers."""
        path = urllib.parse.quote(path)
        query = urllib.parse.urlencode(sorted((query or {}).items()), quote_via=urllib.parse.quote)
        digest = hashlib.sha256(body).hexdigest()
        now = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
        headers = {"host": self.host, "x-amz-content-sha256": digest, "x-amz-date": now}
        headers["authorization"] = self.authorization(method, path, query, headers, digest)
        connection = http.client.HTTPConnection(self.host, timeout=60)
        connection.request(method, path + ("?" + query if query else ""), body, headers)
        answer = connection.getresponse()
        result = answer.status, answer.read(), answer.headers
        connection.close()
        return result

    def make_bucket(self, bucket):
        status, body = self.request("PUT", f"/{bucket}")
        assert status in (200, 409), (status, body)

    def get(self, bucket, key):
        status, body = self.request("GET", f"/{bucket}/{key}")
        assert status in (200, 404), (status, body)
        return body if status == 200 else None

    def etag(self, bucket, key):
        """As the server says it; None where there is no such object."""
        status, _, headers = self.answer("HEAD", f"/{bucket}/{key}")
        assert status in (200, 404), status
        return headers["ETag"] if status == 200 else None

    def put(self, bucket, key, body):
        status, answer = self.request("PUT", f"/{bucket}/{key}", body=body)
        assert status == 200, (status, answer)

    def delete(self, bucket, key):
        status, answer = self.request("DELETE", f"/{bucket}/{key}")
        assert status in (200, 204, 404), (status, answer)

    def list(self, bucket, prefix=""):
        """All keys, ascending."""
        keys, after = [], ""
        while True:
            query = {"list-type": "2", "prefix": prefix, "start-after": after}
            status, body = self.request("GET", f"/{bucket}", query)
            assert status == 200, (status, body)
            root = ET.fromstring(body)
            space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
            page = [one.findtext(f"{space}Key") for one in root.iter(f"{space}Contents")]
            keys += page
            if not page or root.findtext(f"{space}IsTruncated") != "true":
                return keys
            after = page[-1]


# ---- Snapshots -----------------------------------------------------------------------------------


def csv_of(rows):
    """Rows are (gauge, day, level)."""
    return "gauge,day,level\n" + "".join(f"{g},{d},{v}\n" for g, d, v in rows)


def rows_of(gauges, days, level=lambda gauge, day: f"{gauge}.{day.day:02d}"):
    """One row per gauge and day."""
    return [(f"g{g:03d}", day.isoformat(), level(g, day)) for g in gauges for day in days]


def days_from(first, count):
    start = datetime.date.fromisoformat(first)
    return [start + datetime.timedelta(days=i) for i in range(count)]


CONFIG = """\
dataset: {dataset}
store: {store}
key: [gauge, day]
partition: {{column: day, by: month}}
columns:
  - {{name: gauge, type: text}}
  - {{name: day, type: date}}
  - {{name: level, type: text}}
memory: 256MiB
threads: 1
temp: {temp}
"""


class Dataset:
    """One dataset in a bucket: its configuration file, and the program with its environment."""

    def __init__(self, folder, settings, store, dataset="levels", more=""):
        self.folder = folder
        self.store = store
        self.dataset = dataset
        self.settings = settings
        self.file = folder / f"{dataset}.yml"
        temp = folder / "temp"
        temp.mkdir(parents=True, exist_ok=True)
        self.cache = folder / "cache"
        self.file.write_text(CONFIG.format(dataset=dataset, store=store, temp=temp) + more)

    def environment(self):
        """Nothing of the caller's credentials and proxies; a cache of this test's own."""
        env = {name: value for name, value in os.environ.items()
               if not name.startswith(("AWS_", "CAUCE_S3")) and "proxy" not in name.lower()}
        env.update(self.settings, XDG_CACHE_HOME=str(self.cache), HOME=str(self.folder),
                   AWS_EC2_METADATA_DISABLED="true")
        return env

    def command(self, name, *arguments):
        return [CAUCE, name, str(self.file), *map(str, arguments)]

    def cauce(self, name, *arguments, status=0):
        """The finished process; `status` None: any."""
        done = subprocess.run(self.command(name, *arguments), env=self.environment(),
                              capture_output=True, text=True, check=False, timeout=600)
        if status is not None:
            assert done.returncode == status, (
                f"cauce {name} {arguments}: status {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def snapshot(self, rows, name="snapshot.csv"):
        path = self.folder / name
        path.write_text(csv_of(rows))
        return path

    def run(self, rows, *arguments, status=0, name="snapshot.csv"):
        """Publish a snapshot; what --json says."""
        source = self.snapshot(rows, name)
        return json.loads(self.cauce("run", "--json", "-s", source, *arguments, status=status).stdout)

    def rows(self, *arguments):
        """What a reader of the newest version sees, sorted."""
        text = self.cauce("read", "--format", "csv", *arguments).stdout
        lines = text.splitlines()
        assert lines and lines[0].split(",")[:3] == ["gauge", "day", "level"], lines[:1]
        return sorted(tuple(line.split(",")[:3]) for line in lines[1:])

    def findings(self, *arguments):
        """What verify finds: nothing, where all is well."""
        done = self.cauce("verify", "--json", *arguments, status=None)
        return json.loads(done.stdout)["findings"]


def expected(*snapshots):
    """The rows that are there once all snapshots are published, in this order: the last one of each
    key counts."""
    rows = {}
    for snapshot in snapshots:
        rows.update({(g, d): v for g, d, v in snapshot})
    return sorted((g, d, v) for (g, d), v in rows.items())

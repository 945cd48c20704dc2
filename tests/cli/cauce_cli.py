"""What the end-to-end tests share: the program, a folder of its own, a small dataset."""

import json
import os
import pathlib
import resource
import subprocess
import tempfile
import unittest

CAUCE = os.environ.get("CAUCE", "build/cauce")
ROOT = pathlib.Path(os.environ.get("CAUCE_SOURCE_DIR", pathlib.Path(__file__).parents[2]))

CONFIG = """dataset: rates
store: ./published
source: ./rates.csv
columns:
  - {name: day, type: date}
  - {name: currency, type: text}
  - {name: rate, type: "decimal(9,4)"}
  - {name: note, type: text}
key: [currency, day]
partition: {column: day, by: month}
"""

FIRST = '''day,currency,rate,note
2026-01-30,EUR,1.0000,"a, b"
2026-01-30,USD,1.0800,
2026-02-01,EUR,1.0000,"say ""hi"""
'''

SECOND = """day,currency,rate,note
2026-01-30,EUR,1.0000,"a, b"
2026-01-30,USD,1.0900,revised
2026-02-01,USD,1.1000,new
"""


def months(count, rate):
    """A source with one row in each of many months: its manifest is larger than its record."""
    rows = [f"{2000 + i // 12}-{1 + i % 12:02}-01,EUR,{rate},\n" for i in range(count)]
    return "day,currency,rate,note\n" + "".join(rows)


class Case(unittest.TestCase):
    """A test in a folder of its own, where scratch files go, too, and must be gone at the end."""

    maxDiff = None

    def setUp(self):
        holder = tempfile.TemporaryDirectory(prefix="cauce-cli-")
        self.addCleanup(holder.cleanup)
        self.folder = pathlib.Path(holder.name)
        (self.folder / "scratch").mkdir()
        (self.folder / "state").mkdir()
        (self.folder / "d.yml").write_text(CONFIG)
        self.addCleanup(self.check_scratch)

    def check_scratch(self):
        self.assertEqual(os.listdir(self.folder / "scratch"), [])

    def environment(self, **more):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "CAUCE_S3_"))}
        env.update({"TMPDIR": str(self.folder / "scratch"),
                    "XDG_STATE_HOME": str(self.folder / "state"), **more})
        return env

    def start(self, *args, **how):
        how.setdefault("env", self.environment())
        return subprocess.Popen([CAUCE, *map(str, args)], cwd=self.folder, text=True, **how)

    def cauce(self, *args, status=0, env=None, stdout=subprocess.PIPE):
        """Run it; its exit status must be that. Returns standard output and standard error."""
        done = subprocess.run([CAUCE, *map(str, args)], cwd=self.folder, stdout=stdout,
                              stderr=subprocess.PIPE, text=True, check=False,
                              env=env or self.environment())
        self.assertEqual(done.returncode, status, f"{args}: {done.stdout}{done.stderr}")
        return done.stdout, done.stderr

    def answer(self, *args, **how):
        """Standard output of a command that has nothing to say on standard error."""
        out, err = self.cauce(*args, **how)
        self.assertEqual(err, "", args)
        return out

    def json(self, *args, **how):
        return json.loads(self.cauce(*args, "--json", **how)[0])

    def publish(self, text, *args, **how):
        (self.folder / "rates.csv").write_text(text)
        return self.json("run", "d.yml", *args, **how)

    def roll_back(self):
        """A run whose manifest does not fit below a limit of file sizes; events and record do. A
        source of many months must be published already, and the next one be there. Returns what
        the run said on standard error."""
        manifest = self.object(self.objects("manifests/")[-1]).stat().st_size
        record = max(self.object(key).stat().st_size for key in self.objects("runs/"))
        limit = record + 1000
        self.assertGreater(manifest, limit + 1000)
        run = self.start("run", "d.yml", stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE,
                                                               (limit, limit)))
        _, err = run.communicate()
        self.assertEqual(run.returncode, 5, err)
        return err

    def publish_both(self):
        self.assertEqual(self.publish(FIRST)["outcome"], "published")
        self.assertEqual(self.publish(SECOND)["outcome"], "published")

    def objects(self, prefix=""):
        root = self.folder / "published/rates"
        return sorted(str(p.relative_to(root)) for p in root.rglob("*")
                      if p.is_file() and str(p.relative_to(root)).startswith(prefix))

    def object(self, key):
        return self.folder / "published/rates" / key

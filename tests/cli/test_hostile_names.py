"""Names and values that a source chose forge no line, move no cursor and turn no text around, on
standard output and standard error, as text and as JSON."""

import json
import os
import re
import subprocess
import unittest

from cauce_cli import CAUCE, Case

FORGED = "cauce: error: FORGED"

HOSTILE = {
    "newline": "x\n" + FORGED,
    "carriage return": "x\r" + FORGED,
    "escape sequence": "x\x1b[2K\x1b[1G" + FORGED,
    "next line (C1)": "x\x85" + FORGED,
    "sequence introducer (C1)": "x\x9b2K" + FORGED,
    "line separator": "x\u2028" + FORGED,
    "paragraph separator": "x\u2029" + FORGED,
    "override": "x\u202e" + FORGED[::-1],
    "isolate": "x\u2066" + FORGED + "\u2069",
    "mark": "x\u200f" + FORGED,
    "byte order mark": "x\ufeff" + FORGED,
    "tag": "x\U000e0041" + FORGED,
    "no UTF-8": "x\udcff\udcfe" + FORGED,
}

# What may stand in no output, newlines of our own aside.
HIDDEN = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
                    "\u2060-\u206f\ufeff\U000e0000-\U000e0fff]")

CONFIG = """dataset: rates
store: ./published
source: [{source}]
columns:
  - {{name: id, type: bigint, from: ["id", {alias}]}}
  - {{name: n, type: bigint}}
key: id
{more}"""


class HostileNames(Case):
    def look(self, *args, status=None):
        """Run it; both outputs are checked. Returns status, standard output, standard error."""
        done = subprocess.run([CAUCE, *args], cwd=self.folder, env=self.environment(), check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if status is not None:
            self.assertEqual(done.returncode, status, (args, done.stdout, done.stderr))
        texts = [output.decode() for output in (done.stdout, done.stderr)]
        for text in texts:
            self.assertNotRegex(text, HIDDEN, args)
            for line in text.splitlines():
                self.assertFalse(line.startswith(FORGED), (args, text))
        return done.returncode, *texts

    def each_way(self, *args):
        """As talkative text, and as JSON."""
        self.look(*args, "-vv")
        _, out, err = self.look(*args, "--json", "--log-format", "json", "-vv")
        for line in err.splitlines():
            json.loads(line)
        return json.loads(out) if out else None

    def prepare(self, source="rates.csv", more=""):
        quoted = json.dumps(source.encode("utf-8", "surrogateescape").decode("utf-8", "replace"))
        (self.folder / "d.yml").write_text(CONFIG.format(source=quoted, alias=quoted, more=more))

    def write(self, name, text):
        path = os.fsencode(self.folder) + b"/" + name.encode("utf-8", "surrogateescape")
        with open(path, "wb") as file:
            file.write(text.encode("utf-8", "surrogateescape"))

    def commands(self):
        for command in ("status", "metrics", "verify", "gc", "log", "show", "consolidate",
                        "check", "doctor"):
            self.each_way(command, "d.yml")
        self.each_way("log", "--runs", "d.yml")

    def test_values_that_do_not_fit(self):
        self.prepare()
        for kind, text in HOSTILE.items():
            with self.subTest(kind=kind):
                quoted = text.replace('"', '""')
                self.write("rates.csv", f'id,n\n1,2\n2,"{quoted}"\n')
                status, _, err = self.look("plan", "d.yml")
                self.assertNotEqual(status, 0)
                self.assertIn("rates.csv", err)
                self.each_way("run", "d.yml")
                self.each_way("init", "new.yml", "--from", "rates.csv", "--force")
        self.commands()

    def test_rows_that_are_left_out(self):
        self.prepare(more="bad_rows: reject\n")
        for kind, text in HOSTILE.items():
            if kind == "no UTF-8":
                continue
            with self.subTest(kind=kind):
                self.write("rates.csv", f'id,n\n1,2\n2,"{text}"\n')
                record = self.each_way("run", "d.yml", "--force")
                self.assertEqual([reject["value"] for reject in record["rejects"]], [text])
        self.commands()

    def test_names_of_columns(self):
        self.prepare()
        for kind, text in HOSTILE.items():
            with self.subTest(kind=kind):
                self.write("rates.csv", f'id,n,"{text}"\n1,2,3\n')
                self.each_way("run", "d.yml")
                self.each_way("init", "new.yml", "--from", "rates.csv", "--force")
                if (self.folder / "new.yml").exists():
                    self.assertNotRegex((self.folder / "new.yml").read_bytes().decode(), HIDDEN)
                    self.each_way("check", "new.yml")
                    (self.folder / "new.yml").unlink()

    def test_names_of_columns_that_are_found(self):
        """One by one where they are refused, then all that are not, published."""
        config = "dataset: rates\nstore: ./published\nsource: ./rates.csv\nkey: id\n"
        (self.folder / "d.yml").write_text(config)
        taken = []
        for kind, text in HOSTILE.items():
            with self.subTest(kind=kind):
                self.write("rates.csv", f'id,n,"{text}"\n1,2,3\n')
                if self.look("plan", "d.yml")[0] == 0:
                    taken.append(f'"{text}"')
        self.assertGreater(len(taken), 3)
        self.write("rates.csv", f"id,{','.join(taken)}\n1{',2' * len(taken)}\n")
        self.each_way("run", "d.yml")
        self.assertTrue((self.folder / "published").exists())
        self.commands()

    def test_names_of_files(self):
        for kind, text in HOSTILE.items():
            with self.subTest(kind=kind):
                name = text.replace("/", "-")
                self.prepare("./*.csv")
                for extra in ("x", "y"):
                    self.write(f"{name}{extra}.csv", "id,n\n1,no number\n")
                self.each_way("run", "d.yml")
                self.each_way("run", "d.yml", "--source", f"./{name}x.csv")
                self.look("plan", "d.yml", "--source", f"./{name}absent.csv")
                self.each_way("check", f"{name}.yml")
                self.each_way("init", f"{name}.yml", "--from", f"{name}x.csv", "--force")
                self.look(name)
                self.look("run", "--" + name)
        self.commands()

    def test_what_lies_in_the_store(self):
        self.prepare()
        self.write("rates.csv", "id,n\n1,2\n")
        self.look("run", "d.yml", status=0)
        for text in HOSTILE.values():
            self.write("published/rates/events/" + text.replace("/", "-"), "stranger")
        self.commands()

    def test_the_configuration(self):
        for kind, text in HOSTILE.items():
            with self.subTest(kind=kind):
                good = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
                for line in (f"{json.dumps(good)}: 1\n", f"revisions: {json.dumps(good)}\n",
                             f"sort: [{json.dumps(good)}]\n"):
                    self.prepare(more=line)
                    self.each_way("check", "d.yml")
                    self.look("run", "d.yml")
                self.prepare()
                with open(self.folder / "d.yml", "ab") as file:
                    file.write(text.encode("utf-8", "surrogateescape") + b": 1\n")
                self.each_way("check", "d.yml")
                self.look("status", "d.yml")


if __name__ == "__main__":
    unittest.main(verbosity=2)

#!/usr/bin/env python3
"""Nothing waits without an end: endless sources, engines that do not end, and what ends them."""
import os
import pathlib
import signal
import subprocess
import time
import unittest

from cauce_cli import Case

CONFIG = """dataset: rates
store: ./published
source: {url: rates.csv, format: csv}
key: id
"""
# It would take years.
ENDLESS = ("transform: SELECT id FROM source, range(1000000) a, range(1000000) b, range(1000) c "
           "WHERE hash(a.range, b.range, c.range) = 1\n")


def engines(parent):
    """Processes of the engine that a process has started."""
    found = []
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            stat = (folder / "stat").read_text().rsplit(")", 1)[1].split()
            command = (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if int(stat[1]) == parent and command.startswith(b"cauce: engine"):
            found.append(int(folder.name))
    return found


class Limits(Case):
    def setUp(self):
        super().setUp()
        (self.folder / "rates.csv").write_text("id\n1\n")

    def configure(self, more):
        (self.folder / "d.yml").write_text(CONFIG + more)

    def endless_run(self):
        """A run that will not end by itself, and its engine."""
        self.configure(ENDLESS)
        run = self.start("run", "d.yml", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.addCleanup(run.stderr.close)
        self.addCleanup(run.stdout.close)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            found = engines(run.pid)
            # It is busy as soon as it has used some time.
            if found and self.seconds_used(found[0]) > 0.3:
                return run, found[0]
            time.sleep(0.05)
        run.kill()
        self.fail("the engine has not begun")

    @staticmethod
    def seconds_used(pid):
        try:
            fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        except OSError:
            return 0
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def assert_gone(self, pid):
        deadline = time.monotonic() + 10
        while pathlib.Path(f"/proc/{pid}").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_a_source_without_an_end_is_refused(self):
        self.configure("")
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        for source in ("/dev/zero", "/dev/stdin", pipe):
            _, err = self.cauce("run", "d.yml", "--source", source, status=3)
            self.assertIn("is a pipe or a device", err)
            self.assertIn("Nothing was published", err)

    def test_a_run_ends_with_its_time_limit(self):
        self.configure(ENDLESS + "timeout: 2s\n")
        began = time.monotonic()
        _, err = self.cauce("run", "d.yml", status=124)
        self.assertLess(time.monotonic() - began, 20)
        self.assertIn("`timeout` allows is over. Nothing was published. Raise `timeout`", err)
        self.assertEqual(self.objects("events/_data/"), [])
        self.configure("timeout: 1h\n")
        self.cauce("run", "d.yml")
        self.assertEqual(len(self.objects("events/_data/")), 1)

    def test_the_time_limit_is_in_the_record(self):
        self.configure("")
        self.cauce("run", "d.yml")
        self.configure(ENDLESS + "timeout: 1s\n")
        run = self.json("run", "d.yml", status=124)
        self.assertEqual(run["error"]["code"], "timeout")
        self.assertEqual(run["outcome"], "failed")

    def test_a_signal_ends_a_statement_at_once(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            run, engine = self.endless_run()
            began = time.monotonic()
            run.send_signal(number)
            _, err = run.communicate(timeout=60)
            self.assertLess(time.monotonic() - began, 15)
            self.assertEqual(run.returncode, 130, err)
            self.assertIn("Stopped by a signal. Nothing was published.", err)
            self.assert_gone(engine)

    def test_the_engine_ends_with_the_program(self):
        run, engine = self.endless_run()
        run.kill()
        run.wait()
        self.assert_gone(engine)
        # What was left behind is cleaned up by whoever comes next.
        self.configure("")
        self.cauce("run", "d.yml")

    def test_a_crash_of_the_engine_is_an_error_and_changes_nothing(self):
        self.configure("")
        self.cauce("run", "d.yml")
        before = [key for key in self.objects() if not key.startswith("runs/")]
        crashes = [(signal.SIGSEGV, "crashed with signal 11"),
                   (signal.SIGKILL, "was killed with signal 9: by the kernel, where this machine")]
        if "ASAN_OPTIONS" in os.environ:
            crashes.pop(0)  # the sanitizer takes that signal for itself
        for number, words in crashes:
            run, engine = self.endless_run()
            os.kill(engine, number)
            _, err = run.communicate(timeout=60)
            self.assertEqual(run.returncode, 1, err)
            self.assertIn(words, err)
            self.assertIn("Nothing was published.", err)
            self.assert_gone(engine)
        self.assertEqual([key for key in self.objects() if not key.startswith("runs/")], before)
        self.configure("")
        self.cauce("run", "d.yml")

    def test_a_line_is_not_longer_than_a_record_may_be(self):
        (self.folder / "rates.csv").write_text("id,v\n1,a\n2," + "x" * (65 << 20) + "\n3,b\n")
        self.configure("")
        _, err = self.cauce("run", "d.yml", status=1)
        self.assertIn("the record that begins on line 3 is longer than 64 MiB", err)
        self.assertIn("Nothing was published", err)

    def test_names_and_numbers_of_columns_have_limits_told_with_their_place(self):
        many = [f"c{i}" for i in range(4097)]
        fields = ", ".join(f'"{name}": 1' for name in many)
        for name, text, words in (
                ("a.csv", f"id,{'x' * 70000}\n1,2\n",
                 "a.csv: the name of column 2 on line 1 is longer than 1024 bytes"),
                ("b.csv", ",".join(many) + "\n" + ",".join("1" * 4097) + "\n",
                 "b.csv: the record on line 1 has more than 4096 columns"),
                ("c.ndjson", '{"id": 1}\n{"id": 2, "%s": 3}\n' % ("x" * 70000),
                 "c.ndjson:2:12: a name is longer than 1024 bytes"),
                ("d.json", "[{%s}]" % fields,
                 "with this one the records have more than 4096 names"),
                ("e.csv", f"id\n1\n", None)):
            (self.folder / name).write_text(text)
            (self.folder / "d.yml").write_text(CONFIG.replace("{url: rates.csv, format: csv}", name))
            if words is not None:
                _, err = self.cauce("run", "d.yml", status=1)
                self.assertIn(words, err)
                self.assertIn("Nothing was published", err)
                self.assertLess(len(err), 2000)
            else:
                self.cauce("run", "d.yml")

    def test_the_sql_of_a_transform_writes_nothing(self):
        target = self.folder / "published/rates/logs"
        for sql in (f"SELECT id FROM source WHERE 0 = (SELECT count(*) FROM "
                    f"enable_logging(storage='file', storage_path='{target}'))",
                    f"EXPORT DATABASE '{target}'", f"COPY source TO '{target}'"):
            self.configure(f'transform: "{sql}"\n')
            out, err = self.cauce("run", "d.yml", status=2)
            self.assertEqual(out, "")
            self.assertIn("transform", err)
            self.assertFalse(target.exists())


if __name__ == "__main__":
    unittest.main(verbosity=2)

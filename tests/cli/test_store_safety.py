"""What others do to a store while cauce is at work on it, and what cauce may do to what is theirs."""

import fcntl
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import unittest

from cauce_cli import CAUCE, FIRST, SECOND, Case

THIRD = "day,currency,rate,note\n2026-02-02,EUR,1.0100,third\n"


def without_strace():
    """strace holds a process up at one call; not every machine lets it."""
    if shutil.which("strace") is None:
        return "strace is not installed"
    tried = subprocess.run(["strace", "-qq", "-o", "/dev/null", "true"], check=False)
    return None if tried.returncode == 0 else "strace is not allowed here"


class Bytes(Case):
    """Published objects share their bytes with nothing."""

    def test_no_file_of_the_store_has_a_second_name(self):
        self.publish_both()
        self.cauce("rebuild-index", "d.yml")
        self.object(self.objects("projections/windows")[0]).unlink()
        self.cauce("consolidate", "d.yml")
        for key in self.objects():
            self.assertEqual(self.object(key).stat().st_nlink, 1, key)

    def test_damage_in_place_to_a_projection_leaves_what_is_published_alone(self):
        self.publish(FIRST)
        rows = self.answer("read", "d.yml")
        for key in self.objects("projections/windows"):
            with open(self.object(key), "r+b") as file:
                file.seek(100)
                file.write(b"damage")
        self.cauce("verify", "--data", "d.yml")
        self.assertEqual(self.answer("read", "d.yml"), rows)
        self.cauce("consolidate", "d.yml")
        self.cauce("verify", "--data", "--strict", "d.yml")


class Lock(Case):
    """The lock of a folder store is on the folder."""

    def hold(self):
        """As a process that was stopped in the middle of its work holds it."""
        fd = os.open(self.folder / "published/rates", os.O_RDONLY | os.O_DIRECTORY)
        self.addCleanup(os.close, fd)
        fcntl.flock(fd, fcntl.LOCK_EX)
        return fd

    def test_waiting_for_the_lock_says_for_whom_and_ends_at_once_on_SIGTERM(self):
        self.publish(FIRST)
        self.hold()
        (self.folder / "rates.csv").write_text(SECOND)
        for command in (("run", "d.yml"), ("consolidate", "d.yml"), ("gc", "--delete", "d.yml")):
            if command[0] != "run":
                (self.object(f"events/0000000009-{'a' * 32}")).mkdir(exist_ok=True, parents=True)
                self.object(f"events/0000000009-{'a' * 32}/part-0.parquet").write_text("orphan")
            if command[0] == "consolidate":
                self.object(self.objects("projections/windows")[0]).unlink()
            process = self.start(*command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
            said = process.stderr.readline()
            while "waiting for the lock" not in said:
                self.assertNotEqual(said, "", command)
                said = process.stderr.readline()
            self.assertIn(f"process {os.getpid()} (", said)
            began = time.monotonic()
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=20)
            self.assertLess(time.monotonic() - began, 2, command)
            self.assertEqual(process.returncode, 130, err)
            self.assertIn("waiting for the lock", err)

    @unittest.skipIf(without_strace(), "strace cannot be used")
    def test_what_is_deleted_beside_a_writer_does_not_let_another_one_in(self):
        self.publish(FIRST)
        (self.folder / "rates.csv").write_text(SECOND)
        (self.folder / "third.csv").write_text(THIRD)
        held_up = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", "/dev/null", "-P", self.object("current").resolve(),
             "-e", "inject=?renameat,renameat2:delay_enter=3000000:when=1", CAUCE, "run", "-q",
             "d.yml"], cwd=self.folder, env=self.environment())
        deadline = time.monotonic() + 20
        while not list(self.object("current").glob("*.tmp-*")) and time.monotonic() < deadline:
            time.sleep(0.01)
        for name in os.listdir(self.folder / "published/rates"):
            path = self.object(name)
            if path.is_file():
                path.unlink()
        self.cauce("run", "--source", "third.csv", "d.yml")
        self.assertEqual(held_up.wait(timeout=60), 0)
        self.assertEqual(len(self.json("log", "d.yml")), 3)
        self.cauce("run", "d.yml")
        self.cauce("verify", "--data", "d.yml")


if __name__ == "__main__":
    unittest.main()

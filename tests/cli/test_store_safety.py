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

from cauce_cli import CAUCE, CONFIG, FIRST, SECOND, Case

THIRD = "day,currency,rate,note\n2026-02-02,EUR,1.0100,third\n"


def without_strace():
    """strace holds a process up at one call; not every machine lets it."""
    if "ASAN_OPTIONS" in os.environ:
        return "the sanitizer that looks for leaks does not work under strace"
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

    def test_a_run_waits_one_minute_in_all_however_many_files_it_takes_back(self):
        self.publish(FIRST)
        self.hold()
        began = time.monotonic()
        self.publish(SECOND, status=5)
        self.assertLess(time.monotonic() - began, 100)

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


class Place(Case):
    """Where a store may be."""

    def setUp(self):
        super().setUp()
        (self.folder / "inner.yml").write_text(CONFIG.replace("./published", "./published/rates")
                                               .replace("dataset: rates", "dataset: inner"))

    def assert_sound(self, *configurations):
        for configuration in configurations:
            self.cauce("verify", "--data", "--strict", configuration)

    def test_no_dataset_is_made_in_a_folder_of_another_one(self):
        self.publish(FIRST)
        before = self.objects()
        _, err = self.cauce("run", "inner.yml", status=4)
        self.assertIn("must not be inside one another", err)
        self.assertEqual(self.objects(), before)
        self.cauce("run", "d.yml")

    def test_no_dataset_is_made_around_another_one(self):
        (self.folder / "rates.csv").write_text(FIRST)
        self.cauce("run", "inner.yml")
        before = self.objects()
        _, err = self.cauce("run", "d.yml", status=4)
        self.assertIn("inner/current/manifest.json", err)
        self.assertEqual(self.objects(), before)
        self.assert_sound("inner.yml")

    def test_gc_refuses_a_folder_in_which_another_dataset_lies(self):
        self.publish(FIRST)
        elsewhere = self.folder / "elsewhere.yml"
        elsewhere.write_text(CONFIG.replace("./published", "./elsewhere")
                             .replace("dataset: rates", "dataset: inner"))
        self.cauce("run", "elsewhere.yml")
        shutil.move(self.folder / "elsewhere/inner", self.object("inner"))
        for options in ([], ["--delete"]):
            _, err = self.cauce("gc", *options, "d.yml", status=4)
            self.assertIn("inner/current/manifest.json", err)
        self.assert_sound("d.yml", "inner.yml")

    def test_gc_names_what_is_not_cauces_and_leaves_it_alone(self):
        self.object("events").mkdir(parents=True)
        strangers = [".nfs0000000000012345", "README", "notes/todo.txt"]
        for key in strangers:
            self.object(key).parent.mkdir(exist_ok=True)
            self.object(key).write_text("not cauce's")
        self.publish(FIRST)
        orphan = f"events/0000000009-{'a' * 32}/part-0.parquet"
        record = f"{self.objects('runs/')[0]}.tmp-{'b' * 32}"
        for key in (orphan, record):
            self.object(key).parent.mkdir(exist_ok=True)
            self.object(key).write_text("remains")
        out, err = self.cauce("gc", "--delete", "d.yml")
        self.assertIn("2 of 2 objects deleted", out)
        self.assertIn(f"3 objects in the place of rates were not made by cauce and left alone: "
                      f"{', '.join(strangers)}", err)
        for key in strangers:
            self.assertTrue(self.object(key).exists(), key)
        for key in (orphan, record):
            self.assertFalse(self.object(key).exists(), key)
        answer = self.json("gc", "d.yml")
        self.assertEqual((answer["objects"], answer["strangers"]), (0, 3))
        self.assertEqual(answer["stranger_keys"], strangers)
        self.assert_sound("d.yml")

    def test_a_path_behind_which_not_every_name_fits_is_refused_before_anything_is_made(self):
        (self.folder / "rates.csv").write_text(FIRST)
        before = sorted(os.listdir(self.folder))
        deep = "/".join(["x" * 200] * 20)
        (self.folder / "link").symlink_to(self.folder / "not" / "yet")
        for store, why in ((deep[:3960], "would not fit"), ("y" * 4200, "too long"),
                           ("rates*", "pattern"), ("rates[1]", "pattern"), ("what?", "pattern"),
                           ("s3://bucket/a/../b", "are not names"), ("s3://bucket/./", "are not names"),
                           ("s3://bucket/a//b", "empty segment"),
                           (f"s3://bucket/{'p' * 800}", "would not fit"),
                           ("s3://bucket/a\\b", "backslash")):
            _, err = self.cauce("run", "--store", store, "d.yml", status=2)
            self.assertIn(why, err)
        self.assertEqual(sorted(os.listdir(self.folder)), sorted([*before, "link"]))


class FullDisk(Case):
    """A small file system in a mount namespace of its own, which goes with its processes."""

    def namespace(self):
        for command in (["unshare", "-m"], ["unshare", "-rm"]):
            if shutil.which("unshare") and subprocess.run(
                    [*command, "mount", "-t", "tmpfs", "none", self.folder / "scratch"],
                    capture_output=True, check=False).returncode == 0:
                return command
        return self.skipTest("no file system can be mounted here")

    def test_gc_frees_space_on_a_full_disk(self):
        namespace = self.namespace()
        (self.folder / "published").mkdir()
        (self.folder / "first.csv").write_text(FIRST)
        (self.folder / "second.csv").write_text(SECOND)
        script = """set -u
            mount -t tmpfs -o size=400k none published
            "$1" run -q --source first.csv d.yml || exit 99
            orphan=published/rates/events/0000000002-$2
            mkdir -p "$orphan"
            dd if=/dev/zero of="$orphan/part-0.parquet" bs=1k count=100 2>/dev/null
            [ "$3" = none ] || { mkdir -p "$(dirname "$3")"; echo remains >"$3"; }
            dd if=/dev/zero of=published/filler bs=1k 2>/dev/null
            "$1" run -q --source second.csv d.yml; echo "full: $?"
            dd if=/dev/zero bs=1k >>published/filler 2>/dev/null
            "$1" gc --delete d.yml >gc.txt; echo "gc: $?"
            [ -e "$orphan" ] && echo "still there"
            "$1" run -q --source second.csv d.yml; echo "room: $?"
            "$1" verify -q --data --strict d.yml; echo "verified: $?"
        """
        # Where there are no remains to begin with, the index is given up.
        for remains in (f"published/rates/runs/20260131T235959.000001Z-{'a' * 32}.json.tmp-{'b' * 32}",
                        "none"):
            done = subprocess.run([*namespace, "sh", "-c", script, "sh", CAUCE, "c" * 32, remains],
                                  cwd=self.folder, env=self.environment(), capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.stdout, "full: 5\ngc: 0\nroom: 0\nverified: 0\n", done.stderr)
            self.assertEqual("the key index is given up" in done.stderr, remains == "none",
                             done.stderr)


if __name__ == "__main__":
    unittest.main()

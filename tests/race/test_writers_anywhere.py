#!/usr/bin/env python3
"""Eight writers publish to one dataset at once, in a folder and on real servers; some are killed at a
random moment, some are stopped for a while and go on as if nothing had happened, and all the time gc
deletes and the consolidation goes on beside them. In the end every row is there exactly once, every
version that was acknowledged is in the chain, what died left nothing that gc does not find, and every
object is what its manifest says.

About 25 versions in a folder and on the server of the other tests; 200 with CAUCE_TORTURE=full, there
and on every server that can be had; 12 of a program that a sanitizer makes slow. The seed is printed,
and taken from CAUCE_TORTURE_SEED."""
import collections
import json
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import s3_kit  # noqa: E402

WRITERS = 8
VERSIONS = 200 if s3_kit.torture() else 12 if s3_kit.SANITIZED else 25
KILLED = 0.2  # of the runs
PAUSED = 0.1  # of the runs: stopped for as long as others need to overtake them
OTHERS = ("versitygw", "minio") if s3_kit.torture() else ()
BUCKET = "writers"
SHARED = 40  # rows that all of them publish, again and again
NAME = secrets.token_hex(6)
SEED = int(os.environ.get("CAUCE_TORTURE_SEED") or str(secrets.randbits(32)), 0)

# Statuses of a run that was not killed: done, storage failed, lost every race, outcome unknown.
EXPECTED_STATUS = (0, 5, 6, 7)


class Place:
    """Where one race is run: a store, and how it is looked into without cauce."""

    def __init__(self, name, folder, settings=None):
        self.name = name
        self.folder = folder
        self.settings = settings or {}
        if settings:
            self.client = s3_kit.Client(settings)
            self.client.make_bucket(BUCKET)
            self.store = f"s3://{BUCKET}/{NAME}"
        else:
            self.client = None
            self.store = str(folder / "store")

    def dataset(self, name):
        """The one dataset, as one of those at work sees it; what was learned of the server is
        shared."""
        d = s3_kit.Dataset(self.folder / str(name), self.settings, self.store)
        d.cache = self.folder / "cache"
        return d

    def scratch(self):
        """What is left of consolidations."""
        if self.client:
            return self.client.list(BUCKET, f"{NAME}/levels/.tmp/")
        return [str(p) for p in Path(self.store, "levels", ".tmp").rglob("*") if p.is_file()]


class Run:
    """One run: its rows, and what became of it."""

    def __init__(self, rows):
        self.rows = rows
        self.status = None
        self.told = None  # what it said, where it lived to say it


class Race:
    def __init__(self, place):
        self.place = place
        self.lock = threading.Lock()
        self.runs = []
        self.cleanings = collections.Counter()
        self.newest = 0
        self.problems = []
        self.seconds = 1.0  # that a run takes, about
        self.deadline = time.monotonic() + (3600 if s3_kit.torture() else 240)

    def is_over(self):
        with self.lock:
            return bool(self.problems) or self.newest >= VERSIONS

    def note(self, run, seconds):
        with self.lock:
            self.runs.append(run)
            if run.told and run.told["outcome"] == "published":
                self.newest = max(self.newest, run.told["sequence"])
                self.seconds = 0.8 * self.seconds + 0.2 * seconds
            if run.status not in EXPECTED_STATUS and run.status != -9:
                self.problems.append(f"a run ended with {run.status}: {run.told}")
            if time.monotonic() > self.deadline:
                self.problems.append("it takes too long")

    def rows_of(self, writer, turn, rng):
        """Rows of this run alone, in some months, and some of those that are everybody's."""
        name = f"w{writer}t{turn:04d}"
        months = rng.sample(range(1, 7), rng.randint(1, 3))
        own = [(f"{name}n{i}", f"2026-{m:02d}-{i + 1:02d}", f"{name} {i}")
               for m in months for i in range(rng.randint(1, 5))]
        shared = [(f"all{i:03d}", f"2026-{i % 6 + 1:02d}-15", f"everybody's {i}")
                  for i in rng.sample(range(SHARED), 5)]
        return own + shared

    def watch(self, process, rng):
        """Let it run, kill it, or stop it for a while; what it said."""
        fate = rng.random()
        moment = rng.random() * 1.5 * self.seconds
        try:
            if fate < KILLED + PAUSED:
                return process.communicate(timeout=moment)[0]
        except subprocess.TimeoutExpired:
            if fate < KILLED:
                process.kill()
            else:
                process.send_signal(signal.SIGSTOP)
                time.sleep(rng.random() * 3 * self.seconds)
                process.send_signal(signal.SIGCONT)
        return process.communicate(timeout=300)[0]

    def clean(self, name, arguments):
        """Another process that does the same over and over, beside the writers."""
        d = self.place.dataset(name)
        while not self.is_over():
            done = d.cauce(name, *arguments, status=None)
            with self.lock:
                self.cleanings[name, done.returncode] += 1
                if done.returncode not in EXPECTED_STATUS:
                    self.problems.append(f"{name} ended with {done.returncode}: {done.stderr}")
            time.sleep(self.seconds / 4)

    def write(self, writer):
        rng = random.Random(SEED * 1000 + writer)
        d = self.place.dataset(writer)
        turn = 0
        while not self.is_over():
            turn += 1
            run = Run(self.rows_of(writer, turn, rng))
            source = d.snapshot(run.rows)
            extra = ["--no-consolidate"] if rng.random() < 0.3 else []
            began = time.monotonic()
            process = subprocess.Popen(d.command("run", "--json", "-q", "-s", source, *extra),
                                       env=d.environment(), stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True)
            out = self.watch(process, rng)
            run.status = process.returncode
            run.told = json.loads(out) if run.status != -9 else None
            self.note(run, time.monotonic() - began)

    def race(self):
        threads = [threading.Thread(target=self.write, args=(w,)) for w in range(WRITERS)]
        threads.append(threading.Thread(target=self.clean, args=("gc", ("--delete",))))
        threads.append(threading.Thread(target=self.clean, args=("consolidate", ())))
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def check_rows(race, events):
    """Every row once; of each run all or nothing; of an acknowledged one all."""
    found = []
    times = collections.Counter(key for key, _ in events)
    found += [f"{key} was published {n} times" for key, n in times.items() if n > 1]
    values = dict(events)
    allowed = {}
    for run in race.runs:
        own = {(g, d): v for g, d, v in run.rows}
        allowed.update(own)
        there = [key for key in own if key in values]
        alone = [key for key in own if not key[0].startswith("all")]
        published = [key for key in alone if key in values]
        known = run.told and run.told["outcome"] in ("published", "unchanged", "no_new_rows")
        if known and len(there) < len(own):
            found.append(f"rows of an acknowledged run are missing: {set(own) - set(there)}")
        if published and len(published) < len(alone):
            found.append(f"only {len(published)} of {len(alone)} rows of a run are there")
        if run.told and not known and run.told["outcome"] != "unknown" and published:
            found.append(f"rows of a run that failed are there: {published}")
    found += [f"{key} is {value!r}, which nobody wrote" for key, value in values.items()
              if allowed.get(key) != value]
    return found


def check_chain(race, versions):
    """Contiguous, and every acknowledged version once."""
    found = []
    sequences = [v["sequence"] for v in versions]
    if sorted(sequences) != list(range(1, len(versions) + 1)):
        found.append(f"the versions are {sorted(sequences)}")
    chain = {v["sequence"]: v["commit"] for v in versions}
    seen = set()
    for run in race.runs:
        if not run.told or run.told["outcome"] != "published":
            continue
        sequence, commit = run.told["sequence"], run.told["commit"]
        if chain.get(sequence) != commit:
            found.append(f"the acknowledged version {sequence}-{commit} is lost")
        if sequence in seen:
            found.append(f"version {sequence} was acknowledged twice")
        seen.add(sequence)
    return found


def check_rest(d, place):
    """After an ordinary run and gc there is nothing but what is named; all of it is sound."""
    found = []
    last = d.run([("the last one", "2026-03-01", "x")])
    if last["outcome"] != "published":
        found.append(f"an ordinary run afterwards says {last['outcome']}")
    d.cauce("gc", "--delete")
    left = json.loads(d.cauce("gc", "--json").stdout)["objects"]
    scratch = place.scratch()
    if left or scratch:
        found.append(f"gc left {left} objects, {scratch}")
    return found + [f"verify: {f}" for f in d.findings("--data", "--strict")]


def places(folder):
    """Where to race; a place that cannot be had is told by its name alone, with the reason."""
    yield "a folder", lambda: Place("a folder", folder / "a-folder")
    if os.environ.get("CAUCE_TEST_S3_ENDPOINT") != "none":
        yield "S3", lambda: Place("S3", folder / "s3", s3_kit.server(folder))
    for name in OTHERS:
        yield name, lambda: Place(name, folder / name, s3_kit.other_server(folder, name))


def run_race(place):
    """The lines of the report: (what should be, what was found)."""
    race = Race(place)
    reader = place.dataset("reader")
    first = [("the first one", "2026-01-01", "x")]
    reader.run(first)
    race.runs.append(Run(first))
    began = time.monotonic()
    race.race()
    seconds = time.monotonic() - began
    text = reader.cauce("read", "--events", "--format", "csv").stdout.splitlines()[1:]
    events = [(tuple(line.split(",")[:2]), line.split(",")[2]) for line in text]
    versions = json.loads(reader.cauce("log", "--json").stdout)
    ends = collections.Counter(r.told["outcome"] if r.told else "killed" for r in race.runs)
    lost = sum(r.told["conflicts"] for r in race.runs if r.told)
    print(f"{place.name}: {len(versions)} versions, {len(race.runs)} runs {dict(ends)}, {lost} races "
          f"lost, beside them {dict(race.cleanings)}, {len(events)} rows, {seconds:.0f} s", flush=True)
    return {
        "processes end as they should": race.problems,
        "every row is there once": check_rows(race, events),
        "no acknowledged version is lost": check_chain(race, versions),
        "gc and verify find nothing": check_rest(reader, place),
    }


def main():
    folder = s3_kit.scratch()
    print(f"seed {SEED}", flush=True)
    failed = False
    for name, make in places(folder):
        try:
            place = make()
        except s3_kit.Absent as why:
            print(f"ok - {name} # SKIP {why}")
            continue
        for what, found in run_race(place).items():
            print(f"{'not ok' if found else 'ok'} - {name}: {what}")
            for line in found[:20]:
                print(f"    {line}")
            failed = failed or bool(found)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

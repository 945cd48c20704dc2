#!/usr/bin/env python3
"""Eight writers publish to one dataset on a real server at once, some of them killed at a random
moment. In the end every row is there exactly once, every version that was acknowledged is in the
chain, what died left nothing that gc does not find, and every object is what its manifest says.

About 25 versions; 200 with CAUCE_TORTURE=full, 12 of a program that a sanitizer makes slow. The seed
is printed, and taken from CAUCE_TORTURE_SEED."""
import collections
import json
import os
import random
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from support import s3_kit  # noqa: E402

WRITERS = 8
VERSIONS = 200 if s3_kit.torture() else 12 if s3_kit.SANITIZED else 25
KILLED = 0.25  # of the runs
BUCKET = "writers"
SHARED = 40  # rows that all of them publish, again and again
PLACE = secrets.token_hex(6)
SEED = int(os.environ.get("CAUCE_TORTURE_SEED") or str(secrets.randbits(32)), 0)

# Statuses of a run that was not killed: done, storage failed, lost every race, outcome unknown.
EXPECTED_STATUS = (0, 5, 6, 7)


def dataset(folder, name, settings):
    """The one dataset, as one of those at work sees it; what was learned of the server is shared."""
    d = s3_kit.Dataset(folder / str(name), settings, f"s3://{BUCKET}/{PLACE}")
    d.cache = folder / "cache"
    return d


class Run:
    """One run: its rows, and what became of it."""

    def __init__(self, rows):
        self.rows = rows
        self.status = None
        self.told = None  # what it said, where it lived to say it


class Race:
    def __init__(self, folder, settings):
        self.folder = folder
        self.settings = settings
        self.lock = threading.Lock()
        self.runs = []
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

    def write(self, writer):
        rng = random.Random(SEED * 1000 + writer)
        d = dataset(self.folder, writer, self.settings)
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
            wait = rng.random() * 1.5 * self.seconds if rng.random() < KILLED else 300
            try:
                out, _ = process.communicate(timeout=wait)
            except subprocess.TimeoutExpired:
                process.kill()
                out, _ = process.communicate()
            run.status = process.returncode
            run.told = json.loads(out) if run.status != -9 else None
            self.note(run, time.monotonic() - began)

    def race(self):
        threads = [threading.Thread(target=self.write, args=(w,)) for w in range(WRITERS)]
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


def check_rest(d, client):
    """After an ordinary run and gc there is nothing but what is named; all of it is sound."""
    found = []
    last = d.run([("the last one", "2026-03-01", "x")])
    if last["outcome"] != "published":
        found.append(f"an ordinary run afterwards says {last['outcome']}")
    d.cauce("gc", "--delete")
    left = json.loads(d.cauce("gc", "--json").stdout)["objects"]
    scratch = client.list(BUCKET, f"{PLACE}/{d.dataset}/.tmp/")
    if left or scratch:
        found.append(f"gc left {left} objects, {scratch}")
    return found + [f"verify: {f}" for f in d.findings("--data", "--strict")]


def main():
    folder = s3_kit.scratch()
    settings = s3_kit.server(folder)
    client = s3_kit.Client(settings)
    client.make_bucket(BUCKET)
    print(f"seed {SEED}", flush=True)
    race = Race(folder, settings)
    reader = dataset(folder, "reader", settings)
    reader.run([("the first one", "2026-01-01", "x")])
    race.runs.append(Run([("the first one", "2026-01-01", "x")]))
    began = time.monotonic()
    race.race()
    seconds = time.monotonic() - began

    text = reader.cauce("read", "--events", "--format", "csv").stdout.splitlines()[1:]
    events = [(tuple(line.split(",")[:2]), line.split(",")[2]) for line in text]
    versions = json.loads(reader.cauce("log", "--json").stdout)
    parts = {
        "writers end as they should": race.problems,
        "every row is there once": check_rows(race, events),
        "no acknowledged version is lost": check_chain(race, versions),
        "gc and verify find nothing": check_rest(reader, client),
    }
    ends = collections.Counter(r.told["outcome"] if r.told else "killed" for r in race.runs)
    races = sum(r.told["conflicts"] for r in race.runs if r.told)
    print(f"{len(versions)} versions, {len(race.runs)} runs {dict(ends)}, {races} races lost, "
          f"{len(events)} rows, {seconds:.0f} s")
    for name, found in parts.items():
        print(f"{'not ok' if found else 'ok'} - {name}")
        for line in found[:20]:
            print(f"    {line}")
    return 1 if any(parts.values()) else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the program of readers.c makes of files: see there for what is asked and answered."""

import json
import os
import subprocess

PROGRAM = os.path.join(os.environ.get("CAUCE_TEST_PROGRAMS", "build/tests/differential"), "readers")

ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "\\": "\\"}


class Fault:
    """A value or (name None) a record that does not fit."""

    def __init__(self, fields):
        self.row, self.line, self.column = map(int, fields[:3])
        self.name, self.value, self.reason = fields[3:]

    def __repr__(self):
        return f"{self.row}@{self.line}:{self.column} {self.name}: {self.value!r} {self.reason}"


class Answer:
    """Of one file: names (where they were found), rows and faults by number, warnings, error."""

    def __init__(self):
        self.names = None
        self.rows = {}
        self.lines = {}
        self.faults = {}
        self.warnings = []
        self.error = None

    def take(self, kind, fields):
        if kind == "n":
            self.names = fields
        elif kind == "r":
            self.rows[int(fields[0])] = fields[2:]
            self.lines[int(fields[0])] = int(fields[1])
        elif kind == "f":
            self.faults[int(fields[0])] = Fault(fields)
        elif kind == "w":
            self.warnings.append(fields[0])
        else:
            self.error = tuple(fields)

    def __repr__(self):
        return repr(self.__dict__)


def unescape(field):
    if "\\" not in field:
        return field
    if field == "\\N":
        return None
    out, rest = [], iter(field)
    for char in rest:
        out.append(ESCAPES[next(rest)] if char == "\\" else char)
    return "".join(out)


def parse(output):
    """The answers, one for each file."""
    answers, answer = [], Answer()
    for line in output.decode("utf-8", "surrogateescape").split("\n"):
        if line == ".":
            answers.append(answer)
            answer = Answer()
        elif line:
            kind, *fields = line.split("\t")
            answer.take(kind, [unescape(field) for field in fields])
    return answers


def ask(groups):
    """Answers for groups of files, (settings, [bytes, ...]) each: a list of lists."""
    parts = []
    for settings, files in groups:
        parts.append(json.dumps(settings).encode() + b"\n")
        for content in files:
            parts += [b"%d\n" % len(content), content]
    done = subprocess.run([PROGRAM], input=b"".join(parts), stdout=subprocess.PIPE, check=True)
    answers = iter(parse(done.stdout))
    return [[next(answers) for _ in files] for _, files in groups]


def ask_one(settings, content):
    return ask([(settings, [content])])[0][0]

#!/usr/bin/env python3
"""The JSON Schema for editors is a valid schema, accepts every example of the project and refuses
mistakes. (That it knows exactly the parser's keys, choices and defaults is tested in C:
tests/unit/test_config_schema.c.)

Needs the Python packages jsonschema and PyYAML; skipped (77) without them. No network.
"""

import json
import os
import pathlib
import re
import sys

try:
    import jsonschema
    import yaml

    Validator = jsonschema.Draft202012Validator
except (ImportError, AttributeError) as error:
    print(f"skipped: Python's jsonschema (4 or later) and PyYAML are needed: {error}")
    sys.exit(77)

ROOT = pathlib.Path(os.environ.get("CAUCE_SOURCE_DIR", pathlib.Path(__file__).parents[2]))


class Loader(yaml.SafeLoader):
    """YAML as JSON knows it: a date is a text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def documents():
    """Every configuration that the project shows, as (where, text)."""
    manual = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    for match in re.finditer(r"^```yaml\n(.*?)^```$", manual, re.M | re.S):
        line = manual.count("\n", 0, match.start()) + 1
        text = match.group(1)
        if not re.search(r"^dataset:", text, re.M):
            text += "dataset: example\n"
        if not re.search(r"^key:", text, re.M):
            text += "key: [id]\n"
        yield f"docs/configuration.md:{line}", text
    for folder in ("tests/golden/config", "examples"):
        for path in sorted((ROOT / folder).rglob("*.yml")):
            yield str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")


WRONG = {
    "no dataset": "key: id",
    "no key": "dataset: d",
    "wrong id": "{dataset: My Data, key: id}",
    "unknown key": "{dataset: d, key: id, soruce: a.csv}",
    "unknown key below": "{dataset: d, key: id, source: {url: a.csv, delimeter: x}}",
    "unknown choice": "{dataset: d, key: id, revisions: maybe}",
    "boolean as text": "{dataset: d, key: id, source: {url: a.csv, header: 'yes'}}",
    "number out of range": "{dataset: d, key: id, threads: 0}",
    "size without unit": "{dataset: d, key: id, memory: 512}",
    "share beyond the whole": "{dataset: d, key: id, memory: 101%}",
    "duration without unit": "{dataset: d, key: id, expect_every: 30}",
    "empty key": "{dataset: d, key: []}",
    "key twice": "{dataset: d, key: [a, a]}",
    "reserved column": "{dataset: d, key: id, columns: [{name: _version, type: int}]}",
    "column without type": "{dataset: d, key: id, columns: [{name: id}]}",
    "unknown type": "{dataset: d, key: id, columns: [{name: id, type: string}]}",
    "columns as mapping": "{dataset: d, key: id, columns: {id: int}}",
    "two transforms": "{dataset: d, key: id, transform: x, transform_file: y}",
    "lease without ttl": "{dataset: d, key: id, lease: {}}",
    "two characters": "{dataset: d, key: id, source: {url: a.csv, quote: ab}}",
    "delimiter of two": "{dataset: d, key: id, source: {url: a.csv, delimiter: ab}}",
    "endpoint without scheme": "{dataset: d, key: id, store_options: {endpoint: s3.example.org}}",
    "home folder": "{dataset: d, key: id, store: ~/x}",
    "list of lists": "{dataset: d, key: [[a]]}",
    "nothing": "{dataset: d, key: id, store: }",
}

RIGHT = {
    "variables anywhere": "{dataset: '${D}', key: '${K}', threads: '${N:-2}', memory: '${M}', "
    "revisions: '${R}', source: {url: '${U}', header: '${H}', quote: '${Q}', date_formats: '${F}'}}",
    "numbers as texts": "{dataset: d, key: id, constants: {a: 1, b: true}, source: {url: a.csv, "
    "nulls: [-999, NA]}}",
    "decimals": "{dataset: d, key: id, columns: [{name: a, type: 'decimal( 5 , 2 )'}]}",
}


def main():
    schema = json.loads((ROOT / "schema/dataset.schema.json").read_text(encoding="utf-8"))
    Validator.check_schema(schema)
    validator = Validator(schema)
    failures = []
    shown = 0
    for where, text in documents():
        shown += 1
        for error in validator.iter_errors(yaml.load(text, Loader=Loader)):
            failures.append(f"{where} should be right: {error.json_path}: {error.message}")
    for name, text in RIGHT.items():
        for error in validator.iter_errors(yaml.load(text, Loader=Loader)):
            failures.append(f"{name}: should be right: {error.json_path}: {error.message}")
    for name, text in WRONG.items():
        if validator.is_valid(yaml.load(text, Loader=Loader)):
            failures.append(f"{name}: should be wrong, and is accepted: {text}")
    if shown < 10:
        failures.append(f"only {shown} examples were found")
    for failure in failures:
        print(failure)
    print(f"{shown} examples, {len(RIGHT)} right, {len(WRONG)} wrong: {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

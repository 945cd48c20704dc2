"""What stands on standard error: quiet text by default, a table with -v, JSON lines for machines,
priorities for the journal."""

import json
import os
import re
import unittest

from cauce_cli import FIRST, SECOND, Case

STEPS = {"source", "probe", "base", "index_check", "load", "delta", "write_events", "publish",
         "index_update", "history", "consolidate"}
ID = re.compile("^[0-9a-f]{32}$")


class LogLines(Case):
    def lines(self, *args, status=0):
        """Lines of a run with everything switched on; each is one JSON object."""
        _, err = self.cauce("run", "d.yml", "-vv", "--log-format", "json", *args, status=status)
        self.assertTrue(err.endswith("\n"))
        lines = [json.loads(line) for line in err.splitlines()]
        for line in lines:
            self.assertIsInstance(line, dict)
            self.assertRegex(line["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
            self.assertIn(line["level"], ("error", "warning", "info", "debug"))
            self.assertTrue(line["message"])
            self.assertRegex(line["run"], ID)
            self.assertIsInstance(line.get("sequence", 0), int)
        self.assertEqual(len({line["run"] for line in lines}), 1)
        return lines

    def ended(self, lines):
        """Steps that ended, with their seconds."""
        return [(line["step"], line["seconds"]) for line in lines
                if line["message"].endswith(" ended")]

    def newest_record(self):
        return json.loads(self.object(self.objects("runs/")[-1]).read_text())

    def test_every_line_of_a_run_says_run_dataset_sequence_and_step(self):
        (self.folder / "rates.csv").write_text(FIRST)
        lines = self.lines()
        self.assertEqual({line["dataset"] for line in lines}, {"rates"})
        self.assertEqual({step for step, _ in self.ended(lines)}, STEPS)
        (self.folder / "rates.csv").write_text(SECOND)
        lines = self.lines()
        record = self.newest_record()
        self.assertEqual(lines[0]["run"], record["run_id"])
        # The base until events are written, the new version from then on.
        sequences = {step: {line["sequence"] for line in lines if line.get("step") == step
                            and "sequence" in line} for step in STEPS}
        self.assertEqual(sequences["load"] | sequences["delta"], {1})
        self.assertEqual(sequences["write_events"] | sequences["publish"] |
                         sequences["index_update"] | sequences["consolidate"], {2})
        known = next(i for i, line in enumerate(lines) if "sequence" in line)
        self.assertTrue(all("sequence" in line for line in lines[known:]))
        begun = next(i for i, line in enumerate(lines) if "step" in line)
        last = max(i for i, line in enumerate(lines) if "step" in line)
        self.assertTrue(all("step" in line for line in lines[begun:last]))

    def test_the_seconds_of_the_steps_are_those_of_the_record(self):
        (self.folder / "rates.csv").write_text(FIRST)
        ended = self.ended(self.lines())
        record = self.newest_record()
        for step in STEPS:
            spent = sum(seconds for name, seconds in ended if name == step)
            self.assertAlmostEqual(spent, record["seconds"][step], places=3, msg=step)
        self.assertTrue(all(seconds >= 0 for _, seconds in ended))

    def test_operations_on_the_store_have_their_time(self):
        (self.folder / "rates.csv").write_text(FIRST)
        operations = [line for line in self.lines() if "operation" in line]
        self.assertIn("current/manifest.json", {line["key"] for line in operations
                                                if line["operation"] == "swap"})
        for line in operations:
            self.assertGreaterEqual(line["seconds"], 0)
            self.assertIn("result", line)

    def test_a_run_that_fails_says_in_which_step(self):
        self.publish(FIRST)
        for text, status, code, step in (("day,currency,rate,note\nx,EUR,1,\n", 4, "gate", "load"),
                                         (None, 3, "source", "source")):
            if text is None:
                (self.folder / "rates.csv").unlink()
            else:
                (self.folder / "rates.csv").write_text(text)
            last = self.lines(status=status)[-1]
            self.assertEqual(last["level"], "error")
            self.assertEqual((last["dataset"], last["code"], last["step"]), ("rates", code, step))
            self.assertIn("Nothing was published", last["message"])

    def test_a_run_that_cannot_even_begin_has_an_id(self):
        (self.folder / "published").write_text("in the way")
        last = self.lines(status=5)[-1]
        self.assertEqual((last["dataset"], last["code"]), ("rates", "storage"))
        (self.folder / "d.yml").write_text("dataset: rates\nfoo: 1\n")
        last = self.lines(status=2)[-1]
        self.assertEqual(last["code"], "config")

    def test_lines_of_other_commands_say_the_dataset(self):
        self.publish(FIRST)
        _, err = self.cauce("verify", "--data", "d.yml", "-vv", "--log-format", "json")
        for line in map(json.loads, err.splitlines()):
            self.assertEqual(line["dataset"], "rates")
            self.assertNotIn("run", line)

    def test_text_on_a_pipe_is_silent(self):
        (self.folder / "rates.csv").write_text(FIRST)
        self.answer("run", "d.yml")
        self.assertEqual(self.cauce("run", "d.yml", "-q"), ("", ""))
        os.remove(self.object("index/manifest.json"))
        (self.folder / "rates.csv").write_text(SECOND)
        _, err = self.cauce("run", "d.yml")
        self.assertRegex(err, r"^cauce: warning: pointer-index inconsistency detected, rebuilding "
                              r"index reason=absent [^\n]*\n$")

    def test_verbose_text_stands_in_columns(self):
        (self.folder / "rates.csv").write_text(FIRST)
        _, err = self.cauce("run", "d.yml", "-v")
        lines = err.splitlines()
        self.assertGreaterEqual(len(lines), len(STEPS))
        for line in lines:
            self.assertRegex(line, r"^cauce: info:    [a-z_]+ ended +seconds=[0-9.e-]+$")
            self.assertEqual(line.index("seconds="), 40)

    def journal(self, *args, offset=0):
        path = self.folder / "journal"
        with open(path, "wb") as stream:
            status = os.fstat(stream.fileno())
            name = f"{status.st_dev}:{status.st_ino + offset}"
            process = self.start("run", "d.yml", *args, stderr=stream,
                                 stdout=stream, env=self.environment(JOURNAL_STREAM=name))
            self.assertEqual(process.wait(), 0)
        return [line for line in path.read_text().splitlines() if "cauce: " in line]

    def test_lines_in_the_journal_have_its_priorities(self):
        self.publish(FIRST)
        os.remove(self.object("index/manifest.json"))
        (self.folder / "rates.csv").write_text(SECOND)
        lines = self.journal("-vv")
        levels = {"<4>": "warning", "<6>": "info", "<7>": "debug"}
        for line in lines:
            self.assertTrue(line[3:].startswith(f"cauce: {levels[line[:3]]}: "), line)
        self.assertEqual({line[:3] for line in lines}, set(levels))
        for line in self.journal("-vv", "--force", offset=1):
            self.assertTrue(line.startswith("cauce: "), line)


if __name__ == "__main__":
    unittest.main(verbosity=2)

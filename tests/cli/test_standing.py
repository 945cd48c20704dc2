"""Projections of partitions that cannot be brought up to date: the others go on, and it is said which stand."""

import hashlib
import json
import unittest

from cauce_cli import FIRST, SECOND, Case

THIRD = SECOND + "2026-03-01,USD,1.2000,\n2026-01-31,USD,1.1000,\n"
FOURTH = THIRD + "2026-03-02,USD,1.3000,\n2026-01-31,EUR,1.0000,\n"


class Standing(Case):
    def setUp(self):
        super().setUp()
        self.publish(FIRST)
        self.publish(SECOND)

    def damage(self, part="month=01"):
        """The first event file of January is not what it was."""
        key = next(k for k in self.objects("events/_data/0000000001-") if part in k)
        path = self.object(key)
        content = path.read_bytes()
        path.chmod(0o600)
        path.write_bytes(b"?" + content[1:])
        return key, content

    def state(self):
        return json.loads(self.object("projections/manifest.json").read_text())

    def rows(self):
        return {p["partition"]: (p["rows"], p["sequence"]) for p in self.state()["parts"]}

    def test_one_damaged_partition_does_not_stop_the_others(self):
        key, content = self.damage()
        run = self.publish(THIRD)
        self.assertEqual(run["outcome"], "published")
        self.assertIn("year=2026/month=01", run["warnings"][0])
        self.assertIn(key, run["warnings"][0])
        self.assertEqual(run["consolidation"]["behind"], 1)
        self.assertEqual(self.rows()["year=2026/month=03"], (1, 3))
        self.assertEqual(self.rows()["year=2026/month=01"], (2, 2))
        state = self.state()
        self.assertEqual((state["state"], state["affected"]), ("in_progress", ["year=2026/month=01"]))
        self.assertEqual(self.json("metrics", "d.yml")["partitions_behind"], 1)
        _, err = self.cauce("consolidate", "d.yml", status=12)
        self.assertIn("year=2026/month=01", err)
        self.assertIn("all others are up to date", err)
        findings = self.json("verify", "d.yml")["findings"]
        self.assertTrue(any("could not be brought to version 3, the first is year=2026/month=01"
                            in f["text"] for f in findings))
        # So with every later version, until the file is back.
        self.publish(FOURTH)
        self.assertEqual(self.rows()["year=2026/month=03"], (2, 4))
        self.assertEqual(self.state()["affected"], ["year=2026/month=01"])
        self.object(key).write_bytes(content)
        self.cauce("consolidate", "-q", "d.yml")
        self.assertEqual(self.rows()["year=2026/month=01"], (4, 4))
        self.assertEqual(self.state()["state"], "completed")
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_a_missing_event_file_stops_its_partition_alone(self):
        key, content = self.damage()
        self.object(key).unlink()
        self.publish(THIRD)
        self.assertEqual(self.rows()["year=2026/month=03"], (1, 3))
        self.assertEqual(self.state()["affected"], ["year=2026/month=01"])
        self.object(key).write_bytes(content)
        self.cauce("run", "d.yml")
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_a_place_that_is_taken_stops_its_partition_alone(self):
        place = self.object(next(p["key"] for p in self.state()["parts"]
                                 if p["partition"] == "year=2026/month=01"))
        place.unlink()
        place.mkdir()
        (place / "in the way").write_text("")
        for source, rows in ((THIRD, 1), (FOURTH, 2)):
            run = self.publish(source)
            self.assertIn("year=2026/month=01", run["warnings"][0])
            moved = next(p for p in self.state()["redo"] if p["partition"] == "year=2026/month=03")
            self.assertEqual((moved["rows"], moved["sequence"]), (rows, run["sequence"]))
            self.assertEqual(hashlib.sha256(self.object(moved["key"]).read_bytes()).hexdigest(),
                             moved["sha256"])
        (place / "in the way").unlink()
        place.rmdir()
        self.cauce("run", "d.yml")
        self.cauce("verify", "--data", "--strict", "d.yml")

    def test_where_all_are_damaged_nothing_is_lost(self):
        january, first = self.damage()
        february, second = self.damage("month=02")
        self.publish(SECOND + "2026-01-31,EUR,1.0000,\n2026-02-02,EUR,1.0000,\n")
        self.assertEqual(self.state()["affected"], ["year=2026/month=01", "year=2026/month=02"])
        self.object(january).write_bytes(first)
        self.object(february).write_bytes(second)
        self.cauce("run", "d.yml")
        self.cauce("verify", "--data", "--strict", "d.yml")


if __name__ == "__main__":
    unittest.main()

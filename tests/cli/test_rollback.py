"""A pointer that went back: by a backup, a sync, or hand. Who notices, and that nothing is lost."""

import shutil
import unittest

from cauce_cli import FIRST, SECOND, Case

THIRD = SECOND + "2026-03-01,USD,1.2000,\n"
FOURTH = THIRD + "2026-03-02,USD,1.3000,\n"

POINTER = "current/manifest.json"
INDEX = "index/manifest.json"
PROJECTIONS = "projections/manifest.json"


class Rollback(Case):
    """Three versions; a copy of the store as it was after the first one."""

    def setUp(self):
        super().setUp()
        self.publish(FIRST)
        shutil.copytree(self.folder / "published", self.folder / "backup")
        self.publish(SECOND)
        self.publish(THIRD)

    def restore(self, *keys):
        for key in keys:
            shutil.copy(self.folder / "backup/rates" / key, self.object(key))

    def forget(self):
        shutil.rmtree(self.folder / "state")

    def kept(self):
        return {key: self.object(key).read_bytes() for key in self.objects()
                if not key.startswith("runs/")}

    def refuse(self, *commands, newer="versions 2 to 3 are newer"):
        """Each command fails with 12, says what is newer, and leaves all as it is."""
        (self.folder / "rates.csv").write_text(FOURTH)
        before = self.kept()
        for command in commands:
            _, err = self.cauce(*command, status=12)
            self.assertIn(newer, err, command)
            self.assertIn("cauce repair --list", err)
            self.assertEqual(self.kept(), before, command)

    EVERYBODY = (["run", "d.yml"], ["plan", "d.yml"], ["gc", "d.yml"], ["gc", "--delete", "d.yml"],
                 ["consolidate", "d.yml"], ["rebuild-index", "d.yml"])

    def test_a_pointer_alone_is_refused_by_everybody_who_writes(self):
        self.restore(POINTER)
        self.forget()
        self.refuse(*self.EVERYBODY)
        out, _ = self.cauce("verify", "d.yml", status=12)
        self.assertIn("versions 2 to 3 are newer", out)

    def test_pointer_and_index_together_are_told_by_the_projections(self):
        self.restore(POINTER, INDEX)
        self.forget()
        self.refuse(*self.EVERYBODY)

    def test_pointer_and_projections_together_are_told_by_the_index(self):
        self.restore(POINTER, PROJECTIONS)
        self.forget()
        self.refuse(*self.EVERYBODY)

    def test_everything_together_is_told_by_the_machine(self):
        self.restore(POINTER, INDEX, PROJECTIONS)
        self.refuse(*self.EVERYBODY)

    def test_a_whole_store_from_a_backup_is_told_by_the_machine(self):
        shutil.rmtree(self.folder / "published")
        shutil.copytree(self.folder / "backup", self.folder / "published")
        self.refuse(*self.EVERYBODY)

    def test_a_dataset_that_was_made_anew_is_another(self):
        shutil.rmtree(self.folder / "published")
        self.assertEqual(self.publish(FIRST)["sequence"], 1)

    def test_a_copy_elsewhere_is_another(self):
        shutil.copytree(self.folder / "backup", self.folder / "elsewhere")
        self.cauce("run", "d.yml", "--store", "elsewhere")
        self.cauce("gc", "--delete", "d.yml", "--store", "elsewhere")

    def test_a_failed_run_leaves_nothing_that_looks_newer(self):
        self.publish(SECOND + "not a row\n", status=4)
        self.assertEqual(self.publish(FOURTH)["sequence"], 4)
        self.answer("gc", "--delete", "d.yml")

    def test_a_repair_backwards_is_no_rollback(self):
        manifest = self.objects("manifests/")[0]
        self.cauce("repair", "--replace", "--to", manifest, "d.yml")
        for _ in range(2):
            self.cauce("gc", "--delete", "d.yml")
        self.cauce("verify", "d.yml")
        self.assertEqual(self.publish(FOURTH)["sequence"], 2)
        self.cauce("consolidate", "d.yml")
        self.cauce("gc", "--delete", "d.yml")
        self.cauce("verify", "--data", "d.yml")


if __name__ == "__main__":
    unittest.main()

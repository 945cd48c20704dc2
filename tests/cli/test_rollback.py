"""A pointer that went back: by a backup, a sync, or hand. Who notices, and that nothing is lost."""

import json
import shutil
import unittest

from cauce_cli import FIRST, SECOND, Case

THIRD = SECOND + "2026-03-01,USD,1.2000,\n"
FOURTH = THIRD + "2026-03-02,USD,1.3000,\n"

POINTER = "current/manifest.json"
INDEX = "index/manifest.json"
PROJECTIONS = "projections/manifest.json"
LOG = "events/_delta_log/"


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

    def test_who_reads_is_warned(self):
        self.restore(POINTER)
        for command in (["read", "d.yml"], ["status", "d.yml"]):
            out, err = self.cauce(*command)
            self.assertIn("versions 2 to 3 are newer", err, command)
            self.assertNotEqual(out, "")

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

    # What only those see who list: gc, verify, repair.

    def all_back_and_forgotten(self):
        self.restore(POINTER, INDEX, PROJECTIONS)
        self.forget()
        for key in self.objects(LOG)[2:]:
            self.object(key).unlink()

    def test_the_log_of_the_table_tells_who_lists(self):
        self.restore(POINTER, INDEX, PROJECTIONS)
        self.forget()
        for key in self.objects("runs/") + self.objects("manifests/")[1:2]:
            self.object(key).unlink()
        self.refuse(["gc", "--delete", "d.yml"], ["consolidate", "d.yml"])

    def test_records_of_runs_tell_gc_and_verify(self):
        self.all_back_and_forgotten()
        self.refuse(["gc", "d.yml"], ["gc", "--delete", "d.yml"])
        out, _ = self.cauce("verify", "d.yml", status=12)
        self.assertIn("versions 2 to 3 are newer", out)

    def test_manifests_that_are_newer_tell_who_is_about_to_publish_in_a_folder(self):
        self.all_back_and_forgotten()
        self.refuse(["run", "d.yml"], ["plan", "d.yml"])
        for key in self.objects("runs/"):
            self.object(key).unlink()
        self.refuse(["run", "d.yml"], newer="version 2 is newer")

    def test_an_attempt_that_ended_before_its_commit_stops_nobody(self):
        self.leave_unpublished()
        self.forget()
        self.assertEqual(self.publish(FOURTH)["sequence"], 4)

    def test_records_alone_tell_gc(self):
        self.all_back_and_forgotten()
        for key in self.objects("manifests/")[1:]:
            self.object(key).unlink()
        self.refuse(["gc", "--delete", "d.yml"])

    def test_manifests_alone_tell_gc(self):
        """The third stands on the second, which therefore was published."""
        self.all_back_and_forgotten()
        for key in self.objects("runs/"):
            self.object(key).unlink()
        self.refuse(["gc", "--delete", "d.yml"], newer="version 2 is newer")

    def test_a_version_on_top_of_the_old_pointer_does_not_hide_what_was_lost(self):
        self.all_back_and_forgotten()
        newer = {key: self.object(key).read_bytes() for key in self.objects("manifests/")[1:]}
        for key in newer:
            self.object(key).unlink()
        self.assertEqual(self.publish(FOURTH)["sequence"], 2)
        for key, body in newer.items():
            self.object(key).write_bytes(body)
        self.refuse(["gc", "--delete", "d.yml"], newer="is newer")

    # Going forward again, and going back on purpose.

    def listed(self):
        answer = self.json("repair", "--list", "d.yml")
        return answer, {c["sequence"]: c for c in answer["candidates"]}

    def test_repair_proposes_what_was_published_last_and_goes_forward(self):
        self.all_back_and_forgotten()
        answer, versions = self.listed()
        self.assertEqual(answer["pointer"], "went_back")
        self.assertEqual(answer["proposed"], versions[3]["manifest"])
        self.assertTrue(all(c["published"] and c["whole"] for c in versions.values()))
        self.assertTrue(any(w["by"].startswith("runs/") for w in versions[3]["named_by"]))
        self.assertTrue(any(w["by"] == versions[3]["manifest"] for w in versions[2]["named_by"]))
        self.assertIn("cauce repair --to", self.answer("repair", "--list", "d.yml"))
        before = self.kept()
        self.cauce("repair", "--dry-run", "--to", answer["proposed"], "d.yml")
        self.assertEqual(self.kept(), before)
        self.cauce("repair", "--to", answer["proposed"], "d.yml")
        self.assertEqual(self.publish(FOURTH)["sequence"], 4)
        self.answer("gc", "--delete", "d.yml")
        self.cauce("verify", "--data", "d.yml")

    def test_a_pointer_that_went_back_may_be_kept_by_explicit_word(self):
        self.restore(POINTER)
        first = self.objects("manifests/")[0]
        _, err = self.cauce("repair", "--to", first, "d.yml", status=4)
        self.assertIn("would be given up", err)
        self.cauce("repair", "--replace", "--to", first, "d.yml")
        self.assertEqual(self.publish(FOURTH)["sequence"], 2)
        self.cauce("gc", "--delete", "d.yml")
        self.cauce("verify", "--data", "d.yml")

    def test_a_lost_pointer_is_set_to_what_others_name(self):
        for key in (POINTER, INDEX, PROJECTIONS):
            self.object(key).unlink()
        answer, versions = self.listed()
        self.assertEqual(answer["pointer"], "lost")
        self.assertEqual(answer["proposed"], versions[3]["manifest"])
        _, err = self.cauce("repair", "--to", versions[2]["manifest"], "d.yml", status=4)
        self.assertIn("would be given up", err)
        self.cauce("repair", "--to", answer["proposed"], "d.yml")
        self.assertEqual(self.publish(FOURTH)["sequence"], 4)

    def leave_unpublished(self):
        """What an attempt at version 4 leaves that ended before its commit."""
        shutil.copytree(self.folder / "published", self.folder / "twin")
        (self.folder / "rates.csv").write_text(FOURTH)
        self.cauce("run", "d.yml", "--store", "twin")
        for kind in ("manifests", "events/_data"):
            shutil.copytree(self.folder / "twin/rates" / kind, self.object(kind),
                            dirs_exist_ok=True)
        return self.objects("manifests/")[-1]

    def test_a_manifest_that_was_never_published_needs_the_word(self):
        manifest = self.leave_unpublished()
        self.object(POINTER).unlink()
        answer, versions = self.listed()
        self.assertEqual(answer["proposed"], versions[3]["manifest"])
        self.assertFalse(versions[4]["published"])
        self.assertTrue(versions[4]["whole"])
        _, err = self.cauce("repair", "--to", manifest, "d.yml", status=4)
        self.assertIn("--unpublished", err)
        self.cauce("repair", "--unpublished", "--to", manifest, "d.yml")
        self.cauce("verify", "--data", "d.yml")

    def test_a_manifest_that_was_never_published_is_not_newer(self):
        self.leave_unpublished()
        self.cauce("verify", "d.yml")
        self.cauce("gc", "--delete", "d.yml")
        self.assertEqual(len(self.objects("manifests/")), 3)

    def test_what_is_not_whole_is_not_proposed(self):
        for key in self.objects("events/_data/0000000003-"):
            self.object(key).unlink()
        self.object(POINTER).unlink()
        answer, versions = self.listed()
        self.assertEqual(answer["proposed"], versions[2]["manifest"])
        self.assertGreater(versions[3]["files_missing"], 0)
        self.assertIn("not whole", self.answer("repair", "--list", "d.yml"))
        self.cauce("repair", "--replace", "--to", answer["proposed"], "d.yml")
        self.cauce("verify", "--data", "d.yml")

    def test_an_intact_pointer_needs_no_repair(self):
        answer, versions = self.listed()
        self.assertEqual((answer["pointer"], answer["proposed"]), ("intact", None))
        self.assertTrue(versions[3]["current"])

    def test_projections_do_not_show_what_a_repair_gave_up(self):
        parts = {p["partition"]: p["rows"] for p in self.manifest(PROJECTIONS)["parts"]}
        self.assertEqual(parts["year=2026/month=03"], 1)
        self.cauce("repair", "--replace", "--to", self.objects("manifests/")[0], "d.yml")
        parts = {p["partition"]: p["rows"] for p in self.manifest(PROJECTIONS)["parts"]}
        self.assertEqual(parts, {"year=2026/month=01": 2, "year=2026/month=02": 1,
                                 "year=2026/month=03": 0})
        self.cauce("verify", "--data", "d.yml")
        self.answer("consolidate", "d.yml")
        self.assertEqual(self.publish(THIRD)["sequence"], 2)
        self.cauce("verify", "--data", "d.yml")

    def manifest(self, key):
        return json.loads(self.object(key).read_text())


if __name__ == "__main__":
    unittest.main()

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/gc.h"
#include "catalog/recall.h"
#include "catalog/verify.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"
#include "support/temp_folder.h"
#include "util/fs.h"

static int set_up(void **state)
{
    sample_no_sleep();
    *state = sample_store();
    return 0;
}

static int tear_down(void **state)
{
    store_free(*state);
    sample_real_sleep();
    return 0;
}

/* Three versions; the derived things reflect the third. */
static void publish_three(struct store *st, char *old[3])
{
    for (unsigned i = 0; i < 3; i++) {
        sample_publish(st, 1);
        old[i] = sample_get(st, LAYOUT_POINTER);
    }
    sample_index(st);
    sample_projection(st);
}

static void forget(char *old[3])
{
    for (unsigned i = 0; i < 3; i++)
        free(old[i]);
}

static int check(struct store *st, struct error *err)
{
    struct base base;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    int rc = roots_check_witnesses(st, sample_roots(), &base, err);
    base_release(&base);
    return rc;
}

static int collect(struct store *st, struct error *err)
{
    struct gc_report report;
    int rc = gc_collect(st, sample_roots(), SAMPLE_DATASET, true, &report, err);
    gc_report_release(&report);
    return rc;
}

static bool verify_says(struct store *st, const char *text)
{
    struct verify_report r;
    bool found = false;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, false, &r, NULL), ERR_OK);
    for (size_t i = 0; i < r.count; i++)
        found = found || (r.findings[i].level == FINDING_MUST &&
                          strcmp(r.findings[i].object, LAYOUT_POINTER) == 0 &&
                          strstr(r.findings[i].text, text) != NULL);
    verify_report_release(&r);
    return found;
}

static void a_pointer_that_went_back_is_told_by_index_and_by_projections_each(void **state)
{
    static const char *const witnesses[] = {INDEX_ROOT, PROJECTION_ROOT};
    struct store *st = *state;
    char *old[3];
    publish_three(st, old);
    for (size_t i = 0; i < 2; i++) {
        struct error err = ERROR_INIT;
        char *other = sample_get(st, witnesses[1 - i]);
        size_t before = sample_count(st, "");
        assert_int_equal(store_remove(st, witnesses[1 - i], NULL), ERR_OK);
        sample_put(st, LAYOUT_POINTER, old[0]);
        assert_int_equal(check(st, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, "versions 2 to 3 are newer"));
        assert_non_null(strstr(err.text, witnesses[i]));
        assert_int_equal(collect(st, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, "versions 2 to 3 are newer"));
        assert_true(verify_says(st, "versions 2 to 3 are newer"));
        sample_put(st, LAYOUT_POINTER, old[1]);
        assert_int_equal(check(st, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, "version 3 is newer"));
        sample_put(st, LAYOUT_POINTER, old[2]);
        sample_put(st, witnesses[1 - i], other);
        assert_int_equal(check(st, &err), ERR_OK);
        assert_int_equal(sample_count(st, ""), before);
        free(other);
    }
    forget(old);
}

/* Somebody published on the old pointer: nothing is newer, but a version is not in the chain. */
static void a_version_in_the_place_of_another_is_told_in_the_same_epoch(void **state)
{
    struct error err = ERROR_INIT;
    struct store *st = *state;
    char *old[3];
    publish_three(st, old);
    sample_put(st, LAYOUT_POINTER, old[1]);
    sample_publish(st, 2);
    assert_int_equal(check(st, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "was published after it"));
    assert_int_equal(collect(st, &err), ERR_DAMAGED);
    forget(old);
}

static void a_pointer_from_before_a_gc_is_told(void **state)
{
    struct error err = ERROR_INIT;
    struct store *st = *state;
    char *old[3];
    publish_three(st, old);
    sample_put(st, ".probe/0123456789abcdef0123456789abcdef-1-race", "remains");
    assert_int_equal(collect(st, &err), ERR_OK);
    sample_put(st, LAYOUT_POINTER, old[2]);
    assert_int_equal(check(st, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "gc or repair has renewed it"));
    forget(old);
}

/* A repair raises the epoch; what it gave up is of an earlier one, also after gc. */
static void a_dataset_that_was_repaired_backwards_is_not_refused(void **state)
{
    struct error err = ERROR_INIT;
    struct base base;
    struct pointer out;
    struct store *st = *state;
    char *old[3];
    publish_three(st, old);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(sample_repair(st, base.manifest.parent_key, true, false, &out, NULL), ERR_OK);
    assert_int_equal(check(st, &err), ERR_OK);
    assert_false(verify_says(st, "went back"));
    for (int i = 0; i < 3; i++) {
        sample_put(st, ".probe/0123456789abcdef0123456789abcdef-1-race", "remains");
        assert_int_equal(collect(st, &err), ERR_OK);
        assert_int_equal(check(st, &err), ERR_OK);
    }
    sample_publish(st, 1);
    assert_int_equal(check(st, &err), ERR_OK);
    assert_int_equal(collect(st, &err), ERR_OK);
    base_release(&base);
    forget(old);
}

/* The manifest of an attempt that ended before its swap has the next sequence. */
static void an_unpublished_manifest_of_the_next_version_is_no_witness(void **state)
{
    struct error err = ERROR_INIT;
    struct commit_report report;
    struct base base;
    struct manifest m;
    struct store *st = *state;
    sample_publish(st, 2);
    sample_index(st);
    sample_projection(st);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    sample_manifest(&base, &m);
    sample_put_events(st, &m);
    sample_publish(st, 1);
    char *newest = sample_get(st, LAYOUT_POINTER);
    assert_int_equal(catalog_commit(st, &base, &m, &report, NULL), ERR_CONFLICT);
    assert_true(report.manifest_written);
    assert_int_equal(check(st, &err), ERR_OK);
    assert_int_equal(collect(st, &err), ERR_OK);
    free(newest);
    manifest_release(&m);
    base_release(&base);
}

static void an_index_of_a_version_that_never_was_is_no_witness_for_a_run(void **state)
{
    struct error err = ERROR_INIT;
    struct index_state index;
    struct store *st = *state;
    sample_publish(st, 1);
    sample_index(st);
    assert_int_equal(index_read(st, &index, NULL), ERR_OK);
    index.stamp.sequence = 2;
    assert_int_equal(index_swap(st, &index.tag, &index, NULL), ERR_OK);
    assert_int_equal(check(st, &err), ERR_OK);
    /* gc is stricter: whatever somebody may once have published is kept. */
    assert_int_equal(collect(st, &err), ERR_DAMAGED);
    index_release(&index);
}

/* ---- What the machine remembers ------------------------------------------------------------- */

static void a_machine_remembers_the_newest_pointer_of_each_place(void **state)
{
    struct witness w;
    struct base base;
    struct store *st = *state;
    char *old[3];
    char *folder = temp_folder_new();
    publish_three(st, old);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    struct pointer older = base.pointer;
    older.current = base.pointer.recent[1];
    recall_load(folder, "here", &base.pointer, &w);
    assert_int_equal(w.version.sequence, 0);
    recall_save(folder, "here", &base.pointer);
    recall_save(folder, "here", &older);
    recall_load(folder, "here", &base.pointer, &w);
    assert_true(version_id_equal(&w.version, &base.pointer.current));
    assert_true(witness_contradicts(&older, &w));
    assert_false(witness_contradicts(&base.pointer, &w));
    /* After a repair the same version is no contradiction any more. */
    older.gc_epoch++;
    assert_false(witness_contradicts(&older, &w));
    recall_save(folder, "here", &older);
    recall_load(folder, "here", &base.pointer, &w);
    assert_true(version_id_equal(&w.version, &older.current));
    /* Another place, and a dataset that was made anew, are others. */
    recall_load(folder, "there", &base.pointer, &w);
    assert_int_equal(w.version.sequence, 0);
    older.key_seed++;
    recall_load(folder, "here", &older, &w);
    assert_int_equal(w.version.sequence, 0);
    recall_save(NULL, "here", &base.pointer);
    base_release(&base);
    forget(old);
    temp_folder_free(folder);
}

static int spoil(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    char *path = fs_join(ctx, name);
    (void)stat;
    int rc = fs_write(path, "{\"format\": 1}", 13, err);
    free(path);
    return rc;
}

static void a_note_that_cannot_be_read_says_nothing(void **state)
{
    (void)state;
    struct witness w;
    struct pointer p;
    pointer_init(&p, SAMPLE_DATASET);
    p.current.sequence = 4;
    char *folder = temp_folder_new();
    recall_save(folder, "here", &p);
    assert_int_equal(fs_walk(folder, spoil, folder, NULL), ERR_OK);
    recall_load(folder, "here", &p, &w);
    assert_int_equal(w.version.sequence, 0);
    assert_int_equal(w.gc_epoch, 0);
    recall_save(folder, "here", &p);
    recall_load(folder, "here", &p, &w);
    assert_int_equal(w.version.sequence, 4);
    temp_folder_free(folder);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_pointer_that_went_back_is_told_by_index_and_by_projections_each),
        TEST(a_version_in_the_place_of_another_is_told_in_the_same_epoch),
        TEST(a_pointer_from_before_a_gc_is_told),
        TEST(a_dataset_that_was_repaired_backwards_is_not_refused),
        TEST(an_unpublished_manifest_of_the_next_version_is_no_witness),
        TEST(an_index_of_a_version_that_never_was_is_no_witness_for_a_run),
        TEST(a_machine_remembers_the_newest_pointer_of_each_place),
        TEST(a_note_that_cannot_be_read_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/catalog_sample.h"
#include "support/store_script.h"
#include "util/mem.h"

#define COMMIT "0123456789abcdef0123456789abcdef"

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

static void read_base(struct store *st, struct base *base)
{
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(st, SAMPLE_DATASET, base, &err), ERR_OK);
    assert_string_equal(err.text, "");
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void an_empty_store_holds_no_dataset(void **state)
{
    struct base base;
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_ABSENT);
    assert_int_equal(sample_count(*state, ""), 0);
}

static void the_first_run_creates_the_pointer_before_anything_else(void **state)
{
    struct base base;
    struct base again;
    assert_int_equal(sample_open(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(base.pointer.current.sequence, 0);
    assert_string_equal(base.pointer.dataset, SAMPLE_DATASET);
    assert_string_not_equal(base.tag.text, "");
    assert_int_equal(sample_count(*state, ""), 1);
    assert_int_equal(sample_open(*state, SAMPLE_DATASET, &again, NULL), ERR_OK);
    assert_string_equal(again.pointer.nonce, base.pointer.nonce);
    assert_string_equal(again.tag.text, base.tag.text);
    base_release(&again);
    base_release(&base);
}

static void a_missing_pointer_beside_other_objects_is_damage(void **state)
{
    static const char *const strangers[] = {
        "events/0000000001-" COMMIT "/part-0.parquet",
        "manifests/0000000001-" COMMIT ".json",
        "index/manifest.json",
        ".tmp/0000000001-" COMMIT "/all.parquet",
    };
    for (size_t i = 0; i < sizeof strangers / sizeof *strangers; i++) {
        struct base base;
        struct error err = ERROR_INIT;
        sample_put(*state, strangers[i], "x");
        assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, strangers[i]));
        assert_non_null(strstr(err.text, "cauce repair --to MANIFEST"));
        assert_int_equal(sample_open(*state, SAMPLE_DATASET, &base, &err), ERR_DAMAGED);
        assert_false(sample_exists(*state, LAYOUT_POINTER));
        assert_int_equal(store_remove(*state, strangers[i], NULL), ERR_OK);
    }
}

static void traces_of_probes_and_failed_runs_are_no_dataset(void **state)
{
    struct base base;
    sample_put(*state, ".probe/abc", "x");
    sample_put(*state, LAYOUT_LEASE, "{}");
    sample_put(*state, "current/manifest.json.tmp-" COMMIT, "{");
    sample_put(*state, "runs/20260101T000000.000000Z-" COMMIT ".json", "{}");
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, NULL), ERR_ABSENT);
    assert_int_equal(sample_open(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    base_release(&base);
}

static void another_dataset_is_not_taken_for_this_one(void **state)
{
    struct base base;
    struct error err = ERROR_INIT;
    sample_publish(*state, 1);
    assert_int_equal(base_read(*state, "other", &base, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "\"demo\", not \"other\""));
    assert_int_equal(base_read(*state, NULL, &base, NULL), ERR_OK);
    base_release(&base);
    assert_int_equal(sample_open(*state, "../x", &base, NULL), ERR_CONFIG);
}

/* A creation of the pointer with a fault, and perhaps somebody else in the middle. */
struct creation {
    struct store *inner;
    struct script_answer first; /* what becomes of the first swap */
    bool rival;                 /* somebody creates the pointer just before */
};

static struct script_answer creation_rule(void *ctx, const struct script_call *call)
{
    const struct creation *c = ctx;
    struct script_answer pass = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "swap") != 0 || call->n > 1)
        return pass;
    if (c->rival) {
        struct pointer p;
        pointer_init(&p, SAMPLE_DATASET);
        assert_int_equal(pointer_swap(c->inner, NULL, &p, NULL, NULL), ERR_OK);
    }
    return c->first;
}

static void open_with(struct creation *c, int expected)
{
    struct base base;
    struct store *st = store_script_new(c->inner, creation_rule, c);
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), expected);
    if (expected == ERR_OK) {
        struct base now;
        read_base(c->inner, &now);
        assert_string_equal(now.pointer.nonce, base.pointer.nonce);
        assert_string_equal(now.tag.text, base.tag.text);
        base_release(&now);
        base_release(&base);
    }
    store_free(st);
}

static void a_lost_race_for_the_first_pointer_is_no_failure(void **state)
{
    struct creation c = {.inner = *state, .first = {SCRIPT_PASS, 0}, .rival = true};
    open_with(&c, ERR_OK);
}

static void an_unknown_creation_of_the_pointer_is_settled_by_reading(void **state)
{
    struct creation c = {.inner = *state, .first = {SCRIPT_LOSE, 0}};
    open_with(&c, ERR_OK);
}

static void a_creation_that_never_arrived_is_sent_again(void **state)
{
    struct creation c = {.inner = *state, .first = {SCRIPT_LATE, 0}};
    open_with(&c, ERR_OK);
}

static void a_refused_creation_is_reported(void **state)
{
    struct creation c = {.inner = *state, .first = {SCRIPT_FAIL, ERR_DENIED}};
    open_with(&c, ERR_DENIED);
    assert_int_equal(sample_count(*state, ""), 0);
}

/* Somebody creates the dataset between the reading of the pointer and the listing. */
static struct script_answer publish_at_list(void *ctx, const struct script_call *call)
{
    struct script_answer pass = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "list") == 0)
        sample_publish(ctx, 1);
    return pass;
}

static void a_dataset_that_is_just_being_created_is_not_damaged(void **state)
{
    struct base base;
    struct store *st = store_script_new(*state, publish_at_list, *state);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(base.pointer.current.sequence, 1);
    base_release(&base);
    store_free(st);
}

static struct script_answer swallow_swaps(void *ctx, const struct script_call *call)
{
    (void)ctx;
    struct script_answer answer = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "swap") == 0)
        answer = (struct script_answer){SCRIPT_FAIL, ERR_UNKNOWN};
    return answer;
}

static void a_store_that_swallows_every_creation_is_given_up(void **state)
{
    struct base base;
    struct store *st = store_script_new(*state, swallow_swaps, NULL);
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), ERR_AGAIN);
    store_free(st);
}

/* ---- Reading what the pointer names -------------------------------------------------------- */

static void the_base_is_pointer_and_manifest_together(void **state)
{
    struct base base;
    struct version_id last = sample_publish(*state, 3);
    read_base(*state, &base);
    assert_true(version_id_equal(&base.pointer.current, &last));
    assert_true(version_id_equal(&base.manifest.version, &last));
    assert_int_equal(base.manifest.rows_total, 15);
    assert_int_equal(base.manifest.keys.count, 13);
    assert_int_equal(base.pointer.recent_count, 3);
    base_release(&base);
}

static void assert_damaged(struct store *st, const char *key, const char *what)
{
    struct base base;
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, &err), ERR_DAMAGED);
    if (strstr(err.text, key) == NULL || strstr(err.text, what) == NULL ||
        strstr(err.text, "cauce verify") == NULL)
        fail_msg("\"%s\"", err.text);
}

static void a_missing_manifest_is_named(void **state)
{
    struct base base;
    sample_publish(*state, 1);
    read_base(*state, &base);
    assert_int_equal(store_remove(*state, base.pointer.manifest_key, NULL), ERR_OK);
    assert_damaged(*state, base.pointer.manifest_key, "missing");
    base_release(&base);
}

static void an_altered_manifest_is_named(void **state)
{
    struct base base;
    sample_publish(*state, 1);
    read_base(*state, &base);
    char *text = sample_get(*state, base.pointer.manifest_key);
    *strstr(text, "1234") = '9';
    sample_put(*state, base.pointer.manifest_key, text);
    free(text);
    assert_damaged(*state, base.pointer.manifest_key, "altered");
    base_release(&base);
}

static void a_manifest_of_another_version_is_not_accepted_even_with_its_hash(void **state)
{
    struct base base;
    struct manifest m;
    struct error err = ERROR_INIT;
    char sha256[SHA256_HEX_SIZE];
    sample_publish(*state, 2);
    read_base(*state, &base);
    char *text = sample_get(*state, base.manifest.parent_key);
    sample_put(*state, base.pointer.manifest_key, text);
    sha256_hex(text, strlen(text), sha256);
    free(text);
    assert_int_equal(catalog_read_manifest(*state, base.pointer.manifest_key, sha256, &m, &err),
                     ERR_DAMAGED);
    assert_non_null(strstr(err.text, "another version"));
    assert_int_equal(m.version.sequence, 0);
    base_release(&base);
}

static void a_manifest_that_nothing_names_may_be_absent(void **state)
{
    struct manifest m;
    assert_int_equal(
        catalog_read_manifest(*state, "manifests/0000000001-" COMMIT ".json", NULL, &m, NULL),
        ERR_ABSENT);
}

static void a_manifest_of_another_dataset_is_refused(void **state)
{
    struct base base;
    struct pointer p;
    struct error err = ERROR_INIT;
    sample_publish(*state, 1);
    read_base(*state, &base);
    pointer_fenced(&base.pointer, &p);
    p.key_seed++;
    assert_int_equal(pointer_swap(*state, &base.tag, &p, NULL, NULL), ERR_OK);
    base_release(&base);
    assert_int_equal(base_read(*state, SAMPLE_DATASET, &base, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "another dataset"));
}

/* ---- Walking ------------------------------------------------------------------------------- */

struct seen {
    uint64_t sequences[200];
    size_t count;
    size_t files;
    uint64_t stop_at;
    int fail_with;
};

static int note(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct seen *s = ctx;
    s->sequences[s->count++] = m->version.sequence;
    s->files += m->files.count;
    *stop = m->version.sequence == s->stop_at;
    if (s->fail_with != ERR_OK && m->version.sequence == 2)
        return error_set(err, s->fail_with, "The test gave up.");
    return ERR_OK;
}

static void the_chain_is_walked_from_the_newest_to_the_first(void **state)
{
    struct base base;
    struct seen s = {0};
    sample_publish(*state, 5);
    read_base(*state, &base);
    assert_int_equal(catalog_walk(*state, &base, note, &s, NULL), ERR_OK);
    assert_int_equal(s.count, 5);
    assert_int_equal(s.files, 10);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(s.sequences[i], 5 - i);
    assert_int_equal(base.manifest.files.count, 2);
    base_release(&base);
}

static void a_walk_ends_where_it_is_told_and_reads_no_further(void **state)
{
    struct base base;
    struct seen s = {.stop_at = 4};
    struct store *st = *state;
    sample_publish(st, 5);
    read_base(st, &base);
    uint64_t gets = st->bill.gets;
    assert_int_equal(catalog_walk(st, &base, note, &s, NULL), ERR_OK);
    assert_int_equal(s.count, 2);
    assert_int_equal(st->bill.gets - gets, 1);
    s = (struct seen){.fail_with = ERR_GATE};
    assert_int_equal(catalog_walk(st, &base, note, &s, NULL), ERR_GATE);
    assert_int_equal(s.count, 4);
    base_release(&base);
}

static void an_empty_dataset_has_no_chain(void **state)
{
    struct base base;
    struct seen s = {0};
    assert_int_equal(sample_open(*state, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(catalog_walk(*state, &base, note, &s, NULL), ERR_OK);
    assert_int_equal(s.count, 0);
    base_release(&base);
}

static void a_walk_ends_at_the_oldest_version_that_is_kept(void **state)
{
    struct base base;
    struct seen s = {0};
    sample_publish(*state, 5);
    read_base(*state, &base);
    base.pointer.oldest_sequence = 3;
    assert_int_equal(catalog_walk(*state, &base, note, &s, NULL), ERR_OK);
    assert_int_equal(s.count, 3);
    base_release(&base);
}

static int steal_files(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct manifest_files *out = ctx;
    (void)stop;
    (void)err;
    manifest_files_release(out);
    *out = m->files;
    m->files = (struct manifest_files){0};
    return ERR_OK;
}

static void a_visitor_may_keep_what_it_is_shown(void **state)
{
    struct base base;
    struct manifest_files files = {0};
    sample_publish(*state, 3);
    read_base(*state, &base);
    assert_int_equal(catalog_walk(*state, &base, steal_files, &files, NULL), ERR_OK);
    assert_int_equal(files.count, 2);
    assert_int_equal(files.items[0].sequence, 1);
    assert_int_equal(base.manifest.files.count, 2);
    manifest_files_release(&files);
    base_release(&base);
}

/* Key of the manifest of a version that `recent` still knows. */
static void key_of(const struct base *base, uint64_t sequence, char key[LAYOUT_KEY_SIZE])
{
    for (size_t i = 0; i < base->pointer.recent_count; i++) {
        if (base->pointer.recent[i].sequence == sequence)
            layout_manifest(&base->pointer.recent[i], key);
    }
}

static void an_altered_ancestor_ends_the_walk(void **state)
{
    struct base base;
    struct seen s = {0};
    struct error err = ERROR_INIT;
    char key[LAYOUT_KEY_SIZE];
    sample_publish(*state, 4);
    read_base(*state, &base);
    key_of(&base, 2, key);
    char *text = sample_get(*state, key);
    *strstr(text, "1234") = '9';
    sample_put(*state, key, text);
    free(text);
    assert_int_equal(catalog_walk(*state, &base, note, &s, &err), ERR_DAMAGED);
    assert_int_equal(s.count, 2);
    assert_non_null(strstr(err.text, key));
    base_release(&base);
}

static void a_head_whose_sums_do_not_go_on_from_its_parent_is_damage(void **state)
{
    struct base base;
    struct seen s = {0};
    struct error err = ERROR_INIT;
    sample_publish(*state, 2);
    read_base(*state, &base);
    base.manifest.rows_total++;
    assert_int_equal(catalog_walk(*state, &base, note, &s, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "rows_total"));
    assert_non_null(strstr(err.text, base.manifest.parent_key));
    base_release(&base);
}

/* ---- Files --------------------------------------------------------------------------------- */

static void assert_files(struct store *st, const struct base *base, uint64_t after, uint64_t upto)
{
    struct manifest_files files;
    struct error err = ERROR_INIT;
    assert_int_equal(catalog_files(st, base, after, upto, &files, &err), ERR_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(files.count, upto > after ? 2 * (upto - after) : 0);
    for (size_t i = 0; i < files.count; i++)
        assert_int_equal(files.items[i].sequence, after + 1 + i / 2);
    manifest_files_release(&files);
}

static void files_of_a_range_come_oldest_first(void **state)
{
    struct base base;
    sample_publish(*state, 6);
    read_base(*state, &base);
    for (uint64_t after = 0; after <= 6; after++) {
        for (uint64_t upto = after; upto <= 6; upto++)
            assert_files(*state, &base, after, upto);
    }
    assert_files(*state, &base, 6, 3);
    base_release(&base);
}

static void files_of_a_version_that_is_not_there_are_absent(void **state)
{
    struct base base;
    struct manifest_files files;
    struct error err = ERROR_INIT;
    sample_publish(*state, 3);
    read_base(*state, &base);
    assert_int_equal(catalog_files(*state, &base, 0, 4, &files, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, "no version 4"));
    base.pointer.oldest_sequence = 2;
    assert_int_equal(catalog_files(*state, &base, 0, 1, &files, NULL), ERR_ABSENT);
    assert_int_equal(files.count, 0);
    base_release(&base);
}

static void checkpoints_save_reading(void **state)
{
    struct store *st = *state;
    struct base base;
    sample_publish(st, 130);
    read_base(st, &base);
    uint64_t gets = st->bill.gets;
    assert_files(st, &base, 0, 130);
    assert_int_equal(st->bill.gets - gets, 2); /* 129, and 128 with the checkpoint */
    assert_files(st, &base, 127, 130);
    assert_files(st, &base, 128, 130);
    assert_files(st, &base, 100, 129);
    gets = st->bill.gets;
    assert_files(st, &base, 3, 70); /* an older range is in the newer checkpoint */
    assert_int_equal(st->bill.gets - gets, 2);
    base_release(&base);
}

static void a_version_with_a_checkpoint_names_all_files_itself(void **state)
{
    struct store *st = *state;
    struct base base;
    sample_publish(st, 64);
    read_base(st, &base);
    assert_true(base.manifest.has_checkpoint);
    assert_int_equal(base.manifest.checkpoint.count, 128);
    uint64_t gets = st->bill.gets;
    assert_files(st, &base, 0, 64);
    assert_int_equal(st->bill.gets - gets, 0);
    base_release(&base);
}

static void a_checkpoint_gives_no_files_of_versions_that_are_no_longer_kept(void **state)
{
    struct base base;
    struct manifest_files files;
    sample_publish(*state, 64);
    read_base(*state, &base);
    base.pointer.oldest_sequence = 60;
    assert_int_equal(catalog_files(*state, &base, 0, 64, &files, NULL), ERR_OK);
    assert_int_equal(files.count, 10);
    assert_int_equal(files.items[0].sequence, 60);
    manifest_files_release(&files);
    base_release(&base);
}

static void a_checkpoint_that_lacks_rows_is_not_believed(void **state)
{
    struct base base;
    struct manifest_files files;
    struct error err = ERROR_INIT;
    sample_publish(*state, 64);
    read_base(*state, &base);
    base.manifest.checkpoint.items[0].rows--;
    assert_int_equal(catalog_files(*state, &base, 0, 64, &files, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "checkpoint"));
    base_release(&base);
}

static void a_damaged_chain_gives_no_files_at_all(void **state)
{
    struct base base;
    struct manifest_files files;
    char key[LAYOUT_KEY_SIZE];
    sample_publish(*state, 4);
    read_base(*state, &base);
    key_of(&base, 1, key);
    assert_int_equal(store_remove(*state, key, NULL), ERR_OK);
    assert_int_equal(catalog_files(*state, &base, 0, 4, &files, NULL), ERR_DAMAGED);
    assert_int_equal(files.count, 0);
    assert_files(*state, &base, 1, 4);
    base_release(&base);
}

/* ---- Membership ---------------------------------------------------------------------------- */

static void assert_contains(struct store *st, const struct base *base, struct version_id version,
                            bool expected)
{
    bool contains = !expected;
    assert_int_equal(catalog_contains(st, base, &version, &contains, NULL), ERR_OK);
    assert_true(contains == expected);
}

static void membership_is_decided_by_the_chain(void **state)
{
    struct store *st = *state;
    struct base base;
    struct version_id first = sample_publish(st, 1);
    struct version_id last = sample_publish(st, 70);
    read_base(st, &base);
    assert_contains(st, &base, last, true);
    assert_contains(st, &base, base.pointer.recent[63], true);
    uint64_t gets = st->bill.gets;
    assert_contains(st, &base, (struct version_id){71, COMMIT}, false);
    assert_contains(st, &base, (struct version_id){72, COMMIT}, false);
    assert_int_equal(st->bill.gets, gets);
    assert_contains(st, &base, first, true);
    assert_contains(st, &base, (struct version_id){1, COMMIT}, false);
    assert_contains(st, &base, (struct version_id){0, COMMIT}, true);
    base.pointer.oldest_sequence = 2;
    assert_contains(st, &base, first, false);
    base_release(&base);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_empty_store_holds_no_dataset),
        TEST(the_first_run_creates_the_pointer_before_anything_else),
        TEST(a_missing_pointer_beside_other_objects_is_damage),
        TEST(traces_of_probes_and_failed_runs_are_no_dataset),
        TEST(another_dataset_is_not_taken_for_this_one),
        TEST(a_lost_race_for_the_first_pointer_is_no_failure),
        TEST(an_unknown_creation_of_the_pointer_is_settled_by_reading),
        TEST(a_creation_that_never_arrived_is_sent_again),
        TEST(a_refused_creation_is_reported),
        TEST(a_dataset_that_is_just_being_created_is_not_damaged),
        TEST(a_store_that_swallows_every_creation_is_given_up),
        TEST(the_base_is_pointer_and_manifest_together),
        TEST(a_missing_manifest_is_named),
        TEST(an_altered_manifest_is_named),
        TEST(a_manifest_of_another_version_is_not_accepted_even_with_its_hash),
        TEST(a_manifest_that_nothing_names_may_be_absent),
        TEST(a_manifest_of_another_dataset_is_refused),
        TEST(the_chain_is_walked_from_the_newest_to_the_first),
        TEST(a_walk_ends_where_it_is_told_and_reads_no_further),
        TEST(an_empty_dataset_has_no_chain),
        TEST(a_walk_ends_at_the_oldest_version_that_is_kept),
        TEST(a_visitor_may_keep_what_it_is_shown),
        TEST(an_altered_ancestor_ends_the_walk),
        TEST(a_head_whose_sums_do_not_go_on_from_its_parent_is_damage),
        TEST(files_of_a_range_come_oldest_first),
        TEST(files_of_a_version_that_is_not_there_are_absent),
        TEST(checkpoints_save_reading),
        TEST(a_version_with_a_checkpoint_names_all_files_itself),
        TEST(a_checkpoint_gives_no_files_of_versions_that_are_no_longer_kept),
        TEST(a_checkpoint_that_lacks_rows_is_not_believed),
        TEST(a_damaged_chain_gives_no_files_at_all),
        TEST(membership_is_decided_by_the_chain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Does the reader see what it must see? Each invariant is broken once, by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/look.h"
#include "support/reader.h"
#include "support/scenario.h"
#include "support/store_fault.h"
#include "util/mem.h"

#include <cmocka.h>

#define FOUND_MAX ((size_t)1 << 20)

static struct scenario scenario;
static const struct variant *variant;
static struct store *sound; /* two versions, everything as it should be */

struct stage {
    struct store *store;
    struct reader *reader;
    struct str found;
};

static int prepare(void **state)
{
    (void)state;
    variant = scenario_variant("moving");
    scenario_open(&scenario, variant->yaml);
    sound = scenario_memory();
    for (size_t i = 0; i < 2; i++)
        assert_int_equal(scenario_publish(&scenario, sound, variant->snapshots[i]), ERR_OK);
    return 0;
}

static int finish(void **state)
{
    (void)state;
    store_free(sound);
    scenario_close(&scenario);
    return 0;
}

static struct reader *new_reader(const struct model_shape *shape)
{
    struct reader *r = reader_new(shape);
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && variant->snapshots[i] != NULL; i++)
        reader_source(r, variant->snapshots[i]);
    return r;
}

static int open_stage(void **state)
{
    struct stage *s = mem_calloc(1, sizeof *s);
    s->store = scenario_clone(sound);
    s->reader = new_reader(&variant->shape);
    str_init(&s->found, FOUND_MAX);
    *state = s;
    return 0;
}

static int close_stage(void **state)
{
    struct stage *s = *state;
    store_free(s->store);
    reader_end(s->reader);
    str_release(&s->found);
    free(s);
    return 0;
}

static void look(struct stage *s, unsigned demands)
{
    str_clear(&s->found);
    reader_check(s->reader, s->store, demands, &s->found);
}

/* A violation of this invariant was found, in these words. */
static void assert_found(const struct stage *s, const char *words)
{
    if (strstr(s->found.data, words) == NULL)
        fail_msg("not found: %s\nbut:\n%s", words, s->found.data);
}

static void a_sound_dataset_has_no_violations(void **state)
{
    struct stage *s = *state;
    look(s, READER_SETTLED);
    assert_string_equal(s->found.data, "");
    assert_int_equal(reader_versions(s->reader), 2);
    assert_string_equal(reader_newest_source(s->reader), variant->snapshots[1]);
}

static void an_altered_manifest_is_seen(void **state)
{
    struct stage *s = *state;
    char *key = look_find(s->store, "manifests/", "0000000001");
    look_edit(s->store, key, "\"created_at\": \"2", "\"created_at\": \"1");
    look(s, READER_ANYTIME);
    assert_found(s, "1: manifests/0000000001");
    free(key);
}

static void a_missing_manifest_is_seen(void **state)
{
    struct stage *s = *state;
    char *key = look_find(s->store, "manifests/", "0000000001");
    look_remove(s->store, key);
    look(s, READER_ANYTIME);
    assert_found(s, "is missing");
    free(key);
}

static void recent_versions_that_are_not_the_chain_are_seen(void **state)
{
    struct stage *s = *state;
    look_edit(s->store, "current/manifest.json", "\"recent\": [\n    [\n      2",
              "\"recent\": [\n    [\n      3");
    look(s, READER_ANYTIME);
    assert_found(s, "1: `recent`");
}

static void a_damaged_event_file_is_seen(void **state)
{
    struct stage *s = *state;
    char *key = look_find(s->store, "events/", "0000000001");
    look_damage(s->store, key);
    look(s, READER_ANYTIME);
    assert_found(s, "2: events/_data/0000000001");
    look_remove(s->store, key);
    look(s, READER_ANYTIME);
    assert_found(s, "2: events/_data/0000000001");
    free(key);
}

static void a_version_that_was_reported_and_is_not_there_is_seen(void **state)
{
    struct stage *s = *state;
    struct reader_claim claim = {.told = TOLD_COMMITTED, .run_id = "none", .sequence = 3};
    reader_claim(s->reader, &claim);
    look(s, READER_ANYTIME);
    assert_found(s, "3: run none published version 3");
}

static void a_version_that_was_denied_and_is_there_is_seen(void **state)
{
    struct stage *s = *state;
    struct reader_claim claim = scenario_claim(&scenario);
    reader_claim(s->reader, &claim);
    look(s, READER_ANYTIME);
    assert_string_equal(s->found.data, "");
    claim.told = TOLD_NOT_COMMITTED;
    reader_claim(s->reader, &claim);
    look(s, READER_ANYTIME);
    assert_found(s, "3: run ");
    assert_found(s, "said that it published nothing");
}

static void needless_doubt_is_seen(void **state)
{
    struct stage *s = *state;
    struct reader_claim claim = {.told = TOLD_UNKNOWN, .hidden = true, .run_id = "hidden"};
    reader_claim(s->reader, &claim);
    look(s, READER_ANYTIME);
    assert_string_equal(s->found.data, "");
    claim.hidden = false;
    reader_claim(s->reader, &claim);
    look(s, READER_ANYTIME);
    assert_found(s, "5: run hidden");
}

/* The model of a dataset that ignores revisions is another one. */
static void rows_that_no_serial_execution_gives_are_seen(void **state)
{
    struct stage *s = *state;
    struct model_shape other = variant->shape;
    other.ignore_revisions = true;
    struct reader *r = new_reader(&other);
    reader_check(r, s->store, READER_ANYTIME, &s->found);
    assert_found(s, "4: the published events: (1, 2026-02-01, moved) of version 2 should not be");
    assert_found(s, "4: manifests/0000000002");
    reader_end(r);
}

static void a_source_that_nobody_published_is_seen(void **state)
{
    struct stage *s = *state;
    struct reader *r = reader_new(&variant->shape);
    reader_source(r, variant->snapshots[0]);
    reader_check(r, s->store, READER_ANYTIME, &s->found);
    assert_found(s, "made from a source that nobody published");
    reader_end(r);
}

static void a_pointer_that_goes_back_is_seen(void **state)
{
    struct stage *s = *state;
    struct store *first = scenario_memory();
    assert_int_equal(scenario_publish(&scenario, first, variant->snapshots[0]), ERR_OK);
    struct store *second = scenario_clone(first);
    assert_int_equal(scenario_publish(&scenario, second, variant->snapshots[1]), ERR_OK);
    reader_check(s->reader, second, READER_SETTLED, &s->found);
    assert_string_equal(s->found.data, "");
    look_take(first, second, "current/manifest.json");
    reader_check(s->reader, second, READER_ANYTIME, &s->found);
    assert_found(s, "6: version 2 was in the chain");
    assert_found(s, "9: the index reflects version 2");
    store_free(second);
    store_free(first);
}

static void a_derived_thing_that_is_behind_is_seen_where_it_must_not_be(void **state)
{
    struct stage *s = *state;
    struct store *st = store_fault_new(scenario_clone(sound));
    store_fault_add(st, &(struct fault){.op = FAULT_SWAP, .key = "index/manifest.json"});
    store_fault_add(st, &(struct fault){.op = FAULT_SWAP, .key = "projections/manifest.json"});
    assert_int_equal(scenario_publish(&scenario, st, variant->snapshots[2]), ERR_OK);
    reader_check(s->reader, st, READER_ANYTIME, &s->found);
    assert_string_equal(s->found.data, "");
    reader_check(s->reader, st, READER_SETTLED, &s->found);
    assert_found(s, "9: the index reflects version 2, the newest is 3");
    assert_found(s, "7: the projections are completed at version 2, the newest is 3");
    store_free(st);
}

static void a_damaged_shard_is_seen(void **state)
{
    struct stage *s = *state;
    char *key = look_find(s->store, "index/", "/0000000002-");
    look_remove(s->store, key);
    look(s, READER_ANYTIME);
    assert_found(s, "9: index/");
    free(key);
}

static void an_index_without_a_key_is_seen(void **state)
{
    struct stage *s = *state;
    struct store *other = scenario_memory();
    assert_int_equal(scenario_publish(&scenario, other, variant->snapshots[0]), ERR_OK);
    /* The index of the first version with the stamp of the second one. */
    struct json *pointer = look_json(s->store, "current/manifest.json");
    struct json *index = look_json(other, "index/manifest.json");
    struct str text;
    str_init(&text, FOUND_MAX);
    json_set_integer(index, "sequence", 2);
    json_set_string(index, "commit", json_string(json_get(pointer, "commit")));
    json_write(index, true, &text);
    look_copy(other, s->store, "index/");
    look_replace(s->store, "index/manifest.json", text.data, text.len);
    look(s, READER_ANYTIME);
    assert_found(s, "9: the keys of the index: (4, NULL, NULL) of version 0 is missing");
    str_release(&text);
    json_free(index);
    json_free(pointer);
    store_free(other);
}

static void a_projection_with_other_rows_is_seen(void **state)
{
    struct stage *s = *state;
    char *key = look_find(s->store, "projections/windows/", "2026-01.parquet");
    look_damage(s->store, key);
    look(s, READER_ANYTIME);
    assert_found(s, "7: projections/windows/");
    free(key);
}

static void projections_that_go_back_are_seen(void **state)
{
    struct stage *s = *state;
    look(s, READER_ANYTIME);
    char *commit = look_find(s->store, "manifests/", "0000000001");
    commit[strlen(commit) - strlen(".json")] = '\0';
    char *stamp =
        mem_printf("\"sequence\": 1,\n  \"commit\": \"%s\",\n  \"parts\"", strchr(commit, '-') + 1);
    struct json *state_now = look_json(s->store, "projections/manifest.json");
    char *now = mem_printf("\"sequence\": 2,\n  \"commit\": \"%s\",\n  \"parts\"",
                           json_string(json_get(state_now, "commit")));
    look_edit(s->store, "projections/manifest.json", now, stamp);
    look(s, READER_ANYTIME);
    assert_found(s, "7: the projections went back from version 2 to 1");
    json_free(state_now);
    free(now);
    free(stamp);
    free(commit);
}

static void strangers_and_orphans_are_seen(void **state)
{
    struct stage *s = *state;
    look_replace(s->store, "events/0000000009-x/part-0.parquet", "orphan", 6);
    look(s, READER_SETTLED);
    assert_string_equal(s->found.data, "");
    assert_true(reader_orphans(s->reader) > 0);
    look(s, READER_CLEAN);
    assert_found(s, "10: events/0000000009-x/part-0.parquet is an orphan");
    look_replace(s->store, "events/notes.txt", "stranger", 8);
    look(s, READER_ANYTIME);
    assert_found(s, "10: events/notes.txt belongs to nothing");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_sound_dataset_has_no_violations),
        TEST(an_altered_manifest_is_seen),
        TEST(a_missing_manifest_is_seen),
        TEST(recent_versions_that_are_not_the_chain_are_seen),
        TEST(a_damaged_event_file_is_seen),
        TEST(a_version_that_was_reported_and_is_not_there_is_seen),
        TEST(a_version_that_was_denied_and_is_there_is_seen),
        TEST(needless_doubt_is_seen),
        TEST(rows_that_no_serial_execution_gives_are_seen),
        TEST(a_source_that_nobody_published_is_seen),
        TEST(a_pointer_that_goes_back_is_seen),
        TEST(a_derived_thing_that_is_behind_is_seen_where_it_must_not_be),
        TEST(a_damaged_shard_is_seen),
        TEST(an_index_without_a_key_is_seen),
        TEST(a_projection_with_other_rows_is_seen),
        TEST(projections_that_go_back_are_seen),
        TEST(strangers_and_orphans_are_seen),
    };
    return cmocka_run_group_tests(tests, prepare, finish);
}

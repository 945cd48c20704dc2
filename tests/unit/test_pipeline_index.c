/* The key index: checked against the pointer, caught up, rebuilt, and never believed blindly. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "derived/index/keeper.h"
#include "support/look.h"
#include "support/stage.h"
#include "util/mem.h"

#include <cmocka.h>

#define INDEX "index/manifest.json"
#define DETECTED "pointer-index inconsistency detected, rebuilding index"
#define REBUILT "index rebuilt"

static struct stage g;

static int open_stage(void **state)
{
    (void)state;
    stage_open(&g, "month");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&g);
    return 0;
}

/* The last run healed the index in this way, and said so. */
static void assert_healed(enum index_recovery how)
{
    const struct index_report *r = index_report_of(&g.s.report.derived);
    assert_string_equal(index_recovery_name(r->recovery), index_recovery_name(how));
    assert_true(scenario_logged(&g.s, DETECTED));
    assert_true(scenario_logged(&g.s, REBUILT));
    assert_true(strlen(r->reason) > 0);
    assert_true(r->rows > 0);
    assert_true(r->seconds > 0);
}

static void assert_not_healed(void)
{
    assert_int_equal(index_report_of(&g.s.report.derived)->recovery, INDEX_WAS_FRESH);
    assert_false(scenario_logged(&g.s, DETECTED));
    assert_false(scenario_logged(&g.s, REBUILT));
}

/* The next snapshot is published after healing, exactly. */
static void heal_and_publish(size_t n, enum index_recovery how)
{
    stage_publish(&g, n);
    assert_healed(how);
    stage_check(&g, READER_SETTLED);
}

static void the_check_detects_a_consistent_index(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        stage_publish(&g, i);
        assert_not_healed();
    }
    stage_run(&g, RUN_UNCHANGED);
    assert_not_healed();
}

static void the_check_detects_an_inconsistent_index(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    /* One key less than the manifest says, in itself consistent: there is no tolerance. */
    struct json *index = look_json(g.memory, INDEX);
    const struct json *shards = json_get(index, "shards");
    struct json *first = json_new_array();
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    json_append(first, json_copy(json_at(shards, 0)));
    json_set_integer(index, "keys", json_integer(json_get(json_at(shards, 0), "rows")));
    json_set_string(index, "key_set_digest",
                    json_string(json_get(json_at(shards, 0), "key_set_digest")));
    json_set(index, "shards", first);
    json_write(index, true, &text);
    look_replace(g.memory, INDEX, text.data, text.len);
    heal_and_publish(2, INDEX_REBUILT);
    str_release(&text);
    json_free(index);
}

static void phantom_keys_of_a_version_that_was_never_published_are_detected(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    struct store *other = scenario_clone(g.memory);
    assert_int_equal(scenario_publish(&g.s, other, g.variant->snapshots[1]), ERR_OK);
    look_copy(other, g.memory, "index/");
    look_take(other, g.memory, INDEX);
    /* Were the phantoms believed, the new rows of this snapshot would be lost. */
    heal_and_publish(1, INDEX_REBUILT);
    assert_int_equal(g.s.report.delta.rows_new, 3);
    store_free(other);
}

static void
the_rebuild_reconstructs_the_index_from_the_pointer_and_ignores_events_of_unpublished_versions(
    void **state)
{
    (void)state;
    stage_publish(&g, 0);
    struct store *other = scenario_clone(g.memory);
    assert_int_equal(scenario_publish(&g.s, other, g.variant->snapshots[1]), ERR_OK);
    look_copy(other, g.memory, "events/_data/");
    look_copy(other, g.memory, "manifests/");
    look_remove(g.memory, INDEX);
    heal_and_publish(1, INDEX_REBUILT);
    assert_int_equal(index_report_of(&g.s.report.derived)->rows, 4);
    assert_int_equal(g.s.report.delta.rows_new, 3);
    assert_int_equal(g.s.report.delta.rows_revised, 1);
    store_free(other);
}

static void
a_failed_index_write_after_the_cas_leaves_a_published_version_and_is_healed_by_the_next_run(
    void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {{FAULT_PUT_NEW, "index/"}, {FAULT_SWAP, INDEX}};
    for (size_t i = 0; i < 2; i++) {
        stage_publish(&g, 0);
        stage_heal(&g);
        stage_fault(&g, FAULT_FAIL, places[i].op, places[i].key, 0);
        stage_publish(&g, 1);
        assert_int_equal(g.s.report.warning_count, 1);
        assert_non_null(strstr(g.s.report.warnings[0], "the version is published"));
        stage_check(&g, READER_ANYTIME);
        assert_int_equal(reader_versions(g.reader), 2);
        stage_heal(&g);
        stage_run(&g, RUN_UNCHANGED);
        assert_healed(INDEX_CAUGHT_UP);
        stage_check(&g, READER_SETTLED);
        stage_publish(&g, 2);
        assert_not_healed();
        stage_close(&g);
        stage_open(&g, "moving");
    }
}

static void an_index_that_is_several_versions_behind_is_caught_up(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    struct store *first = scenario_clone(g.memory);
    for (size_t i = 1; i < 3; i++)
        stage_publish(&g, i);
    look_take(first, g.memory, INDEX);
    heal_and_publish(3, INDEX_CAUGHT_UP);
    store_free(first);
}

static void a_damaged_shard_is_detected_and_healed(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    struct json *index = look_json(g.memory, INDEX);
    const struct json *shard = json_at(json_get(index, "shards"), 0);
    look_damage(g.memory, json_string(json_get(shard, "key")));
    heal_and_publish(2, INDEX_REBUILT);
    assert_string_equal(index_report_of(&g.s.report.derived)->reason, "damaged");
    json_free(index);
}

static void a_missing_shard_is_detected_and_healed(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    struct json *index = look_json(g.memory, INDEX);
    const struct json *shard = json_at(json_get(index, "shards"), 0);
    look_remove(g.memory, json_string(json_get(shard, "key")));
    heal_and_publish(2, INDEX_REBUILT);
    json_free(index);
}

static void
a_damaged_shard_of_an_index_that_is_behind_turns_catching_up_into_a_rebuild(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    struct store *second = scenario_clone(g.memory);
    struct json *index = look_json(g.memory, INDEX);
    const struct json *shard = json_at(json_get(index, "shards"), 0);
    stage_publish(&g, 2);
    look_take(second, g.memory, INDEX);
    for (size_t i = 0; i < json_count(json_get(index, "shards")); i++) {
        shard = json_at(json_get(index, "shards"), i);
        look_damage(g.memory, json_string(json_get(shard, "key")));
    }
    heal_and_publish(3, INDEX_REBUILT);
    json_free(index);
    store_free(second);
}

static void a_lost_index_is_rebuilt(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, INDEX);
    heal_and_publish(1, INDEX_REBUILT);
    assert_string_equal(index_report_of(&g.s.report.derived)->reason, "absent");
}

static void an_unreadable_index_is_rebuilt(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_replace(g.memory, INDEX, "{\"format\": 1,", 13);
    heal_and_publish(1, INDEX_REBUILT);
    look_replace(g.memory, INDEX, "", 0);
    heal_and_publish(2, INDEX_REBUILT);
}

static void an_index_of_a_newer_program_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_edit(g.memory, INDEX, "\"format\": 1", "\"format\": 2");
    stage_mark(&g);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_GATE);
    assert_int_equal(stage_writes(&g), 0);
}

/* A rebuild from events that are damaged would lose keys: it stops, and the events are named. */
static void a_rebuild_from_damaged_events_stops_and_names_the_file(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *key = look_find(g.memory, "events/_data/", "month=02");
    look_damage(g.memory, key);
    look_remove(g.memory, INDEX);
    stage_mark(&g);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_DAMAGED);
    assert_non_null(strstr(g.s.err.text, key));
    assert_int_equal(stage_writes(&g), 0);
    assert_false(scenario_logged(&g.s, REBUILT));
    free(key);
}

static void a_run_that_heals_its_index_still_reads_its_source(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, INDEX);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.load.rows_read, 5);
}

/* Keys per shard of the index now. */
static size_t shard_sizes(size_t *least, size_t *most)
{
    struct json *index = look_json(g.memory, INDEX);
    const struct json *shards = json_get(index, "shards");
    size_t n = json_count(shards);
    *least = SIZE_MAX;
    *most = 0;
    for (size_t i = 0; i < n; i++) {
        size_t rows = (size_t)json_integer(json_get(json_at(shards, i), "rows"));
        *least = rows < *least ? rows : *least;
        *most = rows > *most ? rows : *most;
    }
    json_free(index);
    return n;
}

/* "id,day,state" rows: ids from `first` in steps, each with this state. */
static char *states(unsigned first, unsigned step, unsigned count, const char *word)
{
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "id,day,state\n");
    for (unsigned i = 0; i < count; i++)
        str_printf(&text, "%u,2026-%02u-01,%s\n", first + i * step, 1 + i % 12, word);
    return str_detach(&text);
}

static void publish_free(char *csv)
{
    if (stage_try(&g, csv) != ERR_OK)
        fail_msg("%s", g.s.err.text);
    free(csv);
}

static void publish_states(unsigned first, unsigned step, unsigned count, const char *word)
{
    publish_free(states(first, step, count, word));
    assert_not_healed();
    stage_check(&g, READER_SETTLED);
}

static void a_range_that_grows_is_cut_and_every_key_stays_in_exactly_one(void **state)
{
    (void)state;
    size_t least, most;
    stage_close(&g);
    stage_open(&g, "moving");
    g.s.index_range = 10;
    publish_states(1000, 10, 15, "new"); /* less than two ranges: one */
    assert_int_equal(shard_sizes(&least, &most), 1);
    publish_states(2000, 10, 40, "new"); /* 55 at once: cut as often as it takes */
    assert_true(shard_sizes(&least, &most) >= 4);
    assert_true(least >= 10);
    assert_true(most < 20);
    publish_states(1, 1, 9, "before all others");
    publish_states(9000, 1, 9, "behind all others");
    publish_states(1005, 10, 30, "in between");
    publish_states(1000, 10, 15, "revised");
    assert_int_equal(g.s.report.delta.rows_revised, 15);
    publish_states(1, 3, 400, "a third of everything");
    assert_true(shard_sizes(&least, &most) > 20);
    assert_true(least >= 1);
    assert_true(most < 20);
}

static void only_the_ranges_that_a_source_touches_are_read_and_written(void **state)
{
    (void)state;
    stage_close(&g);
    stage_open(&g, "moving");
    g.s.index_range = 10;
    g.s.options.no_consolidate = true;
    publish_free(states(0, 1, 200, "new"));
    stage_heal(&g);
    publish_free(states(100, 1, 3, "revised"));
    assert_int_equal(g.s.report.delta.rows_revised, 3);
    assert_int_equal(stage_count(&g, FAULT_GET_FILE, "index/"), 1);
    assert_int_equal(stage_count(&g, FAULT_PUT_NEW, "index/"), 1);
}

static void a_rebuilt_range_index_is_cut_too(void **state)
{
    (void)state;
    size_t least, most;
    stage_close(&g);
    stage_open(&g, "moving");
    g.s.index_range = 10;
    publish_free(states(0, 1, 95, "new"));
    look_remove(g.memory, INDEX);
    publish_free(states(90, 1, 10, "more"));
    assert_healed(INDEX_REBUILT);
    assert_int_equal(g.s.report.delta.rows_new, 5);
    assert_int_equal(g.s.report.delta.rows_revised, 5);
    assert_true(shard_sizes(&least, &most) >= 8);
    stage_check(&g, READER_SETTLED);
}

/* Keys of several columns, with NULL among them: NULL is a value, and comes last. */
static const struct variant two_columns = {
    .name = "two columns",
    .yaml = "columns:\n"
            "  - {name: name, type: text, nullable: true}\n"
            "  - {name: day, type: date, nullable: true}\n"
            "  - {name: n, type: int}\n"
            "key: [name, day]\n",
    .shape = {.columns = {"name", "day", "n"}, .key = {"name", "day"}},
};

static char *named_days(unsigned first, unsigned step, unsigned n)
{
    static const char *const names[] = {"", "a", "a b", "it's", "\"x,\"\"y\"\"\"", "z"};
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "name,day,n\n");
    for (unsigned i = first; i < 120; i += step) {
        str_printf(&text, "%s,", names[i % 6]);
        if (i % 20 >= 6)
            str_printf(&text, "2026-01-%02u", i / 6 + 1);
        str_printf(&text, ",%u\n", n + i / 6);
    }
    return str_detach(&text);
}

static void ranges_of_keys_with_null_in_them_hold_every_key_once(void **state)
{
    (void)state;
    size_t least, most;
    stage_close(&g);
    stage_open_variant(&g, &two_columns);
    g.s.index_range = 5;
    publish_free(named_days(0, 3, 0));
    stage_check(&g, READER_SETTLED);
    assert_true(shard_sizes(&least, &most) > 3);
    publish_free(named_days(0, 1, 0));
    stage_check(&g, READER_SETTLED);
    publish_free(named_days(1, 2, 1000));
    stage_check(&g, READER_SETTLED);
    assert_true(shard_sizes(&least, &most) > 8);
    stage_run(&g, RUN_UNCHANGED);
    g.s.options.force = true;
    stage_run(&g, RUN_NO_NEW_ROWS);
}

/* What another writer does between our look at the pointer and our look at the index. */
static void shards_that_were_replaced_while_they_were_read_are_no_damage(void **state)
{
    (void)state;
    const struct limits limits = {.threads = 1};
    struct index_state seen;
    struct dataset d;
    struct error err = ERROR_INIT;
    stage_publish(&g, 0);
    dataset_init(&d, g.memory, "any", NULL, &limits);
    assert_int_equal(index_read(g.memory, &seen, NULL), ERR_OK);
    error_set(&err, ERR_SYSTEM, "IO Error");
    assert_int_equal(index_keeper_excuse(&d, &seen, ERR_SYSTEM, &err), ERR_SYSTEM);
    assert_string_equal(err.text, "IO Error");
    stage_publish(&g, 1);
    assert_int_equal(index_keeper_excuse(&d, &seen, ERR_AGAIN, &err), ERR_AGAIN);
    assert_int_equal(index_keeper_excuse(&d, &seen, ERR_SYSTEM, &err), ERR_CONFLICT);
    assert_int_equal(index_keeper_excuse(&d, &seen, ERR_DAMAGED, &err), ERR_CONFLICT);
    index_release(&seen);
    /* Where none was read, none was replaced. */
    assert_int_equal(index_keeper_excuse(&d, &seen, ERR_SYSTEM, &err), ERR_SYSTEM);
    dataset_release(&d);
}

static void publish_second(void *ctx, struct store *inner)
{
    (void)ctx;
    (void)inner;
    stage_other(&g, g.variant->snapshots[1]);
}

static void an_index_that_is_ahead_of_an_old_base_is_not_rebuilt(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    store_fault_add(
        g.st,
        &(struct fault){
            .action = FAULT_CALL, .op = FAULT_GET, .key = INDEX, .at = 1, .call = publish_second});
    stage_publish(&g, 2);
    assert_not_healed();
    assert_int_equal(g.s.report.commits.attempts, 2);
    assert_int_equal(g.s.report.version.sequence, 3);
    stage_check(&g, READER_SETTLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_check_detects_a_consistent_index),
        TEST(the_check_detects_an_inconsistent_index),
        TEST(phantom_keys_of_a_version_that_was_never_published_are_detected),
        TEST(
            the_rebuild_reconstructs_the_index_from_the_pointer_and_ignores_events_of_unpublished_versions),
        TEST(
            a_failed_index_write_after_the_cas_leaves_a_published_version_and_is_healed_by_the_next_run),
        TEST(an_index_that_is_several_versions_behind_is_caught_up),
        TEST(a_damaged_shard_is_detected_and_healed),
        TEST(a_missing_shard_is_detected_and_healed),
        TEST(a_damaged_shard_of_an_index_that_is_behind_turns_catching_up_into_a_rebuild),
        TEST(a_lost_index_is_rebuilt),
        TEST(an_unreadable_index_is_rebuilt),
        TEST(an_index_of_a_newer_program_is_refused_and_nothing_is_written),
        TEST(a_rebuild_from_damaged_events_stops_and_names_the_file),
        TEST(a_run_that_heals_its_index_still_reads_its_source),
        TEST(a_range_that_grows_is_cut_and_every_key_stays_in_exactly_one),
        TEST(only_the_ranges_that_a_source_touches_are_read_and_written),
        TEST(a_rebuilt_range_index_is_cut_too),
        TEST(ranges_of_keys_with_null_in_them_hold_every_key_once),
        TEST(shards_that_were_replaced_while_they_were_read_are_no_damage),
        TEST(an_index_that_is_ahead_of_an_old_base_is_not_rebuilt),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

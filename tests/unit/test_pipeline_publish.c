/* Publishing: all events or none, the manifest, the swap, and what each failure leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "derived/index/keeper.h"
#include "pipeline/run_private.h"
#include "support/catalog_sample.h"
#include "support/look.h"
#include "support/stage.h"
#include "util/fs.h"
#include "util/mem.h"

#include <cmocka.h>

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

static void success_with_all_events_written(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    assert_int_equal(g.s.report.load.rows_read, 5);
    assert_int_equal(g.s.report.load.rows_duplicate, 1);
    assert_int_equal(g.s.report.delta.rows_new, 4);
    assert_int_equal(g.s.report.events.files_written, 2);
    assert_int_equal(g.s.report.keys_total, 4);
    assert_int_equal(look_count(g.memory, "events/_data/"), 2);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.delta.rows_new, 3);
    assert_int_equal(g.s.report.delta.rows_revised, 1);
    assert_int_equal(g.s.report.delta.rows_known, 1);
    assert_int_equal(g.s.report.delta.rows_vanished, 2);
    assert_int_equal(g.s.report.rows_total, 8);
    assert_int_equal(look_count(g.memory, "events/_data/"), 5);
    stage_check(&g, READER_SETTLED);
}

/* A state of everything but the records of runs. */
static char *state_of(struct store *st)
{
    static const char *const folders[] = {"current/", "manifests/",   "events/",
                                          "index/",   "projections/", ".tmp/"};
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        char *part = look_state(st, folders[i]);
        str_append(&text, part);
        free(part);
    }
    return str_detach(&text);
}

static void assert_state(const char *wanted)
{
    char *now = state_of(g.memory);
    assert_string_equal(now, wanted);
    free(now);
}

static void partial_failure_rolls_back_exactly_what_was_written(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    /* The remains of somebody else's attempt at the same version are not ours to touch. */
    const char *foreign = "events/0000000002-0123456789abcdef0123456789abcdef/part-0.parquet";
    look_replace(g.memory, foreign, "foreign", 7);
    char *before = state_of(g.memory);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, "events/_data/", 3);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_AGAIN);
    assert_int_equal(g.s.report.events.rollbacks, 1);
    assert_int_equal(g.s.report.events.rolled_back, 2);
    assert_int_equal(g.s.report.events.left, 0);
    assert_true(scenario_logged(&g.s, "rolling back 2 events due to write failure"));
    assert_state(before);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    free(before);
}

static void a_failure_while_finishing_the_batch_rolls_back_all_its_events(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *before = state_of(g.memory);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, "manifests/", 1);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_AGAIN);
    assert_int_equal(g.s.report.events.rolled_back, 3);
    assert_true(scenario_logged(&g.s, "rolling back 3 events due to write failure"));
    assert_state(before);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    free(before);
}

static void a_swap_that_is_refused_for_sure_rolls_back_manifest_and_events(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *before = state_of(g.memory);
    store_fault_add(
        g.st, &(struct fault){
                  .action = FAULT_FAIL, .op = FAULT_SWAP, .key = "current/", .code = ERR_DENIED});
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_DENIED);
    assert_int_equal(g.s.report.events.rolled_back, 3);
    assert_state(before);
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    free(before);
}

static void what_cannot_be_rolled_back_is_counted_and_left_to_gc(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, "manifests/", 0);
    stage_fault(&g, FAULT_FAIL, FAULT_REMOVE, "month=02", 0);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_AGAIN);
    assert_int_equal(g.s.report.events.rolled_back, 2);
    assert_int_equal(g.s.report.events.left, 1);
    assert_true(scenario_logged(&g.s, "is left to gc"));
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    assert_true(reader_orphans(g.reader) >= 1);
}

/* Every snapshot of a variant, and the last one again. */
static void publish_all(const char *variant)
{
    stage_close(&g);
    stage_open(&g, variant);
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && g.variant->snapshots[i] != NULL; i++) {
        stage_publish(&g, i);
        stage_check(&g, READER_SETTLED);
    }
    g.s.options.force = true;
    stage_run(&g, RUN_NO_NEW_ROWS);
    stage_check(&g, READER_SETTLED);
}

static void keys_are_compared_as_values_and_never_as_joined_text(void **state)
{
    (void)state;
    publish_all("separators");
    char *rows = scenario_read(&g.s, g.st, false);
    assert_non_null(strstr(rows, "\na,b|c,12\n"));
    assert_non_null(strstr(rows, "\na|b,c,9\n"));
    free(rows);
}

static void revised_rows_may_move_between_partitions_or_be_in_none(void **state)
{
    (void)state;
    publish_all("moving");
    publish_all("uncut");
}

static void revisions_are_left_out_where_that_is_configured(void **state)
{
    (void)state;
    publish_all("ignore");
    assert_int_equal(g.s.report.delta.rows_revised, 0);
}

/* There is no high-water mark: a series that is behind is not dropped because another is ahead. */
static void late_rows_are_found_however_late(void **state)
{
    (void)state;
    assert_int_equal(stage_try(&g, "series,day,value,note\nA,2026-12-31,1.00,\n"), ERR_OK);
    assert_int_equal(stage_try(&g, "series,day,value,note\n"
                                   "A,2026-12-31,1.00,\n"
                                   "B,2020-01-01,2.00,late\n"
                                   "A,2026-12-30,3.00,late\n"),
                     ERR_OK);
    assert_int_equal(g.s.report.delta.rows_new, 2);
    stage_check(&g, READER_SETTLED);
}

/* ---- Verification -------------------------------------------------------------------------- */

/* The steps of a run up to its local event files. */
static void walk_to_events(struct run *r)
{
    struct error err = ERROR_INIT;
    assert_int_equal(step_find_source(r, &err), ERR_OK);
    assert_int_equal(sample_open(g.st, SCENARIO_DATASET, &r->base, &err), ERR_OK);
    step_derived_init(r);
    assert_int_equal(step_open_derived(r, &err), ERR_OK);
    assert_int_equal(step_load(r, &r->report->load, &err), ERR_OK);
    assert_int_equal(step_delta(r, &r->report->delta, &err), ERR_OK);
    assert_int_equal(step_write_events(r, &err), ERR_OK);
    assert_int_equal(r->events.files.count, 3);
}

static void exchange(const char *a, const char *b)
{
    struct str bytes;
    str_init(&bytes, STR_MAX_DEFAULT);
    assert_int_equal(fs_read(b, &bytes, NULL), ERR_OK);
    assert_int_equal(fs_write(a, bytes.data, bytes.len, NULL), ERR_OK);
    str_release(&bytes);
}

static void every_event_is_verified_before_the_manifest_is_written(void **state)
{
    (void)state;
    struct dataset d;
    struct run_report report = {.outcome = RUN_FAILED};
    struct run r = {.d = &d, .options = &g.s.options, .report = &report};
    struct error err = ERROR_INIT;
    stage_publish(&g, 0);
    const char *csv = g.variant->snapshots[1];
    scenario_source(&g.s, "source.csv", csv, strlen(csv));
    scenario_dataset(&g.s, g.st, &d);
    walk_to_events(&r);
    stage_mark(&g);
    /* As many rows, other keys; then a file that is none. */
    assert_int_equal(step_verify_events(&r, &err), ERR_OK);
    exchange(r.events.paths[0], r.events.paths[1]);
    assert_int_equal(step_verify_events(&r, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, r.events.files.items[0].key));
    assert_int_equal(fs_write(r.events.paths[0], "PAR1", 4, NULL), ERR_OK);
    assert_int_not_equal(step_verify_events(&r, &err), ERR_OK);
    assert_int_equal(stage_writes(&g), 0);
    step_events_release(&r);
    step_source_release(&r);
    base_release(&r.base);
    schema_release(&r.schema);
    step_derived_release(&r);
    delta_release(&r.delta);
    run_report_release(&report);
    dataset_release(&d);
}

static void all_events_are_stored_before_the_manifest_and_the_manifest_before_the_swap(void **state)
{
    (void)state;
    size_t events = 0, manifest = 0, pointer = 0;
    stage_publish(&g, 0);
    stage_mark(&g);
    stage_publish(&g, 1);
    for (size_t k = 1; k <= store_fault_count(g.st); k++) {
        const char *key;
        enum fault_op op = store_fault_operation(g.st, k, &key);
        if (op == FAULT_PUT_NEW && strncmp(key, "events/_data/", 13) == 0)
            events = k;
        if (op == FAULT_PUT_NEW && strncmp(key, "manifests/", 10) == 0)
            manifest = k;
        if (op == FAULT_SWAP && strncmp(key, "current/", 8) == 0)
            pointer = k;
    }
    assert_int_equal(stage_count(&g, FAULT_PUT_NEW, "events/_data/"), 3);
    assert_true(events < manifest);
    assert_true(manifest < pointer);
}

/* Changes whatever Parquet lies in the scratch folder, one byte each. */
static int spoil_file(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    const char *folder = ctx;
    struct str bytes;
    (void)stat;
    (void)err;
    if (!str_ends(name, ".parquet"))
        return ERR_OK;
    char *path = fs_join(folder, name);
    str_init(&bytes, STR_MAX_DEFAULT);
    assert_int_equal(fs_read(path, &bytes, NULL), ERR_OK);
    bytes.data[bytes.len / 2] ^= 1;
    assert_int_equal(fs_write(path, bytes.data, bytes.len, NULL), ERR_OK);
    str_release(&bytes);
    free(path);
    return ERR_OK;
}

static void spoil_scratch(void *ctx, struct store *inner)
{
    (void)inner;
    assert_int_equal(fs_walk(ctx, spoil_file, ctx, NULL), ERR_OK);
}

static void
an_event_that_changes_on_its_way_to_the_store_is_refused_and_all_are_rolled_back(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *before = state_of(g.memory);
    stage_heal(&g);
    store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                          .op = FAULT_PUT_NEW,
                                          .key = "events/",
                                          .at = 2,
                                          .call = spoil_scratch,
                                          .ctx = g.s.config.temp});
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_DAMAGED);
    assert_int_equal(g.s.report.events.rolled_back, 1);
    assert_state(before);
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(success_with_all_events_written),
        TEST(keys_are_compared_as_values_and_never_as_joined_text),
        TEST(revised_rows_may_move_between_partitions_or_be_in_none),
        TEST(revisions_are_left_out_where_that_is_configured),
        TEST(late_rows_are_found_however_late),
        TEST(partial_failure_rolls_back_exactly_what_was_written),
        TEST(a_failure_while_finishing_the_batch_rolls_back_all_its_events),
        TEST(a_swap_that_is_refused_for_sure_rolls_back_manifest_and_events),
        TEST(what_cannot_be_rolled_back_is_counted_and_left_to_gc),
        TEST(every_event_is_verified_before_the_manifest_is_written),
        TEST(all_events_are_stored_before_the_manifest_and_the_manifest_before_the_swap),
        TEST(an_event_that_changes_on_its_way_to_the_store_is_refused_and_all_are_rolled_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

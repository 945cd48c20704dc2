/* Consolidation: a redo log, not a hope. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/catalog.h"
#include "derived/projection/consolidate.h"
#include "support/catalog_sample.h"
#include "support/look.h"
#include "support/stage.h"
#include "support/store_check.h"
#include "util/mem.h"

#include <cmocka.h>

#define STATE "projections/manifest.json"

static struct stage g;

static int open_stage(void **state)
{
    (void)state;
    stage_open(&g, "moving");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&g);
    return 0;
}

/* Publish two versions; the second leaves its consolidation behind because of a fault. */
static void leave_behind(enum fault_op op, const char *key, size_t at)
{
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, op, key, at);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.warning_count, 1);
    assert_non_null(strstr(g.s.report.warnings[0], "projections are behind"));
    assert_int_equal(projection_report_of(&g.s.report.derived)->state, PROJECTION_IN_PROGRESS);
    assert_true(projection_report_of(&g.s.report.derived)->behind > 0);
    stage_check(&g, READER_ANYTIME);
    stage_heal(&g);
}

static void consolidation_skips_when_completed(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    assert_false(projection_report_of(&g.s.report.derived)->skipped);
    stage_mark(&g);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->skipped);
    assert_int_equal(projection_report_of(&g.s.report.derived)->state, PROJECTION_COMPLETED);
    assert_int_equal(scenario_consolidate(&g.s, g.st), ERR_OK);
    assert_true(projection_report_of(&g.s.report.derived)->skipped);
    assert_int_equal(stage_writes(&g), 0);
}

static void consolidation_resumes_when_in_progress(void **state)
{
    (void)state;
    leave_behind(FAULT_PUT_NEW, ".tmp/", 2);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->resumed);
    assert_false(projection_report_of(&g.s.report.derived)->replayed);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 3);
    stage_check(&g, READER_SETTLED);
}

static void consolidation_replays_a_redo_list(void **state)
{
    (void)state;
    leave_behind(FAULT_MOVE, NULL, 0);
    assert_int_equal(look_count(g.memory, ".tmp/"), 3);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->replayed);
    assert_int_equal(projection_report_of(&g.s.report.derived)->moved, 3);
    /* What was written ahead was used, not built again. */
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 0);
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
    stage_check(&g, READER_SETTLED);
}

static void a_half_moved_redo_list_goes_forward(void **state)
{
    (void)state;
    leave_behind(FAULT_MOVE, "2026-02", 0);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->replayed);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 0);
    stage_check(&g, READER_SETTLED);
}

static void a_redo_list_whose_file_is_gone_is_built_again(void **state)
{
    (void)state;
    leave_behind(FAULT_MOVE, NULL, 0);
    char *temp = look_find(g.memory, ".tmp/", "2026-02");
    look_remove(g.memory, temp);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->built > 0);
    stage_check(&g, READER_SETTLED);
    free(temp);
}

static void a_redo_list_is_replayed_before_a_newer_version_is_built(void **state)
{
    (void)state;
    leave_behind(FAULT_MOVE, NULL, 0);
    stage_publish(&g, 2);
    assert_true(projection_report_of(&g.s.report.derived)->replayed);
    assert_true(projection_report_of(&g.s.report.derived)->built > 0);
    stage_check(&g, READER_SETTLED);
}

static void consolidation_cleans_its_scratch_at_the_start(void **state)
{
    (void)state;
    static const char remain[] = ".tmp/0000000001-0123456789abcdef0123456789abcdef/2026-01.parquet";
    /* Of an attempt that died right after it had completed; then of one that was in progress. */
    stage_publish(&g, 0);
    look_replace(g.memory, remain, "remain", 6);
    stage_publish(&g, 1);
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, ".tmp/", 1);
    stage_publish(&g, 2);
    look_replace(g.memory, remain, "remain", 6);
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
    stage_check(&g, READER_SETTLED);
}

static void consolidation_cleans_its_scratch_on_error(void **state)
{
    (void)state;
    leave_behind(FAULT_PUT_NEW, ".tmp/", 3);
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
}

static void scratch_that_a_redo_list_names_is_not_cleaned_on_error(void **state)
{
    (void)state;
    leave_behind(FAULT_SWAP, STATE, 3);
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
    stage_check(&g, READER_ANYTIME);
    stage_run(&g, RUN_UNCHANGED);
    stage_check(&g, READER_SETTLED);
}

static void a_partition_that_fails_is_tried_again_by_every_later_run(void **state)
{
    (void)state;
    leave_behind(FAULT_MOVE, "2026-02", 0);
    for (size_t i = 2; i < 4; i++) {
        stage_heal(&g);
        stage_fault(&g, FAULT_FAIL, FAULT_MOVE, "2026-02", 0);
        stage_publish(&g, i);
        assert_int_equal(projection_report_of(&g.s.report.derived)->state, PROJECTION_IN_PROGRESS);
        assert_true(projection_report_of(&g.s.report.derived)->behind > 0);
        assert_true(scenario_logged(&g.s, "consolidation:"));
        stage_check(&g, READER_ANYTIME);
    }
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    assert_int_equal(projection_report_of(&g.s.report.derived)->behind, 0);
    stage_check(&g, READER_SETTLED);
}

static void rows_that_move_leave_their_old_partition(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        stage_publish(&g, i);
        stage_check(&g, READER_SETTLED);
    }
}

/* The versions of a partition are those of the chain, whatever was tried in between. */
static void versions_that_were_lost_stand_in_no_partition(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    store_fault_add(
        g.st, &(struct fault){
                  .action = FAULT_FAIL, .op = FAULT_SWAP, .key = "current/", .code = ERR_DENIED});
    assert_int_equal(stage_try(&g, g.variant->snapshots[2]), ERR_DENIED);
    stage_heal(&g);
    stage_publish(&g, 1);
    struct json *root = look_json(g.memory, STATE);
    const struct json *parts = json_get(root, "parts");
    size_t seen = 0;
    for (size_t i = 0; i < json_count(parts); i++) {
        const struct json *part = json_at(parts, i);
        const struct json *versions = json_get(part, "versions");
        bool march = strcmp(json_string(json_get(part, "partition")), "year=2026/month=03") == 0;
        seen += json_count(versions);
        assert_int_equal(json_count(versions), march ? 1 : 2);
        assert_int_equal(json_integer(json_at(versions, 0)), march ? 2 : 1);
    }
    assert_int_equal(seen, 5);
    json_free(root);
}

static void a_missing_projection_file_is_built_again(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    look_remove(g.memory, "projections/windows/2026-01.parquet");
    assert_int_equal(scenario_consolidate(&g.s, g.st), ERR_OK);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 1);
    assert_true(scenario_logged(&g.s, "2026-01.parquet is missing"));
    stage_check(&g, READER_SETTLED);
}

static void a_damaged_projection_file_is_built_again(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_damage(g.memory, "projections/windows/2026-02.parquet");
    assert_int_equal(scenario_consolidate(&g.s, g.st), ERR_OK);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 1);
    stage_check(&g, READER_SETTLED);
}

static void a_lost_or_damaged_projection_manifest_means_all_is_built_again(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, STATE);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    look_replace(g.memory, STATE, "{", 1);
    stage_run(&g, RUN_UNCHANGED);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 3);
    stage_check(&g, READER_SETTLED);
}

/* ---- Several at once ----------------------------------------------------------------------- */

static void run_other(void *ctx, struct store *inner)
{
    (void)inner;
    stage_other(&g, ctx);
}

static void call_other(enum fault_action when, enum fault_op op, const char *key, size_t at,
                       size_t snapshot)
{
    store_fault_add(g.st, &(struct fault){.action = when,
                                          .op = op,
                                          .key = key,
                                          .at = at,
                                          .call = run_other,
                                          .ctx = mem_unconst(g.variant->snapshots[snapshot])});
}

static void
a_consolidation_that_is_overtaken_finds_its_source_gone_and_changes_nothing(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {
        {FAULT_PUT_NEW, ".tmp/"},
        {FAULT_SWAP, STATE},
        {FAULT_MOVE, NULL},
        {FAULT_HEAD, "windows/"},
    };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        stage_publish(&g, 0);
        stage_heal(&g);
        call_other(FAULT_CALL, places[i].op, places[i].key, 2, 2);
        stage_publish(&g, 1);
        stage_check(&g, READER_SETTLED);
        assert_int_equal(reader_versions(g.reader), 3);
        assert_int_equal(look_count(g.memory, ".tmp/"), 0);
        stage_close(&g);
        stage_open(&g, "moving");
    }
}

/* Ours is slow and holds an old base, when another one is in the middle of a newer version. */
static void an_old_base_never_takes_the_projections_back(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    struct base base;
    struct dataset d;
    struct consolidation_report report;
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(g.st, SCENARIO_DATASET, &base, &err), ERR_OK);
    stage_publish(&g, 1);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, ".tmp/", 1);
    stage_publish(&g, 2);
    stage_check(&g, READER_ANYTIME);
    stage_heal(&g);
    scenario_dataset(&g.s, g.st, &d);
    assert_int_equal(consolidate(&d, &base, CONSOLIDATE_CHECK_SIZE, &report, &err), ERR_OK);
    assert_int_equal(report.state, PROJECTION_COMPLETED);
    stage_check(&g, READER_SETTLED);
    /* Nor is anything to be done for an old base where all is completed. */
    stage_mark(&g);
    assert_int_equal(consolidate(&d, &base, CONSOLIDATE_CHECK_SIZE, &report, &err), ERR_OK);
    assert_true(report.skipped);
    assert_int_equal(stage_writes(&g), 0);
    dataset_release(&d);
    base_release(&base);
}

/* The files in place say that they are of a newer version; but the chain does not hold it. */
static void a_repair_to_an_older_version_is_followed_by_index_and_projections(void **state)
{
    (void)state;
    struct pointer repaired;
    struct error err = ERROR_INIT;
    stage_publish(&g, 0);
    char *manifest = look_find(g.memory, "manifests/", "0000000001-");
    stage_publish(&g, 1);
    stage_publish(&g, 2);
    assert_int_equal(sample_repair(g.memory, manifest, true, false, &repaired, &err), ERR_OK);
    reader_forget(g.reader);
    store_check_allow_repair(g.watched, true);
    stage_publish(&g, 3);
    store_check_allow_repair(g.watched, false);
    assert_int_equal(g.s.report.version.sequence, 2);
    assert_int_equal(index_report_of(&g.s.report.derived)->recovery, INDEX_REBUILT);
    stage_check(&g, READER_SETTLED);
    free(manifest);
}

/* Does the projection of January hold, byte for byte, what its event file does? */
static bool same_file(void)
{
    struct str event, window;
    char *key = look_find(g.memory, "events/_data/", "month=01");
    char *in_place = look_find(g.memory, "projections/windows/", "-01.parquet");
    str_init(&event, 1 << 20);
    str_init(&window, 1 << 20);
    assert_int_equal(store_get(g.memory, key, &event, NULL, NULL), ERR_OK);
    assert_int_equal(store_get(g.memory, in_place, &window, NULL, NULL), ERR_OK);
    bool same = event.len == window.len && memcmp(event.data, window.data, event.len) == 0;
    str_release(&event);
    str_release(&window);
    free(in_place);
    free(key);
    return same;
}

static void the_only_event_file_of_a_partition_is_its_projection(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    assert_true(same_file());
    stage_check(&g, READER_SETTLED);
    stage_publish(&g, 1);
    assert_false(same_file());
    stage_check(&g, READER_SETTLED);
}

static void projections_with_an_order_of_their_own_are_sorted(void **state)
{
    (void)state;
    char *yaml = mem_printf("%ssort: [day]\n", g.variant->yaml);
    scenario_reconfigure(&g.s, yaml);
    assert_int_equal(stage_try(&g, "id,day,state\n1,2026-01-06,a\n2,2026-01-05,b\n"), ERR_OK);
    assert_false(same_file());
    stage_check(&g, READER_SETTLED);
    free(yaml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(consolidation_skips_when_completed),
        TEST(consolidation_resumes_when_in_progress),
        TEST(consolidation_replays_a_redo_list),
        TEST(a_half_moved_redo_list_goes_forward),
        TEST(a_redo_list_whose_file_is_gone_is_built_again),
        TEST(a_redo_list_is_replayed_before_a_newer_version_is_built),
        TEST(consolidation_cleans_its_scratch_at_the_start),
        TEST(consolidation_cleans_its_scratch_on_error),
        TEST(scratch_that_a_redo_list_names_is_not_cleaned_on_error),
        TEST(a_partition_that_fails_is_tried_again_by_every_later_run),
        TEST(rows_that_move_leave_their_old_partition),
        TEST(versions_that_were_lost_stand_in_no_partition),
        TEST(a_missing_projection_file_is_built_again),
        TEST(a_damaged_projection_file_is_built_again),
        TEST(a_lost_or_damaged_projection_manifest_means_all_is_built_again),
        TEST(a_consolidation_that_is_overtaken_finds_its_source_gone_and_changes_nothing),
        TEST(an_old_base_never_takes_the_projections_back),
        TEST(a_repair_to_an_older_version_is_followed_by_index_and_projections),
        TEST(the_only_event_file_of_a_partition_is_its_projection),
        TEST(projections_with_an_order_of_their_own_are_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

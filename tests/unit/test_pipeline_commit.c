/* The swap of the pointer under other writers, lost answers and gc. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/gc.h"
#include "derived/index/state.h"
#include "support/catalog_sample.h"
#include "support/look.h"
#include "support/stage.h"
#include "util/id.h"
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

/* What another writer does in the middle of our run: a version of its own, each time another. */
struct rival {
    size_t published;
    char *pointer; /* as it left them */
    char *index;
};

static void publish_rival(void *ctx, struct store *inner)
{
    struct rival *r = ctx;
    (void)inner;
    char text[80];
    snprintf(text, sizeof text, "series,day,value,note\nXYZ,2026-02-%02zu,5.00,rival\n",
             ++r->published);
    stage_other(&g, text);
    free(r->pointer);
    free(r->index);
    r->pointer = look_state(g.memory, "current/");
    r->index = look_state(g.memory, "index/");
}

static void rival_release(struct rival *r)
{
    free(r->pointer);
    free(r->index);
}

static void call_at_swap(struct rival *rival, enum fault_action when, size_t at)
{
    store_fault_add(g.st, &(struct fault){.action = when,
                                          .op = FAULT_SWAP,
                                          .key = "current/",
                                          .at = at,
                                          .call = publish_rival,
                                          .ctx = rival});
}

/* Objects of attempts that are in no version: they must be gone. */
static void assert_no_orphan_versions(void)
{
    struct json *pointer = look_json(g.memory, "current/manifest.json");
    assert_int_equal(look_count(g.memory, "manifests/"),
                     json_integer(json_get(pointer, "sequence")));
    json_free(pointer);
}

static void cas_lost_leaves_pointer_and_index_untouched(void **state)
{
    (void)state;
    struct rival rival = {.published = 0};
    stage_publish(&g, 0);
    stage_heal(&g);
    g.s.options.retries = 2;
    call_at_swap(&rival, FAULT_CALL, 0);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_LOST);
    assert_int_equal(g.s.report.outcome, RUN_LOST);
    assert_int_equal(g.s.report.commits.attempts, 3);
    assert_int_equal(g.s.report.commits.conflicts, 3);
    assert_int_equal(rival.published, 3);
    char *pointer = look_state(g.memory, "current/");
    char *index = look_state(g.memory, "index/");
    assert_string_equal(pointer, rival.pointer);
    assert_string_equal(index, rival.index);
    assert_no_orphan_versions();
    stage_check(&g, READER_ANYTIME);
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    free(pointer);
    free(index);
    rival_release(&rival);
}

static void publish_texts(void *ctx, struct store *inner)
{
    (void)ctx;
    (void)inner;
    stage_other(&g, "series,day,value\nXYZ,2026-02-01,x9\n");
}

/* Ours has found numbers; the winner of the race for the first version found texts, which stay. */
static void types_that_the_winner_has_frozen_count_after_a_lost_race(void **state)
{
    (void)state;
    struct variant transformed = *scenario_variant("month");
    transformed.yaml = "key: [series, day]\n"
                       "transform: SELECT series, day, max(value) AS value FROM source "
                       "GROUP BY series, day\n";
    stage_close(&g);
    stage_open_variant(&g, &transformed);
    store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                          .op = FAULT_SWAP,
                                          .key = "current/",
                                          .at = 2, /* the first one makes the dataset */
                                          .call = publish_texts});
    assert_int_equal(stage_try(&g, "series,day,value\nABC,2026-02-01,9\nABC,2026-02-01,10\n"),
                     ERR_OK);
    assert_int_equal(g.s.report.commits.attempts, 2);
    char *rows = scenario_read(&g.s, g.memory, false);
    assert_non_null(strstr(rows, "ABC,2026-02-01,9\n")); /* the greatest of two texts */
    free(rows);
}

/* The tag is that of the base which the delta was computed against: a winner in between shows. */
static void a_lost_race_starts_again_with_a_new_delta(void **state)
{
    (void)state;
    struct rival rival = {.published = 0};
    stage_publish(&g, 0);
    stage_heal(&g);
    call_at_swap(&rival, FAULT_CALL, 1);
    /* The rival's own row, and a revision of it, are in our snapshot, too. */
    assert_int_equal(stage_try(&g, "series,day,value,note\n"
                                   "XYZ,2026-02-01,5.00,rival\n"
                                   "XYZ,2026-02-02,6.00,ours\n"),
                     ERR_OK);
    assert_int_equal(g.s.report.commits.attempts, 2);
    assert_int_equal(g.s.report.commits.conflicts, 1);
    assert_int_equal(g.s.report.delta.rows_new, 1);
    assert_int_equal(g.s.report.delta.rows_known, 1);
    assert_int_equal(g.s.report.version.sequence, 3);
    assert_int_equal(g.s.report.events.rollbacks, 0);
    assert_true(scenario_logged(&g.s, "lost the race for version 2"));
    assert_no_orphan_versions();
    stage_check(&g, READER_SETTLED);
    rival_release(&rival);
}

static void a_lost_race_against_the_same_rows_ends_with_nothing_new(void **state)
{
    (void)state;
    struct rival rival = {.published = 0};
    stage_publish(&g, 0);
    stage_heal(&g);
    call_at_swap(&rival, FAULT_CALL, 1);
    assert_int_equal(stage_try(&g, "series,day,value,note\nXYZ,2026-02-01,5.00,rival\n"), ERR_OK);
    assert_int_equal(g.s.report.outcome, RUN_NO_NEW_ROWS);
    assert_no_orphan_versions();
    stage_check(&g, READER_SETTLED);
    rival_release(&rival);
}

static void a_lost_answer_is_not_taken_for_a_lost_race(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_LOSE_ANSWER, FAULT_SWAP, "current/", 1);
    stage_publish(&g, 1);
    assert_true(g.s.report.commits.settled_by_reading);
    assert_int_equal(g.s.report.commits.ambiguous, 1);
    assert_int_equal(g.s.report.commits.conflicts, 0);
    stage_check(&g, READER_SETTLED);
}

/* Ours landed, the answer was lost, and another one has published on top before we looked. */
static void a_commit_under_a_newer_one_is_found(void **state)
{
    (void)state;
    struct rival rival = {.published = 0};
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_LOSE_ANSWER, FAULT_SWAP, "current/", 1);
    call_at_swap(&rival, FAULT_CALL_AFTER, 1);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.version.sequence, 2);
    assert_int_equal(g.s.report.commits.conflicts, 0);
    assert_true(g.s.report.commits.settled_by_reading);
    stage_check(&g, READER_ANYTIME);
    stage_publish(&g, 2);
    stage_check(&g, READER_SETTLED);
    rival_release(&rival);
}

/* The first copy is under way, its successor finds it landed. */
static void a_late_copy_of_ones_own_swap_is_not_somebody_elses_win(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    store_fault_add(
        g.st,
        &(struct fault){
            .action = FAULT_APPLY_LATE, .op = FAULT_SWAP, .key = "current/", .at = 1, .later = 2});
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.commits.conflicts, 0);
    assert_int_equal(g.s.report.commits.attempts, 1);
    stage_check(&g, READER_SETTLED);
}

static void an_unknown_outcome_deletes_nothing_and_the_next_run_settles_it(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_APPLY_LATE, FAULT_SWAP, "current/", 0);
    stage_mark(&g);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_UNKNOWN);
    assert_int_equal(g.s.report.outcome, RUN_UNKNOWN);
    assert_int_equal(stage_count(&g, FAULT_REMOVE, NULL), 0);
    assert_int_equal(g.s.report.events.rolled_back, 0);
    assert_int_equal(look_count(g.memory, "manifests/"), 2);
    assert_non_null(strstr(g.s.err.text, "Nothing was deleted"));
    stage_check(&g, READER_ANYTIME);
    /* It did land in the end. */
    store_fault_flush(g.st);
    stage_check(&g, READER_ANYTIME);
    assert_int_equal(reader_versions(g.reader), 2);
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    stage_check(&g, READER_SETTLED);
}

static void an_unknown_outcome_that_never_landed_is_published_by_the_next_run(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    store_fault_add(
        g.st, &(struct fault){
                  .action = FAULT_FAIL, .op = FAULT_SWAP, .key = "current/", .code = ERR_UNKNOWN});
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_UNKNOWN);
    stage_heal(&g);
    stage_publish(&g, 1);
    assert_int_equal(reader_versions(g.reader), 0);
    stage_check(&g, READER_SETTLED);
    assert_int_equal(reader_versions(g.reader), 2);
}

/* gc's fence, in the middle of a run: a slow writer loses its swap, and starts again. */
static void collect(void *ctx, struct store *inner)
{
    struct gc_report report;
    struct error err = ERROR_INIT;
    (void)inner;
    if (gc_collect(g.watched, sample_roots(), SCENARIO_DATASET, true, &report, &err) != ERR_OK)
        fail_msg("gc: %s", err.text);
    *(size_t *)ctx += report.removed;
    gc_report_release(&report);
}

static void gc_in_the_middle_of_a_run_costs_time_and_never_a_row(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
        uint64_t attempts; /* that the run needs */
    } places[] = {
        {FAULT_PUT_NEW, "month=02", 2},
        {FAULT_PUT_NEW, "manifests/", 2},
        {FAULT_SWAP, "current/", 2},
        {FAULT_PUT_NEW, "index/", 1},
        {FAULT_SWAP, "index/manifest.json", 1},
        {FAULT_PUT_NEW, ".tmp/", 1},
        {FAULT_MOVE, NULL, 1},
        {FAULT_SWAP, "projections/manifest.json", 1},
    };
    stage_publish(&g, 0);
    stage_publish(&g, 1);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        size_t removed = 0;
        char text[120];
        stage_heal(&g);
        store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                              .op = places[i].op,
                                              .key = places[i].key,
                                              .at = 1,
                                              .call = collect,
                                              .ctx = &removed});
        snprintf(text, sizeof text,
                 "series,day,value,note\nGC,2026-01-%02zu,1.00,\nGC,2026-02-%02zu,1.00,\n", i + 1,
                 i + 1);
        if (stage_try(&g, text) != ERR_OK)
            fail_msg("%s: %s", places[i].key, g.s.err.text);
        assert_int_equal(g.s.report.outcome, RUN_PUBLISHED);
        assert_int_equal(g.s.report.commits.attempts, places[i].attempts);
        assert_true(removed > 0);
        stage_check(&g, READER_ANYTIME);
        stage_heal(&g);
        stage_run(&g, RUN_UNCHANGED);
        stage_check(&g, READER_SETTLED);
    }
}

static void a_crash_in_the_first_run_needs_no_special_case(void **state)
{
    (void)state;
    stage_fault(&g, FAULT_FAIL, FAULT_GET, "current/", 2);
    assert_int_not_equal(stage_try(&g, g.variant->snapshots[0]), ERR_OK);
    assert_int_equal(look_count(g.memory, "") - look_count(g.memory, "runs/"), 1);
    assert_true(look_exists(g.memory, "current/manifest.json"));
    stage_check(&g, READER_ANYTIME);
    stage_publish(&g, 0);
    stage_check(&g, READER_SETTLED);
}

/* What a run without new rows does at its end: it notes its source in the index. */
static void note_a_source(void *ctx, struct store *inner)
{
    struct index_state seen;
    (void)inner;
    assert_int_equal(index_read(g.memory, &seen, NULL), ERR_OK);
    struct store_tag tag = seen.tag;
    id_new(seen.attempt);
    assert_int_equal(index_swap(g.memory, &tag, &seen, NULL), ERR_OK);
    index_release(&seen);
    ++*(size_t *)ctx;
}

static void a_source_noted_meanwhile_does_not_leave_the_index_behind(void **state)
{
    (void)state;
    size_t noted = 0;
    struct index_state now;
    stage_publish(&g, 0);
    stage_heal(&g);
    store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                          .op = FAULT_SWAP,
                                          .key = "current/",
                                          .at = 1,
                                          .call = note_a_source,
                                          .ctx = &noted});
    stage_publish(&g, 1);
    assert_int_equal(noted, 1);
    assert_int_equal(g.s.report.commits.attempts, 1);
    assert_int_equal(index_read(g.memory, &now, NULL), ERR_OK);
    assert_int_equal(now.stamp.sequence, 2);
    index_release(&now);
    stage_check(&g, READER_SETTLED);
}

static void a_lost_pointer_is_refused_and_nothing_changes(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, "current/manifest.json");
    char *before = look_state(g.memory, "");
    stage_mark(&g);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_DAMAGED);
    assert_non_null(strstr(g.s.err.text, "repair"));
    assert_int_equal(stage_writes(&g), 0);
    char *after = look_state(g.memory, "");
    assert_string_equal(after, before);
    free(after);
    free(before);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(cas_lost_leaves_pointer_and_index_untouched),
        TEST(a_source_noted_meanwhile_does_not_leave_the_index_behind),
        TEST(types_that_the_winner_has_frozen_count_after_a_lost_race),
        TEST(a_lost_race_starts_again_with_a_new_delta),
        TEST(a_lost_race_against_the_same_rows_ends_with_nothing_new),
        TEST(a_lost_answer_is_not_taken_for_a_lost_race),
        TEST(a_commit_under_a_newer_one_is_found),
        TEST(a_late_copy_of_ones_own_swap_is_not_somebody_elses_win),
        TEST(an_unknown_outcome_deletes_nothing_and_the_next_run_settles_it),
        TEST(an_unknown_outcome_that_never_landed_is_published_by_the_next_run),
        TEST(gc_in_the_middle_of_a_run_costs_time_and_never_a_row),
        TEST(a_crash_in_the_first_run_needs_no_special_case),
        TEST(a_lost_pointer_is_refused_and_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * What happens to a run arrives in its record, in the metrics and in the verdicts of the alerts; and
 * its message says what failed, on which object, what state the dataset is in, and what to do next.
 * The states of docs/operations.md that a folder store cannot be brought to are made here.
 */
#include "pipeline/records.h"
#include "support/catalog_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/exit.h"
#include "pipeline/collect.h"
#include "pipeline/metrics.h"
#include "support/look.h"
#include "support/stage.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/time.h"

#include <cmocka.h>

static struct stage g;
static struct metrics m;

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

static void collect(void)
{
    struct dataset d;
    struct error err = ERROR_INIT;
    scenario_dataset(&g.s, g.memory, &d);
    assert_int_equal(metrics_collect(&d, time_now(), &m, &err), ERR_OK);
    dataset_release(&d);
}

static bool alert_fires(const char *name)
{
    struct alerts alerts;
    metrics_alerts(&m, time_now(), &alerts);
    for (size_t i = 0; i < alerts.count; i++)
        if (strcmp(alerts.items[i].name, name) == 0)
            return true;
    return false;
}

/* A sample with these words stands in the text of the metrics. */
static void assert_sample(const char *name, const char *labels, const char *value)
{
    struct str text;
    char line[256];
    snprintf(line, sizeof line, "\n%s{dataset=\"demo\"%s} %s\n", name, labels, value);
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&m, METRICS_PROMETHEUS, &text);
    if (strstr(text.data, line) == NULL)
        fail_msg("%s is not in\n%s", line, text.data);
    str_release(&text);
}

static int keep_last(void *ctx, struct record *record, bool *stop, struct error *err)
{
    struct json **last = ctx;
    (void)stop;
    (void)err;
    json_free(*last);
    *last = record->json;
    record->json = NULL;
    return ERR_OK;
}

/* The newest record; the caller frees it. */
static struct json *newest(void)
{
    struct json *last = NULL;
    struct dataset d;
    struct error err = ERROR_INIT;
    scenario_dataset(&g.s, g.memory, &d);
    assert_int_equal(records_each(&d, keep_last, &last, &err), ERR_OK);
    dataset_release(&d);
    assert_non_null(last);
    return last;
}

static void assert_says(const char *text, const char *const *words)
{
    for (; *words != NULL; words++)
        if (strstr(text, *words) == NULL)
            fail_msg("\"%s\" is not in: %s", *words, text);
}

/* A rival publishes a row of its own in the middle of our run. */
static void publish_rival(void *ctx, struct store *inner)
{
    size_t *published = ctx;
    char text[80];
    (void)inner;
    snprintf(text, sizeof text, "series,day,value,note\nXYZ,2026-02-%02zu,5.00,rival\n",
             ++*published);
    stage_other(&g, text);
}

static void call_at_swap(size_t *published, size_t at)
{
    store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                          .op = FAULT_SWAP,
                                          .key = "current/",
                                          .at = at,
                                          .call = publish_rival,
                                          .ctx = published});
}

static void a_rollback_is_counted_with_its_events(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, "events/_data/", 3);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_AGAIN);
    assert_int_equal(exit_status_of(ERR_AGAIN), 5);
    collect();
    assert_sample("cauce_rollback_runs_total", "", "1");
    assert_sample("cauce_events_rolled_back_total", "", "2");
    assert_sample("cauce_runs_total", ",outcome=\"failed\"", "1");
    assert_true(alert_fires("CauceRollbacks"));
    struct json *record = newest();
    const struct json *error = json_get(record, "error");
    assert_string_equal(json_string(json_get(error, "code")), "storage");
    assert_int_equal(json_integer(json_get(record, "rollbacks")), 1);
    json_free(record);
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
}

static void a_lost_race_is_counted_and_won_again(void **state)
{
    (void)state;
    size_t rivals = 0;
    stage_publish(&g, 0);
    stage_heal(&g);
    call_at_swap(&rivals, 1);
    stage_publish(&g, 1);
    collect();
    assert_sample("cauce_commit_conflicts_total", "", "1");
    assert_sample("cauce_runs_total", ",outcome=\"published\"", "3");
    assert_sample("cauce_rollback_runs_total", "", "0");
}

static void exit_6_says_that_nothing_is_lost_and_the_next_run_publishes(void **state)
{
    (void)state;
    size_t rivals = 0;
    stage_publish(&g, 0);
    stage_heal(&g);
    g.s.options.retries = 5;
    call_at_swap(&rivals, 0);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_LOST);
    assert_int_equal(exit_status_of(ERR_LOST), 6);
    assert_says(g.s.err.text,
                (const char *const[]){"other writers published first", "each of 6 attempts",
                                      "Nothing of this run is published", "run again", NULL});
    collect();
    assert_sample("cauce_commit_conflicts_total", "", "6");
    assert_sample("cauce_runs_total", ",outcome=\"lost\"", "1");
    assert_true(alert_fires("CauceConflicts"));
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
}

/* The swap gets no answer, and from then on the pointer cannot be read. */
static void lose_sight(enum fault_action how)
{
    store_fault_add(
        g.st,
        &(struct fault){.action = how, .op = FAULT_SWAP, .key = "current/", .code = ERR_UNKNOWN});
    for (size_t at = 2; at < 40; at++)
        stage_fault(&g, FAULT_FAIL, FAULT_GET, "current/", at);
}

static void assert_unknown(void)
{
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_UNKNOWN);
    assert_int_equal(exit_status_of(ERR_UNKNOWN), 7);
    assert_says(g.s.err.text,
                (const char *const[]){"Whether version 0000000002-", "was published is not known",
                                      "Nothing was deleted", "The next run finds out", NULL});
    assert_int_equal(g.s.report.events.rollbacks, 0);
    struct json *record = newest();
    assert_string_equal(json_string(json_get(record, "outcome")), "unknown");
    assert_true(str_starts(json_string(json_get(record, "doubtful")), "0000000002-"));
    json_free(record);
}

static void exit_7_after_a_commit_that_landed_is_settled_as_published(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    lose_sight(FAULT_LOSE_ANSWER);
    assert_unknown();
    collect();
    assert_sample("cauce_runs_total", ",outcome=\"unknown\"", "1");
    assert_sample("cauce_doubtful_commits", ",fate=\"published\"", "1");
    assert_int_equal(m.all.rows[1], m.keys); /* its new rows are published */
    assert_true(alert_fires("CauceCommitUnknown"));
    /* The next run sees that it is there with all of the source, and publishes nothing twice. */
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    assert_int_equal(g.s.report.version.sequence, 2);
    assert_int_equal(index_report_of(&g.s.report.derived)->recovery, INDEX_CAUGHT_UP);
    stage_check(&g, READER_SETTLED);
}

static void exit_7_after_a_commit_that_never_landed_is_settled_as_not_published(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    lose_sight(FAULT_FAIL);
    assert_unknown();
    collect();
    assert_sample("cauce_doubtful_commits", ",fate=\"open\"", "1");
    stage_heal(&g);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.version.sequence, 2);
    collect();
    assert_sample("cauce_doubtful_commits", ",fate=\"open\"", "0");
    assert_sample("cauce_doubtful_commits", ",fate=\"not_published\"", "1");
    assert_int_equal(m.all.rows[1], m.keys); /* those of the lost one are not counted twice */
    stage_check(&g, READER_SETTLED);
}

static void a_lost_answer_is_counted_as_settled_by_reading(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_LOSE_ANSWER, FAULT_SWAP, "current/", 1);
    stage_publish(&g, 1);
    collect();
    assert_sample("cauce_commit_ambiguous_total", "", "1");
    assert_sample("cauce_commit_settled_by_reading_total", "", "1");
    assert_sample("cauce_runs_total", ",outcome=\"published\"", "2");
    assert_sample("cauce_doubtful_commits", ",fate=\"open\"", "0");
}

static void an_index_that_is_behind_is_caught_up_and_counted(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_SWAP, "index/", 0);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.warning_count, 1);
    assert_true(scenario_logged(&g.s, "the key index could not be updated"));
    collect();
    assert_sample("cauce_index_inconsistencies_total", "", "0");
    stage_heal(&g);
    stage_publish(&g, 2);
    collect();
    assert_sample("cauce_index_inconsistencies_total", "", "1");
    assert_sample("cauce_index_recoveries_total", ",method=\"catch_up\"", "1");
    assert_sample("cauce_index_recoveries_total", ",method=\"rebuild\"", "0");
    assert_sample("cauce_index_rebuild_duration_seconds_count", "", "0");
    assert_true(alert_fires("CauceIndexRebuilds"));
    stage_check(&g, READER_SETTLED);
}

static void an_index_that_is_damaged_is_rebuilt_and_counted(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *shard = look_find(g.memory, "index/", ".parquet");
    look_damage(g.memory, shard);
    stage_publish(&g, 1);
    assert_true(scenario_logged(&g.s, "pointer-index inconsistency detected, rebuilding index"));
    struct json *record = newest();
    assert_string_equal(json_string(json_get(record, "index_recovery")), "rebuild");
    assert_string_equal(json_string(json_get(record, "index_reason")), "damaged");
    assert_true(json_real(json_get(record, "index_rebuild_seconds")) > 0);
    json_free(record);
    collect();
    assert_sample("cauce_index_recoveries_total", ",method=\"rebuild\"", "1");
    assert_sample("cauce_index_rebuild_duration_seconds_count", "", "1");
    assert_true(m.all.step_seconds[STEP_INDEX_REBUILD] > 0);
    assert_true(alert_fires("CauceIndexRebuilds"));
    free(shard);
    stage_check(&g, READER_SETTLED);
}

static void an_index_that_cannot_be_healed_is_an_inconsistency_all_the_same(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, "index/manifest.json");
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_GET_FILE, "events/", 0);
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_AGAIN);
    collect();
    assert_sample("cauce_index_inconsistencies_total", "", "1");
    assert_sample("cauce_index_recoveries_total", ",method=\"rebuild\"", "0");
    assert_true(alert_fires("CauceIndexRebuilds"));
    stage_heal(&g);
    stage_publish(&g, 1);
    collect();
    assert_sample("cauce_index_inconsistencies_total", "", "2");
    assert_sample("cauce_index_recoveries_total", ",method=\"rebuild\"", "1");
}

/* The steps of a run are parts of its time: what healing took is in one of them alone. */
static void the_times_of_the_steps_add_up_to_no_more_than_the_run_took(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_remove(g.memory, "index/manifest.json");
    stage_publish(&g, 1);
    double sum = 0;
    for (int i = 0; i < STEP_COUNT; i++)
        sum += g.s.report.seconds[i];
    double took = (double)(g.s.report.finished - g.s.report.started) / 1e6;
    assert_true(g.s.report.seconds[STEP_INDEX_REBUILD] > 0);
    assert_true(sum > 0.5 * took);
    assert_true(sum < 1.05 * took + 0.01);
}

static void an_interrupted_consolidation_is_replayed_and_counted(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_MOVE, "projections/", 0);
    stage_publish(&g, 1);
    assert_true(scenario_logged(&g.s, "the projections are behind"));
    collect();
    assert_sample("cauce_consolidations_total", ",state=\"in_progress\"", "1");
    assert_true(alert_fires("CauceConsolidationBehind"));
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    assert_true(projection_report_of(&g.s.report.derived)->replayed);
    collect();
    assert_sample("cauce_consolidations_replayed_total", "", "1");
    assert_sample("cauce_partitions_behind", "", "0");
    assert_false(alert_fires("CauceConsolidationBehind"));
    stage_check(&g, READER_SETTLED);
}

static void a_consolidation_that_broke_off_before_its_redo_list_is_begun_again(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_PUT_NEW, ".tmp/", 0);
    stage_publish(&g, 1);
    collect();
    assert_true(alert_fires("CauceConsolidationBehind"));
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    collect();
    assert_sample("cauce_consolidations_resumed_total", "", "1");
    assert_sample("cauce_consolidations_replayed_total", "", "0");
    assert_false(alert_fires("CauceConsolidationBehind"));
}

static void gc_leaves_a_record_where_it_deleted_and_none_where_it_only_looked(void **state)
{
    (void)state;
    struct dataset d;
    struct gc_report report;
    struct error err = ERROR_INIT;
    static const char orphan[] =
        "events/0000000009-0123456789abcdef0123456789abcdef/part-0.parquet";
    stage_publish(&g, 0);
    look_replace(g.memory, orphan, "remains", 7);
    scenario_dataset(&g.s, g.memory, &d);
    size_t records = look_count(g.memory, "runs/");
    assert_int_equal(collect_dataset(&d, false, &report, &err), ERR_OK);
    gc_report_release(&report);
    assert_int_equal(look_count(g.memory, "runs/"), records);
    assert_int_equal(collect_dataset(&d, true, &report, &err), ERR_OK);
    size_t removed = report.removed;
    gc_report_release(&report);
    dataset_release(&d);
    assert_true(removed > 0);
    assert_false(look_exists(g.memory, orphan));
    assert_int_equal(look_count(g.memory, "runs/"), records + 1);
    struct json *record = newest();
    assert_string_equal(json_string(json_get(record, "kind")), "gc");
    assert_string_equal(json_string(json_get(record, "outcome")), "collected");
    assert_int_equal(json_integer(json_get(record, "orphans_removed")), removed);
    json_free(record);
    collect();
    assert_int_equal(m.all.orphans_removed, removed);
    assert_int_equal(m.all.runs, 1);
}

static void a_dataset_without_runs_has_metrics_without_moments(void **state)
{
    (void)state;
    struct base base = {0};
    struct error err = ERROR_INIT;
    struct str text;
    assert_int_equal(sample_open(g.memory, SCENARIO_DATASET, &base, &err), ERR_OK);
    base_release(&base);
    collect();
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&m, METRICS_OPENMETRICS, &text);
    assert_null(strstr(text.data, "_timestamp_seconds{"));
    assert_non_null(strstr(text.data, "cauce_runs_total{dataset=\"demo\",outcome=\"failed\"} 0\n"));
    assert_true(str_ends(text.data, "# EOF\n"));
    str_release(&text);
    assert_false(alert_fires("CauceNotRefreshed"));
    m.expect_every = 60;
    assert_true(alert_fires("CauceNotRefreshed"));
}

static void a_version_whose_record_is_gone_counts_as_a_success(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    char *key = look_find(g.memory, "runs/", ".json");
    look_remove(g.memory, key);
    free(key);
    collect();
    assert_int_equal(m.all.runs, 0);
    assert_true(m.last_success > g.s.report.started);
    assert_true(m.last_change == m.last_success);
    m.expect_every = 3600;
    assert_false(alert_fires("CauceNotRefreshed"));
}

static void put_record(int64_t time, const char *text)
{
    char key[LAYOUT_KEY_SIZE];
    char id[ID_SIZE];
    struct error err = ERROR_INIT;
    id_new(id);
    assert_int_equal(layout_run(time, id, key, &err), ERR_OK);
    look_replace(g.memory, key, text, strlen(text));
}

static void a_record_that_cannot_be_read_is_left_out_with_a_warning(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    put_record(time_now() - 3000000, "");
    put_record(time_now() - 2000000, "{\"kind\": \"run\", \"outcome\": \"publ");
    put_record(time_now() - 1000000, "[1, 2]");
    scenario_clear_log(&g.s);
    collect();
    assert_int_equal(m.all.runs, 1);
    size_t warnings = 0;
    for (const char *at = g.s.log.data; (at = strstr(at, "a record of a run is left out")) != NULL;
         at++)
        warnings++;
    assert_int_equal(warnings, 3);
    assert_true(scenario_logged(&g.s, "runs/"));
}

/* More than are read at a time: none is lost or counted twice, and the newest comes last. */
static void many_records_are_visited_once_and_in_order(void **state)
{
    (void)state;
    struct dataset d;
    struct error err = ERROR_INIT;
    char text[128];
    stage_publish(&g, 0);
    for (int i = 0; i < 150; i++) {
        snprintf(text, sizeof text, "{\"kind\": \"run\", \"outcome\": \"%s\", \"rows_read\": %d}",
                 i == 149 ? "lost" : "no_new_rows", i);
        put_record(time_now() + (int64_t)i * 1000000, text);
    }
    collect();
    assert_int_equal(m.all.runs, 151);
    assert_int_equal(m.all.rows[0], 5 + 149 * 150 / 2);
    assert_int_equal(m.last_outcome, RUN_LOST);
    /* One that cannot be read now is a failure of the store: the sum would be wrong. */
    stage_heal(&g);
    stage_fault(&g, FAULT_FAIL, FAULT_GET, "runs/", 100);
    scenario_dataset(&g.s, g.st, &d);
    assert_int_equal(metrics_collect(&d, time_now(), &m, &err), ERR_AGAIN);
    dataset_release(&d);
}

/* Records are counted by what they say; what makes no sense in one weighs nothing. */
static void fields_of_strange_types_weigh_nothing(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    put_record(time_now(),
               "{\"kind\": 7, \"outcome\": [], \"rows_read\": \"many\", \"rows_new\": -5,"
               " \"seconds\": 3, \"requests\": null, \"consolidation\": [],"
               " \"doubtful\": {}, \"started_at\": 5, \"finished_at\": \"yesterday\","
               " \"index_rebuilt\": \"yes\"}");
    put_record(time_now(), "{\"doubtful\": \"\", \"outcome\": \"of a later version of cauce\"}");
    collect();
    assert_int_equal(m.all.runs, 3);
    assert_int_equal(m.all.outcomes[RUN_FAILED], 2);
    assert_int_equal(m.all.rows[0], 5);
    assert_sample("cauce_index_inconsistencies_total", "", "0");
    assert_int_equal(m.all.outcomes[RUN_PUBLISHED], 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)
    const struct CMUnitTest tests[] = {
        T(a_rollback_is_counted_with_its_events),
        T(a_lost_race_is_counted_and_won_again),
        T(exit_6_says_that_nothing_is_lost_and_the_next_run_publishes),
        T(exit_7_after_a_commit_that_landed_is_settled_as_published),
        T(exit_7_after_a_commit_that_never_landed_is_settled_as_not_published),
        T(a_lost_answer_is_counted_as_settled_by_reading),
        T(an_index_that_is_behind_is_caught_up_and_counted),
        T(an_index_that_is_damaged_is_rebuilt_and_counted),
        T(an_index_that_cannot_be_healed_is_an_inconsistency_all_the_same),
        T(the_times_of_the_steps_add_up_to_no_more_than_the_run_took),
        T(an_interrupted_consolidation_is_replayed_and_counted),
        T(a_consolidation_that_broke_off_before_its_redo_list_is_begun_again),
        T(gc_leaves_a_record_where_it_deleted_and_none_where_it_only_looked),
        T(a_dataset_without_runs_has_metrics_without_moments),
        T(a_version_whose_record_is_gone_counts_as_a_success),
        T(a_record_that_cannot_be_read_is_left_out_with_a_warning),
        T(many_records_are_visited_once_and_in_order),
        T(fields_of_strange_types_weigh_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

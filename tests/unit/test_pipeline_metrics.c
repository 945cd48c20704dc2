/* What records of runs add up to, and when an alert fires. */
#include "pipeline/metrics.h"
#include "support/catalog_sample.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "pipeline/records.h"
#include "store/store_memory.h"
#include "util/id.h"
#include "util/time.h"

#define HOUR (INT64_C(3600) * 1000000)
#define NOW INT64_C(1900000000000000)

struct fixture {
    struct store *store;
    struct dataset dataset;
    struct metrics metrics;
};

static void begin(struct fixture *f)
{
    struct limits limits = {.temp = "/nowhere"};
    struct base base = {.manifest = {.version = {0}}};
    struct error err = ERROR_INIT;
    assert_int_equal(store_memory_open("", &f->store, &err), ERR_OK);
    dataset_init(&f->dataset, f->store, "demo", NULL, &limits);
    assert_int_equal(sample_open(f->store, "demo", &base, &err), ERR_OK);
    base_release(&base);
}

static void end(struct fixture *f)
{
    dataset_release(&f->dataset);
    store_free(f->store);
}

/* Write the record of a run that ended at NOW less `ago`. */
static void add_run(struct fixture *f, const struct run_report *like, int64_t ago)
{
    struct run_report r = *like;
    struct error err = ERROR_INIT;
    id_new(r.run_id);
    r.started = NOW - ago - 1000000;
    r.finished = NOW - ago;
    assert_int_equal(records_write_run(&f->dataset, &r, &err), ERR_OK);
}

static void collect(struct fixture *f)
{
    struct error err = ERROR_INIT;
    assert_int_equal(metrics_collect(&f->dataset, NOW, &f->metrics, &err), ERR_OK);
}

static const struct alert *find_alert(struct fixture *f, const char *name)
{
    static struct alerts alerts;
    metrics_alerts(&f->metrics, NOW, &alerts);
    for (size_t i = 0; i < alerts.count; i++)
        if (strcmp(alerts.items[i].name, name) == 0)
            return &alerts.items[i];
    return NULL;
}

/* The index was healed, in that way and time. `r` owns what it says of that. */
static void heal(struct run_report *r, enum index_recovery how, double seconds)
{
    struct index_report *index = derived_report(&r->derived, &index_derived);
    index->recovery = how;
    index->seconds = seconds;
}

/* What a thing tells under that name in JSON. */
static double told(const struct metrics_sum *s, size_t thing, const char *name)
{
    const struct derived *d = derived_table.items[thing];
    for (size_t i = 0; i < d->metric_count; i++)
        if (d->metrics[i].json != NULL && strcmp(d->metrics[i].json, name) == 0)
            return s->derived[thing][i];
    fail_msg("nothing is told as %s", name);
    return 0;
}

static const struct run_report good = {
    .outcome = RUN_PUBLISHED, .load.rows_read = 10, .delta.rows_new = 7};

static void runs_are_counted_by_outcome_across_processes(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    const struct run_report failed = {
        .outcome = RUN_FAILED, .code = ERR_AGAIN, .load.rows_read = 5, .delta.rows_new = 5};
    add_run(&f, &good, 3 * HOUR);
    add_run(&f, &good, 2 * HOUR);
    add_run(&f, &failed, HOUR);
    collect(&f);
    assert_int_equal(f.metrics.all.runs, 3);
    assert_int_equal(f.metrics.all.outcomes[RUN_PUBLISHED], 2);
    assert_int_equal(f.metrics.all.outcomes[RUN_FAILED], 1);
    assert_int_equal(f.metrics.all.rows[0], 25);
    assert_int_equal(f.metrics.all.rows[1], 14); /* what failed is not published */
    assert_true(f.metrics.last_success == NOW - 2 * HOUR);
    assert_true(f.metrics.last_run == NOW - HOUR);
    end(&f);
}

static void rebuilds_fall_into_buckets_that_add_up(void **state)
{
    (void)state;
    struct fixture f;
    static const double seconds[] = {0.05, 0.3, 400, 5000};
    struct str text;
    begin(&f);
    for (size_t i = 0; i < 4; i++) {
        struct run_report r = good;
        heal(&r, INDEX_REBUILT, seconds[i]);
        add_run(&f, &r, (int64_t)(i + 1) * HOUR);
        derived_reports_release(&r.derived);
    }
    collect(&f);
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&f.metrics, METRICS_PROMETHEUS, &text);
    const char *family = "cauce_index_rebuild_duration_seconds";
    assert_non_null(strstr(text.data, family));
    assert_non_null(strstr(text.data, "_bucket{dataset=\"demo\",le=\"0.1\"} 1\n"));
    assert_non_null(strstr(text.data, "_bucket{dataset=\"demo\",le=\"0.5\"} 2\n"));
    assert_non_null(strstr(text.data, "_bucket{dataset=\"demo\",le=\"300.0\"} 2\n"));
    assert_non_null(strstr(text.data, "_bucket{dataset=\"demo\",le=\"1800.0\"} 3\n"));
    assert_non_null(strstr(text.data, "_bucket{dataset=\"demo\",le=\"+Inf\"} 4\n"));
    assert_non_null(strstr(text.data, "_count{dataset=\"demo\"} 4\n"));
    assert_non_null(find_alert(&f, "CauceIndexRebuildSlow"));
    str_release(&text);
    end(&f);
}

static void catching_up_is_an_inconsistency_but_no_rebuild(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report r = good;
    heal(&r, INDEX_CAUGHT_UP, 0);
    begin(&f);
    add_run(&f, &r, HOUR);
    collect(&f);
    assert_int_equal(told(&f.metrics.all, 0, "index_inconsistencies"), 1);
    assert_int_equal(told(&f.metrics.all, 0, "index_catch_ups"), 1);
    assert_int_equal(told(&f.metrics.all, 0, "index_rebuilds"), 0);
    derived_reports_release(&r.derived);
    end(&f);
}

static void one_rollback_in_a_hundred_runs_is_tolerated_two_are_not(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report rolled = {.outcome = RUN_FAILED, .code = ERR_AGAIN};
    rolled.events.rollbacks = 1;
    rolled.events.rolled_back = 3;
    begin(&f);
    for (int i = 0; i < 99; i++)
        add_run(&f, &good, HOUR + i);
    add_run(&f, &rolled, HOUR);
    collect(&f);
    assert_int_equal(f.metrics.window.rollback_runs, 1);
    assert_null(find_alert(&f, "CauceRollbacks"));
    add_run(&f, &rolled, HOUR);
    collect(&f);
    assert_int_equal(f.metrics.all.events_rolled_back, 6);
    assert_non_null(find_alert(&f, "CauceRollbacks"));
    end(&f);
}

static void what_is_older_than_the_window_alerts_nobody(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report unknown = {.outcome = RUN_UNKNOWN, .code = ERR_UNKNOWN};
    begin(&f);
    add_run(&f, &unknown, METRICS_WINDOW + HOUR);
    add_run(&f, &good, HOUR);
    collect(&f);
    assert_int_equal(f.metrics.all.outcomes[RUN_UNKNOWN], 1);
    assert_null(find_alert(&f, "CauceCommitUnknown"));
    add_run(&f, &unknown, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceCommitUnknown"));
    end(&f);
}

static void a_dataset_that_is_not_refreshed_in_time_is_reported(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f);
    add_run(&f, &good, 5 * HOUR);
    collect(&f);
    assert_null(find_alert(&f, "CauceNotRefreshed"));
    f.metrics.expect_every = 6 * 3600;
    assert_null(find_alert(&f, "CauceNotRefreshed"));
    f.metrics.expect_every = 4 * 3600;
    assert_non_null(find_alert(&f, "CauceNotRefreshed"));
    end(&f);
}

static void runs_that_keep_failing_are_reported(void **state)
{
    (void)state;
    struct fixture f;
    const struct run_report failed = {.outcome = RUN_FAILED, .code = ERR_SOURCE};
    begin(&f);
    add_run(&f, &failed, 7 * HOUR);
    add_run(&f, &good, 6 * HOUR);
    add_run(&f, &failed, 5 * HOUR);
    add_run(&f, &failed, 4 * HOUR);
    collect(&f);
    assert_int_equal(f.metrics.failures, 2);
    assert_true(f.metrics.failing_since == NOW - 5 * HOUR);
    assert_null(find_alert(&f, "CauceFailing"));
    add_run(&f, &(struct run_report){.outcome = RUN_LOST, .code = ERR_LOST}, 3 * HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceFailing"));
    add_run(&f, &(struct run_report){.outcome = RUN_UNCHANGED}, 2 * HOUR);
    collect(&f);
    assert_int_equal(f.metrics.failures, 0);
    assert_true(f.metrics.failing_since == 0);
    assert_null(find_alert(&f, "CauceFailing"));
    end(&f);
}

static void a_run_that_failed_a_day_ago_is_reported_where_runs_are_seldom(void **state)
{
    (void)state;
    struct fixture f;
    const struct run_report failed = {.outcome = RUN_FAILED, .code = ERR_SOURCE};
    begin(&f);
    add_run(&f, &good, 80 * HOUR);
    add_run(&f, &failed, 24 * HOUR);
    collect(&f);
    assert_null(find_alert(&f, "CauceFailing"));
    add_run(&f, &failed, 25 * HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceFailing"));
    end(&f);
}

static void a_success_in_the_future_blinds_nobody(void **state)
{
    (void)state;
    struct fixture f;
    const struct run_report failed = {.outcome = RUN_FAILED, .code = ERR_SOURCE};
    begin(&f);
    add_run(&f, &good, 5 * HOUR);
    add_run(&f, &good, -100000 * HOUR);
    collect(&f);
    f.metrics.expect_every = 4 * 3600;
    assert_non_null(find_alert(&f, "CauceNotRefreshed"));
    assert_true(f.metrics.last_success == NOW - 5 * HOUR);
    assert_true(f.metrics.last_run == NOW - 5 * HOUR);
    assert_true(f.metrics.last_change == NOW - 5 * HOUR);
    assert_int_equal(f.metrics.future, 1);
    assert_non_null(strstr(f.metrics.future_example, "runs/20"));
    assert_int_equal(f.metrics.all.runs, 2);
    assert_int_equal(f.metrics.window.runs, 1);
    for (int i = 0; i < 3; i++)
        add_run(&f, &failed, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceFailing"));
    /* A clock that is a little ahead is believed. */
    add_run(&f, &good, -METRICS_SKEW / 2);
    collect(&f);
    assert_int_equal(f.metrics.future, 1);
    assert_null(find_alert(&f, "CauceFailing"));
    end(&f);
}

static void conflicts_and_partitions_behind_are_reported(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report r = good;
    r.commits.conflicts = 6;
    struct consolidation_report *c = derived_report(&r.derived, &projection_derived);
    *c = (struct consolidation_report){.state = PROJECTION_IN_PROGRESS, .behind = 2};
    begin(&f);
    add_run(&f, &r, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceConflicts"));
    assert_non_null(find_alert(&f, "CauceConsolidationBehind"));
    assert_int_equal(told(&f.metrics.all, 2, "consolidations_in_progress"), 1);
    derived_reports_release(&r.derived);
    add_run(&f, &good, 0);
    collect(&f);
    assert_null(find_alert(&f, "CauceConsolidationBehind"));
    end(&f);
}

static void records_of_gc_are_no_runs(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = ERROR_INIT;
    struct record_upkeep gc = {.started = NOW - HOUR, .orphans_found = 5, .orphans_removed = 4};
    begin(&f);
    add_run(&f, &good, 2 * HOUR);
    id_new(gc.id);
    assert_int_equal(records_write_upkeep(&f.dataset, RECORD_GC, &gc, &err), ERR_OK);
    collect(&f);
    assert_int_equal(f.metrics.all.runs, 1);
    assert_int_equal(f.metrics.all.gc_runs, 1);
    assert_int_equal(f.metrics.all.orphans_found, 5);
    assert_int_equal(f.metrics.all.orphans_removed, 4);
    assert_true(f.metrics.last_run == NOW - 2 * HOUR);
    end(&f);
}

static void openmetrics_names_families_without_total_and_ends(void **state)
{
    (void)state;
    struct fixture f;
    struct str text;
    begin(&f);
    add_run(&f, &good, HOUR);
    collect(&f);
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&f.metrics, METRICS_OPENMETRICS, &text);
    assert_non_null(strstr(text.data, "# TYPE cauce_runs counter\n"));
    assert_non_null(
        strstr(text.data, "cauce_runs_total{dataset=\"demo\",outcome=\"published\"} 1\n"));
    assert_true(str_ends(text.data, "# EOF\n"));
    str_clear(&text);
    metrics_write(&f.metrics, METRICS_PROMETHEUS, &text);
    assert_non_null(strstr(text.data, "# TYPE cauce_runs_total counter\n"));
    assert_null(strstr(text.data, "# EOF"));
    str_release(&text);
    end(&f);
}

static void moments_are_exact_to_less_than_a_millisecond(void **state)
{
    (void)state;
    struct fixture f;
    struct str text;
    begin(&f);
    add_run(&f, &good, HOUR + 876544); /* at 1899996399.123456 */
    collect(&f);
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&f.metrics, METRICS_PROMETHEUS, &text);
    static const char sample[] =
        "cauce_last_run_timestamp_seconds{dataset=\"demo\"} 1899996399.123";
    assert_non_null(strstr(text.data, sample));
    str_release(&text);
    end(&f);
}

static void durations_that_are_none_count_as_zero(void **state)
{
    (void)state;
    struct fixture f;
    static const double nonsense[] = {-5, 1e300, -1e300};
    begin(&f);
    for (int i = 0; i < 3; i++) {
        struct run_report r = good;
        heal(&r, INDEX_REBUILT, nonsense[i]);
        r.seconds[STEP_LOAD] = nonsense[i];
        add_run(&f, &r, (int64_t)(i + 1) * HOUR);
        derived_reports_release(&r.derived);
    }
    collect(&f);
    double seconds = told(&f.metrics.all, 0, "index_rebuild_seconds");
    assert_int_equal(told(&f.metrics.all, 0, "index_rebuilds"), 3);
    assert_true(seconds >= 0 && seconds <= 0);
    assert_true(f.metrics.all.step_seconds[STEP_LOAD] >= 0 &&
                f.metrics.all.step_seconds[STEP_LOAD] <= 0);
    assert_null(find_alert(&f, "CauceIndexRebuildSlow"));
    end(&f);
}

static void an_outcome_that_is_not_known_is_a_failure(void **state)
{
    (void)state;
    struct fixture f;
    static const char text[] = "{\"kind\": \"run\", \"outcome\": \"published\\\"} 7\\n\"}";
    struct error err = ERROR_INIT;
    struct store_body body = store_body_bytes(text, sizeof text - 1);
    char key[LAYOUT_KEY_SIZE];
    char id[ID_SIZE];
    begin(&f);
    id_new(id);
    assert_int_equal(layout_run(NOW - HOUR, id, key, &err), ERR_OK);
    assert_int_equal(store_put_new(f.store, key, &body, NULL, &err), ERR_OK);
    collect(&f);
    assert_int_equal(f.metrics.all.outcomes[RUN_FAILED], 1);
    assert_int_equal(f.metrics.all.outcomes[RUN_PUBLISHED], 0);
    assert_int_equal(f.metrics.last_success, 0);
    end(&f);
}

/* Thresholds that the tests of the rules look at as well: alerts/cauce.rules.test.yml. */
static void five_minutes_and_five_conflicts_are_tolerated(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report r = good;
    heal(&r, INDEX_REBUILT, 300);
    r.commits.conflicts = 5;
    begin(&f);
    add_run(&f, &r, HOUR);
    collect(&f);
    assert_null(find_alert(&f, "CauceIndexRebuildSlow"));
    assert_null(find_alert(&f, "CauceConflicts"));
    heal(&r, INDEX_REBUILT, 300.5);
    r.commits.conflicts = 1;
    add_run(&f, &r, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceIndexRebuildSlow"));
    assert_non_null(find_alert(&f, "CauceConflicts"));
    derived_reports_release(&r.derived);
    end(&f);
}

static void one_inconsistent_index_in_a_thousand_runs_is_tolerated_two_are_not(void **state)
{
    (void)state;
    struct fixture f;
    struct run_report caught_up = good;
    heal(&caught_up, INDEX_CAUGHT_UP, 0);
    begin(&f);
    for (int i = 0; i < 998; i++)
        add_run(&f, &good, HOUR + i);
    add_run(&f, &caught_up, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceIndexRebuilds")); /* one of 999 */
    add_run(&f, &good, HOUR);
    collect(&f);
    assert_null(find_alert(&f, "CauceIndexRebuilds"));
    add_run(&f, &caught_up, HOUR);
    collect(&f);
    assert_non_null(find_alert(&f, "CauceIndexRebuilds"));
    derived_reports_release(&caught_up.derived);
    end(&f);
}

static void a_dataset_that_is_not_there_is_told_with_zeros(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = ERROR_INIT;
    struct limits limits = {.temp = "/nowhere"};
    struct config config = {.expect_every = 60};
    assert_int_equal(store_memory_open("", &f.store, &err), ERR_OK);
    dataset_init(&f.dataset, f.store, "demo", &config, &limits);
    assert_int_equal(metrics_collect(&f.dataset, NOW, &f.metrics, &err), ERR_ABSENT);
    assert_string_equal(f.metrics.dataset, "demo");
    assert_int_equal(f.metrics.all.runs, 0);
    assert_true(f.metrics.files_known);
    assert_non_null(find_alert(&f, "CauceNotRefreshed"));
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(runs_are_counted_by_outcome_across_processes),
        cmocka_unit_test(rebuilds_fall_into_buckets_that_add_up),
        cmocka_unit_test(catching_up_is_an_inconsistency_but_no_rebuild),
        cmocka_unit_test(one_rollback_in_a_hundred_runs_is_tolerated_two_are_not),
        cmocka_unit_test(what_is_older_than_the_window_alerts_nobody),
        cmocka_unit_test(a_dataset_that_is_not_refreshed_in_time_is_reported),
        cmocka_unit_test(runs_that_keep_failing_are_reported),
        cmocka_unit_test(a_run_that_failed_a_day_ago_is_reported_where_runs_are_seldom),
        cmocka_unit_test(a_success_in_the_future_blinds_nobody),
        cmocka_unit_test(conflicts_and_partitions_behind_are_reported),
        cmocka_unit_test(records_of_gc_are_no_runs),
        cmocka_unit_test(openmetrics_names_families_without_total_and_ends),
        cmocka_unit_test(moments_are_exact_to_less_than_a_millisecond),
        cmocka_unit_test(durations_that_are_none_count_as_zero),
        cmocka_unit_test(an_outcome_that_is_not_known_is_a_failure),
        cmocka_unit_test(five_minutes_and_five_conflicts_are_tolerated),
        cmocka_unit_test(one_inconsistent_index_in_a_thousand_runs_is_tolerated_two_are_not),
        cmocka_unit_test(a_dataset_that_is_not_there_is_told_with_zeros),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

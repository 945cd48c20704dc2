/*
 * A third derived thing (support/counter.h) is one row of a table, and nothing else knows of it: it is
 * fenced by gc, verified, healed at the start of a run, recorded, shown by status and told by metrics.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/gc.h"
#include "pipeline/check.h"
#include "pipeline/metrics.h"
#include "pipeline/status.h"
#include "store/store.h"
#include "support/catalog_sample.h"
#include "support/counter.h"
#include "support/scenario.h"
#include "util/time.h"

#define ORPHAN "derived/counter/0000000009-0123456789abcdef0123456789abcdef.txt"

static const struct derived_table three = {
    .items = {&index_derived, &projection_derived, &counter_derived},
    .count = 3,
};

static struct scenario s;
static struct store *st;
static struct dataset d;
static struct error err;

static int setup(void **state)
{
    (void)state;
    scenario_open(&s, "columns:\n"
                      "  - {name: id, type: bigint}\n"
                      "  - {name: v, type: text}\n"
                      "key: id\n");
    s.derived = &three;
    st = scenario_memory();
    scenario_dataset(&s, st, &d);
    error_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    dataset_release(&d);
    store_free(st);
    scenario_close(&s);
    return 0;
}

static void publish(const char *csv)
{
    assert_int_equal(scenario_publish(&s, st, csv), ERR_OK);
}

/* What its file says, and in which epoch its root is. */
static void assert_counted(uint64_t versions, uint64_t epoch)
{
    char *root = sample_get(st, COUNTER_ROOT);
    struct json *json;
    assert_int_equal(json_parse(root, strlen(root), "root", &json, &err), ERR_OK);
    assert_int_equal(json_integer(json_get(json, "sequence")), versions);
    assert_int_equal(json_integer(json_get(json, "gc_epoch")), epoch);
    char *file = sample_get(st, json_string(json_get(json, "file")));
    assert_int_equal(strtoull(file, NULL, 10), versions);
    free(file);
    json_free(json);
    free(root);
}

static size_t collect_garbage(const struct derived_table *table, uint64_t *epoch)
{
    struct gc_report report;
    const struct roots roots = derived_roots(table);
    assert_int_equal(gc_collect(st, &roots, SCENARIO_DATASET, true, &report, &err), ERR_OK);
    size_t removed = report.removed;
    *epoch = report.gc_epoch;
    gc_report_release(&report);
    return removed;
}

/* Is there a finding of an object, with these words? */
static bool finds(bool data, const char *object, const char *words)
{
    struct verify_report report;
    bool found = false;
    assert_int_equal(check_dataset(&d, data, &report, &err), ERR_OK);
    for (size_t i = 0; i < report.count; i++)
        found = found || (strcmp(report.findings[i].object, object) == 0 &&
                          strstr(report.findings[i].text, words) != NULL);
    verify_report_release(&report);
    return found;
}

static void a_run_brings_it_to_the_version_and_records_that(void **state)
{
    (void)state;
    publish("id,v\n1,a\n");
    assert_counted(1, 0);
    publish("id,v\n1,a\n2,b\n");
    assert_counted(2, 0);
    struct json *record = record_encode_run(SCENARIO_DATASET, &s.report);
    const struct json *counter = json_get(record, "counter");
    assert_int_equal(json_integer(json_get(counter, "counted")), 1);
    json_free(record);
}

static void it_is_healed_at_the_start_of_a_run(void **state)
{
    (void)state;
    publish("id,v\n1,a\n");
    s.options.no_consolidate = true; /* so that the end of the run does nothing */
    assert_int_equal(store_remove(st, COUNTER_ROOT, NULL), ERR_OK);
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_UNCHANGED);
    assert_counted(1, 0);
    sample_put(st, COUNTER_ROOT, "{");
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    assert_counted(1, 0);
}

static void a_dry_run_leaves_it_as_it_is(void **state)
{
    (void)state;
    publish("id,v\n1,a\n");
    sample_put(st, COUNTER_ROOT, "{");
    s.options.dry_run = true;
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    char *root = sample_get(st, COUNTER_ROOT);
    assert_string_equal(root, "{");
    free(root);
}

static void gc_fences_it_and_deletes_what_it_does_not_name(void **state)
{
    (void)state;
    uint64_t epoch;
    publish("id,v\n1,a\n");
    sample_put(st, ORPHAN, "9\n");
    assert_int_equal(collect_garbage(&three, &epoch), 1);
    assert_false(sample_exists(st, ORPHAN));
    assert_int_equal(epoch, 1);
    assert_counted(1, epoch);
}

/* One that has stored its file, and not yet named it, when gc comes. */
static void a_writer_that_slept_through_gc_loses(void **state)
{
    (void)state;
    uint64_t epoch;
    publish("id,v\n1,a\n");
    struct str before;
    struct store_tag tag;
    str_init(&before, STR_MAX_DEFAULT);
    assert_int_equal(store_get(st, COUNTER_ROOT, &before, &tag, &err), ERR_OK);
    sample_put(st, ORPHAN, "9\n");
    assert_int_equal(collect_garbage(&three, &epoch), 1);
    struct store_body body = store_body_bytes(before.data, before.len);
    assert_int_equal(store_swap(st, COUNTER_ROOT, &tag, &body, NULL, &err), ERR_CONFLICT);
    str_release(&before);
}

/* The first one: there is nothing yet that could be swapped. */
static void the_place_that_a_first_writer_expects_to_be_free_is_taken(void **state)
{
    (void)state;
    uint64_t epoch;
    publish("id,v\n1,a\n");
    assert_int_equal(store_remove(st, COUNTER_ROOT, NULL), ERR_OK);
    assert_int_equal(collect_garbage(&three, &epoch), 1); /* its file, which nothing names now */
    assert_true(sample_exists(st, COUNTER_ROOT));
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    assert_counted(1, epoch);
}

static void what_gc_cannot_understand_it_does_not_touch(void **state)
{
    (void)state;
    struct gc_report report;
    const struct roots roots = derived_roots(&three);
    publish("id,v\n1,a\n");
    sample_put(st, COUNTER_ROOT, "{");
    sample_put(st, ORPHAN, "9\n");
    assert_int_equal(gc_collect(st, &roots, SCENARIO_DATASET, true, &report, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "run `cauce run` first"));
    assert_true(sample_exists(st, ORPHAN));
    gc_report_release(&report);
}

static void a_program_that_does_not_know_it_leaves_it_alone(void **state)
{
    (void)state;
    uint64_t epoch;
    publish("id,v\n1,a\n");
    sample_put(st, ORPHAN, "9\n");
    sample_put(st, "index/0000000009-0123456789abcdef0123456789abcdef/0.parquet", "x");
    assert_int_equal(collect_garbage(&derived_table, &epoch), 1);
    assert_true(sample_exists(st, ORPHAN));
    assert_true(sample_exists(st, COUNTER_ROOT));
}

static void verify_sees_what_is_wrong_with_it(void **state)
{
    (void)state;
    publish("id,v\n1,a\n");
    assert_false(finds(true, COUNTER_ROOT, ""));
    char *root = sample_get(st, COUNTER_ROOT);
    s.derived = NULL; /* a program that does not know it publishes */
    publish("id,v\n1,a\n2,b\n");
    assert_true(finds(false, COUNTER_ROOT, "It counts 1 versions."));
    sample_put(st, COUNTER_ROOT, "{");
    assert_true(finds(false, COUNTER_ROOT, "The next run counts again."));
    assert_int_equal(store_remove(st, COUNTER_ROOT, NULL), ERR_OK);
    assert_true(finds(false, COUNTER_ROOT, "The versions are not counted."));
    struct json *json;
    assert_int_equal(json_parse(root, strlen(root), "root", &json, &err), ERR_OK);
    const char *file = json_string(json_get(json, "file"));
    sample_put(st, COUNTER_ROOT, root);
    sample_put(st, file, "7\n");
    assert_false(finds(false, file, ""));
    assert_true(finds(true, file, "SHA-256"));
    json_free(json);
    free(root);
}

static void it_is_a_witness_where_the_pointer_went_back(void **state)
{
    (void)state;
    publish("id,v\n1,a\n");
    char *pointer = sample_get(st, LAYOUT_POINTER);
    publish("id,v\n1,a\n2,b\n");
    sample_put(st, LAYOUT_POINTER, pointer);
    assert_int_equal(store_remove(st, "index/manifest.json", NULL), ERR_OK);
    assert_int_equal(store_remove(st, "projections/manifest.json", NULL), ERR_OK);
    struct base base;
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    assert_int_equal(derived_check_pointer(&d, &base, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, COUNTER_ROOT));
    base_release(&base);
    free(pointer);
}

static void status_shows_how_it_stands(void **state)
{
    (void)state;
    struct status status;
    publish("id,v\n1,a\n");
    assert_int_equal(status_read(&d, time_now(), &status, &err), ERR_OK);
    assert_string_equal(status.things->items[2]->name, "counter");
    assert_int_equal(status.derived[2].state, DERIVED_FRESH);
    assert_int_equal(status.derived[2].sequence, 1);
    status_release(&status);
    s.derived = NULL;
    publish("id,v\n1,a\n2,b\n");
    assert_int_equal(status_read(&d, time_now(), &status, &err), ERR_OK);
    assert_int_equal(status.derived[2].state, DERIVED_BEHIND);
    status_release(&status);
}

static void metrics_tell_its_numbers(void **state)
{
    (void)state;
    struct metrics m;
    struct str text;
    publish("id,v\n1,a\n");
    publish("id,v\n1,a\n2,b\n");
    assert_int_equal(metrics_collect(&d, time_now(), &m, &err), ERR_OK);
    str_init(&text, STR_MAX_DEFAULT);
    metrics_write(&m, METRICS_PROMETHEUS, &text);
    assert_non_null(strstr(text.data, "\ncauce_counter_versions{dataset=\"demo\"} 2\n"));
    assert_non_null(strstr(text.data, "\ncauce_counter_counted_total{dataset=\"demo\"} 2\n"));
    str_release(&text);
}

static void what_is_left_of_it_alone_is_a_dataset_without_a_pointer(void **state)
{
    (void)state;
    struct base base;
    sample_put(st, ORPHAN, "9\n");
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_DAMAGED);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_run_brings_it_to_the_version_and_records_that),
        TEST(it_is_healed_at_the_start_of_a_run),
        TEST(a_dry_run_leaves_it_as_it_is),
        TEST(gc_fences_it_and_deletes_what_it_does_not_name),
        TEST(a_writer_that_slept_through_gc_loses),
        TEST(the_place_that_a_first_writer_expects_to_be_free_is_taken),
        TEST(what_gc_cannot_understand_it_does_not_touch),
        TEST(a_program_that_does_not_know_it_leaves_it_alone),
        TEST(verify_sees_what_is_wrong_with_it),
        TEST(it_is_a_witness_where_the_pointer_went_back),
        TEST(status_shows_how_it_stands),
        TEST(metrics_tell_its_numbers),
        TEST(what_is_left_of_it_alone_is_a_dataset_without_a_pointer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What of a source is refused or left out, and what a run that does not publish leaves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/look.h"
#include "support/scenario.h"
#include "support/store_fault.h"
#include "util/fs.h"
#include "util/mem.h"

#include <cmocka.h>

static struct scenario s;
static struct store *st; /* counts what reaches it */

#define COLUMNS                                      \
    "columns:\n"                                     \
    "  - {name: id, type: int}\n"                    \
    "  - {name: day, type: date, nullable: false}\n" \
    "  - {name: n, type: int}\n"                     \
    "key: id\n"
#define BY_MONTH "partition: {column: day, by: month}\n"

static int open_store(void **state)
{
    (void)state;
    scenario_open(&s, COLUMNS);
    st = store_fault_new(scenario_memory());
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_free(st);
    scenario_close(&s);
    return 0;
}

static int run(const char *yaml, const char *csv)
{
    scenario_reconfigure(&s, yaml);
    return scenario_publish(&s, st, csv);
}

static void assert_said(const char *words)
{
    if (strstr(s.err.text, words) == NULL)
        fail_msg("not said: %s\nbut: %s", words, s.err.text);
}

static void assert_rows(const char *wanted)
{
    char *rows = scenario_read(&s, st, false);
    assert_string_equal(rows, wanted);
    free(rows);
}

static void assert_nothing_published(void)
{
    assert_int_equal(look_count(st, "events/_data/"), 0);
    assert_int_equal(look_count(st, "manifests/"), 0);
    assert_int_equal(look_count(st, "index/"), 0);
}

/* ---- Bad rows ------------------------------------------------------------------------------ */

static const char some_bad[] = "id,day,n\n"
                               "1,2026-01-01,1\n"
                               "2,2026-13-01,2\n"
                               "3,2026-01-03,\"three\n"
                               "and more\"\n"
                               "4,2026-01-04,4\n"
                               "5,2026-01-05,5.5\n";

static void bad_rows_end_the_run_with_file_line_and_column(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, some_bad), ERR_GATE);
    assert_int_equal(s.report.load.rows_rejected, 3);
    assert_said("3 rows of the source do not fit");
    assert_said("source.csv:3:3: column \"day\"");
    assert_said("2026-13-01");
    assert_said("source.csv:4:14: column \"n\"");
    /* A row of two lines counts as two lines. */
    assert_said("source.csv:7:14: column \"n\"");
    assert_said("5.5");
    assert_nothing_published();
}

static void bad_rows_may_be_left_out_up_to_a_limit(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS "bad_rows: reject\nbad_rows_limit: 2\n", some_bad), ERR_GATE);
    assert_said("more than `bad_rows_limit: 2` allows");
    assert_nothing_published();
    assert_int_equal(run(COLUMNS "bad_rows: reject\nbad_rows_limit: 3\n", some_bad), ERR_OK);
    assert_int_equal(s.report.load.rows_rejected, 3);
    assert_int_equal(s.report.load.rows_read, 5);
    assert_int_equal(s.report.delta.rows_new, 2);
    assert_true(scenario_logged(&s, "3 rows of the source were rejected"));
    assert_rows("id,day,n\n1,2026-01-01,1\n4,2026-01-04,4\n");
}

static void a_source_of_bad_rows_alone_is_a_failure(void **state)
{
    (void)state;
    static const char good[] = "id,day,n\n1,2026-01-01,1\n";
    static const char bad[] = "id,day,n\n1,soon,1\n2,later,2\n";
    assert_int_equal(run(COLUMNS "bad_rows: reject\n", bad), ERR_GATE);
    assert_said("2 rows of the source do not fit");
    assert_said("None is left");
    assert_said("source.csv:2:3: column \"day\"");
    assert_nothing_published();
    assert_int_equal(run(COLUMNS "bad_rows: reject\n", good), ERR_OK);
    char *before = look_state(st, "index/");
    assert_int_equal(run(COLUMNS "bad_rows: reject\n", bad), ERR_GATE);
    assert_int_equal(s.report.outcome, RUN_FAILED);
    char *after = look_state(st, "index/");
    assert_string_equal(after, before);
    assert_rows("id,day,n\n1,2026-01-01,1\n");
    free(after);
    free(before);
}

static void a_row_with_too_few_or_too_many_fields_is_a_bad_row(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1\n2,2026-01-02\n"), ERR_GATE);
    assert_said("source.csv:3");
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1,1\n"), ERR_GATE);
    assert_said("source.csv:2");
    assert_int_equal(run(COLUMNS "bad_rows: reject\n", "id,day,n\n1,2026-01-01,1\n2,2026-01-02\n"),
                     ERR_OK);
    assert_int_equal(s.report.load.rows_rejected, 1);
}

static void null_in_a_key_is_refused_with_its_row(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1\n,2026-01-02,2\n"), ERR_GATE);
    assert_said("source.csv:3:1: column \"id\"");
    assert_nothing_published();
    /* Also where no columns are listed. */
    assert_int_equal(run("key: id\n", "id,n\n1,1\n,2\n"), ERR_GATE);
    assert_said("source.csv:3");
}

static void null_in_a_key_is_a_value_where_that_is_allowed(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int, nullable: true}\n"
                               "  - {name: n, type: int}\n"
                               "key: id\n";
    assert_int_equal(run(yaml, "id,n\n1,1\n,2\n"), ERR_OK);
    assert_int_equal(run(yaml, "id,n\n1,1\n,2\n2,3\n"), ERR_OK);
    assert_int_equal(s.report.delta.rows_new, 1);
    assert_int_equal(run(yaml, "id,n\n,5\n"), ERR_OK);
    assert_int_equal(s.report.delta.rows_revised, 1);
    assert_rows("id,n\n1,1\n2,3\n,5\n");
}

static void a_partition_column_without_a_day_is_a_bad_row(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS BY_MONTH, "id,day,n\n1,2026-01-01,1\n2,,2\n"), ERR_GATE);
    assert_said("source.csv:3:3: column \"day\"");
    assert_nothing_published();
    static const char nullable[] = "columns:\n"
                                   "  - {name: id, type: int}\n"
                                   "  - {name: day, type: date}\n"
                                   "key: id\n" BY_MONTH;
    assert_int_equal(run(nullable, "id,day\n1,2026-01-01\n2,\n"), ERR_GATE);
    assert_said("source.csv:3:3: column \"day\"");
    assert_int_equal(run("key: id\npartition: {column: day, by: month}\n", "id,day\n1,soon\n"),
                     ERR_CONFIG);
    assert_said("`partition` needs a date or a timestamp");
    assert_nothing_published();
}

/* ---- Repeated keys ------------------------------------------------------------------------- */

static const char twice[] = "id,day,n\n"
                            "1,2026-01-01,1\n"
                            "2,2026-01-02,2\n"
                            "1,2026-01-03,3\n"
                            "1,2026-01-04,4\n";

static void the_last_row_of_a_repeated_key_counts(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, twice), ERR_OK);
    assert_int_equal(s.report.load.rows_duplicate, 2);
    assert_int_equal(s.report.delta.rows_new, 2);
    assert_rows("id,day,n\n1,2026-01-04,4\n2,2026-01-02,2\n");
}

static void repeated_keys_end_the_run_where_that_is_asked_for(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS "duplicates: fail\n", twice), ERR_GATE);
    assert_said(
        "Rows of the source repeat a key (2 in all), for example (1) in row 1: the key is repeated "
        "in row 4");
    assert_nothing_published();
}

/* ---- Sources that do not change, or do while they are read --------------------------------- */

static size_t count_writes(size_t before)
{
    size_t n = 0;
    for (size_t k = before + 1; k <= store_fault_count(st); k++) {
        const char *key;
        enum fault_op op = store_fault_operation(st, k, &key);
        n += op == FAULT_PUT_NEW || op == FAULT_SWAP || op == FAULT_MOVE || op == FAULT_REMOVE;
    }
    return n;
}

static const char first[] = "id,day,n\n1,2026-01-01,1\n2,2026-02-01,2\n";

static void an_unchanged_source_is_not_read_and_that_is_recorded(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    size_t records = look_count(st, "runs/");
    size_t before = store_fault_count(st);
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_UNCHANGED);
    assert_true(s.report.seconds[STEP_LOAD] == 0);
    assert_int_equal(look_count(st, "runs/"), records + 1);
    assert_int_equal(count_writes(before), 1);
    char *key = look_find(st, "runs/", s.report.run_id);
    struct json *record = look_json(st, key);
    assert_string_equal(json_string(json_get(record, "outcome")), "unchanged");
    json_free(record);
    free(key);
}

static void the_same_source_read_in_another_way_is_read_again(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    assert_int_equal(run(COLUMNS "transform: SELECT id, day, '7' AS n FROM source\n", first),
                     ERR_OK);
    assert_int_equal(s.report.outcome, RUN_PUBLISHED);
    assert_int_equal(s.report.delta.rows_revised, 2);
}

static void a_source_with_nothing_new_is_not_read_twice(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1\n"), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_NO_NEW_ROWS);
    assert_int_equal(s.report.delta.rows_vanished, 1);
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1\n"), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_UNCHANGED);
    /* The one before is another source now, and is read; it holds nothing new. */
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_NO_NEW_ROWS);
}

static void rewrite_source(void *ctx, struct store *inner)
{
    (void)inner;
    static const char other[] = "id,day,n\n1,2026-01-01,1\n2,2026-02-01,2\n3,2026-03-01,3\n";
    char *path = fs_join(ctx, "source.csv");
    assert_int_equal(fs_write(path, other, sizeof other - 1, NULL), ERR_OK);
    free(path);
}

static void a_source_that_changes_while_it_is_read_publishes_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS, first), ERR_OK);
    /* Between the moment it was hashed and the moment it was read. */
    store_fault_add(st, &(struct fault){.action = FAULT_CALL,
                                        .op = FAULT_GET,
                                        .key = "index/manifest.json",
                                        .at = 1,
                                        .call = rewrite_source,
                                        .ctx = s.folder});
    size_t events = look_count(st, "events/_data/");
    assert_int_equal(run(COLUMNS, "id,day,n\n1,2026-01-01,1\n4,2026-04-01,4\n"), ERR_SOURCE);
    assert_said("changed while it was read");
    assert_int_equal(look_count(st, "events/_data/"), events);
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    assert_rows("id,day,n\n1,2026-01-01,1\n2,2026-02-01,2\n3,2026-03-01,3\n");
}

/* ---- Dry runs ------------------------------------------------------------------------------ */

/* Counts as the later run has them, and not one operation that changes anything. */
static void plan(const char *yaml, const char *csv, const char *outcome)
{
    size_t before = store_fault_count(st);
    s.options.dry_run = true;
    assert_int_equal(run(yaml, csv), ERR_OK);
    s.options.dry_run = false;
    assert_string_equal(run_outcome_name(s.report.outcome), outcome);
    assert_int_equal(count_writes(before), 0);
}

static void a_dry_run_writes_nothing_and_says_what_the_run_then_does(void **state)
{
    (void)state;
    static const char second[] = "id,day,n\n2,2026-02-01,9\n3,2026-03-01,3\n3,2026-03-01,4\n";
    plan(COLUMNS BY_MONTH, first, "planned");
    assert_int_equal(s.report.delta.rows_new, 2);
    assert_int_equal(look_count(st, ""), 0);
    assert_int_equal(run(COLUMNS BY_MONTH, first), ERR_OK);
    plan(COLUMNS BY_MONTH, first, "unchanged");
    plan(COLUMNS BY_MONTH, second, "planned");
    uint64_t counts[] = {s.report.delta.rows_new, s.report.delta.rows_revised,
                         s.report.delta.rows_known, s.report.delta.rows_vanished,
                         s.report.load.rows_duplicate};
    assert_int_equal(run(COLUMNS BY_MONTH, second), ERR_OK);
    assert_int_equal(s.report.delta.rows_new, counts[0]);
    assert_int_equal(s.report.delta.rows_revised, counts[1]);
    assert_int_equal(s.report.delta.rows_known, counts[2]);
    assert_int_equal(s.report.delta.rows_vanished, counts[3]);
    assert_int_equal(s.report.load.rows_duplicate, counts[4]);
    assert_int_equal(counts[0] * 10 + counts[1], 11);
}

static void a_dry_run_over_a_damaged_index_is_right_and_heals_nothing(void **state)
{
    (void)state;
    assert_int_equal(run(COLUMNS BY_MONTH, first), ERR_OK);
    look_remove(st, "index/manifest.json");
    plan(COLUMNS BY_MONTH, "id,day,n\n2,2026-02-01,9\n3,2026-03-01,3\n", "planned");
    assert_int_equal(s.report.delta.rows_new, 1);
    assert_int_equal(s.report.delta.rows_revised, 1);
    assert_false(look_exists(st, "index/manifest.json"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(bad_rows_end_the_run_with_file_line_and_column),
        TEST(bad_rows_may_be_left_out_up_to_a_limit),
        TEST(a_source_of_bad_rows_alone_is_a_failure),
        TEST(a_row_with_too_few_or_too_many_fields_is_a_bad_row),
        TEST(null_in_a_key_is_refused_with_its_row),
        TEST(null_in_a_key_is_a_value_where_that_is_allowed),
        TEST(a_partition_column_without_a_day_is_a_bad_row),
        TEST(the_last_row_of_a_repeated_key_counts),
        TEST(repeated_keys_end_the_run_where_that_is_asked_for),
        TEST(an_unchanged_source_is_not_read_and_that_is_recorded),
        TEST(the_same_source_read_in_another_way_is_read_again),
        TEST(a_source_with_nothing_new_is_not_read_twice),
        TEST(a_source_that_changes_while_it_is_read_publishes_nothing),
        TEST(a_dry_run_writes_nothing_and_says_what_the_run_then_does),
        TEST(a_dry_run_over_a_damaged_index_is_right_and_heals_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/record.h"
#include "support/scenario.h"
#include "util/mem.h"
#include "util/time.h"

static struct store *st;
static struct error err;
static struct dataset dataset;

static int setup(void **state)
{
    (void)state;
    struct limits limits = {.memory = 1, .threads = 1, .temp = "/nowhere"};
    st = scenario_memory();
    dataset_init(&dataset, st, SCENARIO_DATASET, NULL, &limits);
    error_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_free(st);
    return 0;
}

static struct run_report report_at(int64_t time)
{
    struct run_report r = {.outcome = RUN_PUBLISHED, .started = time, .finished = time + 1500000};
    memset(r.run_id, 'a', sizeof r.run_id - 1);
    return r;
}

#define DAY 86400000000
static const int64_t start = 1769817600000000; /* 2026-01-31 */

static const char *text_at(const struct json *record, const char *name)
{
    return json_string(json_get(record, name));
}

static void every_field_that_is_promised_is_there(void **state)
{
    (void)state;
    static const char *const names[] = {
        "format",
        "program",
        "outcome",
        "dataset",
        "sequence",
        "commit",
        "run_id",
        "started_at",
        "finished_at",
        "source",
        "source_bytes",
        "rows_read",
        "rows_new",
        "rows_revised",
        "rows_known",
        "rows_vanished",
        "rows_rejected",
        "rows_duplicate",
        "rows_total",
        "keys_total",
        "files_written",
        "bytes_written",
        "index_rebuilt",
        "index_recovery",
        "index_reason",
        "index_rebuild_rows",
        "index_rebuild_seconds",
        "attempts",
        "conflicts",
        "ambiguous",
        "settled_by_reading",
        "rollbacks",
        "events_rolled_back",
        "events_left",
        "consolidation",
        "seconds",
        "peak_memory_bytes",
        "requests",
        "rejects",
        "left_out_columns",
        "warnings",
        "error",
    };
    struct run_report r = report_at(start);
    struct json *record = record_encode(&dataset, &r);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (json_get(record, names[i]) == NULL)
            fail_msg("%s is missing", names[i]);
    const struct json *seconds = json_get(record, "seconds");
    for (int step = 0; step < STEP_COUNT; step++)
        assert_non_null(json_get(seconds, run_step_name((enum run_step)step)));
    assert_true(json_real(json_get(seconds, "total")) == 1.5);
    assert_string_equal(text_at(record, "dataset"), SCENARIO_DATASET);
    assert_string_equal(text_at(record, "outcome"), "published");
    assert_string_equal(text_at(record, "started_at"), "2026-01-31T00:00:00.000000Z");
    assert_true(json_is_null(json_get(record, "commit")));
    assert_true(json_is_null(json_get(record, "error")));
    assert_true(json_is_null(json_get(record, "source")));
    json_free(record);
}

static void numbers_arrive_under_their_names(void **state)
{
    (void)state;
    struct run_report r = report_at(start);
    r.version = (struct version_id){7, "0123456789abcdef0123456789abcdef"};
    r.rows_new = 11;
    r.rows_vanished = 12;
    r.events_rolled_back = 13;
    r.rollbacks = 14;
    r.index_recovery = INDEX_CAUGHT_UP;
    r.bill.requests = 15;
    r.consolidation = (struct consolidation_report){.state = "completed", .built = 16};
    r.seconds[STEP_LOAD] = 0.25;
    r.code = ERR_GATE;
    memcpy(r.message, "No.", 4);
    struct json *record = record_encode(&dataset, &r);
    assert_int_equal(json_integer(json_get(record, "sequence")), 7);
    assert_string_equal(text_at(record, "commit"), r.version.commit);
    assert_int_equal(json_integer(json_get(record, "rows_new")), 11);
    assert_int_equal(json_integer(json_get(record, "rows_vanished")), 12);
    assert_int_equal(json_integer(json_get(record, "events_rolled_back")), 13);
    assert_int_equal(json_integer(json_get(record, "rollbacks")), 14);
    assert_true(json_bool(json_get(record, "index_rebuilt")));
    assert_string_equal(text_at(record, "index_recovery"), "catch_up");
    assert_int_equal(json_integer(json_get(json_get(record, "requests"), "sent")), 15);
    assert_int_equal(json_integer(json_get(json_get(record, "consolidation"), "built")), 16);
    assert_true(json_real(json_get(json_get(record, "seconds"), "load")) == 0.25);
    assert_string_equal(text_at(json_get(record, "error"), "code"), "gate");
    assert_string_equal(text_at(json_get(record, "error"), "message"), "No.");
    json_free(record);
}

static void samples_and_warnings_are_listed(void **state)
{
    (void)state;
    struct run_report r = report_at(start);
    r.warnings[r.warning_count++] = mem_strdup("careful");
    r.rows.left_out = mem_calloc(1, sizeof *r.rows.left_out);
    r.rows.left_out[r.rows.left_out_count++] = mem_strdup("unused");
    r.rows.samples[r.rows.sample_count++] =
        (struct source_reject){.file = mem_strdup("a.csv"),
                               .row = 1,
                               .line = 2,
                               .column = 3,
                               .name = mem_strdup("rate"),
                               .value = mem_strdup("abc"),
                               .reason = mem_strdup("is not a double")};
    struct json *record = record_encode(&dataset, &r);
    assert_string_equal(json_string(json_at(json_get(record, "warnings"), 0)), "careful");
    assert_string_equal(json_string(json_at(json_get(record, "left_out_columns"), 0)), "unused");
    const struct json *reject = json_at(json_get(record, "rejects"), 0);
    assert_string_equal(text_at(reject, "file"), "a.csv");
    assert_int_equal(json_integer(json_get(reject, "line")), 2);
    assert_string_equal(text_at(reject, "name"), "rate");
    assert_string_equal(text_at(reject, "value"), "abc");
    json_free(record);
    run_report_release(&r);
}

/* ---- In the store -------------------------------------------------------------------------- */

static int take_time(void *ctx, const struct json *record, struct error *e)
{
    (void)e;
    str_printf(ctx, "%.10s ", text_at(record, "started_at"));
    return ERR_OK;
}

static int take_back(void *ctx, const struct json *record, bool *stop, struct error *e)
{
    struct str *out = ctx;
    *stop = out->len > 0;
    return take_time(ctx, record, e);
}

static void write_at(int64_t time)
{
    struct run_report r = report_at(time);
    assert_int_equal(record_write(&dataset, &r, &err), ERR_OK);
}

static void expect_since(int64_t since, const char *times)
{
    struct str found;
    str_init(&found, 1000);
    assert_int_equal(record_each(st, since, take_time, &found, &err), ERR_OK);
    assert_string_equal(found.data, times);
    str_release(&found);
}

static void records_are_visited_in_the_order_of_time(void **state)
{
    (void)state;
    expect_since(0, "");
    write_at(start + DAY);
    write_at(start);
    write_at(start + 2 * DAY);
    expect_since(0, "2026-01-31 2026-02-01 2026-02-02 ");
    expect_since(start + DAY, "2026-02-01 2026-02-02 ");
    expect_since(start + DAY + 1, "2026-02-02 ");
    expect_since(start + 3 * DAY, "");
    struct str found;
    str_init(&found, 1000);
    assert_int_equal(record_back(st, take_back, &found, &err), ERR_OK);
    assert_string_equal(found.data, "2026-02-02 2026-02-01 ");
    str_release(&found);
}

static void a_record_is_never_replaced(void **state)
{
    (void)state;
    write_at(start);
    struct run_report r = report_at(start);
    assert_int_equal(record_write(&dataset, &r, &err), ERR_CONFLICT);
}

static void put(const char *key, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    assert_int_equal(store_put_new(st, key, &body, NULL, &err), ERR_OK);
}

static void what_is_no_record_is_left_out(void **state)
{
    (void)state;
    write_at(start);
    put("runs/20260201T000000.000000Z-x.json", "{");
    put("runs/20260202T000000.000000Z-x.json", "[]");
    put("runs/20260203T000000.000000Z-x.txt", "{\"started_at\":\"2026-02-03\"}");
    expect_since(0, "2026-01-31 ");
    struct str found;
    str_init(&found, 1000);
    assert_int_equal(record_back(st, take_back, &found, &err), ERR_OK);
    assert_string_equal(found.data, "2026-01-31 ");
    str_release(&found);
}

static int refuse(void *ctx, const struct json *record, struct error *e)
{
    (void)record;
    ++*(int *)ctx;
    return error_set(e, ERR_GATE, "enough");
}

static void a_visit_may_end_the_walk(void **state)
{
    (void)state;
    int count = 0;
    write_at(start);
    write_at(start + DAY);
    assert_int_equal(record_each(st, 0, refuse, &count, &err), ERR_GATE);
    assert_int_equal(count, 1);
    assert_string_equal(err.text, "enough");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(every_field_that_is_promised_is_there),
        CASE(numbers_arrive_under_their_names),
        CASE(samples_and_warnings_are_listed),
        CASE(records_are_visited_in_the_order_of_time),
        CASE(a_record_is_never_replaced),
        CASE(what_is_no_record_is_left_out),
        CASE(a_visit_may_end_the_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

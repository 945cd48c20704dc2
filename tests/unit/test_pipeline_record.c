/* What a record says of a run, and what is read back from it. */
#include "derived/history/history.h"
#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "pipeline/record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#include <cmocka.h>

/* Every field has a value of its own. */
static void fill(struct run_report *r)
{
    static char value[] = "x";
    static char reason[] = "is no number";
    *r = (struct run_report){
        .outcome = RUN_UNKNOWN,
        .code = ERR_UNKNOWN,
        .message = "Whether version 8 was published is not known.",
        .run_id = "000102030405060708090a0b0c0d0e0f",
        .started = 1769903999000001,
        .finished = 1769904001500001,
        .version = {7, "101112131415161718191a1b1c1d1e1f"},
        .gc_epoch = 3,
        .doubtful = {8, "202122232425262728292a2b2c2d2e2f"},
        .source = mem_strdup("https://example.org/rates.csv"),
        .source_bytes = 1001,
        .rows_total = 1002,
        .keys_total = 1003,
        .load = {.rows_read = 11, .rows_rejected = 12, .rows_duplicate = 13},
        .delta = {.rows_new = 14, .rows_revised = 15, .rows_known = 16, .rows_vanished = 17},
        .events = {18, 19, 20, 21, 22},
        .commits = {23, 24, 25, true},
        .peak_memory = 1004,
        .bill = {31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41},
        .warnings = {mem_strdup("one"), mem_strdup("two")},
        .warning_count = 2,
    };
    struct index_report *index = derived_report(&r->derived, &index_derived);
    struct history_report *history = derived_report(&r->derived, &history_derived);
    struct consolidation_report *c = derived_report(&r->derived, &projection_derived);
    *index = (struct index_report){INDEX_CAUGHT_UP, "it is behind", 0.25, 26};
    *history = (struct history_report){HISTORY_BEHIND, 30, 0};
    *c = (struct consolidation_report){PROJECTION_IN_PROGRESS, 27, 28, true, true, true, 29};
    for (int i = 0; i < STEP_COUNT; i++)
        r->seconds[i] = 0.5 + i;
    report_fault(&r->load.source, "rates.csv", "value",
                 &(struct reader_fault){
                     .row = 42, .line = 43, .column = 44, .value = value, .reason = reason});
    r->load.source.left_out = mem_calloc(1, sizeof *r->load.source.left_out);
    r->load.source.left_out[r->load.source.left_out_count++] = mem_strdup("extra");
}

static void write_run(const struct run_report *r, struct str *out)
{
    struct json *json = record_encode_run("demo", r);
    str_init(out, STR_MAX_DEFAULT);
    json_write(json, false, out);
    json_free(json);
}

static const char golden[] =
    "\"dataset\":\"demo\",\"run_id\":\"000102030405060708090a0b0c0d0e0f\","
    "\"started_at\":\"2026-01-31T23:59:59.000001Z\",\"outcome\":\"unknown\",\"sequence\":7,"
    "\"commit\":\"101112131415161718191a1b1c1d1e1f\",\"gc_epoch\":3,"
    "\"doubtful\":\"0000000008-202122232425262728292a2b2c2d2e2f\","
    "\"finished_at\":\"2026-02-01T00:00:01.500001Z\",\"source\":\"https://example.org/rates.csv\","
    "\"source_bytes\":1001,\"rows_read\":11,\"rows_new\":14,\"rows_revised\":15,\"rows_known\":16,"
    "\"rows_vanished\":17,\"rows_rejected\":12,\"rows_duplicate\":13,\"rows_total\":1002,"
    "\"keys_total\":1003,\"files_written\":18,\"bytes_written\":19,\"index_rebuilt\":true,"
    "\"index_recovery\":\"catch_up\",\"index_reason\":\"it is behind\",\"index_rebuild_rows\":26,"
    "\"index_rebuild_seconds\":0.25,\"attempts\":23,\"conflicts\":24,\"ambiguous\":25,"
    "\"settled_by_reading\":true,\"rollbacks\":20,\"events_rolled_back\":21,\"events_left\":22,"
    "\"history\":{\"state\":\"behind\",\"written\":30},"
    "\"consolidation\":{\"state\":\"in_progress\",\"built\":27,\"moved\":28,\"behind\":29,"
    "\"skipped\":true,\"resumed\":true,\"replayed\":true},\"seconds\":{\"probe\":0.5,\"base\":1.5,"
    "\"index_check\":2.5,\"index_rebuild\":3.5,\"source\":4.5,\"load\":5.5,\"delta\":6.5,"
    "\"write_events\":7.5,\"publish\":8.5,\"index_update\":9.5,\"history\":10.5,\"consolidate\":11.5,\"total\":2.5},"
    "\"peak_memory_bytes\":1004,\"requests\":{\"gets\":31,\"heads\":32,\"puts\":33,\"swaps\":34,"
    "\"moves\":35,\"lists\":36,\"deletes\":37,\"bytes_read\":38,\"bytes_written\":39,\"sent\":40,"
    "\"retries\":41},\"rejects\":[{\"file\":\"rates.csv\",\"row\":42,\"line\":43,\"column\":44,"
    "\"name\":\"value\",\"value\":\"x\",\"reason\":\"is no number\"}],"
    "\"left_out_columns\":[\"extra\"],\"warnings\":[\"one\",\"two\"],\"skipped\":null,"
    "\"error\":{\"code\":\"unknown\",\"message\":\"Whether version 8 was published is not known.\"}}";

static void the_fields_of_a_record_stand_in_their_order(void **state)
{
    (void)state;
    struct run_report r;
    struct str text;
    fill(&r);
    write_run(&r, &text);
    const char *from = strstr(text.data, "\"dataset\"");
    assert_non_null(from);
    assert_string_equal(from, golden);
    str_release(&text);
    run_report_release(&r);
}

/* Nothing is lost on the way, and nothing lands in the place of something else. */
static void what_is_read_from_a_record_is_what_was_written(void **state)
{
    (void)state;
    struct run_report r;
    struct record again;
    struct str first, second;
    fill(&r);
    record_decode(record_encode_run("demo", &r), &derived_table, &again);
    assert_int_equal(again.kind, RECORD_RUN);
    write_run(&r, &first);
    write_run(&again.run, &second);
    assert_string_equal(first.data, second.data);
    str_release(&first);
    str_release(&second);
    record_release(&again);
    run_report_release(&r);
}

static void a_run_that_was_skipped_or_that_did_nothing_is_read_back_as_well(void **state)
{
    (void)state;
    const struct run_report runs[] = {
        {.outcome = RUN_UNCHANGED},
        {.outcome = RUN_SKIPPED, .message = "another run holds the lease"},
        {.outcome = RUN_FAILED, .code = ERR_GATE, .message = "2 rows do not fit"},
    };
    for (size_t i = 0; i < sizeof runs / sizeof runs[0]; i++) {
        struct record again;
        struct str first, second;
        record_decode(record_encode_run("demo", &runs[i]), &derived_table, &again);
        assert_int_equal(again.run.code, runs[i].code);
        assert_string_equal(again.run.message, runs[i].message);
        write_run(&runs[i], &first);
        write_run(&again.run, &second);
        assert_string_equal(first.data, second.data);
        str_release(&first);
        str_release(&second);
        record_release(&again);
    }
}

static void records_of_gc_and_repair_are_read_back(void **state)
{
    (void)state;
    const struct record_upkeep u = {
        .id = "000102030405060708090a0b0c0d0e0f",
        .started = 1769903999000001,
        .failed = true,
        .version = {7, "101112131415161718191a1b1c1d1e1f"},
        .gc_epoch = 3,
        .orphans_found = 4,
        .orphans_removed = 5,
        .orphan_bytes = 6,
    };
    struct record r;
    char key[LAYOUT_KEY_SIZE];
    record_decode(record_encode_upkeep("demo", RECORD_GC, &u), &derived_table, &r);
    assert_int_equal(r.kind, RECORD_GC);
    assert_true(r.upkeep.failed);
    assert_int_equal(r.upkeep.version.sequence, 7);
    assert_int_equal(r.upkeep.gc_epoch, 3);
    assert_int_equal(r.upkeep.orphans_found, 4);
    assert_int_equal(r.upkeep.orphans_removed, 5);
    assert_int_equal(r.upkeep.orphan_bytes, 6);
    assert_true(record_is_after(&r, 1769903999000000));
    assert_false(record_is_after(&r, 1769903999000001));
    assert_string_equal(record_key(&r, key),
                        "runs/20260131T235959.000001Z-000102030405060708090a0b0c0d0e0f.json");
    record_release(&r);
    record_decode(record_encode_upkeep("demo", RECORD_REPAIR, &u), &derived_table, &r);
    assert_int_equal(r.kind, RECORD_REPAIR);
    assert_string_equal(r.upkeep.id, u.id);
    assert_int_equal(r.upkeep.orphans_found, 0);
    record_release(&r);
}

static void decode_text(const char *text, struct record *out)
{
    struct json *json;
    struct error err = ERROR_INIT;
    assert_int_equal(json_parse(text, strlen(text), "text", &json, &err), ERR_OK);
    record_decode(json, &derived_table, out);
}

/* A record may have been edited by hand, or written by a version of cauce that is yet to come. */
static void what_makes_no_sense_is_as_if_it_were_not_there(void **state)
{
    (void)state;
    struct record r;
    char key[LAYOUT_KEY_SIZE];
    decode_text(
        "{\"kind\": 7, \"run_id\": \"../../etc/passwd and more than an id can be\","
        " \"outcome\": [], \"started_at\": 5, \"finished_at\": \"yesterday\","
        " \"sequence\": -1, \"commit\": {}, \"doubtful\": \"8-x\", \"source\": 3,"
        " \"rows_new\": -5, \"rows_read\": \"many\", \"index_rebuilt\": true,"
        " \"index_recovery\": \"prayer\", \"index_rebuild_seconds\": 1e300,"
        " \"consolidation\": [], \"seconds\": {\"load\": -1, \"delta\": 1e11},"
        " \"requests\": null, \"rejects\": [1, {\"row\": 2}], \"left_out_columns\": {},"
        " \"warnings\": [[], \"x\"], \"error\": {\"code\": 1, \"message\": \"a\\u001b[2Jb\"}}",
        &r);
    assert_int_equal(r.kind, RECORD_RUN);
    assert_string_equal(r.run.run_id, "");
    assert_string_equal(record_key(&r, key), "");
    assert_int_equal(r.run.outcome, RUN_FAILED);
    assert_true(r.run.started == 0 && r.run.finished == 0);
    assert_int_equal(r.run.version.sequence, 0);
    assert_int_equal(r.run.doubtful.sequence, 0);
    assert_null(r.run.source);
    assert_int_equal(r.run.delta.rows_new, 0);
    assert_int_equal(r.run.load.rows_read, 0);
    assert_int_equal(index_report_of(&r.run.derived)->recovery, INDEX_REBUILT);
    assert_true(index_report_of(&r.run.derived)->seconds <= 0);
    assert_true(r.run.seconds[STEP_LOAD] <= 0 && r.run.seconds[STEP_DELTA] <= 0);
    assert_int_equal(r.run.load.source.sample_count, 2);
    assert_int_equal(r.run.load.source.samples[1].row, 2);
    assert_string_equal(r.run.load.source.samples[1].reason, "");
    assert_int_equal(r.run.warning_count, 2);
    assert_int_equal(r.run.code, ERR_SYSTEM);
    assert_null(strchr(r.run.message, '\x1b'));
    record_release(&r);
    decode_text("{}", &r);
    assert_int_equal(r.kind, RECORD_RUN);
    record_release(&r);
}

/* Lists without end do not run over what has room for some of them. */
static void of_long_lists_the_first_are_taken(void **state)
{
    (void)state;
    struct record r;
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "{\"warnings\": [\"w\"");
    for (int i = 0; i < 100; i++)
        str_append(&text, ",\"w\"");
    str_append(&text, "], \"rejects\": [{}");
    for (int i = 0; i < 100; i++)
        str_append(&text, ",{}");
    str_append(&text, "], \"left_out_columns\": [\"c\"");
    for (int i = 0; i < 100; i++)
        str_append(&text, ",\"c\"");
    str_append(&text, "], \"error\": {\"message\": \"");
    for (int i = 0; i < 3 * ERROR_TEXT_SIZE; i++)
        str_append_char(&text, 'm');
    str_append(&text, "\"}}");
    decode_text(text.data, &r);
    assert_int_equal(r.run.warning_count, RUN_WARNINGS_MAX);
    assert_int_equal(r.run.load.source.sample_count, REPORT_SAMPLES);
    assert_int_equal(r.run.load.source.left_out_count, 101);
    assert_int_equal(strlen(r.run.message), ERROR_TEXT_SIZE - 1);
    str_release(&text);
    record_release(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_of_a_record_stand_in_their_order),
        cmocka_unit_test(what_is_read_from_a_record_is_what_was_written),
        cmocka_unit_test(a_run_that_was_skipped_or_that_did_nothing_is_read_back_as_well),
        cmocka_unit_test(records_of_gc_and_repair_are_read_back),
        cmocka_unit_test(what_makes_no_sense_is_as_if_it_were_not_there),
        cmocka_unit_test(of_long_lists_the_first_are_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

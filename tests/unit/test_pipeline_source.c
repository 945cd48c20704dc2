/* Sources as they come: formats, encodings, types, and what becomes of their rows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "engine/engine.h"
#include "support/look.h"
#include "support/scenario.h"
#include "util/fs.h"
#include "util/mem.h"

#include <cmocka.h>

static struct scenario s;
static struct store *st;

static int open_store(void **state)
{
    (void)state;
    scenario_open(&s, "key: id\n");
    st = scenario_memory();
    return 0;
}

static int close_store(void **state)
{
    (void)state;
    store_free(st);
    scenario_close(&s);
    return 0;
}

/* Publish a file under a configuration: it succeeds with this outcome. */
static void publish_bytes(const char *yaml, const char *name, const void *bytes, size_t count,
                          enum run_outcome outcome)
{
    scenario_reconfigure(&s, yaml);
    scenario_source(&s, name, bytes, count);
    if (scenario_run(&s, st) != ERR_OK)
        fail_msg("%s: %s", name, s.err.text);
    assert_string_equal(run_outcome_name(s.report.outcome), run_outcome_name(outcome));
}

static void publish(const char *yaml, const char *name, const char *text)
{
    publish_bytes(yaml, name, text, strlen(text), RUN_PUBLISHED);
}

/* It fails with this code, and says these words. */
static void refuse(const char *yaml, const char *name, const char *text, int code,
                   const char *words)
{
    scenario_reconfigure(&s, yaml);
    scenario_source(&s, name, text, strlen(text));
    assert_int_equal(scenario_run(&s, st), code);
    if (strstr(s.err.text, words) == NULL)
        fail_msg("not said: %s\nbut: %s", words, s.err.text);
}

static void assert_rows(const char *wanted)
{
    char *rows = scenario_read(&s, st, false);
    assert_string_equal(rows, wanted);
    free(rows);
}

/* ---- Text ---------------------------------------------------------------------------------- */

static const char names[] = "columns:\n"
                            "  - {name: id, type: int}\n"
                            "  - {name: name, type: text}\n"
                            "key: id\n";

static void byte_order_mark_and_line_ends_of_windows_are_no_data(void **state)
{
    (void)state;
    publish(names, "a.csv", "\xef\xbb\xbfid,name\r\n1,one\r\n2,\"two\r\nlines\"\r\n");
    assert_rows("id,name\n1,one\n2,\"two\r\nlines\"\n");
}

static void quoted_separators_quotes_and_line_ends_are_data(void **state)
{
    (void)state;
    publish(names, "a.csv", "id,name\n1,\"a, b\"\n2,\"say \"\"hi\"\"\"\n3,\"two\nlines\"\n4,\n");
    assert_rows("id,name\n1,\"a, b\"\n2,\"say \"\"hi\"\"\"\n3,\"two\nlines\"\n4,\n");
}

static void a_missing_line_end_at_the_end_and_blank_lines_are_no_rows(void **state)
{
    (void)state;
    publish(names, "a.csv", "id,name\n1,one\n\n2,two");
    assert_rows("id,name\n1,one\n2,two\n");
    assert_int_equal(s.report.load.rows_read, 2);
}

/* Words of a file, or its name, are not taken for what a message says of the dataset. */
static void a_failure_tells_the_state_whatever_words_the_source_brings_along(void **state)
{
    (void)state;
    refuse(names, "unchanged.csv", "id,name\n\"1,one\n", ERR_SOURCE,
           "Nothing was published. Run again when the source can be read.");
    refuse(names, "blank.csv", "\n\n", ERR_SOURCE,
           "it holds nothing but blank lines and comments. Nothing was published.");
    refuse(names, "a.csv", "id,nothing not published\n1,one\n", ERR_GATE, "Nothing was published.");
    assert_int_equal(s.err.state, ERROR_UNPUBLISHED);
}

static void other_encodings_are_read(void **state)
{
    (void)state;
    static const char latin[] = "source: {format: csv, encoding: windows-1252}\n"
                                "columns:\n"
                                "  - {name: id, type: int}\n"
                                "  - {name: name, type: text}\n"
                                "key: id\n";
    publish(latin, "a.csv", "id,name\n1,caf\xe9 \x80\n");
    assert_rows("id,name\n1,caf\xc3\xa9 \xe2\x82\xac\n");
    /* A byte-order mark decides. */
    static const char wide[] = "\xff\xfei\0d\0,\0n\0a\0m\0e\0\n\0002\0,\0\xe4\0\n\0";
    publish_bytes(names, "b.csv", wide, sizeof wide - 1, RUN_PUBLISHED);
    assert_rows("id,name\n1,caf\xc3\xa9 \xe2\x82\xac\n2,\xc3\xa4\n");
}

static void bytes_that_are_not_of_the_encoding_are_refused_with_their_place(void **state)
{
    (void)state;
    refuse(names, "a.csv", "id,name\n1,one\n2,\xff\xfe\n", ERR_GATE, "a.csv:3:");
}

static void delimiter_comment_and_lines_before_the_header_are_as_configured(void **state)
{
    (void)state;
    static const char yaml[] = "source: {format: csv, delimiter: \";\", comment: \"#\", "
                               "skip_lines: 2}\n"
                               "columns:\n"
                               "  - {name: id, type: int}\n"
                               "  - {name: name, type: text}\n"
                               "key: id\n";
    publish(yaml, "a.csv", "A report\nof today\nid;name\n# not a row\n1;a,b\n");
    assert_rows("id,name\n1,\"a,b\"\n");
}

static void gzip_and_zstd_are_unpacked(void **state)
{
    (void)state;
    static const char text[] = "id,name\n1,one\n2,two\n";
    unsigned char packed[200];
    z_stream z = {.next_in = (Bytef *)(uintptr_t)text,
                  .avail_in = sizeof text - 1,
                  .next_out = packed,
                  .avail_out = sizeof packed};
    assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    publish_bytes(names, "a.csv.gz", packed, z.total_out, RUN_PUBLISHED);
    assert_rows(text);
    /* Half of it is no source. */
    scenario_source(&s, "half.csv.gz", packed, z.total_out / 2);
    assert_int_equal(scenario_run(&s, st), ERR_SOURCE);
    deflateEnd(&z);
    size_t n = ZSTD_compress(packed, sizeof packed, "id,name\n3,three\n", 16, 3);
    publish_bytes(names, "b.csv.zst", packed, n, RUN_PUBLISHED);
    assert_rows("id,name\n1,one\n2,two\n3,three\n");
}

static void what_does_not_fit_is_never_taken_for_an_empty_value(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int}\n"
                               "  - {name: code, type: binary}\n"
                               "  - {name: size, type: double}\n"
                               "key: id\n";
    refuse(yaml, "a.csv", "id,code,size\n1,00ff,1\n2,,2\n3,zz,3\n4,01,4\n", ERR_GATE,
           "a.csv:4:3: column \"code\": \"zz\" is not a binary");
    refuse(yaml, "a.csv", "id,code,size\n1,00ff,1\n2,,1e999\n", ERR_GATE,
           "a.csv:3:4: column \"size\": \"1e999\" is not a double");
    publish(yaml, "a.csv", "id,code,size\n1,00ff,1\n2,,2\n");
    assert_rows("id,code,size\n1,00FF,1.0\n2,,2.0\n");
}

static void columns_that_are_not_the_datasets_are_named(void **state)
{
    (void)state;
    publish(names, "a.csv", "id,extra,name\n1,x,one\n");
    assert_int_equal(s.report.load.source.left_out_count, 1);
    assert_string_equal(s.report.load.source.left_out[0], "extra");
    assert_int_equal(s.report.warning_count, 0);
    /* Nobody listed any: the source has grown, which is worth a warning. */
    close_store(NULL);
    open_store(NULL);
    publish("key: id\n", "a.csv", "id,name\n1,one\n");
    assert_int_equal(s.report.warning_count, 0);
    publish("key: id\n", "a.csv", "id,name,extra\n1,one,x\n2,two,y\n");
    assert_int_equal(s.report.warning_count, 1);
    assert_non_null(strstr(s.report.warnings[0], "\"extra\""));
    assert_rows("id,name\n1,one\n2,two\n");
}

static void a_name_that_says_packed_does_not_make_it_so(void **state)
{
    (void)state;
    publish(names, "a.csv.gz", "id,name\n1,one\n");
    publish(names, "b.ndjson.zst", "{\"id\": 2, \"name\": \"two\"}\n");
    publish(names, "c.json.gz", "[{\"id\": 3, \"name\": \"three\"}]");
    assert_rows("id,name\n1,one\n2,two\n3,three\n");
}

/* ---- Other formats ------------------------------------------------------------------------- */

static void bad_values_of_json_are_told_with_file_and_line_or_row(void **state)
{
    (void)state;
    refuse(names, "a.ndjson",
           "{\"id\": 5, \"name\": \"n\"}\n\n  \n{\"id\": \"x\"}\n{\"id\": 7}\n{\"id\": \"y\"}",
           ERR_GATE, "a.ndjson:4:8: column \"id\": \"x\" is not an int");
    refuse(names, "a.ndjson",
           "{\"id\": 5, \"name\": \"n\"}\n\n  \n{\"id\": \"x\"}\n{\"id\": 7}\n{\"id\": \"y\"}",
           ERR_GATE, "a.ndjson:6:8: column \"id\": \"y\" is not an int");
    refuse(names, "a.json", "[{\"id\": 5, \"name\": \"n\"}, {\"name\": \"x\"}]", ERR_GATE,
           "a.json:1:26: column \"id\": has no value");
}

static void json_and_newline_delimited_json_are_read(void **state)
{
    (void)state;
    publish(names, "a.json", "[{\"id\": 1, \"name\": \"a \\u00e4 \\\"b\\\"\"},\n {\"id\": 2}]");
    publish(names, "b.ndjson", "{\"id\": 3, \"name\": \"c\"}\n{\"name\": \"d\", \"id\": 4}\n");
    assert_rows("id,name\n1,\"a \xc3\xa4 \"\"b\"\"\"\n2,\n3,c\n4,d\n");
    refuse(names, "c.ndjson", "{\"id\": 5, \"name\": \"n\"}\n{\"id\": \n", ERR_GATE, "c.ndjson:2:");
}

static void what_is_no_json_is_told_with_file_line_and_column(void **state)
{
    (void)state;
    refuse(names, "a.ndjson", "{\"id\": 5, \"name\": \"n\"}\n\n{\"id\": 6 \"name\": \"b\"}\n",
           ERR_GATE, "a.ndjson:3:10:");
    refuse(names, "c.json", "[{\"id\": 1},\n {\"id\": 2 \"name\": \"b\"}]", ERR_SOURCE,
           "c.json:2:11: not JSON:");
}

static void parquet_is_read(void **state)
{
    (void)state;
    struct engine *e;
    struct error err = ERROR_INIT;
    struct str bytes;
    struct engine_options options = {
        .library = getenv("CAUCE_LIBDUCKDB"), .workdir = s.folder, .threads = 1};
    assert_int_equal(engine_open(&options, &e, &err), ERR_OK);
    assert_int_equal(engine_runf(e, &err,
                                 "COPY (SELECT 1 AS id, 'one' AS name UNION ALL SELECT 2, NULL) "
                                 "TO '%s/made.parquet' (FORMAT parquet)",
                                 s.folder),
                     ERR_OK);
    engine_free(e);
    char *path = fs_join(s.folder, "made.parquet");
    str_init(&bytes, STR_MAX_DEFAULT);
    assert_int_equal(fs_read(path, &bytes, NULL), ERR_OK);
    publish_bytes(names, "a.parquet", bytes.data, bytes.len, RUN_PUBLISHED);
    assert_rows("id,name\n1,one\n2,\n");
    refuse(names, "b.parquet", "PAR1 is how it begins", ERR_SOURCE, "b.parquet");
    str_release(&bytes);
    free(path);
}

static void several_files_are_one_source(void **state)
{
    (void)state;
    scenario_source(&s, "part-1.csv", "id,name\n1,one\n2,two\n", 20);
    scenario_source(&s, "part-2.csv", "name,id\nzwei,2\n", 15);
    char *yaml = mem_printf("source: {url: \"%s/part-*.csv\"}\n%s", s.folder, names);
    scenario_reconfigure(&s, yaml);
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    /* In the order of their names: the last row of a key counts. */
    assert_rows("id,name\n1,one\n2,zwei\n");
    assert_int_equal(s.report.load.rows_read, 3);
    free(yaml);
}

/* ---- Values -------------------------------------------------------------------------------- */

static void numbers_dates_and_times_are_read_as_configured(void **state)
{
    (void)state;
    static const char yaml[] =
        "source: {format: csv, delimiter: \";\", decimal: \",\", thousands: \".\", "
        "date_formats: [\"%d.%m.%Y\", \"%Y-%d-%m\"], nulls: [\"\", \"n/a\"]}\n"
        "columns:\n"
        "  - {name: id, type: bigint}\n"
        "  - {name: amount, type: \"decimal(12,2)\"}\n"
        "  - {name: day, type: date}\n"
        "  - {name: at, type: timestamp, formats: [\"%d/%m/%Y %H:%M:%S %z\"]}\n"
        "  - {name: ok, type: boolean}\n"
        "key: id\n";
    publish(yaml, "a.csv",
            "id;amount;day;at;ok\n"
            "1;1.234.567,89;31.01.2026;01/02/2026 00:30:00 +0100;true\n"
            "2;-0,5;2026-22-01;n/a;false\n"
            "3;n/a;;;\n");
    assert_rows("id,amount,day,at,ok\n"
                "1,1234567.89,2026-01-31,2026-01-31T23:30:00.000000Z,true\n"
                "2,-0.50,2026-01-22,,false\n"
                "3,,,,\n");
}

static void nothing_is_rounded_cut_or_guessed(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int}\n"
                               "  - {name: n, type: int}\n"
                               "  - {name: d, type: \"decimal(5,2)\"}\n"
                               "key: id\n";
    static const char *const bad[] = {
        "1,1.5,1\n",   "1,1e3x,1\n", "1,2147483648,1\n", "1,0x1F,1\n",  "1,1_000,1\n",
        "1,1,1.005\n", "1,1,1000\n", "1,1,abc\n",        "1.0.0,1,1\n",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char *text = mem_printf("id,n,d\n%s", bad[i]);
        refuse(yaml, "a.csv", text, ERR_GATE, "a.csv:2:");
        assert_int_equal(s.report.load.rows_rejected, 1);
        free(text);
    }
    assert_int_equal(look_count(st, "events/_data/"), 0);
}

static void leading_zeros_make_a_text(void **state)
{
    (void)state;
    publish("key: id\n", "a.csv", "id,zip,n\n1,01234,7\n2,99999,8\n");
    assert_rows("id,zip,n\n1,01234,7\n2,99999,8\n");
    char *key = look_find(st, "manifests/", "0000000001-");
    struct json *manifest = look_json(st, key);
    const struct json *columns = json_get(json_get(manifest, "schema"), "columns");
    assert_string_equal(json_string(json_get(json_at(columns, 1), "type")), "text");
    assert_string_equal(json_string(json_get(json_at(columns, 2), "type")), "bigint");
    json_free(manifest);
    free(key);
}

static void types_are_inferred_once_and_then_frozen(void **state)
{
    (void)state;
    publish("key: id\n", "a.csv", "id,n,day\n1,7,2026-01-01\n2,8,2026-01-02\n");
    publish("key: id\n", "a.csv", "id,n,day\n3,9,2026-01-03\n");
    refuse("key: id\n", "a.csv", "id,n,day\n4,1.5,2026-01-04\n", ERR_GATE, "a.csv:2:3");
    refuse("key: id\n", "a.csv", "id,n,day\n4,7,soon\n", ERR_GATE, "a.csv:2:5");
    assert_rows("id,n,day\n1,7,2026-01-01\n2,8,2026-01-02\n3,9,2026-01-03\n");
}

/* ---- Columns ------------------------------------------------------------------------------- */

static void a_missing_column_is_named_with_what_was_meant(void **state)
{
    (void)state;
    refuse(names, "a.csv", "id,nmae\n1,one\n", ERR_GATE, "column \"name\" is not in ");
    assert_non_null(strstr(s.err.text, "nmae"));
    refuse(names, "a.csv", "name\none\n", ERR_GATE, "column \"id\"");
}

static void a_column_is_found_under_any_of_its_names(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int}\n"
                               "  - {name: rate, type: double, from: [Value, Exchange rate]}\n"
                               "key: id\n";
    publish(yaml, "a.csv", "id,Value\n1,1.25\n");
    publish(yaml, "a.csv", "Exchange rate,id\n2.5,2\n");
    assert_rows("id,rate\n1,1.25\n2,2.5\n");
}

static void columns_of_the_source_that_are_not_listed_are_left_out_and_named_once(void **state)
{
    (void)state;
    publish(names, "a.csv", "id,extra,name,more\n1,x,one,y\n2,x,two,y\n");
    assert_rows("id,name\n1,one\n2,two\n");
    assert_int_equal(s.report.load.source.left_out_count, 2);
    const char *said = strstr(s.log.data, "\"extra\", \"more\"");
    assert_non_null(said);
    assert_null(strstr(said + 1, "\"extra\""));
}

static void constants_are_columns_of_every_row(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int}\n"
                               "key: id\n"
                               "constants: {provider: \"North, Inc.\"}\n";
    publish(yaml, "a.csv", "id\n1\n2\n");
    assert_rows("id,provider\n1,\"North, Inc.\"\n2,\"North, Inc.\"\n");
}

/* ---- Transform ----------------------------------------------------------------------------- */

static void a_transform_takes_the_place_of_the_source(void **state)
{
    (void)state;
    static const char yaml[] = "columns:\n"
                               "  - {name: id, type: int}\n"
                               "  - {name: total, type: bigint}\n"
                               "key: id\n"
                               "transform: SELECT id, sum(CAST(n AS INTEGER)) AS total FROM source "
                               "WHERE n <> '9' GROUP BY id\n";
    publish(yaml, "a.csv", "id,n\n1,3\n1,4\n2,9\n2,5\n");
    assert_rows("id,total\n1,7\n2,5\n");
}

static void a_transform_cannot_reach_files_settings_or_several_statements(void **state)
{
    (void)state;
    static const char *const sql[] = {
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM '/etc/passwd'",
        "SELECT 1 AS id; DROP TABLE source",
        "COPY source TO '/tmp/out.csv'",
        "ATTACH '/tmp/other.db'",
        "INSTALL httpfs",
        "SET memory_limit = '100GB'",
        "SELECT * FROM read_text('/proc/self/environ')",
    };
    for (size_t i = 0; i < sizeof sql / sizeof *sql; i++) {
        char *yaml =
            mem_printf("columns: [{name: id, type: text}]\nkey: id\ntransform: \"%s\"\n", sql[i]);
        refuse(yaml, "a.csv", "id\n1\n", ERR_CONFIG, "transform");
        assert_int_equal(look_count(st, "events/_data/"), 0);
        free(yaml);
    }
}

/* ---- Empty --------------------------------------------------------------------------------- */

static void an_empty_file_is_an_error_and_a_header_alone_is_no_rows(void **state)
{
    (void)state;
    refuse(names, "a.csv", "", ERR_SOURCE, "empty");
    publish_bytes(names, "a.csv", "id,name\n", 8, RUN_NO_NEW_ROWS);
    assert_int_equal(look_count(st, "manifests/"), 0);
    publish(names, "a.csv", "id,name\n1,one\n");
    publish_bytes(names, "a.csv", "id,name\n", 8, RUN_NO_NEW_ROWS);
    assert_int_equal(s.report.delta.rows_vanished, 1);
    assert_rows("id,name\n1,one\n");
}

static void a_source_that_is_not_there_is_an_error_of_the_source(void **state)
{
    (void)state;
    char *yaml = mem_printf("source: \"%s/absent.csv\"\n%s", s.folder, names);
    scenario_reconfigure(&s, yaml);
    assert_int_equal(scenario_run(&s, st), ERR_SOURCE);
    assert_non_null(strstr(s.err.text, "absent.csv"));
    assert_int_equal(look_count(st, ""), 0);
    free(yaml);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_store, close_store)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(byte_order_mark_and_line_ends_of_windows_are_no_data),
        TEST(quoted_separators_quotes_and_line_ends_are_data),
        TEST(a_missing_line_end_at_the_end_and_blank_lines_are_no_rows),
        TEST(a_failure_tells_the_state_whatever_words_the_source_brings_along),
        TEST(other_encodings_are_read),
        TEST(bytes_that_are_not_of_the_encoding_are_refused_with_their_place),
        TEST(delimiter_comment_and_lines_before_the_header_are_as_configured),
        TEST(gzip_and_zstd_are_unpacked),
        TEST(a_name_that_says_packed_does_not_make_it_so),
        TEST(columns_that_are_not_the_datasets_are_named),
        TEST(what_does_not_fit_is_never_taken_for_an_empty_value),
        TEST(bad_values_of_json_are_told_with_file_and_line_or_row),
        TEST(json_and_newline_delimited_json_are_read),
        TEST(what_is_no_json_is_told_with_file_line_and_column),
        TEST(parquet_is_read),
        TEST(several_files_are_one_source),
        TEST(numbers_dates_and_times_are_read_as_configured),
        TEST(nothing_is_rounded_cut_or_guessed),
        TEST(leading_zeros_make_a_text),
        TEST(types_are_inferred_once_and_then_frozen),
        TEST(a_missing_column_is_named_with_what_was_meant),
        TEST(a_column_is_found_under_any_of_its_names),
        TEST(columns_of_the_source_that_are_not_listed_are_left_out_and_named_once),
        TEST(constants_are_columns_of_every_row),
        TEST(a_transform_takes_the_place_of_the_source),
        TEST(a_transform_cannot_reach_files_settings_or_several_statements),
        TEST(an_empty_file_is_an_error_and_a_header_alone_is_no_rows),
        TEST(a_source_that_is_not_there_is_an_error_of_the_source),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

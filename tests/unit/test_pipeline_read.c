#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/read.h"
#include "support/catalog_sample.h"
#include "support/model.h"
#include "support/scenario.h"
#include "support/temp_engine.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/time.h"

static struct scenario s;
static struct store *st;
static struct error err;

static void open_all(const char *yaml, bool file)
{
    scenario_open(&s, yaml);
    st = file ? scenario_file_store(&s) : scenario_memory();
    error_clear(&err);
}

static void close_all(void)
{
    store_free(st);
    scenario_close(&s);
}

/* Read with these options into a new text; `rc` must come back. */
static char *read_text(struct read_request options, int expected, uint64_t *rows)
{
    char *text = NULL;
    size_t size = 0;
    uint64_t count = 0;
    struct dataset d;
    struct base base = {.tag = {""}};
    struct limits limits = {.memory = s.config.memory,
                            .threads = s.config.threads,
                            .temp = s.config.temp,
                            .library = getenv("CAUCE_LIBDUCKDB")};
    FILE *stream = open_memstream(&text, &size);
    assert_non_null(stream);
    options.stream = stream;
    dataset_init(&d, st, SCENARIO_DATASET, NULL, &limits);
    error_clear(&err);
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    int rc = read_rows(&d, &base, &options, &count, &err);
    if (rc != expected)
        fail_msg("%s: %s", error_name(rc), err.text);
    base_release(&base);
    dataset_release(&d);
    fclose(stream);
    assert_int_equal(scenario_scratch_count(&s), 0);
    if (rows != NULL)
        *rows = count;
    return text;
}

/* ---- Against the model --------------------------------------------------------------------- */

static void put_field(struct str *out, const char *value)
{
    if (value == NULL)
        return;
    if (strpbrk(value, ",\"\n\r") == NULL && *value != '\0') {
        str_append(out, value);
        return;
    }
    str_append_char(out, '"');
    for (; *value != '\0'; value++) {
        str_append_char(out, *value);
        if (*value == '"')
            str_append_char(out, '"');
    }
    str_append_char(out, '"');
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Records joined, sorted as texts: the order of records is another test's business. */
static char *join_sorted(char **records, size_t count)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    qsort(records, count, sizeof *records, by_text);
    for (size_t i = 0; i < count; i++) {
        str_append(&out, records[i]);
        str_append_char(&out, '\n');
        free(records[i]);
    }
    free(records);
    return str_detach(&out);
}

/* What a version holds by the model. */
static char *expected_rows(const struct model *m, bool events)
{
    size_t columns = model_column_count(m->shape);
    size_t count = m->count;
    size_t *newest = events ? NULL : model_newest(m, &count);
    char **records = mem_calloc(count, sizeof *records);
    for (size_t i = 0; i < count; i++) {
        const struct model_row *row = &m->events[events ? i : newest[i]];
        struct str record;
        str_init(&record, STR_MAX_DEFAULT);
        for (size_t c = 0; c < columns; c++) {
            str_append(&record, c > 0 ? "," : "");
            put_field(&record, row->values[c]);
        }
        if (events)
            str_printf(&record, ",%" PRIu64, row->sequence);
        records[i] = str_detach(&record);
    }
    free(newest);
    return join_sorted(records, count);
}

/* The records of a CSV text behind its header; with `events` the last field (a time) is cut off. */
static char *found_rows(const char *text, bool events, uint64_t rows)
{
    char **records = mem_calloc(rows, sizeof *records);
    const char *at = strchr(text, '\n') + 1;
    for (uint64_t i = 0; i < rows; i++) {
        const char *end = at;
        for (bool quoted = false; quoted || *end != '\n'; end++) {
            assert_int_not_equal(*end, '\0');
            quoted ^= *end == '"';
        }
        records[i] = mem_strndup(at, (size_t)(end - at));
        if (events)
            *strrchr(records[i], ',') = '\0';
        at = end + 1;
    }
    assert_string_equal(at, "");
    return join_sorted(records, rows);
}

static void expect_version(const struct model *m, uint64_t version, bool events)
{
    uint64_t rows = 0;
    char *text =
        read_text((struct read_request){.version = version, .events = events}, ERR_OK, &rows);
    char *expected = expected_rows(m, events);
    char *found = found_rows(text, events, rows);
    assert_string_equal(found, expected);
    free(found);
    free(expected);
    free(text);
}

static void check_variant(const struct variant *v, bool file)
{
    struct model models[SCENARIO_SNAPSHOTS];
    uint64_t version = 0;
    open_all(v->yaml, file);
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && v->snapshots[i] != NULL; i++) {
        assert_int_equal(scenario_publish(&s, st, v->snapshots[i]), ERR_OK);
        struct model *m = &models[version];
        model_init(m, &v->shape);
        size_t added = 0;
        for (size_t k = 0; k <= i; k++)
            added = model_apply(m, k + 1, v->snapshots[k]);
        assert_true(added > 0);
        version++;
        assert_int_equal(s.report.version.sequence, version);
        expect_version(m, 0, false);
    }
    for (uint64_t k = 1; k <= version; k++) {
        expect_version(&models[k - 1], k, false);
        expect_version(&models[k - 1], k, true);
        model_release(&models[k - 1]);
    }
    close_all();
}

static void every_version_reads_as_a_serial_execution_gives_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < scenario_variant_count; i++) {
        check_variant(&scenario_variants[i], false);
        check_variant(&scenario_variants[i], true);
    }
}

/* ---- Text ---------------------------------------------------------------------------------- */

static const char typed[] = "columns:\n"
                            "  - {name: id, type: int}\n"
                            "  - {name: t, type: boolean}\n"
                            "  - {name: n, type: bigint}\n"
                            "  - {name: d, type: double}\n"
                            "  - {name: m, type: \"decimal(5,2)\"}\n"
                            "  - {name: \"a, \\\"x\\\"\", type: text, from: a}\n"
                            "  - {name: day, type: date}\n"
                            "  - {name: clock, type: time}\n"
                            "  - {name: moment, type: timestamp}\n"
                            "  - {name: u, type: uuid}\n"
                            "  - {name: b, type: binary}\n"
                            "key: id\n";

static const char typed_rows[] =
    "id,t,n,d,m,a,day,clock,moment,u,b\n"
    "2,false,-9223372036854775808,1e-05,-0.05,\"a \"\"b\"\", c\",0001-01-01,00:00:00,"
    "1969-12-31T23:59:59.999999Z,00000000-0000-0000-0000-000000000001,00ff\n"
    "1,true,9223372036854775807,0.1,999.90,plain,2026-01-31,23:59:59.5,"
    "2026-01-31T12:00:00+02:00,123e4567-e89b-12d3-a456-426614174000,DEAD\n"
    "3,,,,,,,,,,\n"
    "4,,,inf,,,,,,,\n";

static void csv_shows_every_type(void **state)
{
    (void)state;
    open_all(typed, false);
    assert_int_equal(scenario_publish(&s, st, typed_rows), ERR_OK);
    char *text = read_text((struct read_request){.format = READ_CSV}, ERR_OK, NULL);
    assert_string_equal(
        text, "id,t,n,d,m,\"a, \"\"x\"\"\",day,clock,moment,u,b\n"
              "1,true,9223372036854775807,0.1,999.90,plain,2026-01-31,23:59:59.5,"
              "2026-01-31T10:00:00.000000Z,123e4567-e89b-12d3-a456-426614174000,DEAD\n"
              "2,false,-9223372036854775808,1e-05,-0.05,\"a \"\"b\"\", c\",0001-01-01,00:00:00,"
              "1969-12-31T23:59:59.999999Z,00000000-0000-0000-0000-000000000001,00FF\n"
              "3,,,,,,,,,,\n"
              "4,,,inf,,,,,,,\n");
    free(text);
    close_all();
}

static void json_lines_show_every_type(void **state)
{
    (void)state;
    open_all(typed, false);
    assert_int_equal(scenario_publish(&s, st, typed_rows), ERR_OK);
    char *text = read_text((struct read_request){.format = READ_JSONL}, ERR_OK, NULL);
    assert_string_equal(
        text, "{\"id\":1,\"t\":true,\"n\":9223372036854775807,\"d\":0.1,\"m\":999.90,"
              "\"a, \\\"x\\\"\":\"plain\",\"day\":\"2026-01-31\",\"clock\":\"23:59:59.5\","
              "\"moment\":\"2026-01-31T10:00:00.000000Z\","
              "\"u\":\"123e4567-e89b-12d3-a456-426614174000\",\"b\":\"DEAD\"}\n"
              "{\"id\":2,\"t\":false,\"n\":-9223372036854775808,\"d\":1e-05,\"m\":-0.05,"
              "\"a, \\\"x\\\"\":\"a \\\"b\\\", c\",\"day\":\"0001-01-01\",\"clock\":\"00:00:00\","
              "\"moment\":\"1969-12-31T23:59:59.999999Z\","
              "\"u\":\"00000000-0000-0000-0000-000000000001\",\"b\":\"00FF\"}\n"
              "{\"id\":3,\"t\":null,\"n\":null,\"d\":null,\"m\":null,\"a, \\\"x\\\"\":null,"
              "\"day\":null,\"clock\":null,\"moment\":null,\"u\":null,\"b\":null}\n"
              "{\"id\":4,\"t\":null,\"n\":null,\"d\":null,\"m\":null,\"a, \\\"x\\\"\":null,"
              "\"day\":null,\"clock\":null,\"moment\":null,\"u\":null,\"b\":null}\n");
    free(text);
    close_all();
}

static void a_decimal_that_is_all_scale_is_a_number_of_json(void **state)
{
    (void)state;
    open_all("columns:\n"
             "  - {name: id, type: int}\n"
             "  - {name: m, type: \"decimal(2,2)\"}\n"
             "key: id\n",
             false);
    assert_int_equal(scenario_publish(&s, st, "id,m\n1,0.05\n2,-0.5\n3,0\n4,\n"), ERR_OK);
    char *text = read_text((struct read_request){.format = READ_JSONL}, ERR_OK, NULL);
    assert_string_equal(text, "{\"id\":1,\"m\":0.05}\n{\"id\":2,\"m\":-0.50}\n"
                              "{\"id\":3,\"m\":0.00}\n{\"id\":4,\"m\":null}\n");
    free(text);
    text = read_text((struct read_request){.format = READ_CSV}, ERR_OK, NULL);
    assert_string_equal(text, "id,m\n1,0.05\n2,-0.50\n3,0.00\n4,\n");
    free(text);
    close_all();
}

/* ---- Which rows ---------------------------------------------------------------------------- */

static const char plain[] = "columns:\n"
                            "  - {name: id, type: bigint}\n"
                            "  - {name: v, type: text}\n"
                            "key: id\n";

static void rows_come_in_the_order_of_keys_and_versions(void **state)
{
    (void)state;
    open_all(plain, false);
    assert_int_equal(scenario_publish(&s, st, "id,v\n10,a\n9,b\n"), ERR_OK);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,c\n10,d\n"), ERR_OK);
    char *text = read_text((struct read_request){.version = 0}, ERR_OK, NULL);
    assert_string_equal(text, "id,v\n1,c\n9,b\n10,d\n");
    free(text);
    uint64_t rows = 0;
    text = read_text((struct read_request){.limit = 2}, ERR_OK, &rows);
    assert_string_equal(text, "id,v\n1,c\n9,b\n");
    assert_int_equal(rows, 2);
    free(text);
    text = read_text((struct read_request){.events = true, .limit = 3}, ERR_OK, &rows);
    assert_int_equal(rows, 3);
    assert_int_equal(strncmp(text, "id,v,_version,_ingested_at\n9,b,1,20", 34), 0);
    const char *last = strstr(text, "\n1,c,2,");
    assert_non_null(last);
    assert_non_null(strstr(text, "\n10,a,1,"));
    assert_true(last > strstr(text, "\n10,a,1,"));
    free(text);
    close_all();
}

static void a_time_means_the_version_that_was_newest_then(void **state)
{
    (void)state;
    struct base base;
    open_all(plain, false);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    int64_t first = base.manifest.time;
    base_release(&base);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,b\n"), ERR_OK);
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    int64_t second = base.manifest.time;
    base_release(&base);
    assert_true(first < second);
    static const char *const values[] = {"id,v\n1,a\n", "id,v\n1,a\n", "id,v\n1,b\n",
                                         "id,v\n1,b\n"};
    const int64_t times[] = {first, second - 1, second, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        char *text = read_text((struct read_request){.at = times[i]}, ERR_OK, NULL);
        assert_string_equal(text, values[i]);
        free(text);
    }
    free(read_text((struct read_request){.at = first - 1}, ERR_ABSENT, NULL));
    assert_non_null(strstr(err.text, "its oldest one, 1, was made later"));
    close_all();
}

static void versions_that_are_not_there_are_refused(void **state)
{
    (void)state;
    open_all(plain, false);
    free(read_text((struct read_request){.version = 0}, ERR_ABSENT, NULL));
    assert_string_equal(err.text, "The dataset \"demo\" has no version yet.");
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    free(read_text((struct read_request){.version = 2}, ERR_ABSENT, NULL));
    assert_string_equal(err.text, "The dataset \"demo\" has no version 2: it has 1 to 1.");
    close_all();
}

static void an_older_version_has_the_columns_of_its_time(void **state)
{
    (void)state;
    open_all(plain, false);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    scenario_reconfigure(&s, "columns:\n"
                             "  - {name: id, type: bigint}\n"
                             "  - {name: v, type: text}\n"
                             "  - {name: w, type: int}\n"
                             "key: id\n");
    assert_int_equal(scenario_publish(&s, st, "id,v,w\n1,a,\n2,b,7\n"), ERR_OK);
    char *text = read_text((struct read_request){.version = 1}, ERR_OK, NULL);
    assert_string_equal(text, "id,v\n1,a\n");
    free(text);
    text = read_text((struct read_request){.version = 2}, ERR_OK, NULL);
    assert_string_equal(text, "id,v,w\n1,a,\n2,b,7\n");
    free(text);
    close_all();
}

/* ---- Files --------------------------------------------------------------------------------- */

/* `$` in the statement is the path, quoted. */
static void expect_query(struct engine *e, const char *statement, const char *path,
                         const char *value)
{
    struct str sql;
    char *text = NULL;
    str_init(&sql, STR_MAX_DEFAULT);
    for (const char *c = statement; *c != '\0'; c++) {
        if (*c == '$')
            str_printf(&sql, "'%s'", path);
        else
            str_append_char(&sql, *c);
    }
    if (engine_text(e, sql.data, &text, &err) != ERR_OK)
        fail_msg("%s: %s", sql.data, err.text);
    assert_string_equal(text, value);
    free(text);
    str_release(&sql);
}

static void parquet_has_the_types_and_field_ids_of_the_dataset(void **state)
{
    (void)state;
    open_all(typed, true);
    assert_int_equal(scenario_publish(&s, st, typed_rows), ERR_OK);
    char *path = fs_join(s.folder, "rows.parquet");
    uint64_t rows = 0;
    char *text =
        read_text((struct read_request){.format = READ_PARQUET, .path = path}, ERR_OK, &rows);
    assert_string_equal(text, "");
    assert_int_equal(rows, 4);
    struct engine *e = temp_engine_new(s.folder, 1);
    expect_query(e, "SELECT string_agg(column_type, ' ') FROM (DESCRIBE SELECT * FROM $)", path,
                 "INTEGER BOOLEAN BIGINT DOUBLE DECIMAL(5,2) VARCHAR DATE TIME "
                 "TIMESTAMP WITH TIME ZONE UUID BLOB");
    expect_query(e,
                 "SELECT string_agg(field_id, ' ') FROM parquet_schema($) WHERE name <> "
                 "'duckdb_schema' AND field_id IS NOT NULL",
                 path, "1 2 3 4 5 6 7 8 9 10 11");
    expect_query(e, "SELECT string_agg(id, ' ') FROM (FROM $)", path, "1 2 3 4");
    free(text);
    text = read_text(
        (struct read_request){.format = READ_PARQUET, .path = path, .events = true, .limit = 2},
        ERR_OK, &rows);
    assert_int_equal(rows, 2);
    expect_query(e,
                 "SELECT string_agg(field_id, ' ') FROM parquet_schema($) WHERE name LIKE "
                 "'\\_%' ESCAPE '\\'",
                 path, "1000001 1000002");
    expect_query(e, "SELECT count(*) || ' ' || sum(_version) FROM $", path, "2 2");
    free(text);
    /* Parquet goes to a stream as it is. */
    text = read_text((struct read_request){.format = READ_PARQUET}, ERR_OK, &rows);
    assert_memory_equal(text, "PAR1", 4);
    free(text);
    engine_free(e);
    free(path);
    close_all();
}

static void a_damaged_event_file_is_not_read(void **state)
{
    (void)state;
    open_all(plain, true);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    struct manifest_files files = {.items = NULL};
    struct base base;
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    assert_int_equal(catalog_files(st, &base, 0, 1, &files, &err), ERR_OK);
    char *object;
    assert_int_equal(store_local_path(st, files.items[0].key, &object, &err), ERR_OK);
    assert_int_equal(fs_write(object, "junk", 4, &err), ERR_OK);
    char *path = fs_join(s.folder, "rows.csv");
    assert_int_equal(fs_write(path, "old", 3, &err), ERR_OK);
    free(read_text((struct read_request){.path = path}, ERR_DAMAGED, NULL));
    assert_non_null(strstr(err.text, files.items[0].key));
    struct str kept;
    str_init(&kept, 100);
    assert_int_equal(fs_read(path, &kept, &err), ERR_OK);
    assert_string_equal(kept.data, "old");
    str_release(&kept);
    free(path);
    free(object);
    base_release(&base);
    manifest_files_release(&files);
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_reads_as_a_serial_execution_gives_it),
        cmocka_unit_test(csv_shows_every_type),
        cmocka_unit_test(json_lines_show_every_type),
        cmocka_unit_test(a_decimal_that_is_all_scale_is_a_number_of_json),
        cmocka_unit_test(rows_come_in_the_order_of_keys_and_versions),
        cmocka_unit_test(a_time_means_the_version_that_was_newest_then),
        cmocka_unit_test(versions_that_are_not_there_are_refused),
        cmocka_unit_test(an_older_version_has_the_columns_of_its_time),
        cmocka_unit_test(parquet_has_the_types_and_field_ids_of_the_dataset),
        cmocka_unit_test(a_damaged_event_file_is_not_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

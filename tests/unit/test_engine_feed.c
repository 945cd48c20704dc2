/* Typed batches into a table, and out of a query again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/feed.h"
#include "engine/result.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "util/mem.h"

static char *folder;
static struct engine *engine;

static int set_up(void **state)
{
    (void)state;
    folder = temp_folder_new();
    engine = temp_engine_new(folder, 2);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_free(engine);
    temp_folder_free(folder);
    return 0;
}

static const struct type types[] = {
    {TYPE_BOOLEAN, 0, 0}, {TYPE_INT, 0, 0},     {TYPE_BIGINT, 0, 0},   {TYPE_DOUBLE, 0, 0},
    {TYPE_DECIMAL, 4, 2}, {TYPE_DECIMAL, 9, 2}, {TYPE_DECIMAL, 18, 2}, {TYPE_DECIMAL, 38, 2},
    {TYPE_TEXT, 0, 0},    {TYPE_DATE, 0, 0},    {TYPE_TIME, 0, 0},     {TYPE_TIMESTAMP, 0, 0},
    {TYPE_UUID, 0, 0},    {TYPE_BINARY, 0, 0},
};
#define TYPES (sizeof types / sizeof *types)

/* A value of column `k` in row `i`, such that neighbours differ and every third is NULL. */
static void add_value(struct column *c, size_t k, int64_t i)
{
    char text[40];
    struct uuid uuid = {
        {0x80, (uint8_t)(i >> 8), (uint8_t)i, 3, 4, 5, 6, 7, 8, 9, 1, 2, 3, 4, 5, 6}};
    if ((i + (int64_t)k) % 3 == 0) {
        column_add_null(c);
        return;
    }
    switch (c->type.kind) {
    case TYPE_BOOLEAN:
        column_add_boolean(c, i % 2 == 0);
        break;
    case TYPE_INT:
    case TYPE_DATE:
        column_add_int(c, (int32_t)i - 5000);
        break;
    case TYPE_BIGINT:
    case TYPE_TIMESTAMP:
        column_add_bigint(c, (i - 5000) * 1000000007);
        break;
    case TYPE_TIME:
        column_add_bigint(c, i * 1000003);
        break;
    case TYPE_DOUBLE:
        column_add_double(c, (double)i / 8);
        break;
    case TYPE_DECIMAL:
        column_add_decimal(c, c->type.precision == 38 ? (i - 5000) * ((int128)1 << 80)
                                                      : i % 9999 - 5000);
        break;
    case TYPE_UUID:
        column_add_uuid(c, uuid);
        break;
    case TYPE_TEXT:
    case TYPE_BINARY:
    case TYPE_NONE:
    case TYPE_COUNT:
        snprintf(text, sizeof text, "%.*s%lld", (int)(i % 20), "twenty characters xx",
                 (long long)i);
        assert_true(column_add_bytes(c, text, strlen(text)));
        break;
    }
}

/* A type for each of many columns. */
static struct type *types_of(size_t columns)
{
    struct type *all = mem_calloc(columns, sizeof *all);
    for (size_t k = 0; k < columns; k++)
        all[k] = types[k % TYPES];
    return all;
}

static void fill(struct batch *b, int64_t first, size_t rows)
{
    batch_clear(b);
    for (size_t k = 0; k < b->column_count; k++)
        for (size_t i = 0; i < rows; i++)
            add_value(&b->columns[k], k, first + (int64_t)i);
    b->rows = rows;
}

/* Batches of `sizes` rows. */
static void feed_rows(size_t columns, const size_t *sizes, size_t count)
{
    struct feed *feed = NULL;
    struct type *all = types_of(columns);
    struct batch b;
    struct error err = ERROR_INIT;
    int64_t at = 0;
    batch_init(&b, all, columns);
    assert_int_equal(feed_open(engine, "t", all, columns, &feed, &err), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        fill(&b, at, sizes[i]);
        assert_int_equal(feed_put(feed, &b, &err), ERR_OK);
        at += (int64_t)sizes[i];
    }
    assert_int_equal(feed_close(feed, &err), ERR_OK);
    feed_free(feed);
    batch_release(&b);
    free(all);
}

static void assert_same(const struct column *a, const struct column *b, size_t at)
{
    size_t width = column_width(a->type);
    assert_int_equal(column_is_null(a, at), column_is_null(b, at));
    if (column_is_null(a, at))
        return;
    if (width > 0) {
        assert_memory_equal((char *)a->values + at * width, (char *)b->values + at * width, width);
        return;
    }
    size_t la, lb;
    const char *ta = column_bytes(a, at, &la);
    const char *tb = column_bytes(b, at, &lb);
    assert_int_equal(la, lb);
    assert_memory_equal(ta, tb, la);
}

/* The columns c0, c1, ... of `t` as the rows of a query, which are numbered from 0. */
static uint64_t assert_rows(size_t columns, const char *sql)
{
    struct type *all = types_of(columns);
    struct result *result = NULL;
    struct batch got, want;
    struct error err = ERROR_INIT;
    uint64_t rows = 0;
    assert_int_equal(result_open(engine, sql, &result, &err), ERR_OK);
    result_batch(result, &got);
    batch_init(&want, all, columns);
    while (result_next(result, &got, &err) == ERR_OK && got.rows > 0) {
        fill(&want, (int64_t)rows, got.rows);
        for (size_t k = 0; k < columns; k++)
            for (size_t i = 0; i < got.rows; i++)
                assert_same(&want.columns[k], &got.columns[k], i);
        rows += got.rows;
    }
    assert_string_equal(err.text, "");
    batch_release(&got);
    batch_release(&want);
    result_free(result);
    free(all);
    return rows;
}

static const size_t sizes[] = {1, 0, 2047, 2049, 8192, 3};

static void rows_of_every_type_come_back_as_they_were_in_their_order(void **state)
{
    (void)state;
    feed_rows(TYPES, sizes, sizeof sizes / sizeof *sizes);
    assert_int_equal(assert_rows(TYPES, "SELECT * FROM t ORDER BY rowid"), 12292);
}

/* Around multiples of 8 as well: each column has a bit. */
static void so_do_rows_of_many_columns(void **state)
{
    (void)state;
    for (size_t columns = 65; columns < 74; columns++) {
        feed_rows(columns, sizes, sizeof sizes / sizeof *sizes);
        assert_int_equal(assert_rows(columns, "SELECT * FROM t ORDER BY rowid"), 12292);
    }
}

static uint64_t count_of(const char *sql)
{
    struct error err = ERROR_INIT;
    uint64_t n = UINT64_MAX;
    int rc = engine_count(engine, sql, &n, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    return n;
}

static void rows_of_many_columns_are_deleted_and_sorted_like_others(void **state)
{
    (void)state;
    static const size_t some[] = {3000};
    feed_rows(70, some, 1);
    assert_int_equal(count_of("SELECT count(*) FROM t"), 3000);
    assert_int_equal(count_of("SELECT max(rowid) FROM t WHERE c69 IS NOT NULL"), 2999);
    assert_int_equal(
        count_of("SELECT count(*) FROM (SELECT c3, c65 FROM t EXCEPT SELECT c3, c65 FROM "
                 "(SELECT * FROM t ORDER BY c2 DESC))"),
        0);
    struct error err = ERROR_INIT;
    assert_int_equal(engine_run(engine,
                                "DELETE FROM t" FEED_STORED " WHERE rowid IN (SELECT rowid "
                                "FROM t WHERE rowid % 10 > 0)",
                                &err),
                     ERR_OK);
    assert_int_equal(count_of("SELECT count(*) FROM t"), 300);
    assert_int_equal(count_of("SELECT count(*) FROM t WHERE rowid % 10 > 0"), 0);
}

static void a_table_is_replaced_and_may_stay_empty(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    uint64_t rows = 1;
    static const size_t one[] = {5};
    feed_rows(TYPES, one, 1);
    feed_rows(70, one, 1);
    feed_rows(TYPES, NULL, 0);
    assert_int_equal(engine_count(engine, "SELECT count(*) FROM t", &rows, &err), ERR_OK);
    assert_int_equal(rows, 0);
}

/* The only value of a query with one column. */
static void take_one(const char *sql, struct batch *b, struct result_column *column)
{
    struct result *result = NULL;
    struct error err = ERROR_INIT;
    size_t count;
    int rc = result_open(engine, sql, &result, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    *column = *result_columns(result, &count);
    column->name = NULL;
    assert_int_equal(count, 1);
    result_batch(result, b);
    assert_int_equal(result_next(result, b, &err), ERR_OK);
    assert_int_equal(b->rows, 1);
    result_free(result);
}

static void assert_whole(const char *sql, int128 value)
{
    struct batch b;
    struct result_column column;
    take_one(sql, &b, &column);
    assert_int_equal(column.kind, RESULT_INTEGER);
    const struct column *c = &b.columns[0];
    int128 got = c->type.kind == TYPE_INT      ? ((int32_t *)c->values)[0]
                 : c->type.kind == TYPE_BIGINT ? ((int64_t *)c->values)[0]
                                               : column_decimal(c, 0);
    assert_true(got == value);
    batch_release(&b);
}

static void whole_numbers_of_every_width_are_taken(void **state)
{
    (void)state;
    assert_whole("SELECT CAST(-128 AS TINYINT)", -128);
    assert_whole("SELECT CAST(255 AS UTINYINT)", 255);
    assert_whole("SELECT CAST(-32768 AS SMALLINT)", -32768);
    assert_whole("SELECT CAST(65535 AS USMALLINT)", 65535);
    assert_whole("SELECT CAST(4294967295 AS UINTEGER)", 4294967295);
    assert_whole("SELECT CAST(18446744073709551615 AS UBIGINT)", (int128)UINT64_MAX);
    assert_whole("SELECT CAST(-18446744073709551616 AS HUGEINT)", -((int128)UINT64_MAX + 1));
}

static void assert_moment(const char *sql, enum result_kind kind, enum cast_unit unit,
                          int64_t value)
{
    struct batch b;
    struct result_column column;
    take_one(sql, &b, &column);
    assert_int_equal(column.kind, kind);
    assert_int_equal(column.unit, unit);
    assert_int_equal(((int64_t *)b.columns[0].values)[0], value);
    batch_release(&b);
}

static void moments_keep_their_unit_and_no_time_of_day_loses_its_offset(void **state)
{
    (void)state;
    assert_moment("SELECT CAST('1970-01-01 00:00:01.000000001' AS TIMESTAMP_NS)", RESULT_MOMENT,
                  CAST_NANOSECONDS, 1000000001);
    assert_moment("SELECT CAST('1970-01-01 00:00:01' AS TIMESTAMP_S)", RESULT_MOMENT, CAST_SECONDS,
                  1);
    assert_moment("SELECT CAST('1970-01-01 02:00:00+02' AS TIMESTAMPTZ)", RESULT_MOMENT,
                  CAST_MICROSECONDS, 0);
    assert_moment("SELECT CAST('00:00:01.5+00' AS TIMETZ)", RESULT_CLOCK, CAST_MICROSECONDS,
                  1500000);
    assert_moment("SELECT CAST('00:00:01.5+02' AS TIMETZ)", RESULT_CLOCK, CAST_MICROSECONDS,
                  INT64_MIN);
}

static void what_is_nested_comes_as_text(void **state)
{
    (void)state;
    struct batch b;
    struct result_column column;
    size_t length;
    take_one("SELECT [1, 2] AS x", &b, &column);
    assert_int_equal(column.kind, RESULT_NESTED);
    assert_memory_equal(column_bytes(&b.columns[0], 0, &length), "[1, 2]", 6);
    batch_release(&b);
}

static void an_error_in_the_middle_of_a_result_is_told(void **state)
{
    (void)state;
    struct result *result = NULL;
    struct batch b;
    struct error err = ERROR_INIT;
    int rc = result_open(engine,
                         "SELECT CASE WHEN i < 300000 THEN i ELSE CAST('x' || i AS BIGINT) END "
                         "FROM range(400000) t(i)",
                         &result, &err);
    if (rc == ERR_OK) {
        result_batch(result, &b);
        do {
            rc = result_next(result, &b, &err);
        } while (rc == ERR_OK && b.rows > 0);
        batch_release(&b);
    }
    assert_int_equal(rc, ERR_SYSTEM);
    assert_non_null(strstr(err.text, "x300000"));
    result_free(result);
}

/* A batch is sent in parts where its texts are long. */
static void long_texts_arrive_whole(void **state)
{
    (void)state;
    enum { ROWS = 20, LENGTH = 9 << 20 };
    static const struct type text = {TYPE_TEXT, 0, 0};
    struct feed *feed = NULL;
    struct batch b;
    struct error err = ERROR_INIT;
    uint64_t n = 0;
    char *bytes = mem_alloc(LENGTH);
    batch_init(&b, &text, 1);
    for (int i = 0; i < ROWS; i++) {
        memset(bytes, 'a' + i, LENGTH);
        assert_true(column_add_bytes(&b.columns[0], bytes, LENGTH));
    }
    b.rows = ROWS;
    assert_int_equal(feed_open(engine, "long", &text, 1, &feed, &err), ERR_OK);
    assert_int_equal(feed_put(feed, &b, &err), ERR_OK);
    assert_int_equal(feed_close(feed, &err), ERR_OK);
    feed_free(feed);
    assert_int_equal(engine_count(engine,
                                  "SELECT count(*) FROM long WHERE length(c0) = 9437184 AND "
                                  "replace(c0, chr(97 + rowid::INT), '') = ''",
                                  &n, &err),
                     ERR_OK);
    assert_int_equal(n, ROWS);
    batch_release(&b);
    free(bytes);
}

static void other_queries_run_between_the_rows(void **state)
{
    (void)state;
    static const struct type number = {TYPE_BIGINT, 0, 0};
    struct feed *feed = NULL;
    struct result *result = NULL;
    struct batch b;
    struct error err = ERROR_INIT;
    uint64_t n = 0;
    assert_int_equal(result_open(engine, "SELECT range AS c0 FROM range(100000)", &result, &err),
                     ERR_OK);
    assert_int_equal(feed_open(engine, "copied", &number, 1, &feed, &err), ERR_OK);
    result_batch(result, &b);
    while (result_next(result, &b, &err) == ERR_OK && b.rows > 0) {
        assert_int_equal(feed_put(feed, &b, &err), ERR_OK);
        assert_int_equal(engine_count(engine, "SELECT 7", &n, &err), ERR_OK);
        assert_int_equal(n, 7);
    }
    assert_int_equal(feed_close(feed, &err), ERR_OK);
    feed_free(feed);
    result_free(result);
    batch_release(&b);
    assert_int_equal(engine_count(engine, "SELECT count(*) FROM copied WHERE c0 = rowid", &n, &err),
                     ERR_OK);
    assert_int_equal(n, 100000);
}

/* What a row does to the table is known when the next one is put, or at the end. */
static void rows_that_cannot_be_taken_are_told(void **state)
{
    (void)state;
    static const struct type number = {TYPE_BIGINT, 0, 0};
    struct feed *feed = NULL;
    struct batch b;
    struct error err = ERROR_INIT;
    uint64_t n = 0;
    batch_init(&b, &number, 1);
    column_add_bigint(&b.columns[0], 1);
    b.rows = 1;
    assert_int_equal(feed_open(engine, "gone", &number, 1, &feed, &err), ERR_OK);
    assert_int_equal(engine_run(engine, "DROP TABLE gone" FEED_STORED, &err), ERR_OK);
    int rc = feed_put(feed, &b, &err);
    if (rc == ERR_OK)
        rc = feed_close(feed, &err);
    assert_int_equal(rc, ERR_SYSTEM);
    assert_true(err.text[0] != '\0');
    feed_free(feed);
    /* The engine goes on. */
    assert_int_equal(engine_count(engine, "SELECT 7", &n, &err), ERR_OK);
    batch_release(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_of_every_type_come_back_as_they_were_in_their_order),
        cmocka_unit_test(so_do_rows_of_many_columns),
        cmocka_unit_test(rows_of_many_columns_are_deleted_and_sorted_like_others),
        cmocka_unit_test(a_table_is_replaced_and_may_stay_empty),
        cmocka_unit_test(whole_numbers_of_every_width_are_taken),
        cmocka_unit_test(moments_keep_their_unit_and_no_time_of_day_loses_its_offset),
        cmocka_unit_test(what_is_nested_comes_as_text),
        cmocka_unit_test(an_error_in_the_middle_of_a_result_is_told),
        cmocka_unit_test(long_texts_arrive_whole),
        cmocka_unit_test(other_queries_run_between_the_rows),
        cmocka_unit_test(rows_that_cannot_be_taken_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

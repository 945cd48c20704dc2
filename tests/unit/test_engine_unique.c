/* One row per key: rows are made in SQL, and what is left is compared with what GROUP BY says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/feed.h"
#include "engine/unique.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "util/mem.h"

/* So many that hundreds of rows meet by chance, and that all threads take part. */
#define MANY "400000"

static char *folder;
static struct engine *engine;

static uint64_t repeated;
static char *first[3]; /* of the first key that comes again: its rows, and the key */
static size_t samples;

static int set_up(void **state)
{
    (void)state;
    folder = temp_folder_new();
    engine = temp_engine_new(folder, 4);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    engine_free(engine);
    temp_folder_free(folder);
    return 0;
}

static uint64_t count(const char *sql)
{
    uint64_t n;
    struct error err = ERROR_INIT;
    int rc = engine_count(engine, sql, &n, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    return n;
}

static int take_sample(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)ctx;
    (void)err;
    for (size_t i = 0; i < 3 && samples == 0; i++)
        first[i] = mem_strdup(row->values[i]);
    samples++;
    return ERR_OK;
}

/* The key is the first `keys` columns of `select`. */
static void make_unique(const char *select, size_t keys, enum unique_winner winner, bool keep)
{
    static char names[3][2] = {"a", "b", "c"};
    struct schema_column columns[] = {{.name = names[0]}, {.name = names[1]}, {.name = names[2]}};
    size_t key[] = {0, 1, 2};
    struct schema schema = {.columns = columns, .count = 3, .key = key, .key_count = keys};
    struct error err = ERROR_INIT;
    assert_int_equal(engine_runf(engine, &err,
                                 "CREATE OR REPLACE TABLE source_rows" FEED_STORED " AS %s; "
                                 "CREATE OR REPLACE VIEW source_rows AS "
                                 "SELECT *, rowid FROM source_rows" FEED_STORED,
                                 select),
                     ERR_OK);
    uint64_t rows = count("SELECT count(*) FROM source_rows");
    int rc = unique_find(engine, &schema, rows, winner, &repeated, &err);
    if (rc == ERR_OK)
        rc = keep ? unique_keep(engine, &schema, &err)
                  : unique_sample(engine, &schema, take_sample, NULL, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
}

static void rows_that_are_all_different_are_left_alone(void **state)
{
    (void)state;
    make_unique("SELECT i AS c0, i % 7 AS c1, 'x' AS c2 FROM range(" MANY ") t(i)", 2, UNIQUE_LAST,
                true);
    assert_int_equal(repeated, 0);
    assert_int_equal(count("SELECT count(*) FROM source_rows"), 400000);
}

static void the_last_row_of_a_key_stays_wherever_the_others_are(void **state)
{
    (void)state;
    make_unique("SELECT * FROM (SELECT i AS c0, 'k' || i AS c1, 0 AS c2 FROM range(" MANY ") t(i) "
                "UNION ALL SELECT i * 1000, 'k' || (i * 1000), 1 FROM range(5) t(i) "
                "UNION ALL SELECT 3000, 'k3000', 2)",
                2, UNIQUE_LAST, true);
    assert_int_equal(repeated, 6);
    assert_int_equal(count("SELECT count(*) FROM source_rows"), 400000);
    assert_int_equal(count("SELECT count(*) FROM source_rows WHERE c2 = 1"), 4);
    assert_int_equal(count("SELECT c2 FROM source_rows WHERE c0 = 3000"), 2);
}

static void a_source_of_one_key_alone_keeps_one_row(void **state)
{
    (void)state;
    make_unique("SELECT 1 AS c0, 'k' AS c1, i AS c2 FROM range(" MANY ") t(i)", 2, UNIQUE_LAST,
                true);
    assert_int_equal(repeated, 399999);
    assert_int_equal(count("SELECT c2 FROM source_rows"), 399999);
}

static void equal_is_what_the_index_calls_equal(void **state)
{
    (void)state;
    make_unique("SELECT * FROM (VALUES (0.0::DOUBLE, 'x', 1), (-0.0::DOUBLE, 'x', 2), "
                "('nan'::DOUBLE, 'x', 3), (-'nan'::DOUBLE, 'x', 4), (NULL, NULL, 5), "
                "(NULL, NULL, 6), (NULL, 'x', 7), (0.0, NULL, 8)) t(c0, c1, c2)",
                2, UNIQUE_LAST, true);
    assert_int_equal(repeated, 3);
    assert_int_equal(count("SELECT sum(c2) FROM source_rows"), 2 + 4 + 6 + 7 + 8);
}

static void where_rows_have_no_order_the_greatest_one_stays(void **state)
{
    (void)state;
    const char *rows = "SELECT * FROM (VALUES (1, 'k', 5), (1, 'k', 9), (1, 'k', 7), (2, 'k', 1), "
                       "(2, 'k', NULL)) t(c0, c1, c2)";
    make_unique(rows, 2, UNIQUE_GREATEST, true);
    assert_int_equal(repeated, 3);
    assert_int_equal(count("SELECT c2 FROM source_rows WHERE c0 = 1"), 9);
    assert_int_equal(count("SELECT count(*) FROM source_rows WHERE c0 = 2 AND c2 IS NULL"), 1);
}

static void repeated_rows_that_are_refused_stay_and_the_first_are_named(void **state)
{
    (void)state;
    make_unique("SELECT i % 100 AS c0, 'k' AS c1, i AS c2 FROM range(101) t(i)", 2, UNIQUE_LAST,
                false);
    assert_int_equal(repeated, 1);
    assert_int_equal(count("SELECT count(*) FROM source_rows"), 101);
    assert_int_equal(samples, 1);
    assert_string_equal(first[0], "0");
    assert_string_equal(first[1], "100");
    assert_string_equal(first[2], "(0, k)");
    for (size_t i = 0; i < 3; i++)
        free(first[i]);
}

/* The transform of a user can call them; nothing is being looked for then. */
static void between_two_uses_no_hash_is_noted(void **state)
{
    (void)state;
    assert_int_equal(count("SELECT count(*) FROM range(10) t(i) WHERE cauce_note_hash(1::UBIGINT) "
                           "OR cauce_hash_came_again(1::UBIGINT)"),
                     0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_that_are_all_different_are_left_alone),
        cmocka_unit_test(the_last_row_of_a_key_stays_wherever_the_others_are),
        cmocka_unit_test(a_source_of_one_key_alone_keeps_one_row),
        cmocka_unit_test(equal_is_what_the_index_calls_equal),
        cmocka_unit_test(where_rows_have_no_order_the_greatest_one_stays),
        cmocka_unit_test(repeated_rows_that_are_refused_stay_and_the_first_are_named),
        cmocka_unit_test(between_two_uses_no_hash_is_noted),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

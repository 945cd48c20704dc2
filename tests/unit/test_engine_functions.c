/* The functions of engine/functions.h, seen from SQL: DuckDB's header is for the engine alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "util/hash.h"
#include "util/mem.h"

#define SEED 1 /* of temp_engine_new */

/* Reading alone: one database for all tests. */
static char *folder;
static struct engine *engine;

static int open_engine(void **state)
{
    (void)state;
    folder = temp_folder_new();
    engine = temp_engine_new(folder, 4);
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    engine_free(engine);
    temp_folder_free(folder);
    return 0;
}

/* A 128-bit number as hex digits, which SQL can only give in halves. */
static char *hex_of(const char *expression, const char *rest)
{
    static const char two_64[] = "18446744073709551616::UHUGEINT";
    char *sql = mem_printf("SELECT printf('%%016x%%016x', CAST(h // %s AS UBIGINT), "
                           "CAST(h %% %s AS UBIGINT)) FROM (SELECT %s AS h %s)",
                           two_64, two_64, expression, rest);
    char *text = NULL;
    struct error err = ERROR_INIT;
    int rc = engine_text(engine, sql, &text, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    free(sql);
    return text;
}

static void check_hash(const char *expression, const char *expected)
{
    char *got = hex_of(expression, "");
    if (strcmp(got, expected) != 0)
        fail_msg("%s is %s, not %s", expression, got, expected);
    free(got);
}

static void check_true(const char *expression)
{
    char *sql = mem_printf("SELECT CAST((%s) AS VARCHAR)", expression);
    char *text = NULL;
    struct error err = ERROR_INIT;
    int rc = engine_text(engine, sql, &text, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    if (text == NULL || strcmp(text, "true") != 0)
        fail_msg("%s is %s", expression, text != NULL ? text : "NULL");
    free(text);
    free(sql);
}

/* The encoding of docs/format.md, by hand. */
static void check_encoding(const char *arguments, const void *bytes, size_t count)
{
    char expected[HASH128_HEX_SIZE];
    hash128_to_hex(hash_128(bytes, count, SEED), expected);
    char *call = mem_printf("cauce_key_hash(%s)", arguments);
    check_hash(call, expected);
    free(call);
}
#define ENCODING(arguments, bytes) check_encoding(arguments, bytes, sizeof(bytes) - 1)

static void every_type_is_encoded_with_tag_length_and_bytes(void **state)
{
    (void)state;
    ENCODING("'a|b', 'c'", "\x05\x03\0\0\0"
                           "a|b"
                           "\x05\x01\0\0\0"
                           "c");
    ENCODING("'a text of more than twelve bytes'", "\x05\x20\0\0\0"
                                                   "a text of more than twelve bytes");
    ENCODING("''", "\x05\0\0\0\0");
    ENCODING("CAST(NULL AS VARCHAR)", "\0\0\0\0\0");
    ENCODING("CAST(NULL AS BIGINT)", "\0\0\0\0\0");
    ENCODING("true, false", "\x01\x01\0\0\0\x01"
                            "\x01\x01\0\0\0\0");
    ENCODING("258::INTEGER", "\x02\x08\0\0\0\x02\x01\0\0\0\0\0\0");
    ENCODING("(-2)::BIGINT", "\x02\x08\0\0\0\xfe\xff\xff\xff\xff\xff\xff\xff");
    ENCODING("1.5::DOUBLE", "\x03\x08\0\0\0\0\0\0\0\0\0\xf8\x3f");
    ENCODING("DATE '1970-01-03'", "\x06\x08\0\0\0\x02\0\0\0\0\0\0\0");
    ENCODING("DATE '1969-12-31'", "\x06\x08\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff");
    ENCODING("TIME '00:00:00.000258'", "\x07\x08\0\0\0\x02\x01\0\0\0\0\0\0");
    ENCODING("TIMESTAMPTZ '1970-01-01 01:00:00.000001+01'", "\x08\x08\0\0\0\x01\0\0\0\0\0\0\0");
    ENCODING("UUID '80112233-4455-6677-8899-aabbccddeeff'",
             "\x09\x10\0\0\0\x80\x11\x22\x33\x44\x55\x66\x77"
             "\x88\x99\xaa\xbb\xcc\xdd\xee\xff");
    ENCODING("BLOB '\\x00\\xFF'", "\x0a\x02\0\0\0\0\xff");
}

/* Decimals of every width that DuckDB keeps them in: 16 bytes and the scale. */
static void decimals_are_encoded_whatever_their_width(void **state)
{
    (void)state;
    static const char bytes[] = "\x04\x11\0\0\0\x4f\xff\xff\xff\xff\xff\xff\xff"
                                "\xff\xff\xff\xff\xff\xff\xff\xff\x02";
    ENCODING("(-1.77)::DECIMAL(4, 2)", bytes);
    ENCODING("(-1.77)::DECIMAL(9, 2)", bytes);
    ENCODING("(-1.77)::DECIMAL(18, 2)", bytes);
    ENCODING("(-1.77)::DECIMAL(38, 2)", bytes);
    check_true("cauce_key_hash(1.0::DECIMAL(9, 1)) <> cauce_key_hash(1.0::DECIMAL(9, 2))");
    check_true("cauce_key_hash(99999999999999999999.5::DECIMAL(38, 1)) <> "
               "cauce_key_hash(99999999999999999999.6::DECIMAL(38, 1))");
}

/*
 * Stored values: neither a new libduckdb nor a new xxHash may change one. They were calculated with
 * Python's xxhash from the encoding in docs/format.md.
 */
static void hashes_are_what_they_were(void **state)
{
    (void)state;
    check_hash("cauce_key_hash('a|b', 'c')", "7f575e467ec9967e53b2608f9fec02d1");
    check_hash("cauce_key_hash('a', 'b|c')", "c199a4f27299fea0a3bfcb5811ff454a");
    check_hash("cauce_key_hash(42, DATE '2024-02-29', 'a text of more than twelve bytes')",
               "0b3ee0f9e52a2385613663c8e135f5ad");
    check_hash("cauce_key_hash(UUID '00112233-4455-6677-8899-aabbccddeeff')",
               "0f4f2b76ad31fd6bf7481ae9a1266e68");
    check_hash("cauce_key_hash(1.10::DECIMAL(10, 2), -0.0::DOUBLE, 'nan'::DOUBLE)",
               "c0739a4352e553918c7ebe262fc1b143");
    check_hash("cauce_key_hash(CAST(NULL AS VARCHAR))", "5adab463a0f34ab6420e9a3f3b5c1546");
    check_hash("CAST(cauce_row_hash('x', CAST(NULL AS INTEGER), 7) AS UHUGEINT)",
               "000000000000000080e401c6ff9ae785");
    check_hash("CAST(cauce_row_hash(CAST(NULL AS INTEGER)) AS UHUGEINT)",
               "00000000000000004dc5b0cc826f6703");
}

static void different_keys_have_different_hashes(void **state)
{
    (void)state;
    check_true("cauce_key_hash('a|b', 'c') <> cauce_key_hash('a', 'b|c')");
    check_true("cauce_key_hash('ab', '') <> cauce_key_hash('a', 'b')");
    check_true("cauce_key_hash('ab') <> cauce_key_hash('ab', '')");
    check_true("cauce_key_hash(CAST(NULL AS VARCHAR)) <> cauce_key_hash('')");
    check_true("cauce_key_hash(NULL::VARCHAR, 'a') <> cauce_key_hash('a', NULL::VARCHAR)");
    check_true("cauce_key_hash('1') <> cauce_key_hash(1)");
    check_true("cauce_key_hash(1) <> cauce_key_hash(1.0::DOUBLE)");
    check_true("cauce_key_hash(1) <> cauce_key_hash(true)");
    check_true("cauce_key_hash('a') <> cauce_key_hash('a'::BLOB)");
    check_true("cauce_key_hash(DATE '1970-01-02') <> cauce_key_hash(1)");
    check_true("cauce_key_hash('a' || chr(0)) <> cauce_key_hash('a')");
    check_true("(SELECT count(DISTINCT cauce_key_hash(i, CAST(i AS VARCHAR))) = 300000 "
               "FROM range(300000) r(i))");
}

static void equal_values_have_equal_hashes(void **state)
{
    (void)state;
    check_true("cauce_key_hash(-0.0::DOUBLE) = cauce_key_hash(0.0::DOUBLE)");
    check_true("cauce_key_hash('nan'::DOUBLE) = cauce_key_hash(-('nan'::DOUBLE))");
    check_true("cauce_key_hash('inf'::DOUBLE - 'inf'::DOUBLE) = cauce_key_hash('nan'::DOUBLE)");
    check_true("cauce_key_hash(7::INTEGER) = cauce_key_hash(7::BIGINT)");
    check_true("cauce_key_hash((-7)::INTEGER) = cauce_key_hash((-7)::BIGINT)");
    check_true("cauce_key_hash(TIMESTAMPTZ '2024-01-01 00:00:00+00') = "
               "cauce_key_hash(TIMESTAMPTZ '2024-01-01 02:00:00+02')");
    check_true("cauce_key_hash(NULL::VARCHAR) = cauce_key_hash(NULL::DATE)");
}

/* Constants, columns with and without NULLs, dictionaries and filtered rows are other vectors. */
static void every_kind_of_vector_gives_the_same_hash(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(engine_run(engine,
                                "CREATE TEMP TABLE v AS SELECT i, CASE WHEN i % 3 > 0 THEN "
                                "'value number ' || (i % 7) END AS s, i % 2 = 0 AS b "
                                "FROM range(10000) r(i)",
                                &err),
                     ERR_OK);
    check_true("(SELECT bool_and(cauce_key_hash(s, 5) = cauce_key_hash('value number 1', 5)) "
               "FROM v WHERE s = 'value number 1')");
    check_true("(SELECT bool_and(cauce_key_hash(s) = cauce_key_hash(NULL::VARCHAR)) "
               "FROM v WHERE s IS NULL)");
    check_true("(SELECT count(DISTINCT cauce_key_hash(s)) = 8 FROM v)");
    check_true("(SELECT bool_and(cauce_key_hash(a.i, a.s) = cauce_key_hash(b.i, b.s)) "
               "FROM v a JOIN v b USING (i) WHERE a.b)");
    check_true("(SELECT bool_and(cauce_row_hash(a.s, a.i) = cauce_row_hash(b.s, b.i)) "
               "FROM (SELECT * FROM v ORDER BY s, i) a JOIN v b USING (i))");
    assert_int_equal(engine_run(engine, "DROP TABLE v", &err), ERR_OK);
}

static void a_column_of_nulls_changes_no_row_hash(void **state)
{
    (void)state;
    check_true("cauce_row_hash('a', 1) = cauce_row_hash('a', 1, NULL::VARCHAR)");
    check_true("cauce_row_hash('a', 1) = cauce_row_hash('a', 1, NULL::INTEGER, NULL::DATE)");
    check_true("cauce_row_hash('a', NULL::INTEGER) = cauce_row_hash('a', NULL::DATE)");
    check_true("cauce_row_hash(NULL::VARCHAR, 'a') <> cauce_row_hash('a', NULL::VARCHAR)");
    check_true("cauce_row_hash('a', 1) <> cauce_row_hash('a', 1, '')");
    check_true("cauce_row_hash('a', 'b') <> cauce_row_hash('b', 'a')");
    check_true("cauce_row_hash(-0.0::DOUBLE) = cauce_row_hash(0.0::DOUBLE)");
    check_true(
        "(SELECT bool_and(cauce_row_hash(i, s) = cauce_row_hash(i, s, n)) FROM "
        "(SELECT i, nullif(i % 5, 0) AS s, CAST(NULL AS VARCHAR) AS n FROM range(5000) r(i)))");
}

static void the_seed_changes_every_hash(void **state)
{
    (void)state;
    struct engine_options o = {
        .library = getenv("CAUCE_LIBDUCKDB"), .workdir = folder, .threads = 1, .key_seed = 2};
    struct engine *other = NULL;
    struct error err = ERROR_INIT;
    char *one = NULL;
    char *two = NULL;
    static const char key[] = "SELECT CAST(cauce_key_hash('a') AS VARCHAR)";
    static const char row[] = "SELECT CAST(cauce_row_hash('a') AS VARCHAR)";
    assert_int_equal(engine_open(&o, &other, &err), ERR_OK);
    assert_int_equal(engine_text(engine, key, &one, &err), ERR_OK);
    assert_int_equal(engine_text(other, key, &two, &err), ERR_OK);
    assert_string_not_equal(one, two);
    free(one);
    free(two);
    assert_int_equal(engine_text(engine, row, &one, &err), ERR_OK);
    assert_int_equal(engine_text(other, row, &two, &err), ERR_OK);
    assert_string_not_equal(one, two);
    free(one);
    free(two);
    engine_free(other);
}

static void other_types_are_refused(void **state)
{
    (void)state;
    static const char *const values[] = {
        "1::SMALLINT",    "1::FLOAT",   "1::HUGEINT", "[1]", "{'a': 1}", "TIMESTAMP '2024-01-01'",
        "INTERVAL 1 DAY", "1::UTINYINT"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        char *sql =
            mem_printf("SELECT cauce_key_hash('a', %s), cauce_row_hash(%s)", values[i], values[i]);
        struct error err = ERROR_INIT;
        assert_int_equal(engine_run(engine, sql, &err), ERR_SYSTEM);
        assert_non_null(strstr(err.text, "cannot be hashed"));
        free(sql);
    }
}

static void check_sum(const char *from, const char *expected)
{
    char *got = hex_of("cauce_sum(h)", from);
    assert_string_equal(got, expected);
    free(got);
}

static void a_sum_wraps_and_ignores_nulls(void **state)
{
    (void)state;
    check_sum("FROM (VALUES (340282366920938463463374607431768211455::UHUGEINT), "
              "(3::UHUGEINT)) t(h)",
              "00000000000000000000000000000002");
    check_sum("FROM (VALUES (18446744073709551615::UHUGEINT), (1::UHUGEINT)) t(h)",
              "00000000000000010000000000000000");
    check_sum("FROM (VALUES (NULL::UHUGEINT), (5::UHUGEINT), (NULL)) t(h)",
              "00000000000000000000000000000005");
    check_sum("FROM (SELECT 3::UHUGEINT AS h FROM range(100000))",
              "000000000000000000000000000493e0");
}

static void a_sum_of_no_rows_is_zero(void **state)
{
    (void)state;
    check_sum("FROM (SELECT 1::UHUGEINT AS h WHERE false)", "00000000000000000000000000000000");
    check_sum("FROM (SELECT NULL::UHUGEINT AS h FROM range(10))",
              "00000000000000000000000000000000");
}

/* The key (i, 'key i'), encoded and hashed here, one after the other. */
static struct hash128 serial_sum(uint64_t rows)
{
    struct key_digest sum = {0};
    for (uint64_t i = 0; i < rows; i++) {
        char text[32];
        unsigned char bytes[64] = {2, 8, 0, 0, 0};
        uint32_t length = (uint32_t)snprintf(text, sizeof text, "key %llu", (unsigned long long)i);
        memcpy(bytes + 5, &i, 8);
        bytes[13] = 5;
        memcpy(bytes + 14, &length, 4);
        memcpy(bytes + 18, text, length);
        struct key_digest one = {1, hash_128(bytes, 18 + length, SEED)};
        key_digest_add(&sum, &one);
    }
    return sum.sum;
}

#define MANY "FROM range(600000) r(i)"

static void a_sum_does_not_depend_on_order_or_threads(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char expected[HASH128_HEX_SIZE];
    hash128_to_hex(serial_sum(600000), expected);
    assert_int_equal(
        engine_run(engine,
                   "CREATE TEMP TABLE many AS SELECT cauce_key_hash(i, 'key ' || i) AS h, i " MANY,
                   &err),
        ERR_OK);
    check_sum("FROM many", expected);
    check_sum("FROM (SELECT h FROM many ORDER BY h)", expected);
    check_sum("FROM (SELECT h FROM many ORDER BY i DESC)", expected);
    /* By groups, whose sums are summed again. */
    check_sum("FROM (SELECT cauce_sum(h) AS h FROM many GROUP BY i % 1000)", expected);
    check_sum("FROM (SELECT cauce_sum(h) AS h FROM many GROUP BY i)", expected);
    check_sum("FROM (SELECT cauce_sum(h) FILTER (WHERE i % 2 = 0) AS h FROM many UNION ALL "
              "SELECT cauce_sum(h) FILTER (WHERE i % 2 = 1) FROM many)",
              expected);
    assert_int_equal(engine_run(engine, "DROP TABLE many", &err), ERR_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_encoded_with_tag_length_and_bytes),
        cmocka_unit_test(decimals_are_encoded_whatever_their_width),
        cmocka_unit_test(hashes_are_what_they_were),
        cmocka_unit_test(different_keys_have_different_hashes),
        cmocka_unit_test(equal_values_have_equal_hashes),
        cmocka_unit_test(every_kind_of_vector_gives_the_same_hash),
        cmocka_unit_test(a_column_of_nulls_changes_no_row_hash),
        cmocka_unit_test(the_seed_changes_every_hash),
        cmocka_unit_test(other_types_are_refused),
        cmocka_unit_test(a_sum_wraps_and_ignores_nulls),
        cmocka_unit_test(a_sum_of_no_rows_is_zero),
        cmocka_unit_test(a_sum_does_not_depend_on_order_or_threads),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}

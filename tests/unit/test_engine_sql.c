#include "engine/sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct str text;

static int set_up(void **state)
{
    (void)state;
    str_init(&text, STR_MAX_DEFAULT);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    str_release(&text);
    return 0;
}

/* What was appended since the last check. */
static void check(const char *expected)
{
    assert_int_equal(str_check(&text, "text", NULL), ERR_OK);
    assert_string_equal(text.data, expected);
    str_clear(&text);
}

static void names_and_texts_are_quoted(void **state)
{
    (void)state;
    sql_name(&text, "plain");
    check("\"plain\"");
    sql_name(&text, "say \"it's\"");
    check("\"say \"\"it's\"\"\"");
    sql_name(&text, "");
    check("\"\"");
    sql_text(&text, "it's \"said\"");
    check("'it''s \"said\"'");
    sql_text(&text, "'); DROP TABLE t; --");
    check("'''); DROP TABLE t; --'");
    sql_text(&text, "back\\slash\n\xc3\xa9");
    check("'back\\slash\n\xc3\xa9'");
}

static void lists_have_commas_between_their_texts(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "b'c", ""};
    sql_text_list(&text, texts, 3);
    check("['a', 'b''c', '']");
    sql_text_list(&text, texts, 1);
    check("['a']");
    sql_text_list(&text, NULL, 0);
    check("[]");
}

static void every_type_has_a_name_in_duckdb(void **state)
{
    (void)state;
    static const char *const names[TYPE_COUNT] = {
        [TYPE_BOOLEAN] = "BOOLEAN",
        [TYPE_INT] = "INTEGER",
        [TYPE_BIGINT] = "BIGINT",
        [TYPE_DOUBLE] = "DOUBLE",
        [TYPE_DECIMAL] = "DECIMAL(38, 10)",
        [TYPE_TEXT] = "VARCHAR",
        [TYPE_DATE] = "DATE",
        [TYPE_TIME] = "TIME",
        [TYPE_TIMESTAMP] = "TIMESTAMP WITH TIME ZONE",
        [TYPE_UUID] = "UUID",
        [TYPE_BINARY] = "BLOB",
    };
    for (int kind = TYPE_NONE + 1; kind < TYPE_COUNT; kind++) {
        struct type type = {.kind = (enum type_kind)kind};
        if (kind == TYPE_DECIMAL) {
            type.precision = 38;
            type.scale = 10;
        }
        sql_type(&text, type);
        check(names[kind]);
    }
}

static void formats_are_filled_in(void **state)
{
    (void)state;
    sql_printf(&text, "SELECT %n, %t FROM %s WHERE a = %u AND b = %i AND c LIKE '100%%'", "a\"b",
               "it's", "t", UINT64_MAX + 0ULL, INT64_MIN + 0LL);
    check("SELECT \"a\"\"b\", 'it''s' FROM t WHERE a = 18446744073709551615 AND b = "
          "-9223372036854775808 AND c LIKE '100%'");
    sql_printf(&text, "%s", "%n is not looked at again");
    check("%n is not looked at again");
}

static void a_text_beyond_its_cap_is_noticed(void **state)
{
    (void)state;
    struct str small;
    str_init(&small, 8);
    sql_name(&small, "longer than that");
    assert_int_equal(str_check(&small, "text", NULL), ERR_LIMIT);
    str_release(&small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(names_and_texts_are_quoted),       TEST(lists_have_commas_between_their_texts),
        TEST(every_type_has_a_name_in_duckdb),  TEST(formats_are_filled_in),
        TEST(a_text_beyond_its_cap_is_noticed),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

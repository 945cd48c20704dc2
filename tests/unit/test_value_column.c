/* Columns of typed values: what goes in comes out, and rows that were given up leave nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "value/column.h"

static void values_and_nulls_keep_their_places(void **state)
{
    (void)state;
    struct column c;
    column_init(&c, (struct type){TYPE_BIGINT, 0, 0});
    for (int64_t i = 0; i < 1000; i++) {
        if (i % 3 == 0)
            column_add_null(&c);
        else
            column_add_bigint(&c, i * INT64_C(1000000007));
    }
    assert_int_equal(c.count, 1000);
    assert_int_equal(c.nulls, 334);
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(column_is_null(&c, (size_t)i), i % 3 == 0);
        assert_int_equal(((int64_t *)c.values)[i], i % 3 == 0 ? 0 : i * INT64_C(1000000007));
    }
    column_release(&c);
}

static void texts_lie_one_behind_the_other(void **state)
{
    (void)state;
    struct column c;
    column_init(&c, (struct type){TYPE_TEXT, 0, 0});
    assert_true(column_add_bytes(&c, "ab", 2));
    column_add_null(&c);
    assert_true(column_add_bytes(&c, "", 0));
    assert_true(column_add_bytes(&c, "x\0y", 3));
    size_t count;
    assert_memory_equal(column_bytes(&c, 3, &count), "x\0y", 3);
    assert_int_equal(count, 3);
    column_bytes(&c, 2, &count);
    assert_int_equal(count, 0);
    assert_false(column_is_null(&c, 2));
    assert_true(column_is_null(&c, 1));
    column_release(&c);
}

static void decimals_are_as_wide_as_their_digits_need(void **state)
{
    (void)state;
    const int128 large = (int128)INT64_MAX * 1000003;
    struct column c;
    column_init(&c, (struct type){TYPE_DECIMAL, 18, 2});
    column_add_decimal(&c, -123);
    assert_int_equal(column_width(c.type), 8);
    assert_true(column_decimal(&c, 0) == -123);
    column_release(&c);
    column_init(&c, (struct type){TYPE_DECIMAL, 38, 2});
    column_add_decimal(&c, large);
    assert_int_equal(column_width(c.type), 16);
    assert_true(column_decimal(&c, 0) == large);
    column_release(&c);
}

static void a_row_that_is_given_up_leaves_nothing(void **state)
{
    (void)state;
    const struct type types[] = {{TYPE_INT, 0, 0}, {TYPE_TEXT, 0, 0}};
    struct batch b;
    batch_init(&b, types, 2);
    for (int32_t i = 0; i < 20; i++) {
        column_add_int(&b.columns[0], i);
        assert_true(column_add_bytes(&b.columns[1], "text", 4));
        b.rows++;
    }
    column_add_null(&b.columns[0]);
    batch_truncate(&b, 13);
    column_add_null(&b.columns[0]);
    assert_true(column_add_bytes(&b.columns[1], "z", 1));
    assert_int_equal(b.columns[0].count, 14);
    assert_int_equal(b.columns[0].nulls, 1);
    assert_true(column_is_null(&b.columns[0], 13));
    assert_false(column_is_null(&b.columns[1], 13));
    assert_int_equal(b.columns[1].bytes_used, 13 * 4 + 1);
    batch_clear(&b);
    assert_int_equal(b.columns[0].nulls, 0);
    assert_int_equal(b.columns[1].bytes_used, 0);
    batch_release(&b);
}

static void values_are_copied_from_column_to_column(void **state)
{
    (void)state;
    struct column from;
    struct column to;
    const struct uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
    column_init(&from, (struct type){TYPE_UUID, 0, 0});
    column_init(&to, (struct type){TYPE_UUID, 0, 0});
    column_add_null(&from);
    column_add_uuid(&from, id);
    assert_true(column_copy(&to, &from, 1));
    assert_true(column_copy(&to, &from, 0));
    assert_memory_equal(&((struct uuid *)to.values)[0], &id, sizeof id);
    assert_true(column_is_null(&to, 1));
    column_release(&from);
    column_release(&to);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_and_nulls_keep_their_places),
        cmocka_unit_test(texts_lie_one_behind_the_other),
        cmocka_unit_test(decimals_are_as_wide_as_their_digits_need),
        cmocka_unit_test(a_row_that_is_given_up_leaves_nothing),
        cmocka_unit_test(values_are_copied_from_column_to_column),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

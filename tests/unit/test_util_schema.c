/* The shape of a dataset: what is copied, found, compared and let go. */
#include "util/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"

/* Three columns: (day, currency, rate), with the key (currency, day), cut by `by` of day. */
static struct schema make(enum partition_by by)
{
    static const struct {
        const char *name;
        const char *format;
        enum type_kind kind;
    } columns[] = {{"day", "%d/%m/%Y", TYPE_DATE},
                   {"currency", NULL, TYPE_TEXT},
                   {"rate", NULL, TYPE_DECIMAL}};
    struct schema s = {.count = 3, .key_count = 2, .partition_by = by, .track_revisions = true};
    s.columns = mem_calloc(s.count, sizeof *s.columns);
    s.key = mem_calloc(s.key_count, sizeof *s.key);
    for (size_t i = 0; i < s.count; i++) {
        struct schema_column *c = &s.columns[i];
        c->name = mem_strdup(columns[i].name);
        c->format = columns[i].format != NULL ? mem_strdup(columns[i].format) : NULL;
        c->id = (uint32_t)i + 1;
        c->type.kind = columns[i].kind;
    }
    s.columns[2].type.precision = 9;
    s.columns[2].type.scale = 4;
    s.columns[2].nullable = true;
    s.key[0] = 1;
    return s;
}

static void partitions_have_names_that_are_read_back(void **state)
{
    (void)state;
    static const char *const names[] = {"none", "year", "month", "day"};
    for (int by = PARTITION_NONE; by <= PARTITION_DAY; by++) {
        enum partition_by back = PARTITION_NONE;
        struct error err = ERROR_INIT;
        assert_string_equal(partition_by_name((enum partition_by)by), names[by]);
        assert_int_equal(partition_by_parse(names[by], &back, &err), ERR_OK);
        assert_int_equal(back, by);
    }
}

static void any_other_word_is_no_partition(void **state)
{
    (void)state;
    static const char *const others[] = {"", "Month", "months", "week", "mont"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        enum partition_by by = PARTITION_DAY;
        struct error err = ERROR_INIT;
        assert_int_equal(partition_by_parse(others[i], &by, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, others[i]));
        assert_int_equal(by, PARTITION_DAY);
    }
}

static void a_copy_is_equal_and_shares_nothing(void **state)
{
    (void)state;
    struct schema from = make(PARTITION_MONTH);
    struct schema to;
    schema_copy(&from, &to);
    from.columns[0].name[0] = 'D';
    from.columns[0].format[0] = '?';
    from.key[0] = 2;
    schema_release(&from);
    assert_int_equal(to.count, 3);
    assert_string_equal(to.columns[0].name, "day");
    assert_string_equal(to.columns[0].format, "%d/%m/%Y");
    assert_null(to.columns[1].format);
    assert_int_equal(to.columns[2].id, 3);
    assert_true(to.columns[2].nullable);
    assert_int_equal(to.columns[2].type.precision, 9);
    assert_int_equal(to.key_count, 2);
    assert_int_equal(to.key[0], 1);
    assert_int_equal(to.key[1], 0);
    assert_int_equal(to.partition_by, PARTITION_MONTH);
    assert_true(to.track_revisions);
    schema_release(&to);
}

static void what_is_released_is_empty_and_may_be_released_again(void **state)
{
    (void)state;
    struct schema s = make(PARTITION_DAY);
    schema_release(&s);
    assert_int_equal(s.count, 0);
    assert_int_equal(s.key_count, 0);
    assert_null(s.columns);
    assert_null(s.key);
    assert_int_equal(s.partition_by, PARTITION_NONE);
    schema_release(&s);
}

static void an_empty_schema_can_be_copied(void **state)
{
    (void)state;
    struct schema empty = {0};
    struct schema to;
    schema_copy(&empty, &to);
    assert_int_equal(to.count, 0);
    assert_int_equal(schema_find(&to, "day"), SIZE_MAX);
    assert_true(schema_same_columns(&empty, &to));
    schema_release(&to);
}

static void columns_are_found_by_their_exact_name(void **state)
{
    (void)state;
    struct schema s = make(PARTITION_NONE);
    assert_int_equal(schema_find(&s, "day"), 0);
    assert_int_equal(schema_find(&s, "rate"), 2);
    assert_int_equal(schema_find(&s, "Rate"), SIZE_MAX);
    assert_int_equal(schema_find(&s, "rat"), SIZE_MAX);
    assert_int_equal(schema_find(&s, ""), SIZE_MAX);
    schema_release(&s);
}

static void columns_are_the_same_by_name_type_and_order_alone(void **state)
{
    (void)state;
    struct schema a = make(PARTITION_NONE);
    struct schema b = make(PARTITION_MONTH);
    b.columns[1].id = 77;
    b.columns[1].nullable = true;
    b.key[0] = 2;
    assert_true(schema_same_columns(&a, &b));
    b.columns[2].type.scale = 2;
    assert_false(schema_same_columns(&a, &b));
    b.columns[2].type.scale = 4;
    b.columns[0].name[0] = 'D';
    assert_false(schema_same_columns(&a, &b));
    b.columns[0].name[0] = 'd';
    struct schema_column first = b.columns[0];
    b.columns[0] = b.columns[1];
    b.columns[1] = first;
    assert_false(schema_same_columns(&a, &b));
    schema_release(&b);
    b = make(PARTITION_NONE);
    a.count = 2;
    assert_false(schema_same_columns(&a, &b));
    assert_false(schema_same_columns(&b, &a));
    a.count = 3;
    schema_release(&a);
    schema_release(&b);
}

static void a_key_is_known_by_its_positions(void **state)
{
    (void)state;
    struct schema s = make(PARTITION_NONE);
    assert_true(schema_in_key(&s, 0));
    assert_true(schema_in_key(&s, 1));
    assert_false(schema_in_key(&s, 2));
    s.key_count = 1;
    assert_false(schema_in_key(&s, 0));
    schema_release(&s);
}

static void a_key_stays_in_its_partition_only_where_the_partition_is_part_of_it(void **state)
{
    (void)state;
    struct schema s = make(PARTITION_MONTH);
    assert_true(schema_partition_in_key(&s));
    s.partition_column = 2;
    assert_false(schema_partition_in_key(&s));
    s.partition_column = 0;
    s.partition_by = PARTITION_NONE;
    assert_false(schema_partition_in_key(&s));
    schema_release(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_have_names_that_are_read_back),
        cmocka_unit_test(any_other_word_is_no_partition),
        cmocka_unit_test(a_copy_is_equal_and_shares_nothing),
        cmocka_unit_test(what_is_released_is_empty_and_may_be_released_again),
        cmocka_unit_test(an_empty_schema_can_be_copied),
        cmocka_unit_test(columns_are_found_by_their_exact_name),
        cmocka_unit_test(columns_are_the_same_by_name_type_and_order_alone),
        cmocka_unit_test(a_key_is_known_by_its_positions),
        cmocka_unit_test(a_key_stays_in_its_partition_only_where_the_partition_is_part_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

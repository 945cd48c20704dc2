#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/table.h"

/* The cells, row by row up to a NULL, as a table; the caller frees it. */
static char *format(const char *const *heads, size_t columns, const char *const *cells,
                    size_t count)
{
    struct table t;
    struct str out;
    table_init(&t, heads, columns);
    for (size_t i = 0; i < count; i++)
        table_cell(&t, cells[i]);
    str_init(&out, STR_MAX_DEFAULT);
    table_format(&t, &out);
    table_release(&t);
    return str_detach(&out);
}

static void columns_are_as_wide_as_their_widest_cell(void **state)
{
    (void)state;
    static const char *const heads[] = {"NAME", ">ROWS", "SOURCE"};
    static const char *const cells[] = {"a", "1", "x.csv", "longer", "1000000", "y"};
    char *text = format(heads, 3, cells, 6);
    assert_string_equal(text, "NAME       ROWS  SOURCE\n"
                              "a             1  x.csv\n"
                              "longer  1000000  y\n");
    free(text);
}

static void a_table_without_rows_is_its_head(void **state)
{
    (void)state;
    static const char *const heads[] = {"A", ">B"};
    char *text = format(heads, 2, NULL, 0);
    assert_string_equal(text, "A  B\n");
    free(text);
}

static void width_is_counted_in_characters(void **state)
{
    (void)state;
    static const char *const heads[] = {"A", "B"};
    static const char *const cells[] = {"\u00e4\u00f6\u20ac", "x", "abcd", "y"};
    char *text = format(heads, 2, cells, 4);
    assert_string_equal(text, "A     B\n\u00e4\u00f6\u20ac   x\nabcd  y\n");
    free(text);
}

static void no_value_is_a_dash(void **state)
{
    (void)state;
    static const char *const heads[] = {"A", "B"};
    static const char *const cells[] = {NULL, ""};
    char *text = format(heads, 2, cells, 2);
    assert_string_equal(text, "A  B\n-  -\n");
    free(text);
}

static void control_characters_do_not_reach_the_terminal(void **state)
{
    (void)state;
    static const char *const heads[] = {"A"};
    static const char *const cells[] = {"a\033[2Jb\nc\x7f"};
    char *text = format(heads, 1, cells, 1);
    assert_string_equal(text, "A\na\\x1b[2Jb\\nc\\x7f\n");
    free(text);
}

static void cells_may_be_formatted(void **state)
{
    (void)state;
    static const char *const heads[] = {">N"};
    struct table t;
    struct str out;
    table_init(&t, heads, 1);
    table_cellf(&t, "%d%s", 12, "!");
    str_init(&out, STR_MAX_DEFAULT);
    table_format(&t, &out);
    assert_string_equal(out.data, "  N\n12!\n");
    str_release(&out);
    table_release(&t);
    table_release(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_are_as_wide_as_their_widest_cell),
        cmocka_unit_test(a_table_without_rows_is_its_head),
        cmocka_unit_test(width_is_counted_in_characters),
        cmocka_unit_test(no_value_is_a_dash),
        cmocka_unit_test(control_characters_do_not_reach_the_terminal),
        cmocka_unit_test(cells_may_be_formatted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/sample_widths.h"
#include "util/str.h"

static void check(const char *text, const char *expected)
{
    uint32_t widths[SAMPLE_WIDTHS_MAX];
    struct str found;
    str_init(&found, STR_MAX_DEFAULT);
    size_t count = sample_widths_of(text, strlen(text), true, widths);
    for (size_t i = 0; i < count; i++)
        str_printf(&found, "%s%u", i > 0 ? " " : "", (unsigned)widths[i]);
    if (strcmp(found.data != NULL ? found.data : "", expected) != 0)
        fail_msg("\"%s\": %s instead of %s", text, found.data, expected);
    str_release(&found);
}

static void columns_begin_behind_blanks_that_all_lines_have(void **state)
{
    (void)state;
    check("a  b   c\n1  22  3\n1  2   33\n", "3 4 2");
    check("a  b\r\n\u00e9  22\r\n1  2\r\n", "3 2");
    check("  a  b\n  1  2\n  1  2\n", "5 1"); /* what is before the first one is its */
    check("ab 12\ncd 34\nef 56\n", "3 2");    /* all of one length */
}

static void what_is_no_table_has_none(void **state)
{
    (void)state;
    check("a  b\n1  2\n", ""); /* too few lines */
    check("one text\nand another\nno table\n", "");
    check("a\tb\n1\t2\n3\t4\n", "");
    check("abc\ndef\nghi\n", "");
    check("", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_begin_behind_blanks_that_all_lines_have),
        cmocka_unit_test(what_is_no_table_has_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

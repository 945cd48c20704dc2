#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/error.h"
#include "util/json.h"
#include "util/visible.h"

static void check_shown(const char *text, enum visible how, const char *expected)
{
    struct str out;
    char buffer[256];
    str_init(&out, 1 << 16);
    visible_append(&out, text, strlen(text), how);
    assert_string_equal(out.data, expected);
    visible_copy(buffer, sizeof buffer, text, how);
    assert_string_equal(buffer, expected);
    str_release(&out);
}

static void ordinary_text_stays_as_it_is(void **state)
{
    static const char text[] = "a \"b\" \\ caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 "
                               "\xd9\x85\xe2\x80\x8c\xd8\xae"; /* with a zero width non-joiner */
    (void)state;
    check_shown(text, VISIBLE_LINE, text);
    check_shown("", VISIBLE_LINE, "");
}

static void controls_separators_and_marks_of_direction_are_escaped(void **state)
{
    (void)state;
    check_shown("a\nb\tc\rd\x1b[31m\x7f", VISIBLE_LINE, "a\\nb\\tc\\x0dd\\x1b[31m\\x7f");
    check_shown("a\nb\tc", VISIBLE_LINES, "a\nb\\tc");
    check_shown("a\"b\\\n", VISIBLE_QUOTED, "a\\\"b\\\\\\n");
    check_shown("\xc2\x85\xc2\x9b", VISIBLE_LINE, "\\u0085\\u009b");
    check_shown("\xe2\x80\xa8\xe2\x80\xa9", VISIBLE_LINES, "\\u2028\\u2029");
    check_shown("\xe2\x80\xae|\xe2\x81\xa6|\xd8\x9c", VISIBLE_LINE, "\\u202e|\\u2066|\\u061c");
    check_shown("\xef\xbb\xbf\xe2\x80\x8b", VISIBLE_LINE, "\\ufeff\\u200b");
    check_shown("\xf3\xa0\x81\x81", VISIBLE_LINE, "\\U000e0041");
}

static void bytes_that_are_no_utf8_are_escaped(void **state)
{
    (void)state;
    check_shown("a\xff\x80z", VISIBLE_LINE, "a\\xff\\x80z");
    check_shown("\xc3", VISIBLE_LINE, "\\xc3");
    check_shown("\xed\xa0\x80", VISIBLE_LINE, "\\xed\\xa0\\x80");
    check_shown("\xc0\xaf", VISIBLE_LINE, "\\xc0\\xaf");
}

static void a_buffer_is_filled_up_to_a_whole_character_or_escape(void **state)
{
    char six[6];
    (void)state;
    visible_copy(six, sizeof six, "abcd\xc3\xa9", VISIBLE_LINE);
    assert_string_equal(six, "abcd");
    visible_copy(six, sizeof six, "abc\x1b", VISIBLE_LINE);
    assert_string_equal(six, "abc");
    visible_copy(six, 1, "abc", VISIBLE_LINE);
    assert_string_equal(six, "");
}

static void json_keeps_its_meaning(void **state)
{
    (void)state;
    static const char value[] = "\xe2\x80\xae\xc2\x9b\x7f\xf3\xa0\x81\x81 caf\xc3\xa9\n";
    struct json *text = json_new_string(value);
    struct json *back;
    struct str out;
    str_init(&out, 1 << 16);
    json_write_visible(text, false, &out);
    assert_string_equal(out.data, "\"\\u202e\\u009b\\u007f\\udb40\\udc41 caf\xc3\xa9\\n\"");
    assert_int_equal(json_parse(out.data, out.len, "text", &back, NULL), ERR_OK);
    assert_string_equal(json_string(back), value);
    str_release(&out);
    json_free(back);
    json_free(text);
}

static void errors_are_made_of_visible_text(void **state)
{
    struct error err = ERROR_INIT;
    (void)state;
    error_set(&err, ERR_SOURCE, "the file \"%s\"\nsecond line", "a\x1b[2J\xff");
    error_prefix(&err, "\xe2\x80\xae");
    error_append(&err, "%s", "\xc2\x9b");
    assert_string_equal(err.text, "\\u202e: the file \"a\\x1b[2J\\xff\"\nsecond line \\u009b");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_text_stays_as_it_is),
        cmocka_unit_test(controls_separators_and_marks_of_direction_are_escaped),
        cmocka_unit_test(bytes_that_are_no_utf8_are_escaped),
        cmocka_unit_test(a_buffer_is_filled_up_to_a_whole_character_or_escape),
        cmocka_unit_test(json_keeps_its_meaning),
        cmocka_unit_test(errors_are_made_of_visible_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

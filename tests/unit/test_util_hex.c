#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/hex.h"

static void a_digit_has_its_value_in_either_case_and_nothing_else_has_one(void **state)
{
    (void)state;
    static const char lower[] = "0123456789abcdef";
    static const char upper[] = "0123456789ABCDEF";
    for (int c = -128; c < 128; c++) {
        const char *at = c != 0 ? strchr(lower, c) : NULL;
        int expected = at != NULL ? (int)(at - lower) : -1;
        at = c != 0 ? strchr(upper, c) : NULL;
        if (at != NULL)
            expected = (int)(at - upper);
        assert_int_equal(hex_value((char)c), expected);
    }
}

static void digits_become_bytes_up_to_the_first_that_is_none(void **state)
{
    (void)state;
    unsigned char out[4] = {9, 9, 9, 9};
    assert_true(hex_decode("00fFA0", 3, out));
    assert_memory_equal(out, "\x00\xff\xa0\x09", 4);
    assert_true(hex_decode("", 0, out));
    assert_false(hex_decode("0g", 1, out));
    assert_false(hex_decode("0", 1, out)); /* the NUL is no digit, and nothing behind it is read */
    assert_false(hex_decode("", 2, out));
}

static void per_cent_signs_are_decoded_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        {"", ""},
        {"/a b", "/a b"},
        {"/a%20b", "/a b"},
        {"%25", "%"},
        {"%c3%A4", "\xc3\xa4"},
        {"%2520", "%20"},
        {"%", NULL},
        {"%2", NULL},
        {"%2x", NULL},
        {"%x2", NULL},
        {"a%00b", NULL},
        {"%%41", NULL},
        {"\xff%41", "\xff"
                    "A"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *decoded = hex_percent_decode(cases[i].text);
        if (cases[i].decoded == NULL)
            assert_null(decoded);
        else
            assert_string_equal(decoded, cases[i].decoded);
        free(decoded);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_has_its_value_in_either_case_and_nothing_else_has_one),
        cmocka_unit_test(digits_become_bytes_up_to_the_first_that_is_none),
        cmocka_unit_test(per_cent_signs_are_decoded_or_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "util/utf8.h"

/* The bytes of a code point by the bit patterns of RFC 3629, section 3, whether it may be one or not. */
static size_t by_pattern(uint32_t c, size_t length, unsigned char out[4])
{
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = 0; i < length; i++)
        out[i] = (unsigned char)(0x80 | (c >> 6 * (length - 1 - i) & 0x3f));
    out[0] = (unsigned char)(length == 1 ? c : lead[length] | c >> 6 * (length - 1));
    return length;
}

static size_t length_of(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

static void every_character_is_written_and_found_and_nothing_else(void **state)
{
    (void)state;
    static const uint32_t ends[] = {0, 0x80, 0x800, 0x10000, 0x200000};
    for (size_t length = 1; length <= 4; length++) {
        for (uint32_t c = 0; c < ends[length]; c++) {
            unsigned char bytes[4];
            char written[4];
            by_pattern(c, length, bytes);
            bool good = c <= 0x10ffff && length == length_of(c) && !(c >= 0xd800 && c <= 0xdfff);
            size_t found = utf8_character((const char *)bytes, length);
            if (found != (good ? length : 0))
                fail_msg("U+%06X in %zu bytes: %zu", (unsigned)c, length, found);
            if (good && (utf8_encode(c, written) != length || memcmp(written, bytes, length) != 0))
                fail_msg("U+%06X is written otherwise", (unsigned)c);
        }
    }
}

static void no_byte_behind_the_end_is_looked_at(void **state)
{
    (void)state;
    static const char euro[] = "\xe2\x82\xac";
    bool whole;
    for (size_t left = 1; left <= 3; left++) {
        assert_int_equal(utf8_step(euro, left, &whole), left);
        assert_int_equal(whole, left == 3);
        assert_int_equal(utf8_character(euro, left), left == 3 ? 3 : 0);
    }
}

static void a_broken_character_ends_before_the_byte_that_breaks_it(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t step;
    } cases[] = {
        {"\x80", 1},         {"\xc0\x80", 1},      {"\xc1\xbf", 1},
        {"\xc3(", 1},        {"\xe0\x9f\xbf", 1},  {"\xe2\x82(", 2},
        {"\xed\xa0\x80", 1}, {"\xf0\x9f\x98(", 3}, {"\xf4\x90\x80\x80", 1},
        {"\xf5\x80", 1},     {"\xff", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        bool whole = true;
        assert_int_equal(utf8_step(cases[i].text, strlen(cases[i].text), &whole), cases[i].step);
        assert_false(whole);
    }
}

static void texts_are_valid_up_to_the_first_flaw(void **state)
{
    (void)state;
    static const char text[] = "0123456789 \xc3\xa4 0123456789 \xf0\x9f\x98\x80 0123\xff"
                               "56789";
    size_t flaw = (size_t)(strchr(text, '\xff') - text);
    assert_int_equal(utf8_prefix(text, sizeof text - 1), flaw);
    assert_false(utf8_valid(text, sizeof text - 1));
    assert_true(utf8_valid(text, flaw));
    assert_true(utf8_valid("", 0));
    assert_int_equal(utf8_count(text, flaw), flaw - 1 - 3);
    assert_int_equal(utf8_prefix(text, 12), 11); /* half a character */
}

static void a_cut_leaves_characters_whole(void **state)
{
    (void)state;
    static const char text[] = "a\xe2\x82\xac";
    static const size_t cuts[] = {0, 1, 1, 1, 4, 4};
    for (size_t most = 0; most < sizeof cuts / sizeof cuts[0]; most++)
        assert_int_equal(utf8_cut(text, 4, most), cuts[most]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_character_is_written_and_found_and_nothing_else),
        cmocka_unit_test(no_byte_behind_the_end_is_looked_at),
        cmocka_unit_test(a_broken_character_ends_before_the_byte_that_breaks_it),
        cmocka_unit_test(texts_are_valid_up_to_the_first_flaw),
        cmocka_unit_test(a_cut_leaves_characters_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

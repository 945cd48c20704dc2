#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/str.h"

static void an_empty_string_is_usable(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 10);
    assert_string_equal(s.data, "");
    assert_int_equal(s.len, 0);
    str_clear(&s);
    str_append(&s, "");
    str_append_bytes(&s, NULL, 0);
    assert_string_equal(s.data, "");
    assert_int_equal(str_check(&s, "x", NULL), ERR_OK);
    char *text = str_detach(&s);
    assert_string_equal(text, "");
    free(text);
    str_release(&s);
    str_release(&s);
}

static void appends_follow_each_other(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 1000);
    str_append(&s, "ab");
    str_append_char(&s, 'c');
    str_append_bytes(&s, "d\0e", 3);
    str_printf(&s, "%03d", 7);
    str_printf(&s, "%s", "");
    assert_int_equal(s.len, 9);
    assert_memory_equal(s.data, "abcd\0e007", 10);
    str_clear(&s);
    assert_int_equal(s.len, 0);
    assert_string_equal(s.data, "");
    str_append(&s, "again");
    char *text = str_detach(&s);
    assert_string_equal(text, "again");
    free(text);
    assert_string_equal(s.data, "");
    str_append(&s, "once more");
    assert_string_equal(s.data, "once more");
    str_release(&s);
    assert_string_equal(s.data, "");
}

static void long_texts_grow(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    for (int i = 0; i < 20000; i++)
        str_printf(&s, "%05d", i);
    assert_int_equal(s.len, 100000);
    assert_memory_equal(s.data + 5 * 12345, "12345", 5);
    assert_int_equal(strlen(s.data), s.len);
    str_release(&s);
}

static void the_cap_is_exact(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 5);
    str_append(&s, "12345");
    assert_false(s.full);
    assert_int_equal(str_check(&s, "x", NULL), ERR_OK);
    str_append(&s, "");
    assert_false(s.full);
    str_append_char(&s, '6');
    assert_true(s.full);
    assert_string_equal(s.data, "12345");
    str_release(&s);
}

static void beyond_the_cap_nothing_is_appended_any_more(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct str s;
    str_init(&s, 8);
    str_append(&s, "1234");
    str_printf(&s, "%s", "56789");
    str_append(&s, "5");
    str_printf(&s, "%d", 5);
    assert_string_equal(s.data, "1234");
    assert_int_equal(s.len, 4);
    assert_int_equal(str_check(&s, "The manifest", &err), ERR_LIMIT);
    assert_string_equal(err.text, "The manifest is larger than the limit of 8 bytes.");
    str_clear(&s);
    assert_int_equal(str_check(&s, "The manifest", &err), ERR_OK);
    str_append(&s, "12345678");
    assert_string_equal(s.data, "12345678");
    str_release(&s);
}

static void a_size_near_the_end_of_memory_does_not_wrap(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 16);
    str_append(&s, "12345678");
    str_append_bytes(&s, "x", SIZE_MAX - 4);
    assert_true(s.full);
    assert_string_equal(s.data, "12345678");
    str_release(&s);
    str_init(&s, 0);
    str_append(&s, "x");
    assert_true(s.full);
    assert_string_equal(s.data, "");
    str_release(&s);
}

static void beginnings_and_ends(void **state)
{
    (void)state;
    assert_true(str_starts("events/a", "events/"));
    assert_true(str_starts("a", ""));
    assert_false(str_starts("event", "events/"));
    assert_true(str_ends("a.parquet", ".parquet"));
    assert_true(str_ends("a", ""));
    assert_true(str_ends("", ""));
    assert_false(str_ends("quet", ".parquet"));
    assert_false(str_ends("a.parquet ", ".parquet"));
}

static void choices_read_like_a_sentence(void **state)
{
    (void)state;
    static const char *const names[] = {"a", "b", "c"};
    static const char *const lists[] = {"", "a", "a or b", "a, b or c"};
    for (size_t count = 0; count <= 3; count++) {
        struct str s;
        str_init(&s, 100);
        str_append_choices(&s, names, count);
        assert_string_equal(s.data, lists[count]);
        str_release(&s);
    }
}

static void the_closest_word_is_found(void **state)
{
    (void)state;
    static const char *const words[] = {"source", "schedule", "schema", "store", "key"};
    const size_t count = sizeof words / sizeof words[0];
    assert_string_equal(str_closest("schmea", words, count), "schema");
    assert_string_equal(str_closest("sorce", words, count), "source");
    assert_string_equal(str_closest("shedule", words, count), "schedule");
    assert_string_equal(str_closest("stores", words, count), "store");
    assert_string_equal(str_closest("kay", words, count), "key");
    assert_string_equal(str_closest("key", words, count), "key");
    assert_null(str_closest("projection", words, count));
    assert_null(str_closest("x", words, count));
    assert_null(str_closest("", words, count));
    assert_null(str_closest("schema", words, 0));
    char endless[200];
    memset(endless, 's', sizeof endless - 1);
    endless[sizeof endless - 1] = '\0';
    assert_null(str_closest(endless, words, count));
}

static void of_equally_close_words_the_first_is_taken(void **state)
{
    (void)state;
    static const char *const words[] = {"date", "gate", "rate"};
    assert_string_equal(str_closest("late", words, 3), "date");
    assert_string_equal(str_closest("rate", words, 3), "rate");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_string_is_usable),
        cmocka_unit_test(appends_follow_each_other),
        cmocka_unit_test(long_texts_grow),
        cmocka_unit_test(the_cap_is_exact),
        cmocka_unit_test(beyond_the_cap_nothing_is_appended_any_more),
        cmocka_unit_test(a_size_near_the_end_of_memory_does_not_wrap),
        cmocka_unit_test(beginnings_and_ends),
        cmocka_unit_test(choices_read_like_a_sentence),
        cmocka_unit_test(the_closest_word_is_found),
        cmocka_unit_test(of_equally_close_words_the_first_is_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

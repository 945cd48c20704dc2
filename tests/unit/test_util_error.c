#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "util/error.h"

static void set_keeps_code_and_text(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.text, "");
    assert_int_equal(error_set(&err, ERR_CONFLICT, "The %s moved by %d.", "pointer", 2),
                     ERR_CONFLICT);
    assert_int_equal(err.code, ERR_CONFLICT);
    assert_string_equal(err.text, "The pointer moved by 2.");
    error_clear(&err);
    assert_int_equal(err.code, ERR_OK);
    assert_string_equal(err.text, "");
}

static void null_is_allowed_everywhere(void **state)
{
    (void)state;
    assert_int_equal(error_set(NULL, ERR_GATE, "x"), ERR_GATE);
    assert_int_equal(error_set_errno(NULL, ERR_DENIED, EACCES, "x"), ERR_DENIED);
    assert_int_not_equal(error_prefix(NULL, "x"), ERR_OK);
    assert_int_not_equal(error_append(NULL, "x"), ERR_OK);
    error_clear(NULL);
}

static void errno_is_spelled_out(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(error_set_errno(&err, ERR_ABSENT, ENOENT, "Cannot open %s", "/a"), ERR_ABSENT);
    assert_string_equal(err.text, "Cannot open /a: No such file or directory");
}

static void prefix_and_append_keep_the_code(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    error_set(&err, ERR_DAMAGED, "The size differs.");
    assert_int_equal(error_prefix(&err, "Dataset %s", "rates"), ERR_DAMAGED);
    assert_string_equal(err.text, "Dataset rates: The size differs.");
    assert_int_equal(error_append(&err, "Run `cauce verify %s`.", "rates"), ERR_DAMAGED);
    assert_string_equal(err.text, "Dataset rates: The size differs. Run `cauce verify rates`.");
    assert_int_equal(err.code, ERR_DAMAGED);
}

static void what_the_system_says_gets_a_full_stop_before_a_sentence(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    error_set_errno(&err, ERR_AGAIN, ENOENT, "Cannot open %s", "/a");
    error_append(&err, "Nothing was changed.");
    assert_string_equal(err.text,
                        "Cannot open /a: No such file or directory. Nothing was changed.");
    error_append(&err, "Run again.");
    assert_string_equal(err.text, "Cannot open /a: No such file or directory. Nothing was changed. "
                                  "Run again.");
    error_set(&err, ERR_AGAIN, "a list of");
    error_append(&err, "words");
    assert_string_equal(err.text, "a list of words");
    error_clear(&err);
    error_append(&err, "First.");
    assert_string_equal(err.text, " First.");
}

static void the_state_is_told_in_a_sentence_and_kept_as_a_field(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct error other;
    error_set(&err, ERR_ABSENT, "Cannot take \"a\"");
    assert_int_equal(err.state, ERROR_UNTOLD);
    assert_int_equal(error_tell(&err, ERR_AGAIN, ERROR_UNPUBLISHED, "Run again, 100 %s."),
                     ERR_AGAIN);
    assert_string_equal(err.text, "Cannot take \"a\". Nothing was published. Run again, 100 %s.");
    assert_int_equal(err.code, ERR_AGAIN);
    error_prefix(&err, "Dataset %s", "rates");
    error_append(&err, "See the log.");
    assert_int_equal(err.state, ERROR_UNPUBLISHED);
    assert_int_equal(error_pass(&other, ERR_SYSTEM, &err), ERR_SYSTEM);
    assert_int_equal(other.state, ERROR_UNPUBLISHED);
    assert_int_equal(other.code, ERR_SYSTEM);
    assert_string_equal(other.text, err.text);
    error_set(&err, ERR_AGAIN, "Nothing was changed, says a text that nobody reads.");
    assert_int_equal(err.state, ERROR_UNTOLD);
    error_told(&err, ERROR_IN_DOUBT);
    assert_int_equal(err.state, ERROR_IN_DOUBT);
    error_clear(&err);
    assert_int_equal(err.state, ERROR_UNTOLD);
    assert_int_equal(error_tell(&err, ERR_FULL, ERROR_UNCHANGED, NULL), ERR_FULL);
    assert_string_equal(err.text, " Nothing was changed.");
    assert_int_equal(error_tell(NULL, ERR_FULL, ERROR_UNCHANGED, NULL), ERR_FULL);
    assert_int_equal(error_pass(NULL, ERR_FULL, &err), ERR_FULL);
    error_told(NULL, ERROR_IN_DOUBT);
}

static void arguments_may_be_the_old_text(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    error_set(&err, ERR_AGAIN, "old");
    error_set(&err, ERR_LOST, "new, before: %s", err.text);
    assert_string_equal(err.text, "new, before: old");
    error_prefix(&err, "<%s>", err.text);
    assert_string_equal(err.text, "<new, before: old>: new, before: old");
    error_set(&err, ERR_LOST, "ab");
    error_append(&err, "(%s)", err.text);
    assert_string_equal(err.text, "ab (ab )");
}

static void assert_cut(const struct error *err)
{
    size_t n = strlen(err->text);
    assert_true(n < ERROR_TEXT_SIZE);
    assert_true(n > ERROR_TEXT_SIZE - 8);
    assert_string_equal(err->text + n - 3, "...");
}

static void what_does_not_fit_is_cut_and_marked(void **state)
{
    (void)state;
    char lots[2 * ERROR_TEXT_SIZE];
    memset(lots, 'x', sizeof lots - 1);
    lots[sizeof lots - 1] = '\0';
    struct error err = ERROR_INIT;
    error_set(&err, ERR_LIMIT, "%s", lots);
    assert_cut(&err);
    error_append(&err, "more");
    assert_cut(&err);
    error_prefix(&err, "first");
    assert_cut(&err);
    assert_memory_equal(err.text, "first: xxx", 10);
    error_set(&err, ERR_LIMIT, "short");
    error_append(&err, "%s", lots);
    assert_cut(&err);
    assert_memory_equal(err.text, "short xxx", 9);
    error_set_errno(&err, ERR_LIMIT, ENOENT, "%s", lots);
    assert_cut(&err);
    assert_int_equal(err.code, ERR_LIMIT);
}

static void a_text_that_just_fits_is_not_cut(void **state)
{
    (void)state;
    char exact[ERROR_TEXT_SIZE];
    memset(exact, 'y', sizeof exact - 1);
    exact[sizeof exact - 1] = '\0';
    struct error err = ERROR_INIT;
    error_set(&err, ERR_LIMIT, "%s", exact);
    assert_string_equal(err.text, exact);
    exact[ERROR_TEXT_SIZE - 3] = '\0';
    error_set(&err, ERR_LIMIT, "%s", exact);
    error_append(&err, "z");
    assert_int_equal(strlen(err.text), ERROR_TEXT_SIZE - 1);
    assert_string_equal(err.text + ERROR_TEXT_SIZE - 4, "y z");
}

static void a_cut_leaves_no_half_character(void **state)
{
    (void)state;
    char lots[2 * ERROR_TEXT_SIZE];
    for (size_t shift = 0; shift < 3; shift++) {
        memset(lots, 'x', shift);
        for (size_t i = shift; i + 3 < sizeof lots; i += 3)
            memcpy(lots + i, "\xe2\x82\xac", 4);
        struct error err = ERROR_INIT;
        error_set(&err, ERR_LIMIT, "%s", lots);
        assert_cut(&err);
        size_t before = strlen(err.text) - 3;
        assert_int_equal((before - shift) % 3, 0);
    }
}

static void every_code_has_a_name_of_its_own(void **state)
{
    (void)state;
    for (int a = 0; a < ERR_COUNT; a++) {
        assert_non_null(error_name(a));
        assert_string_not_equal(error_name(a), "invalid");
        for (int b = 0; b < a; b++)
            assert_string_not_equal(error_name(a), error_name(b));
    }
    assert_string_equal(error_name(ERR_CONFLICT), "conflict");
    assert_string_equal(error_name(-1), "invalid");
    assert_string_equal(error_name(ERR_COUNT), "invalid");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_keeps_code_and_text),
        cmocka_unit_test(null_is_allowed_everywhere),
        cmocka_unit_test(errno_is_spelled_out),
        cmocka_unit_test(prefix_and_append_keep_the_code),
        cmocka_unit_test(what_the_system_says_gets_a_full_stop_before_a_sentence),
        cmocka_unit_test(the_state_is_told_in_a_sentence_and_kept_as_a_field),
        cmocka_unit_test(arguments_may_be_the_old_text),
        cmocka_unit_test(what_does_not_fit_is_cut_and_marked),
        cmocka_unit_test(a_text_that_just_fits_is_not_cut),
        cmocka_unit_test(a_cut_leaves_no_half_character),
        cmocka_unit_test(every_code_has_a_name_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

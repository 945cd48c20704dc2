#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/exit.h"
#include "util/error.h"

static void every_error_has_its_status(void **state)
{
    (void)state;
    static const struct {
        int code;
        int status;
    } expected[] = {
        {ERR_OK, 0},     {ERR_ABSENT, 10},       {ERR_CONFLICT, 6},  {ERR_UNKNOWN, 7},
        {ERR_AGAIN, 5},  {ERR_DENIED, 5},        {ERR_DAMAGED, 12},  {ERR_SOURCE, 3},
        {ERR_GATE, 4},   {ERR_CONFIG, 2},        {ERR_LOST, 6},      {ERR_LIMIT, 1},
        {ERR_SYSTEM, 1}, {ERR_INTERRUPTED, 130}, {ERR_TIMEOUT, 124}, {ERR_FULL, 5},
    };
    assert_int_equal(sizeof expected / sizeof expected[0], ERR_COUNT);
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++)
        assert_int_equal(exit_status_of(expected[i].code), expected[i].status);
}

static void what_is_no_code_is_a_failure(void **state)
{
    (void)state;
    assert_int_equal(exit_status_of(-1), EXIT_OTHER);
    assert_int_equal(exit_status_of(ERR_COUNT), EXIT_OTHER);
}

static void every_status_has_a_meaning(void **state)
{
    (void)state;
    size_t count;
    const struct exit_meaning *meanings = exit_meanings(&count);
    for (size_t i = 1; i < count; i++)
        assert_true(meanings[i - 1].status < meanings[i].status);
    for (int code = 0; code < ERR_COUNT; code++) {
        size_t found = 0;
        for (size_t i = 0; i < count; i++)
            found += meanings[i].status == exit_status_of(code) && meanings[i].meaning[0] != '\0';
        assert_int_equal(found, 1);
    }
}

/* docs/exit-codes.md promises exactly these. */
static void the_documentation_lists_every_status(void **state)
{
    (void)state;
    size_t count;
    const struct exit_meaning *meanings = exit_meanings(&count);
    const char *root = getenv("CAUCE_SOURCE_DIR");
    char path[4096];
    char text[32768];
    snprintf(path, sizeof path, "%s/docs/exit-codes.md",
             root != NULL ? root : CAUCE_TEST_SOURCE_DIR);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t n = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[n] = '\0';
    size_t rows = 0;
    for (const char *p = text; (p = strstr(p, "\n| ")) != NULL; p++)
        rows += p[3] >= '0' && p[3] <= '9';
    assert_int_equal(rows, count);
    for (size_t i = 0; i < count; i++) {
        char row[32];
        snprintf(row, sizeof row, "\n| %d |", meanings[i].status);
        assert_non_null(strstr(text, row));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_error_has_its_status),
        cmocka_unit_test(what_is_no_code_is_a_failure),
        cmocka_unit_test(every_status_has_a_meaning),
        cmocka_unit_test(the_documentation_lists_every_status),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What the tests of the configuration share: an environment of their own, and parsing a text. */
#ifndef CAUCE_TESTS_UNIT_CONFIG_TEST_H
#define CAUCE_TESTS_UNIT_CONFIG_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "config/config.h"
#include "util/mem.h"

/* Names and values in turn, up to a NULL. */
static inline const char *config_test_get(void *ctx, const char *name)
{
    const char *const *pairs = ctx;
    for (size_t i = 0; pairs != NULL && pairs[i] != NULL; i += 2) {
        if (strcmp(pairs[i], name) == 0)
            return pairs[i + 1];
    }
    return NULL;
}

/* A machine of 4 GiB and 3 processors. `pairs` NULL: no variable is set. */
static inline struct config_env config_test_env(const char *const *pairs)
{
    return (struct config_env){
        .get = config_test_get,
        .ctx = (void *)(uintptr_t)pairs,
        .memory = (uint64_t)4 << 30,
        .cpus = 3,
    };
}

/*
 * Parse a text under the name "dir/d.yml"; returns the problems as config_problems_format writes
 * them (to be freed): "" where there are none, and then `out` is filled.
 */
static inline char *config_test_problems(const char *text, const char *const *pairs,
                                         struct config *out)
{
    struct config_env env = config_test_env(pairs);
    struct config_problems problems;
    struct error err = ERROR_INIT;
    struct str lines;
    config_problems_init(&problems);
    str_init(&lines, STR_MAX_DEFAULT);
    /* A copy of exactly this size: reading beyond it is seen by the address sanitizer. */
    size_t count = strlen(text);
    char *copy = mem_alloc(count);
    memcpy(copy, text, count);
    int rc = config_parse(copy, count, "dir/d.yml", &env, out, &problems, &err);
    free(copy);
    assert_int_equal(rc, problems.count > 0 ? ERR_CONFIG : ERR_OK);
    assert_int_equal(err.text[0] != '\0', rc != ERR_OK);
    config_problems_format(&problems, &lines);
    config_problems_release(&problems);
    return str_detach(&lines);
}

/* Parse a text that must be right. */
static inline void config_test_parse(const char *text, const char *const *pairs, struct config *out)
{
    char *problems = config_test_problems(text, pairs, out);
    assert_string_equal(problems, "");
    free(problems);
}

/* Parse a text that must have exactly these problems. */
static inline void config_test_wrong(const char *text, const char *const *pairs,
                                     const char *expected)
{
    struct config config = {0};
    char *problems = config_test_problems(text, pairs, &config);
    assert_string_equal(problems, expected);
    assert_null(config.dataset);
    free(problems);
}

#endif

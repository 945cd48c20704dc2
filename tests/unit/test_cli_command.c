#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"

static void every_command_is_found_by_its_name(void **state)
{
    (void)state;
    size_t count;
    struct error err = ERROR_INIT;
    const struct command *const *commands = command_list(&count);
    assert_true(count >= 16);
    for (size_t i = 0; i < count; i++) {
        const struct command *found = NULL;
        assert_int_equal(command_find(commands[i]->name, &found, &err), ERR_OK);
        assert_ptr_equal(found, commands[i]);
        assert_non_null(found->run);
    }
}

static void a_misspelt_command_is_guessed(void **state)
{
    (void)state;
    const struct command *found = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(command_find("statsu", &found, &err), ERR_CONFIG);
    assert_string_equal(err.text, "\"statsu\" is not a command; did you mean \"status\"?");
    assert_int_equal(command_find("frobnicate", &found, &err), ERR_CONFIG);
    assert_string_equal(err.text, "\"frobnicate\" is not a command; \"cauce help\" lists them.");
    assert_null(found);
}

static void the_list_shows_every_command_and_status(void **state)
{
    (void)state;
    size_t count;
    struct str out;
    const struct command *const *commands = command_list(&count);
    str_init(&out, STR_MAX_DEFAULT);
    command_help(&out);
    for (size_t i = 0; i < count; i++) {
        char line[160];
        snprintf(line, sizeof line, "\n  %-15s%s\n", commands[i]->name, commands[i]->summary);
        assert_non_null(strstr(out.data, line));
    }
    assert_non_null(strstr(out.data, "\n  130  interrupted\n"));
    str_release(&out);
}

static char *read_document(const char *name)
{
    const char *root = getenv("CAUCE_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/docs/%s", root != NULL ? root : CAUCE_TEST_SOURCE_DIR, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    char *text = calloc(1, 1 << 20);
    assert_non_null(text);
    size_t n = fread(text, 1, (1 << 20) - 1, file);
    assert_true(n > 0);
    fclose(file);
    return text;
}

struct document {
    const char *text;
    const char *command;
    bool escaped; /* a dash is written "\-", as in manual pages */
};

static void expect_option(void *ctx, const struct option_spec *spec)
{
    const struct document *d = ctx;
    char wanted[80];
    snprintf(wanted, sizeof wanted, "--%s", spec->name);
    char escaped[160] = "";
    size_t n = 0;
    for (const char *c = wanted; *c != '\0'; c++) {
        if (*c == '-' && d->escaped)
            escaped[n++] = '\\';
        escaped[n++] = *c;
    }
    if (strstr(d->text, escaped) == NULL)
        fail_msg("%s: the option %s is not documented", d->command, wanted);
}

static void the_documents_name_every_command_and_option(void **state)
{
    (void)state;
    size_t count;
    const struct command *const *commands = command_list(&count);
    char *page = read_document("cauce.1");
    char *guide = read_document("commands.md");
    for (size_t i = 0; i < count; i++) {
        char head[64];
        snprintf(head, sizeof head, "\n.SS %s\n", commands[i]->name);
        if (strstr(page, head) == NULL)
            fail_msg("the manual page has no section \"%s\"", commands[i]->name);
        snprintf(head, sizeof head, "\n## cauce %s\n", commands[i]->name);
        if (strstr(guide, head) == NULL)
            fail_msg("docs/commands.md has no section \"%s\"", commands[i]->name);
        struct document in_page = {page, commands[i]->name, true};
        struct document in_guide = {guide, commands[i]->name, false};
        options_each(commands[i], expect_option, &in_page);
        options_each(commands[i], expect_option, &in_guide);
    }
    free(page);
    free(guide);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_is_found_by_its_name),
        cmocka_unit_test(a_misspelt_command_is_guessed),
        cmocka_unit_test(the_list_shows_every_command_and_status),
        cmocka_unit_test(the_documents_name_every_command_and_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/command.h"

#define ARGS_MAX 12

/* Parse the words up to a NULL behind the command's name. */
static int parse(const struct command *command, struct options *out, struct error *err,
                 const char *const *words)
{
    static char copies[ARGS_MAX][256];
    char *argv[ARGS_MAX + 1] = {NULL};
    int argc = 0;
    for (; argc == 0 || words[argc - 1] != NULL; argc++) {
        snprintf(copies[argc], sizeof copies[argc], "%s",
                 argc == 0 ? command->name : words[argc - 1]);
        argv[argc] = copies[argc];
    }
    error_clear(err);
    return options_parse(command, argc, argv, out, err);
}
#define WORDS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void every_option_of_run_arrives(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(
        parse(&cmd_run, &o, &err,
              WORDS("--source", "a.csv", "--force", "--no-consolidate", "--detailed-exitcode",
                    "--dry-run", "--store=s3://b/p", "--json", "-vv", "d.yml")),
        ERR_OK);
    assert_string_equal(o.source, "a.csv");
    assert_string_equal(o.store, "s3://b/p");
    assert_string_equal(o.file, "d.yml");
    assert_true(o.force && o.no_consolidate && o.detailed_exitcode && o.dry_run && o.json);
    assert_int_equal(o.verbose, 2);
    assert_false(o.quiet || o.help);
}

static void options_may_stand_behind_operands(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(&cmd_show, &o, &err, WORDS("d.yml", "12", "--json")), ERR_OK);
    assert_string_equal(o.file, "d.yml");
    assert_int_equal(o.operand_count, 1);
    assert_string_equal(o.operands[0], "12");
    assert_true(o.json);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(&cmd_status, &o, &err, WORDS("--", "--json")), ERR_OK);
    assert_string_equal(o.file, "--json");
    assert_false(o.json);
}

static void store_and_dataset_take_the_place_of_the_file(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(&cmd_show, &o, &err, WORDS("--store", "./p", "--dataset", "d", "12")),
                     ERR_OK);
    assert_null(o.file);
    assert_string_equal(o.store, "./p");
    assert_string_equal(o.dataset, "d");
    assert_string_equal(o.operands[0], "12");
}

struct mistake {
    const struct command *command;
    const char *words[6];
    const char *says;
};

static void every_mistake_is_told_with_the_way_out(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {&cmd_run, {"--forse", "d.yml"}, "did you mean \"--force\"?"},
        {&cmd_run, {"--forse=1", "d.yml"}, "did you mean \"--force\"?"},
        {&cmd_run, {"--zzzzzz", "d.yml"}, "\"cauce help run\" lists its options."},
        {&cmd_run, {"--no-consolidate=yes", "d.yml"}, "--no-consolidate takes no value"},
        {&cmd_run, {"-x", "d.yml"}, "option -x is not known to run"},
        {&cmd_run, {"-qx", "d.yml"}, "option -x is not known to run"},
        {&cmd_run, {"d.yml", "--source"}, "--source needs a value: --source PATH|URL."},
        {&cmd_run, {"d.yml", "-s"}, "--source needs a value"},
        {&cmd_run, {"--source=", "d.yml"}, "--source must not be empty"},
        {&cmd_run, {"-s", "a", "--source", "b", "d.yml"}, "--source is given twice"},
        {&cmd_run, {NULL}, "No dataset is named: give DATASET.yml."},
        {&cmd_run, {"--dataset", "x", "--store", "y"}, "--dataset is not known to run"},
        {&cmd_run, {"a.yml", "b.yml"}, "\"b.yml\" is one operand too many"},
        {&cmd_run, {"--log-format", "xml", "a.yml"}, "--log-format must be text or json"},
        {&cmd_run, {"-q", "-v", "a.yml"}, "contradict each other"},
        {&cmd_status, {NULL}, "give DATASET.yml, or --store URL and --dataset ID"},
        {&cmd_status, {"--store", "x"}, "give DATASET.yml, or --store URL and --dataset ID"},
        {&cmd_status, {"--dataset", "x"}, "--dataset needs --store"},
        {&cmd_verify,
         {"--dat", "d.yml"},
         "--dat is ambiguous: several options of verify begin like that"},
        {&cmd_read, {"--limit", "0", "d.yml"}, "--limit needs a whole number from 1, not \"0\""},
        {&cmd_read, {"--limit", "-1", "d.yml"}, "needs a whole number from 1"},
        {&cmd_read, {"--limit", "1x", "d.yml"}, "needs a whole number from 1"},
        {&cmd_read, {"--limit", "99999999999999999999", "d.yml"}, "needs a whole number from 1"},
        {&cmd_init, {NULL}, "An operand is missing: cauce init DATASET.yml."},
        {&cmd_version, {"x"}, "\"x\" is one operand too many"},
    };
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct options o;
        struct error err = ERROR_INIT;
        assert_int_equal(parse(mistakes[i].command, &o, &err, mistakes[i].words), ERR_CONFIG);
        if (strstr(err.text, mistakes[i].says) == NULL)
            fail_msg("\"%s\" does not say \"%s\"", err.text, mistakes[i].says);
    }
}

static void file_and_dataset_together_are_refused(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    /* With --dataset the first operand is not taken for a file. */
    assert_int_equal(parse(&cmd_status, &o, &err, WORDS("d.yml", "--store", "s", "--dataset", "d")),
                     ERR_CONFIG);
    assert_non_null(strstr(err.text, "\"d.yml\" is one operand too many"));
}

static void doctor_needs_no_dataset(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(&cmd_doctor, &o, &err, WORDS(NULL)), ERR_OK);
    assert_int_equal(parse(&cmd_doctor, &o, &err, WORDS("--store", "s3://bucket")), ERR_OK);
    assert_string_equal(o.store, "s3://bucket");
}

static void help_wins_over_whatever_is_missing(void **state)
{
    (void)state;
    struct options o;
    struct error err = ERROR_INIT;
    assert_int_equal(parse(&cmd_show, &o, &err, WORDS("--help")), ERR_OK);
    assert_true(o.help);
    assert_int_equal(parse(&cmd_show, &o, &err, WORDS("-h", "--nonsense")), ERR_OK);
    assert_true(o.help);
}

static void the_log_is_as_loud_as_asked_for(void **state)
{
    (void)state;
    enum log_level level;
    enum log_format format;
    struct options o = {.quiet = true};
    options_log(&o, &level, &format);
    assert_int_equal(level, LOG_ERROR);
    assert_int_equal(format, LOG_TEXT);
    o = (struct options){.verbose = 0, .log_format = "json"};
    options_log(&o, &level, &format);
    assert_int_equal(level, LOG_WARN);
    assert_int_equal(format, LOG_JSON);
    o.verbose = 1;
    options_log(&o, &level, &format);
    assert_int_equal(level, LOG_INFO);
    o.verbose = 5;
    options_log(&o, &level, &format);
    assert_int_equal(level, LOG_DEBUG);
}

static void count_option(void *ctx, const struct option_spec *spec)
{
    struct str *help = ctx;
    char name[64];
    snprintf(name, sizeof name, "--%s", spec->name);
    assert_non_null(strstr(help->data, name));
    assert_non_null(spec->help);
    assert_int_equal(spec->argument != NULL,
                     spec->kind == OPTION_TEXT || spec->kind == OPTION_NUMBER);
}

static void help_texts_name_every_option_and_fit_the_screen(void **state)
{
    (void)state;
    size_t count;
    const struct command *const *commands = command_list(&count);
    for (size_t i = 0; i < count; i++) {
        struct str help;
        str_init(&help, STR_MAX_DEFAULT);
        options_help(commands[i], &help);
        options_each(commands[i], count_option, &help);
        for (const char *line = help.data; *line != '\0';) {
            size_t length = strcspn(line, "\n");
            assert_true(length <= 100);
            line += length + (line[length] == '\n');
        }
        assert_non_null(strstr(help.data, "\nExamples:\n  cauce "));
        str_release(&help);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_option_of_run_arrives),
        cmocka_unit_test(options_may_stand_behind_operands),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(store_and_dataset_take_the_place_of_the_file),
        cmocka_unit_test(every_mistake_is_told_with_the_way_out),
        cmocka_unit_test(file_and_dataset_together_are_refused),
        cmocka_unit_test(doctor_needs_no_dataset),
        cmocka_unit_test(help_wins_over_whatever_is_missing),
        cmocka_unit_test(the_log_is_as_loud_as_asked_for),
        cmocka_unit_test(help_texts_name_every_option_and_fit_the_screen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

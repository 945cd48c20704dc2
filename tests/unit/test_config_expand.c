#include "config/config_read.h"

#include "unit/config_test.h"
#include "util/log.h"

static const char *const pairs[] = {
    "NAME",        "orders",   "EMPTY", "",     "API_KEY", "s3cr3t-value",
    "db_password", "pa55word", "USER2", "me",   "BAD",     "\xff\xfe",
    "BRACES",      "${NAME}",  "LINE",  "a\nb", NULL,
};

#define HEAD "dataset: d\nkey: id\nconstants:\n  c: "

/* The value of one constant that is written as `text`. */
static void expands(const char *text, const char *expected)
{
    struct config config = {0};
    char *yaml = mem_printf(HEAD "%s\n", text);
    config_test_parse(yaml, pairs, &config);
    assert_int_equal(config.constant_count, 1);
    assert_string_equal(config.constants[0].value, expected);
    config_release(&config);
    free(yaml);
}

static void refuses(const char *text, const char *message)
{
    char *yaml = mem_printf(HEAD "%s\n", text);
    char *expected = mem_printf("dir/d.yml:4:6: \"constants.c\" %s\n", message);
    config_test_wrong(yaml, pairs, expected);
    free(expected);
    free(yaml);
}

static void variables_are_replaced_by_their_values(void **state)
{
    (void)state;
    expands("${NAME}", "orders");
    expands("a${NAME}b${USER2}", "aordersbme");
    expands("'${NAME}'", "orders");
    expands("\"${NAME}\"", "orders");
    expands("|\n    x ${NAME}", "x orders\n");
    expands("'${EMPTY}'", "");
    expands("\"${LINE}\"", "a\nb");
}

static void a_default_stands_in_for_what_is_unset_or_empty(void **state)
{
    (void)state;
    expands("${UNSET:-x}", "x");
    expands("${EMPTY:-x}", "x");
    expands("${NAME:-x}", "orders");
    expands("a${UNSET:-}b", "ab");
    expands("${UNSET:-a:-b c}", "a:-b c");
    expands("${UNSET:-$x$}", "$x$");
}

static void a_dollar_is_a_dollar_unless_it_begins_a_variable(void **state)
{
    (void)state;
    expands("$NAME", "$NAME");
    expands("5$", "5$");
    expands("$$", "$$");
    expands("$${NAME}", "${NAME}");
    expands("$$${NAME}", "$${NAME}");
    expands("a$ {NAME}", "a$ {NAME}");
    expands("'}{'", "}{");
}

static void what_a_variable_gives_is_not_expanded_again(void **state)
{
    (void)state;
    expands("${BRACES}", "${NAME}");
}

static void a_variable_that_is_not_set_is_an_error(void **state)
{
    (void)state;
    refuses("a ${UNSET} b", "needs the environment variable UNSET, which is not set: set it, or "
                            "write ${UNSET:-default}.");
}

#define NO_VARIABLE                                                                            \
    "contains a \"${\" that does not begin a variable: write ${NAME} or ${NAME:-default}, or " \
    "$${ for a plain ${."

static void what_is_no_variable_is_an_error(void **state)
{
    (void)state;
    refuses("'${}'", NO_VARIABLE);
    refuses("'${1A}'", NO_VARIABLE);
    refuses("'${A B}'", NO_VARIABLE);
    refuses("'${NAME'", NO_VARIABLE);
    refuses("'${NAME:-x'", NO_VARIABLE);
    refuses("'${NAME-x}'", NO_VARIABLE);
    refuses("'${NAME:x}'", NO_VARIABLE);
    refuses("'${:-x}'", NO_VARIABLE);
    refuses("'${'", NO_VARIABLE);
    refuses("'${\u00e4}'", NO_VARIABLE);
    refuses("'${UNSET:-${NAME}}'", "contains a variable inside the default of another: only a "
                                   "plain text can be a default.");
}

static void a_value_that_is_not_utf8_is_refused(void **state)
{
    (void)state;
    refuses("x${BAD}", "is not UTF-8 once its variables are expanded.");
}

static void only_valid_utf8_passes(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        bool valid;
    } cases[] = {
        {"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", true},
        {"\x7f\xc2\x80", true},
        {"\xc0\x80", false},
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xed\xa0\x80", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xf4\x8f\xbf\xbf", true},
        {"\xf4\x90\x80\x80", false},
        {"\xf8\x88\x80\x80\x80", false},
        {"\x80", false},
        {"\xc3", false},
        {"\xe2\x82", false},
        {"\xf0\x9f\x98", false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *const one[] = {"V", cases[i].bytes, NULL};
        struct config config = {0};
        char *problems = config_test_problems(HEAD "${V}\n", one, &config);
        assert_int_equal(problems[0] == '\0', cases[i].valid);
        free(problems);
        config_release(&config);
    }
}

static void keys_are_not_expanded(void **state)
{
    (void)state;
    struct config config = {0};
    config_test_parse("dataset: d\nkey: id\nconstants: {'${NAME}': x}\n", pairs, &config);
    assert_string_equal(config.constants[0].name, "${NAME}");
    config_release(&config);
}

static void a_broken_text_is_reported_once(void **state)
{
    (void)state;
    config_test_wrong("dataset: ${UNSET}\n"
                      "key: ['${UNSET}', id]\n"
                      "threads: ${UNSET}\n"
                      "columns: [{name: id, type: '${UNSET}'}]\n",
                      pairs,
                      "dir/d.yml:1:10: \"dataset\" needs the environment variable UNSET, which is "
                      "not set: set it, or write ${UNSET:-default}.\n"
                      "dir/d.yml:2:7: \"key[0]\" needs the environment variable UNSET, which is "
                      "not set: set it, or write ${UNSET:-default}.\n"
                      "dir/d.yml:3:10: \"threads\" needs the environment variable UNSET, which is "
                      "not set: set it, or write ${UNSET:-default}.\n"
                      "dir/d.yml:4:28: \"columns[0].type\" needs the environment variable UNSET, "
                      "which is not set: set it, or write ${UNSET:-default}.\n");
}

static void an_environment_that_is_too_long_is_refused(void **state)
{
    (void)state;
    size_t count = 200000;
    char *value = mem_alloc(count);
    memset(value, 'v', count - 1);
    value[count - 1] = '\0';
    const char *const one[] = {"V", value, NULL};
    refuses("'${NAME}${NAME'", NO_VARIABLE);
    config_test_wrong(HEAD "${V}${V}${V}${V}${V}${V}\n", one,
                      "dir/d.yml:4:6: \"constants.c\" is too long once its variables are "
                      "expanded.\n");
    /* Five texts of 800,000 bytes are more than all texts together may give. */
    config_test_wrong("dataset: d\nkey: id\nconstants:\n  a: ${V}${V}${V}${V}${V}\n"
                      "  b: ${V}${V}${V}${V}${V}\n  c: ${V}${V}${V}${V}${V}\n"
                      "  d: ${V}${V}${V}${V}${V}\n  e: ${V}${V}${V}${V}${V}\n",
                      one,
                      "dir/d.yml:8:6: \"constants.e\" is too long once its variables are "
                      "expanded.\n");
    free(value);
}

static void keep_line(void *ctx, const char *line)
{
    struct str *out = ctx;
    str_append(out, line);
}

static void secrets_show_in_no_message_and_no_log(void **state)
{
    (void)state;
    struct config config = {0};
    char *problems =
        config_test_problems("dataset: x ${API_KEY} ${db_password}\n"
                             "key: id\n"
                             "store: '${API_KEY}://b'\n"
                             "threads: ${API_KEY}\n"
                             "source: {url: '${API_KEY}://x', encoding: '${API_KEY}'}\n"
                             "revisions: ${db_password}\n"
                             "memory: ${db_password}\n"
                             "sort: ['${API_KEY}', '${API_KEY}']\n"
                             "columns: [{name: id, type: '${API_KEY}'}]\n",
                             pairs, &config);
    assert_null(strstr(problems, "s3cr3t"));
    assert_null(strstr(problems, "pa55"));
    assert_non_null(strstr(problems, "not \"x *** ***\"."));
    free(problems);

    struct str log;
    str_init(&log, STR_MAX_DEFAULT);
    log_sink(keep_line, &log);
    log_error("the values are %s and %s", "s3cr3t-value", "pa55word");
    log_sink(NULL, NULL);
    assert_null(strstr(log.data, "s3cr3t"));
    assert_null(strstr(log.data, "pa55"));
    assert_non_null(strstr(log.data, "the values are *** and ***"));
    str_release(&log);
}

static void names_tell_what_is_secret(void **state)
{
    (void)state;
    static const char *const secret[] = {
        "API_KEY", "token", "MySecretThing", "DB_PASSWORD", "Authorization", "PGPASSWD", "Cookie"};
    static const char *const open[] = {"USER", "HOME", "PORT", "AUTHOR", "PASS_THROUGH", ""};
    for (size_t i = 0; i < sizeof secret / sizeof secret[0]; i++)
        assert_true(config_is_secret_name(secret[i]));
    for (size_t i = 0; i < sizeof open / sizeof open[0]; i++)
        assert_false(config_is_secret_name(open[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(variables_are_replaced_by_their_values),
        cmocka_unit_test(a_default_stands_in_for_what_is_unset_or_empty),
        cmocka_unit_test(a_dollar_is_a_dollar_unless_it_begins_a_variable),
        cmocka_unit_test(what_a_variable_gives_is_not_expanded_again),
        cmocka_unit_test(a_variable_that_is_not_set_is_an_error),
        cmocka_unit_test(what_is_no_variable_is_an_error),
        cmocka_unit_test(a_value_that_is_not_utf8_is_refused),
        cmocka_unit_test(only_valid_utf8_passes),
        cmocka_unit_test(keys_are_not_expanded),
        cmocka_unit_test(a_broken_text_is_reported_once),
        cmocka_unit_test(an_environment_that_is_too_long_is_refused),
        cmocka_unit_test(secrets_show_in_no_message_and_no_log),
        cmocka_unit_test(names_tell_what_is_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

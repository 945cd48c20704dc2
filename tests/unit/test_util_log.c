#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* The last line, and how many there were. */
static struct str last;
static int lines;

static void keep(void *ctx, const char *line)
{
    assert_ptr_equal(ctx, &last);
    str_clear(&last);
    str_append(&last, line);
    lines++;
}

static int64_t fixed_now(void *ctx)
{
    (void)ctx;
    return INT64_C(1769903999000001);
}

static int set_up(void **state)
{
    static const struct time_source clock = {.now = fixed_now};
    (void)state;
    time_replace(&clock);
    str_init(&last, STR_MAX_DEFAULT);
    lines = 0;
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_sink(keep, &last);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    log_sink(NULL, NULL);
    log_setup(LOG_WARN, LOG_TEXT);
    time_replace(NULL);
    str_release(&last);
    return 0;
}

static void lines_of_text_say_program_level_and_message(void **state)
{
    (void)state;
    log_error("Cannot open %s", "x");
    assert_string_equal(last.data, "cauce: error: Cannot open x");
    log_warn("w");
    assert_string_equal(last.data, "cauce: warning: w");
    log_info("%d%%", 3);
    assert_string_equal(last.data, "cauce: info:    3%");
    log_debug("d");
    assert_string_equal(last.data, "cauce: debug:   d");
    assert_int_equal(lines, 4);
}

static void levels_are_filtered(void **state)
{
    (void)state;
    static const enum log_level levels[] = {LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG};
    for (size_t i = 0; i < 4; i++) {
        log_setup(levels[i], LOG_TEXT);
        lines = 0;
        log_error("x");
        log_warn("x");
        log_info("x");
        log_debug("x");
        assert_int_equal(lines, i + 1);
        for (size_t k = 0; k < 4; k++)
            assert_int_equal(log_enabled(levels[k]), k <= i);
    }
}

static void fields_follow_the_message(void **state)
{
    (void)state;
    log_write(LOG_WARN,
              LOG_FIELDS(LOG_STR("key", "events/a.parquet"), LOG_INT("rows", -5),
                         LOG_REAL("seconds", 0.25)),
              "rolled back");
    assert_string_equal(last.data,
                        "cauce: warning: rolled back key=events/a.parquet rows=-5 seconds=0.25");
    log_write(LOG_WARN, LOG_FIELDS(LOG_INT("n", INT64_MIN)), "m");
    assert_string_equal(last.data, "cauce: warning: m n=-9223372036854775808");
}

static void details_stand_in_columns(void **state)
{
    (void)state;
    log_write(LOG_INFO, LOG_FIELDS(LOG_INT("n", 1)), "short");
    assert_string_equal(last.data, "cauce: info:    short                   n=1");
    log_write(LOG_DEBUG, LOG_FIELDS(LOG_INT("n", 1)), "\xc3\xa9t\xc3\xa9");
    assert_string_equal(last.data, "cauce: debug:   \xc3\xa9t\xc3\xa9                     n=1");
    log_write(LOG_INFO, LOG_FIELDS(LOG_INT("n", 1)), "longer than the column is wide");
    assert_string_equal(last.data, "cauce: info:    longer than the column is wide n=1");
    log_write(LOG_INFO, LOG_FIELDS(LOG_END), "no fields");
    assert_string_equal(last.data, "cauce: info:    no fields");
}

static void a_number_as_context_stays_a_number(void **state)
{
    (void)state;
    log_setup(LOG_DEBUG, LOG_JSON);
    log_context_integer("sequence", 7);
    log_warn("m");
    assert_non_null(strstr(last.data, "\"sequence\":7}"));
    log_context_integer("sequence", INT64_MIN);
    log_warn("m");
    assert_non_null(strstr(last.data, "\"sequence\":-9223372036854775808}"));
    log_context("sequence", "text");
    log_warn("m");
    assert_non_null(strstr(last.data, "\"sequence\":\"text\"}"));
    log_context("sequence", NULL);
    log_warn("m");
    assert_null(strstr(last.data, "sequence"));
}

static void text_values_are_quoted_where_needed(void **state)
{
    (void)state;
    log_write(LOG_WARN,
              LOG_FIELDS(LOG_STR("a", "two words"), LOG_STR("b", ""), LOG_STR("c", "x=\"\\\""),
                         LOG_STR("d", NULL), LOG_STR("e", "l1\nl2")),
              "m");
    assert_string_equal(last.data,
                        "cauce: warning: m a=\"two words\" b=\"\" c=\"x=\\\"\\\\\\\"\" d=\"\" "
                        "e=\"l1\\nl2\"");
}

static void a_line_stays_one_line_without_control_characters(void **state)
{
    (void)state;
    log_warn("a\nb\tc\r\x1b[31md\x7f \xc3\xa9");
    assert_string_equal(last.data, "cauce: warning: a\\nb\\tc\\x0d\\x1b[31md\\x7f \xc3\xa9");
    log_setup(LOG_DEBUG, LOG_JSON);
    log_warn("a\nb\x1b");
    assert_null(strchr(last.data, '\n'));
    assert_null(strchr(last.data, '\x1b'));
    assert_non_null(strstr(last.data, "\"message\":\"a\\nb\\u001B\""));
}

static void lines_of_json_have_time_level_message_context_and_fields(void **state)
{
    (void)state;
    log_setup(LOG_DEBUG, LOG_JSON);
    log_context("dataset", "rates");
    log_context("run", "r1");
    log_write(LOG_INFO,
              LOG_FIELDS(LOG_STR("key", "a \"b\""), LOG_INT("rows", 5), LOG_REAL("seconds", 0.25),
                         LOG_REAL("never", (double)NAN), LOG_STR("none", NULL)),
              "published %d", 7);
    assert_string_equal(last.data,
                        "{\"time\":\"2026-01-31T23:59:59.000001Z\",\"level\":\"info\","
                        "\"message\":\"published 7\",\"dataset\":\"rates\",\"run\":\"r1\","
                        "\"key\":\"a \\\"b\\\"\",\"rows\":5,\"seconds\":0.25,\"never\":null,"
                        "\"none\":null}");
    log_context("dataset", NULL);
    log_context("run", "r2");
    log_context("absent", NULL);
    log_warn("m");
    assert_string_equal(last.data, "{\"time\":\"2026-01-31T23:59:59.000001Z\","
                                   "\"level\":\"warning\",\"message\":\"m\",\"run\":\"r2\"}");
    log_context("run", NULL);
}

static void context_is_not_in_lines_of_text(void **state)
{
    (void)state;
    log_context("run", "r1");
    log_warn("m");
    log_context("run", NULL);
    assert_string_equal(last.data, "cauce: warning: m");
}

static void a_field_replaces_context_but_never_the_message(void **state)
{
    (void)state;
    log_setup(LOG_DEBUG, LOG_JSON);
    log_context("run", "r1");
    log_context("level", "mine");
    log_write(LOG_ERROR,
              LOG_FIELDS(LOG_STR("run", "r2"), LOG_STR("message", "no"), LOG_INT("time", 1)), "m");
    log_context("run", NULL);
    log_context("level", NULL);
    assert_string_equal(last.data, "{\"time\":\"2026-01-31T23:59:59.000001Z\","
                                   "\"level\":\"error\",\"message\":\"m\",\"run\":\"r2\"}");
}

static void context_beyond_the_limit_is_ignored(void **state)
{
    (void)state;
    char name[20];
    log_setup(LOG_DEBUG, LOG_JSON);
    for (int i = 0; i < LOG_CONTEXT_MAX + 2; i++) {
        snprintf(name, sizeof name, "c%d", i);
        log_context(name, "v");
    }
    log_warn("m");
    assert_non_null(strstr(last.data, "\"c7\":\"v\"}"));
    assert_null(strstr(last.data, "c8"));
    log_context("c3", NULL);
    log_context("c8", "v");
    log_warn("m");
    assert_null(strstr(last.data, "c3"));
    assert_non_null(strstr(last.data, "\"c8\":\"v\"}"));
    for (int i = 0; i < LOG_CONTEXT_MAX + 2; i++) {
        snprintf(name, sizeof name, "c%d", i);
        log_context(name, NULL);
    }
    log_warn("m");
    assert_non_null(strstr(last.data, "\"message\":\"m\"}"));
}

/* Say `text` everywhere a text can be said, in both shapes, and give all lines. */
static char *said_everywhere(const char *text)
{
    struct str all;
    str_init(&all, STR_MAX_DEFAULT);
    log_context("context", text);
    log_context(text, "value");
    for (int shape = LOG_TEXT; shape <= LOG_JSON; shape++) {
        log_setup(LOG_DEBUG, (enum log_format)shape);
        log_write(LOG_WARN, LOG_FIELDS(LOG_STR("field", text), LOG_STR(text, "value")), "<%s>",
                  text);
        str_append(&all, last.data);
        str_append_char(&all, '\n');
    }
    log_context("context", NULL);
    log_context(text, NULL);
    return str_detach(&all);
}

static void assert_hidden(const char *text, const char *part)
{
    char *all = said_everywhere(text);
    if (strstr(all, part) != NULL)
        fail_msg("a secret shows: %s", all);
    assert_non_null(strstr(all, "***"));
    free(all);
}

static void secrets_are_replaced_wherever_they_appear(void **state)
{
    (void)state;
    log_secret("Sw0rdfish");
    assert_hidden("Sw0rdfish", "Sw0rdfish");
    assert_hidden("https://me:Sw0rdfish@host/", "Sw0rdfish");
    assert_hidden("Sw0rdfishSw0rdfish and Sw0rdfish", "ord");
    log_warn("key Sw0rdfish, Sw0rdfish.");
    assert_non_null(strstr(last.data, "key ***, ***."));
    char *all = said_everywhere("sw0rdfish Sw0rdfis");
    assert_null(strstr(all, "***"));
    free(all);
}

static void secrets_are_found_as_json_spells_them(void **state)
{
    (void)state;
    log_secret("qu\"ote\\back\nline");
    assert_hidden("qu\"ote\\back\nline", "ote");
    assert_hidden("{\"token\":\"qu\\\"ote\\\\back\\nline\"}", "ote");
    log_setup(LOG_DEBUG, LOG_JSON);
    log_warn("said qu\"ote\\back\nline.");
    assert_non_null(strstr(last.data, "\"message\":\"said ***.\""));
}

static void secrets_that_overlap_leave_no_rest(void **state)
{
    (void)state;
    log_secret("abcdXYZ1");
    log_secret("XYZ1efgh");
    log_secret("abcdXYZ1-and-longer");
    assert_hidden("abcdXYZ1efgh", "abcd");
    assert_hidden("abcdXYZ1efgh", "efgh");
    assert_hidden("abcdXYZ1-and-longer", "longer");
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_warn("<abcdXYZ1efgh> <abcdXYZ1-and-longer>");
    assert_string_equal(last.data, "cauce: warning: <***> <***>");
}

static void a_secret_with_bad_utf8_is_hidden(void **state)
{
    (void)state;
    log_secret("b\xe4"
               "d-pass");
    assert_hidden("b\xe4"
                  "d-pass",
                  "d-pass");
}

static void a_secret_in_a_number_is_hidden(void **state)
{
    (void)state;
    log_secret("48151623");
    log_write(LOG_WARN, LOG_FIELDS(LOG_INT("pin", 148151623), LOG_REAL("r", 1.0)), "m");
    assert_string_equal(last.data, "cauce: warning: m pin=1*** r=1");
    log_setup(LOG_DEBUG, LOG_JSON);
    log_write(LOG_WARN, LOG_FIELDS(LOG_INT("pin", 48151623)), "m");
    assert_non_null(strstr(last.data, "\"pin\":\"***\"}"));
}

static void short_secrets_are_ignored(void **state)
{
    (void)state;
    log_secret(NULL);
    log_secret("");
    log_secret("abc");
    log_warn("abcabc");
    assert_string_equal(last.data, "cauce: warning: abcabc");
    log_secret("ab\"c");
    log_warn("ab\"c");
    assert_string_equal(last.data, "cauce: warning: ***");
}

static void many_secrets_are_kept(void **state)
{
    (void)state;
    char secret[40];
    for (int i = 0; i < 40; i++) {
        snprintf(secret, sizeof secret, "password-%02d-", i);
        log_secret(secret);
        log_secret(secret);
    }
    log_warn("password-00- password-39- password-40-");
    assert_string_equal(last.data, "cauce: warning: *** *** password-40-");
}

static void long_values_are_cut_after_the_secrets_are_hidden(void **state)
{
    (void)state;
    log_secret("at-the-very-edge");
    char *text = mem_calloc(1, 2 * LOG_VALUE_MAX);
    memset(text, 'x', LOG_VALUE_MAX - 5);
    snprintf(text + LOG_VALUE_MAX - 5, LOG_VALUE_MAX, "at-the-very-edge and more");
    log_warn("%s", text);
    assert_null(strstr(last.data, "at-"));
    assert_true(str_ends(last.data, "xx*** a..."));
    assert_int_equal(last.len, strlen("cauce: warning: ") + LOG_VALUE_MAX + 3);
    /* The cut falls into a character. */
    memset(text, 'y', LOG_VALUE_MAX - 1);
    snprintf(text + LOG_VALUE_MAX - 1, LOG_VALUE_MAX, "\xe2\x82\xac and more");
    log_warn("%s", text);
    assert_true(str_ends(last.data, "yyy..."));
    log_write(LOG_WARN, LOG_FIELDS(LOG_STR("f", text)), "m");
    assert_true(str_ends(last.data, "yyy..."));
    text[LOG_VALUE_MAX] = '\0';
    text[LOG_VALUE_MAX - 1] = 'y';
    log_warn("%s", text);
    assert_true(str_ends(last.data, "yyyy"));
    free(text);
}

static void a_message_without_bounds_is_left_out(void **state)
{
    (void)state;
    char *text = mem_alloc((2 << 20) + 1);
    memset(text, 'x', 2 << 20);
    text[2 << 20] = '\0';
    log_warn("%s", text);
    assert_string_equal(last.data, "cauce: warning: (a message of more than 1 MiB, left out)");
    free(text);
}

/* What arrives on stderr, and in `path`, from a child that does this. */
static char *stderr_of(void (*work)(void), bool journal)
{
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "stderr");
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct stat st;
        char stream[64];
        int fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
        dup2(fd, STDERR_FILENO);
        fstat(fd, &st);
        snprintf(stream, sizeof stream, "%llu:%llu", (unsigned long long)st.st_dev,
                 (unsigned long long)st.st_ino + (journal ? 0 : 1));
        setenv("JOURNAL_STREAM", stream, 1);
        log_sink(NULL, NULL);
        work();
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    struct str s;
    str_init(&s, 1 << 24);
    assert_int_equal(fs_read(path, &s, NULL), ERR_OK);
    temp_folder_free(folder);
    free(path);
    return str_detach(&s);
}

static void defaults(void)
{
    log_setup(LOG_WARN, LOG_TEXT);
    log_error("e");
    log_warn("w");
    log_info("i");
}

static void every_level(void)
{
    log_setup(LOG_DEBUG, LOG_TEXT);
    log_error("e");
    log_warn("w");
    log_info("i");
    log_debug("d");
}

static void json_line(void)
{
    log_setup(LOG_DEBUG, LOG_JSON);
    log_warn("w");
}

static void assert_stderr(void (*work)(void), bool journal, const char *expected)
{
    char *text = stderr_of(work, journal);
    assert_string_equal(text, expected);
    free(text);
}

static void lines_go_to_stderr(void **state)
{
    (void)state;
    assert_stderr(defaults, false, "cauce: error: e\ncauce: warning: w\n");
    assert_stderr(json_line, false,
                  "{\"time\":\"2026-01-31T23:59:59.000001Z\",\"level\":\"warning\","
                  "\"message\":\"w\"}\n");
}

static void the_journal_gets_priorities(void **state)
{
    (void)state;
    assert_stderr(every_level, true,
                  "<3>cauce: error: e\n<4>cauce: warning: w\n<6>cauce: info:    i\n"
                  "<7>cauce: debug:   d\n");
    assert_stderr(json_line, true,
                  "{\"time\":\"2026-01-31T23:59:59.000001Z\",\"level\":\"warning\","
                  "\"message\":\"w\"}\n");
}

#define THREADS 4
#define EACH 200

static void *say_often(void *ctx)
{
    const char *letter = ctx;
    for (int i = 0; i < EACH; i++)
        log_write(LOG_WARN, LOG_FIELDS(LOG_INT("i", i)), "%s%s%s", letter, letter, letter);
    return NULL;
}

static void say_in_threads(void)
{
    static char letters[THREADS][2] = {"a", "b", "c", "d"};
    pthread_t threads[THREADS];
    log_setup(LOG_WARN, LOG_TEXT);
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, say_often, letters[t]);
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
}

static void lines_of_threads_do_not_mix(void **state)
{
    (void)state;
    char *text = stderr_of(say_in_threads, false);
    int next[THREADS] = {0};
    int count = 0;
    for (char *line = text, *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char expected[80];
        *end = '\0';
        assert_true(strlen(line) > strlen("cauce: warning: "));
        char c = line[strlen("cauce: warning: ")];
        assert_true(c >= 'a' && c < 'a' + THREADS);
        snprintf(expected, sizeof expected, "cauce: warning: %c%c%c i=%d", c, c, c,
                 next[c - 'a']++);
        assert_string_equal(line, expected);
        count++;
    }
    assert_int_equal(count, THREADS * EACH);
    free(text);
}

static void a_sink_gets_one_line_at_a_time(void **state)
{
    (void)state;
    say_in_threads();
    assert_int_equal(lines, THREADS * EACH);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(lines_of_text_say_program_level_and_message),
        T(levels_are_filtered),
        T(fields_follow_the_message),
        T(details_stand_in_columns),
        T(a_number_as_context_stays_a_number),
        T(text_values_are_quoted_where_needed),
        T(a_line_stays_one_line_without_control_characters),
        T(lines_of_json_have_time_level_message_context_and_fields),
        T(context_is_not_in_lines_of_text),
        T(a_field_replaces_context_but_never_the_message),
        T(context_beyond_the_limit_is_ignored),
        T(secrets_are_replaced_wherever_they_appear),
        T(secrets_are_found_as_json_spells_them),
        T(secrets_that_overlap_leave_no_rest),
        T(a_secret_with_bad_utf8_is_hidden),
        T(a_secret_in_a_number_is_hidden),
        T(short_secrets_are_ignored),
        T(many_secrets_are_kept),
        T(long_values_are_cut_after_the_secrets_are_hidden),
        T(a_message_without_bounds_is_left_out),
        T(lines_go_to_stderr),
        T(the_journal_gets_priorities),
        T(lines_of_threads_do_not_mix),
        T(a_sink_gets_one_line_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

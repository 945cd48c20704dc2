#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/progress.h"
#include "util/log.h"
#include "util/time.h"

/* A clock that is always far enough on for the line to be drawn. */
static int64_t later(void *ctx)
{
    int64_t *now = ctx;
    *now += 2 * PROGRESS_DELAY;
    return *now;
}

static void a_line_fits_its_width(void **state)
{
    (void)state;
    char text[128];
    progress_line("loading", -1, 7400000, 79, text, sizeof text);
    assert_string_equal(text, "loading  7 s");
    progress_line("loading", 0.426, 65000000, 79, text, sizeof text);
    assert_string_equal(text, "loading  42 %  1 min 05 s");
    progress_line("loading", 7.0, 0, 79, text, sizeof text);
    assert_string_equal(text, "loading  100 %  0 s");
    progress_line("loading", 0.5, 1000000, 10, text, sizeof text);
    assert_string_equal(text, "loading  5");
}

static void nothing_is_shown_without_a_terminal(void **state)
{
    (void)state;
    int ends[2];
    struct options o = {.quiet = false};
    assert_int_equal(pipe(ends), 0);
    assert_false(progress_wanted(&o, ends[1]));
    close(ends[0]);
    close(ends[1]);
    struct progress p;
    progress_start(&p, -1, "loading");
    progress_step(&p, "publishing", 0.5);
    progress_end(&p);
}

static int open_terminal(int *other)
{
    int fd = posix_openpt(O_RDWR | O_NOCTTY);
    if (fd < 0 || grantpt(fd) != 0 || unlockpt(fd) != 0)
        return -1;
    *other = open(ptsname(fd), O_RDWR | O_NOCTTY);
    return *other < 0 ? -1 : fd;
}

/* Append what arrives until `words` are there, for at most ten seconds. */
static void read_until(int fd, char *text, size_t size, const char *words)
{
    size_t n = strlen(text);
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (int i = 0; i < 100 && strstr(text, words) == NULL; i++) {
        if (poll(&ready, 1, 100) != 1)
            continue;
        ssize_t got = read(fd, text + n, size - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
        text[n] = '\0';
    }
    if (strstr(text, words) == NULL)
        fail_msg("\"%s\" did not appear, but: %s", words, text);
}

/* Append what is there already. */
static void drain(int fd, char *text, size_t size)
{
    struct pollfd ready = {.fd = fd, .events = POLLIN};
    for (size_t n = strlen(text); poll(&ready, 1, 100) == 1; text[n] = '\0') {
        ssize_t got = read(fd, text + n, size - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
}

static void a_terminal_shows_the_step_and_is_left_clean(void **state)
{
    (void)state;
    int slave = -1;
    int master = open_terminal(&slave);
    char text[8192] = "";
    struct progress p;
    struct options o = {.quiet = false};
    if (master < 0) {
        print_message("skipped: there are no pseudo-terminals here\n");
        skip();
    }
    assert_true(progress_wanted(&o, slave));
    o.quiet = true;
    assert_false(progress_wanted(&o, slave));
    o = (struct options){.log_format = "json"};
    assert_false(progress_wanted(&o, slave));
    int64_t now = 0;
    struct time_source clock = {.monotonic = later, .ctx = &now};
    time_replace(&clock);
    progress_start(&p, slave, "loading");
    read_until(master, text, sizeof text, "loading  ");
    progress_step(&p, "publishing", 0.25);
    read_until(master, text, sizeof text, "publishing  25 %");
    log_warn("a line of the log");
    read_until(master, text, sizeof text, "\r\033[Kcauce: warning: a line of the log\r\n");
    progress_step(&p, "consolidating", -1);
    read_until(master, text, sizeof text, "consolidating");
    progress_end(&p);
    time_replace(NULL);
    drain(master, text, sizeof text);
    assert_string_equal(text + strlen(text) - 4, "\r\033[K");
    close(slave);
    close(master);
}

static void what_is_quick_shows_nothing(void **state)
{
    (void)state;
    int slave = -1;
    int master = open_terminal(&slave);
    struct progress p;
    if (master < 0) {
        print_message("skipped: there are no pseudo-terminals here\n");
        skip();
    }
    progress_start(&p, slave, "loading");
    time_sleep(2 * PROGRESS_INTERVAL);
    progress_end(&p);
    struct pollfd ready = {.fd = master, .events = POLLIN};
    assert_int_equal(poll(&ready, 1, 0), 0);
    close(slave);
    close(master);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_fits_its_width),
        cmocka_unit_test(nothing_is_shown_without_a_terminal),
        cmocka_unit_test(a_terminal_shows_the_step_and_is_left_clean),
        cmocka_unit_test(what_is_quick_shows_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

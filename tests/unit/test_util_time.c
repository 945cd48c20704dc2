#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <cmocka.h>

#include "util/stop.h"
#include "util/time.h"

#define SECOND INT64_C(1000000)
#define DAY (86400 * SECOND)

static int64_t parsed(const char *text)
{
    struct error err = ERROR_INIT;
    int64_t value = INT64_MIN;
    int rc = time_parse(text, &value, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    return value;
}

static void assert_text(int64_t value, const char *expected)
{
    char text[TIME_TEXT_SIZE];
    assert_int_equal(time_format(value, text, NULL), ERR_OK);
    assert_string_equal(text, expected);
    assert_int_equal(parsed(text), value);
}

static void times_are_written_with_six_digits(void **state)
{
    (void)state;
    assert_text(0, "1970-01-01T00:00:00.000000Z");
    assert_text(1, "1970-01-01T00:00:00.000001Z");
    assert_text(-1, "1969-12-31T23:59:59.999999Z");
    assert_text(1769903999 * SECOND + 1, "2026-01-31T23:59:59.000001Z");
    assert_text(INT64_C(253402300799999999), "9999-12-31T23:59:59.999999Z");
    assert_text(INT64_C(-62167219200000000), "0000-01-01T00:00:00.000000Z");
}

static void the_compact_form_has_no_separators(void **state)
{
    (void)state;
    char text[TIME_TEXT_SIZE];
    assert_int_equal(time_format_compact(1769903999 * SECOND + 1, text, NULL), ERR_OK);
    assert_string_equal(text, "20260131T235959.000001Z");
    assert_int_equal(time_format_compact(-DAY, text, NULL), ERR_OK);
    assert_string_equal(text, "19691231T000000.000000Z");
}

static void years_of_five_digits_are_refused(void **state)
{
    (void)state;
    static const int64_t bad[] = {INT64_C(253402300800000000), INT64_C(-62167219200000001),
                                  INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = ERROR_INIT;
        char text[TIME_TEXT_SIZE] = "old";
        assert_int_equal(time_format(bad[i], text, &err), ERR_LIMIT);
        assert_non_null(strstr(err.text, "0000 to 9999"));
        assert_string_equal(text, "");
        assert_int_equal(time_format_compact(bad[i], text, NULL), ERR_LIMIT);
    }
}

/* Against the C library, over all the years and every kind of century. */
static void every_date_agrees_with_the_c_library(void **state)
{
    (void)state;
    for (int64_t day = -719528; day < 2932897; day += 89) {
        time_t seconds = day * 86400 + (day * 7919 % 86400 + 86400) % 86400;
        struct tm tm;
        char expected[80];
        char text[TIME_TEXT_SIZE];
        assert_non_null(gmtime_r(&seconds, &tm));
        snprintf(expected, sizeof expected, "%04d-%02d-%02dT%02d:%02d:%02d.000000Z",
                 tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
        assert_int_equal(time_format(seconds * SECOND, text, NULL), ERR_OK);
        assert_string_equal(text, expected);
        assert_int_equal(parsed(text), seconds * SECOND);
    }
}

static void every_day_follows_the_one_before(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const int years[] = {0,    4,    100,  400,  1600, 1900, 1969,
                                1970, 2000, 2024, 2026, 2100, 9999};
    for (size_t i = 0; i < sizeof years / sizeof years[0]; i++) {
        int y = years[i];
        char text[80];
        snprintf(text, sizeof text, "%04d-01-01", y);
        int64_t expected = parsed(text);
        for (int m = 1; m <= 12; m++) {
            int leap = m == 2 && (y % 400 == 0 || (y % 4 == 0 && y % 100 != 0));
            for (int d = 1; d <= lengths[m - 1] + leap; d++) {
                snprintf(text, sizeof text, "%04d-%02d-%02d", y, m, d);
                assert_int_equal(parsed(text), expected);
                expected += DAY;
            }
        }
    }
}

static void offsets_and_fractions_are_understood(void **state)
{
    (void)state;
    int64_t noon = parsed("2026-01-31T12:00:00Z");
    assert_int_equal(parsed("2026-01-31t12:00:00z"), noon);
    assert_int_equal(parsed("2026-01-31 12:00:00Z"), noon);
    assert_int_equal(parsed("2026-01-31T12:00:00+00:00"), noon);
    assert_int_equal(parsed("2026-01-31T12:00:00-00:00"), noon);
    assert_int_equal(parsed("2026-01-31T13:30:00+01:30"), noon);
    assert_int_equal(parsed("2026-01-31T07:15:00-04:45"), noon);
    assert_int_equal(parsed("2026-02-01T11:59:00+23:59"), noon);
    assert_int_equal(parsed("2026-01-30T12:01:00-23:59"), noon);
    assert_int_equal(parsed("2026-01-31T12:00:00.1Z"), noon + 100000);
    assert_int_equal(parsed("2026-01-31T12:00:00.000001Z"), noon + 1);
    assert_int_equal(parsed("2026-01-31T12:00:00.12345+00:00"), noon + 123450);
    assert_int_equal(parsed("2026-01-31"), noon - DAY / 2);
}

static void a_leap_second_counts_as_the_next(void **state)
{
    (void)state;
    int64_t newyear = parsed("2017-01-01T00:00:00Z");
    assert_int_equal(parsed("2016-12-31T23:59:60Z"), newyear);
    assert_int_equal(parsed("2016-12-31T23:59:60.5Z"), newyear + SECOND / 2);
    assert_int_equal(parsed("2017-01-01T01:59:60+02:00"), newyear);
    assert_int_equal(parsed("2016-12-31T15:59:60-08:00"), newyear);
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "today",
        "2026",
        "2026-01",
        "2026-1-1",
        "26-01-01",
        "20260131",
        "2026-00-01",
        "2026-13-01",
        "2026-01-00",
        "2026-01-32",
        "2026-04-31",
        "2026-02-29",
        "1900-02-29",
        "2024-02-30",
        "2026-01-31 ",
        " 2026-01-31",
        "2026-01-31T",
        "2026-01-31T12",
        "2026-01-31T12:00Z",
        "2026-01-31T12:00:00",
        "2026-01-31T24:00:00Z",
        "2026-01-31T12:60:00Z",
        "2026-01-31T12:00:60Z",
        "2026-01-31T23:59:61Z",
        "2026-01-31T23:59:60+01:00",
        "2026-01-31T12:00:00.Z",
        "2026-01-31T12:00:00.1234567Z",
        "2026-01-31T12:00:00,5Z",
        "2026-01-31T12:00:00ZZ",
        "2026-01-31T12:00:00Z ",
        "2026-01-31T12:00:00+1:00",
        "2026-01-31T12:00:00+0100",
        "2026-01-31T12:00:00+01",
        "2026-01-31T12:00:00+24:00",
        "2026-01-31T12:00:00+01:60",
        "2026-01-31T12:00:00 Z",
        "2026-01-31_12:00:00Z",
        "-026-01-31",
        "+2026-01-31",
        "2026/01/31",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
        "9999-12-31T23:59:60Z",
        "\xd9\xa2\xd9\xa0-01-01",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct error err = ERROR_INIT;
        int64_t value = 42;
        if (time_parse(bad[i], &value, &err) != ERR_CONFIG)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(value, 42);
        assert_non_null(strstr(err.text, "is not a time"));
        assert_non_null(strstr(err.text, "2026-01-31T23:59:59Z"));
    }
    assert_int_equal(time_parse("never", &(int64_t){0}, NULL), ERR_CONFIG);
}

static void a_long_text_is_quoted_in_part(void **state)
{
    (void)state;
    char lots[5000];
    memset(lots, '2', sizeof lots - 1);
    lots[sizeof lots - 1] = '\0';
    struct error err = ERROR_INIT;
    int64_t value;
    assert_int_equal(time_parse(lots, &value, &err), ERR_CONFIG);
    assert_true(strlen(err.text) < 300);
}

static void the_clocks_run(void **state)
{
    (void)state;
    struct timespec ts;
    clock_gettime(CLOCK_REALTIME, &ts);
    int64_t off = time_now() - ((int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000);
    assert_true(off > -10 * SECOND && off < 10 * SECOND);
    int64_t before = time_monotonic();
    for (int i = 0; i < 1000; i++) {
        int64_t now = time_monotonic();
        assert_true(now >= before);
        before = now;
    }
}

static void sleep_lasts_at_least_its_time(void **state)
{
    (void)state;
    int64_t before = time_monotonic();
    time_sleep(0);
    time_sleep(-5);
    time_sleep(INT64_MIN);
    assert_true(time_monotonic() - before < 5 * SECOND);
    before = time_monotonic();
    time_sleep(120000); /* more than one slice */
    assert_true(time_monotonic() - before >= 120000);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void alarm_every(int64_t micros, void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {.it_interval = {.tv_usec = micros}, .it_value = {.tv_usec = micros}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void a_signal_that_is_no_stop_does_not_shorten_sleep(void **state)
{
    (void)state;
    alarms = 0;
    alarm_every(10000, on_alarm);
    int64_t before = time_monotonic();
    time_sleep(80000);
    int64_t slept = time_monotonic() - before;
    alarm_every(0, SIG_IGN);
    assert_true(slept >= 80000);
    assert_true(alarms > 0);
}

static void on_alarm_stop(int number)
{
    (void)number;
    stop_request();
}

static void a_request_to_stop_ends_sleep(void **state)
{
    (void)state;
    alarm_every(20000, on_alarm_stop);
    int64_t before = time_monotonic();
    time_sleep(INT64_MAX);
    int64_t slept = time_monotonic() - before;
    alarm_every(0, SIG_IGN);
    assert_true(stop_requested());
    assert_true(slept < 30 * SECOND);
    before = time_monotonic();
    time_sleep(60 * SECOND); /* the request still stands */
    assert_true(time_monotonic() - before < 30 * SECOND);
    stop_clear();
}

static void *request_soon(void *unused)
{
    struct timespec ts = {.tv_nsec = 20 * 1000 * 1000};
    nanosleep(&ts, NULL);
    stop_request();
    return unused;
}

static void a_request_in_another_thread_ends_sleep(void **state)
{
    (void)state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, request_soon, NULL), 0);
    int64_t before = time_monotonic();
    time_sleep(3600 * SECOND);
    assert_true(time_monotonic() - before < 60 * SECOND);
    pthread_join(thread, NULL);
    stop_clear();
}

struct fake {
    int64_t now;
    int64_t slept;
};

static int64_t fake_now(void *ctx)
{
    const struct fake *f = ctx;
    return f->now;
}

static void fake_sleep(void *ctx, int64_t microseconds)
{
    struct fake *f = ctx;
    f->slept += microseconds;
    f->now += microseconds;
}

static void clock_and_sleep_can_be_replaced(void **state)
{
    (void)state;
    struct fake fake = {.now = 1000};
    struct time_source source = {
        .now = fake_now, .monotonic = fake_now, .sleep = fake_sleep, .ctx = &fake};
    time_replace(&source);
    memset(&source, 0, sizeof source); /* it was copied */
    time_sleep(3600 * SECOND);
    assert_int_equal(fake.slept, 3600 * SECOND);
    assert_int_equal(time_now(), 1000 + 3600 * SECOND);
    assert_int_equal(time_monotonic(), 1000 + 3600 * SECOND);
    struct time_source part = {.now = fake_now, .ctx = &fake};
    time_replace(&part);
    assert_int_equal(time_now(), 1000 + 3600 * SECOND);
    int64_t before = time_monotonic();
    time_sleep(1000);
    assert_true(time_monotonic() - before >= 1000);
    time_replace(NULL);
    assert_true(time_now() > parsed("2020-01-01"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_written_with_six_digits),
        cmocka_unit_test(the_compact_form_has_no_separators),
        cmocka_unit_test(years_of_five_digits_are_refused),
        cmocka_unit_test(every_date_agrees_with_the_c_library),
        cmocka_unit_test(every_day_follows_the_one_before),
        cmocka_unit_test(offsets_and_fractions_are_understood),
        cmocka_unit_test(a_leap_second_counts_as_the_next),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(a_long_text_is_quoted_in_part),
        cmocka_unit_test(the_clocks_run),
        cmocka_unit_test(sleep_lasts_at_least_its_time),
        cmocka_unit_test(a_signal_that_is_no_stop_does_not_shorten_sleep),
        cmocka_unit_test(a_request_to_stop_ends_sleep),
        cmocka_unit_test(a_request_in_another_thread_ends_sleep),
        cmocka_unit_test(clock_and_sleep_can_be_replaced),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What heads of answers mean for a download. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "net/download_rules.h"

static void only_a_quoted_tag_is_strong(void **state)
{
    (void)state;
    assert_true(download_is_strong("\"a\""));
    assert_false(download_is_strong("W/\"a\""));
    assert_false(download_is_strong("\"\""));
    assert_false(download_is_strong("\""));
    assert_false(download_is_strong("abc"));
    assert_false(download_is_strong(""));
    assert_false(download_is_strong(NULL));
}

static bool tells(const char *modified, const char *date)
{
    struct download_head a = {.last_modified = modified, .date = date};
    return download_date_tells(&a);
}

static void a_date_as_young_as_its_answer_tells_nothing(void **state)
{
    (void)state;
    const char *now = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_true(tells("Sun, 06 Nov 1994 08:49:35 GMT", now));
    assert_false(tells("Sun, 06 Nov 1994 08:49:36 GMT", now));
    assert_false(tells(now, now));
    assert_false(tells("Sun, 06 Nov 1994 08:49:38 GMT", now));
    assert_false(tells("yesterday", now));
    assert_false(tells(now, NULL));
    assert_false(tells(NULL, now));
}

static void ranges_are_read_whole_or_not_at_all(void **state)
{
    (void)state;
    uint64_t first;
    uint64_t total;
    assert_true(download_parse_range("bytes 100-199/200", &first, &total));
    assert_int_equal(first, 100);
    assert_int_equal(total, 200);
    assert_true(download_parse_range("Bytes 0-0/*", &first, &total));
    assert_int_equal(first, 0);
    assert_int_equal(total, 0);
    static const char *const bad[] = {"",
                                      "bytes",
                                      "bytes ",
                                      "bytes */200",
                                      "bytes 100-199",
                                      "bytes 100-199/",
                                      "bytes 100-199/200x",
                                      "bytes 100-199/199",
                                      "bytes 199-100/200",
                                      "bytes -1-5/9",
                                      "bytes 1--5/9",
                                      "lines 1-5/9",
                                      "bytes 1-5/ 9"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        if (download_parse_range(bad[i], &first, &total))
            fail_msg("\"%s\" was taken for a range", bad[i]);
    }
    assert_false(download_parse_range(NULL, &first, &total));
}

static int64_t wait_of(const char *retry_after, const char *date)
{
    struct download_head a = {.retry_after = retry_after, .date = date};
    return download_retry_after(&a);
}

static void retry_after_is_seconds_or_a_date(void **state)
{
    (void)state;
    const char *now = "Sun, 06 Nov 1994 08:49:37 GMT";
    assert_int_equal(wait_of("7", NULL), 7000000);
    assert_int_equal(wait_of("0", NULL), 0);
    assert_int_equal(wait_of(NULL, now), 0);
    assert_int_equal(wait_of("Sun, 06 Nov 1994 08:49:47 GMT", now), 10000000);
    assert_int_equal(wait_of("Sun, 06 Nov 1994 08:49:27 GMT", now), 0);
    assert_int_equal(wait_of("soon", now), 0);
    assert_int_equal(wait_of("-5", now), 0);
    assert_int_equal(wait_of("99999999999999999999", NULL), INT64_C(31622400000000));
}

static void statuses_that_pass_are_repeated(void **state)
{
    (void)state;
    static const long yes[] = {408, 425, 429, 500, 502, 503, 504};
    static const long no[] = {200, 304, 400, 401, 403, 404, 407, 410, 416, 501, 505};
    for (size_t i = 0; i < sizeof yes / sizeof yes[0]; i++)
        assert_true(download_may_repeat(yes[i]));
    for (size_t i = 0; i < sizeof no / sizeof no[0]; i++)
        assert_false(download_may_repeat(no[i]));
    for (long status = 100; status < 600; status++)
        assert_non_null(strchr(download_advice(status), '.'));
}

static void a_redirect_says_where_to(void **state)
{
    (void)state;
    struct download_head a = {.status = 302};
    assert_false(download_is_redirect(&a));
    a.location = "/there";
    assert_true(download_is_redirect(&a));
    a.status = 304;
    assert_false(download_is_redirect(&a));
    a.status = 200;
    assert_false(download_is_redirect(&a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_a_quoted_tag_is_strong),
        cmocka_unit_test(a_date_as_young_as_its_answer_tells_nothing),
        cmocka_unit_test(ranges_are_read_whole_or_not_at_all),
        cmocka_unit_test(retry_after_is_seconds_or_a_date),
        cmocka_unit_test(statuses_that_pass_are_repeated),
        cmocka_unit_test(a_redirect_says_where_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

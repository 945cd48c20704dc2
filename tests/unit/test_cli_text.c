#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/text.h"

static void times_are_shown_in_utc_by_the_second(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    assert_string_equal(text_time(1769904000123456, text), "2026-02-01 00:00:00 UTC");
    assert_string_equal(text_time(0, text), "-");
    assert_string_equal(text_time(INT64_MAX, text), "-");
}

static void bytes_are_shown_in_the_unit_that_fits(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    assert_string_equal(text_bytes(0, text), "0 B");
    assert_string_equal(text_bytes(1023, text), "1023 B");
    assert_string_equal(text_bytes(1024, text), "1.0 KiB");
    assert_string_equal(text_bytes(1536, text), "1.5 KiB");
    assert_string_equal(text_bytes(1048575, text), "1.0 MiB");
    assert_string_equal(text_bytes((uint64_t)5 << 30, text), "5.0 GiB");
    assert_string_equal(text_bytes(UINT64_MAX, text), "16.0 EiB");
}

static void seconds_are_shown_in_the_units_that_fit(void **state)
{
    (void)state;
    char text[TEXT_SIZE];
    assert_string_equal(text_seconds(0.04, text), "0.0 s");
    assert_string_equal(text_seconds(-1, text), "0.0 s");
    assert_string_equal(text_seconds(59.94, text), "59.9 s");
    assert_string_equal(text_seconds(65, text), "1 min 05 s");
    assert_string_equal(text_seconds(3600 * 3 + 60 * 7, text), "3 h 07 min");
    assert_string_equal(text_seconds(86400 * 2 + 3600 * 4 + 59, text), "2 d 4 h");
}

static void one_is_singular(void **state)
{
    (void)state;
    assert_string_equal(text_plural(1, "row", "rows"), "row");
    assert_string_equal(text_plural(0, "row", "rows"), "rows");
    assert_string_equal(text_plural(2, "row", "rows"), "rows");
}

static void the_empty_dataset_has_no_commit(void **state)
{
    (void)state;
    struct str out;
    struct json *object = json_new_object();
    struct version_id version = {.sequence = 0};
    text_set_version(object, &version);
    text_set_time(object, "time", 0);
    str_init(&out, STR_MAX_DEFAULT);
    json_write(object, false, &out);
    assert_string_equal(out.data, "{\"sequence\":0,\"commit\":null,\"time\":null}");
    json_free(object);
    str_release(&out);
}

static void a_version_is_set_with_its_commit(void **state)
{
    (void)state;
    struct str out;
    struct json *object = json_new_object();
    struct version_id version = {7, "0123456789abcdef0123456789abcdef"};
    text_set_version(object, &version);
    text_set_time(object, "time", 1769904000123456);
    str_init(&out, STR_MAX_DEFAULT);
    json_write(object, false, &out);
    assert_string_equal(out.data, "{\"sequence\":7,\"commit\":\"0123456789abcdef0123456789abcdef\","
                                  "\"time\":\"2026-02-01T00:00:00.123456Z\"}");
    json_free(object);
    str_release(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_shown_in_utc_by_the_second),
        cmocka_unit_test(bytes_are_shown_in_the_unit_that_fits),
        cmocka_unit_test(seconds_are_shown_in_the_units_that_fit),
        cmocka_unit_test(one_is_singular),
        cmocka_unit_test(the_empty_dataset_has_no_commit),
        cmocka_unit_test(a_version_is_set_with_its_commit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

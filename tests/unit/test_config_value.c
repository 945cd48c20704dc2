#include "config/config_read.h"

#include "unit/config_test.h"

static void sizes_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0B", 0},
        {"1B", 1},
        {"512MB", 512000000},
        {"512 MB", 512000000},
        {"2GiB", 2147483648},
        {"1.5GiB", 1610612736},
        {"1.5 GB", 1500000000},
        {"0.25 KiB", 256},
        {"1.999kB", 1999},
        {"1.9999kB", 1999},
        {"3tib", 3298534883328},
        {"7TB", 7000000000000},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 0;
        assert_true(config_parse_size(cases[i].text, &bytes));
        assert_int_equal(bytes, cases[i].bytes);
    }
}

static void what_is_no_size_is_refused(void **state)
{
    (void)state;
    static const char *const cases[] = {
        "",
        "5",
        "MB",
        "-5MB",
        "+5MB",
        "5 M",
        "5MBx",
        "5 MB ",
        ".5MB",
        "5.MB",
        "5,5MB",
        "0x5MB",
        "5e3MB",
        "5PB",
        " 5MB",
        "99999999999999999999B",
        "18446744073709551615TiB",
        "16777216TiB",
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t bytes = 77;
        assert_false(config_parse_size(cases[i], &bytes));
        assert_int_equal(bytes, 77);
    }
}

static void numbers_are_digits_only(void **state)
{
    (void)state;
    uint64_t value = 7;
    assert_true(config_parse_number("18446744073709551615", &value));
    assert_true(value == UINT64_MAX);
    assert_false(config_parse_number("18446744073709551616", &value));
    assert_false(config_parse_number("", &value));
    assert_false(config_parse_number(" 1", &value));
    assert_false(config_parse_number("1 ", &value));
    assert_false(config_parse_number("-1", &value));
    assert_false(config_parse_number("1.0", &value));
    assert_true(value == UINT64_MAX);
}

static void durations_have_one_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t seconds;
    } good[] = {
        {"0s", 0},     {"45s", 45},     {"30m", 1800},    {"6h", 21600},
        {"1d", 86400}, {"2w", 1209600}, {"2 w", 1209600}, {"9223372036854775807s", INT64_MAX}};
    static const char *const bad[] = {"",
                                      "d",
                                      "1",
                                      "1D",
                                      "1d12h",
                                      "1.5h",
                                      "-1h",
                                      "1 day",
                                      "1h ",
                                      "1y",
                                      "9223372036854775808s",
                                      "9223372036854775807m"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        int64_t seconds = -1;
        assert_true(config_parse_duration(good[i].text, &seconds));
        assert_true(seconds == good[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        int64_t seconds = -1;
        assert_false(config_parse_duration(bad[i], &seconds));
        assert_true(seconds == -1);
    }
}

static void durations_are_written_with_their_largest_unit(void **state)
{
    (void)state;
    char text[32];
    config_format_duration(60, text);
    assert_string_equal(text, "1m");
    config_format_duration(86400 * 7, text);
    assert_string_equal(text, "1w");
    config_format_duration(86400 * 8, text);
    assert_string_equal(text, "8d");
    config_format_duration(61, text);
    assert_string_equal(text, "61s");
    config_format_duration(0, text);
    assert_string_equal(text, "0s");
}

static void paths_are_relative_to_the_folder(void **state)
{
    (void)state;
    static const struct {
        const char *folder, *path, *expected;
    } cases[] = {
        {"conf", "out", "conf/out"},
        {"conf", "./out", "conf/out"},
        {"conf", ".//out", "conf/out"},
        {"conf", "../out", "conf/../out"},
        {"conf", "/abs/out", "/abs/out"},
        {".", "./out", "./out"},
        {".", "out", "out"},
        {"/", "out", "/out"},
        {"conf", ".", "conf/."},
        {"conf", "./", "conf/."},
        {"conf", ".hidden", "conf/.hidden"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char *path = config_resolve(cases[i].folder, cases[i].path);
        assert_string_equal(path, cases[i].expected);
        free(path);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes_are_read_exactly),
        cmocka_unit_test(what_is_no_size_is_refused),
        cmocka_unit_test(numbers_are_digits_only),
        cmocka_unit_test(durations_have_one_unit),
        cmocka_unit_test(durations_are_written_with_their_largest_unit),
        cmocka_unit_test(paths_are_relative_to_the_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

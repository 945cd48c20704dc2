#include "util/type.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void every_kind_survives_formatting_and_parsing(void **state)
{
    (void)state;
    for (int kind = TYPE_NONE + 1; kind < TYPE_COUNT; kind++) {
        struct type type = {.kind = (enum type_kind)kind};
        if (kind == TYPE_DECIMAL) {
            type.precision = 38;
            type.scale = 38;
        }
        char text[TYPE_TEXT_SIZE];
        type_format(type, text);
        struct type back = {0};
        struct error err = ERROR_INIT;
        assert_int_equal(type_parse(text, &back, &err), ERR_OK);
        assert_true(type_equal(type, back));
    }
}

static void names_are_those_that_stand_in_manifests(void **state)
{
    (void)state;
    static const char *const expected[TYPE_COUNT] = {
        "none", "boolean", "int",  "bigint",    "double", "decimal",
        "text", "date",    "time", "timestamp", "uuid",   "binary",
    };
    for (int kind = 0; kind < TYPE_COUNT; kind++)
        assert_string_equal(type_name((enum type_kind)kind), expected[kind]);
    assert_string_equal(type_name((enum type_kind)TYPE_COUNT), "none");
    assert_string_equal(type_name((enum type_kind) - 1), "none");
}

static void decimals_are_read_in_every_accepted_spelling(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned precision, scale;
        const char *canonical;
    } cases[] = {
        {"decimal(10,2)", 10, 2, "decimal(10,2)"},    {"DECIMAL( 10 , 2 )", 10, 2, "decimal(10,2)"},
        {"decimal(38,38)", 38, 38, "decimal(38,38)"}, {"decimal(1)", 1, 0, "decimal(1,0)"},
        {"decimal (5,0) ", 5, 0, "decimal(5,0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct type type = {0};
        struct error err = ERROR_INIT;
        char text[TYPE_TEXT_SIZE];
        assert_int_equal(type_parse(cases[i].text, &type, &err), ERR_OK);
        assert_int_equal(type.kind, TYPE_DECIMAL);
        assert_int_equal(type.precision, cases[i].precision);
        assert_int_equal(type.scale, cases[i].scale);
        type_format(type, text);
        assert_string_equal(text, cases[i].canonical);
    }
}

#define TYPES                                                                                  \
    " The types are boolean, int, bigint, double, decimal(p,s), text, date, time, timestamp, " \
    "uuid, binary."
#define DECIMAL " is not a decimal type: write decimal(precision,scale), for example decimal(18,2)."

static void what_is_no_type_is_refused_with_a_hint(void **state)
{
    (void)state;
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"string", "\"string\" is not a type; did you mean \"text\"?" TYPES},
        {"VARCHAR(20)", "\"VARCHAR(20)\" is not a type; did you mean \"text\"?" TYPES},
        {"float", "\"float\" is not a type; did you mean \"double\"?" TYPES},
        {"numeric(5,2)", "\"numeric(5,2)\" is not a type; did you mean \"decimal(18,2)\"?" TYPES},
        {"timstamp", "\"timstamp\" is not a type; did you mean \"timestamp\"?" TYPES},
        {"geometry", "\"geometry\" is not a type." TYPES},
        {"", "\"\" is not a type." TYPES},
        {"none", "\"none\" is not a type." TYPES},
        {"date(3)", "\"date(3)\" is not a type: nothing may follow \"date\"."},
        {"decimal", "\"decimal\"" DECIMAL},
        {"decimal()", "\"decimal()\"" DECIMAL},
        {"decimal(5", "\"decimal(5\"" DECIMAL},
        {"decimal(5,)", "\"decimal(5,)\"" DECIMAL},
        {"decimal(5,2)x", "\"decimal(5,2)x\"" DECIMAL},
        {"decimal(-5,2)", "\"decimal(-5,2)\"" DECIMAL},
        {"decimal(100,2)", "\"decimal(100,2)\"" DECIMAL},
        {"decimal(0,0)",
         "\"decimal(0,0)\" has a precision of 0: it must be between 1 and 38 digits."},
        {"decimal(39,0)",
         "\"decimal(39,0)\" has a precision of 39: it must be between 1 and 38 digits."},
        {"decimal(4,5)", "\"decimal(4,5)\" has more digits after the point (5) than in all (4)."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct type type = {.kind = TYPE_UUID};
        struct error err = ERROR_INIT;
        assert_int_equal(type_parse(cases[i].text, &type, &err), ERR_CONFIG);
        assert_string_equal(err.text, cases[i].message);
        assert_int_equal(type.kind, TYPE_UUID);
        assert_int_equal(type_parse(cases[i].text, &type, NULL), ERR_CONFIG);
    }
}

static void a_very_long_name_is_cut_in_the_message(void **state)
{
    (void)state;
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct type type = {0};
    struct error err = ERROR_INIT;
    assert_int_equal(type_parse(text, &type, &err), ERR_CONFIG);
    assert_true(strlen(err.text) < 300);
}

static void decimals_differ_by_precision_and_scale(void **state)
{
    (void)state;
    struct type a = {TYPE_DECIMAL, 10, 2};
    assert_true(type_equal(a, (struct type){TYPE_DECIMAL, 10, 2}));
    assert_false(type_equal(a, (struct type){TYPE_DECIMAL, 10, 3}));
    assert_false(type_equal(a, (struct type){TYPE_DECIMAL, 11, 2}));
    assert_false(type_equal(a, (struct type){TYPE_DOUBLE, 10, 2}));
}

static void only_dates_and_timestamps_have_days(void **state)
{
    (void)state;
    for (int kind = 0; kind < TYPE_COUNT; kind++)
        assert_int_equal(type_is_day((struct type){.kind = (enum type_kind)kind}),
                         kind == TYPE_DATE || kind == TYPE_TIMESTAMP);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_survives_formatting_and_parsing),
        cmocka_unit_test(names_are_those_that_stand_in_manifests),
        cmocka_unit_test(decimals_are_read_in_every_accepted_spelling),
        cmocka_unit_test(what_is_no_type_is_refused_with_a_hint),
        cmocka_unit_test(a_very_long_name_is_cut_in_the_message),
        cmocka_unit_test(decimals_differ_by_precision_and_scale),
        cmocka_unit_test(only_dates_and_timestamps_have_days),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Strict casts: what is exactly a value of a type becomes one, everything else is told why not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "support/value_text.h"
#include "value/cast.h"

struct sample {
    const char *type;
    const char *text;
    const char *expected; /* NULL: no such value */
    const char *format;   /* NULL: ISO 8601 */
    char decimal;         /* 0: '.' */
    char thousands;
    bool percent;
    const char *zone;
    const char *why; /* part of the reason; NULL: any */
};

static struct cast *cast_of(const struct sample *s)
{
    struct cast_options options = {
        .formats = &s->format,
        .format_count = s->format != NULL ? 1 : 0,
        .decimal = s->decimal != '\0' ? s->decimal : '.',
        .thousands = s->thousands,
        .percent = s->percent,
        .time_zone = s->zone,
    };
    struct error err = ERROR_INIT;
    struct cast *c;
    assert_int_equal(type_parse(s->type, &options.type, &err), ERR_OK);
    if (cast_new(&options, &c, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return c;
}

/* What a text becomes; "(NULL)" for NULL, and NULL where it is not a value. */
static char *cast_one(const struct cast *c, const char *text)
{
    struct column column;
    char *out = NULL;
    column_init(&column, cast_type(c));
    enum cast_outcome outcome = value_cast(c, text, strlen(text), &column);
    if (outcome == CAST_VALUE)
        out = value_text(&column, 0);
    else if (outcome == CAST_NULL)
        out = strdup("(NULL)");
    assert_int_equal(column.count, outcome == CAST_BAD ? 0 : 1);
    column_release(&column);
    return out;
}

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        struct cast *c = cast_of(s);
        char *found = cast_one(c, s->text);
        const char *shown = found != NULL ? found : "(no value)";
        const char *expected = s->expected != NULL ? s->expected : "(no value)";
        if (strcmp(shown, expected) != 0)
            fail_msg("\"%s\" as %s became %s, not %s", s->text, s->type, shown, expected);
        if (s->why != NULL) {
            char *reason = cast_reason(c, s->text, strlen(s->text));
            if (strstr(reason, s->why) == NULL)
                fail_msg("\"%s\" as %s: %s", s->text, s->type, reason);
            free(reason);
        }
        free(found);
        cast_free(c);
    }
}
#define CHECK(samples) check(samples, sizeof(samples) / sizeof *(samples))

static void whole_numbers_are_never_rounded_or_guessed(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "int", .text = "5", .expected = "5"},
        {.type = "int", .text = " -7 ", .expected = "-7"},
        {.type = "int", .text = "+7", .expected = "7"},
        {.type = "bigint", .text = "5.0", .expected = "5"},
        {.type = "bigint", .text = "5.", .expected = "5"},
        {.type = "bigint", .text = "007", .expected = "7"},
        {.type = "bigint", .text = "9223372036854775807", .expected = "9223372036854775807"},
        {.type = "bigint", .text = "-9223372036854775808", .expected = "-9223372036854775808"},
        {.type = "bigint",
         .text = "00000000000000000000000000000000000000000000000000000000001",
         .expected = "1"},
        {.type = "int", .text = "2147483647", .expected = "2147483647"},
        {.type = "int", .text = "-2147483648", .expected = "-2147483648"},
        {.type = "int", .text = "1.5", .why = "is not an int (it has more digits"},
        {.type = "int", .text = "1e3"},
        {.type = "int", .text = "1_000"},
        {.type = "int", .text = "0x1F"},
        {.type = "int", .text = "2147483648", .why = "too great"},
        {.type = "int", .text = "-2147483649"},
        {.type = "bigint", .text = "9223372036854775808"},
        {.type = "bigint", .text = "-9223372036854775809"},
        {.type = "bigint", .text = "18446744073709551616"},
        {.type = "int", .text = ""},
        {.type = "int", .text = "-"},
        {.type = "int", .text = "--1"},
        {.type = "int", .text = "+-1"},
        {.type = "int", .text = ".0"},
        {.type = "int", .text = "1 2"},
        {.type = "int", .text = "five"},
        {.type = "int", .text = "1,000"},
        {.type = "int", .text = "1.000", .expected = "1000", .decimal = ',', .thousands = '.'},
    };
    CHECK(samples);
}

static void decimals_keep_every_digit_or_are_refused(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "decimal(6,2)", .text = "3.14", .expected = "3.14"},
        {.type = "decimal(6,2)", .text = "3.1", .expected = "3.10"},
        {.type = "decimal(6,2)", .text = "3.1400", .expected = "3.14"},
        {.type = "decimal(6,2)",
         .text = "3.14000000000000000000000000000000000000000000000000",
         .expected = "3.14"},
        {.type = "decimal(6,2)", .text = ".5", .expected = "0.50"},
        {.type = "decimal(6,2)", .text = "-0.05", .expected = "-0.05"},
        {.type = "decimal(6,2)", .text = "9999.99", .expected = "9999.99"},
        {.type = "decimal(6,2)", .text = "3.145", .why = "more digits after the point"},
        {.type = "decimal(6,2)", .text = "12345.00", .why = "too great"},
        {.type = "decimal(6,2)", .text = "10000"},
        {.type = "decimal(6,2)", .text = "1_0.00"},
        {.type = "decimal(6,2)", .text = "1,5"},
        {.type = "decimal(6,2)", .text = "."},
        {.type = "decimal(6,2)", .text = "1.2.3"},
        {.type = "decimal(6,2)", .text = "nan"},
        {.type = "decimal(6,2)", .text = "1,5", .expected = "1.50", .decimal = ','},
        {.type = "decimal(6,0)", .text = "7", .expected = "7"},
        {.type = "decimal(6,0)", .text = "7.0", .expected = "7"},
        {.type = "decimal(6,0)", .text = "1e3", .expected = "1000"},
        {.type = "decimal(6,0)", .text = ".5"},
        {.type = "decimal(6,0)", .text = "7.5"},
        {.type = "decimal(10,8)", .text = "1e-5", .expected = "0.00001000"},
        {.type = "decimal(10,4)", .text = "1e-5"},
        {.type = "decimal(10,4)", .text = "1e"},
        {.type = "decimal(10,4)", .text = "1e999999999999999999999"},
        {.type = "decimal(10,4)", .text = "0e999999999999999999999", .expected = "0.0000"},
        {.type = "decimal(38,0)",
         .text = "99999999999999999999999999999999999999",
         .expected = "99999999999999999999999999999999999999"},
        {.type = "decimal(38,0)", .text = "100000000000000000000000000000000000000"},
        {.type = "decimal(38,38)",
         .text = "-0.99999999999999999999999999999999999999",
         .expected = "-0.99999999999999999999999999999999999999"},
        {.type = "decimal(38,10)",
         .text = "123456789012345678.25",
         .expected = "123456789012345678.2500000000"},
        {.type = "decimal(18,18)",
         .text = "0.123456789012345678",
         .expected = "0.123456789012345678"},
    };
    CHECK(samples);
}

static void a_thousands_sign_stands_only_before_three_digits(void **state)
{
    (void)state;
#define GERMAN .type = "decimal(9,2)", .decimal = ',', .thousands = '.'
    static const struct sample samples[] = {
        {GERMAN, .text = "1.234,5", .expected = "1234.50"},
        {GERMAN, .text = "12.345", .expected = "12345.00"},
        {GERMAN, .text = "-1.234.567,89", .expected = "-1234567.89"},
        {GERMAN, .text = "1234567,89", .expected = "1234567.89"},
        {GERMAN, .text = "1.5", .why = "(a thousands sign may only stand before groups of three"},
        {GERMAN, .text = "1.2345"},
        {GERMAN, .text = "1234.567"},
        {GERMAN, .text = "0.123"},
        {GERMAN, .text = "1..234"},
        {GERMAN, .text = ".234"},
        {GERMAN, .text = "1.234."},
        {GERMAN, .text = "1,234.5"},
        {.type = "bigint", .thousands = ',', .text = "1,00,000"},
        {.type = "bigint", .thousands = ',', .text = "100,000", .expected = "100000"},
        {.type = "double", .thousands = '\'', .text = "1'000.5", .expected = "1000.5"},
        {.type = "bigint", .thousands = ' ', .text = "12 345", .expected = "12345"},
        {.type = "bigint",
         .thousands = ' ',
         .text = "12\xc2\xa0"
                 "345",
         .expected = "12345"},
        {.type = "bigint",
         .thousands = ' ',
         .text = "12\xe2\x80\xaf"
                 "345",
         .expected = "12345"},
        {.type = "bigint", .thousands = ' ', .text = "12  345"},
    };
    CHECK(samples);
}

static void a_number_of_json_has_a_point_whatever_texts_have(void **state)
{
    (void)state;
    struct sample s = {"decimal(9,3)", "1.234", "1.234", NULL, ',', '.', false, NULL, NULL};
    struct cast *c = cast_of(&s);
    struct column column;
    column_init(&column, cast_type(c));
    assert_int_equal(cast_text(c, "1.234", 5, &column), CAST_VALUE);
    assert_int_equal(cast_number(c, "1.234", 5, &column), CAST_VALUE);
    assert_int_equal(cast_number(c, "1,5", 3, &column), CAST_BAD);
    assert_int_equal(column_decimal(&column, 0), 1234000);
    assert_int_equal(column_decimal(&column, 1), 1234);
    column_release(&column);
    cast_free(c);
}

static void a_percentage_is_a_hundredth(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "decimal(6,4)", .text = "12.5%", .percent = true, .expected = "0.1250"},
        {.type = "decimal(6,4)",
         .text = "12,5 %",
         .percent = true,
         .decimal = ',',
         .expected = "0.1250"},
        {.type = "decimal(6,4)", .text = "0.1250", .percent = true, .expected = "0.1250"},
        {.type = "decimal(6,3)", .text = "12.55%", .percent = true},
        {.type = "double", .text = "7%", .percent = true, .expected = "0.07"},
        {.type = "int", .text = "300%", .percent = true, .expected = "3"},
        {.type = "int", .text = "50%", .percent = true},
        {.type = "double", .text = "7%"},
        {.type = "double", .text = "%", .percent = true},
        {.type = "double", .text = "7%%", .percent = true},
    };
    CHECK(samples);
}

static void doubles_are_the_nearest_and_never_infinite_by_accident(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "double", .text = "1.5e3", .expected = "1500.0"},
        {.type = "double", .text = "-0.0", .expected = "0.0"},
        {.type = "double", .text = "-0", .expected = "0.0"},
        {.type = "double", .text = "0.1", .expected = "0.1"},
        {.type = "double", .text = "+.5", .expected = "0.5"},
        {.type = "double", .text = "1.", .expected = "1.0"},
        {.type = "double", .text = "0.30000000000000004", .expected = "0.30000000000000004"},
        {.type = "double", .text = "9007199254740993", .expected = "9007199254740992.0"},
        {.type = "double",
         .text = "2.2250738585072014e-308",
         .expected = "2.2250738585072014e-308"},
        {.type = "double", .text = "4.9e-324", .expected = "5e-324"},
        {.type = "double", .text = "1e308", .expected = "1e+308"},
        {.type = "double", .text = "1e309", .why = "too great"},
        {.type = "double", .text = "-1E400"},
        {.type = "double", .text = "1e-400", .why = "zero"},
        {.type = "double", .text = "-inf", .expected = "-inf"},
        {.type = "double", .text = "Infinity", .expected = "inf"},
        {.type = "double", .text = "nan", .expected = "nan"},
        {.type = "double", .text = "-NaN", .expected = "nan"},
        {.type = "double", .text = "infinit"},
        {.type = "double", .text = "1_0.5"},
        {.type = "double", .text = "1,5"},
        {.type = "double", .text = "0x10"},
        {.type = "double", .text = "1e5.5"},
        {.type = "double",
         .text = "1.234,5",
         .expected = "1234.5",
         .decimal = ',',
         .thousands = '.'},
    };
    CHECK(samples);
}

static void dates_have_years_of_four_digits(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "date", .text = "2031-01-31", .expected = "2031-01-31"},
        {.type = "date", .text = " 2031-01-31 ", .expected = "2031-01-31"},
        {.type = "date", .text = "2031-1-5", .expected = "2031-01-05"},
        {.type = "date", .text = "2031/01/31", .expected = "2031-01-31"},
        {.type = "date", .text = "2031-01-31 00:00:00", .expected = "2031-01-31"},
        {.type = "date", .text = "2031-01-31T00:00:00.000Z", .expected = "2031-01-31"},
        {.type = "date", .text = "2028-02-29", .expected = "2028-02-29"},
        {.type = "date", .text = "0001-01-01", .expected = "0001-01-01"},
        {.type = "date", .text = "9999-12-31", .expected = "9999-12-31"},
        {.type = "date", .text = "2031-01-31 10:00:00", .why = "time of day"},
        {.type = "date", .text = "2031-01-31 00:00:00+02:00", .why = "offset"},
        {.type = "date", .text = "2031-02-30", .why = "no such day"},
        {.type = "date", .text = "2030-02-29"},
        {.type = "date", .text = "1900-02-29"},
        {.type = "date", .text = "0000-01-01", .why = "years 1 to 9999"},
        {.type = "date", .text = "2024-01-01 (BC)"},
        {.type = "date", .text = "99999-01-01"},
        {.type = "date", .text = "-2024-01-01"},
        {.type = "date", .text = "24-01-05"},
        {.type = "date", .text = "1-2-3"},
        {.type = "date", .text = "10/11/12"},
        {.type = "date", .text = "05/01/24"},
        {.type = "date", .text = "2031-01/31"},
        {.type = "date", .text = "2031-01-311"},
        {.type = "date", .text = "2031-00-31"},
        {.type = "date", .text = "2031-13-01"},
        {.type = "date", .text = "20310131"},
        {.type = "date", .text = "infinity"},
        {.type = "date", .text = "epoch"},
        {.type = "date", .text = "31/01/2031"},
        {.type = "date", .text = "31/01/2031", .expected = "2031-01-31", .format = "%d/%m/%Y"},
        {.type = "date", .text = "5/1/2031", .expected = "2031-01-05", .format = "%d/%m/%Y"},
        {.type = "date", .text = "5/1/2031", .expected = "2031-01-05", .format = "%-d/%-m/%Y"},
        {.type = "date", .text = "2031-22-01", .expected = "2031-01-22", .format = "%Y-%d-%m"},
        {.type = "date", .text = "2031-01-22", .format = "%Y-%d-%m"},
        {.type = "date", .text = "05/01/24", .format = "%d/%m/%Y", .why = "(%Y is four digits)"},
        {.type = "date", .text = "05/01/20245", .format = "%d/%m/%Y"},
        {.type = "date", .text = "05/01/24", .expected = "2024-01-05", .format = "%d/%m/%y"},
        {.type = "date", .text = "05/01/68", .expected = "2068-01-05", .format = "%d/%m/%y"},
        {.type = "date", .text = "05/01/69", .expected = "1969-01-05", .format = "%d/%m/%y"},
        {.type = "date", .text = "05/01/4", .format = "%d/%m/%y"},
        {.type = "date", .text = "05/01/2024", .format = "%d/%m/%y"},
        {.type = "date", .text = "20310131", .expected = "2031-01-31", .format = "%Y%m%d"},
        {.type = "date", .text = "2031115", .format = "%Y%m%d"},
        {.type = "date", .text = "2031-05", .expected = "2031-05-01", .format = "%Y-%m"},
        {.type = "date", .text = "2031", .expected = "2031-01-01", .format = "%Y"},
        {.type = "date", .text = "5 MAY 2031", .expected = "2031-05-05", .format = "%d %B %Y"},
        {.type = "date", .text = "Jan  5, 2031", .expected = "2031-01-05", .format = "%b %d, %Y"},
        {.type = "date",
         .text = "Fri 31 Jan 2031",
         .expected = "2031-01-31",
         .format = "%a %d %b %Y"},
        {.type = "date", .text = "Mon 31 Jan 2031", .format = "%a %d %b %Y", .why = "of the week"},
        {.type = "date", .text = "2028-060", .expected = "2028-02-29", .format = "%Y-%j"},
        {.type = "date", .text = "2030-366", .format = "%Y-%j"},
        {.type = "date", .text = "2024-W02-3", .expected = "2024-01-10", .format = "%G-W%V-%u"},
        {.type = "date", .text = "2020-W53-7", .expected = "2021-01-03", .format = "%G-W%V-%u"},
        {.type = "date", .text = "2021-W53-7", .format = "%G-W%V-%u"},
        {.type = "date", .text = "2031-01-31 10:00", .format = "%Y-%m-%d %H:%M", .why = "time of"},
        {.type = "date", .text = "2031-01-31", .expected = "2031-01-31", .format = "%F"},
    };
    CHECK(samples);
}

static void moments_belong_to_their_own_offset(void **state)
{
    (void)state;
#define STAMP .type = "timestamp"
    static const struct sample samples[] = {
        {STAMP, .text = "2031-01-31 10:00:00", .expected = "2031-01-31 10:00:00+00"},
        {STAMP, .text = "2031-01-31T10:00:00.123456+02:00",
         .expected = "2031-01-31 08:00:00.123456+00"},
        {STAMP, .text = "2031-01-31", .expected = "2031-01-31 00:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00", .expected = "2031-01-31 10:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00Z", .expected = "2031-01-31 10:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00 UTC", .expected = "2031-01-31 10:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00 GMT", .expected = "2031-01-31 10:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00-0330", .expected = "2031-01-31 13:30:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00 +02", .expected = "2031-01-31 08:00:00+00"},
        {STAMP, .text = "2031-01-31 10:00:00.123456000",
         .expected = "2031-01-31 10:00:00.123456+00"},
        {STAMP, .text = "2031-01-31 10:00:00.1234567", .why = "six digits"},
        {STAMP, .text = "2031-01-31 10:00:00 BST", .why = "only the zone names"},
        {STAMP, .text = "2031-01-31 10:00:00 CET"},
        {STAMP, .text = "2031-01-31 10:00:00 Europe/Madrid"},
        {STAMP, .text = "2031-01-31 10:00:00+2"},
        {STAMP, .text = "2031-01-31 10:00:00+16:00"},
        {STAMP, .text = "2031-01-31 10:00:00+02:60"},
        {STAMP, .text = "2031-01-31 10:00:00+02:00:30"},
        {STAMP, .text = "2031-01-31 24:00:00", .why = "24:00"},
        {STAMP, .text = "2031-01-31 23:59:60"},
        {STAMP, .text = "2031-01-31 10"},
        {STAMP, .text = "2031-01-31T"},
        {STAMP, .text = "0001-01-01 00:00:00+02:00", .why = "years 1 to 9999"},
        {STAMP, .text = "9999-12-31 23:59:59-02:00"},
        {STAMP, .text = "infinity"},
        {STAMP, .text = "epoch"},
        {STAMP, .text = "31.01.2031 10:30", .expected = "2031-01-31 10:30:00+00",
         .format = "%d.%m.%Y %H:%M"},
        {STAMP, .text = "2031-01-31 10:00:00 +0200", .expected = "2031-01-31 08:00:00+00",
         .format = "%Y-%m-%d %H:%M:%S %z"},
        {STAMP, .text = "1/5/2031 1:05 PM", .expected = "2031-01-05 13:05:00+00",
         .format = "%m/%d/%Y %I:%M %p"},
        {STAMP, .text = "1/5/2031 12:05 am", .expected = "2031-01-05 00:05:00+00",
         .format = "%m/%d/%Y %I:%M %p"},
        {STAMP, .text = "1/5/2031 13:05 PM", .format = "%m/%d/%Y %H:%M %p"},
        {STAMP, .text = "1700000000", .expected = "2023-11-14 22:13:20+00", .format = "%s"},
        {STAMP, .text = "1700000000.5", .expected = "2023-11-14 22:13:20.5+00", .format = "%s.%f"},
        {STAMP, .text = "-1", .expected = "1969-12-31 23:59:59+00", .format = "%s"},
        {STAMP, .text = "1700000000123", .expected = "2023-11-14 22:13:20.123+00", .format = "%Q"},
        {STAMP, .text = "999999999999999", .format = "%s", .why = "years"},
    };
    CHECK(samples);
}

static void a_time_zone_is_for_what_has_no_offset(void **state)
{
    (void)state;
#define MADRID .type = "timestamp", .zone = "Europe/Madrid"
    static const struct sample samples[] = {
        {MADRID, .text = "2024-07-01 12:00:00", .expected = "2024-07-01 10:00:00+00"},
        {MADRID, .text = "2024-01-01 12:00:00", .expected = "2024-01-01 11:00:00+00"},
        {MADRID, .text = "2024-07-01 12:00:00Z", .expected = "2024-07-01 12:00:00+00"},
        {MADRID, .text = "2024-07-01 12:00:00-05:00", .expected = "2024-07-01 17:00:00+00"},
        {MADRID, .text = "2024-03-31 01:59:59.5", .expected = "2024-03-31 00:59:59.5+00"},
        {MADRID, .text = "2024-03-31 02:00:00", .why = "put forward"},
        {MADRID, .text = "2024-03-31 02:59:59"},
        {MADRID, .text = "2024-03-31 03:00:00", .expected = "2024-03-31 01:00:00+00"},
        {MADRID, .text = "2024-10-27 01:59:59", .expected = "2024-10-26 23:59:59+00"},
        {MADRID, .text = "2024-10-27 02:00:00", .why = "twice"},
        {MADRID, .text = "2024-10-27 03:00:00", .expected = "2024-10-27 02:00:00+00"},
        {MADRID, .text = "2124-07-01 12:00:00", .expected = "2124-07-01 10:00:00+00"},
        {MADRID, .text = "9999-07-01 12:00:00", .expected = "9999-07-01 10:00:00+00"},
        {.type = "timestamp",
         .zone = "America/Argentina/Buenos_Aires",
         .text = "2024-07-01 12:00:00",
         .expected = "2024-07-01 15:00:00+00"},
        {.type = "timestamp",
         .zone = "Asia/Kathmandu",
         .text = "2024-07-01 12:00:00",
         .expected = "2024-07-01 06:15:00+00"},
        {.type = "timestamp",
         .zone = "Pacific/Apia",
         .text = "2011-12-30 12:00:00",
         .why = "put forward"},
    };
    CHECK(samples);
}

static void times_are_nothing_but_a_time_of_day(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "time", .text = "10:30:15.5", .expected = "10:30:15.5"},
        {.type = "time", .text = "10:30", .expected = "10:30:00"},
        {.type = "time", .text = "1:02:03", .expected = "01:02:03"},
        {.type = "time", .text = "23:59:59.999999", .expected = "23:59:59.999999"},
        {.type = "time", .text = "23:59:59.9999999", .why = "six digits"},
        {.type = "time", .text = "25:00:00"},
        {.type = "time", .text = "24:00:00", .why = "24:00"},
        {.type = "time", .text = "10:60:00"},
        {.type = "time", .text = "10:30:60"},
        {.type = "time", .text = "2024-01-01 10:20:30"},
        {.type = "time", .text = "10:20:30+02"},
        {.type = "time", .text = "10:20:30Z"},
        {.type = "time", .text = "10.30", .expected = "10:30:00", .format = "%H.%M"},
        {.type = "time", .text = "01:05 PM", .expected = "13:05:00", .format = "%I:%M %p"},
        {.type = "time", .text = "24.00", .format = "%H.%M"},
        {.type = "time",
         .text = "2024-01-01 10:20",
         .expected = "10:20:00",
         .format = "%Y-%m-%d %H:%M"},
    };
    CHECK(samples);
}

static void other_types_take_only_their_own_values(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "boolean", .text = "true", .expected = "true"},
        {.type = "boolean", .text = "NO", .expected = "false"},
        {.type = "boolean", .text = "1", .expected = "true"},
        {.type = "boolean", .text = "maybe"},
        {.type = "boolean", .text = ""},
        {.type = "boolean", .text = "tru"},
        {.type = "text", .text = " as it is ", .expected = " as it is "},
        {.type = "text", .text = "caf\xc3\xa9", .expected = "caf\xc3\xa9"},
        {.type = "text", .text = "caf\xe9", .why = "UTF-8"},
        {.type = "text", .text = "\xed\xa0\x80"},
        {.type = "text", .text = "\xc0\x80"},
        {.type = "text", .text = "\xf4\x90\x80\x80"},
        {.type = "text", .text = "eight by\xe2\x82"},
        {.type = "uuid",
         .text = "0B9F5f1e-6c1b-4e5e-9d5c-0123456789ab",
         .expected = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab"},
        {.type = "uuid",
         .text = "{0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab}",
         .expected = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab"},
        {.type = "uuid",
         .text = "0b9f5f1e6c1b4e5e9d5c0123456789ab",
         .expected = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab"},
        {.type = "uuid", .text = "0b9f"},
        {.type = "uuid", .text = "0b9f-5f1e-6c1b4e5e-9d5c-0123456789ab"},
        {.type = "uuid", .text = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ag"},
        {.type = "binary", .text = "00fF", .expected = "00FF"},
        {.type = "binary", .text = "0G"},
        {.type = "binary", .text = "zz"},
        {.type = "binary", .text = "0"},
        {.type = "binary", .text = "", .expected = ""},
    };
    CHECK(samples);
}

static void texts_that_mean_null_are_exact(void **state)
{
    (void)state;
    static const char *const nulls[] = {"", "n/a", "-"};
    struct cast_options options = {.type = {TYPE_INT, 0, 0}, .nulls = nulls, .null_count = 3};
    struct cast *c;
    assert_int_equal(cast_new(&options, &c, NULL), ERR_OK);
    static const struct {
        const char *text, *expected;
    } samples[] = {{"", "(NULL)"},     {"n/a", "(NULL)"}, {"-", "(NULL)"}, {" ", "(NULL)"},
                   {" n/a", "(NULL)"}, {"N/A", NULL},     {"n/", NULL},    {"-1", "-1"}};
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char *found = cast_one(c, samples[i].text);
        assert_string_equal(found != NULL ? found : "bad",
                            samples[i].expected != NULL ? samples[i].expected : "bad");
        free(found);
    }
    cast_free(c);
    options.type.kind = TYPE_TEXT;
    assert_int_equal(cast_new(&options, &c, NULL), ERR_OK);
    char *blank = cast_one(c, " ");
    assert_string_equal(blank, " ");
    free(blank);
    cast_free(c);
    options.trim = true;
    assert_int_equal(cast_new(&options, &c, NULL), ERR_OK);
    blank = cast_one(c, " ");
    assert_string_equal(blank, "(NULL)");
    free(blank);
    blank = cast_one(c, "\ta b ");
    assert_string_equal(blank, "a b");
    free(blank);
    cast_free(c);
}

static void a_format_that_cannot_be_used_is_refused_by_name(void **state)
{
    (void)state;
    static const struct {
        enum type_kind kind;
        const char *format, *why;
    } samples[] = {
        {TYPE_DATE, "%q", "%q"},
        {TYPE_DATE, "%d.%m.%", "ends after"},
        {TYPE_DATE, "%d.%m", "no year"},
        {TYPE_DATE, "%d %Y", "day without a month"},
        {TYPE_DATE, "%Y %y-%m", "two years"},
        {TYPE_DATE, "%d.%m.%d.%Y", "twice"},
        {TYPE_DATE, "%G-%u", "%V"},
        {TYPE_TIMESTAMP, "%Y-%m-%d %I:%M", "%p"},
        {TYPE_TIMESTAMP, "%Y-%m-%d %M", "minutes without hours"},
        {TYPE_TIMESTAMP, "%s %Y", "beside"},
        {TYPE_TIME, "%M:%S", "hours"},
        {TYPE_TIME, "%s", "timestamp"},
        {TYPE_TIME, "at noon", "hour"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct cast_options options = {
            .type = {samples[i].kind, 0, 0}, .formats = &samples[i].format, .format_count = 1};
        struct error err = ERROR_INIT;
        struct cast *c;
        assert_int_equal(cast_new(&options, &c, &err), ERR_CONFIG);
        assert_null(c);
        if (strstr(err.text, samples[i].why) == NULL)
            fail_msg("%s: %s", samples[i].format, err.text);
    }
}

static void a_time_zone_that_is_not_there_is_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"Europe/Nowhere", "../../../etc/passwd", "",    "Europe",
                                        "/etc/passwd",    "Europe//Madrid",      "CEST"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        struct cast_options options = {.type = {TYPE_TIMESTAMP, 0, 0}, .time_zone = names[i]};
        struct error err = ERROR_INIT;
        struct cast *c;
        assert_int_equal(cast_new(&options, &c, &err), ERR_CONFIG);
        assert_non_null(strstr(err.text, "time zone"));
    }
}

/* ---- Typed values ---------------------------------------------------------------------------- */

static char *shown(const struct cast *c, struct column *column, enum cast_outcome outcome)
{
    (void)c;
    char *out = strdup("bad");
    if (outcome == CAST_VALUE) {
        free(out);
        out = value_text(column, 0);
    }
    column_release(column);
    return out;
}

#define CHECK_TYPED(type_text, expected, call, ...)                          \
    do {                                                                     \
        struct sample s_ = {.type = (type_text)};                            \
        struct cast *c_ = cast_of(&s_);                                      \
        struct column column_;                                               \
        column_init(&column_, cast_type(c_));                                \
        char *found_ = shown(c_, &column_, call(c_, __VA_ARGS__, &column_)); \
        assert_string_equal(found_, expected);                               \
        free(found_);                                                        \
        cast_free(c_);                                                       \
    } while (0)

static void typed_values_lose_nothing_on_the_way(void **state)
{
    (void)state;
    CHECK_TYPED("int", "5", cast_integer, 5);
    CHECK_TYPED("int", "bad", cast_integer, INT64_C(3000000000));
    CHECK_TYPED("bigint", "bad", cast_integer, (int128)INT64_MAX + 1);
    CHECK_TYPED("decimal(6,2)", "5.00", cast_integer, 5);
    CHECK_TYPED("decimal(6,2)", "bad", cast_integer, 10000);
    CHECK_TYPED("double", "9007199254740992.0", cast_integer, INT64_C(9007199254740992));
    CHECK_TYPED("double", "bad", cast_integer, INT64_C(9007199254740993));
    CHECK_TYPED("double", "1e+30", cast_integer, (int128)1000000000000000 * 1000000000000000);
    CHECK_TYPED("text", "-7", cast_integer, -7);
    CHECK_TYPED("date", "bad", cast_integer, 7);
    CHECK_TYPED("int", "5", cast_double, 5.0);
    CHECK_TYPED("int", "bad", cast_double, 5.5);
    CHECK_TYPED("int", "bad", cast_double, 5e9);
    CHECK_TYPED("bigint", "9007199254740991", cast_double, 9007199254740991.0);
    CHECK_TYPED("bigint", "bad", cast_double, 9007199254740992.0);
    CHECK_TYPED("decimal(6,2)", "0.10", cast_double, 0.1);
    CHECK_TYPED("decimal(6,2)", "bad", cast_double, 0.125);
    CHECK_TYPED("double", "0.0", cast_double, -0.0);
    CHECK_TYPED("text", "5.0", cast_double, 5.0);
    CHECK_TYPED("text", "1e+22", cast_double, 1e22);
    CHECK_TYPED("decimal(6,2)", "1.25", cast_decimal, 125, 2);
    CHECK_TYPED("decimal(6,2)", "1.20", cast_decimal, 12, 1);
    CHECK_TYPED("decimal(6,2)", "bad", cast_decimal, 1255, 3);
    CHECK_TYPED("double", "1.25", cast_decimal, 125, 2);
    CHECK_TYPED("double", "bad", cast_decimal, (int128)INT64_MAX, 3);
    CHECK_TYPED("int", "12", cast_decimal, 1200, 2);
    CHECK_TYPED("int", "bad", cast_decimal, 1201, 2);
    CHECK_TYPED("text", "-0.05", cast_decimal, -5, 2);
    CHECK_TYPED("boolean", "true", cast_boolean, true);
    CHECK_TYPED("text", "false", cast_boolean, false);
    CHECK_TYPED("date", "bad", cast_boolean, false);
}

static void typed_moments_lose_nothing_on_the_way(void **state)
{
    (void)state;
    int64_t moment = INT64_C(1927620000); /* 2031-01-31 10:00:00 */
    CHECK_TYPED("timestamp", "2031-01-31 10:00:00+00", cast_moment, moment, CAST_SECONDS, true);
    CHECK_TYPED("timestamp", "2031-01-31 10:00:00.5+00", cast_moment, moment * 1000 + 500,
                CAST_MILLISECONDS, false);
    CHECK_TYPED("timestamp", "2031-01-31 10:00:00.000001+00", cast_moment,
                moment * 1000000000 + 1000, CAST_NANOSECONDS, false);
    CHECK_TYPED("timestamp", "bad", cast_moment, moment * 1000000000 + 1, CAST_NANOSECONDS, false);
    CHECK_TYPED("timestamp", "bad", cast_moment, INT64_MAX, CAST_SECONDS, false);
    CHECK_TYPED("timestamp", "bad", cast_moment, INT64_MIN, CAST_MICROSECONDS, false);
    CHECK_TYPED("date", "bad", cast_moment, moment, CAST_SECONDS, false);
    CHECK_TYPED("date", "2031-01-31", cast_moment, moment - 36000, CAST_SECONDS, false);
    CHECK_TYPED("date", "1969-12-31", cast_moment, -86400, CAST_SECONDS, false);
    CHECK_TYPED("text", "2031-01-31 10:00:00", cast_moment, moment, CAST_SECONDS, true);
    CHECK_TYPED("date", "1970-01-02", cast_days, 1);
    CHECK_TYPED("timestamp", "1970-01-02 00:00:00+00", cast_days, 1);
    CHECK_TYPED("date", "bad", cast_days, 2932897);
    CHECK_TYPED("date", "bad", cast_days, -719163);
    CHECK_TYPED("time", "00:00:01.5", cast_clock, 1500, CAST_MILLISECONDS);
    CHECK_TYPED("time", "bad", cast_clock, 86400, CAST_SECONDS);
    CHECK_TYPED("time", "bad", cast_clock, -1, CAST_SECONDS);
    CHECK_TYPED("time", "bad", cast_clock, 1, CAST_NANOSECONDS);
    CHECK_TYPED("binary", "00FF", cast_binary, "\0\xff", 2);
    CHECK_TYPED("text", "ab", cast_binary, "ab", 2);
    CHECK_TYPED("text", "bad", cast_binary, "\xff", 1);
    CHECK_TYPED("text", "00000000-0000-0000-0000-000000000000", cast_uuid, (struct uuid){{0}});
}

/* Bytes that are no digits are no date either, whatever the date before them was. */
static void a_date_of_zero_bytes_is_no_date(void **state)
{
    (void)state;
    struct sample s = {.type = "date"};
    struct cast *c = cast_of(&s);
    struct column column;
    column_init(&column, cast_type(c));
    assert_int_equal(value_cast(c,
                                "\0\0\0\0\0\0\0\0"
                                "01",
                                10, &column),
                     CAST_BAD);
    assert_int_equal(value_cast(c, "1970-01-01", 10, &column), CAST_VALUE);
    assert_int_equal(value_cast(c, "1970-02-28", 10, &column), CAST_VALUE);
    column_release(&column);
    cast_free(c);
}

/* A column is filled up to the first text that is bad, and what was there stays. */
static void many_texts_are_cast_up_to_the_first_bad_one(void **state)
{
    (void)state;
    static const char *const types[] = {"int",          "bigint",        "double",
                                        "decimal(9,2)", "decimal(30,2)", "date",
                                        "timestamp",    "time",          "boolean"};
    static const char *const good[] = {
        "12",         "-1234567890",         "1.25",     "1.25", "1.25",
        "2024-01-05", "2024-01-05T10:00:00", "10:00:00", "true"};
    char base[16 * 32 + CAST_MARGIN] = {0};
    struct cast_span spans[16];
    for (size_t k = 0; k < sizeof types / sizeof *types; k++) {
        struct sample s = {.type = types[k]};
        struct cast *c = cast_of(&s);
        struct column column;
        for (uint32_t i = 0; i < 16; i++) {
            spans[i] = (struct cast_span){32 * i, (uint32_t)strlen(i == 11 ? "x" : good[k])};
            memcpy(base + spans[i].at, i == 11 ? "x" : good[k], spans[i].length);
        }
        column_init(&column, cast_type(c));
        assert_int_equal(cast_texts(c, base, spans, 16, &column), 11);
        assert_int_equal(cast_texts(c, base, spans + 12, 4, &column), 4);
        assert_int_equal(column.count, 15);
        assert_int_equal(column.nulls, 0);
        char *first = value_text(&column, 0);
        for (size_t i = 1; i < 15; i++) {
            char *other = value_text(&column, i);
            assert_string_equal(first, other);
            assert_false(column_is_null(&column, i));
            free(other);
        }
        free(first);
        column_release(&column);
        cast_free(c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_never_rounded_or_guessed),
        cmocka_unit_test(decimals_keep_every_digit_or_are_refused),
        cmocka_unit_test(a_thousands_sign_stands_only_before_three_digits),
        cmocka_unit_test(a_number_of_json_has_a_point_whatever_texts_have),
        cmocka_unit_test(a_percentage_is_a_hundredth),
        cmocka_unit_test(doubles_are_the_nearest_and_never_infinite_by_accident),
        cmocka_unit_test(dates_have_years_of_four_digits),
        cmocka_unit_test(moments_belong_to_their_own_offset),
        cmocka_unit_test(a_time_zone_is_for_what_has_no_offset),
        cmocka_unit_test(times_are_nothing_but_a_time_of_day),
        cmocka_unit_test(other_types_take_only_their_own_values),
        cmocka_unit_test(texts_that_mean_null_are_exact),
        cmocka_unit_test(a_format_that_cannot_be_used_is_refused_by_name),
        cmocka_unit_test(a_time_zone_that_is_not_there_is_refused),
        cmocka_unit_test(typed_values_lose_nothing_on_the_way),
        cmocka_unit_test(a_date_of_zero_bytes_is_no_date),
        cmocka_unit_test(many_texts_are_cast_up_to_the_first_bad_one),
        cmocka_unit_test(typed_moments_lose_nothing_on_the_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

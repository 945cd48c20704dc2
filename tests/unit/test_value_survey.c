/* What the texts of a column are: nothing is guessed, and what is doubtful is said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "value/cast.h"
#include "value/survey.h"

static const char *const empty[] = {""};
static const struct survey_options plain = {.nulls = empty, .null_count = 1, .decimal = '.'};

/* Texts are separated by "|". */
static struct survey *survey_of(const char *texts, const struct survey_options *options)
{
    struct survey *s;
    survey_new(options, 1, &s);
    for (const char *at = texts;; at++) {
        size_t length = strcspn(at, "|");
        survey_add(s, 0, at, length);
        at += length;
        if (*at == '\0')
            return s;
    }
}

static char *with_format(struct type type, const char *format)
{
    char name[TYPE_TEXT_SIZE];
    type_format(type, name);
    return mem_printf("%s%s%s", name, format != NULL ? " " : "", format != NULL ? format : "");
}

static char *found(const struct survey *s)
{
    struct survey_finding f;
    survey_find(s, 0, &f);
    return with_format(f.type, f.format);
}

static char *meant(const struct survey *s)
{
    struct survey_meaning m;
    survey_mean(s, 0, &m);
    char *type = with_format(m.type, m.format);
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    str_append(&out, type);
    if (m.decimal != '.')
        str_printf(&out, " decimal %c", m.decimal);
    if (m.thousands != '\0')
        str_printf(&out, " thousands %c", m.thousands);
    if (m.percent)
        str_append(&out, " percent");
    if (m.trim)
        str_append(&out, " trim");
    for (size_t i = 0; i < m.null_count; i++)
        str_printf(&out, " null %s", m.nulls[i]);
    free(type);
    return str_detach(&out);
}

struct sample {
    const char *texts;
    const char *found;
    const char *meant; /* NULL: the same */
    const char *doubt; /* part of it; NULL: none */
};

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample *t = &samples[i];
        struct survey *s = survey_of(t->texts, &plain);
        struct str doubts;
        str_init(&doubts, STR_MAX_DEFAULT);
        char *type = found(s);
        char *better = meant(s);
        survey_doubts(s, 0, &doubts);
        if (strcmp(type, t->found) != 0)
            fail_msg("%s: found %s, not %s", t->texts, type, t->found);
        if (strcmp(better, t->meant != NULL ? t->meant : t->found) != 0)
            fail_msg("%s: meant %s", t->texts, better);
        if (t->doubt != NULL ? strstr(doubts.data, t->doubt) == NULL : doubts.len > 0)
            fail_msg("%s: doubts: %s", t->texts, doubts.data);
        str_release(&doubts);
        free(type);
        free(better);
        survey_free(s);
    }
}
#define CHECK(samples) check(samples, sizeof(samples) / sizeof *(samples))

static void whole_numbers_are_bigint_or_exact_decimals(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "1|-2| 3 |0", .found = "bigint"},
        {.texts = "9223372036854775807|-9223372036854775808", .found = "bigint"},
        {.texts = "9223372036854775808|1", .found = "decimal(38,0)", .doubt = "64 bits"},
        {.texts = "2850590940090418135201|2850590940090418135202",
         .found = "decimal(38,0)",
         .doubt = "64 bits"},
        {.texts = "123456789012345678901234567890123456789",
         .found = "text",
         .doubt = "more digits"},
        {.texts = "007|8", .found = "text"},
        {.texts = "0|00", .found = "text"},
        {.texts = "-01", .found = "text"},
        {.texts = "+34600123456|+34600123457", .found = "text", .doubt = "plus sign"},
        {.texts = "+1|-1", .found = "bigint"},
        {.texts = "1|two", .found = "text"},
        {.texts = "1|true", .found = "text"},
        {.texts = "", .found = "text"},
        {.texts = "1||2", .found = "bigint"},
        {.texts = "1| |2", .found = "bigint"},
        {.texts = "a| |b", .found = "text"},
    };
    CHECK(samples);
}

static void a_decimal_point_makes_a_double_while_its_digits_survive(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "1.0|2.0", .found = "double"},
        {.texts = "1|2.5", .found = "double"},
        {.texts = "0.1|.5|1.", .found = "double"},
        {.texts = "1e-05|1.5E3", .found = "double"},
        {.texts = "nan|1.5|-inf", .found = "double"},
        {.texts = "nan|nan", .found = "text"},
        {.texts = "0.30000000000000004", .found = "double"},
        {.texts = "0.1234567890123456789|1", .found = "decimal(38,19)", .doubt = "a double keeps"},
        {.texts = "1.5|12345678901234567891", .found = "decimal(38,1)", .doubt = "a double keeps"},
        {.texts = "1e-05|0.1234567890123456789", .found = "text", .doubt = "more digits"},
        {.texts = "12E34|56E7", .found = "text"},
        {.texts = "1e999.0|1", .found = "text"},
        {.texts = "00.5", .found = "text"},
        {.texts = "0.5", .found = "double"},
    };
    CHECK(samples);
}

static void dates_are_found_where_one_reading_is_left(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "2024-01-05|2024-02-29", .found = "date"},
        {.texts = "2024-01-05|2023-02-29", .found = "text"},
        {.texts = "2024-1-5|2024-01-06", .found = "date %Y-%m-%d"},
        {.texts = "2024/01/05", .found = "date %Y/%m/%d"},
        {.texts = "05/01/2024|25/12/2023", .found = "date %d/%m/%Y"},
        {.texts = "01/05/2024|12/25/2023", .found = "date %m/%d/%Y"},
        {.texts = "05/01/2024|06/01/2024", .found = "text", .doubt = "day first or month first"},
        {.texts = "05.01.2024", .found = "date %d.%m.%Y"},
        {.texts = "5 Jan 2024|25 Dec 2023", .found = "date %d %b %Y"},
        {.texts = "2024-01-05 10:00|2024-01-05", .found = "timestamp"},
        {.texts = "2024-01-05 00:00:00", .found = "timestamp"},
        {.texts = "2024-01-05T10:00:00Z|2024-01-05T10:00:00+02:00", .found = "timestamp"},
        {.texts = "2024-01-05T10:00:00Z|2024-01-05T10:00:00",
         .found = "timestamp",
         .doubt = "some have none"},
        {.texts = "2024-01-05 10:00:00 CET", .found = "text"},
        {.texts = "25/12/2023 10:00:00", .found = "timestamp %d/%m/%Y %H:%M:%S"},
        {.texts = "12/25/2023 1:05 PM", .found = "timestamp %m/%d/%Y %I:%M %p"},
        {.texts = "2024-01-05|05/01/2024", .found = "text"},
        {.texts = "0000-01-01", .found = "text"},
        {.texts = "10:30|11:45", .found = "text"},
    };
    CHECK(samples);
}

static void years_of_two_digits_are_never_guessed(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "05/01/24|25/12/23", .found = "text", .doubt = "year first or day first"},
        {.texts = "31/12/98|28/02/99",
         .found = "text",
         .meant = "date %d/%m/%y",
         .doubt = "two digits"},
        {.texts = "12/31/98 10:00",
         .found = "text",
         .meant = "timestamp %m/%d/%y %H:%M",
         .doubt = "two digits"},
        {.texts = "24-01-05|23-12-25", .found = "text", .doubt = "may be dates"},
        {.texts = "1-2-3|4-5-6", .found = "text"},
        {.texts = "10/11/12|09/10/11",
         .found = "text",
         .doubt = "year first or day first or month first"},
        {.texts = "1.2.3|1.10.0", .found = "text"},
        {.texts = "31-Dec-98", .found = "text", .meant = "date %d-%b-%y", .doubt = "two digits"},
    };
    CHECK(samples);
}

static void other_ways_to_write_numbers_are_only_proposed(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "1,5|2", .found = "text", .meant = "double decimal ,", .doubt = "in another way"},
        {.texts = "1.234,5|2",
         .found = "text",
         .meant = "double decimal , thousands .",
         .doubt = "in another way"},
        {.texts = "1,234,567|2",
         .found = "text",
         .meant = "bigint thousands ,",
         .doubt = "in another way"},
        {.texts = "1,234.5",
         .found = "text",
         .meant = "double thousands ,",
         .doubt = "in another way"},
        {.texts = "12 345|1",
         .found = "text",
         .meant = "bigint thousands  ",
         .doubt = "in another way"},
        {.texts = "1'000",
         .found = "text",
         .meant = "bigint thousands '",
         .doubt = "in another way"},
        {.texts = "1,234|2,345", .found = "text", .doubt = "decimal sign"},
        {.texts = "12.5%|7%",
         .found = "text",
         .meant = "double percent",
         .doubt = "in another way"},
        {.texts = "12%", .found = "text", .meant = "double percent", .doubt = "in another way"},
        {.texts = "1,5%",
         .found = "text",
         .meant = "double decimal , percent",
         .doubt = "in another way"},
        {.texts = "1,2,3", .found = "text"},
    };
    CHECK(samples);
}

/* One column for each row of texts. */
static struct survey *table_of(const char *const *rows, size_t count, size_t columns)
{
    struct survey *s;
    survey_new(&plain, columns, &s);
    for (size_t i = 0; i < count; i++) {
        const char *at = rows[i];
        for (size_t k = 0; k < columns; k++) {
            size_t length = strcspn(at, "|");
            survey_add(s, k, at, length);
            at += length + (at[length] == '|');
        }
    }
    return s;
}

static void the_signs_of_numbers_are_those_of_most_columns(void **state)
{
    (void)state;
    static const struct {
        const char *rows[3];
        const char *signs; /* "": the source's own */
    } cases[] = {
        {{"a|1.500|0,5", "b|2.250|0,25", "c|3.750|7,75"}, ",."},
        {{"a|1,500|0.5", "b|2,250|0.25", "c|3,750|7.75"}, ".,"},
        {{"a|1.234|x", "b|567|x", "c|12.345.678|x"}, ",."},
        {{"a|1'234.5|x", "b|2.5|x", "c|7|x"}, ".'"},
        {{"a|1,5|1.5", "b|2,25|2.25", "c|3,75|3.75"}, ""}, /* some of either kind */
        {{"a|1,500|x", "b|2,250|x", "c|3,750|x"}, ""},     /* nobody knows */
        {{"a|1.500|x", "b|2.250|x", "c|3.750|x"}, ""},
        {{"a|1|2", "b|3|4", "c|5|6"}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct survey *s = table_of(cases[i].rows, 3, 3);
        char signs[3] = "";
        if (!survey_signs(s, &signs[0], &signs[1]))
            signs[0] = '\0';
        if (strcmp(signs, cases[i].signs) != 0)
            fail_msg("%s ...: \"%s\" instead of \"%s\"", cases[i].rows[0], signs, cases[i].signs);
        survey_free(s);
    }
}

static void a_sign_that_may_be_the_other_one_is_doubtful(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "1.234|5.678", .found = "double", .doubt = "A point in it may be"},
        {.texts = "1.234|5.6", .found = "double"},
        {.texts = "0.234|0.678", .found = "double"},
        {.texts = "20240105|20251231", .found = "bigint", .doubt = "may be dates; the format"},
        {.texts = "20240105|20251331", .found = "bigint"},
    };
    CHECK(samples);
}

static void words_for_missing_values_are_named(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.texts = "1|-|2|n/a",
         .found = "text",
         .meant = "bigint null - null n/a",
         .doubt = "\"-\", \"n/a\""},
        {.texts = "1.5|..",
         .found = "text",
         .meant = "double null ..",
         .doubt = "may mean NULL: \"..\"."},
        {.texts = "1|s/d|\xe2\x80\x94",
         .found = "text",
         .meant = "bigint null s/d null \xe2\x80\x94",
         .doubt = "s/d"},
        {.texts = "2024-01-05|NULL", .found = "text", .meant = "date null NULL", .doubt = "NULL"},
        {.texts = "NA|DE|FR", .found = "text"},
        {.texts = "DE |FR ", .found = "text", .meant = "text trim", .doubt = "blanks around"},
        {.texts = "1 | 2", .found = "bigint"},
        {.texts = "-|-", .found = "text"},
        {.texts = "true|FALSE", .found = "boolean"},
        {.texts = "yes|no", .found = "text"},
        {.texts = "1|2|3|4|5|6|7|8|9|10|11|a\tb", .found = "text", .doubt = "\"a b\""},
        {.texts = "1|2|3|4|5|6|7|8|9|10|11|x|12",
         .found = "text",
         .doubt = "because of \"x\", value 12."},
    };
    CHECK(samples);
}

static void settings_of_the_source_are_heeded(void **state)
{
    (void)state;
    static const char *const nulls[] = {"", "-"};
    struct survey_options options = {
        .nulls = nulls, .null_count = 2, .decimal = ',', .thousands = '.', .trim = true};
    struct format *dates[1];
    assert_int_equal(format_parse("%Y%m%d", TYPE_DATE, FORMAT_PIVOT, &dates[0], NULL), ERR_OK);
    struct survey_options compact = {.decimal = '.', .dates = dates, .date_count = 1};
    struct str doubts;
    str_init(&doubts, STR_MAX_DEFAULT);
    struct survey *t = survey_of("20240105|20240106", &compact);
    survey_doubts(t, 0, &doubts);
    assert_non_null(strstr(doubts.data, "may be dates; the format would be \"%Y%m%d\""));
    str_release(&doubts);
    survey_free(t);
    format_free(dates[0]);
    struct survey *s = survey_of("1.234,5| - |-||7", &options);
    struct survey_finding f;
    survey_find(s, 0, &f);
    assert_int_equal(f.type.kind, TYPE_DOUBLE);
    assert_int_equal(f.values, 2);
    assert_int_equal(f.nulls, 3);
    survey_free(s);
    s = survey_of("1.5", &options);
    survey_find(s, 0, &f);
    assert_int_equal(f.type.kind, TYPE_TEXT);
    survey_free(s);
}

/* Every text that a survey saw is a value for the cast of what it found. */
static void what_is_found_also_loads(void **state)
{
    (void)state;
    static const char *const columns[] = {
        "1|-2| 3 |0",
        "9223372036854775808|1",
        "1.0|2e+5|nan",
        "0.1234567890123456789|1",
        "true|FALSE",
        "2024-01-05",
        "2024-1-5|2024-01-06",
        "25/12/2023",
        "2024-01-05 10:00|2024-01-05",
        "12/25/2023 1:05 PM",
        " a |b",
        "007",
        "-1.5|+2",
    };
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        struct survey *s = survey_of(columns[i], &plain);
        struct survey_finding f;
        survey_find(s, 0, &f);
        struct cast_options options = {
            .type = f.type, .formats = &f.format, .format_count = f.format != NULL};
        struct cast *c;
        struct column column;
        assert_int_equal(cast_new(&options, &c, NULL), ERR_OK);
        column_init(&column, f.type);
        for (const char *at = columns[i];;) {
            size_t length = strcspn(at, "|");
            if (cast_text(c, at, length, &column) != CAST_VALUE)
                fail_msg("\"%.*s\" does not load", (int)length, at);
            at += length;
            if (*at++ == '\0')
                break;
        }
        column_release(&column);
        cast_free(c);
        survey_free(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_bigint_or_exact_decimals),
        cmocka_unit_test(a_decimal_point_makes_a_double_while_its_digits_survive),
        cmocka_unit_test(dates_are_found_where_one_reading_is_left),
        cmocka_unit_test(years_of_two_digits_are_never_guessed),
        cmocka_unit_test(other_ways_to_write_numbers_are_only_proposed),
        cmocka_unit_test(the_signs_of_numbers_are_those_of_most_columns),
        cmocka_unit_test(a_sign_that_may_be_the_other_one_is_doubtful),
        cmocka_unit_test(words_for_missing_values_are_named),
        cmocka_unit_test(settings_of_the_source_are_heeded),
        cmocka_unit_test(what_is_found_also_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* Strict casts: what is exactly a value of a type becomes one, everything else becomes NULL. */
#include "engine/cast.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/sql.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"

static char *folder;
static struct engine *engine;

static int open_engine(void **state)
{
    (void)state;
    folder = temp_folder_new();
    engine = temp_engine_new(folder, 1);
    return 0;
}

static int close_engine(void **state)
{
    (void)state;
    engine_free(engine);
    temp_folder_free(folder);
    return 0;
}

struct sample {
    const char *type;
    const char *text;
    const char *expected; /* NULL: no such value */
    const char *format;   /* NULL: ISO 8601 */
    char decimal;         /* 0: '.' */
    char thousands;
};

/* The value that a text becomes, as text; NULL where it becomes none. The caller frees it. */
static char *cast_text(const struct sample *s)
{
    struct cast_rules rules = {&s->format, s->format != NULL ? 1 : 0,
                               s->decimal != '\0' ? s->decimal : '.', s->thousands};
    struct error err = ERROR_INIT;
    struct type type;
    struct str value;
    struct str sql;
    char *out = NULL;
    assert_int_equal(type_parse(s->type, &type, &err), ERR_OK);
    str_init(&value, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    cast_expression(&value, "x", "VARCHAR", type, &rules);
    str_append(&sql, "SELECT ");
    cast_to_text(&sql, "v", type);
    sql_printf(&sql, " FROM (SELECT %s AS v FROM (SELECT %t AS x))", value.data, s->text);
    int rc = engine_text(engine, sql.data, &out, &err);
    if (rc != ERR_OK)
        fail_msg("%s as %s: %s", s->text, s->type, err.text);
    str_release(&value);
    str_release(&sql);
    return out;
}

static void check(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct sample *s = &samples[i];
        char *found = cast_text(s);
        const char *shown = found != NULL ? found : "(no value)";
        const char *expected = s->expected != NULL ? s->expected : "(no value)";
        if (strcmp(shown, expected) != 0)
            fail_msg("\"%s\" as %s became %s, not %s", s->text, s->type, shown, expected);
        free(found);
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
        {.type = "bigint", .text = "007", .expected = "7"},
        {.type = "bigint", .text = "9223372036854775807", .expected = "9223372036854775807"},
        {.type = "int", .text = "1.5", .expected = NULL},
        {.type = "int", .text = "1e3", .expected = NULL},
        {.type = "int", .text = "1_000", .expected = NULL},
        {.type = "int", .text = "0x1F", .expected = NULL},
        {.type = "int", .text = "2147483648", .expected = NULL},
        {.type = "bigint", .text = "9223372036854775808", .expected = NULL},
        {.type = "int", .text = "", .expected = NULL},
        {.type = "int", .text = "five", .expected = NULL},
        {.type = "int", .text = "1,000", .expected = NULL},
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
        {.type = "decimal(6,2)", .text = ".5", .expected = "0.50"},
        {.type = "decimal(6,2)", .text = "-0.05", .expected = "-0.05"},
        {.type = "decimal(6,2)", .text = "3.145", .expected = NULL},
        {.type = "decimal(6,2)", .text = "12345.00", .expected = NULL},
        {.type = "decimal(6,2)", .text = "1_0.00", .expected = NULL},
        {.type = "decimal(6,2)", .text = "1,5", .expected = NULL},
        {.type = "decimal(6,2)", .text = "1,5", .expected = "1.50", .decimal = ','},
        {.type = "decimal(6,0)", .text = "7", .expected = "7"},
        {.type = "decimal(6,0)", .text = "7.0", .expected = "7"},
        {.type = "decimal(6,0)", .text = ".5", .expected = NULL},
        {.type = "decimal(6,0)", .text = "7.5", .expected = NULL},
        {.type = "decimal(10,8)", .text = "1e-5", .expected = "0.00001000"},
        {.type = "decimal(10,4)", .text = "1e-5", .expected = NULL},
        {.type = "decimal(38,0)",
         .text = "99999999999999999999999999999999999999",
         .expected = "99999999999999999999999999999999999999"},
    };
    CHECK(samples);
}

static void days_and_moments_are_what_they_say(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "date", .text = "2031-01-31", .expected = "2031-01-31"},
        {.type = "date", .text = "2031-1-5", .expected = "2031-01-05"},
        {.type = "date", .text = "2031-01-31 00:00:00", .expected = "2031-01-31"},
        {.type = "date", .text = "2031-01-31 10:00:00", .expected = NULL},
        {.type = "date", .text = "2031-02-30", .expected = NULL},
        {.type = "date", .text = "infinity", .expected = NULL},
        {.type = "date", .text = "epoch", .expected = NULL},
        {.type = "date", .text = "31/01/2031", .expected = NULL},
        {.type = "date", .text = "31/01/2031", .expected = "2031-01-31", .format = "%d/%m/%Y"},
        {.type = "date", .text = "2031-22-01", .expected = "2031-01-22", .format = "%Y-%d-%m"},
        {.type = "date", .text = "2031-01-22", .expected = NULL, .format = "%Y-%d-%m"},
        {.type = "timestamp",
         .text = "2031-01-31 10:00:00",
         .expected = "2031-01-31T10:00:00.000000Z"},
        {.type = "timestamp",
         .text = "2031-01-31T10:00:00.123456+02:00",
         .expected = "2031-01-31T08:00:00.123456Z"},
        {.type = "timestamp", .text = "infinity", .expected = NULL},
        {.type = "timestamp", .text = "epoch", .expected = NULL},
        {.type = "timestamp",
         .text = "31.01.2031 10:30",
         .expected = "2031-01-31T10:30:00.000000Z",
         .format = "%d.%m.%Y %H:%M"},
        {.type = "time", .text = "10:30:15.5", .expected = "10:30:15.5"},
        {.type = "time", .text = "25:00:00", .expected = NULL},
    };
    CHECK(samples);
}

static void other_types_take_only_their_own_values(void **state)
{
    (void)state;
    static const struct sample samples[] = {
        {.type = "double", .text = "1.5e3", .expected = "1500.0"},
        {.type = "double", .text = "-0.0", .expected = "0.0"},
        {.type = "double", .text = "1_0.5", .expected = NULL},
        {.type = "double", .text = "1,5", .expected = NULL},
        {.type = "double",
         .text = "1.234,5",
         .expected = "1234.5",
         .decimal = ',',
         .thousands = '.'},
        {.type = "boolean", .text = "true", .expected = "true"},
        {.type = "boolean", .text = "maybe", .expected = NULL},
        {.type = "text", .text = " as it is ", .expected = " as it is "},
        {.type = "uuid",
         .text = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab",
         .expected = "0b9f5f1e-6c1b-4e5e-9d5c-0123456789ab"},
        {.type = "uuid", .text = "0b9f", .expected = NULL},
        {.type = "binary", .text = "00FF", .expected = "00FF"},
        {.type = "binary", .text = "0G", .expected = NULL},
        {.type = "binary", .text = "zz", .expected = NULL},
        {.type = "binary", .text = "0", .expected = NULL},
        {.type = "binary", .text = "", .expected = ""},
        {.type = "double", .text = "1e308", .expected = "1e+308"},
        {.type = "double", .text = "1e309", .expected = NULL},
        {.type = "double", .text = "-1E400", .expected = NULL},
        {.type = "double", .text = "-inf", .expected = "-inf"},
        {.type = "double", .text = "Infinity", .expected = "inf"},
        {.type = "double", .text = "nan", .expected = "nan"},
    };
    CHECK(samples);
}

/* Value of a native expression cast to a type, as text; NULL where it does not fit. */
static char *cast_native(const char *raw, const char *raw_type, const char *to)
{
    struct cast_rules rules = {NULL, 0, '.', '\0'};
    struct error err = ERROR_INIT;
    struct type type;
    struct str value;
    struct str sql;
    char *out = NULL;
    assert_int_equal(type_parse(to, &type, &err), ERR_OK);
    str_init(&value, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    cast_expression(&value, "x", raw_type, type, &rules);
    str_append(&sql, "SELECT ");
    cast_to_text(&sql, "v", type);
    sql_printf(&sql, " FROM (SELECT %s AS v FROM (SELECT CAST(%s AS %s) AS x))", value.data, raw,
               raw_type);
    if (engine_text(engine, sql.data, &out, &err) != ERR_OK)
        fail_msg("%s as %s: %s", raw, to, err.text);
    str_release(&value);
    str_release(&sql);
    return out;
}

static void native_values_lose_nothing_on_the_way(void **state)
{
    (void)state;
    static const struct {
        const char *raw, *raw_type, *to, *expected;
    } samples[] = {
        {"5", "SMALLINT", "int", "5"},
        {"5.0", "DOUBLE", "int", "5"},
        {"5.5", "DOUBLE", "int", NULL},
        {"3000000000", "BIGINT", "int", NULL},
        {"0.1", "DOUBLE", "decimal(6,2)", "0.10"},
        {"0.125", "DOUBLE", "decimal(6,2)", NULL},
        {"'2031-01-31 00:00:00'", "TIMESTAMP", "date", "2031-01-31"},
        {"'2031-01-31 10:00:00'", "TIMESTAMP", "date", NULL},
        {"'2031-01-31 10:00:00'", "TIMESTAMP", "timestamp", "2031-01-31T10:00:00.000000Z"},
        {"'2031-01-31 10:00:00'", "TIMESTAMP_S", "timestamp", "2031-01-31T10:00:00.000000Z"},
        {"'2031-01-31 10:00:00.5'", "TIMESTAMP_MS", "timestamp", "2031-01-31T10:00:00.500000Z"},
        {"'2031-01-31 10:00:00.123456'", "TIMESTAMP_NS", "timestamp",
         "2031-01-31T10:00:00.123456Z"},
        {"'2031-01-31 10:00:00.123456789'", "TIMESTAMP_NS", "timestamp", NULL},
        {"'2031-01-31 00:00:00'", "TIMESTAMP_NS", "date", "2031-01-31"},
        {"'2031-01-31 00:00:01'", "TIMESTAMP_NS", "date", NULL},
        {"7", "INTEGER", "text", "7"},
        {"-0.0", "DOUBLE", "double", "0.0"},
    };
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        char *found = cast_native(samples[i].raw, samples[i].raw_type, samples[i].to);
        if (samples[i].expected == NULL)
            assert_null(found);
        else
            assert_string_equal(found, samples[i].expected);
        free(found);
    }
}

static void a_literal_is_the_inverse_of_the_text(void **state)
{
    (void)state;
    static const char *const types[] = {"timestamp", "binary", "double", "decimal(9,3)", "text"};
    static const char *const texts[] = {"2031-01-31T10:00:00.123456Z", "00FF", "0.1", "12.345",
                                        "it's"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct error err = ERROR_INIT;
        struct type type;
        struct str literal;
        struct str sql;
        char *out;
        assert_int_equal(type_parse(types[i], &type, &err), ERR_OK);
        str_init(&literal, STR_MAX_DEFAULT);
        str_init(&sql, STR_MAX_DEFAULT);
        cast_literal(&literal, texts[i], type);
        str_append(&sql, "SELECT ");
        cast_to_text(&sql, literal.data, type);
        assert_int_equal(engine_text(engine, sql.data, &out, &err), ERR_OK);
        assert_string_equal(out, texts[i]);
        free(out);
        str_release(&literal);
        str_release(&sql);
    }
}

static void types_of_duckdb_have_types_of_ours_or_none(void **state)
{
    (void)state;
    assert_int_equal(cast_type_of("SMALLINT").kind, TYPE_INT);
    assert_int_equal(cast_type_of("UINTEGER").kind, TYPE_BIGINT);
    assert_int_equal(cast_type_of("TIMESTAMP_NS").kind, TYPE_TIMESTAMP);
    assert_int_equal(cast_type_of("DECIMAL(18,3)").precision, 18);
    assert_int_equal(cast_type_of("DECIMAL(18,3)").scale, 3);
    assert_int_equal(cast_type_of("STRUCT(a INTEGER)").kind, TYPE_NONE);
    assert_int_equal(cast_type_of("INTEGER[]").kind, TYPE_NONE);
    assert_int_equal(cast_type_of("INTERVAL").kind, TYPE_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_numbers_are_never_rounded_or_guessed),
        cmocka_unit_test(decimals_keep_every_digit_or_are_refused),
        cmocka_unit_test(days_and_moments_are_what_they_say),
        cmocka_unit_test(other_types_take_only_their_own_values),
        cmocka_unit_test(native_values_lose_nothing_on_the_way),
        cmocka_unit_test(a_literal_is_the_inverse_of_the_text),
        cmocka_unit_test(types_of_duckdb_have_types_of_ours_or_none),
    };
    return cmocka_run_group_tests(tests, open_engine, close_engine);
}

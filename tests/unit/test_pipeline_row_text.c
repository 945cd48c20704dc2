#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/row_text.h"
#include "util/json.h"

static struct str out;

static int setup(void **state)
{
    (void)state;
    str_init(&out, STR_MAX_DEFAULT);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    str_release(&out);
    return 0;
}

static void csv(const char *const *values, size_t count)
{
    size_t lengths[8];
    for (size_t i = 0; i < count; i++)
        lengths[i] = values[i] != NULL ? strlen(values[i]) : 0;
    str_clear(&out);
    row_text_csv(values, lengths, count, &out);
}
#define CSV(...)                            \
    csv((const char *const[]){__VA_ARGS__}, \
        sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static void json(enum type_kind kind, const char *value)
{
    static const char *const names[] = {"x"};
    struct type type = {.kind = kind};
    size_t length = value != NULL ? strlen(value) : 0;
    str_clear(&out);
    row_text_json(names, &type, &value, &length, 1, &out);
}

static void fields_are_quoted_where_they_must_be(void **state)
{
    (void)state;
    CSV("a", "b c", "d");
    assert_string_equal(out.data, "a,b c,d\n");
    CSV("a,b", "say \"hi\"", "two\nlines", "cr\r");
    assert_string_equal(out.data, "\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\",\"cr\r\"\n");
    CSV("\"", "\"\"", "x\"");
    assert_string_equal(out.data, "\"\"\"\",\"\"\"\"\"\",\"x\"\"\"\n");
}

static void null_and_the_empty_text_are_told_apart(void **state)
{
    (void)state;
    CSV(NULL, "", NULL);
    assert_string_equal(out.data, ",\"\",\n");
    CSV(NULL);
    assert_string_equal(out.data, "\n");
    CSV("");
    assert_string_equal(out.data, "\"\"\n");
}

static void a_nul_byte_is_a_byte_as_any_other(void **state)
{
    (void)state;
    const char *value = "a\0b\"";
    size_t length = 4;
    row_text_csv(&value, &length, 1, &out);
    assert_int_equal(out.len, 8);
    assert_memory_equal(out.data, "\"a\0b\"\"\"\n", 8);
    static const char *const names[] = {"x"};
    struct type type = {.kind = TYPE_TEXT};
    str_clear(&out);
    row_text_json(names, &type, &value, &length, 1, &out);
    assert_string_equal(out.data, "{\"x\":\"a\\u0000b\\\"\"}\n");
}

static void numbers_and_truth_values_are_bare(void **state)
{
    (void)state;
    json(TYPE_INT, "-7");
    assert_string_equal(out.data, "{\"x\":-7}\n");
    json(TYPE_BIGINT, "9223372036854775807");
    assert_string_equal(out.data, "{\"x\":9223372036854775807}\n");
    json(TYPE_BOOLEAN, "true");
    assert_string_equal(out.data, "{\"x\":true}\n");
    json(TYPE_DOUBLE, "1e-05");
    assert_string_equal(out.data, "{\"x\":1e-05}\n");
    json(TYPE_DECIMAL, "0.10");
    assert_string_equal(out.data, "{\"x\":0.10}\n");
}

static void what_is_no_number_of_json_is_null(void **state)
{
    (void)state;
    static const char *const values[] = {"inf", "-inf", "nan", NULL};
    for (size_t i = 0; i < 4; i++) {
        json(TYPE_DOUBLE, values[i]);
        assert_string_equal(out.data, "{\"x\":null}\n");
    }
    json(TYPE_TEXT, "nan");
    assert_string_equal(out.data, "{\"x\":\"nan\"}\n");
}

static void other_types_are_strings(void **state)
{
    (void)state;
    static const enum type_kind kinds[] = {TYPE_TEXT,      TYPE_DATE, TYPE_TIME,
                                           TYPE_TIMESTAMP, TYPE_UUID, TYPE_BINARY};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        json(kinds[i], "12");
        assert_string_equal(out.data, "{\"x\":\"12\"}\n");
    }
}

static void every_text_survives_as_json(void **state)
{
    (void)state;
    char text[0x80 + 8];
    for (int c = 1; c < 0x80; c++)
        text[c - 1] = (char)c;
    memcpy(text + 0x7f, "\u00e4\u20ac", sizeof "\u00e4\u20ac");
    json(TYPE_TEXT, text);
    struct json *parsed = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(json_parse(out.data, out.len - 1, "row", &parsed, &err), ERR_OK);
    assert_string_equal(json_string(json_get(parsed, "x")), text);
    json_free(parsed);
    for (size_t i = 0; i + 1 < out.len; i++)
        assert_true((unsigned char)out.data[i] >= 0x20);
}

static void names_are_escaped_too(void **state)
{
    (void)state;
    static const char *const names[] = {"a\"b", "c\nd"};
    static const char *const values[] = {"1", "2"};
    static const size_t lengths[] = {1, 1};
    static const struct type types[] = {{.kind = TYPE_INT}, {.kind = TYPE_TEXT}};
    row_text_json(names, types, values, lengths, 2, &out);
    assert_string_equal(out.data, "{\"a\\\"b\":1,\"c\\nd\":\"2\"}\n");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(fields_are_quoted_where_they_must_be), CASE(null_and_the_empty_text_are_told_apart),
        CASE(a_nul_byte_is_a_byte_as_any_other),    CASE(numbers_and_truth_values_are_bare),
        CASE(what_is_no_number_of_json_is_null),    CASE(other_types_are_strings),
        CASE(every_text_survives_as_json),          CASE(names_are_escaped_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

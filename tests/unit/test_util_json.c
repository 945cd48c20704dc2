#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "util/json.h"
#include "util/mem.h"

static struct json *parsed(const char *text)
{
    struct json *value = NULL;
    struct error err = ERROR_INIT;
    int rc = json_parse(text, strlen(text), "The test", &value, &err);
    assert_string_equal(err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_non_null(value);
    return value;
}

/* The value in one line; the value is freed. */
static void assert_written(struct json *value, const char *expected)
{
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    json_write(value, false, &s);
    assert_int_equal(str_check(&s, "x", NULL), ERR_OK);
    assert_string_equal(s.data, expected);
    str_release(&s);
    json_free(value);
}

static void assert_round_trip(const char *text)
{
    assert_written(parsed(text), text);
}

static void every_kind_of_value_is_kept(void **state)
{
    (void)state;
    assert_round_trip("{}");
    assert_round_trip("[]");
    assert_round_trip("null");
    assert_round_trip("true");
    assert_round_trip("\"text\"");
    assert_round_trip("-12");
    assert_round_trip("9223372036854775807");
    assert_round_trip("-9223372036854775808");
    assert_round_trip("0.5");
    assert_round_trip("{\"z\":1,\"a\":[true,false,null,{\"k\":\"v\"}],\"m\":-2.25}");
    assert_round_trip("\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x8c\x8a / \\\" \\\\ \\n \\u001F\"");
    assert_written(parsed(" { \"a\" : [ 1 , 2 ] } \n"), "{\"a\":[1,2]}");
    assert_written(parsed("\"\\u00e9\\ud83c\\udf0a\\/\""), "\"\xc3\xa9\xf0\x9f\x8c\x8a/\"");
}

/* Fifteen digits: what a person wrote comes back as it was written, 0.1 and not its last bit. */
static void reals_are_written_as_people_write_them(void **state)
{
    (void)state;
    assert_written(json_new_real(0.1), "0.1");
    assert_written(json_new_real(0.000957), "0.000957");
    assert_written(json_new_real(123456789.125), "123456789.125");
    assert_written(json_new_real(1e300), "1e300");
    assert_written(json_new_real(1.0 / 3), "0.333333333333333");
}

/* jansson calls functions of its own that have the names of some of ours. */
static void jansson_keeps_its_own_functions(void **state)
{
    (void)state;
    struct json *value = parsed("[7,2.5,\"s\",[8]]");
    assert_int_equal(json_integer(json_at(value, 0)), 7);
    assert_true(json_real(json_at(value, 1)) == 2.5);
    assert_string_equal(json_string(json_at(value, 2)), "s");
    struct json *copy = json_copy(value);
    json_free(value);
    assert_written(copy, "[7,2.5,\"s\",[8]]");
}

static void assert_refused(const char *text, size_t count)
{
    struct error err = ERROR_INIT;
    struct json *value = (struct json *)&err;
    if (json_parse(text, count, "The manifest m.json", &value, &err) != ERR_DAMAGED)
        fail_msg("accepted: %s", text);
    assert_null(value);
    assert_non_null(strstr(err.text, "The manifest m.json is not valid JSON, at line "));
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        " ",
        "{",
        "[1,]",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "[1] x",
        "[1][2]",
        "nul",
        "NaN",
        "[Infinity]",
        "01",
        "+1",
        "1.",
        ".5",
        "\"open",
        "\"tab\there\"",
        "\"\\x41\"",
        "\"\\ud800\"",
        "\"\\udc00\\ud800\"",
        "\"\xff\"",
        "\"\xc0\xaf\"",
        "\"\xed\xa0\x80\"",
        "\xef\xbb\xbf{}",
        "// comment\n{}",
        "9223372036854775808",
        "-9223372036854775809",
        "1e999",
        "\"a\\u0000b\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_refused(bad[i], strlen(bad[i]));
    assert_refused(NULL, 0);
    assert_refused("{}\0", 3);
    assert_refused("[1", 2);
    assert_int_equal(json_parse("{", 1, "x", &(struct json *){NULL}, NULL), ERR_DAMAGED);
}

static void a_flaw_is_found_where_it_is(void **state)
{
    (void)state;
    struct json_flaw flaw;
    static const char text[] = "[1,\n {\"a\" 2}]";
    assert_true(json_find_flaw(text, strlen(text), &flaw));
    assert_int_equal(flaw.line, 2);
    assert_int_equal(flaw.column, 7);
    assert_string_equal(flaw.reason, "':' expected near '2'");
    assert_true(json_find_flaw(NULL, 0, &flaw));
    assert_int_equal(flaw.line, 1);
    static const char nul[] = "[1,\n2]\0";
    assert_true(json_find_flaw(nul, sizeof nul - 1, &flaw));
    assert_int_equal(flaw.line, 2);
    assert_int_equal(flaw.column, 3);
    assert_string_equal(flaw.reason, "NUL is not allowed in a text");
    assert_true(json_find_flaw("\0[1]", 4, &flaw));
    assert_true(json_find_flaw("[1\0]", 4, &flaw));
    assert_true(json_find_flaw("1\0x", 3, &flaw));
    /* Sources may have these. */
    static const char *const fine[] = {"{\"a\":1,\"a\":2}", "123456789012345678901234567890",
                                       "\"a\\u0000b\"", "1e999"};
    for (size_t i = 0; i < sizeof fine / sizeof *fine; i++)
        assert_false(json_find_flaw(fine[i], strlen(fine[i]), &flaw));
}

static void repeated_names_are_refused(void **state)
{
    (void)state;
    assert_refused("{\"a\":1,\"b\":2,\"a\":3}", 19);
    assert_refused("{\"x\":{\"a\":1,\"\\u0061\":3}}", 24);
}

static void an_error_names_line_and_column(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct json *value;
    const char *text = "{\n  \"a\": 1,\n  \"b\": ?\n}";
    assert_int_equal(json_parse(text, strlen(text), "m.json", &value, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "m.json is not valid JSON, at line 3, column "));
}

static void only_the_given_bytes_are_read(void **state)
{
    (void)state;
    struct json *value;
    assert_int_equal(json_parse("[12]garbage", 4, "x", &value, NULL), ERR_OK);
    assert_written(value, "[12]");
}

static void nesting_is_bounded(void **state)
{
    (void)state;
    const size_t depth = 500000;
    char *bomb = mem_alloc(2 * depth + 1);
    memset(bomb, '[', depth);
    memset(bomb + depth, ']', depth);
    bomb[2 * depth] = '\0';
    struct error err = ERROR_INIT;
    struct json *value;
    assert_int_equal(json_parse(bomb, 2 * depth, "x", &value, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "depth"));
    assert_int_equal(json_parse(bomb + depth - 2000, 4000, "x", &value, &err), ERR_OK);
    json_free(value);
    free(bomb);
}

static void long_strings_are_kept_whole(void **state)
{
    (void)state;
    const size_t length = 3000000;
    char *text = mem_alloc(length + 1);
    memset(text, 'x', length);
    text[length] = '\0';
    struct json *value = json_new_string(text);
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    json_write(value, false, &s);
    assert_int_equal(s.len, length + 2);
    struct json *back = parsed(s.data);
    assert_string_equal(json_string(back), text);
    json_free(back);
    json_free(value);
    str_release(&s);
    free(text);
}

static void objects_are_built_in_order(void **state)
{
    (void)state;
    struct json *o = json_new_object();
    struct json *list = json_new_array();
    json_append(list, json_new_integer(1));
    json_append(list, json_new_real(1.5));
    json_append(list, json_new_null());
    json_append(list, json_new_string("s"));
    json_set_string(o, "z", "last letter first");
    json_set_integer(o, "i", INT64_MIN);
    json_set_unsigned(o, "u", INT64_MAX);
    json_set_bool(o, "yes", true);
    json_set_bool(o, "no", false);
    json_set(o, "list", list);
    json_set_string(o, "none", NULL);
    json_set_real(o, "r", 0.25);
    json_set_string(o, "z", "replaced in its place");
    assert_written(o, "{\"z\":\"replaced in its place\",\"i\":-9223372036854775808,"
                      "\"u\":9223372036854775807,\"yes\":true,\"no\":false,"
                      "\"list\":[1,1.5,null,\"s\"],\"none\":null,\"r\":0.25}");
}

static void stored_objects_are_indented_by_two(void **state)
{
    (void)state;
    struct json *value = parsed("{\"a\":[1,{\"b\":null}],\"c\":{},\"d\":[]}");
    struct str s;
    str_init(&s, 1000);
    str_append(&s, "> ");
    json_write(value, true, &s);
    assert_string_equal(s.data, "> {\n"
                                "  \"a\": [\n"
                                "    1,\n"
                                "    {\n"
                                "      \"b\": null\n"
                                "    }\n"
                                "  ],\n"
                                "  \"c\": {},\n"
                                "  \"d\": []\n"
                                "}");
    str_release(&s);
    json_free(value);
}

static void writing_beyond_the_cap_is_seen(void **state)
{
    (void)state;
    struct json *value = parsed("{\"a\":[1,2,3,4,5,6,7,8,9]}");
    struct str s;
    str_init(&s, 10);
    json_write(value, false, &s);
    assert_int_equal(str_check(&s, "x", NULL), ERR_LIMIT);
    str_release(&s);
    json_free(value);
}

static void numbers_that_json_lacks_become_null(void **state)
{
    (void)state;
    assert_written(json_new_real((double)NAN), "null");
    assert_written(json_new_real((double)INFINITY), "null");
    assert_written(json_new_real((double)-INFINITY), "null");
    assert_written(json_new_string(NULL), "null");
    assert_written(json_copy(NULL), "null");
    struct str s;
    str_init(&s, 10);
    json_write(NULL, true, &s);
    assert_string_equal(s.data, "null");
    str_release(&s);
}

#define BAD "\xef\xbf\xbd"

static void ill_formed_utf8_is_replaced(void **state)
{
    (void)state;
    static const struct {
        const char *in;
        const char *out;
    } cases[] = {
        {"caf\xe9 noir", "\"caf" BAD " noir\""},
        {"\xff", "\"" BAD "\""},
        {"a\x80\x80z", "\"a" BAD BAD "z\""},
        {"\xc0\xaf", "\"" BAD BAD "\""},
        {"\xe0\x80\xaf", "\"" BAD BAD BAD "\""},
        {"\xed\xa0\x80", "\"" BAD BAD BAD "\""},
        {"\xf4\x90\x80\x80", "\"" BAD BAD BAD BAD "\""},
        {"\xf5\x80", "\"" BAD BAD "\""},
        {"\xe2\x82", "\"" BAD "\""},
        {"\xe2\x82|", "\"" BAD "|\""},
        {"\xf0\x9f\x8c", "\"" BAD "\""},
        {"\xf0\x9f\x8c\xf0\x9f\x8c\x8a", "\"" BAD "\xf0\x9f\x8c\x8a\""},
        {"\xc2", "\"" BAD "\""},
        {"\xff \xed\x9f\xbf \xee\x80\x80 \xf4\x8f\xbf\xbf", "\"" BAD " \xed\x9f\xbf \xee\x80\x80 "
                                                            "\xf4\x8f\xbf\xbf\""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_written(json_new_string(cases[i].in), cases[i].out);
}

static void ill_formed_names_are_replaced(void **state)
{
    (void)state;
    struct json *o = json_new_object();
    json_set_integer(o, "n\xe9", 1);
    json_set(o, "\xff", json_new_array());
    assert_written(o, "{\"n" BAD "\":1,\"" BAD "\":[]}");
}

static void copies_are_deep(void **state)
{
    (void)state;
    struct json *value = parsed("{\"a\":{\"b\":[1]}}");
    struct json *copy = json_copy(value);
    json_set_integer(value, "a", 2);
    assert_written(copy, "{\"a\":{\"b\":[1]}}");
    assert_written(value, "{\"a\":2}");
}

static void getters_without_checks_have_defaults(void **state)
{
    (void)state;
    struct json *v = parsed("{\"s\":\"x\",\"i\":3,\"r\":2.5,\"t\":true,\"f\":false,\"n\":null,"
                            "\"l\":[1,2],\"o\":{}}");
    const struct json *s = json_get(v, "s");
    const struct json *i = json_get(v, "i");
    const struct json *l = json_get(v, "l");
    assert_string_equal(json_string(s), "x");
    assert_string_equal(json_string(i), "");
    assert_string_equal(json_string(NULL), "");
    assert_int_equal(json_integer(i), 3);
    assert_int_equal(json_integer(json_get(v, "r")), 0);
    assert_int_equal(json_integer(NULL), 0);
    assert_true(json_real(i) == 3.0);
    assert_true(json_real(json_get(v, "r")) == 2.5);
    assert_true(json_real(s) == 0.0);
    assert_true(json_real(NULL) == 0.0);
    assert_true(json_bool(json_get(v, "t")));
    assert_false(json_bool(json_get(v, "f")));
    assert_false(json_bool(i));
    assert_false(json_bool(NULL));
    assert_int_equal(json_count(l), 2);
    assert_int_equal(json_integer(json_at(l, 1)), 2);
    assert_null(json_at(l, 2));
    assert_null(json_at(l, SIZE_MAX));
    assert_null(json_at(v, 0));
    assert_int_equal(json_count(v), 0);
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_get(v, "absent"));
    assert_null(json_get(l, "a"));
    assert_null(json_get(NULL, "a"));
    json_free(v);
    json_free(NULL);
}

static void kinds_are_told_apart(void **state)
{
    (void)state;
    struct json *v = parsed("{\"s\":\"x\",\"n\":null,\"l\":[]}");
    const struct json *s = json_get(v, "s");
    const struct json *n = json_get(v, "n");
    const struct json *l = json_get(v, "l");
    assert_true(json_is_object(v) && !json_is_array(v) && !json_is_string(v) && !json_is_null(v));
    assert_true(json_is_array(l) && !json_is_object(l));
    assert_true(json_is_string(s) && !json_is_null(s));
    assert_true(json_is_null(n) && !json_is_string(n));
    assert_true(json_is_null(NULL) && !json_is_object(NULL) && !json_is_array(NULL));
    assert_false(json_is_string(NULL));
    json_free(v);
}

static int note(void *ctx, const char *name, const struct json *value, struct error *err)
{
    struct str *s = ctx;
    str_printf(s, "%s=%lld ", name, (long long)json_integer(value));
    return json_integer(value) < 0 ? error_set(err, ERR_GATE, "negative") : ERR_OK;
}

static void fields_are_visited_in_order(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct str s;
    str_init(&s, 1000);
    struct json *v = parsed("{\"z\":1,\"a\":2,\"m\":3}");
    assert_int_equal(json_each(v, note, &s, &err), ERR_OK);
    assert_string_equal(s.data, "z=1 a=2 m=3 ");
    json_free(v);
    str_clear(&s);
    v = parsed("{\"z\":1,\"a\":-2,\"m\":3}");
    assert_int_equal(json_each(v, note, &s, &err), ERR_GATE);
    assert_string_equal(s.data, "z=1 a=-2 ");
    assert_string_equal(err.text, "negative");
    str_clear(&s);
    assert_int_equal(json_each(json_get(v, "z"), note, &s, &err), ERR_OK);
    assert_int_equal(json_each(NULL, note, &s, &err), ERR_OK);
    assert_string_equal(s.data, "");
    json_free(v);
    str_release(&s);
}

static void needed_fields_are_given(void **state)
{
    (void)state;
    struct json *v = parsed("{\"s\":\"x\",\"i\":-3,\"u\":9223372036854775807,\"t\":true,"
                            "\"f\":false,\"l\":[1],\"o\":{\"k\":1}}");
    const char *s = NULL;
    int64_t i = 0;
    uint64_t u = 0;
    bool b = false;
    const struct json *l = NULL;
    const struct json *o = NULL;
    assert_int_equal(json_need_string(v, "s", "x", &s, NULL), ERR_OK);
    assert_string_equal(s, "x");
    assert_int_equal(json_need_integer(v, "i", "x", &i, NULL), ERR_OK);
    assert_int_equal(i, -3);
    assert_int_equal(json_need_unsigned(v, "u", "x", &u, NULL), ERR_OK);
    assert_int_equal(u, INT64_MAX);
    assert_int_equal(json_need_bool(v, "t", "x", &b, NULL), ERR_OK);
    assert_true(b);
    assert_int_equal(json_need_bool(v, "f", "x", &b, NULL), ERR_OK);
    assert_false(b);
    assert_int_equal(json_need_array(v, "l", "x", &l, NULL), ERR_OK);
    assert_int_equal(json_count(l), 1);
    assert_int_equal(json_need_object(v, "o", "x", &o, NULL), ERR_OK);
    assert_int_equal(json_integer(json_get(o, "k")), 1);
    json_free(v);
}

static void a_missing_field_is_named(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct json *v = parsed("{}");
    const char *s;
    int64_t i;
    uint64_t u;
    bool b;
    const struct json *out;
    const char *expected = "The field \"size\" of manifest outputs.files[3] is missing.";
    const char *where = "manifest outputs.files[3]";
    assert_int_equal(json_need_string(v, "size", where, &s, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    error_clear(&err);
    assert_int_equal(json_need_integer(v, "size", where, &i, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    error_clear(&err);
    assert_int_equal(json_need_unsigned(v, "size", where, &u, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    error_clear(&err);
    assert_int_equal(json_need_bool(v, "size", where, &b, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    error_clear(&err);
    assert_int_equal(json_need_object(v, "size", where, &out, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    error_clear(&err);
    assert_int_equal(json_need_array(NULL, "size", where, &out, &err), ERR_DAMAGED);
    assert_string_equal(err.text, expected);
    json_free(v);
}

static void a_field_of_another_type_is_explained(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    struct json *v =
        parsed("{\"s\":\"x\",\"i\":-3,\"r\":1.0,\"t\":true,\"n\":null,\"l\":[],\"o\":{}}");
    const char *s;
    int64_t i;
    uint64_t u;
    bool b;
    const struct json *out;
    assert_int_equal(json_need_string(v, "i", "m", &s, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"i\" of m is an integer; it must be a string.");
    assert_int_equal(json_need_string(v, "n", "m", &s, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"n\" of m is null; it must be a string.");
    assert_int_equal(json_need_integer(v, "r", "m", &i, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"r\" of m is a number with a fraction; it must be "
                                  "an integer.");
    assert_int_equal(json_need_unsigned(v, "s", "m", &u, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"s\" of m is a string; it must be an integer.");
    assert_int_equal(json_need_unsigned(v, "i", "m", &u, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"i\" of m is -3; it must not be negative.");
    assert_int_equal(json_need_bool(v, "l", "m", &b, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"l\" of m is an array; it must be true or false.");
    assert_int_equal(json_need_object(v, "t", "m", &out, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"t\" of m is a truth value; it must be an object.");
    assert_int_equal(json_need_array(v, "o", "m", &out, &err), ERR_DAMAGED);
    assert_string_equal(err.text, "The field \"o\" of m is an object; it must be an array.");
    assert_int_equal(json_need_array(v, "o", "m", &out, NULL), ERR_DAMAGED);
    json_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_is_kept),
        cmocka_unit_test(reals_are_written_as_people_write_them),
        cmocka_unit_test(jansson_keeps_its_own_functions),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(a_flaw_is_found_where_it_is),
        cmocka_unit_test(repeated_names_are_refused),
        cmocka_unit_test(an_error_names_line_and_column),
        cmocka_unit_test(only_the_given_bytes_are_read),
        cmocka_unit_test(nesting_is_bounded),
        cmocka_unit_test(long_strings_are_kept_whole),
        cmocka_unit_test(objects_are_built_in_order),
        cmocka_unit_test(stored_objects_are_indented_by_two),
        cmocka_unit_test(writing_beyond_the_cap_is_seen),
        cmocka_unit_test(numbers_that_json_lacks_become_null),
        cmocka_unit_test(ill_formed_utf8_is_replaced),
        cmocka_unit_test(ill_formed_names_are_replaced),
        cmocka_unit_test(copies_are_deep),
        cmocka_unit_test(getters_without_checks_have_defaults),
        cmocka_unit_test(kinds_are_told_apart),
        cmocka_unit_test(fields_are_visited_in_order),
        cmocka_unit_test(needed_fields_are_given),
        cmocka_unit_test(a_missing_field_is_named),
        cmocka_unit_test(a_field_of_another_type_is_explained),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

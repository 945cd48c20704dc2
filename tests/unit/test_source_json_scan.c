/*
 * The grammar of JSON: what must be taken, what must be refused, and what RFC 8259 leaves open, by
 * the classes of the public JSONTestSuite (https://github.com/nst/JSONTestSuite), written anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/json_scan.h"
#include "util/mem.h"

/* A copy of exactly the size that a scan may read. */
static char *padded(const char *text, size_t length)
{
    char *copy = mem_calloc(length + JSON_SCAN_PADDING, 1);
    memcpy(copy, text, length);
    return copy;
}

/* Is all of the text one value, with blanks around it? */
static bool is_json(const char *text, size_t length, const char **flaw, size_t *at)
{
    char *copy = padded(text, length);
    struct json_scan s = {copy, copy + length, NULL};
    struct json_piece piece;
    json_scan_blanks(&s);
    bool good = json_scan_value(&s, &piece);
    if (good) {
        json_scan_blanks(&s);
        good = s.at == s.end || json_scan_fail(&s, s.at, "text behind the end");
    }
    *flaw = s.flaw;
    *at = (size_t)(s.at - copy);
    free(copy);
    return good;
}

struct text {
    const char *bytes;
    size_t length;
};
/* With the NULs inside. */
#define T(literal)                   \
    {                                \
        literal, sizeof(literal) - 1 \
    }

static void assert_verdicts(const struct text *texts, size_t count, bool good)
{
    for (size_t i = 0; i < count; i++) {
        const char *flaw;
        size_t at;
        if (is_json(texts[i].bytes, texts[i].length, &flaw, &at) != good)
            fail_msg("%.*s: should be %s; %s at %zu", (int)texts[i].length, texts[i].bytes,
                     good ? "taken" : "refused", flaw != NULL ? flaw : "the end", at);
    }
}
#define assert_taken(texts) assert_verdicts(texts, sizeof(texts) / sizeof *(texts), true)
#define assert_refused(texts) assert_verdicts(texts, sizeof(texts) / sizeof *(texts), false)

static void what_is_json_is_taken(void **state)
{
    (void)state;
    static const struct text texts[] = {
        T("[[]   ]"),
        T("[\"\"]"),
        T("[]"),
        T("[\"a\"]"),
        T("[false]"),
        T("[null, 1, \"1\", {}]"),
        T("[null]"),
        T("[1\n]"),
        T(" [1]"),
        T("[1,null,null,null,2]"),
        T("[2] "),
        /* numbers */
        T("[123e65]"),
        T("[0e+1]"),
        T("[0e1]"),
        T("[ 4]"),
        T("[-0.000000000000000000000000000001]"),
        T("[20e1]"),
        T("[-0]"),
        T("[-123]"),
        T("[-1]"),
        T("[1E22]"),
        T("[1E-2]"),
        T("[1E+2]"),
        T("[123e45]"),
        T("[123.456e78]"),
        T("[1e-2]"),
        T("[1e+2]"),
        T("[123]"),
        T("[123.456789]"),
        /* objects */
        T("{\"asd\":\"sdf\", \"dfg\":\"fgh\"}"),
        T("{\"asd\":\"sdf\"}"),
        T("{\"a\":\"b\",\"a\":\"c\"}"),
        T("{\"a\":\"b\",\"a\":\"b\"}"),
        T("{}"),
        T("{\"\":0}"),
        T("{\"foo\\u0000bar\": 42}"),
        T("{ \"min\": -1.0e+28, \"max\": 1.0e+28 }"),
        T("{\"x\":[{\"id\": \"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\"}], \"id\": \"x\"}"),
        T("{\"a\":[]}"),
        T("{\"title\":\"\\u041f\\u043e\\u043b\" }"),
        T("{\n\"a\": \"b\"\n}"),
        /* strings */
        T("[\"\\u0060\\u012a\\u12AB\"]"),
        T("[\"\\uD801\\udc37\"]"),
        T("[\"\\ud83d\\ude39\\ud83d\\udc8d\"]"),
        T("[\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"]"),
        T("[\"\\\\u0000\"]"),
        T("[\"\\\"\"]"),
        T("[\"a/*b*/c/*d//e\"]"),
        T("[\"\\\\a\"]"),
        T("[\"\\\\n\"]"),
        T("[\"\\u0012\"]"),
        T("[\"\\uFFFF\"]"),
        T("[\"asd\"]"),
        T("[ \"asd\"]"),
        T("[\"\\uDBFF\\uDFFF\"]"),
        T("[\"new\\u00A0line\"]"),
        T("[\"\xf4\x8f\xbf\xbf\"]"),
        T("[\"\xef\xbf\xbf\"]"),
        T("[\"\\u0000\"]"),
        T("[\"\\u002c\"]"),
        T("[\"\xcf\x80\"]"),
        T("[\"\xf0\x9b\xbf\xbf\"]"),
        T("[\"asd \"]"),
        T("\" \""),
        T("[\"\\uD834\\uDd1e\"]"),
        T("[\"\\u0821\"]"),
        T("[\"\\u0123\"]"),
        T("[\"\xe2\x80\xa8\"]"),
        T("[\"\xe2\x80\xa9\"]"),
        T("[\"\\u0061\\u30af\\u30EA\\u30b9\"]"),
        T("[\"new\\u000Aline\"]"),
        T("[\"\x7f\"]"),
        T("[\"\\uA66D\"]"),
        T("[\"\xe2\x8d\x82\xe3\x88\xb4\xe2\x8d\x82\"]"),
        T("[\"\\u005C\"]"),
        T("[\"\\u0022\"]"),
        T("[\"\\uDBFF\\uDFFE\"]"),
        T("[\"\\uD83F\\uDFFE\"]"),
        T("[\"\\u200B\"]"),
        T("[\"\\u2064\"]"),
        T("[\"\\uFDD0\"]"),
        T("[\"\\uFFFE\"]"),
        T("[\"\xe2\x82\xac\xf0\x9d\x84\x9e\"]"),
        T("[\"a\x7f"
          "a\"]"),
        /* alone */
        T("false"),
        T("42"),
        T("-0.1"),
        T("null"),
        T("\"asd\""),
        T("true"),
        T("\"\""),
        T("[\"a\"]\n"),
        T("[true]"),
        T(" [] "),
    };
    assert_taken(texts);
}

static void what_is_no_json_is_refused(void **state)
{
    (void)state;
    static const struct text texts[] = {
        /* arrays */
        T("[1 true]"),
        T("[a\xe5]"),
        T("[\"\": 1]"),
        T("[\"\"],"),
        T("[,1]"),
        T("[1,,2]"),
        T("[\"x\",,]"),
        T("[\"x\"]]"),
        T("[\"\",]"),
        T("[\"x\""),
        T("[x"),
        T("[3[4]]"),
        T("[\xff]"),
        T("[1:2]"),
        T("[,]"),
        T("[-]"),
        T("[   , \"\"]"),
        T("[\"a\",\n4\n,1,"),
        T("[1,]"),
        T("[1,,]"),
        T("[\"\va\"\\f]"),
        T("[*]"),
        T("[\"\""),
        T("[1,"),
        T("[1,\n1\n,1"),
        T("[{}"),
        T("[fals]"),
        T("[nul]"),
        T("[tru]"),
        T("[\"a\x00"
          "b\"]"),
        T("123\x00"),
        /* numbers */
        T("[++1234]"),
        T("[+1]"),
        T("[+Inf]"),
        T("[-01]"),
        T("[-1.0.]"),
        T("[-2.]"),
        T("[-NaN]"),
        T("[.-1]"),
        T("[.2e-3]"),
        T("[0.1.2]"),
        T("[0.3e+]"),
        T("[0.3e]"),
        T("[0.e1]"),
        T("[0E+]"),
        T("[0E]"),
        T("[0e+]"),
        T("[0e]"),
        T("[1.0e+]"),
        T("[1.0e-]"),
        T("[1.0e]"),
        T("[1 000.0]"),
        T("[1eE2]"),
        T("[2.e+3]"),
        T("[2.e-3]"),
        T("[2.e3]"),
        T("[9.e+]"),
        T("[Inf]"),
        T("[NaN]"),
        T("[\xef\xbc\x91]"),
        T("[1+2]"),
        T("[0x1]"),
        T("[0x42]"),
        T("[Infinity]"),
        T("[0e+-1]"),
        T("[-123.123foo]"),
        T("[123\xe5]"),
        T("[1e1\xe5]"),
        T("[0\xe5]\n"),
        T("[-Infinity]"),
        T("[-foo]"),
        T("[- 1]"),
        T("[-012]"),
        T("[-.123]"),
        T("[-1x]"),
        T("[1ea]"),
        T("[1e\xe5]"),
        T("[1.]"),
        T("[.123]"),
        T("[1.2a-3]"),
        T("[1.8011670033376514H-308]"),
        T("[012]"),
        /* objects */
        T("[\"x\", truth]"),
        T("{[: \"x\"}\n"),
        T("{\"x\", null}"),
        T("{\"x\"::\"b\"}"),
        T("{\"a\":\"a\" 123}"),
        T("{key: 'value'}"),
        T("{\"\xb9\":\"0\",}"),
        T("{\"a\" b}"),
        T("{:\"b\"}"),
        T("{\"a\" \"b\"}"),
        T("{\"a\":"),
        T("{\"a\""),
        T("{1:1}"),
        T("{9999E9999:1}"),
        T("{null:null,null:null}"),
        T("{\"id\":0,,,,,}"),
        T("{'a':0}"),
        T("{\"id\":0,}"),
        T("{\"a\":\"b\"}/**/"),
        T("{\"a\":\"b\"}/**//"),
        T("{\"a\":\"b\"}//"),
        T("{\"a\":\"b\"}/"),
        T("{\"a\":\"b\",,\"c\":\"d\"}"),
        T("{a: \"b\"}"),
        T("{\"a\":\"a"),
        T("{ \"foo\" : \"bar\", \"a\" }"),
        T("{\"a\":\"b\"}#"),
        T("{\"a\":/*x*/1}"),
        /* strings */
        T(" "),
        T(""),
        T("[\"\\uD800\\\"]"),
        T("[\"\\uD800\\u\"]"),
        T("[\"\\uD800\\u1\"]"),
        T("[\"\\uD800\\u1x\"]"),
        T("[\xc3\xa9]"),
        T("[\"\\\x00\"]"),
        T("[\"\\x00\"]"),
        T("[\"\\\\\\\"]"),
        T("[\"\\\t\"]"),
        T("[\"\\\xf0\x9f\x8c\x80\"]"),
        T("[\"\\\"]"),
        T("[\"\\u00A\"]"),
        T("[\"\\uD834\\uDd\"]"),
        T("[\"\\uD800\\uD800\\x\"]"),
        T("[\"\\u\xe5\"]"),
        T("[\"\\a\"]"),
        T("[\"\\uqqqq\"]"),
        T("[\"\\\xe5\"]"),
        T("[\\u0020\"asd\"]"),
        T("[\\n]"),
        T("\""),
        T("['single quote']"),
        T("abc"),
        T("[\"\\"),
        T("[\"a\x01"
          "a\"]"),
        T("[\"new\nline\"]"),
        T("[\"\t\"]"),
        T("\"\\UA66D\""),
        T("\"\"x"),
        /* structure */
        T("<.>"),
        T("[<null>]"),
        T("[1]x"),
        T("[1]]"),
        T("[\"asd]"),
        T("a\xc3\xa5"),
        T("[True]"),
        T("1]"),
        T("{\"x\": true,"),
        T("[][]"),
        T("]"),
        T("\xef\xbb{}"),
        T("\xe5"),
        T("["),
        T("[\x00]"),
        T("2@"),
        T("{}}"),
        T("{\"\":"),
        T("{\"a\":/*comment*/\"b\"}"),
        T("{\"a\": true} \"x\""),
        T("['"),
        T("[,"),
        T("[{"),
        T("[\"a"),
        T("[\"a\""),
        T("{"),
        T("{]"),
        T("{,"),
        T("{["),
        T("{\"a"),
        T("{'a'"),
        T("[\"\\{[\"\\{[\"\\{[\"\\{"),
        T("\xe9"),
        T("*"),
        T("{\"a\":\"b\"}#{}"),
        T("[\\u000A\"\"]"),
        T("[1"),
        T("[ false, nul"),
        T("[ true, fals"),
        T("[ false, tru"),
        T("{\"asd\":\"asd\""),
        T("\xc3\xa5"),
        T("[\xe2\x81\xa0]"),
        T("\xef\xbb\xbf"),
        T("[\f]"),
        T("\f[]"),
        T("[]\v"),
        T("\xc2\xa0[]"),
        T("<null>"),
        T("[NULL]"),
        T("[nan]"),
        T("undefined"),
    };
    assert_refused(texts);
}

/* What RFC 8259 leaves open: numbers of any size are kept as text; no half pairs, no bad UTF-8. */
static void what_is_left_open_is_decided(void **state)
{
    (void)state;
    static const struct text taken[] = {
        T("[123.456e-789]"),
        T("[0.4e00669999999999999999999999999999999999999969999999006]"),
        T("[-1e+9999]"),
        T("[1.5e+9999]"),
        T("[-123123e100000]"),
        T("[123123e100000]"),
        T("[123e-10000000]"),
        T("[-123123123123123123123123123123]"),
        T("[100000000000000000000]"),
        T("[-237462374673276894279832749832423479823246327846]"),
    };
    static const struct text refused[] = {
        T("[\"\\uDADA\"]"),
        T("[\"\\uD888\\u1234\"]"),
        T("[\"\\uD800\\n\"]"),
        T("[\"\\uDd1ea\"]"),
        T("[\"\\uD800\\uD800\\n\"]"),
        T("[\"\\ud800\"]"),
        T("[\"\\ud800abc\"]"),
        T("[\"\\uDd1e\\uD834\"]"),
        T("[\"\\uDFAA\"]"),
        T("[\"\xff\"]"),
        T("[\"\xed\xa0\x80\"]"),
        T("[\"\xf4\xbf\xbf\xbf\"]"),
        T("[\"\xe0\xff\"]"),
        T("[\"\x81\"]"),
        T("[\"\xc0\xaf\"]"),
        T("[\"\xfc\x83\xbf\xbf\xbf\xbf\"]"),
        T("[\"\xfc\x80\x80\x80\x80\x80\"]"),
        T("[\"\xe6\x97\xa5\xd1\x88\xfa\"]"),
        T("[\"\xe9\"]"),
        T("[\"\xed\xbf\xbf\"]"),
        T("[\"\xf0\x80\x80\x80\"]"),
        T("[\"\xe0\x80\x80\"]"),
        T("[\"\xc1\xbf\"]"),
        T("\xef\xbb\xbf{}"),
        T("\xff\xfe[\x00"),
    };
    assert_taken(taken);
    assert_refused(refused);
}

static char *repeated(const char *part, size_t count, const char *rest)
{
    size_t length = strlen(part);
    char *text = mem_alloc(length * count + strlen(rest) + 1);
    for (size_t i = 0; i < count; i++)
        memcpy(text + i * length, part, length);
    memcpy(text + length * count, rest, strlen(rest) + 1);
    return text;
}

static void assert_depth(const char *open, const char *inner, const char *close, size_t depth,
                         bool good)
{
    const char *flaw;
    size_t at;
    char *closes = repeated(close, depth, "");
    char *rest = mem_printf("%s%s", inner, closes);
    char *text = repeated(open, depth, rest);
    assert_int_equal(is_json(text, strlen(text), &flaw, &at), good);
    if (!good)
        assert_string_equal(flaw, "arrays and objects are nested more than 1000 levels deep");
    free(closes);
    free(rest);
    free(text);
}

static void depth_has_a_limit(void **state)
{
    (void)state;
    assert_depth("[", "1", "]", JSON_SCAN_DEPTH_MAX, true);
    assert_depth("[", "1", "]", JSON_SCAN_DEPTH_MAX + 1, false);
    assert_depth("[", "", "]", JSON_SCAN_DEPTH_MAX + 1, false);
    assert_depth("{\"a\":", "{}", "}", JSON_SCAN_DEPTH_MAX - 1, true);
    assert_depth("{\"a\":", "{}", "}", JSON_SCAN_DEPTH_MAX, false);
    assert_depth("[{\"\":", "0", "}]", JSON_SCAN_DEPTH_MAX / 2, true);
    assert_depth("[", "1", "]", 1000000, false);
}

/* However a text is cut, the scan says that it ended; it never reads on, and never finds a flaw. */
static void a_text_that_was_cut_has_ended(void **state)
{
    (void)state;
    static const char text[] =
        "{\"a\":[1.25e+3,true,false,null,\"\\ud83c\\udf0a\\n\xe2\x82\xac\xf0\x9f\x8c\x8a\xc3\xa9\"],"
        "\"long enough to fill some words\" : {}}";
    for (size_t length = 0; length < sizeof text - 1; length++) {
        const char *flaw = "";
        size_t at;
        assert_false(is_json(text, length, &flaw, &at));
        assert_null(flaw);
        assert_int_equal(at, length);
    }
}

static void assert_flaw(const char *text, size_t at, const char *flaw)
{
    const char *found;
    size_t place;
    assert_false(is_json(text, strlen(text), &found, &place));
    assert_string_equal(found, flaw);
    assert_int_equal(place, at);
}

static void a_flaw_is_told_with_its_place(void **state)
{
    (void)state;
    assert_flaw("[1,]", 3, "a value is missing");
    assert_flaw("{\"a\":1,}", 7, "a name in double quotes is missing");
    assert_flaw("{\"a\" 1}", 5, "a colon is missing after a name");
    assert_flaw("[1 2]", 3, "a comma or ] is missing");
    assert_flaw("{\"a\":1 \"b\":2}", 7, "a comma or } is missing");
    assert_flaw("[01]", 1, "a number begins with a zero");
    assert_flaw("[1.]", 3, "a digit is missing in a number");
    assert_flaw("[NaN]", 1, "a value is neither text in quotes, number, true, false nor null");
    assert_flaw("[\"a\tb\"]", 3, "a control character or line break is in a string");
    assert_flaw("[\"\\q\"]", 3, "there is no such escape in JSON");
    assert_flaw("[\"\\u12g4\"]", 6, "four hexadecimal digits must follow \\u");
    assert_flaw("[\"\\ud83cx\"]", 4, "half of a surrogate pair is alone");
    assert_flaw("[\"ab\xff\"]", 4, "a string is not valid UTF-8");
}

static struct json_piece scanned(char *copy, size_t length)
{
    struct json_scan s = {copy, copy + length, NULL};
    struct json_piece piece;
    assert_true(json_scan_value(&s, &piece));
    assert_ptr_equal(s.at, s.end);
    return piece;
}

static void assert_unescaped(const char *json, const char *text, size_t length)
{
    char *copy = padded(json, strlen(json));
    struct json_piece piece = scanned(copy, strlen(json));
    char *out = mem_alloc(piece.length);
    assert_int_equal(piece.kind, JSON_STRING);
    assert_int_equal(json_scan_unescape(piece.begin, piece.length, out), length);
    assert_memory_equal(out, text, length);
    free(out);
    free(copy);
}

static void escapes_become_characters(void **state)
{
    (void)state;
    assert_unescaped("\"\"", "", 0);
    assert_unescaped("\"plain \xc3\xa9\"", "plain \xc3\xa9", 8);
    assert_unescaped("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8);
    assert_unescaped("\"\\u0041\\u00e9\\u20AC\\ud83c\\udf0a\"",
                     "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x8c\x8a", 10);
    assert_unescaped("\"a\\u0000b\"", "a\0b", 3);
    assert_unescaped("\"\\uDBFF\\uDFFF\\uFFFF\"", "\xf4\x8f\xbf\xbf\xef\xbf\xbf", 7);
}

static void assert_compact(const char *json, const char *expected)
{
    char *copy = padded(json, strlen(json));
    struct json_piece piece = scanned(copy, strlen(json));
    char *out = mem_alloc(piece.length);
    size_t length = json_scan_compact(piece.begin, piece.length, out);
    assert_int_equal(length, strlen(expected));
    assert_memory_equal(out, expected, length);
    free(out);
    free(copy);
}

static void nested_values_have_one_short_text(void **state)
{
    (void)state;
    assert_compact("{ \"a\" : [ 1.50 , 1e+2,\n\t-0 ] , \"b c\" : { } }",
                   "{\"a\":[1.50,1e+2,-0],\"b c\":{}}");
    assert_compact("[\"\\u0041\\/\\u001f\\u0008\\u0022\\\\ \\ud83c\\udf0a \x7f\", true]",
                   "[\"A/\\u001F\\b\\\"\\\\ \xf0\x9f\x8c\x8a \x7f\",true]");
    assert_compact("[\"\\\\\", \"\\\"\" ]", "[\"\\\\\",\"\\\"\"]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_json_is_taken),
        cmocka_unit_test(what_is_no_json_is_refused),
        cmocka_unit_test(what_is_left_open_is_decided),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(a_text_that_was_cut_has_ended),
        cmocka_unit_test(a_flaw_is_told_with_its_place),
        cmocka_unit_test(escapes_become_characters),
        cmocka_unit_test(nested_values_have_one_short_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

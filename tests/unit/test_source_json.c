/* JSON as a source: which texts become which rows, and which faults, with their places. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "source/json_document.h"
#include "source/ndjson.h"
#include "support/read_file.h"
#include "util/mem.h"
#include "util/str.h"

static void assert_read(read_file_open *open, const char *records, const char *text,
                        const char *columns, const char *nulls, const char *expected)
{
    struct read_options options = {.records = records};
    char *got = read_file(open, &options, text, strlen(text), columns, nulls);
    assert_string_equal(got, expected);
    free(got);
}

static void assert_json(const char *text, const char *columns, const char *expected)
{
    assert_read(json_open, NULL, text, columns, NULL, expected);
}

static void assert_lines(const char *text, const char *columns, const char *expected)
{
    assert_read(ndjson_open, NULL, text, columns, NULL, expected);
}

static void assert_below(const char *records, const char *text, const char *expected)
{
    assert_read(json_open, records, text, "a:int", NULL, expected);
}

static void records_are_elements_of_an_array(void **state)
{
    (void)state;
    assert_json("[{\"a\":1},\n {\"a\":2}\n]\n", "a:int", "1@1 1\n2@2 2\n");
    assert_json("[]", "a:int", "");
    assert_json(" [ ] ", "a:int!", "");
    assert_json("[{}]", "a:int?", "1@1 -\n");
    assert_json("\n\n[\n\n{\n\"a\":1}]", "a:int", "1@5 1\n");
}

static void records_are_objects_one_after_another(void **state)
{
    (void)state;
    assert_json("{\"a\":1}", "a:int", "1@1 1\n");
    assert_json("{\"a\":1}{\"a\":2}\n\n{\"a\":3}\n", "a:int", "1@1 1\n2@1 2\n3@3 3\n");
    assert_json("{\"a\":1},{\"a\":2}", "a:int",
                "1@1 1\n"
                "source: source:1:8: not JSON: there is text after the end.\n");
}

static void records_are_found_below_a_path(void **state)
{
    (void)state;
    assert_below("data", "{\"data\":[{\"a\":1},{\"a\":2}]}", "1@1 1\n2@1 2\n");
    assert_below(
        "data.items",
        "{\"x\":[1,{\"items\":5}],\"data\":{\"n\":2,\"items\":[{\"a\":1}],\"z\":[]}\n,\"y\":1}",
        "1@1 1\n");
    assert_below("$.data", "{\"data\":[]}", "");
    assert_below("$['d.t'].\"x y\"", "{\"d.t\":{\"x y\":[{\"a\":1}]}}", "1@1 1\n");
    assert_below("da\xc3\xa9", "{\"da\\u00e9\":[{\"a\":1}]}", "1@1 1\n");
    assert_below("data", "{\"data\":{\"a\":1}}", "1@1 1\n");
    assert_below("[1].r", "[0,{\"r\":[{\"a\":1}]},2]", "1@1 1\n");
    assert_below("data", "{\"data\":[{\"a\":1}]}\n{\"data\":[{\"a\":2}]}", "1@1 1\n2@2 2\n");
}

static void a_path_that_leads_nowhere_is_an_error(void **state)
{
    (void)state;
    assert_below(
        "data", "{\"dat\":[{\"a\":1}]}",
        "source: source:1:17: the path \"data\" (`records`) leads nowhere: what it names is "
        "missing before this bracket.\n");
    assert_below(
        "data.items", "{\"data\":[{\"a\":1}]}",
        "source: source:1:9: the path \"data.items\" (`records`) leads nowhere: an object is "
        "missing here.\n");
    assert_below(
        "data", "{\"data\":null}",
        "source: source:1:9: the path \"data\" (`records`) leads to neither an array of records "
        "nor a record.\n");
    assert_below(
        "data", "{\"data\":[{\"a\":1}],\n\"data\":[]}",
        "1@1 1\n"
        "source: source:2:1: the path \"data\" (`records`) leads to two values: this name occurs "
        "twice in its object.\n");
    assert_below("data..x", "{}",
                 "config: \"data..x\" is not a path into a record. Write it as in $.value.amount, "
                 "$.tags[0] or $.\"a.b\"; a path leads to only one value.\n");
}

static void what_is_cut_or_no_json_is_an_error_with_its_place(void **state)
{
    (void)state;
    static const char cut[] =
        "not JSON: the file ends inside an array or object; it was cut off.\n";
    char *expected = mem_printf("1@2 2\n2@3 3\nsource: source:4:1: %s", cut);
    assert_json("[\n{\"k\":2},\n{\"k\":3},\n", "k:int", expected);
    free(expected);
    expected = mem_printf("1@1 1\nsource: source:1:9: %s", cut);
    assert_json("[{\"k\":1}", "k:int", expected);
    free(expected);
    expected = mem_printf("source: source:1:7: %s", cut);
    assert_json("[{\"k\":", "k:int", expected);
    free(expected);
    assert_json("[{\"k\":1},]", "k:int",
                "1@1 1\nsource: source:1:10: not JSON: a value is missing.\n");
    assert_json("[{\"k\":1}]\nx", "k:int",
                "1@1 1\n"
                "source: source:2:1: not JSON: there is text after the end.\n");
    assert_json("[{\"k\":1}][]", "k:int",
                "1@1 1\n"
                "source: source:1:10: not JSON: there is text after the end.\n");
    assert_json(
        "[{\"k\":1}\n,{\"\xc3\xa9\xc3\xa9\":tru}]", "k:int",
        "1@1 1\nsource: source:2:8: not JSON: a value is neither text in quotes, number, true, "
        "false nor null.\n");
    assert_json("", "k:int", "source: source:1:1: not JSON: there is nothing in the file.\n");
    assert_json("12", "k:int",
                "source: source:1:1: not records: neither an array of objects nor an object.\n");
}

static void a_name_list_is_in_the_order_of_first_appearance(void **state)
{
    (void)state;
    static const char array[] = "[{\"b\":1,\"a\":{\"x\":1}},{\"c\":2,\"a\":1},{\"$.d\":1}]";
    char *names = read_file_names(json_open, NULL, array, strlen(array));
    assert_string_equal(names, "b a c $.\"$.d\"");
    free(names);
    static const char lines[] = "{\"b\":1}\n{oops\n\n{\"\\u0061\":2,\"b\":1}";
    names = read_file_names(ndjson_open, NULL, lines, strlen(lines));
    assert_string_equal(names, "b a");
    free(names);
    names = read_file_names(json_open, NULL, "[]", 2);
    assert_string_equal(names, "");
    free(names);
}

static void every_line_is_a_record_or_a_fault(void **state)
{
    (void)state;
    assert_lines("{\"a\":1}\n\n \r\n{\"a\":2}\r\n{\"a\":3}", "a:int", "1@1 1\n2@4 2\n3@5 3\n");
    assert_lines("", "a:int", "");
    assert_lines("\n\n", "a:int!", "");
    assert_lines("{\"a\":1}\n{\"a\":2\n{\"a\":3}\n", "a:int",
                 "1@1 1\n3@3 3\n2@2:7 {\"a\":2 is not JSON: the line ends inside the object\n");
    assert_lines("{\"a\":1}{\"a\":2}\n{\"a\":,}\n[{\"a\":1}]\nnull\n5 \n", "a:int",
                 "1@1:8 {\"a\":1}{\"a\":2} is not JSON: there is text after the object\n"
                 "2@2:6 {\"a\":,} is not JSON: a value is missing\n"
                 "3@3:1 [{\"a\":1}] is an array, not an object\n"
                 "4@4:1 null is null, not an object\n"
                 "5@5:1 5 is a number, not an object\n");
}

static void elements_that_are_no_objects_are_faults(void **state)
{
    (void)state;
    assert_json("[{\"a\":1},null,[3],\n \"x\",{\"a\":2}]", "a:int",
                "1@1 1\n5@2 2\n"
                "2@1:10 null is null, not an object\n"
                "3@1:15 [3] is an array, not an object\n"
                "4@2:2 x is a text, not an object\n");
}

static void values_keep_their_digits_and_characters(void **state)
{
    (void)state;
    assert_json("[{\"k\":1,\"v\":1234567890123456.78},{\"k\":2,\"v\":123456789012345678.25}]",
                "k:int;v:decimal(38,10)",
                "1@1 1|1234567890123456.7800000000\n2@1 2|123456789012345678.2500000000\n");
    assert_lines("{\"v\":9223372036854775807}\n{\"v\":-9223372036854775808}\n", "v:bigint",
                 "1@1 9223372036854775807\n2@2 -9223372036854775808\n");
    assert_lines("{\"v\":0.1}\n{\"v\":-1E-3}\n", "v:double", "1@1 0.1\n2@2 -0.001\n");
    assert_lines("{\"v\":0.10}\n{\"v\":1e400}\n{\"v\":-0}\n", "v:text",
                 "1@1 0.10\n2@2 1e400\n3@3 -0\n");
}

static void texts_are_what_they_stand_for(void **state)
{
    (void)state;
    assert_json(
        "[{\"v\":\"a\\\"\\u00e9\\n\\ud83c\\udf0a\"},{\"v\":\"\\\\N\"},{\"v\":\"\"},{\"v\":1.50},"
        "{\"v\":true},{\"v\":null},{}]",
        "v:text",
        "1@1 a\"\xc3\xa9\n\xf0\x9f\x8c\x8a\n2@1 \\N\n3@1 \n4@1 1.50\n5@1 true\n6@1 -\n7@1 -\n");
    assert_json("[{\"v\":{ \"b\" : [1, 2.50 ] }},{\"v\":[ ]}]", "v:text",
                "1@1 {\"b\":[1,2.50]}\n2@1 []\n");
    assert_json("[{\"v\":[1]},{\"v\":{}}]", "v:int",
                "1@1:7 v=[1] is an array: only a text column takes it\n"
                "2@1:17 v={} is an object: only a text column takes it\n");
}

static void null_texts_count_as_they_are_configured(void **state)
{
    (void)state;
    assert_read(json_open, NULL, "[{\"v\":\"\"},{\"v\":\"NA\"},{\"v\":1.5},{\"v\":\"\\\\N\"}]",
                "v:double", ",NA", "1@1 -\n2@1 -\n3@1 1.5\n4@1:37 v=\\\\N is not a double\n");
    assert_read(ndjson_open, NULL, "{\"v\":\"\"}\n{\"v\":\"NA\"}\n{\"v\":\"\\\\N\"}\n", "v:text",
                "\\N", "1@1 \n2@2 NA\n3@3 -\n");
}

static void fields_are_found_by_path(void **state)
{
    (void)state;
    assert_json(
        "[{\"value\":{\"amount\":5,\"x\":[]},\"tags\":[\"p\",\"q\"],\"a.b\":{\"c d\":7}}]",
        "v:int=$.value.amount;t:text=$.tags[1];d:int=$.\"a.b\"['c d'];w:text=value;n:text=a.b",
        "1@1 5|q|7|{\"amount\":5,\"x\":[]}|{\"c d\":7}\n");
    assert_json("[{\"value\":{\"amount\":5}},{\"value\":{}},{\"value\":null},{},{\"tags\":[]}]",
                "v:int=$.value.amount;t:text=$.tags[1]?",
                "1@1 5|-\n2@1 -|-\n3@1 -|-\n4@1 -|-\n5@1 -|-\n");
    assert_json("[{\"value\":{\"amount\":5}},{\"value\":7},{\"value\":[{\"amount\":5}]}]",
                "v:int=$.value.amount",
                "1@1 5\n"
                "2@1:34 v=7 is a number, so that $.value.amount leads nowhere\n"
                "3@1:46 v=[{\"amount\":5}] is an array, so that $.value.amount leads nowhere\n");
    assert_json(
        "[{\"value\":{\"amount\":5}},{\"value\":7},{\"amount\":3,\"value\":{\"amount\":4}}]",
        "v:int=$.value.amount|value|amount", "1@1 5\n2@1 7\n3@1 4\n");
    assert_json(
        "[]", "v:int=$.value..amount",
        "config: column \"v\": \"$.value..amount\" is not a path into a record. Write it as in "
        "$.value.amount, $.tags[0] or $.\"a.b\"; a path leads to only one value.\n");
}

static void a_name_that_stands_twice_is_a_fault(void **state)
{
    (void)state;
    assert_lines("{\"a\":1,\"a\":2}\n{\"x\":1,\"x\":2,\"a\":3}\n{\"a\":1,\"\\u0061\":1}\n", "a:int",
                 "2@2 3\n"
                 "1@1:9 {\"a\":1,\"a\":2} has the name \"a\" twice\n"
                 "3@3:9 {\"a\":1,\"\\u0061\":1} has the name \"\\u0061\" twice\n");
    assert_json("[{\"a\":{\"b\":1,\"b\":1}}]", "a:int=$.a.b",
                "1@1:15 {\"a\":{\"b\":1,\"b\":1}} has the name \"b\" twice\n");
}

static void a_value_that_must_be_there_is_a_fault_where_it_is_not(void **state)
{
    (void)state;
    assert_lines("{\"a\":1}\n{}\n{\"a\":null}\n{\"a\":\"x\"}\n", "a:int!",
                 "1@1 1\n"
                 "2@2:1 a=has no value, but must have one\n"
                 "3@3:6 a=null has no value, but must have one\n"
                 "4@4:6 a=x is not an int\n");
}

static void a_column_in_no_record_is_missing(void **state)
{
    (void)state;
    assert_json(
        "[{\"a\":1,\"amount\":2},{\"a\":2}]", "a:int;amout:int",
        "1@1 1|-\n2@1 2|-\ngate: column \"amout\" is not in source, which has \"a\", \"amount\". Did you mean "
        "\"amount\"? List the source's names under `from`.\n");
    assert_lines("{\"a\":1}\n", "a:int;z:int?", "1@1 1|-\n");
    assert_lines("oops\n", "z:int!",
                 "1@1:1 oops is not JSON: a value is neither text in quotes, "
                 "number, true, false nor null\n");
}

/* Records longer than the window, and cut at every place by it, are what they are. */
static void records_of_any_size_are_read(void **state)
{
    (void)state;
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "[");
    size_t sizes[] = {1000000, 5, 3000000, 1048570, 17, 2097152};
    for (size_t i = 0; i < 6; i++) {
        str_printf(&text, "%s{\"n\":%zu,\"v\":\"", i > 0 ? ",\n" : "", sizes[i]);
        for (size_t k = 0; k < sizes[i]; k++)
            str_append_char(&text, (char)('a' + k % 23));
        str_append(&text, "\"}");
    }
    str_append(&text, "]");
    static const char expected[] =
        "1@1 1000000\n2@2 5\n3@3 3000000\n4@4 1048570\n5@5 17\n6@6 2097152\n";
    assert_json(text.data, "n:int", expected);
    text.data[0] = ' ';
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] == ',' && text.data[i + 1] == '\n')
            text.data[i] = ' ';
    text.data[text.len - 1] = ' ';
    assert_lines(text.data, "n:int", expected);
    str_release(&text);
}

static void thousands_of_names_in_any_order_are_read(void **state)
{
    (void)state;
    struct str text;
    struct str expected;
    str_init(&text, STR_MAX_DEFAULT);
    str_init(&expected, STR_MAX_DEFAULT);
    for (unsigned r = 0; r < 200; r++) {
        str_append(&text, "{\"k\":1");
        for (unsigned i = 0; i < 3000; i++)
            str_printf(&text, ",\"name%u\":%u", (i * 7 + r * 13) % 3000, i);
        str_append(&text, "}\n");
        unsigned i = 0;
        while ((i * 7 + r * 13) % 3000 != 2999)
            i++;
        str_printf(&expected, "%u@%u %u\n", r + 1, r + 1, i);
    }
    assert_lines(text.data, "v:int=name2999", expected.data);
    assert_json(text.data, "v:int=name2999", expected.data);
    str_release(&expected);
    str_release(&text);
}

/* Rows, faults and their places are the same whoever works on them, and however the file is cut. */
static void threads_and_memory_change_nothing(void **state)
{
    (void)state;
    static const struct read_options all[] = {{.threads = 1},
                                              {.threads = 2},
                                              {.threads = 5, .memory = 1},
                                              {.threads = 64, .memory = 4 << 20}};
    struct str text;
    char *expected = NULL;
    str_init(&text, STR_MAX_DEFAULT);
    for (unsigned i = 0; i < 60000; i++) {
        if (i % 7001 == 0)
            str_append(&text, "\n{oops\n");
        str_printf(&text, "{\"a\":%u,\"v\":\"%u%s\"}%s", i % 9973 == 0 ? 4000000000U : i, i,
                   i % 3 == 0 ? "\\u00e9" : "", i % 11 == 0 ? "\r\n" : "\n");
    }
    for (size_t i = 0; i < 4; i++) {
        char *got = read_file(ndjson_open, &all[i], text.data, text.len, "a:int;v:text", NULL);
        if (expected == NULL)
            expected = got;
        else {
            assert_int_equal(strlen(got), strlen(expected));
            assert_true(strcmp(got, expected) == 0);
            free(got);
        }
    }
    assert_non_null(strstr(expected, "60009@60018 59999|59999\n"));
    free(expected);
    str_release(&text);
}

static void too_many_names_are_told(void **state)
{
    (void)state;
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "{\"name\":1");
    for (unsigned i = 0; i < 4096; i++)
        str_printf(&text, ",\"name%u\":%u", i, i);
    str_append(&text, "}\n");
    char *names = read_file_names(ndjson_open, NULL, text.data, text.len);
    assert_string_equal(names,
                        "limit: source:1:63312: with this one the records have more than 4096 "
                        "names. Name the columns that are wanted under `columns`.");
    free(names);
    str_release(&text);
}

static void a_name_that_is_too_long_is_told_with_its_place(void **state)
{
    (void)state;
    static const char want[] = "limit: source:2:12: a name is longer than 1024 bytes. Name the "
                               "columns that are wanted under `columns`.";
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "{\"name\":1}\n{\"n\u00e4me\":1,\"");
    for (unsigned i = 0; i <= 1024; i++)
        str_append_char(&text, 'x');
    str_append(&text, "\":2}\n");
    char *names = read_file_names(ndjson_open, NULL, text.data, text.len);
    assert_string_equal(names, want);
    free(names);
    str_clear(&text);
    str_append(&text, "[{\"name\":1},\n{\"n\u00e4me\":1,\"");
    for (unsigned i = 0; i <= 1024; i++)
        str_append_char(&text, 'x');
    str_append(&text, "\":2}]\n");
    names = read_file_names(json_open, NULL, text.data, text.len);
    assert_string_equal(names, want);
    free(names);
    str_release(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(records_are_elements_of_an_array),
        cmocka_unit_test(records_are_objects_one_after_another),
        cmocka_unit_test(records_are_found_below_a_path),
        cmocka_unit_test(a_path_that_leads_nowhere_is_an_error),
        cmocka_unit_test(what_is_cut_or_no_json_is_an_error_with_its_place),
        cmocka_unit_test(a_name_list_is_in_the_order_of_first_appearance),
        cmocka_unit_test(every_line_is_a_record_or_a_fault),
        cmocka_unit_test(elements_that_are_no_objects_are_faults),
        cmocka_unit_test(values_keep_their_digits_and_characters),
        cmocka_unit_test(texts_are_what_they_stand_for),
        cmocka_unit_test(null_texts_count_as_they_are_configured),
        cmocka_unit_test(fields_are_found_by_path),
        cmocka_unit_test(a_name_that_stands_twice_is_a_fault),
        cmocka_unit_test(a_value_that_must_be_there_is_a_fault_where_it_is_not),
        cmocka_unit_test(a_column_in_no_record_is_missing),
        cmocka_unit_test(records_of_any_size_are_read),
        cmocka_unit_test(thousands_of_names_in_any_order_are_read),
        cmocka_unit_test(threads_and_memory_change_nothing),
        cmocka_unit_test(too_many_names_are_told),
        cmocka_unit_test(a_name_that_is_too_long_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

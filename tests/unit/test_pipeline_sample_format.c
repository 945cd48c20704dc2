#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/sample_format.h"

static void names_and_first_bytes_tell_the_format(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const char *bytes;
        enum file_format format;
    } cases[] = {
        {"a.csv", "x,y\n", FILE_FORMAT_CSV},
        {"a.CSV.GZ", "x,y\n", FILE_FORMAT_CSV},
        {"a.tsv.zst", "x\ty\n", FILE_FORMAT_CSV},
        {"a.csv", "{weird}\n", FILE_FORMAT_CSV},
        {"a.csv", "PAR1....", FILE_FORMAT_PARQUET},
        {"a.parquet", "", FILE_FORMAT_PARQUET},
        {"a", "PAR1", FILE_FORMAT_PARQUET},
        {"a.json", "[{\"x\":1}]", FILE_FORMAT_JSON},
        {"a.json", "{\"x\":1}\n{\"x\":2}\n", FILE_FORMAT_NDJSON},
        {"a.json", "{\n  \"x\": 1\n}\n", FILE_FORMAT_JSON},
        {"a.ndjson", " \n {\"x\":1} \r\n", FILE_FORMAT_NDJSON},
        {"a.jsonl", "[1]\n", FILE_FORMAT_JSON},
        {"a.jsonl", "", FILE_FORMAT_NDJSON},
        {"data", "  [ ]", FILE_FORMAT_JSON},
        {"data", "{\"x\":1}", FILE_FORMAT_NDJSON},
        {"data", "{", FILE_FORMAT_JSON},
        {"data", "x,y\n", FILE_FORMAT_AUTO},
        {"data.txt", "", FILE_FORMAT_AUTO},
        {".csv", "x", FILE_FORMAT_AUTO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum file_format found =
            sample_format_of(cases[i].name, cases[i].bytes, strlen(cases[i].bytes));
        if (found != cases[i].format)
            fail_msg("%s, \"%s\": %s", cases[i].name, cases[i].bytes, file_format_name(found));
    }
}

static struct sample_layout layout(const char *text, bool whole)
{
    struct sample_layout out;
    sample_layout_of(text, strlen(text), whole, text, strlen(text), &out);
    return out;
}

static void the_delimiter_cuts_all_records_alike(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        char delimiter;
    } cases[] = {
        {"a,b\n1,2\n", ','},
        {"a;b\n1,5;2\n1;2\n", ';'},
        {"a;b;c\n1,1;2,2;3,3\n", ';'},
        {"a\tb\n1\t2\n", '\t'},
        {"a|b\n1|2\n", '|'},
        {"a\n1\n", ','},
        {"", ','},
        {"\"x;y\",b\n1,2\n", ','},
        {"\"two\nlines\";b\n1;2", ';'},
        {"a;b;c\n1;2;3;4\n", ';'}, /* no delimiter fits all: the header decides */
        {"a,b;c\n", ','},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char found = layout(cases[i].bytes, true).delimiter;
        if (found != cases[i].delimiter)
            fail_msg("\"%s\": '%c'", cases[i].bytes, found);
    }
}

static void a_record_that_is_cut_does_not_count(void **state)
{
    (void)state;
    static const char text[] = "a;b\n1;2\n3";
    assert_int_equal(layout(text, false).delimiter, ';');
}

static void lines_before_and_behind_the_table_are_titles_and_remarks(void **state)
{
    (void)state;
    struct sample_layout l =
        layout("Prices, by month\n\nday;price\n1;2\n3;4\n5;6\nSource: us\n", true);
    assert_int_equal(l.delimiter, ';');
    assert_int_equal(l.skip_lines, 2);
    assert_int_equal(l.footer, 1);
    l = layout("day,price\n1,2\n3,4\n", true);
    assert_int_equal(l.skip_lines, 0);
    assert_int_equal(l.footer, 0);
}

static void a_first_record_of_values_is_no_header(void **state)
{
    (void)state;
    assert_true(layout("a,b\n1,2\n", true).header);
    assert_true(layout("id,2024\n1,2\n", true).header);
    assert_false(layout("2024-01-01,2\n2024-01-02,3\n", true).header);
}

static void text_that_is_not_utf8_has_a_likely_encoding(void **state)
{
    (void)state;
    assert_string_equal(sample_encoding_of("caf\xe9", 4), "windows-1252");
    assert_string_equal(sample_encoding_of("\x81\xe9", 2), "iso-8859-1");
    assert_string_equal(sample_encoding_of("i\0d\0,\0v\0\n\0001\0,\0002\0\n\0", 16), "utf-16le");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_first_bytes_tell_the_format),
        cmocka_unit_test(the_delimiter_cuts_all_records_alike),
        cmocka_unit_test(a_record_that_is_cut_does_not_count),
        cmocka_unit_test(lines_before_and_behind_the_table_are_titles_and_remarks),
        cmocka_unit_test(a_first_record_of_values_is_no_header),
        cmocka_unit_test(text_that_is_not_utf8_has_a_likely_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

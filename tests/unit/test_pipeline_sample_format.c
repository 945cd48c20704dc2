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
        enum config_format format;
    } cases[] = {
        {"a.csv", "x,y\n", CONFIG_FORMAT_CSV},
        {"a.CSV.GZ", "x,y\n", CONFIG_FORMAT_CSV},
        {"a.tsv.zst", "x\ty\n", CONFIG_FORMAT_CSV},
        {"a.csv", "{weird}\n", CONFIG_FORMAT_CSV},
        {"a.csv", "PAR1....", CONFIG_FORMAT_PARQUET},
        {"a.parquet", "", CONFIG_FORMAT_PARQUET},
        {"a", "PAR1", CONFIG_FORMAT_PARQUET},
        {"a.json", "[{\"x\":1}]", CONFIG_FORMAT_JSON},
        {"a.json", "{\"x\":1}\n{\"x\":2}\n", CONFIG_FORMAT_NDJSON},
        {"a.json", "{\n  \"x\": 1\n}\n", CONFIG_FORMAT_JSON},
        {"a.ndjson", " \n {\"x\":1} \r\n", CONFIG_FORMAT_NDJSON},
        {"a.jsonl", "[1]\n", CONFIG_FORMAT_JSON},
        {"a.jsonl", "", CONFIG_FORMAT_NDJSON},
        {"data", "  [ ]", CONFIG_FORMAT_JSON},
        {"data", "{\"x\":1}", CONFIG_FORMAT_NDJSON},
        {"data", "{", CONFIG_FORMAT_JSON},
        {"data", "x,y\n", CONFIG_FORMAT_AUTO},
        {"data.txt", "", CONFIG_FORMAT_AUTO},
        {".csv", "x", CONFIG_FORMAT_AUTO},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        enum config_format found =
            sample_format_of(cases[i].name, cases[i].bytes, strlen(cases[i].bytes));
        if (found != cases[i].format)
            fail_msg("%s, \"%s\": %s", cases[i].name, cases[i].bytes, config_format_name(found));
    }
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
        char found = sample_delimiter_of(cases[i].bytes, strlen(cases[i].bytes), true);
        if (found != cases[i].delimiter)
            fail_msg("\"%s\": '%c'", cases[i].bytes, found);
    }
}

static void a_record_that_is_cut_does_not_count(void **state)
{
    (void)state;
    static const char text[] = "a;b\n1;2\n3";
    assert_int_equal(sample_delimiter_of(text, strlen(text), false), ';');
    assert_int_equal(sample_delimiter_of("a;b", 3, false), ';');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_first_bytes_tell_the_format),
        cmocka_unit_test(the_delimiter_cuts_all_records_alike),
        cmocka_unit_test(a_record_that_is_cut_does_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

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
        cmocka_unit_test(text_that_is_not_utf8_has_a_likely_encoding),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

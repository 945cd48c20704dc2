#include "config/config.h"

#include <stdio.h>

#include "unit/config_test.h"

#define BASE                           \
    "dataset: d\n"                     \
    "store: out\n"                     \
    "source: {url: a.csv%s}\n"         \
    "columns:\n"                       \
    "  - {name: id, type: bigint%s}\n" \
    "  - {name: day, type: date}\n"    \
    "%s\n"

struct text {
    char digest[SHA256_HEX_SIZE];
};

/* Digest of the base with something more in the source, in the first column, and at the end. */
static struct text digest(const char *source, const char *column, const char *rest)
{
    struct config config = {0};
    struct text out;
    char *text = mem_printf(BASE, source, column, rest);
    config_test_parse(text, NULL, &config);
    config_digest(&config, out.digest);
    config_release(&config);
    free(text);
    return out;
}

static void the_digest_of_a_recipe_is_stable(void **state)
{
    (void)state;
    struct text d = digest("", "", "key: id");
    assert_string_equal(d.digest,
                        "d72f9ffbc6959c99cbde7244b3ed575c951a1fd9ec5a6b268a6aad7f6cc77908");
    assert_string_equal(digest("", "", "key: id").digest, d.digest);
}

static void what_decides_how_rows_are_made_changes_it(void **state)
{
    (void)state;
    static const struct {
        const char *source, *column, *rest;
    } cases[] = {
        {"", "", "key: id"},
        {", format: json", "", "key: id"},
        {", compression: none", "", "key: id"},
        {", delimiter: ';'", "", "key: id"},
        {", quote: '''', escape: '\"'", "", "key: id"},
        {", escape: x", "", "key: id"},
        {", header: false", "", "key: id"},
        {", encoding: latin1", "", "key: id"},
        {", nulls: []", "", "key: id"},
        {", footer: 1", "", "key: id"},
        {", footer: Sum", "", "key: id"},
        {", header: 2", "", "key: id"},
        {", trim: true", "", "key: id"},
        {", percent: true", "", "key: id"},
        {", pivot: 1950", "", "key: id"},
        {", time_zone: Europe/Berlin", "", "key: id"},
        {", archive: '*.csv'", "", "key: id"},
        {", file_column: file", "", "key: id"},
        {"", ", optional: true", "key: id"},
        {"", ", nulls: []", "key: id"},
        {"", ", trim: true", "key: id"},
        {", trim: true", ", trim: false", "key: id"},
        {"", ", percent: true", "key: id"},
        {"", ", time_zone: Europe/Berlin", "key: id"},
        {", nulls: [NA]", "", "key: id"},
        {", nulls: ['', NA]", "", "key: id"},
        {", nulls: [NA, '']", "", "key: id"},
        {", date_formats: '%d.%m.%Y'", "", "key: id"},
        {", timestamp_formats: '%d.%m.%Y'", "", "key: id"},
        {", decimal: ','", "", "key: id"},
        {", thousands: ','", "", "key: id"},
        {", thousands: ' '", "", "key: id"},
        {", skip_lines: 1", "", "key: id"},
        {", comment: '#'", "", "key: id"},
        {"", ", from: [ID]", "key: id"},
        {"", ", from: [id, ID]", "key: id"},
        {"", ", nullable: true", "key: id"},
        {"", "", "key: day"},
        {"", "", "key: [id, day]"},
        {"", "", "key: [day, id]"},
        {"", "", "key: id\ntransform: SELECT * FROM source"},
        {"", "", "key: id\ntransform: SELECT 1"},
        {"", "", "key: id\npartition: {column: day}"},
        {"", "", "key: id\npartition: {column: day, by: year}"},
        {"", "", "key: id\nrevisions: ignore"},
        {"", "", "key: id\nduplicates: fail"},
        {"", "", "key: id\nbad_rows: reject"},
        {"", "", "key: id\nconstants: {a: b}"},
        {"", "", "key: id\nconstants: {a: c}"},
        {"", "", "key: id\nconstants: {c: b}"},
        {"", "", "key: id\nconstants: {a: b, c: d}"},
        {"", "", "  - {name: at, type: timestamp}\nkey: id"},
        {"", "", "  - {name: at, type: timestamp, formats: '%Y'}\nkey: id"},
        {"", "", "  - {name: at, type: date, formats: '%Y'}\nkey: id"},
        {"", "", "  - {name: at, type: 'decimal(9,2)'}\nkey: id"},
        {"", "", "  - {name: at, type: 'decimal(9,3)'}\nkey: id"},
    };
    enum { COUNT = sizeof cases / sizeof cases[0] };
    struct text digests[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        digests[i] = digest(cases[i].source, cases[i].column, cases[i].rest);
        for (size_t j = 0; j < i; j++) {
            if (strcmp(digests[i].digest, digests[j].digest) == 0)
                print_message("case %zu is the same as case %zu\n", i, j);
            assert_string_not_equal(digests[i].digest, digests[j].digest);
        }
    }
}

/* How a source in pages goes on decides what there is to read. */
static void pages_change_it(void **state)
{
    (void)state;
    static const char *const cases[] = {"",
                                        "next: link",
                                        "next: {parameter: a}",
                                        "next: {parameter: b}",
                                        "next: {parameter: b, first: 0}",
                                        "next: {parameter: b, step: 2}",
                                        "next: {field: a}",
                                        "next: {field: a, parameter: b}"};
    char digests[8][SHA256_HEX_SIZE];
    for (size_t i = 0; i < 8; i++) {
        struct config config = {0};
        char *text =
            mem_printf("dataset: d\nkey: id\nsource: {url: 'https://h/a.json', %s}\n", cases[i]);
        config_test_parse(text, NULL, &config);
        config_digest(&config, digests[i]);
        config_release(&config);
        free(text);
        for (size_t k = 0; k < i; k++)
            assert_string_not_equal(digests[k], digests[i]);
    }
}

static void what_does_not_touch_rows_does_not_change_it(void **state)
{
    (void)state;
    static const struct {
        const char *source, *column, *rest;
    } cases[] = {
        {", timeout_seconds: 9, max_bytes: 5 MB, allow_private: true, proxy: 'http://h', "
         "ca_bundle: x, headers: {a: b}",
         "", "key: id"},
        {", format: csv, compression: auto, delimiter: ',', quote: '\"', escape: '\"', header: "
         "true, encoding: UTF-8, nulls: [''], decimal: '.', thousands: '', skip_lines: 0, "
         "comment: '', footer: 0, trim: false, percent: false, pivot: 1969",
         "", "key: id"},
        {"", ", from: id, nullable: false, optional: false, trim: false", "key: id"},
        {"", "", "key: [id]\nrevisions: publish\nduplicates: last\nbad_rows: fail"},
        {"", "", "key: id\nsort: day\nbad_rows_limit: 5\nmemory: 1 GiB\nthreads: 1\ntemp: /x"},
        {"", "",
         "key: id\nexpect_every: 1d\ntimeout: 1h\nlease: {ttl: 1h}\nstore_options: {parallel: 3}"},
        {"", "", "key: id\npartition: {column: day, by: none}"},
    };
    struct text base = digest("", "", "key: id");
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_string_equal(digest(cases[i].source, cases[i].column, cases[i].rest).digest,
                            base.digest);
}

static void where_the_source_is_does_not_change_it(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "dataset: d\nkey: id\nsource: a.csv\n",
        "dataset: other\nkey: id\nsource: 'https://h/b.csv.gz'\nstore: s3://b\n",
        "dataset: d\nkey: id\nsource: [b.csv, c.csv]\n",
        "dataset: d\nkey: id\nsource: {format: csv}\n",
    };
    char first[SHA256_HEX_SIZE];
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct config config = {0};
        char found[SHA256_HEX_SIZE];
        config_test_parse(texts[i], NULL, &config);
        config_digest(&config, found);
        if (i == 0)
            memcpy(first, found, sizeof first);
        assert_string_equal(found, first);
        config_release(&config);
    }
}

static void the_command_line_counts_as_the_file_would(void **state)
{
    (void)state;
    struct config config = {0};
    char of_file[SHA256_HEX_SIZE];
    char of_line[SHA256_HEX_SIZE];
    config_test_parse("dataset: d\nkey: id\nsource: a.tsv\n", NULL, &config);
    config_digest(&config, of_file);
    config_release(&config);
    config_test_parse("dataset: d\nkey: id\nsource: a.json\n", NULL, &config);
    config_digest(&config, of_line);
    assert_string_not_equal(of_line, of_file);
    assert_int_equal(config_set_source(&config, "b.tsv", NULL), ERR_OK);
    config_digest(&config, of_line);
    assert_string_equal(of_line, of_file);
    config_release(&config);
}

static void neighbouring_texts_do_not_run_together(void **state)
{
    (void)state;
    struct text a = digest("", "", "key: id\nconstants: {a: \"b\\nname=1:c\"}");
    struct text b = digest("", "", "key: id\nconstants: {a: b, c: ''}");
    assert_string_not_equal(a.digest, b.digest);
    a = digest(", nulls: ['a\nb']", "", "key: id");
    b = digest(", nulls: [a, b]", "", "key: id");
    assert_string_not_equal(a.digest, b.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_digest_of_a_recipe_is_stable),
        cmocka_unit_test(what_decides_how_rows_are_made_changes_it),
        cmocka_unit_test(pages_change_it),
        cmocka_unit_test(what_does_not_touch_rows_does_not_change_it),
        cmocka_unit_test(where_the_source_is_does_not_change_it),
        cmocka_unit_test(the_command_line_counts_as_the_file_would),
        cmocka_unit_test(neighbouring_texts_do_not_run_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

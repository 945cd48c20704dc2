#include "source/fixed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/rows.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

struct fixture {
    char *folder;
    char *path;
    struct error err;
    struct str rows;
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->folder = temp_folder_new();
    f->path = fs_join(f->folder, "file.txt");
    str_init(&f->rows, STR_MAX_DEFAULT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    temp_folder_free(f->folder);
    str_release(&f->rows);
    free(f->path);
    free(f);
    return 0;
}

static const uint32_t widths[] = {4, 3, 5};
static const struct read_options plain = {.header = 1, .widths = widths, .width_count = 3};

static int read_text(struct fixture *f, const char *text, struct read_options o)
{
    assert_int_equal(fs_write(f->path, text, strlen(text), NULL), ERR_OK);
    error_clear(&f->err);
    str_clear(&f->rows);
    return rows_read(fixed_open, f->path, &o, NULL, 0, &f->rows, NULL, &f->err);
}

static void check(struct fixture *f, const char *text, struct read_options o, const char *expected)
{
    int rc = read_text(f, text, o);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_string_equal(f->rows.data, expected);
}

static void values_stand_at_the_same_characters(void **state)
{
    struct fixture *f = *state;
    check(f, "key a  value\n   1x  12.50\n 2  yy    3\n", plain,
          "1@2 [1] [x] [12.50]\n2@3 [2] [yy] [3]\n");
    check(f, "key a  value\r\n   1x  12.50\r\n\r\n 2  yy 3", plain,
          "1@2 [1] [x] [12.50]\n2@4 [2] [yy] [3]\n");
    check(f, "key a  value\n\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xe2\x82\xac  12345\n", plain,
          "1@2 [\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9] [\xe2\x82\xac] [12345]\n");
    check(f, "key a  value\n1234abc12345   \n", plain, "1@2 [1234] [abc] [12345]\n");
}

static void lines_of_another_length_are_faults(void **state)
{
    struct fixture *f = *state;
    check(f, "key a  value\n1234ab\n1234abc12345x\n1234abc1\n1234abc\n\xff\n", plain,
          "!1@2:7 \"1234ab\" ends before its last column\n"
          "!2@3:13 \"1234abc12345x\" continues after its last column\n"
          "3@4 [1234] [abc] [1]\n"
          "!4@5:8 \"1234abc\" ends before its last column\n"
          "!5@6:1 \"\xff\" is not UTF-8 text\n");
}

static void lines_that_are_no_records_are_left_out(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.comment = '#';
    o.skip_lines = 1;
    o.footer = "----";
    check(f, "Title\n#\nkey a  value\n#2\n   1x  12.50\n-----\n   2x  12.50\n", o,
          "1@5 [1] [x] [12.50]\n");
    o.footer = NULL;
    o.footer_lines = 2;
    check(f, "Title\nkey a  value\n   1x  12.50\n   2x  12.50\nSum\n25\n\n", o,
          "1@3 [1] [x] [12.50]\n2@4 [2] [x] [12.50]\n");
}

static void names_are_cut_as_values_are(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    static const struct rows_column wanted[] = {{.name = "EUR value", .type = "decimal(9,2)"},
                                                {.name = "key"}};
    static const struct rows_column numbered[] = {{.name = "column2"}};
    static const char text[] = "       EUR\nkey a  value\n1234abc1x\n   5   2.25\n";
    o.header = 2;
    assert_int_equal(fs_write(f->path, text, sizeof text - 1, NULL), ERR_OK);
    assert_int_equal(rows_read(fixed_open, f->path, &o, wanted, 2, &f->rows, NULL, &f->err),
                     ERR_OK);
    assert_string_equal(f->rows.data, "!1@3:8 EUR value: \"1x\" is not a decimal(9,2)\n"
                                      "2@4 [2.25] [5]\n");
    o.header = 0;
    str_clear(&f->rows);
    assert_int_equal(rows_read(fixed_open, f->path, &o, numbered, 1, &f->rows, NULL, &f->err),
                     ERR_OK);
    assert_string_equal(f->rows.data, "1@1 [EUR]\n2@2 [value]\n3@3 [1x]\n4@4 [2.25]\n");
}

static void widths_must_be_there(void **state)
{
    struct fixture *f = *state;
    static const uint32_t none[] = {3, 0};
    assert_int_equal(read_text(f, "a\n", (struct read_options){.header = 1}), ERR_CONFIG);
    assert_non_null(strstr(f->err.text, "`widths`"));
    assert_int_equal(read_text(f, "a\n", (struct read_options){.widths = none, .width_count = 2}),
                     ERR_CONFIG);
    assert_non_null(strstr(f->err.text, "column 2"));
    assert_int_equal(read_text(f, "", plain), ERR_SOURCE);
    assert_int_equal(read_text(f, "<html>", plain), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, "a web page"));
}

static void lines_of_several_blocks_keep_their_numbers(void **state)
{
    struct fixture *f = *state;
    struct str text;
    struct str expected;
    str_init(&text, STR_MAX_DEFAULT);
    str_init(&expected, STR_MAX_DEFAULT);
    str_append(&text, "key a  value\n");
    for (unsigned i = 0; i < 50000; i++) {
        str_printf(&text, "%4u%3u%5u\n", i % 10000, i % 1000, i);
        str_printf(&expected, "%u@%u [%u] [%u] [%u]\n", i + 1, i + 2, i % 10000, i % 1000, i);
    }
    check(f, text.data, plain, expected.data);
    str_release(&text);
    str_release(&expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(values_stand_at_the_same_characters),
        TEST(lines_of_another_length_are_faults),
        TEST(lines_that_are_no_records_are_left_out),
        TEST(names_are_cut_as_values_are),
        TEST(widths_must_be_there),
        TEST(lines_of_several_blocks_keep_their_numbers),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

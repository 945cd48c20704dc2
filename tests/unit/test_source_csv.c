#include "source/csv.h"

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
#include "util/stop.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct fixture {
    char *folder;
    char *path;
    struct error err;
    struct str rows;
    struct str warnings;
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->folder = temp_folder_new();
    f->path = fs_join(f->folder, "file.csv");
    str_init(&f->rows, STR_MAX_DEFAULT);
    str_init(&f->warnings, STR_MAX_DEFAULT);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop_clear();
    temp_folder_free(f->folder);
    str_release(&f->rows);
    str_release(&f->warnings);
    free(f->path);
    free(f);
    return 0;
}

static const struct read_options plain = {
    .delimiter = ",", .quote = '"', .escape = '"', .header = 1};

static int read_bytes(struct fixture *f, const char *bytes, size_t length, struct read_options o,
                      const struct rows_column *columns, size_t count)
{
    assert_int_equal(fs_write(f->path, bytes, length, NULL), ERR_OK);
    error_clear(&f->err);
    str_clear(&f->rows);
    str_clear(&f->warnings);
    return rows_read(csv_open, f->path, &o, columns, count, &f->rows, &f->warnings, &f->err);
}

/* The rows of a text, all columns as texts. */
static void check(struct fixture *f, const char *text, struct read_options o, const char *expected)
{
    int rc = read_bytes(f, text, strlen(text), o, NULL, 0);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_string_equal(f->rows.data, expected);
}

static void check_error(struct fixture *f, const char *text, size_t length, struct read_options o,
                        int code, const char *words)
{
    int rc = read_bytes(f, text, length, o, NULL, 0);
    assert_int_equal(rc, code);
    assert_int_equal(f->err.code, code);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, f->err.text);
}

/* ---- records and values ---- */

static void lines_are_records(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n1,x\n2,y\n", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\n1,x\n2,y", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\n", plain, "");
    check(f, "a,b", plain, "");
    check(f, "a,b\n,\n", plain, "1@2 [] []\n");
    check(f, "a\n1\n", plain, "1@2 [1]\n");
}

static void every_line_ending_ends_a_record(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\r\n1,x\r\n2,y\r\n", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\r1,x\r2,y\r", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\r\n1,x\r\n2,y", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
    assert_string_equal(f->warnings.data, "");
    check(f, "a,b\n1,x\r\n2,y\r3,z\n", plain, "1@2 [1] [x]\n2@3 [2] [y]\n3@4 [3] [z]\n");
    assert_string_equal(f->warnings.data,
                        "s.csv mixes line endings: LF on line 1, CR LF on line 2. Each of them was "
                        "taken for the end of a line.\n");
    check(f, "a,b\r\n1,\"x\ny\"\r\n", plain, "1@2 [1] [x\ny]\n");
    assert_string_equal(f->warnings.data, "");
}

static void quotes_hold_what_would_end_a_value(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n\"1,2\",\"x\ny\"\n\"\",\"z\"\n", plain, "1@2 [1,2] [x\ny]\n2@4 [] [z]\n");
    check(f, "a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", plain, "1@2 [say \"hi\"] [\"]\n");
    check(f, "a,b\n\"\"\"\",\"\"\"\"\"\"\n", plain, "1@2 [\"] [\"\"]\n");
    check(f, "a,b\r\n\"1\r\n2\",\"x\r\"\r\n3,4\r\n", plain, "1@2 [1\r\n2] [x\r]\n2@5 [3] [4]\n");
}

static void a_quote_within_a_bare_value_is_a_character(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n5\" pipe,say \"hi\"\n", plain, "1@2 [5\" pipe] [say \"hi\"]\n");
    check(f, "a,b\nx\"1,2\"\n", plain, "1@2 [x\"1] [2\"]\n");
}

static void one_blank_may_stand_before_a_quote_and_any_behind_it(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n \"1,2\",x\n  \"y\",z\n", plain, "1@2 [1,2] [x]\n2@3 [  \"y\"] [z]\n");
    check(f, "a,b\n\"3\" , \"4\"\n 5 , 6 \n", plain, "1@2 [3] [4]\n2@3 [ 5 ] [ 6 ]\n");
    check(f, "a,b\n1,\"x\" \n2,\"y\"   ", plain, "1@2 [1] [x]\n2@3 [2] [y]\n");
}

static void blanks_and_tabs_may_stand_around_quotes_where_values_are_trimmed(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.trim = true;
    check(f, "a,b\n  1 ,\tx y\t\n   \"2, \"\t ,z\n  ,\n", o,
          "1@2 [  1 ] [\tx y\t]\n2@3 [2, ] [z]\n3@4 [  ] []\n");
}

static void text_behind_a_closing_quote_is_a_fault(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n1,\"x\"y\n\"2\"3,\"z\"w\n4,u\n", plain,
          "!1@2:6 \"1,\"x\"y\" has text after a closing quote\n"
          "!2@3:4 \"\"2\"3,\"z\"w\" has text after a closing quote\n"
          "3@4 [4] [u]\n");
    check(f, "a,b\n\"x\ny\"z,1\n2,3\n", plain,
          "!1@3:3 \"\"x\n"
          "y\"z,1\" has text after a closing quote\n"
          "2@4 [2] [3]\n");
}

static void a_quote_that_is_not_closed_is_an_error_with_its_place(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "a,b\n1,x\n2,\"y\n3,z\n";
    check_error(f, text, sizeof text - 1, plain, ERR_SOURCE, "s.csv:3:3: a quote opens here");
    assert_string_equal(f->rows.data, "1@2 [1] [x]\n");
    static const char late[] = "a,b\n\"1\n1\",\"y\n3,z";
    check_error(f, late, sizeof late - 1, plain, ERR_SOURCE, "s.csv:3:4: a quote opens here");
}

static void records_of_another_length_are_faults(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n1\n2,x\n3,y,z\n4,u\n", plain,
          "!1@2:2 \"1\" has 1 value instead of 2\n2@3 [2] [x]\n"
          "!3@4:5 \"3,y,z\" has 3 values instead of 2\n4@5 [4] [u]\n");
    check(f, "a,b,c\n\"1\n\",2\n", plain, "!1@3:4 \"\"1\n\",2\" has 2 values instead of 3\n");
}

static void one_delimiter_too_many_is_no_value(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n1,x,\n2,y,\r\n3,z,,\n4,u,\"\"\n", plain,
          "1@2 [1] [x]\n2@3 [2] [y]\n!3@4:5 \"3,z,,\" has 4 values instead of 2\n"
          "!4@5:5 \"4,u,\"\"\" has 3 values instead of 2\n");
}

static void blank_lines_are_no_records_of_several_columns(void **state)
{
    struct fixture *f = *state;
    check(f, "\n\na,b\n\n1,x\n\r\n2,y\n\n\n", plain, "1@5 [1] [x]\n2@7 [2] [y]\n");
    check(f, "a,b\n  \n1,x\n", plain, "!1@2:3 \"  \" has 1 value instead of 2\n2@3 [1] [x]\n");
}

static void a_blank_line_of_one_column_is_a_record_where_empty_is_null(void **state)
{
    struct fixture *f = *state;
    static const struct rows_column null[] = {{.name = "a", .empty_is_null = true}};
    static const char text[] = "a\n\n1\n\n 2\n";
    check(f, text, plain, "1@3 [1]\n2@5 [ 2]\n");
    assert_int_equal(read_bytes(f, text, sizeof text - 1, plain, null, 1), ERR_OK);
    assert_string_equal(f->rows.data, "1@2 NULL\n2@3 [1]\n3@4 NULL\n4@5 [ 2]\n");
    struct read_options o = plain;
    o.header = 0;
    static const struct rows_column first[] = {{.name = "column0", .empty_is_null = true}};
    assert_int_equal(read_bytes(f, "\n\n1\n", 4, o, first, 1), ERR_OK);
    assert_string_equal(f->rows.data, "1@1 NULL\n2@2 NULL\n3@3 [1]\n");
}

static void comments_are_whole_lines(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.comment = '#';
    check(f, "#x\na,b\n#y\n1,C# dev\n2,#z\n\"#3\",u\n#\n#w", o,
          "1@4 [1] [C# dev]\n2@5 [2] [#z]\n3@6 [#3] [u]\n");
    check(f, "a,b\n #1,x\n", o, "1@2 [ #1] [x]\n");
    check(f, "a,b\n#\"1,x\n2,y\n", o, "1@3 [2] [y]\n");
    check(f, "a,b\r\n#c\r\n1,x\r\n", o, "1@3 [1] [x]\n");
}

static void another_escape_makes_any_character_part_of_the_value(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.escape = '\\';
    check(f, "a,b\n\"1\\\"\",x\n\"2\\\\\",y\n\"\\z\",1\n3\\\",4\n\"\\\n\",5\n", o,
          "1@2 [1\"] [x]\n2@3 [2\\] [y]\n3@4 [z] [1]\n4@5 [3\\\"] [4]\n5@6 [\n] [5]\n");
    o.escape = '\0';
    check(f, "a,b\n\"1\"\"\",x\n2,y\n", o,
          "!1@2:4 \"\"1\"\"\",x\" has text after a closing quote\n"
          "2@3 [2] [y]\n");
    o.quote = '\0';
    check(f, "a,b\n\"1,x\"\n", o, "1@2 [\"1] [x\"]\n");
}

static void a_delimiter_is_one_character_of_any_length(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    memcpy(o.delimiter, "\xc2\xa7", 3);
    check(f,
          "a\xc2\xa7"
          "b\n1\xc2\xa7x\n2\xc2\xa7\n\xc2\xb5\xc2\xa7\"\xc2\xa7\"\n",
          o, "1@2 [1] [x]\n2@3 [2] []\n3@4 [\xc2\xb5] [\xc2\xa7]\n");
    memcpy(o.delimiter, " ", 2);
    check(f, "a b\n1  \n\"x y\" z\n", o,
          "1@2 [1] []\n"
          "2@3 [x y] [z]\n");
    memcpy(o.delimiter, "\t", 2);
    o.quote = '\'';
    o.escape = '\'';
    check(f, "a\tb\n'1\t'\t'it''s'\n2\t\"\n", o, "1@2 [1\t] [it's]\n2@3 [2] [\"]\n");
}

static void what_is_not_utf8_is_a_fault(void **state)
{
    struct fixture *f = *state;
    check(f, "a,b\n1,\xff\n2,\xc3\xa9\n\xc3\xa9\xe9,3\n", plain,
          "!1@2:3 \"1,\xff\" is not UTF-8 text\n2@3 [2] [\xc3\xa9]\n"
          "!3@4:2 \"\xc3\xa9\xe9,3\" is not UTF-8 text\n");
}

static void a_byte_order_mark_is_no_character(void **state)
{
    struct fixture *f = *state;
    check(f, "\xef\xbb\xbf\"a\",b\n1,x\n", plain, "1@2 [1] [x]\n");
    static const char utf16[] = "\xff\xfe"
                                "a\0\n\0"
                                "1\0\n\0";
    assert_int_equal(read_bytes(f, utf16, sizeof utf16 - 1, plain, NULL, 0), ERR_OK);
    assert_string_equal(f->rows.data, "1@2 [1]\n");
}

/* ---- header and footer ---- */

static void check_names(struct fixture *f, const char *text, struct read_options o,
                        const char *expected)
{
    struct reader_file file = {.path = f->path, .shown = "s.csv"};
    struct reader *r;
    struct reader_texts names;
    struct str got;
    str_init(&got, STR_MAX_DEFAULT);
    assert_int_equal(fs_write(f->path, text, strlen(text), NULL), ERR_OK);
    int rc = csv_open(&file, &o, &r, &f->err);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(reader_names(r, &names, &f->err), ERR_OK);
    for (size_t i = 0; i < names.count; i++)
        str_printf(&got, "%s[%s]", i > 0 ? " " : "", names.items[i]);
    assert_string_equal(got.data, expected);
    reader_free(r);
    str_release(&got);
}

static void names_come_from_the_header(void **state)
{
    struct fixture *f = *state;
    check_names(f, "a,b\n1,2\n", plain, "[a] [b]");
    check_names(f,
                "\xef\xbb\xbf"
                "a,b",
                plain, "[a] [b]");
    check_names(f, "\"a,b\",\"c \"\"d\"\"\"\n", plain, "[a,b] [c \"d\"]");
    check_names(f, "\"two\nlines\",b\n", plain, "[two\nlines] [b]");
    check_names(f, "  a ,\tb\t, \" c \" ,d d\n", plain, "[a] [b] [c] [d d]");
    check_names(f, "in\"side,\xc3\xa9t\xc3\xa9\n", plain, "[in\"side] [\xc3\xa9t\xc3\xa9]");
    check_names(f, "a,,\"\",  \n", plain, "[a] [column1] [column2] [column3]");
    check_names(f, "a,b,\n1,2,\n", plain, "[a] [b] [column2]");
}

static void names_that_come_again_are_numbered(void **state)
{
    struct fixture *f = *state;
    check_names(f, "x,a,b,\"a\",a\n", plain, "[x] [a] [b] [a.2] [a.3]");
    check_names(f, "a,a,a.2\n", plain, "[a] [a.3] [a.2]");
    check_names(f, "a,A\n", plain, "[a] [A]");
    check_names(f, "column1,\n", plain, "[column1] [column1.2]");
}

static void a_header_of_several_lines_is_joined(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.header = 2;
    check_names(f, "a,b\nx,y\n1,2\n", o, "[a x] [b y]");
    check_names(f, ",2023,,2024,\nCountry,Q1,Q2,Q1,Q2\n", o,
                "[Country] [2023 Q1] [2023 Q2] [2024 Q1] [2024 Q2]");
    check_names(f, "date,price\n,EUR\n", o, "[date] [price EUR]");
    check_names(f, "title\na,b\n", o, "[title a] [title b]");
    check(f, "a,b\n\nx,y\n1,2\n", o, "1@4 [1] [2]\n");
}

static void without_a_header_names_are_positions(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.header = 0;
    check_names(f, "1,\"x\ny\",3\n", o, "[column0] [column1] [column2]");
    check(f, "\n\n1,\"x\ny\"\n2,z\n", o, "1@3 [1] [x\ny]\n2@5 [2] [z]\n");
    o.skip_lines = 2;
    check(f, "a,b,c\n\n1,2\n", o, "1@3 [1] [2]\n");
}

static void lines_before_the_header_are_skipped(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.comment = '#';
    o.skip_lines = 2;
    check(f, "title\n#x\n\"of two\nlines\"\na,b\n1,2\n", o, "1@6 [1] [2]\n");
    o.skip_lines = 1;
    check(f, "Report \"A\"\na,b\n1,2\n", o, "1@3 [1] [2]\n");
    check(f, "\"Report\" A\na,b\n1,2\n", o, "1@3 [1] [2]\n");
}

static void a_footer_is_left_out(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.footer_lines = 1;
    check(f, "a,b\n1,x\n2,y\nTotal,\"3\n", o, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\n1,x\n2,y\nTotal,3\n\n\n", o, "1@2 [1] [x]\n2@3 [2] [y]\n");
    check(f, "a,b\n1,x\n2,y\nTotal,3", o, "1@2 [1] [x]\n2@3 [2] [y]\n");
    o.footer_lines = 2;
    check(f, "a,b\r\n1,x\r\n\r\nTotal,3\r\nSource: Z\r\n", o, "1@2 [1] [x]\n");
    check_error(f, "a,b\n1,x\n", 8, o, ERR_SOURCE, "is empty");
    o.footer_lines = 0;
    o.footer = "Total";
    o.skip_lines = 1;
    check(f, "Total of 2026\na,b\n1,x\nTotal,3\n", o, "1@3 [1] [x]\n");
    o.skip_lines = 0;
    check(f, "a,b\n1,Total\nTotal,\"3\n4,z\n", o, "1@2 [1] [Total]\n");
    o.footer = "*";
    check(f, "a,b\n1,x\n*", o, "1@2 [1] [x]\n");
}

static void a_file_without_data_is_an_error(void **state)
{
    struct fixture *f = *state;
    struct read_options o = plain;
    o.comment = '#';
    check_error(f, "", 0, o, ERR_SOURCE, "s.csv is empty. ");
    check_error(f, "\xef\xbb\xbf", 3, o, ERR_SOURCE, "is empty. ");
    check_error(f, "\n\n#c\n", 5, o, ERR_SOURCE, "is empty: ");
    o.skip_lines = 2;
    check_error(f, "a\nb\n\n", 5, o, ERR_SOURCE, "is empty after the 2 lines");
    o.header = 3;
    check_error(f, "a\nb\nc\nd\n", 8, o, ERR_SOURCE,
                "ends after line 2 of the header, which has 3");
    o.header = 1;
    check_error(f, "a\n", 2, o, ERR_SOURCE, "is empty after the 2 lines");
    check_error(f, "\"a\n", 3, o, ERR_SOURCE, "line 1, before the data");
}

static void what_is_no_text_is_called_by_its_name(void **state)
{
    struct fixture *f = *state;
    check_error(f, "PK\x03\x04xyz", 7, plain, ERR_SOURCE,
                "is a ZIP archive, not text. Set `archive`");
    check_error(f, "<!DOCTYPE html>\n<html>\n", 23, plain, ERR_SOURCE, "is a web page (HTML)");
    check_error(f, "[{\"a\":1}]\n", 10, plain, ERR_SOURCE, "is JSON, not CSV. Set `format: json`");
    check_error(f, "PAR1....", 8, plain, ERR_SOURCE, "is a Parquet file");
    check_error(f, "a\0,\0b\0\n\0", 8, plain, ERR_SOURCE, "is text in UTF-16 without");
    check_error(f, "a,\xe9\n1,2\n", 8, plain, ERR_SOURCE, "the name of column 2 on line 1");
    check_error(f, "a\0b,c\n1,2\n", 10, plain, ERR_SOURCE, "the name of column 1");
}

/* ---- typed values ---- */

static void values_are_typed_and_faults_have_their_place(void **state)
{
    struct fixture *f = *state;
    static const struct rows_column typed[] = {{.name = "v", .type = "decimal(9,2)"},
                                               {.name = "k", .type = "int", .required = true}};
    static const char text[] = "k,x,v\n1,a,1.50\n2,\"b\nc\",y\n,d,2\n3,e\n\xc3\xa9,f,3\n4,\"g\",\n";
    int rc = read_bytes(f, text, sizeof text - 1, plain, typed, COUNT(typed));
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_string_equal(f->rows.data, "1@2 [1.50] [1]\n!2@4:4 v: \"y\" is not a decimal(9,2)\n"
                                      "!3@5:1 k: has no value, but must have one\n"
                                      "!4@6:4 \"3,e\" has 2 values instead of 3\n"
                                      "!5@7:1 k: \"\xc3\xa9\" is not an int\n6@8 NULL [4]\n");
}

static void a_quoted_value_in_fault_has_the_place_of_its_quote(void **state)
{
    struct fixture *f = *state;
    static const struct rows_column typed[] = {{.name = "b", .type = "int"}};
    static const char text[] = "a,b\n1, \"x\"\n2,\"\"\"\"\n\"\n\",\"z\n\"\n";
    assert_int_equal(read_bytes(f, text, sizeof text - 1, plain, typed, 1), ERR_OK);
    assert_string_equal(f->rows.data,
                        "!1@2:3 b: \"x\" is not an int\n!2@3:3 b: \"\"\" is not an int\n"
                        "!3@5:3 b: \"z\n\" is not an int\n");
}

static void a_column_that_is_not_there_is_told(void **state)
{
    struct fixture *f = *state;
    static const struct rows_column wanted[] = {{.name = "valeu"}};
    assert_int_equal(read_bytes(f, "k,value\n1,2\n", 12, plain, wanted, 1), ERR_GATE);
    assert_non_null(
        strstr(f->err.text, "column \"valeu\" is not in s.csv, which has \"k\", \"value\""));
    assert_non_null(strstr(f->err.text, "Did you mean \"value\"?"));
    static const struct rows_column optional[] = {{.name = "x", .optional = true}, {.name = "k"}};
    assert_int_equal(read_bytes(f, "k,value\n1,2\n", 12, plain, optional, 2), ERR_OK);
    assert_string_equal(f->rows.data, "1@2 NULL [1]\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(lines_are_records),
        TEST(every_line_ending_ends_a_record),
        TEST(quotes_hold_what_would_end_a_value),
        TEST(a_quote_within_a_bare_value_is_a_character),
        TEST(one_blank_may_stand_before_a_quote_and_any_behind_it),
        TEST(blanks_and_tabs_may_stand_around_quotes_where_values_are_trimmed),
        TEST(text_behind_a_closing_quote_is_a_fault),
        TEST(a_quote_that_is_not_closed_is_an_error_with_its_place),
        TEST(records_of_another_length_are_faults),
        TEST(one_delimiter_too_many_is_no_value),
        TEST(blank_lines_are_no_records_of_several_columns),
        TEST(a_blank_line_of_one_column_is_a_record_where_empty_is_null),
        TEST(comments_are_whole_lines),
        TEST(another_escape_makes_any_character_part_of_the_value),
        TEST(a_delimiter_is_one_character_of_any_length),
        TEST(what_is_not_utf8_is_a_fault),
        TEST(a_byte_order_mark_is_no_character),
        TEST(names_come_from_the_header),
        TEST(names_that_come_again_are_numbered),
        TEST(a_header_of_several_lines_is_joined),
        TEST(without_a_header_names_are_positions),
        TEST(lines_before_the_header_are_skipped),
        TEST(a_footer_is_left_out),
        TEST(a_file_without_data_is_an_error),
        TEST(what_is_no_text_is_called_by_its_name),
        TEST(values_are_typed_and_faults_have_their_place),
        TEST(a_quoted_value_in_fault_has_the_place_of_its_quote),
        TEST(a_column_that_is_not_there_is_told),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

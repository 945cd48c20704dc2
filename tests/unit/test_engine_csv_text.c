#include "engine/csv_text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "engine/engine.h"
#include "engine/sql.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

struct fixture {
    char *folder;
    char *path;
    struct error err;
};

static int set_up(void **state)
{
    struct fixture *f = mem_calloc(1, sizeof *f);
    f->folder = temp_folder_new();
    f->path = fs_join(f->folder, "file.csv");
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    stop_clear();
    temp_folder_free(f->folder);
    free(f->path);
    free(f);
    return 0;
}

static const struct csv_dialect plain = {
    .delimiter = ",", .quote = '"', .escape = '"', .header = true};

static void write_file(struct fixture *f, const char *data, size_t count)
{
    assert_int_equal(fs_write(f->path, data, count, NULL), ERR_OK);
    error_clear(&f->err);
}

static void write_text(struct fixture *f, const char *text)
{
    write_file(f, text, strlen(text));
}

/* ---- header ---- */

static void check_header(struct fixture *f, const char *text, struct csv_dialect d,
                         const char *expected, uint64_t skip)
{
    struct csv_names names = {0};
    struct str got;
    str_init(&got, STR_MAX_DEFAULT);
    write_text(f, text);
    int rc = csv_header(f->path, &d, &names, &f->err);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    for (size_t i = 0; i < names.count; i++)
        str_printf(&got, "%s[%s]", i > 0 ? " " : "", names.names[i]);
    assert_string_equal(got.data, expected);
    assert_int_equal(names.skip, skip);
    str_release(&got);
    csv_names_release(&names);
    csv_names_release(&names); /* a released one is empty */
}

static void names_come_from_the_header(void **state)
{
    struct fixture *f = *state;
    check_header(f, "a,b\n1,2\n", plain, "[a] [b]", 1);
    check_header(f, "a,b", plain, "[a] [b]", 1);
    check_header(f, "a,b\r\n1,2\r\n", plain, "[a] [b]", 1);
    check_header(f, "a,b\r1,2\r", plain, "[a] [b]", 1);
    check_header(f,
                 "\xef\xbb\xbf"
                 "a,b\n",
                 plain, "[a] [b]", 1);
    check_header(f, "\xef\xbb\xbf\"a\",b\n", plain, "[a] [b]", 1);
    check_header(f, "\"a,b\",\"c \"\"d\"\"\"\n", plain, "[a,b] [c \"d\"]", 1);
    check_header(f, "\"two\nlines\",b\n", plain, "[two\nlines] [b]", 1);
    check_header(f, "\"two\r\nlines\",b\r\n1,2\r\n", plain, "[two\r\nlines] [b]", 1);
    check_header(f, "  a ,\tb\t, \" c \" ,d d\n", plain, "[a] [b] [c] [d d]", 1);
    check_header(f, "in\"side,\xc3\xa9t\xc3\xa9\n", plain, "[in\"side] [\xc3\xa9t\xc3\xa9]", 1);
}

static void empty_names_get_their_position(void **state)
{
    struct fixture *f = *state;
    check_header(f, "a,,\"\",  \n", plain, "[a] [column1] [column2] [column3]", 1);
    check_header(f, ",\n", plain, "[column0] [column1]", 1);
    check_header(f, "a,b,\n1,2,\n", plain, "[a] [b] [column2]", 1);
}

static void without_a_header_names_are_positions(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    d.header = false;
    check_header(f, "1,\"x\ny\",3\n", d, "[column0] [column1] [column2]", 0);
    check_header(f, "\n\n1,2\n", d, "[column0] [column1]", 0);
    check_header(f, "1", d, "[column0]", 0);
    d.skip_lines = 2;
    check_header(f, "a,b,c\n\n1,2\n", d, "[column0] [column1]", 2);
}

static void every_dialect_is_understood(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    memcpy(d.delimiter, "||", 3);
    check_header(f, "a|b||c||||d\n", d, "[a|b] [c] [column2] [d]", 1);
    memcpy(d.delimiter, "\xc2\xa7", 3);
    check_header(f, "a\xc2\xa7\xc2\xb5\n", d, "[a] [\xc2\xb5]", 1);
    memcpy(d.delimiter, "\t", 2);
    d.quote = '\'';
    d.escape = '\\';
    check_header(f, "'a\tb'\t'it\\'s'\t'\\\\'\n", d, "[a\tb] [it's] [\\]", 1);
    d.quote = '\0';
    d.escape = '\0';
    check_header(f, "\"a\t'b'\n", d, "[\"a] ['b']", 1);
    memcpy(d.delimiter, " ", 2);
    check_header(f, "a  b\n", d, "[a] [column1] [b]", 1);
}

static void what_stands_before_the_header_is_skipped(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    check_header(f, "\n\na,b\n1,2\n", d, "[a] [b]", 3);
    d.comment = '#';
    check_header(f, "#x\n #y\na,b\n", d, "[a] [b]", 1);
    check_header(f, "  #counted by DuckDB\na,b\n", d, "[a] [b]", 2);
    check_header(f, "#x\n\n#y\na,b\n", d, "[a] [b]", 2);
    d.skip_lines = 2;
    check_header(f, "title\n#x\n\"of two\nlines\"\na,b\n", d, "[a] [b]", 3);
}

static void check_no_header(struct fixture *f, const char *data, size_t count, struct csv_dialect d,
                            int code, const char *words)
{
    struct csv_names names = {0};
    write_file(f, data, count);
    assert_int_equal(csv_header(f->path, &d, &names, &f->err), code);
    assert_int_equal(f->err.code, code);
    assert_null(names.names);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, f->err.text);
    assert_non_null(strstr(f->err.text, f->path));
}

static void an_empty_file_has_no_header(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    d.comment = '#';
    check_no_header(f, "", 0, d, ERR_SOURCE, "is empty. ");
    check_no_header(f, "\xef\xbb\xbf", 3, d, ERR_SOURCE, "is empty. ");
    check_no_header(f, "\n\n#c\n", 5, d, ERR_SOURCE, "is empty: ");
    d.skip_lines = 2;
    check_no_header(f, "a\nb\n\n", 5, d, ERR_SOURCE, "is empty behind the 2 lines");
    check_no_header(f, "a\n", 2, d, ERR_SOURCE, "is empty behind the 2 lines");
}

static void a_name_must_be_there_once(void **state)
{
    struct fixture *f = *state;
    check_no_header(f, "x,a,b,\"a\"\n", 10, plain, ERR_SOURCE,
                    "columns 2 and 4 are both named \"a\"");
    check_no_header(f, "a, A\n", 5, plain, ERR_SOURCE, "columns 1 and 2");
    check_no_header(f, "column1,\n", 9, plain, ERR_SOURCE, "columns 1 and 2");
}

static void a_name_must_be_text(void **state)
{
    struct fixture *f = *state;
    static const char *const bad[] = {"\xe9",         "\xc0\x80",         "\xe0\x80\x80",
                                      "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc3",
                                      "\x80",         "\xf0\x80\x80\x80", "\xf8\x88\x80\x80\x80"};
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[32];
        int n = snprintf(text, sizeof text, "a,%s\n1,2\n", bad[i]);
        check_no_header(f, text, (size_t)n, plain, ERR_SOURCE, "the name of column 2 on line 1");
    }
    check_no_header(f, "a\0b,c\n", 6, plain, ERR_SOURCE, "the name of column 1");
    check_header(f, "\xf4\x8f\xbf\xbf,\xed\x9f\xbf,\xe0\xa0\x80,\xc2\x80\n", plain,
                 "[\xf4\x8f\xbf\xbf] [\xed\x9f\xbf] [\xe0\xa0\x80] [\xc2\x80]", 1);
}

static void rows_that_duckdb_cannot_skip_are_refused(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    check_no_header(f, "\"a\"x,b\n1,2\n", 11, d, ERR_SOURCE, "line 1, before the data");
    check_no_header(f, "\"a,b\n1,2\n", 9, d, ERR_SOURCE, "line 1, before the data");
    d.skip_lines = 1;
    check_no_header(f, "\"t\"x\na\n", 7, d, ERR_SOURCE, "line 1, before the data");
    d.comment = '#';
    d.skip_lines = 0;
    check_no_header(f, "a,b #c\n1,2\n", 11, d, ERR_SOURCE, "comment character stands behind");
    check_no_header(f, "a,#c\n", 5, d, ERR_SOURCE, "comment character stands behind");
}

static void line_endings_that_hide_every_row_are_refused(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    static const char header[] = "\"a\nb\",c\r\n1,2\r\n";
    check_no_header(f, header, sizeof header - 1, d, ERR_SOURCE,
                    "line 1 ends with LF, the record that begins on line 1 with CR LF");
    check_no_header(f, "a,\"\r\"\n1,2\n", 11, d, ERR_SOURCE, "ends with CR,");
    d.skip_lines = 1;
    check_no_header(f, "title\na,b\r\n", 11, d, ERR_SOURCE, "mixes line endings");
    d.skip_lines = 0;
    d.header = false;
    check_no_header(f, "1,\"x\ny\"\r\n2,z\r\n", 14, d, ERR_SOURCE, "mixes line endings");
    check_header(f, "1,\"x\r\ny\"\r\n2,z\r\n", d, "[column0] [column1]", 0);
}

static void a_header_keeps_its_limits(void **state)
{
    struct fixture *f = *state;
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    for (unsigned i = 0; i < CSV_COLUMNS_MAX; i++)
        str_printf(&s, "%s%u", i > 0 ? "," : "", i);
    write_file(f, s.data, s.len);
    struct csv_names names = {0};
    assert_int_equal(csv_header(f->path, &plain, &names, &f->err), ERR_OK);
    assert_int_equal(names.count, CSV_COLUMNS_MAX);
    csv_names_release(&names);
    str_append(&s, ",more");
    check_no_header(f, s.data, s.len, plain, ERR_LIMIT, "more than 4096 columns");

    str_clear(&s);
    str_append_char(&s, '"');
    while (s.len < CSV_HEADER_MAX + ((size_t)1 << 20))
        str_append(&s, "a quote that is never closed\n");
    check_no_header(f, s.data, s.len, plain, ERR_LIMIT, "line 1 is longer than 1048576 bytes");
    s.data[0] = 'x';
    s.len = CSV_HEADER_MAX;
    memset(s.data, 'x', s.len);
    s.data[s.len - 1] = '\n';
    write_file(f, s.data, s.len);
    assert_int_equal(csv_header(f->path, &plain, &names, &f->err), ERR_OK);
    csv_names_release(&names);
    str_release(&s);
}

static void an_absent_file_is_refused(void **state)
{
    struct fixture *f = *state;
    struct csv_names names = {0};
    struct csv_place place = {0};
    struct csv_want want = {0, 0};
    uint64_t n;
    assert_int_equal(csv_header(f->path, &plain, &names, &f->err), ERR_SOURCE);
    assert_non_null(strstr(f->err.text, f->path));
    assert_int_equal(csv_place_at(f->path, 0, &n, &n, NULL), ERR_SOURCE);
    assert_int_equal(csv_check(f->path, &plain, &n, NULL), ERR_SOURCE);
    assert_int_equal(csv_locate(f->path, &plain, NULL, &want, &place, NULL), ERR_SOURCE);
    assert_int_equal(csv_header(f->folder, &plain, &names, &f->err), ERR_SOURCE);
}

static void a_request_to_stop_ends_every_pass(void **state)
{
    struct fixture *f = *state;
    struct csv_names names = {0};
    struct csv_place place = {0};
    struct csv_want want = {0, 0};
    uint64_t n;
    write_text(f, "a\n1\n");
    stop_request();
    assert_int_equal(csv_header(f->path, &plain, &names, &f->err), ERR_INTERRUPTED);
    assert_int_equal(csv_place_at(f->path, 0, &n, &n, NULL), ERR_INTERRUPTED);
    assert_int_equal(csv_check(f->path, &plain, &n, NULL), ERR_INTERRUPTED);
    assert_int_equal(csv_locate(f->path, &plain, NULL, &want, &place, NULL), ERR_INTERRUPTED);
}

/* ---- lines ---- */

static void an_offset_has_its_physical_line_and_character(void **state)
{
    struct fixture *f = *state;
    static const char text[] = "\xef\xbb\xbf"
                               "a\n\"b\nc\"\r\nd\re\n\n";
    static const unsigned lines[] = {1, 1, 1, 1, 1, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 6};
    write_file(f, text, sizeof text - 1);
    static const unsigned characters[] = {1, 1, 1, 1, 2, 1, 2, 3, 1, 2, 3, 4, 1, 2, 1, 2, 1, 2, 2};
    uint64_t line = 0;
    uint64_t column = 0;
    for (size_t i = 0; i < COUNT(lines); i++) {
        assert_int_equal(csv_place_at(f->path, i, &line, &column, &f->err), ERR_OK);
        if (line != lines[i] || column != characters[i])
            fail_msg("offset %zu is at %u:%u, not %llu:%llu", i, lines[i], characters[i],
                     (unsigned long long)line, (unsigned long long)column);
    }
    write_text(f, "a\n\xc3\xa4\xe2\x82\xac,b\n");
    assert_int_equal(csv_place_at(f->path, 8, &line, &column, &f->err), ERR_OK);
    assert_int_equal(line, 2);
    assert_int_equal(column, 4);
    write_text(f, "");
    assert_int_equal(csv_place_at(f->path, 7, &line, &column, &f->err), ERR_OK);
    assert_int_equal(line, 1);
    assert_int_equal(column, 1);
}

/* ---- places ---- */

static void check_place(struct fixture *f, struct csv_dialect d, uint64_t record, size_t column,
                        uint64_t line, uint64_t offset, uint64_t character, const char *value)
{
    struct csv_place place = {0};
    struct csv_want want = {record, column};
    int rc = csv_locate(f->path, &d, NULL, &want, &place, &f->err);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_string_equal(place.value, value);
    assert_int_equal(place.line, line);
    assert_int_equal(place.offset, offset);
    assert_int_equal(place.column, character);
    csv_place_release(&place);
}

static void a_value_is_found_with_line_and_character(void **state)
{
    struct fixture *f = *state;
    write_text(f, "a,b\n1,x\n\xc3\xa9\xc3\xa9,\xf0\x9f\x98\x80,y\n\"two\nlines\",z\n\n4,\n5");
    check_place(f, plain, 0, 0, 2, 4, 1, "1");
    check_place(f, plain, 0, 1, 2, 6, 3, "x");
    check_place(f, plain, 1, 1, 3, 13, 4, "\xf0\x9f\x98\x80");
    check_place(f, plain, 1, 2, 3, 18, 6, "y");
    check_place(f, plain, 2, 0, 4, 20, 1, "\"two\nlines\"");
    check_place(f, plain, 2, 1, 5, 32, 8, "z");
    check_place(f, plain, 3, 1, 7, 37, 3, "");
    /* The record has fewer columns: its end. */
    check_place(f, plain, 4, 1, 8, 39, 2, "");
    check_place(f, plain, 3, 9, 7, 37, 3, "");
    write_text(f, "a,b\n\"1\n\xc3\xa9\"\n");
    check_place(f, plain, 0, 1, 3, 10, 3, "");
}

static void a_byte_order_mark_is_no_character(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    d.header = false;
    write_text(f, "\xef\xbb\xbf\"1\",2\r\n3,4\r\n");
    check_place(f, d, 0, 0, 1, 3, 1, "\"1\"");
    check_place(f, d, 0, 1, 1, 7, 5, "2");
    check_place(f, d, 1, 1, 2, 12, 3, "4");
}

static void blank_lines_are_rows_of_one_column(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    write_text(f, "a\n\n1\r\n\n 2\n");
    check_place(f, d, 0, 0, 2, 2, 1, "");
    check_place(f, d, 1, 0, 3, 3, 1, "1");
    check_place(f, d, 2, 0, 4, 6, 1, "");
    check_place(f, d, 3, 0, 5, 7, 1, " 2");
    d.drop_blank = true;
    check_place(f, d, 0, 0, 3, 3, 1, "1");
    check_place(f, d, 1, 0, 5, 7, 1, " 2");
    d = plain;
    d.header = false;
    write_text(f, "\n\n1\n");
    check_place(f, d, 2, 0, 3, 2, 1, "1");
}

static void a_long_value_is_cut_between_characters(void **state)
{
    struct fixture *f = *state;
    struct str s;
    struct str expected;
    str_init(&s, STR_MAX_DEFAULT);
    str_init(&expected, STR_MAX_DEFAULT);
    str_append(&s, "a\nx");
    str_append(&expected, "x");
    for (int i = 0; i < 300; i++) {
        str_append(&s, "\xe2\x82\xac");
        if (i < 66)
            str_append(&expected, "\xe2\x82\xac");
    }
    write_file(f, s.data, s.len);
    check_place(f, plain, 0, 0, 2, 2, 1, expected.data);
    str_release(&expected);
    str_release(&s);
}

static void rows_that_were_left_out_do_not_count(void **state)
{
    struct fixture *f = *state;
    /* Offsets inside the records, at their ends, in blank lines before them, and behind the last. */
    static const uint64_t offsets[] = {4, 5, 12, 22, 40};
    struct csv_left_out left_out = {offsets, COUNT(offsets)};
    struct csv_want want = {0, 1};
    struct csv_place place = {0};
    write_text(f, "a,b\nbad\n1,x\nbad\n2,y\n\n\nbad\n3,z\nbad");
    static const char *const expected[] = {"x", "y", "z"};
    for (; want.record < 3; want.record++) {
        assert_int_equal(csv_locate(f->path, &plain, &left_out, &want, &place, &f->err), ERR_OK);
        assert_string_equal(place.value, expected[want.record]);
        csv_place_release(&place);
    }
    assert_int_equal(csv_locate(f->path, &plain, &left_out, &want, &place, &f->err), ERR_ABSENT);
    assert_non_null(strstr(f->err.text, "has 3 records; there is no record 4"));
    assert_null(place.value);
}

static void many_places_are_found_in_one_pass_and_any_order(void **state)
{
    struct fixture *f = *state;
    static const struct csv_want wants[] = {{2, 0}, {0, 1}, {2, 0}, {1, 1}, {0, 0}};
    static const char *const expected[] = {"5", "2", "5", "4", "1"};
    struct csv_place places[5];
    write_text(f, "a,b\n1,2\n3,4\n5,6\n");
    assert_int_equal(csv_locate_all(f->path, &plain, NULL, wants, 5, places, &f->err), ERR_OK);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(places[i].value, expected[i]);
        csv_place_release(&places[i]);
    }
    assert_int_equal(csv_locate_all(f->path, &plain, NULL, wants, 0, places, &f->err), ERR_OK);
    static const struct csv_want beyond[] = {{0, 0}, {3, 0}};
    memset(places, 0x55, sizeof places);
    assert_int_equal(csv_locate_all(f->path, &plain, NULL, beyond, 2, places, &f->err), ERR_ABSENT);
    assert_null(places[0].value);
    assert_null(places[1].value);
}

/* Every kind of byte falls on the border between two reads at some record. */
static void records_across_buffers_keep_their_places(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    static const char *const values[] = {"\"q\"\"q\"", "\"a\nb\"", "x", "", "\xc3\xa9,", " \"s\""};
    for (size_t k = 0; k < COUNT(ends); k++) {
        struct str s;
        str_init(&s, STR_MAX_DEFAULT);
        str_printf(&s, "a,b%s", ends[k]);
        enum { RECORDS = 90000 };
        uint64_t *offsets = mem_calloc(RECORDS, sizeof *offsets);
        for (unsigned i = 0; i < RECORDS; i++) {
            offsets[i] = s.len;
            str_printf(&s, "%u,%s%s", i, i % 5 == 0 ? values[i / 5 % 6] : "z", ends[k]);
        }
        write_file(f, s.data, s.len);
        uint64_t count = 0;
        if (k == 0) { /* the others have line feeds inside quotes: no matter, but checked below */
            assert_int_equal(csv_check(f->path, &plain, &count, &f->err), ERR_OK);
            assert_int_equal(count, RECORDS);
        }
        struct csv_want *wants = mem_calloc(RECORDS, sizeof *wants);
        struct csv_place *places = mem_calloc(RECORDS, sizeof *places);
        size_t n = 0;
        for (unsigned i = 0; i < RECORDS; i++) /* those near a border, and some others */
            if ((offsets[i] + 100) % 65536 < 200 || i % 1000 == 0)
                wants[n++] = (struct csv_want){i, 0};
        assert_int_equal(csv_locate_all(f->path, &plain, NULL, wants, n, places, &f->err), ERR_OK);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(places[i].offset, offsets[wants[i].record]);
            assert_int_equal(strtoul(places[i].value, NULL, 10), wants[i].record);
            csv_place_release(&places[i]);
        }
        free(places);
        free(wants);
        free(offsets);
        str_release(&s);
    }
}

/* ---- what DuckDB misreads ---- */

static void check_misread(struct fixture *f, const char *text, struct csv_dialect d,
                          const char *words)
{
    uint64_t records = 77;
    write_text(f, text);
    assert_int_equal(csv_check(f->path, &d, &records, &f->err), ERR_SOURCE);
    assert_int_equal(records, 77);
    if (strstr(f->err.text, words) == NULL)
        fail_msg("\"%s\" is not in: %s", words, f->err.text);
}

static void what_duckdb_misreads_is_refused_with_its_line(void **state)
{
    struct fixture *f = *state;
    struct csv_dialect d = plain;
    check_misread(f, "a,b\n1,x\r\n2,y\n", d, "the record that begins on line 2 with CR LF");
    check_misread(f, "a,b\n1,x\n2,y\r", d, "the record that begins on line 3 with CR");
    check_misread(f, "a,b\r\n1,\"x\ny\"\r\n2,y\n", d, "the record that begins on line 4 with LF");
    check_misread(f, "a,b\n1,x\n\"1\"x,\"2\"y\n", d, "the record on line 3 has text behind");
    d.comment = '#';
    check_misread(f, "a,b\n1,x\n2,  #c\n", d, "on line 3 the comment character");
    check_misread(f, "a,b\n1,C#\n", d, "on line 2 the comment character");
    check_misread(f, "a,b\n1,\"x\"#c\n", d, "on line 2 the comment character");
    uint64_t records = 0;
    write_text(f, "a,b\r\n#c\r\n1,\"#\n\"\r\n\r\n  #d\r\n\"x\"y,2\r\n3\r\n4,");
    assert_int_equal(csv_check(f->path, &d, &records, &f->err), ERR_OK);
    assert_int_equal(records, 4);
}

/* ---- agreement with DuckDB ---- */

struct rows {
    char **values; /* width per row; "" for NULL */
    size_t count, capacity;
    size_t width;
};

static int take_row(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct rows *r = ctx;
    r->width = row->count;
    for (size_t i = 0; i < row->count; i++) {
        r->values = mem_grow(r->values, r->count, &r->capacity, sizeof *r->values);
        r->values[r->count++] = mem_strdup(row->values[i] != NULL ? row->values[i] : "");
    }
    return ERR_OK;
}

static void rows_release(struct rows *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->values[i]);
    free(r->values);
    *r = (struct rows){0};
}

static void one_character(struct str *sql, const char *name, char c)
{
    char text[2] = {c, '\0'};
    sql_printf(sql, ", %s = %t", name, text);
}

/* All rows that DuckDB returns, with csv_header's names and `skip`. */
static int read_with_duckdb(struct fixture *f, struct engine *e, const struct csv_dialect *d,
                            const struct csv_names *names, const char *more, struct rows *out)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT * FROM read_csv(%t, auto_detect = false, columns = {", f->path);
    for (size_t i = 0; i < names->count; i++)
        sql_printf(&sql, "%s%n: 'VARCHAR'", i > 0 ? ", " : "", names->names[i]);
    sql_printf(&sql, "}, header = false, skip = %u, delim = %t", (unsigned long long)names->skip,
               d->delimiter);
    one_character(&sql, "quote", d->quote);
    one_character(&sql, "escape", d->escape);
    one_character(&sql, "comment", d->comment);
    sql_printf(&sql,
               ", nullstr = [%t], strict_mode = true, store_rejects = true, "
               "rejects_limit = 0%s)",
               d->drop_blank ? "NA" : "", more);
    int rc = engine_query(e, sql.data, take_row, out, &f->err);
    str_release(&sql);
    return rc;
}

/* A value as it stands in the file, as DuckDB gives it. */
static char *value_of(const struct csv_dialect *d, const char *raw)
{
    const char *p = raw[0] == ' ' && d->delimiter[0] != ' ' ? raw + 1 : raw;
    if (d->quote == '\0' || *p != d->quote)
        return mem_strdup(raw);
    struct str s;
    str_init(&s, STR_MAX_DEFAULT);
    for (p++; *p != '\0'; p++) {
        if (d->escape != '\0' && *p == d->escape && (d->escape != d->quote || p[1] == d->quote))
            p++;
        else if (*p == d->quote)
            break;
        str_append_char(&s, *p);
    }
    return str_detach(&s);
}

/* Each value that DuckDB returned must be found where csv_locate says, and no other record be left. */
static void compare(struct fixture *f, struct engine *e, const struct csv_dialect *d,
                    const char *more)
{
    struct csv_names names = {0};
    struct rows rows = {0};
    struct rows rejects = {0};
    int rc = csv_header(f->path, d, &names, &f->err);
    if (rc == ERR_OK)
        rc = read_with_duckdb(f, e, d, &names, more, &rows);
    if (rc == ERR_OK)
        rc = engine_query(e,
                          "SELECT CAST(" CSV_REJECT_OFFSET " AS VARCHAR), CAST(line AS VARCHAR) "
                          "FROM reject_errors ORDER BY " CSV_REJECT_OFFSET,
                          take_row, &rejects, &f->err);
    assert_string_equal(f->err.text, "");
    assert_int_equal(rc, ERR_OK);
    assert_int_equal(engine_run(e, "DROP TABLE reject_errors; DROP TABLE reject_scans", &f->err),
                     ERR_OK);

    struct csv_left_out left_out = {NULL, rejects.count / 2};
    uint64_t *offsets = mem_calloc(left_out.count, sizeof *offsets);
    uint64_t rejected = 0;
    for (size_t i = 0; i < left_out.count; i++) {
        offsets[i] = strtoull(rejects.values[i * 2], NULL, 10);
        rejected += i == 0 || strcmp(rejects.values[i * 2 + 1], rejects.values[i * 2 - 1]) != 0;
    }
    left_out.offsets = offsets;
    struct csv_want *wants = mem_calloc(rows.count + 1, sizeof *wants);
    struct csv_place *places = mem_calloc(rows.count + 1, sizeof *places);
    for (size_t i = 0; i < rows.count; i++)
        wants[i] = (struct csv_want){i / rows.width, i % rows.width};
    rc = csv_locate_all(f->path, d, &left_out, wants, rows.count, places, &f->err);
    assert_string_equal(f->err.text, "");
    for (size_t i = 0; i < rows.count; i++) {
        char *value = value_of(d, places[i].value);
        if (strcmp(value, rows.values[i]) != 0)
            fail_msg("record %zu, column %zu, line %llu: \"%s\" is not DuckDB's \"%s\"",
                     i / rows.width, i % rows.width, (unsigned long long)places[i].line, value,
                     rows.values[i]);
        free(value);
        csv_place_release(&places[i]);
    }
    uint64_t returned = rows.count / names.count;
    wants[0] = (struct csv_want){returned, 0};
    assert_int_equal(csv_locate(f->path, d, &left_out, wants, places, &f->err), ERR_ABSENT);
    error_clear(&f->err);
    uint64_t records = 0;
    if (csv_check(f->path, d, &records, NULL) == ERR_OK)
        assert_int_equal(records, returned + rejected);
    free(places);
    free(wants);
    free(offsets);
    rows_release(&rejects);
    rows_release(&rows);
    csv_names_release(&names);
}

#define COMMA .delimiter = ",", .quote = '"', .escape = '"'
#define BACKSLASH .delimiter = ",", .quote = '"', .escape = '\\'

static const struct awkward {
    const char *text;
    struct csv_dialect dialect;
} awkward[] = {
    {"a\n1\n\n2\n\n\n", {COMMA, .header = true}},
    {"a\r\n1\r\n\r\n2\r\n\r\n", {COMMA, .header = true}},
    {"a\r1\r\r2", {COMMA, .header = true}},
    {"\n\n1\n", {COMMA, .header = false}},
    {"a\n1\n\n\n2\n\n", {COMMA, .header = true, .drop_blank = true}},
    {" \n  \n\t\n1\n", {COMMA, .header = false}},
    {"\"\"\n1\n\"\" \n\n", {COMMA, .header = false}},
    {"a,b\n1,x\n\n2,y\n\n\n", {COMMA, .header = true}},
    {"a,b\r\n\r\n1,x\r\n\r\n\r\n2,y\r\n\r\n", {COMMA, .header = true}},
    {"a,b\r1,x\r\r2,y\r", {COMMA, .header = true}},
    {"\n\na,b\n\n1,x\n2,y", {COMMA, .header = true}},
    {"a,b\n1,x\n   \n2,y\n,\n", {COMMA, .header = true}},
    {"a,b\n\"1\n\n1\",x\n2,\"y\"\n3,\"z\" ", {COMMA, .header = true}},
    {"a,b\r\n\"1\n1\",x\r\n\"2\r2\",y\r\n\"3\r\n\",z\r\n", {COMMA, .header = true}},
    {"\"a\r\na\",b\r\n\"1\n1\",x\r\n", {COMMA, .header = true}},
    {"a,b\n2\n3,y\n4,z,w\n5,\"q\"r\n6,u\n\"7\"x\n8,v\n", {COMMA, .header = true}},
    {"a,b\r\n2\r\n3,y\r\n4,z,w\r\n\r\n5,\"q\"r\r\n6,u\r\n\"7\"x\r\n8,v\r\n",
     {COMMA, .header = true}},
    {"a,b\n\n2\n\n3\n5,5\n\n\n6\n7,\n", {COMMA, .header = true}},
    {"a,b\n\"1\n1\",x\n\"2\n2\"\n3,y\n4\n5,z\n", {COMMA, .header = true}},
    {"a,b\n1,x\n2,\"y\n3,z\n", {COMMA, .header = true}},
    {"a,b\n1,\"x", {COMMA, .header = true}},
    {"a,b\n1,x\n2", {COMMA, .header = true}},
    {"2\n3,y\n", {COMMA, .header = false}},
    {"\xef\xbb\xbf"
     "1,x\n2\n3,y\n",
     {COMMA, .header = false}},
    {"a,b\n1,\xff\n2,x\n\xfe,y\n3,z\n", {COMMA, .header = true}},
    {"a,b\n \"1,2\",x\n  \"y\",z\n\"3\" , \"4\"\n 5 , 6 \nin\"q,\"\"\n", {COMMA, .header = true}},
    {"a,b\n1,x,\n2,y,\n", {COMMA, .header = true}},
    {"a,b,c\n1,x,\n2,,\n,,\n", {COMMA, .header = true}},
    {"skip me\n\na,b\n1,x\n2\n3,y\n", {COMMA, .header = true, .skip_lines = 2}},
    {"skip\r\na,b\r\n1,x\r\n2\r\n3,y\r\n", {COMMA, .header = true, .skip_lines = 1}},
    {"\"t1\nt2\"\na,b\n1,x\n2,y\n", {COMMA, .header = true, .skip_lines = 1}},
    {"1,x\n2,y\n3,z\n", {COMMA, .header = false, .skip_lines = 2}},
    {"#c\na,b\n#d\n1,x\n\n #e,f\n\"#2\",y\n3\n#\n4,z\n#", {COMMA, .header = true, .comment = '#'}},
    {"#c\r\na,b\r\n#d\r\n1\r\n#e\r\n2,x\r\n#f\r\n3\r\n", {COMMA, .header = true, .comment = '#'}},
    {"a\n#c\n\n1\n #q\n2\n  #d\n#d", {COMMA, .header = true, .comment = '#'}},
    {"  #c\n#d\n\na,b\n1,x\n", {COMMA, .header = true, .comment = '#'}},
    {"x\n#d\n  #c\n #e\na,b\n1,x\n", {COMMA, .header = true, .skip_lines = 2, .comment = '#'}},
    {"a,b\n1#,x\n2,y#z\n3,  #c\n4,#c\n", {COMMA, .header = true, .comment = '#'}},
    {"a,b\n\"1\\\"\",x\n\"2\\\\\",y\n\"\\z\",1\n3\\\",4\n\"\\\n\",5\n",
     {BACKSLASH, .header = true}},
    {"a,b\n\"1\"\"\",x\n2,y\n", {.delimiter = ",", .quote = '"', .header = true}},
    {"a,b\n\"1\",x\n2,\"y\n\"\n3,z\n", {.delimiter = ",", .header = true}},
    {"a b\n1  \n\"x y\" z\n 2\n", {.delimiter = " ", .quote = '"', .escape = '"', .header = true}},
    {"a\xc2\xa7"
     "b\n1\xc2\xa7x\n2\xc2\xa7\n\xc2\xb5\xc2\xa7\xc2\n\"\xc2\xa7\"\xc2\xa7y\n",
     {.delimiter = "\xc2\xa7", .quote = '"', .escape = '"', .header = true}},
    {"a||b\n1||x\n2|x\n3|||y\n\"||\"||z\n|\"q\"||\n||\n",
     {.delimiter = "||", .quote = '"', .escape = '"', .header = true}},
    {"a<>>b\n1<>>x\n2<>y\n3<><>>z\n<<>>4\n",
     {.delimiter = "<>>", .quote = '"', .escape = '"', .header = true}},
    {"a-=-+b\n1-=-+x\n2-=-=-+y\n--=-+z\n",
     {.delimiter = "-=-+", .quote = '"', .escape = '"', .header = true}},
    {"a\tb\n'1\t'\t'it''s'\n2\t\"\n",
     {.delimiter = "\t", .quote = '\'', .escape = '\'', .header = true}},
};

static void rows_are_those_of_duckdb(void **state)
{
    struct fixture *f = *state;
    struct engine *e = temp_engine_new(f->folder, 2);
    for (size_t i = 0; i < COUNT(awkward); i++) {
        write_text(f, awkward[i].text);
        compare(f, e, &awkward[i].dialect, "");
    }
    engine_free(e);
}

/* Records of all kinds, in more buffers and threads than one. */
static void rows_are_those_of_duckdb_in_parallel(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"\n", "\r\n"};
    struct engine *e = temp_engine_new(f->folder, 4);
    for (size_t k = 0; k < COUNT(ends); k++) {
        struct str s;
        str_init(&s, STR_MAX_DEFAULT);
        str_printf(&s, "a,b%s", ends[k]);
        for (unsigned i = 0; i < 40000; i++) {
            static const char *const odd[] = {
                "x",       "x,y,z", "\"x\"y,z",          "", "\"q\n\n\",\"\"\"\"",
                "\"q\n\"", ", ",    "a,\xc3\xa9\xc3\xa9"};
            if (i % 50 == 49)
                str_printf(&s, "%s%s", odd[i / 50 % COUNT(odd)], ends[k]);
            else
                str_printf(&s, "%u,\"hello, %u\"%s", i, i, ends[k]);
        }
        write_file(f, s.data, s.len);
        compare(f, e, &plain, "");
        compare(f, e, &plain, ", buffer_size = 60000, max_line_size = 20000");
        str_release(&s);
    }
    engine_free(e);
}

static void a_line_that_is_too_long_is_left_out_by_its_offset(void **state)
{
    struct fixture *f = *state;
    static const char *const ends[] = {"\n", "\r\n"};
    struct engine *e = temp_engine_new(f->folder, 1);
    for (size_t k = 0; k < COUNT(ends); k++) {
        struct str s;
        str_init(&s, STR_MAX_DEFAULT);
        str_printf(&s, "a,b%s1,x%s2,", ends[k], ends[k]);
        for (int i = 0; i < 3000; i++)
            str_append_char(&s, 'y');
        str_printf(&s, "%s3,z%s", ends[k], ends[k]);
        write_file(f, s.data, s.len);
        compare(f, e, &plain, ", max_line_size = 1000");
        str_release(&s);
    }
    engine_free(e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(names_come_from_the_header),
        TEST(empty_names_get_their_position),
        TEST(without_a_header_names_are_positions),
        TEST(every_dialect_is_understood),
        TEST(what_stands_before_the_header_is_skipped),
        TEST(an_empty_file_has_no_header),
        TEST(a_name_must_be_there_once),
        TEST(a_name_must_be_text),
        TEST(rows_that_duckdb_cannot_skip_are_refused),
        TEST(line_endings_that_hide_every_row_are_refused),
        TEST(a_header_keeps_its_limits),
        TEST(an_absent_file_is_refused),
        TEST(a_request_to_stop_ends_every_pass),
        TEST(an_offset_has_its_physical_line_and_character),
        TEST(a_value_is_found_with_line_and_character),
        TEST(a_byte_order_mark_is_no_character),
        TEST(blank_lines_are_rows_of_one_column),
        TEST(a_long_value_is_cut_between_characters),
        TEST(rows_that_were_left_out_do_not_count),
        TEST(many_places_are_found_in_one_pass_and_any_order),
        TEST(records_across_buffers_keep_their_places),
        TEST(what_duckdb_misreads_is_refused_with_its_line),
        TEST(rows_are_those_of_duckdb),
        TEST(rows_are_those_of_duckdb_in_parallel),
        TEST(a_line_that_is_too_long_is_left_out_by_its_offset),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

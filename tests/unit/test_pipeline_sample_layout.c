#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/sample_layout.h"

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
    assert_string_equal(l.footer_text, "Source: us");
    l = layout("day,price\n1,2\n3,4\n", true);
    assert_int_equal(l.skip_lines, 0);
    assert_int_equal(l.footer, 0);
}

static void a_first_record_of_values_is_no_header(void **state)
{
    (void)state;
    assert_int_equal(layout("a,b\n1,2\n", true).header, 1);
    assert_int_equal(layout("id,2024\n1,2\n", true).header, 1);
    assert_int_equal(layout("2024-01-01,2\n2024-01-02,3\n", true).header, 0);
    assert_int_equal(layout("2024,2025\n2025,2026\n", true).header, 0);
}

static void years_name_columns_where_what_is_below_them_are_none(void **state)
{
    (void)state;
    assert_int_equal(layout(",2020,2021\nAT,1,2\nBE,3,4\n", true).header, 1);
    assert_int_equal(layout("2020,2021\n1,2\n3,4\n", true).header, 1);
}

static void merged_cells_above_names_are_a_header_of_two_lines(void **state)
{
    (void)state;
    assert_int_equal(layout(",2023,,2024,\nCountry,Q1,Q2,Q1,Q2\nAT,1,2,3,4\n", true).header, 2);
    assert_int_equal(layout("a,b,,\nx,y,z,w\nx,y,z,w\n", true).header, 1);
}

static void titles_that_were_padded_with_delimiters_are_titles(void **state)
{
    (void)state;
    struct sample_layout l =
        layout("Prices;;\nSource: us;;\n;;\nday;place;price\n1;a;2\n3;b;4\n", true);
    assert_int_equal(l.skip_lines, 3);
    assert_int_equal(l.header, 1);
    /* Nothing below it looks like a header: then it is one itself. */
    assert_int_equal(layout("name;;\na;1;2\nb;3;4\n", true).skip_lines, 0);
}

static void a_footer_is_told_by_the_words_that_it_alone_begins_with(void **state)
{
    (void)state;
    struct sample_layout l = layout("a;b;c\nx;1;2\ny;3;4\n;;\nNote: early;;\n", true);
    assert_int_equal(l.footer, 2);
    assert_string_equal(l.footer_text, ";;");
    l = layout("a,b\nx,1\ny,3\n\nTotal of 2 rows\n\n", true);
    assert_int_equal(l.footer, 1);
    assert_string_equal(l.footer_text, "Total of");
    l = layout("a,b\nTotal x,1\ny,3\nTotal 7\n", true);
    assert_int_equal(l.footer, 1);
    assert_string_equal(l.footer_text, ""); /* a row begins with it, too */
}

static void a_row_without_values_is_no_footer(void **state)
{
    (void)state;
    assert_int_equal(layout("a;b;c\nx;1;2\ny;3;4\nz;;\n", true).footer, 0);
    assert_int_equal(layout("a;b;c\nx;1;2\n\nz;;\n", true).footer, 0);
    assert_int_equal(layout("a;b;c\nx;1;2\nthe z;;\n", true).footer, 0);
    assert_int_equal(layout("Prices;\n;;x\n;a b\n\n", true).footer, 0); /* all before the header */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_delimiter_cuts_all_records_alike),
        cmocka_unit_test(a_record_that_is_cut_does_not_count),
        cmocka_unit_test(lines_before_and_behind_the_table_are_titles_and_remarks),
        cmocka_unit_test(a_first_record_of_values_is_no_header),
        cmocka_unit_test(years_name_columns_where_what_is_below_them_are_none),
        cmocka_unit_test(merged_cells_above_names_are_a_header_of_two_lines),
        cmocka_unit_test(titles_that_were_padded_with_delimiters_are_titles),
        cmocka_unit_test(a_footer_is_told_by_the_words_that_it_alone_begins_with),
        cmocka_unit_test(a_row_without_values_is_no_footer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

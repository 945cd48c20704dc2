/* Workbooks as a source: which cells become which values, and which faults. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "source/xlsx.h"
#include "source/xlsx_format.h"
#include "source/xlsx_sheet.h"
#include "support/read_file.h"
#include "util/mem.h"
#include "util/str.h"

#define OFFICE "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
#define MAIN "http://schemas.openxmlformats.org/spreadsheetml/2006/main"

/* What a test says of a workbook. */
struct book {
    const char *sheet; /* inside <worksheet> */
    const char *texts; /* inside <sst>; NULL: none */
    bool from_1904;
};

static void add_part(struct archive *a, const char *name, const char *text)
{
    struct archive_entry *entry = archive_entry_new();
    archive_entry_set_pathname(entry, name);
    archive_entry_set_mode(entry, AE_IFREG | 0600);
    archive_entry_set_size(entry, (la_int64_t)strlen(text));
    assert_int_equal(archive_write_header(a, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(a, text, strlen(text)), (la_ssize_t)strlen(text));
    archive_entry_free(entry);
}

static void add_printed(struct archive *a, const char *name, const char *format, const char *text)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    const char *at = strstr(format, "@");
    str_append_bytes(&out, format, (size_t)(at - format));
    str_append(&out, text);
    str_append(&out, at + 1);
    add_part(a, name, out.data);
    str_release(&out);
}

/* Styles: 0 general, 1 date, 2 moment, 3 clock, 4 elapsed, 5 "0.00", 6 built-in date. */
static const char styles[] =
    "<styleSheet xmlns='" MAIN "'><numFmts>"
    "<numFmt numFmtId='164' formatCode='yyyy\\-mm\\-dd'/>"
    "<numFmt numFmtId='165' formatCode='[$-409]d/m/yy\\ h:mm;@'/>"
    "<numFmt numFmtId='166' formatCode='hh:mm:ss AM/PM'/>"
    "<numFmt numFmtId='167' formatCode='[h]:mm'/></numFmts>"
    "<cellStyleXfs><xf numFmtId='14'/></cellStyleXfs>"
    "<cellXfs><xf numFmtId='0'/><xf numFmtId='164'/><xf numFmtId='165'/><xf numFmtId='166'/>"
    "<xf numFmtId='167'/><xf numFmtId='2'/><xf numFmtId='14'/></cellXfs></styleSheet>";

static void make(const struct book *b, char **bytes, size_t *length)
{
    size_t capacity = 1 << 20;
    struct archive *a = archive_write_new();
    *bytes = mem_alloc(capacity);
    archive_write_set_format_zip(a);
    assert_int_equal(archive_write_open_memory(a, *bytes, capacity, length), ARCHIVE_OK);
    add_part(a, "_rels/.rels",
             "<Relationships><Relationship Id='r' Type='" OFFICE
             "/officeDocument' Target='xl/workbook.xml'/></Relationships>");
    add_printed(a, "xl/workbook.xml",
                "<x:workbook xmlns:x='" MAIN "' xmlns:r='" OFFICE "'><x:workbookPr@/><x:sheets>"
                "<x:sheet name='Chart' sheetId='1' r:id='r9'/>"
                "<x:sheet name='Data &amp; more' sheetId='2' r:id='r1'/>"
                "<x:sheet name='Other' sheetId='3' r:id='r2'/></x:sheets></x:workbook>",
                b->from_1904 ? " date1904='1'" : "");
    add_part(a, "xl/_rels/workbook.xml.rels",
             "<Relationships>"
             "<Relationship Id='r9' Type='" OFFICE "/chartsheet' Target='chartsheets/sheet1.xml'/>"
             "<Relationship Id='r1' Type='" OFFICE "/worksheet' Target='worksheets/sheet1.xml'/>"
             "<Relationship Id='r2' Type='" OFFICE "/worksheet' Target='/xl/worksheets/other.xml'/>"
             "<Relationship Id='r3' Type='" OFFICE "/styles' Target='styles.xml'/>"
             "<Relationship Id='r4' Type='" OFFICE
             "/sharedStrings' Target='sharedStrings.xml'/></Relationships>");
    add_part(a, "xl/styles.xml", styles);
    add_printed(a, "xl/sharedStrings.xml", "<sst xmlns='" MAIN "'>@</sst>",
                b->texts != NULL ? b->texts : "");
    add_printed(a, "xl/worksheets/sheet1.xml", "<worksheet xmlns='" MAIN "'>@</worksheet>",
                b->sheet);
    add_part(a, "xl/worksheets/other.xml",
             "<worksheet><sheetData><row r='1'><c r='A1' t='str'><v>o</v></c></row>"
             "<row r='2'><c r='A2'><v>7</v></c></row></sheetData></worksheet>");
    assert_int_equal(archive_write_close(a), ARCHIVE_OK);
    archive_write_free(a);
}

static void assert_book(const struct book *b, struct read_options options, const char *columns,
                        const char *nulls, const char *expected)
{
    char *bytes;
    size_t length;
    make(b, &bytes, &length);
    char *got = read_file(xlsx_open, &options, bytes, length, columns, nulls);
    assert_string_equal(got, expected);
    free(got);
    free(bytes);
}

/* A sheet of rows, with the names in the first. */
static void assert_sheet(const char *sheet, const char *columns, const char *expected)
{
    const struct book b = {.sheet = sheet};
    assert_book(&b, (struct read_options){.header = 1}, columns, NULL, expected);
}

#define ROW(cells) "<row>" cells "</row>"
#define STR(text) "<c t='str'><v>" text "</v></c>"
#define NUM(text) "<c><v>" text "</v></c>"
#define DATE(style, text) "<c s='" style "'><v>" text "</v></c>"
#define SHEET(rows) "<sheetData>" rows "</sheetData>"

static void rows_are_records_below_the_names(void **state)
{
    (void)state;
    assert_sheet(SHEET(ROW(STR("k") STR("v")) ROW(NUM("1") STR("a")) ROW(NUM("2") STR("b &lt; c"))),
                 "k:int;v:text", "1@2 1|a\n2@3 2|b < c\n");
    /* Rows and cells that are not there, and references in place of order. */
    assert_sheet(
        "<sheetData><row r='3'><c r='B3' t='str'><v>k</v></c><c r='D3' t='str'><v>v</v></c></row>"
        "<row r='4'/><row r='7'><c r='B7'><v>1</v></c></row>"
        "<row r='9'><c r='D9' t='str'><v>x</v></c></row></sheetData>",
        "k:int;v:text", "1@7 1|-\n2@9 -|x\n");
    assert_sheet(SHEET(ROW(STR("k"))), "k:int!", "");
    assert_sheet(SHEET(""), "k:int",
                 "source: source has no header: its sheet is empty where it should be.\n");
    assert_sheet(
        SHEET(ROW(STR("k") STR("a"))), "k:int;amount:int;z:int?",
        "gate: column \"amount\" is not in source, which has \"k\", \"a\". List the source's "
        "name for it under `from`, or say `optional: true` where a file may lack it.\n");
}

static void texts_are_shared_inline_or_of_formulas(void **state)
{
    (void)state;
    const struct book b = {
        .sheet = SHEET(
            "<row><c t='s'><v>0</v></c></row><row><c t='s'><v>1</v></c></row>"
            "<row><c t='s'><v>2</v></c></row>"
            "<row><c t='inlineStr'><is><t>in</t><r><rPr/><t>line</t></r><rPh><t>no</t></rPh></is></c></row>"
            "<row><c t='str'><f>A1</f><v>_x0041_x_x005F_x0041_</v></c></row>"
            "<row><c t='str'><f>\"\"</f><v></v></c></row>"),
        .texts =
            "<si><t>v</t></si><si><r><t>rich </t></r><r><rPr><b/></rPr><t>text</t></r>"
            "<rPh sb='0'><t>x</t></rPh></si><si><t xml:space='preserve'> a_x000D_\nb </t></si>"};
    assert_book(&b, (struct read_options){.header = 1}, "v:text", NULL,
                "1@2 rich text\n2@3  a\r\nb \n3@4 inline\n4@5 Ax_x0041_\n5@6 \n");
}

static void numbers_are_their_fewest_digits(void **state)
{
    (void)state;
    assert_sheet(
        SHEET(ROW(STR("d") STR("n") STR("t")) ROW(NUM("0.10000000000000001") NUM("5") NUM("44197"))
                  ROW(NUM("3.1400000000000001") NUM("1E+3") NUM("1.5"))
                      ROW(NUM("-2") NUM("9007199254740991") NUM("1E-3"))
                          ROW(NUM("7") NUM("1.5") NUM("0"))),
        "d:decimal(9,2);n:bigint;t:text",
        "1@2 0.10|5|44197\n2@3 3.14|1000|1.5\n3@4 -2.00|9007199254740991|0.001\n"
        "4@5:2 n=1.5 is not a bigint (it has more digits after the point than the type keeps)\n");
    assert_sheet(SHEET(ROW(STR("d")) ROW(NUM("0.30000000000000004")) ROW(NUM("abc"))), "d:double",
                 "1@2 0.30000000000000004\n"
                 "2@3:1 d=abc is not a number, though the workbook says so\n");
    assert_sheet(SHEET(ROW(STR("d")) ROW(NUM(" 5")) ROW(NUM("0x10")) ROW(NUM("1,5"))), "d:double",
                 "1@2:1 d= 5 is not a number, though the workbook says so\n"
                 "2@3:1 d=0x10 is not a number, though the workbook says so\n"
                 "3@4:1 d=1,5 is not a number, though the workbook says so\n");
}

/* Excel has no such numbers; programs that write workbooks have. */
static void long_whole_numbers_keep_their_digits(void **state)
{
    (void)state;
    assert_sheet(SHEET(ROW(STR("n") STR("d") STR("t")) ROW(
                     NUM("9007199254740993") NUM("123456789012345678901") NUM("123456789012345678"))
                           ROW(NUM("1E+17") NUM("1E+20") NUM("1E+17"))
                               ROW(NUM("1.2345678901234568E+17") NUM("1") NUM("1"))),
                 "n:bigint;d:decimal(38,0);t:text",
                 "1@2 9007199254740993|123456789012345678901|123456789012345678\n"
                 "2@3:1 n=1e+17 is not a bigint\n"
                 "3@4:1 n=1.2345678901234568e+17 is not a bigint\n");
}

static void truth_values_are_one_of_two(void **state)
{
    (void)state;
    assert_sheet(SHEET(ROW(STR("b")) ROW("<c t='b'><v>1</v></c>") ROW("<c t='b'><v>false</v></c>")
                           ROW("<c t='b'><v>true</v></c>") ROW("<c t='b'><v>2</v></c>")
                               ROW("<c t='b'><v>TRUE</v></c>")),
                 "b:boolean",
                 "1@2 true\n2@3 false\n3@4 true\n"
                 "4@5:1 b=2 is not a truth value, though the workbook says so\n"
                 "5@6:1 b=TRUE is not a truth value, though the workbook says so\n");
}

static void dates_are_told_by_their_format(void **state)
{
    (void)state;
    assert_sheet(SHEET(ROW(STR("d") STR("m") STR("c") STR("x")) ROW(DATE("1", "45296") DATE(
                     "2", "45296.573611111111") DATE("3", "0.75") DATE("1", "45296"))
                           ROW(DATE("6", "1") DATE("1", "59.5") DATE("3", "0.000011574074074074073")
                                   DATE("2", "61.25")) ROW(DATE("2", "61") DATE("2", "45296")
                                                               DATE("3", "0") DATE("3", "0.5"))
                               ROW(DATE("1", "2958465") DATE("3", "2.5") NUM("") DATE("4", "1.5"))),
                 "d:date;m:timestamp;c:time;x:text",
                 "1@2 2024-01-05|2024-01-05 13:46:00+00|18:00:00|2024-01-05\n"
                 "2@3 1900-01-01|1900-02-28 12:00:00+00|00:00:01|1900-03-01 06:00:00\n"
                 "3@4 1900-03-01|2024-01-05 00:00:00+00|00:00:00|12:00:00\n"
                 "4@5 9999-12-31|1900-01-02 12:00:00+00|-|1.5\n");
    assert_sheet(SHEET(ROW(STR("d")) ROW(DATE("1", "60")) ROW(DATE("1", "0")) ROW(DATE("1", "-1"))
                           ROW(DATE("1", "2958466")) ROW(NUM("45296"))),
                 "d:date",
                 "1@2:1 d=60 is shown as a date, but there is no such day\n"
                 "2@3:1 d=0 is shown as a date, but there is no such day\n"
                 "3@4:1 d=-1 is shown as a date, but there is no such day\n"
                 "4@5:1 d=2958466 is shown as a date, but there is no such day\n"
                 "5@6:1 d=45296 is not a date\n");
    const struct book b = {.sheet =
                               SHEET(ROW(STR("d")) ROW(DATE("1", "0")) ROW(DATE("1", "43834"))),
                           .from_1904 = true};
    assert_book(&b, (struct read_options){.header = 1}, "d:date", NULL,
                "1@2 1904-01-01\n2@3 2024-01-05\n");
}

static void errors_and_formulas_without_values_are_faults(void **state)
{
    (void)state;
    const struct book b = {
        .sheet = SHEET(ROW(STR("t") STR("n")) ROW("<c t='e'><f>1/0</f><v>#DIV/0!</v></c>" NUM("1"))
                           ROW("<c t='e'><v>#N/A</v></c><c t='e'><v>#N/A</v></c>")
                               ROW("<c><f>A1</f></c>" NUM("1"))
                                   ROW("<c t='b'><v>1</v></c><c><f>1+1</f><v>2</v></c>"))};
    assert_book(
        &b, (struct read_options){.header = 1}, "t:text;n:int", "#N/A",
        "2@3 -|-\n4@5 true|2\n"
        "1@2:1 t=#DIV/0! is an error: list it under `nulls` if it means that there is no value\n"
        "3@4:1 t= is a formula without a value: calculate and save the workbook\n");
}

static void sheet_and_range_are_chosen(void **state)
{
    (void)state;
    const struct book b = {
        .sheet = SHEET(ROW(STR("title")) ROW(STR("") STR("k") STR("v")) ROW(
            STR("") NUM("1") NUM("2")) ROW(STR("") NUM("3") NUM("4")) ROW(STR("source: x")))};
    assert_book(&b, (struct read_options){.header = 1, .range = "B2:C4"}, "k:int;v:int", NULL,
                "1@3 1|2\n2@4 3|4\n");
    assert_book(&b, (struct read_options){.header = 1, .range = "$C:$C", .skip_lines = 1}, "v:int",
                NULL, "1@3 2\n2@4 4\n");
    assert_book(&b, (struct read_options){.header = 1, .skip_lines = 1, .footer = "source"},
                "k:int", NULL, "1@3 1\n2@4 3\n");
    assert_book(&b, (struct read_options){.header = 0, .range = "B3:C4"}, "column0:int;column1:int",
                NULL, "1@3 1|2\n2@4 3|4\n");
    assert_book(&b, (struct read_options){.header = 1, .sheet = "Other"}, "o:int", NULL, "1@2 7\n");
    assert_book(&b, (struct read_options){.header = 1, .sheet = "Chart"}, "o:int", NULL,
                "gate: source has no sheet \"Chart\" (`sheet`); it has \"Chart\", \"Data & more\", "
                "\"Other\".\n");
    assert_book(&b, (struct read_options){.header = 1, .range = "C4:B2"}, "o:int", NULL,
                "config: range \"C4:B2\" is not a range of cells, as A1:D100, B:F or A3:F.\n");
}

static void merged_names_belong_to_all_their_columns(void **state)
{
    (void)state;
    const struct book b = {
        .sheet = SHEET(
            "<row r='1'><c r='A1' t='str'><v>k</v></c><c r='B1' t='str'><v>2024</v></c></row>"
            "<row r='2'><c r='B2' t='str'><v>price</v></c><c r='C2' t='str'><v>unit</v></c></row>"
            "<row r='3'><c r='A3'><v>1</v></c><c r='B3'><v>2</v></c><c r='C3' t='str'><v>m</v></c></row>") "<mergeCells><mergeCell ref='B1:C1'/><mergeCell ref='A1:A2'/></mergeCells>"};
    assert_book(&b, (struct read_options){.header = 2}, "k:int;p:int=2024 price;u:text=2024 unit",
                NULL, "1@3 1|2|m\n");
    assert_book(&b, (struct read_options){.header = 1, .range = "A1:C3"}, "a:text=2024.2", NULL,
                "1@2 unit\n2@3 m\n");
}

static void a_workbook_that_is_none_is_told(void **state)
{
    (void)state;
    char *bytes;
    size_t length;
    const struct book b = {.sheet = SHEET(ROW(STR("k")) ROW(NUM("1")))};
    const struct read_options options = {.header = 1};
    char *got = read_file(xlsx_open, &options, "a,b\n1,2\n", 8, "k:int", NULL);
    assert_string_equal(got, "source: source is text, not an Excel workbook (.xlsx). \n");
    free(got);
    make(&b, &bytes, &length);
    /* Wherever it is cut, it is refused. */
    for (size_t cut = 2; cut < length; cut += 17) {
        got = read_file(xlsx_open, &options, bytes, cut, "k:int", NULL);
        if (strncmp(got, "source: ", 8) != 0)
            fail_msg("cut at %zu: %s", cut, got);
        free(got);
    }
    free(bytes);
    assert_sheet("<sheetData><row><c t='str'><v>k</v></c>", "k:int",
                 "source: source: xl/worksheets/sheet1.xml, line 1: mismatched tag.\n");
    assert_sheet(
        "<sheetData><row r='2'><c t='str'><v>k</v></c></row><row r='1'><c><v>1</v></c></row>"
        "</sheetData>",
        "k:int", "source: source:1: the rows of the sheet are not in order.\n");
}

static void bombs_are_refused(void **state)
{
    (void)state;
    struct str sheet;
    str_init(&sheet, STR_MAX_DEFAULT);
    str_append(&sheet, "<sheetData><row><c t='str'><v>k</v></c></row>");
    for (int i = 0; i < 20000; i++)
        str_append(&sheet, "<row><c><v>1</v></c></row>");
    str_append(&sheet, "</sheetData>");
    const struct book b = {.sheet = sheet.data};
    char *bytes;
    size_t length;
    make(&b, &bytes, &length);
    const struct read_options options = {.header = 1, .max_bytes = 100000};
    char *got = read_file(xlsx_open, &options, bytes, length, "k:int", NULL);
    assert_non_null(
        strstr(got, "limit: source: xl/worksheets/sheet1.xml has more than 100000 bytes"));
    free(got);
    free(bytes);
    str_release(&sheet);
    assert_sheet("<!-- no --><sheetData/>", "k:int",
                 "source: source has no header: its sheet is empty where it should be.\n");
}

static void formats_are_dates_by_their_letters(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        enum xlsx_kind kind;
    } cases[] = {
        {"General", XLSX_NUMBER},
        {"0.00", XLSX_NUMBER},
        {"#,##0.00;[Red]-#,##0.00", XLSX_NUMBER},
        {"0.00E+00", XLSX_NUMBER},
        {"\"day \"0", XLSX_NUMBER},
        {"0\\d", XLSX_NUMBER},
        {"_(* #,##0_)", XLSX_NUMBER},
        {"[h]:mm:ss", XLSX_NUMBER},
        {"[mm]:ss", XLSX_NUMBER},
        {"[Red]0", XLSX_NUMBER},
        {"@", XLSX_NUMBER},
        {"", XLSX_NUMBER},
        {"0;d", XLSX_NUMBER},
        {"yyyy-mm-dd", XLSX_DATE},
        {"d/m/yy", XLSX_DATE},
        {"mmm-yy", XLSX_DATE},
        {"mmmm", XLSX_DATE},
        {"[$-40C]d mmmm yyyy;@", XLSX_DATE},
        {"yyyy", XLSX_DATE},
        {"DD.MM.YYYY", XLSX_DATE},
        {"[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", XLSX_DATE},
        {"h:mm", XLSX_CLOCK},
        {"mm:ss.0", XLSX_CLOCK},
        {"h:mm AM/PM", XLSX_CLOCK},
        {"h a/p", XLSX_CLOCK},
        {"m/d/yy h:mm", XLSX_MOMENT},
        {"yyyy-mm-dd\"T\"hh:mm:ss", XLSX_MOMENT},
        {"\"unclosed", XLSX_NUMBER},
        {"[", XLSX_NUMBER},
        {"d\\", XLSX_DATE},
        {"y_", XLSX_DATE},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (xlsx_format_of_code(cases[i].code) != cases[i].kind)
            fail_msg("%s", cases[i].code);
    assert_int_equal(xlsx_format_of_number(14), XLSX_DATE);
    assert_int_equal(xlsx_format_of_number(22), XLSX_MOMENT);
    assert_int_equal(xlsx_format_of_number(46), XLSX_NUMBER);
    assert_int_equal(xlsx_format_of_number(49), XLSX_NUMBER);
    assert_int_equal(xlsx_format_of_number(4000000000), XLSX_NUMBER);
}

static void references_are_read(void **state)
{
    (void)state;
    struct xlsx_area a;
    char name[8];
    assert_true(xlsx_sheet_area("B2:XFD1048576", &a));
    assert_int_equal(a.first_column, 1);
    assert_int_equal(a.last_column, 16383);
    assert_int_equal(a.first_row, 2);
    assert_int_equal(a.last_row, 1048576);
    assert_true(xlsx_sheet_area("c", &a));
    assert_int_equal(a.last_column, 2);
    static const char *const bad[] = {"",    ":",    "A1:",      "A1:B2:C3",
                                      "A1B", "XFE1", "A1048577", "A1 ",
                                      "1A",  "-1",   "B1:A2",    "A99999999999999999999"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (xlsx_sheet_area(bad[i], &a) && i != 2)
            fail_msg("%s", bad[i]);
    xlsx_sheet_column_name(0, name);
    assert_string_equal(name, "A");
    xlsx_sheet_column_name(27, name);
    assert_string_equal(name, "AB");
    xlsx_sheet_column_name(16383, name);
    assert_string_equal(name, "XFD");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_records_below_the_names),
        cmocka_unit_test(texts_are_shared_inline_or_of_formulas),
        cmocka_unit_test(numbers_are_their_fewest_digits),
        cmocka_unit_test(long_whole_numbers_keep_their_digits),
        cmocka_unit_test(truth_values_are_one_of_two),
        cmocka_unit_test(dates_are_told_by_their_format),
        cmocka_unit_test(errors_and_formulas_without_values_are_faults),
        cmocka_unit_test(sheet_and_range_are_chosen),
        cmocka_unit_test(merged_names_belong_to_all_their_columns),
        cmocka_unit_test(a_workbook_that_is_none_is_told),
        cmocka_unit_test(bombs_are_refused),
        cmocka_unit_test(formats_are_dates_by_their_letters),
        cmocka_unit_test(references_are_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

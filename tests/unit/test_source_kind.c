/* What a file is by its first bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "source/kind.h"

struct head {
    enum kind kind;
    const char *bytes;
    size_t count;
};

#define HEAD(kind, text)              \
    {                                 \
        kind, text, sizeof(text) - 1, \
    }

static void assert_kinds(const struct head *heads, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum kind found = kind_of(heads[i].bytes, heads[i].count);
        if (found != heads[i].kind)
            fail_msg("%zu: %s, not %s", i, kind_name(found), kind_name(heads[i].kind));
    }
}
#define ASSERT_KINDS(heads) assert_kinds(heads, sizeof(heads) / sizeof *(heads))

static void packed_files_and_databases_have_marks(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_GZIP, "\x1f\x8b\x08"),
        HEAD(KIND_ZSTD, "\x28\xb5\x2f\xfd"),
        HEAD(KIND_XZ, "\xfd\x37\x7a\x58\x5a\0"),
        HEAD(KIND_BZIP2, "BZh9"),
        HEAD(KIND_ZIP, "PK\3\4data.csv"),
        HEAD(KIND_ZIP, "PK\5\6"),
        HEAD(KIND_XLS, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        HEAD(KIND_7Z, "7z\xbc\xaf\x27\x1c"),
        HEAD(KIND_RAR, "Rar!\x1a\x07\x01"),
        HEAD(KIND_PARQUET, "PAR1\x15"),
        HEAD(KIND_ARROW, "ARROW1\0\0"),
        HEAD(KIND_AVRO, "Obj\1"),
        HEAD(KIND_SQLITE, "SQLite format 3\0"),
        HEAD(KIND_PDF, "%PDF-1.7"),
        HEAD(KIND_IMAGE, "\x89PNG\r\n\x1a\n"),
        HEAD(KIND_IMAGE, "\xff\xd8\xff\xe0"),
    };
    ASSERT_KINDS(heads);
}

static void a_mark_that_is_cut_is_none(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_UNKNOWN, "PK"),   HEAD(KIND_UNKNOWN, "BZ"), HEAD(KIND_UNKNOWN, "SQLite format"),
        HEAD(KIND_UNKNOWN, "%PDF"), HEAD(KIND_EMPTY, ""),
    };
    ASSERT_KINDS(heads);
}

static void zip_archives_are_told_by_their_members(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_XLSX, "PK\3\4....[Content_Types].xml...."),
        HEAD(KIND_XLSX, "PK\3\4....xl/workbook.xml"),
        HEAD(KIND_ZIP, "PK\3\4....[Content_Types].xml....word/document.xml"),
        HEAD(KIND_ODS, "PK\3\4mimetypeapplication/vnd.oasis.opendocument.spreadsheet"),
    };
    ASSERT_KINDS(heads);
}

static void markup_is_a_page_or_a_document(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_HTML, "<!DOCTYPE html><p>"),
        HEAD(KIND_HTML, "\xef\xbb\xbf\r\n  <HTML lang='en'>"),
        HEAD(KIND_HTML, "<?xml version='1.0'?><html xmlns='x'>"),
        HEAD(KIND_HTML, "<!-- saved --><html>"),
        HEAD(KIND_XML, "<?xml version='1.0'?><data/>"),
        HEAD(KIND_UNKNOWN, "<5,>3\n1,2\n"),
    };
    ASSERT_KINDS(heads);
}

/* CSV may begin with a bracket, too. */
static void json_begins_as_only_json_does(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_JSON, "{\"a\":1}"),    HEAD(KIND_JSON, " [\n {\"a\":1}]"),
        HEAD(KIND_JSON, "{}"),           HEAD(KIND_JSON, "[]"),
        HEAD(KIND_JSON, "[[1,2]]"),      HEAD(KIND_UNKNOWN, "[1,2]\n"),
        HEAD(KIND_UNKNOWN, "{a},b\n"),   HEAD(KIND_UNKNOWN, "["),
        HEAD(KIND_UNKNOWN, "[EUR],k\n"), HEAD(KIND_UNKNOWN, "\"a\",\"b\"\n"),
    };
    ASSERT_KINDS(heads);
}

static void zeros_tell_wide_characters_and_binary_data(void **state)
{
    (void)state;
    static const struct head heads[] = {
        HEAD(KIND_UTF16LE, "a\0,\0b\0\n\0"),
        HEAD(KIND_UTF16BE, "\0a\0,\0b\0\n"),
        HEAD(KIND_UNKNOWN, "\xff\xfe"
                           "a\0"),
        HEAD(KIND_UNKNOWN, "\xfe\xff\0a"),
        HEAD(KIND_BINARY, "\1\0\0\0\2\0\0\0"),
        HEAD(KIND_UNKNOWN, "a,b\nc,d\n"),
        HEAD(KIND_UNKNOWN, "\xe9,\xe8\n"),
    };
    ASSERT_KINDS(heads);
}

static void a_tar_archive_has_its_mark_within(void **state)
{
    (void)state;
    char head[512] = "data.csv";
    memcpy(head + 257, "ustar", 5);
    assert_int_equal(kind_of(head, sizeof head), KIND_TAR);
    assert_int_equal(kind_of(head, 261), KIND_BINARY);
}

static void every_kind_has_a_name_and_advice_is_a_sentence(void **state)
{
    (void)state;
    for (int i = 0; i < KIND_COUNT; i++) {
        const char *advice = kind_advice((enum kind)i);
        assert_true(kind_name((enum kind)i)[0] != '\0');
        assert_true(*advice == '\0' || advice[strlen(advice) - 1] == '.');
    }
    assert_true(kind_is_no_text(KIND_HTML) && kind_is_no_text(KIND_ZIP));
    assert_false(kind_is_no_text(KIND_UNKNOWN) || kind_is_no_text(KIND_XML));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packed_files_and_databases_have_marks),
        cmocka_unit_test(a_mark_that_is_cut_is_none),
        cmocka_unit_test(zip_archives_are_told_by_their_members),
        cmocka_unit_test(markup_is_a_page_or_a_document),
        cmocka_unit_test(json_begins_as_only_json_does),
        cmocka_unit_test(zeros_tell_wide_characters_and_binary_data),
        cmocka_unit_test(a_tar_archive_has_its_mark_within),
        cmocka_unit_test(every_kind_has_a_name_and_advice_is_a_sentence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

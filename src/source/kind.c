#include "source/kind.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

struct magic {
    enum kind kind;
    size_t offset;
    size_t length;
    const char *bytes;
};

static const struct magic magics[] = {
    {KIND_GZIP, 0, 2, "\x1f\x8b"},
    {KIND_ZSTD, 0, 4, "\x28\xb5\x2f\xfd"},
    {KIND_XZ, 0, 6, "\xfd\x37\x7a\x58\x5a\x00"},
    {KIND_BZIP2, 0, 3, "BZh"},
    {KIND_ZIP, 0, 4, "PK\x03\x04"},
    {KIND_ZIP, 0, 4, "PK\x05\x06"},
    {KIND_XLS, 0, 8, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"},
    {KIND_TAR, 257, 5, "ustar"},
    {KIND_7Z, 0, 6, "7z\xbc\xaf\x27\x1c"},
    {KIND_RAR, 0, 6, "Rar!\x1a\x07"},
    {KIND_PARQUET, 0, 4, "PAR1"},
    {KIND_PARQUET, 0, 4, "PARE"},
    {KIND_ARROW, 0, 6, "ARROW1"},
    {KIND_AVRO, 0, 4, "Obj\x01"},
    {KIND_ORC, 0, 3, "ORC"},
    {KIND_SQLITE, 0, 16, "SQLite format 3"},
    {KIND_DUCKDB, 8, 4, "DUCK"},
    {KIND_PDF, 0, 5, "%PDF-"},
    {KIND_IMAGE, 0, 8, "\x89PNG\r\n\x1a\n"},
    {KIND_IMAGE, 0, 3, "\xff\xd8\xff"},
    {KIND_IMAGE, 0, 4, "GIF8"},
};

static bool has(const char *head, size_t count, const struct magic *m)
{
    return count >= m->offset + m->length && memcmp(head + m->offset, m->bytes, m->length) == 0;
}

static bool find(const char *head, size_t count, const char *text)
{
    return memmem(head, count, text, strlen(text)) != NULL;
}

/* What kind of archive: the names of its first files tell. */
static enum kind zip_kind(const char *head, size_t count)
{
    if (find(head, count, "[Content_Types].xml") || find(head, count, "xl/"))
        return find(head, count, "word/") || find(head, count, "ppt/") ? KIND_ZIP : KIND_XLSX;
    if (find(head, count, "application/vnd.oasis.opendocument.spreadsheet"))
        return KIND_ODS;
    return KIND_ZIP;
}

static const char *skip_blanks(const char *p, const char *end)
{
    if (end - p >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        p += 3;
    while (p < end && strchr(" \t\r\n", *p) != NULL && *p != '\0')
        p++;
    return p;
}

static bool begins(const char *p, const char *end, const char *word)
{
    size_t n = strlen(word);
    return (size_t)(end - p) >= n && strncasecmp(p, word, n) == 0;
}

static enum kind markup_kind(const char *p, const char *end)
{
    static const char *const html[] = {"<!doctype html", "<html", "<head", "<body"};
    for (size_t i = 0; i < sizeof html / sizeof *html; i++)
        if (begins(p, end, html[i]))
            return KIND_HTML;
    if (!begins(p, end, "<?xml") && !begins(p, end, "<!--"))
        return KIND_UNKNOWN;
    size_t count = (size_t)(end - p);
    return find(p, count, "<html") || find(p, count, "<!DOCTYPE html") ? KIND_HTML : KIND_XML;
}

/* An object, or an array of values. CSV may begin with a bracket, too: what follows must fit. */
static bool is_json(const char *p, const char *end)
{
    if (p == end || (*p != '{' && *p != '['))
        return false;
    bool object = *p == '{';
    p = skip_blanks(p + 1, end);
    if (p == end)
        return false;
    return object ? *p == '"' || *p == '}' : strchr("[{]", *p) != NULL && *p != '\0';
}

/* In most languages every other byte of text in UTF-16 is NUL. */
static enum kind zeros_kind(const char *head, size_t count)
{
    size_t zeros[2] = {0, 0};
    for (size_t i = 0; i < count; i++)
        zeros[i % 2] += head[i] == '\0';
    size_t half = count / 2;
    if (zeros[1] > half / 2 && zeros[0] <= half / 16)
        return KIND_UTF16LE;
    if (zeros[0] > half / 2 && zeros[1] <= half / 16)
        return KIND_UTF16BE;
    return zeros[0] + zeros[1] > count / 64 ? KIND_BINARY : KIND_UNKNOWN;
}

static bool has_mark(const char *head, size_t count)
{
    return (count >= 2 && (memcmp(head, "\xff\xfe", 2) == 0 || memcmp(head, "\xfe\xff", 2) == 0)) ||
           (count >= 4 && memcmp(head, "\0\0\xfe\xff", 4) == 0);
}

enum kind kind_of(const void *bytes, size_t count)
{
    const char *head = bytes;
    const char *end = head + count;
    if (count == 0)
        return KIND_EMPTY;
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (has(head, count, &magics[i]))
            return magics[i].kind == KIND_ZIP ? zip_kind(head, count) : magics[i].kind;
    if (has_mark(head, count))
        return KIND_UNKNOWN;
    const char *p = skip_blanks(head, end);
    if (p < end && *p == '<')
        return markup_kind(p, end);
    return is_json(p, end) ? KIND_JSON : zeros_kind(head, count);
}

static const struct description {
    const char *name;
    const char *advice;
    bool no_text;
} descriptions[KIND_COUNT] = {
    [KIND_UNKNOWN] = {"text", "", false},
    [KIND_EMPTY] = {"an empty file", "", false},
    [KIND_GZIP] = {"compressed with gzip", "Leave `compression` at `auto`.", true},
    [KIND_ZSTD] = {"compressed with Zstandard", "Leave `compression` at `auto`.", true},
    [KIND_XZ] = {"compressed with xz", "Leave `compression` at `auto`.", true},
    [KIND_BZIP2] = {"compressed with bzip2", "Leave `compression` at `auto`.", true},
    [KIND_ZIP] = {"a ZIP archive", "Set `archive` to the name of the file in it.", true},
    [KIND_XLSX] = {"an Excel workbook", "Set `format: xlsx`.", true},
    [KIND_ODS] = {"an OpenDocument spreadsheet", "Save it as XLSX or CSV.", true},
    [KIND_XLS] = {"an old Excel workbook (.xls)", "Save it as XLSX or CSV.", true},
    [KIND_TAR] = {"a tar archive", "Set `archive` to the name of the file in it.", true},
    [KIND_7Z] = {"a 7-Zip archive", "Set `archive` to the name of the file in it.", true},
    [KIND_RAR] = {"a RAR archive", "Unpack it first.", true},
    [KIND_PARQUET] = {"a Parquet file", "Set `format: parquet`.", true},
    [KIND_ARROW] = {"an Arrow file", "Save it as Parquet.", true},
    [KIND_AVRO] = {"an Avro file", "Save it as Parquet.", true},
    [KIND_ORC] = {"an ORC file", "Save it as Parquet.", false},
    [KIND_SQLITE] = {"an SQLite database", "Have its data published as CSV, JSON or Parquet.",
                     true},
    [KIND_DUCKDB] = {"a DuckDB database", "Have its data published as CSV, JSON or Parquet.", true},
    [KIND_PDF] = {"a PDF document", "Have its data published as CSV, JSON or Parquet.", true},
    [KIND_IMAGE] = {"an image", "Have its data published as CSV, JSON or Parquet.", true},
    [KIND_HTML] = {"a web page (HTML)", "Check the address: it does not give the data.", true},
    [KIND_XML] = {"an XML document", "", false},
    [KIND_JSON] = {"JSON", "Set `format: json`, or `ndjson`.", false},
    [KIND_UTF16LE] = {"text in UTF-16 without a byte-order mark", "Set `encoding: utf-16le`.",
                      false},
    [KIND_UTF16BE] = {"text in UTF-16 without a byte-order mark", "Set `encoding: utf-16be`.",
                      false},
    [KIND_BINARY] = {"binary data, not text", "", false},
};

const char *kind_name(enum kind kind)
{
    return descriptions[kind].name;
}

const char *kind_advice(enum kind kind)
{
    return descriptions[kind].advice;
}

bool kind_is_no_text(enum kind kind)
{
    return descriptions[kind].no_text;
}

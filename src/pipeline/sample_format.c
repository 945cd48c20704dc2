#include "pipeline/sample_format.h"

#include <string.h>

#include "source/kind.h"
#include "util/str.h"

/* ---- Format -------------------------------------------------------------------------------- */

static size_t skip_blanks(const char *bytes, size_t count, size_t at)
{
    while (at < count && memchr(" \t\r\n", bytes[at], 4) != NULL)
        at++;
    return at;
}

/* One object per line, or one document? Objects of a document are in a list. */
static enum file_format which_json(const char *bytes, size_t count)
{
    size_t at = skip_blanks(bytes, count, 0);
    if (at == count)
        return FILE_FORMAT_AUTO;
    if (bytes[at] == '[')
        return FILE_FORMAT_JSON;
    if (bytes[at] != '{')
        return FILE_FORMAT_AUTO;
    const char *end = memchr(bytes + at, '\n', count - at);
    size_t stop = end != NULL ? (size_t)(end - bytes) : count;
    while (stop > at + 1 && memchr(" \t\r", bytes[stop - 1], 3) != NULL)
        stop--;
    return bytes[stop - 1] == '}' ? FILE_FORMAT_NDJSON : FILE_FORMAT_JSON;
}

enum file_format sample_format_of(const char *name, const char *bytes, size_t count)
{
    enum file_format named = file_format_of(name, strlen(name), NULL);
    enum kind kind = kind_of(bytes, count);
    if (kind == KIND_PARQUET)
        return FILE_FORMAT_PARQUET;
    if (kind == KIND_XLSX)
        return FILE_FORMAT_XLSX;
    if (named != FILE_FORMAT_AUTO && named != FILE_FORMAT_JSON && named != FILE_FORMAT_NDJSON)
        return named;
    enum file_format json = which_json(bytes, count);
    return json != FILE_FORMAT_AUTO ? json : named;
}

/* ---- Encoding ------------------------------------------------------------------------------ */

const char *sample_encoding_of(const char *bytes, size_t count)
{
    enum kind kind = kind_of(bytes, count);
    if (kind == KIND_UTF16LE)
        return "utf-16le";
    if (kind == KIND_UTF16BE)
        return "utf-16be";
    /* Five bytes mean nothing in windows-1252. */
    for (size_t i = 0; i < count; i++)
        if (memchr("\x81\x8d\x8f\x90\x9d", bytes[i], 5) != NULL)
            return "iso-8859-1";
    return "windows-1252";
}

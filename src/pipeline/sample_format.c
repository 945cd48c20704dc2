#include "pipeline/sample_format.h"

#include <string.h>

#include "source/kind.h"
#include "util/str.h"

#define RECORDS_MAX 200
#define FOOTER_MAX 20

/* ---- Format -------------------------------------------------------------------------------- */

static size_t skip_blanks(const char *bytes, size_t count, size_t at)
{
    while (at < count && memchr(" \t\r\n", bytes[at], 4) != NULL)
        at++;
    return at;
}

/* One object per line, or one document? Objects of a document stand in a list. */
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

/* ---- Layout -------------------------------------------------------------------------------- */

/* One record of the text: its fields, and the lines that it takes. */
struct record {
    size_t fields; /* 0: it has no end */
    size_t lines;
    bool blank;
};

/* The record at `*at`, which moves behind it. */
static struct record take_record(const char *bytes, size_t count, bool whole, char delimiter,
                                 size_t *at)
{
    struct record r = {1, 1, true};
    bool quoted = false;
    size_t i = *at;
    for (; i < count && (quoted || bytes[i] != '\n'); i++) {
        r.blank = r.blank && (bytes[i] == ' ' || bytes[i] == '\t' || bytes[i] == '\r');
        r.lines += bytes[i] == '\n';
        if (bytes[i] == '"')
            quoted = !quoted;
        else if (bytes[i] == delimiter && !quoted)
            r.fields++;
    }
    if (i == count && (!whole || quoted))
        r.fields = 0;
    *at = i + 1;
    return r;
}

/* How the first records look when they are cut by a delimiter. */
struct cut {
    size_t common;  /* number of fields that most of them have */
    size_t records; /* that have it */
    size_t total;
    size_t first_line; /* before the first of them, where another one follows it */
    size_t first_at;   /* byte where it begins */
};

static size_t most_common(const size_t *fields, size_t count, size_t *times)
{
    size_t best = 0;
    *times = 0;
    for (size_t i = 0; i < count; i++) {
        size_t n = 0;
        for (size_t k = 0; k < count; k++)
            n += fields[k] == fields[i];
        if (n > *times || (n == *times && fields[i] > best)) {
            *times = n;
            best = fields[i];
        }
    }
    return best;
}

static struct cut cut_by(const char *bytes, size_t count, bool whole, char delimiter)
{
    struct cut out = {0};
    size_t fields[RECORDS_MAX] = {0};
    size_t lines[RECORDS_MAX] = {0};
    size_t places[RECORDS_MAX] = {0};
    size_t line = 0;
    for (size_t at = 0; out.total < RECORDS_MAX && at < count;) {
        size_t begins = at;
        struct record r = take_record(bytes, count, whole, delimiter, &at);
        if (r.fields == 0)
            break;
        if (!r.blank) {
            fields[out.total] = r.fields;
            places[out.total] = begins;
            lines[out.total++] = line;
        }
        line += r.lines;
    }
    out.common = most_common(fields, out.total, &out.records);
    size_t i = 0;
    while (i < out.total && fields[i] != out.common)
        i++;
    if (i < out.total) {
        out.first_line = lines[i];
        out.first_at = places[i];
    }
    return out;
}

static char choose_delimiter(const char *bytes, size_t count, bool whole, struct cut *out)
{
    static const char delimiters[] = {',', ';', '\t', '|'};
    char best = ',';
    *out = cut_by(bytes, count, whole, ',');
    for (size_t i = 1; i < sizeof delimiters; i++) {
        struct cut c = cut_by(bytes, count, whole, delimiters[i]);
        bool more = c.records > out->records ||
                    (c.records == out->records && c.common > out->common) || out->common < 2;
        if (c.common >= 2 && more) {
            *out = c;
            best = delimiters[i];
        }
    }
    return best;
}

/* Do all fields of the record look like values, not like names? */
static bool holds_values(const char *bytes, size_t count)
{
    bool digits = false;
    for (size_t i = 0; i < count && bytes[i] != '\n'; i++) {
        digits = digits || (bytes[i] >= '0' && bytes[i] <= '9');
        if (strchr("0123456789.,;|:+-/ \t\r\"", bytes[i]) == NULL)
            return false;
    }
    return digits;
}

/* Lines at the end that are cut otherwise than the table; none where quotes make that uncertain. */
static size_t count_footer(const char *tail, size_t count, char delimiter, size_t common)
{
    size_t lines = 0;
    size_t end = count;
    while (end > 0 && (tail[end - 1] == '\n' || tail[end - 1] == '\r'))
        end--;
    while (end > 0 && lines <= FOOTER_MAX) {
        size_t begin = end;
        size_t at = 0;
        while (begin > 0 && tail[begin - 1] != '\n')
            begin--;
        if (begin == 0 || memchr(tail + begin, '"', end - begin) != NULL)
            return 0;
        struct record r = take_record(tail + begin, end - begin, true, delimiter, &at);
        if (!r.blank && r.fields == common)
            return lines;
        lines++;
        end = begin - 1;
    }
    return 0;
}

void sample_layout_of(const char *head, size_t count, bool whole, const char *tail,
                      size_t tail_count, struct sample_layout *out)
{
    struct cut cut;
    *out = (struct sample_layout){.delimiter = ',', .header = true};
    out->delimiter = choose_delimiter(head, count, whole, &cut);
    bool table = cut.common >= 2 && cut.records * 2 > cut.total;
    if (table)
        out->skip_lines = cut.first_line;
    out->header =
        !holds_values(head + (table ? cut.first_at : 0), count - (table ? cut.first_at : 0));
    if (table)
        out->footer = count_footer(tail, tail_count, out->delimiter, cut.common);
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

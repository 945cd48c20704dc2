#include "source/csv_cut.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "source/csv_index.h"
#include "util/mem.h"
#include "util/utf8.h"

/* A value with escapes is written again; in front of it is where it came from. */
#define ORIGIN_SIZE sizeof(uint32_t)

/*
 * Records that must fit for a place to be taken for the beginning of one, and places that are
 * tried.
 */
#define GUESS_RECORDS 4
#define GUESS_PLACES 64

void csv_rules_init(struct csv_rules *r, const struct read_options *options)
{
    *r = (struct csv_rules){.quote = options->quote,
                            .escape = options->escape,
                            .comment = options->comment,
                            .trim = options->trim,
                            .footer = options->footer};
    memcpy(r->delimiter, options->delimiter, sizeof r->delimiter);
    r->delimiter_length = strlen(r->delimiter);
    r->special['\n'] = true;
    r->special['\r'] = true;
    if (r->comment != '\0')
        r->special[(unsigned char)r->comment] = true;
    if (r->footer != NULL) {
        r->footer_length = strlen(r->footer);
        r->special[(unsigned char)r->footer[0]] = true;
    }
}

void csv_cut_begin(struct csv_cut *c, const struct csv_rules *rules, struct lines_block *block)
{
    if (block->length + CSV_INDEX_MARGIN > c->mark_capacity) {
        c->mark_capacity = block->length + CSV_INDEX_MARGIN;
        c->marks = mem_resize(c->marks, c->mark_capacity, sizeof *c->marks);
    }
    c->rules = rules;
    c->bytes = block->bytes;
    c->length = block->length;
    c->added = block->added;
    c->spare = block->bytes + block->length + LINES_MARGIN;
    c->spare_used = 0;
    struct csv_index_bytes bytes = {rules->delimiter[0], '\n', '\n'};
    if (rules->quote != '\0')
        bytes.quote = rules->quote;
    if (rules->quote != '\0' && rules->escape != '\0')
        bytes.escape = rules->escape;
    bool ascii;
    c->mark_count = csv_index(c->bytes, c->length, &bytes, c->marks, &ascii);
    c->text = ascii || utf8_prefix(c->bytes, c->length) == c->length;
    memset(c->first_end, 0, sizeof c->first_end);
    c->mark = 0;
    c->at = 0;
    c->line = 0;
}

void csv_cut_release(struct csv_cut *c)
{
    free(c->marks);
    *c = (struct csv_cut){0};
}

/* The first mark that is not before `at`. */
static void find_mark(struct csv_cut *c, size_t at)
{
    while (c->marks[c->mark] < at)
        c->mark++;
}

/* Go to a place of the block where a line begins, as if it began there. */
static void seek_line(struct csv_cut *c, size_t at)
{
    assert(at <= c->length);
    if (at < c->at) {
        c->mark = 0;
        c->at = 0;
        c->line = 0;
    }
    c->line += lines_count(c->bytes + c->at, at - c->at);
    c->at = at;
    c->spare_used = 0;
    find_mark(c, at);
}

static bool ends_line(char byte)
{
    return byte == '\n' || byte == '\r';
}

/* Does the line end here, when lines are counted? Of CR LF only the LF does. */
static bool counts_as_line(const struct csv_cut *c, size_t at)
{
    return c->bytes[at] == '\n' || (c->bytes[at] == '\r' && c->bytes[at + 1] != '\n');
}

static bool is_delimiter(const struct csv_cut *c, size_t at)
{
    const struct csv_rules *r = c->rules;
    return c->bytes[at] == r->delimiter[0] &&
           (r->delimiter_length == 1 ||
            (r->delimiter_length > 0 && c->length - at >= r->delimiter_length &&
             memcmp(c->bytes + at, r->delimiter, r->delimiter_length) == 0));
}

static bool is_blank(const struct csv_cut *c, size_t at)
{
    char byte = c->bytes[at];
    return (byte == ' ' || byte == '\t') && !is_delimiter(c, at);
}

/* Go past the line ending that is here. */
static void end_line(struct csv_cut *c, size_t at, bool record)
{
    enum csv_line_end kind = c->bytes[at] == '\n'       ? CSV_LF
                             : c->bytes[at + 1] == '\n' ? CSV_CRLF
                                                        : CSV_CR;
    c->line++;
    c->at = at + (kind == CSV_CRLF ? 2 : 1);
    if (record && c->first_end[kind] == 0 && !(c->added && c->at == c->length))
        c->first_end[kind] = c->line;
    find_mark(c, c->at);
}

/* ---- one value ---- */

/* From here to the delimiter or line ending, whose place is returned. Every block has one. */
static size_t find_end(struct csv_cut *c, size_t at)
{
    find_mark(c, at);
    for (;; c->mark++) {
        size_t mark = c->marks[c->mark];
        assert(mark < c->length);
        if (ends_line(c->bytes[mark]) || is_delimiter(c, mark))
            return mark;
    }
}

/* The text between quotes without its escapes, after the block. */
static struct cast_span unescaped(struct csv_cut *c, size_t origin, size_t at, size_t end)
{
    char *to = c->spare + c->spare_used;
    uint32_t place = (uint32_t)origin;
    memcpy(to, &place, ORIGIN_SIZE);
    char *text = to + ORIGIN_SIZE;
    size_t length = 0;
    while (at < end) {
        const char *escape = memchr(c->bytes + at, c->rules->escape, end - at);
        size_t part = escape != NULL ? (size_t)(escape - (c->bytes + at)) : end - at;
        memcpy(text + length, c->bytes + at, part);
        length += part;
        at += part;
        if (escape != NULL && at + 1 < end)
            text[length++] = c->bytes[at + 1];
        at += escape != NULL ? 2 : 0;
    }
    c->spare_used += ORIGIN_SIZE + length;
    return (struct cast_span){(uint32_t)(text - c->bytes), (uint32_t)length};
}

/* From after the opening quote: the closing one, or `length`. */
static size_t find_close(struct csv_cut *c, size_t at, bool *escapes)
{
    const struct csv_rules *r = c->rules;
    find_mark(c, at);
    for (;; c->mark++) {
        size_t mark = c->marks[c->mark];
        if (mark >= c->length)
            return c->length;
        char byte = c->bytes[mark];
        bool escape = r->escape != '\0' && byte == r->escape &&
                      (r->escape != r->quote || c->bytes[mark + 1] == r->quote);
        if (escape) {
            *escapes = true;
            if (c->marks[c->mark + 1] == mark + 1 && !ends_line(c->bytes[mark + 1]))
                c->mark++;
        } else if (byte == r->quote) {
            return mark;
        } else if (ends_line(byte)) {
            c->line += counts_as_line(c, mark);
        }
    }
}

/* Where the value's quote is: at its beginning, after one blank, or (trim) after any; else -1. */
static bool find_quote(const struct csv_cut *c, size_t at, size_t *quote)
{
    const struct csv_rules *r = c->rules;
    if (r->quote == '\0')
        return false;
    if (r->trim)
        while (is_blank(c, at))
            at++;
    else if (c->bytes[at] == ' ' && !is_delimiter(c, at))
        at++;
    *quote = at;
    return c->bytes[at] == r->quote;
}

/* A value in quotes; false where the block ends within. `*end` is where what follows it begins. */
static bool cut_quoted(struct csv_cut *c, size_t quote, struct cast_span *span, size_t *end)
{
    bool escapes = false;
    size_t close = find_close(c, quote + 1, &escapes);
    if (close == c->length) {
        c->quote_at = quote;
        return false;
    }
    if (escapes)
        *span = unescaped(c, quote, quote + 1, close);
    else
        *span = (struct cast_span){(uint32_t)(quote + 1), (uint32_t)(close - quote - 1)};
    size_t at = close + 1;
    while (c->bytes[at] == ' ' || c->bytes[at] == '\t') {
        if (is_delimiter(c, at) || (c->bytes[at] == '\t' && !c->rules->trim))
            break;
        at++;
    }
    *end = at;
    return true;
}

static void note_flaw(struct csv_cut *c, bool *flawed, enum csv_flaw flaw, size_t at)
{
    if (*flawed)
        return;
    *flawed = true;
    c->flaw = flaw;
    c->flaw_at = at;
}

/* One value from `at`; `*end` is its delimiter or line ending. False: the block ends in quotes. */
static bool cut_value(struct csv_cut *c, size_t at, struct cast_span *span, size_t *end,
                      bool *flawed)
{
    size_t quote;
    if (!find_quote(c, at, &quote)) {
        *end = find_end(c, at);
        *span = (struct cast_span){(uint32_t)at, (uint32_t)(*end - at)};
        return true;
    }
    size_t behind;
    if (!cut_quoted(c, quote, span, &behind))
        return false;
    *end = find_end(c, behind);
    if (*end != behind)
        note_flaw(c, flawed, CSV_FLAW_TEXT, behind);
    return true;
}

/* ---- one record ---- */

/* Bytes that are not characters: where they begin. */
static void check_text(struct csv_cut *c, bool *flawed)
{
    if (c->text || *flawed)
        return;
    size_t length = c->record_end - c->record;
    size_t good = utf8_prefix(c->bytes + c->record, length);
    if (good < length)
        note_flaw(c, flawed, CSV_FLAW_UTF8, c->record + good);
}

/* One delimiter too many at the end of a record is not a value. */
static void check_fields(struct csv_cut *c, size_t extra, bool bare, bool *flawed)
{
    size_t wanted = c->rules->fields;
    if (c->fields == wanted + 1 && bare)
        c->fields--;
    if (c->fields < wanted)
        note_flaw(c, flawed, CSV_FLAW_FEW, c->record_end);
    else if (c->fields > wanted)
        note_flaw(c, flawed, CSV_FLAW_MANY, extra);
}

static enum csv_found cut_record(struct csv_cut *c, struct cast_span *spans, size_t stride)
{
    const struct csv_rules *r = c->rules;
    size_t at = c->at;
    size_t mark = c->mark;
    size_t extra = at; /* the first value that is too many */
    size_t next = 0;   /* of the wanted ones */
    bool flawed = false;
    bool bare;
    for (c->fields = 0;;) {
        struct cast_span span;
        size_t end;
        if (!cut_value(c, at, &span, &end, &flawed)) {
            c->line = c->record_line;
            c->mark = mark;
            return CSV_OPEN;
        }
        if (next < r->wanted_count && r->wanted[next] == c->fields)
            spans[next++ * stride] = span;
        if (c->fields == r->fields)
            extra = at;
        bare = at == end;
        c->fields++;
        c->record_end = end;
        if (ends_line(c->bytes[end]))
            break;
        at = end + r->delimiter_length;
    }
    check_fields(c, extra, bare, &flawed);
    check_text(c, &flawed);
    end_line(c, c->record_end, true);
    return flawed ? CSV_FLAW : CSV_RECORD;
}

static enum csv_found skip_line(struct csv_cut *c)
{
    size_t at = c->at;
    while (!ends_line(c->bytes[at])) {
        find_mark(c, at + 1);
        at = c->marks[c->mark];
    }
    end_line(c, at, false);
    return CSV_NOTHING;
}

static bool is_footer(const struct csv_cut *c)
{
    const struct csv_rules *r = c->rules;
    return r->footer != NULL && c->length - c->at >= r->footer_length &&
           memcmp(c->bytes + c->at, r->footer, r->footer_length) == 0;
}

enum csv_found csv_cut_next(struct csv_cut *c, struct cast_span *spans, size_t stride)
{
    const struct csv_rules *r = c->rules;
    if (c->at >= c->length)
        return CSV_END;
    c->record = c->at;
    c->record_line = c->line;
    char first = c->bytes[c->at];
    if (r->special[(unsigned char)first]) {
        if (is_footer(c))
            return CSV_FOOTER;
        if ((ends_line(first) && !r->blank_is_record) ||
            (r->comment != '\0' && first == r->comment))
            return skip_line(c);
    }
    return cut_record(c, spans, stride);
}

/* ---- many records ---- */

/* A record of one line: where its last value ends, and the mark of that. */
struct plain_end {
    size_t at;
    size_t mark;
};

/* Are these marks those of a record without quotes? The last of them may be a line ending. */
static inline bool is_bare(const char *bytes, const uint32_t *ends, size_t last, char delimiter)
{
    int other = 0;
    for (size_t k = 0; k < last; k++)
        other |= bytes[ends[k]] ^ delimiter;
    return other == 0;
}

/* The wanted values of such a record, which begins at `at`. */
static inline void bare_values(const struct csv_cut *c, const uint32_t *ends, uint32_t at,
                               struct cast_span *spans, size_t stride)
{
    const struct csv_rules *r = c->rules;
    if (r->wanted_count == r->fields) {
        for (size_t k = 0; k < r->fields; k++, spans += stride) {
            *spans = (struct cast_span){at, ends[k] - at};
            at = ends[k] + 1;
        }
        return;
    }
    for (size_t k = 0; k < r->wanted_count; k++, spans += stride) {
        size_t field = r->wanted[k];
        uint32_t begin = field > 0 ? ends[field - 1] + 1 : at;
        *spans = (struct cast_span){begin, ends[field] - begin};
    }
}

/* From the mark of an opening quote to the closing one; NULL: there is more than text between. */
static inline const uint32_t *plain_close(const struct csv_cut *c, const uint32_t *mark)
{
    const struct csv_rules *r = c->rules;
    for (mark++; c->bytes[*mark] != r->quote; mark++)
        if (ends_line(c->bytes[*mark]) || c->bytes[*mark] == r->escape || *mark >= c->length)
            return NULL;
    return mark[1] == *mark + 1 ? mark : NULL;
}

/* The same for a record of which some values are in quotes; false: csv_cut_next must look. */
static inline bool quoted_values(const struct csv_cut *c, size_t mark, uint32_t at,
                                 struct cast_span *spans, size_t stride, struct plain_end *end)
{
    const struct csv_rules *r = c->rules;
    const uint32_t *m = c->marks + mark;
    size_t next = 0;
    for (size_t k = 0;; k++) {
        struct cast_span span = {at, *m - at};
        if (c->bytes[at] == r->quote) {
            m = plain_close(c, m);
            if (m == NULL)
                return false;
            span = (struct cast_span){at + 1, *m - at - 1};
            m++;
        }
        if (next < r->wanted_count && r->wanted[next] == k)
            spans[next++ * stride] = span;
        if (k + 1 == r->fields)
            break;
        if (c->bytes[*m] != r->delimiter[0])
            return false;
        at = *m++ + 1;
    }
    *end = (struct plain_end){*m, (size_t)(m - c->marks)};
    return true;
}

/* The next record, if it is plain. */
static inline bool plain_values(const struct csv_cut *c, size_t mark, size_t at,
                                struct cast_span *spans, size_t stride, struct plain_end *end)
{
    const struct csv_rules *r = c->rules;
    const uint32_t *ends = c->marks + mark;
    size_t last = r->fields - 1;
    if (c->mark_count - mark <= r->fields || r->special[(unsigned char)c->bytes[at]])
        return false;
    if (!is_bare(c->bytes, ends, last, r->delimiter[0]))
        return r->quote != '\0' && quoted_values(c, mark, (uint32_t)at, spans, stride, end);
    *end = (struct plain_end){ends[last], mark + last};
    bare_values(c, ends, (uint32_t)at, spans, stride);
    return true;
}

size_t csv_cut_plain(struct csv_cut *c, struct cast_span *spans, size_t stride, size_t max)
{
    size_t count = 0;
    struct plain_end end;
    if (c->rules->delimiter_length != 1 || !c->text)
        return 0;
    while (count < max && plain_values(c, c->mark, c->at, spans + count, stride, &end)) {
        bool pair = c->bytes[end.at] == '\r' && c->bytes[end.at + 1] == '\n';
        if (c->bytes[end.at] != '\n' && !pair)
            break;
        count++;
        c->line++;
        c->mark = end.mark + 1 + pair;
        c->at = end.at + 1 + pair;
        if (c->first_end[pair ? CSV_CRLF : CSV_LF] == 0)
            c->first_end[pair ? CSV_CRLF : CSV_LF] = c->line;
    }
    return count;
}

/* Where records begin that look like those of the file. */
static size_t guess_start(struct csv_cut *c, struct cast_span *spans, size_t stride)
{
    size_t place = 0;
    for (int tries = 0; tries < GUESS_PLACES && place < c->length; tries++) {
        int fit = 0;
        enum csv_found found = CSV_RECORD;
        seek_line(c, place);
        while (fit < GUESS_RECORDS && (found == CSV_RECORD || found == CSV_NOTHING)) {
            found = csv_cut_next(c, spans, stride);
            fit += found == CSV_RECORD;
        }
        seek_line(c, place);
        if (fit == GUESS_RECORDS || (fit > 0 && found == CSV_END))
            return place;
        skip_line(c);
        place = c->at;
    }
    seek_line(c, c->length);
    return c->length;
}

size_t csv_cut_guess(struct csv_cut *c, struct cast_span *spans, size_t stride)
{
    size_t place = guess_start(c, spans, stride);
    memset(c->first_end, 0, sizeof c->first_end); /* what was tried may have been inside quotes */
    return place;
}

size_t csv_cut_origin(const struct csv_cut *c, struct cast_span span)
{
    const struct csv_rules *r = c->rules;
    size_t at = span.at;
    if (at > c->length) {
        uint32_t place;
        memcpy(&place, c->bytes + at - ORIGIN_SIZE, ORIGIN_SIZE);
        at = place;
    } else if (at > 0 && r->quote != '\0' && c->bytes[at - 1] == r->quote) {
        at--;
    }
    while (at > 0 && is_blank(c, at - 1))
        at--;
    return at;
}

#include "pipeline/sample_layout.h"

#include <stdint.h>
#include <string.h>

#define RECORDS_MAX 200
#define TITLES_MAX 20
#define FOOTER_MAX 20
#define WORDS_MIN 4 /* bytes that identify a remark */

/* ---- Records ------------------------------------------------------------------------------- */

/* One record of the text, which takes one line or, where line ends are in quotes, several. */
struct record {
    const char *bytes;
    size_t length; /* without its line end */
    size_t line;   /* lines before it */
    size_t lines;
    size_t fields; /* 0: it has no end */
    size_t filled; /* fields that are not empty */
};

/* A field without the blanks and quotes around it. */
struct cell {
    const char *bytes;
    size_t length;
};

static bool is_padding(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '"';
}

/* The field at `*at`, which moves past its delimiter; false: there is none left. */
static bool take_cell(const struct record *r, char delimiter, size_t *at, struct cell *out)
{
    bool quoted = false;
    size_t i = *at;
    if (i > r->length)
        return false;
    for (; i < r->length && (quoted || r->bytes[i] != delimiter); i++)
        quoted = quoted != (r->bytes[i] == '"');
    *out = (struct cell){r->bytes + *at, i - *at};
    while (out->length > 0 && is_padding(out->bytes[out->length - 1]))
        out->length--;
    while (out->length > 0 && is_padding(*out->bytes)) {
        out->bytes++;
        out->length--;
    }
    *at = i + 1;
    return true;
}

/* The record at `*at`, which moves past it. */
static struct record take_record(const char *bytes, size_t count, bool whole, char delimiter,
                                 size_t *at)
{
    struct record r = {.bytes = bytes + *at, .lines = 1};
    struct cell cell;
    bool quoted = false;
    size_t i = *at;
    for (; i < count && (quoted || bytes[i] != '\n'); i++) {
        r.lines += bytes[i] == '\n';
        quoted = quoted != (bytes[i] == '"');
    }
    r.length = i - *at;
    for (size_t k = 0; take_cell(&r, delimiter, &k, &cell);) {
        r.fields++;
        r.filled += cell.length > 0;
    }
    if (i == count && (!whole || quoted))
        r.fields = 0;
    *at = i + 1;
    return r;
}

static bool is_blank(const struct record *r)
{
    return r->fields == 1 && r->filled == 0;
}

/* The first records that are not blank, as a delimiter cuts them. */
struct cut {
    char delimiter;
    struct record records[RECORDS_MAX];
    size_t count;
    size_t common; /* number of fields that most of them have */
    size_t fit;    /* records that have it */
    size_t first;  /* the first of them */
};

static void find_common(struct cut *c)
{
    for (size_t i = 0; i < c->count; i++) {
        size_t fields = c->records[i].fields;
        size_t n = 0;
        for (size_t k = 0; k < c->count; k++)
            n += c->records[k].fields == fields;
        if (n > c->fit || (n == c->fit && fields > c->common)) {
            c->fit = n;
            c->common = fields;
        }
    }
    while (c->first < c->count && c->records[c->first].fields != c->common)
        c->first++;
}

static void cut_by(const char *bytes, size_t count, bool whole, char delimiter, struct cut *out)
{
    size_t line = 0;
    *out = (struct cut){.delimiter = delimiter};
    for (size_t at = 0; out->count < RECORDS_MAX && at < count;) {
        struct record r = take_record(bytes, count, whole, delimiter, &at);
        r.line = line;
        line += r.lines;
        if (r.fields == 0)
            break;
        if (!is_blank(&r))
            out->records[out->count++] = r;
    }
    find_common(out);
}

static void choose_delimiter(const char *bytes, size_t count, bool whole, struct cut *out)
{
    static const char delimiters[] = {';', '\t', '|'};
    struct cut c;
    cut_by(bytes, count, whole, ',', out);
    for (size_t i = 0; i < sizeof delimiters; i++) {
        cut_by(bytes, count, whole, delimiters[i], &c);
        bool more =
            c.fit > out->fit || (c.fit == out->fit && c.common > out->common) || out->common < 2;
        if (c.common >= 2 && more)
            *out = c;
    }
}

/* ---- Names and values ---------------------------------------------------------------------- */

static bool has_letter(struct cell c)
{
    for (size_t i = 0; i < c.length; i++) {
        unsigned char byte = (unsigned char)c.bytes[i];
        if (byte >= 0x80 || (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z'))
            return true;
    }
    return false;
}

static bool is_year(struct cell c)
{
    bool digits = c.length == 4 && (c.bytes[0] == '1' || c.bytes[0] == '2');
    for (size_t i = 1; i < c.length && digits; i++)
        digits = c.bytes[i] >= '0' && c.bytes[i] <= '9';
    return digits;
}

/* Do all filled fields of the record look like values, not like names? */
static bool holds_values(const struct record *r)
{
    bool digits = false;
    for (size_t i = 0; i < r->length; i++) {
        digits = digits || (r->bytes[i] >= '0' && r->bytes[i] <= '9');
        if (memchr("0123456789.,;|:+-/ \t\r\"", r->bytes[i], 20) == NULL)
            return false;
    }
    return digits;
}

/* How many filled fields are names, and how many of them years? */
static void count_names(const struct record *r, char delimiter, size_t *names, size_t *years)
{
    struct cell c;
    *names = 0;
    *years = 0;
    for (size_t at = 0; take_cell(r, delimiter, &at, &c);) {
        *years += is_year(c);
        *names += has_letter(c) || is_year(c);
    }
}

/* Is every field a name, except perhaps the first one, which is above names of rows? */
static bool is_header(const struct record *r, char delimiter)
{
    size_t names, years;
    count_names(r, delimiter, &names, &years);
    return r->fields >= 2 && names == r->filled && r->filled + 1 >= r->fields;
}

/* Only years, above values that are not years: the columns of a wide table. */
static bool is_header_of_years(const struct record *r, const struct record *next, char delimiter)
{
    size_t names, years, below, years_below;
    count_names(r, delimiter, &names, &years);
    count_names(next, delimiter, &below, &years_below);
    return years >= 2 && years == r->filled && years_below < next->filled;
}

/* Merged cells above names, and values below them. */
static bool is_double_header(const struct record *r, char delimiter)
{
    size_t names, years;
    count_names(r, delimiter, &names, &years);
    bool gaps = r->filled >= 2 && r->filled + 1 < r->fields && names == r->filled;
    return gaps && r[1].fields == r->fields && r[2].fields == r->fields &&
           is_header(&r[1], delimiter) && !is_header(&r[2], delimiter);
}

static unsigned header_of(const struct cut *c)
{
    const struct record *r = &c->records[c->first];
    size_t left = c->count - c->first;
    if (left >= 3 && is_double_header(r, c->delimiter))
        return 2;
    if (left >= 2 && is_header_of_years(r, r + 1, c->delimiter))
        return 1;
    return left > 0 && holds_values(r) ? 0 : 1;
}

/* ---- Titles -------------------------------------------------------------------------------- */

/* A line of text that a program has given the delimiters of the table: `Prices;;;`. */
static bool is_padded(const struct record *r, char delimiter)
{
    struct cell first = {NULL, 0};
    size_t at = 0;
    take_cell(r, delimiter, &at, &first);
    return r->filled == 0 || (r->filled == 1 && first.length > 0);
}

/* Titles end where there are names for all columns. */
static void skip_titles(struct cut *c)
{
    size_t i = c->first;
    while (i < c->count && i - c->first < TITLES_MAX && is_padded(&c->records[i], c->delimiter))
        i++;
    if (i > c->first && i < c->count && c->records[i].fields == c->common &&
        is_header(&c->records[i], c->delimiter))
        c->first = i;
}

/* ---- Remarks at the end -------------------------------------------------------------------- */

/* The line that ends at `end`. */
static struct record line_before(const char *bytes, size_t end, char delimiter)
{
    size_t begin = end;
    size_t at = 0;
    while (begin > 0 && bytes[begin - 1] != '\n')
        begin--;
    struct record r = take_record(bytes + begin, end - begin, true, delimiter, &at);
    r.line = begin;
    return r;
}

/* More than one word: a remark, not the name of a row that has no values. */
static bool is_remark(const struct record *r)
{
    return r->filled == 1 && (memchr(r->bytes, ' ', r->length) || memchr(r->bytes, ':', r->length));
}

/* Lines at the end that are not records: how many, and the first byte of the first of them. */
struct footer {
    size_t lines;
    size_t first;
};

/*
 * They are cut differently from the table, or padded and set off by an empty line; none where
 * quotes make that uncertain.
 */
static struct footer find_footer(const char *tail, size_t count, const struct cut *c)
{
    struct footer found = {0};
    struct footer padded = {0}; /* lines that an empty one above them may yet identify */
    for (size_t end = count; end > 0;) {
        struct record r = line_before(tail, end, c->delimiter);
        if (r.line == 0 || memchr(r.bytes, '"', r.length) != NULL || found.lines > FOOTER_MAX)
            break;
        end = r.line - 1;
        if (r.filled > 0 && r.fields == c->common && !is_remark(&r))
            return found;
        if (r.filled > 0 && r.fields == c->common) {
            padded = (struct footer){padded.lines + 1, r.line};
            continue;
        }
        if (padded.lines > 0)
            found = (struct footer){found.lines + padded.lines, padded.first};
        padded.lines = 0;
        if (!is_blank(&r))
            found = (struct footer){found.lines + 1, r.line};
    }
    return (struct footer){0};
}

/* Does a line begin with the text? */
static bool begins_line(const char *bytes, size_t count, const char *text, size_t length)
{
    for (size_t at = 0; at + length <= count;) {
        if (memcmp(bytes + at, text, length) == 0)
            return true;
        const char *end = memchr(bytes + at, '\n', count - at);
        if (end == NULL)
            return false;
        at = (size_t)(end - bytes) + 1;
    }
    return false;
}

/* How many bytes of a line are words, or the delimiters of an empty line. */
static size_t footer_words(const char *line, size_t count, const struct cut *c)
{
    size_t length = 0;
    if (*line == c->delimiter) {
        while (length < count && line[length] == c->delimiter)
            length++;
        return length + 1 >= c->common ? length : 0;
    }
    while (length < count && memchr("0123456789\r\n", line[length], 12) == NULL &&
           line[length] != c->delimiter)
        length++;
    while (length > 0 && is_padding(line[length - 1]))
        length--;
    return length >= WORDS_MIN ? length : 0;
}

/*
 * A number of lines may be another one in the next edition, and a row would be lost silently: the
 * words that the first of them begins with are better, where it alone does.
 */
static void take_footer_text(const struct cut *c, const char *head, size_t count, const char *tail,
                             size_t tail_count, size_t first, struct sample_layout *out)
{
    const char *line = tail + first;
    size_t length = footer_words(line, tail_count - first, c);
    if (length == 0 || length >= sizeof out->footer_text ||
        begins_line(head, count, line, length) || begins_line(tail, first, line, length))
        return;
    memcpy(out->footer_text, line, length);
}

void sample_layout_of(const char *head, size_t count, bool whole, const char *tail,
                      size_t tail_count, struct sample_layout *out)
{
    struct cut cut;
    choose_delimiter(head, count, whole, &cut);
    *out = (struct sample_layout){.delimiter = cut.delimiter,
                                  .table = cut.common >= 2 && cut.fit * 2 > cut.count};
    if (out->table)
        skip_titles(&cut);
    else
        cut.first = 0;
    out->header = header_of(&cut);
    if (!out->table)
        return;
    struct footer footer = find_footer(tail, tail_count, &cut);
    /* What is before the header is skipped. The tail of a text that was seen as a whole is all of it. */
    size_t begin = (size_t)(cut.records[cut.first].bytes - head);
    out->skip_lines = cut.records[cut.first].line;
    if (footer.lines == 0 || (whole && footer.first <= begin))
        return;
    out->footer = footer.lines;
    if (whole)
        take_footer_text(&cut, head, 0, tail + begin, tail_count - begin, footer.first - begin,
                         out);
    else
        take_footer_text(&cut, head + begin, count - begin, tail, tail_count, footer.first, out);
}

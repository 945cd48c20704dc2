#include "support/csv_model.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

struct value {
    char *text;
    size_t length;
    bool bare;
};

struct model {
    const char *text;
    size_t length;
    size_t at;
    const struct read_options *o;
    size_t columns;
    struct value *values; /* of the record */
    size_t count, capacity;
    size_t behind;  /* offset of text behind a closing quote; SIZE_MAX: none */
    size_t extra;   /* offset of the first value too many */
    size_t end;     /* behind the last value */
    bool open;      /* the text ended inside quotes */
    size_t counted; /* the place that was asked for last */
    unsigned line, column;
};

static int peek(const struct model *m, size_t ahead)
{
    return m->at + ahead < m->length ? (unsigned char)m->text[m->at + ahead] : -1;
}

static bool at_line_end(const struct model *m)
{
    return peek(m, 0) == '\n' || peek(m, 0) == '\r';
}

static bool at_delimiter(const struct model *m)
{
    size_t n = strlen(m->o->delimiter);
    return m->length - m->at >= n && memcmp(m->text + m->at, m->o->delimiter, n) == 0;
}

static bool at_value_end(const struct model *m)
{
    return m->at == m->length || at_line_end(m) || at_delimiter(m);
}

static bool at_blank(const struct model *m, bool tab)
{
    return !at_delimiter(m) && (peek(m, 0) == ' ' || (tab && peek(m, 0) == '\t'));
}

static void pass_line_end(struct model *m)
{
    if (peek(m, 0) == '\r' && peek(m, 1) == '\n')
        m->at++;
    if (m->at < m->length)
        m->at++;
}

static void add_value(struct model *m, const char *text, size_t length, bool bare)
{
    m->values = mem_grow(m->values, m->count, &m->capacity, sizeof *m->values);
    m->values[m->count++] = (struct value){mem_strndup(text, length), length, bare};
}

static void quoted_value(struct model *m)
{
    char *text = mem_alloc(m->length);
    size_t n = 0;
    for (m->at++;; m->at++) {
        int c = peek(m, 0);
        if (c == -1) {
            m->open = true;
            break;
        }
        bool escape = m->o->escape != '\0' && c == (unsigned char)m->o->escape;
        if (escape && (m->o->escape != m->o->quote || peek(m, 1) == c)) {
            m->at++;
            if (peek(m, 0) == -1) {
                m->open = true;
                break;
            }
            text[n++] = m->text[m->at];
            continue;
        }
        if (c == (unsigned char)m->o->quote)
            break;
        text[n++] = (char)c;
    }
    if (!m->open)
        m->at++;
    while (at_blank(m, m->o->trim))
        m->at++;
    if (!m->open && !at_value_end(m) && m->behind == SIZE_MAX)
        m->behind = m->at;
    while (!at_value_end(m))
        m->at++;
    add_value(m, text, n, false);
    free(text);
}

static void bare_value(struct model *m, size_t begin)
{
    while (!at_value_end(m))
        m->at++;
    add_value(m, m->text + begin, m->at - begin, begin == m->at);
}

static void one_value(struct model *m)
{
    size_t begin = m->at;
    if (m->o->quote != '\0') {
        if (m->o->trim)
            while (at_blank(m, true))
                m->at++;
        else if (at_blank(m, false))
            m->at++;
        if (peek(m, 0) == (unsigned char)m->o->quote) {
            quoted_value(m);
            return;
        }
        m->at = begin;
    }
    bare_value(m, begin);
}

static void record(struct model *m)
{
    m->count = 0;
    m->behind = SIZE_MAX;
    for (;;) {
        if (m->count == m->columns)
            m->extra = m->at;
        one_value(m);
        if (m->open)
            return;
        m->end = m->at;
        if (!at_delimiter(m))
            break;
        m->at += strlen(m->o->delimiter);
    }
    if (m->count == m->columns + 1 && m->values[m->columns].bare)
        free(m->values[--m->count].text);
}

/* Line and character of an offset that is not before the last one. */
static void place(struct model *m, size_t at, unsigned *line, unsigned *column)
{
    for (; m->counted < at; m->counted++) {
        char c = m->text[m->counted];
        bool ends = c == '\n' || (c == '\r' && m->text[m->counted + 1] != '\n');
        m->column += ((unsigned char)c & 0xc0) != 0x80;
        if (ends || c == '\r')
            m->column = 1;
        m->line += ends;
    }
    *line = m->line;
    *column = m->column;
}

/* Offset of the first byte of [from, to) that begins no character; `to` where there is none. */
static size_t bad_text(const struct model *m, size_t from, size_t to)
{
    while (from < to) {
        const unsigned char *p = (const unsigned char *)m->text + from;
        uint32_t code = p[0] < 0x80   ? p[0]
                        : p[0] < 0xe0 ? p[0] & 0x1fu
                        : p[0] < 0xf0 ? p[0] & 0xfu
                                      : p[0] & 7u;
        size_t n = p[0] < 0x80   ? 1
                   : p[0] < 0xc0 ? 0
                   : p[0] < 0xe0 ? 2
                   : p[0] < 0xf0 ? 3
                   : p[0] < 0xf8 ? 4
                                 : 0;
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (n == 0 || to - from < n)
            return from;
        for (size_t i = 1; i < n; i++) {
            if ((p[i] & 0xc0) != 0x80)
                return from;
            code = code << 6 | (p[i] & 0x3fu);
        }
        if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return from;
        from += n;
    }
    return to;
}

static void print_fault(struct model *m, unsigned long row, size_t begin, size_t at,
                        const char *reason, struct str *out)
{
    unsigned line, column;
    size_t n = m->end - begin;
    place(m, at, &line, &column);
    if (n > 200) {
        n = 200;
        while (n > 0 && ((unsigned char)m->text[begin + n] & 0xc0) == 0x80)
            n--;
    }
    n = strnlen(m->text + begin, n);
    str_printf(out, "!%lu@%u:%u \"", row, line, column);
    str_append_bytes(out, m->text + begin, n);
    str_printf(out, "\" %s\n", reason);
}

static void print_record(struct model *m, unsigned long row, size_t begin, struct str *out)
{
    unsigned line, column;
    size_t bad = bad_text(m, begin, m->end);
    if (m->behind != SIZE_MAX) {
        print_fault(m, row, begin, m->behind, "has text after a closing quote", out);
    } else if (m->count != m->columns) {
        char *reason = mem_printf("has %zu value%s instead of %zu", m->count,
                                  m->count == 1 ? "" : "s", m->columns);
        print_fault(m, row, begin, m->count < m->columns ? m->end : m->extra, reason, out);
        free(reason);
    } else if (bad < m->end) {
        print_fault(m, row, begin, bad, "is not UTF-8 text", out);
    } else {
        place(m, begin, &line, &column);
        str_printf(out, "%lu@%u", row, line);
        for (size_t i = 0; i < m->count; i++) {
            str_append(out, " [");
            str_append_bytes(out, m->values[i].text, m->values[i].length);
            str_append(out, "]");
        }
        str_append(out, "\n");
    }
}

bool csv_model(const char *text, size_t length, const struct read_options *options, size_t columns,
               struct str *out)
{
    struct model m = {.text = text, .length = length, .o = options, .columns = columns};
    m.line = 1;
    m.column = 1;
    unsigned long row = 0;
    while (m.at < length && !m.open) {
        size_t begin = m.at;
        bool comment = options->comment != '\0' && text[begin] == options->comment;
        if (options->footer != NULL && length - begin >= strlen(options->footer) &&
            memcmp(text + begin, options->footer, strlen(options->footer)) == 0)
            break;
        while (comment && m.at < length && !at_line_end(&m))
            m.at++;
        if (!comment && !at_line_end(&m)) {
            record(&m);
            if (!m.open)
                print_record(&m, ++row, begin, out);
            for (size_t i = 0; i < m.count; i++)
                free(m.values[i].text);
        }
        pass_line_end(&m);
    }
    free(m.values);
    return !m.open;
}

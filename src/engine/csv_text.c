#include "engine/csv_text.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/csv_scan.h"
#include "engine/csv_start.h"
#include "util/mem.h"

void csv_names_release(struct csv_names *names)
{
    for (size_t i = 0; i < names->count; i++)
        free(names->names[i]);
    free(names->names);
    *names = (struct csv_names){0};
}

/* Well-formed UTF-8 without NUL (Unicode standard, table 3-7)? */
static bool is_text(const unsigned char *p, size_t count)
{
    for (size_t i = 0; i < count;) {
        unsigned char c = p[i++];
        size_t more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc2 ? 1 : 0;
        if (c == 0 || (c >= 0x80 && more == 0) || c > 0xf4 || count - i < more)
            return false;
        unsigned char low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
        unsigned char high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        for (; more > 0; more--, i++) {
            if (p[i] < low || p[i] > high)
                return false;
            low = 0x80;
            high = 0xbf;
        }
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Text of a value without quotes, escapes and surrounding blanks, in place; returns its length. */
static size_t unquote(const struct csv_dialect *d, char *text, size_t length)
{
    size_t from = length > 0 && text[0] == ' ' && d->delimiter[0] != ' ' ? 1 : 0;
    size_t to = 0;
    if (d->quote != '\0' && from < length && text[from] == d->quote) {
        for (from++; from < length; from++) {
            bool escape = d->escape != '\0' && text[from] == d->escape;
            if (escape && from + 1 < length &&
                (d->escape != d->quote || text[from + 1] == d->quote))
                from++;
            else if (text[from] == d->quote)
                break;
            text[to++] = text[from];
        }
    } else {
        memmove(text, text + from, length - from);
        to = length - from;
    }
    size_t blanks = 0;
    while (blanks < to && is_blank(text[blanks]))
        blanks++;
    while (to > blanks && is_blank(text[to - 1]))
        to--;
    memmove(text, text + blanks, to - blanks);
    return to - blanks;
}

/* The names of the header as it is read. */
struct header {
    const struct csv_scan *scan;
    const struct csv_dialect *dialect;
    struct csv_names names;
    size_t capacity;
};

static int too_many(const struct csv_scan *s, uint64_t line, struct error *err)
{
    return error_set(
        err, ERR_LIMIT,
        "%s: the record on line %llu has more than %d columns. Check `delimiter` in the "
        "configuration.",
        s->path, (unsigned long long)line, CSV_COLUMNS_MAX);
}

static int add_name(void *ctx, const struct csv_field *field, struct error *err)
{
    struct header *h = ctx;
    if (field->index == 0) { /* what came before was a comment behind empty values */
        csv_names_release(&h->names);
        h->capacity = 0;
    }
    if (field->index >= CSV_COLUMNS_MAX)
        return too_many(h->scan, field->line, err);
    size_t length = (size_t)(field->end - field->begin);
    char *text = mem_alloc(length + 1);
    int rc = csv_scan_read_at(h->scan, field->begin, text, length, &length, err);
    if (rc == ERR_OK && !is_text((const unsigned char *)text, length))
        rc = error_set(
            err, ERR_SOURCE,
            "%s: the name of column %zu on line %llu is not UTF-8 text. Set `encoding` in "
            "the configuration to the one the file is written in.",
            h->scan->path, field->index + 1, (unsigned long long)field->line);
    if (rc != ERR_OK || !h->dialect->header) {
        free(text);
        text = NULL;
    } else {
        length = unquote(h->dialect, text, length);
        text[length] = '\0';
    }
    if (rc == ERR_OK && (text == NULL || length == 0)) {
        free(text);
        text = mem_printf("column%zu", field->index);
    }
    if (rc == ERR_OK) {
        h->names.names =
            mem_grow(h->names.names, h->names.count, &h->capacity, sizeof *h->names.names);
        h->names.names[h->names.count++] = text;
    }
    return rc;
}

static int by_name(const void *a, const void *b, void *ctx)
{
    char **names = ctx;
    size_t i = *(const size_t *)a;
    size_t j = *(const size_t *)b;
    int order = strcasecmp(names[i], names[j]);
    return order != 0 ? order : (i > j) - (i < j);
}

static int check_twice(const struct csv_scan *s, const struct csv_names *names, struct error *err)
{
    size_t *order = mem_calloc(names->count, sizeof *order);
    for (size_t i = 0; i < names->count; i++)
        order[i] = i;
    qsort_r(order, names->count, sizeof *order, by_name, names->names);
    int rc = ERR_OK;
    for (size_t i = 1; rc == ERR_OK && i < names->count; i++) {
        const char *name = names->names[order[i]];
        if (strcasecmp(name, names->names[order[i - 1]]) == 0)
            rc =
                error_set(err, ERR_SOURCE,
                          "%s: columns %zu and %zu are both named \"%.200s\". A name must be there "
                          "once: correct the header, or leave it out with `skip_lines` and "
                          "`header: false`.",
                          s->path, order[i - 1] + 1, order[i] + 1, name);
    }
    free(order);
    return rc;
}

static int check_remark(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (!row->remark)
        return ERR_OK;
    return error_set(
        err, ERR_SOURCE,
        "%s: on line %llu the comment character stands behind a value, and what follows "
        "would be cut off. Quote such values, or change `comment` in the configuration: "
        "only whole lines may be comments.",
        s->path, (unsigned long long)row->line);
}

int csv_header(const char *path, const struct csv_dialect *dialect, struct csv_names *out,
               struct error *err)
{
    struct csv_scan scan;
    struct csv_start start;
    int rc = csv_scan_open(&scan, path, dialect, err);
    if (rc != ERR_OK)
        return rc;
    struct header h = {.scan = &scan, .dialect = dialect};
    rc = csv_start_find(&scan, dialect, add_name, &h, &start, err);
    if (rc == ERR_OK)
        rc = csv_start_check_line_end(&scan, &start.first, err);
    if (rc == ERR_OK)
        rc = check_remark(&scan, &start.first, err);
    if (rc == ERR_OK)
        rc = check_twice(&scan, &h.names, err);
    csv_scan_close(&scan);
    h.names.skip = start.skip;
    if (rc == ERR_OK)
        *out = h.names;
    else
        csv_names_release(&h.names);
    return rc;
}

/* What DuckDB would misread; see csv_check. */
static int check_row(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (row->broken > 1)
        return error_set(
            err, ERR_SOURCE,
            "%s: the record on line %llu has text behind the closing quote of more than "
            "one value. Correct it; such a record cannot be rejected safely.",
            s->path, (unsigned long long)row->line);
    int rc = check_remark(s, row, err);
    return rc != ERR_OK ? rc : csv_start_check_line_end(s, row, err);
}

int csv_check(const char *path, const struct csv_dialect *dialect, uint64_t *records,
              struct error *err)
{
    struct csv_scan scan;
    struct csv_start start;
    struct csv_row row = {0};
    uint64_t count = 0;
    int rc = csv_scan_open(&scan, path, dialect, err);
    if (rc != ERR_OK)
        return rc;
    rc = csv_start_find(&scan, dialect, NULL, NULL, &start, err);
    if (rc == ERR_OK)
        rc = csv_start_check_line_end(&scan, &start.first, err);
    scan.rows_only = true;
    if (rc == ERR_OK)
        rc = csv_scan_seek(&scan, &start.data, err);
    while (rc == ERR_OK) {
        rc = csv_scan_next(&scan, &row, err);
        if (rc != ERR_OK || row.kind == CSV_ROW_END)
            break;
        rc = check_row(&scan, &row, err);
        count += csv_start_is_record(&start, dialect, &row);
    }
    csv_scan_close(&scan);
    if (rc == ERR_OK)
        *records = count;
    return rc;
}

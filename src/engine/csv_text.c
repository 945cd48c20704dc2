#include "engine/csv_text.h"

#include <stdlib.h>
#include <string.h>

#include "engine/csv_scan.h"
#include "util/mem.h"

/* Where the data begin. */
struct start {
    struct csv_row first; /* the header record, or the first record where there is no header */
    struct csv_row data;  /* place of the first row of the data: only for csv_scan_seek */
    uint64_t skip;        /* rows before it, as DuckDB counts them */
};

static int is_empty(const struct csv_scan *s, const struct csv_dialect *d, struct error *err)
{
    if (s->line == 1 && s->base + s->at == s->line_begin)
        return error_set(err, ERR_SOURCE,
                         "%s is empty. Check that the source was published completely.", s->path);
    if (d->skip_lines > 0)
        return error_set(err, ERR_SOURCE,
                         "%s is empty behind the %llu lines that `skip_lines` leaves out.", s->path,
                         (unsigned long long)d->skip_lines);
    return error_set(err, ERR_SOURCE, "%s is empty: it holds nothing but blank lines and comments.",
                     s->path);
}

static const char *line_end_name(enum csv_line_end kind)
{
    static const char *const names[] = {"nothing", "LF", "CR", "CR LF"};
    return names[kind];
}

/* DuckDB would see no end of this record in strict mode, and then no rows at all. */
static int check_line_end(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (row->line_end == CSV_LINE_END_NONE || row->line_end == s->first_end)
        return ERR_OK;
    return error_set(
        err, ERR_SOURCE,
        "%s mixes line endings: line %llu ends with %s, the record that begins on line "
        "%llu with %s. Write the file with one kind of line ending, also inside the "
        "names of its columns.",
        s->path, (unsigned long long)s->first_end_line, line_end_name(s->first_end),
        (unsigned long long)row->line, line_end_name(row->line_end));
}

/* DuckDB loses all that follows a row that it must skip and finds badly quoted. */
static int check_skipped(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (row->broken > 0 || row->open)
        return error_set(err, ERR_SOURCE,
                         "%s: line %llu, before the data, has a quote that is not closed, or text "
                         "behind a closing quote. Correct it, or check `quote` and `escape` in the "
                         "configuration.",
                         s->path, (unsigned long long)row->line);
    return check_line_end(s, row, err);
}

/* The next row, which the data come after; `*skip` counts it as DuckDB does. */
static int skip_row(struct csv_scan *s, struct csv_row *row, uint64_t *skip, struct error *err)
{
    int rc = csv_scan_next(s, row, err);
    if (rc == ERR_OK)
        rc = check_skipped(s, row, err);
    *skip += row->kind != CSV_ROW_END && row->counts;
    return rc;
}

static struct csv_row place_of(const struct csv_scan *s)
{
    return (struct csv_row){.begin = s->base + s->at, .line = s->line};
}

/* The first record from here on; its values are shown to `visit`. */
static int find_record(struct csv_scan *s, const struct csv_dialect *d, csv_field_visit *visit,
                       void *ctx, struct start *start, struct error *err)
{
    int rc;
    s->visit = visit;
    s->ctx = ctx;
    do {
        if (d->header)
            rc = skip_row(s, &start->first, &start->skip, err);
        else
            rc = csv_scan_next(s, &start->first, err);
    } while (rc == ERR_OK &&
             (start->first.kind == CSV_ROW_BLANK || start->first.kind == CSV_ROW_NOTE));
    s->visit = NULL;
    if (rc == ERR_OK && start->first.kind == CSV_ROW_END)
        rc = is_empty(s, d, err);
    return rc;
}

/* Read up to the first record behind `skip_lines`. */
static int find_start(struct csv_scan *s, const struct csv_dialect *d, csv_field_visit *visit,
                      void *ctx, struct start *out, struct error *err)
{
    memset(out, 0, sizeof *out);
    s->row_limit = CSV_HEADER_MAX;
    int rc = ERR_OK;
    while (rc == ERR_OK && out->skip < d->skip_lines) {
        rc = skip_row(s, &out->first, &out->skip, err);
        if (rc == ERR_OK && out->first.kind == CSV_ROW_END)
            rc = is_empty(s, d, err);
    }
    out->data = place_of(s);
    if (rc == ERR_OK)
        rc = find_record(s, d, visit, ctx, out, err);
    if (d->header)
        out->data = place_of(s);
    s->row_limit = 0;
    return rc;
}

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
    int order = strcmp(names[i], names[j]);
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
        if (strcmp(name, names->names[order[i - 1]]) == 0)
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
    struct start start;
    int rc = csv_scan_open(&scan, path, dialect, err);
    if (rc != ERR_OK)
        return rc;
    struct header h = {.scan = &scan, .dialect = dialect};
    rc = find_start(&scan, dialect, add_name, &h, &start, err);
    if (rc == ERR_OK)
        rc = check_line_end(&scan, &start.first, err);
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

int csv_line_at(const char *path, uint64_t offset, uint64_t *line, struct error *err)
{
    /* Of a file without quotes every line is a row. */
    static const struct csv_dialect lines = {.quote = '\0'};
    struct csv_scan scan;
    struct csv_row row;
    int rc = csv_scan_open(&scan, path, &lines, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t last = 1;
    do {
        rc = csv_scan_next(&scan, &row, err);
        if (rc == ERR_OK && row.kind != CSV_ROW_END)
            last = row.line;
    } while (rc == ERR_OK && row.kind != CSV_ROW_END && row.end <= offset);
    csv_scan_close(&scan);
    if (rc == ERR_OK)
        *line = last;
    return rc;
}

/* Is it a row for DuckDB? `width` is that of the file's first record. */
static bool is_record(const struct csv_row *row, const struct csv_dialect *d, size_t width)
{
    return row->kind == CSV_ROW_RECORD ||
           (row->kind == CSV_ROW_BLANK && width == 1 && !d->drop_blank);
}

/* Was the record left out? Advances over the offsets up to its end. */
static bool is_left_out(const struct csv_row *row, const struct csv_left_out *left_out, size_t *at)
{
    bool found = false;
    while (left_out != NULL && *at < left_out->count &&
           (left_out->offsets[*at] < row->end || row->line_end == CSV_LINE_END_NONE)) {
        found = true;
        (*at)++;
    }
    return found;
}

void csv_place_release(struct csv_place *place)
{
    free(place->value);
    *place = (struct csv_place){0};
}

/* The wanted value of one record. */
struct capture {
    size_t column;
    struct csv_field field;
    bool found;
};

static int capture_field(void *ctx, const struct csv_field *field, struct error *err)
{
    (void)err;
    struct capture *c = ctx;
    if (c->found)
        return ERR_OK;
    c->field = *field;
    c->found = field->index == c->column;
    if (!c->found)
        c->field.begin = field->end;
    return ERR_OK;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Characters of the line before the field. */
static int count_characters(const struct csv_scan *s, const struct csv_field *field, uint64_t *out,
                            struct error *err)
{
    char chunk[4096];
    int rc = ERR_OK;
    *out = 0;
    for (uint64_t at = field->line_begin; rc == ERR_OK && at < field->begin;) {
        uint64_t left = field->begin - at;
        size_t got;
        rc = csv_scan_read_at(s, at, chunk, left < sizeof chunk ? (size_t)left : sizeof chunk, &got,
                              err);
        for (size_t i = 0; i < got; i++)
            *out += !continues(chunk[i]);
        at += got;
        if (got == 0)
            break;
    }
    return rc;
}

/* `row` is only the place of the record, or of a blank line that counts as one. */
static int describe(struct csv_scan *s, const struct csv_row *row, size_t column,
                    struct csv_place *out, struct error *err)
{
    struct csv_row again;
    struct capture c = {.column = column};
    c.field = (struct csv_field){
        .begin = row->begin, .end = row->begin, .line = row->line, .line_begin = row->begin};
    s->visit = capture_field;
    s->ctx = &c;
    int rc = csv_scan_seek(s, row, err);
    if (rc == ERR_OK)
        rc = csv_scan_next(s, &again, err);
    if (rc == ERR_OK)
        rc = count_characters(s, &c.field, &out->column, err);
    char text[CSV_PLACE_VALUE_MAX + 1];
    uint64_t length = c.field.end - c.field.begin;
    size_t got = 0;
    if (rc == ERR_OK)
        rc = csv_scan_read_at(s, c.field.begin, text,
                              length < sizeof text ? (size_t)length : sizeof text, &got, err);
    if (rc != ERR_OK)
        return rc;
    if (got > CSV_PLACE_VALUE_MAX)
        for (got = CSV_PLACE_VALUE_MAX; got > 0 && continues(text[got]);)
            got--;
    out->column++;
    out->line = c.field.line;
    out->offset = c.field.begin;
    out->value = mem_strndup(text, got);
    return ERR_OK;
}

/* Positions in `wants`, by record. */
static int by_record(const void *a, const void *b, void *ctx)
{
    const struct csv_want *wants = ctx;
    uint64_t x = wants[*(const size_t *)a].record;
    uint64_t y = wants[*(const size_t *)b].record;
    return (x > y) - (x < y);
}

static size_t *sort_wants(const struct csv_want *wants, size_t count)
{
    size_t *order = mem_calloc(count, sizeof *order);
    for (size_t i = 0; i < count; i++)
        order[i] = i;
    qsort_r(order, count, sizeof *order, by_record, (void *)(uintptr_t)wants);
    return order;
}

/* Rows in which the wanted values are; `order` sorts the wants, `rows` is parallel to it. */
static int find_rows(struct csv_scan *s, const struct csv_dialect *d,
                     const struct csv_left_out *left_out, const struct csv_want *wants,
                     const size_t *order, size_t count, struct csv_row *rows, struct error *err)
{
    struct start start;
    int rc = find_start(s, d, NULL, NULL, &start, err);
    if (rc == ERR_OK)
        rc = csv_scan_seek(s, &start.data, err);
    uint64_t records = 0;
    size_t found = 0;
    size_t at = 0;
    while (rc == ERR_OK && found < count) {
        struct csv_row row;
        rc = csv_scan_next(s, &row, err);
        if (rc != ERR_OK || row.kind == CSV_ROW_END)
            break;
        if (!is_record(&row, d, start.first.fields) || is_left_out(&row, left_out, &at))
            continue;
        for (; found < count && wants[order[found]].record == records; found++)
            rows[found] = row;
        records++;
    }
    if (rc == ERR_OK && found < count)
        rc = error_set(err, ERR_ABSENT, "%s has %llu records; there is no record %llu.", s->path,
                       (unsigned long long)records,
                       (unsigned long long)wants[order[found]].record + 1);
    return rc;
}

int csv_locate_all(const char *path, const struct csv_dialect *dialect,
                   const struct csv_left_out *left_out, const struct csv_want *wants, size_t count,
                   struct csv_place *out, struct error *err)
{
    struct csv_scan scan;
    int rc = csv_scan_open(&scan, path, dialect, err);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < count; i++)
        out[i] = (struct csv_place){0};
    size_t *order = sort_wants(wants, count);
    struct csv_row *rows = mem_calloc(count, sizeof *rows);
    rc = find_rows(&scan, dialect, left_out, wants, order, count, rows, err);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = describe(&scan, &rows[i], wants[order[i]].column, &out[order[i]], err);
    if (rc != ERR_OK)
        for (size_t i = 0; i < count; i++)
            csv_place_release(&out[i]);
    free(rows);
    free(order);
    csv_scan_close(&scan);
    return rc;
}

int csv_locate(const char *path, const struct csv_dialect *dialect,
               const struct csv_left_out *left_out, const struct csv_want *want,
               struct csv_place *out, struct error *err)
{
    struct csv_place place;
    int rc = csv_locate_all(path, dialect, left_out, want, 1, &place, err);
    if (rc == ERR_OK)
        *out = place;
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
    return rc != ERR_OK ? rc : check_line_end(s, row, err);
}

int csv_check(const char *path, const struct csv_dialect *dialect, uint64_t *records,
              struct error *err)
{
    struct csv_scan scan;
    struct start start;
    struct csv_row row = {0};
    uint64_t count = 0;
    int rc = csv_scan_open(&scan, path, dialect, err);
    if (rc != ERR_OK)
        return rc;
    rc = find_start(&scan, dialect, NULL, NULL, &start, err);
    if (rc == ERR_OK)
        rc = check_line_end(&scan, &start.first, err);
    if (rc == ERR_OK)
        rc = csv_scan_seek(&scan, &start.data, err);
    while (rc == ERR_OK) {
        rc = csv_scan_next(&scan, &row, err);
        if (rc != ERR_OK || row.kind == CSV_ROW_END)
            break;
        rc = check_row(&scan, &row, err);
        count += is_record(&row, dialect, start.first.fields);
    }
    csv_scan_close(&scan);
    if (rc == ERR_OK)
        *records = count;
    return rc;
}

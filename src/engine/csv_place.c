/* The places of values: csv_locate and csv_locate_all of engine/csv_text.h. */
#include "engine/csv_text.h"

#include <stdlib.h>
#include <string.h>

#include "engine/csv_scan.h"
#include "engine/csv_start.h"
#include "util/mem.h"

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

/* The wanted value of one record, or the record's end. */
struct capture {
    const struct csv_scan *scan;
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
    c->found = field->index == c->column;
    if (c->found)
        c->field = *field;
    else
        c->field = (struct csv_field){.begin = field->end,
                                      .end = field->end,
                                      .line = c->scan->line,
                                      .line_begin = c->scan->line_begin};
    return ERR_OK;
}

static bool continues(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* Characters between two offsets. */
static int count_characters(const struct csv_scan *s, uint64_t begin, uint64_t end, uint64_t *out,
                            struct error *err)
{
    char chunk[4096];
    int rc = ERR_OK;
    *out = 0;
    for (uint64_t at = begin; rc == ERR_OK && at < end;) {
        uint64_t left = end - at;
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

int csv_place_at(const char *path, uint64_t offset, uint64_t *line, uint64_t *column,
                 struct error *err)
{
    /* Of a file without quotes every line is a row. */
    static const struct csv_dialect lines = {.quote = '\0'};
    struct csv_scan scan;
    struct csv_row row;
    struct csv_row last = {.line = 1};
    uint64_t before = 0;
    int rc = csv_scan_open(&scan, path, &lines, err);
    if (rc != ERR_OK)
        return rc;
    do {
        rc = csv_scan_next(&scan, &row, err);
        if (rc == ERR_OK && row.kind != CSV_ROW_END)
            last = row;
    } while (rc == ERR_OK && row.kind != CSV_ROW_END && row.end <= offset);
    if (rc == ERR_OK)
        rc = count_characters(&scan, last.begin, offset, &before, err);
    csv_scan_close(&scan);
    if (rc == ERR_OK) {
        *line = last.line;
        *column = before + 1;
    }
    return rc;
}

/* `row` is only the place of the record, or of a blank line that counts as one. */
static int describe(struct csv_scan *s, const struct csv_row *row, size_t column,
                    struct csv_place *out, struct error *err)
{
    struct csv_row again;
    struct capture c = {.scan = s, .column = column};
    c.field = (struct csv_field){
        .begin = row->begin, .end = row->begin, .line = row->line, .line_begin = row->begin};
    s->rows_only = false;
    csv_scan_visit(s, capture_field, &c);
    int rc = csv_scan_seek(s, row, err);
    if (rc == ERR_OK)
        rc = csv_scan_next(s, &again, err);
    csv_scan_visit(s, NULL, NULL);
    if (rc == ERR_OK)
        rc = count_characters(s, c.field.line_begin, c.field.begin, &out->column, err);
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
    struct csv_start start;
    int rc = csv_start_find(s, d, NULL, NULL, &start, err);
    s->rows_only = true;
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
        if (!csv_start_is_record(&start, d, &row) || is_left_out(&row, left_out, &at))
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

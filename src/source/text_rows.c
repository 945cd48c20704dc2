#include "source/text_rows.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "source/lines.h"
#include "util/mem.h"
#include "util/utf8.h"

/* Why a row is in fault: which column, and whether its value is missing or does not fit. */
struct verdict {
    uint32_t column; /* 1 + its position; 0: the row is not in fault */
    bool missing;
};

struct verdicts {
    struct verdict *rows; /* NULL: no row is in fault */
    size_t count;
    size_t bad;
};

static void convict(struct verdicts *v, size_t row, size_t column, bool missing)
{
    if (v->rows == NULL)
        v->rows = mem_calloc(v->count, sizeof *v->rows);
    if (v->rows[row].column != 0)
        return;
    v->rows[row] = (struct verdict){(uint32_t)column + 1, missing};
    v->bad++;
}

static void reserve_places(struct reader_batch *out, size_t count)
{
    if (count <= out->place_capacity)
        return;
    while (out->place_capacity < count)
        out->place_capacity = out->place_capacity > 0 ? out->place_capacity * 2 : 1024;
    out->rows = mem_resize(out->rows, out->place_capacity, sizeof *out->rows);
    out->lines = mem_resize(out->lines, out->place_capacity, sizeof *out->lines);
}

void text_rows_note(struct reader_batch *out, size_t i, uint64_t row, uint64_t line)
{
    reserve_places(out, i + 1);
    out->rows[i] = row;
    out->lines[i] = line;
}

void text_rows_note_lines(struct reader_batch *out, size_t i, size_t count, uint64_t row,
                          uint64_t line)
{
    reserve_places(out, i + count);
    for (size_t k = 0; k < count; k++) {
        out->rows[i + k] = row + k;
        out->lines[i + k] = line + k;
    }
}

/* All values of one column; NULL stands for those that do not fit. */
static void cast_column(const struct text_rows *t, size_t k, struct column *out, struct verdicts *v)
{
    const struct cast *cast = t->columns[k].cast;
    const struct cast_span *spans = t->spans + t->values[k] * t->stride;
    column_reserve(out, t->count);
    for (size_t i = 0; i < t->count;) {
        i += cast_texts(cast, t->base, spans + i, t->count - i, out);
        if (i == t->count)
            break;
        convict(v, i++, k, false);
        column_add_null(out);
    }
}

static void fill_column(const struct text_rows *t, size_t k, struct column *out, struct verdicts *v)
{
    if (t->values[k] != SIZE_MAX)
        cast_column(t, k, out, v);
    else
        for (size_t i = 0; i < t->count; i++)
            column_add_null(out);
    if (!t->columns[k].required || out->nulls == 0)
        return;
    for (size_t i = 0; i < out->count; i++)
        if (column_is_null(out, i))
            convict(v, i, k, true);
}

uint64_t text_rows_column(const char *text, size_t at)
{
    size_t begin = at;
    while (begin > 0 && text[begin - 1] != '\n' && text[begin - 1] != '\r')
        begin--;
    return utf8_count(text + begin, at - begin) + 1;
}

/* Lines of the text before an offset, counted from one value in fault to the next. */
struct counted {
    size_t at;
    uint64_t lines;
};

static void count_to(const struct text_rows *t, struct counted *c, size_t at)
{
    if (at < c->at)
        *c = (struct counted){0, 0};
    c->lines += lines_count(t->base + c->at, at - c->at);
    c->at = at;
}

static void add_fault(const struct text_rows *t, size_t row, struct verdict verdict,
                      struct counted *counted, struct reader_batch *out)
{
    size_t k = verdict.column - 1;
    struct reader_fault fault = {.row = out->rows[row], .line = out->lines[row], .index = k};
    const char *text = NULL;
    size_t length = 0;
    if (t->values[k] != SIZE_MAX) {
        struct cast_span span = t->spans[t->values[k] * t->stride + row];
        size_t at = t->origin(t->ctx, span);
        count_to(t, counted, at);
        fault.line = counted->lines + 1;
        fault.column = text_rows_column(t->base, at);
        text = t->base + span.at;
        length = span.length;
    }
    char *reason = verdict.missing ? mem_strdup("has no value, but must have one")
                                   : cast_reason(t->columns[k].cast, text, length);
    reader_batch_fault(out, &fault, verdict.missing ? NULL : text, length, reason);
}

static int by_row(const void *a, const void *b)
{
    uint64_t x = ((const struct reader_fault *)a)->row;
    uint64_t y = ((const struct reader_fault *)b)->row;
    return (x > y) - (x < y);
}

/* The values of the rows that are not in fault, in place of all. */
static void keep_good(struct column *c, const struct verdicts *v)
{
    struct column kept;
    column_init(&kept, c->type);
    for (size_t i = 0; i < v->count; i++)
        if (v->rows[i].column == 0)
            column_copy(&kept, c, i);
    column_release(c);
    *c = kept;
}

static void drop_bad(const struct text_rows *t, const struct verdicts *v, struct reader_batch *out)
{
    size_t before = out->fault_count;
    size_t kept = 0;
    struct counted counted = {0, 0};
    for (size_t i = 0; i < v->count; i++)
        if (v->rows[i].column != 0)
            add_fault(t, i, v->rows[i], &counted, out);
    if (before > 0)
        qsort(out->faults, out->fault_count, sizeof *out->faults, by_row);
    for (size_t k = 0; k < t->column_count; k++)
        keep_good(&out->values.columns[k], v);
    for (size_t i = 0; i < v->count; i++) {
        out->rows[kept] = out->rows[i];
        out->lines[kept] = out->lines[i];
        kept += v->rows[i].column == 0;
    }
    out->values.rows = kept;
}

void text_rows_cast(const struct text_rows *t, struct reader_batch *out)
{
    assert(out->values.rows == 0);
    struct verdicts v = {.count = t->count};
    for (size_t k = 0; k < t->column_count; k++)
        fill_column(t, k, &out->values.columns[k], &v);
    out->values.rows = t->count;
    if (v.bad > 0)
        drop_bad(t, &v, out);
    free(v.rows);
}

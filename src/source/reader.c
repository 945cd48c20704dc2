#include "source/reader.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/str.h"
#include "util/utf8.h"

#define FAULT_VALUE_MAX 200
#define NAMES_SHOWN_MAX 1000

void reader_batch_init(struct reader_batch *b, const struct reader_column *columns, size_t count)
{
    struct type *types = mem_calloc(count, sizeof *types);
    for (size_t i = 0; i < count; i++)
        types[i] = cast_type(columns[i].cast);
    *b = (struct reader_batch){0};
    batch_init(&b->values, types, count);
    free(types);
}

static void drop_faults(struct reader_batch *b)
{
    for (size_t i = 0; i < b->fault_count; i++) {
        free(b->faults[i].value);
        free(b->faults[i].reason);
    }
    b->fault_count = 0;
}

void reader_batch_release(struct reader_batch *b)
{
    drop_faults(b);
    batch_release(&b->values);
    free(b->rows);
    free(b->lines);
    free(b->faults);
    *b = (struct reader_batch){0};
}

void reader_batch_clear(struct reader_batch *b)
{
    drop_faults(b);
    batch_clear(&b->values);
}

void reader_batch_row(struct reader_batch *b, uint64_t row, uint64_t line)
{
    size_t i = b->values.rows;
    if (i == b->place_capacity) {
        b->place_capacity = i > 0 ? i * 2 : 1024;
        b->rows = mem_resize(b->rows, b->place_capacity, sizeof *b->rows);
        b->lines = mem_resize(b->lines, b->place_capacity, sizeof *b->lines);
    }
    b->rows[i] = row;
    b->lines[i] = line;
    b->values.rows++;
}

/* At most FAULT_VALUE_MAX bytes, and no character cut in two. */
static char *shorten(const char *value, size_t length)
{
    if (value == NULL)
        return NULL;
    return mem_strndup(value, utf8_cut(value, length, FAULT_VALUE_MAX));
}

void reader_batch_fault(struct reader_batch *b, const struct reader_fault *place, const char *value,
                        size_t value_length, char *reason)
{
    batch_truncate(&b->values, b->values.rows);
    b->faults = mem_grow(b->faults, b->fault_count, &b->fault_capacity, sizeof *b->faults);
    struct reader_fault *f = &b->faults[b->fault_count++];
    *f = *place;
    f->value = shorten(value, value_length);
    f->reason = reason;
}

int reader_names(struct reader *r, struct reader_texts *out, struct error *err)
{
    return r->ops->names(r, out, err);
}

int reader_select(struct reader *r, const struct reader_column *columns, size_t count,
                  struct error *err)
{
    return r->ops->select(r, columns, count, err);
}

int reader_next(struct reader *r, struct reader_batch *out, struct error *err)
{
    reader_batch_clear(out);
    int rc = r->ops->next(r, out, err);
    r->records += out->values.rows + out->fault_count;
    return rc;
}

void reader_free(struct reader *r)
{
    if (r != NULL)
        r->ops->free(r);
}

void reader_warn(struct reader *r, char *text)
{
    r->warnings =
        mem_grow(r->warnings, r->warning_count, &r->warning_capacity, sizeof *r->warnings);
    r->warnings[r->warning_count++] = text;
}

void reader_release(struct reader *r)
{
    for (size_t i = 0; i < r->warning_count; i++)
        free(r->warnings[i]);
    free(r->warnings);
}

int reader_missing(const struct reader *r, const struct reader_column *column,
                   const struct reader_texts *has, struct error *err)
{
    struct str names;
    const char *near = NULL;
    str_init(&names, NAMES_SHOWN_MAX);
    for (size_t k = 0; k < has->count && !names.full; k++)
        str_printf(&names, "%s\"%s\"", k > 0 ? ", " : "", has->items[k]);
    for (size_t k = 0; near == NULL && k < column->from.count; k++)
        near = str_closest(column->from.items[k], has->items, has->count);
    error_set(err, ERR_GATE, "column \"%s\" is not in %s, which has %s%s.", column->name,
              r->file->shown, has->count > 0 ? names.data : "no columns",
              names.full ? ", ..." : "");
    str_release(&names);
    if (near != NULL)
        error_append(err, "Did you mean \"%s\"? List the source's names under `from`.", near);
    else
        error_append(err, "List the source's name for it under `from`, or say `optional: true` "
                          "where a file may lack it.");
    return ERR_GATE;
}

void reader_texts_index(const struct reader_texts *texts, struct name_index *out)
{
    name_index_init(out, texts->items, texts->count, sizeof *texts->items, false);
}

/* The first of a column's names that there is. */
static size_t find_name(const struct name_index *names, const struct reader_column *column)
{
    size_t at = SIZE_MAX;
    for (size_t i = 0; i < column->from.count && at == SIZE_MAX; i++)
        at = name_index_find(names, column->from.items[i]);
    return at;
}

int reader_match(const struct reader *r, const struct reader_column *columns, size_t count,
                 const struct reader_texts *has, size_t *places, struct error *err)
{
    int rc = ERR_OK;
    struct name_index names;
    reader_texts_index(has, &names);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        places[i] = find_name(&names, &columns[i]);
        if (places[i] == SIZE_MAX && !columns[i].optional)
            rc = reader_missing(r, &columns[i], has, err);
    }
    name_index_release(&names);
    return rc;
}

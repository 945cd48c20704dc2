#include "support/model.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/str.h"

#define LINE_MAX_BYTES ((size_t)1 << 20)

void model_init(struct model *m, const struct model_shape *shape)
{
    *m = (struct model){.shape = shape};
}

void model_row_release(struct model_row *row)
{
    for (size_t i = 0; i < MODEL_COLUMNS; i++)
        free(row->values[i]);
    *row = (struct model_row){.sequence = 0};
}

void model_release(struct model *m)
{
    for (size_t i = 0; i < m->count; i++)
        model_row_release(&m->events[i]);
    free(m->events);
    *m = (struct model){.shape = m->shape};
}

size_t model_column_count(const struct model_shape *shape)
{
    size_t n = 0;
    while (n < MODEL_COLUMNS && shape->columns[n] != NULL)
        n++;
    return n;
}

static size_t find_column(const struct model_shape *shape, const char *name)
{
    size_t n = model_column_count(shape);
    for (size_t i = 0; i < n; i++)
        if (strcmp(shape->columns[i], name) == 0)
            return i;
    return MODEL_COLUMNS;
}

/* ---- CSV ----------------------------------------------------------------------------------- */

/* One field; `*at` then stands behind it. NULL: empty without quotes. */
static char *read_field(const char **at)
{
    const char *p = *at;
    struct str text;
    bool quoted = *p == '"';
    str_init(&text, LINE_MAX_BYTES);
    if (!quoted) {
        size_t n = strcspn(p, ",\n");
        str_append_bytes(&text, p, n);
        p += n;
    }
    for (p += quoted; quoted && *p != '\0'; p++) {
        if (*p == '"' && p[1] != '"')
            break;
        p += *p == '"';
        str_append_char(&text, *p);
    }
    *at = p + (quoted && *p == '"');
    if (text.len == 0 && !quoted) {
        str_release(&text);
        return NULL;
    }
    return text.len == 0 ? mem_strdup("") : str_detach(&text);
}

/* The fields of one line; returns their number, and moves to the next line. */
static size_t read_line(const char **at, char *fields[MODEL_COLUMNS])
{
    size_t n = 0;
    for (;;) {
        char *field = read_field(at);
        if (n < MODEL_COLUMNS)
            fields[n++] = field;
        else
            free(field);
        if (**at != ',')
            break;
        ++*at;
    }
    *at += **at == '\n';
    return n;
}

static void free_fields(char *fields[MODEL_COLUMNS], size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(fields[i]);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static int compare_texts(const char *a, const char *b)
{
    if (a == NULL || b == NULL)
        return (a != NULL) - (b != NULL);
    return strcmp(a, b);
}

static bool same_key(const struct model_shape *shape, const struct model_row *a,
                     const struct model_row *b)
{
    for (size_t i = 0; i < MODEL_COLUMNS && shape->key[i] != NULL; i++) {
        size_t at = find_column(shape, shape->key[i]);
        if (compare_texts(a->values[at], b->values[at]) != 0)
            return false;
    }
    return true;
}

int model_row_compare(const struct model_row *a, const struct model_row *b, bool versions)
{
    if (versions && a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    for (size_t i = 0; i < MODEL_COLUMNS; i++) {
        int order = compare_texts(a->values[i], b->values[i]);
        if (order != 0)
            return order;
    }
    return 0;
}

char *model_row_text(const struct model_shape *shape, const struct model_row *row)
{
    struct str text;
    size_t n = model_column_count(shape);
    str_init(&text, LINE_MAX_BYTES);
    for (size_t i = 0; i < n; i++)
        str_printf(&text, "%s%s", i > 0 ? ", " : "(",
                   row->values[i] != NULL ? row->values[i] : "NULL");
    str_printf(&text, ") of version %llu", (unsigned long long)row->sequence);
    return str_detach(&text);
}

/* Newest row of the key of `row` among the first `count` events, or NULL. */
static const struct model_row *find_newest(const struct model *m, size_t count,
                                           const struct model_row *row)
{
    for (size_t i = count; i > 0; i--)
        if (same_key(m->shape, &m->events[i - 1], row))
            return &m->events[i - 1];
    return NULL;
}

/* Take a row of the snapshot. A later row of the same snapshot replaces an earlier one. */
static void take_row(const struct model_shape *shape, struct model_row *row,
                     struct model_row **rows, size_t *count, size_t *capacity)
{
    for (size_t i = 0; i < *count; i++) {
        if (same_key(shape, &(*rows)[i], row)) {
            model_row_release(&(*rows)[i]);
            (*rows)[i] = *row;
            return;
        }
    }
    *rows = mem_grow(*rows, *count, capacity, sizeof **rows);
    (*rows)[(*count)++] = *row;
}

static struct model_row *parse(const struct model_shape *shape, const char *csv, size_t *count)
{
    char *names[MODEL_COLUMNS];
    struct model_row *rows = NULL;
    size_t capacity = 0;
    *count = 0;
    size_t columns = read_line(&csv, names);
    while (*csv != '\0') {
        char *fields[MODEL_COLUMNS];
        struct model_row row = {.sequence = 0};
        size_t n = read_line(&csv, fields);
        for (size_t i = 0; i < n; i++) {
            size_t at = i < columns ? find_column(shape, names[i]) : MODEL_COLUMNS;
            if (at < MODEL_COLUMNS)
                row.values[at] = fields[i];
            else
                free(fields[i]);
        }
        take_row(shape, &row, &rows, count, &capacity);
    }
    free_fields(names, columns);
    return rows;
}

size_t model_apply(struct model *m, uint64_t sequence, const char *csv)
{
    size_t count;
    size_t before = m->count;
    struct model_row *rows = parse(m->shape, csv, &count);
    for (size_t i = 0; i < count; i++) {
        const struct model_row *known = find_newest(m, before, &rows[i]);
        bool same = known != NULL &&
                    (m->shape->ignore_revisions || model_row_compare(known, &rows[i], false) == 0);
        if (same) {
            model_row_release(&rows[i]);
            continue;
        }
        rows[i].sequence = sequence;
        rows[i].revises = known != NULL;
        m->keys += known == NULL;
        m->events = mem_grow(m->events, m->count, &m->capacity, sizeof *m->events);
        m->events[m->count++] = rows[i];
    }
    free(rows);
    return m->count - before;
}

size_t *model_newest(const struct model *m, size_t *count)
{
    size_t *out = mem_calloc(m->count, sizeof *out);
    *count = 0;
    for (size_t i = 0; i < m->count; i++)
        if (find_newest(m, m->count, &m->events[i]) == &m->events[i])
            out[(*count)++] = i;
    return out;
}

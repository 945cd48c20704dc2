#include "util/schema.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

static const char *const partition_names[] = {
    [PARTITION_NONE] = "none",
    [PARTITION_YEAR] = "year",
    [PARTITION_MONTH] = "month",
    [PARTITION_DAY] = "day",
};

const char *partition_by_name(enum partition_by by)
{
    return partition_names[by];
}

int partition_by_parse(const char *text, enum partition_by *out, struct error *err)
{
    for (size_t i = 0; i < sizeof partition_names / sizeof *partition_names; i++) {
        if (strcmp(text, partition_names[i]) == 0) {
            *out = (enum partition_by)i;
            return ERR_OK;
        }
    }
    return error_set(err, ERR_DAMAGED, "\"%s\" is not none, year, month or day.", text);
}

/* ---- What a transform sees ----------------------------------------------------------------- */

void schema_source_add(struct schema_source *s, const char *name, struct type type,
                       const char *format)
{
    s->columns = mem_grow(s->columns, s->count, &s->capacity, sizeof *s->columns);
    s->columns[s->count++] =
        (struct schema_source_column){mem_strdup(name), mem_strdup(format), type};
}

void schema_source_names(const struct schema_source *s, struct name_index *out)
{
    name_index_init(out, s->columns, s->count, sizeof *s->columns, false);
}

void schema_source_copy(const struct schema_source *from, struct schema_source *to)
{
    *to = (struct schema_source){0};
    for (size_t i = 0; i < from->count; i++)
        schema_source_add(to, from->columns[i].name, from->columns[i].type,
                          from->columns[i].format);
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool schema_source_same(const struct schema_source *a, const struct schema_source *b, size_t count)
{
    bool same = a->count >= count && b->count >= count;
    for (size_t i = 0; i < count && same; i++)
        same = strcmp(a->columns[i].name, b->columns[i].name) == 0 &&
               type_equal(a->columns[i].type, b->columns[i].type) &&
               same_text(a->columns[i].format, b->columns[i].format);
    return same;
}

void schema_source_release(struct schema_source *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->columns[i].name);
        free(s->columns[i].format);
    }
    free(s->columns);
    *s = (struct schema_source){0};
}

/* ---- The schema ---------------------------------------------------------------------------- */

void schema_release(struct schema *s)
{
    for (size_t i = 0; i < s->count; i++) {
        free(s->columns[i].name);
        free(s->columns[i].format);
    }
    free(s->columns);
    free(s->key);
    schema_source_release(&s->source);
    *s = (struct schema){0};
}

void schema_copy(const struct schema *from, struct schema *to)
{
    *to = *from;
    to->columns = mem_calloc(from->count, sizeof *to->columns);
    for (size_t i = 0; i < from->count; i++) {
        to->columns[i] = from->columns[i];
        to->columns[i].name = mem_strdup(from->columns[i].name);
        to->columns[i].format = mem_strdup(from->columns[i].format);
    }
    to->key = mem_calloc(from->key_count, sizeof *to->key);
    if (from->key_count > 0)
        memcpy(to->key, from->key, from->key_count * sizeof *to->key);
    schema_source_copy(&from->source, &to->source);
}

size_t schema_find(const struct schema *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->columns[i].name, name) == 0)
            return i;
    return SIZE_MAX;
}

void schema_names(const struct schema *s, struct name_index *out)
{
    name_index_init(out, s->columns, s->count, sizeof *s->columns, false);
}

bool schema_same_columns(const struct schema *a, const struct schema *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 ||
            !type_equal(a->columns[i].type, b->columns[i].type))
            return false;
    return true;
}

bool schema_in_key(const struct schema *s, size_t position)
{
    for (size_t i = 0; i < s->key_count; i++)
        if (s->key[i] == position)
            return true;
    return false;
}

bool schema_partition_in_key(const struct schema *s)
{
    return s->partition_by != PARTITION_NONE && schema_in_key(s, s->partition_column);
}

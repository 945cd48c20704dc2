#include "source/wanted.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void wanted_init(struct wanted *w, size_t capacity)
{
    *w = (struct wanted){.columns = mem_calloc(capacity, sizeof *w->columns),
                         .casts = mem_calloc(capacity, sizeof *w->casts),
                         .capacity = capacity};
}

void wanted_release(struct wanted *w)
{
    for (size_t i = 0; i < w->count; i++)
        cast_free(w->casts[i]);
    free(w->casts);
    free(w->columns);
    *w = (struct wanted){0};
}

/* The configured column of that name, or NULL. Mostly both are listed in one order. */
static const struct source_column *configured_column(const struct source_options *o,
                                                     const char *name, size_t near)
{
    if (near < o->column_count && strcmp(o->columns[near].name, name) == 0)
        return &o->columns[near];
    for (size_t i = 0; i < o->column_count; i++)
        if (strcmp(o->columns[i].name, name) == 0)
            return &o->columns[i];
    return NULL;
}

static bool has_formats(struct type type)
{
    return type.kind == TYPE_DATE || type.kind == TYPE_TIME || type.kind == TYPE_TIMESTAMP;
}

/* The nearest word counts: the column's own, what inference found, the source's. */
static struct reader_texts formats_of(const struct source_options *o, struct type type,
                                      const char *const *frozen,
                                      const struct source_column *configured)
{
    if (!has_formats(type))
        return (struct reader_texts){0};
    if (configured != NULL && configured->formats.count > 0)
        return configured->formats;
    if (*frozen != NULL)
        return (struct reader_texts){frozen, 1};
    if (type.kind == TYPE_TIME)
        return (struct reader_texts){0};
    return type.kind == TYPE_TIMESTAMP ? o->timestamp_formats : o->date_formats;
}

/* What a column says about itself takes precedence over what its source says. */
static void settle(struct cast_options *out, const struct source_column *c)
{
    if (c->nulls_set) {
        out->nulls = c->nulls.items;
        out->null_count = c->nulls.count;
    }
    if (c->time_zone != NULL)
        out->time_zone = c->time_zone;
    if (c->trim_set)
        out->trim = c->trim;
    if (c->percent_set)
        out->percent = c->percent;
}

static int make_cast(const struct source_options *o, struct type type, const char *format,
                     const struct source_column *configured, struct cast **out, struct error *err)
{
    struct reader_texts formats = formats_of(o, type, &format, configured);
    struct cast_options options = {
        .type = type,
        .formats = formats.items,
        .format_count = formats.count,
        .nulls = o->nulls.items,
        .null_count = o->nulls.count,
        .decimal = o->decimal,
        .thousands = o->thousands,
        .trim = o->trim,
        .percent = o->percent,
        .pivot = o->pivot,
        .time_zone = o->time_zone,
    };
    if (configured != NULL)
        settle(&options, configured);
    return cast_new(&options, out, err);
}

int wanted_add(struct wanted *w, const struct source_options *o, const char *name, struct type type,
               const char *format, const struct source_column *configured, struct error *err)
{
    struct cast *cast = NULL;
    assert(w->count < w->capacity);
    int rc = make_cast(o, type, format, configured, &cast, err);
    if (rc != ERR_OK)
        return error_prefix(err, "column \"%s\"", name);
    w->casts[w->count] = cast;
    struct reader_column *c = &w->columns[w->count++];
    *c = (struct reader_column){.name = name, .cast = cast, .from = {&c->name, 1}};
    c->optional = configured != NULL && configured->optional;
    if (configured != NULL && configured->from.count > 0)
        c->from = configured->from;
    return ERR_OK;
}

/* A row without a day has no partition. */
static bool is_required(const struct schema *schema, size_t i)
{
    bool cuts = schema->partition_by != PARTITION_NONE && schema->partition_column == i;
    return cuts || !schema->columns[i].nullable;
}

int wanted_add_schema(struct wanted *w, const struct source_options *o, const struct schema *schema,
                      size_t i, struct error *err)
{
    const struct schema_column *c = &schema->columns[i];
    int rc = wanted_add(w, o, c->name, c->type, c->format, configured_column(o, c->name, i), err);
    if (rc == ERR_OK)
        w->columns[w->count - 1].required = is_required(schema, i);
    return rc;
}

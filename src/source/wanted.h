/*
 * What is wanted from the files of a source: the columns that readers look for, with their casts,
 * put together from the schema and what the configuration says about them.
 */
#ifndef CAUCE_SOURCE_WANTED_H
#define CAUCE_SOURCE_WANTED_H

#include "source/source.h"

struct wanted {
    struct reader_column *columns;
    struct cast **casts; /* one per column, owned */
    size_t count;
    size_t capacity;
};

/* Nothing yet, with room for `capacity` columns, which is the most there may be. */
void wanted_init(struct wanted *w, size_t capacity);

/* Release is safe on a zeroed struct. */
void wanted_release(struct wanted *w);

/*
 * Add a column. `configured` (NULL: nothing) and `format` (frozen by inference; NULL: none) say how its
 * values are written, else the source does. ERR_CONFIG: a format that cannot be used.
 */
MUST_USE int wanted_add(struct wanted *w, const struct source_options *o, const char *name,
                        struct type type, const char *format,
                        const struct source_column *configured, struct error *err);

/* Add column `i` of a schema, which may have to have a value. */
MUST_USE int wanted_add_schema(struct wanted *w, const struct source_options *o,
                               const struct schema *schema, size_t i, struct error *err);

#endif

/*
 * What a dataset must hold, computed in plain arrays: the serial execution of the snapshots that were
 * committed. It knows nothing of stores, formats or SQL, and reads CSV by itself: comma, quotes,
 * empty without quotes is NULL. Values are compared as text, so snapshots write them as they are
 * published ("1.50" for decimal(9,2), "2026-01-31" for a date).
 */
#ifndef CAUCE_TESTS_SUPPORT_MODEL_H
#define CAUCE_TESTS_SUPPORT_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MODEL_COLUMNS 8

/* The shape of a dataset, as its YAML says it. */
struct model_shape {
    const char *columns[MODEL_COLUMNS]; /* in their order; NULL ends */
    const char *key[MODEL_COLUMNS];     /* names; NULL ends */
    const char *partition;              /* a date column, cut by month; NULL: not cut */
    bool ignore_revisions;
};

struct model_row {
    char *values[MODEL_COLUMNS]; /* in the order of the shape; NULL is NULL */
    uint64_t sequence;           /* version that published it */
    bool revises;                /* its key was published before */
};

struct model {
    const struct model_shape *shape;
    struct model_row *events; /* in the order of versions */
    size_t count, capacity;
    size_t keys; /* distinct keys */
};

void model_init(struct model *m, const struct model_shape *shape);
void model_release(struct model *m);

/*
 * Publish a snapshot as a version. Returns the number of rows that it adds: 0 means that there is no
 * such version.
 */
size_t model_apply(struct model *m, uint64_t sequence, const char *csv);

/* The newest row of every key, as positions in `events`; the caller frees. */
size_t *model_newest(const struct model *m, size_t *count);

size_t model_column_count(const struct model_shape *shape);

/* One line for people: values in brackets. The caller frees. */
char *model_row_text(const struct model_shape *shape, const struct model_row *row);

/* Order of rows by version (where `versions`), then by all values; 0: the same row. */
int model_row_compare(const struct model_row *a, const struct model_row *b, bool versions);

void model_row_release(struct model_row *row);

#endif

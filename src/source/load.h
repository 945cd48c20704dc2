/* Rows of files into tables of the engine. */
#ifndef CAUCE_SOURCE_LOAD_H
#define CAUCE_SOURCE_LOAD_H

#include "source/files.h"
#include "source/wanted.h"
#include "util/schema.h"

/* Where batches go: a table of the engine whose columns are wanted ones and constants. */
struct load {
    struct feed *feed;
    struct batch view; /* columns of the table: borrowed from the batch, or constants of ours */
    const char **constants; /* by column: its value; NULL: the next wanted column */
};

/*
 * Make the table for the columns of a schema, whose constants have these values (by column, NULL for
 * the others; borrowed).
 */
MUST_USE int load_open(struct load *l, struct engine *e, const char *table,
                       const struct type *types, const char **constants, size_t count,
                       struct error *err);

/* Append rows with the columns that are not constant, in their order. A files_take. */
MUST_USE int load_take(void *load, const struct batch *rows, struct error *err);

/* The table is complete. */
MUST_USE int load_close(struct load *l, struct error *err);
void load_release(struct load *l); /* safe on a zeroed struct */

#endif

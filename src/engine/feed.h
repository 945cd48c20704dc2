/*
 * Typed batches (value/column.h) into a table of the database. The order of the rows stays: `rowid`
 * of the table counts them in that order, from 0.
 *
 * What is called the table here is a view. The rows themselves lie in a table whose name ends with
 * FEED_STORED, packed (engine/packed.h) where they are wide. Whoever deletes rows deletes them there, by
 * `rowid`.
 *
 * A feed belongs to one thread, that of its engine, whose other queries may run between the calls.
 * Memory does not grow with the rows: the database spills them like its own.
 */
#ifndef CAUCE_ENGINE_FEED_H
#define CAUCE_ENGINE_FEED_H

#include <stddef.h>

#include "engine/engine.h"
#include "value/column.h"

#define FEED_STORED "_stored"

struct feed;

/*
 * Make (or replace) the table `table` with the columns c0, c1, ... of these types, all of them
 * nullable, and open it for rows.
 */
MUST_USE int feed_open(struct engine *e, const char *table, const struct type *types, size_t count,
                       struct feed **out, struct error *err);

/* Append the rows of a batch with exactly those columns. After a failure only feed_free is allowed. */
MUST_USE int feed_put(struct feed *f, const struct batch *b, struct error *err);

/* From here on all rows are in the table, and no more may be put. */
MUST_USE int feed_close(struct feed *f, struct error *err);

/* Without feed_close before it, rows may be missing in the table. NULL allowed. */
void feed_free(struct feed *f);

#endif

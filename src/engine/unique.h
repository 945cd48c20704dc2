/*
 * One row per key in the table `source_rows`: which keys are repeated, and which of their rows
 * stays.
 */
#ifndef CAUCE_ENGINE_UNIQUE_H
#define CAUCE_ENGINE_UNIQUE_H

#include <stdint.h>

#include "engine/engine.h"
#include "util/schema.h"

/*
 * Which row of a key counts. The last one, where the order of the rows is that of a source. SQL
 * gives its rows in no reliable order: there it is the greatest one, compared column by column in
 * the order of the schema, with NULL above all values.
 */
enum unique_winner { UNIQUE_LAST, UNIQUE_GREATEST };

/* Look for repeated keys among `rows` rows; `*repeated` is how many rows are superfluous. */
MUST_USE int unique_find(struct engine *e, const struct schema *schema, uint64_t rows,
                         enum unique_winner winner, uint64_t *repeated, struct error *err);

/* After unique_find: remove all rows of such keys except the one that counts. */
MUST_USE int unique_keep(struct engine *e, const struct schema *schema, struct error *err);

/*
 * After unique_find: visit the first such keys, 20 at most. Values: the number of the key's first row,
 * that of the row that counts (both from 0), the key as text.
 */
MUST_USE int unique_sample(struct engine *e, const struct schema *schema, engine_visit *visit,
                           void *ctx, struct error *err);

#endif

/*
 * The delta: rows of the source whose key is not published yet, and rows whose content differs from
 * what is published. Exact: keys are compared as values against the key index.
 *
 * Reads a table of rows (`source_rows`, see source/source.h) and `index_keys` (see
 * engine/index_file.h); makes the table `delta`: part (partition), c0, c1, ..., row_hash, revised; sorted by partition and
 * key.
 */
#ifndef CAUCE_ENGINE_DELTA_H
#define CAUCE_ENGINE_DELTA_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "util/hash.h"
#include "util/schema.h"

/* What the delta holds of one partition. */
struct delta_part {
    int32_t partition;
    uint64_t rows; /* new and revised */
    uint64_t revised;
    struct key_digest keys;  /* of all its rows; count = rows */
    struct key_digest fresh; /* of the new keys only */
};

struct delta {
    struct delta_part *parts; /* ascending by partition; none: nothing to publish */
    size_t count, capacity;
    uint64_t rows_new;
    uint64_t rows_revised;
    struct key_digest fresh; /* sum over the parts */
};
void delta_release(struct delta *d);

/* Compute it for a table of rows (`source_rows`) against `index_keys`. */
MUST_USE int delta_compute(struct engine *e, const struct schema *s, const char *table,
                           struct delta *out, struct error *err);

#endif

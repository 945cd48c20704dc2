/* What our Parquet files hold, learned by reading them back: rows, digest of the keys, bounds. */
#ifndef CAUCE_ENGINE_INSPECT_H
#define CAUCE_ENGINE_INSPECT_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "util/hash.h"
#include "util/schema.h"

struct inspection {
    struct key_digest keys; /* count: rows of the file */
    char *min;              /* JSON array: least value of each key column; owned */
    char *max;
};
void inspection_release(struct inspection *i);

/*
 * Read the key columns of every file in one pass; `out` has one entry per path and is the caller's
 * to release whatever is returned. Works for event files, index shards and projections alike (all
 * carry the key columns by field id). ERR_DAMAGED: a file cannot be read as Parquet with these
 * columns.
 */
MUST_USE int inspect_files(struct engine *e, const struct schema *s, const char *const *paths,
                           size_t count, struct inspection *out, struct error *err);

#endif

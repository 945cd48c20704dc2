/*
 * New shards on their way into the index: written to scratch files, inspected, stored.
 */
#ifndef CAUCE_DERIVED_INDEX_PIECES_H
#define CAUCE_DERIVED_INDEX_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "dataset/dataset.h"
#include "derived/index/state.h"
#include "engine/index_file.h"

/* The slices that the shards of an index cover, in their order. */
struct index_slices {
    struct index_slice *items;
    const char ***bounds; /* values of the lower bounds, borrowed from the shards */
    size_t count;
};
void index_slices_init(const struct index_state *index, size_t key_count, struct index_slices *out);
void index_slices_release(struct index_slices *s);

#define INDEX_NO_ORIGIN SIZE_MAX

/* One new shard: its description (key, size and digest come later) and its local file. */
struct index_piece {
    struct index_shard shard;
    size_t origin; /* position of the shard it takes the place of, INDEX_NO_ORIGIN: none */
    char *path;
};
struct index_pieces {
    struct index_piece *items;
    size_t count, capacity;
};
void index_pieces_release(struct index_pieces *p);

/*
 * Append a piece for the slice (a partition, or a range whose lower bound is kept). `path` is taken
 * over.
 */
void index_pieces_add(struct index_pieces *p, const struct index_slice *slice, size_t key_count,
                      size_t origin, char *path);

/*
 * Shards of the next index: those of `index` that no piece takes the place of, and the pieces.
 */
void index_pieces_assemble(const struct index_pieces *p, const struct index_state *index,
                           struct index_state *next);

/* Read every piece back: rows and digest; `sum` gets their sum. */
MUST_USE int index_pieces_inspect(struct dataset *d, const struct schema *s, struct index_pieces *p,
                                  struct key_digest *sum, struct error *err);

/*
 * Store them under names of this attempt. On failure what was stored is removed again.
 */
MUST_USE int index_pieces_store(struct dataset *d, struct index_pieces *p,
                                const struct version_id *attempt, struct error *err);

/* Remove what index_pieces_store stored; what cannot be removed is left to gc. */
void index_pieces_discard(struct dataset *d, const struct index_pieces *p);

#endif

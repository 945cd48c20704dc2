/*
 * The key index of a base: checked, caught up or rebuilt (step 3), read where the source touches it
 * (step 4), and updated after the commit (step 9).
 */
#ifndef CAUCE_DERIVED_INDEX_KEEPER_H
#define CAUCE_DERIVED_INDEX_KEEPER_H

#include "dataset/dataset.h"
#include "derived/index/state.h"
#include "engine/delta.h"

enum index_recovery { INDEX_WAS_FRESH, INDEX_CAUGHT_UP, INDEX_REBUILT };
const char *index_recovery_name(enum index_recovery recovery); /* "none", "catch_up", "rebuild" */

#define INDEX_REASON_SIZE 96

/* What was found of the index, and what bringing it up to date took. */
struct index_report {
    enum index_recovery recovery;
    char reason[INDEX_REASON_SIZE]; /* why it was not fresh, also where it was not healed; "" */
    double seconds;                 /* spent on healing it, over all attempts */
    uint64_t rows;                  /* of the healed index */
};

/*
 * Open the index for exactly this base; where it is not fresh it is caught up, or rebuilt from the
 * chain, logged and timed in the report. On ERR_OK `out` is fresh and the caller's to release.
 * ERR_CONFLICT: the base is no longer the newest, or others keep writing the index.
 */
MUST_USE int index_keeper_open(struct dataset *d, const struct base *base, struct index_state *out,
                               struct index_report *report, struct error *err);

/* Rebuild from the chain whatever state the index is in; `reason` NULL: somebody asked for it. */
MUST_USE int index_keeper_rebuild(struct dataset *d, const struct base *base, const char *reason,
                                  struct index_state *out, struct index_report *report,
                                  struct error *err);

/*
 * Make the relation `index_keys` hold the shards that a table of rows touches. ERR_DAMAGED: a shard
 * is not what the index says (rebuild it).
 */
MUST_USE int index_keeper_attach(struct dataset *d, const struct schema *s,
                                 const struct index_state *index, const char *table,
                                 struct error *err);

/*
 * After reading shards has failed with `rc`: ERR_CONFLICT where another process has replaced the
 * index meanwhile, so that gc may have removed them under the query. Then nothing is wrong, but
 * what was read is old: read it again. Else `rc`, and the error unchanged.
 */
MUST_USE int index_keeper_excuse(struct dataset *d, const struct index_state *index, int rc,
                                 struct error *err);

/*
 * The same for a dry run, which writes nothing to the store: where the index is not fresh or is
 * damaged, `index_keys` is made from the events of the chain in the engine alone.
 */
MUST_USE int index_keeper_peek(struct dataset *d, const struct base *base, const struct schema *s,
                               struct index_state *index, const char *table, struct error *err);

/*
 * Rewrite the shards that `delta` touches, and swap the index from `index` to one that reflects
 * `next` (named by the pointer in the epoch `gc_epoch`, with the key set `keys` and the absorbed
 * source). `index` is replaced by the new state. ERR_CONFLICT: another process wrote the index in
 * the meantime. Files of a failed attempt are removed.
 */
MUST_USE int index_keeper_update(struct dataset *d, const struct schema *s,
                                 struct index_state *index, const struct version_id *next,
                                 uint64_t gc_epoch, const struct key_digest *keys,
                                 const struct manifest_source *source, struct error *err);

/*
 * Store new shards and swap the index to a state for its own stamp with exactly these shards and
 * this key set. As index_keeper_update otherwise.
 */
struct index_pieces;
MUST_USE int index_keeper_replace(struct dataset *d, struct index_state *index,
                                  struct index_pieces *pieces, const struct key_digest *keys,
                                  const struct manifest_source *source, struct error *err);

/* Note in the index that a source held nothing new. */
MUST_USE int index_keeper_absorb(struct dataset *d, struct index_state *index,
                                 const struct manifest_source *source, struct error *err);

#endif

/*
 * Shards of the key index: the keys themselves, sorted, in Parquet, with the hash of each row's
 * other columns where revisions are tracked. Exact, and small, because sorted keys compress very
 * well.
 *
 * A shard holds one partition where the partition column is part of the key (a key then never
 * leaves its partition), else a range of the key. Rows belong to exactly one shard.
 */
#ifndef CAUCE_ENGINE_INDEX_FILE_H
#define CAUCE_ENGINE_INDEX_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/relation.h"
#include "util/schema.h"

/*
 * Keys per shard where shards are ranges, unless told otherwise; a shard is cut when it holds twice
 * as many.
 */
#define INDEX_RANGE_KEYS 1000000

/* The values of one key, as literal_text writes them; NULL is NULL. Borrowed. */
struct index_bound {
    const char *const *values; /* one per key column */
};

/* Which rows belong to a shard. */
struct index_slice {
    bool by_partition;
    int32_t partition;        /* by_partition */
    struct index_bound lower; /* else: inclusive; values NULL: no bound */
    struct index_bound upper; /* exclusive; values NULL: no bound */
};

/*
 * Make the view `index_keys` (key columns c<n>, and row_hash) over local shard files; no files: an
 * empty one.
 */
MUST_USE int index_file_attach(struct engine *e, const struct schema *s, const char *const *paths,
                               size_t count, struct error *err);

/*
 * Number of rows of one of our tables (`source_rows`, `delta`) that belong to each of the slices.
 * Counts those outside all slices, too: `outside` (only possible by partition).
 */
MUST_USE int index_file_touched(struct engine *e, const struct schema *s, const char *table,
                                const struct index_slice *slices, size_t count, uint64_t *rows,
                                uint64_t *outside, struct error *err);

/* Partitions that occur in one of our tables, ascending; `*out` is the caller's to free. */
MUST_USE int index_file_partitions(struct engine *e, const struct schema *s, const char *table,
                                   int32_t **out, size_t *count, struct error *err);

/* A shard to write: the keys of `old` (NULL: none) and of `delta` that belong to the slice. */
struct index_job {
    struct index_slice slice;
    const char *old;
    const char *path;
};

/*
 * Write new shards, several at a time: the keys of the old shard and of `delta`, with the hashes of
 * `delta` where it revises.
 */
MUST_USE int index_file_merge(struct engine *e, const struct schema *s,
                              const struct index_job *jobs, size_t count, struct error *err);

/*
 * Prepare a rebuild: the table `index_all` of the newest rows' keys and hashes in the
 * event files, with column part. index_file_build then writes slices of it, or, where a job has an
 * old shard, of that file.
 */
MUST_USE int index_file_collect(struct engine *e, const struct schema *s,
                                const struct relation_file *events, size_t count,
                                struct error *err);
MUST_USE int index_file_build(struct engine *e, const struct schema *s,
                              const struct index_job *jobs, size_t count, struct error *err);

/*
 * Keys at which to cut (`range` keys apart, 0: INDEX_RANGE_KEYS) what a shard file holds, or, with path NULL, the
 * table `index_all`. Each bound is an array of key_count texts. Fewer than two ranges' worth: no
 * bounds.
 */
struct index_cuts {
    char ***bounds;
    size_t count, capacity;
    size_t width;
};
void index_cuts_release(struct index_cuts *cuts);
MUST_USE int index_file_cuts(struct engine *e, const struct schema *s, const char *path,
                             uint64_t range, struct index_cuts *out, struct error *err);

#endif

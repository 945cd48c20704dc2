/*
 * Consolidated files: the newest row of every key of one partition, sorted; and the same rows for
 * `cauce read`.
 */
#ifndef CAUCE_ENGINE_PROJECTION_FILE_H
#define CAUCE_ENGINE_PROJECTION_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/relation.h"
#include "util/schema.h"

/*
 * A partition to write. `own` are its event files, `all` the files of the dataset that revise:
 * where a revised row may have left its partition (the partition column is not part of the key) a
 * newer row elsewhere hides the one here.
 */
struct projection_job {
    const struct relation_file *own;
    size_t own_count;
    const struct relation_file *all;
    size_t all_count;
    const char *path;
};

/* Write partitions, several at a time. `sort` lists positions of columns; the key comes after. */
MUST_USE int projection_file_write(struct engine *e, const struct schema *s,
                                   const struct projection_job *jobs, size_t count,
                                   const size_t *sort, size_t sort_count, struct error *err);

/*
 * Partitions whose consolidated rows a set of new event files changes: those of the files
 * themselves, and those in `older` files that lose rows to them.
 */
MUST_USE int projection_file_losers(struct engine *e, const struct schema *s,
                                    const struct relation_file *newer, size_t newer_count,
                                    const struct relation_file *older, size_t older_count,
                                    int32_t **out, size_t *count, struct error *err);

/*
 * Do two local consolidated files hold the same rows? Compares every column, whatever the order of
 * rows.
 */
MUST_USE int projection_file_equal(struct engine *e, const struct schema *s, const char *a,
                                   const char *b, bool *equal, struct error *err);

/* Have two local Parquet files the same columns: names, types and field ids? */
MUST_USE int projection_file_same_columns(struct engine *e, const char *a, const char *b,
                                          bool *same, struct error *err);

#endif

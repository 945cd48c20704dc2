/*
 * Event files: the rows that one version adds to one partition, as one Parquet file.
 *
 * Exactly one file per partition and run, whatever the order of the source: DuckDB's partitioned
 * COPY keeps at most 100 files open and leaves thousands of fragments on unordered input, so each
 * partition is copied from the sorted delta by its own statement.
 */
#ifndef CAUCE_ENGINE_EVENT_FILE_H
#define CAUCE_ENGINE_EVENT_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "util/schema.h"

/* One file to write. */
struct event_job {
    int32_t partition;
    const char *path;
};

/*
 * Write the rows of partitions of `delta`, sorted by key, with `_version` = sequence and
 * `_ingested_at` (microseconds since 1970 UTC), each to a new local file; several at a time.
 */
MUST_USE int event_file_write(struct engine *e, const struct schema *s,
                              const struct event_job *jobs, size_t count, uint64_t sequence,
                              int64_t ingested_at, struct error *err);

#endif

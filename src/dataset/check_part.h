/*
 * What is shared in verifying one dataset by the content of its files: pipeline/check.c for what is
 * published, and the `check` of each derived thing.
 */
#ifndef CAUCE_DATASET_CHECK_PART_H
#define CAUCE_DATASET_CHECK_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/verify.h"
#include "dataset/dataset.h"
#include "dataset/local_events.h"
#include "engine/inspect.h"

struct check {
    struct dataset *d;
    const struct base *base;
    const struct schema *schema;
    struct local_events
        events; /* of all versions; a path is NULL where the file is not as stated */
    bool whole; /* no path is NULL */
    struct verify_report *report;
};

/*
 * A local file with the content of an object. Where it is missing or not as stated `*path` is NULL
 * with ERR_OK, and a finding says so (once per object). `*path` is the caller's to free.
 */
MUST_USE int check_fetch(struct check *c, enum finding_level level, const struct wanted *wanted,
                         const char *advice, char **path, struct error *err);

/*
 * As inspect_files, but NULL among the paths is skipped; a file that cannot be read as Parquet of
 * this dataset is a finding for `keys[i]`, and gets `readable[i]` = false. `out` has one entry per
 * path and is the caller's to release whatever is returned.
 */
struct check_files {
    const char *const *paths;
    const char *const *keys;
    size_t count;
};
MUST_USE int check_inspect(struct check *c, enum finding_level level,
                           const struct check_files *files, const char *advice,
                           struct inspection *out, bool *readable, struct error *err);

/* ERR_INTERRUPTED where a stop was requested, with the message of a verification. */
MUST_USE int check_stopped(struct error *err);

#endif

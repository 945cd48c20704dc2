/*
 * The scratch folder of one process: downloads, files on their way to the store, DuckDB's spill.
 *
 * It is held by a lock on the folder that the kernel frees when the process dies; whoever makes one
 * removes those whose lock is free. So a killed run leaves nothing behind for long.
 */
#ifndef CAUCE_DATASET_WORKDIR_H
#define CAUCE_DATASET_WORKDIR_H

#include "util/error.h"
#include "util/fs.h"

struct workdir {
    char *path; /* NULL: none */
    struct fs_lock lock;
    unsigned long long next; /* number of the next file */
};
#define WORKDIR_NONE ((struct workdir){.lock = {-1, -1}})

/* Make `<parent>/cauce-<id>` and remove abandoned ones beside it. */
MUST_USE int workdir_create(const char *parent, struct workdir *out, struct error *err);

/* Remove the folders below `parent` whose processes have died, as far as that can be done. */
void workdir_sweep(const char *parent);

/* Remove it. Safe on WORKDIR_NONE and twice. */
void workdir_remove(struct workdir *w);

#endif

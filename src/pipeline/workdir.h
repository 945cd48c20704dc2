/*
 * The scratch folder of one process: downloads, files on their way to the store, DuckDB's spill.
 *
 * It is held by a lock that the kernel frees when the process dies; whoever makes a new one removes
 * those whose lock is free. So a killed run leaves nothing behind for long.
 */
#ifndef CAUCE_PIPELINE_WORKDIR_H
#define CAUCE_PIPELINE_WORKDIR_H

#include "util/error.h"

struct workdir {
    char *path; /* NULL: none */
    int lock;
    unsigned long long next; /* number of the next file */
};

/* Make `<parent>/cauce-<id>` and remove abandoned ones beside it. */
int workdir_create(const char *parent, struct workdir *out, struct error *err);

/* Remove it. Safe on a zeroed struct and twice. */
void workdir_remove(struct workdir *w);

#endif

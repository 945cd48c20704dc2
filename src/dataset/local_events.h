/*
 * Event files of a span of versions as local files, checked against their manifests.
 */
#ifndef CAUCE_DATASET_LOCAL_EVENTS_H
#define CAUCE_DATASET_LOCAL_EVENTS_H

#include "dataset/dataset.h"
#include "engine/relation.h"

struct local_events {
    struct manifest_files files;
    char **paths;                   /* one per file */
    struct relation_file *relation; /* the same for the engine */
};
void local_events_release(struct local_events *l);

/* All files of the versions after `after` up to `upto`. ERR_DAMAGED, ERR_ABSENT as dataset_fetch. */
MUST_USE int local_events_fetch(struct dataset *d, const struct base *base, uint64_t after,
                                uint64_t upto, struct local_events *out, struct error *err);

#endif

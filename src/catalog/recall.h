/*
 * What this machine remembers of the pointers it has seen: one small JSON file per dataset and
 * place, in a folder of this user. A witness like any other (catalog/witness.h), and the only one
 * where everything in the store went back together. Best effort: what cannot be read says nothing,
 * and what cannot be kept is logged. Thread-safe; of processes that write at once one wins, which
 * may be the one that knew less.
 */
#ifndef CAUCE_CATALOG_RECALL_H
#define CAUCE_CATALOG_RECALL_H

#include "catalog/witness.h"

/*
 * The newest state of the dataset at `place` (URL, and what distinguishes servers) that was seen
 * here. A dataset is known by its id and key seed, so one that was created again is another one.
 * `folder` NULL: nothing is remembered, and `out` says nothing.
 */
void recall_load(const char *folder, const char *place, const struct pointer *p,
                 struct witness *out);

/* Remember this state where it is later than what is known. */
void recall_save(const char *folder, const char *place, const struct pointer *p);

#endif

/*
 * Where a new dataset may be created: not in a folder of another one, whose gc, backups and removal
 * would affect it there.
 */
#ifndef CAUCE_PIPELINE_PLACE_H
#define CAUCE_PIPELINE_PLACE_H

#include "dataset/dataset.h"

/*
 * ERR_GATE: there is a dataset in a folder (or prefix) above that of `d`. Folders that may not be
 * read are skipped.
 */
MUST_USE int place_check(struct dataset *d, struct error *err);

#endif

/*
 * Repair of a dataset: the pointer (catalog/repair.h), and then what else readers see, such as the
 * projections, which must not continue to show what was given up.
 */
#ifndef CAUCE_PIPELINE_REPAIR_H
#define CAUCE_PIPELINE_REPAIR_H

#include "catalog/repair.h"
#include "dataset/dataset.h"

/* As repair_look, with what this machine remembers. Release `out` whatever is returned. */
MUST_USE int repair_look_dataset(struct dataset *d, struct repair_view *out, struct error *err);

/*
 * As repair_set. Then the repair is recorded, and what readers see besides is brought to the version
 * that was set; where that fails there is a warning, and every later run does it.
 */
MUST_USE int repair_dataset(struct dataset *d, const struct repair_options *options,
                            struct pointer *out, struct error *err);

#endif

/* gc with a record: what was found and removed is recorded among the runs, for the metrics. */
#ifndef CAUCE_PIPELINE_COLLECT_H
#define CAUCE_PIPELINE_COLLECT_H

#include "catalog/gc.h"
#include "dataset/dataset.h"

/* As gc_collect; with `apply` a record of kind "gc" is written, whose failure is only a warning. */
MUST_USE int collect_dataset(struct dataset *d, bool apply, struct gc_report *out,
                             struct error *err);

#endif

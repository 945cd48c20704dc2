/*
 * The records of a dataset: `runs/<time>-<run id>.json`, one immutable object each. What one says:
 * pipeline/record.h.
 */
#ifndef CAUCE_PIPELINE_RECORDS_H
#define CAUCE_PIPELINE_RECORDS_H

#include "dataset/dataset.h"
#include "pipeline/record.h"

/* Put one into the store, under its time and id. No outcome depends on whether that succeeds. */
MUST_USE int records_write_run(struct dataset *d, const struct run_report *r, struct error *err);
MUST_USE int records_write_upkeep(struct dataset *d, enum record_kind kind,
                                  const struct record_upkeep *u, struct error *err);

/*
 * Visit all records, oldest or newest first, until `*stop` is set. One that cannot be read is left
 * out with a warning. What the visitor takes out of a record it owns; the rest is released. A
 * non-zero return of `visit` ends it and is returned.
 */
typedef int records_visit(void *ctx, struct record *record, bool *stop, struct error *err);
MUST_USE int records_each(struct dataset *d, records_visit *visit, void *ctx, struct error *err);
MUST_USE int records_back(struct dataset *d, records_visit *visit, void *ctx, struct error *err);

#endif

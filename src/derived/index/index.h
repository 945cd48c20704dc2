/* The key index as a derived thing: its row of the table, and what runs ask of it. */
#ifndef CAUCE_DERIVED_INDEX_INDEX_H
#define CAUCE_DERIVED_INDEX_INDEX_H

#include "derived/derived.h"
#include "derived/index/keeper.h"
#include "derived/index/state.h"

extern const struct derived index_derived;

/* The version that it reflects is the newest it speaks of. */
void index_witness(const struct index_state *s, struct witness *out);

/* The source last absorbed, as the index knows that was opened; NULL: it knows of none. */
const struct manifest_source *index_last_source(const struct derived_run *run);

/*
 * Make the relation `index_keys` hold what is published of the rows of a table; `run` is open. A damaged
 * index is healed first; a dry run takes the keys from the chain then, and writes nothing. ERR_CONFLICT as
 * `open`.
 */
MUST_USE int index_attach(struct derived_run *run, const struct schema *s, const char *table,
                          struct error *err);

/* After a query over `index_keys` has failed with `rc`: as index_keeper_excuse. */
MUST_USE int index_excuse(struct derived_run *run, int rc, struct error *err);

/* What a run recorded of it; all zero where it did not come so far. */
const struct index_report *index_report_of(const struct derived_reports *r);

#endif

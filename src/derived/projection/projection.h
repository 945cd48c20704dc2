/* The projections as a derived thing: their row of the table. */
#ifndef CAUCE_DERIVED_PROJECTION_PROJECTION_H
#define CAUCE_DERIVED_PROJECTION_PROJECTION_H

#include "derived/derived.h"
#include "derived/projection/consolidate.h"
#include "derived/projection/state.h"

extern const struct derived projection_derived;

/* They speak of the version that they will reflect, as soon as a consolidation is under way. */
void projection_witness(const struct projection_state *s, struct witness *out);

/* What a run recorded of them; all zero where it did not come so far. */
const struct consolidation_report *projection_report_of(const struct derived_reports *r);

#endif

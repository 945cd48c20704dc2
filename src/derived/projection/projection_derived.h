/* The projections as a derived thing: their row of the table. */
#ifndef CAUCE_DERIVED_PROJECTION_PROJECTION_DERIVED_H
#define CAUCE_DERIVED_PROJECTION_PROJECTION_DERIVED_H

#include "catalog/projection.h"
#include "derived/derived.h"

extern const struct derived projection_derived;

/* They speak of the version that they will reflect, as soon as a consolidation is under way. */
void projection_witness(const struct projection_state *s, struct witness *out);

#endif

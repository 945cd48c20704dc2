/* Verification of the projections. Whatever is wrong with them heals by itself. */
#ifndef CAUCE_DERIVED_PROJECTION_PROJECTION_VERIFY_H
#define CAUCE_DERIVED_PROJECTION_PROJECTION_VERIFY_H

#include "catalog/projection.h"
#include "catalog/verify_part.h"

#define PROJECTION_REMEDY "`cauce consolidate` builds it anew."

/* Their state, how they stand to the chain, and their files, as the `verify` of a root. */
MUST_USE int projection_verify(struct verifier *v, const struct projection_state *s,
                               struct error *err);

#endif

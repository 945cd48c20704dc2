/* Verification of the projections. Whatever is wrong with them heals by itself. */
#ifndef CAUCE_DERIVED_PROJECTION_VERIFY_H
#define CAUCE_DERIVED_PROJECTION_VERIFY_H

#include "catalog/verify_part.h"
#include "dataset/check_part.h"
#include "derived/projection/state.h"

#define PROJECTION_REMEDY "`cauce consolidate` rebuilds it."

/* Their state, how they stand to the chain, and their files, as the `verify` of a root. */
MUST_USE int projection_verify(struct verifier *v, const struct projection_state *s,
                               struct error *err);

/*
 * The files equal what the events give, as the `check` of a derived thing. Where an event file is not as
 * stated nothing is compared.
 */
MUST_USE int projection_check(struct check *c, struct error *err);

#endif

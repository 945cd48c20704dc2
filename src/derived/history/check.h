/* What `verify` finds of the table `history`. */
#ifndef CAUCE_DERIVED_HISTORY_CHECK_H
#define CAUCE_DERIVED_HISTORY_CHECK_H

#include "catalog/verify_part.h"
#include "dataset/check_part.h"
#include "derived/history/log.h"

/*
 * Are its entries those of the versions of the chain, from the first one without a gap? `listed`: the
 * log as it was listed; `newest`: what its last entry says (NULL: it is not one of cauce's).
 */
void history_verify(struct verifier *v, const struct inventory *listed,
                    const struct history_head *newest);

/* Is every entry what the chain says, byte by byte? An error only where the store fails. */
MUST_USE int history_check(struct check *c, struct error *err);

#endif

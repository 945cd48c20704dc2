/* Verification of the key index. Whatever is wrong with it heals by itself. */
#ifndef CAUCE_DERIVED_INDEX_VERIFY_H
#define CAUCE_DERIVED_INDEX_VERIFY_H

#include "catalog/verify_part.h"
#include "dataset/check_part.h"
#include "derived/index/state.h"

#define INDEX_REMEDY "The next run rebuilds the index; `cauce rebuild-index` does it now."

/* Its stamp, how it stands to the chain, and its shards, as the `verify` of a root. */
MUST_USE int index_verify(struct verifier *v, const struct index_state *s, struct error *err);

/* The shards hold what the state says, and it is what is published, as the `check` of a derived thing. */
MUST_USE int index_check(struct check *c, struct error *err);

#endif

/* Verification of the key index. Whatever is wrong with it heals by itself. */
#ifndef CAUCE_DERIVED_INDEX_INDEX_VERIFY_H
#define CAUCE_DERIVED_INDEX_INDEX_VERIFY_H

#include "catalog/index.h"
#include "catalog/verify_part.h"

#define INDEX_REMEDY "The next run rebuilds the index; `cauce rebuild-index` does it now."

/* Its stamp, how it stands to the chain, and its shards, as the `verify` of a root. */
MUST_USE int index_verify(struct verifier *v, const struct index_state *s, struct error *err);

#endif

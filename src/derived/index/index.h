/* The key index as a derived thing: its row of the table. */
#ifndef CAUCE_DERIVED_INDEX_INDEX_H
#define CAUCE_DERIVED_INDEX_INDEX_H

#include "derived/derived.h"
#include "derived/index/state.h"

extern const struct derived index_derived;

/* The version that it reflects is the newest it speaks of. */
void index_witness(const struct index_state *s, struct witness *out);

#endif

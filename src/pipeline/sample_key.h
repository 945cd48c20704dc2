/* Which columns of `source_rows` identify a row. Private to the sample. */
#ifndef CAUCE_PIPELINE_SAMPLE_KEY_H
#define CAUCE_PIPELINE_SAMPLE_KEY_H

#include <stddef.h>

#include "engine/engine.h"
#include "util/schema.h"

#define SAMPLE_KEY_MAX 3

/*
 * The smallest set of at most SAMPLE_KEY_MAX columns, among the first ones that can be part of a
 * key, that is unique over all rows and never NULL. `columns` gets their positions, in their order;
 * `*count` is 0 where there is none. Floating-point and binary columns are never taken. Looks at a
 * bounded number of sets.
 */
MUST_USE int sample_key_find(struct engine *e, const struct schema *s,
                             size_t columns[SAMPLE_KEY_MAX], size_t *count, struct error *err);

#endif

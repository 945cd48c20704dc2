/* Which partitions occur in a query. */
#ifndef CAUCE_ENGINE_PARTITIONS_H
#define CAUCE_ENGINE_PARTITIONS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "util/str.h"

/*
 * The different values of the query's column `part` (an integer), ascending; `*out` is the caller's
 * to free, NULL where there are none or it fails.
 */
MUST_USE int partitions_query(struct engine *e, const struct str *select, int32_t **out,
                              size_t *count, struct error *err);

#endif

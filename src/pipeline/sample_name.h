/* Names for columns whose names in the source a dataset cannot have. Pure functions. */
#ifndef CAUCE_PIPELINE_SAMPLE_NAME_H
#define CAUCE_PIPELINE_SAMPLE_NAME_H

#include <stddef.h>

#include "util/schema.h"

/*
 * The name of the source where it will do; else one that does, and that none of the first `count`
 * columns has, upper and lower case being the same. A new string.
 */
MUST_USE char *sample_name_of(const char *source, const struct schema *s, size_t count);

#endif

/*
 * Values that are typed already (of a Parquet file, of the result of a transform) as values of a
 * column: exactly, or not at all. Pure functions.
 */
#ifndef CAUCE_SOURCE_TYPED_H
#define CAUCE_SOURCE_TYPED_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/result.h"
#include "source/reader.h"
#include "value/cast.h"
#include "value/column.h"

/*
 * The same for column `place->index` of a batch, whose row becomes a fault (false) where the value
 * does not fit, or is NULL and must not be.
 */
bool typed_put_or_fault(const struct result_column *from, const struct column *values, size_t i,
                        const struct reader_column *wanted, const struct reader_fault *place,
                        struct reader_batch *out);

/* Bytes for a message, the first ones where they are many. A new string. */
MUST_USE char *typed_hex(const char *bytes, size_t count);

#endif

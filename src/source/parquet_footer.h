/*
 * A copy of a Parquet file in which some columns are declared only as what they are stored as:
 * INT64 as whole numbers, byte arrays (and INT96, which has the same layout as a byte array of 12)
 * as bytes. Data pages stay as they are; the footer is rewritten.
 *
 * libduckdb 1.4 silently changes values of a few declared types; from the copy it gives the stored
 * ones, and source/parquet.c knows what they mean.
 *
 * Format: https://github.com/apache/parquet-format, its footer in the compact protocol of Thrift
 * (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
 */
#ifndef CAUCE_SOURCE_PARQUET_FOOTER_H
#define CAUCE_SOURCE_PARQUET_FOOTER_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/*
 * Write the copy of `path` to `target`. `bare[i]` says whether entry i of the schema (in the order of
 * parquet_schema, the root first) is to lose its declaration. ERR_SOURCE: the footer is not one.
 */
MUST_USE int parquet_footer_copy(const char *path, const char *target, const bool *bare,
                                 size_t count, struct error *err);

/* Only the footer: `in` becomes `out`, a new buffer. False where it is damaged. */
struct str;
bool parquet_footer_rewrite(const unsigned char *in, size_t length, const bool *bare, size_t count,
                            struct str *out);

#endif

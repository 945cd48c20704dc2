/*
 * A Parquet file (https://parquet.apache.org/docs/file-format/), read by libduckdb.
 *
 * Every file has its own schema, and its values are taken as they are declared, exactly.
 * Declarations that libduckdb would not keep (source/parquet_schema.h) are removed in a scratch
 * copy of the file, and what is stored is interpreted here.
 */
#ifndef CAUCE_SOURCE_PARQUET_H
#define CAUCE_SOURCE_PARQUET_H

#include <stdbool.h>

#include "engine/engine.h"
#include "engine/result.h"
#include "source/reader.h"

/* The engine must be allowed to read the file, and `workdir`, which is for scratch files. */
MUST_USE int parquet_open(struct engine *e, const char *workdir, const struct reader_file *file,
                          const struct read_options *options, struct reader **out,
                          struct error *err);

/* Columns of such a reader as they are declared, borrowed. */
const struct result_column *parquet_columns(const struct reader *r, size_t *count);

/* Is column `i` declared to hold nothing but NULL? That says nothing about its type. */
bool parquet_is_empty(const struct reader *r, size_t i);

#endif

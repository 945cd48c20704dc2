/*
 * SQL over the columns of a dataset, which are called c0, c1, ... by position in all our tables, so
 * that no name of the user can clash with one of ours. Pure functions that append text.
 *
 * `alias` is the name of a table in the statement ("" for none).
 */
#ifndef CAUCE_ENGINE_RELATION_H
#define CAUCE_ENGINE_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/hash.h"
#include "util/schema.h"
#include "util/str.h"

/* "a.c0, a.c3": all columns, or the columns of the key in its order. */
void relation_columns(const struct schema *s, const char *alias, struct str *out);
void relation_keys(const struct schema *s, const char *alias, struct str *out);

/* Equality of two keys, NULL equal to NULL. */
void relation_keys_equal(const struct schema *s, const char *a, const char *b, struct str *out);

/* The 64-bit hash of what is neither key nor constant. */
void relation_row_hash(const struct schema *s, const char *alias, struct str *out);

/*
 * Three text columns: the number of rows and the upper and lower 64 bits of the sum of their key
 * hashes. `filter` is "" or a FILTER clause. read_digest parses them.
 */
void relation_digest(const struct schema *s, const char *filter, struct str *out);
void relation_read_digest(const char *const values[3], struct key_digest *out);

/* The partition of a row, an INTEGER as in enum partition_by; 0 where the dataset is not cut. */
void relation_partition(const struct schema *s, const char *alias, struct str *out);

/* A local event file and whether it holds rows that revise earlier ones. */
struct relation_file {
    const char *path;
    bool revises;
};

/* Which columns of one of our Parquet files to read. */
enum relation_part {
    RELATION_KEYS,     /* the key columns: in every file */
    RELATION_KEYS_ROW, /* and row_hash: in index shards */
    RELATION_EVENT,    /* all columns, _version and _ingested_at: in events and projections */
};

/*
 * A table function over Parquet files by field id: c0, c1, ... and `filename`. A column that a file
 * does not have (yet) is NULL. At least one file.
 */
void relation_files(const struct schema *s, enum relation_part part, const char *const *paths,
                    size_t count, struct str *out);

/*
 * A SELECT of the newest row of every key among the event files (columns as above, without
 * `filename`). Only files that revise can hide rows, so only their keys are read. No files: no
 * rows.
 */
void relation_newest(const struct schema *s, const struct relation_file *files, size_t count,
                     struct str *out);

/* c0 AS "name", ...; all columns under the user's names. */
void relation_named(const struct schema *s, const char *alias, struct str *out);

/* The key columns and "_row_hash" (c<n>, row_hash) under the names of an index shard. */
#define COLUMN_ROW_HASH "_row_hash"
#define COLUMN_ROW_HASH_ID 1000003

/* Options of COPY for such a file: format, compression, field ids. */
void relation_copy_options(const struct schema *s, enum relation_part part, struct str *out);

#endif

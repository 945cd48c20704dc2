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
 * Rows of many columns are kept outside of tables (engine/packed.h), and `packed` is where. So what a
 * table of ours keeps of a row is all columns, or those of the key and `packed`.
 */
bool relation_is_packed(const struct schema *s);
void relation_kept(const struct schema *s, const char *alias, struct str *out);

/*
 * What to select of events of the table `e` that are to be sorted, also by these columns: all columns,
 * _version and _ingested_at, or `packed` for them and what the order depends on.
 */
void relation_event(const struct schema *s, const size_t *sort, size_t sort_count, struct str *out);

/* What of such rows, or of those that a table keeps, is wanted to have all columns again: "*" or "packed". */
const char *relation_whole(const struct schema *s);

/* A table of all columns (`events`: also _version and _ingested_at) as the rows of such a SELECT come. */
void relation_rows(const struct schema *s, bool events, const char *select, struct str *out);

/*
 * A SELECT of the newest row of every key among the event files: of the columns of the table `e` that
 * are named by `what`, or computed from them. That is done as the rows are read, before they meet
 * others. Only files that revise can hide rows, so only their keys are read. No files: no rows.
 */
void relation_newest(const struct schema *s, const char *what, const struct relation_file *files,
                     size_t count, struct str *out);

/* c0 AS "name", ...; all columns as a file has them: under the user's names, see `for_tables`. */
void relation_named(const struct schema *s, const char *alias, struct str *out);

/* The key columns and "_row_hash" (c<n>, row_hash) under the names of an index shard. */
#define COLUMN_ROW_HASH "_row_hash"
#define COLUMN_ROW_HASH_ID 1000003

/* ", ROW_GROUP_SIZE n": an option of COPY where a schema has many columns, else nothing. */
void relation_row_groups(const struct schema *s, struct str *out);

/* Options of COPY for such a file: format, compression, field ids. */
void relation_copy_options(const struct schema *s, enum relation_part part, struct str *out);

#endif

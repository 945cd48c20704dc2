/*
 * The shape of a dataset: its columns, its key and how it is cut. Catalog and engine both speak of
 * it, so it lives below them. Values only; no I/O.
 */
#ifndef CAUCE_UTIL_SCHEMA_H
#define CAUCE_UTIL_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/name_index.h"
#include "util/type.h"

/* The columns that cauce adds to every event, and the ids they carry in Parquet. */
#define COLUMN_VERSION "_version"
#define COLUMN_INGESTED_AT "_ingested_at"
#define COLUMN_VERSION_ID 1000001
#define COLUMN_INGESTED_AT_ID 1000002

/*
 * How a dataset is cut. The value of a partition is one integer: yyyymmdd, with 0 for parts not
 * used.
 */
enum partition_by { PARTITION_NONE, PARTITION_YEAR, PARTITION_MONTH, PARTITION_DAY };
const char *partition_by_name(enum partition_by by); /* "none", "year", "month", "day" */
MUST_USE int partition_by_parse(const char *text, enum partition_by *out, struct error *err);

/* One column; its id is its Parquet field id, which never changes and is never used for another. */
struct schema_column {
    char *name;
    char *format; /* strptime format frozen by inference, NULL: none */
    uint32_t id;  /* from 1 */
    struct type type;
    bool nullable;
    bool constant; /* filled from `constants`, not part of the row hash */
};

/* The columns of a source as a transform sees them, with the types that were found first. */
struct schema_source_column {
    char *name;
    char *format; /* as in struct schema_column */
    struct type type;
};
struct schema_source {
    struct schema_source_column *columns;
    size_t count, capacity;
};

/* Most of them: those of all files of a source together. */
#define SCHEMA_SOURCE_MAX 65536

/* Append a column; the texts are copied. */
void schema_source_add(struct schema_source *s, const char *name, struct type type,
                       const char *format);
/* A lookup of its columns by name; to be released, and made anew once columns are added. */
void schema_source_names(const struct schema_source *s, struct name_index *out);
void schema_source_copy(const struct schema_source *from, struct schema_source *to);
/* Do both begin with the same columns, as many as `count`? */
bool schema_source_same(const struct schema_source *a, const struct schema_source *b, size_t count);
void schema_source_release(struct schema_source *s); /* safe on a zeroed struct */

/* What is frozen with the first version and may only grow by nullable columns. */
struct schema {
    struct schema_column *columns;
    size_t count;
    size_t *key; /* positions in columns, in the order of the configuration */
    size_t key_count;
    size_t partition_column; /* position, unused with PARTITION_NONE */
    enum partition_by partition_by;
    bool track_revisions; /* revisions: publish */
    /*
     * Do event files lie where a table can name them, with what every reader of tables knows: time
     * and uuid as text? So it is in all datasets but those that began before there were tables.
     */
    bool for_tables;
    struct schema_source source; /* empty without a transform, and where columns are configured */
};

void schema_release(struct schema *s); /* safe on a zeroed struct, which it leaves behind */
void schema_copy(const struct schema *from, struct schema *to);

/* Position of the column of that name, or SIZE_MAX. */
size_t schema_find(const struct schema *s, const char *name);

/* The same for whoever asks for many; to be released, and made anew once columns are added. */
void schema_names(const struct schema *s, struct name_index *out);

/* Have both the same columns (names and types) in the same order? */
bool schema_same_columns(const struct schema *a, const struct schema *b);

/* Is the column at that position part of the key? */
bool schema_in_key(const struct schema *s, size_t position);

/* Is the partition column part of the key? Then a key never leaves its partition. */
bool schema_partition_in_key(const struct schema *s);

#endif

/*
 * A source as one typed table.
 *
 * The files are read by the readers of their format into the columns of the schema, strictly
 * (value/cast.h). Where there is a transform, they become the relation `source` instead, and its result
 * is cast into the schema. What comes out is the table `source_rows` of the engine: one row per row
 * that fits, with the columns c0, c1, ... of the schema by position. Without a transform `rowid` is
 * the order of the source.
 *
 * What does not fit is a bad row, with file, line, column and value. Nothing is dropped silently.
 */
#ifndef CAUCE_SOURCE_SOURCE_H
#define CAUCE_SOURCE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>

#include "engine/engine.h"
#include "source/format.h"
#include "source/report.h"
#include "source/unpivot.h"
#include "util/schema.h"

/* What the configuration says about a column. */
struct source_column {
    const char *name;
    struct type type;
    struct reader_texts from;    /* names that it has had; none: its own */
    struct reader_texts formats; /* none: those of the source */
    struct reader_texts nulls;   /* where `nulls_set`, in place of those of the source */
    bool nulls_set;
    bool optional;      /* a file may lack it */
    bool trim, percent; /* where they are set, in place of those of the source */
    bool trim_set, percent_set;
    const char *time_zone;
};

/* A column with one value. */
struct source_constant {
    const char *name;
    const char *value;
};

/* How to read a source. Everything is borrowed and must outlive it. */
struct source_options {
    enum file_format format;
    const struct reader_file *files;
    size_t file_count;
    const char *workdir; /* for scratch files */
    struct read_options read;
    struct reader_texts nulls; /* texts that mean NULL */
    struct reader_texts date_formats;
    struct reader_texts timestamp_formats;
    char decimal;
    char thousands; /* 0: none */
    bool trim;
    bool percent;
    int pivot;                           /* first of the hundred years that %y stands for */
    const char *time_zone;               /* of timestamps without an offset; NULL: UTC */
    const char *file_column;             /* a column with the name of the file; NULL: none */
    const struct unpivot *unpivot;       /* columns that are to become rows; NULL: none */
    const struct source_column *columns; /* that are configured; none: found */
    size_t column_count;
    const struct source_constant *constants;
    size_t constant_count;
    const char *transform;              /* one SELECT over `source`; NULL: none */
    const struct schema_source *frozen; /* types that a transform sees whatever is found; NULL */
    bool digest;                        /* hash the files as they are loaded */
};

struct source;

/*
 * Look at a source. ERR_CONFIG: the transform is not a SELECT, or cannot be bound. ERR_SOURCE: a
 * file cannot be read as what it should be.
 */
MUST_USE int source_open(struct engine *e, const struct source_options *options,
                         struct source **out, struct error *err);
void source_free(struct source *s); /* NULL allowed */

/*
 * Propose columns for a source that has none configured: names, types, formats, all of them nullable.
 * Looks at the whole source. `out` gets only columns (ids from 1).
 */
MUST_USE int source_infer(struct source *s, struct schema *out, struct error *err);

/*
 * What the transform sees where no columns are configured: the frozen columns, then those that were
 * found beside them when the source was opened. Else empty. Borrowed.
 */
const struct schema_source *source_seen(const struct source *s);

/* What would be found for it today, whatever is frozen. Looks at the whole source. */
MUST_USE int source_look(struct source *s, struct schema_source *out, struct error *err);

/*
 * Make `source_rows`. Bad rows are left out of it and counted; whether that is acceptable is the
 * caller's decision. ERR_GATE: a column of the schema is not in the source. ERR_SOURCE: the source
 * cannot be read.
 */
MUST_USE int source_load(struct source *s, const struct schema *schema,
                         struct source_report *report, struct error *err);

/*
 * The SHA-256 of a file as it was when it was loaded, the very bytes that the rows are made of; "" where
 * that is not known. Readers of CSV, fixed width, JSON, NDJSON and XLSX tell, but not for a transform.
 */
const char *source_digest(const struct source *s, size_t file);

#endif

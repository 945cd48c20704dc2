/*
 * A source as one typed table.
 *
 * Three stages: the files as they are (relation `source`, every column as the format has it, CSV
 * and JSON as text), the user's transform over it, and strict casts into the columns of the schema
 * (engine/cast.h). The result is the table `source_rows`, one row per row of the source
 * in its order (rowid), with the columns c0, c1, ... of the schema by position.
 *
 * What does not fit is a bad row, with file, line, column and value. Nothing is dropped silently.
 */
#ifndef CAUCE_ENGINE_SOURCE_H
#define CAUCE_ENGINE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/csv_text.h"
#include "engine/engine.h"
#include "util/schema.h"

enum source_format { SOURCE_CSV, SOURCE_JSON, SOURCE_NDJSON, SOURCE_PARQUET };

/* A list of borrowed texts. */
struct source_texts {
    const char *const *items;
    size_t count;
};

/* How to read it. Everything is borrowed and must outlive the source. */
struct source_options {
    enum source_format format;
    struct source_texts files; /* plain local files: see engine/plain.h */
    struct source_texts shown; /* the same files as the user knows them, for messages */
    struct csv_dialect csv;
    struct source_texts nulls; /* texts that mean NULL */
    struct source_texts date_formats;
    struct source_texts timestamp_formats;
    char decimal;
    char thousands;        /* 0: none */
    const char *transform; /* one SELECT over `source`; NULL: none */
};

/* Where the values of one column of the schema come from. */
struct source_column {
    struct source_texts from;    /* names it has had in the source; one of them must be there */
    struct source_texts formats; /* of its own; else those of the source */
    const char *constant;        /* the value of a constant column, else NULL */
};

/* One row that does not fit. */
struct source_reject {
    char *file;
    uint64_t row;  /* of the file (CSV) or of the transform's result, from 1 */
    uint64_t line; /* 0: not known */
    uint64_t column;
    char *name;  /* of the column, NULL: the row as a whole */
    char *value; /* at most 200 bytes; NULL: none */
    char *reason;
};

#define SOURCE_SAMPLES 20

/* What loading found. */
struct source_report {
    uint64_t rows;       /* in source_rows, without rejected and repeated ones */
    uint64_t rejected;   /* rows that did not fit */
    uint64_t duplicates; /* earlier rows of a key that came again */
    struct source_reject samples[SOURCE_SAMPLES];
    size_t sample_count;
    char **left_out; /* columns of the source that the schema does not use */
    size_t left_out_count;
};
void source_report_release(struct source_report *r);

/* Append the samples as lines "file:line:column: column "x": reason: value". */
void source_report_format(const struct source_report *r, struct str *out);

struct source;

/*
 * Make the relation `source` and the transform over it. ERR_SOURCE: a file cannot be read as what
 * it should be; ERR_CONFIG: the transform is no SELECT, or fails to bind.
 */
int source_open(struct engine *e, const struct source_options *options, struct source **out,
                struct error *err);
void source_free(struct source *s);

/*
 * Propose columns for a source that has none configured: names, types, formats, everything
 * nullable. Looks at the whole source. A number with leading zeros is a text: '007' is not 7.
 * `out` gets only columns (ids from 1). ERR_CONFIG where a column has a type we have none for.
 */
int source_infer(struct source *s, struct schema *out, struct error *err);

/*
 * Names of the columns as the source (after the transform) has them, borrowed.
 */
struct source_texts source_names(const struct source *s);

/*
 * Load `source_rows`. `columns` has one entry per column of the schema. Bad rows are left out of
 * the table and counted; whether that is acceptable is the caller's decision.
 * ERR_GATE: a column of the schema is not in the source. ERR_SOURCE: the source cannot be read.
 */
int source_load(struct source *s, const struct schema *schema, const struct source_column *columns,
                struct source_report *report, struct error *err);

/*
 * Keep the last row of every key and count the others; `samples` gets the first repeated ones
 * where `fail` is set, which leaves them in the table.
 */
int source_unique(struct source *s, const struct schema *schema, bool fail,
                  struct source_report *report, struct error *err);

#endif

/* What source.c and source_load.c share. Private to these two. */
#ifndef CAUCE_ENGINE_SOURCE_PRIVATE_H
#define CAUCE_ENGINE_SOURCE_PRIVATE_H

#include "engine/source.h"

/* One column of the relation that the casts read. */
struct source_name {
    char *name;
    char *type; /* DuckDB's name */
};

struct source {
    struct engine *engine;
    struct source_options options;
    const char *relation;      /* "source", or "transformed" */
    struct source_name *names; /* of the relation */
    char **name_list;          /* the same names, for source_names */
    size_t count, capacity;
    uint64_t *records; /* CSV: records per file, each returned by the reader or rejected */
};

/*
 * Append the table function that reads file `i` (SIZE_MAX: all of them) as it is; `auto_types`
 * lets DuckDB guess types, else every column is text.
 */
int source_reader(const struct source *s, size_t i, bool auto_types, struct str *out,
                  struct error *err);

/*
 * Find file, line and column of the samples from `first` on, whose `row` and `column` (position in
 * the schema) are set. `raw` names the source's column per position. Samples of
 * newline-delimited JSON get file and line, those of what has no lines (JSON, Parquet) the file where
 * there is one only; the result of a transform has rows and nothing else.
 */
int source_locate(const struct source *s, const char *const *raw, struct source_report *report,
                  size_t first, struct error *err);

/* Number of malformed records, and samples of them (CSV). */
int source_malformed(const struct source *s, uint64_t *rows, struct source_report *report,
                     struct error *err);

/*
 * Where reading a JSON source failed with ERR_SOURCE, say in which file, line and column the text is
 * no JSON; the error stays as it is where no such place is found. Returns `rc`.
 */
int source_explain_json(const struct source *s, int rc, struct error *err);

/* A new sample, or NULL where there are enough. */
struct source_reject *source_add_sample(struct source_report *r);

/* A copy for messages, cut at 200 bytes; NULL gives NULL. */
char *source_shorten(const char *text);

#endif

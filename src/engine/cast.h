/*
 * Strict casts: SQL that turns a value of a source into a column's type, or into NULL where it is
 * not exactly such a value.
 *
 * DuckDB's own casts are kinder than a dataset can bear: '1.5' becomes the integer 2, '1_000' and
 * '0x1F' are numbers, '1.005' fits decimal(5,2), 'epoch' is a date. Here nothing is rounded, cut or
 * guessed; what does not fit is a bad row with its line.
 */
#ifndef CAUCE_ENGINE_CAST_H
#define CAUCE_ENGINE_CAST_H

#include <stddef.h>

#include "util/str.h"
#include "util/type.h"

/* How texts of the source are read. */
struct cast_rules {
    const char *const *formats; /* strptime formats of dates and timestamps; none: ISO 8601 */
    size_t format_count;
    char decimal;   /* '.' or ',' */
    char thousands; /* 0: none */
};

/*
 * Append an expression of type `to` over the SQL expression `raw`, which has DuckDB's type
 * `raw_type` ("VARCHAR" gets the rules for texts). NULL gives NULL.
 */
void cast_expression(struct str *out, const char *raw, const char *raw_type, struct type to,
                     const struct cast_rules *rules);

/* Our type for a DuckDB type name; kind TYPE_NONE where it has none (nested types, intervals). */
struct type cast_type_of(const char *duckdb_type);

/*
 * Append an expression that shows a value of our type as text, losing nothing: timestamps as
 * RFC 3339 with six digits, binary as hex, the rest as DuckDB prints it.
 */
void cast_to_text(struct str *out, const char *expression, struct type type);

/* Append the inverse: a literal of the type from that text; NULL gives a typed NULL. */
void cast_literal(struct str *out, const char *text, struct type type);

#endif

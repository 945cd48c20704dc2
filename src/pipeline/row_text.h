/*
 * Rows as lines of text: CSV (RFC 4180, lines end in \n) and JSON Lines. Pure functions that append.
 *
 * Values arrive as literal_text (engine/literal.h) writes them; NULL is NULL.
 *
 * CSV: NULL is an empty field, an empty text is "". JSON: booleans, int, bigint and double are
 * written bare, decimal too, digit by digit as it is stored; a double that is not finite is null, as
 * JSON has no such number; all other types are strings (dates and times as in RFC 3339, binary as
 * hex).
 */
#ifndef CAUCE_PIPELINE_ROW_TEXT_H
#define CAUCE_PIPELINE_ROW_TEXT_H

#include <stddef.h>

#include "util/str.h"
#include "util/type.h"

/* One record of CSV, its newline included. */
void row_text_csv(const char *const *values, const size_t *lengths, size_t count, struct str *out);

/* One object of JSON Lines, its newline included. */
void row_text_json(const char *const *names, const struct type *types, const char *const *values,
                   const size_t *lengths, size_t count, struct str *out);

#endif

/* Our values in SQL: shown as text, and made from such a text again. Pure functions. */
#ifndef CAUCE_ENGINE_LITERAL_H
#define CAUCE_ENGINE_LITERAL_H

#include "util/str.h"
#include "util/type.h"

/*
 * Append an expression that shows a value of one of our types as text, losing nothing: timestamps
 * as RFC 3339 with six digits, binary as hex, the rest as DuckDB prints it.
 */
void literal_text(struct str *out, const char *expression, struct type type);

/* Append the inverse: a literal of the type from that text; NULL gives a typed NULL. */
void literal_of(struct str *out, const char *text, struct type type);

#endif

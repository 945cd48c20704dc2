/* Hexadecimal digits, and what is written with them. Pure functions; thread-safe. */
#ifndef CAUCE_UTIL_HEX_H
#define CAUCE_UTIL_HEX_H

#include <stdbool.h>
#include <stddef.h>

#include "util/compiler.h"

/* Value of a hex digit of either case; -1 where it is not one. */
int hex_value(char c);

/*
 * The bytes that 2 * count digits write, into `out`. Stops, and returns false, at the first character
 * that is not a digit, so that a NUL at the end is seen.
 */
bool hex_decode(const char *text, size_t count, unsigned char *out);

/*
 * Undo percent-encoding (RFC 3986, section 2.1), as a new string. NULL where a "%" is not followed by
 * two hex digits, or stands for a NUL.
 */
MUST_USE char *hex_percent_decode(const char *text);

#endif

/*
 * Text that others chose (names and values of a source, names of files, what a server says) made
 * fit to be shown: valid UTF-8 that cannot pass for a line of ours, move the cursor of a terminal,
 * or change the order in which the rest is read. What is not shown as it is becomes an escape:
 * `\n`, `\t`, `\x1b` (also a byte that is not UTF-8), `\u202e`, `\U000e0041`.
 *
 * Escaped are controls (C0, DEL, C1), the separators of lines and paragraphs, marks and overrides
 * of direction (UAX #9), and other characters without a shape of their own, save the two joiners,
 * which scripts need. Pure functions.
 */
#ifndef CAUCE_UTIL_VISIBLE_H
#define CAUCE_UTIL_VISIBLE_H

#include <stddef.h>
#include <stdint.h>

#include "util/str.h"

enum visible {
    VISIBLE_LINE = 0,  /* one line */
    VISIBLE_LINES = 1, /* newlines stay: the text is made of lines */
    VISIBLE_QUOTED =
        2, /* it will be put between double quotes: these and backslashes are escaped, too */
};

void visible_append(struct str *out, const char *text, size_t length, enum visible how);

/*
 * Bytes of the character at the head of a text (not the empty one) that is not shown as it is, and
 * its number; 0 where it is shown, or is not UTF-8. For notations with escapes of their own.
 */
size_t visible_hides(const char *text, uint32_t *code);

/* One line as a new string. */
MUST_USE char *visible_new(const char *text);

/* The same into a buffer, cut where it is full, never within a character or an escape. */
void visible_copy(char *out, size_t size, const char *text, enum visible how);

/* Append JSON with such characters, which occur in its texts only, replaced by JSON's escapes. */
void visible_json(struct str *out, const char *json, size_t length);

#endif

/* Well-formed UTF-8 (the Unicode standard, table 3-7; RFC 3629). Pure functions. */
#ifndef CAUCE_UTIL_UTF8_H
#define CAUCE_UTIL_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Bytes of what begins here, `left` (at least 1) being there: a character, where `*whole`; else the
 * longest beginning of one, or a byte that begins none: what one U+FFFD stands for.
 */
size_t utf8_step(const char *text, size_t left, bool *whole);

/* Bytes of the character that begins here; 0 where there is none. */
size_t utf8_character(const char *text, size_t left);

/* How many of the first bytes are whole, well-formed characters; `length` where all are. */
size_t utf8_prefix(const char *text, size_t length);

/* Is all of it well-formed? */
bool utf8_valid(const char *text, size_t length);

/* Characters in a well-formed text: bytes that do not continue one. */
size_t utf8_count(const char *text, size_t length);

/* The most bytes, up to `most`, that a text can be cut to without cutting a character in two. */
size_t utf8_cut(const char *text, size_t length, size_t most);

/* Write a character (not a surrogate, at most U+10FFFF); returns its bytes. */
size_t utf8_encode(uint32_t c, char out[4]);

#endif

/* Well-formed UTF-8 (the Unicode standard, table 3-7). Pure functions. */
#ifndef CAUCE_UTIL_UTF8_H
#define CAUCE_UTIL_UTF8_H

#include <stddef.h>

/* How many of the first bytes are whole, well-formed characters; `length` where all are. */
size_t utf8_prefix(const char *text, size_t length);

/* Characters in a well-formed text: bytes that continue none. */
size_t utf8_count(const char *text, size_t length);

#endif

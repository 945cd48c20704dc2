/*
 * Where in a text the bytes are that CSV gives a meaning: found sixteen or more at a time, so that
 * cutting records only looks at those. Pure functions.
 */
#ifndef CAUCE_SOURCE_CSV_INDEX_H
#define CAUCE_SOURCE_CSV_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes after the text that can be read, and places after the last mark that can be written. */
#define CSV_INDEX_MARGIN 64

/* The bytes that are looked for beside LF and CR; one that is not used repeats another. */
struct csv_index_bytes {
    char delimiter; /* its first byte */
    char quote;
    char escape;
};

/*
 * Write the offset of every such byte to `marks` (room for `length` + CSV_INDEX_MARGIN), ascending,
 * and after the last one `length`. Returns their number; `*ascii`: no byte is above 127.
 */
size_t csv_index(const char *text, size_t length, const struct csv_index_bytes *bytes,
                 uint32_t *marks, bool *ascii);

#endif

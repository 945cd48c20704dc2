/*
 * The text of a file in blocks of whole lines, so that blocks can be cut into records side by side.
 *
 * A line ends with LF, CR LF or CR, wherever it is: the reader of the format must find out whether
 * it is inside quotes. Not thread-safe (one owner at a time).
 */
#ifndef CAUCE_SOURCE_LINES_H
#define CAUCE_SOURCE_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/input.h"

/* Readable bytes after a block, all zero. */
#define LINES_MARGIN 64

struct lines;

/* Reuse it: its memory is kept. Release is safe on a zeroed struct. */
struct lines_block {
    char *bytes;
    size_t length;
    size_t capacity; /* at least 2 * length + 2 * LINES_MARGIN: room for texts made from it */
    bool last;       /* nothing follows */
    bool added;      /* its last line ending is not in the file */
    bool too_long;   /* lines_next failed because a line is longer than READ_RECORD_MAX */
};
void lines_block_release(struct lines_block *b);

/* `footer_lines` at the end of the file, blank ones not counted, are left out. */
MUST_USE struct lines *lines_new(struct input *input, size_t block_size, uint64_t footer_lines);
void lines_free(struct lines *l); /* NULL allowed; the input remains the caller's */

/*
 * The next block: about block_size bytes, more where a line (or what was given back) is longer; it
 * ends with a line ending, which is added where the file's last line has none. Errors of
 * input_read; ERR_LIMIT with `too_long`: the caller knows the line's number, and what that means.
 */
MUST_USE int lines_next(struct lines *l, struct lines_block *out, struct error *err);

/* Make sure that `bytes` bytes fit into the block, with the margins; what is in it stays. */
void lines_block_reserve(struct lines_block *b, size_t bytes);

/* Let the next block begin with these bytes, which were the last ones of the block before. */
void lines_unread(struct lines *l, const char *bytes, size_t length);

/* Line endings in a text; of CR LF, one. A CR at its end counts. */
uint64_t lines_count(const char *bytes, size_t length);

#endif

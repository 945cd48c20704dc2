/* The beginning of a CSV file: lines that are not data, and the names of the columns. */
#ifndef CAUCE_SOURCE_CSV_HEADER_H
#define CAUCE_SOURCE_CSV_HEADER_H

#include <stddef.h>
#include <stdint.h>

#include "source/csv_cut.h"
#include "source/lines.h"
#include "source/reader.h"

/* Release is safe on a zeroed struct, which it leaves behind. */
struct csv_header {
    char **names;
    size_t count;
    uint64_t lines;                    /* line endings before the data */
    uint64_t first_end[CSV_LINE_ENDS]; /* as in struct csv_cut */
};
void csv_header_release(struct csv_header *h);

/*
 * Read up to the data, which `lines` gives next. The names are those of the header (its lines
 * joined, without surrounding blanks, an empty one being column<N> and one that was there before
 * name.2), or column0, column1, ... as many as the first record has values.
 *
 * ERR_SOURCE: the file is empty, has nothing after the skipped lines, is obviously something else,
 * or the header is not text or badly quoted. ERR_LIMIT: too many columns, too long a name or
 * record.
 */
MUST_USE int csv_header_read(struct lines *lines, const struct reader_file *file,
                             const struct read_options *options, struct csv_header *out,
                             struct error *err);

/*
 * Join the lines of a header into names, also for readers whose headers are tables of texts.
 * `cells` has `rows` times `count` texts (NULL: none), which stay the caller's; the result is a
 * list of new strings, no two of them equal.
 */
char **csv_header_join(const char *const *cells, size_t rows, size_t count);

/* ERR_LIMIT with the message for a record that is longer than READ_RECORD_MAX. */
MUST_USE int csv_header_too_long(const struct reader_file *file, uint64_t line, struct error *err);

#endif

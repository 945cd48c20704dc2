/*
 * The little that must be known of a CSV file besides what DuckDB reads: the names in its header,
 * the places of rows for messages, and whether DuckDB would misread it without a word.
 *
 * Places agree with the rows of
 *   read_csv(path, auto_detect = false, columns = {...}, strict_mode = true, store_rejects = true,
 *            header = false, skip = <skip of csv_header>, delim, quote, escape, comment, nullstr)
 * under `preserve_insertion_order`, with any number of threads. Files are plain UTF-8 (engine/plain).
 * Memory does not grow with the file. Functions are thread-safe; a stop request ends them with
 * ERR_INTERRUPTED.
 */
#ifndef CAUCE_ENGINE_CSV_TEXT_H
#define CAUCE_ENGINE_CSV_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

#define CSV_COLUMNS_MAX 4096
#define CSV_HEADER_MAX ((uint64_t)1 << 20) /* bytes of a header record */
#define CSV_PLACE_VALUE_MAX 200            /* bytes of a value in a message */

/*
 * How a file is written; NUL: none. `skip_lines` counts as DuckDB's `skip` does: blank lines count,
 * lines that begin with a comment do not, a quoted value of several lines is one.
 */
struct csv_dialect {
    char delimiter[5]; /* one to four bytes and NUL */
    char quote;
    char escape;
    bool header;
    uint64_t skip_lines;
    char comment;
    /* The texts of NULL lack the empty one: then DuckDB takes a blank line of a file of one column
     * for no row. (An empty text that is listed twice makes it two rows: never do that.) */
    bool drop_blank;
};

struct csv_names {
    char **names;
    size_t count;
    /* For read_csv's `skip` with `header = false`. DuckDB's own `header = true` takes a blank line
     * before the header for the header, and the header for data. */
    uint64_t skip;
};

/* Safe on a zeroed struct, which it leaves behind. */
void csv_names_release(struct csv_names *names);

/*
 * Names of the columns: those of the header record (without quotes and surrounding blanks; an empty
 * one becomes column<N>, from 0), or column0, column1, ... as many as the first record has values.
 * `out` is set only on ERR_OK and the caller's to release.
 * ERR_SOURCE: empty, nothing behind the skipped lines, a name twice, not UTF-8 or badly quoted, or
 * line endings that would make DuckDB find no rows at all: it decides by the first one of the file
 * which kind ends a line, also where that one stands inside quotes.
 * ERR_LIMIT: more than CSV_COLUMNS_MAX columns, or a record longer than CSV_HEADER_MAX.
 */
int csv_header(const char *path, const struct csv_dialect *dialect, struct csv_names *out,
               struct error *err);

/*
 * Physical line of a byte offset, and its character in that line, both from 1; one behind the end is
 * on the last line. Line and column are set only on ERR_OK.
 */
int csv_place_at(const char *path, uint64_t offset, uint64_t *line, uint64_t *column,
                 struct error *err);

/*
 * SQL expression over `reject_errors`: an offset inside the rejected record. Its columns are no
 * offsets as they are (1.4.4). `byte_position` counts from 1 and points into the record, at its line
 * ending for a missing column. `line_byte_position` counts from 1 and means the record's first byte,
 * but the line feed before it where lines end in CR LF, the blank lines before it where there are
 * any, and the record before it where a record has two badly quoted values. A record that is longer
 * than max_line_size has only the latter.
 */
#define CSV_REJECT_OFFSET                                                   \
    "CASE error_type WHEN 'LINE SIZE OVER MAXIMUM' THEN line_byte_position" \
    " ELSE byte_position - 1 END"

/* Rows that DuckDB did not return: offsets inside of them, ascending; several for one row do no harm. */
struct csv_left_out {
    const uint64_t *offsets;
    size_t count;
};

/* A value: of the record-th row that DuckDB returned (from 0), and of its column-th column (from 0). */
struct csv_want {
    uint64_t record;
    size_t column;
};

struct csv_place {
    uint64_t line;   /* physical line on which the value begins, from 1 */
    uint64_t offset; /* of its first byte */
    uint64_t column; /* its first character in that line, from 1 */
    char *value;     /* as it stands in the file, at most CSV_PLACE_VALUE_MAX bytes; owned */
};

/* Safe on a zeroed struct, which it leaves behind. */
void csv_place_release(struct csv_place *place);

/*
 * Place of a value; that of a column which the record lacks is the record's end, with no text.
 * `left_out` NULL: none. `out` is set only on ERR_OK. ERR_ABSENT where there are fewer records.
 */
int csv_locate(const char *path, const struct csv_dialect *dialect,
               const struct csv_left_out *left_out, const struct csv_want *want,
               struct csv_place *out, struct error *err);

/* The same for `count` values in any order, in one pass: `out` has as many places, all or none set. */
int csv_locate_all(const char *path, const struct csv_dialect *dialect,
                   const struct csv_left_out *left_out, const struct csv_want *wants, size_t count,
                   struct csv_place *out, struct error *err);

/*
 * Read the whole file for what DuckDB 1.4 misreads without an error, or refuses without saying where:
 *   - a line ending of another kind than the first one, outside quotes (refused without a line);
 *   - a comment behind values (the value before it is cut, or with an empty one the record lost);
 *   - a record with two badly quoted values (it is rejected, and its rest is returned as a row).
 * ERR_SOURCE names the first such line and what to do. Else `*records` is the number of records, of
 * which DuckDB returns or rejects each exactly once. Worth a pass (about a second per gigabyte) where
 * comments are configured, where a quoted value was rejected, and where DuckDB gave up.
 */
int csv_check(const char *path, const struct csv_dialect *dialect, uint64_t *records,
              struct error *err);

#endif

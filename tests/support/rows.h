/*
 * What a reader of a source gives, as text that tests can compare: one line per row and fault, in the
 * order of the file.
 *
 *   1@2 [a] [b] NULL        row 1, which begins on line 2, with its values
 *   !2@3:5 "x": is not ...  fault of row 2 on line 3, character 5; the column's name where there is one
 */
#ifndef CAUCE_TESTS_ROWS_H
#define CAUCE_TESTS_ROWS_H

#include "source/reader.h"
#include "util/str.h"

/* How a format is opened. */
typedef int rows_open(const struct reader_file *file, const struct read_options *options,
                      struct reader **out, struct error *err);

/* What is wanted of a column: its name in the file and, where it is not text, its type. */
struct rows_column {
    const char *name;
    const char *type; /* NULL: text, as it stands; the empty text is one, too */
    bool required, optional;
    bool empty_is_null;
};

/*
 * Read a whole file; `columns` NULL: all of them as texts. What came before an error is in `out`, too.
 * `warnings` (NULL allowed) gets those of the reader, a line each.
 */
MUST_USE int rows_read(rows_open *open, const char *path, const struct read_options *options,
                       const struct rows_column *columns, size_t count, struct str *out,
                       struct str *warnings, struct error *err);

#endif

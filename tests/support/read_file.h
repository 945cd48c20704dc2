/* What a reader makes of some bytes, as text: for the tests of all formats. */
#ifndef CAUCE_TESTS_READ_FILE_H
#define CAUCE_TESTS_READ_FILE_H

#include <stddef.h>

#include "source/read_options.h"
#include "source/reader.h"
#include "util/error.h"

/* Opens a reader, as json_open does. */
typedef int read_file_open(const struct reader_file *file, const struct read_options *options,
                           struct reader **out, struct error *err);

/*
 * Read `bytes` as a file that is shown as "source". `columns` is like
 * "id:int!; v:text=$.a.b|v; w:date?": name, type, names in the source, required (!), optional (?).
 * `nulls` are split at commas; NULL: none.
 *
 * Gives one line for each row ("1@1 7|-|text": number, line, values; - is NULL), then one for each
 * fault ("2@3:8 v=abc is not an int"; "2@3:8 abc is not an object" for a whole record), then what
 * reading ended with, if that was an error ("4 source:3:1: not JSON: ..."). A new string.
 */
char *read_file(read_file_open *open, const struct read_options *options, const char *bytes,
                size_t length, const char *columns, const char *nulls);

/* The names of the columns that a reader finds, with blanks between, or the error. A new string. */
char *read_file_names(read_file_open *open, const struct read_options *options, const char *bytes,
                      size_t length);

#endif

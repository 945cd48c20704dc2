/*
 * CSV as docs/sources.md defines it, read one byte after the other with no regard for speed: what the
 * reader of the program must agree with. Written apart from it.
 */
#ifndef CAUCE_TESTS_CSV_MODEL_H
#define CAUCE_TESTS_CSV_MODEL_H

#include <stdbool.h>
#include <stddef.h>

#include "source/read_options.h"
#include "util/str.h"

/*
 * The rows and faults of a text (UTF-8 without byte-order mark) as support/rows.h prints them, all
 * columns as texts. `options` are those of a file without header, footer and skipped lines, whose
 * records have `columns` values. Returns false where the text ends inside quotes.
 */
bool csv_model(const char *text, size_t length, const struct read_options *options, size_t columns,
               struct str *out);

#endif

/*
 * The reader of fixed width: each line is a record whose values are at the same characters. The
 * options give the widths of the columns, in characters and in their order; docs/sources.md has the
 * rules.
 *
 * Configuration: `format: fixed` and `widths: [10, 8, 12]`. Filler between columns is a column that
 * is not listed.
 */
#ifndef CAUCE_SOURCE_FIXED_H
#define CAUCE_SOURCE_FIXED_H

#include "source/reader.h"

/*
 * Open a file and read its header, which is cut as the records are; see source/reader.h for what
 * follows. ERR_CONFIG: no widths, too many, or one that is 0 or greater than READ_RECORD_MAX. Else as
 * csv_open. Both structs are borrowed.
 */
MUST_USE int fixed_open(const struct reader_file *file, const struct read_options *options,
                        struct reader **out, struct error *err);

#endif

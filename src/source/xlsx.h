/*
 * Sources in Excel's format (.xlsx, ECMA-376): a reader of one sheet, whose first row has the names.
 * docs/sources.md says what the cells are.
 */
#ifndef CAUCE_SOURCE_XLSX_H
#define CAUCE_SOURCE_XLSX_H

#include "source/reader.h"
#include "util/error.h"

/*
 * `file` and `options` are borrowed until the reader is freed. ERR_CONFIG: `range` is not a range.
 */
MUST_USE int xlsx_open(const struct reader_file *file, const struct read_options *options,
                       struct reader **out, struct error *err);

#endif

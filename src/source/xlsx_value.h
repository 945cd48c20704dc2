/*
 * From a cell of a sheet to a value of a column: dates by their format, numbers as the fewest
 * digits that give them, errors and formulas without a value never silently. Pure functions.
 */
#ifndef CAUCE_SOURCE_XLSX_VALUE_H
#define CAUCE_SOURCE_XLSX_VALUE_H

#include "source/reader.h"
#include "source/xlsx_sheet.h"

/*
 * Append the value of a cell (NULL: empty). Returns NULL, or why it does not fit, as the rest of a
 * sentence: a new string; nothing was appended then.
 */
MUST_USE char *xlsx_value_take(const struct xlsx_book *book, const struct xlsx_row *row,
                               const struct xlsx_cell *cell, const struct reader_column *column,
                               struct column *out);

/* What a cell says, as a text: a date as 2026-01-31, a number by its fewest digits. A new string. */
MUST_USE char *xlsx_value_text(const struct xlsx_book *book, const struct xlsx_row *row,
                               const struct xlsx_cell *cell);

#endif

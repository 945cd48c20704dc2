/* The cells of a sheet, row by row, as they are in its XML. Not thread-safe (one owner). */
#ifndef CAUCE_SOURCE_XLSX_SHEET_H
#define CAUCE_SOURCE_XLSX_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/xlsx_book.h"
#include "util/error.h"

/* Most columns and rows of a sheet. */
#define XLSX_COLUMNS_MAX 16384
#define XLSX_ROWS_MAX 1048576

enum xlsx_cell_kind {
    XLSX_CELL_TEXT,
    XLSX_CELL_NUMBER, /* its format says whether it is a date */
    XLSX_CELL_BOOLEAN,
    XLSX_CELL_ERROR,  /* #N/A */
    XLSX_CELL_FORMULA /* without a value */
};

/* A cell that is not empty. */
struct xlsx_cell {
    size_t column; /* from 0 */
    enum xlsx_cell_kind kind;
    enum xlsx_kind format;
    size_t at; /* its text in the row's */
    size_t length;
};

/* A row that has cells. A NUL follows each of the texts. */
struct xlsx_row {
    uint64_t number;         /* from 1 */
    struct xlsx_cell *cells; /* by column */
    size_t count;
    size_t capacity;
    char *bytes;
    size_t used;
    size_t byte_capacity;
};

/* Cells that look like one: from the upper left to the lower right, numbers from 0 (rows: from 1). */
struct xlsx_area {
    size_t first_column, last_column;
    uint64_t first_row, last_row;
};

struct xlsx_sheet;

/* `book` is borrowed. ERR_SOURCE: the sheet is not there, or damaged. */
MUST_USE int xlsx_sheet_open(const struct xlsx_book *book, struct xlsx_sheet **out,
                             struct error *err);
void xlsx_sheet_free(struct xlsx_sheet *s); /* NULL allowed */

/* The next row, valid until the next call; NULL at the end. Errors are those of xlsx_part_more. */
MUST_USE int xlsx_sheet_next(struct xlsx_sheet *s, struct xlsx_row **out, struct error *err);

/*
 * Areas of cells that are merged, as a new array. They come after the rows: this reads everything.
 */
MUST_USE int xlsx_sheet_merged(const struct xlsx_book *book, struct xlsx_area **out, size_t *count,
                               struct error *err);

/*
 * "B2:D100", "B:D", "2:5" or "B2" as an area; what is not given reaches to the end. `$` are
 * ignored. False: it is not one.
 */
bool xlsx_sheet_area(const char *text, struct xlsx_area *out);

/* "A" for 0, "AB" for 27. */
void xlsx_sheet_column_name(size_t column, char out[8]);

#endif

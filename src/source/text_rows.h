/*
 * From the texts of records to typed rows: the second half of every reader whose records are cut
 * out of text by position (CSV, fixed width). The texts of a column are cast together.
 */
#ifndef CAUCE_SOURCE_TEXT_ROWS_H
#define CAUCE_SOURCE_TEXT_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "source/reader.h"
#include "value/cast.h"

/* Where a value stands in its block. */
struct text_place {
    uint64_t line;   /* from 1 */
    uint64_t column; /* character in that line, from 1 */
};

/* Rows of one block, as texts. `spans` holds value k of row i at [k * stride + i]. */
struct text_rows {
    const char *base;
    const struct cast_span *spans;
    size_t stride;
    size_t count;
    const struct reader_column *columns;
    const size_t
        *values; /* per column: which of a row's values it has; SIZE_MAX: none, it is NULL */
    size_t column_count;
    /* Where a value begins; called in the order of the rows. */
    struct text_place (*place)(void *ctx, struct cast_span span);
    void *ctx;
};

/*
 * Cast the rows into the columns of a batch whose `rows` and `lines` are set for each of them already
 * (text_rows_note). Those with a value that does not fit become faults, in order with the faults that
 * are there; of a row, the first column in fault counts.
 */
void text_rows_cast(const struct text_rows *t, struct reader_batch *out);

/* Note number and line of row `i`, whose values follow. */
void text_rows_note(struct reader_batch *out, size_t i, uint64_t row, uint64_t line);

/* Character of an offset in its line, and the begin of that line in the text. */
uint64_t text_rows_column(const char *text, size_t at);

#endif

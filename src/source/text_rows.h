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
    /* Offset from the base at which a value begins, with what is around it. */
    size_t (*origin)(void *ctx, struct cast_span span);
    void *ctx;
};

/*
 * Cast the rows into the columns of a batch whose `rows` and `lines` are set for each of them
 * already (text_rows_note). Those with a value that does not fit become faults, in order with the
 * faults that are there; in a row, the first column in fault counts.
 */
void text_rows_cast(const struct text_rows *t, struct reader_batch *out);

/* Note number and line of row `i`, whose values follow. */
void text_rows_note(struct reader_batch *out, size_t i, uint64_t row, uint64_t line);

/* The same for `count` rows that are one line each. */
void text_rows_note_lines(struct reader_batch *out, size_t i, size_t count, uint64_t row,
                          uint64_t line);

/* Character of an offset in its line, and the beginning of that line in the text. */
uint64_t text_rows_column(const char *text, size_t at);

#endif

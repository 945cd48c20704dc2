/*
 * The rows of a CSV file with their places, cut as DuckDB 1.4 cuts them in strict mode.
 *
 * DuckDB reads the data; this scanner only knows where a row begins, so that a row DuckDB speaks of
 * can be found again. What it copies, found by experiment with 1.4.4 and kept true by
 * tests/unit/test_engine_csv_text.c:
 *   - a quote opens a quoted value at the start of a value or behind exactly one space, elsewhere it
 *     is an ordinary character; behind the closing quote only spaces may follow;
 *   - an escape that is not the quote makes any next character part of the value;
 *   - of a delimiter of several bytes only the whole counts;
 *   - a comment begins anywhere outside quotes and ends with the line; where nothing but spaces
 *     stands between it and the delimiter before it, there is no row.
 * Memory is fixed. Private to the engine; not thread-safe (one owner).
 */
#ifndef CAUCE_ENGINE_CSV_SCAN_H
#define CAUCE_ENGINE_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/csv_text.h"
#include "util/error.h"

/* What a line is, seen from DuckDB. */
enum csv_row_kind {
    CSV_ROW_END,    /* nothing follows: not a row */
    CSV_ROW_RECORD, /* values */
    CSV_ROW_BLANK,  /* nothing but its line ending */
    CSV_ROW_NOTE    /* a comment that leaves no record */
};

enum csv_line_end { CSV_LINE_END_NONE, CSV_LINE_END_LF, CSV_LINE_END_CR, CSV_LINE_END_CRLF };

struct csv_row {
    enum csv_row_kind kind;
    enum csv_line_end line_end; /* NONE: the file ended */
    uint64_t begin;             /* offset of its first byte */
    uint64_t end;               /* offset behind its line ending */
    uint64_t line;              /* physical line on which it begins, from 1 */
    size_t fields;              /* of a record; 0 where only rows are wanted */
    size_t broken;              /* quoted values of a record with text behind the closing quote */
    bool open;                  /* the file ended inside quotes */
    bool remark;                /* a comment stands behind values */
    bool counts;                /* DuckDB's `skip` counts the row */
};

/* One value as it stands in the file, quotes and blanks included. */
struct csv_field {
    size_t index;
    uint64_t begin;
    uint64_t end;        /* offset behind its last byte */
    uint64_t line;       /* physical line on which it begins, from 1 */
    uint64_t line_begin; /* offset of that line's first character */
};

/* The scanner is still on the value's last line. A non-zero return ends the row and is returned. */
typedef int csv_field_visit(void *ctx, const struct csv_field *field, struct error *err);

#define CSV_SCAN_STATES 16

struct csv_scan {
    const char *path; /* borrowed */
    int fd;
    unsigned char *buffer;
    size_t at;
    size_t filled;
    uint64_t base; /* offset of the buffer's first byte */
    uint64_t line; /* where `at` is */
    uint64_t line_begin;
    size_t delimiter_length;
    bool rows_only; /* the number of values is of no interest: four times as fast */
    bool plain;     /* no quote and no comment in the buffer, only rows are wanted */
    bool returns;   /* a carriage return in the buffer */
    char quote;
    char comment;
    uint64_t row_limit;          /* most bytes of a row (ERR_LIMIT), 0: none */
    enum csv_line_end first_end; /* of the file, inside quotes too: DuckDB reads all by it */
    uint64_t first_end_line;
    csv_field_visit *visit; /* called for every value; NULL: not */
    void *ctx;
    unsigned char next[CSV_SCAN_STATES][256];
};

/* Open at the first character (behind a byte-order mark). ERR_SOURCE where it cannot be read. */
int csv_scan_open(struct csv_scan *s, const char *path, const struct csv_dialect *dialect,
                  struct error *err);
void csv_scan_close(struct csv_scan *s);

/* Show the values of the rows that follow; `visit` NULL: no more. `ctx` is borrowed until then. */
void csv_scan_visit(struct csv_scan *s, csv_field_visit *visit, void *ctx);

/* Read one row. ERR_INTERRUPTED where a stop was requested. */
int csv_scan_next(struct csv_scan *s, struct csv_row *row, struct error *err);

/* Go on at the beginning of a row that was read before. */
int csv_scan_seek(struct csv_scan *s, const struct csv_row *row, struct error *err);

/* Up to `count` bytes at an offset, wherever the scanner is; `*got` is less only at the end. */
int csv_scan_read_at(const struct csv_scan *s, uint64_t offset, void *bytes, size_t count,
                     size_t *got, struct error *err);

#endif

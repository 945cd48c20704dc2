/*
 * What a workbook has besides its sheets: their names, the texts that they share, which number
 * formats are dates.
 */
#ifndef CAUCE_SOURCE_XLSX_BOOK_H
#define CAUCE_SOURCE_XLSX_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/reader.h"
#include "source/xlsx_format.h"
#include "util/error.h"

/* Bytes of the texts that sheets share, at most, where options->memory does not say more. */
#define XLSX_TEXTS_MAX ((size_t)256 << 20)

struct xlsx_book {
    const struct reader_file *file;
    uint64_t limit; /* bytes that a part may unpack to */
    bool from_1904;
    enum xlsx_kind *styles; /* by the style of a cell */
    size_t style_count;
    size_t style_capacity;
    char *texts;
    size_t text_bytes;
    size_t text_capacity;
    size_t *text_ends; /* by number */
    size_t text_count;
    size_t text_end_capacity;
    char *sheet; /* part of the sheet that is wanted */
};

/*
 * Open a workbook and find the sheet options->sheet, or the first one. `file` is borrowed.
 * ERR_GATE: there is no such sheet; ERR_SOURCE: it is not a workbook, or damaged; ERR_LIMIT: its
 * texts are too large. Release is safe on a zeroed struct, and needed after a failure, too.
 */
MUST_USE int xlsx_book_open(const struct reader_file *file, const struct read_options *options,
                            struct xlsx_book *out, struct error *err);
void xlsx_book_release(struct xlsx_book *b);

/* A shared text, borrowed; false: there is none of that number. */
bool xlsx_book_text(const struct xlsx_book *b, size_t number, const char **text, size_t *length);

/*
 * Replace _xHHHH_, which stands for characters that XML 1.0 does not allow, in place (ECMA-376,
 * part 1, 22.9.2.19). Returns the new length.
 */
size_t xlsx_book_unescape(char *text, size_t length);

#endif

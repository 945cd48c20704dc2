/*
 * All files of a source, one after the other, as one stream of typed columns. Time and memory
 * depend on what is in the files, not on how many there are.
 */
#ifndef CAUCE_SOURCE_FILES_H
#define CAUCE_SOURCE_FILES_H

#include "source/format.h"
#include "source/names.h"
#include "source/report.h"
#include "source/unpivot.h"

/* What to read. Everything is borrowed. */
struct files {
    enum file_format format;
    const struct reader_file *items;
    size_t count;
    const struct read_options *options;
    const char *file_column; /* name of one more column, with the name of the file; NULL: none */
    const struct unpivot *unpivot; /* columns that are to become rows; NULL: none */
    struct format_tools tools;
};

/* Rows that fit, with the wanted columns in their order; borrowed for the call. */
typedef int files_take(void *ctx, const struct batch *rows, struct error *err);

/* What to do with them. Everything is borrowed. */
struct files_reading {
    files_take *take;
    void *ctx;
    struct source_report *report; /* faults go there */
    char (*digests)
        [SHA256_HEX_SIZE]; /* by file: get what readers say of its bytes; NULL: nobody asks */
    struct names *names; /* gets all names of files that have a header; NULL: they do not matter */
};

/*
 * Read all files. Every column is looked for in every file on its own, so each may have its own
 * order of columns and its own name for one.
 */
MUST_USE int files_read(const struct files *f, const struct reader_column *columns, size_t count,
                        const struct files_reading *how, struct error *err);

/*
 * Add the names of all files, in the order in which they first occur. Opens every one of them, and
 * reads it to its end where there is no header.
 */
MUST_USE int files_names(const struct files *f, struct names *out, struct error *err);

#endif

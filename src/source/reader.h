/*
 * A reader gives the rows of one file of a source as typed columns.
 *
 * Every format is one reader behind this interface, in a file of its own, and one case in
 * source/format.c. A reader knows file, line and column of every fault, because it is the one that
 * cut the records; what a record is and how its values are written is defined in docs/sources.md
 * and docs/types.md. Nothing is dropped silently: every record becomes a row or a fault.
 *
 * The order of calls: open, (names,) select, next until no rows come, free. One owner; a reader may
 * use threads of its own inside.
 */
#ifndef CAUCE_SOURCE_READER_H
#define CAUCE_SOURCE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/read_options.h"
#include "util/digest.h"
#include "util/error.h"
#include "util/name_index.h"
#include "value/cast.h"
#include "value/column.h"

/* Rows that a reader puts into a batch at most, unless a single one is larger than its memory. */
#define READER_BATCH_ROWS 8192

/* A list of borrowed texts. */
struct reader_texts {
    const char *const *items;
    size_t count;
};

/* One column that is wanted. Everything is borrowed until the reader is freed. */
struct reader_column {
    const char *name;         /* of the column of the dataset: for messages */
    struct reader_texts from; /* names in the file, or paths ($.a.b); the first one found counts */
    const struct cast *cast;  /* a text column with a text cast gives values as they stand */
    bool required;            /* NULL is a fault */
    bool optional;            /* where the file has none of the names: NULL in every row */
};

/* One record, or a value of it, that does not fit. Its row is in no batch. */
struct reader_fault {
    uint64_t row;    /* of the file, from 1; faults count as rows */
    uint64_t line;   /* physical line on which the value (or record) begins, from 1; 0: no lines */
    uint64_t column; /* character in that line, from 1; 0: not known */
    size_t index;    /* of the wanted column; SIZE_MAX: the record as a whole */
    char *value;     /* as it stands in the file, cut at 200 bytes; NULL: none */
    char *reason;    /* the rest of a sentence: `is not a date` */
};

/* What comes of one call: rows and faults of a run of records. Reuse it: its memory is kept. */
struct reader_batch {
    struct batch values; /* one column per wanted column */
    uint64_t *rows;      /* number of each row in the file, from 1 */
    uint64_t *lines;     /* line on which each row begins, from 1; 0: the format has no lines */
    size_t place_capacity;
    struct reader_fault *faults;
    size_t fault_count;
    size_t fault_capacity;
};

/* Empty, for these columns. Release is safe on a zeroed struct. */
void reader_batch_init(struct reader_batch *b, const struct reader_column *columns, size_t count);
void reader_batch_release(struct reader_batch *b);
void reader_batch_clear(struct reader_batch *b);

/* Say that a row is complete: all columns of `values` have one more value. */
void reader_batch_row(struct reader_batch *b, uint64_t row, uint64_t line);

/* Remove the values of a row that was begun, and note why. `value` (NULL: none) is copied, cut. */
void reader_batch_fault(struct reader_batch *b, const struct reader_fault *place, const char *value,
                        size_t value_length, char *reason);

/* One file. Borrowed until the reader is freed. */
struct reader_file {
    const char *path;   /* local */
    const char *shown;  /* as the user knows it: for messages */
    const char *member; /* path inside the archive that it was unpacked from; NULL: from none */
};

struct reader;

/* What a format implements. `self` is the format's own struct, which begins with struct reader. */
struct reader_ops {
    /*
     * Names of all columns of the file, in its order, owned by the reader. Formats whose records
     * name their values read the whole file for it.
     */
    int (*names)(struct reader *self, struct reader_texts *out, struct error *err);

    /* Say what is wanted. ERR_GATE: a column is not there (formats with a header tell it here). */
    int (*select)(struct reader *self, const struct reader_column *columns, size_t count,
                  struct error *err);

    /*
     * The next rows and faults, in the order of the file; neither: the end. ERR_SOURCE: the file as
     * a whole cannot be read on, with its place; ERR_GATE: a column was in no record; ERR_LIMIT: a
     * declared limit was passed; ERR_INTERRUPTED: a stop was requested.
     */
    int (*next)(struct reader *self, struct reader_batch *out, struct error *err);

    void (*free)(struct reader *self);
};

struct reader {
    const struct reader_ops *ops;
    const struct reader_file *file;
    const struct read_options *options;
    uint64_t records; /* so far: rows and faults */
    char **warnings;  /* sentences that name the file: what was read, but looks wrong */
    size_t warning_count;
    size_t warning_capacity;
    char sha256[SHA256_HEX_SIZE]; /* of the stored bytes, at the end, where that was asked for */
};

/* The three calls of a reader; see struct reader_ops. */
MUST_USE int reader_names(struct reader *r, struct reader_texts *out, struct error *err);
MUST_USE int reader_select(struct reader *r, const struct reader_column *columns, size_t count,
                           struct error *err);
MUST_USE int reader_next(struct reader *r, struct reader_batch *out, struct error *err);
void reader_free(struct reader *r); /* NULL allowed */

/* For readers: note a warning (a new string, which is taken), and give back what they noted. */
void reader_warn(struct reader *r, char *text);
void reader_release(struct reader *r);

/* Where names stand in a list; borrows it. To be released. */
void reader_texts_index(const struct reader_texts *texts, struct name_index *out);

/*
 * For readers whose files name their columns: the place in `has` of each wanted column, by the first of
 * its names that is there; SIZE_MAX where it is optional and there is none. ERR_GATE as reader_missing.
 */
MUST_USE int reader_match(const struct reader *r, const struct reader_column *columns, size_t count,
                          const struct reader_texts *has, size_t *places, struct error *err);

/*
 * ERR_GATE: a wanted column is not in the file; says what the file has, and what was probably meant.
 */
MUST_USE int reader_missing(const struct reader *r, const struct reader_column *column,
                            const struct reader_texts *has, struct error *err);

#endif

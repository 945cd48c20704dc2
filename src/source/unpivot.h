/*
 * A reader that makes many rows from one: of a table with a column for every year (or country, or
 * station) it gives one row per year. Columns that are kept are in each of these rows; each of the
 * others becomes a row with its name and its value.
 */
#ifndef CAUCE_SOURCE_UNPIVOT_H
#define CAUCE_SOURCE_UNPIVOT_H

#include "source/reader.h"

/* Borrowed. */
struct unpivot {
    struct reader_texts keep; /* columns that stay, by their names in the file */
    const char *name;         /* column that the names of the others go to */
    const char *value;        /* column that their values go to */
};

/*
 * Put it around a reader, which is taken over, also on failure. ERR_GATE: a column that is to be
 * kept is not there, or nothing else is.
 */
MUST_USE int unpivot_open(struct reader *inner, const struct unpivot *unpivot, struct reader **out,
                          struct error *err);

#endif

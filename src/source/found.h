/* What a source has where nobody has said so: names and types of its columns. */
#ifndef CAUCE_SOURCE_FOUND_H
#define CAUCE_SOURCE_FOUND_H

#include "source/files.h"
#include "source/source.h"
#include "value/survey.h"

struct found {
    struct names names;
    struct type *types;    /* text where nothing more is certain; NULL: not examined */
    char **formats;        /* of dates and times as strptime has them; NULL: ISO 8601 */
    struct survey *survey; /* of the texts; NULL: types are declared */
    struct format **dates; /* as the source is said to write them; the survey borrows them */
    size_t date_count;
    struct format **timestamps;
    size_t timestamp_count;
};

/* Release is safe on a zeroed struct. */
void found_release(struct found *f);

/*
 * Names of the columns of all files, in the order in which they first occur. Where nobody has
 * listed them (`alike`), formats with a header must have all of them in every file, else ERR_GATE.
 */
MUST_USE int found_names(const struct files *files, bool alike, struct found *out,
                         struct error *err);

/*
 * The types as well, by reading the whole source once. What a format declares (Parquet) is kept;
 * for texts a type is proposed where every value has it. ERR_CONFIG: files contradict each other.
 */
MUST_USE int found_types(const struct files *files, const struct source_options *o,
                         struct found *out, struct error *err);

/* What is doubtful about the types, one line per column; appended to the warnings of a report. */
void found_doubts(const struct found *f, struct source_report *report);

#endif

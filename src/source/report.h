/*
 * What reading a source found: how many rows, which ones did not fit and where, what was left out.
 */
#ifndef CAUCE_SOURCE_REPORT_H
#define CAUCE_SOURCE_REPORT_H

#include <stdint.h>

#include "source/reader.h"
#include "util/str.h"

/* One row that does not fit. */
struct report_reject {
    char *file;      /* as the user knows it; NULL: not of a file */
    uint64_t row;    /* of the file, or of the transform's result, from 1 */
    uint64_t line;   /* from 1; 0: not known */
    uint64_t column; /* character in the line, from 1; 0: not known */
    char *name;      /* of the column; NULL: the row as a whole */
    char *value;     /* at most 200 bytes; NULL: none */
    char *reason;
};

#define REPORT_SAMPLES 20
#define REPORT_WARNINGS 5

struct source_report {
    uint64_t rows;     /* that fit, repeated keys included */
    uint64_t rejected; /* that did not */
    struct report_reject samples[REPORT_SAMPLES];
    size_t sample_count;
    char **warnings; /* sentences about what looks wrong; at most REPORT_WARNINGS */
    size_t warning_count;
    char **left_out; /* columns of the source that are not used */
    size_t left_out_count;
};
void report_release(struct source_report *r);

/* Count a fault of a file; the first ones become samples. `column` NULL: the row as a whole. */
void report_fault(struct source_report *r, const char *file, const char *column,
                  const struct reader_fault *fault);

/* Note a sentence (a copy of it), as long as there is room. */
void report_warn(struct source_report *r, const char *text);

/* Append the samples as lines "file:line:column: column "x": "value" reason". */
void report_format(const struct source_report *r, struct str *out);

#endif

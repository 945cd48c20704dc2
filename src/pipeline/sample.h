/*
 * What a file suggests for a configuration: `cauce init --from FILE`.
 */
#ifndef CAUCE_PIPELINE_SAMPLE_H
#define CAUCE_PIPELINE_SAMPLE_H

#include "config/config.h"
#include "dataset/dataset.h"
#include "pipeline/sample_format.h"
#include "pipeline/sample_layout.h"
#include "source/report.h"
#include "util/schema.h"

/* What is known beforehand. Borrowed; NULL: to be found. */
struct sample_hints {
    const char *encoding;
    const char *records; /* JSON: path of the records */
};

/* How a column is written, besides its type. */
struct sample_column {
    char *from;   /* its name in the source, where that is another one; else NULL */
    char **nulls; /* texts that mean NULL, the empty one among them; none: the default */
    size_t null_count;
    bool percent, trim;
    char *doubts; /* sentences; NULL: none */
};

/* Guessed format, columns, key and partition of a source. All owned. */
struct sample {
    enum file_format format;
    struct sample_layout layout; /* CSV */
    char *encoding;              /* NULL: UTF-8, or as a byte-order mark says */
    char *records;               /* NULL: the document itself */
    const char *archive;         /* pattern of the members of an archive; NULL: it is none */
    uint32_t *widths;            /* fixed width */
    size_t width_count;
    char decimal;
    char thousands;        /* 0: none */
    struct schema columns; /* types found over the whole file */
    struct sample_column *details;
    char **key; /* the best set of columns that is unique; none found: empty */
    size_t key_count;
    char *partition_column;      /* the date column of the key, NULL: none */
    struct source_report report; /* of reading it as suggested: rows, and those that do not fit */
};
void sample_release(struct sample *s);

/* Look at a local file. ERR_SOURCE: it cannot be read as any format we know. */
MUST_USE int sample_file(const char *path, const struct sample_hints *hints,
                         const struct limits *limits, struct sample *out, struct error *err);

#endif

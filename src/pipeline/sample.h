/*
 * What a file suggests for a configuration: `cauce init --from FILE`.
 */
#ifndef CAUCE_PIPELINE_SAMPLE_H
#define CAUCE_PIPELINE_SAMPLE_H

#include "config/config.h"
#include "pipeline/dataset.h"
#include "util/schema.h"

/* Guessed format, columns, key and partition of a source. All owned. */
struct sample {
    enum config_format format;
    char delimiter[5];
    struct schema columns; /* types inferred over the whole file */
    char **key;            /* smallest set of leading columns that is unique; none found: empty */
    size_t key_count;
    char *partition_column; /* the date column of the key, NULL: none */
    uint64_t rows;
};
void sample_release(struct sample *s);

/* Look at a local file. ERR_SOURCE: it cannot be read as any format we know. */
int sample_file(const char *path, const struct limits *limits, struct sample *out,
                struct error *err);

#endif

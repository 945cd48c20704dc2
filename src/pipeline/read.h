/*
 * Reading a version: the newest row of every key, or every row ever published up to it.
 */
#ifndef CAUCE_PIPELINE_READ_H
#define CAUCE_PIPELINE_READ_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "dataset/dataset.h"

enum read_format { READ_CSV, READ_JSONL, READ_PARQUET };

struct read_request {
    uint64_t version; /* sequence; 0: the newest */
    int64_t at;       /* newest version made at or before this time; 0: not asked for */
    bool events;      /* every row ever published, with _version and _ingested_at */
    uint64_t limit;   /* most rows; 0: all */
    enum read_format format;
    const char *path; /* file to write, replaced atomically; NULL: `stream` */
    FILE *stream;
};

/* Find the version that is meant. ERR_ABSENT: there is none. */
MUST_USE int read_find(struct dataset *d, const struct base *base,
                       const struct read_request *options, struct manifest *out, struct error *err);

/* Write the rows, sorted by key (events: by version and key). `rows` gets their number. */
MUST_USE int read_rows(struct dataset *d, const struct base *base,
                       const struct read_request *options, uint64_t *rows, struct error *err);

#endif

/*
 * Where rows are written to: a stream of the caller's, or a file that is replaced atomically once
 * everything is there. A path that is not an ordinary file (a pipe, a device) is written to
 * directly.
 */
#ifndef CAUCE_PIPELINE_OUTPUT_H
#define CAUCE_PIPELINE_OUTPUT_H

#include <stddef.h>
#include <stdio.h>

#include "util/error.h"

struct output {
    FILE *stream;
    char *path; /* for messages; NULL: the caller's stream */
    char *temp; /* takes the name `final` in the end; NULL: written in place */
    char *final;
};

/*
 * `path` NULL: `stream`, which remains the caller's. Nothing is visible at `path` before
 * output_finish. ERR_CONFIG: it is a folder; ERR_SYSTEM: it cannot be written. On failure `out`
 * needs no release.
 */
MUST_USE int output_open(const char *path, FILE *stream, struct output *out, struct error *err);

/* Write bytes, or the content of a local file. ERR_SYSTEM with the reason. */
MUST_USE int output_write(struct output *o, const void *bytes, size_t count, struct error *err);
MUST_USE int output_copy(struct output *o, const char *path, struct error *err);

/* Sync it to disk and give it its name; a stream is flushed. */
MUST_USE int output_finish(struct output *o, struct error *err);

/* Close; without output_finish before, nothing remains. Safe on a zeroed struct. */
void output_release(struct output *o);

#endif

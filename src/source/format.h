/* The table of formats: every format of a source is one row here and one reader. */
#ifndef CAUCE_SOURCE_FORMAT_H
#define CAUCE_SOURCE_FORMAT_H

#include "engine/engine.h"
#include "source/reader.h"

enum source_format { SOURCE_CSV, SOURCE_JSON, SOURCE_NDJSON, SOURCE_PARQUET };

/* What readers may need beside their file. Borrowed. */
struct format_tools {
    struct engine *engine; /* of Parquet */
    const char *workdir;   /* for scratch files */
};

/*
 * Open a file as one of a format. Everything is borrowed until the reader is freed. ERR_SOURCE: it
 * cannot be read, or is something else, which the message says.
 */
int source_format_open(enum source_format format, const struct format_tools *tools,
                       const struct reader_file *file, const struct read_options *options,
                       struct reader **out, struct error *err);

#endif

/* The readers of all formats; the table of formats is util/file_format.h. */
#ifndef CAUCE_SOURCE_FORMAT_H
#define CAUCE_SOURCE_FORMAT_H

#include "engine/engine.h"
#include "source/reader.h"
#include "util/file_format.h"

/* What readers may need beside their file. Borrowed. */
struct format_tools {
    struct engine *engine; /* of Parquet */
    const char *workdir;   /* for scratch files */
};

/*
 * Open a file as one of a format. Everything is borrowed until the reader is freed. ERR_SOURCE: it
 * cannot be read, or is something else, which the message says.
 */
MUST_USE int source_format_open(enum file_format format, const struct format_tools *tools,
                                const struct reader_file *file, const struct read_options *options,
                                struct reader **out, struct error *err);

#endif

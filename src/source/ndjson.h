/*
 * Sources in newline-delimited JSON: a reader whose file has one object on each line. A line that
 * is not an object is a fault. docs/sources.md says more.
 */
#ifndef CAUCE_SOURCE_NDJSON_H
#define CAUCE_SOURCE_NDJSON_H

#include "source/reader.h"
#include "util/error.h"

/* `file` and `options` are borrowed until the reader is freed. */
MUST_USE int ndjson_open(const struct reader_file *file, const struct read_options *options,
                         struct reader **out, struct error *err);

#endif

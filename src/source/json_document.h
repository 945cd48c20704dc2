/*
 * Sources in JSON: a reader whose file is one array of objects, or objects one after another, or
 * has its records below a path. docs/sources.md says what is a record and what is a fault.
 */
#ifndef CAUCE_SOURCE_JSON_DOCUMENT_H
#define CAUCE_SOURCE_JSON_DOCUMENT_H

#include "source/reader.h"
#include "util/error.h"

/*
 * `file` and `options` are borrowed until the reader is freed. ERR_CONFIG: `records` is not a path.
 */
MUST_USE int json_open(const struct reader_file *file, const struct read_options *options,
                       struct reader **out, struct error *err);

#endif

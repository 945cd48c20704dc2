/* What is asked of a page of a source before the next one is fetched. */
#ifndef CAUCE_SOURCE_PAGE_H
#define CAUCE_SOURCE_PAGE_H

#include <stdint.h>

#include "source/format.h"

/*
 * A text or number of a JSON document by its path (`$.` may be left out), as a new string; NULL
 * where it is missing (which `there` tells), null, false or empty. ERR_SOURCE: it is an array or
 * object, or the document is not JSON; ERR_CONFIG: not a path.
 */
MUST_USE int page_field(const struct reader_file *file, const struct read_options *options,
                        const char *path, char **out, bool *there, struct error *err);

/* Records of a file, those that do not fit included. */
MUST_USE int page_records(enum file_format format, const struct format_tools *tools,
                          const struct reader_file *file, const struct read_options *options,
                          uint64_t *count, struct error *err);

#endif

/*
 * Streams that unpack xz and bzip2 (any number of streams one after another), through libarchive.
 */
#ifndef CAUCE_SOURCE_UNPACK_LIBRARY_H
#define CAUCE_SOURCE_UNPACK_LIBRARY_H

#include "source/read_options.h"
#include "source/stream.h"

/*
 * `from` is the packed stream, which is taken over, also on failure; `name` of the file is for
 * messages and borrowed; `kind` is READ_XZ or READ_BZIP2. Opening and reading give ERR_SOURCE for
 * what is cut, damaged, or not of that kind.
 */
MUST_USE int unpack_library(struct stream *from, const char *name, enum read_compression kind,
                            struct stream **out, struct error *err);

#endif

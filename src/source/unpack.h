/*
 * Streams that unpack: gzip (RFC 1952, any number of members) and Zstandard (RFC 8878, any number
 * of frames, skippable ones too, windows up to 128 MiB). What is cut or damaged is an error that
 * gives the offset in the file.
 */
#ifndef CAUCE_SOURCE_UNPACK_H
#define CAUCE_SOURCE_UNPACK_H

#include "source/stream.h"

/*
 * `from` is the packed stream, which is taken over, also on failure; `name` of the file is for
 * messages and borrowed. Reading gives ERR_SOURCE for what is not a whole stream of the format, and
 * ERR_LIMIT where unpacking needs more than 128 MiB of memory.
 */
MUST_USE int unpack_gzip(struct stream *from, const char *name, struct stream **out,
                         struct error *err);
MUST_USE int unpack_zstd(struct stream *from, const char *name, struct stream **out,
                         struct error *err);

#endif

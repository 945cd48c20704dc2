/*
 * A plain UTF-8 local file out of a source file as it was published: decompressed, transcoded,
 * without byte-order mark. The only user of zlib and zstd. Thread-safe.
 *
 * Formats: gzip (RFC 1952, any number of members), Zstandard (RFC 8878, any number of frames,
 * skippable ones too, windows up to 128 MiB), UTF-8, and whatever iconv(3) reads.
 */
#ifndef CAUCE_ENGINE_PLAIN_H
#define CAUCE_ENGINE_PLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* PLAIN_AUTO: by the first bytes of the file. */
enum plain_compression { PLAIN_AUTO, PLAIN_NONE, PLAIN_GZIP, PLAIN_ZSTD };

struct plain_options {
    enum plain_compression compression;
    const char *encoding; /* iconv's name; NULL: UTF-8 */
    bool text; /* CSV, JSON: transcode, remove byte-order marks; Parquet: only decompress */
    uint64_t max_bytes; /* of the plain file; 0: no limit */
};

/*
 * Make `target`, a scratch file that is not brought to disk, replacing what is there. Where `path` is
 * plain UTF-8 already nothing is written and `*made` is false: use it in place. A byte-order mark
 * (UTF-8, UTF-16, UTF-32) decides over `encoding`. That of UTF-8 is removed too, although it costs a
 * copy: DuckDB 1.4 refuses it in newline-delimited JSON, and of CSV it misreads the line behind it
 * where that is skipped and begins with a quote or a comment. UTF-8 itself is not validated here.
 *
 * ERR_SOURCE: cannot be read; truncated or corrupt (with the offset in the compressed file); bytes
 * that the encoding does not know (with line and offset in the text). ERR_LIMIT: larger than
 * `max_bytes`. ERR_CONFIG: iconv does not know `encoding`. ERR_INTERRUPTED: a stop was requested. Else
 * what writing gives. `target` is removed after a failure; its folder must exist.
 */
int plain_make(const char *path, const struct plain_options *options, const char *target,
               bool *made, struct error *err);

#endif

/*
 * The text of one local file of a source: unpacked, as UTF-8 without a byte-order mark, in one pass
 * over the stored bytes, which are hashed on the way where that is asked for. Nothing is written to
 * disk. Not thread-safe (one owner).
 */
#ifndef CAUCE_SOURCE_INPUT_H
#define CAUCE_SOURCE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/reader.h"
#include "source/stream.h"

struct input;

/*
 * Both are borrowed. ERR_SOURCE: the file cannot be read, is not a regular file (a pipe or device is
 * only read where `max_bytes` bounds it); ERR_LIMIT: it is larger than `max_bytes`; ERR_CONFIG: the
 * encoding is not known.
 */
MUST_USE int input_open(const struct reader_file *file, const struct read_options *options,
                        struct input **out, struct error *err);
/* As input_open, for what is not text: bytes are given as they are when unpacked. */
MUST_USE int input_open_bytes(const struct reader_file *file, const struct read_options *options,
                              struct input **out, struct error *err);

void input_free(struct input *in); /* NULL allowed */

/*
 * Read up to `room` bytes of the text, and fewer only at its end or where less than STREAM_ROOM_MIN
 * bytes of room are left. ERR_SOURCE: cut or damaged, or not text of the encoding; ERR_LIMIT: more
 * than `max_bytes` when unpacked; ERR_INTERRUPTED: a stop was requested.
 */
MUST_USE int input_read(struct input *in, void *to, size_t room, size_t *got, struct error *err);

/* First bytes of the file as they are stored (at most 4096); valid while the input is. */
const unsigned char *input_head(const struct input *in, size_t *count);

/*
 * The SHA-256 of the stored bytes: the text is first read to its end and discarded. Errors as those
 * of input_read. "" where options->digest was not set.
 */
MUST_USE int input_digest(struct input *in, char out[SHA256_HEX_SIZE], struct error *err);

#endif

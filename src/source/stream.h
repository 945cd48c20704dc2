/*
 * Bytes one after the other: a file, or what becomes of another stream (unpacked, transcoded).
 * Each stage owns the one below it. Not thread-safe (one owner).
 */
#ifndef CAUCE_SOURCE_STREAM_H
#define CAUCE_SOURCE_STREAM_H

#include <stddef.h>

#include "util/error.h"

/* The least room that a reader of a stream must offer: a character of any encoding fits into it. */
#define STREAM_ROOM_MIN 64

/* Bytes of a stage's own buffer. */
#define STREAM_CHUNK ((size_t)256 << 10)

struct stream {
    /*
     * Read up to `room` (at least STREAM_ROOM_MIN) bytes to `to`. `*got` is 0 at the end only, where
     * it stays. Errors name the file; the stream is then only to be freed.
     */
    int (*read)(struct stream *self, void *to, size_t room, size_t *got, struct error *err);

    /* Free this stage and those below it. */
    void (*free)(struct stream *self);
};

#endif

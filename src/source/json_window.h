/*
 * The part of a file that is in memory, and its place in the file: what is scanned can be given up
 * half-way and tried again with more of the text. Not thread-safe (one owner).
 */
#ifndef CAUCE_SOURCE_JSON_WINDOW_H
#define CAUCE_SOURCE_JSON_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "source/input.h"
#include "source/json_scan.h"
#include "source/reader.h"
#include "util/error.h"

struct json_window {
    const struct reader_file *file;
    struct input *input;
    char *data;      /* JSON_SCAN_PADDING NULs after the last byte */
    size_t at;       /* what is before it is finished with */
    size_t used;     /* bytes there are */
    size_t capacity; /* without the padding */
    bool final;      /* there is nothing more in the file */
    uint64_t line;   /* of the byte `at`, from 1 */
    uint64_t column; /* characters before it on that line */
};

/*
 * A web page, an archive: ERR_SOURCE says so, rather than which character of it is not JSON. `text`
 * is the beginning of the file, unpacked.
 */
MUST_USE int json_window_check(const struct reader_file *file, const char *text, size_t length,
                               struct error *err);

/*
 * Open a file and have its beginning in memory. Errors are those of input_open, input_read and
 * json_window_check. Release is safe on a zeroed struct, and needed after a failure, too.
 */
MUST_USE int json_window_open(struct json_window *w, const struct reader_file *file,
                              const struct read_options *options, struct error *err);
void json_window_release(struct json_window *w);

/*
 * Have more of the file after `at`, or set `final`; pointers into `data` are invalid then.
 * ERR_LIMIT: READ_RECORD_MAX bytes and more from `at` on were not enough.
 */
MUST_USE int json_window_more(struct json_window *w, struct error *err);

/* A scan of all that is there from `at` on. */
static inline struct json_scan json_window_scan(const struct json_window *w)
{
    return (struct json_scan){w->data + w->at, w->data + w->used, NULL};
}

/* Finish with what is before `to`. */
void json_window_pass(struct json_window *w, const char *to);

/* Line and character, both from 1, of a byte at or after `at`. */
void json_window_place(const struct json_window *w, const char *at, uint64_t *line,
                       uint64_t *column);

#endif

/*
 * Fields of a JSON object that is written or read. Each function takes a field in either direction, so
 * that it is named once. Reading forgives: what makes no sense is as if it were not there.
 */
#ifndef CAUCE_UTIL_CODEC_H
#define CAUCE_UTIL_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/json.h"

struct codec {
    struct json *to; /* borrowed; NULL: it is read */
    const struct json *from;
};

void codec_unsigned(const struct codec *c, const char *name, uint64_t *value); /* below 0: 0 */
void codec_bool(const struct codec *c, const char *name, bool *value);
/* A duration; beyond a century: 0. Clocks are not trusted to make a sum fall. */
void codec_seconds(const struct codec *c, const char *name, double *seconds);
/* Microseconds since 1970; 0 is null, and what is no moment is 0. */
void codec_time(const struct codec *c, const char *name, int64_t *time);
/* A text that is cut by nobody who writes: a longer one is none. "" is null. */
void codec_text(const struct codec *c, const char *name, char *text, size_t size);
/* A text on the heap, the caller's; NULL is null. */
void codec_owned_text(const struct codec *c, const char *name, char **text);
/* The same for a list; what is read beyond `capacity` is left out. */
void codec_texts(const struct codec *c, const char *name, char **texts, size_t *count,
                 size_t capacity);

/* An object in the object. */
struct codec codec_object(const struct codec *c, const char *name);

#endif

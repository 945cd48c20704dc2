/*
 * A growable string with a declared cap. Not thread-safe (one owner).
 *
 * Appending beyond the cap sets `full` and leaves the string as it was; further appends do nothing.
 * So a sequence of appends needs one check at the end (str_check). The text is always
 * NUL-terminated; it may hold NUL bytes itself: `len` counts.
 */
#ifndef CAUCE_UTIL_STR_H
#define CAUCE_UTIL_STR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

struct str {
    char *data; /* never NULL: the empty string before the first append */
    size_t len; /* bytes without the NUL */
    size_t cap; /* allocated bytes, 0: data is not ours */
    size_t max; /* most bytes it may hold */
    bool full;  /* an append would have passed max */
};

/* Cap for text that we make ourselves (SQL, JSON of one manifest). */
#define STR_MAX_DEFAULT ((size_t)256 << 20)

/* Empty string that may grow to `max` bytes. */
void str_init(struct str *s, size_t max);

/* Give back the memory; the string is empty and usable again. */
void str_release(struct str *s);

/* Forget the content, keep the memory. */
void str_clear(struct str *s);

void str_append(struct str *s, const char *text);
void str_append_bytes(struct str *s, const void *bytes, size_t count);
void str_append_char(struct str *s, char c);
void str_printf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_vprintf(struct str *s, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));

/* Append what there is to choose from: "a, b or c". */
void str_append_choices(struct str *s, const char *const *names, size_t count);

/* ERR_OK, or ERR_LIMIT (naming `what`) where something did not fit. */
MUST_USE int str_check(const struct str *s, const char *what, struct error *err);

/* Hand the text over to the caller, who frees it; the string is empty afterwards. */
MUST_USE char *str_detach(struct str *s);

/* Does `text` begin (end) with `part`? */
bool str_starts(const char *text, const char *part);
bool str_ends(const char *text, const char *part);

/*
 * The entry of `options` (count) that `text` was probably meant to be (least edits, at most a third
 * of its length, rounded up), or NULL. For "did you mean".
 */
const char *str_closest(const char *text, const char *const *options, size_t count);

#endif

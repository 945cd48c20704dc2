/*
 * Error codes and the text that goes with them.
 *
 * A code says what the caller may do; the text says what failed, on which object, what state the
 * dataset is in and what to do next. The text lives in a buffer of the caller: nothing here
 * allocates, prints or keeps global state. Functions that can fail return `enum error_code` as int
 * and take `struct error *` last; NULL is allowed where the text is of no interest. Whatever goes
 * into a text is made visible (util/visible.h), but for newlines: it is valid UTF-8.
 */
#ifndef CAUCE_UTIL_ERROR_H
#define CAUCE_UTIL_ERROR_H

#include <stdarg.h>

#include "util/compiler.h"

enum error_code {
    ERR_OK = 0,
    ERR_ABSENT,      /* the object, dataset or version does not exist */
    ERR_CONFLICT,    /* a condition did not hold; nothing changed */
    ERR_UNKNOWN,     /* no usable answer: it may or may not have happened; delete nothing */
    ERR_AGAIN,       /* storage failed and nothing is known to have changed; retry may help */
    ERR_FULL,        /* as ERR_AGAIN: there is no room left to write */
    ERR_DENIED,      /* no permission, or the credentials are refused */
    ERR_DAMAGED,     /* bytes are not what a manifest says they are */
    ERR_SOURCE,      /* the source cannot be reached or read */
    ERR_GATE,        /* a check of the data or the store refused to go on */
    ERR_CONFIG,      /* the configuration or the command line is wrong */
    ERR_LOST,        /* the race for the pointer was lost after all retries */
    ERR_LIMIT,       /* a declared limit was exceeded */
    ERR_INTERRUPTED, /* a signal asked to stop before the commit */
    ERR_TIMEOUT,     /* the time that the configuration allows is over */
    ERR_SYSTEM,      /* the operating system or a library failed */
    ERR_COUNT
};

#define ERROR_TEXT_SIZE 2048

/* What a text says of the state in which the failure left the dataset. */
enum error_state {
    ERROR_UNTOLD,      /* nothing yet */
    ERROR_UNCHANGED,   /* what failed changed nothing */
    ERROR_UNPUBLISHED, /* nothing was published */
    ERROR_IN_DOUBT,    /* it may have happened, or not */
};

struct error {
    int code;
    enum error_state state;
    char text[ERROR_TEXT_SIZE];
};

/* Empty error: code ERR_OK, no text. */
/* clang-format off */
#define ERROR_INIT {ERR_OK, ERROR_UNTOLD, ""}
/* clang-format on */

/*
 * Set code and text; a text that does not fit is cut and ends in "...". Returns `code`, so that
 * `return error_set(err, ERR_ABSENT, ...)` reads well. `err` may be NULL.
 */
int error_set(struct error *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
int error_vset(struct error *err, int code, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));

/*
 * Say after the text that is there that nothing was changed, or published, and then what to do, where
 * `advice` is not NULL; the code becomes `code`, which is returned. Where a text tells the state in
 * words of its own, error_told notes that it does.
 */
int error_tell(struct error *err, int code, enum error_state state, const char *advice);
void error_told(struct error *err, enum error_state state);

/* Pass an error on, with another code: text and state are those of `from`. Returns `code`. */
MUST_USE int error_pass(struct error *err, int code, const struct error *from);

/* As error_set, with ": " and the meaning of `errnum` (an errno value) at the end. */
int error_set_errno(struct error *err, int code, int errnum, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/*
 * Put a prefix and ": " before the text that is there; the state that it tells stays. Returns the
 * code that is there.
 */
int error_prefix(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/*
 * Append a sentence after the text that is there, which gets a full stop where it has none and the
 * sentence begins with a capital. Returns the code that is there.
 */
int error_append(struct error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Forget what is there. */
void error_clear(struct error *err);

/* A failure that changes nothing for the caller. A comment beside the call says why that is so. */
static inline void error_ignore(int code)
{
    (void)code;
}

/* Stable lower-case name of a code, for logs and JSON ("conflict"); "invalid" for no code. */
const char *error_name(int code);

/*
 * clang's analyzer reads one file at a time and would follow every path on which error_set()
 * returned ERR_OK. Tell it what is promised above.
 */
#ifdef __clang_analyzer__
#define error_set(err, code, ...) ((void)error_set(err, code, __VA_ARGS__), (code))
#define error_set_errno(err, code, errnum, ...) \
    ((void)error_set_errno(err, code, errnum, __VA_ARGS__), (code))
#define error_tell(err, code, state, advice) ((void)error_tell(err, code, state, advice), (code))
#define error_pass(err, code, from) ((void)error_pass(err, code, from), (code))
#endif

#endif

/*
 * Allocation that cannot fail. At ordinary sizes a failed allocation stops the program with a
 * message: a crash is safe by design (nothing partial is ever visible). Sizes that come from input
 * must be checked against a limit before they arrive here. Thread-safe.
 */
#ifndef CAUCE_UTIL_MEM_H
#define CAUCE_UTIL_MEM_H

#include <stddef.h>

#include "util/compiler.h"

/* `size` uninitialised bytes (1 where size is 0). Free with free(). */
MUST_USE void *mem_alloc(size_t size);

/* `count` zeroed elements of `size` bytes; an overflow of the product aborts. */
MUST_USE void *mem_calloc(size_t count, size_t size);

/* Resize to `count` elements of `size` bytes; an overflow of the product aborts. */
MUST_USE void *mem_resize(void *old, size_t count, size_t size);

/* Copy of a string; NULL gives NULL. */
MUST_USE char *mem_strdup(const char *text);

/* Copy of `length` bytes with a NUL after them. */
MUST_USE char *mem_strndup(const char *text, size_t length);

/* A new string made by printf's rules. */
MUST_USE char *mem_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * The same memory, and it may be written to: for the owner of what others only read, who frees it, and
 * for libraries that ask for more than they need. Nowhere else is a const cast away (-Wcast-qual).
 */
static inline void *mem_unconst(const void *memory)
{
    union {
        const void *in;
        void *out;
    } same = {memory};
    return same.out;
}

/*
 * Make room for one more element in a growing array: returns the array, moved where `count` has
 * reached `*capacity`, which is updated.
 */
MUST_USE void *mem_grow(void *array, size_t count, size_t *capacity, size_t size);

#endif

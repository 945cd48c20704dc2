/*
 * A store that reports every operation on the store below it: one line at debug level, and a call
 * for a trace. Results pass through unchanged. Thread-safe where the sink is.
 */
#ifndef CAUCE_STORE_STORE_TRACE_H
#define CAUCE_STORE_STORE_TRACE_H

#include "store/store.h"

/* One operation that has ended. */
struct store_trace_event {
    const char *operation; /* "get", "get_file", "head", "put_new", "swap", "move", ... */
    const char *key;       /* of the object; prefix of a list; first of many; borrowed */
    const char *to;        /* target of a move, else NULL; borrowed */
    size_t count;          /* objects of put_many and remove_many, entries of list; else 1 */
    uint64_t bytes;        /* read or written; 0 where the operation failed */
    int64_t started;       /* microseconds since 1970 */
    int64_t duration;      /* microseconds */
    int result;            /* enum error_code */
    const char *text;      /* what the error says, "" where there is none; borrowed */
};
typedef void store_trace_sink(void *ctx, const struct store_trace_event *event);

/*
 * Trace `inner`, which belongs to the new store and is freed with it. `sink` may be NULL; it is
 * called by the thread that made the operation, after it.
 */
MUST_USE struct store *store_trace_new(struct store *inner, store_trace_sink *sink, void *ctx);

#endif

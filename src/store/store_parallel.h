/* Many small tasks on a few threads. */
#ifndef CAUCE_STORE_STORE_PARALLEL_H
#define CAUCE_STORE_STORE_PARALLEL_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"
#include "util/error.h"

/*
 * Run tasks 0 to count-1 on at most `threads` threads and wait for all. The first failure (in time)
 * is returned. With `stop` no further task begins after it; tasks that run are always finished.
 */
MUST_USE int store_parallel(size_t count, unsigned threads, bool stop, store_task *task, void *ctx,
                            struct error *err);

/* The slot put_many made of the store's own put_new, on at most `threads` threads. */
MUST_USE int store_parallel_put_many(struct store *st, unsigned threads, const char *const *keys,
                                     const struct store_body *bodies, size_t count, bool *written,
                                     struct error *err);

#endif

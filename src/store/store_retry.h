/*
 * Back-off for what may be repeated: exponential, full jitter, a deadline ("Exponential Backoff And
 * Jitter", AWS Architecture Blog). A decorator over any store, and a loop for the backend's own
 * repeatable requests.
 *
 * Repeated: get, get_file, head, list, remove, remove_many; put_new, so that its contract holds (see
 * below); move where nothing changed. Never repeated: swap (catalog/register.h says what its answers
 * mean), probe. Results are those of the store below, with one exception: put_new whose first try had no answer and whose repetition meets an object with
 * exactly its own content has succeeded; names of objects are fresh for every attempt, so nobody
 * else can have put it there. Once a try of put_new had no answer, nothing weaker than ERR_UNKNOWN
 * is reported unless the outcome is certain.
 */
#ifndef CAUCE_STORE_STORE_RETRY_H
#define CAUCE_STORE_STORE_RETRY_H

#include <stdint.h>

#include "store/store.h"
#include "util/error.h"

/* Zero: the default. Times are microseconds. */
struct store_retry_policy {
    unsigned tries;     /* 8 at most */
    int64_t first;      /* 100 ms: the most that is waited before the second try; doubles */
    int64_t longest;    /* 20 s: the most that is waited once */
    int64_t deadline;   /* 120 s: no try begins later than this after the first */
    unsigned transfers; /* of put_many at once: 16 */
};

/*
 * Decorate `inner`, which belongs to the new store. put_many runs in parallel, each object repeated
 * on its own.
 */
MUST_USE struct store *store_retry_new(struct store *inner,
                                       const struct store_retry_policy *policy);

/*
 * Call `work` until it returns something other than ERR_AGAIN, within the policy. `retries` (NULL
 * allowed) counts repetitions, atomically.
 */
typedef int store_retry_work(void *ctx, struct error *err);
MUST_USE int store_retry_loop(const struct store_retry_policy *policy, store_retry_work *work,
                              void *ctx, uint64_t *retries, struct error *err);

#endif

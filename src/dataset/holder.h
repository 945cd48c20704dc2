/*
 * The lease of a run (catalog/lease.h), held for as long as the run takes: a thread renews it. It only
 * saves work that two runs would do twice; nothing that is published depends on it.
 */
#ifndef CAUCE_DATASET_HOLDER_H
#define CAUCE_DATASET_HOLDER_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "catalog/lease.h"
#include "store/store.h"
#include "util/error.h"

/* Not to be moved while it is held. */
struct holder {
    struct store *store;
    struct lease lease;
    int64_t ttl;
    bool held;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool ending;
};

/*
 * Take the lease of the dataset in `st` (borrowed until holder_end) for `ttl` microseconds at a
 * time. `name` tells people whose it is. ERR_CONFLICT: another run holds it; the text says who and
 * until when. After other failures, whose text says that this is not known, work may go on without
 * it.
 */
MUST_USE int holder_begin(struct holder *h, struct store *st, const char *name, int64_t ttl,
                          struct error *err);

/* Give it back. What cannot be given back ends by itself. Safe on a zeroed struct. */
void holder_end(struct holder *h);

#endif

/*
 * A lease: one object that says who is at work until when, so that scheduled runs on several
 * machines do not do the same work twice. Taken, renewed and given back by compare-and-swap; each
 * new holder raises the epoch, which work may carry as a fence. It saves work and nothing else:
 * what is published stays right where two holders believe in it at once (a clock that is wrong, a
 * machine that slept), because the pointer is only ever replaced by compare-and-swap.
 */
#ifndef CAUCE_CATALOG_LEASE_H
#define CAUCE_CATALOG_LEASE_H

#include <stdint.h>

#include "store/store.h"
#include "util/error.h"
#include "util/id.h"

#define LEASE_HOLDER_SIZE 128

/* A lease held. Not thread-safe. */
struct lease {
    char key[STORE_KEY_MAX + 1];
    char holder[LEASE_HOLDER_SIZE]; /* for people: who holds it */
    char id[ID_SIZE];               /* of this holding of it */
    uint64_t epoch;                 /* greater than that of every earlier holder */
    int64_t expires;                /* microseconds since 1970 UTC */
    int64_t ttl;                    /* it is held for that long at a time; microseconds */
    struct store_tag tag;
};

/*
 * Take the lease for `duration` microseconds if nobody holds it, its time is over, or it is void:
 * one that would last for more than twice its `ttl` was written by a clock that is far ahead, and
 * its holder may be dead. A clock that is ahead by up to the ttl is tolerated. ERR_CONFLICT:
 * somebody else does (the text says who and until when), or was faster. Where an attempt gets no
 * answer, the lease is read: it is held if it carries this call's id, else ERR_UNKNOWN.
 */
MUST_USE int lease_take(struct store *st, const char *key, const char *holder, int64_t duration,
                        struct lease *out, struct error *err);

/* Hold it for `duration` from now. ERR_CONFLICT: it was lost. */
MUST_USE int lease_renew(struct store *st, struct lease *lease, int64_t duration,
                         struct error *err);

/*
 * Give it back: the object stays, with its epoch, and is over. A lease that was lost is not an
 * error. After any other failure it ends by itself.
 */
MUST_USE int lease_give_back(struct store *st, struct lease *lease, struct error *err);

#endif

/*
 * A register: one small document that everybody may replace, and only by compare-and-swap. The
 * pointer, the manifests of the derived things and the lease are registers. Whoever replaces one
 * does so from a state that it has read, with its tag, so of all who begin from one state at most
 * one wins. A fence is such a swap, to a state that says the same: everybody who read before it
 * loses.
 *
 * Every state is unlike all others, because it carries a fresh random id. So a tag never returns,
 * and the bytes show whose they are.
 *
 * The rule about missing answers (this is the one place; register.c is the one implementation)
 *
 *  1. After a failure that surely changed nothing (store_surely_unchanged) there is no doubt.
 *  2. After anything else there is: no usable answer, an error of no known kind, and a refusal as
 *     well, for it may have been an earlier copy of our own request that it was refused for.
 *  3. Doubt is only ended by reading the register, never by a later answer. What is there is
 *       ours             done
 *       the expected     a copy may land yet: the same bytes are sent again, or the outcome is unknown
 *       another's        no copy can land any more. Whether one has, the document's history tells.
 *                        Where it keeps none, a refusal is believed; without an answer the outcome
 *                        is unknown, for ours may have stood there in between
 *       nothing to read  it is read again, a bounded number of times; then the outcome is unknown
 *  4. After an unknown outcome nothing may be deleted: ours may be there, or come.
 *
 * Objects that are created once and never replaced have names that nobody else uses, so a request
 * to create one may be repeated until it is seen to be there: that half is store/store_retry.h.
 *
 * Thread-safe.
 */
#ifndef CAUCE_CATALOG_REGISTER_H
#define CAUCE_CATALOG_REGISTER_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"
#include "util/error.h"
#include "util/str.h"

/*
 * Body and tag from one answer. ERR_ABSENT: there is none. ERR_DAMAGED also where it is larger than
 * the cap of `body`. `tag` may be NULL, and is empty unless the bytes could be read.
 */
MUST_USE int register_read(struct store *st, const char *key, struct str *body,
                           struct store_tag *tag, struct error *err);

/*
 * Replace it from `expected` (NULL: absent), with one request. `bytes` must be unlike every other
 * state; their cap is the document's. ERR_CONFLICT: somebody else replaced it. ERR_UNKNOWN: the
 * outcome is not known. Any other failure: nothing was changed. `tag` is set only on ERR_OK and may
 * be NULL.
 */
MUST_USE int register_swap(struct store *st, const char *key, const struct store_tag *expected,
                           const struct str *bytes, struct store_tag *tag, struct error *err);

/*
 * Another's state `now` was read, with `tag`: had ours been the state before it? Any failure: this
 * reading does not decide it, and it is read again.
 */
typedef int register_history(void *ctx, const struct str *now, const struct store_tag *tag,
                             bool *ours, struct error *err);

/* One replacement, with everything that may be said about it. */
struct register_change {
    struct store *store;
    const char *key;
    const struct store_tag *expected; /* the state it was made from; NULL: none */
    const struct str *bytes;          /* the next one, encoded once */
    unsigned resends;                 /* how often it may be sent again */
    unsigned looks;                   /* readings after one request, where reading itself fails */
    register_history *history;        /* NULL: the document keeps none; then `resends` is 0 */
    void *ctx;                        /* of history */
};

/* What came of it. */
struct register_answer {
    unsigned sends;       /* requests to swap */
    unsigned ambiguous;   /* answers that did not give the outcome */
    bool doubt;           /* a copy may have landed, or may land yet */
    bool read;            /* it was decided by reading */
    struct store_tag tag; /* ERR_OK: of ours, or where others are on top, of the state seen */
};

/*
 * As register_swap. Where it may be sent again, the register is read after every failure, so that
 * nothing is sent to a race that is over. Sleeps between requests and between readings; at most
 * resends + 1 requests are sent, each followed by at most `looks` readings.
 */
MUST_USE int register_change(const struct register_change *change, struct register_answer *out,
                             struct error *err);

/* Whose state is there? */
enum register_sight {
    REGISTER_OURS,     /* the bytes of the change */
    REGISTER_EXPECTED, /* the state that it was made from */
    REGISTER_OTHER     /* neither; also what is larger than the document may be */
};

/* Read it once, and compare; `history` is not asked. ERR_ABSENT: it vanished. */
MUST_USE int register_look(const struct register_change *change, enum register_sight *sight,
                           struct error *err);

#endif

/*
 * A store that fails on purpose: a decorator over any store, with a plan of faults.
 *
 * Every operation that arrives is counted, from 1; many at once (put_many, remove_many, store_each)
 * arrive one by one and in order. A test runs what it tests with a fault at operation 1, then 2, and so on, until a run in which
 * the fault did not fire: then every operation has failed once.
 *
 *     for (size_t k = 1; ; k++) {
 *         struct store *st = store_fault_new(open());
 *         store_fault_add(st, &(struct fault){.action = FAULT_LOSE_ANSWER, .at = k});
 *         ... run, recover, check ...
 *         bool fired = store_fault_fired(st) > 0;
 *         store_free(st);
 *         if (!fired)
 *             break;
 *     }
 *
 * Threads may share the store; the plan is made before it is used.
 */
#ifndef CAUCE_TESTS_SUPPORT_STORE_FAULT_H
#define CAUCE_TESTS_SUPPORT_STORE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

enum fault_op {
    FAULT_ANY,
    FAULT_GET,
    FAULT_GET_FILE,
    FAULT_HEAD,
    FAULT_PUT_NEW,
    FAULT_SWAP,
    FAULT_MOVE,
    FAULT_LIST,
    FAULT_REMOVE,
    FAULT_LOCAL_PATH,
    FAULT_PROBE,
    FAULT_OP_COUNT
};

enum fault_action {
    /* Nothing is done: ERR_AGAIN, or `code`. */
    FAULT_FAIL,
    /*
     * All is done, whatever the result, and the answer is lost: ERR_UNKNOWN (or `code`) for what
     * changes something, ERR_AGAIN for what reads. Neither tags nor bodies come back.
     */
    FAULT_LOSE_ANSWER,
    /*
     * ERR_UNKNOWN now; the request arrives later, as on a real network: right before the operation
     * numbered `later` after this one, or (0) with store_fault_flush. Its conditions are judged
     * then. What reads fails as with FAULT_FAIL.
     */
    FAULT_APPLY_LATE,
    FAULT_DIE,       /* _exit(137) before anything is done */
    FAULT_DIE_AFTER, /* all is done, then _exit(137) */
    /* One byte of what get or get_file returns is flipped. Only those operations match. */
    FAULT_CORRUPT,
    FAULT_CALL,       /* `call` is called, then all is done as usual */
    FAULT_CALL_AFTER, /* all is done as usual, then `call` is called */
};

struct fault {
    enum fault_action action;
    size_t at;        /* the how-manieth matching operation, from 1; 0: every matching one */
    enum fault_op op; /* of this kind; FAULT_ANY: any */
    const char *key;  /* with this in its key (target of a move too); NULL: any; borrowed */
    int code;         /* instead of the code above; ERR_OK: that one */
    size_t later;     /* FAULT_APPLY_LATE */
    void (*call)(void *ctx, struct store *inner);
    void *ctx;
};

/* Decorate `inner`, which belongs to the new store and is freed with it. */
struct store *store_fault_new(struct store *inner);

/* Add to the plan (copied). All faults that match an operation fire, in the order of the plan. */
void store_fault_add(struct store *st, const struct fault *fault);

/* How many times faults have fired. */
size_t store_fault_fired(struct store *st);

/* Operations so far; what the i-th was, from 1: its kind, and its key (lives as long as `st`). */
size_t store_fault_count(struct store *st);
enum fault_op store_fault_operation(struct store *st, size_t i, const char **key);
const char *store_fault_op_name(enum fault_op op);

/* Requests that are still under way; let them arrive now, in their order. */
size_t store_fault_pending(struct store *st);
void store_fault_flush(struct store *st);

/* The store below, for looking behind the faults. */
struct store *store_fault_inner(struct store *st);

#endif

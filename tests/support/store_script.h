/*
 * A store whose test decides, call by call, what becomes of each operation: it passes, is refused,
 * is done without an answer, is lost before it was done, or arrives late. For scenarios that need a
 * certain fault at a certain place, and something else in the middle.
 */
#ifndef CAUCE_TESTS_STORE_SCRIPT_H
#define CAUCE_TESTS_STORE_SCRIPT_H

#include "store/store.h"

enum script_action {
    SCRIPT_PASS, /* hand it on */
    SCRIPT_FAIL, /* do nothing and return `code` */
    SCRIPT_LOSE, /* do it, then say ERR_UNKNOWN (or `code`) */
    SCRIPT_LATE, /* put_new and swap: keep it for store_script_deliver, and say ERR_UNKNOWN */
    SCRIPT_OLD   /* get: answer with what store_script_old gave, as a careless cache would */
};

struct script_answer {
    enum script_action action;
    int code;
};

struct script_call {
    struct store *store;
    const char *operation; /* "get", "head", "put_new", "swap", "move", "list", "remove" */
    const char *key;
    unsigned n;                    /* of this operation on this key, from 1 */
    const struct store_body *body; /* of put_new and swap, else NULL */
};

/* Decides about one call; it may use the inner store in the meantime, as another writer would. */
typedef struct script_answer script_rule(void *ctx, const struct script_call *call);

/* Decorate `inner`, which stays the caller's. */
struct store *store_script_new(struct store *inner, script_rule *rule, void *ctx);

/* Bytes (borrowed) and tag that SCRIPT_OLD answers with. */
void store_script_old(struct store *st, const char *bytes, const struct store_tag *tag);

/* Apply what came late, in order. Returns how many of them changed something. */
unsigned store_script_deliver(struct store *st);

#endif

/*
 * What backends and decorators of stores share: counting for the bill, tags, bodies. Callers of a
 * store have no use for it. Thread-safe.
 */
#ifndef CAUCE_STORE_STORE_BACKEND_H
#define CAUCE_STORE_STORE_BACKEND_H

#include "store/store.h"

/* What opens the stores of one backend, by all of the URL; as store_open, with options that are set. */
typedef int store_opener(const char *url, const struct store_options *options, struct store **out,
                         struct error *err);

/* What follows an object's key in the names of what interrupted writes left. */
#define STORE_TEMP_MARK ".tmp-"
#define STORE_UPLOAD_MARK ".upload~"
/* What the names of a probe's objects begin with. */
#define STORE_PROBE_PREFIX ".probe/"

/* Count one more request in `counter`, a field of st->bill. */
void store_count_request(struct store *st, uint64_t *counter);

/* Add to a field of a bill. */
void store_count(uint64_t *counter, uint64_t amount);

/*
 * Bring the bill of a decorator up to that of the store below it. Counters only grow, so a late
 * call of one thread never takes back what another one has passed on.
 */
void store_bill_pass(struct store *outer, const struct store *inner);

/* Set a tag; `tag` may be NULL. A text that does not fit ends the program: tags are ours to make. */
void store_tag_set(struct store_tag *tag, const char *text);

/* Same state? */
bool store_tag_equal(const struct store_tag *a, const struct store_tag *b);

/*
 * ERR_OK if content of this size and SHA-256 is what the body promised, else ERR_DAMAGED. `key`
 * names the object in the message.
 */
MUST_USE int store_body_verify(const struct store_body *body, const char *key, uint64_t size,
                               const char *sha256, struct error *err);

/*
 * Why a prefix in a bucket has no room for every key below it, or would be resolved by a server to
 * another one ("..", empty segments); NULL: it is fine. `most`: bytes of the longest name there.
 */
const char *store_prefix_fault(const char *prefix, size_t most);

/* ERR_OK if `prefix` is "" or a well-formed key followed by a slash; else ERR_CONFIG. */
MUST_USE int store_prefix_check(const char *prefix, struct error *err);

#endif

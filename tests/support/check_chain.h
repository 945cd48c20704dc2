/*
 * What the stored JSON of a dataset says, as far as store_check needs it: the rules about pointer,
 * manifests and reachability. Reads the store below the check; changes nothing.
 */
#ifndef CAUCE_TESTS_SUPPORT_CHECK_CHAIN_H
#define CAUCE_TESTS_SUPPORT_CHECK_CHAIN_H

#include <stdbool.h>

#include "store/store.h"
#include "util/str.h"

#define CHECK_POINTER "current/manifest.json"
#define CHECK_INDEX "index/manifest.json"
#define CHECK_PROJECTIONS "projections/manifest.json"

/*
 * Append to `out` one line for each rule that a swap of the pointer from `expected` to `body` would
 * break. Says nothing where the pointer is not in the expected state: that swap is refused anyway.
 */
void check_pointer_swap(struct store *st, const struct store_tag *expected,
                        const struct store_body *body, bool repair, struct str *out);

/* The same for a swap of the index manifest, and of the projection manifest. */
void check_index_swap(struct store *st, const struct store_body *body, struct str *out);
void check_projection_swap(struct store *st, const struct store_body *body, struct str *out);

/* The same for a move: is it in the redo list of the guard? */
void check_move(struct store *st, const struct store_move *move, struct str *out);

/* The same for a removal: does anything that counts name the key? */
void check_removal(struct store *st, const char *key, struct str *out);

/* Is it the name of a remain of an interrupted write ("<name>.tmp-<32 hex>")? */
bool check_is_remain(const char *key);

#endif

/*
 * A small mutable object that is replaced by compare-and-swap: the manifests of derived things, and
 * the fence of gc. Internal to the catalog; the commit of a version has its own, stricter way
 * (commit.c). Thread-safe.
 */
#ifndef CAUCE_CATALOG_SLOT_H
#define CAUCE_CATALOG_SLOT_H

#include <stddef.h>

#include "store/store.h"
#include "util/error.h"
#include "util/str.h"

/*
 * Body and tag from one answer. ERR_ABSENT: there is none; `tag` is empty. ERR_DAMAGED also where it
 * is larger than the cap of `body`.
 */
MUST_USE int slot_read(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                       struct error *err);

/*
 * Replace it from `expected` (NULL: absent). Where the answer leaves doubt, the object is read once:
 * the bytes must be unlike those of any other state (they carry a fresh id), so finding them there
 * proves the success. ERR_CONFLICT: somebody else changed it. ERR_UNKNOWN: it cannot be told.
 */
MUST_USE int slot_swap(struct store *st, const char *key, const struct store_tag *expected,
                       const struct str *bytes, struct store_tag *tag, struct error *err);

#endif

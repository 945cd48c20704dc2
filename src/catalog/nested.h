/*
 * Datasets inside one another. Names alone would keep them apart (layout_kind), but nobody makes
 * that arrangement on purpose: it is refused wherever it is noticed.
 */
#ifndef CAUCE_CATALOG_NESTED_H
#define CAUCE_CATALOG_NESTED_H

#include <stdbool.h>

#include "store/store.h"

/* Is the object of that key the pointer of a dataset? False also where it cannot be read. */
bool nested_is_pointer(struct store *st, const char *key);

/*
 * Is there a dataset in one of the folders above `path`, a prefix in the store `top`? `*where`
 * becomes the nearest one, as a new string, or NULL. What may not be read is skipped.
 */
MUST_USE int nested_look_above(struct store *top, const char *path, char **where,
                               struct error *err);

/* ERR_GATE, naming the places of both. */
MUST_USE int nested_refuse(const char *outer, const char *inner, struct error *err);

#endif

/*
 * What a listing found, to be looked up by key. Internal to the catalog. A listing only ever answers
 * whether something named elsewhere is there, and what is there that nothing names; it never decides
 * what is published.
 */
#ifndef CAUCE_CATALOG_INVENTORY_H
#define CAUCE_CATALOG_INVENTORY_H

#include <stddef.h>
#include <stdint.h>

#include "store/store.h"
#include "util/error.h"

struct inventory_item {
    char *key;
    uint64_t size;
};

struct inventory {
    struct inventory_item *items; /* ascending by key */
    size_t count, capacity;
};

/* List everything below the prefix. On failure `out` is empty. */
MUST_USE int inventory_list(struct store *st, const char *prefix, struct inventory *out,
                            struct error *err);
void inventory_release(struct inventory *list);

/* Append a copy of the key; sort before finding. */
void inventory_add(struct inventory *list, const char *key, uint64_t size);
void inventory_sort(struct inventory *list);

/* The object of that key, or NULL. */
const struct inventory_item *inventory_find(const struct inventory *list, const char *key);

#endif

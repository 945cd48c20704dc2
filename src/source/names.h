/* Names in the order in which they first occurred, each once. One owner. */
#ifndef CAUCE_SOURCE_NAMES_H
#define CAUCE_SOURCE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct names {
    char **items;
    size_t count;
    size_t capacity;
    size_t *slots; /* places in `items` plus 1, by hash; 0: free */
    size_t slot_count;
};

/* Release is safe on a zeroed struct, which is an empty set. */
void names_release(struct names *n);

/* Add a name where it is new; its place. */
size_t names_add(struct names *n, const char *name);

/* Its place, or SIZE_MAX. */
size_t names_find(const struct names *n, const char *name);

#endif

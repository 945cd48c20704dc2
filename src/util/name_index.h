/*
 * Where a name stands in a list of names: a lookup for whoever asks for many, built once. The names are
 * borrowed and must stay as they are. Read-only once it is made: any number of threads may use it.
 */
#ifndef CAUCE_UTIL_NAME_INDEX_H
#define CAUCE_UTIL_NAME_INDEX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct name_index {
    const char *first; /* the pointer to the first name, and bytes from each to the next */
    size_t stride;
    bool fold;
    size_t *slots; /* positions plus 1, by hash; 0: free */
    size_t slot_count;
};

/*
 * Names of `count` elements that are `stride` bytes long each; `first` is where the first one has its
 * name. NULL is the name of nothing. `fold`: "Day" and "day" are the same, as for strcasecmp().
 */
void name_index_init(struct name_index *x, const void *first, size_t count, size_t stride,
                     bool fold);
void name_index_release(struct name_index *x); /* all zero is valid, and empty */

/* The first position of a name, or SIZE_MAX. */
size_t name_index_find(const struct name_index *x, const char *name);

#endif

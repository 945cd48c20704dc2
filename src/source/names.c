#include "source/names.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "util/hash.h"
#include "util/mem.h"

#define FIRST_SLOTS 64

void names_release(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free(n->items[i]);
    free(n->items);
    free(n->slots);
    *n = (struct names){0};
}

/* The slot of a name: its own, or the free one where it belongs. There is always a free one. */
static size_t slot_of(const struct names *n, const char *name)
{
    size_t at = (size_t)hash_64(name, strlen(name), 0) & (n->slot_count - 1);
    while (n->slots[at] != 0 && strcmp(n->items[n->slots[at] - 1], name) != 0)
        at = (at + 1) & (n->slot_count - 1);
    return at;
}

static void make_room(struct names *n)
{
    if (n->count * 2 < n->slot_count)
        return;
    free(n->slots);
    n->slot_count = n->slot_count > 0 ? n->slot_count * 4 : FIRST_SLOTS;
    n->slots = mem_calloc(n->slot_count, sizeof *n->slots);
    for (size_t i = 0; i < n->count; i++)
        n->slots[slot_of(n, n->items[i])] = i + 1;
}

size_t names_add(struct names *n, const char *name)
{
    make_room(n);
    size_t slot = slot_of(n, name);
    if (n->slots[slot] == 0) {
        n->items = mem_grow(n->items, n->count, &n->capacity, sizeof *n->items);
        n->items[n->count++] = mem_strdup(name);
        n->slots[slot] = n->count;
    }
    return n->slots[slot] - 1;
}

size_t names_find(const struct names *n, const char *name)
{
    size_t slot = n->slot_count > 0 ? slot_of(n, name) : 0;
    return n->slot_count > 0 && n->slots[slot] != 0 ? n->slots[slot] - 1 : SIZE_MAX;
}

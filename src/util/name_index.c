#include "util/name_index.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"

static const char *name_at(const struct name_index *x, size_t i)
{
    const char *name;
    memcpy(&name, x->first + i * x->stride, sizeof name);
    return name;
}

static bool same(const struct name_index *x, const char *a, const char *b)
{
    return (x->fold ? strcasecmp(a, b) : strcmp(a, b)) == 0;
}

/* FNV-1a: http://www.isthe.com/chongo/tech/comp/fnv/ */
static size_t hash_of(const struct name_index *x, const char *name)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (const char *p = name; *p != '\0'; p++) {
        int c = (unsigned char)*p;
        hash = (hash ^ (uint64_t)(x->fold ? tolower(c) : c)) * UINT64_C(1099511628211);
    }
    return (size_t)(hash ^ hash >> 32);
}

/* The slot of a name: its own, or the free one where it belongs. There is always a free one. */
static size_t slot_of(const struct name_index *x, const char *name)
{
    size_t at = hash_of(x, name) & (x->slot_count - 1);
    while (x->slots[at] != 0 && !same(x, name_at(x, x->slots[at] - 1), name))
        at = (at + 1) & (x->slot_count - 1);
    return at;
}

void name_index_init(struct name_index *x, const void *first, size_t count, size_t stride,
                     bool fold)
{
    *x = (struct name_index){.first = first, .stride = stride, .fold = fold, .slot_count = 16};
    while (x->slot_count / 2 < count)
        x->slot_count *= 2;
    x->slots = mem_calloc(x->slot_count, sizeof *x->slots);
    for (size_t i = 0; i < count; i++) {
        const char *name = name_at(x, i);
        size_t at = name != NULL ? slot_of(x, name) : 0;
        if (name != NULL && x->slots[at] == 0)
            x->slots[at] = i + 1;
    }
}

void name_index_release(struct name_index *x)
{
    free(x->slots);
    *x = (struct name_index){0};
}

size_t name_index_find(const struct name_index *x, const char *name)
{
    size_t at = x->slot_count > 0 ? slot_of(x, name) : 0;
    return x->slot_count > 0 && x->slots[at] != 0 ? x->slots[at] - 1 : SIZE_MAX;
}

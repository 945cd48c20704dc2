#include "derived/projection/partition_set.h"

#include <assert.h>
#include <stdlib.h>

#include "util/mem.h"

static int compare(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a;
    int32_t y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

void partition_set_add(struct partition_set *s, int32_t partition)
{
    if (s->count > 0 && s->items[s->count - 1] == partition)
        return;
    /* Most come in ascending order: then there is nothing to settle. */
    s->settled += s->settled == s->count && (s->count == 0 || s->items[s->count - 1] < partition);
    s->items = mem_grow(s->items, s->count, &s->capacity, sizeof *s->items);
    s->items[s->count++] = partition;
}

void partition_set_settle(struct partition_set *s)
{
    size_t n = 0;
    if (s->settled == s->count)
        return;
    qsort(s->items, s->count, sizeof *s->items, compare);
    for (size_t i = 0; i < s->count; i++)
        if (n == 0 || s->items[n - 1] != s->items[i])
            s->items[n++] = s->items[i];
    s->count = n;
    s->settled = n;
}

bool partition_set_has(const struct partition_set *s, int32_t partition)
{
    assert(s->settled == s->count);
    return s->count > 0 && bsearch(&partition, s->items, s->count, sizeof *s->items, compare);
}

void partition_set_release(struct partition_set *s)
{
    free(s->items);
    *s = (struct partition_set){0};
}

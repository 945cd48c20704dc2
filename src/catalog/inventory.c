#include "catalog/inventory.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

void inventory_release(struct inventory *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].key);
    free(list->items);
    *list = (struct inventory){0};
}

void inventory_add(struct inventory *list, const char *key, uint64_t size)
{
    list->items = mem_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = (struct inventory_item){.key = mem_strdup(key), .size = size};
}

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct inventory_item *)a)->key, ((const struct inventory_item *)b)->key);
}

void inventory_sort(struct inventory *list)
{
    if (list->count > 0)
        qsort(list->items, list->count, sizeof *list->items, compare);
}

static int add_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    inventory_add(ctx, entry->key, entry->size);
    return ERR_OK;
}

int inventory_list(struct store *st, const char *prefix, struct inventory *out, struct error *err)
{
    *out = (struct inventory){0};
    int rc = store_list(st, prefix, add_entry, out, err);
    if (rc == ERR_OK)
        inventory_sort(out);
    else
        inventory_release(out);
    return rc;
}

const struct inventory_item *inventory_find(const struct inventory *list, const char *key)
{
    size_t low = 0;
    size_t high = list->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = strcmp(list->items[middle].key, key);
        if (order == 0)
            return &list->items[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

/* A set of partitions. One owner; no locking. */
#ifndef CAUCE_DERIVED_PROJECTION_PARTITION_SET_H
#define CAUCE_DERIVED_PROJECTION_PARTITION_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ascending, each once, up to `settled`; what was added since follows in any order. */
struct partition_set {
    int32_t *items;
    size_t count, capacity;
    size_t settled;
};

void partition_set_add(struct partition_set *s, int32_t partition);

/* Sort all of them, each once. To be called before anybody reads it. */
void partition_set_settle(struct partition_set *s);

/* Of a settled set. */
bool partition_set_has(const struct partition_set *s, int32_t partition);

void partition_set_release(struct partition_set *s); /* all zero is valid, and empty */

#endif

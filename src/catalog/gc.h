/*
 * Removal of what nothing names, without trusting clocks (docs/protocol.md, "Cleaning up").
 */
#ifndef CAUCE_CATALOG_GC_H
#define CAUCE_CATALOG_GC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/root.h"

/* One candidate for deletion: its name is one that cauce makes, and nothing names it. */
struct gc_item {
    char *key;
    uint64_t size;
};

#define GC_STRANGERS_MAX 100
struct gc_report {
    struct gc_item *items; /* candidates: neither reachable nor derived nor a run record */
    size_t count, capacity;
    uint64_t bytes;
    size_t removed;            /* surely gone */
    uint64_t gc_epoch;         /* after the fence */
    struct version_id version; /* the newest, by which all was judged */
    /* Objects under names that cauce does not make; left alone. The first of them. */
    char *strangers[GC_STRANGERS_MAX];
    size_t stranger_count; /* all */
};
void gc_report_release(struct gc_report *r);

/*
 * Find the candidates; with `apply` also fence (swap of the pointer and of every root to the next
 * epoch) and delete exactly those. Anything but a definite success of the fence ends with nothing
 * deleted: ERR_CONFLICT (somebody published in the meantime: run it again), ERR_UNKNOWN. ERR_GATE:
 * another dataset is in a folder of this one. Where there is no room even for the fence (ERR_FULL),
 * what needs no fence is deleted first, and roots that can be given up as the last resort.
 */
MUST_USE int gc_collect(struct store *st, const struct roots *roots, const char *dataset,
                        bool apply, struct gc_report *out, struct error *err);

#endif

/*
 * Setting the pointer on explicit request: where it is lost, damaged or out of date, or to give up
 * what was published last. Nothing here chooses a version; `repair_look` gathers the evidence to
 * choose by.
 */
#ifndef CAUCE_CATALOG_REPAIR_H
#define CAUCE_CATALOG_REPAIR_H

#include <stdbool.h>

#include "catalog/evidence.h"

/* The pointer as it was found. */
struct found_pointer {
    bool exists;
    bool intact;
    struct pointer pointer;
    struct store_tag tag;
};

/* The pointer, the manifests there are, and who names them. */
struct repair_view {
    struct found_pointer found;
    struct evidence evidence; /* the pointer among the witnesses, where it is intact */
};

/*
 * Look, changing nothing. A pointer that is lost or damaged is not an error. Release `out` whatever
 * is returned.
 */
MUST_USE int repair_look(struct store *st, const struct roots *roots, struct repair_view *out,
                         struct error *err);
void repair_view_release(struct repair_view *view);

/* Is the pointer intact, and does something speak of a later one? */
bool repair_went_back(const struct repair_view *view);

struct repair_options {
    const char *manifest_key;
    bool replace;     /* what was published may be given up */
    bool unpublished; /* the manifest may be one that nothing says was published */
    bool dry_run;
};

/*
 * Set the pointer to a manifest, in an epoch beyond all that were seen. Walks and checks the chain
 * from there first: every manifest, and that every event file is there with its size. One that
 * already names this manifest is left alone, which is success without `*changed`. The swap expects
 * the state seen: ERR_CONFLICT where somebody was faster. ERR_GATE: the manifest is not known to be
 * published, what was published would be given up, the pointer belongs to another dataset, or a
 * newer cauce wrote it. ERR_CONFIG: not the key of a manifest; ERR_ABSENT: there is no such object;
 * ERR_DAMAGED: the chain is not whole. What is given up becomes unreachable, and gc collects its
 * files.
 */
MUST_USE int repair_set(struct store *st, const struct repair_view *view,
                        const struct repair_options *o, struct pointer *out, bool *changed,
                        struct error *err);

#endif

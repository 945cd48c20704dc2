/*
 * A root: an object at a fixed key that names other objects, is made from the chain of versions,
 * and is replaced by compare-and-swap. Each derived thing (derived/derived.h) has one. This is what
 * is asked of it by those who look at a store as a whole: gc, verify, and the search for witnesses
 * of a pointer that went back. They are given the roots, and know none of them by name.
 *
 * A root's state is what was read of it: opaque, the heap's, given back with `release`.
 */
#ifndef CAUCE_CATALOG_ROOT_H
#define CAUCE_CATALOG_ROOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/inventory.h"
#include "catalog/layout.h"
#include "catalog/witness.h"

struct verifier;

/* What gc fences with. */
struct root_fence {
    const struct base *base;
    uint64_t gc_epoch; /* the new one */
    bool published;    /* the version that the root speaks of (its witness) is in the chain */
};

/* Texts are whole sentences for people. No slot is NULL but where it says so. */
struct root {
    const char *key;     /* its place, as in "index/manifest.json" */
    const char *command; /* of cauce, that rebuilds it whatever state it is in */
    const char *absent;  /* what verify says where it is missing beside a version; NULL: nothing */
    const char *remedy;  /* what makes it right again */

    /*
     * Is that the key of an object it names, byte by byte as it would have made it? gc deletes what
     * nothing names and anything owns. Not asked of its own key. Pure.
     */
    bool (*owns)(const char *key);
    bool lasting; /* gc deletes nothing that it owns, but remains of writing it */

    /*
     * Read it. ERR_OK: `*state` is what was read, with what a swap from it expects. Else it is NULL:
     * ERR_ABSENT; ERR_DAMAGED: it cannot be understood, so what it names is not known; ERR_GATE: a
     * newer cauce wrote it; other codes: the store failed.
     */
    int (*read)(struct store *st, void **state, struct error *err);
    void (*release)(void *state); /* NULL allowed */

    /* The newest version it speaks of, and in which epoch. Pure. */
    void (*witness)(const void *state, struct witness *out);

    /* Add every key that it names. What it may yet name (by a writer at work) is not among them. */
    void (*name_all)(const void *state, struct inventory *named);

    /*
     * Swap it from `state` to one that says the same in the new epoch, with an attempt id of its
     * own, so that whoever is at work loses the next swap. What is not published must not speak of
     * itself in the new epoch. `state` NULL: there is none, but objects that it owns; an empty one
     * takes the place that their writer expects to be free. On failure the state is as good as
     * before for another try. ERR_CONFLICT: somebody was faster; ERR_UNKNOWN: the outcome is not
     * known; ERR_FULL.
     */
    int (*fence)(struct store *st, void *state, const struct root_fence *f, struct error *err);

    /*
     * The last resort where the disk has no room for the fence: remove it, and what it names. A
     * later run must rebuild it. NULL: it frees nothing, or readers would miss it.
     */
    void (*give_up)(struct store *st, const void *state);

    /*
     * Findings about what it says, its files, and how it relates to the chain (verify_part.h).
     * Asked only where it could be read. An error only where the store fails.
     */
    int (*verify)(struct verifier *v, const void *state, struct error *err);
};

/* Those of a dataset, in the order in which they are fenced. */
#define ROOTS_MAX 8
struct roots {
    const struct root *items[ROOTS_MAX];
    size_t count;
};

/* As layout_kind, and of what the roots are and own. */
enum layout_kind roots_kind(const struct roots *roots, const char *key, struct version_id *version);

/* Is it an object that the root owns, or the remains of one, or of itself? */
bool root_owns(const struct root *r, const char *key);

/*
 * Does a root speak of a later state than the pointer's? Each is read and checked as
 * witness_check_backed; what is absent or damaged says nothing.
 */
MUST_USE int roots_check_witnesses(struct store *st, const struct roots *roots,
                                   const struct base *base, struct error *err);

#endif

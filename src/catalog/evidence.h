/*
 * What the objects of a store say about its versions: which manifests there are, whether they are
 * whole, and what shows that they were published. For those who list anyway: gc, verify, repair.
 *
 * A version was published if something that comes only after its commit names it: a root (key
 * index, projections), the record of a run, or a manifest that is built on it, published or not,
 * because a writer only builds on what the pointer named. An attempt that ended before its commit
 * is named by nothing.
 */
#ifndef CAUCE_CATALOG_EVIDENCE_H
#define CAUCE_CATALOG_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/inventory.h"
#include "catalog/root.h"

/* A manifest in the store. */
struct candidate {
    char key[LAYOUT_KEY_SIZE];
    struct version_id version;
    struct version_id parent;
    char dataset[DATASET_ID_SIZE];
    uint64_t key_seed;
    char run_id[ID_SIZE];
    int64_t time;      /* a label */
    uint64_t gc_epoch; /* of the pointer it was to replace */
    bool readable;
    uint64_t missing; /* its event files that are gone or have another size */
    bool whole;       /* it and every version below it is there, with all files */
    char sha256[SHA256_HEX_SIZE];
    char parent_sha256[SHA256_HEX_SIZE];
};

struct evidence {
    struct witness *witnesses; /* by version, ascending */
    size_t witness_count, witness_capacity;
    struct candidate *candidates; /* by key, ascending */
    size_t candidate_count;
};
void evidence_release(struct evidence *e); /* all zero is valid to release */

/*
 * Read it: the roots, the newest records of runs, and every manifest. What is damaged says nothing.
 */
MUST_USE int evidence_read(struct store *st, const struct roots *roots, struct evidence *out,
                           struct error *err);

/* Add one more witness; one that says nothing is ignored. */
void evidence_add(struct evidence *e, const struct witness *w);

/* The witnesses of a version: `*count` of them from the one returned on; NULL: none. */
const struct witness *evidence_of(const struct evidence *e, const struct version_id *version,
                                  size_t *count);

/*
 * The latest state that anything speaks of, or NULL; with `whole` only of a version that is whole.
 */
const struct witness *evidence_latest(const struct evidence *e, bool whole);

/* The manifest of a version, or NULL. */
const struct candidate *evidence_find(const struct evidence *e, const struct version_id *version);

/*
 * Do records of runs, or manifests beside the chain, contradict the base? `chain` (sorted) holds the
 * keys of the manifests of its chain, `objects` a listing of the store (NULL: it is made here). As
 * witness_check.
 */
MUST_USE int evidence_check(struct store *st, const struct base *base,
                            const struct inventory *objects, const struct inventory *chain,
                            struct error *err);

/*
 * The same before a version is published, for stores whose listings cost nothing: where there is no
 * manifest of the next version, nothing else is read.
 */
MUST_USE int evidence_check_next(struct store *st, const struct base *base, struct error *err);

#endif

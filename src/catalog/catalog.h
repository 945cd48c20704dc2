/*
 * A dataset in a store: open it, read its chain, put immutable objects, commit.
 *
 * A commit is: write the manifest (it must not exist), then swap the pointer. Everything before the
 * swap is invisible. Nothing here overwrites or deletes.
 */
#ifndef CAUCE_CATALOG_CATALOG_H
#define CAUCE_CATALOG_CATALOG_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/manifest.h"
#include "catalog/pointer.h"
#include "store/store.h"

/* The version a run builds on: pointer, its tag, and the manifest it names. */
struct base {
    struct pointer pointer;
    struct store_tag tag;
    struct manifest manifest; /* all zero at sequence 0 */
};
void base_release(struct base *b);

/*
 * Read the pointer and the manifest it names, checked against each other (steps 1 and 2 of the
 * protocol). `dataset` (NULL: any) must be the one in the pointer. ERR_ABSENT: the store has
 * nothing of a dataset (objects of the probe, records of runs, what an interrupted creation left
 * and what is not cauce's do not count). ERR_DAMAGED: the pointer is missing beside other objects,
 * or something is altered or missing; the message names the object and what to do. ERR_CONFIG: it
 * is another dataset. ERR_GATE: a newer cauce wrote it, or another dataset is in a folder of the
 * store. On failure `out` is all zero.
 */
MUST_USE int base_read(struct store *st, const char *dataset, struct base *out, struct error *err);

/*
 * Create the pointer at sequence 0, after base_read has returned ERR_ABSENT, and read it.
 * ERR_AGAIN: it could not be created, or could not be read afterwards. Else as base_read.
 */
MUST_USE int base_create(struct store *st, const char *dataset, struct base *out,
                         struct error *err);

/*
 * Read one manifest and compare it with what names it. `sha256` NULL: nothing vouches for it; then
 * its absence is ERR_ABSENT, else ERR_DAMAGED. On failure `out` is all zero.
 */
MUST_USE int catalog_read_manifest(struct store *st, const char *key, const char *sha256,
                                   struct manifest *out, struct error *err);

/*
 * Walk the chain from a manifest towards its ancestors, newest first. `visit` sees each manifest
 * (borrowed, but it may take fields over by zeroing them); it sets `*stop` to end the walk. The
 * head itself comes first. Every parent's hash, sequence, dataset, sums and schema are checked against
 * its child. Ends at sequence 1, or at `oldest_sequence`. ERR_DAMAGED names the object.
 */
typedef int chain_visit(void *ctx, struct manifest *m, bool *stop, struct error *err);
MUST_USE int catalog_walk(struct store *st, const struct base *base, chain_visit *visit, void *ctx,
                          struct error *err);

/*
 * Event files of all versions after `after` (exclusive, 0: all) up to `upto` (inclusive), oldest
 * version first, taken from checkpoints where they save reading. ERR_ABSENT: `upto` is not in the
 * chain of `base`. Where older versions are no longer kept, their files are not listed. The caller
 * releases `out`, which is empty on failure.
 */
MUST_USE int catalog_files(struct store *st, const struct base *base, uint64_t after, uint64_t upto,
                           struct manifest_files *out, struct error *err);

/* Is the version in the chain of `base`? Looks at `recent` first, then walks. */
MUST_USE int catalog_contains(struct store *st, const struct base *base,
                              const struct version_id *version, bool *contains, struct error *err);

/* How a commit was settled, for the record and the metrics. */
struct commit_report {
    unsigned swaps;     /* requests to swap that were sent */
    unsigned ambiguous; /* answers that did not give the outcome */
    /*
     * Only the pointer showed it: no answer came, or a refusal was due to an earlier copy of our
     * own request.
     */
    bool settled_by_reading;
    bool manifest_written; /* the manifest exists (or may exist): part of the roll-back */
    char manifest_key[LAYOUT_KEY_SIZE];
    /*
     * On ERR_OK the pointer that names this version, and its tag; where the outcome was learned by
     * reading, the newest one, whose current version others may have put on top.
     */
    struct pointer pointer;
    struct store_tag tag;
};

#define COMMIT_RESENDS 4

/*
 * Steps 6 to 8. `m->version` must be base + 1 with a fresh commit. Fills in what the base alone
 * determines: dataset, parent, key seed, and the checkpoint where one is due. The event files must
 * exist already. Sleeps between attempts; at most COMMIT_RESENDS + 1 swaps are sent.
 *   ERR_OK        committed, once
 *   ERR_CONFLICT  definitely lost: this version is not and will never be in the chain; its files
 *                 may be removed
 *   ERR_UNKNOWN   the outcome is hidden; every file must stay
 *   ERR_GATE      the manifest is not consistent in itself or with the base; nothing was written
 *   other         the manifest could not be written, or the swap was refused for sure; nothing
 *                 is visible, files may be removed
 */
MUST_USE int catalog_commit(struct store *st, const struct base *base, struct manifest *m,
                            struct commit_report *report, struct error *err);

#endif

/*
 * A store that knows the protocol: a decorator that looks at every operation on a dataset and
 * records what the protocol forbids. A test ends with
 *
 *     assert_string_equal(store_check_text(st), "");
 *
 * It knows keys and formats from the protocol alone and shares no code with the catalog. What it
 * asserts:
 *
 *   - objects under manifests/, events/ and index/ (but for index/manifest.json) are created by
 *     put_new, once, and never swapped, moved or moved onto
 *   - current/manifest.json, index/manifest.json and projections/manifest.json are written by swap
 *     only, and never moved or removed
 *   - the pointer is created as nothing at all, at sequence 0, before any other object
 *   - a pointer swap goes to the next sequence or keeps version, commit and manifest (a fence); its
 *     nonce is new; gc_epoch and oldest_sequence never go down
 *   - before a version becomes current, its manifest exists with the SHA-256 that the pointer
 *     states, says the same sequence and commit, and names the replaced version as its parent; every
 *     file of its outputs and its checkpoint exists with its size
 *   - before an index manifest becomes current, every shard that it names exists with its size; and
 *     before a projection manifest says `completed`, every file of its parts
 *   - only what the redo list in projections/manifest.json names is moved, under its guard
 *   - nothing but .parquet lies under events/ (the log of the table and remains of interrupted
 *     writes aside)
 *   - nothing is removed that the chain of the current pointer, the index manifest or the projection
 *     manifest names
 *
 * The store is opened at the dataset: keys begin with "current/", "events/" and so on. Put it below
 * a store_fault, not above: its own reading would be counted and hit there.
 *
 * Fields that these rules need and a format does not have are violations too, so that a format cannot
 * change behind their back. The bill counts the check's own reading.
 *
 * What was refused with a definite failure is no violation: nothing happened. Thread-safe; with
 * several writers the checks look at the moment before the operation.
 */
#ifndef CAUCE_TESTS_SUPPORT_STORE_CHECK_H
#define CAUCE_TESTS_SUPPORT_STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

/* Decorate `inner`, which belongs to the new store and is freed with it. */
struct store *store_check_new(struct store *inner);

/* Violations so far, and one line for each; the text lives until the next operation. */
size_t store_check_violations(struct store *st);
const char *store_check_text(struct store *st);

/* `repair` may create a lost pointer beside objects, and set it to any version that is there. */
void store_check_allow_repair(struct store *st, bool allowed);

#endif

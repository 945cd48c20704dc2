/*
 * Whether the pointer went back: an older one was put in place of a newer one, by a backup, a sync
 * or by hand.
 *
 * A commit raises the sequence and keeps the epoch; gc and repair raise the epoch. So the states of
 * a pointer are ordered by epoch, then sequence, and never go back by themselves. Whatever speaks
 * of a version says the epoch in which the pointer named it: one that speaks of a later state than
 * the pointer is in is a witness that the pointer went back. What a repair gave up is of an earlier
 * epoch, and what was never published is named by nobody.
 */
#ifndef CAUCE_CATALOG_WITNESS_H
#define CAUCE_CATALOG_WITNESS_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"

/* A state of the pointer that something speaks of. Sequence 0: it says nothing. */
struct witness {
    char who[LAYOUT_KEY_SIZE]; /* the object, or another name for people */
    uint64_t gc_epoch;
    struct version_id version;
};

/*
 * Does it speak of a later state than the pointer's or, in the same epoch, of a version that the
 * pointer's chain does not hold, as far as `recent` goes back? Pure.
 */
bool witness_contradicts(const struct pointer *p, const struct witness *w);

/*
 * ERR_OK where the witness does not contradict the base. Else the pointer is read once more:
 * ERR_CONFLICT where somebody has replaced it in the meantime, ERR_DAMAGED where it went back; the
 * text says which versions are newer, who knows of them, and what to do. Nothing is changed.
 */
MUST_USE int witness_check(struct store *st, const struct base *base, const struct witness *w,
                           struct error *err);

/*
 * The same, believing the witness only where the store has the manifest of its version: for derived
 * things, which are rebuilt where they speak of what never was.
 */
MUST_USE int witness_check_backed(struct store *st, const struct base *base,
                                  const struct witness *w, struct error *err);
#endif

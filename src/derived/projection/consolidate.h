/*
 * Consolidation of the projections: a redo log (docs/protocol.md, "Consolidation"). The states and what each
 * crash leaves are described in consolidate.c.
 */
#ifndef CAUCE_DERIVED_PROJECTION_CONSOLIDATE_H
#define CAUCE_DERIVED_PROJECTION_CONSOLIDATE_H

#include "dataset/dataset.h"
#include "derived/projection/state.h"

/* What the consolidation did. */
struct consolidation_report {
    enum projection_phase state; /* that it left; in progress: to be resumed */
    uint64_t built;              /* partitions built from events */
    uint64_t moved;              /* files put into place */
    bool skipped;                /* there was nothing to do */
    bool resumed;                /* an interrupted one was taken up from its beginning */
    bool replayed;               /* an interrupted one was finished from its redo list */
    uint64_t behind;             /* partitions that are not consolidated yet */
};

/* How closely the files of a completed consolidation are checked before it is believed. */
enum consolidate_check {
    CONSOLIDATE_CHECK_STAMP, /* not at all */
    CONSOLIDATE_CHECK_SIZE,  /* present, with its size */
    CONSOLIDATE_CHECK_BYTES, /* hashed */
};

/*
 * Bring the projections to the version of `base`. Idempotent. ERR_OK also where another process
 * took over. ERR_DAMAGED where the pointer went back, as the projections know, too. On failure the
 * state stays `in_progress` and any later call resumes it.
 */
MUST_USE int consolidate(struct dataset *d, const struct base *base, enum consolidate_check check,
                         struct consolidation_report *report, struct error *err);

/*
 * The same from a state that has just been read, which is taken over; where it is all zero, or others
 * have gone on from it, it is read here.
 */
MUST_USE int consolidate_from(struct dataset *d, const struct base *base,
                              struct projection_state *seen, enum consolidate_check check,
                              struct consolidation_report *report, struct error *err);

/* What it would do: partitions to build, without writing anything. */
MUST_USE int consolidate_plan(struct dataset *d, const struct base *base,
                              enum consolidate_check check, struct consolidation_report *report,
                              struct error *err);

#endif

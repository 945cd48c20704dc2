/*
 * The pieces of a consolidation; consolidate.c puts them in order. Private to the two.
 */
#ifndef CAUCE_DERIVED_PROJECTION_CONSOLIDATION_H
#define CAUCE_DERIVED_PROJECTION_CONSOLIDATION_H

#include "dataset/dataset.h"
#include "derived/projection/consolidate.h"
#include "derived/projection/partition_set.h"
#include "derived/projection/state.h"

/* One of the event files of a base. */
struct event_place {
    int32_t partition;
    size_t at; /* among all of them */
};

struct consolidation {
    struct dataset *d;
    const struct base *base; /* the caller's, or `renewed` */
    struct base renewed;     /* read again, where others have published meanwhile */
    const struct schema *schema;
    struct projection_state seen;  /* read before; what to begin with, once */
    struct projection_state state; /* as read or written last, with its tag */
    struct manifest_files files;   /* every event file up to the base, once listed */
    struct event_place *places;    /* the same by partition, and in that order within one */
    char **paths;                  /* local files, as far as they were needed */
    bool listed;
    struct partition_set standing; /* of this round: those that could not be brought up to date */
    struct error why;              /* of the first of them */
    struct consolidation_report *report;
};
void consolidation_release(struct consolidation *c);

/*
 * A partition cannot be brought up to date: it stands as it is, and the others go on. The first reason
 * is kept. `standing` is settled once there are no more.
 */
void consolidation_stand(struct consolidation *c, int32_t partition, const struct error *why);

/*
 * Read the state, or take the one that was read before; none, or one that cannot be understood, or that reflects what the chain does not
 * hold (after a repair), is a state of phase NONE. Where it speaks of a version beyond the base, the
 * base is read again: projections never go back. ERR_DAMAGED: the pointer did, as the state knows.
 */
MUST_USE int consolidation_read(struct consolidation *c, struct error *err);

/*
 * Partitions whose consolidated file is not that of the base: those of newer events, those that
 * lose rows to them, those of an interrupted attempt, those whose file has not all columns of the
 * base's schema; where nothing is consolidated all that have events, or a file that only what a
 * repair gave up can have left: it becomes an empty one.
 */
MUST_USE int consolidation_affected(struct consolidation *c, struct partition_set *out,
                                    struct error *err);

/* Add the partitions whose file is missing or not what the state says. */
MUST_USE int consolidation_check(struct consolidation *c, enum consolidate_check check,
                                 struct partition_set *out, struct error *err);

/*
 * Build the state's affected partitions into `.tmp/` of its attempt, but for those whose events are
 * damaged: these stand. `*built` and what it holds are the caller's, also on failure (then it lists
 * what may have been stored).
 */
MUST_USE int consolidation_build(struct consolidation *c, struct projection_part **built,
                                 size_t *count, struct error *err);

/*
 * Move every file that may still have its former name to the name it has today, where the redo list
 * replaces it, or remove it where nothing does. Whoever reads the windows never sees a partition twice in a folder, and in a bucket
 * only between a copy and the deletion that follows it. ERR_CONFLICT: another process took over.
 */
MUST_USE int consolidation_rename_former(struct consolidation *c, struct error *err);

/*
 * Move every file of the redo list into place, or see that it is there. One that cannot be moved stands;
 * the others go on. ERR_CONFLICT: another process took over, or has put a newer file there. ERR_ABSENT: a
 * temp file is gone and the final one is not what it should be. ERR_UNKNOWN: whether one has moved is not
 * known. Repeating it is harmless.
 */
MUST_USE int consolidation_move_all(struct consolidation *c, struct error *err);

/* Delete the temp files of parts; what cannot be deleted is left to gc. */
void consolidation_drop_temp(struct consolidation *c, const struct projection_part *parts,
                             size_t count);

/* Delete everything in `.tmp/` but this attempt's and what the redo list names. */
MUST_USE int consolidation_sweep(struct consolidation *c, struct error *err);

#endif

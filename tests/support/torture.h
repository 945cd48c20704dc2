/*
 * Fault loops over runs: a state of a dataset is prepared once; then the same run starts from a copy
 * of it again and again, each time with another fault, and is followed by ordinary runs. A reader
 * that knows only the pointer looks after each step.
 */
#ifndef CAUCE_TESTS_SUPPORT_TORTURE_H
#define CAUCE_TESTS_SUPPORT_TORTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/reader.h"
#include "support/scenario.h"
#include "support/store_fault.h"

/* From which state, and with which source. */
enum torture_state {
    TORTURE_EMPTY,        /* nothing at all: the first run of a dataset */
    TORTURE_PUBLISHED,    /* one version */
    TORTURE_INDEX_BEHIND, /* two versions, index of the first */
    TORTURE_INDEX_GONE,   /* two versions, no index */
    TORTURE_REDO,         /* two versions, a redo list of which nothing was moved */
    TORTURE_HALF_MOVED,   /* two versions, a redo list of which one file was moved */
    TORTURE_BEGUN,        /* two versions, a consolidation without a redo list */
    TORTURE_STATES
};
const char *torture_state_name(enum torture_state state);

struct torture {
    const struct variant *variant;
    enum torture_state state;
    struct scenario s;
    struct reader *reader;
    struct store *base;          /* memory: the prepared state */
    const char *csv;             /* what the tortured run publishes */
    size_t faults, runs, checks; /* counted */
    struct str found;            /* violations of one round */
};

/* Nothing is published yet, and libduckdb is not loaded. Sleeps take no time from then on. */
void torture_open(struct torture *t, const struct variant *variant, enum torture_state state);
/* Bring `base` to the state. */
void torture_prepare(struct torture *t);
void torture_close(struct torture *t);

/*
 * The tortured run where nothing fails: a fault store, the caller's to free, that counted its
 * operations.
 */
struct store *torture_rehearse(struct torture *t);

/*
 * One round: a copy of the state, the run with these faults, the reader; an ordinary run, the reader;
 * a second one that must write nothing. `hidden`: the faults may hide the outcome of the commit.
 * Returns the violations of all of it ("" where there are none), borrowed until the next round.
 */
enum torture_extra {
    TORTURE_LATE_AT_END = 1, /* what is under way arrives after the ordinary run, not before it */
    TORTURE_GC = 2,          /* gc at the end must leave nothing over */
    TORTURE_REREAD = 4,      /* the source read again must hold nothing new */
    TORTURE_HIDDEN = 8,      /* the faults may hide the outcome of the commit */
};
const char *torture_round(struct torture *t, const struct fault *faults, size_t count,
                          unsigned extras);

/*
 * The second half of a round, over any store: an ordinary run and the reader, a second run that must
 * write nothing, then the extras. Appends violations to t->found.
 */
void torture_recover(struct torture *t, struct store *st, unsigned extras);

/* Look at a store; appends violations to t->found, headed by `when`. */
void torture_check(struct torture *t, struct store *st, unsigned demands, const char *when);

/*
 * The loop of rounds over every operation, for one variant, or for all where the full product is
 * asked for. Prints what it did; a violation fails the test.
 */
void torture_fail_each(enum torture_state state, const char *usual);

/* Is the full product asked for (CAUCE_TORTURE=full; anything but "" and "0" will do)? */
bool torture_full(void);

#endif

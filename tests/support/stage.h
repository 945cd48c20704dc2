/*
 * A dataset on a stage: a ready-made variant in memory, below a store that checks the protocol and a
 * store that fails on purpose, with a reader beside it. For tests that assert success by default:
 * whatever goes wrong ends the test with its reason.
 */
#ifndef CAUCE_TESTS_SUPPORT_STAGE_H
#define CAUCE_TESTS_SUPPORT_STAGE_H

#include <stdbool.h>
#include <stddef.h>

#include "support/reader.h"
#include "support/scenario.h"
#include "support/store_fault.h"

struct stage {
    const struct variant *variant;
    struct scenario s;
    struct store *memory;  /* the objects */
    struct store *watched; /* the protocol check over them */
    struct store *st;      /* the fault store over that: runs go here */
    struct reader *reader;
};

/* Sleeps take no time while a stage is open. */
void stage_open(struct stage *g, const char *variant);
void stage_close(struct stage *g);

/* The same with a dataset of the test's own; `variant` is borrowed. */
void stage_open_variant(struct stage *g, const struct variant *variant);

/* Publish the n-th snapshot (from 0): it succeeds. */
void stage_publish(struct stage *g, size_t n);

/* Run with the source that is set: it succeeds with this outcome. */
void stage_run(struct stage *g, enum run_outcome outcome);

/* Run with any CSV text: returns what the run returns. The reader learns of source and claim. */
int stage_try(struct stage *g, const char *csv);

/* The reader and the protocol check have nothing to say. */
void stage_check(struct stage *g, unsigned demands);

/* Another writer, which knows nothing of ours, publishes a text around the faults: it succeeds. */
void stage_other(struct stage *g, const char *csv);

/* Add a fault to the plan. */
void stage_fault(struct stage *g, enum fault_action action, enum fault_op op, const char *key,
                 size_t at);

/* A new fault store without faults over the same objects. */
void stage_heal(struct stage *g);

/* Operations since stage_mark of this kind with this in the key (NULL: any). */
void stage_mark(struct stage *g);
size_t stage_count(const struct stage *g, enum fault_op op, const char *key);
/* Those that change something, records of runs aside. */
size_t stage_writes(const struct stage *g);

#endif

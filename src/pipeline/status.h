/*
 * What a person wants to know of a dataset first: its newest version, whether index and projections
 * reflect it, how the last run ended, and whether runs come as often as they should.
 */
#ifndef CAUCE_PIPELINE_STATUS_H
#define CAUCE_PIPELINE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "dataset/dataset.h"
#include "pipeline/record.h"

/* How a derived thing stands to the newest version. */
enum status_derived {
    STATUS_NONE,        /* there is none */
    STATUS_FRESH,       /* it reflects the newest version */
    STATUS_BEHIND,      /* it reflects an older one; the next run catches up */
    STATUS_IN_PROGRESS, /* a consolidation is under way, or was interrupted */
    STATUS_INVALID,     /* it does not fit, or cannot be understood; it is rebuilt */
};
const char *status_derived_name(enum status_derived state); /* "fresh", ... */

struct status {
    struct base base;
    enum status_derived index;
    uint64_t index_sequence;  /* that it reflects */
    const char *index_reason; /* why it is not fresh; static, NULL: nothing to say */
    enum status_derived projections;
    uint64_t projections_sequence;
    struct record last_run; /* newest that is not dated in the future; `json` NULL: none */
    int64_t last_success;   /* end of the newest of these that did not fail; 0: none is known */
    int64_t expect_every;   /* seconds, from the configuration; 0: not set */
    bool late;              /* the last success is longer ago than expect_every */
};
void status_release(struct status *s);

/* Read it, as of `now` (microseconds). ERR_ABSENT: no such dataset; ERR_DAMAGED as base_read. */
MUST_USE int status_read(struct dataset *d, int64_t now, struct status *out, struct error *err);

#endif

/*
 * What a person wants to know about a dataset first: its newest version, whether what is derived
 * reflects it, how the last run ended, and whether runs come as often as they should.
 */
#ifndef CAUCE_PIPELINE_STATUS_H
#define CAUCE_PIPELINE_STATUS_H

#include <stdbool.h>
#include <stdint.h>

#include "catalog/catalog.h"
#include "derived/derived.h"
#include "pipeline/record.h"

struct status {
    struct base base;
    const struct derived_table *things;
    struct derived_standing derived[ROOTS_MAX]; /* of each thing of the table */
    struct record last_run; /* newest that is not dated in the future; `json` NULL: none */
    int64_t last_success;   /* end of the newest of these that did not fail; 0: none is known */
    int64_t expect_every;   /* seconds, from the configuration; 0: not set */
    bool late;              /* the last success is longer ago than expect_every */
};
void status_release(struct status *s);

/* Read it, as of `now` (microseconds). ERR_ABSENT: no such dataset; ERR_DAMAGED as base_read. */
MUST_USE int status_read(struct dataset *d, int64_t now, struct status *out, struct error *err);

#endif

/*
 * Verification that needs the content of Parquet files: rows, keys and digests of every event file,
 * index shards, and projections recomputed from the chain. On top of catalog/verify.
 */
#ifndef CAUCE_PIPELINE_CHECK_H
#define CAUCE_PIPELINE_CHECK_H

#include <stdbool.h>

#include "catalog/verify.h"
#include "dataset/dataset.h"

/* Structure, and with `data` everything re-read and re-hashed. Changes nothing. */
MUST_USE int check_dataset(struct dataset *d, bool data, struct verify_report *out,
                           struct error *err);

#endif

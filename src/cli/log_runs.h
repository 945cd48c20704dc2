/* The runs of a dataset, for `cauce log --runs`. */
#ifndef CAUCE_CLI_LOG_RUNS_H
#define CAUCE_CLI_LOG_RUNS_H

#include <stdint.h>

#include "cli/open.h"

/*
 * Print the newest `limit` runs (0: all), newest first, as a table, or as a JSON array of their
 * records. Reads one record per run shown.
 */
MUST_USE int log_runs(struct opened *in, uint64_t limit, bool as_json, struct error *err);

#endif

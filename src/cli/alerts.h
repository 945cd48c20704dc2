/* Metrics and alerts as JSON, for `cauce metrics` and `cauce status`. */
#ifndef CAUCE_CLI_ALERTS_H
#define CAUCE_CLI_ALERTS_H

#include "pipeline/metrics.h"
#include "util/json.h"

/* Print the metrics, with the alerts that fire, as one JSON object. */
void alerts_print_metrics(const struct metrics *m);

/* The alerts that fire as a JSON array; the caller takes it over. */
MUST_USE struct json *alerts_encode(const struct metrics *m, int64_t now);

#endif

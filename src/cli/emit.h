/*
 * What a run leaves for monitoring, besides its record: a file of metrics, a push, a JSON object.
 */
#ifndef CAUCE_CLI_EMIT_H
#define CAUCE_CLI_EMIT_H

#include "cli/options.h"
#include "pipeline/dataset.h"
#include "pipeline/metrics.h"

/*
 * Write --metrics-file (replaced atomically) and push to --pushgateway, where asked for. What fails
 * is a warning: the run's outcome does not depend on it.
 */
void emit_metrics(const struct options *o, struct dataset *d);

/* Print the metrics, with the alerts that fire, as one JSON object. */
void emit_metrics_json(const struct metrics *m);

/* The alerts that fire as a JSON array; the caller takes it over. */
struct json *emit_alerts(const struct metrics *m, int64_t now);

#endif

/*
 * What the records of all runs add up to, for monitoring: counters, histograms, gauges, and the
 * verdicts that the shipped alert rules give.
 *
 * The records in `runs/` are the counters' memory: they survive processes and machines, and a run
 * that two processes count is counted once.
 */
#ifndef CAUCE_PIPELINE_METRICS_H
#define CAUCE_PIPELINE_METRICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataset/dataset.h"
#include "pipeline/run.h"
#include "util/str.h"

/* Kinds of rows and requests: their labels in a metric. */
#define METRICS_ROWS 7
#define METRICS_REQUESTS 7
extern const char *const metrics_rows[METRICS_ROWS];         /* "read", "new", ... */
extern const char *const metrics_requests[METRICS_REQUESTS]; /* "get", ... */

/* Sums over some records. */
struct metrics_sum {
    uint64_t outcomes[RUN_PLANNED + 1];
    uint64_t runs;
    uint64_t rollback_runs, events_rolled_back;
    uint64_t conflicts, ambiguous, settled_by_reading;
    uint64_t rows[METRICS_ROWS];         /* as metrics_rows */
    uint64_t requests[METRICS_REQUESTS]; /* as metrics_requests */
    uint64_t retries, bytes_read, bytes_written, source_bytes;
    double step_seconds[STEP_COUNT];
    uint64_t gc_runs, orphans_found, orphans_removed;
    double derived[ROOTS_MAX][DERIVED_VALUES]; /* of each thing; its present state only in `all` */
};

/* What became of a commit whose outcome its run did not learn. */
enum metrics_fate { METRICS_OPEN, METRICS_PUBLISHED, METRICS_NOT_PUBLISHED, METRICS_FATES };
const char *metrics_fate_name(enum metrics_fate fate); /* "open", ... */

struct metrics {
    char dataset[DATASET_ID_SIZE];
    const struct derived_table *derived; /* whose numbers there are */
    struct metrics_sum all;              /* every record */
    struct metrics_sum window;           /* records of the last METRICS_WINDOW */
    int64_t last_run;     /* ends of runs, microseconds, none in the future; 0: none */
    int64_t last_success; /* or the time of the newest version, whichever is later */
    int64_t last_change;  /* the same */
    enum run_outcome last_outcome;
    uint64_t failures;     /* runs that failed since the last success */
    int64_t failing_since; /* end of the first of them; 0: none */
    uint64_t future;       /* records, or a version, dated beyond METRICS_SKEW in the future */
    char future_example[LAYOUT_KEY_SIZE]; /* one of them; "" */
    uint64_t last_peak_memory;
    double last_step_seconds[STEP_COUNT];
    uint64_t doubtful[METRICS_FATES]; /* commits of unknown outcome, by what became of them */
    uint64_t versions, keys, rows_total, files, bytes; /* of the dataset */
    bool files_known;     /* files and bytes are; false where the chain is damaged */
    int64_t expect_every; /* seconds; 0: not declared */
};

/* What is dated later than that from now was written by a clock that was wrong. */
#define METRICS_SKEW (INT64_C(300) * 1000000)

#define METRICS_WINDOW (INT64_C(7) * 24 * 3600 * 1000000)

/*
 * Read all records and the newest version, as of `now` (microseconds). ERR_ABSENT: there is no such
 * dataset yet; `out` says then what is known of it, with all counters 0.
 */
MUST_USE int metrics_collect(struct dataset *d, int64_t now, struct metrics *out,
                             struct error *err);

/*
 * METRICS_PROMETHEUS: the text format that node_exporter's textfile collector and a Pushgateway
 * read (https://prometheus.io/docs/instrumenting/exposition_formats/). METRICS_OPENMETRICS: the
 * same families as OpenMetrics 1.0 (https://openmetrics.io), which a scrape can negotiate.
 */
enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };
void metrics_write(const struct metrics *m, enum metrics_format format, struct str *out);

/*
 * Write the metrics to a file (replaced atomically) and push them to a gateway, each where it is
 * not NULL; also those of a dataset whose first run failed before there was anything of it, so that
 * somebody notices. What fails is a warning: the outcome of a run does not depend on it.
 */
void metrics_emit(struct dataset *d, const char *path, const char *gateway);

/* The verdicts of the rules in alerts/cauce.rules.yml over the last METRICS_WINDOW. */
void metrics_alerts(const struct metrics *m, int64_t now, struct alerts *out);

#endif

/*
 * Datasets for tests, published from texts through the real pipeline, with a configuration parsed
 * from YAML. Everything of one scenario (sources, scratch, a folder store) lies in a folder of its
 * own, which goes with it. One scenario at a time: it takes over the log.
 *
 *     struct scenario s;
 *     scenario_open(&s, scenario_variant("month")->yaml);
 *     struct store *st = scenario_memory();
 *     assert_int_equal(scenario_publish(&s, st, "series,day,value\n..."), ERR_OK);
 *     assert_int_equal(s.report.delta.rows_new, 1);
 */
#ifndef CAUCE_TESTS_SUPPORT_SCENARIO_H
#define CAUCE_TESTS_SUPPORT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "dataset/dataset.h"
#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "pipeline/run.h"
#include "support/model.h"
#include "support/reader.h"
#include "util/error.h"
#include "util/str.h"

#define SCENARIO_DATASET "demo"

struct scenario {
    char *folder;
    struct config config;
    struct run_options options;          /* of the next runs */
    uint64_t index_range;                /* of the next runs: keys per range of the index */
    const struct derived_table *derived; /* of the next runs; NULL: the program's */
    struct run_report report;            /* of the last run */
    struct error err;
    struct str log; /* lines since scenario_clear_log, debug level and up */
};

/*
 * `yaml` is the configuration but for dataset, temp, memory and threads. Aborts, with every problem
 * printed, where it is wrong.
 */
void scenario_open(struct scenario *s, const char *yaml);
void scenario_close(struct scenario *s);

/* Log lines come here again, after another scenario had them. */
void scenario_listen(struct scenario *s);

/* Another configuration for the same dataset. */
void scenario_reconfigure(struct scenario *s, const char *yaml);

/* Stores of a test: the caller's to free. The folder store is the same at every call. */
struct store *scenario_memory(void);
struct store *scenario_file_store(const struct scenario *s);

/* A new memory store with the same objects and labels. */
struct store *scenario_clone(struct store *from);

/* Write a file into the scenario's folder and make it the source. Returns its path, borrowed. */
const char *scenario_source(struct scenario *s, const char *name, const void *bytes, size_t count);

/* The dataset as a run works on it, over a store; released with dataset_release. */
void scenario_dataset(const struct scenario *s, struct store *st, struct dataset *out);

/* Run with the source that is set; report, error and log are those of this run afterwards. */
int scenario_run(struct scenario *s, struct store *st);

/* Make a CSV text the source, and run. */
int scenario_publish(struct scenario *s, struct store *st, const char *csv);

/* Consolidate alone, as `cauce consolidate` does, into the report. */
int scenario_consolidate(struct scenario *s, struct store *st);

/*
 * The newest rows (or all events, without the time of their ingestion) as CSV, as `cauce read` gives
 * them. The caller frees. Aborts where that fails.
 */
char *scenario_read(struct scenario *s, struct store *st, bool events);

/* What the last run said of itself, for the reader. */
struct reader_claim scenario_claim(const struct scenario *s);

/*
 * Do return code, outcome, error and message of the last run fit each other? Appends one line for
 * each that does not (invariant 11).
 */
void scenario_check_report(const struct scenario *s, int rc, struct str *out);

/* The words are in a line of the log since the last run began (or was cleared). */
bool scenario_logged(const struct scenario *s, const char *words);
void scenario_clear_log(struct scenario *s);

/* Names in the scratch folder: what runs left behind there. */
size_t scenario_scratch_count(const struct scenario *s);

/* ---- Ready-made datasets ------------------------------------------------------------------- */

#define SCENARIO_SNAPSHOTS 5

/* Successive snapshots with new, revised, late, repeated and vanished rows. */
struct variant {
    const char *name;
    const char *yaml;
    struct model_shape shape;
    const char *snapshots[SCENARIO_SNAPSHOTS]; /* NULL ends */
};

/*
 *   month       cut by month, the partition column is part of the key
 *   moving      cut by month by a column that is not: revised rows move between partitions
 *   uncut       not cut
 *   ignore      as month, with revisions: ignore
 *   separators  keys of two texts full of separators, quotes and line ends
 */
extern const struct variant scenario_variants[];
extern const size_t scenario_variant_count;
const struct variant *scenario_variant(const char *name); /* aborts where there is none */

#endif

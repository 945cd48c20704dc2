/*
 * One run: from a source to a published version, and what is derived from it.
 *
 * The order of the steps, and what each failure leaves, are described in run.c.
 */
#ifndef CAUCE_PIPELINE_RUN_H
#define CAUCE_PIPELINE_RUN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "dataset/dataset.h"
#include "derived/derived.h"
#include "source/report.h"
#include "util/error.h"

enum run_outcome {
    RUN_FAILED,      /* nothing was published */
    RUN_PUBLISHED,   /* a new version */
    RUN_UNCHANGED,   /* the source is the one last absorbed; it was not parsed */
    RUN_NO_NEW_ROWS, /* parsed; every row is known */
    RUN_LOST,        /* other writers won every attempt; nothing of this run is published */
    RUN_SKIPPED,     /* another run holds the lease; nothing was examined */
    RUN_UNKNOWN,     /* the answer to the commit is missing; nothing was deleted */
    RUN_PLANNED,     /* a dry run: what would be published */
};
const char *run_outcome_name(enum run_outcome outcome); /* "published", ... */

/* Did a run of this outcome do all that was to be done? */
bool run_outcome_is_success(enum run_outcome outcome);

/* The steps that are timed, in the order of the protocol. */
enum run_step {
    STEP_PROBE,
    STEP_BASE,
    STEP_INDEX_CHECK,
    STEP_INDEX_REBUILD,
    STEP_SOURCE,
    STEP_LOAD,
    STEP_DELTA,
    STEP_WRITE_EVENTS,
    STEP_PUBLISH,
    STEP_INDEX_UPDATE,
    STEP_HISTORY,
    STEP_CONSOLIDATE,
    STEP_COUNT
};
const char *run_step_name(enum run_step step); /* "write_events", ... */

/* What step_load found in the source. */
struct load_report {
    uint64_t rows_read; /* rejected and repeated ones included */
    uint64_t rows_rejected;
    uint64_t rows_duplicate;
    struct source_report source; /* samples of bad rows, columns left out */
};

/* Rows of the source, against the index of the base; and keys of the index that it does not have. */
struct delta_report {
    uint64_t rows_new, rows_revised, rows_known, rows_vanished;
};

/* What became of the event files. */
struct events_report {
    uint64_t files_written, bytes_written; /* of the published version */
    uint64_t rollbacks;                    /* attempts whose events were removed after a failure */
    uint64_t rolled_back;                  /* files removed by them */
    uint64_t left;                         /* files that could not be removed: left to gc */
};

/* What became of the attempts to publish. */
struct commits_report {
    uint64_t attempts;  /* deltas computed against a base */
    uint64_t conflicts; /* attempts that another writer overtook, before or at the swap */
    uint64_t ambiguous; /* answers to a commit that did not give its outcome */
    bool settled_by_reading;
};

#define RUN_WARNINGS_MAX 16

struct run_report {
    enum run_outcome outcome;
    int code;                      /* error code of a failure */
    char message[ERROR_TEXT_SIZE]; /* its sentence; of a run that was skipped: why */
    char run_id[ID_SIZE];
    int64_t started;
    int64_t finished;
    struct version_id version;  /* published, or the newest one there is */
    uint64_t gc_epoch;          /* of the pointer that names it */
    struct version_id doubtful; /* of RUN_UNKNOWN: the one that may be published or not */
    char *source;               /* what was read, without secrets */
    uint64_t source_bytes;
    uint64_t rows_total; /* rows of all events of the dataset */
    uint64_t keys_total;
    struct load_report load;
    struct delta_report delta;
    struct events_report events;
    struct commits_report commits;
    struct derived_reports derived;
    double seconds[STEP_COUNT];
    uint64_t peak_memory;
    struct store_bill bill;
    char *warnings[RUN_WARNINGS_MAX];
    size_t warning_count;
};
void run_report_release(struct run_report *r);

/* What it took; 0 where the clock was set back. */
double run_report_seconds(const struct run_report *r);

struct run_options {
    bool dry_run;        /* plan: publishes nothing, writes nothing to the store */
    bool force;          /* parse the source although it is unchanged */
    bool no_consolidate; /* what waits for the end of a run is left to a later one */
    const char *run_id;  /* an id made beforehand (util/id.h), NULL: a new one */
    unsigned retries;    /* new attempts after a lost race; 0: the default */
    /*
     * Called from time to time with a step and the share that is done (negative: unknown). May be
     * NULL.
     */
    void (*progress)(void *ctx, enum run_step step, double done);
    void *progress_ctx;
};
#define RUN_RETRIES 8

/*
 * Run a dataset (with its configuration). The report is filled in whatever is returned and must be
 * released. ERR_OK for every outcome but FAILED, LOST (ERR_LOST) and UNKNOWN (ERR_UNKNOWN).
 * Warnings (what is derived could not be brought up to date) do not make a run fail.
 * Lines of the log carry dataset, run, sequence (of the newest version, or of the one that is being
 * made) and step, until the next run; after a run that did not fail, no step.
 */
MUST_USE int run_dataset(struct dataset *d, const struct run_options *options,
                         struct run_report *report, struct error *err);

#endif

/*
 * What the steps of a run share: each takes it, does its one thing, and leaves the order to run.c.
 * Private to run.c and step_*.c.
 */
#ifndef CAUCE_PIPELINE_RUN_PRIVATE_H
#define CAUCE_PIPELINE_RUN_PRIVATE_H

#include "dataset/dataset.h"
#include "engine/delta.h"
#include "net/download.h"
#include "pipeline/run.h"
#include "source/members.h"
#include "source/source.h"
#include "util/fs.h"

/* One file of the source. */
struct source_file {
    char *path;  /* absolute, as it was found or downloaded; NULL: it is still elsewhere */
    char *shown; /* as the user knows it */
    const struct config_url *remote; /* where it is to be fetched from; NULL: it is here */
    struct fs_stat stat;             /* when it was found */
    char sha256[SHA256_HEX_SIZE];    /* "": not hashed yet */
};

/* Event files of one attempt. */
struct written_events {
    struct manifest_files files;
    char **paths;  /* local files, one per entry */
    bool *written; /* which are (or may be) in the store */
};

struct run {
    struct dataset *d;
    const struct run_options *options;
    struct run_report *report;

    /* the source */
    struct source_file *files;
    size_t file_count, file_capacity;
    bool listed;                  /* `readable`, `columns` and what follows are set */
    bool fetched;                 /* all of them are here, or known not to have changed */
    struct members *members;      /* by file: what is in it, where it is an archive */
    struct reader_file *readable; /* the files as readers take them; borrowed from them */
    size_t readable_count;
    struct manifest_source identity; /* what the manifest will say about it */
    struct source_column *columns;   /* that are configured, as `source` takes them */
    struct source_constant *constants;
    struct unpivot unpivot;      /* where it is configured */
    struct schema_source frozen; /* types of the source that the base has, for a transform */
    struct source *source;
    struct schema loaded; /* schema that `source_rows` was loaded for */
    bool is_loaded;

    /* this attempt */
    struct base base;
    bool dataset_exists; /* the pointer is there: a record may be written */
    struct schema schema;
    struct derived_run derived[ROOTS_MAX]; /* in the order of the table */
    struct delta delta;
    struct version_id version;
    int64_t ingested_at;
    struct written_events events;
    struct manifest manifest;
    struct commit_report commit;

    /* the clock of the steps */
    enum run_step step;
    bool in_step;
    int64_t step_began;
    double healed_before; /* seconds spent on healing when the step began */
};

/*
 * step_source.c: find the files that are here; release. For step_fetch.c, `step_source_add` takes a
 * file over (`path` is owned from then on), measured against `max_bytes`; `sha256` NULL: not known yet.
 */
MUST_USE int step_find_source(struct run *r, struct error *err);
MUST_USE int step_source_add(struct run *r, char *path, const char *shown, const char *sha256,
                             struct error *err);
/* Is it the source last absorbed, read by the same recipe? Hashes it only where it may be. */
MUST_USE int step_source_unchanged(struct run *r, bool *unchanged, struct error *err);
/* Set the digest of `identity`: hashes those files that have none. ERR_SOURCE. */
MUST_USE int step_source_identify(struct run *r, struct error *err);
/* ERR_SOURCE where a file changed since it was found. */
MUST_USE int step_check_source(struct run *r, struct error *err);
void step_source_release(struct run *r);

/*
 * step_fetch.c: the files that are not here, once in a run; needs the index of the base, which knows
 * the source last absorbed. ERR_SOURCE; nothing is left but scratch files.
 */
MUST_USE int step_fetch_source(struct run *r, struct error *err);
/* Does the server now know the same bytes by other names, which the index should learn? */
bool step_source_renamed(const struct run *r);
/* A new scratch path for what `name` (of a URL or key) ends in, as a new string. */
MUST_USE char *step_fetch_path(struct run *r, const char *name);
/* Value of a variable of the environment or of a setting; `run` is a struct run. */
const char *step_fetch_setting(void *run, const char *name);
/* One download, by the settings of the source. `result` is to be released in any case. */
MUST_USE int step_fetch_download(struct run *r, const struct download_request *request,
                                 struct download_result *result, struct error *err);

/* step_pages.c: all pages of a source that comes in pages, each of them a file. */
MUST_USE int step_fetch_pages(struct run *r, const struct config_url *url, struct error *err);

/*
 * step_fetch_s3.c: files of a bucket. `last` is the state that is known (NULL: none); where it has not
 * changed, `modified` becomes false and nothing is added.
 */
MUST_USE int step_fetch_s3(struct run *r, const struct config_url *url,
                           const struct manifest_source *last, bool *modified, struct error *err);

/* How the bytes of the source are read. */
void step_read_options(const struct config *config, struct read_options *out);

/* step_schema.c: the schema of this run, from the chain, the configuration and the source. */
MUST_USE int step_schema(struct run *r, struct error *err);

/*
 * step_load.c: `source_rows`, with the gates for bad and repeated rows. `out` says on failure, too,
 * what was found; where the rows are still there from an earlier attempt it stays as it is.
 */
MUST_USE int step_load(struct run *r, struct load_report *out, struct error *err);

/*
 * step_delta.c: what is new and revised against the index of the base; and the source last absorbed, as
 * that knows it (NULL: none is known).
 */
const struct manifest_source *step_last_source(const struct run *r);
MUST_USE int step_delta(struct run *r, struct delta_report *out, struct error *err);

/* step_write.c: all events or none. Local files; read back and compared with the delta; stored. */
MUST_USE int step_write_events(struct run *r, struct error *err);
MUST_USE int step_verify_events(struct run *r, struct error *err);
MUST_USE int step_store_events(struct run *r, struct error *err);
/* Remove what this attempt wrote because of a failure: logged, and added to what is reported. */
void step_roll_back(struct run *r, struct events_report *report);
/* Remove what this attempt wrote because the race was lost. */
void step_discard(struct run *r, struct events_report *report);
void step_events_release(struct run *r);

/* step_publish.c: manifest, then the swap. Codes as catalog_commit. */
MUST_USE int step_publish(struct run *r, struct error *err);

/*
 * step_derive.c: what is derived. Opened for the base of this attempt, before anything is
 * published; then given what was published, which becomes the base, or told that there was nothing;
 * brought up to date at the end. What fails after the commit is a warning.
 */
void step_derived_init(struct run *r);
void step_derived_release(struct run *r); /* what was opened; safe before it */
MUST_USE int step_open_derived(struct run *r, struct error *err);
void step_follow(struct run *r);
void step_note(struct run *r);
void step_bring_up(struct run *r);
/* Seconds that healing took so far; the same into the steps of the report, once. */
double step_healing(const struct run *r);
void step_tell_healing(struct run *r);

/* The clock of the steps: this one begins, and the one before it ends. */
void run_enter(struct run *r, enum run_step step);

/* Append a warning to the report and the log. */
void run_warn(struct run *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif

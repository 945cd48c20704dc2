/*
 * The record of a run: `runs/<time>-<run id>.json`, one immutable object per run, and the same
 * object as the last line of `run --json`. Fields are documented in docs/format.md.
 */
#ifndef CAUCE_PIPELINE_RECORD_H
#define CAUCE_PIPELINE_RECORD_H

#include "pipeline/run.h"
#include "util/json.h"

#define RECORD_FORMAT 1
#define RECORD_MAX_BYTES ((size_t)16 << 20)

/* The report as JSON; the caller frees it. */
MUST_USE struct json *record_encode(const struct dataset *d, const struct run_report *r);

/* The fields every record begins with, whatever kind ("run", "gc", "repair"); the caller frees it. */
MUST_USE struct json *record_begin(const char *kind, const char *dataset, const char *id,
                                   int64_t started);

/* Store any record under its time and id. */
MUST_USE int record_put(struct store *st, int64_t started, const char *id,
                        const struct json *record, struct error *err);

/* Put it into the store. The run's outcome does not depend on it. */
MUST_USE int record_write(struct dataset *d, const struct run_report *r, struct error *err);

/* What a record says of its run. An outcome that this program does not know is a failure. */
bool record_is(const struct json *record, const char *kind);
bool record_is_run(const struct json *record); /* false: a record of gc or of a repair */
enum run_outcome record_outcome(const struct json *record);

/* Did it begin or end after that moment (microseconds)? */
bool record_is_after(const struct json *record, int64_t moment);

/* The key it lies under, into `out`, which is returned; "" where it does not say. */
const char *record_key(const struct json *record, char out[LAYOUT_KEY_SIZE]);

/* Did a run of this outcome do all that was to be done? */
bool record_is_success(enum run_outcome outcome);

/*
 * Visit the records newest first, until `*stop` is set. What cannot be read is skipped with a
 * warning. A non-zero return of `visit` ends it and is returned.
 */
typedef int record_visit_back(void *ctx, const struct json *record, bool *stop, struct error *err);
MUST_USE int record_back(struct store *st, record_visit_back *visit, void *ctx, struct error *err);

/*
 * Visit the records of a dataset, oldest first, only those started at or after `since`
 * (microseconds). A record that cannot be read is skipped with a warning.
 */
typedef int record_visit(void *ctx, const struct json *record, struct error *err);
MUST_USE int record_each(struct store *st, int64_t since, record_visit *visit, void *ctx,
                         struct error *err);

#endif

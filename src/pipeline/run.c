/*
 * One run, as a state machine. Invariants (docs/protocol.md):
 *
 *   1. The base is one answer of the store: pointer and tag together, read before the delta is
 *      computed. The swap expects exactly that tag.
 *   2. What the run reads of derived things (the key index) is that of the base, or it does not go on.
 *   3. Nothing of an attempt is visible before the swap, everything after it.
 *   4. A failure before the swap removes exactly what this attempt wrote. An unknown outcome removes
 *      nothing.
 *   5. A lost race starts again from a new base, with a new commit, a new delta and new files.
 *   6. What comes after the swap is derived: its failure is a warning, and any later run heals it.
 *
 *   state      step                                fails: what is left, who heals it
 *   ---------  ----------------------------------  --------------------------------------------
 *   lease      holder_begin                        nothing; held by another: the run is skipped
 *   source     step_find_source                    nothing
 *   base       store_probe, base_read              a new dataset at sequence 0: the next run
 *   witnesses  dataset_check_pointer,              nothing; refused where the pointer went back
 *              step_open_derived
 *   healing    step_open_derived                   orphans: gc
 *   fetch      step_fetch_source                   nothing; only where files are elsewhere
 *   unchanged  step_source_unchanged               -
 *   load       step_load                           nothing
 *   delta      step_delta                          nothing
 *   witnesses  check_next                          nothing; refused where the pointer went back
 *   write      step_write_events, _verify, _store  rolled back; orphans where that failed: gc
 *   publish    step_publish    lost                files removed, again from `base`
 *                              unknown             everything kept: the next run sees which it was
 *                              failed              rolled back
 *   derived    step_follow, step_bring_up          published, what is derived behind: any later run
 */
#include "pipeline/run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "catalog/evidence.h"
#include "catalog/witness.h"
#include "dataset/holder.h"
#include "pipeline/place.h"
#include "pipeline/records.h"
#include "pipeline/run_private.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

/* What to do after a step or an attempt. */
enum next { NEXT_ON, NEXT_AGAIN, NEXT_DONE };

const char *run_outcome_name(enum run_outcome outcome)
{
    static const char *const names[] = {
        [RUN_FAILED] = "failed",       [RUN_PUBLISHED] = "published",
        [RUN_UNCHANGED] = "unchanged", [RUN_NO_NEW_ROWS] = "no_new_rows",
        [RUN_LOST] = "lost",           [RUN_SKIPPED] = "skipped",
        [RUN_UNKNOWN] = "unknown",     [RUN_PLANNED] = "planned",
    };
    return names[outcome];
}

bool run_outcome_is_success(enum run_outcome outcome)
{
    return outcome == RUN_PUBLISHED || outcome == RUN_UNCHANGED || outcome == RUN_NO_NEW_ROWS;
}

const char *run_step_name(enum run_step step)
{
    static const char *const names[STEP_COUNT] = {
        [STEP_PROBE] = "probe",
        [STEP_BASE] = "base",
        [STEP_INDEX_CHECK] = "index_check",
        [STEP_INDEX_REBUILD] = "index_rebuild",
        [STEP_SOURCE] = "source",
        [STEP_LOAD] = "load",
        [STEP_DELTA] = "delta",
        [STEP_WRITE_EVENTS] = "write_events",
        [STEP_PUBLISH] = "publish",
        [STEP_INDEX_UPDATE] = "index_update",
        [STEP_HISTORY] = "history",
        [STEP_CONSOLIDATE] = "consolidate",
    };
    return names[step];
}

void run_report_release(struct run_report *r)
{
    for (size_t i = 0; i < r->warning_count; i++)
        free(r->warnings[i]);
    free(r->source);
    report_release(&r->load.source);
    derived_reports_release(&r->derived);
    *r = (struct run_report){.outcome = RUN_FAILED};
}

double run_report_seconds(const struct run_report *r)
{
    return r->finished > r->started ? (double)(r->finished - r->started) / 1e6 : 0.0;
}

void run_warn(struct run *r, const char *format, ...)
{
    char text[ERROR_TEXT_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    log_warn("%s", text);
    struct run_report *report = r->report;
    if (report->warning_count < RUN_WARNINGS_MAX)
        report->warnings[report->warning_count++] = mem_strdup(text);
}

/* Stop the clock of the current step. What healing took is not counted twice. */
static void leave(struct run *r)
{
    double *seconds = r->report->seconds;
    double passed = (double)(time_monotonic() - r->step_began) / 1e6;
    if (!r->in_step)
        return;
    passed -= step_healing(r) - r->healed_before;
    seconds[r->step] += passed > 0 ? passed : 0;
    r->in_step = false;
    log_write(LOG_INFO, LOG_FIELDS(LOG_REAL("seconds", passed)), "%s ended",
              run_step_name(r->step));
}

void run_enter(struct run *r, enum run_step step)
{
    leave(r);
    r->step = step;
    r->in_step = true;
    r->step_began = time_monotonic();
    r->healed_before = step_healing(r);
    log_context("step", run_step_name(step));
    log_debug("%s begins", run_step_name(step));
    if (r->options->progress != NULL)
        r->options->progress(r->options->progress_ctx, step, -1);
}

/* Of both processes: their peaks need not have been at the same time, so it is at most this. */
static uint64_t peak_memory(const struct dataset *d)
{
    struct rusage usage;
    uint64_t own = getrusage(RUSAGE_SELF, &usage) == 0 ? (uint64_t)usage.ru_maxrss * 1024 : 0;
    return own + (d->engine != NULL ? engine_peak(d->engine) : 0);
}

/* Pointer, tag and manifest of the newest version. A dry run makes no dataset. */
static int open_base(struct run *r, struct error *err)
{
    base_release(&r->base);
    run_enter(r, STEP_BASE);
    int rc = base_read(r->d->store, r->d->id, &r->base, err);
    bool is_new = rc == ERR_ABSENT;
    if (is_new) {
        error_clear(err);
        rc = place_check(r->d, err);
    }
    if (rc == ERR_OK && is_new && r->options->dry_run)
        pointer_init(&r->base.pointer, r->d->id);
    else if (rc == ERR_OK && is_new)
        rc = base_create(r->d->store, r->d->id, &r->base, err);
    if (rc != ERR_OK || r->options->dry_run)
        return rc;
    r->dataset_exists = true;
    log_context_integer("sequence", (int64_t)r->base.pointer.current.sequence);
    return ERR_OK;
}

static int find_base(struct run *r, struct error *err)
{
    int rc = ERR_OK;
    if (!r->options->dry_run) {
        run_enter(r, STEP_PROBE);
        rc = store_probe(r->d->store, err);
    }
    if (rc == ERR_OK)
        rc = open_base(r, err);
    if (rc == ERR_OK)
        rc = dataset_check_pointer(r->d, &r->base, err);
    if (rc == ERR_OK)
        rc = step_open_derived(r, err);
    r->report->version = r->base.pointer.current;
    r->report->gc_epoch = r->base.pointer.gc_epoch;
    r->report->rows_total = r->base.manifest.rows_total;
    r->report->keys_total = r->base.manifest.keys.count;
    return rc;
}

static int load(struct run *r, struct error *err)
{
    run_enter(r, STEP_LOAD);
    int rc = step_load(r, &r->report->load, err);
    if (rc == ERR_OK) {
        run_enter(r, STEP_DELTA);
        rc = step_delta(r, &r->report->delta, err);
    }
    return rc;
}

static void count_published(struct run *r)
{
    const struct manifest *m = &r->manifest;
    r->report->outcome = RUN_PUBLISHED;
    r->report->version = m->version;
    r->report->rows_total = m->rows_total;
    r->report->keys_total = m->keys.count;
    r->report->events.files_written = m->files.count;
    for (size_t i = 0; i < m->files.count; i++)
        r->report->events.bytes_written += m->files.items[i].size;
}

/* Wait a little, longer after every loss, and never as long as the other losers. */
static void back_off(unsigned attempt)
{
    uint64_t ceiling = (uint64_t)20000 << (attempt < 6 ? attempt : 6);
    time_sleep((int64_t)(id_random64() % ceiling));
}

/* Every event is verified before it is stored, and stored before there is a manifest. */
static int write_events(struct run *r, struct error *err)
{
    int rc = step_write_events(r, err);
    if (rc == ERR_OK)
        rc = step_verify_events(r, err);
    if (rc == ERR_OK)
        rc = stop_check(err);
    if (rc == ERR_OK)
        rc = step_store_events(r, err);
    return rc == ERR_OK ? stop_check(err) : rc;
}

/* Events, manifest, swap. NEXT_AGAIN: the race was lost, and a retry is allowed. */
static enum next publish(struct run *r, int *rc, struct error *err)
{
    leave(r);
    log_context_integer("sequence", (int64_t)r->base.pointer.current.sequence + 1);
    run_enter(r, STEP_WRITE_EVENTS);
    r->commit = (struct commit_report){0};
    *rc = write_events(r, err);
    if (*rc == ERR_OK) {
        run_enter(r, STEP_PUBLISH);
        *rc = step_publish(r, err);
    } else {
        step_roll_back(r, &r->report->events);
        return NEXT_DONE;
    }
    r->report->commits.ambiguous += r->commit.ambiguous;
    r->report->commits.settled_by_reading |= r->commit.settled_by_reading;
    switch (*rc) {
    case ERR_OK:
        count_published(r);
        dataset_remember(r->d, &r->commit.pointer);
        return NEXT_ON;
    case ERR_CONFLICT:
        step_discard(r, &r->report->events);
        return NEXT_AGAIN;
    case ERR_UNKNOWN:
        r->report->outcome = RUN_UNKNOWN;
        r->report->doubtful = r->version;
        return NEXT_DONE;
    default:
        step_roll_back(r, &r->report->events);
        return NEXT_DONE;
    }
}

static int find_source(struct run *r, struct error *err)
{
    run_enter(r, STEP_SOURCE);
    int rc = step_find_source(r, err);
    r->report->source = mem_strdup(r->identity.url);
    if (rc == ERR_OK && r->fetched)
        r->report->source_bytes = r->identity.size;
    return rc;
}

/* The files that are not on this machine: once, after a base is known to compare them with. */
static int fetch(struct run *r, struct error *err)
{
    if (r->fetched)
        return ERR_OK;
    run_enter(r, STEP_SOURCE);
    int rc = step_fetch_source(r, err);
    if (rc == ERR_OK)
        r->report->source_bytes = r->identity.size;
    return rc;
}

/*
 * The source is the one last absorbed. Where its server now gives it other tags, those are noted.
 */
static void unchanged(struct run *r)
{
    r->report->outcome = RUN_UNCHANGED;
    if (!r->options->dry_run && step_source_renamed(r))
        step_note(r);
}

/*
 * May a version be published on this base, or was one already? In a bucket a listing is one more
 * request, and takes a permission that a run does without.
 */
static int check_next(struct run *r, struct error *err)
{
    if (!r->d->store->traits.local_paths)
        return ERR_OK;
    return evidence_check_next(r->d->store, &r->base, err);
}

/* Is there anything to do for this base? NEXT_ON: rows to publish. */
static enum next plan(struct run *r, int *rc, struct error *err)
{
    *rc = find_base(r, err);
    if (*rc != ERR_OK)
        return *rc == ERR_CONFLICT ? NEXT_AGAIN : NEXT_DONE;
    *rc = fetch(r, err);
    if (*rc != ERR_OK)
        return NEXT_DONE;
    bool same = false;
    if (!r->is_loaded)
        *rc = step_source_unchanged(r, &same, err);
    if (*rc != ERR_OK)
        return NEXT_DONE;
    if (same) {
        unchanged(r);
        return NEXT_DONE;
    }
    *rc = load(r, err);
    if (*rc != ERR_OK)
        return *rc == ERR_CONFLICT ? NEXT_AGAIN : NEXT_DONE;
    if (r->delta.count == 0) {
        r->report->outcome = RUN_NO_NEW_ROWS;
        if (!r->options->dry_run)
            step_note(r);
        return NEXT_DONE;
    }
    *rc = check_next(r, err);
    if (*rc != ERR_OK)
        return *rc == ERR_CONFLICT ? NEXT_AGAIN : NEXT_DONE;
    if (r->options->dry_run) {
        r->report->outcome = RUN_PLANNED;
        return NEXT_DONE;
    }
    return NEXT_ON;
}

static int lost(struct run *r, struct error *err)
{
    r->report->outcome = RUN_LOST;
    error_set(err, ERR_LOST,
              "other writers published first in each of %llu attempts. Nothing of this run is "
              "published and nothing is lost; run again.",
              (unsigned long long)r->report->commits.attempts);
    error_told(err, ERROR_UNPUBLISHED);
    return ERR_LOST;
}

/*
 * Only the swap of the pointer can be unknown. Where an answer about something else is missing,
 * nothing is visible for sure: what is left is an orphan.
 */
static int without_doubt(const struct run *r, int rc, struct error *err)
{
    if (rc != ERR_UNKNOWN || r->report->outcome == RUN_UNKNOWN)
        return rc;
    return error_tell(err, ERR_AGAIN, ERROR_UNPUBLISHED, "Run again.");
}

/* Attempts until one is settled. */
static int attempt_all(struct run *r, struct error *err)
{
    unsigned retries = r->options->retries > 0 ? r->options->retries : RUN_RETRIES;
    for (unsigned i = 0; i <= retries; i++) {
        int rc;
        r->report->commits.attempts++;
        enum next next = plan(r, &rc, err);
        if (next == NEXT_ON)
            next = publish(r, &rc, err);
        if (next == NEXT_ON)
            step_follow(r);
        if (next != NEXT_AGAIN)
            return without_doubt(r, rc, err);
        r->report->commits.conflicts++;
        error_clear(err);
        back_off(i);
        rc = stop_check(err);
        if (rc != ERR_OK)
            return rc;
    }
    return lost(r, err);
}

static void run_release(struct run *r)
{
    step_events_release(r);
    step_source_release(r);
    base_release(&r->base);
    schema_release(&r->schema);
    step_derived_release(r);
    delta_release(&r->delta);
    manifest_release(&r->manifest);
}

/*
 * A run that failed before it reached the dataset is recorded, too; but never where there is no
 * pointer yet, because an object beside a missing pointer means damage.
 */
static bool may_record(const struct run *r)
{
    struct pointer p;
    if (r->options->dry_run || r->report->outcome == RUN_SKIPPED)
        return false;
    return r->dataset_exists || pointer_read(r->d->store, &p, NULL, NULL) == ERR_OK;
}

/* Every failure says what became of the dataset. Steps that know more have said so already. */
static void tell_state(const struct run *r, int rc, struct error *err)
{
    static const char *const advice[ERR_COUNT] = {
        [ERR_SOURCE] = "Run again when the source can be read.",
        [ERR_AGAIN] = "Run again once that is fixed.",
        [ERR_FULL] = "Run again once that is fixed.",
        [ERR_DENIED] = "Run again once that is fixed.",
        [ERR_INTERRUPTED] = "Run again to publish what is new.",
        [ERR_TIMEOUT] = "Raise `timeout` if a run may take longer.",
    };
    if (rc != ERR_OK && r->report->outcome == RUN_FAILED && err->state == ERROR_UNTOLD)
        error_tell(err, rc, ERROR_UNPUBLISHED, advice[rc]);
}

static void finish(struct run *r, int rc, const struct error *err)
{
    struct run_report *report = r->report;
    report->code = rc;
    if (rc != ERR_OK)
        memcpy(report->message, err->text, sizeof report->message);
    leave(r);
    step_tell_healing(r);
    report->finished = time_now();
    report->peak_memory = peak_memory(r->d);
    report->bill = r->d->store->bill;
    store_bill_add(&report->bill, &r->d->beside);
    if (may_record(r)) {
        struct error why = ERROR_INIT;
        if (records_write_run(r->d, report, &why) != ERR_OK)
            log_warn("the record of this run could not be written: %s", why.text);
    }
}

/*
 * Where a lease is configured, only its holder goes on. Any other failure to get it is no reason to
 * stop: what is published does not depend on it. ERR_CONFLICT: skip this run.
 */
static int take_lease(struct run *r, struct holder *h)
{
    int64_t ttl = r->d->config->lease_ttl_seconds * 1000000;
    struct error why = ERROR_INIT;
    if (ttl == 0 || r->options->dry_run)
        return ERR_OK;
    int rc = holder_begin(h, r->d->store, r->report->run_id, ttl, &why);
    if (rc == ERR_CONFLICT) {
        r->report->outcome = RUN_SKIPPED;
        memcpy(r->report->message, why.text, sizeof r->report->message);
        log_info("skipped: %s", why.text);
    } else if (rc != ERR_OK) {
        run_warn(r, "the lease could not be taken (%s); the run goes on without it", why.text);
    }
    return rc;
}

/* Source, attempts, and what is derived. */
static int work(struct run *r, struct error *err)
{
    int rc = find_source(r, err);
    if (rc == ERR_OK)
        rc = attempt_all(r, err);
    if (rc == ERR_OK && r->dataset_exists)
        step_bring_up(r);
    return rc;
}

/*
 * The limit ends with the work: what became of it is recorded in any case. A run that published has
 * succeeded, whatever else there was no time for.
 */
static int end_limit(int rc, struct error *err)
{
    if (rc == ERR_INTERRUPTED && stop_timed_out())
        rc = err->code = ERR_TIMEOUT;
    stop_after(0);
    return rc;
}

/* The context of every line of the log from here on. */
static void begin_context(const struct run *r)
{
    log_context("dataset", r->d->id);
    log_context("run", r->report->run_id);
    log_context("sequence", NULL);
    log_context("step", NULL);
}

int run_dataset(struct dataset *d, const struct run_options *options, struct run_report *report,
                struct error *err)
{
    struct error local = ERROR_INIT;
    struct run r = {.d = d, .options = options, .report = report};
    struct holder lease = {.held = false};
    *report = (struct run_report){.outcome = RUN_FAILED, .started = time_now()};
    if (options->run_id != NULL)
        memcpy(report->run_id, options->run_id, sizeof report->run_id);
    else
        id_new(report->run_id);
    step_derived_init(&r);
    begin_context(&r);
    stop_after(d->config->timeout_seconds);
    int rc = ERR_OK;
    if (take_lease(&r, &lease) != ERR_CONFLICT)
        rc = work(&r, &local);
    rc = end_limit(rc, &local);
    holder_end(&lease);
    tell_state(&r, rc, &local);
    finish(&r, rc, &local);
    run_release(&r);
    /* After a failure the step stays in the context: its error has yet to be reported. */
    if (rc == ERR_OK)
        log_context("step", NULL);
    return rc == ERR_OK ? ERR_OK : error_pass(err, rc, &local);
}

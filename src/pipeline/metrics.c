#include "pipeline/metrics.h"

#include <stdio.h>
#include <string.h>

#include "pipeline/records.h"
#include "util/log.h"

const char *const metrics_rows[METRICS_ROWS] = {
    "read", "new", "revised", "known", "vanished", "rejected", "duplicate",
};

const char *const metrics_requests[METRICS_REQUESTS] = {
    "get", "head", "put", "swap", "move", "list", "delete",
};

/* Rows count as new or revised only where the run has published them. */
static void add_rows(struct metrics_sum *s, const struct run_report *r, bool published)
{
    const struct load_report *load = &r->load;
    const struct delta_report *delta = &r->delta;
    const uint64_t counts[METRICS_ROWS] = {
        load->rows_read,
        published ? delta->rows_new : 0,
        published ? delta->rows_revised : 0,
        delta->rows_known,
        delta->rows_vanished,
        load->rows_rejected,
        load->rows_duplicate,
    };
    for (size_t i = 0; i < METRICS_ROWS; i++)
        s->rows[i] += counts[i];
    s->source_bytes += r->source_bytes;
}

static void add_requests(struct metrics_sum *s, const struct store_bill *b)
{
    const uint64_t counts[METRICS_REQUESTS] = {
        b->gets, b->heads, b->puts, b->swaps, b->moves, b->lists, b->deletes,
    };
    for (size_t i = 0; i < METRICS_REQUESTS; i++)
        s->requests[i] += counts[i];
    s->retries += b->retries;
    s->bytes_read += b->bytes_read;
    s->bytes_written += b->bytes_written;
}

/* A record that is dated in the future says nothing about the present state of a thing. */
static void add_derived(struct metrics_sum *s, const struct run_report *r, bool future)
{
    for (size_t i = 0; i < r->derived.table->count; i++) {
        const struct derived *thing = r->derived.table->items[i];
        const void *report = derived_report_of(&r->derived, thing);
        double before[DERIVED_VALUES];
        if (thing->count == NULL || report == NULL)
            continue;
        memcpy(before, s->derived[i], sizeof before);
        thing->count(s->derived[i], report);
        for (size_t k = 0; future && k < thing->metric_count; k++)
            if (thing->metrics[k].kind == DERIVED_NOW)
                s->derived[i][k] = before[k];
    }
}

static void add_run(struct metrics_sum *s, const struct run_report *r, bool published)
{
    s->runs++;
    s->outcomes[r->outcome]++;
    s->rollback_runs += r->events.rollbacks > 0;
    s->events_rolled_back += r->events.rolled_back;
    s->conflicts += r->commits.conflicts;
    s->ambiguous += r->commits.ambiguous;
    s->settled_by_reading += r->commits.settled_by_reading;
    add_rows(s, r, published);
    add_requests(s, &r->bill);
    for (int i = 0; i < STEP_COUNT; i++)
        s->step_seconds[i] += r->seconds[i];
}

static void add_gc(struct metrics_sum *s, const struct record_upkeep *gc)
{
    s->gc_runs++;
    s->orphans_found += gc->orphans_found;
    s->orphans_removed += gc->orphans_removed;
}

/* What only the newest run says; records come oldest first. */
static void note_newest(struct metrics *m, const struct run_report *r)
{
    m->last_run = r->finished;
    m->last_outcome = r->outcome;
    m->last_peak_memory = r->peak_memory;
    memcpy(m->last_step_seconds, r->seconds, sizeof m->last_step_seconds);
    if (run_outcome_is_success(m->last_outcome)) {
        m->last_success = m->last_run;
        m->failures = 0;
        m->failing_since = 0;
    } else if (m->failures++ == 0) {
        m->failing_since = m->last_run;
    }
    if (m->last_outcome == RUN_PUBLISHED)
        m->last_change = m->last_run;
}

/* It is counted, but it says nothing about when anything happened. */
static void note_future(struct metrics *m, const char *key)
{
    m->future++;
    snprintf(m->future_example, sizeof m->future_example, "%s", key);
}

struct collecting {
    struct metrics *metrics;
    int64_t now;
    struct base base;            /* the newest version */
    struct manifest_files files; /* of every version */
};

const char *metrics_fate_name(enum metrics_fate fate)
{
    static const char *const names[METRICS_FATES] = {"open", "published", "not_published"};
    return names[fate];
}

/* Every version has files, and their keys carry its full name. */
static enum metrics_fate fate_of(const struct collecting *c, const struct version_id *version)
{
    for (size_t i = 0; i < c->files.count; i++)
        if (layout_event_is_of(c->files.items[i].key, version))
            return METRICS_PUBLISHED;
    if (!c->metrics->files_known || version->sequence > c->base.pointer.current.sequence)
        return METRICS_OPEN;
    return METRICS_NOT_PUBLISHED;
}

/* Has the run published? For a doubtful commit the chain decides, and its fate is counted. */
static bool has_published(struct collecting *c, const struct run_report *r)
{
    if (r->doubtful.sequence == 0)
        return r->outcome == RUN_PUBLISHED;
    enum metrics_fate fate = fate_of(c, &r->doubtful);
    c->metrics->doubtful[fate]++;
    return fate == METRICS_PUBLISHED;
}

static void take_gc(struct metrics *m, const struct record_upkeep *gc, bool recent)
{
    add_gc(&m->all, gc);
    if (recent)
        add_gc(&m->window, gc);
}

static int take_record(void *ctx, struct record *record, bool *stop, struct error *err)
{
    (void)stop;
    (void)err;
    struct collecting *c = ctx;
    struct metrics *m = c->metrics;
    bool future = record_is_after(record, c->now + METRICS_SKEW);
    bool recent = !future && record_started(record) >= c->now - METRICS_WINDOW;
    if (record->kind == RECORD_GC)
        take_gc(m, &record->upkeep, recent);
    if (record->kind != RECORD_RUN)
        return ERR_OK;
    bool published = has_published(c, &record->run);
    add_run(&m->all, &record->run, published);
    add_derived(&m->all, &record->run, future);
    if (recent) {
        add_run(&m->window, &record->run, published);
        add_derived(&m->window, &record->run, future);
    }
    if (future)
        note_future(m, record_key(record, (char[LAYOUT_KEY_SIZE]){""}));
    else
        note_newest(m, &record->run);
    return ERR_OK;
}

/* Where an older part of the chain is damaged, the rest is all the more worth reporting. */
static int list_files(struct dataset *d, struct collecting *c, struct error *err)
{
    struct error why = ERROR_INIT;
    uint64_t newest = c->base.pointer.current.sequence;
    int rc = newest > 0 ? catalog_files(d->store, &c->base, 0, newest, &c->files, &why) : ERR_OK;
    c->metrics->files_known = rc == ERR_OK;
    if (rc == ERR_OK || rc == ERR_DAMAGED) {
        if (rc == ERR_DAMAGED)
            log_warn("the files of the dataset could not be counted: %s", why.text);
        return ERR_OK;
    }
    return error_pass(err, rc, &why);
}

static int measure_dataset(struct dataset *d, struct collecting *c, struct error *err)
{
    const struct base *base = &c->base;
    struct metrics *m = c->metrics;
    int rc = base_read(d->store, d->id, &c->base, err);
    if (rc == ERR_OK)
        rc = list_files(d, c, err);
    if (rc != ERR_OK)
        return rc;
    m->versions = base->pointer.current.sequence;
    m->keys = base->manifest.keys.count;
    m->rows_total = base->manifest.rows_total;
    m->files = c->files.count;
    for (size_t i = 0; i < c->files.count; i++)
        m->bytes += c->files.items[i].size;
    return ERR_OK;
}

/* The present state of what is derived, whatever the newest run has left. */
static void measure_derived(struct dataset *d, struct collecting *c)
{
    const struct derived_table *t = c->metrics->derived;
    for (size_t i = 0; i < t->count; i++)
        if (t->items[i]->measure != NULL)
            t->items[i]->measure(d, &c->base, c->metrics->all.derived[i]);
}

/* A version whose run left no record is a success all the same. */
static void note_published(struct metrics *m, const struct base *base, int64_t now)
{
    int64_t published = base->manifest.time;
    if (published > now + METRICS_SKEW) {
        note_future(m, base->pointer.manifest_key);
        return;
    }
    if (m->last_success < published)
        m->last_success = published;
    if (m->last_change < published)
        m->last_change = published;
    if (published > m->last_run) {
        m->failures = 0;
        m->failing_since = 0;
    }
}

int metrics_collect(struct dataset *d, int64_t now, struct metrics *out, struct error *err)
{
    struct collecting c = {.metrics = out, .now = now};
    *out = (struct metrics){.expect_every = d->config != NULL ? d->config->expect_every : 0,
                            .files_known = true,
                            .derived = derived_of(d)};
    snprintf(out->dataset, sizeof out->dataset, "%s", d->id);
    int rc = measure_dataset(d, &c, err);
    if (rc == ERR_OK)
        rc = records_each(d, take_record, &c, err);
    if (rc == ERR_OK)
        measure_derived(d, &c);
    note_published(out, &c.base, now);
    manifest_files_release(&c.files);
    base_release(&c.base);
    return rc;
}

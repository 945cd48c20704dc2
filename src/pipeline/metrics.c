#include "pipeline/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/projection.h"
#include "pipeline/consolidate.h"
#include "pipeline/record.h"
#include "util/json.h"
#include "util/log.h"
#include "util/time.h"

const double metrics_bounds[METRICS_BUCKETS - 1] = {0.1, 0.5, 1, 5, 15, 60, 300, 1800};

const struct metrics_kind metrics_rows[METRICS_ROWS] = {
    {"read", "rows_read", false},           {"new", "rows_new", true},
    {"revised", "rows_revised", true},      {"known", "rows_known", false},
    {"vanished", "rows_vanished", false},   {"rejected", "rows_rejected", false},
    {"duplicate", "rows_duplicate", false},
};

const struct metrics_kind metrics_requests[METRICS_REQUESTS] = {
    {"get", "gets", false},       {"head", "heads", false}, {"put", "puts", false},
    {"swap", "swaps", false},     {"move", "moves", false}, {"list", "lists", false},
    {"delete", "deletes", false},
};

static uint64_t count_of(const struct json *object, const char *name)
{
    int64_t value = json_integer(json_get(object, name));
    return value > 0 ? (uint64_t)value : 0;
}

/* A duration; 0 where it is none. Clocks are not trusted to make a sum fall. */
static double seconds_of(const struct json *object, const char *name)
{
    static const double century = 3155760000.0;
    double value = json_real(json_get(object, name));
    return value > 0 && value < century ? value : 0;
}

static int64_t time_of(const struct json *record, const char *name)
{
    int64_t time = 0;
    return time_parse(json_string(json_get(record, name)), &time, NULL) == ERR_OK ? time : 0;
}

static void add_index(struct metrics_sum *s, const struct json *record)
{
    bool healed = json_bool(json_get(record, "index_rebuilt"));
    s->inconsistencies += healed || json_is_string(json_get(record, "index_reason"));
    if (!healed)
        return;
    double seconds = seconds_of(record, "index_rebuild_seconds");
    size_t bucket = 0;
    if (strcmp(json_string(json_get(record, "index_recovery")), "catch_up") == 0) {
        s->catch_ups++;
        return;
    }
    while (bucket < METRICS_BUCKETS - 1 && seconds > metrics_bounds[bucket])
        bucket++;
    s->rebuilds++;
    s->rebuild_buckets[bucket]++;
    s->rebuild_seconds += seconds;
    if (seconds > s->rebuild_longest)
        s->rebuild_longest = seconds;
}

static void add_consolidation(struct metrics_sum *s, const struct json *c)
{
    const char *state = json_string(json_get(c, "state"));
    s->consolidated += strcmp(state, "completed") == 0;
    s->unconsolidated += strcmp(state, "in_progress") == 0;
    s->resumed += json_bool(json_get(c, "resumed"));
    s->replayed += json_bool(json_get(c, "replayed"));
}

static void add_counts(struct metrics_sum *s, const struct json *record, bool published)
{
    const struct json *bill = json_get(record, "requests");
    const struct json *seconds = json_get(record, "seconds");
    for (size_t i = 0; i < METRICS_ROWS; i++)
        if (published || !metrics_rows[i].published)
            s->rows[i] += count_of(record, metrics_rows[i].field);
    for (size_t i = 0; i < METRICS_REQUESTS; i++)
        s->requests[i] += count_of(bill, metrics_requests[i].field);
    s->retries += count_of(bill, "retries");
    s->bytes_read += count_of(bill, "bytes_read");
    s->bytes_written += count_of(bill, "bytes_written");
    s->source_bytes += count_of(record, "source_bytes");
    for (int i = 0; i < STEP_COUNT; i++)
        s->step_seconds[i] += seconds_of(seconds, run_step_name((enum run_step)i));
}

static void add_run(struct metrics_sum *s, const struct json *record, bool published)
{
    uint64_t rolled_back = count_of(record, "rollbacks");
    s->runs++;
    s->outcomes[record_outcome(record)]++;
    s->rollback_runs += rolled_back > 0;
    s->events_rolled_back += count_of(record, "events_rolled_back");
    s->conflicts += count_of(record, "conflicts");
    s->ambiguous += count_of(record, "ambiguous");
    s->settled_by_reading += json_bool(json_get(record, "settled_by_reading"));
    add_index(s, record);
    add_consolidation(s, json_get(record, "consolidation"));
    add_counts(s, record, published);
}

static void add_gc(struct metrics_sum *s, const struct json *record)
{
    s->gc_runs++;
    s->orphans_found += count_of(record, "orphans_found");
    s->orphans_removed += count_of(record, "orphans_removed");
}

/* What only the newest run tells; records come oldest first. */
static void note_newest(struct metrics *m, const struct json *record)
{
    const struct json *seconds = json_get(record, "seconds");
    m->last_run = time_of(record, "finished_at");
    m->last_outcome = record_outcome(record);
    m->last_peak_memory = count_of(record, "peak_memory_bytes");
    m->partitions_behind = count_of(json_get(record, "consolidation"), "behind");
    for (int i = 0; i < STEP_COUNT; i++)
        m->last_step_seconds[i] = seconds_of(seconds, run_step_name((enum run_step)i));
    if (record_is_success(m->last_outcome)) {
        m->last_success = m->last_run;
        m->failures = 0;
        m->failing_since = 0;
    } else if (m->failures++ == 0) {
        m->failing_since = m->last_run;
    }
    if (m->last_outcome == RUN_PUBLISHED)
        m->last_change = m->last_run;
}

/* It is counted, but it says nothing of when anything happened. */
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
static enum metrics_fate fate_of(const struct collecting *c, const char *name)
{
    char folder[LAYOUT_KEY_SIZE];
    uint64_t sequence = strtoull(name, NULL, 10);
    snprintf(folder, sizeof folder, "events/%s/", name);
    for (size_t i = 0; i < c->files.count; i++)
        if (str_starts(c->files.items[i].key, folder))
            return METRICS_PUBLISHED;
    if (!c->metrics->files_known)
        return METRICS_OPEN;
    return sequence <= c->base.pointer.current.sequence ? METRICS_NOT_PUBLISHED : METRICS_OPEN;
}

/* Has the run published? Of a doubtful commit the chain tells, and its fate is counted. */
static bool has_published(struct collecting *c, const struct json *record)
{
    const struct json *name = json_get(record, "doubtful");
    if (!json_is_string(name))
        return record_outcome(record) == RUN_PUBLISHED;
    enum metrics_fate fate = fate_of(c, json_string(name));
    c->metrics->doubtful[fate]++;
    return fate == METRICS_PUBLISHED;
}

static int take_record(void *ctx, const struct json *record, struct error *err)
{
    (void)err;
    struct collecting *c = ctx;
    struct metrics *m = c->metrics;
    bool future = record_is_after(record, c->now + METRICS_SKEW);
    bool recent = !future && time_of(record, "started_at") >= c->now - METRICS_WINDOW;
    if (record_is(record, "gc")) {
        add_gc(&m->all, record);
        if (recent)
            add_gc(&m->window, record);
        return ERR_OK;
    }
    if (!record_is_run(record))
        return ERR_OK;
    bool published = has_published(c, record);
    add_run(&m->all, record, published);
    if (recent)
        add_run(&m->window, record, published);
    if (future)
        note_future(m, record_key(record, (char[LAYOUT_KEY_SIZE]){""}));
    else
        note_newest(m, record);
    return ERR_OK;
}

/* Where an older part of the chain is damaged, all the rest is worth the more to be told. */
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
    return error_set(err, rc, "%s", why.text);
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

/*
 * How far the projections are behind now: `cauce consolidate` may have brought them up since the
 * newest run. Where there are none, only that run knows whether there should be.
 */
static void look_at_projections(struct dataset *d, const struct collecting *c)
{
    struct projection_state state = {.phase = PROJECTION_NONE};
    struct consolidation_report plan;
    int rc = projection_read(d->store, &state, NULL);
    bool current = rc == ERR_OK && state.phase == PROJECTION_COMPLETED &&
                   version_id_equal(&state.stamp, &c->base.pointer.current);
    bool none = rc == ERR_ABSENT || (rc == ERR_OK && state.phase == PROJECTION_NONE);
    projection_release(&state);
    if (none)
        return;
    c->metrics->partitions_behind = 0;
    if (current)
        return;
    rc = consolidate_plan(d, &c->base, CONSOLIDATE_CHECK_STAMP, &plan, NULL);
    c->metrics->partitions_behind = rc == ERR_OK && plan.behind > 0 ? plan.behind : 1;
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
                            .files_known = true};
    snprintf(out->dataset, sizeof out->dataset, "%s", d->id);
    int rc = measure_dataset(d, &c, err);
    if (rc == ERR_OK)
        rc = record_each(d->store, 0, take_record, &c, err);
    if (rc == ERR_OK)
        look_at_projections(d, &c);
    note_published(out, &c.base, now);
    manifest_files_release(&c.files);
    base_release(&c.base);
    return rc;
}

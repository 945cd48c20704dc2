#include "cli/alerts.h"

#include "cli/text.h"
#include "util/json.h"
#include "util/time.h"

struct json *alerts_encode(const struct metrics *m, int64_t now)
{
    struct alerts alerts;
    struct json *list = json_new_array();
    metrics_alerts(m, now, &alerts);
    for (size_t i = 0; i < alerts.count; i++) {
        struct json *one = json_new_object();
        json_set_string(one, "alert", alerts.items[i].name);
        json_set_string(one, "severity", alerts.items[i].severity);
        json_set_string(one, "text", alerts.items[i].text);
        json_append(list, one);
    }
    return list;
}

static void set_count(struct json *object, const char *name, uint64_t value)
{
    json_set_unsigned(object, name, value);
}

static struct json *encode_kinds(const char *const *labels, const uint64_t *counts, size_t n)
{
    struct json *object = json_new_object();
    for (size_t i = 0; i < n; i++)
        set_count(object, labels[i], counts[i]);
    return object;
}

static struct json *encode_steps(const double seconds[STEP_COUNT])
{
    struct json *object = json_new_object();
    for (int i = 0; i < STEP_COUNT; i++)
        json_set_real(object, run_step_name((enum run_step)i), seconds[i]);
    return object;
}

static struct json *encode_outcomes(const struct metrics_sum *s)
{
    struct json *object = json_new_object();
    for (int i = 0; i < RUN_PLANNED; i++)
        if (i != RUN_SKIPPED) /* leaves no record */
            set_count(object, run_outcome_name((enum run_outcome)i), s->outcomes[i]);
    return object;
}

/* Where the number of a derived thing stands: counts in the order of a run, times behind all counts. */
enum place { BEFORE_COMMITS, AFTER_COMMITS, AMONG_TIMES, BESIDE_SUMS };

static enum place place_of(const struct derived *thing, const struct derived_metric *metric)
{
    if (metric->kind == DERIVED_NOW)
        return BESIDE_SUMS;
    if (metric->kind == DERIVED_SECONDS || metric->kind == DERIVED_HISTOGRAM)
        return AMONG_TIMES;
    return thing->open != NULL ? BEFORE_COMMITS : AFTER_COMMITS;
}

static void set_derived(struct json *object, const struct metrics *m, const struct metrics_sum *s,
                        enum place place)
{
    for (size_t i = 0; i < m->derived->count; i++) {
        const struct derived *thing = m->derived->items[i];
        for (size_t k = 0; k < thing->metric_count; k++) {
            const struct derived_metric *metric = &thing->metrics[k];
            if (metric->json == NULL || place_of(thing, metric) != place)
                continue;
            if (place == AMONG_TIMES)
                json_set_real(object, metric->json, s->derived[i][k]);
            else
                set_count(object, metric->json, (uint64_t)s->derived[i][k]);
        }
    }
}

static struct json *encode_sum(const struct metrics *m, const struct metrics_sum *s)
{
    struct json *object = json_new_object();
    set_count(object, "runs", s->runs);
    set_count(object, "rollback_runs", s->rollback_runs);
    set_count(object, "events_rolled_back", s->events_rolled_back);
    set_derived(object, m, s, BEFORE_COMMITS);
    set_count(object, "conflicts", s->conflicts);
    set_count(object, "ambiguous", s->ambiguous);
    set_count(object, "settled_by_reading", s->settled_by_reading);
    set_derived(object, m, s, AFTER_COMMITS);
    set_count(object, "orphans_found", s->orphans_found);
    set_count(object, "orphans_removed", s->orphans_removed);
    set_count(object, "source_bytes", s->source_bytes);
    set_count(object, "store_bytes_read", s->bytes_read);
    set_count(object, "store_bytes_written", s->bytes_written);
    set_count(object, "store_retries", s->retries);
    json_set(object, "outcomes", encode_outcomes(s));
    set_derived(object, m, s, AMONG_TIMES);
    json_set(object, "rows", encode_kinds(metrics_rows, s->rows, METRICS_ROWS));
    json_set(object, "store_requests",
             encode_kinds(metrics_requests, s->requests, METRICS_REQUESTS));
    json_set(object, "step_seconds", encode_steps(s->step_seconds));
    return object;
}

static struct json *encode_doubtful(const struct metrics *m)
{
    struct json *object = json_new_object();
    for (int i = 0; i < METRICS_FATES; i++)
        set_count(object, metrics_fate_name((enum metrics_fate)i), m->doubtful[i]);
    return object;
}

void alerts_print_metrics(const struct metrics *m)
{
    struct json *object = json_new_object();
    json_set_string(object, "dataset", m->dataset);
    json_set(object, "all", encode_sum(m, &m->all));
    json_set(object, "last_7_days", encode_sum(m, &m->window));
    text_set_time(object, "last_run", m->last_run);
    text_set_time(object, "last_success", m->last_success);
    text_set_time(object, "last_change", m->last_change);
    set_count(object, "last_run_peak_memory_bytes", m->last_peak_memory);
    json_set(object, "last_run_step_seconds", encode_steps(m->last_step_seconds));
    set_count(object, "failed_runs_in_a_row", m->failures);
    text_set_time(object, "failing_since", m->failing_since);
    set_count(object, "future_records", m->future);
    json_set(object, "expect_every_seconds",
             m->expect_every > 0 ? json_new_integer(m->expect_every) : json_new_null());
    set_derived(object, m, &m->all, BESIDE_SUMS);
    json_set(object, "doubtful_commits", encode_doubtful(m));
    set_count(object, "versions", m->versions);
    set_count(object, "keys", m->keys);
    set_count(object, "rows_total", m->rows_total);
    json_set(object, "files",
             m->files_known ? json_new_integer((int64_t)m->files) : json_new_null());
    json_set(object, "bytes",
             m->files_known ? json_new_integer((int64_t)m->bytes) : json_new_null());
    json_set(object, "alerts", alerts_encode(m, time_now()));
    text_print_json(object);
}

/*
 * The families of metrics as text. Names and units follow
 * https://prometheus.io/docs/practices/naming/: base units, counters end in _total.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "pipeline/metrics.h"

/* One text being written. */
struct writer {
    const struct metrics *m;
    enum metrics_format format;
    struct str *out;
    const char *name; /* of the family that is open, without _total */
    const char *suffix;
};

static void family(struct writer *w, const char *name, const char *type, const char *help)
{
    bool counter = strcmp(type, "counter") == 0;
    /* OpenMetrics names the family without the suffix of its samples, the older format with it. */
    const char *shown = counter && w->format == METRICS_PROMETHEUS ? "_total" : "";
    str_printf(w->out, "# HELP %s%s %s\n# TYPE %s%s %s\n", name, shown, help, name, shown, type);
    w->name = name;
    w->suffix = counter ? "_total" : "";
}

/* A sample of the open family; `label` NULL: none besides the dataset. */
static void sample(struct writer *w, const char *label, const char *value, double number)
{
    str_printf(w->out, "%s%s{dataset=\"%s\"", w->name, w->suffix, w->m->dataset);
    if (label != NULL)
        str_printf(w->out, ",%s=\"%s\"", label, value);
    /* 15 digits are what a double keeps: a moment of today to 10 microseconds. */
    if (number == floor(number) && fabs(number) < 1e15)
        str_printf(w->out, "} %.0f\n", number);
    else
        str_printf(w->out, "} %.15g\n", number);
}

static void counter(struct writer *w, const char *name, const char *help, uint64_t value)
{
    family(w, name, "counter", help);
    sample(w, NULL, NULL, (double)value);
}

static void gauge(struct writer *w, const char *name, const char *help, double value)
{
    family(w, name, "gauge", help);
    sample(w, NULL, NULL, value);
}

/* A moment as seconds since 1970; absent where it is not known. */
static void moment(struct writer *w, const char *name, const char *help, int64_t time)
{
    if (time != 0)
        gauge(w, name, help, (double)time / 1e6);
}

static void write_runs(struct writer *w)
{
    const struct metrics_sum *s = &w->m->all;
    family(w, "cauce_runs", "counter", "Runs by outcome.");
    for (int i = 0; i < RUN_PLANNED; i++)
        if (i != RUN_SKIPPED) /* leaves no record */
            sample(w, "outcome", run_outcome_name((enum run_outcome)i), (double)s->outcomes[i]);
    counter(w, "cauce_rollback_runs", "Runs that removed events they had written, after a failure.",
            s->rollback_runs);
    counter(w, "cauce_events_rolled_back", "Event files removed after a failure.",
            s->events_rolled_back);
    counter(w, "cauce_commit_conflicts", "Attempts to publish that another writer overtook.",
            s->conflicts);
    counter(w, "cauce_commit_ambiguous", "Answers to a commit that did not give its outcome.",
            s->ambiguous);
    counter(w, "cauce_commit_settled_by_reading",
            "Runs whose commit was settled by reading the pointer.", s->settled_by_reading);
    family(w, "cauce_doubtful_commits", "gauge",
           "Commits whose run did not learn the outcome, by what became of them.");
    for (int i = 0; i < METRICS_FATES; i++)
        sample(w, "fate", metrics_fate_name((enum metrics_fate)i), (double)w->m->doubtful[i]);
}

/*
 * A bucket holds what the ones before it do not; what is written is how many took at most that
 * long.
 */
static void write_buckets(struct writer *w, const struct derived_metric *m, const double *values)
{
    double below = 0;
    for (size_t i = 1; m[i - 1].kind != DERIVED_BUCKET || m[i - 1].bound > 0; i++) {
        below += values[i];
        str_printf(w->out, "%s_bucket{dataset=\"%s\",le=\"", w->name, w->m->dataset);
        if (m[i].bound > 0)
            str_printf(w->out, "%.1f", m[i].bound);
        else
            str_append(w->out, "+Inf");
        str_printf(w->out, "\"} %.0f\n", below);
    }
    str_printf(w->out, "%s_sum{dataset=\"%s\"} %.15g\n", w->name, w->m->dataset, values[0]);
    str_printf(w->out, "%s_count{dataset=\"%s\"} %.0f\n", w->name, w->m->dataset, below);
}

static void write_metric(struct writer *w, const struct derived_metric *m, const double *values)
{
    static const char *const types[] = {
        [DERIVED_COUNT] = "counter",       [DERIVED_SECONDS] = "counter",
        [DERIVED_HISTOGRAM] = "histogram", [DERIVED_BUCKET] = "counter",
        [DERIVED_NOW] = "gauge",
    };
    if (m->family == NULL)
        return;
    if (m->help != NULL)
        family(w, m->family, types[m->kind], m->help);
    if (m->kind == DERIVED_HISTOGRAM)
        write_buckets(w, m, values);
    else
        sample(w, m->label, m->value, values[0]);
}

static void write_derived(struct writer *w)
{
    const struct derived_table *t = w->m->derived;
    for (size_t i = 0; i < t->count; i++)
        for (size_t k = 0; k < t->items[i]->metric_count; k++)
            write_metric(w, &t->items[i]->metrics[k], &w->m->all.derived[i][k]);
}

static void write_orphans(struct writer *w)
{
    const struct metrics_sum *s = &w->m->all;
    counter(w, "cauce_orphans_found", "Objects that nothing names, found by gc --delete.",
            s->orphans_found);
    counter(w, "cauce_orphans_removed", "Objects that nothing named, removed by gc --delete.",
            s->orphans_removed);
}

static void write_volumes(struct writer *w)
{
    const struct metrics_sum *s = &w->m->all;
    family(w, "cauce_rows", "counter", "Rows of sources by what became of them.");
    for (size_t i = 0; i < METRICS_ROWS; i++)
        sample(w, "kind", metrics_rows[i], (double)s->rows[i]);
    counter(w, "cauce_source_bytes", "Bytes of sources that were examined.", s->source_bytes);
    family(w, "cauce_store_bytes", "counter", "Bytes moved to and from the store.");
    sample(w, "direction", "read", (double)s->bytes_read);
    sample(w, "direction", "written", (double)s->bytes_written);
    family(w, "cauce_store_requests", "counter",
           "Operations on the store by kind; one may take several requests.");
    for (size_t i = 0; i < METRICS_REQUESTS; i++)
        sample(w, "kind", metrics_requests[i], (double)s->requests[i]);
    counter(w, "cauce_store_retries", "Requests to the store that were repeated.", s->retries);
    family(w, "cauce_step_seconds", "counter", "Time spent in each step of the runs.");
    for (int i = 0; i < STEP_COUNT; i++)
        sample(w, "step", run_step_name((enum run_step)i), s->step_seconds[i]);
}

static void write_dataset(struct writer *w)
{
    const struct metrics *m = w->m;
    moment(w, "cauce_last_run_timestamp_seconds", "End of the newest run.", m->last_run);
    moment(w, "cauce_last_success_timestamp_seconds", "End of the newest run that did not fail.",
           m->last_success);
    moment(w, "cauce_last_change_timestamp_seconds", "End of the newest run that published.",
           m->last_change);
    gauge(w, "cauce_failed_runs_in_a_row", "Runs that failed since the last success.",
          (double)m->failures);
    moment(w, "cauce_failing_since_timestamp_seconds", "End of the first of these.",
           m->failing_since);
    gauge(w, "cauce_future_records", "Records, or a version, that are dated in the future.",
          (double)m->future);
    if (m->expect_every > 0)
        gauge(w, "cauce_expect_every_seconds", "Longest time expected between good runs.",
              (double)m->expect_every);
    gauge(w, "cauce_dataset_versions", "Sequence of the newest version.", (double)m->versions);
    gauge(w, "cauce_dataset_keys", "Published keys.", (double)m->keys);
    gauge(w, "cauce_dataset_rows", "Rows of all events.", (double)m->rows_total);
    if (m->files_known) {
        gauge(w, "cauce_dataset_files", "Event files.", (double)m->files);
        gauge(w, "cauce_dataset_bytes", "Bytes of all event files.", (double)m->bytes);
    }
    gauge(w, "cauce_last_run_peak_memory_bytes", "Most memory that the newest run used.",
          (double)m->last_peak_memory);
    family(w, "cauce_last_run_step_seconds", "gauge", "Time of each step in the newest run.");
    for (int i = 0; i < STEP_COUNT; i++)
        sample(w, "step", run_step_name((enum run_step)i), m->last_step_seconds[i]);
}

void metrics_write(const struct metrics *m, enum metrics_format format, struct str *out)
{
    struct writer w = {.m = m, .format = format, .out = out};
    write_runs(&w);
    write_derived(&w);
    write_orphans(&w);
    write_volumes(&w);
    write_dataset(&w);
    if (format == METRICS_OPENMETRICS)
        str_append(out, "# EOF\n");
}

#include "cli/alerts.h"

#include "cli/text.h"
#include "util/json.h"
#include "util/time.h"

struct json *alerts_encode(const struct metrics *m, int64_t now)
{
    struct metrics_alert alerts[METRICS_ALERTS_MAX];
    size_t count = metrics_alerts(m, now, alerts);
    struct json *list = json_new_array();
    for (size_t i = 0; i < count; i++) {
        struct json *one = json_new_object();
        json_set_string(one, "alert", alerts[i].name);
        json_set_string(one, "severity", alerts[i].severity);
        json_set_string(one, "text", alerts[i].text);
        json_append(list, one);
    }
    return list;
}

static void set_count(struct json *object, const char *name, uint64_t value)
{
    json_set_unsigned(object, name, value);
}

static struct json *encode_sum(const struct metrics_sum *s)
{
    struct json *object = json_new_object();
    struct json *outcomes = json_new_object();
    for (int i = 0; i < RUN_PLANNED; i++)
        if (i != RUN_SKIPPED) /* leaves no record */
            set_count(outcomes, run_outcome_name((enum run_outcome)i), s->outcomes[i]);
    set_count(object, "runs", s->runs);
    json_set(object, "outcomes", outcomes);
    set_count(object, "rollback_runs", s->rollback_runs);
    set_count(object, "events_rolled_back", s->events_rolled_back);
    set_count(object, "index_inconsistencies", s->inconsistencies);
    set_count(object, "index_rebuilds", s->rebuilds);
    json_set_real(object, "index_rebuild_seconds", s->rebuild_seconds);
    json_set_real(object, "index_rebuild_longest_seconds", s->rebuild_longest);
    set_count(object, "conflicts", s->conflicts);
    set_count(object, "ambiguous", s->ambiguous);
    set_count(object, "consolidations_replayed", s->replayed);
    set_count(object, "orphans_found", s->orphans_found);
    set_count(object, "orphans_removed", s->orphans_removed);
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
    json_set(object, "all", encode_sum(&m->all));
    json_set(object, "last_7_days", encode_sum(&m->window));
    text_set_time(object, "last_run", m->last_run);
    text_set_time(object, "last_success", m->last_success);
    text_set_time(object, "last_change", m->last_change);
    set_count(object, "partitions_behind", m->partitions_behind);
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

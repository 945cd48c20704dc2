#include <string.h>

#include "cli/alerts.h"
#include "cli/command.h"
#include "cli/exit.h"
#include "cli/open.h"
#include "cli/text.h"
#include "derived/derived.h"
#include "pipeline/metrics.h"
#include "pipeline/status.h"
#include "util/time.h"

#define SECOND 1000000

/* ---- JSON ---------------------------------------------------------------------------------- */

static void set_derived(struct json *status, const struct derived *thing,
                        const struct derived_standing *how)
{
    struct json *object = json_new_object();
    json_set_string(object, "state", derived_state_name(how->state));
    json_set_unsigned(object, "sequence", how->sequence);
    json_set_string(object, "reason", how->reason);
    json_set(status, thing->name, object);
}

static void print_json(const struct opened *in, const struct status *s,
                       const struct metrics *metrics, int64_t now)
{
    const struct manifest *m = &s->base.manifest;
    struct json *object = json_new_object();
    json_set_string(object, "dataset", in->config.dataset);
    json_set_string(object, "store", in->store->url);
    text_set_version(object, &s->base.pointer.current);
    text_set_time(object, "time", m->time);
    json_set_unsigned(object, "rows_total", m->rows_total);
    json_set_unsigned(object, "keys_total", m->keys.count);
    json_set_unsigned(object, "oldest_sequence", s->base.pointer.oldest_sequence);
    for (size_t i = 0; i < s->things->count; i++)
        set_derived(object, s->things->items[i], &s->derived[i]);
    json_set(object, "last_run", json_copy(s->last_run.json));
    text_set_time(object, "last_success", s->last_success);
    json_set(object, "expect_every_seconds",
             s->expect_every > 0 ? json_new_integer(s->expect_every) : json_new_null());
    json_set(object, "late", s->expect_every > 0 ? json_new_bool(s->late) : json_new_null());
    json_set_unsigned(object, "failed_runs_in_a_row", metrics->failures);
    text_set_time(object, "failing_since", metrics->failing_since);
    json_set_unsigned(object, "future_records", metrics->future);
    json_set_string(object, "future_example", metrics->future > 0 ? metrics->future_example : NULL);
    json_set(object, "alerts", alerts_encode(metrics, now));
    text_print_json(object);
}

/* ---- Text ---------------------------------------------------------------------------------- */

static void print_version(const struct status *s)
{
    const struct manifest *m = &s->base.manifest;
    char name[LAYOUT_NAME_SIZE];
    char time[TEXT_SIZE];
    if (s->base.pointer.current.sequence == 0) {
        text_print("version:      none yet\n");
        return;
    }
    layout_name(&s->base.pointer.current, name);
    text_printf("version:      %s, made at %s\n", name, text_time(m->time, time));
    text_printf("rows:         %llu in all versions, %llu keys\n",
                (unsigned long long)m->rows_total, (unsigned long long)m->keys.count);
}

static void print_derived(const struct derived *thing, const struct derived_standing *how)
{
    unsigned long long sequence = how->sequence;
    int label = (int)strlen(thing->label);
    text_printf("%s:%*s", thing->label, label < 12 ? 13 - label : 1, "");
    switch (how->state) {
    case DERIVED_NONE:
        text_print("none yet");
        break;
    case DERIVED_FRESH:
        text_print("fresh");
        break;
    case DERIVED_BEHIND:
        text_printf("behind, at version %llu; the next run catches up", sequence);
        break;
    case DERIVED_IN_PROGRESS:
        text_printf("in progress, at version %llu; the next run continues it", sequence);
        break;
    case DERIVED_INVALID:
        text_print("not usable; the next run rebuilds it");
        break;
    }
    if (how->reason != NULL)
        text_printf(" (%s)", how->reason);
    text_print("\n");
}

/*
 * Each of its lines is indented to the column of values, so that none can be taken for a line of
 * ours.
 */
static void print_message(const char *message)
{
    while (*message != '\0') {
        int length = (int)strcspn(message, "\n");
        text_printf("              %.*s\n", length, message);
        message += length;
        message += *message == '\n';
    }
}

static void print_last_run(const struct status *s)
{
    char time[TEXT_SIZE];
    const struct run_report *run = &s->last_run.run;
    if (s->last_run.json == NULL) {
        text_print("last run:     none recorded\n");
        return;
    }
    text_printf("last run:     %s at %s\n", run_outcome_name(run->outcome),
                text_time(run->started, time));
    if (run->code != ERR_OK)
        print_message(run->message);
}

static void print_expectation(const struct status *s, int64_t now)
{
    char every[TEXT_SIZE];
    char ago[TEXT_SIZE];
    if (s->expect_every == 0)
        return;
    text_seconds((double)s->expect_every, every);
    if (s->last_success == 0) {
        text_printf("expected:     every %s; LATE: no run has succeeded yet\n", every);
        return;
    }
    text_seconds((double)(now - s->last_success) / SECOND, ago);
    text_printf("expected:     every %s; %s: the last success was %s ago\n", every,
                s->late ? "LATE" : "in time", ago);
}

/* A clock that was wrong: its dates say nothing about when runs happened. */
static void print_future(const struct metrics *m)
{
    if (m->future > 0)
        text_printf("in future:    %llu %s dated in the future and ignored: %s\n",
                    (unsigned long long)m->future,
                    text_plural(m->future, "record is", "records are"), m->future_example);
}

static void print_alerts(const struct metrics *m, int64_t now)
{
    struct alerts alerts;
    metrics_alerts(m, now, &alerts);
    for (size_t i = 0; i < alerts.count; i++)
        text_printf("%s %s: %s\n", i == 0 ? "alerts:      " : "             ", alerts.items[i].name,
                    alerts.items[i].text);
    if (alerts.count == 0)
        text_print("alerts:       none\n");
}

static void print_text(const struct opened *in, const struct status *s, const struct metrics *m,
                       int64_t now)
{
    text_printf("dataset:      %s in %s\n", in->config.dataset, in->store->url);
    print_version(s);
    for (size_t i = 0; i < s->things->count; i++)
        print_derived(s->things->items[i], &s->derived[i]);
    print_last_run(s);
    print_expectation(s, now);
    print_future(m);
    print_alerts(m, now);
}

static int status(const struct options *o, int *exit_status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct status s;
    struct metrics m;
    struct alerts alerts;
    int64_t now = time_now();
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    rc = metrics_collect(&in.dataset, now, &m, err);
    if (rc == ERR_OK)
        rc = status_read(&in.dataset, now, &s, err);
    if (rc == ERR_OK) {
        derived_warn_of_pointer(&in.dataset, &s.base);
        if (o->json)
            print_json(&in, &s, &m, now);
        else
            print_text(&in, &s, &m, now);
        metrics_alerts(&m, now, &alerts);
        if (o->alert && alerts.count > 0)
            *exit_status = EXIT_GATE;
        status_release(&s);
    }
    open_release(&in);
    return rc;
}

const struct command cmd_status = {
    .name = "status",
    .summary = "show the newest version, what reflects it, and the last run",
    .operands = "DATASET.yml",
    .about = "Shows the newest version and its rows, whether the key index and the projections\n"
             "reflect it, how the last run ended and, where `expect_every` is set, whether runs\n"
             "come as often as they should. The alerts are those of the shipped Prometheus rules,\n"
             "judged over the last seven days.",
    .examples = "  cauce status rates.yml\n"
                "  cauce status --store s3://bucket/data --dataset rates\n"
                "  cauce status --json rates.yml\n"
                "  cauce status --alert -q rates.yml   # 4: something is wrong\n",
    .own = {{"alert", 0, OPTION_FLAG, NULL, "exit with 4 where an alert fires", OPTION_AT(alert)}},
    .takes_dataset = true,
    .run = status,
};

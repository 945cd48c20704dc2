/*
 * The verdicts of alerts/cauce.rules.yml without a server; those of derived things are in their own
 * folders. Thresholds are in both places; a test compares them.
 */
#include "pipeline/metrics.h"

#define ROLLBACK_SHARE 0.01
#define CONFLICTS 5
#define FAILURES 3
#define FAILING_SECONDS 86400

static void judge_derived(const struct metrics *m, const struct metrics_sum *s, bool now,
                          struct alerts *out)
{
    for (size_t i = 0; i < m->derived->count; i++)
        if (m->derived->items[i]->judge != NULL)
            m->derived->items[i]->judge(s->derived[i], s->runs, now, out);
}

static void judge_rollbacks(const struct metrics_sum *s, struct alerts *out)
{
    if (alert_share((double)s->rollback_runs, (double)s->runs) > ROLLBACK_SHARE)
        alert_fire(out, "CauceRollbacks", "warning",
                   "%llu of %llu runs in 7 days removed events after a failure (more than 1 %%).",
                   (unsigned long long)s->rollback_runs, (unsigned long long)s->runs);
}

static void judge_commits(const struct metrics_sum *s, struct alerts *out)
{
    if (s->outcomes[RUN_UNKNOWN] > 0)
        alert_fire(out, "CauceCommitUnknown", "critical",
                   "%llu runs in 7 days ended without knowing whether they had published.",
                   (unsigned long long)s->outcomes[RUN_UNKNOWN]);
    if (s->conflicts > CONFLICTS)
        alert_fire(out, "CauceConflicts", "warning",
                   "%llu commits in 7 days were lost to another writer (more than %d).",
                   (unsigned long long)s->conflicts, CONFLICTS);
}

static void judge_success(const struct metrics *m, int64_t now, struct alerts *out)
{
    if (m->failures >= FAILURES ||
        (m->failures > 0 && now - m->failing_since > FAILING_SECONDS * INT64_C(1000000)))
        alert_fire(out, "CauceFailing", "critical",
                   "%llu run%s in a row failed, and none has succeeded since.",
                   (unsigned long long)m->failures, m->failures == 1 ? "" : "s");
    if (m->expect_every > 0 && now - m->last_success > m->expect_every * 1000000)
        alert_fire(out, "CauceNotRefreshed", "critical",
                   "the last good run is older than the %lld seconds that `expect_every` declares.",
                   (long long)m->expect_every);
}

void metrics_alerts(const struct metrics *m, int64_t now, struct alerts *out)
{
    out->count = 0;
    judge_rollbacks(&m->window, out);
    judge_derived(m, &m->window, false, out);
    judge_commits(&m->window, out);
    judge_derived(m, &m->all, true, out);
    judge_success(m, now, out);
}

/*
 * The verdicts of alerts/cauce.rules.yml without a server. Thresholds stand in both places; a test
 * compares them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "pipeline/metrics.h"

#define ROLLBACK_SHARE 0.01
#define REBUILD_SHARE 0.001
#define REBUILD_SECONDS 300.0
#define CONFLICTS 5
#define FAILURES 3
#define FAILING_SECONDS 86400

struct verdicts {
    struct metrics_alert *out;
    size_t count;
};

__attribute__((format(printf, 4, 5))) static void
fire(struct verdicts *v, const char *name, const char *severity, const char *format, ...)
{
    struct metrics_alert *a = &v->out[v->count++];
    va_list args;
    a->name = name;
    a->severity = severity;
    va_start(args, format);
    vsnprintf(a->text, sizeof a->text, format, args);
    va_end(args);
}

static double share(uint64_t part, uint64_t whole)
{
    return whole > 0 ? (double)part / (double)whole : 0;
}

static void judge_runs(const struct metrics_sum *s, struct verdicts *v)
{
    unsigned long long runs = s->runs;
    if (share(s->rollback_runs, s->runs) > ROLLBACK_SHARE)
        fire(v, "CauceRollbacks", "warning",
             "%llu of %llu runs in 7 days removed events after a failure (more than 1 %%).",
             (unsigned long long)s->rollback_runs, runs);
    if (share(s->inconsistencies, s->runs) > REBUILD_SHARE)
        fire(v, "CauceIndexRebuilds", "warning",
             "%llu of %llu runs in 7 days found the key index inconsistent (more than 0.1 %%).",
             (unsigned long long)s->inconsistencies, runs);
    if (s->rebuild_longest > REBUILD_SECONDS)
        fire(v, "CauceIndexRebuildSlow", "warning",
             "a rebuild of the key index in the last 7 days took %.0f seconds (more than 300).",
             s->rebuild_longest);
    if (s->outcomes[RUN_UNKNOWN] > 0)
        fire(v, "CauceCommitUnknown", "critical",
             "%llu runs in 7 days ended without knowing whether they had published.",
             (unsigned long long)s->outcomes[RUN_UNKNOWN]);
    if (s->conflicts > CONFLICTS)
        fire(v, "CauceConflicts", "warning",
             "%llu commits in 7 days were lost to another writer (more than %d).",
             (unsigned long long)s->conflicts, CONFLICTS);
}

size_t metrics_alerts(const struct metrics *m, int64_t now,
                      struct metrics_alert out[METRICS_ALERTS_MAX])
{
    struct verdicts v = {out, 0};
    judge_runs(&m->window, &v);
    if (m->partitions_behind > 0)
        fire(&v, "CauceConsolidationBehind", "warning",
             "the projections of %llu partition%s are behind the newest version.",
             (unsigned long long)m->partitions_behind, m->partitions_behind == 1 ? "" : "s");
    if (m->failures >= FAILURES ||
        (m->failures > 0 && now - m->failing_since > FAILING_SECONDS * INT64_C(1000000)))
        fire(&v, "CauceFailing", "critical",
             "%llu run%s in a row failed, and none has succeeded since.",
             (unsigned long long)m->failures, m->failures == 1 ? "" : "s");
    if (m->expect_every > 0 && now - m->last_success > m->expect_every * 1000000)
        fire(&v, "CauceNotRefreshed", "critical",
             "the last good run is older than the %lld seconds that `expect_every` declares.",
             (long long)m->expect_every);
    return v.count;
}

#include "derived/projection/projection.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "derived/projection/verify.h"
#include "util/id.h"
#include "util/mem.h"

void projection_witness(const struct projection_state *s, struct witness *out)
{
    bool under_way = s->phase == PROJECTION_IN_PROGRESS;
    *out = (struct witness){.gc_epoch = s->gc_epoch, .version = under_way ? s->target : s->stamp};
    field_copy(out->who, sizeof out->who, PROJECTION_ROOT);
}

/* ---- Their root ---------------------------------------------------------------------------- */

/* A cut that the dataset does not have today it may have had. */
static bool owns(const char *key)
{
    struct version_id attempt;
    int32_t partition;
    for (enum partition_by by = PARTITION_NONE; by <= PARTITION_DAY; by++) {
        if (projection_parse_temp_key(key, by, &attempt, &partition, NULL) == ERR_OK ||
            projection_parse_key(key, by, &partition, NULL) == ERR_OK ||
            projection_is_former_key(key, by))
            return true;
    }
    return false;
}

static void release(void *state)
{
    if (state != NULL)
        projection_release(state);
    free(state);
}

static int read_state(struct store *st, void **state, struct error *err)
{
    struct projection_state *s = mem_calloc(1, sizeof *s);
    int rc = projection_read(st, s, err);
    if (rc != ERR_OK) {
        release(s);
        s = NULL;
    }
    *state = s;
    return rc;
}

static void witness(const void *state, struct witness *out)
{
    projection_witness(state, out);
}

/* An unfinished consolidation without a redo list names no scratch: the fence sends it back. */
static void name_all(const void *state, struct inventory *named)
{
    const struct projection_state *s = state;
    for (size_t i = 0; i < s->part_count; i++)
        inventory_add(named, s->parts[i].key, 0);
    for (size_t i = 0; i < s->redo_count; i++) {
        inventory_add(named, s->redo[i].key, 0);
        inventory_add(named, s->redo[i].temp, 0);
    }
    for (size_t i = 0; i < s->former_count; i++) {
        char key[LAYOUT_KEY_SIZE];
        projection_former_key(s->by, s->former[i], key);
        inventory_add(named, key, 0);
    }
}

/*
 * Where there are none yet but their files are there, a completed consolidation of nothing takes
 * the place. A redo list is kept: whoever takes it over can still go forward. What was given up
 * stays in its old epoch, with the list of its files.
 */
static int fence(struct store *st, void *state, const struct root_fence *f, struct error *err)
{
    struct projection_state fresh = {.phase = PROJECTION_COMPLETED,
                                     .by = f->base->manifest.schema.partition_by};
    struct projection_state *s = state != NULL ? state : &fresh;
    if (f->published)
        s->gc_epoch = f->gc_epoch;
    id_new(s->attempt);
    return projection_swap(st, state != NULL ? &s->tag : NULL, s, s->by, err);
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    return projection_verify(v, state, err);
}

/* ---- In a run ------------------------------------------------------------------------------ */

/* It goes on from what was read before the commit; where others have, it reads again. */
static int bring_up(struct derived_run *run, struct error *err)
{
    struct projection_state none = {.phase = PROJECTION_NONE};
    struct consolidation_report *report = run->report;
    struct error why = ERROR_INIT;
    int rc = consolidate_from(run->d, run->base, run->state != NULL ? run->state : &none,
                              CONSOLIDATE_CHECK_SIZE, report, &why);
    if (rc == ERR_OK)
        return ERR_OK;
    if (report->behind == 0) { /* it failed before it knew how many */
        report->behind = 1;
        report->state = PROJECTION_IN_PROGRESS;
    }
    return error_set(err, rc,
                     "the projections are behind (%s); any later run, or `cauce consolidate`, "
                     "continues with them",
                     why.text);
}

/* What can be globbed shows the version that was set, and nothing of what was given up. */
static int withdraw(struct dataset *d, const struct base *base, struct error *err)
{
    struct consolidation_report report;
    struct error why = ERROR_INIT;
    int rc = consolidate(d, base, CONSOLIDATE_CHECK_SIZE, &report, &why);
    if (rc == ERR_OK)
        return ERR_OK;
    return error_set(
        err, rc,
        "the pointer is set, but the projections may still show what was given up (%s); any later "
        "run, or `cauce consolidate`, withdraws it",
        why.text);
}

/* ---- What is told of them ------------------------------------------------------------------ */

static int stand(struct dataset *d, const struct base *base, const void *state,
                 struct derived_standing *out, struct error *err)
{
    const struct projection_state *s = state;
    (void)d;
    (void)err;
    out->sequence = s->stamp.sequence;
    if (s->phase == PROJECTION_IN_PROGRESS)
        out->state = DERIVED_IN_PROGRESS;
    else if (version_id_equal(&s->stamp, &base->pointer.current))
        out->state = DERIVED_FRESH;
    else
        out->state = DERIVED_BEHIND;
    return ERR_OK;
}

const struct consolidation_report *projection_report_of(const struct derived_reports *r)
{
    static const struct consolidation_report none = {.state = PROJECTION_NONE};
    const struct consolidation_report *found = derived_report_of(r, &projection_derived);
    return found != NULL ? found : &none;
}

static void code_phase(const struct codec *c, enum projection_phase *phase)
{
    if (c->to != NULL) {
        json_set_string(c->to, "state", projection_phase_name(*phase));
        return;
    }
    const char *name = json_string(json_get(c->from, "state"));
    *phase = PROJECTION_NONE;
    for (int i = 0; i <= PROJECTION_COMPLETED; i++)
        if (strcmp(projection_phase_name((enum projection_phase)i), name) == 0)
            *phase = (enum projection_phase)i;
}

static void code(const struct codec *c, void *report)
{
    struct consolidation_report *r = report;
    code_phase(c, &r->state);
    codec_unsigned(c, "built", &r->built);
    codec_unsigned(c, "moved", &r->moved);
    codec_unsigned(c, "behind", &r->behind);
    codec_bool(c, "skipped", &r->skipped);
    codec_bool(c, "resumed", &r->resumed);
    codec_bool(c, "replayed", &r->replayed);
}

/* ---- Metrics ------------------------------------------------------------------------------- */

enum { COMPLETED, IN_PROGRESS, RESUMED, REPLAYED, BEHIND, VALUES };
_Static_assert(VALUES <= DERIVED_VALUES, "room for every number");

#define CONSOLIDATIONS "cauce_consolidations"

static const struct derived_metric metrics[VALUES] = {
    [COMPLETED] = {.kind = DERIVED_COUNT,
                   .family = CONSOLIDATIONS,
                   .help = "Runs by the state they left the projections in.",
                   .label = "state",
                   .value = "completed",
                   .json = "consolidations_completed"},
    [IN_PROGRESS] = {.kind = DERIVED_COUNT,
                     .family = CONSOLIDATIONS,
                     .label = "state",
                     .value = "in_progress",
                     .json = "consolidations_in_progress"},
    [RESUMED] = {.kind = DERIVED_COUNT,
                 .family = "cauce_consolidations_resumed",
                 .help = "Interrupted consolidations started again.",
                 .json = "consolidations_resumed"},
    [REPLAYED] = {.kind = DERIVED_COUNT,
                  .family = "cauce_consolidations_replayed",
                  .help = "Interrupted consolidations finished from their redo list.",
                  .json = "consolidations_replayed"},
    [BEHIND] = {.kind = DERIVED_NOW,
                .family = "cauce_partitions_behind",
                .help = "Partitions whose projection is behind the newest version.",
                .json = "partitions_behind"},
};

static void count(double *values, const void *report)
{
    const struct consolidation_report *r = report;
    values[COMPLETED] += r->state == PROJECTION_COMPLETED;
    values[IN_PROGRESS] += r->state == PROJECTION_IN_PROGRESS;
    values[RESUMED] += r->resumed;
    values[REPLAYED] += r->replayed;
    values[BEHIND] = (double)r->behind;
}

/*
 * `cauce consolidate` may have brought them up since the newest run. Where there are none, only that
 * run knows whether there should be.
 */
static void measure(struct dataset *d, const struct base *base, double *values)
{
    struct projection_state state = {.phase = PROJECTION_NONE};
    struct consolidation_report plan;
    int rc = projection_read(d->store, &state, NULL);
    bool current = rc == ERR_OK && state.phase == PROJECTION_COMPLETED &&
                   version_id_equal(&state.stamp, &base->pointer.current);
    bool none = rc == ERR_ABSENT || (rc == ERR_OK && state.phase == PROJECTION_NONE);
    projection_release(&state);
    if (none)
        return;
    values[BEHIND] = 0;
    if (current)
        return;
    rc = consolidate_plan(d, base, CONSOLIDATE_CHECK_STAMP, &plan, NULL);
    values[BEHIND] = rc == ERR_OK && plan.behind > 0 ? (double)plan.behind : 1;
}

static void judge(const double *values, uint64_t runs, bool now, struct alerts *out)
{
    (void)runs;
    if (now && values[BEHIND] > 0)
        alert_fire(out, "CauceConsolidationBehind", "warning",
                   "the projections of %.0f partition%s are behind the newest version.",
                   values[BEHIND], values[BEHIND] < 2 ? "" : "s");
}

const struct derived projection_derived = {
    .name = "projections",
    .label = "projections",
    .root =
        {
            .key = PROJECTION_ROOT,
            .command = "consolidate",
            .absent = "There are no projections. The next run, or `cauce consolidate`, builds "
                      "them.",
            .remedy = PROJECTION_REMEDY,
            .owns = owns,
            .read = read_state,
            .release = release,
            .witness = witness,
            .name_all = name_all,
            .fence = fence,
            .give_up = NULL, /* readers by glob would miss their files */
            .verify = verify,
        },
    .steps = {.bring_up = "consolidate"},
    .bring_up = bring_up,
    .withdraw = withdraw,
    .check = projection_check,
    .stand = stand,
    .report_size = sizeof(struct consolidation_report),
    .record = "consolidation",
    .code = code,
    .metrics = metrics,
    .metric_count = VALUES,
    .count = count,
    .measure = measure,
    .judge = judge,
};

#include "pipeline/status.h"

#include <string.h>

#include "derived/index/state.h"
#include "derived/projection/state.h"
#include "pipeline/metrics.h"
#include "pipeline/records.h"

const char *status_derived_name(enum status_derived state)
{
    static const char *const names[] = {
        [STATUS_NONE] = "none",       [STATUS_FRESH] = "fresh",
        [STATUS_BEHIND] = "behind",   [STATUS_IN_PROGRESS] = "in_progress",
        [STATUS_INVALID] = "invalid",
    };
    return names[state];
}

void status_release(struct status *s)
{
    base_release(&s->base);
    record_release(&s->last_run);
    *s = (struct status){.index = STATUS_NONE};
}

/* Results of reading a derived thing that say something of it, and are no failure. */
static bool is_verdict(int rc)
{
    return rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_GATE;
}

static int read_index(struct dataset *d, struct status *out, struct error *err)
{
    struct index_state index = {.by_partition = false};
    enum index_freshness freshness;
    struct error why = ERROR_INIT;
    int rc = index_read(d->store, &index, &why);
    if (is_verdict(rc)) {
        out->index = rc == ERR_ABSENT ? STATUS_NONE : STATUS_INVALID;
        index_release(&index);
        return ERR_OK;
    }
    if (rc == ERR_OK)
        rc = index_compare(d->store, &out->base, &index, &freshness, &out->index_reason, &why);
    if (rc == ERR_OK) {
        static const enum status_derived states[] = {[INDEX_FRESH] = STATUS_FRESH,
                                                     [INDEX_BEHIND] = STATUS_BEHIND,
                                                     [INDEX_INVALID] = STATUS_INVALID};
        out->index = states[freshness];
        out->index_sequence = index.stamp.sequence;
        if (freshness == INDEX_FRESH)
            out->index_reason = NULL;
    }
    index_release(&index);
    return rc == ERR_OK ? ERR_OK : error_set(err, rc, "%s", why.text);
}

static int read_projections(struct dataset *d, struct status *out, struct error *err)
{
    struct projection_state state = {.phase = PROJECTION_NONE};
    struct error why = ERROR_INIT;
    int rc = projection_read(d->store, &state, &why);
    if (rc == ERR_OK) {
        out->projections_sequence = state.stamp.sequence;
        if (state.phase == PROJECTION_IN_PROGRESS)
            out->projections = STATUS_IN_PROGRESS;
        else if (version_id_equal(&state.stamp, &out->base.pointer.current))
            out->projections = STATUS_FRESH;
        else
            out->projections = STATUS_BEHIND;
    } else if (is_verdict(rc)) {
        out->projections = rc == ERR_ABSENT ? STATUS_NONE : STATUS_INVALID;
        rc = ERR_OK;
    }
    projection_release(&state);
    return rc == ERR_OK ? ERR_OK : error_set(err, rc, "%s", why.text);
}

/* ---- Runs ---------------------------------------------------------------------------------- */

struct looking {
    struct status *status;
    int64_t latest; /* what is dated later says nothing */
};

/* The first record is the last run's; go on until one that did not fail. */
static int look_back(void *ctx, struct record *record, bool *stop, struct error *err)
{
    struct looking *l = ctx;
    struct status *s = l->status;
    (void)err;
    if (record->kind != RECORD_RUN || record_is_after(record, l->latest))
        return ERR_OK;
    if (run_outcome_is_success(record->run.outcome) && record->run.finished != 0) {
        s->last_success = record->run.finished;
        *stop = true;
    }
    if (s->last_run.json == NULL) {
        s->last_run = *record;
        *record = (struct record){.kind = RECORD_RUN};
    }
    return ERR_OK;
}

static int read_runs(struct dataset *d, int64_t now, struct status *out, struct error *err)
{
    struct looking looking = {out, now + METRICS_SKEW};
    int rc = records_back(d->store, look_back, &looking, err);
    if (rc != ERR_OK)
        return rc;
    if (out->last_success == 0 && out->base.pointer.current.sequence > 0 &&
        out->base.manifest.time <= looking.latest)
        out->last_success = out->base.manifest.time;
    if (d->config != NULL)
        out->expect_every = d->config->expect_every;
    if (out->expect_every > 0)
        out->late = now - out->last_success > out->expect_every * 1000000;
    return ERR_OK;
}

int status_read(struct dataset *d, int64_t now, struct status *out, struct error *err)
{
    *out = (struct status){.index = STATUS_NONE};
    int rc = base_read(d->store, d->id, &out->base, err);
    if (rc == ERR_OK)
        rc = read_index(d, out, err);
    if (rc == ERR_OK)
        rc = read_projections(d, out, err);
    if (rc == ERR_OK)
        rc = read_runs(d, now, out, err);
    if (rc != ERR_OK)
        status_release(out);
    return rc;
}

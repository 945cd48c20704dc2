#include "pipeline/status.h"

#include <string.h>

#include "pipeline/metrics.h"
#include "pipeline/records.h"

void status_release(struct status *s)
{
    base_release(&s->base);
    record_release(&s->last_run);
    *s = (struct status){.things = NULL};
}

static int read_derived(struct dataset *d, struct status *out, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < out->things->count && rc == ERR_OK; i++)
        rc = derived_stand(d, &out->base, out->things->items[i], &out->derived[i], err);
    return rc;
}

/* ---- Runs ---------------------------------------------------------------------------------- */

struct looking {
    struct status *status;
    int64_t latest; /* what is dated later is ignored */
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
    int rc = records_back(d, look_back, &looking, err);
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
    *out = (struct status){.things = derived_of(d)};
    int rc = base_read(d->store, d->id, &out->base, err);
    if (rc == ERR_OK)
        rc = read_derived(d, out, err);
    if (rc == ERR_OK)
        rc = read_runs(d, now, out, err);
    if (rc != ERR_OK)
        status_release(out);
    return rc;
}

/*
 * What the source adds to the base: only the shards of the index that the source touches are read,
 * and each is checked when it is read. Nothing is written to the store, but a damaged index is
 * healed. Repeating it is harmless.
 */
#include <stdlib.h>
#include <string.h>

#include "derived/index/keeper.h"
#include "pipeline/run_private.h"

/*
 * A shard was not what the index says. Either another process has replaced the index meanwhile (and
 * gc removed the old shard), then the new one is taken; or it is damaged, then it is rebuilt.
 */
static int attach_again(struct run *r, struct error *err)
{
    char attempt[ID_SIZE];
    memcpy(attempt, r->index.attempt, sizeof attempt);
    index_release(&r->index);
    int rc = index_keeper_open(r->d, &r->base, &r->index, &r->report->index, err);
    if (rc == ERR_OK && strcmp(attempt, r->index.attempt) == 0)
        rc = index_keeper_rebuild(r->d, &r->base, "damaged", &r->index, &r->report->index, err);
    if (rc == ERR_OK)
        rc = index_keeper_attach(r->d, &r->schema, &r->index, "source_rows", err);
    return rc;
}

static int attach(struct run *r, struct error *err)
{
    struct error why = ERROR_INIT;
    if (r->options->dry_run)
        return index_keeper_peek(r->d, &r->base, &r->schema, &r->index, "source_rows", err);
    int rc = index_keeper_attach(r->d, &r->schema, &r->index, "source_rows", &why);
    if (rc == ERR_DAMAGED)
        return attach_again(r, err);
    return rc == ERR_OK ? ERR_OK : error_set(err, rc, "%s", why.text);
}

int step_delta(struct run *r, struct delta_report *out, struct error *err)
{
    delta_release(&r->delta);
    int rc = attach(r, err);
    if (rc == ERR_OK)
        rc = delta_compute(r->d->engine, &r->schema, "source_rows", &r->delta, err);
    if (rc != ERR_OK)
        return index_keeper_excuse(r->d, &r->index, rc, err);
    uint64_t keys = r->base.manifest.keys.count;
    out->rows_new = r->delta.rows_new;
    out->rows_revised = r->delta.rows_revised;
    out->rows_known = r->report->load.source.rows - out->rows_new - out->rows_revised;
    out->rows_vanished = keys - out->rows_known - out->rows_revised;
    return ERR_OK;
}

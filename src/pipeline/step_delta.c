/*
 * What the source adds to the base: only the shards of the index that the source touches are read,
 * and each is checked when it is read. Nothing is written to the store, but a damaged index is
 * healed. Repeating it is harmless.
 */
#include "derived/index/index.h"
#include "pipeline/run_private.h"

int step_delta(struct run *r, struct delta_report *out, struct error *err)
{
    struct derived_run *index = step_derived_index(r);
    delta_release(&r->delta);
    int rc = index_attach(index, &r->schema, "source_rows", err);
    if (rc == ERR_OK)
        rc = delta_compute(r->d->engine, &r->schema, "source_rows", &r->delta, err);
    if (rc != ERR_OK)
        return index_excuse(index, rc, err);
    uint64_t keys = r->base.manifest.keys.count;
    out->rows_new = r->delta.rows_new;
    out->rows_revised = r->delta.rows_revised;
    out->rows_known = r->report->load.source.rows - out->rows_new - out->rows_revised;
    out->rows_vanished = keys - out->rows_known - out->rows_revised;
    return ERR_OK;
}

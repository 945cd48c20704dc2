/*
 * What the source adds to the base, and the one place of a run that knows the key index by name: only the shards of the index that the source touches are read,
 * and each is checked when it is read. Nothing is written to the store, but a damaged index is
 * healed. Repeating it is harmless.
 */
#include <assert.h>

#include "derived/index/index.h"
#include "pipeline/run_private.h"

/* The place of the index in the table of things: no run can do without. */
static size_t index_place(const struct run *r)
{
    const struct derived_table *t = r->report->derived.table;
    size_t i = 0;
    while (i < t->count && t->items[i] != &index_derived)
        i++;
    assert(i < t->count);
    return i;
}

const struct manifest_source *step_last_source(const struct run *r)
{
    return index_last_source(&r->derived[index_place(r)]);
}

int step_delta(struct run *r, struct delta_report *out, struct error *err)
{
    struct derived_run *index = &r->derived[index_place(r)];
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

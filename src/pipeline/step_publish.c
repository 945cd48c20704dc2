/*
 * publish_version: the manifest of this attempt, then the compare-and-swap of the pointer. Before
 * the swap nothing is visible; after it everything is. Repeating it needs a new base.
 */
#include <string.h>

#include "pipeline/run_private.h"
#include "util/invariant.h"
#include "util/mem.h"
#include "util/time.h"

static void fill_parent(const struct run *r, struct manifest *m)
{
    const struct pointer *p = &r->base.pointer;
    m->parent = p->current;
    memcpy(m->parent_key, p->manifest_key, sizeof m->parent_key);
    memcpy(m->parent_sha256, p->manifest_sha256, sizeof m->parent_sha256);
}

static void fill_manifest(struct run *r)
{
    const struct manifest *base = &r->base.manifest;
    struct manifest *m = &r->manifest;
    manifest_release(m);
    *m = (struct manifest){.version = r->version, .time = time_now()};
    memcpy(m->dataset, r->base.pointer.dataset, sizeof m->dataset);
    memcpy(m->run_id, r->report->run_id, sizeof m->run_id);
    fill_parent(r, m);
    manifest_source_copy(&r->identity, &m->source);
    for (size_t i = 0; i < r->events.files.count; i++)
        manifest_files_add(&m->files, &r->events.files.items[i]);
    m->rows_added = r->delta.rows_new + r->delta.rows_revised;
    m->rows_revised = r->delta.rows_revised;
    m->rows_total = base->rows_total + m->rows_added;
    invariant(4, r->delta.fresh.count == r->delta.rows_new);
    m->keys = base->keys;
    key_digest_add(&m->keys, &r->delta.fresh);
    m->key_seed = r->base.pointer.key_seed;
    schema_copy(&r->schema, &m->schema);
}

int step_publish(struct run *r, struct error *err)
{
    fill_manifest(r);
    r->commit = (struct commit_report){0};
    return catalog_commit(r->d->store, &r->base, &r->manifest, &r->commit, err);
}

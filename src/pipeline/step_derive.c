/*
 * After the commit: index and projections are brought to the version. Both are derived; what fails
 * here is a warning, and any later run heals it. Repeating it is harmless.
 */
#include "derived/index/keeper.h"
#include "derived/projection/consolidate.h"
#include "pipeline/run_private.h"

/* The commit's outcome as a base for what is derived from it. */
static void adopt_base(struct run *r)
{
    manifest_release(&r->base.manifest);
    r->base.pointer = r->commit.pointer;
    r->base.tag = r->commit.tag;
    r->base.manifest = r->manifest;
    r->manifest = (struct manifest){.version = {0}};
}

/* The consolidation reads the events that have just been stored. */
static void keep_events(struct run *r)
{
    for (size_t i = 0; i < r->events.files.count; i++)
        dataset_keep(r->d, r->events.paths[i], r->events.files.items[i].sha256);
}

void step_update_index(struct run *r)
{
    struct error err = ERROR_INIT;
    keep_events(r);
    int rc =
        index_keeper_update(r->d, &r->schema, &r->index, &r->manifest.version,
                            r->base.pointer.gc_epoch, &r->manifest.keys, &r->manifest.source, &err);
    rc = index_keeper_excuse(r->d, &r->index, rc, &err);
    /* A conflict means that a later run has brought it further already. */
    if (rc != ERR_OK && rc != ERR_CONFLICT)
        run_warn(r,
                 "the version is published, but the key index could not be updated (%s); the "
                 "next run brings it up to date",
                 err.text);
    adopt_base(r);
}

void step_consolidate(struct run *r, struct consolidation_report *out)
{
    struct error err = ERROR_INIT;
    if (r->options->no_consolidate || r->options->dry_run)
        return;
    int rc = consolidate_from(r->d, &r->base, &r->projections, CONSOLIDATE_CHECK_SIZE, out, &err);
    if (rc != ERR_OK && out->behind == 0) { /* it failed before it knew how many */
        out->behind = 1;
        out->state = PROJECTION_IN_PROGRESS;
    }
    if (rc != ERR_OK)
        run_warn(r,
                 "the projections are behind (%s); every later run, or `cauce consolidate`, "
                 "goes on with them",
                 err.text);
}

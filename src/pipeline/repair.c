#include "pipeline/repair.h"

#include <string.h>

#include "catalog/recall.h"
#include "derived/derived.h"
#include "pipeline/records.h"
#include "util/log.h"
#include "util/time.h"

/* A machine knows a dataset by its seed, which also every manifest has. */
static void remember(struct dataset *d, struct repair_view *view)
{
    struct witness w;
    struct pointer p = view->found.pointer;
    for (size_t i = 0; !view->found.intact && i < view->evidence.candidate_count; i++) {
        if (!view->evidence.candidates[i].readable)
            continue;
        p.key_seed = view->evidence.candidates[i].key_seed;
        memcpy(p.dataset, view->evidence.candidates[i].dataset, sizeof p.dataset);
        break;
    }
    recall_load(d->memory, d->place, &p, &w);
    evidence_add(&view->evidence, &w);
}

int repair_look_dataset(struct dataset *d, struct repair_view *out, struct error *err)
{
    const struct roots roots = derived_roots(derived_of(d));
    int rc = repair_look(d->store, &roots, out, err);
    if (rc == ERR_OK)
        remember(d, out);
    return rc;
}

static void record(struct dataset *d, const struct pointer *p)
{
    struct error why = ERROR_INIT;
    struct record_upkeep upkeep = {
        .started = time_now(), .version = p->current, .gc_epoch = p->gc_epoch};
    id_new(upkeep.id);
    if (records_write_upkeep(d, RECORD_REPAIR, &upkeep, &why) != ERR_OK)
        log_warn("the record of this repair could not be written: %s", why.text);
}

/* Whatever readers see must show the version that was set, and nothing of what was given up. */
static void withdraw(struct dataset *d)
{
    const struct derived_table *t = derived_of(d);
    struct base base;
    struct error why = ERROR_INIT;
    if (base_read(d->store, d->id, &base, &why) != ERR_OK)
        log_warn("the pointer is set, but what is derived may still show what was given up (%s); "
                 "any later run withdraws it",
                 why.text);
    for (size_t i = 0; why.code == ERR_OK && i < t->count; i++) {
        struct error failed = ERROR_INIT;
        if (t->items[i]->withdraw != NULL && t->items[i]->withdraw(d, &base, &failed) != ERR_OK)
            log_warn("%s", failed.text);
    }
    base_release(&base);
}

int repair_dataset(struct dataset *d, const struct repair_options *options, struct pointer *out,
                   struct error *err)
{
    struct repair_view view;
    bool changed = false;
    int rc = repair_look_dataset(d, &view, err);
    if (rc == ERR_OK)
        rc = repair_set(d->store, &view, options, out, &changed, err);
    repair_view_release(&view);
    if (rc != ERR_OK || !changed || options->dry_run)
        return rc;
    dataset_remember(d, out);
    record(d, out);
    withdraw(d);
    return ERR_OK;
}

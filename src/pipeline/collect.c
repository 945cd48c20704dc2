#include "pipeline/collect.h"

#include "derived/derived.h"
#include "pipeline/records.h"
#include "util/log.h"
#include "util/time.h"

static void record(struct dataset *d, const struct gc_report *r, int64_t started, int rc)
{
    struct error why = ERROR_INIT;
    struct record_upkeep upkeep = {
        .started = started,
        .failed = rc != ERR_OK,
        .version = r->version,
        .gc_epoch = r->gc_epoch,
        .orphans_found = r->count,
        .orphans_removed = r->removed,
        .orphan_bytes = r->bytes,
    };
    id_new(upkeep.id);
    if (records_write_upkeep(d, RECORD_GC, &upkeep, &why) != ERR_OK)
        log_warn("the record of this gc could not be written: %s", why.text);
}

/* What this machine knows of the pointer; where it cannot be read, gc says so. */
static int check_memory(struct dataset *d, struct error *err)
{
    struct base base = {.tag = {""}};
    if (pointer_read(d->store, &base.pointer, &base.tag, NULL) != ERR_OK)
        return ERR_OK;
    return dataset_check_pointer(d, &base, err);
}

int collect_dataset(struct dataset *d, bool apply, struct gc_report *out, struct error *err)
{
    const struct roots roots = derived_roots(derived_of(d));
    int64_t started = time_now();
    if (apply && d->limits.temp != NULL)
        workdir_sweep(d->limits.temp); /* often on the same disk */
    *out = (struct gc_report){0};
    int rc = check_memory(d, err);
    if (rc == ERR_OK)
        rc = gc_collect(d->store, &roots, d->id, apply, out, err);
    if (apply && (rc == ERR_OK || out->removed > 0))
        record(d, out, started, rc);
    return rc;
}

#include "pipeline/collect.h"

#include "pipeline/record.h"
#include "util/log.h"
#include "util/time.h"

static struct json *encode(const struct dataset *d, const struct gc_report *r, const char *id,
                           int64_t started, int code)
{
    struct json *object = record_begin("gc", d->id, id, started);
    json_set_string(object, "outcome", code == ERR_OK ? "collected" : "failed");
    json_set_unsigned(object, "sequence", r->version.sequence);
    json_set_string(object, "commit", r->version.sequence > 0 ? r->version.commit : NULL);
    json_set_unsigned(object, "orphans_found", r->count);
    json_set_unsigned(object, "orphans_removed", r->removed);
    json_set_unsigned(object, "orphan_bytes", r->bytes);
    json_set_unsigned(object, "gc_epoch", r->gc_epoch);
    return object;
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
    struct error why = ERROR_INIT;
    char id[ID_SIZE];
    int64_t started = time_now();
    id_new(id);
    if (apply && d->limits.temp != NULL)
        workdir_sweep(d->limits.temp); /* often on the same disk */
    *out = (struct gc_report){0};
    int rc = check_memory(d, err);
    if (rc == ERR_OK)
        rc = gc_collect(d->store, d->id, apply, out, err);
    if (!apply || (rc != ERR_OK && out->removed == 0))
        return rc;
    struct json *record = encode(d, out, id, started, rc);
    if (record_put(d->store, started, id, record, &why) != ERR_OK)
        log_warn("the record of this gc could not be written: %s", why.text);
    json_free(record);
    return rc;
}

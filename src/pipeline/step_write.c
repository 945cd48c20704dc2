/*
 * write_events: all events or none. One file per partition is written to scratch, read back and
 * compared with the delta; only then are they stored, each under a name that no other attempt uses.
 * A failure removes exactly what this attempt stored. Dying in the middle leaves orphans: nothing
 * names them, gc collects them. Repeating it writes other names.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/event_file.h"
#include "engine/inspect.h"
#include "pipeline/run_private.h"
#include "util/invariant.h"
#include "util/json.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

void step_events_release(struct run *r)
{
    struct written_events *e = &r->events;
    for (size_t i = 0; e->paths != NULL && i < e->files.count; i++) {
        fs_discard(e->paths[i]);
        free(e->paths[i]);
    }
    free(e->paths);
    free(e->written);
    manifest_files_release(&e->files);
    *e = (struct written_events){0};
}

/* One local file per partition of the delta. */
static int write_local(struct run *r, struct error *err)
{
    struct written_events *e = &r->events;
    size_t n = r->delta.count;
    struct event_job *jobs = mem_calloc(n, sizeof *jobs);
    e->paths = mem_calloc(n, sizeof *e->paths);
    e->written = mem_calloc(n, sizeof *e->written);
    for (size_t i = 0; i < n; i++) {
        const struct delta_part *part = &r->delta.parts[i];
        struct manifest_file file = {.sequence = r->version.sequence,
                                     .rows = part->rows,
                                     .revised = part->revised,
                                     .partition = part->partition};
        layout_event(&r->version, r->schema.for_tables, r->schema.partition_by, part->partition, 0,
                     file.key);
        manifest_files_add(&e->files, &file);
        e->paths[i] = dataset_scratch(r->d, ".parquet");
        jobs[i] = (struct event_job){part->partition, e->paths[i]};
    }
    int rc = event_file_write(r->d->engine, &r->schema, jobs, n, r->version.sequence,
                              r->ingested_at, err);
    free(jobs);
    return rc == ERR_OK ? ERR_OK : error_prefix(err, "writing event files to %s", r->d->work.path);
}

static int take_bounds(struct manifest_file *file, const struct inspection *found,
                       struct error *err)
{
    int rc = json_parse(found->min, strlen(found->min), "least key", &file->min, err);
    if (rc == ERR_OK)
        rc = json_parse(found->max, strlen(found->max), "greatest key", &file->max, err);
    return rc;
}

static int reads_back_otherwise(const struct run *r, size_t i, const struct inspection *found,
                                struct error *err)
{
    error_set(
        err, ERR_SYSTEM,
        "the event file %s was written with %llu rows, but reads back with %llu or with other "
        "keys.",
        r->events.files.items[i].key, (unsigned long long)r->delta.parts[i].rows,
        (unsigned long long)found->keys.count);
    return error_tell(err, ERR_SYSTEM, ERROR_UNPUBLISHED,
                      "Check disk and memory of this machine, then run again.");
}

/* Every file must hold exactly the keys of the delta. */
int step_verify_events(struct run *r, struct error *err)
{
    struct written_events *e = &r->events;
    struct inspection *found = mem_calloc(e->files.count, sizeof *found);
    int rc = inspect_files(r->d->engine, &r->schema, (const char *const *)e->paths, e->files.count,
                           found, err);
    for (size_t i = 0; i < e->files.count; i++) {
        if (rc == ERR_OK && !key_digest_equal(&found[i].keys, &r->delta.parts[i].keys))
            rc = reads_back_otherwise(r, i, &found[i], err);
        if (rc == ERR_OK)
            rc = take_bounds(&e->files.items[i], &found[i], err);
        inspection_release(&found[i]);
    }
    free(found);
    return rc;
}

/* `written` says exactly which ones this attempt must remove again. */
int step_store_events(struct run *r, struct error *err)
{
    struct written_events *e = &r->events;
    size_t n = e->files.count;
    struct store_body *bodies = mem_calloc(n, sizeof *bodies);
    const char **keys = mem_calloc(n, sizeof *keys);
    int rc = ERR_OK;
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        struct manifest_file *file = &e->files.items[i];
        keys[i] = file->key;
        rc = store_body_file(e->paths[i], &bodies[i], err);
        bodies[i].given = true;
        file->size = bodies[i].size;
        memcpy(file->sha256, bodies[i].sha256, sizeof file->sha256);
        invariant(2, i == 0 || e->files.items[i - 1].partition < file->partition);
        invariant(2, file->sequence == r->version.sequence && file->rows > 0);
    }
    if (rc == ERR_OK)
        rc = store_put_many(r->d->store, keys, bodies, n, e->written, err);
    for (size_t i = 0; i < n; i++)
        invariant(2, rc != ERR_OK || e->written[i]);
    free(keys);
    free(bodies);
    return rc;
}

int step_write_events(struct run *r, struct error *err)
{
    step_events_release(r);
    r->version.sequence = r->base.pointer.current.sequence + 1;
    id_new(r->version.commit);
    r->ingested_at = time_now();
    return write_local(r, err);
}

/* Delete what is marked as written, and the manifest; returns how many are gone. */
static uint64_t remove_written(struct run *r, uint64_t *left)
{
    struct written_events *e = &r->events;
    uint64_t removed = 0;
    *left = 0;
    for (size_t i = 0; i < e->files.count; i++) {
        struct error err = ERROR_INIT;
        if (!e->written[i])
            continue;
        invariant(6, e->files.items[i].sequence > r->base.pointer.current.sequence);
        if (store_remove(r->d->store, e->files.items[i].key, &err) == ERR_OK) {
            e->written[i] = false;
            removed++;
            continue;
        }
        log_warn("%s could not be removed and is left to gc: %s", e->files.items[i].key, err.text);
        ++*left;
    }
    if (r->commit.manifest_written &&
        store_remove(r->d->store, r->commit.manifest_key, NULL) == ERR_OK)
        r->commit.manifest_written = false;
    return removed;
}

static uint64_t count_written(const struct written_events *e)
{
    uint64_t n = 0;
    for (size_t i = 0; i < e->files.count; i++)
        n += e->written[i];
    return n;
}

void step_roll_back(struct run *r, struct events_report *report)
{
    uint64_t events = count_written(&r->events);
    if (events == 0 && !r->commit.manifest_written)
        return;
    log_write(LOG_WARN,
              LOG_FIELDS(LOG_INT("sequence", (int64_t)r->version.sequence),
                         LOG_STR("commit", r->version.commit)),
              "rolling back %llu events due to write failure", (unsigned long long)events);
    uint64_t left;
    report->rollbacks++;
    report->rolled_back += remove_written(r, &left);
    report->left += left;
}

void step_discard(struct run *r, struct events_report *report)
{
    uint64_t left;
    uint64_t removed = remove_written(r, &left);
    report->left += left;
    log_info("lost the race for version %llu; removed the %llu events of this attempt",
             (unsigned long long)r->version.sequence, (unsigned long long)removed);
}

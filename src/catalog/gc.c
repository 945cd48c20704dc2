/*
 * What makes this safe without a clock:
 *
 *  1. Pointer and manifests of the derived things are read, with their tags, before the listing. So
 *     whatever is listed and named by none of them is either garbage, or belongs to an attempt that
 *     has yet to replace one of the three from the state that was read.
 *  2. The fence replaces all three from exactly those states. After it, every such attempt loses its
 *     swap, however long it slept. An attempt that begins after the fence makes new names.
 *  3. Only what was listed before the fence is deleted, and only if all of the fence held.
 */
#include "catalog/gc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/evidence.h"
#include "catalog/index.h"
#include "catalog/inventory.h"
#include "catalog/nested.h"
#include "catalog/projection.h"
#include "catalog/witness.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"

/* The states everything is judged by. */
struct roots {
    struct base base;
    struct index_state index;
    bool has_index;
    struct projection_state projection;
    bool has_projection;
    struct inventory named; /* every key that one of them names */
    unsigned fenced;        /* how many of the three are, in the order of fence() */
};

void gc_report_release(struct gc_report *r)
{
    for (size_t i = 0; i < r->count; i++)
        free(r->items[i].key);
    free(r->items);
    for (size_t i = 0; i < r->stranger_count && i < GC_STRANGERS_MAX; i++)
        free(r->strangers[i]);
    *r = (struct gc_report){0};
}

static void roots_release(struct roots *r)
{
    base_release(&r->base);
    index_release(&r->index);
    projection_release(&r->projection);
    inventory_release(&r->named);
}

/* The result of reading a derived thing: that it is absent is no error; damaged, it hides names. */
static int derived(int rc, bool *exists, const char *command, struct error *err)
{
    *exists = rc == ERR_OK;
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc == ERR_DAMAGED)
        error_append(err,
                     "gc cannot tell what it names. Nothing was deleted; run `cauce %s` first.",
                     command);
    return rc;
}

/* What came after a pointer that went back looks like remains. */
static int check_roots(struct store *st, const struct roots *r, struct error *err)
{
    struct witness index;
    struct witness projection;
    witness_index(&r->index, &index);
    witness_projections(&r->projection, &projection);
    int rc = witness_check(st, &r->base, &index, err);
    return rc == ERR_OK ? witness_check(st, &r->base, &projection, err) : rc;
}

static int read_roots(struct store *st, const char *dataset, struct roots *r, struct error *err)
{
    int rc = base_read(st, dataset, &r->base, err);
    if (rc == ERR_OK)
        rc = derived(index_read(st, &r->index, err), &r->has_index, "rebuild-index", err);
    if (rc == ERR_OK)
        rc = derived(projection_read(st, &r->projection, err), &r->has_projection, "consolidate",
                     err);
    return rc == ERR_OK ? check_roots(st, r, err) : rc;
}

static void name(struct roots *r, const char *key)
{
    inventory_add(&r->named, key, 0);
}

static int name_version(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct roots *r = ctx;
    char key[LAYOUT_KEY_SIZE];
    (void)stop;
    (void)err;
    layout_manifest(&m->version, key);
    name(r, key);
    for (size_t i = 0; i < m->files.count; i++)
        name(r, m->files.items[i].key);
    return ERR_OK;
}

/* An unfinished consolidation without a redo list names no scratch: the fence sends it back. */
static int name_all(struct store *st, struct roots *r, struct error *err)
{
    const struct projection_state *p = &r->projection;
    for (size_t i = 0; i < r->index.shard_count; i++)
        name(r, r->index.shards[i].key);
    for (size_t i = 0; i < p->part_count; i++)
        name(r, p->parts[i].key);
    for (size_t i = 0; i < p->redo_count; i++) {
        name(r, p->redo[i].key);
        name(r, p->redo[i].temp);
    }
    for (size_t i = 0; i < p->former_count; i++) {
        char key[LAYOUT_KEY_SIZE];
        layout_former_projection(p->by, p->former[i], key);
        name(r, key);
    }
    int rc = catalog_walk(st, &r->base, name_version, r, err);
    inventory_sort(&r->named);
    return rc;
}

/* ---- The search ---------------------------------------------------------------------------- */

struct search {
    struct store *st;
    const struct roots *roots;
    struct gc_report *report;
};

static int add_stranger(const struct search *s, const char *key, struct error *err)
{
    struct gc_report *r = s->report;
    if (layout_is_nested(key) && nested_is_pointer(s->st, key))
        return nested_refuse(s->st->url, key, err);
    if (r->stranger_count < GC_STRANGERS_MAX)
        r->strangers[r->stranger_count] = mem_strdup(key);
    r->stranger_count++;
    return ERR_OK;
}

static void add_candidate(struct gc_report *r, const struct store_entry *entry)
{
    r->items = mem_grow(r->items, r->count, &r->capacity, sizeof *r->items);
    r->items[r->count++] = (struct gc_item){.key = mem_strdup(entry->key), .size = entry->size};
    r->bytes += entry->size;
}

/* Only what cauce would have named so itself is ever deleted. */
static int judge(void *ctx, const struct store_entry *entry, struct error *err)
{
    const struct search *s = ctx;
    switch (layout_kind(entry->key, NULL)) {
    case LAYOUT_STRANGER:
        return add_stranger(s, entry->key, err);
    case LAYOUT_STATE:
    case LAYOUT_RECORD:
        return ERR_OK;
    case LAYOUT_VERSION:
    case LAYOUT_DERIVED:
    case LAYOUT_REMAINS:
        break;
    }
    if (inventory_find(&s->roots->named, entry->key) == NULL)
        add_candidate(s->report, entry);
    return ERR_OK;
}

/* ---- The fence ----------------------------------------------------------------------------- */

static bool any_below(const struct gc_report *r, const char *prefix)
{
    for (size_t i = 0; i < r->count; i++) {
        if (str_starts(r->items[i].key, prefix))
            return true;
    }
    return false;
}

static int fence_pointer(struct store *st, const struct roots *r, uint64_t *epoch,
                         struct error *err)
{
    struct pointer next;
    pointer_fenced(&r->base.pointer, &next);
    int rc = pointer_swap(st, &r->base.tag, &next, NULL, err);
    if (rc == ERR_OK)
        *epoch = next.gc_epoch;
    return rc;
}

/* Is it in the chain, or the empty dataset? What is not there was given up by a repair. */
static bool is_published(const struct roots *r, const struct version_id *version)
{
    char key[LAYOUT_KEY_SIZE];
    layout_manifest(version, key);
    return version->sequence == 0 || inventory_find(&r->named, key) != NULL;
}

/*
 * Where there is no index yet but shards are, somebody may be about to name them: an empty index,
 * which reflects the empty dataset, takes the place that they expect to be free. It also takes that of
 * an index of a version that was given up, lest that one speak of it in the new epoch.
 */
static int fence_index(struct store *st, struct roots *r, const struct gc_report *report,
                       uint64_t epoch, struct error *err)
{
    struct index_state *s = &r->index;
    struct store_tag tag = s->tag;
    if (!r->has_index && !any_below(report, "index/"))
        return ERR_OK;
    if (!r->has_index || !is_published(r, &s->stamp)) {
        index_release(s);
        s->by_partition = schema_partition_in_key(&r->base.manifest.schema);
    }
    s->gc_epoch = epoch;
    id_new(s->attempt);
    int rc = index_swap(st, r->has_index ? &tag : NULL, s, err);
    if (rc != ERR_OK)
        s->tag = tag;
    return rc;
}

/*
 * As with the index. A redo list stays: whoever takes it over can still go forward. What was given up
 * stays in its old epoch, with the list of its files.
 */
static int fence_projection(struct store *st, struct roots *r, const struct gc_report *report,
                            uint64_t epoch, struct error *err)
{
    struct projection_state *s = &r->projection;
    if (!r->has_projection && !any_below(report, ".tmp/") && !any_below(report, "projections/"))
        return ERR_OK;
    if (!r->has_projection) {
        s->phase = PROJECTION_COMPLETED;
        s->by = r->base.manifest.schema.partition_by;
    }
    struct witness w;
    witness_projections(s, &w);
    if (is_published(r, &w.version))
        s->gc_epoch = epoch;
    id_new(s->attempt);
    return projection_swap(st, r->has_projection ? &s->tag : NULL, s, s->by, err);
}

/* All three, or those that are left where it was begun before. */
static int fence(struct store *st, struct roots *r, struct gc_report *report, struct error *err)
{
    int rc = ERR_OK;
    for (; r->fenced < 3 && rc == ERR_OK; r->fenced += rc == ERR_OK) {
        if (r->fenced == 0)
            rc = fence_pointer(st, r, &report->gc_epoch, err);
        else if (r->fenced == 1)
            rc = fence_index(st, r, report, report->gc_epoch, err);
        else
            rc = fence_projection(st, r, report, report->gc_epoch, err);
    }
    return rc;
}

/* ---- Without room for the fence ------------------------------------------------------------ */

/*
 * Nobody who is at work loses data by it: the remains of a write, which begins again when it misses
 * them; what is derived, which is built again; objects of a version whose place in the chain is taken.
 */
static bool needs_no_fence(const struct roots *r, const char *key)
{
    struct version_id version;
    switch (layout_kind(key, &version)) {
    case LAYOUT_REMAINS:
    case LAYOUT_DERIVED:
        return true;
    case LAYOUT_VERSION:
        return version.sequence <= r->base.pointer.current.sequence;
    case LAYOUT_STATE:
    case LAYOUT_RECORD:
    case LAYOUT_STRANGER:
        break;
    }
    return false;
}

static void delete_unfenced(struct store *st, const struct roots *r, struct gc_report *report)
{
    const char **keys = mem_calloc(report->count, sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (needs_no_fence(r, report->items[i].key))
            keys[n++] = report->items[i].key;
    }
    /* Whatever goes makes room for the fence; what stays is a candidate behind it. */
    error_ignore(store_remove_many(st, keys, n, &report->removed, NULL));
    free(keys);
}

/* The manifest first: shards that it does not name any more are nobody's. */
static void give_up_index(struct store *st, struct roots *r)
{
    log_warn("there is no room left even for gc: the key index is given up, and the next run "
             "builds it again");
    if (store_remove(st, LAYOUT_INDEX, NULL) == ERR_OK) {
        for (size_t i = 0; i < r->index.shard_count; i++)
            error_ignore(store_remove(st, r->index.shards[i].key, NULL)); /* an orphan, then */
    }
    index_release(&r->index);
    r->has_index = false;
}

/* The fence, with less and less in its way. */
static int fence_in(struct store *st, struct roots *r, struct gc_report *report, struct error *err)
{
    int rc = fence(st, r, report, err);
    if (rc == ERR_FULL) {
        delete_unfenced(st, r, report);
        rc = fence(st, r, report, err);
    }
    if (rc == ERR_FULL && r->has_index) {
        give_up_index(st, r);
        rc = fence(st, r, report, err);
    }
    if (rc == ERR_CONFLICT)
        return error_set(err, rc,
                         "Somebody changed the dataset \"%s\" while gc looked at it. Nothing that "
                         "needs a fence was deleted; run gc again.",
                         r->base.pointer.dataset);
    if (rc != ERR_OK)
        error_append(err, "gc could not fence off those who are at work. Nothing that needs a "
                          "fence was deleted; run gc again.");
    return rc;
}

/* So many at a time, to look at a request to stop. */
#define BATCH 1000

static int delete_all(struct store *st, struct gc_report *report, struct error *err)
{
    const char **keys = mem_calloc(report->count, sizeof *keys);
    int rc = ERR_OK;
    report->removed = 0;
    for (size_t i = 0; i < report->count; i++)
        keys[i] = report->items[i].key;
    for (size_t i = 0; i < report->count && !stop_requested(); i += BATCH) {
        size_t count = report->count - i < BATCH ? report->count - i : BATCH;
        size_t removed;
        struct error why = ERROR_INIT;
        int one = store_remove_many(st, keys + i, count, &removed, &why);
        report->removed += removed;
        if (rc == ERR_OK && one != ERR_OK)
            rc = error_set(err, one, "%s", why.text);
    }
    if (rc == ERR_OK && report->removed < report->count)
        rc = stop_check(err);
    free(keys);
    if (rc != ERR_OK)
        error_append(err, "gc deleted %zu of %zu objects; what is left is harmless. Run gc again.",
                     report->removed, report->count);
    return rc;
}

int gc_collect(struct store *st, const char *dataset, bool apply, struct gc_report *out,
               struct error *err)
{
    struct roots r = {0};
    struct search search = {.st = st, .roots = &r, .report = out};
    *out = (struct gc_report){0};
    int rc = read_roots(st, dataset, &r, err);
    if (rc != ERR_OK)
        goto out;
    out->gc_epoch = r.base.pointer.gc_epoch;
    out->version = r.base.pointer.current;
    rc = name_all(st, &r, err);
    if (rc == ERR_OK)
        rc = evidence_check(st, &r.base, NULL, &r.named, err);
    if (rc == ERR_OK)
        rc = store_list(st, "", judge, &search, err);
    if (rc == ERR_OK && apply && out->count > 0) {
        rc = fence_in(st, &r, out, err);
        if (rc == ERR_OK)
            rc = delete_all(st, out, err);
    }
out:
    roots_release(&r);
    return rc;
}

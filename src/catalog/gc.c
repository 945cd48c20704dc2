/*
 * What makes this safe without a clock:
 *
 *  1. Pointer and roots are read, with their tags, before the listing. So whatever is listed and
 *     named by none of them is either garbage, or belongs to an attempt that has yet to replace one
 *     of them from the state that was read.
 *  2. The fence replaces all of them from exactly those states. After it, every such attempt loses its
 *     swap, however long it slept. An attempt that begins after the fence makes new names.
 *  3. Only what was listed before the fence is deleted, and only if all of the fence held.
 */
#include "catalog/gc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/evidence.h"
#include "catalog/inventory.h"
#include "catalog/nested.h"
#include "util/invariant.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"

/* A root as it was read. */
struct judged_root {
    const struct root *root;
    void *state; /* NULL: it is absent */
};

/* The states everything is judged by. */
struct judgement {
    const struct roots *roots;
    struct base base;
    struct judged_root items[ROOTS_MAX]; /* as `roots` */
    struct inventory named;              /* every key that one of them names */
    bool pointer_fenced;
    size_t fenced; /* how many of the roots are */
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

static void judgement_release(struct judgement *j)
{
    base_release(&j->base);
    for (size_t i = 0; i < j->roots->count; i++)
        j->roots->items[i]->release(j->items[i].state);
    inventory_release(&j->named);
}

/* An absent root is not an error; a damaged one hides names. */
static int read_root(struct store *st, struct judged_root *r, struct error *err)
{
    int rc = r->root->read(st, &r->state, err);
    if (rc == ERR_ABSENT) {
        error_clear(err);
        return ERR_OK;
    }
    if (rc == ERR_DAMAGED) {
        error_append(err,
                     "gc does not know what it names. Nothing was deleted; run `cauce %s` first.",
                     r->root->command);
        error_told(err, ERROR_UNCHANGED);
    }
    return rc;
}

static int read_all(struct store *st, const char *dataset, struct judgement *j, struct error *err)
{
    int rc = base_read(st, dataset, &j->base, err);
    for (size_t i = 0; i < j->roots->count && rc == ERR_OK; i++) {
        j->items[i].root = j->roots->items[i];
        rc = read_root(st, &j->items[i], err);
    }
    return rc;
}

static void ask(const struct judged_root *r, struct witness *out)
{
    *out = (struct witness){.gc_epoch = 0};
    if (r->state != NULL)
        r->root->witness(r->state, out);
}

/* What came after a pointer that went back looks like leftovers. */
static int check_witnesses(struct store *st, const struct judgement *j, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < j->roots->count && rc == ERR_OK; i++) {
        struct witness w;
        ask(&j->items[i], &w);
        rc = witness_check(st, &j->base, &w, err);
    }
    return rc;
}

static int name_version(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct judgement *j = ctx;
    char key[LAYOUT_KEY_SIZE];
    (void)stop;
    (void)err;
    layout_manifest(&m->version, key);
    inventory_add(&j->named, key, 0);
    for (size_t i = 0; i < m->files.count; i++)
        inventory_add(&j->named, m->files.items[i].key, 0);
    return ERR_OK;
}

static int name_all(struct store *st, struct judgement *j, struct error *err)
{
    for (size_t i = 0; i < j->roots->count; i++) {
        if (j->items[i].state != NULL)
            j->items[i].root->name_all(j->items[i].state, &j->named);
    }
    int rc = catalog_walk(st, &j->base, name_version, j, err);
    inventory_sort(&j->named);
    return rc;
}

/* ---- The search ---------------------------------------------------------------------------- */

struct search {
    struct store *st;
    const struct judgement *judgement;
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

/* Only what has a name that cauce makes is ever deleted. */
static int judge(void *ctx, const struct store_entry *entry, struct error *err)
{
    const struct search *s = ctx;
    switch (roots_kind(s->judgement->roots, entry->key, NULL)) {
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
    invariant(6, strcmp(entry->key, LAYOUT_POINTER) != 0);
    if (inventory_find(&s->judgement->named, entry->key) == NULL)
        add_candidate(s->report, entry);
    return ERR_OK;
}

/* ---- The fence ----------------------------------------------------------------------------- */

/* Is something there that belongs to the root, and that it may be about to name? */
static bool owns_any(const struct root *root, const struct gc_report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        if (root_owns(root, r->items[i].key))
            return true;
    }
    return false;
}

static int fence_pointer(struct store *st, const struct judgement *j, uint64_t *epoch,
                         struct error *err)
{
    struct pointer next;
    pointer_fenced(&j->base.pointer, &next);
    int rc = pointer_swap(st, &j->base.tag, &next, NULL, err);
    if (rc == ERR_OK)
        *epoch = next.gc_epoch;
    return rc;
}

/* Is it in the chain, or the empty dataset? What is not there was given up by a repair. */
static bool is_published(const struct judgement *j, const struct version_id *version)
{
    char key[LAYOUT_KEY_SIZE];
    layout_manifest(version, key);
    return version->sequence == 0 || inventory_find(&j->named, key) != NULL;
}

static int fence_root(struct store *st, const struct judgement *j, const struct judged_root *r,
                      const struct gc_report *report, struct error *err)
{
    struct witness w;
    if (r->state == NULL && !owns_any(r->root, report))
        return ERR_OK;
    ask(r, &w);
    const struct root_fence fence = {
        .base = &j->base, .gc_epoch = report->gc_epoch, .published = is_published(j, &w.version)};
    invariant(6, fence.gc_epoch > j->base.pointer.gc_epoch);
    return r->root->fence(st, r->state, &fence, err);
}

/* All of them, or those that are left where it was begun before. */
static int fence(struct store *st, struct judgement *j, struct gc_report *report, struct error *err)
{
    int rc = ERR_OK;
    if (!j->pointer_fenced)
        rc = fence_pointer(st, j, &report->gc_epoch, err);
    j->pointer_fenced = rc == ERR_OK;
    while (rc == ERR_OK && j->fenced < j->roots->count) {
        rc = fence_root(st, j, &j->items[j->fenced], report, err);
        j->fenced += rc == ERR_OK;
    }
    return rc;
}

/* ---- Without room for the fence ------------------------------------------------------------ */

/*
 * Nobody who is at work loses data by it: the remains of a write, which begins again when it misses
 * them; what is derived, which is built again; objects of a version whose place in the chain is taken.
 */
static bool needs_no_fence(const struct judgement *j, const char *key)
{
    struct version_id version;
    switch (roots_kind(j->roots, key, &version)) {
    case LAYOUT_REMAINS:
    case LAYOUT_DERIVED:
        return true;
    case LAYOUT_VERSION:
        return version.sequence <= j->base.pointer.current.sequence;
    case LAYOUT_STATE:
    case LAYOUT_RECORD:
    case LAYOUT_STRANGER:
        break;
    }
    return false;
}

static void delete_unfenced(struct store *st, const struct judgement *j, struct gc_report *report)
{
    const char **keys = mem_calloc(report->count, sizeof *keys);
    size_t n = 0;
    for (size_t i = 0; i < report->count; i++) {
        if (!needs_no_fence(j, report->items[i].key))
            continue;
        invariant(6, inventory_find(&j->named, report->items[i].key) == NULL);
        keys[n++] = report->items[i].key;
    }
    /* Whatever is deleted makes room for the fence; what is left is a candidate after it. */
    error_ignore(store_remove_many(st, keys, n, &report->removed, NULL));
    free(keys);
}

/*
 * Those that can be rebuilt, one after the other. ERR_FULL: none is left, or they were not enough.
 */
static int fence_without(struct store *st, struct judgement *j, struct gc_report *report,
                         struct error *err)
{
    int rc = ERR_FULL;
    for (size_t i = 0; i < j->roots->count && rc == ERR_FULL; i++) {
        struct judged_root *r = &j->items[i];
        if (r->state == NULL || r->root->give_up == NULL)
            continue;
        r->root->give_up(st, r->state);
        r->root->release(r->state);
        r->state = NULL;
        rc = fence(st, j, report, err);
    }
    return rc;
}

/* The fence, with less and less in its way. */
static int fence_in(struct store *st, struct judgement *j, struct gc_report *report,
                    struct error *err)
{
    int rc = fence(st, j, report, err);
    if (rc == ERR_FULL) {
        delete_unfenced(st, j, report);
        rc = fence(st, j, report, err);
    }
    if (rc == ERR_FULL)
        rc = fence_without(st, j, report, err);
    if (rc == ERR_CONFLICT)
        return error_set(err, rc,
                         "Somebody changed the dataset \"%s\" while gc was reading it. Nothing "
                         "that needs a fence was deleted; run gc again.",
                         j->base.pointer.dataset);
    if (rc != ERR_OK)
        error_append(err, "gc could not fence off those at work. Nothing that needs a fence was "
                          "deleted; run gc again.");
    return rc;
}

/* So many at a time, so that a request to stop is seen. */
#define BATCH 1000

/* What must be so before anything is deleted that a writer may be about to publish. */
static void check_fenced(const struct judgement *j, const struct gc_report *report)
{
    invariant(6, j->pointer_fenced && j->fenced == j->roots->count);
    invariant(6, report->gc_epoch == j->base.pointer.gc_epoch + 1);
    for (size_t i = 0; i < report->count; i++)
        invariant(6, inventory_find(&j->named, report->items[i].key) == NULL);
}

static int delete_all(struct store *st, const struct judgement *j, struct gc_report *report,
                      struct error *err)
{
    check_fenced(j, report);
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
            rc = error_pass(err, one, &why);
    }
    if (rc == ERR_OK && report->removed < report->count)
        rc = stop_check(err);
    free(keys);
    if (rc != ERR_OK)
        error_append(err, "gc deleted %zu of %zu objects; what is left is harmless. Run gc again.",
                     report->removed, report->count);
    return rc;
}

int gc_collect(struct store *st, const struct roots *roots, const char *dataset, bool apply,
               struct gc_report *out, struct error *err)
{
    struct judgement j = {.roots = roots};
    struct search search = {.st = st, .judgement = &j, .report = out};
    *out = (struct gc_report){0};
    int rc = read_all(st, dataset, &j, err);
    if (rc == ERR_OK)
        rc = check_witnesses(st, &j, err);
    if (rc != ERR_OK)
        goto out;
    out->gc_epoch = j.base.pointer.gc_epoch;
    out->version = j.base.pointer.current;
    rc = name_all(st, &j, err);
    if (rc == ERR_OK)
        rc = evidence_check(st, &j.base, NULL, &j.named, err);
    if (rc == ERR_OK)
        rc = store_list(st, "", judge, &search, err);
    if (rc == ERR_OK && apply && out->count > 0) {
        rc = fence_in(st, &j, out, err);
        if (rc == ERR_OK)
            rc = delete_all(st, &j, out, err);
    }
out:
    judgement_release(&j);
    return rc;
}

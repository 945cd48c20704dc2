#include "catalog/catalog.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/manifest_part.h"
#include "catalog/nested.h"
#include "util/invariant.h"
#include "util/mem.h"
#include "util/time.h"

/* Attempts at creating, or finding, the pointer of a dataset that is new. */
#define CREATE_ATTEMPTS 5
#define CREATE_PAUSE INT64_C(100000)

/* ---- The base ------------------------------------------------------------------------------ */

void base_release(struct base *b)
{
    manifest_release(&b->manifest);
    *b = (struct base){0};
}

/* What is found where a pointer is missing. */
struct found {
    char trace[STORE_KEY_MAX + 1];  /* the first object that only a dataset has; "": none */
    char nested[STORE_KEY_MAX + 1]; /* what may be the pointer of a dataset in a folder; "": none */
};

/*
 * Objects of the probe, records of runs that failed, a lease, what an interrupted creation left, a
 * README: none of these can be the last trace of a published version.
 */
static int stop_at_trace(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct found *found = ctx;
    (void)err;
    if (layout_in_dataset(entry->key) || strcmp(entry->key, LAYOUT_POINTER) == 0) {
        field_copy(found->trace, sizeof found->trace, entry->key);
        return ERR_CONFLICT;
    }
    if (found->nested[0] == '\0' && layout_is_nested(entry->key))
        field_copy(found->nested, sizeof found->nested, entry->key);
    return ERR_OK;
}

/*
 * Read the pointer. Absent: is there anything else? Then either it is just being created, which a
 * second reading shows, or it is lost.
 */
static int read_pointer(struct store *st, struct base *out, struct error *err)
{
    struct found found = {"", ""};
    int rc = pointer_read(st, &out->pointer, &out->tag, err);
    if (rc != ERR_ABSENT)
        return rc;
    rc = store_list(st, "", stop_at_trace, &found, err);
    if (rc == ERR_OK && found.nested[0] != '\0' && nested_is_pointer(st, found.nested))
        return nested_refuse(st->url, found.nested, err);
    if (found.trace[0] == '\0')
        return rc != ERR_OK ? rc
                            : error_set(err, ERR_ABSENT, "There is no dataset in %s.", st->url);
    rc = pointer_read(st, &out->pointer, &out->tag, err);
    if (rc != ERR_ABSENT)
        return rc;
    error_set(err, ERR_DAMAGED,
              "The pointer " LAYOUT_POINTER " of %s is missing although other objects exist (the "
              "first one found is %s). Starting anew would hide what was published.",
              st->url, found.trace);
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED,
                      "Set the pointer explicitly: cauce repair --to MANIFEST.");
}

static int check_dataset(struct store *st, const char *dataset, const struct pointer *p,
                         struct error *err)
{
    if (dataset == NULL || strcmp(dataset, p->dataset) == 0)
        return ERR_OK;
    error_set(err, ERR_CONFIG, "%s holds the dataset \"%s\", not \"%s\".", st->url, p->dataset,
              dataset);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED,
                      "Check the settings `store` and `dataset`.");
}

/* The manifest that the pointer names. */
static int read_current(struct store *st, struct base *b, struct error *err)
{
    const struct pointer *p = &b->pointer;
    if (p->current.sequence == 0)
        return ERR_OK;
    int rc = catalog_read_manifest(st, p->manifest_key, p->manifest_sha256, &b->manifest, err);
    if (rc != ERR_OK)
        return rc;
    if (strcmp(b->manifest.dataset, p->dataset) == 0 && b->manifest.key_seed == p->key_seed)
        return ERR_OK;
    error_set(err, ERR_DAMAGED, "%s belongs to another dataset than the pointer that names it.",
              p->manifest_key);
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED,
                      "`cauce verify` shows what else is wrong.");
}

int base_read(struct store *st, const char *dataset, struct base *out, struct error *err)
{
    *out = (struct base){0};
    int rc = read_pointer(st, out, err);
    if (rc == ERR_OK)
        rc = check_dataset(st, dataset, &out->pointer, err);
    if (rc == ERR_OK)
        rc = read_current(st, out, err);
    invariant(8, rc != ERR_OK || version_id_equal(&out->manifest.version, &out->pointer.current) ||
                     out->pointer.current.sequence == 0);
    if (rc != ERR_OK)
        base_release(out);
    return rc;
}

/* Create the pointer at sequence 0. Whatever the answer, reading shows who did. */
static int create(struct store *st, const char *dataset, struct error *err)
{
    struct pointer first;
    pointer_init(&first, dataset);
    int rc = pointer_swap(st, NULL, &first, NULL, err);
    return rc == ERR_CONFLICT || rc == ERR_UNKNOWN ? ERR_OK : rc;
}

int base_create(struct store *st, const char *dataset, struct base *out, struct error *err)
{
    int rc = ERR_ABSENT;
    *out = (struct base){0};
    if (!field_dataset_valid(dataset))
        return error_set(err, ERR_CONFIG, "\"%.80s\" cannot be the id of a dataset.", dataset);
    for (unsigned i = 0; i < CREATE_ATTEMPTS && rc == ERR_ABSENT; i++) {
        if (i > 0)
            time_sleep(CREATE_PAUSE + (int64_t)(id_random64() % CREATE_PAUSE));
        rc = create(st, dataset, err);
        if (rc == ERR_OK)
            rc = base_read(st, dataset, out, err);
    }
    if (rc != ERR_ABSENT)
        return rc;
    error_set(err, ERR_AGAIN,
              "The dataset \"%s\" could not be created in %s: the store gave no usable answer.",
              dataset, st->url);
    return error_tell(err, ERR_AGAIN, ERROR_UNPUBLISHED, "Run again.");
}

/* ---- The chain ----------------------------------------------------------------------------- */

/* Part of the chain is damaged, as the text says: nothing was changed, and what to do. */
static int damaged(struct error *err)
{
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED,
                      "`cauce verify` shows what else is wrong; `cauce repair --to MANIFEST` can "
                      "set the pointer to a version that is whole.");
}

static int check_manifest(const char *key, const char *sha256, const struct str *body,
                          struct manifest *out, struct error *err)
{
    char seen[SHA256_HEX_SIZE];
    char expected[LAYOUT_KEY_SIZE];
    sha256_hex(body->data, body->len, seen);
    if (sha256 != NULL && strcmp(seen, sha256) != 0)
        return error_set(err, ERR_DAMAGED,
                         "%s was altered: its SHA-256 is %s, but the object that names it states "
                         "%s.",
                         key, seen, sha256);
    int rc = manifest_decode(body->data, body->len, key, out, err);
    if (rc != ERR_OK)
        return rc;
    layout_manifest(&out->version, expected);
    if (strcmp(key, expected) == 0)
        return ERR_OK;
    manifest_release(out);
    return error_set(err, ERR_DAMAGED, "%s holds the manifest of another version, %s.", key,
                     expected);
}

int catalog_read_manifest(struct store *st, const char *key, const char *sha256,
                          struct manifest *out, struct error *err)
{
    struct str body;
    *out = (struct manifest){0};
    str_init(&body, MANIFEST_MAX_BYTES);
    int rc = store_get(st, key, &body, NULL, err);
    if (rc == ERR_OK)
        rc = check_manifest(key, sha256, &body, out, err);
    else if (rc == ERR_ABSENT && sha256 != NULL)
        rc = error_set(err, ERR_DAMAGED, "%s is missing although the chain of versions names it.",
                       key);
    str_release(&body);
    return rc == ERR_DAMAGED ? damaged(err) : rc;
}

/* The part of a manifest that its parent is compared with: all but the lists. */
static void remember(const struct manifest *m, struct manifest *out)
{
    manifest_release(out);
    *out = *m;
    out->source = (struct manifest_source){0};
    out->files = (struct manifest_files){0};
    out->checkpoint = (struct manifest_files){0};
    schema_copy(&m->schema, &out->schema);
}

static int read_parent(struct store *st, const struct manifest *child, struct manifest *out,
                       struct error *err)
{
    int rc = catalog_read_manifest(st, child->parent_key, child->parent_sha256, out, err);
    if (rc != ERR_OK)
        return rc;
    rc = manifest_follows(out, child, err);
    if (rc == ERR_OK)
        return ERR_OK;
    char key[LAYOUT_KEY_SIZE];
    manifest_release(out);
    layout_manifest(&child->version, key);
    error_prefix(err, "%s does not fit its parent %s", key, child->parent_key);
    return damaged(err);
}

int catalog_walk(struct store *st, const struct base *base, chain_visit *visit, void *ctx,
                 struct error *err)
{
    int rc = ERR_OK;
    bool stop = base->pointer.current.sequence == 0;
    uint64_t last = base->pointer.oldest_sequence > 1 ? base->pointer.oldest_sequence : 1;
    struct manifest child = {0};
    struct manifest m = {0};
    if (!stop)
        manifest_copy(&base->manifest, &m);
    while (!stop) {
        remember(&m, &child);
        rc = visit(ctx, &m, &stop, err);
        manifest_release(&m);
        if (rc != ERR_OK || child.version.sequence <= last)
            stop = true;
        if (!stop)
            rc = read_parent(st, &child, &m, err);
        if (rc != ERR_OK)
            stop = true;
        invariant(1, stop || m.version.sequence + 1 == child.version.sequence);
    }
    manifest_release(&child);
    return rc;
}

/* ---- Files of a range of versions ---------------------------------------------------------- */

/* Lists of files, newest first. */
struct gather {
    uint64_t after;
    uint64_t upto;
    uint64_t oldest;
    struct manifest_files *lists;
    size_t count, capacity;
};

static void gather_list(struct gather *g, struct manifest_files *files)
{
    g->lists = mem_grow(g->lists, g->count, &g->capacity, sizeof *g->lists);
    g->lists[g->count++] = *files;
    *files = (struct manifest_files){0};
}

/* A checkpoint lists every live file: with what is taken from it the walk ends. */
static int gather_checkpoint(struct gather *g, const struct manifest *m, struct error *err)
{
    struct manifest_files wanted = {0};
    uint64_t rows;
    uint64_t revised;
    int rc = manifest_files_sum(&m->checkpoint, &rows, &revised, err);
    if (rc != ERR_OK)
        return rc;
    if (g->oldest <= 1 && rows != m->rows_total) {
        char key[LAYOUT_KEY_SIZE];
        layout_manifest(&m->version, key);
        error_set(err, ERR_DAMAGED,
                  "The checkpoint of %s names files of %" PRIu64
                  " rows, and the version has %" PRIu64 ".",
                  key, rows, m->rows_total);
        return damaged(err);
    }
    for (size_t i = 0; i < m->checkpoint.count; i++) {
        const struct manifest_file *file = &m->checkpoint.items[i];
        if (file->sequence > g->after && file->sequence <= g->upto && file->sequence >= g->oldest)
            manifest_files_add(&wanted, file);
    }
    gather_list(g, &wanted);
    return ERR_OK;
}

static int gather_visit(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct gather *g = ctx;
    if (m->has_checkpoint) {
        *stop = true;
        return gather_checkpoint(g, m, err);
    }
    if (m->version.sequence <= g->upto)
        gather_list(g, &m->files);
    *stop = m->version.sequence <= g->after + 1;
    return ERR_OK;
}

/* The lists in reverse, as one. */
static void join(struct gather *g, struct manifest_files *out)
{
    size_t total = 0;
    for (size_t i = 0; i < g->count; i++)
        total += g->lists[i].count;
    out->items = mem_calloc(total, sizeof *out->items);
    out->capacity = total;
    for (size_t i = g->count; i > 0; i--) {
        const struct manifest_files *list = &g->lists[i - 1];
        if (list->count > 0)
            memcpy(out->items + out->count, list->items, list->count * sizeof *list->items);
        out->count += list->count;
    }
    for (size_t i = 1; i < out->count; i++)
        invariant(1, out->items[i - 1].sequence <= out->items[i].sequence);
}

int catalog_files(struct store *st, const struct base *base, uint64_t after, uint64_t upto,
                  struct manifest_files *out, struct error *err)
{
    const struct pointer *p = &base->pointer;
    struct gather g = {.after = after, .upto = upto, .oldest = p->oldest_sequence};
    *out = (struct manifest_files){0};
    if (upto > p->current.sequence || (upto > 0 && upto < p->oldest_sequence))
        return error_set(err, ERR_ABSENT,
                         "There is no version %" PRIu64 " of the dataset \"%s\": it has the "
                         "versions %" PRIu64 " to %" PRIu64 ".",
                         upto, p->dataset, p->oldest_sequence > 1 ? p->oldest_sequence : 1,
                         p->current.sequence);
    if (after >= upto)
        return ERR_OK;
    int rc = catalog_walk(st, base, gather_visit, &g, err);
    if (rc == ERR_OK)
        join(&g, out);
    for (size_t i = 0; i < g.count; i++) {
        if (rc == ERR_OK)
            free(g.lists[i].items); /* what it holds has moved to `out` */
        else
            manifest_files_release(&g.lists[i]);
    }
    free(g.lists);
    return rc;
}

/* ---- Membership ---------------------------------------------------------------------------- */

struct search {
    const struct version_id *version;
    bool found;
};

static int search_visit(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct search *s = ctx;
    (void)err;
    s->found = version_id_equal(&m->version, s->version);
    *stop = m->version.sequence <= s->version->sequence;
    return ERR_OK;
}

int catalog_contains(struct store *st, const struct base *base, const struct version_id *version,
                     bool *contains, struct error *err)
{
    const struct pointer *p = &base->pointer;
    struct search s = {.version = version};
    *contains = version->sequence == 0 || pointer_mentions(p, version);
    if (*contains || p->recent_count == 0 || version->sequence > p->current.sequence ||
        version->sequence < p->oldest_sequence ||
        version->sequence >= p->recent[p->recent_count - 1].sequence)
        return ERR_OK;
    int rc = catalog_walk(st, base, search_visit, &s, err);
    if (rc == ERR_OK)
        *contains = s.found;
    return rc;
}

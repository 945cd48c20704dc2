#include "catalog/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "util/json.h"
#include "util/mem.h"

/* Records of runs that are read, the newest ones: each names the newest version of its time. */
#define RECORDS ((size_t)64)
#define RECORD_MAX_BYTES ((size_t)16 << 20)

void evidence_release(struct evidence *e)
{
    free(e->witnesses);
    free(e->candidates);
    *e = (struct evidence){0};
}

static int compare_versions(const struct version_id *a, const struct version_id *b)
{
    if (a->sequence != b->sequence)
        return a->sequence < b->sequence ? -1 : 1;
    return strcmp(a->commit, b->commit);
}

static int by_version(const void *a, const void *b)
{
    return compare_versions(&((const struct witness *)a)->version,
                            &((const struct witness *)b)->version);
}

/* After those of the same version, so that the order of the others is kept. */
void evidence_add(struct evidence *e, const struct witness *w)
{
    size_t at = e->witness_count;
    if (w->version.sequence == 0)
        return;
    e->witnesses =
        mem_grow(e->witnesses, e->witness_count, &e->witness_capacity, sizeof *e->witnesses);
    while (at > 0 && by_version(&e->witnesses[at - 1], w) > 0)
        at--;
    memmove(e->witnesses + at + 1, e->witnesses + at,
            (e->witness_count - at) * sizeof *e->witnesses);
    e->witnesses[at] = *w;
    e->witness_count++;
}

const struct witness *evidence_of(const struct evidence *e, const struct version_id *version,
                                  size_t *count)
{
    const struct witness wanted = {.version = *version};
    size_t first = 0;
    size_t end = e->witness_count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (by_version(&e->witnesses[middle], &wanted) < 0)
            first = middle + 1;
        else
            end = middle;
    }
    *count = 0;
    while (first + *count < e->witness_count &&
           by_version(&e->witnesses[first + *count], &wanted) == 0)
        ++*count;
    return *count > 0 ? &e->witnesses[first] : NULL;
}

static int by_key(const void *key, const void *candidate)
{
    return strcmp(key, ((const struct candidate *)candidate)->key);
}

const struct candidate *evidence_find(const struct evidence *e, const struct version_id *version)
{
    char key[LAYOUT_KEY_SIZE];
    layout_manifest(version, key);
    return e->candidate_count == 0
               ? NULL
               : bsearch(key, e->candidates, e->candidate_count, sizeof *e->candidates, by_key);
}

static bool is_later(const struct witness *a, const struct witness *b)
{
    if (a->gc_epoch != b->gc_epoch)
        return a->gc_epoch > b->gc_epoch;
    return a->version.sequence > b->version.sequence;
}

const struct witness *evidence_latest(const struct evidence *e, bool whole)
{
    const struct witness *latest = NULL;
    for (size_t i = 0; i < e->witness_count; i++) {
        const struct witness *w = &e->witnesses[i];
        const struct candidate *c = whole ? evidence_find(e, &w->version) : NULL;
        if ((!whole || (c != NULL && c->whole)) && (latest == NULL || is_later(w, latest)))
            latest = w;
    }
    return latest;
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct reading {
    struct store *st;
    const struct inventory *objects; /* all there are; NULL: they are listed here */
    struct inventory events;
    struct inventory runs;
    struct evidence *e;
    const char **records; /* keys; borrowed from `runs` */
    size_t record_count, record_capacity;
    struct witness *found; /* one per record; sequence 0: it says nothing */
};

static int list(struct reading *r, const char *prefix, struct inventory *out, struct error *err)
{
    *out = (struct inventory){0};
    if (r->objects == NULL)
        return inventory_list(r->st, prefix, out, err);
    for (size_t i = 0; i < r->objects->count; i++) {
        if (str_starts(r->objects->items[i].key, prefix))
            inventory_add(out, r->objects->items[i].key, r->objects->items[i].size);
    }
    return ERR_OK;
}

static void count_missing(const struct reading *r, const struct manifest *m, struct candidate *c)
{
    for (size_t i = 0; i < m->files.count; i++) {
        const struct manifest_file *file = &m->files.items[i];
        const struct inventory_item *item = inventory_find(&r->events, file->key);
        c->missing += item == NULL || item->size != file->size;
    }
}

/* What cannot be read remains a candidate about which nothing more is known. */
static int read_candidate(void *ctx, size_t i, struct error *err)
{
    struct reading *r = ctx;
    struct candidate *c = &r->e->candidates[i];
    struct manifest m = {.has_checkpoint = false};
    struct str body;
    struct error why = ERROR_INIT;
    str_init(&body, MANIFEST_MAX_BYTES);
    int rc = store_get(r->st, c->key, &body, NULL, &why);
    if (rc == ERR_OK)
        sha256_hex(body.data, body.len, c->sha256);
    bool understood =
        rc == ERR_OK && manifest_decode(body.data, body.len, c->key, &m, NULL) == ERR_OK;
    if (understood && version_id_equal(&m.version, &c->version)) {
        c->readable = true;
        c->parent = m.parent;
        c->time = m.time;
        c->gc_epoch = m.gc_epoch;
        c->key_seed = m.key_seed;
        field_copy(c->dataset, sizeof c->dataset, m.dataset);
        field_copy(c->run_id, sizeof c->run_id, m.run_id);
        field_copy(c->parent_sha256, sizeof c->parent_sha256, m.parent_sha256);
        count_missing(r, &m, c);
    }
    manifest_release(&m);
    str_release(&body);
    if (rc == ERR_OK || rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_LIMIT)
        return ERR_OK;
    return error_pass(err, rc, &why);
}

static int list_candidates(struct reading *r, const struct inventory *known, struct error *err)
{
    struct inventory manifests;
    struct version_id version;
    int rc = list(r, "manifests/", &manifests, err);
    if (rc != ERR_OK)
        return rc;
    r->e->candidates = mem_calloc(manifests.count, sizeof *r->e->candidates);
    for (size_t i = 0; i < manifests.count; i++) {
        const char *key = manifests.items[i].key;
        if (layout_parse_manifest(key, &version, NULL) != ERR_OK || version.sequence == 0 ||
            (known != NULL && inventory_find(known, key) != NULL))
            continue;
        struct candidate *c = &r->e->candidates[r->e->candidate_count++];
        *c = (struct candidate){.version = version};
        field_copy(c->key, sizeof c->key, key);
    }
    inventory_release(&manifests);
    return store_each(r->st, r->e->candidate_count, read_candidate, r, err);
}

/*
 * Each is built on what the pointer named when it was written. Parents come before their children.
 */
static void judge_candidates(struct evidence *e)
{
    for (size_t i = 0; i < e->candidate_count; i++) {
        struct candidate *c = &e->candidates[i];
        const struct candidate *parent = evidence_find(e, &c->parent);
        bool stands = c->parent.sequence == 0 || (parent != NULL && parent->whole &&
                                                  strcmp(parent->sha256, c->parent_sha256) == 0);
        struct witness w = {.gc_epoch = c->gc_epoch, .version = c->parent};
        c->whole = c->readable && c->missing == 0 && stands;
        field_copy(w.who, sizeof w.who, c->key);
        evidence_add(e, &w);
    }
}

/* ---- Records of runs ------------------------------------------------------------------------ */

static void choose_record(struct reading *r, const char *key)
{
    for (size_t i = 0; i < r->record_count; i++) {
        if (strcmp(r->records[i], key) == 0)
            return;
    }
    r->records = mem_grow(r->records, r->record_count, &r->record_capacity, sizeof *r->records);
    r->records[r->record_count++] = key;
}

/* The newest records, and those of the runs that wrote a manifest on which nothing is built. */
static void choose_records(struct reading *r)
{
    char end[ID_SIZE + sizeof ".json"];
    size_t count = r->runs.count;
    for (size_t i = count < RECORDS ? 0 : count - RECORDS; i < count; i++)
        choose_record(r, r->runs.items[i].key);
    for (size_t i = 0; i < r->e->candidate_count; i++) {
        const struct candidate *c = &r->e->candidates[i];
        size_t named;
        if (!c->readable || evidence_of(r->e, &c->version, &named) != NULL)
            continue;
        snprintf(end, sizeof end, "%s.json", c->run_id);
        for (size_t k = 0; k < count; k++) {
            if (str_ends(r->runs.items[k].key, end))
                choose_record(r, r->runs.items[k].key);
        }
    }
}

/* Whatever became of a run, its record names the newest version that it knew to be published. */
static void decode_record(const struct str *text, const char *key, struct witness *out)
{
    struct json *root = NULL;
    struct witness w = {.gc_epoch = 0};
    if (json_parse(text->data, text->len, key, &root, NULL) == ERR_OK &&
        field_version(root, key, &w.version, NULL) == ERR_OK) {
        int64_t epoch = json_integer(json_get(root, "gc_epoch"));
        w.gc_epoch = epoch > 0 ? (uint64_t)epoch : 0;
        field_copy(w.who, sizeof w.who, key);
        *out = w;
    }
    json_free(root);
}

static int read_record(void *ctx, size_t i, struct error *err)
{
    struct reading *r = ctx;
    struct str text;
    struct error why = ERROR_INIT;
    str_init(&text, RECORD_MAX_BYTES);
    int rc = store_get(r->st, r->records[i], &text, NULL, &why);
    if (rc == ERR_OK)
        decode_record(&text, r->records[i], &r->found[i]);
    str_release(&text);
    if (rc == ERR_OK || rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_LIMIT)
        return ERR_OK;
    return error_pass(err, rc, &why);
}

/* Only keys that cauce makes: nothing else is read as a record. */
static bool is_record(const char *key)
{
    return str_ends(key, ".json") && strlen(key) < LAYOUT_KEY_SIZE;
}

static int list_records(struct reading *r, struct error *err)
{
    struct inventory all;
    int rc = list(r, "runs/", &all, err);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < all.count; i++) {
        if (is_record(all.items[i].key))
            inventory_add(&r->runs, all.items[i].key, all.items[i].size);
    }
    inventory_release(&all);
    choose_records(r);
    r->found = mem_calloc(r->record_count, sizeof *r->found);
    rc = store_each(r->st, r->record_count, read_record, r, err);
    for (size_t i = r->record_count; rc == ERR_OK && i > 0; i--)
        evidence_add(r->e, &r->found[i - 1]);
    return rc;
}

static void add_roots(struct reading *r, const struct roots *roots)
{
    for (size_t i = 0; i < roots->count; i++) {
        const struct root *root = roots->items[i];
        struct witness w;
        void *state;
        if (root->read(r->st, &state, NULL) != ERR_OK)
            continue;
        root->witness(state, &w);
        evidence_add(r->e, &w);
        root->release(state);
    }
}

/* `known`, which gc and verify have already read, is left out; with it there are no roots. */
static int read_all(struct store *st, const struct roots *roots, const struct inventory *objects,
                    const struct inventory *known, struct evidence *out, struct error *err)
{
    struct reading r = {.st = st, .objects = objects, .e = out};
    int rc = ERR_OK;
    *out = (struct evidence){0};
    if (known == NULL) {
        add_roots(&r, roots);
        rc = list(&r, "events/", &r.events, err);
    }
    if (rc == ERR_OK)
        rc = list_candidates(&r, known, err);
    if (rc == ERR_OK) {
        judge_candidates(out);
        rc = list_records(&r, err);
    }
    if (rc != ERR_OK)
        evidence_release(out);
    inventory_release(&r.events);
    inventory_release(&r.runs);
    free(r.records);
    free(r.found);
    return rc;
}

int evidence_read(struct store *st, const struct roots *roots, struct evidence *out,
                  struct error *err)
{
    return read_all(st, roots, NULL, NULL, out, err);
}

/* ---- Against a base ------------------------------------------------------------------------- */

int evidence_check(struct store *st, const struct base *base, const struct inventory *objects,
                   const struct inventory *chain, struct error *err)
{
    struct evidence e;
    const struct witness *latest = NULL;
    char key[LAYOUT_KEY_SIZE];
    int rc = read_all(st, NULL, objects, chain, &e, err);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < e.witness_count; i++) {
        const struct witness *w = &e.witnesses[i];
        layout_manifest(&w->version, key);
        bool newer = witness_contradicts(&base->pointer, w) &&
                     (w->gc_epoch > base->pointer.gc_epoch || inventory_find(chain, key) == NULL);
        if (newer && (latest == NULL || is_later(w, latest)))
            latest = w;
    }
    if (latest != NULL)
        rc = witness_check(st, base, latest, err);
    evidence_release(&e);
    return rc;
}

static bool has_version(const struct inventory *manifests, uint64_t sequence)
{
    struct version_id version;
    for (size_t i = manifests->count; i > 0; i--) {
        if (layout_parse_manifest(manifests->items[i - 1].key, &version, NULL) == ERR_OK &&
            version.sequence == sequence)
            return true;
    }
    return false;
}

int evidence_check_next(struct store *st, const struct base *base, struct error *err)
{
    static const struct inventory none = {0};
    struct inventory manifests;
    int rc = inventory_list(st, "manifests/", &manifests, err);
    if (rc == ERR_OK && has_version(&manifests, base->pointer.current.sequence + 1))
        rc = evidence_check(st, base, NULL, &none, err);
    inventory_release(&manifests);
    return rc;
}

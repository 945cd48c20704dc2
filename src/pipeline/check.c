/*
 * Verification by content, on top of catalog/verify: whatever the Parquet files of the dataset say
 * about themselves is compared with what the manifests say about them. Changes nothing but scratch
 * files.
 */
#include "pipeline/check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/check_part.h"
#include "derived/derived.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"

#define BATCH 256 /* files in one statement */

#define RESTORE \
    "Restore it from a copy, or set the pointer to an older version: cauce repair --to MANIFEST."

/* ---- Event files --------------------------------------------------------------------------- */

/* Do a stated list of values and one that was read agree, whatever their spelling in JSON? */
static bool same_bounds(const struct json *stated, const char *found)
{
    struct json *parsed = NULL;
    struct str a;
    struct str b;
    if (found == NULL || json_parse(found, strlen(found), "bounds", &parsed, NULL) != ERR_OK)
        return false;
    str_init(&a, STR_MAX_DEFAULT);
    str_init(&b, STR_MAX_DEFAULT);
    json_write(stated, false, &a);
    json_write(parsed, false, &b);
    bool same = strcmp(a.data, b.data) == 0;
    str_release(&a);
    str_release(&b);
    json_free(parsed);
    return same;
}

static void compare_file(struct check *c, const struct manifest_file *stated,
                         const struct inspection *found)
{
    if (found->keys.count != stated->rows)
        verify_add(c->report, FINDING_MUST, stated->key,
                   "It holds %" PRIu64 " rows where %" PRIu64 " are stated. " RESTORE,
                   found->keys.count, stated->rows);
    else if (!same_bounds(stated->min, found->min) || !same_bounds(stated->max, found->max))
        verify_add(c->report, FINDING_MUST, stated->key,
                   "Its keys reach from %s to %s, which is not what is stated. " RESTORE,
                   found->min, found->max);
}

static int check_rows(struct check *c, struct error *err)
{
    size_t n = c->events.files.count;
    const char **keys = mem_calloc(n, sizeof *keys);
    bool *readable = mem_calloc(n, sizeof *readable);
    struct inspection *found = mem_calloc(n, sizeof *found);
    for (size_t i = 0; i < n; i++)
        keys[i] = c->events.files.items[i].key;
    struct check_files files = {(const char *const *)c->events.paths, keys, n};
    int rc = check_inspect(c, FINDING_MUST, &files, RESTORE, found, readable, err);
    for (size_t i = 0; i < n; i++) {
        if (rc == ERR_OK && readable[i])
            compare_file(c, &c->events.files.items[i], &found[i]);
        else
            c->whole = false;
        inspection_release(&found[i]);
    }
    free(found);
    free(readable);
    free(keys);
    return rc;
}

/* What the rows of a file say of themselves: their version and their partition. */
struct own_words {
    struct check *c;
    size_t first, count; /* files of the batch */
};

/* filename, least and greatest version, least and greatest partition, rows without one. */
static int take_own_words(void *ctx, const struct engine_row *row, struct error *err)
{
    struct own_words *o = ctx;
    (void)err;
    for (size_t i = o->first; i < o->first + o->count; i++) {
        const struct manifest_file *f = &o->c->events.files.items[i];
        char version[24];
        char partition[24];
        if (strcmp(o->c->events.paths[i], row->values[0]) != 0)
            continue;
        snprintf(version, sizeof version, "%" PRIu64, f->sequence);
        snprintf(partition, sizeof partition, "%" PRId32, f->partition);
        const char *expected[] = {version, version, partition, partition, "0"};
        bool same = true;
        for (size_t k = 0; k < 5; k++)
            same =
                same && row->values[1 + k] != NULL && strcmp(row->values[1 + k], expected[k]) == 0;
        if (!same)
            verify_add(
                o->c->report, FINDING_MUST, f->key,
                "Some of its rows carry another version, or belong to another partition. " RESTORE);
        break;
    }
    return ERR_OK;
}

static int check_own_words(struct check *c, size_t first, size_t count, struct error *err)
{
    struct own_words words = {c, first, count};
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql,
               "SELECT f, CAST(min(v) AS VARCHAR), CAST(max(v) AS VARCHAR), "
               "CAST(min(p) AS VARCHAR), CAST(max(p) AS VARCHAR), "
               "CAST(count(*) - count(p) AS VARCHAR) FROM (SELECT filename AS f, " COLUMN_VERSION
               " AS v, ");
    relation_partition(c->schema, "", &sql);
    str_append(&sql, " AS p FROM ");
    relation_files(c->schema, RELATION_EVENT, (const char *const *)&c->events.paths[first], count,
                   &sql);
    str_append(&sql, ") GROUP BY f");
    int rc = str_check(&sql, "the list of event files", err);
    if (rc == ERR_OK)
        rc = engine_query(c->d->engine, sql.data, take_own_words, &words, err);
    str_release(&sql);
    return rc;
}

static int check_all_words(struct check *c, struct error *err)
{
    int rc = ERR_OK;
    size_t n = c->events.files.count;
    for (size_t i = 0; i < n && rc == ERR_OK; i += BATCH) {
        rc = check_stopped(err);
        if (rc == ERR_OK)
            rc = check_own_words(c, i, n - i < BATCH ? n - i : BATCH, err);
    }
    return rc;
}

static int take_digest(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    relation_read_digest(row->values, ctx);
    return ERR_OK;
}

/* The newest rows of all events are one per key, and their keys are those that were counted. */
static int check_key_set(struct check *c, struct error *err)
{
    const struct manifest *m = &c->base->manifest;
    struct key_digest found = {0};
    struct str keys;
    struct str sql;
    str_init(&keys, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    relation_keys(c->schema, "e", &keys);
    str_append(&sql, "SELECT ");
    relation_digest(c->schema, "", &sql);
    str_append(&sql, " FROM (");
    relation_newest(c->schema, keys.data, c->events.relation, c->events.files.count, &sql);
    str_release(&keys);
    str_append(&sql, ")");
    int rc = str_check(&sql, "the list of event files", err);
    if (rc == ERR_OK)
        rc = engine_query(c->d->engine, sql.data, take_digest, &found, err);
    str_release(&sql);
    if (rc == ERR_OK && !key_digest_equal(&found, &m->keys))
        verify_add(c->report, FINDING_MUST, c->base->pointer.manifest_key,
                   "It states %" PRIu64 " keys; the newest rows of its events are %" PRIu64
                   "%s. Some key is published twice, or missing. " RESTORE,
                   m->keys.count, found.count,
                   found.count == m->keys.count ? ", with another digest of the keys" : "");
    return rc;
}

/* ---- All ----------------------------------------------------------------------------------- */

static int prefetch_events(struct check *c, struct error *err)
{
    const struct manifest_files *files = &c->events.files;
    struct wanted *wanted = mem_calloc(files->count, sizeof *wanted);
    for (size_t i = 0; i < files->count; i++) {
        const struct manifest_file *f = &files->items[i];
        wanted[i] = (struct wanted){f->key, f->size, f->sha256};
    }
    int rc = dataset_prefetch(c->d, wanted, files->count, err);
    free(wanted);
    return rc;
}

static int fetch_events(struct check *c, struct error *err)
{
    struct local_events *l = &c->events;
    int rc =
        catalog_files(c->d->store, c->base, 0, c->base->pointer.current.sequence, &l->files, err);
    if (rc != ERR_OK)
        return rc;
    l->paths = mem_calloc(l->files.count, sizeof *l->paths);
    l->relation = mem_calloc(l->files.count, sizeof *l->relation);
    c->whole = true;
    rc = prefetch_events(c, err);
    for (size_t i = 0; i < l->files.count && rc == ERR_OK; i++) {
        const struct manifest_file *f = &l->files.items[i];
        struct wanted wanted = {f->key, f->size, f->sha256};
        rc = check_fetch(c, FINDING_MUST, &wanted, RESTORE, &l->paths[i], err);
        l->relation[i] = (struct relation_file){l->paths[i], f->revised > 0};
        c->whole = c->whole && l->paths[i] != NULL;
    }
    return rc;
}

static int check_content(struct check *c, struct error *err)
{
    const struct derived_table *t = derived_of(c->d);
    int rc = fetch_events(c, err);
    if (rc == ERR_OK)
        rc = dataset_engine(c->d, c->base->manifest.key_seed, err);
    if (rc == ERR_OK)
        rc = check_rows(c, err);
    if (rc == ERR_OK && c->whole)
        rc = check_all_words(c, err);
    if (rc == ERR_OK && c->whole)
        rc = check_key_set(c, err);
    for (size_t i = 0; i < t->count && rc == ERR_OK; i++)
        if (t->items[i]->check != NULL)
            rc = t->items[i]->check(c, err);
    return rc;
}

/*
 * Read an object of a remote store and keep it, where it is what it should be, to examine its
 * content. It is read even if another object of the same content is already there.
 */
static int hash_and_keep(void *ctx, const char *key, const char *sha256, char out[SHA256_HEX_SIZE],
                         struct error *err)
{
    struct dataset *d = ctx;
    char id[ID_SIZE];
    int rc = check_stopped(err);
    if (rc == ERR_OK)
        rc = dataset_workdir(d, err);
    if (rc != ERR_OK)
        return rc;
    id_new(id);
    char *path = mem_printf("%s/%s.read", d->work.path, id);
    rc = store_get_file(d->store, key, path, NULL, err);
    if (rc == ERR_OK)
        rc = sha256_file(path, out, NULL, err);
    if (rc == ERR_OK && strcmp(out, sha256) == 0)
        dataset_keep(d, path, sha256);
    fs_discard(path);
    free(path);
    return rc;
}

int check_dataset(struct dataset *d, bool data, struct verify_report *out, struct error *err)
{
    struct base base = {0};
    struct error why = ERROR_INIT;
    const struct roots roots = derived_roots(derived_of(d));
    const struct verify_reader reader = {hash_and_keep, d};
    int rc = verify_structure_by(d->store, &roots, d->id, data,
                                 d->store->traits.local_paths ? NULL : &reader, out, err);
    if (rc != ERR_OK || !data)
        return rc;
    rc = base_read(d->store, d->id, &base, &why);
    if (rc == ERR_OK && base.pointer.current.sequence > 0) {
        struct check c = {.d = d, .base = &base, .schema = &base.manifest.schema, .report = out};
        rc = check_content(&c, &why);
        local_events_release(&c.events);
    }
    base_release(&base);
    /* A chain that cannot be followed has already been reported. */
    if (rc == ERR_OK || (rc == ERR_DAMAGED && out->count > 0))
        return ERR_OK;
    return error_pass(err, rc, &why);
}

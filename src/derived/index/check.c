/* The key index by content. Derived: whatever is wrong with it is healed by rebuilding it. */
#include <inttypes.h>
#include <stdlib.h>

#include "derived/index/pieces.h"
#include "derived/index/verify.h"
#include "engine/index_file.h"
#include "util/mem.h"

#define REBUILD "`cauce rebuild-index` rebuilds it; nothing that is published is affected."

/* The shards of an index as local files. */
struct shards {
    struct index_state index;
    const char **keys;
    char **paths; /* NULL: not as stated */
    bool whole;
};

static void shards_release(struct shards *s)
{
    for (size_t i = 0; s->paths != NULL && i < s->index.shard_count; i++)
        free(s->paths[i]);
    free(s->paths);
    free(s->keys);
    index_release(&s->index);
}

static int fetch_shards(struct check *c, struct shards *s, struct error *err)
{
    size_t n = s->index.shard_count;
    int rc;
    s->keys = mem_calloc(n, sizeof *s->keys);
    s->paths = mem_calloc(n, sizeof *s->paths);
    s->whole = true;
    struct wanted *all = mem_calloc(n, sizeof *all);
    for (size_t i = 0; i < n; i++) {
        const struct index_shard *shard = &s->index.shards[i];
        all[i] = (struct wanted){shard->key, shard->size, shard->sha256};
    }
    rc = dataset_prefetch(c->d, all, n, err);
    free(all);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        const struct index_shard *shard = &s->index.shards[i];
        struct wanted wanted = {shard->key, shard->size, shard->sha256};
        s->keys[i] = shard->key;
        rc = check_fetch(c, FINDING_SHOULD, &wanted, REBUILD, &s->paths[i], err);
        s->whole = s->whole && s->paths[i] != NULL;
    }
    return rc;
}

static int check_digests(struct check *c, struct shards *s, struct error *err)
{
    size_t n = s->index.shard_count;
    bool *readable = mem_calloc(n, sizeof *readable);
    struct inspection *found = mem_calloc(n, sizeof *found);
    struct check_files files = {(const char *const *)s->paths, s->keys, n};
    int rc = check_inspect(c, FINDING_SHOULD, &files, REBUILD, found, readable, err);
    for (size_t i = 0; i < n; i++) {
        const struct index_shard *shard = &s->index.shards[i];
        if (rc == ERR_OK && readable[i] && !key_digest_equal(&found[i].keys, &shard->digest))
            verify_add(c->report, FINDING_SHOULD, shard->key,
                       "It holds %" PRIu64 " keys where %" PRIu64
                       " are stated, or others than these. " REBUILD,
                       found[i].keys.count, shard->digest.count);
        s->whole = s->whole && readable[i];
        inspection_release(&found[i]);
    }
    free(found);
    free(readable);
    return rc;
}

/* A key outside its shard's slice would not be found where it is looked up. */
static int check_slice(struct check *c, struct shards *s, const struct index_slice *slice, size_t i,
                       struct error *err)
{
    const char *path = s->paths[i];
    uint64_t inside = 0;
    uint64_t outside = 0;
    int rc = index_file_attach(c->d->engine, c->schema, &path, 1, err);
    if (rc == ERR_OK)
        rc = index_file_touched(c->d->engine, c->schema, "index_keys", slice, 1, &inside, &outside,
                                err);
    if (rc == ERR_OK && outside > 0)
        verify_add(c->report, FINDING_SHOULD, s->keys[i],
                   "%" PRIu64 " of its keys belong to another shard. " REBUILD, outside);
    return rc;
}

static int check_slices(struct check *c, struct shards *s, struct error *err)
{
    struct index_slices slices;
    int rc = ERR_OK;
    index_slices_init(&s->index, c->schema->key_count, &slices);
    for (size_t i = 0; i < slices.count && rc == ERR_OK; i++)
        rc = check_slice(c, s, &slices.items[i], i, err);
    index_slices_release(&slices);
    return rc;
}

/*
 * Every newest row is in the index with the hash of its content: a wrong hash would hide a
 * revision, or publish one that is not.
 */
static int check_row_hashes(struct check *c, struct shards *s, struct error *err)
{
    uint64_t wrong = 0;
    struct str what;
    struct str sql;
    str_init(&what, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    relation_keys(c->schema, "e", &what);
    str_append(&what, ", ");
    relation_row_hash(c->schema, "e", &what);
    str_append(&what, " AS row_hash");
    str_append(&sql, "SELECT count(*) FROM (");
    relation_newest(c->schema, what.data, c->events.relation, c->events.files.count, &sql);
    str_release(&what);
    str_append(&sql, ") e ANTI JOIN index_keys i ON ");
    relation_keys_equal(c->schema, "e", "i", &sql);
    str_append(&sql, " AND e.row_hash = i.row_hash");
    int rc = str_check(&sql, "the list of event files", err);
    if (rc == ERR_OK)
        rc = index_file_attach(c->d->engine, c->schema, (const char *const *)s->paths,
                               s->index.shard_count, err);
    if (rc == ERR_OK)
        rc = engine_count(c->d->engine, sql.data, &wrong, err);
    str_release(&sql);
    if (rc == ERR_OK && wrong > 0)
        verify_add(c->report, FINDING_SHOULD, INDEX_ROOT,
                   "It knows %" PRIu64
                   " published rows not at all, or with other content. " REBUILD,
                   wrong);
    return rc;
}

int index_check(struct check *c, struct error *err)
{
    struct shards s = {.keys = NULL};
    enum index_freshness freshness = INDEX_INVALID;
    const char *reason;
    int rc = index_read(c->d->store, &s.index, err);
    /* An index that is missing, or cannot be understood, has already been reported. */
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_GATE) {
        error_clear(err);
        index_release(&s.index);
        return ERR_OK;
    }
    if (rc == ERR_OK)
        rc = index_compare(c->d->store, c->base, &s.index, &freshness, &reason, err);
    if (rc == ERR_OK)
        rc = fetch_shards(c, &s, err);
    if (rc == ERR_OK)
        rc = check_digests(c, &s, err);
    if (rc == ERR_OK && s.whole)
        rc = check_slices(c, &s, err);
    if (rc == ERR_OK && s.whole && c->whole && freshness == INDEX_FRESH &&
        c->schema->track_revisions)
        rc = check_row_hashes(c, &s, err);
    shards_release(&s);
    return rc;
}

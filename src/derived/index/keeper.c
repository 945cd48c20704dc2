/*
 * The index is derived: every function here may be repeated, and may die at any point without harm.
 * What an attempt stores before its swap carries the attempt's own name and is named by nothing, so
 * it is an orphan until the swap and part of the index after it.
 */
#include "derived/index/keeper.h"

#include <stdlib.h>
#include <string.h>

#include "derived/index/pieces.h"
#include "util/invariant.h"
#include "util/mem.h"

/* Shards of an index that hold rows of a table, as flags. */
static int find_touched(struct dataset *d, const struct schema *s, const struct index_state *index,
                        const char *table, bool *touched, struct error *err)
{
    if (index->by_partition) {
        int32_t *found = NULL;
        size_t count = 0;
        int rc = index_file_partitions(d->engine, s, table, &found, &count, err);
        for (size_t k = 0; k < count; k++) {
            size_t i = index_find(index, found[k]);
            if (i != SIZE_MAX)
                touched[i] = true;
        }
        free(found);
        return rc;
    }
    struct index_slices slices;
    index_slices_init(index, s->key_count, &slices);
    uint64_t *rows = mem_calloc(index->shard_count, sizeof *rows);
    uint64_t outside;
    int rc =
        index_file_touched(d->engine, s, table, slices.items, slices.count, rows, &outside, err);
    for (size_t i = 0; i < index->shard_count; i++)
        touched[i] = rows[i] > 0;
    free(rows);
    index_slices_release(&slices);
    return rc;
}

static int fetch_shard(struct dataset *d, const struct index_shard *shard, char **path,
                       struct error *err)
{
    int rc = dataset_fetch(d, shard->key, shard->size, shard->sha256, path, err);
    return rc == ERR_ABSENT
               ? error_set(err, ERR_DAMAGED, "the index shard %s is missing.", shard->key)
               : rc;
}

/* The shards that are flagged, several at once; see dataset_prefetch. */
static int prefetch_shards(struct dataset *d, const struct index_state *index, const bool *flags,
                           struct error *err)
{
    struct wanted *wanted = mem_calloc(index->shard_count, sizeof *wanted);
    size_t n = 0;
    for (size_t i = 0; i < index->shard_count; i++) {
        const struct index_shard *shard = &index->shards[i];
        if (flags[i])
            wanted[n++] = (struct wanted){shard->key, shard->size, shard->sha256};
    }
    int rc = dataset_prefetch(d, wanted, n, err);
    free(wanted);
    return rc;
}

int index_keeper_attach(struct dataset *d, const struct schema *s, const struct index_state *index,
                        const char *table, struct error *err)
{
    bool *touched = mem_calloc(index->shard_count, sizeof *touched);
    char **paths = mem_calloc(index->shard_count, sizeof *paths);
    size_t count = 0;
    int rc = find_touched(d, s, index, table, touched, err);
    if (rc == ERR_OK)
        rc = prefetch_shards(d, index, touched, err);
    for (size_t i = 0; i < index->shard_count && rc == ERR_OK; i++) {
        if (!touched[i])
            continue;
        rc = fetch_shard(d, &index->shards[i], &paths[count], err);
        if (rc == ERR_OK)
            count++;
    }
    if (rc == ERR_OK)
        rc = index_file_attach(d->engine, s, (const char *const *)paths, count, err);
    for (size_t i = 0; i < count; i++)
        free(paths[i]);
    free(paths);
    free(touched);
    return rc;
}

int index_keeper_excuse(struct dataset *d, const struct index_state *index, int rc,
                        struct error *err)
{
    struct index_state now = {0};
    if ((rc != ERR_SYSTEM && rc != ERR_DAMAGED) || index->attempt[0] == '\0')
        return rc;
    bool replaced =
        index_read(d->store, &now, NULL) == ERR_OK && strcmp(now.attempt, index->attempt) != 0;
    index_release(&now);
    return replaced ? error_set(err, ERR_CONFLICT, "the index was replaced while it was read.")
                    : rc;
}

/* Cut a shard file that has grown to two ranges or more; else it is one piece. */
static int split(struct dataset *d, const struct schema *s, const struct index_slice *slice,
                 size_t origin, char *path, struct index_pieces *out, struct error *err)
{
    struct index_cuts cuts;
    int rc = index_file_cuts(d->engine, s, path, d->limits.index_range, &cuts, err);
    if (rc != ERR_OK || cuts.count == 0) {
        index_pieces_add(out, slice, s->key_count, origin, path);
        return rc;
    }
    struct index_job *jobs = mem_calloc(cuts.count + 1, sizeof *jobs);
    for (size_t i = 0; i <= cuts.count; i++) {
        struct index_slice part = *slice;
        if (i > 0)
            part.lower.values = (const char *const *)cuts.bounds[i - 1];
        if (i < cuts.count)
            part.upper.values = (const char *const *)cuts.bounds[i];
        char *file = dataset_scratch(d, ".parquet");
        index_pieces_add(out, &part, s->key_count, origin, file);
        jobs[i] = (struct index_job){part, path, file};
    }
    rc = index_file_build(d->engine, s, jobs, cuts.count + 1, err);
    free(jobs);
    index_cuts_release(&cuts);
    free(path);
    return rc;
}

/* New shards of slices, each from the old one it takes the place of (or none) and the delta. */
struct merge {
    struct index_job *jobs;
    size_t *origins;
    size_t count;
};

static void merge_init(struct merge *m, size_t capacity)
{
    *m = (struct merge){mem_calloc(capacity, sizeof *m->jobs),
                        mem_calloc(capacity, sizeof *m->origins), 0};
}

static int merge_add(struct merge *m, struct dataset *d, const struct index_state *index,
                     const struct index_slice *slice, size_t origin, struct error *err)
{
    char *old = NULL;
    int rc = ERR_OK;
    if (origin != INDEX_NO_ORIGIN)
        rc = fetch_shard(d, &index->shards[origin], &old, err);
    if (rc != ERR_OK)
        return rc;
    m->origins[m->count] = origin;
    m->jobs[m->count++] = (struct index_job){*slice, old, dataset_scratch(d, ".parquet")};
    return ERR_OK;
}

/* Write them and hand them over as pieces; releases the merge. */
static int merge_finish(struct merge *m, struct dataset *d, const struct schema *s, int rc,
                        struct index_pieces *out, struct error *err)
{
    if (rc == ERR_OK)
        rc = index_file_merge(d->engine, s, m->jobs, m->count, err);
    for (size_t i = 0; i < m->count; i++) {
        struct index_job *job = &m->jobs[i];
        if (rc == ERR_OK && !job->slice.by_partition)
            rc = split(d, s, &job->slice, m->origins[i], mem_unconst(job->path), out, err);
        else
            index_pieces_add(out, &job->slice, s->key_count, m->origins[i], mem_unconst(job->path));
        free(mem_unconst(job->old));
    }
    free(m->jobs);
    free(m->origins);
    return rc;
}

static int merge_partitions(struct dataset *d, const struct schema *s,
                            const struct index_state *index, struct index_pieces *out,
                            struct error *err)
{
    struct merge merge;
    int32_t *parts = NULL;
    size_t count = 0;
    int rc = index_file_partitions(d->engine, s, "delta", &parts, &count, err);
    merge_init(&merge, count);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        struct index_slice slice = {.by_partition = true, .partition = parts[i]};
        rc = merge_add(&merge, d, index, &slice, index_find(index, parts[i]), err);
    }
    free(parts);
    return merge_finish(&merge, d, s, rc, out, err);
}

static int merge_ranges(struct dataset *d, const struct schema *s, const struct index_state *index,
                        struct index_pieces *out, struct error *err)
{
    struct merge merge;
    struct index_slices slices;
    const struct index_slice all = {.by_partition = false};
    bool *touched = mem_calloc(index->shard_count, sizeof *touched);
    index_slices_init(index, s->key_count, &slices);
    merge_init(&merge, index->shard_count + 1);
    int rc = find_touched(d, s, index, "delta", touched, err);
    if (rc == ERR_OK && index->shard_count == 0)
        rc = merge_add(&merge, d, index, &all, INDEX_NO_ORIGIN, err);
    for (size_t i = 0; i < slices.count && rc == ERR_OK; i++)
        if (touched[i])
            rc = merge_add(&merge, d, index, &slices.items[i], i, err);
    rc = merge_finish(&merge, d, s, rc, out, err);
    free(touched);
    index_slices_release(&slices);
    return rc;
}

/* The state after `index`, without shards: an attempt of its own. */
static void begin_next(const struct index_state *index, const struct schema *s, uint64_t gc_epoch,
                       const struct version_id *stamp, const struct manifest_source *source,
                       struct index_state *next)
{
    *next = (struct index_state){.stamp = *stamp, .gc_epoch = gc_epoch};
    next->by_partition = index->shard_count > 0 ? index->by_partition : schema_partition_in_key(s);
    id_new(next->attempt);
    if (source != NULL) {
        next->has_source = true;
        manifest_source_copy(source, &next->source);
    }
}

static const struct store_tag *tag_of(const struct index_state *index)
{
    return index->tag.text[0] != '\0' ? &index->tag : NULL;
}

/* Do both reflect the same version, with the same shards? Names of shards are never used twice. */
static bool holds_the_same(const struct index_state *a, const struct index_state *b)
{
    bool same = a->stamp.sequence == b->stamp.sequence &&
                strcmp(a->stamp.commit, b->stamp.commit) == 0 && a->gc_epoch == b->gc_epoch &&
                a->by_partition == b->by_partition && a->shard_count == b->shard_count;
    for (size_t i = 0; same && i < a->shard_count; i++)
        same = strcmp(a->shards[i].key, b->shards[i].key) == 0;
    return same;
}

#define SWAP_TRIES 8

/*
 * Swap. Where somebody has merely noted another source, what was made still fits: once more, from
 * there.
 */
static int swap_past_notes(struct dataset *d, const struct index_state *from,
                           struct index_state *next, struct error *err)
{
    int rc = index_swap(d->store, tag_of(from), next, err);
    for (int i = 1; rc == ERR_CONFLICT && tag_of(from) != NULL && i < SWAP_TRIES; i++) {
        struct index_state seen = {0};
        bool again = index_read(d->store, &seen, NULL) == ERR_OK && holds_the_same(from, &seen);
        if (again)
            rc = index_swap(d->store, &seen.tag, next, err);
        index_release(&seen);
        if (!again)
            break;
    }
    return rc;
}

/* Store the pieces, then swap; on a definite failure the pieces go, else they are left. */
static int store_and_swap(struct dataset *d, struct index_state *index, struct index_pieces *pieces,
                          struct index_state *next, struct error *err)
{
    struct version_id attempt = {.sequence = next->stamp.sequence};
    memcpy(attempt.commit, next->attempt, sizeof attempt.commit);
    int rc = index_pieces_store(d, pieces, &attempt, err);
    if (rc != ERR_OK)
        return rc;
    index_pieces_assemble(pieces, index, next);
    rc = swap_past_notes(d, index, next, err);
    if (rc != ERR_OK && rc != ERR_UNKNOWN)
        index_pieces_discard(d, pieces);
    return rc;
}

/* Add the digests of the shards that stay. */
static void add_kept(const struct index_state *index, const struct index_pieces *pieces,
                     struct key_digest *sum)
{
    bool *replaced = mem_calloc(index->shard_count, sizeof *replaced);
    for (size_t i = 0; i < pieces->count; i++)
        if (pieces->items[i].origin != INDEX_NO_ORIGIN)
            replaced[pieces->items[i].origin] = true;
    for (size_t i = 0; i < index->shard_count; i++)
        if (!replaced[i])
            key_digest_add(sum, &index->shards[i].digest);
    free(replaced);
}

/* Put `next` in the place of `index`, or give it back where it did not become the state. */
static int adopt(int rc, struct index_state *index, struct index_state *next)
{
    if (rc != ERR_OK) {
        index_release(next);
        return rc;
    }
    index_release(index);
    *index = *next;
    return ERR_OK;
}

static int compare_keys(const struct key_digest *found, const struct key_digest *stated,
                        struct error *err)
{
    if (key_digest_equal(found, stated))
        return ERR_OK;
    return error_set(err, ERR_DAMAGED,
                     "the updated index would hold %llu keys, the manifest states %llu, or their "
                     "digests differ.",
                     (unsigned long long)found->count, (unsigned long long)stated->count);
}

int index_keeper_update(struct dataset *d, const struct schema *s, struct index_state *index,
                        const struct version_id *stamp, uint64_t gc_epoch,
                        const struct key_digest *keys, const struct manifest_source *source,
                        struct error *err)
{
    struct index_pieces pieces = {0};
    struct index_state next;
    struct key_digest sum;
    invariant(9, index->stamp.sequence <= stamp->sequence);
    begin_next(index, s, gc_epoch, stamp, source, &next);
    next.keys = *keys;
    int rc = next.by_partition ? merge_partitions(d, s, index, &pieces, err)
                               : merge_ranges(d, s, index, &pieces, err);
    if (rc == ERR_OK)
        rc = index_pieces_inspect(d, s, &pieces, &sum, err);
    if (rc == ERR_OK) {
        add_kept(index, &pieces, &sum);
        rc = compare_keys(&sum, keys, err);
    }
    invariant(9, rc != ERR_OK || sum.count == keys->count);
    if (rc == ERR_OK)
        rc = store_and_swap(d, index, &pieces, &next, err);
    index_pieces_release(&pieces);
    return adopt(rc, index, &next);
}

int index_keeper_replace(struct dataset *d, struct index_state *index, struct index_pieces *pieces,
                         const struct key_digest *keys, const struct manifest_source *source,
                         struct error *err)
{
    struct index_state next;
    struct schema unused = {0};
    begin_next(index, &unused, index->gc_epoch, &index->stamp, source, &next);
    next.by_partition = index->by_partition;
    next.keys = *keys;
    return adopt(store_and_swap(d, index, pieces, &next, err), index, &next);
}

int index_keeper_absorb(struct dataset *d, struct index_state *index,
                        const struct manifest_source *source, struct error *err)
{
    struct index_pieces none = {0};
    struct key_digest keys = index->keys;
    return index_keeper_replace(d, index, &none, &keys, source, err);
}

#include "derived/index/pieces.h"

#include <stdlib.h>
#include <string.h>

#include "engine/inspect.h"
#include "util/log.h"
#include "util/mem.h"

void index_slices_init(const struct index_state *index, size_t key_count, struct index_slices *out)
{
    size_t n = index->shard_count;
    *out = (struct index_slices){mem_calloc(n, sizeof *out->items),
                                 mem_calloc(n, sizeof *out->bounds), n};
    for (size_t i = 0; i < n; i++) {
        const struct index_shard *shard = &index->shards[i];
        out->items[i].by_partition = index->by_partition;
        out->items[i].partition = shard->partition;
        if (index->by_partition || shard->lower == NULL)
            continue;
        out->bounds[i] = mem_calloc(key_count, sizeof *out->bounds[i]);
        for (size_t k = 0; k < key_count; k++) {
            const struct json *value = json_at(shard->lower, k);
            out->bounds[i][k] = json_is_null(value) ? NULL : json_string(value);
        }
        out->items[i].lower.values = out->bounds[i];
        if (i > 0)
            out->items[i - 1].upper.values = out->bounds[i];
    }
}

void index_slices_release(struct index_slices *s)
{
    for (size_t i = 0; i < s->count; i++)
        free(s->bounds[i]);
    free(s->bounds);
    free(s->items);
    *s = (struct index_slices){0};
}

void index_pieces_release(struct index_pieces *p)
{
    for (size_t i = 0; i < p->count; i++) {
        json_free(p->items[i].shard.lower);
        free(p->items[i].path);
    }
    free(p->items);
    *p = (struct index_pieces){0};
}

void index_pieces_add(struct index_pieces *p, const struct index_slice *slice, size_t key_count,
                      size_t origin, char *path)
{
    p->items = mem_grow(p->items, p->count, &p->capacity, sizeof *p->items);
    struct index_piece *piece = &p->items[p->count++];
    *piece = (struct index_piece){
        .shard = {.partition = slice->partition}, .origin = origin, .path = path};
    if (slice->by_partition || slice->lower.values == NULL)
        return;
    piece->shard.lower = json_new_array();
    for (size_t k = 0; k < key_count; k++)
        json_append(piece->shard.lower, json_new_string(slice->lower.values[k]));
}

static int by_partition(const void *a, const void *b)
{
    int32_t x = ((const struct index_shard *)a)->partition;
    int32_t y = ((const struct index_shard *)b)->partition;
    return (x > y) - (x < y);
}

/* By origin, those without one last; in their order within one. */
static int by_origin(const void *a, const void *b)
{
    const struct index_piece *x = *(const struct index_piece *const *)a;
    const struct index_piece *y = *(const struct index_piece *const *)b;
    if (x->origin != y->origin)
        return x->origin < y->origin ? -1 : 1;
    return (x > y) - (x < y);
}

void index_pieces_assemble(const struct index_pieces *p, const struct index_state *index,
                           struct index_state *next)
{
    const struct index_piece **sorted = mem_calloc(p->count, sizeof *sorted);
    size_t at = 0;
    for (size_t i = 0; i < p->count; i++)
        sorted[i] = &p->items[i];
    if (p->count > 0)
        qsort(sorted, p->count, sizeof *sorted, by_origin);
    for (size_t i = 0; i < index->shard_count; i++) {
        size_t first = at;
        while (at < p->count && sorted[at]->origin == i)
            index_add_shard(next, &sorted[at++]->shard);
        if (at == first)
            index_add_shard(next, &index->shards[i]);
    }
    while (at < p->count)
        index_add_shard(next, &sorted[at++]->shard);
    free(sorted);
    if (next->by_partition && next->shard_count > 0)
        qsort(next->shards, next->shard_count, sizeof *next->shards, by_partition);
}

int index_pieces_inspect(struct dataset *d, const struct schema *s, struct index_pieces *p,
                         struct key_digest *sum, struct error *err)
{
    const char **paths = mem_calloc(p->count, sizeof *paths);
    struct inspection *found = mem_calloc(p->count, sizeof *found);
    for (size_t i = 0; i < p->count; i++)
        paths[i] = p->items[i].path;
    int rc = inspect_files(d->engine, s, paths, p->count, found, err);
    *sum = (struct key_digest){0};
    for (size_t i = 0; i < p->count; i++) {
        p->items[i].shard.digest = found[i].keys;
        key_digest_add(sum, &found[i].keys);
        inspection_release(&found[i]);
    }
    free(found);
    free(paths);
    return rc;
}

void index_pieces_discard(struct dataset *d, const struct index_pieces *p)
{
    struct error err = ERROR_INIT;
    for (size_t i = 0; i < p->count; i++)
        if (store_remove(d->store, p->items[i].shard.key, &err) != ERR_OK)
            log_warn("%s is left to gc: %s", p->items[i].shard.key, err.text);
}

int index_pieces_store(struct dataset *d, struct index_pieces *p, const struct version_id *attempt,
                       struct error *err)
{
    const char **keys = mem_calloc(p->count, sizeof *keys);
    bool *written = mem_calloc(p->count, sizeof *written);
    struct store_body *bodies = mem_calloc(p->count, sizeof *bodies);
    int rc = ERR_OK;
    for (size_t i = 0; i < p->count && rc == ERR_OK; i++) {
        struct index_shard *shard = &p->items[i].shard;
        index_shard_key(attempt, (unsigned)i, shard->key);
        keys[i] = shard->key;
        rc = store_body_file(p->items[i].path, &bodies[i], err);
        bodies[i].given = true;
        shard->size = bodies[i].size;
        memcpy(shard->sha256, bodies[i].sha256, sizeof shard->sha256);
    }
    if (rc == ERR_OK)
        rc = store_put_many(d->store, keys, bodies, p->count, written, err);
    if (rc != ERR_OK)
        for (size_t i = 0; i < p->count; i++)
            if (written[i])
                error_ignore(store_remove(d->store, keys[i], NULL)); /* gc takes an orphan */
    free(bodies);
    free(written);
    free(keys);
    return rc;
}

#include "derived/index/index.h"

#include <stdlib.h>

#include "catalog/field.h"
#include "derived/index/verify.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"

void index_witness(const struct index_state *s, struct witness *out)
{
    *out = (struct witness){.gc_epoch = s->gc_epoch, .version = s->stamp};
    field_copy(out->who, sizeof out->who, LAYOUT_INDEX);
}

/* ---- Its root ------------------------------------------------------------------------------ */

static bool owns(const char *key)
{
    struct version_id attempt;
    return layout_parse_index_shard(key, &attempt, NULL) == ERR_OK;
}

static void release(void *state)
{
    if (state != NULL)
        index_release(state);
    free(state);
}

static int read_state(struct store *st, void **state, struct error *err)
{
    struct index_state *s = mem_calloc(1, sizeof *s);
    int rc = index_read(st, s, err);
    if (rc != ERR_OK) {
        release(s);
        s = NULL;
    }
    *state = s;
    return rc;
}

static void witness(const void *state, struct witness *out)
{
    index_witness(state, out);
}

static void name_all(const void *state, struct inventory *named)
{
    const struct index_state *s = state;
    for (size_t i = 0; i < s->shard_count; i++)
        inventory_add(named, s->shards[i].key, 0);
}

/*
 * Where there is none yet but shards are, somebody may be about to name them: an empty index, which
 * reflects the empty dataset, takes the place. It also takes that of an index of a version that was
 * given up, lest that one speak of it in the new epoch.
 */
static int fence(struct store *st, void *state, const struct root_fence *f, struct error *err)
{
    struct index_state fresh = {.by_partition = false};
    struct index_state *s = state != NULL ? state : &fresh;
    struct store_tag tag = s->tag;
    if (state == NULL || !f->published) {
        index_release(s);
        s->by_partition = schema_partition_in_key(&f->base->manifest.schema);
    }
    s->gc_epoch = f->gc_epoch;
    id_new(s->attempt);
    int rc = index_swap(st, state != NULL ? &tag : NULL, s, err);
    if (rc != ERR_OK)
        s->tag = tag;
    return rc;
}

/* The manifest first: shards that it does not name any more are nobody's. */
static void give_up(struct store *st, const void *state)
{
    const struct index_state *s = state;
    log_warn("there is no room left even for gc: the key index is given up, and the next run "
             "builds it again");
    if (store_remove(st, LAYOUT_INDEX, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < s->shard_count; i++)
        error_ignore(store_remove(st, s->shards[i].key, NULL)); /* an orphan, then */
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    return index_verify(v, state, err);
}

const struct derived index_derived = {
    .root =
        {
            .key = LAYOUT_INDEX,
            .command = "rebuild-index",
            .absent = "There is no index of keys. " INDEX_REMEDY,
            .remedy = INDEX_REMEDY,
            .owns = owns,
            .read = read_state,
            .release = release,
            .witness = witness,
            .name_all = name_all,
            .fence = fence,
            .give_up = give_up,
            .verify = verify,
        },
    .check = index_check,
};

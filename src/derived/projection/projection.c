#include "derived/projection/projection.h"

#include <stdlib.h>

#include "catalog/field.h"
#include "derived/projection/verify.h"
#include "util/id.h"
#include "util/mem.h"

void projection_witness(const struct projection_state *s, struct witness *out)
{
    bool under_way = s->phase == PROJECTION_IN_PROGRESS;
    *out = (struct witness){.gc_epoch = s->gc_epoch, .version = under_way ? s->target : s->stamp};
    field_copy(out->who, sizeof out->who, LAYOUT_PROJECTIONS);
}

/* ---- Their root ---------------------------------------------------------------------------- */

/* A cut that the dataset does not have today it may have had. */
static bool owns(const char *key)
{
    struct version_id attempt;
    int32_t partition;
    for (enum partition_by by = PARTITION_NONE; by <= PARTITION_DAY; by++) {
        if (layout_parse_temp(key, by, &attempt, &partition, NULL) == ERR_OK ||
            layout_parse_projection(key, by, &partition, NULL) == ERR_OK ||
            layout_is_former(key, by))
            return true;
    }
    return false;
}

static void release(void *state)
{
    if (state != NULL)
        projection_release(state);
    free(state);
}

static int read_state(struct store *st, void **state, struct error *err)
{
    struct projection_state *s = mem_calloc(1, sizeof *s);
    int rc = projection_read(st, s, err);
    if (rc != ERR_OK) {
        release(s);
        s = NULL;
    }
    *state = s;
    return rc;
}

static void witness(const void *state, struct witness *out)
{
    projection_witness(state, out);
}

/* An unfinished consolidation without a redo list names no scratch: the fence sends it back. */
static void name_all(const void *state, struct inventory *named)
{
    const struct projection_state *s = state;
    for (size_t i = 0; i < s->part_count; i++)
        inventory_add(named, s->parts[i].key, 0);
    for (size_t i = 0; i < s->redo_count; i++) {
        inventory_add(named, s->redo[i].key, 0);
        inventory_add(named, s->redo[i].temp, 0);
    }
    for (size_t i = 0; i < s->former_count; i++) {
        char key[LAYOUT_KEY_SIZE];
        layout_former_projection(s->by, s->former[i], key);
        inventory_add(named, key, 0);
    }
}

/*
 * Where there are none yet but their files are, a completed consolidation of nothing takes the place.
 * A redo list stays: whoever takes it over can still go forward. What was given up stays in its old
 * epoch, with the list of its files.
 */
static int fence(struct store *st, void *state, const struct root_fence *f, struct error *err)
{
    struct projection_state fresh = {.phase = PROJECTION_COMPLETED,
                                     .by = f->base->manifest.schema.partition_by};
    struct projection_state *s = state != NULL ? state : &fresh;
    if (f->published)
        s->gc_epoch = f->gc_epoch;
    id_new(s->attempt);
    return projection_swap(st, state != NULL ? &s->tag : NULL, s, s->by, err);
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    return projection_verify(v, state, err);
}

const struct derived projection_derived = {
    .root =
        {
            .key = LAYOUT_PROJECTIONS,
            .command = "consolidate",
            .absent = "There are no projections. The next run, or `cauce consolidate`, builds "
                      "them.",
            .remedy = PROJECTION_REMEDY,
            .owns = owns,
            .read = read_state,
            .release = release,
            .witness = witness,
            .name_all = name_all,
            .fence = fence,
            .give_up = NULL, /* readers by glob would miss their files */
            .verify = verify,
        },
    .check = projection_check,
};

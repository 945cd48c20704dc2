#include "derived/projection/verify.h"

#include <inttypes.h>

/* Is the version that the projections reflect, or reflected last, in the chain? */
static const struct verify_version *check_stamp(struct verifier *v,
                                                const struct projection_state *s)
{
    const struct verify_version *version = verify_find(v, s->stamp.sequence);
    if (!v->has_pointer || !v->whole || s->stamp.sequence == 0)
        return NULL;
    if (version == NULL || !version_id_equal(&version->id, &s->stamp)) {
        verify_add(v->report, FINDING_SHOULD, PROJECTION_ROOT,
                   "They reflect version %" PRIu64
                   ", which is not in the chain of versions. " PROJECTION_REMEDY,
                   s->stamp.sequence);
        return NULL;
    }
    return version;
}

/* A consolidation that is complete except for some partitions. */
static void tell_standing(struct verifier *v, const struct projection_state *s)
{
    char name[LAYOUT_PARTITION_SIZE];
    layout_partition(s->by, s->affected[0], name);
    verify_add(v->report, FINDING_SHOULD, PROJECTION_ROOT,
               "%zu partition%s could not be brought to version %" PRIu64
               ", the first is %s. `cauce consolidate` tries again, and says why.",
               s->affected_count, s->affected_count == 1 ? "" : "s", s->target.sequence,
               name[0] != '\0' ? name : "the dataset");
}

static void check_progress(struct verifier *v, const struct projection_state *s)
{
    uint64_t current = v->base.pointer.current.sequence;
    if (s->phase == PROJECTION_IN_PROGRESS && !s->has_redo && s->affected_count > 0 &&
        version_id_equal(&s->stamp, &s->target))
        tell_standing(v, s);
    else if (s->phase == PROJECTION_IN_PROGRESS)
        verify_add(v->report, FINDING_SHOULD, PROJECTION_ROOT,
                   "A consolidation for version %" PRIu64
                   " is under way or was interrupted. The next run, or `cauce consolidate`, "
                   "finishes it.",
                   s->target.sequence);
    else if (v->has_pointer && s->stamp.sequence < current)
        verify_add(v->report, FINDING_SHOULD, PROJECTION_ROOT,
                   "They reflect version %" PRIu64 " of %" PRIu64
                   ". The next run, or `cauce consolidate`, brings them up to date.",
                   s->stamp.sequence, current);
}

/* One row per key: all projections together hold as many rows as the version has keys. */
static void check_rows(struct verifier *v, const struct projection_state *s,
                       const struct verify_version *version)
{
    uint64_t rows = 0;
    for (size_t i = 0; i < s->part_count; i++)
        rows += s->parts[i].rows;
    if (rows != version->keys.count)
        verify_add(v->report, FINDING_SHOULD, PROJECTION_ROOT,
                   "They hold %" PRIu64 " rows, and version %" PRIu64 " has %" PRIu64
                   " keys. " PROJECTION_REMEDY,
                   rows, version->id.sequence, version->keys.count);
}

/*
 * Every file has the columns of the version: a reader of one of them takes its columns for those of
 * all.
 */
static void check_columns(struct verifier *v, const struct projection_state *s,
                          const struct verify_version *version)
{
    for (size_t i = 0; i < s->part_count; i++)
        if (s->parts[i].columns != version->columns)
            verify_add(v->report, FINDING_SHOULD, s->parts[i].key,
                       "It has %" PRIu64 " columns of an older schema, and version %" PRIu64
                       " has %zu. " PROJECTION_REMEDY,
                       s->parts[i].columns, version->id.sequence, version->columns);
}

/* Files are as stated; while a redo list is being worked off, a file may be old or new. */
static int check_parts(struct verifier *v, const struct projection_state *s, struct error *err)
{
    int rc = ERR_OK;
    if (s->has_redo)
        return ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < s->part_count; i++) {
        const struct projection_part *p = &s->parts[i];
        rc = verify_object(v, FINDING_SHOULD, p->key, p->size, p->sha256, PROJECTION_REMEDY, err);
    }
    return rc;
}

int projection_verify(struct verifier *v, const struct projection_state *s, struct error *err)
{
    const struct verify_version *version = v->went_back ? NULL : check_stamp(v, s);
    if (!v->went_back)
        check_progress(v, s);
    if (version != NULL && s->phase == PROJECTION_COMPLETED) {
        check_rows(v, s, version);
        check_columns(v, s, version);
    }
    return check_parts(v, s, err);
}

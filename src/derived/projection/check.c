/* The projections by content: each equals what its version's events give. Derived. */
#include <inttypes.h>
#include <stdlib.h>

#include "derived/projection/partition_set.h"
#include "derived/projection/verify.h"
#include "engine/projection_file.h"
#include "engine/sql.h"
#include "util/fs.h"
#include "util/mem.h"

#define CONSOLIDATE "`cauce consolidate` rebuilds it; nothing that is published is affected."

/* Event files of the version that the projections reflect, and of one partition of it. */
struct view {
    struct relation_file *all;
    int32_t *partition; /* of each file */
    size_t count;
    struct relation_file *own;
    size_t own_count;
};

static void view_init(const struct check *c, uint64_t upto, struct view *v)
{
    size_t n = c->events.files.count;
    *v = (struct view){.all = mem_calloc(n, sizeof *v->all),
                       .partition = mem_calloc(n, sizeof *v->partition),
                       .own = mem_calloc(n, sizeof *v->own)};
    for (size_t i = 0; i < n; i++) {
        if (c->events.files.items[i].sequence > upto)
            continue;
        v->all[v->count] = c->events.relation[i];
        v->partition[v->count++] = c->events.files.items[i].partition;
    }
}

static void view_release(struct view *v)
{
    free(v->all);
    free(v->partition);
    free(v->own);
}

static void view_select(struct view *v, int32_t partition)
{
    v->own_count = 0;
    for (size_t i = 0; i < v->count; i++)
        if (v->partition[i] == partition)
            v->own[v->own_count++] = v->all[i];
}

/* Write the partition as it should be to a scratch file. */
static int recompute(struct check *c, struct view *v, int32_t partition, const char *path,
                     struct error *err)
{
    view_select(v, partition);
    struct projection_job job = {v->own, v->own_count, v->all, v->count, path};
    return projection_file_write(c->d->engine, c->schema, &job, 1, NULL, 0, err);
}

/* Where the projections are those of the newest version: of older ones the schema is not at hand. */
static int compare_columns(struct check *c, const struct projection_part *part, const char *path,
                           const char *expected, struct error *err)
{
    bool same = true;
    if (part->columns != c->schema->count) /* that is said where the manifests are compared */
        return ERR_OK;
    int rc = projection_file_same_columns(c->d->engine, path, expected, &same, err);
    if (rc == ERR_OK && !same)
        verify_add(c->report, FINDING_SHOULD, part->key,
                   "Its columns are not those of the schema. " CONSOLIDATE);
    return rc;
}

static int compare_part(struct check *c, struct view *v, const struct projection_part *part,
                        const char *path, struct error *err)
{
    bool equal = true;
    char *expected = dataset_scratch(c->d, ".parquet");
    int rc = recompute(c, v, part->partition, expected, err);
    if (rc == ERR_OK) {
        struct error why = ERROR_INIT;
        rc = projection_file_equal(c->d->engine, c->schema, path, expected, &equal, &why);
        if (rc == ERR_OK && equal)
            rc = compare_columns(c, part, path, expected, &why);
        if (rc == ERR_DAMAGED) { /* the file that was just written can be read */
            equal = false;
            rc = ERR_OK;
        } else if (rc != ERR_OK) {
            rc = error_pass(err, rc, &why);
        }
    }
    fs_discard(expected);
    free(expected);
    if (rc == ERR_OK && !equal)
        verify_add(c->report, FINDING_SHOULD, part->key,
                   "Its rows are not those that the events of version %" PRIu64
                   " give. " CONSOLIDATE,
                   part->stamp.sequence);
    return rc;
}

static int check_part(struct check *c, struct view *v, const struct projection_part *part,
                      struct error *err)
{
    struct wanted wanted = {part->key, part->size, part->sha256};
    char *path = NULL;
    int rc = check_fetch(c, FINDING_SHOULD, &wanted, CONSOLIDATE, &path, err);
    if (rc == ERR_OK && path != NULL)
        rc = compare_part(c, v, part, path, err);
    free(path);
    return rc;
}

/* A partition without a file must have no rows left. */
static int check_missing(struct check *c, struct view *v, int32_t partition, enum partition_by by,
                         struct error *err)
{
    uint64_t rows = 0;
    char key[LAYOUT_KEY_SIZE];
    char *path = dataset_scratch(c->d, ".parquet");
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "SELECT count(*) FROM read_parquet(%t)", path);
    int rc = recompute(c, v, partition, path, err);
    if (rc == ERR_OK)
        rc = engine_count(c->d->engine, sql.data, &rows, err);
    str_release(&sql);
    fs_discard(path);
    free(path);
    projection_key(by, partition, key);
    if (rc == ERR_OK && rows > 0)
        verify_add(c->report, FINDING_SHOULD, key,
                   "It should hold %" PRIu64
                   " rows, and the projections do not name it. " CONSOLIDATE,
                   rows);
    return rc;
}

static int check_all_missing(struct check *c, struct view *v, struct projection_state *s,
                             struct error *err)
{
    int rc = ERR_OK;
    struct partition_set all = {0};
    for (size_t i = 0; i < v->count; i++)
        partition_set_add(&all, v->partition[i]);
    partition_set_settle(&all);
    for (size_t i = 0; i < all.count && rc == ERR_OK; i++)
        if (projection_find(s->parts, s->part_count, all.items[i]) == NULL)
            rc = check_missing(c, v, all.items[i], c->schema->partition_by, err);
    partition_set_release(&all);
    return rc;
}

int projection_check(struct check *c, struct error *err)
{
    struct projection_state s = {.phase = PROJECTION_NONE};
    struct view v = {.all = NULL};
    if (!c->whole)
        return ERR_OK;
    int rc = projection_read(c->d->store, &s, err);
    /* Projections that are missing, or cannot be understood, have already been reported. */
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_GATE) {
        error_clear(err);
        rc = ERR_OK;
        goto out;
    }
    bool known = rc == ERR_OK && s.phase == PROJECTION_COMPLETED &&
                 s.stamp.sequence <= c->base->pointer.current.sequence;
    if (!known)
        goto out;
    view_init(c, s.stamp.sequence, &v);
    for (size_t i = 0; i < s.part_count && rc == ERR_OK; i++)
        rc = check_part(c, &v, &s.parts[i], err);
    if (rc == ERR_OK)
        rc = check_all_missing(c, &v, &s, err);
    view_release(&v);
out:
    projection_release(&s);
    return rc;
}

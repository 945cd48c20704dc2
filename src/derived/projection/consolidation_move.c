/* The part of consolidation.h that checks final files and moves new ones into place. */
#include "derived/projection/consolidation.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "derived/projection/projection.h"
#include "util/invariant.h"
#include "util/log.h"
#include "util/mem.h"

#define LABEL_SHA256 "sha256"
#define LABEL_SEQUENCE "sequence"
#define LABEL_COMMIT "commit"

#define MOVE_TRIES 4

/* How much of a final file is checked. */
enum look {
    LOOK_SIZE,  /* its size, and its label where it has one */
    LOOK_LABEL, /* its label, and its bytes where it has none */
    LOOK_BYTES, /* its bytes */
};

/* Do the bytes in the store have the digest that a part states? */
static int bytes_are_right(struct consolidation *c, const struct projection_part *part, bool *right,
                           struct error *err)
{
    struct error why = ERROR_INIT;
    char *path = NULL;
    int rc = dataset_fetch(c->d, part->key, part->size, part->sha256, &path, &why);
    free(path);
    *right = rc == ERR_OK;
    if (rc == ERR_OK || rc == ERR_DAMAGED || rc == ERR_ABSENT)
        return ERR_OK;
    return error_pass(err, rc, &why);
}

/* Is the final file the one that a part describes? */
static int final_is_right(struct consolidation *c, const struct projection_part *part,
                          enum look look, bool *right, struct error *err)
{
    struct store_info info;
    struct error why = ERROR_INIT;
    *right = false;
    int rc = store_head(c->d->store, part->key, &info, &why);
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc != ERR_OK)
        return error_pass(err, rc, &why);
    const char *sha256 = store_label_get(info.labels, LABEL_SHA256);
    if (info.size != part->size || (sha256 != NULL && strcmp(sha256, part->sha256) != 0))
        return ERR_OK;
    *right = true;
    if (look == LOOK_BYTES || (look == LOOK_LABEL && sha256 == NULL))
        return bytes_are_right(c, part, right, err);
    return ERR_OK;
}

/* ---- Checking ------------------------------------------------------------------------------ */

struct inquiry {
    struct consolidation *c;
    enum look look;
    bool *right; /* one per part of the state */
};

static int inquire(void *ctx, size_t i, struct error *err)
{
    struct inquiry *q = ctx;
    return final_is_right(q->c, &q->c->state.parts[i], q->look, &q->right[i], err);
}

int consolidation_check(struct consolidation *c, enum consolidate_check check,
                        struct partition_set *out, struct error *err)
{
    /* Remote stores are asked about every file only on demand: a run stays at few requests. */
    if (check == CONSOLIDATE_CHECK_STAMP ||
        (check == CONSOLIDATE_CHECK_SIZE && !c->d->store->traits.local_paths))
        return ERR_OK;
    size_t n = c->state.part_count;
    struct inquiry q = {.c = c,
                        .look = check == CONSOLIDATE_CHECK_BYTES ? LOOK_BYTES : LOOK_SIZE,
                        .right = mem_calloc(n, sizeof *q.right)};
    /* Made before there are threads that need it. */
    int rc = q.look == LOOK_BYTES ? dataset_workdir(c->d, err) : ERR_OK;
    if (rc == ERR_OK)
        rc = store_each(c->d->store, n, inquire, &q, err);
    for (size_t i = 0; i < n && rc == ERR_OK; i++) {
        if (q.right[i])
            continue;
        log_warn("%s is missing or not what the projection manifest states; it is built again",
                 c->state.parts[i].key);
        partition_set_add(out, c->state.parts[i].partition);
    }
    partition_set_settle(out);
    free(q.right);
    return rc;
}

/* ---- Moving -------------------------------------------------------------------------------- */

/* Is this attempt still the current one? */
static bool still_mine(struct consolidation *c)
{
    struct projection_state seen = {0};
    bool mine = projection_read(c->d->store, &seen, NULL) == ERR_OK &&
                strcmp(seen.attempt, c->state.attempt) == 0;
    projection_release(&seen);
    return mine;
}

/*
 * Is the final file of a version that was published after ours? One that says so and is not in the
 * chain was abandoned by a repair.
 */
static int is_newer(struct consolidation *c, const struct store_info *info, bool *newer,
                    struct error *err)
{
    struct base now;
    struct version_id its = {0};
    const char *sequence = store_label_get(info->labels, LABEL_SEQUENCE);
    const char *commit = store_label_get(info->labels, LABEL_COMMIT);
    *newer = false;
    if (sequence != NULL)
        its.sequence = strtoull(sequence, NULL, 10);
    if (its.sequence <= c->state.target.sequence)
        return ERR_OK;
    snprintf(its.commit, sizeof its.commit, "%s", commit != NULL ? commit : "");
    int rc = base_read(c->d->store, c->d->id, &now, err);
    if (rc == ERR_OK)
        rc = catalog_contains(c->d->store, &now, &its, newer, err);
    base_release(&now);
    return rc;
}

static int move_once(struct consolidation *c, const struct projection_part *part, bool *newer,
                     struct error *err)
{
    struct store_info info;
    char sequence[24];
    *newer = false;
    int rc = store_head(c->d->store, part->key, &info, err);
    bool there = rc == ERR_OK;
    if (there)
        rc = is_newer(c, &info, newer, err);
    if (rc != ERR_OK && rc != ERR_ABSENT)
        return rc;
    if (*newer)
        return error_set(err, ERR_CONFLICT, "%s is already of a newer version.", part->key);
    struct store_move move = {.from = part->temp,
                              .to = part->key,
                              .expected = there ? &info.tag : NULL,
                              .guard = PROJECTION_ROOT,
                              .guard_tag = &c->state.tag};
    snprintf(sequence, sizeof sequence, "%llu", (unsigned long long)c->state.target.sequence);
    store_label_set(move.labels, LABEL_SHA256, part->sha256);
    store_label_set(move.labels, LABEL_SEQUENCE, sequence);
    store_label_set(move.labels, LABEL_COMMIT, c->state.target.commit);
    return store_move(c->d->store, &move, err);
}

static int move_into_place(struct consolidation *c, const struct projection_part *part,
                           struct error *err)
{
    int rc = ERR_OK;
    bool newer = false;
    for (int i = 0; i < MOVE_TRIES; i++) {
        bool right;
        rc = move_once(c, part, &newer, err);
        if (rc == ERR_CONFLICT && !still_mine(c))
            return rc;
        /* Moved, or an earlier attempt had moved it, or the answer is missing: look at the file. */
        int seen = final_is_right(c, part, rc == ERR_OK ? LOOK_SIZE : LOOK_LABEL, &right, err);
        if (seen != ERR_OK)
            return seen;
        if (right)
            return ERR_OK;
        if (rc == ERR_ABSENT || rc == ERR_DENIED)
            return rc;
    }
    if (rc == ERR_CONFLICT && !newer)
        return error_set(err, ERR_DENIED,
                         "%s cannot be moved into place: something else is there, or comes back.",
                         part->key);
    return rc == ERR_OK ? error_set(err, ERR_DAMAGED,
                                    "%s was moved into place and is not what it "
                                    "should be.",
                                    part->key)
                        : rc;
}

/* Several threads may find at once that a file cannot be moved. */
struct moving {
    struct consolidation *c;
    pthread_mutex_t lock;
};

/* Does it say something of this file alone, and that it has not moved? */
static bool is_own_failure(int rc)
{
    return rc == ERR_AGAIN || rc == ERR_DENIED || rc == ERR_DAMAGED || rc == ERR_SYSTEM;
}

static int move_listed(void *ctx, size_t i, struct error *err)
{
    struct moving *m = ctx;
    struct error why = ERROR_INIT;
    const struct projection_part *part = &m->c->state.redo[i];
    int rc = move_into_place(m->c, part, &why);
    if (rc == ERR_OK)
        return rc;
    if (!is_own_failure(rc))
        return error_pass(err, rc, &why);
    pthread_mutex_lock(&m->lock);
    consolidation_stand(m->c, part->partition, &why);
    pthread_mutex_unlock(&m->lock);
    return ERR_OK;
}

int consolidation_move_all(struct consolidation *c, struct error *err)
{
    struct moving m = {.c = c, .lock = PTHREAD_MUTEX_INITIALIZER};
    /* Made before there are threads that need it. */
    int rc = dataset_workdir(c->d, err);
    if (rc == ERR_OK)
        rc = store_each(c->d->store, c->state.redo_count, move_listed, &m, err);
    partition_set_settle(&c->standing);
    return rc;
}

/* ---- Former names -------------------------------------------------------------------------- */

/* If the new name is taken, the file counts as moved: the newer one is there. */
static int take_todays_name(struct consolidation *c, const char *former, int32_t partition,
                            struct error *err)
{
    char today[LAYOUT_KEY_SIZE];
    projection_key(c->schema->partition_by, partition, today);
    struct store_move move = {
        .from = former, .to = today, .guard = PROJECTION_ROOT, .guard_tag = &c->state.tag};
    int rc = store_move(c->d->store, &move, err);
    return rc == ERR_CONFLICT && still_mine(c) ? ERR_OK : rc;
}

/* A file that is not there was renamed before, or never written. */
static int rename_former(void *ctx, size_t i, struct error *err)
{
    struct consolidation *c = ctx;
    struct error why = ERROR_INIT;
    char former[LAYOUT_KEY_SIZE];
    int32_t partition = c->state.former[i];
    projection_former_key(c->schema->partition_by, partition, former);
    int rc = projection_find(c->state.redo, c->state.redo_count, partition) != NULL
                 ? take_todays_name(c, former, partition, &why)
                 : ERR_OK;
    if (rc == ERR_OK)
        rc = store_remove(c->d->store, former, &why);
    if (rc == ERR_OK || rc == ERR_ABSENT)
        return ERR_OK;
    return error_pass(err, rc, &why);
}

int consolidation_rename_former(struct consolidation *c, struct error *err)
{
    return store_each(c->d->store, c->state.former_count, rename_former, c, err);
}

/* ---- Scratch ------------------------------------------------------------------------------- */

void consolidation_drop_temp(struct consolidation *c, const struct projection_part *parts,
                             size_t count)
{
    struct error err = ERROR_INIT;
    const char **keys = mem_calloc(count, sizeof *keys);
    size_t removed;
    for (size_t i = 0; i < count; i++) {
        invariant(6, parts[i].temp[0] != '\0');
        keys[i] = parts[i].temp;
    }
    if (count > 0 && store_remove_many(c->d->store, keys, count, &removed, &err) != ERR_OK)
        log_warn("scratch files of the consolidation are left to gc: %s", err.text);
    free(keys);
}

struct sweep {
    struct consolidation *c;
    char own[LAYOUT_KEY_SIZE];
    char **keys;
    size_t count, capacity;
};

static bool redo_names(const struct consolidation *c, const char *temp)
{
    struct version_id attempt;
    int32_t partition;
    if (projection_parse_temp_key(temp, c->schema->partition_by, &attempt, &partition, NULL) !=
        ERR_OK)
        return false;
    const struct projection_part *part =
        projection_find(c->state.redo, c->state.redo_count, partition);
    return part != NULL && strcmp(part->temp, temp) == 0;
}

static int take_scratch(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    struct sweep *s = ctx;
    if (str_starts(entry->key, s->own) || !root_owns(&projection_derived.root, entry->key))
        return ERR_OK;
    if (redo_names(s->c, entry->key))
        return ERR_OK;
    s->keys = mem_grow(s->keys, s->count, &s->capacity, sizeof *s->keys);
    s->keys[s->count++] = mem_strdup(entry->key);
    return ERR_OK;
}

int consolidation_sweep(struct consolidation *c, struct error *err)
{
    struct sweep s = {.c = c};
    struct version_id attempt = {.sequence = c->state.target.sequence};
    size_t removed;
    memcpy(attempt.commit, c->state.attempt, sizeof attempt.commit);
    projection_temp_prefix(&attempt, s.own);
    int rc = store_list(c->d->store, ".tmp/", take_scratch, &s, err);
    if (rc == ERR_OK && s.count > 0)
        rc = store_remove_many(c->d->store, (const char *const *)s.keys, s.count, &removed, err);
    for (size_t i = 0; i < s.count; i++)
        free(s.keys[i]);
    free(s.keys);
    return rc;
}

/*
 * Consolidation of the projections, a redo log. Each transition is one swap of
 * `projections/manifest.json`, and whoever swaps carries a fresh attempt id, so a process that was
 * overtaken loses its next swap.
 *
 *   state                      a crash here leaves            who goes on, and how
 *   -------------------------  -----------------------------  -------------------------------------
 *   completed(v)               the projections of version v   nothing to do until v + 1
 *   in_progress(target)        scratch below `.tmp/<attempt>/` anyone: begins again (build)
 *   in_progress(target, redo)  some files moved, some not     anyone: takes over, replays (finish)
 *   completed(target)          remains of scratch             the next one, or gc
 *
 * With a redo list it can only go forward: a temp file that is gone while its final file is right
 * counts as moved; anything else is rebuilt from events. A partition that fails leaves the state
 * in_progress, so every later run tries again. Final files are replaced one by one, each whole.
 */
#include "derived/projection/consolidate.h"

#include <stdlib.h>
#include <string.h>

#include "derived/projection/consolidation.h"
#include "util/invariant.h"
#include "util/log.h"
#include "util/mem.h"

/* Attempts: each lost swap means that another process is at work. */
#define ROUNDS 5

static bool is_tag(const struct store_tag *tag)
{
    return tag->text[0] != '\0';
}

/* One transition: `next` becomes the state, or is dropped. */
static int transit(struct consolidation *c, struct projection_state *next, struct error *err)
{
    const struct store_tag *expected = is_tag(&c->state.tag) ? &c->state.tag : NULL;
    invariant(7, next->stamp.sequence >= c->state.stamp.sequence);
    invariant(7, next->phase != PROJECTION_IN_PROGRESS ||
                     next->target.sequence >= next->stamp.sequence);
    int rc = projection_swap(c->d->store, expected, next, c->schema->partition_by, err);
    projection_release(rc == ERR_OK ? &c->state : next);
    if (rc == ERR_OK)
        c->state = *next;
    return rc;
}

/* A copy of a list of partitions. */
static int32_t *copy_partitions(const int32_t *partitions, size_t count)
{
    int32_t *copy = mem_calloc(count, sizeof *copy);
    if (count > 0)
        memcpy(copy, partitions, count * sizeof *copy);
    return copy;
}

/* A copy of the state with a new attempt; without affected partitions and redo list. */
static void begin_next(const struct consolidation *c, enum projection_phase phase,
                       struct projection_state *next)
{
    const struct projection_state *s = &c->state;
    *next = (struct projection_state){.phase = phase,
                                      .gc_epoch = c->base->pointer.gc_epoch,
                                      .stamp = s->stamp,
                                      .target = c->base->pointer.current,
                                      .former = copy_partitions(s->former, s->former_count),
                                      .former_count = s->former_count};
    id_new(next->attempt);
    for (size_t i = 0; i < s->part_count; i++)
        projection_add_part(next, &s->parts[i]);
}

/*
 * Step 2: in_progress, with the partitions to build. Takes over from whoever was at work; what
 * others left in `.tmp/` is deleted only then, so that a slow mover finds its source gone. After a
 * completed consolidation nobody can be moving, and what may be there is rubbish: where listing
 * costs requests it is left to gc.
 */
static int begin(struct consolidation *c, const struct partition_set *affected, struct error *err)
{
    struct projection_state next;
    bool leave = c->state.phase == PROJECTION_COMPLETED && c->d->store->traits.parallel > 1;
    begin_next(c, PROJECTION_IN_PROGRESS, &next);
    next.affected = copy_partitions(affected->items, affected->count);
    next.affected_count = affected->count;
    int rc = transit(c, &next, err);
    if (rc == ERR_OK && !leave)
        rc = consolidation_sweep(c, err);
    return rc;
}

/* Step 4: the redo list. From here on it can only go forward. */
static int note_redo(struct consolidation *c, struct projection_part *built, size_t count,
                     struct error *err)
{
    struct projection_state next;
    begin_next(c, PROJECTION_IN_PROGRESS, &next);
    memcpy(next.attempt, c->state.attempt, sizeof next.attempt);
    next.target = c->state.target;
    next.affected = copy_partitions(c->state.affected, c->state.affected_count);
    next.affected_count = c->state.affected_count;
    next.has_redo = true;
    for (size_t i = 0; i < count; i++)
        projection_add_redo(&next, &built[i]);
    return transit(c, &next, err);
}

/* Put a moved part among the completed ones, of which the first `known` ascend. */
static void complete_part(struct projection_state *s, size_t known,
                          const struct projection_part *moved)
{
    struct projection_part *old = projection_find(s->parts, known, moved->partition);
    if (old == NULL) {
        projection_add_part(s, moved);
        old = &s->parts[s->part_count - 1];
    } else {
        projection_part_release(old);
        projection_part_copy(moved, old);
    }
    old->temp[0] = '\0';
}

/* What could not be built has no entry in the redo list; what could not be moved, one that stays. */
static void list_standing(const struct consolidation *c, struct partition_set *out)
{
    const struct projection_state *s = &c->state;
    for (size_t i = 0; i < c->standing.count; i++)
        partition_set_add(out, c->standing.items[i]);
    for (size_t i = 0; i < s->affected_count; i++)
        if (projection_find(s->redo, s->redo_count, s->affected[i]) == NULL)
            partition_set_add(out, s->affected[i]);
    partition_set_settle(out);
}

/*
 * The moved ones are of the target. Where others stand the state stays in_progress with these alone,
 * so that every later run tries them again, and only them.
 */
static int complete(struct consolidation *c, struct error *err)
{
    struct projection_state next;
    struct partition_set standing = {0};
    list_standing(c, &standing);
    begin_next(c, standing.count > 0 ? PROJECTION_IN_PROGRESS : PROJECTION_COMPLETED, &next);
    memcpy(next.attempt, c->state.attempt, sizeof next.attempt);
    next.stamp = c->state.target;
    next.target = c->state.target;
    next.former_count = 0;
    next.affected = copy_partitions(standing.items, standing.count);
    next.affected_count = standing.count;
    size_t known = next.part_count;
    for (size_t i = 0; i < c->state.redo_count; i++)
        if (!partition_set_has(&standing, c->state.redo[i].partition))
            complete_part(&next, known, &c->state.redo[i]);
    partition_set_release(&standing);
    projection_sort(next.parts, next.part_count);
    return transit(c, &next, err);
}

/* Which partitions are not of the newest version, and why the first of them is not. */
static int tell_standing(const struct consolidation *c, struct error *err)
{
    static const size_t most = 5;
    struct str names;
    char name[LAYOUT_PARTITION_SIZE];
    size_t n = c->standing.count;
    str_init(&names, ERROR_TEXT_SIZE);
    for (size_t i = 0; i < n && i < most; i++) {
        layout_partition(c->schema->partition_by, c->standing.items[i], name);
        str_printf(&names, "%s%s", i > 0 ? ", " : "", name[0] != '\0' ? name : "the dataset");
    }
    if (n > most)
        str_printf(&names, " and %zu more", n - most);
    int rc = error_set(err, c->why.code,
                       "the projection%s of %s stay%s as before, all others are up to date: %s",
                       n == 1 ? "" : "s", names.data, n == 1 ? "s" : "", c->why.text);
    str_release(&names);
    return rc;
}

static bool all_moved(const struct consolidation *c)
{
    for (size_t i = 0; i < c->state.redo_count; i++)
        if (partition_set_has(&c->standing, c->state.redo[i].partition))
            return false;
    return true;
}

/*
 * What could not be moved may be so the next time: at first the redo list stays as it is. Only whoever
 * replays it gives these up, to be built again, so that they do not keep newer versions of the others.
 */
static int move_all(struct consolidation *c, bool keep_redo, struct error *err)
{
    int rc = consolidation_rename_former(c, err);
    if (rc == ERR_OK)
        rc = consolidation_move_all(c, err);
    return rc == ERR_OK && keep_redo && !all_moved(c) ? tell_standing(c, err) : rc;
}

/* Step 5: every file of the redo list into place, then completed. */
static int finish(struct consolidation *c, bool keep_redo, struct error *err)
{
    int rc = move_all(c, keep_redo, err);
    if (rc != ERR_OK)
        return rc;
    struct projection_part *moved = mem_calloc(c->state.redo_count, sizeof *moved);
    size_t count = c->state.redo_count;
    size_t standing = 0;
    for (size_t i = 0; i < count; i++) {
        projection_part_copy(&c->state.redo[i], &moved[i]);
        standing += partition_set_has(&c->standing, moved[i].partition);
    }
    rc = complete(c, err);
    if (rc == ERR_OK) {
        c->report->moved += count - standing;
        consolidation_drop_temp(c, moved, count);
    }
    for (size_t i = 0; i < count; i++)
        projection_part_release(&moved[i]);
    free(moved);
    return rc;
}

/* Steps 2 to 5 from the beginning. */
static int build_all(struct consolidation *c, const struct partition_set *affected,
                     struct error *err)
{
    struct projection_part *built = NULL;
    size_t count = 0;
    c->report->resumed = c->report->resumed || c->state.phase == PROJECTION_IN_PROGRESS;
    int rc = begin(c, affected, err);
    if (rc != ERR_OK)
        return rc;
    rc = consolidation_build(c, &built, &count, err);
    bool nothing = count == 0 && c->standing.count > 0;
    if (rc == ERR_OK && !nothing)
        rc = note_redo(c, built, count, err);
    if (rc == ERR_OK)
        c->report->built += count;
    else if (rc != ERR_UNKNOWN)
        consolidation_drop_temp(c, built, count);
    for (size_t i = 0; i < count; i++)
        projection_part_release(&built[i]);
    free(built);
    if (rc == ERR_OK && !nothing)
        rc = finish(c, true, err);
    return rc == ERR_OK && c->standing.count > 0 ? tell_standing(c, err) : rc;
}

/* Take over a redo list and replay it. What cannot be replayed is rebuilt. */
static int replay(struct consolidation *c, struct error *err)
{
    struct projection_state next;
    begin_next(c, PROJECTION_IN_PROGRESS, &next);
    next.target = c->state.target;
    next.affected = copy_partitions(c->state.affected, c->state.affected_count);
    next.affected_count = c->state.affected_count;
    next.has_redo = true;
    for (size_t i = 0; i < c->state.redo_count; i++)
        projection_add_redo(&next, &c->state.redo[i]);
    log_info("consolidation: replaying the redo list of an interrupted one");
    int rc = transit(c, &next, err);
    if (rc == ERR_OK)
        rc = consolidation_sweep(c, err);
    if (rc == ERR_OK)
        rc = finish(c, false, err);
    if (rc == ERR_OK)
        c->report->replayed = true;
    if (rc != ERR_ABSENT)
        return rc;
    log_info("consolidation: a file of the redo list is gone; its partitions are built again");
    struct partition_set again = {0};
    rc = consolidation_affected(c, &again, err);
    if (rc == ERR_OK)
        rc = build_all(c, &again, err);
    partition_set_release(&again);
    return rc;
}

/* Read the state once and do what follows from it; `*done` ends the rounds. */
static int advance(struct consolidation *c, enum consolidate_check check, bool *done,
                   struct error *err)
{
    struct partition_set affected = {0};
    partition_set_release(&c->standing);
    int rc = consolidation_read(c, err);
    if (rc != ERR_OK)
        return rc;
    if (c->state.phase == PROJECTION_IN_PROGRESS && c->state.has_redo)
        return replay(c, err);
    *done = true;
    rc = consolidation_affected(c, &affected, err);
    if (rc == ERR_OK)
        rc = consolidation_check(c, check, &affected, err);
    bool current = c->state.phase == PROJECTION_COMPLETED &&
                   version_id_equal(&c->state.stamp, &c->base->pointer.current);
    if (rc == ERR_OK && current && affected.count == 0)
        c->report->skipped = !c->report->replayed && c->report->built == 0;
    else if (rc == ERR_OK)
        rc = build_all(c, &affected, err);
    partition_set_release(&affected);
    return rc;
}

static void report_state(struct consolidation *c)
{
    c->report->state = c->state.phase;
    c->report->behind = 0;
    if (c->state.phase == PROJECTION_IN_PROGRESS)
        c->report->behind = c->state.has_redo ? c->state.redo_count : c->state.affected_count;
}

static void consolidation_init(struct consolidation *c, struct dataset *d, const struct base *base,
                               struct consolidation_report *report)
{
    *c = (struct consolidation){
        .d = d, .base = base, .schema = &base->manifest.schema, .report = report};
    *report = (struct consolidation_report){.state = PROJECTION_NONE};
}

int consolidate(struct dataset *d, const struct base *base, enum consolidate_check check,
                struct consolidation_report *report, struct error *err)
{
    struct projection_state none = {.phase = PROJECTION_NONE};
    return consolidate_from(d, base, &none, check, report, err);
}

int consolidate_from(struct dataset *d, const struct base *base, struct projection_state *seen,
                     enum consolidate_check check, struct consolidation_report *report,
                     struct error *err)
{
    struct consolidation c;
    bool done = false;
    int rc = ERR_OK;
    consolidation_init(&c, d, base, report);
    c.seen = *seen;
    *seen = (struct projection_state){.phase = PROJECTION_NONE};
    if (base->pointer.current.sequence == 0)
        return ERR_OK;
    for (int i = 0; i < ROUNDS && !done; i++) {
        rc = advance(&c, check, &done, err);
        if (rc == ERR_CONFLICT)
            done = false;
        else if (rc != ERR_OK)
            done = true;
    }
    /* Another process that keeps overtaking us does the work just as well. */
    if (rc == ERR_CONFLICT)
        rc = ERR_OK;
    report_state(&c);
    if (rc != ERR_OK)
        log_info("consolidation: %s", err != NULL ? err->text : error_name(rc));
    consolidation_release(&c);
    return rc;
}

int consolidate_plan(struct dataset *d, const struct base *base, enum consolidate_check check,
                     struct consolidation_report *report, struct error *err)
{
    struct consolidation c;
    struct partition_set affected = {0};
    consolidation_init(&c, d, base, report);
    if (base->pointer.current.sequence == 0)
        return ERR_OK;
    int rc = consolidation_read(&c, err);
    if (rc == ERR_OK)
        rc = consolidation_affected(&c, &affected, err);
    if (rc == ERR_OK)
        rc = consolidation_check(&c, check, &affected, err);
    report_state(&c);
    report->behind = affected.count;
    report->skipped = affected.count == 0 && c.state.phase == PROJECTION_COMPLETED;
    partition_set_release(&affected);
    consolidation_release(&c);
    return rc;
}

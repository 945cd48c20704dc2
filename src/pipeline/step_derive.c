/*
 * What is derived, in the course of a run: opened before anything is published, given what was, and
 * brought to the newest version at the end (derived/derived.h). Up to the commit a failure fails
 * the run; after it, it is a warning, and any later run heals it. Repeating it is harmless.
 */
#include <string.h>

#include "pipeline/run_private.h"

static const struct derived_table *things(const struct run *r)
{
    return r->report->derived.table;
}

/* STEP_COUNT: there is no step of that name. */
static enum run_step step_of(const char *name)
{
    int step = 0;
    while (step < STEP_COUNT &&
           (name == NULL || strcmp(run_step_name((enum run_step)step), name) != 0))
        step++;
    return (enum run_step)step;
}

static void enter(struct run *r, const char *name)
{
    enum run_step step = step_of(name);
    if (step != STEP_COUNT)
        run_enter(r, step);
}

void step_derived_init(struct run *r)
{
    struct derived_reports *reports = &r->report->derived;
    reports->table = derived_of(r->d);
    for (size_t i = 0; i < reports->table->count; i++)
        r->derived[i] = (struct derived_run){
            .d = r->d,
            .base = &r->base,
            .dry_run = r->options->dry_run,
            .report = derived_report(reports, reports->table->items[i]),
        };
}

void step_derived_release(struct run *r)
{
    for (size_t i = 0; i < things(r)->count; i++) {
        things(r)->items[i]->root.release(r->derived[i].state);
        r->derived[i].state = NULL;
    }
}

/* What is only read comes first: it may know that the pointer went back, before anything is healed. */
int step_open_derived(struct run *r, struct error *err)
{
    const struct derived_table *t = things(r);
    int rc = ERR_OK;
    step_derived_release(r);
    for (size_t i = 0; i < t->count && rc == ERR_OK; i++)
        if (t->items[i]->open == NULL)
            rc = derived_open(&r->derived[i], t->items[i], err);
    for (size_t i = 0; i < t->count && rc == ERR_OK; i++) {
        if (t->items[i]->open == NULL)
            continue;
        enter(r, t->items[i]->steps.open);
        rc = t->items[i]->open(&r->derived[i], err);
    }
    return rc;
}

double step_healing(const struct run *r)
{
    double seconds = 0;
    for (size_t i = 0; i < things(r)->count; i++)
        if (things(r)->items[i]->healing != NULL)
            seconds += things(r)->items[i]->healing(r->derived[i].report);
    return seconds;
}

void step_tell_healing(struct run *r)
{
    for (size_t i = 0; i < things(r)->count; i++) {
        const struct derived *thing = things(r)->items[i];
        enum run_step step = step_of(thing->steps.heal);
        if (thing->healing != NULL && step != STEP_COUNT)
            r->report->seconds[step] += thing->healing(r->derived[i].report);
    }
}

/* ---- After the commit, and where there was nothing to commit ------------------------------- */

/* The commit's outcome as a base for what is derived from it. */
static void adopt_base(struct run *r)
{
    manifest_release(&r->base.manifest);
    r->base.pointer = r->commit.pointer;
    r->base.tag = r->commit.tag;
    r->base.manifest = r->manifest;
    r->manifest = (struct manifest){.version = {0}};
}

/* Whoever reads the events that were just stored finds them here. */
static void keep_events(struct run *r)
{
    for (size_t i = 0; i < r->events.files.count; i++)
        dataset_keep(r->d, r->events.paths[i], r->events.files.items[i].sha256);
}

void step_follow(struct run *r)
{
    const struct derived_table *t = things(r);
    const struct derived_commit commit = {&r->schema, &r->manifest, r->base.pointer.gc_epoch};
    keep_events(r);
    for (size_t i = 0; i < t->count; i++) {
        struct error err = ERROR_INIT;
        if (t->items[i]->follow == NULL)
            continue;
        enter(r, t->items[i]->steps.follow);
        if (t->items[i]->follow(&r->derived[i], &commit, &err) != ERR_OK)
            run_warn(r, "%s", err.text);
    }
    adopt_base(r);
}

void step_note(struct run *r)
{
    const struct derived_table *t = things(r);
    for (size_t i = 0; i < t->count; i++) {
        struct error err = ERROR_INIT;
        if (t->items[i]->note == NULL)
            continue;
        enter(r, t->items[i]->steps.follow);
        if (t->items[i]->note(&r->derived[i], &r->identity, &err) != ERR_OK)
            run_warn(r, "%s", err.text);
    }
}

void step_bring_up(struct run *r)
{
    const struct derived_table *t = things(r);
    for (size_t i = 0; i < t->count; i++) {
        struct error err = ERROR_INIT;
        if (t->items[i]->bring_up == NULL)
            continue;
        enter(r, t->items[i]->steps.bring_up);
        if (r->options->no_consolidate || r->options->dry_run)
            continue;
        if (t->items[i]->bring_up(&r->derived[i], &err) != ERR_OK)
            run_warn(r, "%s", err.text);
    }
}

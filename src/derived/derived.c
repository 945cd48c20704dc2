#include "derived/derived.h"

#include <assert.h>
#include <stdlib.h>

#include "derived/history/history.h"
#include "derived/index/index.h"
#include "derived/projection/projection.h"
#include "util/log.h"
#include "util/mem.h"

const struct derived_table derived_table = {
    .items = {&index_derived, &history_derived, &projection_derived},
    .count = 3,
};

const struct derived_table *derived_of(const struct dataset *d)
{
    return d->derived != NULL ? d->derived : &derived_table;
}

struct roots derived_roots(const struct derived_table *table)
{
    struct roots roots = {.count = table->count};
    assert(table->count <= ROOTS_MAX);
    for (size_t i = 0; i < table->count; i++)
        roots.items[i] = &table->items[i]->root;
    return roots;
}

int derived_check_pointer(struct dataset *d, const struct base *base, struct error *err)
{
    const struct roots roots = derived_roots(derived_of(d));
    int rc = dataset_check_pointer(d, base, err);
    return rc == ERR_OK ? roots_check_witnesses(d->store, &roots, base, err) : rc;
}

void derived_warn_of_pointer(struct dataset *d, const struct base *base)
{
    struct error why = ERROR_INIT;
    if (derived_check_pointer(d, base, &why) == ERR_DAMAGED)
        log_warn("%s", why.text);
}

/* ---- How it stands ------------------------------------------------------------------------- */

const char *derived_state_name(enum derived_state state)
{
    static const char *const names[] = {
        [DERIVED_NONE] = "none",       [DERIVED_FRESH] = "fresh",
        [DERIVED_BEHIND] = "behind",   [DERIVED_IN_PROGRESS] = "in_progress",
        [DERIVED_INVALID] = "invalid",
    };
    return names[state];
}

static void stand_by_witness(const struct derived *thing, const struct base *base,
                             const void *state, struct derived_standing *out)
{
    struct witness w;
    thing->root.witness(state, &w);
    out->sequence = w.version.sequence;
    out->state =
        version_id_equal(&w.version, &base->pointer.current) ? DERIVED_FRESH : DERIVED_BEHIND;
}

int derived_stand(struct dataset *d, const struct base *base, const struct derived *thing,
                  struct derived_standing *out, struct error *err)
{
    struct error why = ERROR_INIT;
    void *state;
    *out = (struct derived_standing){.state = DERIVED_NONE};
    int rc = thing->root.read(d->store, &state, &why);
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc == ERR_DAMAGED || rc == ERR_GATE) {
        out->state = DERIVED_INVALID;
        return ERR_OK;
    }
    if (rc == ERR_OK && thing->stand == NULL)
        stand_by_witness(thing, base, state, out);
    else if (rc == ERR_OK)
        rc = thing->stand(d, base, state, out, &why);
    thing->root.release(state);
    return rc == ERR_OK ? ERR_OK : error_pass(err, rc, &why);
}

int derived_open(struct derived_run *run, const struct derived *thing, struct error *err)
{
    struct witness w;
    struct error why = ERROR_INIT;
    int rc = thing->root.read(run->d->store, &run->state, &why);
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED)
        return ERR_OK;
    if (rc != ERR_OK)
        return error_pass(err, rc, &why);
    thing->root.witness(run->state, &w);
    return witness_check_backed(run->d->store, run->base, &w, err);
}

/* ---- Reports ------------------------------------------------------------------------------- */

static const struct derived_table *table_of(const struct derived_reports *r)
{
    return r->table != NULL ? r->table : &derived_table;
}

/* The place of a thing in the table; it must be there. */
static size_t place_of(const struct derived_table *table, const struct derived *thing)
{
    size_t i = 0;
    while (i < table->count && table->items[i] != thing)
        i++;
    assert(i < table->count);
    return i;
}

void derived_reports_release(struct derived_reports *r)
{
    for (size_t i = 0; i < ROOTS_MAX; i++)
        free(r->items[i]);
    *r = (struct derived_reports){.table = NULL};
}

void *derived_report(struct derived_reports *r, const struct derived *thing)
{
    size_t i = place_of(table_of(r), thing);
    if (r->items[i] == NULL && thing->report_size > 0)
        r->items[i] = mem_calloc(1, thing->report_size);
    return r->items[i];
}

const void *derived_report_of(const struct derived_reports *r, const struct derived *thing)
{
    return r->items[place_of(table_of(r), thing)];
}

/* One that is not there is written as one of zeros. */
static void code_report(const struct derived *thing, const struct codec *c, void *report)
{
    void *zeros = report == NULL ? mem_calloc(1, thing->report_size) : NULL;
    struct codec own = thing->record != NULL ? codec_object(c, thing->record) : *c;
    thing->code(&own, report != NULL ? report : zeros);
    free(zeros);
}

void derived_reports_code(struct derived_reports *r, const struct codec *c, bool named)
{
    const struct derived_table *table = table_of(r);
    for (size_t i = 0; i < table->count; i++) {
        const struct derived *thing = table->items[i];
        if (thing->report_size == 0 || named != (thing->record != NULL))
            continue;
        code_report(thing, c, c->to != NULL ? r->items[i] : derived_report(r, thing));
    }
}

#include "derived/history/history.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "config/config.h"
#include "derived/history/check.h"
#include "derived/history/log.h"
#include "util/mem.h"

/*
 * Its root is the first entry of the log, and all others last like it: gc deletes none of them, so there
 * is nothing to name and nothing to fence.
 */
struct history_state {
    struct inventory log; /* as it was listed */
    bool known;           /* its last entry is one of cauce's: what it says is in `newest` */
    struct history_head newest;
};

/* Checkpoints and other files of the log are strangers' until cauce writes some. */
static bool owns(const char *key)
{
    uint64_t sequence;
    return history_parse_key(key, &sequence);
}

static void release(void *state)
{
    struct history_state *s = state;
    if (s != NULL)
        inventory_release(&s->log);
    free(s);
}

/* The last one that is listed. False: there is none. */
static bool last_entry(const struct inventory *log, uint64_t *sequence)
{
    bool found = false;
    for (size_t i = log->count; i > 0 && !found; i--)
        found = history_parse_key(log->items[i - 1].key, sequence);
    return found;
}

static int read_newest(struct store *st, struct history_state *s, struct error *err)
{
    struct str entry;
    uint64_t sequence;
    if (!last_entry(&s->log, &sequence))
        return error_set(err, ERR_ABSENT, "There is no table " HISTORY_TABLE ".");
    str_init(&entry, HISTORY_ENTRY_MAX);
    int rc = history_read(st, sequence, &entry, NULL, &s->newest, err);
    str_release(&entry);
    s->known = rc == ERR_OK;
    /* One that is not cauce's hides nothing: a finding, and no more. */
    if (rc != ERR_DAMAGED)
        return rc;
    error_clear(err);
    return ERR_OK;
}

static int read_state(struct store *st, void **state, struct error *err)
{
    struct history_state *s = mem_calloc(1, sizeof *s);
    int rc = inventory_list(st, HISTORY_LOG, &s->log, err);
    if (rc == ERR_OK)
        rc = read_newest(st, s, err);
    if (rc != ERR_OK) {
        release(s);
        s = NULL;
    }
    *state = s;
    return rc;
}

/* The epoch is the one in which the version was to be published: never a later one than its own. */
static void witness(const void *state, struct witness *out)
{
    const struct history_state *s = state;
    *out = (struct witness){.gc_epoch = 0};
    if (s->known)
        *out = (struct witness){.gc_epoch = s->newest.gc_epoch, .version = s->newest.version};
    field_copy(out->who, sizeof out->who, HISTORY_LOG);
}

static void name_all(const void *state, struct inventory *named)
{
    (void)state;
    (void)named;
}

static int fence(struct store *st, void *state, const struct root_fence *f, struct error *err)
{
    (void)st;
    (void)state;
    (void)f;
    (void)err;
    return ERR_OK;
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    const struct history_state *s = state;
    (void)err;
    history_verify(v, &s->log, s->known ? &s->newest : NULL);
    return ERR_OK;
}

/* ---- In a run ------------------------------------------------------------------------------ */

bool history_is_wanted(const struct dataset *d)
{
    return d->config == NULL || d->config->tables_delta;
}

/* A run needs nothing of it, and reading it would take a listing. */
static int leave_closed(struct derived_run *run, struct error *err)
{
    (void)run;
    (void)err;
    return ERR_OK;
}

/* An entry that is a stranger's says itself what is to be done. */
static int bring_up(struct derived_run *run, struct error *err)
{
    struct error why = ERROR_INIT;
    if (!history_is_wanted(run->d))
        return ERR_OK;
    int rc = history_bring_up(run->d->store, run->base, run->report, &why);
    if (rc == ERR_OK)
        return ERR_OK;
    return error_set(
        err, rc, "the table " HISTORY_TABLE " is behind (%s)%s", why.text,
        rc == ERR_DAMAGED ? "" : "; every later run, or `cauce consolidate`, goes on with it");
}

int history_heal(struct dataset *d, const struct base *base, struct history_report *out,
                 struct error *err)
{
    *out = (struct history_report){.written = 0};
    return history_is_wanted(d) ? history_rebuild(d->store, base, out, err) : ERR_OK;
}

static int withdraw(struct dataset *d, const struct base *base, struct error *err)
{
    struct history_report report;
    struct error why = ERROR_INIT;
    int rc = history_heal(d, base, &report, &why);
    if (rc == ERR_OK)
        return ERR_OK;
    return error_set(err, rc,
                     "the pointer is set, but the table " HISTORY_TABLE
                     " may still show what was given up (%s); every later run, or `cauce "
                     "consolidate`, withdraws it",
                     why.text);
}

/* ---- What is told of it -------------------------------------------------------------------- */

static int stand(struct dataset *d, const struct base *base, const void *state,
                 struct derived_standing *out, struct error *err)
{
    const struct history_state *s = state;
    (void)err;
    out->state = DERIVED_BEHIND;
    if (s->known)
        out->sequence = s->newest.version.sequence;
    if (s->known && version_id_equal(&s->newest.version, &base->pointer.current))
        out->state = DERIVED_FRESH;
    else if (!history_is_wanted(d))
        out->reason = "the configuration does not ask for it any more";
    else if (!history_can_hold(&base->manifest.schema))
        out->reason = "a column of time or uuid is published in a form that not every reader knows";
    return ERR_OK;
}

static void code_phase(const struct codec *c, enum history_phase *phase)
{
    if (c->to != NULL) {
        json_set_string(c->to, "state", history_phase_name(*phase));
        return;
    }
    const char *name = json_string(json_get(c->from, "state"));
    *phase = HISTORY_NONE;
    for (int i = 0; i <= HISTORY_UNFIT; i++)
        if (strcmp(history_phase_name((enum history_phase)i), name) == 0)
            *phase = (enum history_phase)i;
}

static void code(const struct codec *c, void *report)
{
    struct history_report *r = report;
    code_phase(c, &r->phase);
    codec_unsigned(c, "written", &r->written);
}

const struct derived history_derived = {
    .name = "history",
    .label = "table",
    .root =
        {
            .key = HISTORY_FIRST,
            .command = "consolidate",
            .absent = NULL, /* not every dataset has the table */
            .remedy = HISTORY_REMEDY,
            .owns = owns,
            .lasting = true,
            .read = read_state,
            .release = release,
            .witness = witness,
            .name_all = name_all,
            .fence = fence,
            .give_up = NULL, /* readers would miss it */
            .verify = verify,
        },
    .steps = {.bring_up = "history"},
    .open = leave_closed,
    .bring_up = bring_up,
    .withdraw = withdraw,
    .check = history_check,
    .stand = stand,
    .report_size = sizeof(struct history_report),
    .record = "history",
    .code = code,
};

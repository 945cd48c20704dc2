#include "derived/index/index.h"

#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "derived/index/verify.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"

void index_witness(const struct index_state *s, struct witness *out)
{
    *out = (struct witness){.gc_epoch = s->gc_epoch, .version = s->stamp};
    field_copy(out->who, sizeof out->who, INDEX_ROOT);
}

/* ---- Its root ------------------------------------------------------------------------------ */

static bool owns(const char *key)
{
    struct version_id attempt;
    return index_parse_shard_key(key, &attempt, NULL) == ERR_OK;
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
 * reflects the empty dataset, takes the place. It also replaces an index of a version that was
 * given up, so that that one does not speak of it in the new epoch.
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

/* The manifest first: shards that it no longer names belong to nothing. */
static void give_up(struct store *st, const void *state)
{
    const struct index_state *s = state;
    log_warn("there is no room left even for gc: the key index is given up, and the next run "
             "builds it again");
    if (store_remove(st, INDEX_ROOT, NULL) != ERR_OK)
        return;
    for (size_t i = 0; i < s->shard_count; i++)
        error_ignore(store_remove(st, s->shards[i].key, NULL)); /* an orphan, then */
}

static int verify(struct verifier *v, const void *state, struct error *err)
{
    return index_verify(v, state, err);
}

/* ---- In a run ------------------------------------------------------------------------------ */

/* A dry run only needs the source that it says was absorbed; index_attach reads it again. */
static int open_state(struct derived_run *run, struct error *err)
{
    struct index_state *s = mem_calloc(1, sizeof *s);
    run->state = s;
    if (!run->dry_run)
        return index_keeper_open(run->d, run->base, s, run->report, err);
    int rc = index_read(run->d->store, s, NULL);
    if (rc == ERR_OK || rc == ERR_ABSENT || rc == ERR_DAMAGED)
        return ERR_OK;
    return error_set(err, rc, "the key index cannot be read.");
}

static double healing(const void *report)
{
    const struct index_report *r = report;
    return r->seconds;
}

/* A conflict means that a later run has brought it further already. */
static int note(struct derived_run *run, const struct manifest_source *source, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = index_keeper_absorb(run->d, run->state, source, &why);
    if (rc == ERR_OK || rc == ERR_CONFLICT)
        return ERR_OK;
    return error_set(
        err, rc, "the index could not note the source (%s); the next run reads it again", why.text);
}

static int follow(struct derived_run *run, const struct derived_commit *c, struct error *err)
{
    struct error why = ERROR_INIT;
    const struct manifest *m = c->manifest;
    int rc = index_keeper_update(run->d, c->schema, run->state, &m->version, c->gc_epoch, &m->keys,
                                 &m->source, &why);
    rc = index_keeper_excuse(run->d, run->state, rc, &why);
    if (rc == ERR_OK || rc == ERR_CONFLICT)
        return ERR_OK;
    return error_set(err, rc,
                     "the version is published, but the key index could not be updated (%s); the "
                     "next run brings it up to date",
                     why.text);
}

const struct manifest_source *index_last_source(const struct derived_run *run)
{
    const struct index_state *s = run->state;
    return s != NULL && s->has_source ? &s->source : NULL;
}

/*
 * A shard was not what the index says. Either another process has replaced the index (and gc
 * removed the old shard): then the new one is taken; or it is damaged: then it is rebuilt.
 */
static int attach_again(struct derived_run *run, const struct schema *s, const char *table,
                        struct error *err)
{
    struct index_state *index = run->state;
    char attempt[ID_SIZE];
    memcpy(attempt, index->attempt, sizeof attempt);
    index_release(index);
    int rc = index_keeper_open(run->d, run->base, index, run->report, err);
    if (rc == ERR_OK && strcmp(attempt, index->attempt) == 0)
        rc = index_keeper_rebuild(run->d, run->base, "damaged", index, run->report, err);
    return rc == ERR_OK ? index_keeper_attach(run->d, s, index, table, err) : rc;
}

int index_attach(struct derived_run *run, const struct schema *s, const char *table,
                 struct error *err)
{
    struct error why = ERROR_INIT;
    if (run->dry_run)
        return index_keeper_peek(run->d, run->base, s, run->state, table, err);
    int rc = index_keeper_attach(run->d, s, run->state, table, &why);
    if (rc == ERR_DAMAGED)
        return attach_again(run, s, table, err);
    return rc == ERR_OK ? ERR_OK : error_pass(err, rc, &why);
}

int index_excuse(struct derived_run *run, int rc, struct error *err)
{
    return index_keeper_excuse(run->d, run->state, rc, err);
}

/* ---- What is told of it -------------------------------------------------------------------- */

static int stand(struct dataset *d, const struct base *base, const void *state,
                 struct derived_standing *out, struct error *err)
{
    static const enum derived_state states[] = {[INDEX_FRESH] = DERIVED_FRESH,
                                                [INDEX_BEHIND] = DERIVED_BEHIND,
                                                [INDEX_INVALID] = DERIVED_INVALID};
    const struct index_state *s = state;
    enum index_freshness freshness;
    int rc = index_compare(d->store, base, s, &freshness, &out->reason, err);
    if (rc != ERR_OK)
        return rc;
    out->state = states[freshness];
    out->sequence = s->stamp.sequence;
    if (freshness == INDEX_FRESH)
        out->reason = NULL;
    return ERR_OK;
}

const struct index_report *index_report_of(const struct derived_reports *r)
{
    static const struct index_report none = {.recovery = INDEX_WAS_FRESH};
    const struct index_report *found = derived_report_of(r, &index_derived);
    return found != NULL ? found : &none;
}

static void code_recovery(const struct codec *c, enum index_recovery *recovery)
{
    bool healed = *recovery != INDEX_WAS_FRESH;
    codec_bool(c, "index_rebuilt", &healed);
    if (c->to != NULL) {
        json_set_string(c->to, "index_recovery", index_recovery_name(*recovery));
        return;
    }
    const char *name = json_string(json_get(c->from, "index_recovery"));
    bool caught_up = strcmp(name, index_recovery_name(INDEX_CAUGHT_UP)) == 0;
    *recovery = !healed ? INDEX_WAS_FRESH : caught_up ? INDEX_CAUGHT_UP : INDEX_REBUILT;
}

static void code(const struct codec *c, void *report)
{
    struct index_report *r = report;
    code_recovery(c, &r->recovery);
    codec_text(c, "index_reason", r->reason, sizeof r->reason);
    codec_unsigned(c, "index_rebuild_rows", &r->rows);
    codec_seconds(c, "index_rebuild_seconds", &r->seconds);
}

/* ---- Metrics ------------------------------------------------------------------------------- */

#define BUCKETS 9
enum { INCONSISTENCIES, CATCH_UPS, REBUILDS, REBUILD, BUCKET, LONGEST = BUCKET + BUCKETS, VALUES };
_Static_assert(VALUES <= DERIVED_VALUES, "room for every number");

#define RECOVERIES "cauce_index_recoveries"

static const struct derived_metric metrics[VALUES] = {
    [INCONSISTENCIES] = {.kind = DERIVED_COUNT,
                         .family = "cauce_index_inconsistencies",
                         .help = "Runs that found the key index behind, missing or damaged.",
                         .json = "index_inconsistencies"},
    [CATCH_UPS] = {.kind = DERIVED_COUNT,
                   .family = RECOVERIES,
                   .help = "How the key index was brought up to date.",
                   .label = "method",
                   .value = "catch_up",
                   .json = "index_catch_ups"},
    [REBUILDS] = {.kind = DERIVED_COUNT,
                  .family = RECOVERIES,
                  .label = "method",
                  .value = "rebuild",
                  .json = "index_rebuilds"},
    [REBUILD] = {.kind = DERIVED_HISTOGRAM,
                 .family = "cauce_index_rebuild_duration_seconds",
                 .help = "Time that rebuilds of the key index took.",
                 .json = "index_rebuild_seconds"},
    [BUCKET] = {.kind = DERIVED_BUCKET, .bound = 0.1},
    [BUCKET + 1] = {.kind = DERIVED_BUCKET, .bound = 0.5},
    [BUCKET + 2] = {.kind = DERIVED_BUCKET, .bound = 1},
    [BUCKET + 3] = {.kind = DERIVED_BUCKET, .bound = 5},
    [BUCKET + 4] = {.kind = DERIVED_BUCKET, .bound = 15},
    [BUCKET + 5] = {.kind = DERIVED_BUCKET, .bound = 60},
    [BUCKET + 6] = {.kind = DERIVED_BUCKET, .bound = 300},
    [BUCKET + 7] = {.kind = DERIVED_BUCKET, .bound = 1800},
    [BUCKET + 8] = {.kind = DERIVED_BUCKET},
    [LONGEST] = {.kind = DERIVED_SECONDS, .json = "index_rebuild_longest_seconds"},
};

static void count_rebuild(double *values, double seconds)
{
    size_t bucket = BUCKET;
    while (metrics[bucket].bound > 0 && seconds > metrics[bucket].bound)
        bucket++;
    values[REBUILDS]++;
    values[bucket]++;
    values[REBUILD] += seconds;
    if (seconds > values[LONGEST])
        values[LONGEST] = seconds;
}

static void count(double *values, const void *report)
{
    const struct index_report *r = report;
    values[INCONSISTENCIES] += r->recovery != INDEX_WAS_FRESH || r->reason[0] != '\0';
    values[CATCH_UPS] += r->recovery == INDEX_CAUGHT_UP;
    if (r->recovery == INDEX_REBUILT)
        count_rebuild(values, r->seconds);
}

#define REBUILD_SHARE 0.001
#define REBUILD_SECONDS 300.0

static void judge(const double *values, uint64_t runs, bool now, struct alerts *out)
{
    if (now)
        return;
    if (alert_share(values[INCONSISTENCIES], (double)runs) > REBUILD_SHARE)
        alert_fire(
            out, "CauceIndexRebuilds", "warning",
            "%.0f of %llu runs in 7 days found the key index inconsistent (more than 0.1 %%).",
            values[INCONSISTENCIES], (unsigned long long)runs);
    if (values[LONGEST] > REBUILD_SECONDS)
        alert_fire(
            out, "CauceIndexRebuildSlow", "warning",
            "a rebuild of the key index in the last 7 days took %.0f seconds (more than 300).",
            values[LONGEST]);
}

const struct derived index_derived = {
    .name = "index",
    .label = "key index",
    .root =
        {
            .key = INDEX_ROOT,
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
    .steps = {.open = "index_check", .heal = "index_rebuild", .follow = "index_update"},
    .open = open_state,
    .healing = healing,
    .note = note,
    .follow = follow,
    .check = index_check,
    .stand = stand,
    .report_size = sizeof(struct index_report),
    .code = code,
    .metrics = metrics,
    .metric_count = VALUES,
    .count = count,
    .judge = judge,
};

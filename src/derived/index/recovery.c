/*
 * Step 3: the index for exactly this base. Fresh: nothing to do. Behind: the versions in between
 * are absorbed as if they were a source. Anything else: rebuilt from the events that the chain
 * names, and from nothing else; events of versions that were never published are not looked at.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataset/local_events.h"
#include "derived/index/index.h"
#include "derived/index/keeper.h"
#include "derived/index/pieces.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* Attempts at healing an index that another process heals at the same time. */
#define HEAL_ATTEMPTS 5

const char *index_recovery_name(enum index_recovery recovery)
{
    static const char *const names[] = {
        [INDEX_WAS_FRESH] = "none",
        [INDEX_CAUGHT_UP] = "catch_up",
        [INDEX_REBUILT] = "rebuild",
    };
    return names[recovery];
}

/* The rows of some versions as `chain_rows`, shaped like `source_rows`. */
static int load_chain_rows(struct dataset *d, const struct schema *s, const struct local_events *l,
                           struct error *err)
{
    /* Of rows that were published already nothing is written again. */
    const char *what = relation_is_packed(s) ? "e.*, CAST(NULL AS BIGINT) AS packed" : "e.*";
    struct str newest;
    str_init(&newest, STR_MAX_DEFAULT);
    relation_newest(s, what, l->relation, l->files.count, &newest);
    int rc = str_check(&newest, "the list of event files", err);
    if (rc == ERR_OK)
        rc = engine_runf(d->engine, err, "CREATE OR REPLACE VIEW chain_rows AS %s", newest.data);
    str_release(&newest);
    return rc;
}

static int catch_up(struct dataset *d, const struct base *base, struct index_state *index,
                    struct error *err)
{
    const struct manifest *m = &base->manifest;
    struct local_events events = {0};
    struct delta delta = {0};
    int rc = dataset_engine(d, m->key_seed, err);
    if (rc == ERR_OK)
        rc = local_events_fetch(d, base, index->stamp.sequence, base->pointer.current.sequence,
                                &events, err);
    if (rc == ERR_OK)
        rc = load_chain_rows(d, &m->schema, &events, err);
    if (rc == ERR_OK)
        rc = index_keeper_attach(d, &m->schema, index, "chain_rows", err);
    if (rc == ERR_OK)
        rc = delta_compute(d->engine, &m->schema, "chain_rows", &delta, err);
    if (rc == ERR_OK)
        rc = index_keeper_update(d, &m->schema, index, &base->pointer.current,
                                 base->pointer.gc_epoch, &m->keys, &m->source, err);
    rc = index_keeper_excuse(d, index, rc, err);
    /* Only room is at stake: a table that stays is one that the next one of its name finds. */
    if (d->engine != NULL)
        error_ignore(engine_run(
            d->engine, "DROP VIEW IF EXISTS chain_rows; DROP TABLE IF EXISTS delta", NULL));
    delta_release(&delta);
    local_events_release(&events);
    return rc;
}

static int build_pieces(struct dataset *d, const struct schema *s, bool by_partition,
                        struct index_pieces *out, struct error *err)
{
    struct index_cuts cuts = {0};
    int32_t *parts = NULL;
    size_t count = 0;
    int rc = ERR_OK;
    if (by_partition)
        rc = index_file_partitions(d->engine, s, "index_all", &parts, &count, err);
    else if ((rc = index_file_cuts(d->engine, s, NULL, d->limits.index_range, &cuts, err)) ==
             ERR_OK)
        count = cuts.count + 1;
    struct index_job *jobs = mem_calloc(count, sizeof *jobs);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        struct index_slice slice = {.by_partition = by_partition};
        if (by_partition)
            slice.partition = parts[i];
        if (!by_partition && i > 0)
            slice.lower.values = (const char *const *)cuts.bounds[i - 1];
        if (!by_partition && i < cuts.count)
            slice.upper.values = (const char *const *)cuts.bounds[i];
        char *path = dataset_scratch(d, ".parquet");
        index_pieces_add(out, &slice, s->key_count, INDEX_NO_ORIGIN, path);
        jobs[i] = (struct index_job){slice, NULL, path};
    }
    if (rc == ERR_OK)
        rc = index_file_build(d->engine, s, jobs, count, err);
    free(jobs);
    index_cuts_release(&cuts);
    free(parts);
    return rc;
}

static int chain_contradicts(const struct base *base, const struct key_digest *found,
                             struct error *err)
{
    error_set(err, ERR_DAMAGED,
              "the events of version %llu hold %llu keys, its manifest %s states %llu, or their "
              "digests differ: the dataset is damaged.",
              (unsigned long long)base->pointer.current.sequence, (unsigned long long)found->count,
              base->pointer.manifest_key, (unsigned long long)base->manifest.keys.count);
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED,
                      "`cauce verify --data` says which object is wrong.");
}

/* Shards of the whole chain, written and compared with the manifest. */
static int collect_pieces(struct dataset *d, const struct base *base, struct index_pieces *out,
                          struct error *err)
{
    const struct schema *s = &base->manifest.schema;
    struct local_events events = {0};
    struct key_digest sum;
    int rc = dataset_engine(d, base->manifest.key_seed, err);
    if (rc == ERR_OK)
        rc = local_events_fetch(d, base, 0, base->pointer.current.sequence, &events, err);
    if (rc == ERR_OK)
        rc = index_file_collect(d->engine, s, events.relation, events.files.count, err);
    if (rc == ERR_OK)
        rc = build_pieces(d, s, schema_partition_in_key(s), out, err);
    if (rc == ERR_OK)
        rc = index_pieces_inspect(d, s, out, &sum, err);
    if (rc == ERR_OK && !key_digest_equal(&sum, &base->manifest.keys))
        rc = chain_contradicts(base, &sum, err);
    /* Only room is at stake: a table that stays is one that the next one of its name finds. */
    if (d->engine != NULL)
        error_ignore(engine_run(d->engine, "DROP TABLE IF EXISTS index_all", NULL));
    local_events_release(&events);
    return rc;
}

/* A state for the base that holds no shard yet; `tag` and epoch are those of what is replaced. */
static void empty_state(const struct base *base, const struct index_state *old,
                        struct index_state *out)
{
    *out = (struct index_state){
        .stamp = base->pointer.current, .gc_epoch = base->pointer.gc_epoch, .tag = old->tag};
    out->by_partition = schema_partition_in_key(&base->manifest.schema);
}

static int rebuild(struct dataset *d, const struct base *base, struct index_state *index,
                   struct error *err)
{
    struct index_pieces pieces = {0};
    struct index_state empty;
    empty_state(base, index, &empty);
    index_release(index);
    *index = empty;
    if (base->pointer.current.sequence == 0)
        return ERR_OK;
    int rc = collect_pieces(d, base, &pieces, err);
    if (rc == ERR_OK)
        rc = index_keeper_replace(d, index, &pieces, &base->manifest.keys, &base->manifest.source,
                                  err);
    index_pieces_release(&pieces);
    return rc;
}

/* The words that users search for, the count and the time. */
static void report_recovery(const struct index_state *index, enum index_recovery how,
                            const char *reason, int64_t began, struct index_report *report)
{
    double seconds = (double)(time_monotonic() - began) / 1e6;
    report->recovery = how;
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    report->seconds += seconds;
    report->rows = index->keys.count;
    log_write(LOG_INFO,
              LOG_FIELDS(LOG_STR("method", index_recovery_name(how)), LOG_REAL("seconds", seconds),
                         LOG_INT("rows", (int64_t)index->keys.count)),
              "index rebuilt");
}

/* Found is found, whether it can be healed or not. */
static void warn_recovery(const struct base *base, const struct index_state *index,
                          const char *reason, struct index_report *report)
{
    snprintf(report->reason, sizeof report->reason, "%s", reason);
    log_write(LOG_WARN,
              LOG_FIELDS(LOG_STR("reason", reason),
                         LOG_INT("pointer_sequence", (int64_t)base->pointer.current.sequence),
                         LOG_INT("index_sequence", (int64_t)index->stamp.sequence)),
              "pointer-index inconsistency detected, rebuilding index");
}

int index_keeper_rebuild(struct dataset *d, const struct base *base, const char *reason,
                         struct index_state *out, struct index_report *report, struct error *err)
{
    int64_t began = time_monotonic();
    if (reason != NULL)
        warn_recovery(base, out, reason, report);
    int rc = rebuild(d, base, out, err);
    if (rc == ERR_OK)
        report_recovery(out, INDEX_REBUILT, reason != NULL ? reason : "asked for", began, report);
    return rc;
}

/* Bring an index that is not fresh to the base. A damaged shard turns catching up into a rebuild. */
static int heal(struct dataset *d, const struct base *base, struct index_state *index, bool behind,
                const char *reason, struct index_report *report, struct error *err)
{
    if (!behind)
        return index_keeper_rebuild(d, base, reason, index, report, err);
    int64_t began = time_monotonic();
    warn_recovery(base, index, reason, report);
    struct error why = ERROR_INIT;
    int rc = catch_up(d, base, index, &why);
    if (rc == ERR_OK) {
        report_recovery(index, INDEX_CAUGHT_UP, reason, began, report);
        return ERR_OK;
    }
    if (rc == ERR_DAMAGED) {
        log_info("the index cannot be caught up: %s", why.text);
        return index_keeper_rebuild(d, base, "damaged", index, report, err);
    }
    return error_pass(err, rc, &why);
}

/* Read and judge the index; `*fresh` says whether it may be used as it is. */
static int look(struct dataset *d, const struct base *base, struct index_state *out, bool *fresh,
                bool *behind, const char **reason, struct error *err)
{
    enum index_freshness freshness = INDEX_INVALID;
    *fresh = false;
    *behind = false;
    int rc = index_read(d->store, out, err);
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED) {
        *reason = rc == ERR_ABSENT ? "absent" : "unreadable";
        /* A dataset without a version has no index to miss. */
        *fresh = rc == ERR_ABSENT && base->pointer.current.sequence == 0;
        return ERR_OK;
    }
    if (rc == ERR_OK) {
        struct witness w;
        index_witness(out, &w);
        rc = witness_check_backed(d->store, base, &w, err);
    }
    if (rc == ERR_OK)
        rc = index_compare(d->store, base, out, &freshness, reason, err);
    *fresh = freshness == INDEX_FRESH;
    *behind = freshness == INDEX_BEHIND;
    return rc;
}

/*
 * An index that does not fit an old base may fit the new one: before anything is caught up or
 * rebuilt, the base must still be the newest. ERR_CONFLICT: it is not.
 */
static int check_newest(struct dataset *d, const struct base *base, struct error *err)
{
    struct pointer now;
    struct store_tag tag;
    int rc = pointer_read(d->store, &now, &tag, err);
    if (rc != ERR_OK || strcmp(tag.text, base->tag.text) == 0)
        return rc;
    return error_set(err, ERR_CONFLICT,
                     "another writer has published version %llu in the meantime.",
                     (unsigned long long)now.current.sequence);
}

int index_keeper_open(struct dataset *d, const struct base *base, struct index_state *out,
                      struct index_report *report, struct error *err)
{
    int rc = ERR_CONFLICT;
    for (int i = 0; i < HEAL_ATTEMPTS && rc == ERR_CONFLICT; i++) {
        bool fresh, behind;
        const char *reason = "";
        rc = look(d, base, out, &fresh, &behind, &reason, err);
        if (rc == ERR_OK && fresh) {
            if (base->pointer.current.sequence == 0 && out->tag.text[0] == '\0')
                empty_state(base, out, out);
            return ERR_OK;
        }
        bool current = rc == ERR_OK && (rc = check_newest(d, base, err)) == ERR_OK;
        if (current)
            rc = heal(d, base, out, behind, reason, report, err);
        if (rc != ERR_OK)
            index_release(out);
        if (!current)
            return rc;
    }
    return rc;
}

/* `index_keys` from the events of the chain. */
static int attach_chain(struct dataset *d, const struct base *base, const struct schema *s,
                        struct error *err)
{
    struct local_events events = {0};
    int rc = local_events_fetch(d, base, 0, base->pointer.current.sequence, &events, err);
    if (rc == ERR_OK)
        rc = index_file_collect(d->engine, s, events.relation, events.files.count, err);
    if (rc == ERR_OK)
        rc = engine_run(d->engine, "CREATE OR REPLACE VIEW index_keys AS FROM index_all", err);
    local_events_release(&events);
    return rc;
}

int index_keeper_peek(struct dataset *d, const struct base *base, const struct schema *s,
                      struct index_state *index, const char *table, struct error *err)
{
    bool fresh, behind;
    const char *reason = "";
    if (base->pointer.current.sequence == 0)
        return index_file_attach(d->engine, s, NULL, 0, err);
    index_release(index);
    int rc = look(d, base, index, &fresh, &behind, &reason, err);
    if (rc != ERR_OK)
        return rc;
    rc = fresh ? index_keeper_attach(d, s, index, table, NULL) : ERR_DAMAGED;
    if (rc == ERR_DAMAGED) {
        log_info("the index is not used: %s; the keys are taken from the chain",
                 fresh ? "damaged" : reason);
        return attach_chain(d, base, s, err);
    }
    return rc == ERR_OK ? ERR_OK : error_set(err, rc, "the key index cannot be read.");
}

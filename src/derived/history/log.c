#include "derived/history/log.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"

const char *history_phase_name(enum history_phase phase)
{
    static const char *const names[] = {[HISTORY_NONE] = "none",
                                        [HISTORY_FRESH] = "fresh",
                                        [HISTORY_BEHIND] = "behind",
                                        [HISTORY_UNFIT] = "unfit"};
    return names[phase];
}

/* ---- The chain ----------------------------------------------------------------------------- */

void history_chain_release(struct history_chain *chain)
{
    for (size_t i = 0; i < chain->count; i++)
        history_version_release(&chain->items[i]);
    free(chain->items);
    *chain = (struct history_chain){.first = 0};
}

/* Newest first. A schema is kept where it has columns that the version before has not. */
static int take_version(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct history_chain *c = ctx;
    (void)err;
    if (c->count > 0 && c->items[c->count - 1].columns == m->schema.count)
        schema_release(&c->items[c->count - 1].schema);
    *stop = m->version.sequence <= c->first;
    if (m->version.sequence < c->first)
        return ERR_OK;
    c->items = mem_grow(c->items, c->count, &c->capacity, sizeof *c->items);
    c->items[c->count++] = (struct history_version){.version = m->version,
                                                    .parent = m->parent,
                                                    .gc_epoch = m->gc_epoch,
                                                    .time = m->time,
                                                    .columns = m->schema.count,
                                                    .schema = m->schema,
                                                    .files = m->files};
    m->schema = (struct schema){.count = 0};
    m->files = (struct manifest_files){.count = 0};
    return ERR_OK;
}

static void reverse(struct history_chain *c)
{
    for (size_t i = 0; i < c->count / 2; i++) {
        struct history_version v = c->items[i];
        c->items[i] = c->items[c->count - 1 - i];
        c->items[c->count - 1 - i] = v;
    }
}

int history_chain_read(struct store *st, const struct base *base, uint64_t first,
                       struct history_chain *out, struct error *err)
{
    *out = (struct history_chain){.first = first};
    memcpy(out->table.dataset, base->manifest.dataset, sizeof out->table.dataset);
    out->table.key_seed = base->manifest.key_seed;
    int rc = catalog_walk(st, base, take_version, out, err);
    reverse(out);
    if (rc == ERR_OK && out->count > 0 && out->items[0].version.sequence != first)
        rc = error_set(err, ERR_ABSENT,
                       "version %" PRIu64 " is not kept any more, so the table " HISTORY_TABLE
                       " cannot go on from it.",
                       first);
    if (rc != ERR_OK)
        history_chain_release(out);
    return rc;
}

/* ---- Entries ------------------------------------------------------------------------------- */

int history_read(struct store *st, uint64_t sequence, struct str *entry, struct store_tag *tag,
                 struct history_head *out, struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    history_key(sequence, key);
    str_clear(entry);
    int rc = store_get(st, key, entry, tag, err);
    if (rc == ERR_OK && (rc = history_read_head(entry, sequence, out, err)) != ERR_OK)
        error_prefix(err, "%s is not an entry of cauce's", key);
    return rc;
}

static int read_head(struct store *st, uint64_t sequence, struct history_head *out,
                     struct error *err)
{
    struct str entry;
    str_init(&entry, HISTORY_ENTRY_MAX);
    int rc = history_read(st, sequence, &entry, NULL, out, err);
    str_release(&entry);
    return rc;
}

static int stranger(const struct version_id *version, struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    history_key(version->sequence, key);
    return error_set(err, ERR_DAMAGED,
                     "%s is not the entry of version %" PRIu64
                     " of this dataset: the table " HISTORY_TABLE
                     " stays as it is. " HISTORY_REMEDY,
                     key, version->sequence);
}

/*
 * Is it the entry of that version? Of sequence 0 there is but one. ERR_CONFLICT: it is that of a version
 * that a repair gave up; a repair raises the epoch. ERR_DAMAGED: without a repair the chain is another
 * one than it was, so a pointer that went back has been published on.
 */
static int check_head(const struct base *base, const struct history_head *head,
                      const struct version_id *version, struct error *err)
{
    char name[LAYOUT_NAME_SIZE];
    if (head->version.sequence == 0 || version_id_equal(&head->version, version))
        return ERR_OK;
    layout_name(&head->version, name);
    if (head->gc_epoch >= base->pointer.gc_epoch)
        return error_set(
            err, ERR_DAMAGED,
            "it has version %s, which was published and is not in the chain: the pointer "
            "went back, as if it had been restored from a backup. `cauce repair --list` "
            "shows the versions there are.",
            name);
    return error_set(err, ERR_CONFLICT,
                     "The table " HISTORY_TABLE " has version %" PRIu64
                     " of another chain than that of today.",
                     head->version.sequence);
}

/* Where it is there already, somebody was faster, or it is a stranger's. */
static int create(struct store *st, const struct base *base, const struct history_head *head,
                  const struct str *entry, struct history_report *report, struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    struct history_head found;
    struct error why = ERROR_INIT;
    struct store_body body = store_body_bytes(entry->data, entry->len);
    history_key(head->version.sequence, key);
    int rc = store_put_new(st, key, &body, NULL, &why);
    report->written += rc == ERR_OK;
    if (rc != ERR_CONFLICT)
        return rc == ERR_OK ? ERR_OK : error_set(err, rc, "%s", why.text);
    rc = read_head(st, head->version.sequence, &found, &why);
    if (rc == ERR_DAMAGED)
        return stranger(&head->version, err);
    return rc == ERR_OK ? check_head(base, &found, &head->version, err)
                        : error_set(err, rc, "%s", why.text);
}

/* ---- Bringing it up ------------------------------------------------------------------------ */

struct present {
    uint64_t next; /* the first that is not there */
};

/* In byte order of the keys, which is that of the numbers. */
static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct present *p = ctx;
    uint64_t sequence;
    (void)err;
    if (history_parse_key(entry->key, &sequence) && sequence == p->next)
        p->next++;
    return ERR_OK;
}

/* The newest entry up to that version, with all before it. ERR_ABSENT: there is none. */
static int list_head(struct store *st, uint64_t upto, struct history_head *out, struct error *err)
{
    struct present present = {.next = 0};
    int rc = store_list(st, HISTORY_LOG, count_entry, &present, err);
    if (rc != ERR_OK)
        return rc;
    if (present.next == 0)
        return error_set(err, ERR_ABSENT, "There is no table " HISTORY_TABLE ".");
    return read_head(st, present.next - 1 < upto ? present.next - 1 : upto, out, err);
}

/* Most often it is the newest, or the one before; else a listing tells. */
static int find_head(struct store *st, const struct base *base, struct history_head *out,
                     struct error *err)
{
    const struct manifest *newest = &base->manifest;
    const struct version_id *v = &newest->version;
    struct error why = ERROR_INIT;
    int rc = read_head(st, v->sequence, out, &why);
    if (rc == ERR_ABSENT)
        rc = read_head(st, v->sequence - 1, out, &why);
    if (rc == ERR_ABSENT && v->sequence > 1)
        return list_head(st, v->sequence, out, err);
    if (rc != ERR_OK)
        return error_set(err, rc, "%s", why.text);
    return check_head(base, out, out->version.sequence == v->sequence ? v : &newest->parent, err);
}

static int write_chain(struct store *st, const struct base *base, const struct history_chain *c,
                       struct history_head *head, bool fresh, struct history_report *report,
                       struct error *err)
{
    struct str entry;
    int rc = ERR_OK;
    str_init(&entry, HISTORY_ENTRY_MAX);
    if (fresh) {
        history_write_first(&c->table, &c->items[0], head, &entry);
        rc = create(st, base, head, &entry, report, err);
    }
    for (size_t i = 0; i < c->count && rc == ERR_OK; i++) {
        str_clear(&entry);
        history_write(&c->table, &c->items[i], head, &entry);
        rc = str_check(&entry, "an entry of the table " HISTORY_TABLE, err);
        if (rc == ERR_OK)
            rc = stop_check(err);
        if (rc == ERR_OK)
            rc = create(st, base, head, &entry, report, err);
    }
    str_release(&entry);
    return rc;
}

/* From the entry that is there on; `fresh`: there is none. */
static int go_on(struct store *st, const struct base *base, struct history_head *head, bool fresh,
                 struct history_report *report, struct error *err)
{
    struct history_chain chain;
    uint64_t first = fresh ? 1 : head->version.sequence + 1;
    int rc = history_chain_read(st, base, first, &chain, err);
    if (rc == ERR_OK && first > 1)
        rc = check_head(base, head, &chain.items[0].parent, err);
    if (rc == ERR_OK)
        rc = write_chain(st, base, &chain, head, fresh, report, err);
    history_chain_release(&chain);
    return rc;
}

/* Is there something to be brought up? Else the phase says why not. */
static bool has_table(const struct base *base, enum history_phase *phase)
{
    *phase = HISTORY_NONE;
    if (base->manifest.version.sequence == 0)
        return false;
    *phase = history_can_hold(&base->manifest.schema) ? HISTORY_BEHIND : HISTORY_UNFIT;
    return *phase == HISTORY_BEHIND;
}

/*
 * A repair may have set the pointer back since the newest version was published: then entries of what it
 * gave up may follow. ERR_CONFLICT: so it is.
 */
static int check_next(struct store *st, const struct base *base, struct error *err)
{
    struct history_head next;
    struct error why = ERROR_INIT;
    if (base->pointer.gc_epoch == base->manifest.gc_epoch)
        return ERR_OK;
    int rc = read_head(st, base->manifest.version.sequence + 1, &next, &why);
    if (rc == ERR_OK)
        return check_head(base, &next, &base->manifest.version, err);
    /* A stranger's will be told of when its place is needed. */
    return rc == ERR_ABSENT || rc == ERR_DAMAGED ? ERR_OK : error_set(err, rc, "%s", why.text);
}

static int bring_up(struct store *st, const struct base *base, struct history_report *out,
                    struct error *err)
{
    struct history_head head = {.time = 0};
    struct error why = ERROR_INIT;
    int rc = find_head(st, base, &head, &why);
    bool fresh = rc == ERR_ABSENT;
    if (rc != ERR_OK && !fresh)
        return error_set(err, rc, "%s", why.text);
    if (fresh || head.version.sequence < base->manifest.version.sequence)
        return go_on(st, base, &head, fresh, out, err);
    return check_next(st, base, err);
}

int history_bring_up(struct store *st, const struct base *base, struct history_report *out,
                     struct error *err)
{
    struct error why = ERROR_INIT;
    *out = (struct history_report){.written = 0};
    if (!has_table(base, &out->phase))
        return ERR_OK;
    int rc = bring_up(st, base, out, &why);
    if (rc == ERR_CONFLICT) {
        log_warn("%s It is put right.", why.text);
        return history_rebuild(st, base, out, err);
    }
    if (rc != ERR_OK)
        return error_set(err, rc, "%s", why.text);
    out->phase = HISTORY_FRESH;
    return ERR_OK;
}

/* ---- Putting it right ---------------------------------------------------------------------- */

/*
 * Is the base still the newest version? Asked after an entry was seen and before it is replaced or
 * removed on the condition that it is what was seen: so nothing right is ever put wrong by somebody who
 * slept.
 */
static int check_base(struct store *st, const struct base *base, struct error *err)
{
    struct pointer p;
    int rc = pointer_read(st, &p, NULL, err);
    if (rc == ERR_OK && !version_id_equal(&p.current, &base->manifest.version))
        rc = error_set(err, ERR_AGAIN,
                       "a newer version was published while the table " HISTORY_TABLE
                       " was put right.");
    return rc;
}

static int replace(struct store *st, const struct base *base, const char *key,
                   const struct str *entry, const struct store_tag *tag, struct error *err)
{
    struct store_body body = store_body_bytes(entry->data, entry->len);
    int rc = check_base(st, base, err);
    if (rc != ERR_OK)
        return rc;
    log_info("%s is not what the chain of versions says, and is replaced", key);
    return store_swap(st, key, tag, &body, NULL, err);
}

static int put_right(struct store *st, const struct base *base, const struct history_head *head,
                     const struct str *entry, struct history_report *report, struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    struct str found;
    struct store_tag tag;
    history_key(head->version.sequence, key);
    str_init(&found, HISTORY_ENTRY_MAX);
    int rc = store_get(st, key, &found, &tag, err);
    bool same =
        rc == ERR_OK && found.len == entry->len && memcmp(found.data, entry->data, entry->len) == 0;
    str_release(&found);
    if (rc == ERR_ABSENT) {
        error_clear(err);
        return create(st, base, head, entry, report, err);
    }
    if (rc != ERR_OK || same)
        return rc;
    rc = replace(st, base, key, entry, &tag, err);
    report->changed += rc == ERR_OK;
    return rc;
}

/*
 * Entries beyond the pointer: one of a version that is published meanwhile is not among them, for its
 * name is taken. From the newest on, so that what is left is whole at every moment.
 */
static int remove_beyond(struct store *st, const struct base *base, struct history_report *report,
                         struct error *err)
{
    struct inventory log;
    int rc = inventory_list(st, HISTORY_LOG, &log, err);
    if (rc != ERR_OK)
        return rc;
    rc = check_base(st, base, err);
    for (size_t i = log.count; i > 0 && rc == ERR_OK; i--) {
        const char *key = log.items[i - 1].key;
        uint64_t sequence;
        if (!history_parse_key(key, &sequence) || sequence <= base->manifest.version.sequence)
            continue;
        log_info("%s is of no version of the chain, and is removed", key);
        rc = store_remove(st, key, err);
        report->changed += rc == ERR_OK;
    }
    inventory_release(&log);
    return rc;
}

static int put_all_right(struct store *st, const struct base *base, const struct history_chain *c,
                         struct history_report *report, struct error *err)
{
    struct history_head head;
    struct str entry;
    str_init(&entry, HISTORY_ENTRY_MAX);
    history_write_first(&c->table, &c->items[0], &head, &entry);
    int rc = put_right(st, base, &head, &entry, report, err);
    for (size_t i = 0; i < c->count && rc == ERR_OK; i++) {
        str_clear(&entry);
        history_write(&c->table, &c->items[i], &head, &entry);
        rc = str_check(&entry, "an entry of the table " HISTORY_TABLE, err);
        if (rc == ERR_OK)
            rc = stop_check(err);
        if (rc == ERR_OK)
            rc = put_right(st, base, &head, &entry, report, err);
    }
    str_release(&entry);
    return rc;
}

int history_rebuild(struct store *st, const struct base *base, struct history_report *out,
                    struct error *err)
{
    struct history_chain chain;
    *out = (struct history_report){.written = 0};
    if (!has_table(base, &out->phase))
        return ERR_OK;
    int rc = remove_beyond(st, base, out, err);
    if (rc == ERR_OK)
        rc = history_chain_read(st, base, 1, &chain, err);
    if (rc != ERR_OK)
        return rc;
    rc = put_all_right(st, base, &chain, out, err);
    if (rc == ERR_OK)
        out->phase = HISTORY_FRESH;
    history_chain_release(&chain);
    return rc;
}

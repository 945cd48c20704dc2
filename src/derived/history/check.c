#include "derived/history/check.h"

#include <inttypes.h>
#include <string.h>

/* ---- By name ------------------------------------------------------------------------------- */

/* An entry that is missing below another one, or is of no version. */
static void verify_entries(struct verifier *v, const struct inventory *listed)
{
    uint64_t next = 0;
    for (size_t i = 0; i < listed->count; i++) {
        uint64_t sequence;
        if (!history_parse_key(listed->items[i].key, &sequence))
            continue;
        if (sequence > v->base.pointer.current.sequence)
            verify_add(v->report, FINDING_SHOULD, listed->items[i].key,
                       "It is of no version of the chain. " HISTORY_REMEDY);
        else if (sequence != next)
            verify_add(v->report, FINDING_SHOULD, listed->items[i].key,
                       "Entry %" PRIu64 " of the table is missing before it. " HISTORY_REMEDY,
                       next);
        next = sequence + 1;
    }
}

void history_verify(struct verifier *v, const struct inventory *listed,
                    const struct history_head *newest)
{
    char key[LAYOUT_KEY_SIZE];
    if (!v->has_pointer || !v->whole || v->went_back)
        return;
    verify_entries(v, listed);
    if (newest == NULL || newest->version.sequence == 0)
        return;
    const struct verify_version *version = verify_find(v, newest->version.sequence);
    history_key(newest->version.sequence, key);
    if (version != NULL && !version_id_equal(&version->id, &newest->version))
        verify_add(v->report, FINDING_SHOULD, key,
                   "It is of another version than that of the chain. " HISTORY_REMEDY);
}

/* ---- By content ---------------------------------------------------------------------------- */

/* An entry that is missing behind the last one is no fault: a later run writes it. */
static int compare(struct check *c, const struct history_head *head, const struct str *expected,
                   bool *more, struct error *err)
{
    struct str found;
    struct history_head ignored;
    struct error why = ERROR_INIT;
    char key[LAYOUT_KEY_SIZE];
    str_init(&found, HISTORY_ENTRY_MAX);
    history_key(head->version.sequence, key);
    int rc = history_read(c->d->store, head->version.sequence, &found, NULL, &ignored, &why);
    bool same = found.len == expected->len &&
                (found.len == 0 || memcmp(found.data, expected->data, found.len) == 0);
    *more = rc != ERR_ABSENT;
    if (rc == ERR_DAMAGED || (rc == ERR_OK && !same))
        verify_add(c->report, FINDING_SHOULD, key,
                   "It is not what the chain of versions says. " HISTORY_REMEDY);
    str_release(&found);
    if (rc == ERR_OK || rc == ERR_DAMAGED || rc == ERR_ABSENT)
        return ERR_OK;
    return error_set(err, rc, "%s", why.text);
}

static int compare_all(struct check *c, const struct history_chain *chain, struct error *err)
{
    struct history_head head;
    struct str entry;
    bool more = true;
    str_init(&entry, HISTORY_ENTRY_MAX);
    history_write_first(&chain->table, &chain->items[0], &head, &entry);
    int rc = compare(c, &head, &entry, &more, err);
    for (size_t i = 0; i < chain->count && rc == ERR_OK && more; i++) {
        str_clear(&entry);
        history_write(&chain->table, &chain->items[i], &head, &entry);
        rc = check_stopped(err);
        if (rc == ERR_OK)
            rc = compare(c, &head, &entry, &more, err);
    }
    str_release(&entry);
    return rc;
}

int history_check(struct check *c, struct error *err)
{
    struct history_chain chain;
    struct error why = ERROR_INIT;
    if (c->base->manifest.version.sequence == 0)
        return ERR_OK;
    int rc = history_chain_read(c->d->store, c->base, 1, &chain, &why);
    /* What is wrong with the chain has been found already. */
    if (rc == ERR_DAMAGED || rc == ERR_ABSENT || rc == ERR_GATE)
        return ERR_OK;
    if (rc != ERR_OK)
        return error_set(err, rc, "%s", why.text);
    rc = compare_all(c, &chain, err);
    history_chain_release(&chain);
    return rc;
}

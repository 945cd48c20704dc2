#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reader_private.h"
#include "util/mem.h"

#define INDEX "index/manifest.json"
#define PROJECTIONS "projections/manifest.json"

static const char *text_of(const struct json *object, const char *name)
{
    return json_string(json_get(object, name));
}

static uint64_t number_of(const struct json *object, const char *name)
{
    return (uint64_t)json_integer(json_get(object, name));
}

static uint64_t newest(const struct reader *r)
{
    return r->chain_count == 0 ? 0 : r->chain[r->chain_count - 1].sequence;
}

/* Does the object's sequence and commit name a version of the chain, or the empty dataset? */
static bool stamp_in_chain(const struct reader *r, const struct json *object)
{
    uint64_t sequence = number_of(object, "sequence");
    return sequence == 0 || (sequence <= r->chain_count &&
                             strcmp(r->chain[sequence - 1].commit, text_of(object, "commit")) == 0);
}

/* Fetch a list of {key, size, sha256}; each becomes known. */
static void fetch_list(struct reader *r, const struct json *list, const char *invariant)
{
    size_t n = json_count(list);
    struct wanted_object *wanted = mem_calloc(n, sizeof *wanted);
    for (size_t i = 0; i < n; i++) {
        const struct json *item = json_at(list, i);
        wanted[i] = (struct wanted_object){text_of(item, "key"), text_of(item, "sha256"),
                                           number_of(item, "size"), invariant};
        sightings_add(&r->named, wanted[i].key, NULL);
    }
    reader_fetch(r, wanted, n);
    free(wanted);
}

struct rows {
    const struct model_row **items;
    size_t count, capacity;
};

static void add_row(struct rows *rows, const struct model_row *row)
{
    rows->items = mem_grow(rows->items, rows->count, &rows->capacity, sizeof *rows->items);
    rows->items[rows->count++] = row;
}

/* ---- The index ----------------------------------------------------------------------------- */

/* A row with nothing but its key. */
static struct model_row key_of(const struct reader *r, const struct model_row *row)
{
    struct model_row key = {.sequence = 0};
    for (size_t i = 0; i < MODEL_COLUMNS && r->shape->columns[i] != NULL; i++)
        for (size_t k = 0; k < MODEL_COLUMNS && r->shape->key[k] != NULL; k++)
            if (strcmp(r->shape->columns[i], r->shape->key[k]) == 0)
                key.values[i] = row->values[i];
    return key;
}

static void compare_keys(struct reader *r, const struct json *shards, uint64_t stamp)
{
    struct model m;
    struct rows found = {0}, wanted = {0};
    size_t count;
    reader_model(r, stamp, &m);
    size_t *positions = model_newest(&m, &count);
    struct model_row *keys = mem_calloc(count, sizeof *keys);
    for (size_t i = 0; i < count; i++) {
        keys[i] = key_of(r, &m.events[positions[i]]);
        add_row(&wanted, &keys[i]);
    }
    for (size_t i = 0; i < json_count(shards); i++) {
        const struct content *c = reader_content(r, text_of(json_at(shards, i), "sha256"));
        for (size_t k = 0; c != NULL && k < c->count; k++)
            add_row(&found, &c->rows[k]);
        if (c != NULL && c->count != number_of(json_at(shards, i), "rows"))
            reader_violation(r, "9: the shard %s holds %zu keys",
                             text_of(json_at(shards, i), "key"), c->count);
    }
    reader_compare(r, "9", "the keys of the index", wanted.items, wanted.count, found.items,
                   found.count, false);
    free(wanted.items);
    free(found.items);
    free(keys);
    free(positions);
    model_release(&m);
}

void reader_check_index(struct reader *r)
{
    bool absent;
    char sha256[SHA256_HEX_SIZE];
    struct json *index = reader_json(r, INDEX, sha256, &absent);
    bool settled = (r->demands & READER_SETTLED) != 0 && newest(r) > 0;
    if (index == NULL) {
        if (settled)
            reader_violation(r, "9: there is no index");
        return;
    }
    uint64_t stamp = number_of(index, "sequence");
    sightings_add(&r->named, INDEX, NULL);
    fetch_list(r, json_get(index, "shards"), "9");
    if (!stamp_in_chain(r, index))
        reader_violation(r, "9: the index reflects version %" PRIu64 " of commit %s", stamp,
                         text_of(index, "commit"));
    else if (stamp > 0)
        compare_keys(r, json_get(index, "shards"), stamp);
    if (settled && stamp != newest(r))
        reader_violation(r, "9: the index reflects version %" PRIu64 ", the newest is %" PRIu64,
                         stamp, newest(r));
    json_free(index);
}

/* ---- The projections ----------------------------------------------------------------------- */

static void compare_part(struct reader *r, const struct json *part, const struct model *m,
                         const size_t *positions, size_t count)
{
    struct rows found = {0}, wanted = {0};
    char own[40];
    const struct content *c = reader_content(r, text_of(part, "sha256"));
    for (size_t i = 0; i < count; i++) {
        reader_partition(r, &m->events[positions[i]], own);
        if (strcmp(own, text_of(part, "partition")) == 0)
            add_row(&wanted, &m->events[positions[i]]);
    }
    for (size_t k = 0; c != NULL && k < c->count; k++)
        add_row(&found, &c->rows[k]);
    if (found.count != number_of(part, "rows"))
        reader_violation(r, "7: %s holds %zu rows", text_of(part, "key"), found.count);
    reader_compare(r, "7", text_of(part, "key"), wanted.items, wanted.count, found.items,
                   found.count, true);
    free(wanted.items);
    free(found.items);
}

/* Is there a part for every partition that has rows? */
static void check_complete(struct reader *r, const struct json *parts, const struct model *m,
                           const size_t *positions, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char own[40];
        bool found = false;
        reader_partition(r, &m->events[positions[i]], own);
        for (size_t k = 0; !found && k < json_count(parts); k++)
            found = strcmp(text_of(json_at(parts, k), "partition"), own) == 0;
        if (!found)
            reader_violation(r, "7: the projections have no part for %s", own);
    }
}

static void check_completed(struct reader *r, const struct json *root, uint64_t stamp)
{
    const struct json *parts = json_get(root, "parts");
    struct model m;
    size_t count;
    reader_model(r, stamp, &m);
    size_t *positions = model_newest(&m, &count);
    fetch_list(r, parts, "7");
    for (size_t i = 0; i < json_count(parts); i++)
        compare_part(r, json_at(parts, i), &m, positions, count);
    check_complete(r, parts, &m, positions, count);
    free(positions);
    model_release(&m);
}

/* Part of a partition in a list, or NULL. */
static const struct json *part_of_key(const struct json *list, const char *key)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (strcmp(text_of(json_at(list, i), "key"), key) == 0)
            return json_at(list, i);
    return NULL;
}

/* While it is under way, each final file is whole: the one of before, or the one of the redo list. */
static void check_final(struct reader *r, const struct json *root, const char *key)
{
    struct str body;
    char sha256[SHA256_HEX_SIZE];
    str_init(&body, (size_t)1 << 30);
    int rc = store_get(r->store, key, &body, NULL, NULL);
    const struct json *before = part_of_key(json_get(root, "parts"), key);
    const struct json *after = part_of_key(json_get(root, "redo"), key);
    sha256_hex(body.data, body.len, sha256);
    str_release(&body);
    sightings_add(&r->named, key, NULL);
    if (rc == ERR_ABSENT && before == NULL)
        return;
    bool known =
        rc == ERR_OK && ((before != NULL && strcmp(text_of(before, "sha256"), sha256) == 0) ||
                         (after != NULL && strcmp(text_of(after, "sha256"), sha256) == 0));
    if (!known)
        reader_violation(r, "8: %s is neither of the state before nor of the redo list", key);
}

static void check_under_way(struct reader *r, const struct json *root)
{
    const struct json *parts = json_get(root, "parts");
    const struct json *redo = json_get(root, "redo");
    for (size_t i = 0; i < json_count(parts); i++)
        check_final(r, root, text_of(json_at(parts, i), "key"));
    for (size_t i = 0; i < json_count(redo); i++) {
        const struct json *step = json_at(redo, i);
        if (part_of_key(parts, text_of(step, "key")) == NULL)
            check_final(r, root, text_of(step, "key"));
        sightings_add(&r->named, text_of(step, "temp"), NULL);
    }
}

void reader_check_projections(struct reader *r)
{
    bool absent;
    char sha256[SHA256_HEX_SIZE];
    struct json *root = reader_json(r, PROJECTIONS, sha256, &absent);
    bool settled = (r->demands & READER_SETTLED) != 0 && newest(r) > 0;
    if (root == NULL) {
        if (settled)
            reader_violation(r, "7: there are no projections");
        return;
    }
    uint64_t stamp = number_of(root, "sequence");
    bool completed = strcmp(text_of(root, "state"), "completed") == 0;
    sightings_add(&r->named, PROJECTIONS, NULL);
    if (!stamp_in_chain(r, root))
        reader_violation(r, "7: the projections reflect version %" PRIu64 " of commit %s", stamp,
                         text_of(root, "commit"));
    else if (completed)
        check_completed(r, root, stamp);
    else
        check_under_way(r, root);
    if (stamp < r->projection_stamp)
        reader_violation(r, "7: the projections went back from version %" PRIu64 " to %" PRIu64,
                         r->projection_stamp, stamp);
    r->projection_stamp = stamp;
    if (settled && (!completed || stamp != newest(r)))
        reader_violation(r,
                         "7: the projections are %s at version %" PRIu64 ", the newest is %" PRIu64,
                         text_of(root, "state"), stamp, newest(r));
    json_free(root);
}

/* ---- All objects --------------------------------------------------------------------------- */

/* What a version or a derived thing may leave behind; anything else is a stranger. */
static bool may_be_orphan(const char *key)
{
    return str_starts(key, "manifests/") || str_starts(key, "index/") || str_starts(key, ".tmp/") ||
           str_starts(key, "projections/windows/") ||
           (str_starts(key, "events/") &&
            (str_ends(key, ".parquet") || strstr(key, ".tmp-") != NULL)) ||
           strstr(key, ".tmp-") != NULL;
}

static int look_at(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct reader *r = ctx;
    (void)err;
    if (str_starts(entry->key, "runs/") || str_starts(entry->key, ".probe/") ||
        sightings_find(&r->named, entry->key) != NULL)
        return ERR_OK;
    r->orphans++;
    if (!may_be_orphan(entry->key))
        reader_violation(r, "10: %s belongs to nothing", entry->key);
    else if ((r->demands & READER_CLEAN) != 0)
        reader_violation(r, "10: %s is an orphan", entry->key);
    return ERR_OK;
}

void reader_check_objects(struct reader *r)
{
    struct error err = ERROR_INIT;
    if (store_list(r->store, "", look_at, r, &err) != ERR_OK)
        reader_violation(r, "10: the store cannot be listed: %s", err.text);
}

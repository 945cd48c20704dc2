#include "pipeline/records.h"

#include <stdlib.h>
#include <string.h>

#include "util/log.h"
#include "util/mem.h"

#define PREFIX "runs/"
#define BATCH 64 /* records in memory at a time */

/* ---- Writing ------------------------------------------------------------------------------- */

/* Takes the JSON over. */
static int put(struct store *st, int64_t started, const char *id, struct json *record,
               struct error *err)
{
    char key[LAYOUT_KEY_SIZE];
    struct str text;
    int rc = layout_run(started, id, key, err);
    str_init(&text, RECORD_MAX_BYTES);
    json_write_visible(record, true, &text);
    str_append_char(&text, '\n');
    if (rc == ERR_OK)
        rc = str_check(&text, "the record of the run", err);
    if (rc == ERR_OK) {
        struct store_body body = store_body_bytes(text.data, text.len);
        rc = store_put_new(st, key, &body, NULL, err);
    }
    str_release(&text);
    json_free(record);
    return rc;
}

int records_write_run(struct dataset *d, const struct run_report *r, struct error *err)
{
    return put(d->store, r->started, r->run_id, record_encode_run(d->id, r), err);
}

int records_write_upkeep(struct dataset *d, enum record_kind kind, const struct record_upkeep *u,
                         struct error *err)
{
    return put(d->store, u->started, u->id, record_encode_upkeep(d->id, kind, u), err);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Keys in the order of a listing, which is that of time. */
struct keys {
    char **items;
    size_t count, capacity;
};

static int take_key(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct keys *k = ctx;
    (void)err;
    if (!str_ends(entry->key, ".json"))
        return ERR_OK;
    k->items = mem_grow(k->items, k->count, &k->capacity, sizeof *k->items);
    k->items[k->count++] = mem_strdup(entry->key);
    return ERR_OK;
}

static void keys_release(struct keys *k)
{
    for (size_t i = 0; i < k->count; i++)
        free(k->items[i]);
    free(k->items);
}

static int parse(const char *key, const struct str *text, struct json **out, struct error *err)
{
    int rc = json_parse(text->data, text->len, key, out, err);
    if (rc == ERR_OK && !json_is_object(*out)) {
        json_free(*out);
        *out = NULL;
        rc = error_set(err, ERR_DAMAGED, "%s is not a JSON object.", key);
    }
    return rc;
}

/* `*out` is NULL, with ERR_OK, where this record cannot be used: it carries no weight. */
static int read_one(struct store *st, const char *key, struct json **out, struct error *err)
{
    struct str text;
    struct error why = ERROR_INIT;
    *out = NULL;
    str_init(&text, RECORD_MAX_BYTES);
    int rc = store_get(st, key, &text, NULL, &why);
    if (rc == ERR_OK)
        rc = parse(key, &text, out, &why);
    str_release(&text);
    if (rc == ERR_OK)
        return ERR_OK;
    if (rc == ERR_DAMAGED || rc == ERR_ABSENT || rc == ERR_LIMIT) {
        log_warn("a record of a run is left out: %s", why.text);
        return ERR_OK;
    }
    return error_pass(err, rc, &why);
}

/* Takes the JSON over; NULL is passed over. */
static int visit_one(struct dataset *d, struct json *json, records_visit *visit, void *ctx,
                     bool *stop, struct error *err)
{
    struct record record;
    if (json == NULL)
        return ERR_OK;
    record_decode(json, derived_of(d), &record);
    int rc = visit(ctx, &record, stop, err);
    record_release(&record);
    return rc;
}

/* Some keys in a row, and what became of them. */
struct page {
    struct store *store;
    char *const *keys;
    struct json *records[BATCH];
};

static int read_of_page(void *ctx, size_t i, struct error *err)
{
    struct page *p = ctx;
    return read_one(p->store, p->keys[i], &p->records[i], err);
}

/* Read `count` records, several at once where the store has use for it, and visit them in order. */
static int visit_page(struct dataset *d, char *const *keys, size_t count, records_visit *visit,
                      void *ctx, bool *stop, struct error *err)
{
    struct page p = {.store = d->store, .keys = keys};
    int rc = store_each(d->store, count, read_of_page, &p, err);
    for (size_t i = 0; i < count; i++) {
        if (rc == ERR_OK && !*stop)
            rc = visit_one(d, p.records[i], visit, ctx, stop, err);
        else
            json_free(p.records[i]);
    }
    return rc;
}

int records_each(struct dataset *d, records_visit *visit, void *ctx, struct error *err)
{
    struct keys keys = {NULL, 0, 0};
    bool stop = false;
    int rc = store_list(d->store, PREFIX, take_key, &keys, err);
    for (size_t i = 0; rc == ERR_OK && !stop && i < keys.count; i += BATCH) {
        size_t left = keys.count - i;
        rc = visit_page(d, keys.items + i, left < BATCH ? left : BATCH, visit, ctx, &stop, err);
    }
    keys_release(&keys);
    return rc;
}

int records_back(struct dataset *d, records_visit *visit, void *ctx, struct error *err)
{
    struct keys keys = {NULL, 0, 0};
    bool stop = false;
    int rc = store_list(d->store, PREFIX, take_key, &keys, err);
    for (size_t i = keys.count; rc == ERR_OK && !stop && i > 0; i--) {
        struct json *record;
        rc = read_one(d->store, keys.items[i - 1], &record, err);
        if (rc == ERR_OK)
            rc = visit_one(d, record, visit, ctx, &stop, err);
    }
    keys_release(&keys);
    return rc;
}

#include "support/look.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define OBJECT_MAX ((size_t)1 << 30)

static void must(int rc, const struct error *err)
{
    if (rc == ERR_OK)
        return;
    fprintf(stderr, "look: %s: %s\n", error_name(rc), err->text);
    abort();
}

static void load(struct store *st, const char *key, struct str *out)
{
    struct error err = ERROR_INIT;
    str_init(out, OBJECT_MAX);
    must(store_get(st, key, out, NULL, &err), &err);
}

struct listing {
    struct store *store;
    struct store *to;
    const char *part;
    char *found;
    size_t count;
    struct str *text;
};

static int append_line(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct listing *l = ctx;
    struct str body;
    char sha256[SHA256_HEX_SIZE];
    (void)err;
    load(l->store, entry->key, &body);
    sha256_hex(body.data, body.len, sha256);
    str_printf(l->text, "%s %s\n", entry->key, sha256);
    str_release(&body);
    return ERR_OK;
}

char *look_state(struct store *st, const char *prefix)
{
    struct str text;
    struct error err = ERROR_INIT;
    struct listing l = {.store = st, .text = &text};
    str_init(&text, OBJECT_MAX);
    str_append(&text, "");
    must(store_list(st, prefix, append_line, &l, &err), &err);
    if (text.len == 0)
        return mem_strdup("");
    return str_detach(&text);
}

static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct listing *l = ctx;
    (void)err;
    l->count++;
    if (l->found == NULL && l->part != NULL && strstr(entry->key, l->part) != NULL)
        l->found = mem_strdup(entry->key);
    return ERR_OK;
}

size_t look_count(struct store *st, const char *prefix)
{
    struct error err = ERROR_INIT;
    struct listing l = {.store = st};
    must(store_list(st, prefix, count_entry, &l, &err), &err);
    return l.count;
}

char *look_find(struct store *st, const char *prefix, const char *part)
{
    struct error err = ERROR_INIT;
    struct listing l = {.store = st, .part = part};
    must(store_list(st, prefix, count_entry, &l, &err), &err);
    if (l.found == NULL) {
        fprintf(stderr, "look: nothing like %s...%s\n", prefix, part);
        abort();
    }
    return l.found;
}

bool look_exists(struct store *st, const char *key)
{
    struct store_info info;
    return store_head(st, key, &info, NULL) == ERR_OK;
}

struct json *look_json(struct store *st, const char *key)
{
    struct str body;
    struct json *root;
    struct error err = ERROR_INIT;
    load(st, key, &body);
    must(json_parse(body.data, body.len, key, &root, &err), &err);
    str_release(&body);
    return root;
}

/* ---- Changing ------------------------------------------------------------------------------ */

static void put(struct store *st, const char *key, const void *bytes, size_t count,
                const struct store_info *info)
{
    struct error err = ERROR_INIT;
    struct store_body body = store_body_bytes(bytes, count);
    memcpy(body.labels, info->labels, sizeof body.labels);
    must(store_remove(st, key, &err), &err);
    must(store_put_new(st, key, &body, NULL, &err), &err);
}

static int copy_missing(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct listing *l = ctx;
    (void)err;
    if (!look_exists(l->to, entry->key))
        look_take(l->store, l->to, entry->key);
    return ERR_OK;
}

void look_copy(struct store *from, struct store *to, const char *prefix)
{
    struct error err = ERROR_INIT;
    struct listing l = {.store = from, .to = to};
    must(store_list(from, prefix, copy_missing, &l, &err), &err);
}

void look_replace(struct store *st, const char *key, const void *bytes, size_t count)
{
    put(st, key, bytes, count, &(struct store_info){0});
}

void look_take(struct store *from, struct store *to, const char *key)
{
    struct str body;
    struct store_info info;
    struct error err = ERROR_INIT;
    load(from, key, &body);
    must(store_head(from, key, &info, &err), &err);
    put(to, key, body.data, body.len, &info);
    str_release(&body);
}

void look_damage(struct store *st, const char *key)
{
    struct str body;
    struct store_info info;
    struct error err = ERROR_INIT;
    load(st, key, &body);
    must(store_head(st, key, &info, &err), &err);
    body.data[body.len / 2] ^= 0x20;
    put(st, key, body.data, body.len, &info);
    str_release(&body);
}

void look_remove(struct store *st, const char *key)
{
    struct error err = ERROR_INIT;
    must(store_remove(st, key, &err), &err);
}

void look_edit(struct store *st, const char *key, const char *text, const char *by)
{
    struct str body;
    struct str changed;
    load(st, key, &body);
    const char *at = strstr(body.data, text);
    if (at == NULL) {
        fprintf(stderr, "look: %s does not hold %s\n", key, text);
        abort();
    }
    str_init(&changed, OBJECT_MAX);
    str_append_bytes(&changed, body.data, (size_t)(at - body.data));
    str_append(&changed, by);
    str_append(&changed, at + strlen(text));
    look_replace(st, key, changed.data, changed.len);
    str_release(&changed);
    str_release(&body);
}

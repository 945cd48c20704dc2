#include "support/store_script.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/fs.h"
#include "util/mem.h"

#define CALLS_MAX 4096

/* A write that is still under way. */
struct late {
    char *key;
    bool conditional; /* a swap; else put_new */
    bool has_expected;
    struct store_tag expected;
    struct str bytes;
};

struct store_script {
    struct store base;
    struct store *inner;
    script_rule *rule;
    void *ctx;
    char *calls[CALLS_MAX]; /* "operation key" */
    size_t call_count;
    struct late *late;
    size_t late_count, late_capacity;
    const char *old;
    struct store_tag old_tag;
};

static struct store_script *self(struct store *st)
{
    return (struct store_script *)st;
}

static struct script_answer ask_about(struct store *st, const char *operation, const char *key,
                                      const struct store_body *body)
{
    struct store_script *s = self(st);
    char *name = mem_printf("%s %s", operation, key);
    unsigned n = 1;
    for (size_t i = 0; i < s->call_count; i++)
        n += strcmp(s->calls[i], name) == 0;
    assert(s->call_count < CALLS_MAX);
    s->calls[s->call_count++] = name;
    struct script_call call = {
        .store = st, .operation = operation, .key = key, .n = n, .body = body};
    return s->rule(s->ctx, &call);
}

static struct script_answer ask(struct store *st, const char *operation, const char *key)
{
    return ask_about(st, operation, key, NULL);
}

static int refuse(struct script_answer answer, const char *key, struct error *err)
{
    int code = answer.code != ERR_OK ? answer.code : ERR_UNKNOWN;
    return error_set(err, code, "The script let the request for %s fail.", key);
}

static bool done(struct script_answer answer)
{
    return answer.action == SCRIPT_PASS || answer.action == SCRIPT_LOSE;
}

/* The result of something that was done: told, or lost on the way back. */
static int tell(struct script_answer answer, int rc, const char *key, struct error *err)
{
    return answer.action == SCRIPT_PASS ? rc : refuse(answer, key, err);
}

static int script_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                      struct error *err)
{
    struct script_answer answer = ask(st, "get", key);
    if (answer.action == SCRIPT_OLD) {
        str_append(body, self(st)->old);
        if (tag != NULL)
            *tag = self(st)->old_tag;
        return ERR_OK;
    }
    if (!done(answer))
        return refuse(answer, key, err);
    return store_get(self(st)->inner, key, body, tag, err);
}

static int script_get_file(struct store *st, const char *key, const char *path,
                           struct store_tag *tag, struct error *err)
{
    struct script_answer answer = ask(st, "get", key);
    if (!done(answer))
        return refuse(answer, key, err);
    return store_get_file(self(st)->inner, key, path, tag, err);
}

static int script_head(struct store *st, const char *key, struct store_info *info,
                       struct error *err)
{
    struct script_answer answer = ask(st, "head", key);
    if (!done(answer))
        return refuse(answer, key, err);
    return store_head(self(st)->inner, key, info, err);
}

static void keep(struct store *st, const char *key, bool conditional,
                 const struct store_tag *expected, const struct store_body *body)
{
    struct store_script *s = self(st);
    s->late = mem_grow(s->late, s->late_count, &s->late_capacity, sizeof *s->late);
    struct late *l = &s->late[s->late_count++];
    *l = (struct late){.key = mem_strdup(key), .conditional = conditional};
    l->has_expected = expected != NULL;
    if (expected != NULL)
        l->expected = *expected;
    str_init(&l->bytes, STR_MAX_DEFAULT);
    if (body->path == NULL)
        str_append_bytes(&l->bytes, body->bytes, (size_t)body->size);
    else
        assert(fs_read(body->path, &l->bytes, NULL) == ERR_OK);
}

static int script_put_new(struct store *st, const char *key, const struct store_body *body,
                          struct store_tag *tag, struct error *err)
{
    struct script_answer answer = ask_about(st, "put_new", key, body);
    if (answer.action == SCRIPT_LATE)
        keep(st, key, false, NULL, body);
    if (!done(answer))
        return refuse(answer, key, err);
    return tell(answer, store_put_new(self(st)->inner, key, body, tag, err), key, err);
}

static int script_swap(struct store *st, const char *key, const struct store_tag *expected,
                       const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct script_answer answer = ask_about(st, "swap", key, body);
    struct store_tag got;
    if (answer.action == SCRIPT_LATE)
        keep(st, key, true, expected, body);
    if (!done(answer))
        return refuse(answer, key, err);
    int rc = tell(answer, store_swap(self(st)->inner, key, expected, body, &got, err), key, err);
    if (rc == ERR_OK && tag != NULL)
        *tag = got;
    return rc;
}

static int script_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct script_answer answer = ask(st, "move", move->to);
    if (!done(answer))
        return refuse(answer, move->to, err);
    return tell(answer, store_move(self(st)->inner, move, err), move->to, err);
}

static int script_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                       struct error *err)
{
    struct script_answer answer = ask(st, "list", prefix);
    if (!done(answer))
        return refuse(answer, prefix, err);
    return store_list(self(st)->inner, prefix, visit, ctx, err);
}

static int script_remove(struct store *st, const char *key, struct error *err)
{
    struct script_answer answer = ask(st, "remove", key);
    if (!done(answer))
        return refuse(answer, key, err);
    return tell(answer, store_remove(self(st)->inner, key, err), key, err);
}

static void script_free(struct store *st)
{
    struct store_script *s = self(st);
    for (size_t i = 0; i < s->call_count; i++)
        free(s->calls[i]);
    for (size_t i = 0; i < s->late_count; i++) {
        free(s->late[i].key);
        str_release(&s->late[i].bytes);
    }
    free(s->late);
    free(st->url);
    free(s);
}

static const struct store_ops script_ops = {
    .get = script_get,
    .get_file = script_get_file,
    .head = script_head,
    .put_new = script_put_new,
    .swap = script_swap,
    .move = script_move,
    .list = script_list,
    .remove = script_remove,
    .free = script_free,
};

struct store *store_script_new(struct store *inner, script_rule *rule, void *ctx)
{
    struct store_script *s = mem_calloc(1, sizeof *s);
    s->base =
        (struct store){.ops = &script_ops, .traits = inner->traits, .url = mem_strdup(inner->url)};
    s->base.traits.local_paths = false;
    s->inner = inner;
    s->rule = rule;
    s->ctx = ctx;
    return &s->base;
}

void store_script_old(struct store *st, const char *bytes, const struct store_tag *tag)
{
    self(st)->old = bytes;
    self(st)->old_tag = *tag;
}

unsigned store_script_deliver(struct store *st)
{
    struct store_script *s = self(st);
    unsigned applied = 0;
    for (size_t i = 0; i < s->late_count; i++) {
        struct late *l = &s->late[i];
        struct store_body body = store_body_bytes(l->bytes.data, l->bytes.len);
        const struct store_tag *expected = l->has_expected ? &l->expected : NULL;
        int rc = l->conditional ? store_swap(s->inner, l->key, expected, &body, NULL, NULL)
                                : store_put_new(s->inner, l->key, &body, NULL, NULL);
        applied += rc == ERR_OK;
        free(l->key);
        str_release(&l->bytes);
    }
    s->late_count = 0;
    return applied;
}

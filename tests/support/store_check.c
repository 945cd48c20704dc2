#include "support/store_check.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "support/check_chain.h"
#include "util/mem.h"

#define TEXT_MAX ((size_t)1 << 20)

struct store_check {
    struct store base;
    struct store *inner;
    pthread_mutex_t mutex;
    struct str text;
    size_t count;
    atomic_bool has_pointer; /* seen once: it never goes again */
    atomic_bool repair;
};

static struct store_check *self(struct store *st)
{
    return (struct store_check *)st;
}

/* ---- Recording ----------------------------------------------------------------------------- */

/* Record the lines found before the operation, unless it was refused and nothing happened. */
static int judged(struct store_check *c, const char *operation, struct str *found, int rc)
{
    store_bill_pass(&c->base, c->inner);
    if (found->len > 0 && (rc == ERR_OK || rc == ERR_UNKNOWN)) {
        pthread_mutex_lock(&c->mutex);
        const char *line = found->data;
        while (*line != '\0') {
            size_t n = strcspn(line, "\n");
            str_printf(&c->text, "%s: %.*s\n", operation, (int)n, line);
            c->count++;
            line += n + (line[n] == '\n');
        }
        pthread_mutex_unlock(&c->mutex);
    }
    str_release(found);
    return rc;
}

size_t store_check_violations(struct store *st)
{
    struct store_check *c = self(st);
    pthread_mutex_lock(&c->mutex);
    size_t count = c->count;
    pthread_mutex_unlock(&c->mutex);
    return count;
}

const char *store_check_text(struct store *st)
{
    return self(st)->text.data;
}

void store_check_allow_repair(struct store *st, bool allowed)
{
    atomic_store(&self(st)->repair, allowed);
}

/* ---- Rules about keys ---------------------------------------------------------------------- */

static bool is_swapped(const char *key)
{
    return strcmp(key, CHECK_POINTER) == 0 || strcmp(key, CHECK_INDEX) == 0 ||
           strcmp(key, CHECK_PROJECTIONS) == 0;
}

static bool is_immutable(const char *key)
{
    return !is_swapped(key) && (str_starts(key, "manifests/") || str_starts(key, "events/") ||
                                str_starts(key, "index/"));
}

/* A new object: does the pointer exist, and may a thing of this name lie there? */
static void check_new(struct store_check *c, const char *key, struct str *out)
{
    struct store_info info;
    if (!atomic_load(&c->has_pointer) && store_head(c->inner, CHECK_POINTER, &info, NULL) == ERR_OK)
        atomic_store(&c->has_pointer, true);
    if (!atomic_load(&c->has_pointer) && !atomic_load(&c->repair))
        str_printf(out, "%s is written before there is a pointer\n", key);
    if (str_starts(key, "events/") && !str_starts(key, "events/_delta_log/") &&
        !str_ends(key, ".parquet") && !check_is_remain(key))
        str_printf(out, "%s is no Parquet file and lies under events/\n", key);
}

static void check_put_new(struct store_check *c, const char *key, struct str *out)
{
    if (is_swapped(key))
        str_printf(out, "%s is written by put_new; only a swap may\n", key);
    check_new(c, key, out);
}

static void check_swap(struct store_check *c, const char *key, const struct store_tag *expected,
                       const struct store_body *body, struct str *out)
{
    if (strcmp(key, CHECK_POINTER) == 0) {
        check_pointer_swap(c->inner, expected, body, atomic_load(&c->repair), out);
        return;
    }
    bool is_put_right = atomic_load(&c->repair) && str_starts(key, "events/_delta_log/");
    if (is_immutable(key) && !is_put_right)
        str_printf(out, "%s is immutable\n", key);
    if (strcmp(key, CHECK_INDEX) == 0)
        check_index_swap(c->inner, body, out);
    if (strcmp(key, CHECK_PROJECTIONS) == 0)
        check_projection_swap(c->inner, body, out);
    check_new(c, key, out);
}

/* One end of a move. */
static void check_end(const char *key, struct str *out)
{
    if (is_immutable(key))
        str_printf(out, "%s is immutable\n", key);
    if (is_swapped(key))
        str_printf(out, "%s is moved; only a swap may write it\n", key);
}

/* ---- Operations ---------------------------------------------------------------------------- */

static void begin(struct str *found)
{
    str_init(found, TEXT_MAX);
}

static int check_op_put_new(struct store *st, const char *key, const struct store_body *body,
                            struct store_tag *tag, struct error *err)
{
    struct store_check *c = self(st);
    struct str found;
    begin(&found);
    check_put_new(c, key, &found);
    return judged(c, "put_new", &found, store_put_new(c->inner, key, body, tag, err));
}

static int check_op_swap(struct store *st, const char *key, const struct store_tag *expected,
                         const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct store_check *c = self(st);
    struct str found;
    begin(&found);
    check_swap(c, key, expected, body, &found);
    return judged(c, "swap", &found, store_swap(c->inner, key, expected, body, tag, err));
}

static int check_op_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct store_check *c = self(st);
    struct str found;
    begin(&found);
    check_end(move->from, &found);
    check_end(move->to, &found);
    check_new(c, move->to, &found);
    check_move(c->inner, move, &found);
    return judged(c, "move", &found, store_move(c->inner, move, err));
}

static int check_op_remove(struct store *st, const char *key, struct error *err)
{
    struct store_check *c = self(st);
    struct str found;
    begin(&found);
    if (is_swapped(key))
        str_printf(&found, "%s is removed\n", key);
    check_removal(c->inner, key, &found);
    return judged(c, "remove", &found, store_remove(c->inner, key, err));
}

/* What only reads passes through. */

static int check_op_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                        struct error *err)
{
    int rc = store_get(self(st)->inner, key, body, tag, err);
    store_bill_pass(st, self(st)->inner);
    return rc;
}

static int check_op_get_file(struct store *st, const char *key, const char *path,
                             struct store_tag *tag, struct error *err)
{
    int rc = store_get_file(self(st)->inner, key, path, tag, err);
    store_bill_pass(st, self(st)->inner);
    return rc;
}

static int check_op_head(struct store *st, const char *key, struct store_info *info,
                         struct error *err)
{
    int rc = store_head(self(st)->inner, key, info, err);
    store_bill_pass(st, self(st)->inner);
    return rc;
}

static int check_op_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                         struct error *err)
{
    int rc = store_list(self(st)->inner, prefix, visit, ctx, err);
    store_bill_pass(st, self(st)->inner);
    return rc;
}

static int check_op_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    return store_local_path(self(st)->inner, key, path, err);
}

static int check_op_probe(struct store *st, struct error *err)
{
    return store_probe(self(st)->inner, err);
}

static int check_op_describe(struct store *st, struct str *out, struct error *err)
{
    return store_describe(self(st)->inner, out, err);
}

static void check_op_free(struct store *st)
{
    struct store_check *c = self(st);
    store_free(c->inner);
    pthread_mutex_destroy(&c->mutex);
    str_release(&c->text);
    free(st->url);
    free(c);
}

/* Without put_many and remove_many: the front takes them apart, so that each part is looked at. */
static const struct store_ops check_ops = {
    .get = check_op_get,
    .get_file = check_op_get_file,
    .head = check_op_head,
    .put_new = check_op_put_new,
    .swap = check_op_swap,
    .move = check_op_move,
    .list = check_op_list,
    .remove = check_op_remove,
    .local_path = check_op_local_path,
    .probe = check_op_probe,
    .describe = check_op_describe,
    .free = check_op_free,
};

struct store *store_check_new(struct store *inner)
{
    struct store_check *c = mem_calloc(1, sizeof *c);
    c->base = (struct store){
        .ops = &check_ops,
        .traits = inner->traits,
        .bill = inner->bill,
        .url = mem_strdup(inner->url),
    };
    c->inner = inner;
    pthread_mutex_init(&c->mutex, NULL);
    str_init(&c->text, TEXT_MAX);
    atomic_init(&c->has_pointer, false);
    atomic_init(&c->repair, false);
    return &c->base;
}

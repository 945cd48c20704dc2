#include "store/store_retry.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

/*
 * A read whose bytes were damaged on the way is worth this many tries; more would hide a failing
 * disk.
 */
#define DAMAGED_TRIES 3

struct retry {
    struct store store; /* first */
    struct store *inner;
    struct store_retry_policy policy;
};

/* How far the tries of one call have come. */
struct tries {
    const struct store_retry_policy *policy;
    uint64_t *counter;
    unsigned done;
    int64_t begun;
    int64_t most; /* the most to wait before the next try */
};

static struct store_retry_policy complete_policy(const struct store_retry_policy *given)
{
    struct store_retry_policy p = {0};
    if (given != NULL)
        p = *given;
    if (p.tries == 0)
        p.tries = 8;
    if (p.first == 0)
        p.first = 100000;
    if (p.longest == 0)
        p.longest = 20000000;
    if (p.deadline == 0)
        p.deadline = 120000000;
    if (p.transfers == 0)
        p.transfers = 16;
    return p;
}

static struct tries tries_of(const struct store_retry_policy *policy, uint64_t *counter)
{
    return (struct tries){
        .policy = policy, .counter = counter, .begun = time_monotonic(), .most = policy->first};
}

/* May it be tried once more? Waits before saying so. */
static bool again(struct tries *t)
{
    t->done++;
    if (t->done >= t->policy->tries || stop_requested())
        return false;
    int64_t wait = (int64_t)(id_random64() % ((uint64_t)t->most + 1));
    if (time_monotonic() - t->begun + wait > t->policy->deadline)
        return false;
    time_sleep(wait);
    t->most = t->most > t->policy->longest / 2 ? t->policy->longest : t->most * 2;
    if (t->counter != NULL)
        store_count(t->counter, 1);
    return !stop_requested();
}

int store_retry_loop(const struct store_retry_policy *policy, store_retry_work *work, void *ctx,
                     uint64_t *retries, struct error *err)
{
    struct store_retry_policy whole = complete_policy(policy);
    struct tries t = tries_of(&whole, retries);
    int rc;
    do {
        rc = work(ctx, err);
    } while (rc == ERR_AGAIN && again(&t));
    return rc;
}

static struct retry *retry_of(struct store *st)
{
    return (struct retry *)st;
}

static struct tries begin(struct retry *r)
{
    return tries_of(&r->policy, &r->inner->bill.retries);
}

static int finish(struct retry *r, int rc)
{
    store_bill_pass(&r->store, r->inner);
    return rc;
}

/* A read may be repeated where it failed, and a few times where its bytes were damaged. */
static bool read_again(struct tries *t, int rc)
{
    if (rc == ERR_DAMAGED)
        return t->done + 1 < DAMAGED_TRIES && again(t);
    return rc == ERR_AGAIN && again(t);
}

static int retry_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                     struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    size_t start = body->len;
    int rc;
    do {
        if (body->len > start) {
            body->len = start;
            body->data[start] = '\0';
        }
        rc = r->inner->ops->get(r->inner, key, body, tag, err);
    } while (read_again(&t, rc));
    return finish(r, rc);
}

static int retry_get_file(struct store *st, const char *key, const char *path,
                          struct store_tag *tag, struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    int rc;
    do {
        rc = r->inner->ops->get_file(r->inner, key, path, tag, err);
    } while (read_again(&t, rc));
    return finish(r, rc);
}

static int retry_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    int rc;
    do {
        *info = (struct store_info){0};
        rc = r->inner->ops->head(r->inner, key, info, err);
    } while (read_again(&t, rc));
    return finish(r, rc);
}

/* Is the object that is there the one we tried to create? ERR_OK: byte for byte. */
static int compare_file(struct retry *r, const char *key, const struct store_body *body,
                        struct store_tag *tag, struct error *err)
{
    char id[ID_SIZE];
    char digest[SHA256_HEX_SIZE];
    uint64_t size = 0;
    id_new(id);
    char *path = mem_printf("%s.%s", body->path, id);
    int rc = retry_get_file(&r->store, key, path, tag, err);
    if (rc == ERR_OK)
        rc = sha256_file(path, digest, &size, err);
    if (rc == ERR_OK && (size != body->size || strcmp(digest, body->sha256) != 0))
        rc = error_set(err, ERR_CONFLICT, "%s already exists, with different content.", key);
    fs_discard(path);
    free(path);
    return rc;
}

static int compare_bytes(struct retry *r, const char *key, const struct store_body *body,
                         struct store_tag *tag, struct error *err)
{
    struct str text;
    str_init(&text, (size_t)body->size);
    int rc = retry_get(&r->store, key, &text, tag, err);
    bool same = rc == ERR_OK && text.len == body->size &&
                (text.len == 0 || memcmp(text.data, body->bytes, text.len) == 0);
    str_release(&text);
    /* Larger than ours is another object too. */
    if ((rc == ERR_OK && !same) || rc == ERR_LIMIT)
        return error_set(err, ERR_CONFLICT, "%s already exists, with different content.", key);
    return rc;
}

/* An earlier try had no answer, and now the object exists: ours, or somebody else's? */
static int settle_put(struct retry *r, const char *key, const struct store_body *body,
                      struct store_tag *tag, struct error *err)
{
    struct store_info info;
    int rc = retry_head(&r->store, key, &info, err);
    if (rc == ERR_OK && info.size != body->size)
        return error_set(err, ERR_CONFLICT, "%s already exists, with different content.", key);
    if (rc == ERR_OK && body->path != NULL)
        rc = compare_file(r, key, body, tag, err);
    else if (rc == ERR_OK)
        rc = compare_bytes(r, key, body, tag, err);
    if (rc == ERR_OK || rc == ERR_CONFLICT)
        return rc;
    return error_set(err, ERR_UNKNOWN,
                     "Whether %s was written is not known: an attempt got no answer, and what is "
                     "there now cannot be read.",
                     key);
}

static int retry_put_new(struct store *st, const char *key, const struct store_body *body,
                         struct store_tag *tag, struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    bool open = false; /* a try may have landed, or may land yet */
    int rc;
    do {
        rc = r->inner->ops->put_new(r->inner, key, body, tag, err);
        open = open || rc == ERR_UNKNOWN;
    } while ((rc == ERR_AGAIN || rc == ERR_UNKNOWN) && again(&t));
    if (open && rc == ERR_CONFLICT)
        rc = settle_put(r, key, body, tag, err);
    else if (open && rc != ERR_OK && rc != ERR_UNKNOWN) {
        rc = ERR_UNKNOWN;
        if (err != NULL)
            err->code = rc;
        error_append(err, "An earlier attempt got no answer: whether %s was written is not known.",
                     key);
    }
    return finish(r, rc);
}

static int retry_swap(struct store *st, const char *key, const struct store_tag *expected,
                      const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct retry *r = retry_of(st);
    return finish(r, r->inner->ops->swap(r->inner, key, expected, body, tag, err));
}

static int retry_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    int rc;
    do {
        rc = r->inner->ops->move(r->inner, move, err);
    } while (rc == ERR_AGAIN && again(&t));
    return finish(r, rc);
}

/*
 * A listing that broke off begins again; what was already reported is skipped, which the order of
 * keys makes possible.
 */
struct relist {
    store_visit *visit;
    void *ctx;
    char *last;
    int refused; /* what the visitor itself returned */
};

static int visit_once(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct relist *l = ctx;
    if (l->last != NULL && strcmp(entry->key, l->last) <= 0)
        return ERR_OK;
    free(l->last);
    l->last = mem_strdup(entry->key);
    l->refused = l->visit(l->ctx, entry, err);
    return l->refused;
}

static int retry_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                      struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    struct relist l = {.visit = visit, .ctx = ctx};
    int rc;
    do {
        rc = r->inner->ops->list(r->inner, prefix, visit_once, &l, err);
    } while (l.refused == ERR_OK && read_again(&t, rc));
    free(l.last);
    return finish(r, rc);
}

static int retry_remove(struct store *st, const char *key, struct error *err)
{
    struct retry *r = retry_of(st);
    struct tries t = begin(r);
    int rc;
    do {
        rc = r->inner->ops->remove(r->inner, key, err);
    } while ((rc == ERR_AGAIN || rc == ERR_UNKNOWN) && again(&t));
    return finish(r, rc);
}

static int remove_singly(struct retry *r, const char *const *keys, size_t count, size_t *removed,
                         struct error *err)
{
    int first = ERR_OK;
    *removed = 0;
    for (size_t i = 0; i < count; i++) {
        struct error why = ERROR_INIT;
        int rc = retry_remove(&r->store, keys[i], &why);
        if (rc == ERR_OK)
            ++*removed;
        else if (first == ERR_OK) {
            first = rc;
            if (err != NULL)
                *err = why;
        }
    }
    return first;
}

static int retry_remove_many(struct store *st, const char *const *keys, size_t count,
                             size_t *removed, struct error *err)
{
    struct retry *r = retry_of(st);
    if (r->inner->ops->remove_many == NULL)
        return remove_singly(r, keys, count, removed, err);
    struct tries t = begin(r);
    int rc;
    do {
        rc = r->inner->ops->remove_many(r->inner, keys, count, removed, err);
    } while ((rc == ERR_AGAIN || rc == ERR_UNKNOWN) && again(&t));
    return finish(r, rc);
}

static int retry_put_many(struct store *st, const char *const *keys,
                          const struct store_body *bodies, size_t count, bool *written,
                          struct error *err)
{
    return store_parallel_put_many(st, retry_of(st)->policy.transfers, keys, bodies, count, written,
                                   err);
}

static int retry_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    struct retry *r = retry_of(st);
    if (r->inner->ops->local_path == NULL)
        return error_set(err, ERR_GATE,
                         "The objects of %s are not local files: read %s through the store.",
                         st->url, key);
    return r->inner->ops->local_path(r->inner, key, path, err);
}

static int retry_probe(struct store *st, struct error *err)
{
    struct retry *r = retry_of(st);
    if (r->inner->ops->probe == NULL)
        return ERR_OK;
    int rc = r->inner->ops->probe(r->inner, err);
    st->traits = r->inner->traits;
    return finish(r, rc);
}

static int retry_describe(struct store *st, struct str *out, struct error *err)
{
    return store_describe(retry_of(st)->inner, out, err);
}

static void retry_free(struct store *st)
{
    struct retry *r = retry_of(st);
    store_free(r->inner);
    free(st->url);
    free(r);
}

struct store *store_retry_new(struct store *inner, const struct store_retry_policy *policy)
{
    static const struct store_ops ops = {
        .get = retry_get,
        .get_file = retry_get_file,
        .head = retry_head,
        .put_new = retry_put_new,
        .swap = retry_swap,
        .move = retry_move,
        .list = retry_list,
        .remove = retry_remove,
        .remove_many = retry_remove_many,
        .put_many = retry_put_many,
        .local_path = retry_local_path,
        .probe = retry_probe,
        .describe = retry_describe,
        .free = retry_free,
    };
    struct retry *r = mem_calloc(1, sizeof *r);
    r->store.ops = &ops;
    r->store.traits = inner->traits;
    r->store.url = mem_strdup(inner->url);
    r->inner = inner;
    r->policy = complete_policy(policy);
    return &r->store;
}

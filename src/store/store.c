/* The front of every store: arguments are checked here, once; then the backend acts. */
#include "store/store.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "util/fs.h"
#include "util/mem.h"

void store_free(struct store *st)
{
    if (st != NULL)
        st->ops->free(st);
}

/* ---- Labels, tags, bodies, bills ----------------------------------------------------------- */

void store_label_set(struct store_label labels[STORE_LABELS_MAX], const char *name,
                     const char *value)
{
    assert(strlen(name) < sizeof labels[0].name && strlen(value) < sizeof labels[0].value);
    size_t i = 0;
    while (i < STORE_LABELS_MAX && labels[i].name[0] != '\0' && strcmp(labels[i].name, name) != 0)
        i++;
    assert(i < STORE_LABELS_MAX);
    memcpy(labels[i].name, name, strlen(name) + 1);
    memcpy(labels[i].value, value, strlen(value) + 1);
}

const char *store_label_get(const struct store_label labels[STORE_LABELS_MAX], const char *name)
{
    for (size_t i = 0; i < STORE_LABELS_MAX && labels[i].name[0] != '\0'; i++) {
        if (strcmp(labels[i].name, name) == 0)
            return labels[i].value;
    }
    return NULL;
}

static int check_labels(const struct store_label labels[STORE_LABELS_MAX], const char *key,
                        struct error *err)
{
    static const char name_chars[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
    for (size_t i = 0; i < STORE_LABELS_MAX && labels[i].name[0] != '\0'; i++) {
        size_t n = strnlen(labels[i].name, sizeof labels[i].name);
        size_t m = strnlen(labels[i].value, sizeof labels[i].value);
        bool good = n < sizeof labels[i].name && strspn(labels[i].name, name_chars) == n &&
                    m < sizeof labels[i].value;
        for (size_t j = 0; good && j < m; j++)
            good = labels[i].value[j] >= 0x20 && labels[i].value[j] < 0x7f;
        if (good)
            continue;
        error_set(err, ERR_CONFIG,
                  "Label %zu of %s is malformed: a name is made of a-z, 0-9 and \"-\", a value of "
                  "printable ASCII.",
                  i + 1, key);
        return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
    }
    return ERR_OK;
}

void store_tag_set(struct store_tag *tag, const char *text)
{
    if (tag == NULL)
        return;
    size_t n = strlen(text);
    assert(n < sizeof tag->text);
    memcpy(tag->text, text, n + 1);
}

bool store_tag_equal(const struct store_tag *a, const struct store_tag *b)
{
    return strcmp(a->text, b->text) == 0;
}

struct store_body store_body_bytes(const void *bytes, size_t size)
{
    struct store_body body = {.bytes = bytes, .size = size};
    sha256_hex(bytes, size, body.sha256);
    return body;
}

int store_body_file(const char *path, struct store_body *out, struct error *err)
{
    *out = (struct store_body){.path = path};
    return sha256_file(path, out->sha256, &out->size, err);
}

int store_body_verify(const struct store_body *body, const char *key, uint64_t size,
                      const char *sha256, struct error *err)
{
    if (size == body->size && strcmp(sha256, body->sha256) == 0)
        return ERR_OK;
    if (size != body->size)
        error_set(err, ERR_DAMAGED,
                  "The content for %s has %llu bytes, not %llu: it changed on the way.", key,
                  (unsigned long long)size, (unsigned long long)body->size);
    else
        error_set(err, ERR_DAMAGED,
                  "The content for %s has the SHA-256 %s, not %s: it changed on the way.", key,
                  sha256, body->sha256);
    return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED, "Run again.");
}

static int check_body(const struct store_body *body, const char *key, struct error *err)
{
    bool has_content = body->path != NULL || body->bytes != NULL || body->size == 0;
    if (has_content && digest_is_hex(body->sha256, 2 * SHA256_SIZE))
        return check_labels(body->labels, key, err);
    error_set(err, ERR_CONFIG,
              "The content for %s was given without its bytes or without its SHA-256.", key);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
}

void store_count(uint64_t *counter, uint64_t amount)
{
    __atomic_fetch_add(counter, amount, __ATOMIC_RELAXED);
}

void store_count_request(struct store *st, uint64_t *counter)
{
    store_count(counter, 1);
    store_count(&st->bill.requests, 1);
}

static void raise_to(uint64_t *counter, const uint64_t *from)
{
    uint64_t wanted = __atomic_load_n(from, __ATOMIC_RELAXED);
    uint64_t seen = __atomic_load_n(counter, __ATOMIC_RELAXED);
    while (seen < wanted && !__atomic_compare_exchange_n(counter, &seen, wanted, false,
                                                         __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
    }
}

void store_bill_pass(struct store *outer, const struct store *inner)
{
    struct store_bill *to = &outer->bill;
    const struct store_bill *from = &inner->bill;
    raise_to(&to->gets, &from->gets);
    raise_to(&to->heads, &from->heads);
    raise_to(&to->puts, &from->puts);
    raise_to(&to->swaps, &from->swaps);
    raise_to(&to->moves, &from->moves);
    raise_to(&to->lists, &from->lists);
    raise_to(&to->deletes, &from->deletes);
    raise_to(&to->bytes_read, &from->bytes_read);
    raise_to(&to->bytes_written, &from->bytes_written);
    raise_to(&to->requests, &from->requests);
    raise_to(&to->retries, &from->retries);
}

void store_bill_add(struct store_bill *to, const struct store_bill *from)
{
    store_count(&to->gets, from->gets);
    store_count(&to->heads, from->heads);
    store_count(&to->puts, from->puts);
    store_count(&to->swaps, from->swaps);
    store_count(&to->moves, from->moves);
    store_count(&to->lists, from->lists);
    store_count(&to->deletes, from->deletes);
    store_count(&to->bytes_read, from->bytes_read);
    store_count(&to->bytes_written, from->bytes_written);
    store_count(&to->requests, from->requests);
    store_count(&to->retries, from->retries);
}

/* ---- One object ---------------------------------------------------------------------------- */

/* Remove what was appended by a read that then failed. */
static void cut_back(struct str *body, size_t length, bool full)
{
    if (body->len > length) {
        body->len = length;
        body->data[length] = '\0';
    }
    body->full = full;
}

int store_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
              struct error *err)
{
    int rc = store_key_check(key, err);
    if (rc != ERR_OK)
        return rc;
    size_t length = body->len;
    bool full = body->full;
    rc = st->ops->get(st, key, body, tag, err);
    if (rc != ERR_OK)
        cut_back(body, length, full);
    return rc;
}

int store_get_file(struct store *st, const char *key, const char *path, struct store_tag *tag,
                   struct error *err)
{
    int rc = store_key_check(key, err);
    if (rc != ERR_OK)
        return rc;
    /* What is there may have another name elsewhere: it must not be written through. */
    rc = fs_remove(path, err);
    if (rc != ERR_OK)
        return rc;
    rc = st->ops->get_file(st, key, path, tag, err);
    if (rc != ERR_OK)
        fs_discard(path);
    return rc;
}

int store_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    *info = (struct store_info){0};
    int rc = store_key_check(key, err);
    return rc != ERR_OK ? rc : st->ops->head(st, key, info, err);
}

bool store_surely_unchanged(int rc)
{
    return rc == ERR_AGAIN || rc == ERR_FULL || rc == ERR_DENIED || rc == ERR_GATE ||
           rc == ERR_INTERRUPTED;
}

int store_put_new(struct store *st, const char *key, const struct store_body *body,
                  struct store_tag *tag, struct error *err)
{
    int rc = store_key_check(key, err);
    if (rc == ERR_OK)
        rc = check_body(body, key, err);
    return rc != ERR_OK ? rc : st->ops->put_new(st, key, body, tag, err);
}

int store_swap(struct store *st, const char *key, const struct store_tag *expected,
               const struct store_body *body, struct store_tag *tag, struct error *err)
{
    int rc = store_key_check(key, err);
    if (rc == ERR_OK)
        rc = check_body(body, key, err);
    return rc != ERR_OK ? rc : st->ops->swap(st, key, expected, body, tag, err);
}

int store_move(struct store *st, const struct store_move *move, struct error *err)
{
    const char *keys[] = {move->from, move->to, move->guard};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        int rc = store_key_check(keys[i], err);
        if (rc != ERR_OK)
            return rc;
    }
    bool distinct = strcmp(move->from, move->to) != 0 && strcmp(move->from, move->guard) != 0 &&
                    strcmp(move->to, move->guard) != 0;
    if (!distinct || move->guard_tag == NULL) {
        error_set(err, ERR_CONFIG,
                  "%s cannot be moved to %s under the guard %s: these are three different objects, "
                  "and the state of the guard has to be known.",
                  move->from, move->to, move->guard);
        return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
    }
    int rc = check_labels(move->labels, move->to, err);
    return rc != ERR_OK ? rc : st->ops->move(st, move, err);
}

int store_remove(struct store *st, const char *key, struct error *err)
{
    int rc = store_key_check(key, err);
    return rc != ERR_OK ? rc : st->ops->remove(st, key, err);
}

int store_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    *path = NULL;
    int rc = store_key_check(key, err);
    if (rc != ERR_OK)
        return rc;
    if (st->ops->local_path == NULL)
        return error_set(err, ERR_GATE,
                         "The objects of %s are not local files: read %s through the store.",
                         st->url, key);
    return st->ops->local_path(st, key, path, err);
}

int store_probe(struct store *st, struct error *err)
{
    return st->ops->probe == NULL ? ERR_OK : st->ops->probe(st, err);
}

int store_describe(struct store *st, struct str *out, struct error *err)
{
    if (st->ops->describe != NULL)
        return st->ops->describe(st, out, err);
    str_printf(out, "%s.", st->url);
    return str_check(out, "The description of the store", err);
}

/* ---- Many objects -------------------------------------------------------------------------- */

int store_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
               struct error *err)
{
    int rc = store_prefix_check(prefix, err);
    return rc != ERR_OK ? rc : st->ops->list(st, prefix, visit, ctx, err);
}

static int check_keys(const char *const *keys, size_t count, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = store_key_check(keys[i], err);
    return rc;
}

/* The first failure is kept; later ones have no room in `err`. */
static int remove_each(struct store *st, const char *const *keys, size_t count, size_t *removed,
                       struct error *err)
{
    int first = ERR_OK;
    for (size_t i = 0; i < count; i++) {
        int rc = st->ops->remove(st, keys[i], first == ERR_OK ? err : NULL);
        if (rc == ERR_OK)
            (*removed)++;
        else if (first == ERR_OK)
            first = rc;
    }
    return first;
}

int store_remove_many(struct store *st, const char *const *keys, size_t count, size_t *removed,
                      struct error *err)
{
    size_t ignored;
    if (removed == NULL)
        removed = &ignored;
    *removed = 0;
    int rc = check_keys(keys, count, err);
    if (rc != ERR_OK || count == 0)
        return rc;
    if (st->ops->remove_many != NULL)
        return st->ops->remove_many(st, keys, count, removed, err);
    return remove_each(st, keys, count, removed, err);
}

/* Ends at the first failure: what was not begun is surely not there because of this call. */
static int put_each(struct store *st, const char *const *keys, const struct store_body *bodies,
                    size_t count, bool *written, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        rc = st->ops->put_new(st, keys[i], &bodies[i], NULL, err);
        written[i] = rc == ERR_OK || rc == ERR_UNKNOWN;
    }
    return rc;
}

int store_put_many(struct store *st, const char *const *keys, const struct store_body *bodies,
                   size_t count, bool *written, struct error *err)
{
    for (size_t i = 0; i < count; i++)
        written[i] = false;
    int rc = check_keys(keys, count, err);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = check_body(&bodies[i], keys[i], err);
    if (rc != ERR_OK || count == 0)
        return rc;
    if (st->ops->put_many != NULL)
        return st->ops->put_many(st, keys, bodies, count, written, err);
    return put_each(st, keys, bodies, count, written, err);
}

int store_each(struct store *st, size_t count, store_task *task, void *ctx, struct error *err)
{
    unsigned threads = st->traits.parallel > 0 ? st->traits.parallel : 1;
    return store_parallel(count, threads, true, task, ctx, err);
}

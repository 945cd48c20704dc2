#include "catalog/lease.h"

#include <string.h>

#include "catalog/register.h"
#include "util/json.h"
#include "util/time.h"

#define FORMAT 1
#define LEASE_SIZE_MAX 65536

/* The longest that a configuration may ask for: 7 days. */
#define LEASE_TTL_MAX INT64_C(604800000000)

static void write_lease(const struct lease *lease, struct str *out)
{
    struct json *root = json_new_object();
    json_set_integer(root, "format", FORMAT);
    json_set_string(root, "holder", lease->holder);
    json_set_string(root, "id", lease->id);
    json_set_unsigned(root, "epoch", lease->epoch);
    json_set_integer(root, "expires", lease->expires);
    json_set_integer(root, "ttl", lease->ttl);
    json_write(root, true, out);
    json_free(root);
}

static void copy_text(char *out, size_t size, const char *text)
{
    size_t n = strlen(text) < size ? strlen(text) : size - 1;
    memcpy(out, text, n);
    out[n] = '\0';
}

static int parse_lease(const struct str *text, const char *key, struct lease *out,
                       struct error *err)
{
    struct json *root = NULL;
    const char *holder = "";
    const char *id = "";
    uint64_t format = 0;
    int rc = json_parse(text->data, text->len, key, &root, err);
    if (rc == ERR_OK)
        rc = json_need_unsigned(root, "format", "lease", &format, err);
    if (rc == ERR_OK && format != FORMAT)
        rc = error_set(err, ERR_DAMAGED,
                       "The lease %s is of format %llu, which this version of "
                       "cauce does not know.",
                       key, (unsigned long long)format);
    if (rc == ERR_OK)
        rc = json_need_string(root, "holder", "lease", &holder, err);
    if (rc == ERR_OK)
        rc = json_need_string(root, "id", "lease", &id, err);
    if (rc == ERR_OK)
        rc = json_need_unsigned(root, "epoch", "lease", &out->epoch, err);
    if (rc == ERR_OK)
        rc = json_need_integer(root, "expires", "lease", &out->expires, err);
    if (rc == ERR_OK)
        out->ttl = json_integer(json_get(root, "ttl"));
    copy_text(out->holder, sizeof out->holder, holder);
    copy_text(out->id, sizeof out->id, id);
    json_free(root);
    return rc;
}

static int read_lease(struct store *st, const char *key, struct lease *out, struct error *err)
{
    struct str text;
    *out = (struct lease){0};
    str_init(&text, LEASE_SIZE_MAX);
    int rc = register_read(st, key, &text, &out->tag, err);
    if (rc == ERR_OK)
        rc = parse_lease(&text, key, out, err);
    str_release(&text);
    copy_text(out->key, sizeof out->key, key);
    return rc;
}

/* register_history: whoever holds it now, we do not, whether we did in between or not. */
static int see_holder(void *ctx, const struct str *now, const struct store_tag *tag, bool *ours,
                      struct error *err)
{
    struct lease *seen = ctx;
    (void)tag;
    *ours = false;
    return parse_lease(now, seen->key, seen, err);
}

/* Replace the state `expected` (NULL: none) by `lease`. */
static int swap_lease(struct store *st, struct lease *lease, const struct store_tag *expected,
                      struct error *err)
{
    struct str text;
    struct lease seen = *lease;
    struct register_answer answer = {0};
    struct register_change change = {.store = st,
                                     .key = lease->key,
                                     .expected = expected,
                                     .bytes = &text,
                                     .looks = 1,
                                     .history = see_holder,
                                     .ctx = &seen};
    str_init(&text, LEASE_SIZE_MAX);
    write_lease(lease, &text);
    int rc = str_check(&text, lease->key, err);
    if (rc == ERR_OK)
        rc = register_change(&change, &answer, err);
    str_release(&text);
    if (rc == ERR_OK)
        lease->tag = answer.tag;
    else if (rc == ERR_CONFLICT)
        error_set(err, rc, "The lease %s was taken by %s.", lease->key, seen.holder);
    else if (rc == ERR_UNKNOWN)
        error_set(err, rc, "Whether the lease %s is held is not known: the store gave no answer.",
                  lease->key);
    return rc;
}

/* Leases of older programs do not state their ttl: that of the caller is assumed. */
static bool is_held(const struct lease *seen, int64_t now, int64_t duration)
{
    int64_t ttl = seen->ttl > 0 && seen->ttl <= LEASE_TTL_MAX ? seen->ttl : duration;
    return seen->expires > now && seen->expires - now <= 2 * ttl;
}

int lease_take(struct store *st, const char *key, const char *holder, int64_t duration,
               struct lease *out, struct error *err)
{
    struct lease seen;
    int rc = store_key_check(key, err);
    if (rc == ERR_OK)
        rc = read_lease(st, key, &seen, err);
    bool there = rc == ERR_OK;
    if (rc != ERR_OK && rc != ERR_ABSENT)
        return rc;
    int64_t now = time_now();
    if (there && is_held(&seen, now, duration)) {
        char until[TIME_TEXT_SIZE];
        time_label(seen.expires, until);
        return error_set(err, ERR_CONFLICT, "The lease %s is held by %s until %s.", key,
                         seen.holder, until);
    }
    *out = (struct lease){
        .epoch = there ? seen.epoch + 1 : 1, .expires = now + duration, .ttl = duration};
    copy_text(out->key, sizeof out->key, key);
    copy_text(out->holder, sizeof out->holder, holder);
    id_new(out->id);
    return swap_lease(st, out, there ? &seen.tag : NULL, err);
}

int lease_renew(struct store *st, struct lease *lease, int64_t duration, struct error *err)
{
    struct lease next = *lease;
    next.expires = time_now() + duration;
    next.ttl = duration;
    int rc = swap_lease(st, &next, &lease->tag, err);
    if (rc == ERR_OK)
        *lease = next;
    return rc;
}

int lease_give_back(struct store *st, struct lease *lease, struct error *err)
{
    struct lease over = *lease;
    over.expires = 0;
    int rc = swap_lease(st, &over, &lease->tag, err);
    return rc == ERR_CONFLICT ? ERR_OK : rc;
}

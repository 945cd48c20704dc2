#include "derived/index/state.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "util/invariant.h"
#include "util/mem.h"

static const char where[] = "the index manifest";

void index_release(struct index_state *s)
{
    for (size_t i = 0; i < s->shard_count; i++)
        json_free(s->shards[i].lower);
    free(s->shards);
    manifest_source_release(&s->source);
    *s = (struct index_state){0};
}

void index_add_shard(struct index_state *s, const struct index_shard *shard)
{
    s->shards = mem_grow(s->shards, s->shard_count, &s->shard_capacity, sizeof *s->shards);
    struct index_shard *copy = &s->shards[s->shard_count++];
    *copy = *shard;
    copy->lower = shard->lower != NULL ? json_copy(shard->lower) : NULL;
}

size_t index_find(const struct index_state *s, int32_t partition)
{
    size_t low = 0;
    size_t high = s->by_partition ? s->shard_count : 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (s->shards[middle].partition < partition)
            low = middle + 1;
        else
            high = middle;
    }
    bool there = low < s->shard_count && s->by_partition && s->shards[low].partition == partition;
    return there ? low : SIZE_MAX;
}

/* ---- Codec --------------------------------------------------------------------------------- */

static struct json *encode_shard(const struct index_shard *s, bool by_partition)
{
    struct json *shard = json_new_object();
    json_set_string(shard, "key", s->key);
    json_set_unsigned(shard, "size", s->size);
    json_set_string(shard, "sha256", s->sha256);
    field_set_keys(shard, "rows", &s->digest);
    if (by_partition)
        json_set_integer(shard, "partition", s->partition);
    else
        json_set(shard, "lower", json_copy(s->lower));
    return shard;
}

void index_encode(const struct index_state *s, struct str *out)
{
    struct json *root = json_new_object();
    struct json *shards = json_new_array();
    for (size_t i = 0; i < s->shard_count; i++)
        json_append(shards, encode_shard(&s->shards[i], s->by_partition));
    json_set_integer(root, "format", INDEX_FORMAT);
    field_set_optional_version(root, &s->stamp);
    json_set_string(root, "attempt", s->attempt);
    json_set_unsigned(root, "gc_epoch", s->gc_epoch);
    json_set_string(root, "cut", s->by_partition ? "partition" : "range");
    field_set_keys(root, "keys", &s->keys);
    json_set(root, "shards", shards);
    json_set(root, "source", s->has_source ? manifest_source_encode(&s->source) : json_new_null());
    field_write(root, out);
}

/* Which keys the shard holds: a partition, or all from `lower` on. Only the first has no bound. */
static int decode_cut(const struct json *value, const char *at, bool by_partition, bool first,
                      struct index_shard *out, struct error *err)
{
    int64_t partition;
    const struct json *lower;
    int rc;
    if (by_partition) {
        if ((rc = json_need_integer(value, "partition", at, &partition, err)) != ERR_OK)
            return rc;
        if (partition < 0 || partition > 99991231)
            return field_bad(err, "partition", at, "is out of range");
        out->partition = (int32_t)partition;
        return ERR_OK;
    }
    if (first && json_is_null(json_get(value, "lower")))
        return ERR_OK;
    if ((rc = json_need_array(value, "lower", at, &lower, err)) != ERR_OK)
        return rc;
    if (json_count(lower) == 0)
        return field_bad(err, "lower", at, "is empty");
    for (size_t i = 0; i < json_count(lower); i++) {
        const struct json *part = json_at(lower, i);
        if (json_is_object(part) || json_is_array(part))
            return field_bad(err, "lower", at, "contains something that is not a plain value");
    }
    out->lower = json_copy(lower);
    return ERR_OK;
}

static int decode_shard(const struct json *value, size_t i, bool by_partition,
                        struct index_shard *out, struct error *err)
{
    char at[FIELD_WHERE_SIZE];
    const char *key;
    struct version_id attempt;
    int rc;
    snprintf(at, sizeof at, "shards[%zu]", i);
    if ((rc = json_need_string(value, "key", at, &key, err)) != ERR_OK)
        return rc;
    if (index_parse_shard_key(key, &attempt, NULL) != ERR_OK)
        return field_bad(err, "key", at, "is not the key of a shard of the index");
    field_copy(out->key, sizeof out->key, key);
    if ((rc = json_need_unsigned(value, "size", at, &out->size, err)) != ERR_OK ||
        (rc = field_sha256(value, "sha256", at, out->sha256, err)) != ERR_OK ||
        (rc = field_keys(value, "rows", at, &out->digest, err)) != ERR_OK)
        return rc;
    return decode_cut(value, at, by_partition, i == 0, out, err);
}

/* No shard occurs twice, and together they hold what the index holds. */
static int check_shards(const struct index_state *s, struct error *err)
{
    const char *twice = NULL;
    struct key_digest sum = {0};
    const char **keys = mem_calloc(s->shard_count, sizeof *keys);
    for (size_t i = 0; i < s->shard_count; i++) {
        keys[i] = s->shards[i].key;
        key_digest_add(&sum, &s->shards[i].digest);
    }
    bool distinct = field_distinct(keys, s->shard_count, &twice);
    free(keys);
    if (!distinct)
        return error_set(err, ERR_DAMAGED, "The shard %s is named twice.", twice);
    if (!key_digest_equal(&sum, &s->keys))
        return error_set(err, ERR_DAMAGED,
                         "The shards hold %" PRIu64 " keys together, and the index states %" PRIu64
                         ", or their digests differ.",
                         sum.count, s->keys.count);
    return ERR_OK;
}

static int decode_shards(const struct json *root, struct index_state *s, struct error *err)
{
    const struct json *shards;
    const char *cut;
    int rc;
    if ((rc = json_need_string(root, "cut", where, &cut, err)) != ERR_OK ||
        (rc = json_need_array(root, "shards", where, &shards, err)) != ERR_OK)
        return rc;
    s->by_partition = strcmp(cut, "partition") == 0;
    if (!s->by_partition && strcmp(cut, "range") != 0)
        return field_bad(err, "cut", where, "is neither partition nor range");
    size_t count = json_count(shards);
    s->shards = mem_calloc(count, sizeof *s->shards);
    s->shard_capacity = count;
    for (size_t i = 0; rc == ERR_OK && i < count; i++) {
        s->shard_count = i + 1;
        rc = decode_shard(json_at(shards, i), i, s->by_partition, &s->shards[i], err);
        bool ascends = i == 0 || s->shards[i - 1].partition < s->shards[i].partition;
        if (rc == ERR_OK && s->by_partition && !ascends)
            rc = field_bad(err, "shards", where, "does not ascend by partition");
    }
    return rc == ERR_OK ? check_shards(s, err) : rc;
}

static int decode_root(const struct json *root, struct index_state *s, struct error *err)
{
    const struct json *source;
    int rc;
    if ((rc = field_format(root, where, INDEX_FORMAT, err)) != ERR_OK ||
        (rc = field_optional_version(root, where, &s->stamp, err)) != ERR_OK ||
        (rc = field_id(root, "attempt", where, s->attempt, err)) != ERR_OK ||
        (rc = json_need_unsigned(root, "gc_epoch", where, &s->gc_epoch, err)) != ERR_OK ||
        (rc = field_keys(root, "keys", where, &s->keys, err)) != ERR_OK ||
        (rc = decode_shards(root, s, err)) != ERR_OK)
        return rc;
    if (json_is_null(json_get(root, "source")))
        return ERR_OK;
    if ((rc = json_need_object(root, "source", where, &source, err)) != ERR_OK)
        return rc;
    s->has_source = true;
    return manifest_source_decode(source, &s->source, err);
}

int index_decode(const char *bytes, size_t count, struct index_state *out, struct error *err)
{
    struct json *root = NULL;
    *out = (struct index_state){0};
    int rc = json_parse(bytes, count, where, &root, err);
    if (rc == ERR_OK)
        rc = decode_root(root, out, err);
    json_free(root);
    if (rc != ERR_OK) {
        index_release(out);
        error_prefix(err, INDEX_ROOT);
    }
    return rc;
}

/* ---- In the store -------------------------------------------------------------------------- */

int index_read(struct store *st, struct index_state *out, struct error *err)
{
    struct str body;
    struct store_tag tag = {""};
    *out = (struct index_state){0};
    str_init(&body, INDEX_MAX_BYTES);
    int rc = register_read(st, INDEX_ROOT, &body, &tag, err);
    if (rc == ERR_OK)
        rc = index_decode(body.data, body.len, out, err);
    str_release(&body);
    out->tag = tag;
    return rc;
}

int index_swap(struct store *st, const struct store_tag *expected, struct index_state *next,
               struct error *err)
{
    /* Else two states could be alike. */
    assert(id_valid(next->attempt));
    struct str bytes;
    str_init(&bytes, INDEX_MAX_BYTES);
    index_encode(next, &bytes);
    int rc = register_swap(st, INDEX_ROOT, expected, &bytes, &next->tag, err);
    str_release(&bytes);
    return rc;
}

/* ---- Freshness ----------------------------------------------------------------------------- */

/* What the ancestor that an index names says of its keys. */
struct ancestor {
    struct version_id stamp;
    struct key_digest keys;
    bool found;
};

static int find_ancestor(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct ancestor *a = ctx;
    (void)err;
    a->found = version_id_equal(&m->version, &a->stamp);
    a->keys = m->keys;
    *stop = m->version.sequence <= a->stamp.sequence;
    return ERR_OK;
}

static enum index_freshness judge(const struct key_digest *keys, const struct index_state *s,
                                  enum index_freshness if_equal, const char **reason)
{
    static const char *const good[] = {
        [INDEX_FRESH] = "it reflects the current version",
        [INDEX_BEHIND] = "it reflects an older version",
    };
    if (keys->count != s->keys.count)
        *reason = "its number of keys is not that of the version it names";
    else if (!key_digest_equal(keys, &s->keys))
        *reason = "its key-set digest is not that of the version it names";
    else
        *reason = good[if_equal];
    return key_digest_equal(keys, &s->keys) ? if_equal : INDEX_INVALID;
}

static int compare_ancestor(struct store *st, const struct base *base, const struct index_state *s,
                            enum index_freshness *out, const char **reason, struct error *err)
{
    struct ancestor a = {.stamp = s->stamp};
    int rc = catalog_walk(st, base, find_ancestor, &a, err);
    if (rc != ERR_OK)
        return rc;
    *out = INDEX_INVALID;
    *reason = "the version it names was never published";
    if (a.found)
        *out = judge(&a.keys, s, INDEX_BEHIND, reason);
    return ERR_OK;
}

int index_compare(struct store *st, const struct base *base, const struct index_state *s,
                  enum index_freshness *out, const char **reason, struct error *err)
{
    static const struct key_digest none = {0};
    const struct pointer *p = &base->pointer;
    *out = INDEX_INVALID;
    if (s->stamp.sequence > p->current.sequence) {
        *reason = "it is ahead of the pointer";
    } else if (s->stamp.sequence == 0) {
        *out = judge(&none, s, p->current.sequence == 0 ? INDEX_FRESH : INDEX_BEHIND, reason);
    } else if (version_id_equal(&s->stamp, &p->current)) {
        *out = judge(&base->manifest.keys, s, INDEX_FRESH, reason);
    } else if (s->stamp.sequence < p->oldest_sequence) {
        *reason = "the version it names is no longer kept";
    } else if (s->stamp.sequence >= p->recent[p->recent_count - 1].sequence &&
               !pointer_mentions(p, &s->stamp)) {
        *reason = "the version it names was never published";
    } else {
        return compare_ancestor(st, base, s, out, reason, err);
    }
    invariant(9, *out != INDEX_FRESH || s->stamp.sequence == p->current.sequence);
    return ERR_OK;
}

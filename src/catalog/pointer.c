#include "catalog/pointer.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "util/id.h"
#include "util/invariant.h"
#include "util/json.h"

static const char where[] = "the pointer";

void pointer_init(struct pointer *p, const char *dataset)
{
    *p = (struct pointer){.key_seed = id_random64()};
    field_copy(p->dataset, sizeof p->dataset, dataset);
    id_new(p->current.commit);
    id_new(p->nonce);
}

void pointer_next(const struct pointer *base, const struct version_id *version,
                  const char *manifest_key, const char *manifest_sha256, struct pointer *next)
{
    invariant(1, version->sequence == base->current.sequence + 1);
    *next = *base;
    next->current = *version;
    field_copy(next->manifest_key, sizeof next->manifest_key, manifest_key);
    field_copy(next->manifest_sha256, sizeof next->manifest_sha256, manifest_sha256);
    id_new(next->nonce);
    size_t kept =
        base->recent_count < POINTER_RECENT ? base->recent_count : (size_t)POINTER_RECENT - 1;
    memcpy(next->recent + 1, base->recent, kept * sizeof *base->recent);
    next->recent[0] = *version;
    next->recent_count = kept + 1;
    invariant(1, kept == 0 || version_id_equal(&next->recent[1], &base->current));
    invariant(6, next->gc_epoch == base->gc_epoch);
}

void pointer_fenced(const struct pointer *base, struct pointer *next)
{
    *next = *base;
    next->gc_epoch++;
    id_new(next->nonce);
    invariant(6, next->gc_epoch > base->gc_epoch);
    invariant(1, version_id_equal(&next->current, &base->current));
}

bool pointer_mentions(const struct pointer *p, const struct version_id *version)
{
    for (size_t i = 0; i < p->recent_count; i++) {
        if (version_id_equal(&p->recent[i], version))
            return true;
    }
    return false;
}

static struct json *encode_recent(const struct pointer *p)
{
    struct json *list = json_new_array();
    for (size_t i = 0; i < p->recent_count; i++) {
        struct json *pair = json_new_array();
        json_append(pair, json_new_integer((int64_t)p->recent[i].sequence));
        json_append(pair, json_new_string(p->recent[i].commit));
        json_append(list, pair);
    }
    return list;
}

void pointer_encode(const struct pointer *p, struct str *out)
{
    struct json *root = json_new_object();
    json_set_integer(root, "format", POINTER_FORMAT);
    json_set_string(root, "dataset_id", p->dataset);
    if (p->current.sequence > 0) {
        char name[LAYOUT_NAME_SIZE];
        layout_name(&p->current, name);
        json_set_string(root, "current_version", name);
    } else {
        json_set(root, "current_version", json_new_null());
    }
    field_set_version(root, &p->current);
    if (p->current.sequence > 0) {
        struct json *manifest = json_new_object();
        json_set_string(manifest, "key", p->manifest_key);
        json_set_string(manifest, "sha256", p->manifest_sha256);
        json_set(root, "manifest", manifest);
    } else {
        json_set(root, "manifest", json_new_null());
    }
    json_set_unsigned(root, "gc_epoch", p->gc_epoch);
    json_set_unsigned(root, "oldest_sequence", p->oldest_sequence);
    field_set_bits(root, "key_seed", p->key_seed);
    json_set_string(root, "nonce", p->nonce);
    json_set(root, "recent", encode_recent(p));
    field_write(root, out);
}

/* `current_version` and `manifest` must agree with `sequence` and `commit`. */
static int decode_version(const struct json *root, struct pointer *p, struct error *err)
{
    char expected[LAYOUT_KEY_SIZE];
    const char *text;
    const struct json *manifest;
    int rc = field_version(root, where, &p->current, err);
    if (rc != ERR_OK)
        return rc;
    if (p->current.sequence == 0) {
        if (json_is_null(json_get(root, "current_version")) &&
            json_is_null(json_get(root, "manifest")))
            return ERR_OK;
        return field_bad(err, "current_version", where, "names a version, but the sequence is 0");
    }
    if ((rc = json_need_string(root, "current_version", where, &text, err)) != ERR_OK)
        return rc;
    layout_name(&p->current, expected);
    if (strcmp(text, expected) != 0)
        return field_bad(err, "current_version", where, "does not fit its sequence and commit");
    if ((rc = json_need_object(root, "manifest", where, &manifest, err)) != ERR_OK ||
        (rc = json_need_string(manifest, "key", "the pointer's manifest", &text, err)) != ERR_OK)
        return rc;
    layout_manifest(&p->current, p->manifest_key);
    if (strcmp(text, p->manifest_key) != 0)
        return field_bad(err, "key", "the pointer's manifest",
                         "is not the key of the version's manifest");
    return field_sha256(manifest, "sha256", "the pointer's manifest", p->manifest_sha256, err);
}

/* [sequence, commit], which must be that sequence. */
static int decode_pair(const struct json *pair, uint64_t sequence, struct version_id *out,
                       struct error *err)
{
    struct json *object = json_new_object();
    json_set(object, "sequence", json_copy(json_at(pair, 0)));
    json_set(object, "commit", json_copy(json_at(pair, 1)));
    int rc = field_version(object, "an entry of recent", out, err);
    json_free(object);
    if (rc == ERR_OK && out->sequence != sequence)
        rc = field_bad(err, "recent", where,
                       "is not contiguous: %" PRIu64 " stands where %" PRIu64 " belongs",
                       out->sequence, sequence);
    return rc;
}

static int decode_recent(const struct json *root, struct pointer *p, struct error *err)
{
    const struct json *list;
    int rc = json_need_array(root, "recent", where, &list, err);
    size_t count = json_count(list);
    if (rc != ERR_OK)
        return rc;
    if (count > POINTER_RECENT || count > p->current.sequence ||
        (count == 0 && p->current.sequence > 0))
        return field_bad(err, "recent", where, "has %zu entries", count);
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = decode_pair(json_at(list, i), p->current.sequence - i, &p->recent[i], err);
    p->recent_count = count;
    if (rc == ERR_OK && count > 0 && !version_id_equal(&p->recent[0], &p->current))
        rc = field_bad(err, "recent", where, "does not begin with the current version");
    return rc;
}

static int decode_root(const struct json *root, struct pointer *p, struct error *err)
{
    const char *dataset;
    int rc = field_format(root, where, POINTER_FORMAT, err);
    if (rc != ERR_OK || (rc = json_need_string(root, "dataset_id", where, &dataset, err)) != ERR_OK)
        return rc;
    if (!field_dataset_valid(dataset))
        return field_bad(err, "dataset_id", where, "is not the id of a dataset");
    field_copy(p->dataset, sizeof p->dataset, dataset);
    if ((rc = decode_version(root, p, err)) != ERR_OK ||
        (rc = json_need_unsigned(root, "gc_epoch", where, &p->gc_epoch, err)) != ERR_OK ||
        (rc = json_need_unsigned(root, "oldest_sequence", where, &p->oldest_sequence, err)) !=
            ERR_OK ||
        (rc = field_bits(root, "key_seed", where, &p->key_seed, err)) != ERR_OK ||
        (rc = field_id(root, "nonce", where, p->nonce, err)) != ERR_OK)
        return rc;
    if (p->oldest_sequence > p->current.sequence)
        return field_bad(err, "oldest_sequence", where, "is beyond the current version");
    return decode_recent(root, p, err);
}

int pointer_decode(const char *bytes, size_t count, struct pointer *out, struct error *err)
{
    struct json *root = NULL;
    struct pointer p = {0};
    int rc = json_parse(bytes, count, where, &root, err);
    if (rc == ERR_OK)
        rc = decode_root(root, &p, err);
    json_free(root);
    if (rc == ERR_OK)
        *out = p;
    else
        error_prefix(err, LAYOUT_POINTER);
    return rc;
}

int pointer_read(struct store *st, struct pointer *out, struct store_tag *tag, struct error *err)
{
    struct str body;
    str_init(&body, POINTER_MAX_BYTES);
    int rc = register_read(st, LAYOUT_POINTER, &body, tag, err);
    if (rc == ERR_OK)
        rc = pointer_decode(body.data, body.len, out, err);
    str_release(&body);
    if (rc != ERR_DAMAGED)
        return rc;
    error_append(err, "The pointer of %s cannot be used.", st->url);
    return error_tell(err, rc, ERROR_UNCHANGED,
                      "`cauce repair --to MANIFEST` sets it to a version explicitly.");
}

int pointer_swap(struct store *st, const struct store_tag *expected, const struct pointer *next,
                 struct store_tag *tag, struct error *err)
{
    struct str bytes;
    str_init(&bytes, POINTER_MAX_BYTES);
    pointer_encode(next, &bytes);
    int rc = register_swap(st, LAYOUT_POINTER, expected, &bytes, tag, err);
    str_release(&bytes);
    return rc;
}

/*
 * Setting a lost or damaged pointer, by explicit word only. The chain from the manifest that was
 * named must be whole: every manifest, and every event file with its size. What newer versions
 * published becomes unreachable, so nothing here ever chooses a manifest by itself.
 */
#include "catalog/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/index.h"
#include "catalog/inventory.h"
#include "catalog/projection.h"
#include "catalog/slot.h"
#include "util/digest.h"
#include "util/id.h"

/* A damaged pointer may be of any size; beyond this it is for somebody's hand. */
#define DAMAGED_MAX_BYTES ((size_t)16 << 20)

/* The pointer as it was found. */
struct found {
    bool exists;
    bool intact;
    struct pointer pointer;
    struct store_tag tag;
};

static int read_found(struct store *st, struct found *out, struct error *err)
{
    struct str body;
    *out = (struct found){0};
    str_init(&body, DAMAGED_MAX_BYTES);
    int rc = slot_read(st, LAYOUT_POINTER, &body, &out->tag, err);
    out->exists = rc == ERR_OK;
    if (rc == ERR_OK)
        rc = pointer_decode(body.data, body.len, &out->pointer, err);
    out->intact = rc == ERR_OK;
    str_release(&body);
    bool repairable = rc == ERR_OK || rc == ERR_ABSENT || (rc == ERR_DAMAGED && out->exists);
    if (!repairable)
        return rc;
    error_clear(err);
    return ERR_OK;
}

/* The chain below the new pointer. */
struct chain {
    const struct inventory *events;
    struct pointer *pointer;
};

static int check_file(const struct chain *c, const struct manifest_file *file, struct error *err)
{
    const struct inventory_item *item = inventory_find(c->events, file->key);
    if (item != NULL && item->size == file->size)
        return ERR_OK;
    return error_set(err, ERR_DAMAGED,
                     "The pointer was not set: %s, which version %" PRIu64 " names, %s. Restore "
                     "it, or name the manifest of an older version.",
                     file->key, file->sequence, item == NULL ? "is missing" : "has another size");
}

static int check_version(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct chain *c = ctx;
    int rc = ERR_OK;
    (void)stop;
    for (size_t i = 0; rc == ERR_OK && i < m->files.count; i++)
        rc = check_file(c, &m->files.items[i], err);
    if (c->pointer->recent_count < POINTER_RECENT)
        c->pointer->recent[c->pointer->recent_count++] = m->version;
    return rc;
}

/* Walk and check the chain; fills in `recent` of the pointer. */
static int check_chain(struct store *st, struct base *base, struct error *err)
{
    struct inventory events;
    int rc = inventory_list(st, "events/", &events, err);
    if (rc != ERR_OK)
        return rc;
    struct pointer filled = base->pointer;
    struct chain chain = {.events = &events, .pointer = &filled};
    rc = catalog_walk(st, base, check_version, &chain, err);
    base->pointer = filled;
    inventory_release(&events);
    return rc;
}

/* The hash that the new pointer will state: of the bytes that are there. */
static int hash_manifest(struct store *st, const char *key, char out[SHA256_HEX_SIZE],
                         struct error *err)
{
    struct str body;
    str_init(&body, MANIFEST_MAX_BYTES);
    int rc = store_get(st, key, &body, NULL, err);
    if (rc == ERR_OK)
        sha256_hex(body.data, body.len, out);
    str_release(&body);
    return rc;
}

/* An epoch beyond every one seen, so that a repair fences like a gc. Best effort: it is a label. */
static uint64_t next_epoch(struct store *st, const struct found *found)
{
    struct index_state index = {0};
    struct projection_state projection = {0};
    uint64_t epoch = found->intact ? found->pointer.gc_epoch : 0;
    if (index_read(st, &index, NULL) == ERR_OK && index.gc_epoch > epoch)
        epoch = index.gc_epoch;
    if (projection_read(st, &projection, NULL) == ERR_OK && projection.gc_epoch > epoch)
        epoch = projection.gc_epoch;
    projection_release(&projection);
    index_release(&index);
    return epoch + 1;
}

static int build(struct store *st, const char *key, const struct found *found, struct base *out,
                 struct error *err)
{
    struct pointer *p = &out->pointer;
    *out = (struct base){0};
    int rc = hash_manifest(st, key, p->manifest_sha256, err);
    if (rc == ERR_OK)
        rc = catalog_read_manifest(st, key, p->manifest_sha256, &out->manifest, err);
    if (rc != ERR_OK)
        return rc;
    const struct manifest *m = &out->manifest;
    field_copy(p->dataset, sizeof p->dataset, m->dataset);
    field_copy(p->manifest_key, sizeof p->manifest_key, key);
    p->current = m->version;
    p->key_seed = m->key_seed;
    if (found->intact && found->pointer.oldest_sequence <= m->version.sequence)
        p->oldest_sequence = found->pointer.oldest_sequence;
    p->gc_epoch = next_epoch(st, found);
    id_new(p->nonce);
    return check_chain(st, out, err);
}

static int check_replace(const struct found *found, const struct base *next, bool allow_replace,
                         struct error *err)
{
    const struct pointer *p = &found->pointer;
    if (!found->intact)
        return ERR_OK;
    if (strcmp(p->dataset, next->pointer.dataset) != 0)
        return error_set(err, ERR_GATE,
                         "The pointer was left as it is: it belongs to the dataset \"%s\", and the "
                         "manifest to \"%s\".",
                         p->dataset, next->pointer.dataset);
    if (allow_replace)
        return ERR_OK;
    return error_set(err, ERR_GATE,
                     "The pointer was left as it is: it is intact and names version %" PRIu64
                     ". Replacing an intact pointer must be asked for explicitly, because what was "
                     "published after the version it is set to becomes unreachable.",
                     p->current.sequence);
}

static int put(struct store *st, const struct found *found, const struct pointer *next,
               struct error *err)
{
    struct str bytes;
    str_init(&bytes, POINTER_MAX_BYTES);
    pointer_encode(next, &bytes);
    int rc = slot_swap(st, LAYOUT_POINTER, found->exists ? &found->tag : NULL, &bytes, NULL, err);
    str_release(&bytes);
    if (rc == ERR_CONFLICT)
        return error_set(err, rc,
                         "The pointer was left as it is: somebody changed it meanwhile. Look at it "
                         "again (cauce status), then decide.");
    if (rc == ERR_UNKNOWN)
        error_append(err, "Whether the pointer was set is not known; run the same command again.");
    return rc;
}

int catalog_repair(struct store *st, const char *manifest_key, bool allow_replace, bool dry_run,
                   struct pointer *out, struct error *err)
{
    struct version_id version;
    struct found found;
    struct base next = {0};
    if (layout_parse_manifest(manifest_key, &version, NULL) != ERR_OK || version.sequence == 0)
        return error_set(err, ERR_CONFIG,
                         "\"%.200s\" is not the key of a manifest "
                         "(manifests/<sequence>-<commit>.json). Nothing was changed.",
                         manifest_key);
    int rc = read_found(st, &found, err);
    if (rc != ERR_OK)
        return rc;
    rc = build(st, manifest_key, &found, &next, err);
    if (rc != ERR_OK)
        goto out;
    bool there = found.intact && version_id_equal(&found.pointer.current, &version) &&
                 strcmp(found.pointer.manifest_sha256, next.pointer.manifest_sha256) == 0;
    if (there) {
        *out = found.pointer;
        goto out;
    }
    rc = check_replace(&found, &next, allow_replace, err);
    if (rc == ERR_OK && !dry_run)
        rc = put(st, &found, &next.pointer, err);
    if (rc == ERR_OK)
        *out = next.pointer;
out:
    base_release(&next);
    return rc;
}

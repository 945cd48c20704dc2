/*
 * Setting a pointer that is lost, damaged or out of date, only on explicit request: what newer
 * versions published becomes unreachable, so nothing here ever chooses a manifest by itself. The
 * chain from the manifest that was named must be whole: every manifest, and every event file with
 * its size.
 */
#include "catalog/repair.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "util/digest.h"
#include "util/id.h"

/* A damaged pointer may be of any size; a larger one needs manual work. */
#define DAMAGED_MAX_BYTES ((size_t)16 << 20)

/* Where the pointer was lost, or everything with it went back, gc may have raised it unseen. */
#define UNSEEN_EPOCHS 1000

static int read_pointer(struct store *st, struct found_pointer *out, struct error *err)
{
    struct str body;
    *out = (struct found_pointer){0};
    str_init(&body, DAMAGED_MAX_BYTES);
    int rc = register_read(st, LAYOUT_POINTER, &body, &out->tag, err);
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

/* An epoch beyond every one that anybody may speak of, so that a repair fences like a gc. */
static uint64_t next_epoch(const struct repair_view *view)
{
    const struct witness *latest = evidence_latest(&view->evidence, false);
    uint64_t epoch = view->found.intact ? view->found.pointer.gc_epoch : 0;
    if (latest != NULL && latest->gc_epoch > epoch)
        epoch = latest->gc_epoch;
    return epoch + (view->found.intact && !repair_went_back(view) ? 1 : UNSEEN_EPOCHS);
}

static int build(struct store *st, const char *key, const struct repair_view *view,
                 struct base *out, struct error *err)
{
    const struct found_pointer *found = &view->found;
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
    p->gc_epoch = next_epoch(view);
    id_new(p->nonce);
    return check_chain(st, out, err);
}

static int check_dataset(const struct found_pointer *found, const struct base *next,
                         struct error *err)
{
    if (!found->intact || strcmp(found->pointer.dataset, next->pointer.dataset) == 0)
        return ERR_OK;
    return error_set(err, ERR_GATE,
                     "The pointer was left as it is: it belongs to the dataset \"%s\", and the "
                     "manifest to \"%s\".",
                     found->pointer.dataset, next->pointer.dataset);
}

static int check_published(const struct repair_view *view, const struct base *next,
                           struct error *err)
{
    const struct witness *latest = evidence_latest(&view->evidence, true);
    size_t count;
    if (evidence_of(&view->evidence, &next->pointer.current, &count) != NULL)
        return ERR_OK;
    error_set(err, ERR_GATE,
              "The pointer was left as it is: nothing shows that %s was ever published; a failed "
              "attempt leaves the same behind. --unpublished sets it all the same.",
              next->pointer.manifest_key);
    if (latest != NULL)
        error_append(err, "Version %" PRIu64 " was published, as %s says.",
                     latest->version.sequence, latest->who);
    return ERR_GATE;
}

/* `given_up` is published and would not be reachable any more. */
static int refuse_loss(const struct version_id *given_up, struct error *err)
{
    char name[LAYOUT_NAME_SIZE];
    layout_name(given_up, name);
    return error_set(err, ERR_GATE,
                     "The pointer was left as it is: version %s was published and would be given "
                     "up. --replace does so.",
                     name);
}

/* Is what the pointer names, and what was published last, in the chain of the next one? */
static int check_loss(struct store *st, const struct repair_view *view, const struct base *next,
                      struct error *err)
{
    const struct found_pointer *found = &view->found;
    const struct witness *latest = evidence_latest(&view->evidence, false);
    bool kept = true;
    if (found->intact) {
        int rc = catalog_contains(st, next, &found->pointer.current, &kept, err);
        if (rc != ERR_OK || !kept)
            return rc != ERR_OK ? rc : refuse_loss(&found->pointer.current, err);
    }
    if (found->intact && version_id_equal(&found->pointer.current, &next->pointer.current) &&
        strcmp(found->pointer.manifest_sha256, next->pointer.manifest_sha256) != 0)
        return error_set(err, ERR_GATE,
                         "The pointer was left as it is: it is intact, and the SHA-256 that it "
                         "states for %s is not that of the object there. --replace takes the "
                         "object that is there.",
                         next->pointer.manifest_key);
    if (latest == NULL)
        return ERR_OK;
    int rc = catalog_contains(st, next, &latest->version, &kept, err);
    return rc != ERR_OK || kept ? rc : refuse_loss(&latest->version, err);
}

static int put(struct store *st, const struct found_pointer *found, const struct pointer *next,
               struct error *err)
{
    int rc = pointer_swap(st, found->exists ? &found->tag : NULL, next, NULL, err);
    if (rc == ERR_CONFLICT)
        return error_set(err, rc,
                         "The pointer was left as it is: somebody changed it in the meantime. "
                         "Check it again (cauce status), then decide.");
    if (rc == ERR_UNKNOWN)
        error_append(err, "Whether the pointer was set is not known; run the same command again.");
    return rc;
}

int repair_look(struct store *st, const struct roots *roots, struct repair_view *out,
                struct error *err)
{
    *out = (struct repair_view){.found = {.exists = false}};
    int rc = read_pointer(st, &out->found, err);
    if (rc == ERR_OK)
        rc = evidence_read(st, roots, &out->evidence, err);
    if (rc != ERR_OK)
        return rc;
    struct witness self = {.gc_epoch = out->found.pointer.gc_epoch,
                           .version = out->found.pointer.current};
    field_copy(self.who, sizeof self.who, LAYOUT_POINTER);
    if (out->found.intact)
        evidence_add(&out->evidence, &self);
    return ERR_OK;
}

void repair_view_release(struct repair_view *view)
{
    evidence_release(&view->evidence);
}

bool repair_went_back(const struct repair_view *view)
{
    const struct witness *latest = evidence_latest(&view->evidence, false);
    return view->found.intact && latest != NULL &&
           witness_contradicts(&view->found.pointer, latest);
}

/* The pointer already names it, and nothing speaks of a later one. */
static bool is_there(const struct repair_view *view, const struct base *next)
{
    const struct found_pointer *found = &view->found;
    return found->intact && !repair_went_back(view) &&
           version_id_equal(&found->pointer.current, &next->pointer.current) &&
           strcmp(found->pointer.manifest_sha256, next->pointer.manifest_sha256) == 0;
}

int repair_set(struct store *st, const struct repair_view *view, const struct repair_options *o,
               struct pointer *out, bool *changed, struct error *err)
{
    struct version_id version;
    struct base next = {0};
    *changed = false;
    if (layout_parse_manifest(o->manifest_key, &version, NULL) != ERR_OK || version.sequence == 0) {
        error_set(err, ERR_CONFIG,
                  "\"%.200s\" is not the key of a manifest (manifests/<sequence>-<commit>.json).",
                  o->manifest_key);
        return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
    }
    int rc = build(st, o->manifest_key, view, &next, err);
    if (rc == ERR_OK && is_there(view, &next)) {
        *out = view->found.pointer;
        goto out;
    }
    if (rc == ERR_OK)
        rc = check_dataset(&view->found, &next, err);
    if (rc == ERR_OK && !o->unpublished)
        rc = check_published(view, &next, err);
    if (rc == ERR_OK && !o->replace)
        rc = check_loss(st, view, &next, err);
    if (rc == ERR_OK && !o->dry_run)
        rc = put(st, &view->found, &next.pointer, err);
    *changed = rc == ERR_OK;
    if (rc == ERR_OK)
        *out = next.pointer;
out:
    base_release(&next);
    return rc;
}

/*
 * The commit of a version: its manifest, then the swap of the pointer, then the truth about it
 * (steps 6 to 8 of the protocol). The pointer is a register; what became of the swap is found out
 * there (catalog/register.h), and the chain is the history that it asks.
 *
 * Invariants
 *
 *  1. The pointer is only replaced from the tag that came with the base, in one answer. Nothing
 *     that was computed for one base is ever published on another.
 *  2. The manifest surely exists, byte for byte, before the first swap is sent.
 *  3. Every send of the swap carries the same bytes, encoded once: however many copies are under
 *     way, at most one can land, because each expects the base's tag and the nonce makes sure that
 *     the tag never returns.
 *  4. COMMITTED is only said after a success, or after our commit was seen in the chain.
 *  5. LOST is only said after the pointer was seen to have left the base's tag, in a chain that does
 *     not hold our commit: no copy can land any more, and none has. The newest version alone proves
 *     nothing, because others may have committed on top of ours; nor does a tag that a gc fence
 *     moved; nor does a state from before the base, which only something that caches answers can
 *     have given.
 *  6. Nothing is deleted here, and the number of requests is bounded: COMMIT_RESENDS + 1 swaps, each
 *     followed by at most LOOKS readings of the pointer.
 *
 * States (function that decides)
 *
 *   state    | event                                            | next
 *   ---------+--------------------------------------------------+---------------------------------
 *   PREPARE  | not the base's next version, or inconsistent     | refused (prepare)
 *            | encoded, and decodes again                       | WRITE
 *   WRITE    | created; or there with our bytes                 | SWAP (write_manifest)
 *            | anything else                                    | failed: nothing is visible
 *   SWAP     | ours is the pointer, or in its chain             | COMMITTED (register_change)
 *            | another's, without ours in its chain             | LOST (register_change, ask_chain)
 *            | surely nothing changed                           | failed: nothing is visible
 *            | it cannot be told                                | UNKNOWN
 */
#include "catalog/catalog.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "catalog/field.h"
#include "catalog/register.h"
#include "util/digest.h"
#include "util/id.h"
#include "util/invariant.h"

/* Readings of the pointer after one send, where the reading itself fails. */
#define LOOKS 5

struct attempt {
    struct store *st;
    const struct base *base;
    const struct manifest *m;
    char name[LAYOUT_NAME_SIZE];
    struct pointer next;
    struct str manifest; /* encoded */
    struct str pointer;  /* encoded once */
    struct commit_report *report;
};

/* ---- PREPARE ------------------------------------------------------------------------------- */

/* A checkpoint lists the files of all versions, this one's last. */
static int add_checkpoint(struct store *st, const struct base *base, struct manifest *m,
                          struct error *err)
{
    manifest_files_release(&m->checkpoint);
    m->has_checkpoint = m->version.sequence % MANIFEST_CHECKPOINT_EVERY == 0;
    if (!m->has_checkpoint)
        return ERR_OK;
    int rc = catalog_files(st, base, 0, base->pointer.current.sequence, &m->checkpoint, err);
    if (rc != ERR_OK)
        return rc;
    for (size_t i = 0; i < m->files.count; i++)
        manifest_files_add(&m->checkpoint, &m->files.items[i]);
    return ERR_OK;
}

static void name_parent(const struct pointer *p, struct manifest *m)
{
    field_copy(m->dataset, sizeof m->dataset, p->dataset);
    m->parent = p->current;
    field_copy(m->parent_key, sizeof m->parent_key, p->manifest_key);
    field_copy(m->parent_sha256, sizeof m->parent_sha256, p->manifest_sha256);
    m->key_seed = p->key_seed;
    m->gc_epoch = p->gc_epoch;
}

/* What is written must be what every reader will accept. */
static int check_manifest(const struct attempt *a, struct error *err)
{
    struct manifest again;
    int rc = str_check(&a->manifest, a->report->manifest_key, err);
    if (rc != ERR_OK)
        return rc;
    rc = manifest_decode(a->manifest.data, a->manifest.len, a->report->manifest_key, &again, err);
    if (rc == ERR_OK && a->base->pointer.current.sequence > 0)
        rc = manifest_follows(&a->base->manifest, &again, err);
    manifest_release(&again);
    if (rc == ERR_OK)
        return rc;
    if (err != NULL)
        err->code = ERR_GATE;
    error_prefix(err, "Version %s was not published, because its manifest is not consistent",
                 a->name);
    error_told(err, ERROR_UNPUBLISHED);
    return ERR_GATE;
}

static int prepare(struct attempt *a, struct manifest *m, struct error *err)
{
    char sha256[SHA256_HEX_SIZE];
    const struct pointer *p = &a->base->pointer;
    if (m->version.sequence != p->current.sequence + 1 || !id_valid(m->version.commit)) {
        error_set(err, ERR_GATE,
                  "Version %s was not published: it is not the next one after %" PRIu64 ".",
                  a->name, p->current.sequence);
        error_told(err, ERROR_UNPUBLISHED);
        return ERR_GATE;
    }
    name_parent(p, m);
    int rc = add_checkpoint(a->st, a->base, m, err);
    if (rc != ERR_OK)
        return rc;
    manifest_encode(m, &a->manifest);
    rc = check_manifest(a, err);
    if (rc != ERR_OK)
        return rc;
    invariant(1, version_id_equal(&m->parent, &p->current));
    invariant(1, strcmp(m->parent_sha256, p->manifest_sha256) == 0);
    invariant(4, m->rows_total == a->base->manifest.rows_total + m->rows_added);
    sha256_hex(a->manifest.data, a->manifest.len, sha256);
    pointer_next(p, &m->version, a->report->manifest_key, sha256, &a->next);
    pointer_encode(&a->next, &a->pointer);
    return str_check(&a->pointer, LAYOUT_POINTER, err);
}

/* ---- WRITE --------------------------------------------------------------------------------- */

/* The answer to the creation of the manifest left doubt: what is there now? */
static int read_back(const struct attempt *a, int answer, struct error *err)
{
    const char *key = a->report->manifest_key;
    struct register_change created = {.store = a->st, .key = key, .bytes = &a->manifest};
    enum register_sight sight;
    int rc = register_look(&created, &sight, NULL);
    bool other = rc == ERR_OK && sight == REGISTER_OTHER;
    a->report->manifest_written = !other || answer == ERR_UNKNOWN;
    if (rc == ERR_OK && sight == REGISTER_OURS) {
        error_clear(err);
        return ERR_OK;
    }
    if (other) {
        error_set(
            err, ERR_DAMAGED,
            "Version %s was not published: there is another object at %s, where there must be none.",
            a->name, key);
        return error_tell(err, ERR_DAMAGED, ERROR_UNCHANGED, "Run again.");
    }
    error_append(err, "Version %s was not published.", a->name);
    return error_tell(err, ERR_AGAIN, ERROR_UNCHANGED, "Run again.");
}

static int write_manifest(const struct attempt *a, struct error *err)
{
    struct store_body body = store_body_bytes(a->manifest.data, a->manifest.len);
    int rc = store_put_new(a->st, a->report->manifest_key, &body, NULL, err);
    if (rc == ERR_CONFLICT || rc == ERR_UNKNOWN)
        return read_back(a, rc, err);
    a->report->manifest_written = !store_surely_unchanged(rc) && rc != ERR_DAMAGED;
    return rc;
}

/* ---- The history of a pointer -------------------------------------------------------------- */

/* Is our version in the chain of a pointer that others have put there? */
static int search(const struct attempt *a, struct base *now, bool *found, struct error *err)
{
    const struct pointer *p = &now->pointer;
    uint64_t sequence = a->m->version.sequence;
    *found = pointer_mentions(p, &a->m->version);
    /* A chain that ends before our sequence, or shows who holds it, needs no walk. */
    if (*found || p->current.sequence < sequence ||
        p->recent[p->recent_count - 1].sequence <= sequence)
        return ERR_OK;
    if (sequence < p->oldest_sequence)
        return error_set(err, ERR_UNKNOWN,
                         "The chain is only kept from version %" PRIu64 " on by now.",
                         p->oldest_sequence);
    int rc = catalog_read_manifest(a->st, p->manifest_key, p->manifest_sha256, &now->manifest, err);
    if (rc == ERR_OK)
        rc = catalog_contains(a->st, now, &a->m->version, found, err);
    return rc;
}

/* Commits raise the sequence, gc and repair the epoch: a state with neither came before the base. */
static bool is_before(const struct pointer *p, const struct pointer *base)
{
    return p->current.sequence <= base->current.sequence && p->gc_epoch <= base->gc_epoch;
}

static int check_later(const struct attempt *a, const struct pointer *now, struct error *err)
{
    if (strcmp(now->dataset, a->base->pointer.dataset) != 0)
        return error_set(err, ERR_DAMAGED, "The pointer belongs to another dataset, \"%s\".",
                         now->dataset);
    if (is_before(now, &a->base->pointer))
        return error_set(err, ERR_UNKNOWN,
                         "The store answered with a pointer from before version %" PRIu64
                         ": a cache or proxy must not keep " LAYOUT_POINTER ".",
                         a->m->version.sequence);
    return ERR_OK;
}

/* register_history: the chain from the pointer that is there now decides. */
static int ask_chain(void *ctx, const struct str *bytes, const struct store_tag *tag, bool *ours,
                     struct error *err)
{
    const struct attempt *a = ctx;
    struct base now = {.tag = *tag};
    int rc = pointer_decode(bytes->data, bytes->len, &now.pointer, err);
    if (rc == ERR_OK)
        rc = check_later(a, &now.pointer, err);
    if (rc == ERR_OK)
        rc = search(a, &now, ours, err);
    if (rc == ERR_OK)
        a->report->pointer = now.pointer;
    base_release(&now);
    return rc;
}

/* ---- SWAP ---------------------------------------------------------------------------------- */

static int lost(const struct attempt *a, struct error *err)
{
    const struct pointer *now = &a->report->pointer;
    invariant(3, !pointer_mentions(now, &a->m->version));
    if (now->current.sequence > a->base->pointer.current.sequence)
        return error_set(err, ERR_CONFLICT,
                         "Version %s was not published: another writer was first, and the dataset "
                         "\"%s\" is at version %" PRIu64 " now.",
                         a->name, now->dataset, now->current.sequence);
    return error_set(err, ERR_CONFLICT,
                     "Version %s was not published: the pointer of \"%s\" was replaced in the "
                     "meantime (by gc or repair).",
                     a->name, now->dataset);
}

static int unknown(const struct attempt *a, struct error *err)
{
    error_prefix(err,
                 "Whether version %s was published is not known, after %u request%s to publish "
                 "it",
                 a->name, a->report->swaps, a->report->swaps == 1 ? "" : "s");
    error_append(err, "Nothing was deleted. The next run finds out.");
    error_told(err, ERROR_IN_DOUBT);
    return ERR_UNKNOWN;
}

/* Nothing is visible for sure: the error of the swap says why. */
static int failed(const struct attempt *a, int rc, struct error *err)
{
    error_append(err, "Version %s was not published; the dataset is unchanged.", a->name);
    error_told(err, ERROR_UNPUBLISHED);
    return rc;
}

static int swap(struct attempt *a, struct error *err)
{
    struct register_answer answer;
    const struct register_change change = {
        .store = a->st,
        .key = LAYOUT_POINTER,
        .expected = &a->base->tag,
        .bytes = &a->pointer,
        .resends = COMMIT_RESENDS,
        .looks = LOOKS,
        .history = ask_chain,
        .ctx = a,
    };
    assert(strcmp(a->next.nonce, a->base->pointer.nonce) != 0);
    invariant(1, a->next.current.sequence == a->base->pointer.current.sequence + 1);
    invariant(2, a->report->manifest_written);
    invariant(6, a->next.gc_epoch == a->base->pointer.gc_epoch);
    a->report->pointer = a->next;
    int rc = register_change(&change, &answer, err);
    a->report->swaps = answer.sends;
    a->report->ambiguous = answer.ambiguous;
    a->report->tag = answer.tag;
    /* A refusal that reading confirms is an ordinary lost race. */
    a->report->settled_by_reading = answer.read || (rc == ERR_CONFLICT && answer.ambiguous > 0);
    if (rc == ERR_OK) {
        invariant(3, a->report->pointer.current.sequence >= a->m->version.sequence);
        return rc;
    }
    if (rc == ERR_CONFLICT)
        return lost(a, err);
    return rc == ERR_UNKNOWN ? unknown(a, err) : failed(a, rc, err);
}

int catalog_commit(struct store *st, const struct base *base, struct manifest *m,
                   struct commit_report *report, struct error *err)
{
    struct attempt a = {.st = st, .base = base, .m = m, .report = report};
    *report = (struct commit_report){0};
    layout_name(&m->version, a.name);
    layout_manifest(&m->version, report->manifest_key);
    str_init(&a.manifest, MANIFEST_MAX_BYTES);
    str_init(&a.pointer, POINTER_MAX_BYTES);
    int rc = prepare(&a, m, err);
    if (rc == ERR_OK)
        rc = write_manifest(&a, err);
    if (rc == ERR_OK)
        rc = swap(&a, err);
    str_release(&a.pointer);
    str_release(&a.manifest);
    return rc;
}

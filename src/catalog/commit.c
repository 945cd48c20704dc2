/*
 * The commit of a version: its manifest, then the swap of the pointer, then the truth about it
 * (protocol, section 4, steps 6 to 8).
 *
 * Invariants
 *
 *  1. The pointer is only replaced from the tag that came with the base, in one answer. Nothing
 *     that was computed for one base is ever published on another.
 *  2. The manifest surely exists, byte for byte, before the first swap is sent.
 *  3. Every send of the swap carries the same bytes, encoded once: however many copies are under
 *     way, at most one can land, for each expects the base's tag and the nonce makes sure that the
 *     tag never returns.
 *  4. COMMITTED is only said after a success, or after our commit was seen in the chain.
 *  5. LOST is only said after the pointer was seen to have left the base's tag, in a chain that does
 *     not hold our commit: no copy can land any more, and none has. A refusal alone proves nothing,
 *     for an earlier copy may have landed; nor does the newest version alone, for others may have
 *     committed on top of ours; nor does a tag that a gc fence moved; nor does a state from before
 *     the base, which only something that keeps answers can have given.
 *  6. Doubt, once an answer gave cause for it, is only ended by reading the pointer, never by a later
 *     answer.
 *  7. Nothing is deleted here, and the number of requests is bounded: COMMIT_RESENDS + 1 swaps, each
 *     followed by at most LOOKS readings of the pointer.
 *
 * States (function that decides)
 *
 *   state    | event                                            | next
 *   ---------+--------------------------------------------------+---------------------------------
 *   PREPARE  | not the base's next version, or inconsistent     | refused (prepare)
 *            | encoded, and decodes again                       | WRITE
 *   WRITE    | created; or there with our bytes                 | SEND (write_manifest)
 *            | anything else                                    | failed: nothing is visible
 *   SEND     | success                                          | COMMITTED (send)
 *            | "nothing changed" (see surely_nothing)           | LOOK
 *            | conflict, no usable answer, anything else        | LOOK, in doubt
 *   LOOK     | our commit is in the chain                       | COMMITTED (look)
 *            | the tag moved, our commit is not in the chain    | LOST (look)
 *            | the tag is still the base's, sends are left      | SEND, the same bytes (settle)
 *            | the tag is still the base's, none left; no doubt | failed: nothing is visible
 *            | the tag is still the base's, none left; in doubt | UNKNOWN
 *            | the pointer cannot be read; no doubt             | failed: nothing is visible
 *            | the pointer cannot be read; in doubt             | UNKNOWN
 */
#include "catalog/catalog.h"

#include <inttypes.h>
#include <string.h>

#include "catalog/field.h"
#include "util/digest.h"
#include "util/id.h"
#include "util/time.h"

/* Readings of the pointer after one send, where the reading itself fails. */
#define LOOKS 5

/* Pauses: from PAUSE, doubled each time, to PAUSE_MAX; each shortened at random by up to a half. */
#define PAUSE INT64_C(50000)
#define PAUSE_MAX INT64_C(2000000)

struct attempt {
    struct store *st;
    const struct base *base;
    const struct manifest *m;
    char name[LAYOUT_NAME_SIZE];
    struct pointer next;
    struct str manifest; /* encoded */
    struct str pointer;  /* encoded once */
    struct commit_report *report;
    bool doubt; /* a copy of the swap may have landed, or may still land */
};

enum verdict { VERDICT_PENDING, VERDICT_COMMITTED, VERDICT_LOST };

static void pause_before(unsigned attempt)
{
    int64_t most = attempt < 6 ? PAUSE << attempt : PAUSE_MAX;
    if (most > PAUSE_MAX)
        most = PAUSE_MAX;
    time_sleep(most - (int64_t)(id_random64() % (uint64_t)(most / 2)));
}

/* Failures after which the store has surely changed nothing. */
static bool surely_nothing(int rc)
{
    return rc == ERR_AGAIN || rc == ERR_FULL || rc == ERR_DENIED || rc == ERR_GATE ||
           rc == ERR_INTERRUPTED;
}

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
    return ERR_GATE;
}

static int prepare(struct attempt *a, struct manifest *m, struct error *err)
{
    char sha256[SHA256_HEX_SIZE];
    const struct pointer *p = &a->base->pointer;
    if (m->version.sequence != p->current.sequence + 1 || !id_valid(m->version.commit))
        return error_set(err, ERR_GATE,
                         "Version %s was not published: it is not the next one after %" PRIu64 ".",
                         a->name, p->current.sequence);
    name_parent(p, m);
    int rc = add_checkpoint(a->st, a->base, m, err);
    if (rc != ERR_OK)
        return rc;
    manifest_encode(m, &a->manifest);
    rc = check_manifest(a, err);
    if (rc != ERR_OK)
        return rc;
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
    struct str now;
    str_init(&now, a->manifest.len);
    int rc = store_get(a->st, key, &now, NULL, NULL);
    bool same = rc == ERR_OK && now.len == a->manifest.len &&
                memcmp(now.data, a->manifest.data, now.len) == 0;
    str_release(&now);
    a->report->manifest_written = same || answer == ERR_UNKNOWN || rc == ERR_ABSENT;
    if (same) {
        error_clear(err);
        return ERR_OK;
    }
    if (rc == ERR_OK || rc == ERR_LIMIT)
        return error_set(err, ERR_DAMAGED,
                         "Version %s was not published: another object stands at %s, where nothing "
                         "may be. The dataset is unchanged; run again.",
                         a->name, key);
    a->report->manifest_written = true;
    if (err != NULL)
        err->code = ERR_AGAIN;
    error_append(err, "Version %s was not published; the dataset is unchanged. Run again.",
                 a->name);
    return ERR_AGAIN;
}

static int write_manifest(const struct attempt *a, struct error *err)
{
    struct store_body body = store_body_bytes(a->manifest.data, a->manifest.len);
    int rc = store_put_new(a->st, a->report->manifest_key, &body, NULL, err);
    if (rc == ERR_CONFLICT || rc == ERR_UNKNOWN)
        return read_back(a, rc, err);
    bool nothing = surely_nothing(rc) || rc == ERR_DAMAGED;
    a->report->manifest_written = !nothing;
    return rc;
}

/* ---- LOOK ---------------------------------------------------------------------------------- */

/* The tag has moved. Is our version in the chain that stands there now? */
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

static int look_once(const struct attempt *a, enum verdict *out, struct error *err)
{
    bool found = false;
    struct base now = {0};
    int rc = pointer_read(a->st, &now.pointer, &now.tag, err);
    if (rc != ERR_OK)
        return rc;
    *out = VERDICT_PENDING;
    if (strcmp(now.tag.text, a->base->tag.text) == 0)
        return ERR_OK;
    if (strcmp(now.pointer.dataset, a->base->pointer.dataset) != 0)
        return error_set(err, ERR_DAMAGED, "The pointer belongs to another dataset, \"%s\".",
                         now.pointer.dataset);
    if (is_before(&now.pointer, &a->base->pointer))
        return error_set(err, ERR_UNKNOWN,
                         "The store answered with a pointer from before version %" PRIu64
                         ": a cache or proxy must not keep " LAYOUT_POINTER ".",
                         a->m->version.sequence);
    rc = search(a, &now, &found, err);
    if (rc == ERR_OK) {
        *out = found ? VERDICT_COMMITTED : VERDICT_LOST;
        /* A refusal that reading confirms is an ordinary lost race. */
        a->report->settled_by_reading = found || a->report->ambiguous > 0;
        a->report->pointer = now.pointer;
        a->report->tag = now.tag;
    }
    base_release(&now);
    return rc;
}

static int look(const struct attempt *a, enum verdict *out, struct error *err)
{
    int rc = look_once(a, out, err);
    for (unsigned i = 1; rc != ERR_OK && i < LOOKS; i++) {
        pause_before(i);
        rc = look_once(a, out, err);
    }
    return rc;
}

/* ---- SEND and what follows ----------------------------------------------------------------- */

static int send(struct attempt *a, struct error *err)
{
    struct store_body body = store_body_bytes(a->pointer.data, a->pointer.len);
    a->report->swaps++;
    int rc = store_swap(a->st, LAYOUT_POINTER, &a->base->tag, &body, &a->report->tag, err);
    if (rc == ERR_OK) {
        a->report->pointer = a->next;
        return rc;
    }
    bool nothing_changed = surely_nothing(rc);
    if (!nothing_changed)
        a->doubt = true;
    if (!nothing_changed && rc != ERR_CONFLICT)
        a->report->ambiguous++;
    return rc;
}

static int lost(const struct attempt *a, struct error *err)
{
    const struct pointer *now = &a->report->pointer;
    if (now->current.sequence > a->base->pointer.current.sequence)
        return error_set(err, ERR_CONFLICT,
                         "Version %s was not published: another writer was first, and the dataset "
                         "\"%s\" is at version %" PRIu64 " now.",
                         a->name, now->dataset, now->current.sequence);
    return error_set(err, ERR_CONFLICT,
                     "Version %s was not published: the pointer of \"%s\" was replaced meanwhile "
                     "(by gc or repair).",
                     a->name, now->dataset);
}

static int unknown(const struct attempt *a, struct error *err)
{
    if (err != NULL)
        err->code = ERR_UNKNOWN;
    error_prefix(err,
                 "Whether version %s was published is not known, after %u request%s to publish "
                 "it",
                 a->name, a->report->swaps, a->report->swaps == 1 ? "" : "s");
    error_append(err, "Nothing was deleted. The next run finds out by itself.");
    return ERR_UNKNOWN;
}

/* Nothing is visible for sure: the error of the swap says why. */
static int failed(const struct attempt *a, int rc, struct error *err)
{
    error_append(err, "Version %s was not published; the dataset is unchanged.", a->name);
    return rc;
}

static int settle(struct attempt *a, struct error *err)
{
    for (;;) {
        enum verdict verdict;
        struct error reading = ERROR_INIT;
        int rc = send(a, err);
        if (rc == ERR_OK)
            return rc;
        if (look(a, &verdict, &reading) != ERR_OK) {
            if (!a->doubt)
                return failed(a, rc, err);
            error_append(err, "%s", reading.text);
            return unknown(a, err);
        }
        if (verdict == VERDICT_LOST)
            return lost(a, err);
        if (verdict == VERDICT_COMMITTED) {
            error_clear(err);
            return ERR_OK;
        }
        bool final = rc == ERR_DENIED || rc == ERR_FULL || rc == ERR_GATE || rc == ERR_INTERRUPTED;
        bool last = a->report->swaps > COMMIT_RESENDS || (final && !a->doubt);
        if (last)
            return a->doubt ? unknown(a, err) : failed(a, rc, err);
        pause_before(a->report->swaps);
    }
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
        rc = settle(&a, err);
    str_release(&a.pointer);
    str_release(&a.manifest);
    return rc;
}

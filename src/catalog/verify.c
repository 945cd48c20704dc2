#include "catalog/verify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/evidence.h"
#include "catalog/verify_part.h"
#include "util/digest.h"
#include "util/hash.h"
#include "util/mem.h"
#include "util/str.h"

/* Objects up to this size are hashed in memory, larger ones by way of a file. */
#define IN_MEMORY ((size_t)64 << 20)

#define RESTORE \
    "Restore it from a copy, or set the pointer to an older version: cauce repair --to MANIFEST."

void verify_report_release(struct verify_report *r)
{
    for (size_t i = 0; i < r->count; i++) {
        free(r->findings[i].object);
        free(r->findings[i].text);
    }
    free(r->findings);
    *r = (struct verify_report){0};
}

void verify_add(struct verify_report *r, enum finding_level level, const char *object,
                const char *format, ...)
{
    struct str text;
    va_list args;
    str_init(&text, STR_MAX_DEFAULT);
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    r->findings = mem_grow(r->findings, r->count, &r->capacity, sizeof *r->findings);
    r->findings[r->count++] =
        (struct finding){.level = level, .object = mem_strdup(object), .text = str_detach(&text)};
}

/* ---- Objects ------------------------------------------------------------------------------- */

static int hash_in_memory(struct store *st, const char *key, uint64_t size, char *out,
                          struct error *err)
{
    struct str body;
    str_init(&body, (size_t)size);
    int rc = store_get(st, key, &body, NULL, err);
    if (rc == ERR_OK)
        sha256_hex(body.data, body.len, out);
    str_release(&body);
    return rc;
}

static int hash_by_file(struct store *st, const char *key, char *out, struct error *err)
{
    char path[] = P_tmpdir "/cauce-verify-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        return error_set(err, ERR_SYSTEM, "No temporary file could be made in %s.", P_tmpdir);
    close(fd);
    int rc = store_get_file(st, key, path, NULL, err);
    if (rc == ERR_OK)
        rc = sha256_file(path, out, NULL, err);
    unlink(path);
    return rc;
}

static int hash_object(const struct verifier *v, const char *key, uint64_t size, const char *sha256,
                       char *out, struct error *err)
{
    struct store *st = v->st;
    char *path = NULL;
    if (v->reader != NULL)
        return v->reader->hash(v->reader->ctx, key, sha256, out, err);
    if (!st->traits.local_paths)
        return size <= IN_MEMORY ? hash_in_memory(st, key, size, out, err)
                                 : hash_by_file(st, key, out, err);
    int rc = store_local_path(st, key, &path, err);
    if (rc == ERR_OK)
        rc = sha256_file(path, out, NULL, err);
    free(path);
    return rc;
}

int verify_object(struct verifier *v, enum finding_level level, const char *key, uint64_t size,
                  const char *sha256, const char *advice, struct error *err)
{
    char seen[SHA256_HEX_SIZE];
    const struct inventory_item *item = inventory_find(&v->objects, key);
    if (item == NULL) {
        verify_add(v->report, level, key, "It is missing. %s", advice);
        return ERR_OK;
    }
    if (item->size != size) {
        verify_add(v->report, level, key,
                   "It has %" PRIu64 " bytes where %" PRIu64 " are stated. %s", item->size, size,
                   advice);
        return ERR_OK;
    }
    if (!v->data)
        return ERR_OK;
    int rc = hash_object(v, key, size, sha256, seen, err);
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_LIMIT) {
        verify_add(v->report, level, key, "It cannot be read as it was listed. %s", advice);
        error_clear(err);
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    v->report->bytes_hashed += size;
    if (strcmp(seen, sha256) != 0)
        verify_add(v->report, level, key, "Its SHA-256 is %s where %s is stated. %s", seen, sha256,
                   advice);
    return ERR_OK;
}

/* ---- The chain ----------------------------------------------------------------------------- */

/* A manifest to look at: who names it says its key and, unless it is a guess, its SHA-256. */
struct link {
    uint64_t sequence;
    char key[LAYOUT_KEY_SIZE];
    char sha256[SHA256_HEX_SIZE];
};

const struct verify_version *verify_find(const struct verifier *v, uint64_t sequence)
{
    for (size_t i = 0; i < v->version_count; i++) {
        if (v->versions[i].id.sequence == sequence)
            return &v->versions[i];
    }
    return NULL;
}

/* Order-free digest of a list of files: key, content and rows of each. */
static struct key_digest digest_files(const struct manifest_files *files)
{
    struct key_digest sum = {0};
    for (size_t i = 0; i < files->count; i++) {
        const struct manifest_file *f = &files->items[i];
        char text[LAYOUT_KEY_SIZE + SHA256_HEX_SIZE + 64];
        int n = snprintf(text, sizeof text, "%s %s %" PRIu64 " %" PRIu64, f->key, f->sha256,
                         f->size, f->rows);
        struct key_digest one = {.count = 1, .sum = hash_128(text, (size_t)n, 0)};
        key_digest_add(&sum, &one);
    }
    return sum;
}

static int check_files(struct verifier *v, const struct manifest *m, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < m->files.count; i++) {
        const struct manifest_file *f = &m->files.items[i];
        rc = verify_object(v, FINDING_MUST, f->key, f->size, f->sha256, RESTORE, err);
        v->report->files++;
    }
    v->report->rows += m->rows_added;
    v->report->versions++;
    v->versions =
        mem_grow(v->versions, v->version_count, &v->version_capacity, sizeof *v->versions);
    v->versions[v->version_count++] = (struct verify_version){
        .id = m->version,
        .keys = m->keys,
        .columns = m->schema.count,
        .files = digest_files(&m->files),
        .has_checkpoint = m->has_checkpoint,
        .checkpoint = digest_files(&m->checkpoint),
    };
    return rc;
}

/* Bytes of a manifest. ERR_OK with an empty body where that is a finding. */
static int get_manifest(struct verifier *v, const struct link *link, struct str *body,
                        struct error *err)
{
    char seen[SHA256_HEX_SIZE];
    int rc = store_get(v->st, link->key, body, NULL, err);
    if (rc == ERR_ABSENT || rc == ERR_DAMAGED || rc == ERR_LIMIT) {
        verify_add(v->report, FINDING_MUST, link->key,
                   "It %s, although the chain of versions "
                   "names it. " RESTORE,
                   rc == ERR_ABSENT ? "is missing" : "cannot be read");
        str_clear(body);
        error_clear(err);
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    sha256_hex(body->data, body->len, seen);
    if (link->sha256[0] != '\0' && strcmp(seen, link->sha256) != 0)
        verify_add(v->report, FINDING_MUST, link->key,
                   "It was altered: its SHA-256 is %s, and what names it says %s. " RESTORE, seen,
                   link->sha256);
    return ERR_OK;
}

/* Read what the link names. `*understood` says whether `out` can be used. */
static int read_link(struct verifier *v, const struct link *link, struct manifest *out,
                     bool *understood, struct error *err)
{
    struct str body;
    struct error reason = ERROR_INIT;
    char key[LAYOUT_KEY_SIZE];
    *understood = false;
    *out = (struct manifest){0};
    str_init(&body, MANIFEST_MAX_BYTES);
    int rc = get_manifest(v, link, &body, err);
    if (rc != ERR_OK || body.len == 0)
        goto out;
    if (manifest_decode(body.data, body.len, link->key, out, &reason) != ERR_OK) {
        verify_add(v->report, FINDING_MUST, link->key, "%s " RESTORE, reason.text);
        goto out;
    }
    layout_manifest(&out->version, key);
    *understood = strcmp(key, link->key) == 0;
    if (!*understood) {
        verify_add(v->report, FINDING_MUST, link->key,
                   "It holds the manifest of another version, %s. " RESTORE, key);
        manifest_release(out);
    }
out:
    str_release(&body);
    return rc;
}

/*
 * The next link down: what the manifest names, or, where that cannot be read, what the pointer
 * remembers (then nothing vouches for the content, but other damage can still be found).
 */
static bool next_link(const struct verifier *v, const struct manifest *m, bool understood,
                      struct link *link)
{
    const struct pointer *p = &v->base.pointer;
    uint64_t sequence = link->sequence - 1;
    link->sequence = sequence;
    if (understood) {
        memcpy(link->key, m->parent_key, sizeof link->key);
        memcpy(link->sha256, m->parent_sha256, sizeof link->sha256);
        return true;
    }
    for (size_t i = 0; i < p->recent_count; i++) {
        if (p->recent[i].sequence == sequence) {
            layout_manifest(&p->recent[i], link->key);
            link->sha256[0] = '\0';
            return true;
        }
    }
    return false;
}

/* The manifest belongs to this dataset, and its child (where it was understood) stands on it. */
static void check_place(struct verifier *v, const struct manifest *m, const struct manifest *child,
                        const struct link *link)
{
    struct error reason = ERROR_INIT;
    const struct pointer *p = &v->base.pointer;
    if (strcmp(m->dataset, p->dataset) != 0 || m->key_seed != p->key_seed)
        verify_add(v->report, FINDING_MUST, link->key,
                   "It belongs to another dataset than the pointer. " RESTORE);
    else if (child->version.sequence > 0 && manifest_follows(m, child, &reason) != ERR_OK)
        verify_add(v->report, FINDING_MUST, link->key,
                   "Version %" PRIu64 " does not fit on it: %s " RESTORE, child->version.sequence,
                   reason.text);
}

static int check_chain(struct verifier *v, struct error *err)
{
    const struct pointer *p = &v->base.pointer;
    uint64_t oldest = p->oldest_sequence > 1 ? p->oldest_sequence : 1;
    struct link link = {.sequence = p->current.sequence};
    struct manifest child = {0};
    int rc = ERR_OK;
    memcpy(link.key, p->manifest_key, sizeof link.key);
    memcpy(link.sha256, p->manifest_sha256, sizeof link.sha256);
    v->whole = true;
    while (rc == ERR_OK && link.sequence >= oldest) {
        struct manifest m;
        bool understood;
        rc = read_link(v, &link, &m, &understood, err);
        if (understood) {
            check_place(v, &m, &child, &link);
            rc = check_files(v, &m, err);
            if (link.sequence == p->current.sequence)
                manifest_copy(&m, &v->base.manifest);
        }
        v->whole = v->whole && understood;
        uint64_t sequence = link.sequence;
        bool more = next_link(v, &m, understood, &link);
        manifest_release(&child);
        child = m;
        if (!more && sequence > oldest) {
            verify_add(v->report, FINDING_MUST, LAYOUT_POINTER,
                       "Versions %" PRIu64 " to %" PRIu64
                       " cannot be found, because nothing readable names them. " RESTORE,
                       oldest, sequence - 1);
            break;
        }
    }
    manifest_release(&child);
    return rc;
}

/* Each checkpoint names exactly the files of all versions up to its own. */
static void check_checkpoints(struct verifier *v)
{
    struct key_digest sum = {0};
    if (!v->whole || v->base.pointer.oldest_sequence > 1)
        return;
    for (size_t i = v->version_count; i > 0; i--) {
        const struct verify_version *version = &v->versions[i - 1];
        key_digest_add(&sum, &version->files);
        if (version->has_checkpoint && !key_digest_equal(&sum, &version->checkpoint)) {
            char key[LAYOUT_KEY_SIZE];
            layout_manifest(&version->id, key);
            verify_add(v->report, FINDING_MUST, key,
                       "Its checkpoint does not name exactly the files of the versions up to it. "
                       "Set the pointer to an older version (cauce repair --to MANIFEST), and "
                       "report this: it should not be possible.");
        }
    }
}

/* ---- The whole ----------------------------------------------------------------------------- */

/* The pointer. A damaged one is a finding, and leaves only the roots to look at. */
static int check_pointer(struct verifier *v, const char *dataset, struct error *err)
{
    struct pointer *p = &v->base.pointer;
    int rc = pointer_read(v->st, p, &v->base.tag, err);
    if (rc == ERR_ABSENT)
        rc = base_read(v->st, dataset, &v->base, err);
    if (rc == ERR_DAMAGED) {
        verify_add(v->report, FINDING_MUST, LAYOUT_POINTER, "%s",
                   err != NULL ? err->text : "It is missing or damaged; see `cauce repair`.");
        error_clear(err);
        v->base = (struct base){0};
        return ERR_OK;
    }
    if (rc != ERR_OK)
        return rc;
    manifest_release(&v->base.manifest);
    v->has_pointer = true;
    v->report->current = p->current;
    if (dataset == NULL || strcmp(dataset, p->dataset) == 0)
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "%s holds the dataset \"%s\", not \"%s\"; check the settings `store` and "
                     "`dataset`.",
                     v->st->url, p->dataset, dataset);
}

/* Once is enough. A pointer that moved meanwhile (ERR_CONFLICT) has not gone back. */
static int add_verdict(struct verifier *v, int rc, const struct error *why, struct error *err)
{
    if (rc == ERR_DAMAGED && !v->went_back) {
        verify_add(v->report, FINDING_MUST, LAYOUT_POINTER, "%s", why->text);
        v->went_back = true;
    }
    if (rc == ERR_OK || rc == ERR_DAMAGED || rc == ERR_CONFLICT)
        return ERR_OK;
    return error_pass(err, rc, why);
}

static int check_witness(struct verifier *v, const struct witness *w, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = witness_check_backed(v->st, &v->base, w, &why);
    return add_verdict(v, rc, &why, err);
}

/* The same for what is beside the chain, which has already been read. */
static int check_evidence(struct verifier *v, struct error *err)
{
    struct inventory chain = {0};
    struct error why = ERROR_INIT;
    char key[LAYOUT_KEY_SIZE];
    for (size_t i = 0; i < v->version_count; i++) {
        layout_manifest(&v->versions[i].id, key);
        inventory_add(&chain, key, 0);
    }
    inventory_sort(&chain);
    int rc = v->whole ? evidence_check(v->st, &v->base, &v->objects, &chain, &why) : ERR_OK;
    inventory_release(&chain);
    return add_verdict(v, rc, &why, err);
}

/* ---- Roots --------------------------------------------------------------------------------- */

/* What came of reading one. */
struct found_root {
    void *state; /* NULL unless `read` is ERR_OK */
    int read;
    struct error why;
};

/* Reading a root must be possible; what it says may be anything. */
static bool unreachable(int rc)
{
    return rc != ERR_OK && rc != ERR_ABSENT && rc != ERR_DAMAGED && rc != ERR_GATE;
}

static int read_roots(struct verifier *v, const struct roots *roots, struct found_root *found,
                      struct error *err)
{
    for (size_t i = 0; i < roots->count; i++)
        found[i].read = roots->items[i]->read(v->st, &found[i].state, &found[i].why);
    for (size_t i = 0; i < roots->count; i++) {
        if (unreachable(found[i].read))
            return error_pass(err, found[i].read, &found[i].why);
    }
    return ERR_OK;
}

/*
 * Do they speak of a later pointer? The last one first, because it is the last that a run writes.
 */
static int check_witnesses(struct verifier *v, const struct roots *roots,
                           const struct found_root *found, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = roots->count; i > 0 && rc == ERR_OK; i--) {
        struct witness w;
        if (found[i - 1].state == NULL)
            continue;
        roots->items[i - 1]->witness(found[i - 1].state, &w);
        rc = check_witness(v, &w, err);
    }
    return rc;
}

static int verify_root(struct verifier *v, const struct root *r, const struct found_root *found,
                       struct error *err)
{
    if (found->read == ERR_OK)
        return r->verify(v, found->state, err);
    if (found->read != ERR_ABSENT)
        verify_add(v->report, FINDING_SHOULD, r->key, "%s%s%s", found->why.text,
                   found->read == ERR_DAMAGED ? " " : "",
                   found->read == ERR_DAMAGED ? r->remedy : "");
    else if (v->base.pointer.current.sequence > 0 && r->absent != NULL)
        verify_add(v->report, FINDING_SHOULD, r->key, "%s", r->absent);
    return ERR_OK;
}

static int check_found(struct verifier *v, const struct roots *roots,
                       const struct found_root *found, struct error *err)
{
    int rc = inventory_list(v->st, "", &v->objects, err);
    if (rc == ERR_OK && v->has_pointer)
        rc = check_witnesses(v, roots, found, err);
    if (rc == ERR_OK && v->has_pointer)
        rc = check_chain(v, err);
    if (rc == ERR_OK && v->has_pointer)
        rc = check_evidence(v, err);
    if (rc != ERR_OK)
        return rc;
    check_checkpoints(v);
    v->report->keys = v->base.manifest.keys.count;
    for (size_t i = 0; i < roots->count && rc == ERR_OK; i++)
        rc = verify_root(v, roots->items[i], &found[i], err);
    return rc;
}

/* Chain and roots. The roots are read before the listing, so what they name must be in it. */
static int check_all(struct verifier *v, const struct roots *roots, struct error *err)
{
    struct found_root *found = mem_calloc(roots->count, sizeof *found);
    int rc = read_roots(v, roots, found, err);
    if (rc == ERR_OK)
        rc = check_found(v, roots, found, err);
    for (size_t i = 0; i < roots->count; i++)
        roots->items[i]->release(found[i].state);
    free(found);
    return rc;
}

int verify_structure(struct store *st, const struct roots *roots, const char *dataset, bool data,
                     struct verify_report *out, struct error *err)
{
    return verify_structure_by(st, roots, dataset, data, NULL, out, err);
}

int verify_structure_by(struct store *st, const struct roots *roots, const char *dataset, bool data,
                        const struct verify_reader *reader, struct verify_report *out,
                        struct error *err)
{
    struct error reason = ERROR_INIT;
    struct verifier v = {.st = st, .data = data, .reader = reader, .report = out};
    *out = (struct verify_report){0};
    int rc = check_pointer(&v, dataset, &reason);
    if (rc == ERR_OK)
        rc = check_all(&v, roots, &reason);
    if (rc != ERR_OK) {
        rc = error_pass(err, rc, &reason);
        verify_report_release(out);
    }
    free(v.versions);
    inventory_release(&v.objects);
    base_release(&v.base);
    return rc;
}

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/reader_private.h"
#include "util/mem.h"

#define POINTER "current/manifest.json"
#define RECENT_MAX 64

/* ---- Fields -------------------------------------------------------------------------------- */

static const char *text_of(const struct json *object, const char *name)
{
    return json_string(json_get(object, name));
}

static uint64_t number_of(const struct json *object, const char *name)
{
    return (uint64_t)json_integer(json_get(object, name));
}

static void take_text(const struct json *object, const char *name, char *out, size_t size)
{
    int n = snprintf(out, size, "%s", text_of(object, name));
    if (n < 0 || (size_t)n >= size)
        out[0] = '\0';
}

static void version_name(uint64_t sequence, const char *commit, char out[NAME_SIZE])
{
    snprintf(out, NAME_SIZE, "%010" PRIu64 "-%.32s", sequence, commit);
}

/* ---- One version --------------------------------------------------------------------------- */

static void take_files(struct reader *r, const char *folder, const struct json *outputs,
                       struct version *v)
{
    const struct json *files = json_get(outputs, "files");
    char name[NAME_SIZE];
    version_name(v->sequence, v->commit, name);
    v->file_count = json_count(files);
    v->files = mem_calloc(v->file_count, sizeof *v->files);
    struct wanted_object *wanted = mem_calloc(v->file_count, sizeof *wanted);
    for (size_t i = 0; i < v->file_count; i++) {
        const struct json *file = json_at(files, i);
        struct named_file *f = &v->files[i];
        char key[KEY_SIZE];
        take_text(file, "key", f->key, sizeof f->key);
        take_text(file, "sha256", f->sha256, sizeof f->sha256);
        take_text(file, "partition", f->partition, sizeof f->partition);
        f->rows = number_of(file, "rows");
        f->revised = number_of(file, "revised");
        snprintf(key, sizeof key, "%s%s/%s%spart-0.parquet", folder, name, f->partition,
                 f->partition[0] != '\0' ? "/" : "");
        if (strcmp(key, f->key) != 0)
            reader_violation(r, "1: %s names %s, which is not a key of its own", v->key, f->key);
        wanted[i] = (struct wanted_object){f->key, f->sha256, number_of(file, "size"), "2"};
        sightings_add(&r->named, f->key, f->sha256);
    }
    reader_fetch(r, wanted, v->file_count);
    free(wanted);
}

/* The key columns are those of the shape, in their order. */
static void check_index_field(struct reader *r, const struct json *index, const struct version *v)
{
    const struct json *columns = json_get(index, "key_columns");
    size_t n = 0;
    while (n < MODEL_COLUMNS && r->shape->key[n] != NULL)
        n++;
    bool same = json_count(columns) == n;
    for (size_t i = 0; same && i < n; i++)
        same = strcmp(json_string(json_at(columns, i)), r->shape->key[i]) == 0;
    if (!same)
        reader_violation(r, "1: %s has other key columns", v->key);
}

static void take_manifest(struct reader *r, const struct json *root, struct version *v)
{
    const struct json *parent = json_get(root, "parent");
    const struct json *outputs = json_get(root, "outputs");
    const struct json *index = json_get(root, "index");
    v->sequence = number_of(root, "sequence");
    take_text(root, "commit", v->commit, sizeof v->commit);
    take_text(root, "run_id", v->run_id, sizeof v->run_id);
    take_text(parent, "key", v->parent_key, sizeof v->parent_key);
    take_text(parent, "sha256", v->parent_sha256, sizeof v->parent_sha256);
    take_text(json_get(root, "source"), "sha256", v->source, sizeof v->source);
    v->added = number_of(outputs, "rows_added_this_version");
    v->revised = number_of(outputs, "rows_revised");
    v->total = number_of(outputs, "rows_total");
    v->keys = number_of(index, "keys");
    check_index_field(r, index, v);
    take_files(r, number_of(root, "format") > 1 ? "events/_data/" : "events/", outputs, v);
}

/* Read the manifest that `key` and `sha256` refer to; false: the chain cannot be followed. */
static bool read_version(struct reader *r, const char *key, const char *sha256, struct version *v)
{
    bool absent;
    char name[NAME_SIZE];
    char expected[KEY_SIZE];
    *v = (struct version){.sequence = 0};
    struct json *root = reader_json(r, key, v->sha256, &absent);
    if (root == NULL) {
        if (absent)
            reader_violation(r, "2: %s is missing", key);
        return false;
    }
    snprintf(v->key, sizeof v->key, "%s", key);
    sightings_add(&r->named, key, v->sha256);
    if (strcmp(v->sha256, sha256) != 0)
        reader_violation(r, "1: %s has SHA-256 %s, and what names it says %s", key, v->sha256,
                         sha256);
    take_manifest(r, root, v);
    version_name(v->sequence, v->commit, name);
    snprintf(expected, sizeof expected, "manifests/%s.json", name);
    if (strcmp(expected, key) != 0)
        reader_violation(r, "1: %s is the manifest of %s", key, name);
    json_free(root);
    return true;
}

/* ---- The chain ----------------------------------------------------------------------------- */

void reader_chain_release(struct version *chain, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free(chain[i].files);
    free(chain);
}

static void reverse(struct version *chain, size_t count)
{
    for (size_t i = 0; i < count / 2; i++) {
        struct version v = chain[i];
        chain[i] = chain[count - 1 - i];
        chain[count - 1 - i] = v;
    }
}

/* From the newest version to the first one. */
static void walk(struct reader *r, const struct json *pointer)
{
    const struct json *manifest = json_get(pointer, "manifest");
    uint64_t sequence = number_of(pointer, "sequence");
    char key[KEY_SIZE];
    char sha256[SHA256_HEX_SIZE];
    size_t capacity = 0;
    take_text(manifest, "key", key, sizeof key);
    take_text(manifest, "sha256", sha256, sizeof sha256);
    for (; sequence > 0; sequence--) {
        struct version v;
        if (!read_version(r, key, sha256, &v))
            break;
        if (v.sequence != sequence)
            reader_violation(r, "1: %s has sequence %" PRIu64 " in the place of %" PRIu64, v.key,
                             v.sequence, sequence);
        snprintf(key, sizeof key, "%s", v.parent_key);
        snprintf(sha256, sizeof sha256, "%s", v.parent_sha256);
        r->chain = mem_grow(r->chain, r->chain_count, &capacity, sizeof *r->chain);
        r->chain[r->chain_count++] = v;
    }
    if (sequence == 0 && key[0] != '\0')
        reader_violation(r, "1: the first version has a parent, %s", key);
    reverse(r->chain, r->chain_count);
}

/* `recent` is the end of the chain, newest first. */
static void check_recent(struct reader *r, const struct json *pointer)
{
    const struct json *recent = json_get(pointer, "recent");
    size_t wanted = r->chain_count < RECENT_MAX ? r->chain_count : RECENT_MAX;
    bool same = json_count(recent) == wanted;
    for (size_t i = 0; same && i < wanted; i++) {
        const struct version *v = &r->chain[r->chain_count - 1 - i];
        const struct json *pair = json_at(recent, i);
        same = (uint64_t)json_integer(json_at(pair, 0)) == v->sequence &&
               strcmp(json_string(json_at(pair, 1)), v->commit) == 0;
    }
    if (!same)
        reader_violation(r, "1: `recent` of the pointer is not the end of the chain");
}

static void check_pointer(struct reader *r, const struct json *pointer)
{
    char name[NAME_SIZE];
    uint64_t sequence = number_of(pointer, "sequence");
    if (number_of(pointer, "format") != 1)
        reader_violation(r, "1: the pointer has another format");
    if (sequence == 0)
        return;
    version_name(sequence, text_of(pointer, "commit"), name);
    if (strcmp(text_of(pointer, "current_version"), name) != 0)
        reader_violation(r, "1: the pointer names %s and says sequence %" PRIu64,
                         text_of(pointer, "current_version"), sequence);
    if (r->chain_count > 0 &&
        strcmp(text_of(pointer, "commit"), r->chain[r->chain_count - 1].commit) != 0)
        reader_violation(r, "1: the pointer's commit is not that of its manifest");
}

void reader_read_chain(struct reader *r)
{
    bool absent;
    char sha256[SHA256_HEX_SIZE];
    struct json *pointer = reader_json(r, POINTER, sha256, &absent);
    if (pointer == NULL)
        return;
    sightings_add(&r->named, POINTER, NULL);
    walk(r, pointer);
    check_pointer(r, pointer);
    check_recent(r, pointer);
    json_free(pointer);
}

/* ---- What runs said, and what was seen before ---------------------------------------------- */

static const struct version *find_run(const struct reader *r, const char *run_id, size_t *count)
{
    const struct version *found = NULL;
    *count = 0;
    for (size_t i = 0; i < r->chain_count; i++) {
        if (strcmp(r->chain[i].run_id, run_id) != 0)
            continue;
        found = &r->chain[i];
        ++*count;
    }
    return found;
}

void reader_check_claims(struct reader *r)
{
    for (size_t i = 0; i < r->claim_count; i++) {
        const struct reader_claim *c = &r->claims[i];
        size_t count;
        const struct version *v = find_run(r, c->run_id, &count);
        if (count > 1)
            reader_violation(r, "3: run %s stands in the chain %zu times", c->run_id, count);
        if (c->told == TOLD_NOT_COMMITTED && count > 0)
            reader_violation(r, "3: run %s said that it published nothing, and %s is its own",
                             c->run_id, v->key);
        if (c->told == TOLD_UNKNOWN && !c->hidden)
            reader_violation(r, "5: run %s does not know its outcome, and nothing hid it",
                             c->run_id);
        if (c->told != TOLD_COMMITTED)
            continue;
        if (v == NULL || v->sequence != c->sequence || strcmp(v->commit, c->commit) != 0)
            reader_violation(r, "3: run %s published version %" PRIu64 ", which is not there",
                             c->run_id, c->sequence);
    }
}

/* The chain only grows, and what it names never changes. */
void reader_check_past(struct reader *r)
{
    for (size_t i = 0; i < r->past_count; i++)
        if (i >= r->chain_count || strcmp(r->past[i].commit, r->chain[i].commit) != 0)
            reader_violation(r, "6: version %" PRIu64 " was in the chain and is not any more",
                             r->past[i].sequence);
    for (size_t i = 0; i < r->seen.count; i++) {
        const struct sighting *old = &r->seen.items[i];
        const struct sighting *now = sightings_find(&r->named, old->key);
        if (now != NULL && strcmp(now->sha256, old->sha256) != 0)
            reader_violation(r, "6: %s has changed", old->key);
    }
    for (size_t i = 0; i < r->named.count; i++)
        if (r->named.items[i].sha256[0] != '\0')
            sightings_add(&r->seen, r->named.items[i].key, r->named.items[i].sha256);
    reader_chain_release(r->past, r->past_count);
    r->past_count = r->chain_count;
    r->past = mem_calloc(r->chain_count, sizeof *r->past);
    for (size_t i = 0; i < r->chain_count; i++) {
        r->past[i] = r->chain[i];
        r->past[i].files = NULL;
    }
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static const char *source_of(const struct reader *r, const struct version *v)
{
    for (size_t i = 0; i < r->source_count; i++)
        if (strcmp(r->sources[i].sha256, v->source) == 0)
            return r->sources[i].csv;
    return NULL;
}

void reader_model(struct reader *r, uint64_t upto, struct model *out)
{
    model_init(out, r->shape);
    for (size_t i = 0; i < r->chain_count && r->chain[i].sequence <= upto; i++) {
        const char *csv = source_of(r, &r->chain[i]);
        if (csv != NULL)
            model_apply(out, r->chain[i].sequence, csv);
    }
}

/* Rows of a file against what its manifest states of it. */
static void check_file(struct reader *r, const struct version *v, const struct named_file *f,
                       const struct content *c)
{
    if (c->count != f->rows)
        reader_violation(r, "2: %s holds %zu rows, its manifest states %" PRIu64, f->key, c->count,
                         f->rows);
    for (size_t i = 0; i < c->count; i++) {
        char partition[40];
        reader_partition(r, &c->rows[i], partition);
        if (strcmp(partition, f->partition) != 0)
            reader_violation(r, "2: %s holds a row of %s", f->key, partition);
        if (c->rows[i].sequence != v->sequence)
            reader_violation(r, "2: %s holds a row of version %" PRIu64, f->key,
                             c->rows[i].sequence);
    }
}

/* Append the rows of a version to `rows`. */
static void collect(struct reader *r, const struct version *v, const struct model_row ***rows,
                    size_t *count, size_t *capacity)
{
    for (size_t i = 0; i < v->file_count; i++) {
        const struct content *c = reader_content(r, v->files[i].sha256);
        if (c == NULL || !c->readable)
            continue;
        check_file(r, v, &v->files[i], c);
        for (size_t k = 0; k < c->count; k++) {
            *rows = mem_grow(*rows, *count, capacity, sizeof **rows);
            (*rows)[(*count)++] = &c->rows[k];
        }
    }
}

static uint64_t revised_in(const struct model *m, uint64_t sequence, const char *partition,
                           const struct reader *r)
{
    uint64_t n = 0;
    for (size_t i = 0; i < m->count; i++) {
        char own[40];
        reader_partition(r, &m->events[i], own);
        n += m->events[i].sequence == sequence && m->events[i].revises &&
             (partition == NULL || strcmp(own, partition) == 0);
    }
    return n;
}

/* The sums that a version states, against the model that has just applied it. */
static void check_sums(struct reader *r, const struct version *v, const struct model *m,
                       size_t added)
{
    if (v->added != added || v->total != m->count || v->keys != m->keys ||
        v->revised != revised_in(m, v->sequence, NULL, r))
        reader_violation(r,
                         "4: %s states %" PRIu64 " rows, %" PRIu64 " of them revised, %" PRIu64
                         " in all, %" PRIu64 " keys; it should be %zu, %" PRIu64 ", %zu, %zu",
                         v->key, v->added, v->revised, v->total, v->keys, added,
                         revised_in(m, v->sequence, NULL, r), m->count, m->keys);
    for (size_t i = 0; i < v->file_count; i++)
        if (v->files[i].revised != revised_in(m, v->sequence, v->files[i].partition, r))
            reader_violation(r, "4: %s states %" PRIu64 " revised rows, there are %" PRIu64,
                             v->files[i].key, v->files[i].revised,
                             revised_in(m, v->sequence, v->files[i].partition, r));
}

/*
 * Every version adds exactly what the serial execution of the chain's sources adds; so the newest
 * rows are right, too, and none shows that no version of the chain published.
 */
void reader_check_rows(struct reader *r)
{
    struct model m;
    const struct model_row **rows = NULL;
    size_t count = 0, capacity = 0;
    model_init(&m, r->shape);
    for (size_t i = 0; i < r->chain_count; i++) {
        const struct version *v = &r->chain[i];
        const char *csv = source_of(r, v);
        if (csv == NULL) {
            reader_violation(r, "4: %s was made from a source that nobody published", v->key);
            continue;
        }
        size_t added = model_apply(&m, v->sequence, csv);
        if (added == 0)
            reader_violation(r, "4: %s adds nothing", v->key);
        check_sums(r, v, &m, added);
        collect(r, v, &rows, &count, &capacity);
    }
    const struct model_row **wanted = mem_calloc(m.count, sizeof *wanted);
    for (size_t i = 0; i < m.count; i++)
        wanted[i] = &m.events[i];
    reader_compare(r, "4", "the published events", wanted, m.count, rows, count, true);
    r->keys = m.keys;
    free(wanted);
    free(rows);
    model_release(&m);
}

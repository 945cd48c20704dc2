#include "support/catalog_sample.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/repair.h"
#include "derived/derived.h"
#include "store/store_memory.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/time.h"

static unsigned sleeps;

static void count_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    (void)microseconds;
    sleeps++;
}

void sample_no_sleep(void)
{
    static const struct time_source source = {.sleep = count_sleep};
    sleeps = 0;
    time_replace(&source);
}

void sample_real_sleep(void)
{
    time_replace(NULL);
}

unsigned sample_sleeps(void)
{
    return sleeps;
}

static void must(int rc, const struct error *err)
{
    if (rc != ERR_OK) {
        fprintf(stderr, "sample: %s: %s\n", error_name(rc), err->text);
        abort();
    }
}

const struct roots *sample_roots(void)
{
    static struct roots roots;
    roots = derived_roots(&derived_table);
    return &roots;
}

struct store *sample_store(void)
{
    struct store *st;
    struct error err = ERROR_INIT;
    must(store_memory_open("", &st, &err), &err);
    return st;
}

int sample_open(struct store *st, const char *dataset, struct base *out, struct error *err)
{
    int rc = base_read(st, dataset, out, err);
    return rc == ERR_ABSENT ? base_create(st, dataset, out, err) : rc;
}

void sample_schema(struct schema *out)
{
    static char series[] = "series", day[] = "day", value[] = "value", origin[] = "origin";
    static char format[] = "%Y-%m-%d";
    static struct schema_column columns[] = {
        {.name = series, .id = 1, .type = {.kind = TYPE_TEXT}},
        {.name = day, .id = 2, .type = {.kind = TYPE_DATE}, .format = format},
        {.name = value, .id = 3, .type = {TYPE_DECIMAL, 18, 4}, .nullable = true},
        {.name = origin, .id = 4, .type = {.kind = TYPE_TEXT}, .constant = true},
    };
    static size_t key[] = {0, 1};
    struct schema borrowed = {
        .columns = columns,
        .count = sizeof columns / sizeof *columns,
        .key = key,
        .key_count = 2,
        .partition_column = 1,
        .partition_by = PARTITION_MONTH,
        .track_revisions = true,
    };
    schema_copy(&borrowed, out);
}

static char *event_text(const char *key)
{
    return mem_printf("events of %s\n", key);
}

static struct json *bound(const char *series, const char *day)
{
    struct json *values = json_new_array();
    json_append(values, json_new_string(series));
    json_append(values, json_new_string(day));
    return values;
}

static void add_file(struct manifest *m, int32_t partition, uint64_t rows, uint64_t revised)
{
    struct manifest_file file = {
        .sequence = m->version.sequence, .rows = rows, .revised = revised, .partition = partition};
    layout_event(&m->version, false, PARTITION_MONTH, partition, 0, file.key);
    char *text = event_text(file.key);
    file.size = strlen(text);
    sha256_hex(text, strlen(text), file.sha256);
    free(text);
    file.min = bound("a", partition == 20260100 ? "2026-01-01" : "2026-02-01");
    file.max = bound("z", partition == 20260100 ? "2026-01-31" : "2026-02-28");
    manifest_files_add(&m->files, &file);
    json_free(file.min);
    json_free(file.max);
    m->rows_added += rows;
    m->rows_revised += revised;
}

void sample_manifest(const struct base *base, struct manifest *out)
{
    const struct pointer *p = &base->pointer;
    *out = (struct manifest){0};
    memcpy(out->dataset, p->dataset, sizeof out->dataset);
    out->version.sequence = p->current.sequence + 1;
    id_new(out->version.commit);
    out->parent = p->current;
    memcpy(out->parent_key, p->manifest_key, sizeof out->parent_key);
    memcpy(out->parent_sha256, p->manifest_sha256, sizeof out->parent_sha256);
    id_new(out->run_id);
    out->time = INT64_C(1767225600000000); /* 2026-01-01 */
    out->source.url = mem_strdup("file:///data/source.csv");
    out->source.size = 1234;
    sha256_hex("source", 6, out->source.sha256);
    sha256_hex("recipe", 6, out->source.recipe);
    out->key_seed = p->key_seed;
    sample_schema(&out->schema);
    add_file(out, 20260100, 3, 0);
    add_file(out, 20260200, 2, p->current.sequence > 0);
    uint64_t new_keys = out->rows_added - out->rows_revised;
    struct key_digest added = {.count = new_keys,
                               .sum = hash_128(out->version.commit, ID_SIZE, p->key_seed)};
    out->keys = base->manifest.keys;
    key_digest_add(&out->keys, &added);
    out->rows_total = base->manifest.rows_total + out->rows_added;
}

void sample_put_events(struct store *st, const struct manifest *m)
{
    for (size_t i = 0; i < m->files.count; i++) {
        struct error err = ERROR_INIT;
        char *text = event_text(m->files.items[i].key);
        struct store_body body = store_body_bytes(text, strlen(text));
        must(store_put_new(st, m->files.items[i].key, &body, NULL, &err), &err);
        free(text);
    }
}

struct version_id sample_publish(struct store *st, unsigned count)
{
    struct version_id last = {0, ""};
    for (unsigned i = 0; i < count; i++) {
        struct error err = ERROR_INIT;
        struct base base;
        struct manifest m;
        struct commit_report report;
        must(sample_open(st, SAMPLE_DATASET, &base, &err), &err);
        sample_manifest(&base, &m);
        sample_put_events(st, &m);
        must(catalog_commit(st, &base, &m, &report, &err), &err);
        last = m.version;
        manifest_release(&m);
        base_release(&base);
    }
    return last;
}

void sample_index(struct store *st)
{
    struct error err = ERROR_INIT;
    struct base base;
    struct index_state old;
    struct index_state next = {0};
    struct index_shard shard = {0};
    must(base_read(st, SAMPLE_DATASET, &base, &err), &err);
    int rc = index_read(st, &old, &err);
    assert(rc == ERR_OK || rc == ERR_ABSENT);
    next.stamp = base.pointer.current;
    next.gc_epoch = base.pointer.gc_epoch;
    next.by_partition = true;
    next.keys = base.manifest.keys;
    id_new(next.attempt);
    struct version_id attempt = {next.stamp.sequence, ""};
    memcpy(attempt.commit, next.attempt, sizeof attempt.commit);
    index_shard_key(&attempt, 0, shard.key);
    sample_put(st, shard.key, "shard");
    shard.size = 5;
    sha256_hex("shard", 5, shard.sha256);
    shard.digest = next.keys;
    shard.partition = 20260100;
    index_add_shard(&next, &shard);
    must(index_swap(st, rc == ERR_OK ? &old.tag : NULL, &next, &err), &err);
    index_release(&next);
    index_release(&old);
    base_release(&base);
}

void sample_projection(struct store *st)
{
    struct error err = ERROR_INIT;
    struct base base;
    struct projection_state old;
    struct projection_state next = {.phase = PROJECTION_COMPLETED};
    must(base_read(st, SAMPLE_DATASET, &base, &err), &err);
    int rc = projection_read(st, &old, &err);
    assert(rc == ERR_OK || rc == ERR_ABSENT);
    next.stamp = base.pointer.current;
    id_new(next.attempt);
    for (int32_t month = 1; month <= 2; month++) {
        uint64_t one = 1;
        struct projection_part part = {
            .partition = 20260000 + month * 100,
            .size = 10,
            .rows = month == 1 ? base.manifest.keys.count - 2 : 2,
            .columns = base.manifest.schema.count,
            .stamp = next.stamp,
            .versions = &one,
            .version_count = 1,
        };
        projection_key(PARTITION_MONTH, part.partition, part.key);
        sample_put(st, part.key, "projection");
        sha256_hex("projection", 10, part.sha256);
        projection_add_part(&next, &part);
    }
    must(projection_swap(st, rc == ERR_OK ? &old.tag : NULL, &next, PARTITION_MONTH, &err), &err);
    projection_release(&next);
    projection_release(&old);
    base_release(&base);
}

void sample_put(struct store *st, const char *key, const char *text)
{
    struct error err = ERROR_INIT;
    struct store_body body = store_body_bytes(text, strlen(text));
    must(store_remove(st, key, &err), &err);
    must(store_put_new(st, key, &body, NULL, &err), &err);
}

bool sample_exists(struct store *st, const char *key)
{
    struct store_info info;
    return store_head(st, key, &info, NULL) == ERR_OK;
}

char *sample_get(struct store *st, const char *key)
{
    struct str body;
    struct error err = ERROR_INIT;
    str_init(&body, STR_MAX_DEFAULT);
    must(store_get(st, key, &body, NULL, &err), &err);
    return str_detach(&body);
}

static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(size_t *)ctx;
    return ERR_OK;
}

size_t sample_count(struct store *st, const char *prefix)
{
    size_t count = 0;
    struct error err = ERROR_INIT;
    must(store_list(st, prefix, count_entry, &count, &err), &err);
    return count;
}

char *sample_source_file(const char *name)
{
    const char *root = getenv("CAUCE_SOURCE_DIR");
    struct str content;
    struct error err = ERROR_INIT;
    char *path = fs_join(root != NULL ? root : ".", name);
    str_init(&content, STR_MAX_DEFAULT);
    must(fs_read(path, &content, &err), &err);
    free(path);
    return str_detach(&content);
}

int sample_repair(struct store *st, const char *key, bool replace, bool dry_run,
                  struct pointer *out, struct error *err)
{
    struct repair_view view;
    struct repair_options o = {key, replace, true, dry_run};
    bool changed;
    int rc = repair_look(st, sample_roots(), &view, err);
    if (rc == ERR_OK)
        rc = repair_set(st, &view, &o, out, &changed, err);
    repair_view_release(&view);
    return rc;
}

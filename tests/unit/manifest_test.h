/* The manifest that stands in tests/golden/manifest-1.json, for the tests of its parts. */
#ifndef CAUCE_TESTS_MANIFEST_TEST_H
#define CAUCE_TESTS_MANIFEST_TEST_H

#include <stdlib.h>
#include <string.h>

#include "catalog/manifest.h"
#include "support/catalog_sample.h"
#include "util/mem.h"

#define COMMIT_1 "11111111111111111111111111111111"
#define COMMIT_2 "22222222222222222222222222222222"
#define RUN_ID "44444444444444444444444444444444"
#define SHA_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define SHA_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define SHA_C "cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
#define SHA_D "dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
#define SHA_E "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"

static inline struct json *golden_bound(const char *series, const char *day)
{
    struct json *bound = json_new_array();
    json_append(bound, json_new_string(series));
    json_append(bound, json_new_string(day));
    return bound;
}

static inline void golden_file(struct manifest_files *files, const struct version_id *version,
                               int32_t partition, const char *sha256, uint64_t rows,
                               uint64_t revised)
{
    struct manifest_file file = {.sequence = version->sequence,
                                 .size = 1000 + rows,
                                 .rows = rows,
                                 .revised = revised,
                                 .partition = partition};
    layout_event(version, false, PARTITION_MONTH, partition, 0, file.key);
    memcpy(file.sha256, sha256, sizeof file.sha256);
    file.min = golden_bound("EUR", "2026-01-01");
    file.max = golden_bound("USD", "2026-01-31");
    manifest_files_add(files, &file);
    json_free(file.min);
    json_free(file.max);
}

/* The same files where those of a dataset for tables lie. */
static inline void golden_for_tables(struct manifest *m)
{
    m->schema.for_tables = true;
    for (size_t i = 0; i < m->files.count; i++)
        layout_event(&m->version, true, PARTITION_MONTH, m->files.items[i].partition, 0,
                     m->files.items[i].key);
}

/* Version 2: 5 rows, 1 of them a revision, on top of a version of 7 rows. */
static inline void golden_manifest(struct manifest *m, bool checkpoint)
{
    *m = (struct manifest){
        .dataset = "exchange-rates",
        .version = {2, COMMIT_2},
        .parent = {1, COMMIT_1},
        .parent_key = "manifests/0000000001-" COMMIT_1 ".json",
        .parent_sha256 = SHA_A,
        .run_id = RUN_ID,
        .time = INT64_C(1767225600000001),
        .rows_added = 5,
        .rows_revised = 1,
        .rows_total = 12,
        .keys = {.count = 11, .sum = {.low = 0x10, .high = 0xabc}},
        .key_seed = UINT64_C(0xfedcba9876543210),
        .source = {.size = 4711, .sha256 = SHA_B, .recipe = SHA_C},
    };
    m->source.url = mem_strdup("https://example.org/rates.csv");
    m->source.etag = mem_strdup("\"abc\"");
    sample_schema(&m->schema);
    golden_file(&m->files, &m->version, 20260100, SHA_D, 3, 0);
    golden_file(&m->files, &m->version, 20260200, SHA_E, 2, 1);
    if (!checkpoint)
        return;
    m->has_checkpoint = true;
    golden_file(&m->checkpoint, &m->parent, 20260100, SHA_C, 7, 0);
    for (size_t i = 0; i < m->files.count; i++)
        manifest_files_add(&m->checkpoint, &m->files.items[i]);
}

static inline char *manifest_text(const struct manifest *m)
{
    struct str out;
    str_init(&out, MANIFEST_MAX_BYTES);
    manifest_encode(m, &out);
    return str_detach(&out);
}

/* A golden file with the first place of `from` replaced, as a new string; NULL: nothing there. */
static inline char *golden_altered(const char *name, const char *from, const char *to)
{
    char *text = sample_source_file(name);
    char *at = strstr(text, from);
    char *out = NULL;
    if (at != NULL) {
        *at = '\0';
        out = mem_printf("%s%s%s", text, to, at + strlen(from));
    }
    free(text);
    return out;
}

#endif

/*
 * Damage that no hash can show: files whose content was exchanged together with the size and SHA-256
 * that name them, up to the pointer. Only reading them back finds it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "derived/index/state.h"
#include "derived/projection/state.h"
#include "engine/relation.h"
#include "engine/sql.h"
#include "pipeline/check.h"
#include "support/catalog_sample.h"
#include "support/scenario.h"
#include "support/temp_engine.h"
#include "util/fs.h"
#include "util/mem.h"

static struct scenario s;
static struct store *st;
static struct verify_report report;
static struct error err;

static void open_all(const char *yaml)
{
    scenario_open(&s, yaml);
    st = scenario_memory();
    report = (struct verify_report){.count = 0};
    error_clear(&err);
}

static void close_all(void)
{
    verify_report_release(&report);
    store_free(st);
    scenario_close(&s);
}

static void check(bool data)
{
    struct dataset d;
    struct limits limits = {.memory = s.config.memory,
                            .threads = s.config.threads,
                            .temp = s.config.temp,
                            .library = getenv("CAUCE_LIBDUCKDB")};
    verify_report_release(&report);
    dataset_init(&d, st, SCENARIO_DATASET, NULL, &limits);
    int rc = check_dataset(&d, data, &report, &err);
    if (rc != ERR_OK)
        fail_msg("%s: %s", error_name(rc), err.text);
    dataset_release(&d);
    assert_int_equal(scenario_scratch_count(&s), 0);
}

static void expect_sound(void)
{
    for (size_t i = 0; i < report.count; i++)
        fail_msg("%s: %s", report.findings[i].object, report.findings[i].text);
}

/* There is a finding of that level with these words. */
static void expect_finding(enum finding_level level, const char *words)
{
    for (size_t i = 0; i < report.count; i++)
        if (report.findings[i].level == level && strstr(report.findings[i].text, words) != NULL)
            return;
    for (size_t i = 0; i < report.count; i++)
        print_message("%s: %s\n", report.findings[i].object, report.findings[i].text);
    fail_msg("no finding says \"%s\"", words);
}

static void publish_all(const struct variant *v)
{
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && v->snapshots[i] != NULL; i++)
        assert_int_equal(scenario_publish(&s, st, v->snapshots[i]), ERR_OK);
}

static void what_runs_publish_is_sound(void **state)
{
    (void)state;
    for (size_t i = 0; i < scenario_variant_count; i++) {
        open_all(scenario_variants[i].yaml);
        publish_all(&scenario_variants[i]);
        check(false);
        expect_sound();
        assert_int_equal(report.bytes_hashed, 0);
        check(true);
        expect_sound();
        assert_true(report.bytes_hashed > 0);
        close_all();
    }
}

static void an_empty_dataset_is_sound(void **state)
{
    (void)state;
    struct base base;
    open_all(scenario_variant("month")->yaml);
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    base_release(&base);
    check(true);
    expect_sound();
    close_all();
}

static void no_dataset_is_an_error(void **state)
{
    (void)state;
    struct dataset d;
    struct limits limits = {.memory = 1, .threads = 1, .temp = "/nowhere"};
    open_all(scenario_variant("month")->yaml);
    dataset_init(&d, st, SCENARIO_DATASET, NULL, &limits);
    assert_int_equal(check_dataset(&d, true, &report, &err), ERR_ABSENT);
    close_all();
}

/* ---- Forging ------------------------------------------------------------------------------- */

static void overwrite(const char *key, const void *bytes, size_t count)
{
    struct str old;
    struct store_tag tag;
    struct store_body body = store_body_bytes(bytes, count);
    str_init(&old, STR_MAX_DEFAULT);
    assert_int_equal(store_get(st, key, &old, &tag, &err), ERR_OK);
    assert_int_equal(store_swap(st, key, &tag, &body, NULL, &err), ERR_OK);
    str_release(&old);
}

/*
 * Write the file `key` anew: `select` is what stands before FROM. Sets the size and SHA-256 that a
 * manifest should state of it now.
 */
static void forge(const struct schema *schema, enum relation_part part, const char *key,
                  const char *select, const char *behind, uint64_t *size, char *sha256)
{
    char *from = fs_join(s.folder, "forge.from.parquet");
    char *to = fs_join(s.folder, "forge.to.parquet");
    struct str sql;
    struct str bytes;
    assert_int_equal(store_get_file(st, key, from, NULL, &err), ERR_OK);
    struct engine *e = temp_engine_new(s.folder, 1);
    str_init(&sql, STR_MAX_DEFAULT);
    str_init(&bytes, STR_MAX_DEFAULT);
    sql_printf(&sql, "COPY (SELECT %s FROM read_parquet(%t) %s) TO %t ", select, from, behind, to);
    relation_copy_options(schema, part, &sql);
    if (engine_run(e, sql.data, &err) != ERR_OK)
        fail_msg("%s: %s", sql.data, err.text);
    engine_free(e);
    assert_int_equal(fs_read(to, &bytes, &err), ERR_OK);
    overwrite(key, bytes.data, bytes.len);
    *size = bytes.len;
    sha256_hex(bytes.data, bytes.len, sha256);
    str_release(&bytes);
    str_release(&sql);
    assert_int_equal(fs_remove(from, &err), ERR_OK);
    assert_int_equal(fs_remove(to, &err), ERR_OK);
    free(from);
    free(to);
}

/* Let manifest and pointer of the only version say what `m` says. */
static void state_manifest(const struct base *base, const struct manifest *m)
{
    struct str bytes;
    struct pointer next = base->pointer;
    str_init(&bytes, STR_MAX_DEFAULT);
    manifest_encode(m, &bytes);
    overwrite(base->pointer.manifest_key, bytes.data, bytes.len);
    sha256_hex(bytes.data, bytes.len, next.manifest_sha256);
    str_clear(&bytes);
    pointer_encode(&next, &bytes);
    overwrite(LAYOUT_POINTER, bytes.data, bytes.len);
    str_release(&bytes);
}

static const char series_rows[] = "series,day,value,note\n"
                                  "EUR,2026-01-01,1.00,a\n"
                                  "EUR,2026-01-05,1.10,b\n"
                                  "JPY,2026-01-03,0.01,c\n"
                                  "USD,2026-01-03,1.20,d\n"
                                  "USD,2026-01-31,1.30,e\n"
                                  "USD,2026-02-01,1.40,f\n";

static void publish_series(void)
{
    open_all(scenario_variant("month")->yaml);
    assert_int_equal(scenario_publish(&s, st, series_rows), ERR_OK);
}

/* Forge the event file of January. */
static void forge_event(const char *select, const char *behind)
{
    struct base base;
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    struct manifest *m = &base.manifest;
    struct manifest_file *file = &m->files.items[0];
    assert_int_equal(file->rows, 5);
    forge(&m->schema, RELATION_EVENT, file->key, select, behind, &file->size, file->sha256);
    state_manifest(&base, m);
    base_release(&base);
}

struct damage {
    const char *select;
    const char *behind;
    const char *words;
};

static void event_files_with_other_rows_are_found(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"*", "WHERE note <> 'c'", "It holds 4 rows where 5 are stated"},
        {"* REPLACE (CASE WHEN note = 'e' THEN DATE '2026-01-30' ELSE day END AS day)", "",
         "Its keys reach from"},
        {"* REPLACE (2 AS _version)", "", "carry another version"},
        {"* REPLACE (CASE WHEN note = 'c' THEN DATE '2026-03-03' ELSE day END AS day)", "",
         "belong to another partition"},
        /* The bounds stay: only the digest of the keys tells. */
        {"* REPLACE (CASE WHEN note = 'c' THEN 'KRW' ELSE series END AS series)", "",
         "with another digest of the keys"},
        {"* REPLACE (CASE WHEN note = 'd' THEN 'JPY' ELSE series END AS series)", "",
         "with another digest of the keys"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        publish_series();
        forge_event(damages[i].select, damages[i].behind);
        check(false);
        expect_sound();
        check(true);
        expect_finding(FINDING_MUST, damages[i].words);
        close_all();
    }
}

static void a_file_that_is_no_parquet_is_found_among_others(void **state)
{
    (void)state;
    struct base base;
    publish_series();
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    struct manifest_file *file = &base.manifest.files.items[1];
    overwrite(file->key, "junk", 4);
    file->size = 4;
    sha256_hex("junk", 4, file->sha256);
    state_manifest(&base, &base.manifest);
    check(false);
    expect_sound();
    check(true);
    expect_finding(FINDING_MUST, "It cannot be read as Parquet");
    assert_string_equal(report.findings[0].object, file->key);
    base_release(&base);
    close_all();
}

/* A value that only the row hash and the projection know is found by comparing with them. */
static void a_value_that_was_changed_is_found(void **state)
{
    (void)state;
    publish_series();
    forge_event("* REPLACE (9.99 AS value)", "");
    check(true);
    expect_finding(FINDING_SHOULD, "It knows 5 published rows not at all, or with other content");
    expect_finding(FINDING_SHOULD, "Its rows are not those that the events of version 1 give");
    close_all();
}

/* A file that is gone is one finding, and what needs it is not guessed at. */
static void a_missing_event_file_is_reported_once(void **state)
{
    (void)state;
    struct base base;
    publish_series();
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    assert_int_equal(store_remove(st, base.manifest.files.items[0].key, &err), ERR_OK);
    base_release(&base);
    check(true);
    assert_int_equal(report.count, 1);
    expect_finding(FINDING_MUST, "It is missing");
    close_all();
}

/* ---- The index ----------------------------------------------------------------------------- */

static void forge_shard(const char *select, const char *behind)
{
    struct base base;
    struct index_state index = {.by_partition = false};
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    assert_int_equal(index_read(st, &index, &err), ERR_OK);
    struct index_shard *shard = &index.shards[0];
    forge(&base.manifest.schema, RELATION_KEYS_ROW, shard->key, select, behind, &shard->size,
          shard->sha256);
    id_new(index.attempt);
    struct store_tag tag = index.tag;
    assert_int_equal(index_swap(st, &tag, &index, &err), ERR_OK);
    index_release(&index);
    base_release(&base);
}

static void index_shards_with_other_keys_are_found(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"*", "WHERE series <> 'JPY'", "It holds 4 keys where 5 are stated"},
        {"* REPLACE (CASE WHEN series = 'JPY' THEN 'KRW' ELSE series END AS series)", "",
         "It holds 5 keys where 5 are stated, or others than these"},
        {"* REPLACE (_row_hash + 1 AS _row_hash)", "",
         "It knows 5 published rows not at all, or with other content"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        publish_series();
        forge_shard(damages[i].select, damages[i].behind);
        check(false);
        expect_sound();
        check(true);
        expect_finding(FINDING_SHOULD, damages[i].words);
        for (size_t k = 0; k < report.count; k++)
            assert_int_equal(report.findings[k].level, FINDING_SHOULD);
        close_all();
    }
}

static void a_key_in_the_wrong_shard_is_found(void **state)
{
    (void)state;
    struct index_state index = {.by_partition = false};
    publish_series();
    assert_int_equal(index_read(st, &index, &err), ERR_OK);
    assert_int_equal(index.shard_count, 2);
    /* Each shard is whole, but stands for the partition of the other. */
    int32_t partition = index.shards[0].partition;
    struct index_shard first = index.shards[0];
    index.shards[0] = index.shards[1];
    index.shards[1] = first;
    index.shards[1].partition = index.shards[0].partition;
    index.shards[0].partition = partition;
    id_new(index.attempt);
    struct store_tag tag = index.tag;
    assert_int_equal(index_swap(st, &tag, &index, &err), ERR_OK);
    index_release(&index);
    check(false);
    expect_sound();
    check(true);
    expect_finding(FINDING_SHOULD, "5 of its keys belong to another shard");
    expect_finding(FINDING_SHOULD, "1 of its keys belong to another shard");
    close_all();
}

/* ---- The projections ----------------------------------------------------------------------- */

static void forge_projection(const char *select, const char *behind)
{
    struct base base;
    struct projection_state state = {.phase = PROJECTION_NONE};
    assert_int_equal(base_read(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    assert_int_equal(projection_read(st, &state, &err), ERR_OK);
    struct projection_part *part = &state.parts[0];
    forge(&base.manifest.schema, RELATION_EVENT, part->key, select, behind, &part->size,
          part->sha256);
    id_new(state.attempt);
    struct store_tag tag = state.tag;
    assert_int_equal(projection_swap(st, &tag, &state, state.by, &err), ERR_OK);
    projection_release(&state);
    base_release(&base);
}

static void projections_with_other_rows_are_found(void **state)
{
    (void)state;
    static const struct damage damages[] = {
        {"*", "WHERE note <> 'c'", "Its rows are not those"},
        {"* REPLACE ('x' AS note)", "", "Its rows are not those"},
        {"* REPLACE (NULL::TEXT AS note)", "", "Its rows are not those"},
        {"* REPLACE (7 AS _version)", "", "Its rows are not those"},
    };
    for (size_t i = 0; i < sizeof damages / sizeof damages[0]; i++) {
        publish_series();
        forge_projection(damages[i].select, damages[i].behind);
        check(false);
        expect_sound();
        check(true);
        expect_finding(FINDING_SHOULD, damages[i].words);
        assert_int_equal(report.count, 1);
        close_all();
    }
}

static void another_order_of_the_rows_is_no_finding(void **state)
{
    (void)state;
    publish_series();
    forge_projection("*", "ORDER BY value DESC");
    check(true);
    expect_sound();
    close_all();
}

static void projections_that_are_behind_are_compared_with_their_version(void **state)
{
    (void)state;
    publish_series();
    s.options.no_consolidate = true;
    assert_int_equal(scenario_publish(&s, st, "series,day,value,note\nUSD,2026-01-31,7.00,new\n"),
                     ERR_OK);
    check(true);
    assert_int_equal(report.count, 1);
    expect_finding(FINDING_SHOULD, "They reflect version 1 of 2");
    close_all();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_runs_publish_is_sound),
        cmocka_unit_test(an_empty_dataset_is_sound),
        cmocka_unit_test(no_dataset_is_an_error),
        cmocka_unit_test(event_files_with_other_rows_are_found),
        cmocka_unit_test(a_file_that_is_no_parquet_is_found_among_others),
        cmocka_unit_test(a_value_that_was_changed_is_found),
        cmocka_unit_test(a_missing_event_file_is_reported_once),
        cmocka_unit_test(index_shards_with_other_keys_are_found),
        cmocka_unit_test(a_key_in_the_wrong_shard_is_found),
        cmocka_unit_test(projections_with_other_rows_are_found),
        cmocka_unit_test(another_order_of_the_rows_is_no_finding),
        cmocka_unit_test(projections_that_are_behind_are_compared_with_their_version),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

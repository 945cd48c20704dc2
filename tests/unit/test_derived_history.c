#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/gc.h"
#include "catalog/verify.h"
#include "derived/history/log.h"
#include "support/catalog_sample.h"
#include "unit/manifest_test.h"
#include "util/mem.h"

#define ID "0123456789abcdef0123456789abcdef"
#define ENTRY(digit) HISTORY_LOG "0000000000000000000" digit ".json"

static int set_up(void **state)
{
    sample_no_sleep();
    *state = sample_store();
    return 0;
}

static int tear_down(void **state)
{
    store_free(*state);
    sample_real_sleep();
    return 0;
}

/* ---- Entries ------------------------------------------------------------------------------- */

static void golden_version(struct history_version *v, struct history_table *table)
{
    struct manifest m;
    golden_manifest(&m, false);
    golden_for_tables(&m);
    *v = (struct history_version){.version = m.version,
                                  .parent = m.parent,
                                  .gc_epoch = 3,
                                  .time = m.time,
                                  .columns = m.schema.count};
    schema_copy(&m.schema, &v->schema);
    for (size_t i = 0; i < m.files.count; i++)
        manifest_files_add(&v->files, &m.files.items[i]);
    *table = (struct history_table){.key_seed = m.key_seed};
    memcpy(table->dataset, m.dataset, sizeof table->dataset);
    manifest_release(&m);
}

static void assert_text(const struct str *text, const char *golden)
{
    char *expected = sample_source_file(golden);
    assert_string_equal(text->data, expected);
    free(expected);
}

static void the_written_bytes_are_the_golden_ones(void **state)
{
    struct history_table table;
    struct history_version v;
    struct history_head head;
    struct str out;
    (void)state;
    golden_version(&v, &table);
    str_init(&out, HISTORY_ENTRY_MAX);
    history_write_first(&table, &v, &head, &out);
    assert_text(&out, "tests/golden/history-first.json");
    assert_int_equal(head.version.sequence, 0);
    str_clear(&out);
    head.columns--;
    history_write(&table, &v, &head, &out);
    assert_text(&out, "tests/golden/history-grown.json");
    str_clear(&out);
    history_write(&table, &v, &head, &out);
    assert_null(strstr(out.data, "metaData"));
    str_release(&out);
    history_version_release(&v);
}

static void an_entry_says_all_that_the_next_one_needs(void **state)
{
    struct history_table table;
    struct history_version v;
    struct history_head head;
    struct history_head back;
    struct str out;
    (void)state;
    golden_version(&v, &table);
    str_init(&out, HISTORY_ENTRY_MAX);
    history_write_first(&table, &v, &head, &out);
    assert_int_equal(history_read_head(&out, 0, &back, NULL), ERR_OK);
    assert_true(back.time == head.time && back.columns == head.columns);
    str_clear(&out);
    history_write(&table, &v, &head, &out);
    assert_int_equal(history_read_head(&out, 2, &back, NULL), ERR_OK);
    assert_true(version_id_equal(&back.version, &v.version));
    assert_int_equal(back.gc_epoch, 3);
    assert_int_equal(history_read_head(&out, 3, &back, NULL), ERR_DAMAGED);
    str_release(&out);
    history_version_release(&v);
}

static void times_rise_whatever_clocks_say(void **state)
{
    struct history_table table;
    struct history_version v;
    struct history_head head;
    struct str out;
    (void)state;
    golden_version(&v, &table);
    str_init(&out, HISTORY_ENTRY_MAX);
    history_write_first(&table, &v, &head, &out);
    int64_t first = head.time;
    history_write(&table, &v, &head, &out);
    assert_true(head.time == first + 1);
    v.time -= INT64_C(3600000000);
    history_write(&table, &v, &head, &out);
    assert_true(head.time == first + 2);
    v.time = -1;
    history_write(&table, &v, &head, &out);
    assert_true(head.time == first + 3);
    str_release(&out);
    history_version_release(&v);
}

static void what_is_no_entry_of_ours_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        "\n",
        "[]",
        "{\"commitInfo\":{}}",
        "{\"protocol\":{}}\n",
        "{\"commitInfo\":{\"inCommitTimestamp\":1,\"cauce\":{\"sequence\":1,\"commit\":\"\","
        "\"gc_epoch\":0,\"columns\":1}}}",
        "{\"commitInfo\":{\"inCommitTimestamp\":\"1\",\"cauce\":{\"sequence\":1,\"commit\":\"" ID
        "\",\"gc_epoch\":0,\"columns\":1}}}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct history_head head;
        struct str text;
        str_init(&text, HISTORY_ENTRY_MAX);
        str_append(&text, texts[i]);
        assert_int_equal(history_read_head(&text, 1, &head, NULL), ERR_DAMAGED);
        str_release(&text);
    }
}

static void keys_are_taken_apart_byte_by_byte(void **state)
{
    static const char *const bad[] = {
        HISTORY_LOG "1.json",
        HISTORY_LOG "0000000000000000001.json",
        HISTORY_LOG "000000000000000000001.json",
        HISTORY_LOG "0000000000000000000a.json",
        HISTORY_LOG "99999999999999999999.json",
        HISTORY_LOG "00000000000000000001.jsox",
        HISTORY_LOG "00000000000000000001.checkpoint.parquet",
        "table/_delta_log/00000000000000000001.json",
        "",
    };
    char key[LAYOUT_KEY_SIZE];
    uint64_t sequence;
    (void)state;
    history_key(42, key);
    assert_string_equal(key, HISTORY_LOG "00000000000000000042.json");
    assert_true(history_parse_key(key, &sequence));
    assert_int_equal(sequence, 42);
    assert_true(history_parse_key(HISTORY_FIRST, &sequence));
    assert_int_equal(sequence, 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(history_parse_key(bad[i], &sequence));
}

static void time_and_uuid_of_older_datasets_are_not_for_tables(void **state)
{
    struct schema s;
    (void)state;
    sample_schema(&s);
    assert_true(history_can_hold(&s));
    s.columns[2].type = (struct type){TYPE_UUID, 0, 0};
    assert_false(history_can_hold(&s));
    s.columns[2].type = (struct type){TYPE_TIME, 0, 0};
    assert_false(history_can_hold(&s));
    s.for_tables = true;
    assert_true(history_can_hold(&s));
    schema_release(&s);
}

/* ---- Bringing it up ------------------------------------------------------------------------ */

static int bring_up(struct store *st, struct history_report *r, struct error *err)
{
    struct base base;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    int rc = history_bring_up(st, &base, r, err);
    base_release(&base);
    return rc;
}

static void assert_written(struct store *st, uint64_t expected)
{
    struct history_report r;
    struct error err = ERROR_INIT;
    int rc = bring_up(st, &r, &err);
    if (rc != ERR_OK)
        fail_msg("%s: %s", error_name(rc), err.text);
    assert_int_equal(r.phase, HISTORY_FRESH);
    assert_int_equal(r.written, expected);
}

static void rebuild(struct store *st, struct history_report *r)
{
    struct base base;
    struct error err = ERROR_INIT;
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    int rc = history_rebuild(st, &base, r, &err);
    if (rc != ERR_OK)
        fail_msg("%s: %s", error_name(rc), err.text);
    base_release(&base);
}

static void every_version_has_an_entry(void **state)
{
    struct store *st = *state;
    sample_publish(st, 1);
    assert_written(st, 2);
    assert_written(st, 0);
    sample_publish(st, 1);
    assert_written(st, 1);
    sample_publish(st, 3);
    assert_written(st, 3);
    assert_int_equal(sample_count(st, HISTORY_LOG), 6);
}

static void nothing_published_is_no_table(void **state)
{
    struct store *st = *state;
    struct base base;
    struct history_report r;
    assert_int_equal(sample_open(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(history_bring_up(st, &base, &r, NULL), ERR_OK);
    assert_int_equal(r.phase, HISTORY_NONE);
    assert_int_equal(sample_count(st, HISTORY_LOG), 0);
    base_release(&base);
}

static void a_table_that_is_there_costs_one_request_and_a_version_three(void **state)
{
    struct store *st = *state;
    struct base base;
    struct history_report r;
    sample_publish(st, 5);
    assert_written(st, 6);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    uint64_t before = st->bill.requests;
    uint64_t gets = st->bill.gets;
    assert_int_equal(history_bring_up(st, &base, &r, NULL), ERR_OK);
    assert_int_equal(st->bill.gets - gets, 1);
    assert_int_equal(st->bill.requests - before, 1);
    base_release(&base);
    sample_publish(st, 1);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    before = st->bill.requests;
    assert_int_equal(history_bring_up(st, &base, &r, NULL), ERR_OK);
    assert_int_equal(st->bill.requests - before, 3);
    base_release(&base);
}

static void two_who_write_the_same_version_write_the_same(void **state)
{
    struct store *st = *state;
    sample_publish(st, 3);
    assert_written(st, 4);
    char *before = sample_get(st, ENTRY("3"));
    assert_int_equal(store_remove(st, ENTRY("3"), NULL), ERR_OK);
    assert_int_equal(store_remove(st, ENTRY("2"), NULL), ERR_OK);
    assert_written(st, 2);
    char *after = sample_get(st, ENTRY("3"));
    assert_string_equal(before, after);
    free(after);
    free(before);
}

static void a_strangers_entry_stops_the_table_and_is_healed_by_word(void **state)
{
    struct store *st = *state;
    struct history_report r;
    struct error err = ERROR_INIT;
    sample_publish(st, 2);
    assert_written(st, 3);
    char *expected = sample_get(st, ENTRY("2"));
    sample_publish(st, 1);
    sample_put(st, ENTRY("3"), "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n");
    assert_int_equal(bring_up(st, &r, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, ENTRY("3")));
    assert_int_equal(r.phase, HISTORY_BEHIND);
    sample_put(st, ENTRY("2"), "{\"commitInfo\":{\"operation\":\"WRITE\"}}\n");
    sample_put(st, ENTRY("7"), "{}\n");
    rebuild(st, &r);
    assert_int_equal(r.changed, 3);
    assert_int_equal(sample_count(st, HISTORY_LOG), 4);
    char *healed = sample_get(st, ENTRY("2"));
    assert_string_equal(healed, expected);
    assert_written(st, 0);
    rebuild(st, &r);
    assert_int_equal(r.changed + r.written, 0);
    free(healed);
    free(expected);
}

static void what_a_repair_gave_up_is_withdrawn(void **state)
{
    struct store *st = *state;
    struct version_id second = sample_publish(st, 2);
    struct pointer set;
    struct history_report r;
    char key[LAYOUT_KEY_SIZE];
    sample_publish(st, 2);
    assert_written(st, 5);
    layout_manifest(&second, key);
    assert_int_equal(sample_repair(st, key, true, false, &set, NULL), ERR_OK);
    rebuild(st, &r);
    assert_int_equal(r.changed, 2);
    assert_int_equal(sample_count(st, HISTORY_LOG), 3);
    sample_publish(st, 1);
    assert_written(st, 1);
}

/* A repair that died before it withdrew them leaves entries where those of the next versions belong. */
static void the_next_run_withdraws_what_a_repair_gave_up(void **state)
{
    static const unsigned before[] = {1, 1, 2, 2, 1};
    static const unsigned after[] = {0, 1, 1, 2, 3};
    (void)state;
    for (size_t i = 0; i < sizeof before / sizeof *before; i++) {
        struct store *st = sample_store();
        struct version_id second = sample_publish(st, 2);
        struct pointer set;
        struct history_report r;
        char key[LAYOUT_KEY_SIZE];
        sample_publish(st, before[i]);
        assert_written(st, 3 + before[i]);
        layout_manifest(&second, key);
        assert_int_equal(sample_repair(st, key, true, false, &set, NULL), ERR_OK);
        if (after[i] > 0)
            sample_publish(st, after[i]);
        assert_int_equal(bring_up(st, &r, NULL), ERR_OK);
        assert_int_equal(r.phase, HISTORY_FRESH);
        assert_int_equal(sample_count(st, HISTORY_LOG), 3 + after[i]);
        rebuild(st, &r);
        assert_int_equal(r.changed + r.written, 0);
        store_free(st);
    }
}

/* ---- gc and verify ------------------------------------------------------------------------- */

static void gc_leaves_entries_and_collects_remains(void **state)
{
    struct store *st = *state;
    struct gc_report r;
    sample_publish(st, 2);
    assert_written(st, 3);
    sample_put(st, ENTRY("2") ".tmp-" ID, "x");
    sample_put(st, ENTRY("9"), "{}");
    sample_put(st, HISTORY_LOG "00000000000000000002.crc", "a stranger's");
    assert_int_equal(gc_collect(st, sample_roots(), SAMPLE_DATASET, true, &r, NULL), ERR_OK);
    assert_int_equal(r.removed, 1);
    assert_int_equal(r.stranger_count, 1);
    assert_false(sample_exists(st, ENTRY("2") ".tmp-" ID));
    assert_int_equal(sample_count(st, HISTORY_LOG), 5);
    gc_report_release(&r);
}

static size_t findings(struct store *st, const char *object, const char *text)
{
    struct verify_report report;
    size_t found = 0;
    assert_int_equal(verify_structure(st, sample_roots(), SAMPLE_DATASET, false, &report, NULL),
                     ERR_OK);
    for (size_t i = 0; i < report.count; i++)
        found += strcmp(report.findings[i].object, object) == 0 &&
                 strstr(report.findings[i].text, text) != NULL;
    verify_report_release(&report);
    return found;
}

static void verify_tells_of_gaps_and_of_entries_of_no_version(void **state)
{
    struct store *st = *state;
    sample_publish(st, 3);
    assert_written(st, 4);
    assert_int_equal(findings(st, ENTRY("3"), ""), 0);
    sample_put(st, ENTRY("8"), "{}");
    assert_int_equal(findings(st, ENTRY("8"), "of no version"), 1);
    assert_int_equal(store_remove(st, ENTRY("8"), NULL), ERR_OK);
    assert_int_equal(store_remove(st, ENTRY("1"), NULL), ERR_OK);
    assert_int_equal(findings(st, ENTRY("2"), "missing before it"), 1);
}

/* An older pointer, as a backup puts it in place: the last entry knows better. */
static void the_last_entry_is_a_witness(void **state)
{
    struct store *st = *state;
    struct base base;
    struct error err = ERROR_INIT;
    sample_publish(st, 2);
    char *older = sample_get(st, LAYOUT_POINTER);
    sample_publish(st, 1);
    assert_written(st, 4);
    sample_put(st, LAYOUT_POINTER, older);
    assert_int_equal(base_read(st, SAMPLE_DATASET, &base, NULL), ERR_OK);
    assert_int_equal(roots_check_witnesses(st, sample_roots(), &base, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, HISTORY_LOG));
    base_release(&base);
    free(older);
}

/* What was lost is told, and its entries stay: they know of it. */
static void a_pointer_that_went_back_and_was_published_on_withdraws_nothing(void **state)
{
    struct store *st = *state;
    struct history_report r;
    struct error err = ERROR_INIT;
    sample_publish(st, 2);
    char *older = sample_get(st, LAYOUT_POINTER);
    sample_publish(st, 2);
    assert_written(st, 5);
    char *before = sample_get(st, ENTRY("3"));
    sample_put(st, LAYOUT_POINTER, older);
    sample_publish(st, 1);
    assert_int_equal(bring_up(st, &r, &err), ERR_DAMAGED);
    assert_non_null(strstr(err.text, "went back"));
    assert_int_equal(sample_count(st, HISTORY_LOG), 5);
    char *after = sample_get(st, ENTRY("3"));
    assert_string_equal(before, after);
    free(after);
    free(before);
    free(older);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_written_bytes_are_the_golden_ones),
        cmocka_unit_test(an_entry_says_all_that_the_next_one_needs),
        cmocka_unit_test(times_rise_whatever_clocks_say),
        cmocka_unit_test(what_is_no_entry_of_ours_is_refused),
        cmocka_unit_test(keys_are_taken_apart_byte_by_byte),
        cmocka_unit_test(time_and_uuid_of_older_datasets_are_not_for_tables),
        cmocka_unit_test_setup_teardown(every_version_has_an_entry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nothing_published_is_no_table, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_table_that_is_there_costs_one_request_and_a_version_three,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(two_who_write_the_same_version_write_the_same, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_strangers_entry_stops_the_table_and_is_healed_by_word,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_repair_gave_up_is_withdrawn, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_next_run_withdraws_what_a_repair_gave_up, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(gc_leaves_entries_and_collects_remains, set_up, tear_down),
        cmocka_unit_test_setup_teardown(verify_tells_of_gaps_and_of_entries_of_no_version, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_last_entry_is_a_witness, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_pointer_that_went_back_and_was_published_on_withdraws_nothing, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

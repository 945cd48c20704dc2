/* What readers glob: every file under a name that is no column, with all columns of the schema. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/gc.h"
#include "catalog/verify.h"
#include "derived/projection/state.h"
#include "pipeline/check.h"
#include "support/catalog_sample.h"
#include "support/look.h"
#include "support/stage.h"
#include "util/mem.h"

#include <cmocka.h>

#define STATE "projections/manifest.json"
#define WINDOWS "projections/windows/"

/* Every shape of a partition's file. */
#define COLUMNS                      \
    "columns:\n"                     \
    "  - {name: id, type: bigint}\n" \
    "  - {name: day, type: date}\n"  \
    "  - {name: state, type: text}\n"
#define CUT "key: [id, day]\npartition: {column: day, by: month}\n"
#define ADDED "  - {name: more, type: text}\n"

static const struct variant variant = {
    .name = "windows",
    .yaml = COLUMNS CUT,
    .shape = {.columns = {"id", "day", "state", "more"}, .key = {"id", "day"}, .partition = "day"},
    .snapshots =
        {
            "id,day,state\n1,2026-01-05,a\n2,2026-02-06,b\n3,2026-03-07,c\n",
            "id,day,state,more\n4,2026-02-08,d,x\n",
            "id,day,state,more\n5,2026-03-08,e,y\n",
        },
};

static struct stage g;

static int open_stage(void **state)
{
    (void)state;
    stage_open_variant(&g, &variant);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&g);
    return 0;
}

/* ---- Names --------------------------------------------------------------------------------- */

/* Put what an object holds at another key. */
static void rename_object(const char *from, const char *to)
{
    struct str body;
    str_init(&body, 1 << 20);
    assert_int_equal(store_get(g.memory, from, &body, NULL, NULL), ERR_OK);
    look_replace(g.memory, to, body.data, body.len);
    look_remove(g.memory, from);
    str_release(&body);
}

static void append_part(struct str *out, const struct projection_part *part, const char *key,
                        const char *temp)
{
    char partition[LAYOUT_PARTITION_SIZE];
    layout_partition(PARTITION_MONTH, part->partition, partition);
    str_printf(out,
               "{\"partition\": \"%s\", \"key\": \"%s\", %s\"size\": %llu, \"sha256\": \"%s\", "
               "\"rows\": %llu, \"sequence\": %llu, \"commit\": \"%s\", \"versions\": [1]}",
               partition, key, temp, (unsigned long long)part->size, part->sha256,
               (unsigned long long)part->rows, (unsigned long long)part->stamp.sequence,
               part->stamp.commit);
}

/*
 * The projections as they were up to format 1: other names, and a manifest that says so. With `redo`
 * as a consolidation of that time leaves them that has put its first file into place.
 */
static void go_back(bool redo)
{
    struct projection_state s;
    struct str text;
    str_init(&text, 1 << 20);
    assert_int_equal(projection_read(g.memory, &s, NULL), ERR_OK);
    str_printf(&text,
               "{\"format\": 1, \"state\": \"%s\", \"attempt\": \"%s\", \"gc_epoch\": 0, "
               "\"partition_by\": \"month\", ",
               redo ? "in_progress" : "completed", s.attempt);
    if (redo)
        str_append(&text, "\"sequence\": 0, \"commit\": null, ");
    else
        str_printf(&text, "\"sequence\": 1, \"commit\": \"%s\", ", s.stamp.commit);
    if (redo)
        str_printf(&text,
                   "\"target\": {\"sequence\": 1, \"commit\": \"%s\"}, \"affected\": [], "
                   "\"parts\": [], \"redo\": [",
                   s.stamp.commit);
    else
        str_append(&text, "\"parts\": [");
    for (size_t i = 0; i < s.part_count; i++) {
        char former[LAYOUT_KEY_SIZE];
        projection_former_key(PARTITION_MONTH, s.parts[i].partition, former);
        if (redo && i > 0)
            look_remove(g.memory, s.parts[i].key);
        else
            rename_object(s.parts[i].key, former);
        str_append(&text, i > 0 ? ", " : "");
        append_part(&text, &s.parts[i], former, redo ? "\"temp\": \".tmp/x\", " : "");
    }
    str_append(&text, "]}");
    look_replace(g.memory, STATE, text.data, text.len);
    str_release(&text);
    projection_release(&s);
}

static void assert_names_of_today(void)
{
    assert_int_equal(look_count(g.memory, WINDOWS), 3);
    assert_true(look_exists(g.memory, WINDOWS "2026-01.parquet"));
    assert_true(look_exists(g.memory, WINDOWS "2026-02.parquet"));
    assert_true(look_exists(g.memory, WINDOWS "2026-03.parquet"));
    assert_int_equal(look_count(g.memory, ".tmp/"), 0);
    stage_check(&g, READER_SETTLED);
}

static void files_of_format_1_are_built_again_under_todays_names(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    for (int redo = 0; redo < 2; redo++) {
        go_back(redo);
        stage_run(&g, RUN_UNCHANGED);
        assert_int_equal(projection_report_of(&g.s.report.derived)->built, 3);
        assert_names_of_today();
        stage_run(&g, RUN_UNCHANGED);
        assert_true(projection_report_of(&g.s.report.derived)->skipped);
    }
}

/* No moment at which a reader by glob meets a partition twice, or none of a partition. */
static void look_at_windows(void *ctx, struct store *inner)
{
    (void)ctx;
    (void)inner;
    for (int month = 1; month <= 3; month++) {
        char *former = mem_printf(WINDOWS "year=2026/month=%02d/data.parquet", month);
        char *today = mem_printf(WINDOWS "2026-%02d.parquet", month);
        assert_int_equal(look_exists(g.memory, former) + look_exists(g.memory, today), 1);
        free(former);
        free(today);
    }
}

static void the_way_from_format_1_shows_each_partition_once_and_can_end_anywhere(void **state)
{
    (void)state;
    static const enum fault_action actions[] = {FAULT_FAIL, FAULT_LOSE_ANSWER};
    static const enum fault_op ops[] = {FAULT_PUT_NEW, FAULT_SWAP, FAULT_MOVE,
                                        FAULT_REMOVE,  FAULT_HEAD, FAULT_LIST};
    size_t fired = 0;
    stage_publish(&g, 0);
    for (size_t a = 0; a < 2; a++)
        for (size_t o = 0; o < sizeof ops / sizeof *ops; o++)
            for (size_t at = 1; at <= 4; at++) {
                go_back(false);
                stage_heal(&g);
                store_fault_add(g.st, &(struct fault){.action = FAULT_CALL,
                                                      .op = FAULT_ANY,
                                                      .call = look_at_windows});
                stage_fault(&g, actions[a], ops[o], NULL, at);
                (void)scenario_consolidate(&g.s, g.st);
                fired += store_fault_fired(g.st) > 0;
                stage_heal(&g);
                look_at_windows(NULL, NULL);
                reader_forget(g.reader);
                assert_int_equal(scenario_consolidate(&g.s, g.st), ERR_OK);
                assert_names_of_today();
            }
    assert_true(fired > 20);
}

static void gc_leaves_files_of_format_1_until_they_have_todays_names(void **state)
{
    (void)state;
    struct gc_report report;
    struct error err = ERROR_INIT;
    stage_publish(&g, 0);
    go_back(false);
    assert_int_equal(gc_collect(g.memory, sample_roots(), SCENARIO_DATASET, true, &report, &err),
                     ERR_OK);
    assert_int_equal(look_count(g.memory, WINDOWS), 3);
    gc_report_release(&report);
    /* Also where gc itself has written the manifest anew. */
    look_replace(g.memory, WINDOWS "2026-07.parquet", "stray", 5);
    assert_int_equal(gc_collect(g.memory, sample_roots(), SCENARIO_DATASET, true, &report, &err),
                     ERR_OK);
    assert_int_equal(report.removed, 1);
    gc_report_release(&report);
    stage_run(&g, RUN_UNCHANGED);
    assert_names_of_today();
}

static void a_partition_of_format_1_that_the_chain_no_longer_has_is_removed(void **state)
{
    (void)state;
    static const char gone[] = WINDOWS "year=2026/month=04/data.parquet";
    stage_publish(&g, 0);
    go_back(false);
    look_edit(g.memory, STATE, "\"parts\": [",
              "\"parts\": [{\"partition\": \"year=2026/month=04\"}, ");
    look_replace(g.memory, gone, "given up", 8);
    stage_run(&g, RUN_UNCHANGED);
    assert_false(look_exists(g.memory, gone));
    assert_names_of_today();
}

/* ---- Columns ------------------------------------------------------------------------------- */

/* Columns of each part, as the manifest states them; the same in all. */
static size_t columns_of_all(void)
{
    struct projection_state s;
    assert_int_equal(projection_read(g.memory, &s, NULL), ERR_OK);
    assert_int_equal(s.part_count, 3);
    size_t columns = s.parts[0].columns;
    for (size_t i = 1; i < s.part_count; i++)
        assert_int_equal(s.parts[i].columns, columns);
    projection_release(&s);
    return columns;
}

static void add_column(void)
{
    scenario_reconfigure(&g.s, COLUMNS ADDED CUT);
}

static void a_column_that_was_added_is_in_every_file(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    assert_int_equal(columns_of_all(), 3);
    add_column();
    stage_publish(&g, 1);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 3);
    assert_true(scenario_logged(&g.s, "3 projection files"));
    assert_int_equal(columns_of_all(), 4);
    stage_check(&g, READER_SETTLED);
    /* From then on only what is touched is built. */
    stage_publish(&g, 2);
    assert_int_equal(projection_report_of(&g.s.report.derived)->built, 1);
    stage_check(&g, READER_SETTLED);
}

static void files_without_the_added_column_are_built_whatever_fails(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {{FAULT_PUT_NEW, ".tmp/"}, {FAULT_SWAP, STATE}, {FAULT_MOVE, NULL}};
    for (size_t p = 0; p < sizeof places / sizeof *places; p++)
        for (size_t at = 1; at <= 3; at++) {
            stage_publish(&g, 0);
            add_column();
            stage_heal(&g);
            stage_fault(&g, FAULT_FAIL, places[p].op, places[p].key, at);
            stage_publish(&g, 1);
            assert_true(store_fault_fired(g.st) > 0);
            stage_check(&g, READER_ANYTIME);
            stage_heal(&g);
            stage_run(&g, RUN_UNCHANGED);
            assert_int_equal(columns_of_all(), 4);
            stage_check(&g, READER_SETTLED);
            stage_close(&g);
            stage_open_variant(&g, &variant);
        }
}

static void look_closely(bool data, struct verify_report *report)
{
    struct dataset d;
    struct error err = ERROR_INIT;
    scenario_dataset(&g.s, g.st, &d);
    assert_int_equal(check_dataset(&d, data, report, &err), ERR_OK);
    dataset_release(&d);
}

static bool found(const struct verify_report *r, const char *key, const char *text)
{
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->findings[i].object, key) == 0 && strstr(r->findings[i].text, text) != NULL)
            return true;
    return false;
}

static void verify_notices_a_file_with_an_older_schema(void **state)
{
    (void)state;
    static const char january[] = WINDOWS "2026-01.parquet";
    struct verify_report report;
    struct error err = ERROR_INIT;
    struct str old;
    char sha256[SHA256_HEX_SIZE];
    struct projection_state s;
    str_init(&old, 1 << 20);
    stage_publish(&g, 0);
    assert_int_equal(store_get(g.memory, january, &old, NULL, NULL), ERR_OK);
    add_column();
    stage_publish(&g, 1);
    /* A file without it, which the manifest names with its digest, as one that is complete. */
    sha256_hex(old.data, old.len, sha256);
    look_replace(g.memory, january, old.data, old.len);
    assert_int_equal(projection_read(g.memory, &s, NULL), ERR_OK);
    s.parts[0].size = old.len;
    memcpy(s.parts[0].sha256, sha256, sizeof sha256);
    id_new(s.attempt);
    assert_int_equal(projection_swap(g.memory, &s.tag, &s, PARTITION_MONTH, &err), ERR_OK);
    look_closely(true, &report);
    assert_true(found(&report, january, "columns are not those of the schema"));
    verify_report_release(&report);
    /* One that the manifest itself calls incomplete is noticed without reading it, and mended. */
    s.parts[0].columns = 3;
    id_new(s.attempt);
    assert_int_equal(projection_swap(g.memory, &s.tag, &s, PARTITION_MONTH, &err), ERR_OK);
    look_closely(false, &report);
    assert_true(found(&report, january, "3 columns of an older schema"));
    verify_report_release(&report);
    projection_release(&s);
    str_release(&old);
    stage_run(&g, RUN_UNCHANGED);
    assert_int_equal(columns_of_all(), 4);
    look_closely(true, &report);
    assert_int_equal(report.count, 0);
    verify_report_release(&report);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_format_1_are_built_again_under_todays_names),
        TEST(the_way_from_format_1_shows_each_partition_once_and_can_end_anywhere),
        TEST(gc_leaves_files_of_format_1_until_they_have_todays_names),
        TEST(a_partition_of_format_1_that_the_chain_no_longer_has_is_removed),
        TEST(a_column_that_was_added_is_in_every_file),
        TEST(files_without_the_added_column_are_built_whatever_fails),
        TEST(verify_notices_a_file_with_an_older_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

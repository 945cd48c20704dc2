/* What is frozen with the first version, what may grow, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/look.h"
#include "support/stage.h"
#include "util/mem.h"

#include <cmocka.h>

#define SERIES "  - {name: series, type: text}\n"
#define DAY "  - {name: day, type: date}\n"
#define VALUE "  - {name: value, type: \"decimal(9,2)\"}\n"
#define NOTE "  - {name: note, type: text}\n"
#define UNIT "  - {name: unit, type: text}\n"
#define KEY "key: [series, day]\n"
#define CUT "partition: {column: day, by: month}\n"

/* The shape that the dataset has in the end; the first version has no unit. */
static const struct variant growing = {
    .name = "growing",
    .yaml = "columns:\n" SERIES DAY VALUE NOTE KEY CUT,
    .shape = {.columns = {"series", "day", "value", "note", "unit"},
              .key = {"series", "day"},
              .partition = "day"},
    .snapshots =
        {
            "series,day,value,note\nEUR,2026-01-31,1.00,\nUSD,2026-01-31,2.00,a\n",
            /* NULL in the new column is no revision of a row that did not have it. */
            "series,day,value,note,unit\nEUR,2026-01-31,1.00,,\nUSD,2026-01-31,2.00,a,kg\n"
            "JPY,2026-02-01,3.00,,t\n",
            "series,day,value,note,unit\nEUR,2026-01-31,1.00,,t\nJPY,2026-02-01,3.00,,t\n",
        },
};

static struct stage g;

static int open_stage(void **state)
{
    (void)state;
    stage_open_variant(&g, &growing);
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stage_close(&g);
    return 0;
}

static void the_schema_grows_by_a_nullable_column(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    scenario_reconfigure(&g.s, "columns:\n" SERIES DAY VALUE NOTE UNIT KEY CUT);
    stage_publish(&g, 1);
    assert_int_equal(g.s.report.delta.rows_new, 1);
    assert_int_equal(g.s.report.delta.rows_revised, 1);
    assert_int_equal(g.s.report.delta.rows_known, 1);
    assert_int_equal(index_report_of(&g.s.report.derived)->recovery, INDEX_WAS_FRESH);
    stage_check(&g, READER_SETTLED);
    stage_publish(&g, 2);
    stage_check(&g, READER_SETTLED);
    char *rows = scenario_read(&g.s, g.st, false);
    assert_string_equal(rows, "series,day,value,note,unit\n"
                              "EUR,2026-01-31,1.00,,t\n"
                              "JPY,2026-02-01,3.00,,t\n"
                              "USD,2026-01-31,2.00,a,kg\n");
    free(rows);
}

static void an_index_is_rebuilt_over_versions_of_different_schemas(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    scenario_reconfigure(&g.s, "columns:\n" SERIES DAY VALUE NOTE UNIT KEY CUT);
    stage_publish(&g, 1);
    look_remove(g.memory, "index/manifest.json");
    look_remove(g.memory, "projections/manifest.json");
    stage_publish(&g, 2);
    assert_int_equal(index_report_of(&g.s.report.derived)->recovery, INDEX_REBUILT);
    assert_int_equal(g.s.report.delta.rows_revised, 1);
    stage_check(&g, READER_SETTLED);
}

/* Columns are known by their ids in the files, whatever the order in the configuration. */
static void columns_keep_their_ids(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    scenario_reconfigure(&g.s, "columns:\n" UNIT NOTE DAY SERIES VALUE KEY CUT);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
    char *key = look_find(g.memory, "manifests/", "0000000002-");
    struct json *manifest = look_json(g.memory, key);
    const struct json *columns = json_get(json_get(manifest, "schema"), "columns");
    static const char *const names[] = {"series", "day", "value", "note", "unit"};
    assert_int_equal(json_count(columns), 5);
    for (size_t i = 0; i < 5; i++) {
        assert_string_equal(json_string(json_get(json_at(columns, i), "name")), names[i]);
        assert_int_equal(json_integer(json_get(json_at(columns, i), "id")), i + 1);
    }
    json_free(manifest);
    free(key);
}

static void
a_configuration_that_contradicts_the_chain_is_refused_and_nothing_is_written(void **state)
{
    (void)state;
    static const struct {
        const char *yaml;
        const char *words;
    } cases[] = {
        {"columns:\n" SERIES DAY VALUE NOTE "key: [day, series]\n" CUT, "`key`"},
        {"columns:\n" SERIES DAY VALUE NOTE "key: series\n" CUT, "`key`"},
        {"columns:\n" SERIES DAY VALUE NOTE KEY "partition: {column: day, by: year}\n",
         "`partition`"},
        {"columns:\n" SERIES DAY VALUE NOTE KEY, "`partition`"},
        {"columns:\n" SERIES DAY VALUE NOTE KEY CUT "revisions: ignore\n", "`revisions`"},
        {"columns:\n" SERIES DAY NOTE KEY CUT, "column \"value\""},
        {"columns:\n" SERIES DAY "  - {name: value, type: \"decimal(9,3)\"}\n" NOTE KEY CUT,
         "column \"value\""},
        {"columns:\n" SERIES DAY "  - {name: value, type: double}\n" NOTE KEY CUT,
         "column \"value\""},
        {"columns:\n" SERIES DAY VALUE "  - {name: note, type: text, nullable: false}\n" KEY CUT,
         "column \"note\""},
        {"columns:\n" SERIES DAY VALUE NOTE
         "  - {name: unit, type: text, nullable: false}\n" KEY CUT,
         "must be nullable"},
    };
    stage_publish(&g, 0);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        scenario_reconfigure(&g.s, cases[i].yaml);
        stage_mark(&g);
        assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_CONFIG);
        if (strstr(g.s.err.text, cases[i].words) == NULL)
            fail_msg("case %zu: %s", i, g.s.err.text);
        assert_int_equal(stage_writes(&g), 0);
    }
    stage_check(&g, READER_SETTLED);
}

static void a_constant_may_change_without_revising_every_row(void **state)
{
    (void)state;
    scenario_reconfigure(&g.s, "columns:\n" SERIES DAY VALUE NOTE KEY CUT "constants: {of: A}\n");
    assert_int_equal(stage_try(&g, g.variant->snapshots[0]), ERR_OK);
    scenario_reconfigure(&g.s, "columns:\n" SERIES DAY VALUE NOTE KEY CUT "constants: {of: B}\n");
    assert_int_equal(stage_try(&g, "series,day,value,note\nEUR,2026-01-31,1.00,\n"
                                   "CHF,2026-01-31,4.00,\n"),
                     ERR_OK);
    assert_int_equal(g.s.report.delta.rows_new, 1);
    assert_int_equal(g.s.report.delta.rows_revised, 0);
    char *rows = scenario_read(&g.s, g.st, false);
    assert_string_equal(rows, "series,day,value,note,of\n"
                              "CHF,2026-01-31,4.00,,B\n"
                              "EUR,2026-01-31,1.00,,A\n"
                              "USD,2026-01-31,2.00,a,A\n");
    free(rows);
}

static void another_dataset_in_the_same_place_is_refused(void **state)
{
    (void)state;
    stage_publish(&g, 0);
    look_edit(g.memory, "current/manifest.json", "\"demo\"", "\"other\"");
    assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_CONFIG);
    assert_non_null(strstr(g.s.err.text, "\"other\""));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_schema_grows_by_a_nullable_column),
        TEST(an_index_is_rebuilt_over_versions_of_different_schemas),
        TEST(columns_keep_their_ids),
        TEST(a_configuration_that_contradicts_the_chain_is_refused_and_nothing_is_written),
        TEST(a_constant_may_change_without_revising_every_row),
        TEST(another_dataset_in_the_same_place_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/status.h"
#include "support/catalog_sample.h"
#include "support/scenario.h"
#include "util/time.h"

#define SECOND 1000000

static struct scenario s;
static struct store *st;
static struct status status;
static struct error err;

static int setup(void **state)
{
    (void)state;
    scenario_open(&s, "columns:\n"
                      "  - {name: id, type: bigint}\n"
                      "  - {name: v, type: text}\n"
                      "key: id\n"
                      "expect_every: 1h\n");
    st = scenario_memory();
    status = (struct status){.things = NULL};
    error_clear(&err);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    status_release(&status);
    store_free(st);
    scenario_close(&s);
    return 0;
}

static int look(int64_t now)
{
    struct dataset d;
    struct limits limits = {.memory = 1, .threads = 1, .temp = "/nowhere"};
    status_release(&status);
    dataset_init(&d, st, SCENARIO_DATASET, &s.config, &limits);
    int rc = status_read(&d, now, &status, &err);
    dataset_release(&d);
    return rc;
}

static void nothing_is_no_dataset(void **state)
{
    (void)state;
    assert_int_equal(look(time_now()), ERR_ABSENT);
    assert_null(status.last_run.json);
}

static void an_empty_dataset_has_nothing_to_show(void **state)
{
    (void)state;
    struct base base;
    assert_int_equal(sample_open(st, SCENARIO_DATASET, &base, &err), ERR_OK);
    base_release(&base);
    assert_int_equal(look(time_now()), ERR_OK);
    assert_int_equal(status.base.pointer.current.sequence, 0);
    assert_int_equal(status.derived[0].state, DERIVED_NONE);
    assert_int_equal(status.derived[2].state, DERIVED_NONE);
    assert_null(status.last_run.json);
    assert_int_equal(status.last_success, 0);
    assert_true(status.late);
}

static void after_a_run_everything_is_fresh(void **state)
{
    (void)state;
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    assert_int_equal(look(s.report.finished + SECOND), ERR_OK);
    assert_int_equal(status.base.pointer.current.sequence, 1);
    assert_int_equal(status.derived[0].state, DERIVED_FRESH);
    assert_int_equal(status.derived[0].sequence, 1);
    assert_null(status.derived[0].reason);
    assert_int_equal(status.derived[2].state, DERIVED_FRESH);
    assert_int_equal(status.derived[2].sequence, 1);
    assert_int_equal(status.last_run.run.outcome, RUN_PUBLISHED);
    assert_int_equal(status.last_success, s.report.finished);
    assert_int_equal(status.expect_every, 3600);
    assert_false(status.late);
}

static void what_is_late_is_late_by_the_second(void **state)
{
    (void)state;
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    int64_t due = s.report.finished + (int64_t)3600 * SECOND;
    assert_int_equal(look(due), ERR_OK);
    assert_false(status.late);
    assert_int_equal(look(due + 1), ERR_OK);
    assert_true(status.late);
}

static void an_unchanged_source_is_a_success_and_a_failure_is_none(void **state)
{
    (void)state;
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    assert_int_equal(scenario_run(&s, st), ERR_OK);
    assert_int_equal(s.report.outcome, RUN_UNCHANGED);
    int64_t success = s.report.finished;
    assert_int_equal(scenario_publish(&s, st, "id,v\nx,a\n"), ERR_GATE);
    assert_int_equal(look(time_now()), ERR_OK);
    assert_int_equal(status.last_run.run.outcome, RUN_FAILED);
    assert_int_equal(status.last_success, success);
}

static void a_run_without_consolidation_leaves_projections_behind(void **state)
{
    (void)state;
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    s.options.no_consolidate = true;
    assert_int_equal(scenario_publish(&s, st, "id,v\n2,b\n"), ERR_OK);
    assert_int_equal(look(time_now()), ERR_OK);
    assert_int_equal(status.derived[0].state, DERIVED_FRESH);
    assert_int_equal(status.derived[2].state, DERIVED_BEHIND);
    assert_int_equal(status.derived[2].sequence, 1);
}

static void a_gc_is_no_run(void **state)
{
    (void)state;
    static const char key[] = "runs/20990101T000000.000000Z-0123456789abcdef0123456789abcdef.json";
    static const char text[] = "{\"kind\":\"gc\",\"outcome\":\"failed\"}";
    struct store_body body = store_body_bytes(text, sizeof text - 1);
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    assert_int_equal(store_put_new(st, key, &body, NULL, &err), ERR_OK);
    assert_int_equal(look(time_now()), ERR_OK);
    assert_int_equal(status.last_run.run.outcome, RUN_PUBLISHED);
}

/* Put other bytes in the place of an object. */
static void overwrite(const char *key, const char *text)
{
    struct str old;
    struct store_tag tag;
    struct store_body body = store_body_bytes(text, strlen(text));
    str_init(&old, STR_MAX_DEFAULT);
    assert_int_equal(store_get(st, key, &old, &tag, &err), ERR_OK);
    assert_int_equal(store_swap(st, key, &tag, &body, NULL, &err), ERR_OK);
    str_release(&old);
}

static void what_cannot_be_understood_is_invalid(void **state)
{
    (void)state;
    assert_int_equal(scenario_publish(&s, st, "id,v\n1,a\n"), ERR_OK);
    overwrite(INDEX_ROOT, "{");
    overwrite(PROJECTION_ROOT, "{");
    assert_int_equal(look(time_now()), ERR_OK);
    assert_int_equal(status.derived[0].state, DERIVED_INVALID);
    assert_int_equal(status.derived[2].state, DERIVED_INVALID);
    overwrite(LAYOUT_POINTER, "{");
    assert_int_equal(look(time_now()), ERR_DAMAGED);
}

static void states_have_stable_names(void **state)
{
    (void)state;
    assert_string_equal(derived_state_name(DERIVED_NONE), "none");
    assert_string_equal(derived_state_name(DERIVED_FRESH), "fresh");
    assert_string_equal(derived_state_name(DERIVED_BEHIND), "behind");
    assert_string_equal(derived_state_name(DERIVED_IN_PROGRESS), "in_progress");
    assert_string_equal(derived_state_name(DERIVED_INVALID), "invalid");
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_is_no_dataset),
        CASE(an_empty_dataset_has_nothing_to_show),
        CASE(after_a_run_everything_is_fresh),
        CASE(what_is_late_is_late_by_the_second),
        CASE(an_unchanged_source_is_a_success_and_a_failure_is_none),
        CASE(a_run_without_consolidation_leaves_projections_behind),
        CASE(a_gc_is_no_run),
        CASE(what_cannot_be_understood_is_invalid),
        CASE(states_have_stable_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

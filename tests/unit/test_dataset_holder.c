/* A run and its lease: who goes on, who is skipped, and that nothing but work depends on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/layout.h"
#include "dataset/holder.h"
#include "support/scenario.h"
#include "util/time.h"

#define MINUTE (INT64_C(60) * 1000000)
#define ROWS "series,day,value\na,2026-01-01,1\n"
#define YAML                                                              \
    "key: [series, day]\npartition: {column: day, by: month}\ncolumns:\n" \
    "  - {name: series, type: text}\n  - {name: day, type: date}\n  - {name: value, type: text}\n"

struct fixture {
    struct scenario s;
    struct store *st;
};

static void begin(struct fixture *f, const char *more)
{
    struct str yaml;
    str_init(&yaml, 4000);
    str_printf(&yaml, YAML "%s", more);
    scenario_open(&f->s, yaml.data);
    f->st = scenario_memory();
    str_release(&yaml);
}

static void end(struct fixture *f)
{
    store_free(f->st);
    scenario_close(&f->s);
}

static char *lease_text(struct fixture *f)
{
    struct str text;
    str_init(&text, 4000);
    if (store_get(f->st, LAYOUT_LEASE, &text, NULL, NULL) != ERR_OK) {
        str_release(&text);
        return NULL;
    }
    return str_detach(&text);
}

static void without_a_setting_there_is_no_lease(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "");
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_null(lease_text(&f));
    end(&f);
}

static void a_run_takes_the_lease_and_gives_it_back(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "lease: {ttl: 10m}\n");
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_PUBLISHED);
    char *text = lease_text(&f);
    assert_non_null(text);
    assert_non_null(strstr(text, f.s.report.run_id));
    free(text);
    /* It is free again: the next run need not wait. */
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_UNCHANGED);
    assert_int_equal(f.s.report.warning_count, 0);
    end(&f);
}

static void a_run_that_finds_it_taken_looks_at_nothing(void **state)
{
    (void)state;
    struct fixture f;
    struct lease other;
    begin(&f, "lease: {ttl: 10m}\n");
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "the other one", MINUTE, &other, NULL), ERR_OK);
    uint64_t before = f.st->bill.requests;
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_SKIPPED);
    assert_non_null(strstr(f.s.report.message, "the other one"));
    assert_int_equal(f.st->bill.requests, before + 1);
    assert_true(scenario_logged(&f.s, "skipped: "));
    /* Once it is given back, the same run goes on. */
    assert_int_equal(lease_give_back(f.st, &other, NULL), ERR_OK);
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_PUBLISHED);
    end(&f);
}

static void a_plan_needs_no_lease(void **state)
{
    (void)state;
    struct fixture f;
    struct lease other;
    begin(&f, "lease: {ttl: 10m}\n");
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "the other one", MINUTE, &other, NULL), ERR_OK);
    f.s.options.dry_run = true;
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_PLANNED);
    end(&f);
}

static void a_damaged_lease_stops_nobody(void **state)
{
    (void)state;
    struct fixture f;
    begin(&f, "lease: {ttl: 10m}\n");
    struct store_body body = store_body_bytes("no lease", 8);
    assert_int_equal(store_put_new(f.st, LAYOUT_LEASE, &body, NULL, NULL), ERR_OK);
    assert_int_equal(scenario_publish(&f.s, f.st, ROWS), ERR_OK);
    assert_int_equal(f.s.report.outcome, RUN_PUBLISHED);
    assert_int_equal(f.s.report.warning_count, 1);
    assert_non_null(strstr(f.s.report.warnings[0], "goes on without it"));
    end(&f);
}

static void a_failed_run_gives_it_back(void **state)
{
    (void)state;
    struct fixture f;
    struct lease next;
    begin(&f, "lease: {ttl: 10m}\n");
    assert_int_not_equal(scenario_publish(&f.s, f.st, "series,day,value\na,no day,1\n"), ERR_OK);
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "next", MINUTE, &next, NULL), ERR_OK);
    assert_int_equal(next.epoch, 2);
    end(&f);
}

static void it_is_renewed_for_as_long_as_it_is_held(void **state)
{
    (void)state;
    struct fixture f;
    struct holder h;
    struct lease other;
    begin(&f, "");
    assert_int_equal(holder_begin(&h, f.st, "x", 600000, NULL), ERR_OK);
    time_sleep(1500000);
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "other", MINUTE, &other, NULL), ERR_CONFLICT);
    holder_end(&h);
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "other", MINUTE, &other, NULL), ERR_OK);
    assert_int_equal(other.epoch, 2);
    end(&f);
}

static void one_that_was_lost_is_not_taken_back(void **state)
{
    (void)state;
    struct fixture f;
    struct holder h;
    struct lease stolen;
    begin(&f, "");
    assert_int_equal(holder_begin(&h, f.st, "x", 600000, NULL), ERR_OK);
    assert_int_equal(store_remove(f.st, LAYOUT_LEASE, NULL), ERR_OK);
    assert_int_equal(lease_take(f.st, LAYOUT_LEASE, "thief", MINUTE, &stolen, NULL), ERR_OK);
    time_sleep(500000);
    assert_true(scenario_logged(&f.s, "the lease was lost"));
    holder_end(&h);
    assert_int_equal(lease_renew(f.st, &stolen, MINUTE, NULL), ERR_OK);
    end(&f);
}

static void an_unused_holder_may_be_ended(void **state)
{
    (void)state;
    struct holder h = {.held = false};
    holder_end(&h);
    assert_false(h.held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_setting_there_is_no_lease),
        cmocka_unit_test(a_run_takes_the_lease_and_gives_it_back),
        cmocka_unit_test(a_run_that_finds_it_taken_looks_at_nothing),
        cmocka_unit_test(a_plan_needs_no_lease),
        cmocka_unit_test(a_damaged_lease_stops_nobody),
        cmocka_unit_test(a_failed_run_gives_it_back),
        cmocka_unit_test(it_is_renewed_for_as_long_as_it_is_held),
        cmocka_unit_test(one_that_was_lost_is_not_taken_back),
        cmocka_unit_test(an_unused_holder_may_be_ended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* A request to stop: abandons a run cleanly before the commit, and never fails it after. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/look.h"
#include "support/stage.h"
#include "util/stop.h"

#include <cmocka.h>

static struct stage g;

static int open_stage(void **state)
{
    (void)state;
    stop_clear();
    stage_open(&g, "month");
    return 0;
}

static int close_stage(void **state)
{
    (void)state;
    stop_clear();
    stage_close(&g);
    return 0;
}

static void ask(void *ctx, struct store *inner)
{
    (void)ctx;
    (void)inner;
    stop_request();
}

/* What the kernel does at the end of the time limit. */
static void time_out(void *ctx, struct store *inner)
{
    (void)ctx;
    (void)inner;
    raise(SIGALRM);
}

static void call_at(void (*call)(void *ctx, struct store *inner), enum fault_op op, const char *key)
{
    stage_heal(&g);
    store_fault_add(
        g.st, &(struct fault){.action = FAULT_CALL, .op = op, .key = key, .at = 1, .call = call});
}

static void ask_at(enum fault_op op, const char *key, size_t at)
{
    stage_heal(&g);
    store_fault_add(
        g.st, &(struct fault){.action = FAULT_CALL, .op = op, .key = key, .at = at, .call = ask});
}

static void a_request_to_stop_before_the_commit_rolls_back(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
        uint64_t rolled_back;
    } places[] = {
        {FAULT_PROBE, NULL, 0},
        {FAULT_GET, "current/", 0},
        {FAULT_GET_FILE, "index/", 0},
        {FAULT_PUT_NEW, "month=03", 3},
    };
    stage_publish(&g, 0);
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *before = look_state(g.memory, "events/_data/");
        ask_at(places[i].op, places[i].key, 1);
        assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_INTERRUPTED);
        assert_int_equal(g.s.report.outcome, RUN_FAILED);
        assert_non_null(strstr(g.s.err.text, "Stopped by a signal. Nothing was published."));
        assert_int_equal(g.s.report.events.rolled_back, places[i].rolled_back);
        char *after = look_state(g.memory, "events/_data/");
        assert_string_equal(after, before);
        assert_int_equal(look_count(g.memory, "manifests/"), 1);
        assert_int_equal(scenario_scratch_count(&g.s), 0);
        stop_clear();
        free(after);
        free(before);
    }
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
}

static void a_request_to_stop_from_the_manifest_on_does_not_stop_the_commit(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {{FAULT_PUT_NEW, "manifests/"}, {FAULT_SWAP, "current/"}};
    stage_publish(&g, 0);
    for (size_t i = 0; i < 2; i++) {
        ask_at(places[i].op, places[i].key, 1);
        stage_publish(&g, i + 1);
        stop_clear();
        stage_check(&g, READER_ANYTIME);
        assert_int_equal(reader_versions(g.reader), i + 2);
    }
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    stage_check(&g, READER_SETTLED);
}

static void a_request_to_stop_during_what_is_derived_does_not_fail_the_run(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {
        {FAULT_PUT_NEW, "index/"}, {FAULT_SWAP, "projections/"}, {FAULT_PUT_NEW, ".tmp/"}};
    stage_publish(&g, 0);
    for (size_t i = 0; i < 3; i++) {
        ask_at(places[i].op, places[i].key, 1);
        stage_publish(&g, i + 1);
        assert_int_equal(g.s.report.code, ERR_OK);
        for (size_t w = 0; w < g.s.report.warning_count; w++)
            assert_null(strstr(g.s.report.warnings[w], "othing was published"));
        stop_clear();
        stage_check(&g, READER_ANYTIME);
    }
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    stage_check(&g, READER_SETTLED);
}

static void the_end_of_the_time_limit_before_the_commit_rolls_back(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
        uint64_t rolled_back;
    } places[] = {{FAULT_GET, "current/", 0}, {FAULT_PUT_NEW, "month=03", 3}};
    stage_publish(&g, 0);
    g.s.config.timeout_seconds = 3600;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *before = look_state(g.memory, "events/_data/");
        call_at(time_out, places[i].op, places[i].key);
        assert_int_equal(stage_try(&g, g.variant->snapshots[1]), ERR_TIMEOUT);
        assert_int_equal(g.s.report.code, ERR_TIMEOUT);
        assert_non_null(strstr(g.s.err.text, "`timeout` allows is over. Nothing was published."));
        assert_int_equal(g.s.report.events.rolled_back, places[i].rolled_back);
        char *after = look_state(g.memory, "events/_data/");
        assert_string_equal(after, before);
        assert_false(stop_requested()); /* whoever runs next is not concerned */
        free(after);
        free(before);
    }
    stage_heal(&g);
    stage_publish(&g, 1);
    stage_check(&g, READER_SETTLED);
}

static void the_end_of_the_time_limit_from_the_commit_on_is_no_failure(void **state)
{
    (void)state;
    static const struct {
        enum fault_op op;
        const char *key;
    } places[] = {
        {FAULT_PUT_NEW, "index/"}, {FAULT_SWAP, "projections/"}, {FAULT_SWAP, "current/"}};
    stage_publish(&g, 0);
    g.s.config.timeout_seconds = 3600;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        call_at(time_out, places[i].op, places[i].key);
        stage_publish(&g, i + 1);
        assert_int_equal(g.s.report.code, ERR_OK);
        assert_false(stop_requested());
        stage_check(&g, READER_ANYTIME);
    }
    stage_heal(&g);
    stage_run(&g, RUN_UNCHANGED);
    stage_check(&g, READER_SETTLED);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_stage, close_stage)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_request_to_stop_before_the_commit_rolls_back),
        TEST(a_request_to_stop_from_the_manifest_on_does_not_stop_the_commit),
        TEST(a_request_to_stop_during_what_is_derived_does_not_fail_the_run),
        TEST(the_end_of_the_time_limit_before_the_commit_rolls_back),
        TEST(the_end_of_the_time_limit_from_the_commit_on_is_no_failure),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

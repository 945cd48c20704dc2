/*
 * Whole runs on a real server, with everything that a network and a server can do to a request at
 * every request of theirs. After each fault a reader that knows only the pointer looks, goes around
 * the faults; then an ordinary run puts everything right, and the one after that has nothing to do.
 *
 * By default each request meets one of the faults, and the commit all of them; with
 * CAUCE_TORTURE=full every request meets every fault, from more states and in more shapes. Under a
 * sanitizer, which makes it slow, every third request must do.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "catalog/gc.h"
#include "support/catalog_sample.h"
#include "support/fault_proxy.h"
#include "support/s3_server.h"
#include "support/torture.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/time.h"

#define BUCKET "runs"
#define TEXT ((size_t)1 << 20)
#define POINTER "\"method\":\"PUT\",\"path\":\"current/manifest.json\""

/* JSON members of a rule. */
static const char *const faults[] = {
    "\"fault\":\"drop_before\"",
    "\"fault\":\"drop_after\"",
    "\"fault\":\"late\",\"seconds\":0.2",
    "\"fault\":\"answer\",\"status\":500",
    "\"fault\":\"answer_after\",\"status\":500",
    "\"fault\":\"truncate\"",
    "\"fault\":\"answer\",\"status\":503",
    "\"fault\":\"corrupt_answer\"",
    "\"fault\":\"corrupt_request\"",
    "\"fault\":\"answer\",\"status\":409",
    "\"fault\":\"reset\"",
    "\"fault\":\"answer_after\",\"status\":504",
    "\"fault\":\"delay\",\"seconds\":0.05",
};
#define FAULTS (sizeof faults / sizeof faults[0])

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define STRIDE 3
#else
#define STRIDE 1
#endif

static struct s3_server server;
static struct s3_server detour; /* the same, by way of the proxy */
static struct fault_proxy *proxy;

/* ---- One round ----------------------------------------------------------------------------- */

struct tally {
    size_t requests, rounds, faults, bad;
    int64_t began;
};

static char *new_place(void)
{
    char id[ID_SIZE];
    id_new(id);
    return mem_printf("s3://" BUCKET "/%s", id);
}

struct copying {
    struct store *from, *to;
};

static int copy_object(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct copying *c = ctx;
    struct store_info info;
    struct str body;
    str_init(&body, TEXT);
    int rc = store_head(c->from, entry->key, &info, err);
    if (rc == ERR_OK)
        rc = store_get(c->from, entry->key, &body, NULL, err);
    if (rc == ERR_OK) {
        struct store_body copy = store_body_bytes(body.data, body.len);
        memcpy(copy.labels, info.labels, sizeof copy.labels);
        rc = store_put_new(c->to, entry->key, &copy, NULL, err);
    }
    str_release(&body);
    return rc;
}

static void copy_state(struct store *from, struct store *to)
{
    struct copying c = {from, to};
    struct error err = ERROR_INIT;
    if (store_list(from, "", copy_object, &c, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

static void look(struct torture *t, struct store *st, unsigned demands, const char *when)
{
    struct str lines;
    str_init(&lines, TEXT);
    reader_check(t->reader, st, demands, &lines);
    if (lines.len > 0)
        str_printf(&t->found, "%s:\n%s", when, lines.data);
    str_release(&lines);
}

static int publish(struct torture *t, struct store *st)
{
    int rc = scenario_publish(&t->s, st, t->csv);
    struct reader_claim claim = scenario_claim(&t->s);
    reader_claim(t->reader, &claim);
    scenario_check_report(&t->s, rc, &t->found);
    return rc;
}

static void publish_soundly(struct torture *t, struct store *st, const char *when)
{
    if (publish(t, st) != ERR_OK)
        str_printf(&t->found, "%s, an ordinary run failed: %s\n", when, t->s.err.text);
    look(t, st, READER_SETTLED, when);
}

static void collect(struct torture *t, struct store *st)
{
    struct gc_report report;
    struct error err = ERROR_INIT;
    if (gc_collect(st, sample_roots(), SCENARIO_DATASET, true, &report, &err) != ERR_OK)
        str_printf(&t->found, "gc failed: %s\n", err.text);
    gc_report_release(&report);
    look(t, st, READER_SETTLED | READER_CLEAN, "after gc");
}

/* Rules are a JSON array. */
static void round_of(struct torture *t, const char *rules, struct tally *tally)
{
    char *place = new_place();
    struct store *plain = s3_server_open(&server, place, false);
    copy_state(t->base, plain);
    struct store *broken = s3_server_open(&detour, place, false);
    str_clear(&t->found);
    reader_forget(t->reader);
    look(t, plain, READER_ANYTIME, "before");
    fault_proxy_rules(proxy, rules);
    publish(t, broken);
    tally->faults += fault_proxy_fired(proxy);
    fault_proxy_rules(proxy, "[]");
    look(t, plain, READER_ANYTIME, "after the fault");
    if (strstr(rules, "late") != NULL) {
        fault_proxy_settle(proxy);
        look(t, plain, READER_ANYTIME, "after what was late");
    }
    publish_soundly(t, plain, "after the fault");
    publish_soundly(t, plain, "again");
    if (t->s.report.outcome != RUN_UNCHANGED)
        str_printf(&t->found, "the second run says %s\n", run_outcome_name(t->s.report.outcome));
    if (torture_full() || tally->rounds % 4 == 0)
        collect(t, plain);
    tally->rounds++;
    if (t->found.len > 0) {
        tally->bad++;
        print_error("%s, %s, %s at %s:\n%s\n", t->variant->name, torture_state_name(t->state),
                    rules, place, t->found.data);
    }
    store_free(broken);
    store_free(plain);
    free(place);
}

static void finish(const struct tally *tally)
{
    print_message("%zu requests, %zu rounds, %zu faults, %.1f s\n", tally->requests, tally->rounds,
                  tally->faults, (double)(time_monotonic() - tally->began) / 1e6);
    assert_int_equal(tally->bad, 0);
    /* What is sent at once has no fixed order, and a run that failed sends less than one that did not. */
    assert_true(tally->faults >= tally->rounds - tally->rounds / 10);
}

/* ---- Every request ------------------------------------------------------------------------- */

/* Requests of the run where nothing fails, its record included. */
static uint64_t rehearse(struct torture *t)
{
    char *place = new_place();
    struct store *st = s3_server_open(&detour, place, false);
    assert_int_equal(store_probe(st, NULL), ERR_OK);
    copy_state(t->base, st);
    uint64_t before = st->bill.requests;
    if (scenario_publish(&t->s, st, t->csv) != ERR_OK)
        fail_msg("%s", t->s.err.text);
    uint64_t count = st->bill.requests - before;
    store_free(st);
    free(place);
    return count;
}

static void every_request(const char *variant, enum torture_state state)
{
    struct torture t;
    struct tally tally = {.began = time_monotonic()};
    torture_open(&t, scenario_variant(variant), state);
    tally.requests = rehearse(&t);
    for (size_t k = 1; k <= tally.requests; k += torture_full() ? 1 : STRIDE) {
        for (size_t i = 0; i < FAULTS; i++) {
            if (!torture_full() && i != k % FAULTS)
                continue;
            char *rules = mem_printf("[{\"nth\":%zu,%s}]", k, faults[i]);
            round_of(&t, rules, &tally);
            free(rules);
        }
    }
    torture_close(&t);
    finish(&tally);
}

static void each_request_of_the_first_run_fails(void **state)
{
    (void)state;
    every_request("month", TORTURE_EMPTY);
}

static void each_request_of_a_second_run_fails(void **state)
{
    (void)state;
    every_request("moving", TORTURE_PUBLISHED);
}

static void each_request_of_a_run_that_heals_fails(void **state)
{
    (void)state;
    static const enum torture_state states[] = {TORTURE_INDEX_BEHIND, TORTURE_INDEX_GONE,
                                                TORTURE_REDO, TORTURE_HALF_MOVED, TORTURE_BEGUN};
    if (!torture_full())
        skip();
    for (size_t i = 0; i < sizeof states / sizeof states[0]; i++)
        every_request("month", states[i]);
}

/* ---- The commit ---------------------------------------------------------------------------- */

static void the_commit_meets_every_fault(void **state)
{
    (void)state;
    struct torture t;
    struct tally tally = {.requests = 1, .began = time_monotonic()};
    torture_open(&t, scenario_variant("month"), TORTURE_PUBLISHED);
    for (size_t i = 0; i < FAULTS; i++) {
        char *rules = mem_printf("[{" POINTER ",%s}]", faults[i]);
        round_of(&t, rules, &tally);
        free(rules);
    }
    torture_close(&t);
    finish(&tally);
}

/* The same again at what follows: the swap that is sent again, or the reading that settles it. */
static void pairs_at_the_commit(const char *second)
{
    struct torture t;
    struct tally tally = {.requests = 2, .began = time_monotonic()};
    torture_open(&t, scenario_variant("month"), TORTURE_PUBLISHED);
    for (size_t i = 0; i < FAULTS; i++) {
        for (size_t j = 0; j < FAULTS; j++) {
            if (!torture_full() && (j != (5 * i + 3) % FAULTS || i % STRIDE != 0))
                continue;
            char *rules = mem_printf("[{" POINTER ",%s},{%s,%s}]", faults[i], second, faults[j]);
            round_of(&t, rules, &tally);
            free(rules);
        }
    }
    torture_close(&t);
    finish(&tally);
}

static void two_commits_in_a_row_fail(void **state)
{
    (void)state;
    pairs_at_the_commit(POINTER ",\"nth\":2");
}

static void the_commit_and_the_look_after_it_fail(void **state)
{
    (void)state;
    pairs_at_the_commit("\"method\":\"GET\",\"path\":\"current/manifest.json\",\"nth\":2");
}

/* ---- Server and proxy ---------------------------------------------------------------------- */

static void make_detour(void)
{
    for (size_t i = 0; i < S3_SETTINGS_MAX && server.settings.names[i] != NULL; i++)
        s3_test_set(&detour.settings, server.settings.names[i], server.settings.values[i]);
    s3_test_set(&detour.settings, "AWS_ENDPOINT_URL", fault_proxy_url(proxy));
    fault_proxy_rules(proxy, "[]");
    s3_server_make_bucket(&server, BUCKET);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_commit_meets_every_fault),
        cmocka_unit_test(two_commits_in_a_row_fail),
        cmocka_unit_test(the_commit_and_the_look_after_it_fail),
        cmocka_unit_test(each_request_of_the_first_run_fails),
        cmocka_unit_test(each_request_of_a_second_run_fails),
        cmocka_unit_test(each_request_of_a_run_that_heals_fails),
    };
    if (getenv("CAUCE_SOURCE_DIR") == NULL)
        setenv("CAUCE_SOURCE_DIR", CAUCE_TEST_SOURCE_DIR, 1);
    if (!s3_server_start(&server))
        return 77;
    proxy = fault_proxy_new(s3_test_get(&server.settings, "AWS_ENDPOINT_URL"));
    if (proxy == NULL) {
        printf("skipped: there is no python3 for the fault proxy\n");
        s3_server_stop(&server);
        return 77;
    }
    make_detour();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    s3_test_settings_release(&detour.settings);
    fault_proxy_free(proxy);
    s3_server_stop(&server);
    return failed;
}

/*
 * Two faults in one run: one at the swap of the pointer, and one at each of the operations that follow
 * it, in every combination of their ways; and the swap in total darkness, where no later look at the
 * pointer succeeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/torture.h"
#include "util/time.h"

#include <cmocka.h>

const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "malloc_context_size=3:quarantine_size_mb=4";
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW true
#else
#define SLOW false
#endif

#define AFTER 8 /* operations behind the swap that fail, too */

static const enum fault_action ways[] = {FAULT_FAIL, FAULT_LOSE_ANSWER, FAULT_APPLY_LATE};
static const char *const way_names[] = {"fails", "loses its answer", "is late"};
#define WAYS (sizeof ways / sizeof *ways)

/* Number of the operation that swaps the pointer to a version: the last such swap. */
static size_t find_swap(struct torture *t)
{
    struct store *rehearsal = torture_rehearse(t);
    size_t found = 0;
    for (size_t k = 1; k <= store_fault_count(rehearsal); k++) {
        const char *key;
        if (store_fault_operation(rehearsal, k, &key) == FAULT_SWAP &&
            strncmp(key, "current/", 8) == 0)
            found = k;
    }
    store_free(rehearsal);
    assert_true(found > 0);
    return found;
}

static size_t try_pair(struct torture *t, size_t swap, size_t first, size_t second, size_t distance)
{
    struct fault faults[] = {
        {.action = ways[first], .at = swap},
        {.action = ways[second], .at = swap + distance},
    };
    unsigned extras = distance % 2 == 0 ? TORTURE_LATE_AT_END : 0;
    const char *found = torture_round(t, faults, 2, extras | TORTURE_GC);
    if (found[0] == '\0')
        return 0;
    print_error("the swap %s, and the operation %zu after it %s:\n%s\n", way_names[first], distance,
                way_names[second], found);
    return 1;
}

static void pairs_of_faults_at_the_swap_of_the_pointer(void **state)
{
    (void)state;
    struct torture t;
    size_t bad = 0, n = 0;
    int64_t began = time_monotonic();
    torture_open(&t, scenario_variant("month"), TORTURE_PUBLISHED);
    torture_prepare(&t);
    size_t swap = find_swap(&t);
    for (size_t first = 0; first < WAYS; first++)
        for (size_t distance = 1; distance <= AFTER; distance++)
            for (size_t second = 0; second < WAYS; second++)
                if (torture_full() || n++ % (SLOW ? 4 : 1) == 0)
                    bad += try_pair(&t, swap, first, second, distance);
    print_message("%zu faults, %zu runs, %zu checks by the reader, %.1f s\n", t.faults, t.runs,
                  t.checks, (double)(time_monotonic() - began) / 1e6);
    torture_close(&t);
    assert_int_equal(bad, 0);
}

/* ---- Darkness ------------------------------------------------------------------------------ */

struct darkness {
    struct store *st;
};

/* From now on the pointer cannot be read. */
static void turn_dark(void *ctx, struct store *inner)
{
    struct darkness *d = ctx;
    (void)inner;
    store_fault_add(d->st,
                    &(struct fault){.action = FAULT_FAIL, .op = FAULT_GET, .key = "current/"});
}

/* The outcome is hidden: that is said, nothing is deleted, and the next run settles it. */
static void in_darkness(enum fault_action way, bool lands)
{
    struct torture t;
    torture_open(&t, scenario_variant("month"), TORTURE_PUBLISHED);
    torture_prepare(&t);
    struct store *copy = scenario_clone(t.base);
    struct store *st = store_fault_new(copy);
    struct darkness d = {st};
    store_fault_add(st, &(struct fault){.action = way, .op = FAULT_SWAP, .key = "current/"});
    store_fault_add(st, &(struct fault){.action = FAULT_CALL,
                                        .op = FAULT_SWAP,
                                        .key = "current/",
                                        .at = 1,
                                        .call = turn_dark,
                                        .ctx = &d});
    assert_int_equal(scenario_publish(&t.s, st, t.csv), ERR_UNKNOWN);
    assert_int_equal(t.s.report.outcome, RUN_UNKNOWN);
    struct reader_claim claim = scenario_claim(&t.s);
    claim.hidden = true;
    reader_claim(t.reader, &claim);
    torture_check(&t, copy, READER_ANYTIME, "in darkness");
    assert_int_equal(reader_versions(t.reader), lands && way == FAULT_LOSE_ANSWER ? 2 : 1);
    store_fault_flush(st);
    torture_check(&t, copy, READER_ANYTIME, "after what was late");
    assert_int_equal(reader_versions(t.reader), lands ? 2 : 1);
    torture_recover(&t, copy, TORTURE_GC | TORTURE_REREAD);
    assert_string_equal(t.found.data, "");
    assert_int_equal(reader_versions(t.reader), 2);
    store_free(st);
    torture_close(&t);
}

static void a_swap_in_darkness_that_landed_is_settled_by_the_next_run(void **state)
{
    (void)state;
    in_darkness(FAULT_LOSE_ANSWER, true);
}

static void a_swap_in_darkness_that_lands_late_is_settled_by_the_next_run(void **state)
{
    (void)state;
    in_darkness(FAULT_APPLY_LATE, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pairs_of_faults_at_the_swap_of_the_pointer),
        cmocka_unit_test(a_swap_in_darkness_that_landed_is_settled_by_the_next_run),
        cmocka_unit_test(a_swap_in_darkness_that_lands_late_is_settled_by_the_next_run),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

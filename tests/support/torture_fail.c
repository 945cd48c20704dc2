/*
 * The loop: every operation of a run fails once, in every way in which it can. By default each fails
 * in one of the ways, and those that decide (pointer, manifests) in all of them; with
 * CAUCE_TORTURE=full every operation of every variant fails in every way. Under a sanitizer, which
 * makes it slow, every second operation must do.
 */
#include "support/torture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include "util/time.h"

#include <cmocka.h>

static bool reads(enum fault_op op)
{
    return op == FAULT_GET || op == FAULT_GET_FILE || op == FAULT_HEAD || op == FAULT_LIST ||
           op == FAULT_PROBE || op == FAULT_LOCAL_PATH;
}

/* The ways in which an operation can fail that differ from each other; returns their number. */
static size_t ways_of(enum fault_op op, enum fault_action out[3])
{
    size_t n = 0;
    out[n++] = FAULT_FAIL;
    if (op == FAULT_GET || op == FAULT_GET_FILE)
        out[n++] = FAULT_CORRUPT;
    if (!reads(op)) {
        out[n++] = FAULT_LOSE_ANSWER;
        out[n++] = FAULT_APPLY_LATE;
    }
    return n;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SLOW true
#else
#define SLOW false
#endif

static bool decides(enum fault_op op, const char *key)
{
    if (SLOW)
        return op == FAULT_SWAP && strncmp(key, "current/", 8) == 0;
    return !reads(op) && (strncmp(key, "current/", 8) == 0 || strncmp(key, "manifests/", 10) == 0 ||
                          strcmp(key, "index/manifest.json") == 0 ||
                          strcmp(key, "projections/manifest.json") == 0);
}

/* Is the i-th of n ways the one of operation k? */
static bool chosen(size_t k, size_t i, size_t n)
{
    return SLOW ? k % 2 == 0 && i == k / 2 % n : i == k % n;
}

static const char *way_name(enum fault_action way)
{
    return way == FAULT_FAIL          ? "fail"
           : way == FAULT_LOSE_ANSWER ? "lose the answer of"
           : way == FAULT_APPLY_LATE  ? "delay"
                                      : "corrupt";
}

struct tally {
    size_t operations, faults, runs, checks, bad;
    int64_t began;
};

static void round_of(struct torture *t, size_t k, enum fault_action way, enum fault_op op,
                     const char *key, struct tally *tally)
{
    struct fault fault = {.action = way, .at = k};
    unsigned extras = k % 2 == 0 ? TORTURE_LATE_AT_END : 0;
    if (torture_full() || k % 5 == 0)
        extras |= TORTURE_GC;
    if (torture_full() || k % 7 == 0)
        extras |= TORTURE_REREAD;
    const char *found = torture_round(t, &fault, 1, extras);
    if (found[0] == '\0')
        return;
    tally->bad++;
    print_error("%s, %s: %s operation %zu (%s %s):\n%s\n", t->variant->name,
                torture_state_name(t->state), way_name(way), k, store_fault_op_name(op), key,
                found);
}

static void loop(const struct variant *variant, enum torture_state state, struct tally *tally)
{
    struct torture t;
    torture_open(&t, variant, state);
    torture_prepare(&t);
    struct store *rehearsal = torture_rehearse(&t);
    size_t count = store_fault_count(rehearsal);
    for (size_t k = 1; k <= count; k++) {
        const char *key;
        enum fault_action ways[3];
        enum fault_op op = store_fault_operation(rehearsal, k, &key);
        size_t n = ways_of(op, ways);
        for (size_t i = 0; i < n; i++)
            if (torture_full() || decides(op, key) || chosen(k, i, n))
                round_of(&t, k, ways[i], op, key, tally);
    }
    tally->operations += count;
    tally->faults += t.faults;
    tally->runs += t.runs;
    tally->checks += t.checks;
    store_free(rehearsal);
    torture_close(&t);
}

static void finish(const struct tally *tally, const char *what)
{
    print_message("%s: %zu operations, %zu faults, %zu runs, %zu checks by the reader, %.1f s\n",
                  what, tally->operations, tally->faults, tally->runs, tally->checks,
                  (double)(time_monotonic() - tally->began) / 1e6);
    assert_int_equal(tally->bad, 0);
}

void torture_fail_each(enum torture_state state, const char *usual)
{
    struct tally tally = {.began = time_monotonic()};
    for (size_t i = 0; i < scenario_variant_count; i++) {
        const struct variant *v = &scenario_variants[i];
        bool cut = v->shape.partition != NULL;
        if (state == TORTURE_HALF_MOVED && !cut)
            continue;
        if (torture_full() || strcmp(v->name, usual) == 0)
            loop(v, state, &tally);
    }
    finish(&tally, torture_state_name(state));
}

/* Tasks on threads: each once, none after a failure, and no more at once than there is use for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store.h"
#include "store/store_memory.h"
#include "util/time.h"

#define TASKS 200

struct work {
    atomic_uint done[TASKS];
    atomic_uint begun, now, most;
    size_t fails; /* this one, and every one after it */
    int64_t takes;
};

static int do_one(void *ctx, size_t i, struct error *err)
{
    struct work *w = ctx;
    w->begun++;
    unsigned now = ++w->now;
    unsigned most = w->most;
    while (now > most && !atomic_compare_exchange_weak(&w->most, &most, now)) {
    }
    w->done[i]++;
    if (w->takes > 0)
        time_sleep(w->takes);
    w->now--;
    if (i >= w->fails)
        return error_set(err, ERR_AGAIN, "Task %zu failed.", i);
    return ERR_OK;
}

static struct store *store_with(unsigned parallel)
{
    struct store *st = NULL;
    assert_int_equal(store_memory_open("", &st, NULL), ERR_OK);
    st->traits.parallel = parallel;
    return st;
}

static void each_task_is_done_once(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 2, 16, 1000};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct store *st = store_with(counts[c]);
        struct work *w = calloc(1, sizeof *w);
        w->fails = SIZE_MAX;
        assert_int_equal(store_each(st, TASKS, do_one, w, NULL), ERR_OK);
        for (size_t i = 0; i < TASKS; i++)
            assert_int_equal(w->done[i], 1);
        free(w);
        store_free(st);
    }
}

static void as_many_at_once_as_the_store_has_use_for(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 4};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct store *st = store_with(counts[c]);
        struct work *w = calloc(1, sizeof *w);
        w->fails = SIZE_MAX;
        w->takes = 5000;
        assert_int_equal(store_each(st, 24, do_one, w, NULL), ERR_OK);
        unsigned limit = counts[c] > 0 ? counts[c] : 1;
        assert_true(w->most <= limit);
        assert_true(limit == 1 || w->most > 1);
        free(w);
        store_free(st);
    }
}

static void after_a_failure_no_further_one_begins(void **state)
{
    (void)state;
    struct store *st = store_with(8);
    struct work *w = calloc(1, sizeof *w);
    struct error err = ERROR_INIT;
    w->fails = 20;
    assert_int_equal(store_each(st, TASKS, do_one, w, &err), ERR_AGAIN);
    assert_true(w->begun < 20 + 16);
    assert_non_null(strstr(err.text, "failed."));
    free(w);
    store_free(st);
}

static void in_order_where_one_at_a_time_will_do(void **state)
{
    (void)state;
    struct store *st = store_with(0);
    struct work *w = calloc(1, sizeof *w);
    struct error err = ERROR_INIT;
    w->fails = 7;
    assert_int_equal(store_each(st, TASKS, do_one, w, &err), ERR_AGAIN);
    assert_int_equal(w->begun, 8);
    assert_string_equal(err.text, "Task 7 failed.");
    free(w);
    store_free(st);
}

static void nothing_to_do_is_done(void **state)
{
    (void)state;
    struct store *st = store_with(16);
    assert_int_equal(store_each(st, 0, do_one, NULL, NULL), ERR_OK);
    store_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_task_is_done_once),
        cmocka_unit_test(as_many_at_once_as_the_store_has_use_for),
        cmocka_unit_test(after_a_failure_no_further_one_begins),
        cmocka_unit_test(in_order_where_one_at_a_time_will_do),
        cmocka_unit_test(nothing_to_do_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

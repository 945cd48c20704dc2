/*
 * A run dies: at each of its operations in turn, and at any moment in between (SIGKILL). On a folder
 * store, which is all that is left of it. Then the reader looks, the next run puts everything right,
 * and the one after that has nothing to do.
 *
 * By default some of the operations and moments must do; CAUCE_TORTURE=full means all operations of
 * all variants, and many moments. Moments come from a seed that is printed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support/look.h"
#include "support/process.h"
#include "support/torture.h"
#include "util/fs.h"
#include "util/mem.h"
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

#define DIED 137   /* exit status of the fault store */
#define KILLED 137 /* 128 + SIGKILL: the same number */

/* ---- Folders ------------------------------------------------------------------------------- */

struct copying {
    const char *from, *to;
};

static int copy_file(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    const struct copying *c = ctx;
    struct str bytes;
    char *from = fs_join(c->from, name);
    char *to = fs_join(c->to, name);
    char *parent = fs_parent(to);
    str_init(&bytes, STR_MAX_DEFAULT);
    (void)stat;
    int rc = fs_make_folders(parent, false, err);
    if (rc == ERR_OK)
        rc = fs_read(from, &bytes, err);
    if (rc == ERR_OK)
        rc = fs_write(to, bytes.data, bytes.len, err);
    str_release(&bytes);
    free(parent);
    free(to);
    free(from);
    return rc;
}

/* Replace a folder by a copy of another. */
static void copy_folder(const char *from, const char *to)
{
    struct error err = ERROR_INIT;
    struct copying c = {from, to};
    if (fs_remove_tree(to, &err) != ERR_OK || fs_make_folders(to, false, &err) != ERR_OK ||
        fs_walk(from, copy_file, &c, &err) != ERR_OK)
        fail_msg("%s", err.text);
}

/* ---- Children ------------------------------------------------------------------------------ */

struct killing {
    struct torture t;
    char *prepared; /* folder: the state that every round starts from */
    char *store;    /* folder: the dataset */
    size_t at;      /* operation to die at; 0: none */
    enum fault_action how;
    size_t operations, deaths, kills, rounds, bad;
    int64_t began;
};

/* The state in memory as a folder. */
static int prepare(void *ctx)
{
    struct killing *k = ctx;
    torture_prepare(&k->t);
    struct store *st = scenario_file_store(&k->t.s);
    look_copy(k->t.base, st, "");
    store_free(st);
    return 0;
}

static int run_and_die(void *ctx)
{
    struct killing *k = ctx;
    struct store *st = store_fault_new(scenario_file_store(&k->t.s));
    if (k->at > 0)
        store_fault_add(st, &(struct fault){.action = k->how, .at = k->at});
    scenario_publish(&k->t.s, st, k->t.csv);
    store_free(st);
    return 0;
}

/* Number of operations of the run, as the exit status. */
static int count_operations(void *ctx)
{
    struct killing *k = ctx;
    struct store *st = store_fault_new(scenario_file_store(&k->t.s));
    scenario_publish(&k->t.s, st, k->t.csv);
    size_t count = store_fault_count(st);
    store_free(st);
    return (int)(count < 120 ? count : 120);
}

static int look_and_recover(void *ctx)
{
    struct killing *k = ctx;
    struct store *st = scenario_file_store(&k->t.s);
    bool reread = k->rounds % 3 == 0;
    torture_check(&k->t, st, READER_ANYTIME, "after the death");
    torture_recover(&k->t, st, TORTURE_GC | (reread ? TORTURE_REREAD : 0));
    /* A run that needs scratch removes that of the dead, too. */
    if (reread && scenario_scratch_count(&k->t.s) > 0)
        str_append(&k->t.found, "11: scratch of a run that died is left\n");
    bool bad = k->t.found.len > 0;
    if (bad)
        fprintf(stderr, "%s, %s, operation %zu:\n%s\n", k->t.variant->name,
                torture_state_name(k->t.state), k->at, k->t.found.data);
    store_free(st);
    return bad;
}

/* ---- Rounds -------------------------------------------------------------------------------- */

static void open_killing(struct killing *k, const struct variant *variant, enum torture_state state)
{
    *k = (struct killing){.how = FAULT_DIE, .began = time_monotonic()};
    torture_open(&k->t, variant, state);
    k->prepared = fs_join(k->t.s.folder, "prepared");
    k->store = mem_printf("%s/store/" SCENARIO_DATASET, k->t.s.folder);
    assert_int_equal(process_run(prepare, k), 0);
    assert_int_equal(fs_make_folders(k->store, false, NULL), ERR_OK);
    copy_folder(k->store, k->prepared);
}

static void close_killing(struct killing *k)
{
    free(k->prepared);
    free(k->store);
    torture_close(&k->t);
}

static void recover_round(struct killing *k)
{
    k->rounds++;
    k->bad += process_run(look_and_recover, k) != 0;
}

static void tell(const struct killing *k)
{
    print_message("%s, %s: %zu operations, %zu deaths, %zu kills, %zu recoveries, %.1f s\n",
                  k->t.variant->name, torture_state_name(k->t.state), k->operations, k->deaths,
                  k->kills, k->rounds, (double)(time_monotonic() - k->began) / 1e6);
}

/* Die at every `step`-th operation, from `first` on. */
static void die_at_each(struct killing *k, size_t first, size_t step)
{
    copy_folder(k->prepared, k->store);
    k->operations = (size_t)process_run(count_operations, k);
    assert_in_range(k->operations, 20, 119);
    for (k->at = first; k->at <= k->operations; k->at += step) {
        k->how = k->at % 2 == 0 ? FAULT_DIE : FAULT_DIE_AFTER;
        copy_folder(k->prepared, k->store);
        int status = process_run(run_and_die, k);
        assert_int_equal(status, DIED);
        k->deaths++;
        recover_round(k);
    }
}

static void each_operation_kills(enum torture_state state, const char *usual)
{
    size_t bad = 0;
    for (size_t i = 0; i < scenario_variant_count; i++) {
        const struct variant *v = &scenario_variants[i];
        struct killing k;
        if (!torture_full() && strcmp(v->name, usual) != 0)
            continue;
        if (state == TORTURE_HALF_MOVED && v->shape.partition == NULL)
            continue;
        open_killing(&k, v, state);
        size_t step = torture_full() ? 1 : SLOW ? 9 : 3;
        die_at_each(&k, 1 + (size_t)state % step, step);
        tell(&k);
        bad += k.bad;
        close_killing(&k);
    }
    assert_int_equal(bad, 0);
}

static void a_first_run_dies_at_each_operation(void **state)
{
    (void)state;
    each_operation_kills(TORTURE_EMPTY, "month");
}

static void a_run_dies_at_each_operation(void **state)
{
    (void)state;
    each_operation_kills(TORTURE_PUBLISHED, "moving");
}

static void a_run_that_heals_the_index_dies_at_each_operation(void **state)
{
    (void)state;
    each_operation_kills(TORTURE_INDEX_BEHIND, "month");
}

static void a_run_that_replays_a_redo_list_dies_at_each_operation(void **state)
{
    (void)state;
    each_operation_kills(TORTURE_REDO, "ignore");
}

/* One run after the other is killed, and only then one is left alone. */
static void runs_are_killed_at_any_moment(void **state)
{
    (void)state;
    struct killing k;
    size_t rounds = torture_full() ? 300 : SLOW ? 4 : 12;
    process_seed("runs_are_killed_at_any_moment");
    open_killing(&k, scenario_variant("moving"), TORTURE_PUBLISHED);
    copy_folder(k.prepared, k.store);
    int64_t began = time_monotonic();
    process_run(run_and_die, &k);
    uint64_t length = (uint64_t)(time_monotonic() - began);
    for (size_t i = 0; i < rounds; i++) {
        copy_folder(k.prepared, k.store);
        uint64_t times = 1 + process_random(3);
        for (uint64_t n = 0; n < times; n++) {
            pid_t pid = process_start(run_and_die, &k);
            process_sleep((int64_t)process_random(length));
            k.kills += process_kill(pid) == KILLED;
        }
        recover_round(&k);
    }
    tell(&k);
    assert_true(k.kills > 0);
    size_t bad = k.bad;
    close_killing(&k);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_first_run_dies_at_each_operation),
        cmocka_unit_test(a_run_dies_at_each_operation),
        cmocka_unit_test(a_run_that_heals_the_index_dies_at_each_operation),
        cmocka_unit_test(a_run_that_replays_a_redo_list_dies_at_each_operation),
        cmocka_unit_test(runs_are_killed_at_any_moment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

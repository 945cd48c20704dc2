/*
 * Several processes publish to one folder store at once, some are killed at random moments and begin
 * again. In the end every row is there, once, and the history is that of a serial execution.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "catalog/gc.h"
#include "support/catalog_sample.h"
#include "support/process.h"
#include "support/reader.h"
#include "support/scenario.h"
#include "support/torture.h"
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

#define WRITERS_MAX 4
#define STEPS_MAX 64

/* Which rows the writers have in common. */
enum overlap {
    DISJOINT,  /* none */
    SHARED,    /* some, with one content */
    CONTESTED, /* some, each with a content of its own: revisions of each other */
};

/* Of all processes: what has been done, in shared memory. */
struct progress {
    volatile unsigned done[WRITERS_MAX]; /* snapshots that are surely published */
    volatile unsigned lost, failed;
};

struct race {
    const struct variant *variant;
    enum overlap overlap;
    unsigned writers, steps;
    struct scenario
        s[WRITERS_MAX]; /* each with a folder of its own; the store is that of the first */
    pid_t pid[WRITERS_MAX];
    struct progress *progress;
    char *texts[WRITERS_MAX][STEPS_MAX];
    size_t kills;
};

struct writer {
    struct race *race;
    unsigned number;
};

/* A snapshot: rows of its writer's own, and rows that others have, too. */
static char *snapshot(const struct race *r, unsigned writer, unsigned step)
{
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, "id,day,state\n");
    for (unsigned i = 0; i < 3; i++)
        str_printf(&text, "%u,2026-%02u-01,own\n", 100000 * (writer + 1) + 3 * step + i,
                   1 + (writer + step + i) % 4);
    for (unsigned i = 0; r->overlap == SHARED && i < 3; i++)
        str_printf(&text, "%u,2026-%02u-02,shared\n", 2 * step + i, 1 + (2 * step + i) % 4);
    for (unsigned i = 0; r->overlap == CONTESTED && i < 2; i++)
        str_printf(&text, "%u,2026-%02u-03,of %u at %u\n", i, 1 + (writer + step) % 3, writer,
                   step);
    return str_detach(&text);
}

/* ---- One writer ---------------------------------------------------------------------------- */

static int write_all(void *ctx)
{
    const struct writer *w = ctx;
    struct race *r = w->race;
    struct scenario *s = &r->s[w->number];
    struct store *st = scenario_file_store(&r->s[0]);
    scenario_listen(s);
    unsigned attempts = 0;
    while (r->progress->done[w->number] < r->steps) {
        int rc = scenario_publish(s, st, r->texts[w->number][r->progress->done[w->number]]);
        if (rc == ERR_OK) {
            r->progress->done[w->number]++;
            continue;
        }
        if (rc == ERR_LOST)
            r->progress->lost++;
        /* Nothing but a lost race may end a run here. */
        if (rc != ERR_LOST || ++attempts > 20) {
            fprintf(stderr, "writer %u: %s: %s\n", w->number, error_name(rc), s->err.text);
            r->progress->failed++;
            return 1;
        }
    }
    store_free(st);
    return 0;
}

static void start(struct race *r, struct writer *w)
{
    r->pid[w->number] = process_start(write_all, w);
}

/* ---- All of them --------------------------------------------------------------------------- */

static void open_race(struct race *r, enum overlap overlap, unsigned writers, unsigned steps)
{
    *r = (struct race){.variant = scenario_variant("moving"),
                       .overlap = overlap,
                       .writers = writers,
                       .steps = steps};
    r->progress =
        mmap(NULL, sizeof *r->progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(r->progress, MAP_FAILED);
    for (unsigned w = 0; w < writers; w++) {
        scenario_open(&r->s[w], r->variant->yaml);
        for (unsigned i = 0; i < steps; i++)
            r->texts[w][i] = snapshot(r, w, i);
    }
    store_free(scenario_file_store(&r->s[0]));
}

static void close_race(struct race *r)
{
    for (unsigned w = 0; w < r->writers; w++) {
        scenario_close(&r->s[w]);
        for (unsigned i = 0; i < r->steps; i++)
            free(r->texts[w][i]);
    }
    munmap(r->progress, sizeof *r->progress);
}

static unsigned total_done(const struct race *r)
{
    unsigned sum = 0;
    for (unsigned w = 0; w < r->writers; w++)
        sum += r->progress->done[w];
    return sum;
}

/* Let them run; kill one now and then, which begins again where it was. */
static void run_race(struct race *r, size_t kills)
{
    struct writer w[WRITERS_MAX];
    for (unsigned i = 0; i < r->writers; i++) {
        w[i] = (struct writer){r, i};
        start(r, &w[i]);
    }
    while (r->kills < kills && total_done(r) < r->writers * r->steps) {
        unsigned victim = (unsigned)process_random(r->writers);
        process_sleep((int64_t)process_random(SLOW ? 1500000 : 300000));
        r->kills += process_kill(r->pid[victim]) == 128 + SIGKILL;
        start(r, &w[victim]);
    }
    for (unsigned i = 0; i < r->writers; i++)
        assert_int_equal(process_wait(r->pid[i]), 0);
}

/* Every key that any snapshot has. */
static size_t count_keys(const struct race *r)
{
    size_t own = (size_t)3 * r->steps * r->writers;
    if (r->overlap == SHARED)
        return own + 2 * r->steps + 1;
    return own + (r->overlap == CONTESTED ? 2 : 0);
}

static int verify(void *ctx)
{
    struct race *r = ctx;
    struct reader *reader = reader_new(&r->variant->shape);
    struct store *st = scenario_file_store(&r->s[0]);
    struct gc_report report;
    struct error err = ERROR_INIT;
    struct str found;
    str_init(&found, STR_MAX_DEFAULT);
    for (unsigned w = 0; w < r->writers; w++)
        for (unsigned i = 0; i < r->steps; i++)
            reader_source(reader, r->texts[w][i]);
    reader_check(reader, st, READER_ANYTIME, &found);
    if (reader_keys(reader) != count_keys(r))
        str_printf(&found, "there are %zu keys, and should be %zu\n", reader_keys(reader),
                   count_keys(r));
    /* An ordinary run with a source that is known: it brings up to date what the killed ones left. */
    if (scenario_publish(&r->s[0], st, r->texts[0][0]) != ERR_OK)
        str_printf(&found, "the last run: %s\n", r->s[0].err.text);
    if (gc_collect(st, sample_roots(), SCENARIO_DATASET, true, &report, &err) != ERR_OK)
        str_printf(&found, "gc: %s\n", err.text);
    gc_report_release(&report);
    reader_check(reader, st, READER_SETTLED | READER_CLEAN, &found);
    if (found.len > 0)
        fprintf(stderr, "%s\n", found.data);
    int bad = found.len > 0;
    store_free(st);
    reader_end(reader);
    str_release(&found);
    return bad;
}

static void race(const char *what, enum overlap overlap, unsigned writers, unsigned steps,
                 size_t kills)
{
    struct race r;
    int64_t began = time_monotonic();
    process_seed(what);
    open_race(&r, overlap, writers, steps);
    run_race(&r, kills);
    assert_int_equal(process_run(verify, &r), 0);
    assert_int_equal(r.progress->failed, 0);
    print_message("%s: %u writers, %u snapshots each, %zu killed, %u runs lost, %.1f s\n", what,
                  writers, steps, r.kills, r.progress->lost,
                  (double)(time_monotonic() - began) / 1e6);
    close_race(&r);
}

static unsigned steps_of(unsigned usual)
{
    return torture_full() ? 12 * usual : SLOW ? (usual + 1) / 2 : usual;
}

static void two_runs_at_once_both_end_right_no_row_twice_none_lost(void **state)
{
    (void)state;
    race("two runs at once", SHARED, 2, steps_of(4), 0);
}

static void writers_of_disjoint_rows_are_killed(void **state)
{
    (void)state;
    race("disjoint rows", DISJOINT, 4, steps_of(4), torture_full() ? 100 : 5);
}

static void writers_of_shared_rows_are_killed(void **state)
{
    (void)state;
    race("shared rows", SHARED, 4, steps_of(4), torture_full() ? 100 : 5);
}

static void writers_that_revise_each_other_are_killed(void **state)
{
    (void)state;
    race("contested rows", CONTESTED, 4, steps_of(4), torture_full() ? 100 : 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_runs_at_once_both_end_right_no_row_twice_none_lost),
        cmocka_unit_test(writers_of_disjoint_rows_are_killed),
        cmocka_unit_test(writers_of_shared_rows_are_killed),
        cmocka_unit_test(writers_that_revise_each_other_are_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

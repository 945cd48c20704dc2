#include "support/torture.h"
#include "support/catalog_sample.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "catalog/gc.h"
#include "support/store_check.h"
#include "support/store_script.h"
#include "util/mem.h"
#include "util/time.h"

#define FOUND_MAX ((size_t)1 << 20)

static void no_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    (void)microseconds;
}

bool torture_full(void)
{
    const char *value = getenv("CAUCE_TORTURE");
    return value != NULL && value[0] != '\0' && strcmp(value, "0") != 0;
}

const char *torture_state_name(enum torture_state state)
{
    static const char *const names[TORTURE_STATES] = {
        "empty", "published", "index behind", "index gone", "redo list", "half moved", "begun",
    };
    return names[state];
}

/* ---- Preparing ----------------------------------------------------------------------------- */

/* Publish the second version with a fault that leaves something derived undone. */
static void publish_second(struct torture *t, enum fault_op op, const char *key, size_t at)
{
    struct store *st = store_fault_new(scenario_clone(t->base));
    store_fault_add(st, &(struct fault){.action = FAULT_FAIL, .op = op, .key = key, .at = at});
    scenario_publish(&t->s, st, t->variant->snapshots[1]);
    store_free(t->base);
    t->base = scenario_clone(store_fault_inner(st));
    store_free(st);
}

static void remove_object(struct torture *t, const char *key)
{
    if (store_remove(t->base, key, NULL) != ERR_OK)
        abort();
}

void torture_prepare(struct torture *t)
{
    if (t->state == TORTURE_EMPTY)
        return;
    scenario_publish(&t->s, t->base, t->variant->snapshots[0]);
    switch (t->state) {
    case TORTURE_INDEX_BEHIND:
        publish_second(t, FAULT_SWAP, "index/manifest.json", 0);
        break;
    case TORTURE_INDEX_GONE:
        publish_second(t, FAULT_ANY, "nothing fails", 0);
        remove_object(t, "index/manifest.json");
        break;
    case TORTURE_REDO:
        publish_second(t, FAULT_MOVE, NULL, 0);
        break;
    case TORTURE_HALF_MOVED:
        /* The first file moves; the one after it is tried again, and fails each time. */
        publish_second(t, FAULT_MOVE, t->variant->shape.partition == NULL ? NULL : "2026-02", 0);
        break;
    case TORTURE_BEGUN:
        publish_second(t, FAULT_PUT_NEW, ".tmp/", 0);
        break;
    case TORTURE_EMPTY:
    case TORTURE_PUBLISHED:
    case TORTURE_STATES:
        break;
    }
}

void torture_open(struct torture *t, const struct variant *variant, enum torture_state state)
{
    static const struct time_source quick = {.sleep = no_sleep};
    time_replace(&quick);
    *t = (struct torture){.variant = variant, .state = state};
    scenario_open(&t->s, variant->yaml);
    str_init(&t->found, FOUND_MAX);
    t->reader = reader_new(&variant->shape);
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && variant->snapshots[i] != NULL; i++)
        reader_source(t->reader, variant->snapshots[i]);
    t->base = scenario_memory();
    t->csv = variant->snapshots[state == TORTURE_EMPTY ? 0 : state == TORTURE_PUBLISHED ? 1 : 2];
}

void torture_close(struct torture *t)
{
    time_replace(NULL);
    store_free(t->base);
    reader_end(t->reader);
    scenario_close(&t->s);
    str_release(&t->found);
}

/* ---- Rounds -------------------------------------------------------------------------------- */

void torture_check(struct torture *t, struct store *st, unsigned demands, const char *when)
{
    struct str lines;
    str_init(&lines, FOUND_MAX);
    reader_check(t->reader, st, demands, &lines);
    t->checks++;
    if (lines.len > 0)
        str_printf(&t->found, "%s:\n%s", when, lines.data);
    str_release(&lines);
}

static int run(struct torture *t, struct store *st, bool hidden)
{
    int rc = scenario_publish(&t->s, st, t->csv);
    t->runs++;
    struct reader_claim claim = scenario_claim(&t->s);
    claim.hidden = hidden;
    reader_claim(t->reader, &claim);
    scenario_check_report(&t->s, rc, &t->found);
    return rc;
}

/* An ordinary run: it succeeds, and afterwards everything is as it should be. */
static void recover(struct torture *t, struct store *st)
{
    int rc = run(t, st, false);
    if (rc != ERR_OK)
        str_printf(&t->found, "12: the next ordinary run failed: %s: %s\n", error_name(rc),
                   t->s.err.text);
    torture_check(t, st, READER_SETTLED, "after the next run");
}

static bool writes(enum fault_op op, const char *key)
{
    bool changes =
        op == FAULT_PUT_NEW || op == FAULT_SWAP || op == FAULT_MOVE || op == FAULT_REMOVE;
    return changes && strncmp(key, "runs/", 5) != 0;
}

/* One more run has nothing to do, and does nothing. */
static void recover_again(struct torture *t, struct store *st)
{
    size_t before = store_fault_count(st);
    int rc = run(t, st, false);
    if (rc != ERR_OK || t->s.report.outcome != RUN_UNCHANGED)
        str_printf(&t->found, "9: the second recovery says %s: %s\n",
                   run_outcome_name(t->s.report.outcome), t->s.err.text);
    for (size_t k = before + 1; k <= store_fault_count(st); k++) {
        const char *key;
        enum fault_op op = store_fault_operation(st, k, &key);
        if (writes(op, key))
            str_printf(&t->found, "9: the second recovery writes: %s %s\n", store_fault_op_name(op),
                       key);
    }
}

static void collect_garbage(struct torture *t, struct store *st)
{
    struct gc_report report;
    struct error err = ERROR_INIT;
    if (gc_collect(st, sample_roots(), SCENARIO_DATASET, true, &report, &err) != ERR_OK)
        str_printf(&t->found, "10: gc failed: %s\n", err.text);
    gc_report_release(&report);
    torture_check(t, st, READER_SETTLED | READER_CLEAN, "after gc");
}

static void reread(struct torture *t, struct store *st)
{
    t->s.options.force = true;
    int rc = run(t, st, false);
    t->s.options.force = false;
    if (rc != ERR_OK || t->s.report.outcome != RUN_NO_NEW_ROWS)
        str_printf(&t->found, "4: the source read again says %s, %llu new, %llu revised: %s\n",
                   run_outcome_name(t->s.report.outcome),
                   (unsigned long long)t->s.report.delta.rows_new,
                   (unsigned long long)t->s.report.delta.rows_revised, t->s.err.text);
}

/* What follows the recovery. */
static void finish(struct torture *t, struct store *st, unsigned extras)
{
    recover_again(t, st);
    if ((extras & TORTURE_REREAD) != 0)
        reread(t, st);
    if ((extras & TORTURE_GC) != 0)
        collect_garbage(t, st);
}

static struct script_answer pass(void *ctx, const struct script_call *call)
{
    (void)ctx;
    (void)call;
    return (struct script_answer){.action = SCRIPT_PASS};
}

void torture_recover(struct torture *t, struct store *st, unsigned extras)
{
    struct store *watched = store_check_new(store_script_new(st, pass, NULL));
    struct store *counted = store_fault_new(watched);
    recover(t, counted);
    finish(t, counted, extras);
    str_append(&t->found, store_check_text(watched));
    store_free(counted);
}

const char *torture_round(struct torture *t, const struct fault *faults, size_t count,
                          unsigned extras)
{
    struct store *watched = store_check_new(scenario_clone(t->base));
    struct store *st = store_fault_new(watched);
    str_clear(&t->found);
    reader_forget(t->reader);
    torture_check(t, watched, READER_ANYTIME, "before");
    for (size_t i = 0; i < count; i++)
        store_fault_add(st, &faults[i]);
    run(t, st, (extras & TORTURE_HIDDEN) != 0);
    t->faults += store_fault_fired(st);
    torture_check(t, watched, READER_ANYTIME, "after the fault");
    if ((extras & TORTURE_LATE_AT_END) == 0)
        store_fault_flush(st);
    /* The faults are over: what follows goes around them. */
    struct store *sound = store_fault_new(store_script_new(watched, pass, NULL));
    recover(t, sound);
    if (store_fault_pending(st) > 0) {
        store_fault_flush(st);
        torture_check(t, watched, READER_ANYTIME, "after what was late");
        recover(t, sound);
    }
    finish(t, sound, extras);
    str_append(&t->found, store_check_text(watched));
    store_free(sound);
    store_free(st);
    return t->found.data;
}

struct store *torture_rehearse(struct torture *t)
{
    struct store *st = store_fault_new(scenario_clone(t->base));
    if (scenario_publish(&t->s, st, t->csv) != ERR_OK) {
        fprintf(stderr, "torture: %s: %s\n", torture_state_name(t->state), t->s.err.text);
        abort();
    }
    return st;
}

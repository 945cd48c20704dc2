#include "support/stage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support/store_check.h"
#include "support/store_script.h"
#include "util/mem.h"
#include "util/time.h"

#include <cmocka.h>

static size_t mark; /* operations before stage_mark */

static void no_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    (void)microseconds;
}

static struct script_answer pass(void *ctx, const struct script_call *call)
{
    (void)ctx;
    (void)call;
    return (struct script_answer){.action = SCRIPT_PASS};
}

/* The store below belongs to the stage; fault stores come and go. */
static struct store *over(struct store *inner)
{
    return store_fault_new(store_script_new(inner, pass, NULL));
}

void stage_open_variant(struct stage *g, const struct variant *variant)
{
    static const struct time_source quick = {.sleep = no_sleep};
    time_replace(&quick);
    *g = (struct stage){.variant = variant};
    scenario_open(&g->s, variant->yaml);
    g->memory = scenario_memory();
    g->watched = store_check_new(g->memory);
    g->st = over(g->watched);
    g->reader = reader_new(&variant->shape);
    for (size_t i = 0; i < SCENARIO_SNAPSHOTS && variant->snapshots[i] != NULL; i++)
        reader_source(g->reader, variant->snapshots[i]);
    mark = 0;
}

void stage_open(struct stage *g, const char *variant)
{
    stage_open_variant(g, scenario_variant(variant));
}

void stage_close(struct stage *g)
{
    time_replace(NULL);
    store_free(g->st);
    store_free(g->watched);
    reader_end(g->reader);
    scenario_close(&g->s);
}

void stage_heal(struct stage *g)
{
    store_free(g->st);
    g->st = over(g->watched);
    mark = 0;
}

static void check_report(struct stage *g, int rc)
{
    struct str found;
    struct reader_claim claim = scenario_claim(&g->s);
    claim.hidden = true;
    reader_claim(g->reader, &claim);
    str_init(&found, STR_MAX_DEFAULT);
    scenario_check_report(&g->s, rc, &found);
    assert_string_equal(found.data, "");
    str_release(&found);
}

void stage_run(struct stage *g, enum run_outcome outcome)
{
    int rc = scenario_run(&g->s, g->st);
    check_report(g, rc);
    if (rc != ERR_OK)
        fail_msg("%s: %s", error_name(rc), g->s.err.text);
    assert_string_equal(run_outcome_name(g->s.report.outcome), run_outcome_name(outcome));
}

int stage_try(struct stage *g, const char *csv)
{
    reader_source(g->reader, csv);
    int rc = scenario_publish(&g->s, g->st, csv);
    check_report(g, rc);
    return rc;
}

void stage_publish(struct stage *g, size_t n)
{
    const char *csv = g->variant->snapshots[n];
    scenario_source(&g->s, "source.csv", csv, strlen(csv));
    stage_run(g, RUN_PUBLISHED);
}

void stage_check(struct stage *g, unsigned demands)
{
    struct str found;
    str_init(&found, STR_MAX_DEFAULT);
    reader_check(g->reader, g->memory, demands, &found);
    str_append(&found, store_check_text(g->watched));
    assert_string_equal(found.data, "");
    str_release(&found);
}

void stage_other(struct stage *g, const char *csv)
{
    struct scenario other;
    scenario_open(&other, g->variant->yaml);
    reader_source(g->reader, csv);
    int rc = scenario_publish(&other, g->watched, csv);
    if (rc != ERR_OK)
        fail_msg("the other writer: %s", other.err.text);
    assert_int_equal(other.report.outcome, RUN_PUBLISHED);
    scenario_close(&other);
    scenario_listen(&g->s);
}

void stage_fault(struct stage *g, enum fault_action action, enum fault_op op, const char *key,
                 size_t at)
{
    store_fault_add(g->st, &(struct fault){.action = action, .op = op, .key = key, .at = at});
}

void stage_mark(struct stage *g)
{
    mark = store_fault_count(g->st);
}

size_t stage_count(const struct stage *g, enum fault_op op, const char *key)
{
    size_t n = 0;
    for (size_t k = mark + 1; k <= store_fault_count(g->st); k++) {
        const char *own;
        enum fault_op found = store_fault_operation(g->st, k, &own);
        n += (op == FAULT_ANY || found == op) && (key == NULL || strstr(own, key) != NULL);
    }
    return n;
}

size_t stage_writes(const struct stage *g)
{
    static const enum fault_op ops[] = {FAULT_PUT_NEW, FAULT_SWAP, FAULT_MOVE, FAULT_REMOVE};
    size_t n = 0;
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++)
        n += stage_count(g, ops[i], NULL) - stage_count(g, ops[i], "runs/");
    return n;
}

#include "cli/log_runs.h"

#include <string.h>

#include "cli/table.h"
#include "cli/text.h"
#include "derived/index/index.h"
#include "pipeline/records.h"

struct listing {
    uint64_t limit; /* 0: none */
    uint64_t count;
    struct json *json; /* array, or NULL: */
    struct table table;
};

static void add_count(struct table *t, uint64_t count)
{
    table_cellf(t, "%llu", (unsigned long long)count);
}

static void add_row(struct table *t, const struct run_report *r)
{
    char time[TEXT_SIZE];
    const char *message = r->code != ERR_OK ? r->message : "";
    enum index_recovery recovery = index_report_of(&r->derived)->recovery;
    bool healed = recovery != INDEX_WAS_FRESH;
    table_cell(t, text_time(r->started, time));
    table_cell(t, run_outcome_name(r->outcome));
    add_count(t, r->version.sequence);
    add_count(t, r->delta.rows_new);
    add_count(t, r->delta.rows_revised);
    add_count(t, r->events.rolled_back);
    add_count(t, r->commits.conflicts);
    table_cell(t, healed ? index_recovery_name(recovery) : NULL);
    table_cellf(t, "%.1f", run_report_seconds(r));
    table_cellf(t, "%.*s", (int)strcspn(message, "\n"), message);
}

/* As JSON a record is passed on as it is, with fields that this program does not know. */
static int visit(void *ctx, struct record *record, bool *stop, struct error *err)
{
    struct listing *l = ctx;
    (void)err;
    if (record->kind != RECORD_RUN)
        return ERR_OK;
    if (l->json != NULL) {
        json_append(l->json, record->json);
        record->json = NULL;
    } else {
        add_row(&l->table, &record->run);
    }
    *stop = ++l->count == l->limit;
    return ERR_OK;
}

static void print_table(const struct listing *l, const char *dataset)
{
    struct str out;
    if (l->count == 0) {
        text_printf("The dataset \"%s\" has no record of a run yet.\n", dataset);
        return;
    }
    str_init(&out, STR_MAX_DEFAULT);
    table_format(&l->table, &out);
    text_print(out.data);
    str_release(&out);
}

int log_runs(struct opened *in, uint64_t limit, bool as_json, struct error *err)
{
    static const char *const heads[] = {"TIME",     "OUTCOME",      ">VERSION",   ">NEW",
                                        ">REVISED", ">ROLLED BACK", ">CONFLICTS", "INDEX",
                                        ">SECONDS", "ERROR"};
    struct listing l = {.limit = limit, .json = as_json ? json_new_array() : NULL};
    table_init(&l.table, heads, sizeof heads / sizeof heads[0]);
    int rc = records_back(&in->dataset, visit, &l, err);
    if (rc == ERR_OK && as_json)
        text_print_json(l.json);
    else if (rc == ERR_OK)
        print_table(&l, in->config.dataset);
    else
        json_free(l.json);
    table_release(&l.table);
    return rc;
}

#include "cli/log_runs.h"

#include <string.h>

#include "cli/table.h"
#include "cli/text.h"
#include "pipeline/record.h"
#include "util/time.h"

struct listing {
    uint64_t limit; /* 0: none */
    uint64_t count;
    struct json *json; /* array, or NULL: */
    struct table table;
};

static void add_count(struct table *t, const struct json *record, const char *field)
{
    table_cellf(t, "%lld", (long long)json_integer(json_get(record, field)));
}

static void add_row(struct table *t, const struct json *record)
{
    char time[TEXT_SIZE];
    int64_t started = 0;
    const char *message = json_string(json_get(json_get(record, "error"), "message"));
    const char *recovery = json_string(json_get(record, "index_recovery"));
    /* A record that does not say has no time to show. */
    error_ignore(time_parse(json_string(json_get(record, "started_at")), &started, NULL));
    table_cell(t, text_time(started, time));
    table_cell(t, run_outcome_name(record_outcome(record)));
    add_count(t, record, "sequence");
    add_count(t, record, "rows_new");
    add_count(t, record, "rows_revised");
    add_count(t, record, "events_rolled_back");
    add_count(t, record, "conflicts");
    table_cell(t, strcmp(recovery, index_recovery_name(INDEX_WAS_FRESH)) == 0 ? NULL : recovery);
    table_cellf(t, "%.1f", json_real(json_get(json_get(record, "seconds"), "total")));
    table_cellf(t, "%.*s", (int)strcspn(message, "\n"), message);
}

static int visit(void *ctx, const struct json *record, bool *stop, struct error *err)
{
    struct listing *l = ctx;
    (void)err;
    if (!record_is_run(record))
        return ERR_OK;
    if (l->json != NULL)
        json_append(l->json, json_copy(record));
    else
        add_row(&l->table, record);
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
    int rc = record_back(in->store, visit, &l, err);
    if (rc == ERR_OK && as_json)
        text_print_json(l.json);
    else if (rc == ERR_OK)
        print_table(&l, in->config.dataset);
    else
        json_free(l.json);
    table_release(&l.table);
    return rc;
}

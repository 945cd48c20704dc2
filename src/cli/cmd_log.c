#include "catalog/catalog.h"
#include "cli/command.h"
#include "cli/log_runs.h"
#include "cli/open.h"
#include "cli/table.h"
#include "cli/text.h"

/* Versions as they are visited, newest first. */
struct listing {
    uint64_t limit; /* 0: none */
    uint64_t count;
    struct json *json;   /* array, or NULL: */
    struct table *table; /* text */
};

static uint64_t bytes_of(const struct manifest *m)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < m->files.count; i++)
        bytes += m->files.items[i].size;
    return bytes;
}

static struct json *encode(const struct manifest *m)
{
    struct json *object = json_new_object();
    text_set_version(object, &m->version);
    text_set_time(object, "time", m->time);
    json_set_string(object, "run_id", m->run_id);
    json_set_unsigned(object, "rows_added", m->rows_added);
    json_set_unsigned(object, "rows_new", m->rows_added - m->rows_revised);
    json_set_unsigned(object, "rows_revised", m->rows_revised);
    json_set_unsigned(object, "rows_total", m->rows_total);
    json_set_unsigned(object, "keys_total", m->keys.count);
    json_set_unsigned(object, "files", m->files.count);
    json_set_unsigned(object, "bytes", bytes_of(m));
    json_set(object, "source", manifest_source_encode(&m->source));
    return object;
}

static void add_row(struct table *t, const struct manifest *m)
{
    char time[TEXT_SIZE];
    char bytes[TEXT_SIZE];
    table_cellf(t, "%llu", (unsigned long long)m->version.sequence);
    table_cell(t, text_time(m->time, time));
    table_cellf(t, "%llu", (unsigned long long)(m->rows_added - m->rows_revised));
    table_cellf(t, "%llu", (unsigned long long)m->rows_revised);
    table_cellf(t, "%llu", (unsigned long long)m->rows_total);
    table_cellf(t, "%zu", m->files.count);
    table_cell(t, text_bytes(bytes_of(m), bytes));
    table_cell(t, m->source.url);
}

static int visit(void *ctx, struct manifest *m, bool *stop, struct error *err)
{
    struct listing *l = ctx;
    (void)err;
    if (l->json != NULL)
        json_append(l->json, encode(m));
    else
        add_row(l->table, m);
    *stop = ++l->count == l->limit;
    return ERR_OK;
}

static void print(const struct listing *l, const char *dataset)
{
    struct str out;
    if (l->count == 0) {
        text_printf("The dataset \"%s\" has no version yet.\n", dataset);
        return;
    }
    str_init(&out, STR_MAX_DEFAULT);
    table_format(l->table, &out);
    text_print(out.data);
    str_release(&out);
}

static int list_versions(const struct options *o, struct opened *in, const struct base *base,
                         struct error *err)
{
    static const char *const heads[] = {">VERSION", "TIME",   ">NEW",   ">REVISED",
                                        ">ROWS",    ">FILES", ">BYTES", "SOURCE"};
    struct table table;
    table_init(&table, heads, sizeof heads / sizeof heads[0]);
    struct listing l = {
        .limit = o->limit, .json = o->json ? json_new_array() : NULL, .table = &table};
    int rc = catalog_walk(in->store, base, visit, &l, err);
    if (rc == ERR_OK && l.json == NULL) {
        print(&l, in->config.dataset);
    } else if (rc == ERR_OK) {
        text_print_json(l.json);
        l.json = NULL;
    }
    json_free(l.json);
    table_release(&table);
    return rc;
}

static int list(const struct options *o, int *status, struct error *err)
{
    struct opened in = {.store = NULL};
    struct base base = {.tag = {""}};
    (void)status;
    int rc = open_dataset(o, OPEN_READ, &in, err);
    if (rc != ERR_OK)
        return rc;
    rc = base_read(in.store, in.config.dataset, &base, err);
    if (o->runs && (rc == ERR_OK || rc == ERR_DAMAGED)) {
        /* Where the dataset is damaged, it is all the more useful to know what happened. */
        error_clear(err);
        rc = log_runs(&in, o->limit, o->json, err);
    } else if (rc == ERR_OK) {
        rc = list_versions(o, &in, &base, err);
    }
    base_release(&base);
    open_release(&in);
    return rc;
}

const struct command cmd_log = {
    .name = "log",
    .summary = "list the versions, or the runs, newest first",
    .operands = "DATASET.yml",
    .about =
        "Lists the versions, newest first, each with its time, the rows that it added and\n"
        "revised, the rows of all versions up to it, its files, and its source. With --runs\n"
        "it lists the runs: what became of each, what it healed or rolled back, and its error.",
    .examples = "  cauce log rates.yml\n"
                "  cauce log --limit 5 rates.yml\n"
                "  cauce log --runs --limit 20 rates.yml\n"
                "  cauce log --json --store ./published --dataset rates\n",
    .own = {{"limit", 'n', OPTION_NUMBER, "N", "at most N of them", OPTION_AT(limit)},
            {"runs", 0, OPTION_FLAG, NULL, "list the runs", OPTION_AT(runs)}},
    .takes_dataset = true,
    .run = list,
};

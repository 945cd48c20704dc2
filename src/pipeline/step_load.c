/*
 * The source as the table `source_rows` of the engine, behind the gates for bad and repeated rows.
 * Nothing is written to the store; repeating it is harmless.
 */
#include <stdlib.h>
#include <string.h>

#include "pipeline/run_private.h"
#include "util/log.h"
#include "util/mem.h"

static struct source_texts list_of(const struct config_list *list)
{
    return (struct source_texts){(const char *const *)list->items, list->count};
}

static enum source_format format_of(const struct config *config)
{
    switch (config->source.format) {
    case CONFIG_FORMAT_JSON:
        return SOURCE_JSON;
    case CONFIG_FORMAT_NDJSON:
        return SOURCE_NDJSON;
    case CONFIG_FORMAT_PARQUET:
        return SOURCE_PARQUET;
    default:
        return SOURCE_CSV;
    }
}

static void describe_source(const struct run *r, struct source_options *out)
{
    const struct config *config = r->d->config;
    const struct config_source *c = &config->source;
    *out = (struct source_options){
        .format = format_of(config),
        .files = {r->plain_paths, r->file_count},
        .shown = {r->shown_paths, r->file_count},
        .csv = {.quote = c->quote,
                .escape = c->escape,
                .header = c->header,
                .skip_lines = c->skip_lines,
                .comment = c->comment},
        .nulls = list_of(&c->nulls),
        .date_formats = list_of(&c->date_formats),
        .timestamp_formats = list_of(&c->timestamp_formats),
        .decimal = c->decimal,
        .thousands = c->thousands,
        .transform = config->transform,
    };
    memcpy(out->csv.delimiter, c->delimiter, sizeof out->csv.delimiter);
}

/* How each column of the schema is fed. */
static struct source_column *feed_columns(const struct run *r)
{
    const struct config *config = r->d->config;
    struct source_column *out = mem_calloc(r->schema.count, sizeof *out);
    for (size_t i = 0; i < r->schema.count; i++) {
        const struct schema_column *c = &r->schema.columns[i];
        out[i].from = (struct source_texts){(const char *const *)&c->name, 1};
        for (size_t k = 0; k < config->column_count; k++) {
            if (strcmp(config->columns[k].name, c->name) != 0)
                continue;
            if (config->columns[k].from.count > 0)
                out[i].from = list_of(&config->columns[k].from);
            out[i].formats = list_of(&config->columns[k].formats);
        }
        for (size_t k = 0; c->constant && k < config->constant_count; k++)
            if (strcmp(config->constants[k].name, c->name) == 0)
                out[i].constant = config->constants[k].value;
    }
    return out;
}

static int refuse_rows(const struct run *r, const char *advice, struct error *err)
{
    struct str places;
    str_init(&places, 1500);
    source_report_format(&r->report->rows, &places);
    if (places.len > 0 && places.data[places.len - 1] == '\n')
        places.data[--places.len] = '\0';
    int rc = error_set(err, ERR_GATE, "%llu %s of the source %s. Nothing was published. %s\n%s",
                       (unsigned long long)r->report->rows_rejected,
                       r->report->rows_rejected == 1 ? "row" : "rows",
                       r->report->rows_rejected == 1 ? "does not fit" : "do not fit", advice,
                       places.data);
    str_release(&places);
    return rc;
}

static int gate_bad_rows(struct run *r, struct error *err)
{
    const struct config *config = r->d->config;
    uint64_t rejected = r->report->rows_rejected;
    if (rejected == 0)
        return ERR_OK;
    /* Where nothing is left the source is another one than the configuration describes. */
    if (r->report->rows.rows == 0 && config->bad_rows != CONFIG_BAD_ROWS_FAIL)
        return refuse_rows(r,
                           "None is left: `bad_rows: reject` leaves out some rows, not all. "
                           "Correct the source or its description. The first ones:",
                           err);
    if (config->bad_rows == CONFIG_BAD_ROWS_FAIL)
        return refuse_rows(r,
                           "Correct the source or its description, or let such rows be left out "
                           "with `bad_rows: reject`. The first ones:",
                           err);
    if (rejected > config->bad_rows_limit) {
        char *advice =
            mem_printf("That is more than `bad_rows_limit: %llu` allows. The first ones:",
                       (unsigned long long)config->bad_rows_limit);
        int rc = refuse_rows(r, advice, err);
        free(advice);
        return rc;
    }
    run_warn(r, "%llu %s of the source %s rejected", (unsigned long long)rejected,
             rejected == 1 ? "row" : "rows", rejected == 1 ? "was" : "were");
    return ERR_OK;
}

static int gate_duplicates(struct run *r, struct error *err)
{
    struct source_report *rows = &r->report->rows;
    bool fail = r->d->config->duplicates == CONFIG_DUPLICATES_FAIL;
    size_t first = rows->sample_count;
    int rc = source_unique(r->source, &r->schema, fail, rows, err);
    r->report->rows_duplicate = rows->duplicates;
    if (rc != ERR_OK || rows->duplicates == 0)
        return rc;
    if (!fail) {
        run_warn(r, "%llu %s the key of a later row, which was taken",
                 (unsigned long long)rows->duplicates,
                 rows->duplicates == 1 ? "row of the source has" : "rows of the source have");
        return ERR_OK;
    }
    const struct source_reject *sample = first < rows->sample_count ? &rows->samples[first] : NULL;
    char *example = sample == NULL ? mem_strdup("")
                                   : mem_printf(", for example %s in row %llu: %s", sample->value,
                                                (unsigned long long)sample->row, sample->reason);
    rc =
        error_set(err, ERR_GATE,
                  "Rows of the source repeat a key (%llu in all)%s. Nothing was published. Correct "
                  "the source, or take the last row of each key with `duplicates: last`.",
                  (unsigned long long)rows->duplicates, example);
    free(example);
    return rc;
}

static void name_left_out(struct run *r)
{
    const struct source_report *rows = &r->report->rows;
    struct str names;
    str_init(&names, 1000);
    for (size_t i = 0; i < rows->left_out_count; i++)
        str_printf(&names, "%s\"%s\"", i > 0 ? ", " : "", rows->left_out[i]);
    /* Where the columns are listed they were left out on purpose; else the source has grown. */
    if (rows->left_out_count > 0 && r->d->config->column_count > 0)
        log_info("columns of the source that are not part of the dataset: %s", names.data);
    else if (rows->left_out_count > 0)
        run_warn(r,
                 "left out: columns that the source did not have when the dataset was made: %s. "
                 "List all columns under `columns` to take them in",
                 names.data);
    str_release(&names);
}

static int open_source(struct run *r, struct error *err)
{
    struct source_options options;
    describe_source(r, &options);
    int rc = dataset_engine(r->d, r->base.pointer.key_seed, err);
    if (rc == ERR_OK && r->source == NULL)
        rc = source_open(r->d->engine, &options, &r->source, err);
    return rc;
}

static int load_rows(struct run *r, struct error *err)
{
    struct source_report *rows = &r->report->rows;
    struct source_column *columns = feed_columns(r);
    source_report_release(rows);
    int rc = source_load(r->source, &r->schema, columns, rows, err);
    free(columns);
    r->report->rows_rejected = rows->rejected;
    r->report->rows_read = rows->rows + rows->rejected;
    return rc;
}

int step_load(struct run *r, struct error *err)
{
    int rc = open_source(r, err);
    if (rc == ERR_OK)
        rc = step_schema(r, err);
    /* After a lost race the rows are still there, unless the winner has added columns. */
    if (rc == ERR_OK && r->is_loaded && schema_same_columns(&r->loaded, &r->schema))
        return ERR_OK;
    if (rc == ERR_OK)
        rc = load_rows(r, err);
    if (rc == ERR_OK)
        rc = step_check_source(r, err);
    if (rc == ERR_OK)
        rc = gate_bad_rows(r, err);
    if (rc == ERR_OK)
        rc = gate_duplicates(r, err);
    if (rc != ERR_OK)
        return rc;
    name_left_out(r);
    schema_release(&r->loaded);
    schema_copy(&r->schema, &r->loaded);
    r->is_loaded = true;
    return ERR_OK;
}

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/names.h"
#include "cli/open.h"
#include "cli/text.h"
#include "config/config.h"
#include "pipeline/sample.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"

/* What the new file is made of. Everything is owned. */
struct draft {
    char *dataset;
    char *url;     /* of the source, NULL: none */
    char *comment; /* NULL: none */
    char **key;
    size_t key_count;
    struct sample sample; /* columns.count 0: none */
    char delimiter[2];
    struct config_guess_column *columns;
};

static void draft_release(struct draft *d)
{
    free(d->dataset);
    free(d->url);
    free(d->comment);
    for (size_t i = 0; i < d->key_count; i++)
        free(d->key[i]);
    free(d->key);
    free(d->columns);
    sample_release(&d->sample);
}

/* ---- The source ------------------------------------------------------------------------------ */

/* The sample as the file will name it: relative to the file's folder, unless given as absolute. */
static int source_url(const char *file, const char *from, char **out, struct error *err)
{
    char *folder = NULL;
    char *real = NULL;
    if (from[0] == '/') {
        *out = mem_strdup(from);
        return ERR_OK;
    }
    char *parent = fs_parent(file);
    int rc = fs_real_path(parent, &folder, err);
    if (rc == ERR_OK)
        rc = fs_real_path(from, &real, err);
    if (rc == ERR_OK)
        *out = names_relative(folder, real);
    free(parent);
    free(folder);
    free(real);
    return rc;
}

/* ---- What is inferred ----------------------------------------------------------------------- */

static void split_key(const char *text, struct draft *d)
{
    size_t capacity = 0;
    while (*text != '\0') {
        size_t n = strcspn(text, ",");
        if (n > 0) {
            d->key = mem_grow(d->key, d->key_count, &capacity, sizeof *d->key);
            d->key[d->key_count++] = mem_strndup(text, n);
        }
        text += n + (text[n] == ',');
    }
}

static int check_key(const struct draft *d, struct error *err)
{
    const struct schema *s = &d->sample.columns;
    for (size_t i = 0; s->count > 0 && i < d->key_count; i++) {
        if (schema_find(s, d->key[i]) != SIZE_MAX)
            continue;
        const char **names = mem_calloc(s->count, sizeof *names);
        for (size_t k = 0; k < s->count; k++)
            names[k] = s->columns[k].name;
        const char *meant = str_closest(d->key[i], names, s->count);
        free(names);
        return error_set(err, ERR_CONFIG, "--key: the sample has no column \"%.100s\"%s%s%s.",
                         d->key[i], meant != NULL ? "; did you mean \"" : "",
                         meant != NULL ? meant : "", meant != NULL ? "\"?" : "");
    }
    return ERR_OK;
}

/* The key that was found, unless one was given; and the first of its columns that has days. */
static void take_sample_key(struct draft *d)
{
    struct sample *s = &d->sample;
    if (d->key_count == 0) {
        d->key = s->key;
        d->key_count = s->key_count;
        s->key = NULL;
        s->key_count = 0;
        return;
    }
    free(s->partition_column);
    s->partition_column = NULL;
    for (size_t i = 0; i < d->key_count && s->partition_column == NULL; i++) {
        const struct schema_column *c = &s->columns.columns[schema_find(&s->columns, d->key[i])];
        if (type_is_day(c->type))
            s->partition_column = mem_strdup(c->name);
    }
}

static bool in_key(const struct draft *d, const char *name)
{
    for (size_t i = 0; i < d->key_count; i++)
        if (strcmp(d->key[i], name) == 0)
            return true;
    return false;
}

static void describe_columns(struct draft *d)
{
    const struct schema *s = &d->sample.columns;
    d->columns = mem_calloc(s->count, sizeof *d->columns);
    for (size_t i = 0; i < s->count; i++) {
        const struct schema_column *c = &s->columns[i];
        const struct sample_column *detail = &d->sample.details[i];
        d->columns[i] = (struct config_guess_column){.name = c->name,
                                                     .from = detail->from,
                                                     .type = c->type,
                                                     .nullable = !in_key(d, c->name),
                                                     .format = c->format,
                                                     .comment = detail->doubts,
                                                     .nulls = (const char *const *)detail->nulls,
                                                     .null_count = detail->null_count,
                                                     .trim = detail->trim,
                                                     .percent = detail->percent};
    }
}

/*
 * Rows of the sample that do not fit what was found: either their values or the findings are wrong.
 */
static void warn_of_rows(const struct draft *d)
{
    const struct source_report *r = &d->sample.report;
    struct str places;
    if (r->rejected == 0)
        return;
    str_init(&places, 4000);
    report_format(r, &places);
    log_warn("%llu of %llu rows of the sample could not be read; the first ones:",
             (unsigned long long)r->rejected, (unsigned long long)(r->rows + r->rejected));
    for (const char *line = places.data; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        log_warn("  %.*s", (int)length, line);
        line += length + (line[length] == '\n');
    }
    str_release(&places);
}

static int take_sample(const struct options *o, struct draft *d, struct error *err)
{
    struct config defaults;
    config_defaults(NULL, &defaults);
    struct limits limits = {
        .memory = defaults.memory, .threads = defaults.threads, .temp = defaults.temp};
    struct sample_hints hints = {.encoding = o->encoding, .records = o->records};
    int rc = source_url(o->operands[0], o->from, &d->url, NULL);
    if (rc != ERR_OK)
        rc = error_set(err, ERR_SOURCE, "The sample %s does not exist or cannot be reached.",
                       o->from);
    if (rc == ERR_OK)
        rc = sample_file(o->from, &hints, &limits, &d->sample, err);
    if (rc == ERR_OK)
        rc = check_key(d, err);
    if (rc == ERR_OK) {
        take_sample_key(d);
        describe_columns(d);
        d->delimiter[0] = d->sample.layout.delimiter;
        d->comment = mem_printf("Columns, types and key were found by looking at the %llu rows of "
                                "%s: check them.",
                                (unsigned long long)d->sample.report.rows, d->url);
        warn_of_rows(d);
        if (o->source != NULL) {
            free(d->url);
            d->url = mem_strdup(o->source);
        }
    }
    config_release(&defaults);
    return rc;
}

static void make_text(const struct options *o, const struct draft *d, struct str *out)
{
    const struct sample *s = &d->sample;
    struct config_guess guess = {
        .dataset = d->dataset,
        .store = o->store,
        .url = d->url,
        .key = (const char *const *)d->key,
        .key_count = d->key_count,
        .comments = (const char *const *)&d->comment,
        .comment_count = d->comment != NULL ? 1 : 0,
    };
    if (s->columns.count > 0) {
        guess.format = s->format;
        guess.delimiter = d->delimiter;
        guess.encoding = s->encoding;
        guess.records = s->records;
        guess.archive = s->archive;
        guess.widths = s->widths;
        guess.width_count = s->width_count;
        guess.no_header = s->layout.header == 0;
        guess.header = s->layout.header;
        guess.skip_lines = s->layout.skip_lines;
        guess.footer = s->layout.footer;
        guess.footer_text = s->layout.footer_text[0] != '\0' ? s->layout.footer_text : NULL;
        guess.decimal = s->decimal;
        guess.thousands = s->thousands;
        guess.columns = d->columns;
        guess.column_count = s->columns.count;
        guess.partition_column = s->partition_column;
        guess.partition_by = s->partition_column != NULL ? CONFIG_BY_MONTH : CONFIG_BY_NONE;
    }
    config_write_example(out, &guess);
}

/* ---- Writing ------------------------------------------------------------------------------- */

/*
 * Say what the next command would complain about; the file is written all the same, to be edited.
 */
static void warn_of_problems(const char *path, const struct str *text)
{
    struct config config = {.path = NULL};
    struct config_problems problems;
    config_problems_init(&problems);
    if (config_parse(text->data, text->len, path, NULL, &config, &problems, NULL) != ERR_OK)
        for (size_t i = 0; i < problems.count; i++)
            log_warn("%s:%u:%u: %s", path, problems.items[i].line, problems.items[i].column,
                     problems.items[i].message);
    config_problems_release(&problems);
    config_release(&config);
}

static int check_id(const struct options *o, struct draft *d, struct error *err)
{
    struct config config = {.path = NULL};
    d->dataset = o->dataset != NULL ? mem_strdup(o->dataset) : names_of_file(o->operands[0]);
    int rc = config_set_dataset(&config, d->dataset, err);
    config_release(&config);
    return rc;
}

static void print(const struct options *o, const struct draft *d)
{
    if (o->json) {
        struct json *object = json_new_object();
        struct json *key = json_new_array();
        for (size_t i = 0; i < d->key_count; i++)
            json_append(key, json_new_string(d->key[i]));
        json_set_string(object, "file", o->operands[0]);
        json_set_string(object, "dataset", d->dataset);
        json_set_unsigned(object, "columns", d->sample.columns.count);
        json_set_unsigned(object, "rows", d->sample.report.rows);
        json_set(object, "key", key);
        json_set_string(object, "partition", d->sample.partition_column);
        text_print_json(object);
    } else if (!o->quiet) {
        text_printf("%s: written; review it, then: cauce check %s\n", o->operands[0],
                    o->operands[0]);
    }
}

static int init(const struct options *o, int *status, struct error *err)
{
    const char *path = o->operands[0];
    struct draft d = {.dataset = NULL};
    struct str text;
    (void)status;
    str_init(&text, STR_MAX_DEFAULT);
    int rc = ERR_OK;
    if (fs_exists(path) && !o->force)
        rc = error_set(err, ERR_CONFIG, "%s already exists; --force replaces it.", path);
    if (rc == ERR_OK)
        rc = check_id(o, &d, err);
    if (rc == ERR_OK && o->key != NULL)
        split_key(o->key, &d);
    if (rc == ERR_OK && o->from != NULL)
        rc = take_sample(o, &d, err);
    if (rc == ERR_OK) {
        make_text(o, &d, &text);
        rc = fs_replace(path, text.data, text.len, err);
    }
    if (rc == ERR_OK) {
        warn_of_problems(path, &text);
        print(o, &d);
    }
    str_release(&text);
    draft_release(&d);
    return rc;
}

const struct command cmd_init = {
    .name = "init",
    .summary = "write a configuration to start from",
    .operands = "DATASET.yml",
    .about = "Writes a commented configuration. With --from it examines a file of any\n"
             "supported format, also compressed or in an archive, and fills in format,\n"
             "columns, types, a key and a partition.",
    .examples =
        "  cauce init rates.yml\n"
        "  cauce init --from incoming/rates.csv rates.yml\n"
        "  cauce init --from rates.csv --key currency,day --store s3://bucket/data rates.yml\n",
    .own =
        {
            {"from", 0, OPTION_TEXT, "FILE", "a sample of the source", OPTION_AT(from)},
            {"encoding", 0, OPTION_TEXT, "NAME", "encoding of the sample; default: found",
             OPTION_AT(encoding)},
            {"records", 0, OPTION_TEXT, "PATH", "JSON: where its records are, as in data.items",
             OPTION_AT(records)},
            {"source", 0, OPTION_TEXT, "URL", "source to name in the file, in place of the sample",
             OPTION_AT(source)},
            {"key", 'k', OPTION_TEXT, "COLUMN,...", "columns that identify a row; default: found",
             OPTION_AT(key)},
            {"dataset", 0, OPTION_TEXT, "ID", "id of the dataset; default: from the file's name",
             OPTION_AT(dataset)},
            {"store", 0, OPTION_TEXT, "URL", "where versions are to be published",
             OPTION_AT(store)},
            {"force", 0, OPTION_FLAG, NULL, "replace DATASET.yml where it exists",
             OPTION_AT(force)},
        },
    .least = 1,
    .most = 1,
    .stoppable = true,
    .run = init,
};

/*
 * The source as the table `source_rows` of the engine, after the gates for bad and repeated rows.
 * Nothing is written to the store; repeating it is harmless.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/unique.h"
#include "pipeline/run_private.h"
#include "util/log.h"
#include "util/mem.h"

/* Part of `memory` that a reader may use for its buffers. */
#define READERS_SHARE 8

static struct reader_texts list_of(const struct config_list *list)
{
    return (struct reader_texts){(const char *const *)list->items, list->count};
}

static void list_columns(struct run *r)
{
    const struct config *config = r->d->config;
    const struct config_unpivot *unpivot = &config->source.unpivot;
    r->unpivot = (struct unpivot){list_of(&unpivot->keep), unpivot->name, unpivot->value};
    r->columns = mem_calloc(config->column_count, sizeof *r->columns);
    r->constants = mem_calloc(config->constant_count, sizeof *r->constants);
    for (size_t i = 0; i < config->column_count; i++) {
        const struct config_column *c = &config->columns[i];
        r->columns[i] = (struct source_column){.name = c->name,
                                               .type = c->type,
                                               .from = list_of(&c->from),
                                               .formats = list_of(&c->formats),
                                               .nulls = list_of(&c->nulls),
                                               .nulls_set = c->nulls_set,
                                               .optional = c->optional,
                                               .trim = c->trim,
                                               .trim_set = c->trim_set,
                                               .percent = c->percent,
                                               .percent_set = c->percent_set,
                                               .time_zone = c->time_zone};
    }
    for (size_t i = 0; i < config->constant_count; i++)
        r->constants[i] =
            (struct source_constant){config->constants[i].name, config->constants[i].value};
}

static void add_readable(struct run *r, size_t *capacity, struct reader_file file)
{
    r->readable = mem_grow(r->readable, r->readable_count, capacity, sizeof *r->readable);
    r->readable[r->readable_count++] = file;
}

/*
 * What is in a file, unpacked into the scratch folder: the members of an archive, or the one file of a
 * format that cannot be read while it is compressed. Else it is read as it is.
 */
static int list_file(struct run *r, size_t file, size_t *capacity, struct error *err)
{
    const struct config_source *c = &r->d->config->source;
    struct reader_file whole = {r->files[file].path, r->files[file].shown, NULL};
    struct members *m = &r->members[file];
    const char *folder = r->d->work.path;
    char prefix[32];
    int rc = ERR_OK;
    snprintf(prefix, sizeof prefix, "member-%zu-", file);
    if (c->archive != NULL)
        rc = members_unpack(&whole, c->archive, c->max_bytes, folder, prefix, m, err);
    else if (!file_format_takes(c->format, "compression"))
        rc = members_unwrap(&whole, c->max_bytes, folder, prefix, m, err);
    if (rc == ERR_OK && m->count == 0)
        add_readable(r, capacity, whole);
    for (size_t i = 0; i < m->count && rc == ERR_OK; i++)
        add_readable(r, capacity,
                     (struct reader_file){m->items[i].path, m->items[i].shown, m->items[i].name});
    return rc;
}

/* The files that are to be read: those of the source, or what is in them. */
static int list_files(struct run *r, struct error *err)
{
    size_t capacity = 0;
    int rc = ERR_OK;
    r->members = mem_calloc(r->file_count, sizeof *r->members);
    for (size_t i = 0; i < r->file_count && rc == ERR_OK; i++)
        rc = list_file(r, i, &capacity, err);
    return rc;
}

void step_read_options(const struct config *config, struct read_options *out)
{
    static const enum read_compression compressions[] = {
        [CONFIG_COMPRESSION_AUTO] = READ_AUTO, [CONFIG_COMPRESSION_NONE] = READ_PLAIN,
        [CONFIG_COMPRESSION_GZIP] = READ_GZIP, [CONFIG_COMPRESSION_ZSTD] = READ_ZSTD,
        [CONFIG_COMPRESSION_XZ] = READ_XZ,     [CONFIG_COMPRESSION_BZIP2] = READ_BZIP2,
    };
    const struct config_source *c = &config->source;
    *out = (struct read_options){
        .compression = compressions[c->compression],
        .encoding = c->encoding,
        .max_bytes = c->max_bytes,
        .threads = config->threads,
        .memory = (size_t)(config->memory / READERS_SHARE),
        .quote = c->quote,
        .escape = c->escape,
        .comment = c->comment,
        .header = c->header,
        .skip_lines = c->skip_lines,
        .footer_lines = c->footer_lines,
        .footer = c->footer,
        .trim = c->trim,
        .records = c->records,
        .widths = c->widths,
        .width_count = c->width_count,
        .sheet = c->sheet,
        .range = c->range,
    };
    memcpy(out->delimiter, c->delimiter, sizeof out->delimiter);
}

static bool lacks_digests(const struct run *r)
{
    for (size_t i = 0; i < r->file_count; i++)
        if (r->files[i].sha256[0] == '\0')
            return true;
    return false;
}

static void describe_source(const struct run *r, struct source_options *out)
{
    const struct config *config = r->d->config;
    const struct config_source *c = &config->source;
    *out = (struct source_options){
        .format = c->format,
        .files = r->readable,
        .file_count = r->readable_count,
        .workdir = r->d->work.path,
        .nulls = list_of(config_source_nulls(c)),
        .date_formats = list_of(&c->date_formats),
        .timestamp_formats = list_of(&c->timestamp_formats),
        .decimal = c->decimal,
        .thousands = c->thousands,
        .trim = c->trim,
        .percent = c->percent,
        .pivot = (int)c->pivot,
        .time_zone = c->time_zone,
        .file_column = c->file_column,
        .unpivot = c->unpivot.name != NULL ? &r->unpivot : NULL,
        .columns = r->columns,
        .column_count = config->column_count,
        .constants = r->constants,
        .constant_count = config->constant_count,
        .transform = config->transform,
        .digest = lacks_digests(r),
        .frozen = &r->frozen,
    };
    step_read_options(config, &out->read);
}

static int refuse_rows(const struct load_report *found, const char *advice, struct error *err)
{
    struct str places;
    str_init(&places, 1500);
    report_format(&found->source, &places);
    if (places.len > 0 && places.data[places.len - 1] == '\n')
        places.data[--places.len] = '\0';
    error_set(err, ERR_GATE, "%llu %s of the source %s.", (unsigned long long)found->rows_rejected,
              found->rows_rejected == 1 ? "row" : "rows",
              found->rows_rejected == 1 ? "does not fit" : "do not fit");
    char *more = mem_printf("%s\n%s", advice, places.data);
    error_tell(err, ERR_GATE, ERROR_UNPUBLISHED, more);
    free(more);
    str_release(&places);
    return ERR_GATE;
}

static int gate_bad_rows(struct run *r, const struct load_report *found, struct error *err)
{
    const struct config *config = r->d->config;
    uint64_t rejected = found->rows_rejected;
    if (rejected == 0)
        return ERR_OK;
    /* Where nothing is left, the source is not the one that the configuration describes. */
    if (found->source.rows == 0 && config->bad_rows != CONFIG_BAD_ROWS_FAIL)
        return refuse_rows(found,
                           "None is left: `bad_rows: reject` leaves out some rows, not all. "
                           "Correct the source or its description. The first ones:",
                           err);
    if (config->bad_rows == CONFIG_BAD_ROWS_FAIL)
        return refuse_rows(found,
                           "Correct the source or its description, or let such rows be left out "
                           "with `bad_rows: reject`. The first ones:",
                           err);
    if (rejected > config->bad_rows_limit) {
        char *advice =
            mem_printf("That is more than `bad_rows_limit: %llu` allows. The first ones:",
                       (unsigned long long)config->bad_rows_limit);
        int rc = refuse_rows(found, advice, err);
        free(advice);
        return rc;
    }
    run_warn(r, "%llu %s of the source %s rejected", (unsigned long long)rejected,
             rejected == 1 ? "row" : "rows", rejected == 1 ? "was" : "were");
    return ERR_OK;
}

static int take_example(void *ctx, const struct engine_row *row, struct error *err)
{
    char **example = ctx;
    (void)err;
    if (*example == NULL)
        *example = mem_printf(", for example %.200s in row %llu: the key is repeated in row %llu",
                              row->values[2], strtoull(row->values[0], NULL, 10) + 1,
                              strtoull(row->values[1], NULL, 10) + 1);
    return ERR_OK;
}

static int refuse_duplicates(struct run *r, uint64_t repeated, struct error *err)
{
    char *example = NULL;
    int rc = unique_sample(r->d->engine, &r->schema, take_example, &example, err);
    if (rc == ERR_OK) {
        error_set(err, ERR_GATE, "Rows of the source repeat a key (%llu in all)%s.",
                  (unsigned long long)repeated, example != NULL ? example : "");
        rc = error_tell(err, ERR_GATE, ERROR_UNPUBLISHED,
                        "Correct the source, or take the last row of each key with `duplicates: "
                        "last`.");
    }
    free(example);
    return rc;
}

static int gate_duplicates(struct run *r, struct load_report *found, struct error *err)
{
    const struct config *config = r->d->config;
    bool transformed = config->transform != NULL;
    uint64_t repeated = 0;
    int rc = unique_find(r->d->engine, &r->schema, found->source.rows,
                         transformed ? UNIQUE_GREATEST : UNIQUE_LAST, &repeated, err);
    found->rows_duplicate = repeated;
    if (rc != ERR_OK || repeated == 0)
        return rc;
    if (config->duplicates == CONFIG_DUPLICATES_FAIL)
        return refuse_duplicates(r, repeated, err);
    found->source.rows -= repeated;
    run_warn(r, "%llu %s the key of a %s row, which was taken", (unsigned long long)repeated,
             repeated == 1 ? "row of the source has" : "rows of the source have",
             transformed ? "greater" : "later");
    return unique_keep(r->d->engine, &r->schema, err);
}

static void name_left_out(struct run *r, const struct source_report *rows)
{
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
    for (size_t i = 0; i < rows->warning_count; i++)
        run_warn(r, "%s", rows->warnings[i]);
}

/* Files and columns of the source, which stay the same for all attempts. */
static int list_source(struct run *r, struct error *err)
{
    if (r->listed)
        return ERR_OK;
    int rc = list_files(r, err);
    if (rc == ERR_OK)
        list_columns(r);
    r->listed = rc == ERR_OK;
    return rc;
}

/* After a lost race the winner may have frozen other types than this run has found. */
static void forget_source(struct run *r)
{
    const struct schema_source *frozen = &r->base.manifest.schema.source;
    if (frozen->count == r->frozen.count && schema_source_same(frozen, &r->frozen, frozen->count))
        return;
    source_free(r->source);
    r->source = NULL;
    r->is_loaded = false;
    schema_source_release(&r->frozen);
    schema_source_copy(frozen, &r->frozen);
}

static int open_source(struct run *r, struct error *err)
{
    struct source_options options;
    int rc = dataset_engine(r->d, r->base.pointer.key_seed, err);
    if (rc == ERR_OK)
        rc = list_source(r, err);
    if (rc != ERR_OK)
        return rc;
    forget_source(r);
    if (r->source != NULL)
        return ERR_OK;
    describe_source(r, &options);
    return source_open(r->d->engine, &options, &r->source, err);
}

/* The digests of files that were hashed as they were read. Members of archives are not the files. */
static void take_digests(struct run *r)
{
    for (size_t i = 0; i < r->file_count && r->d->config->source.archive == NULL; i++)
        if (r->files[i].sha256[0] == '\0')
            memcpy(r->files[i].sha256, source_digest(r->source, i), sizeof r->files[i].sha256);
}

static int load_rows(struct run *r, struct load_report *out, struct error *err)
{
    struct source_report *rows = &out->source;
    report_release(rows);
    int rc = source_load(r->source, &r->schema, rows, err);
    out->rows_rejected = rows->rejected;
    out->rows_read = rows->rows + rows->rejected;
    if (rc != ERR_OK || r->identity.sha256[0] != '\0')
        return rc;
    take_digests(r);
    return step_source_identify(r, err);
}

int step_load(struct run *r, struct load_report *out, struct error *err)
{
    int rc = open_source(r, err);
    if (rc == ERR_OK)
        rc = step_schema(r, err);
    /* After a lost race the rows are still there, unless the winner has added columns. */
    if (rc == ERR_OK && r->is_loaded && schema_same_columns(&r->loaded, &r->schema))
        return ERR_OK;
    if (rc == ERR_OK)
        rc = load_rows(r, out, err);
    if (rc == ERR_OK)
        rc = step_check_source(r, err);
    if (rc == ERR_OK)
        rc = gate_bad_rows(r, out, err);
    if (rc == ERR_OK)
        rc = gate_duplicates(r, out, err);
    if (rc != ERR_OK)
        return rc;
    name_left_out(r, &out->source);
    schema_release(&r->loaded);
    schema_copy(&r->schema, &r->loaded);
    r->is_loaded = true;
    return ERR_OK;
}

#include "source/source.h"

#include <stdlib.h>
#include <string.h>

#include "source/found.h"
#include "source/load.h"
#include "source/transform.h"
#include "source/wanted.h"
#include "util/mem.h"

struct source {
    struct engine *engine;
    struct source_options options;
    struct files files;
    struct source_report report;      /* of examining the files, before they are loaded */
    struct schema_source seen;        /* by the transform */
    char (*digests)[SHA256_HEX_SIZE]; /* by file, of the bytes that were loaded */
};

int source_open(struct engine *e, const struct source_options *options, struct source **out,
                struct error *err)
{
    struct source *s = mem_calloc(1, sizeof *s);
    s->engine = e;
    s->options = *options;
    s->digests = mem_calloc(options->file_count, sizeof *s->digests);
    s->files = (struct files){.format = options->format,
                              .items = options->files,
                              .count = options->file_count,
                              .options = &s->options.read,
                              .file_column = options->file_column,
                              .unpivot = options->unpivot,
                              .tools = {.engine = e, .workdir = options->workdir}};
    int rc = ERR_OK;
    if (options->transform != NULL)
        rc = transform_open(e, &s->files, &s->options, &s->report, &s->seen, err);
    if (rc == ERR_OK)
        *out = s;
    else
        source_free(s);
    return rc;
}

void source_free(struct source *s)
{
    if (s == NULL)
        return;
    report_release(&s->report);
    schema_source_release(&s->seen);
    free(s->digests);
    free(s);
}

/* ---- Inference ----------------------------------------------------------------------------- */

int source_infer(struct source *s, struct schema *out, struct error *err)
{
    struct found found = {0};
    *out = (struct schema){0};
    if (s->options.transform != NULL)
        return transform_infer(s->engine, out, err);
    int rc = found_types(&s->files, &s->options, &found, err);
    if (rc == ERR_OK) {
        out->count = found.names.count;
        out->columns = mem_calloc(out->count, sizeof *out->columns);
    }
    for (size_t i = 0; i < out->count; i++)
        out->columns[i] = (struct schema_column){.name = mem_strdup(found.names.items[i]),
                                                 .format = mem_strdup(found.formats[i]),
                                                 .id = (uint32_t)i + 1,
                                                 .type = found.types[i],
                                                 .nullable = true};
    if (rc == ERR_OK)
        found_doubts(&found, &s->report);
    found_release(&found);
    return rc;
}

const struct schema_source *source_seen(const struct source *s)
{
    return &s->seen;
}

int source_look(struct source *s, struct schema_source *out, struct error *err)
{
    struct found found = {0};
    int rc = found_types(&s->files, &s->options, &found, err);
    *out = (struct schema_source){0};
    for (size_t i = 0; i < found.names.count && rc == ERR_OK; i++)
        schema_source_add(out, found.names.items[i], found.types[i], found.formats[i]);
    found_release(&found);
    return rc;
}

/* ---- Loading ------------------------------------------------------------------------------- */

static const char **list_constants(const struct source_options *o, const struct schema *schema)
{
    const char **out = mem_calloc(schema->count, sizeof *out);
    for (size_t i = 0; i < schema->count; i++)
        for (size_t k = 0; schema->columns[i].constant && k < o->constant_count; k++)
            if (strcmp(o->constants[k].name, schema->columns[i].name) == 0)
                out[i] = o->constants[k].value;
    return out;
}

/* More names than can be listed are no reason to fail where those that are wanted were found. */
static int list_names(const struct source *s, struct names *names, struct source_report *report,
                      struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = files_names(&s->files, names, &why);
    if (rc == ERR_OK)
        return rc;
    if (rc != ERR_LIMIT)
        return error_pass(err, rc, &why);
    report_warn(report,
                "the source has more names than can be listed: what is left out is not named");
    names_release(names);
    return ERR_OK;
}

/* Columns of the source that feed none of the schema's; `names` are known where there are headers. */
static int note_left_out(const struct source *s, const struct wanted *wanted, struct names *names,
                         struct source_report *report, struct error *err)
{
    struct names used = {0};
    int rc = ERR_OK;
    for (size_t i = 0; i < wanted->count; i++)
        for (size_t k = 0; k < wanted->columns[i].from.count; k++)
            names_add(&used, wanted->columns[i].from.items[k]);
    if (!file_format_has_header(s->files.format))
        rc = list_names(s, names, report, err);
    else if (s->files.file_column != NULL)
        names_add(names, s->files.file_column);
    report->left_out = mem_calloc(names->count, sizeof *report->left_out);
    for (size_t i = 0; i < names->count && rc == ERR_OK; i++)
        if (names_find(&used, names->items[i]) == SIZE_MAX)
            report->left_out[report->left_out_count++] = mem_strdup(names->items[i]);
    names_release(&used);
    return rc;
}

/* Files are read to look at them, too: it is what is loaded that is hashed. */
static int read_files(struct source *s, const struct wanted *wanted, struct load *load,
                      struct names *names, struct source_report *report, struct error *err)
{
    struct files_reading how = {load_take, load, report, s->digests, names};
    s->options.read.digest = s->options.digest;
    int rc = files_read(&s->files, wanted->columns, wanted->count, &how, err);
    s->options.read.digest = false;
    return rc;
}

const char *source_digest(const struct source *s, size_t file)
{
    return file < s->files.count ? s->digests[file] : "";
}

static int load_files(struct source *s, const struct schema *schema, const char **constants,
                      struct source_report *report, struct error *err)
{
    struct wanted wanted;
    struct load load = {0};
    struct names names = {0};
    struct type *types = mem_calloc(schema->count, sizeof *types);
    int rc = ERR_OK;
    wanted_init(&wanted, schema->count);
    for (size_t i = 0; i < schema->count && rc == ERR_OK; i++) {
        types[i] = schema->columns[i].type;
        if (constants[i] == NULL)
            rc = wanted_add_schema(&wanted, &s->options, schema, i, err);
    }
    if (rc == ERR_OK)
        rc = load_open(&load, s->engine, "source_rows", types, constants, schema->count, err);
    if (rc == ERR_OK)
        rc = read_files(s, &wanted, &load, &names, report, err);
    if (rc == ERR_OK)
        rc = load_close(&load, err);
    if (rc == ERR_OK)
        rc = note_left_out(s, &wanted, &names, report, err);
    names_release(&names);
    load_release(&load);
    wanted_release(&wanted);
    free(types);
    return rc;
}

/* Bad rows of the files are bad rows of the result, too. */
static void add_rejects(const struct source_report *files, struct source_report *out)
{
    out->rejected += files->rejected;
    for (size_t i = 0; i < files->warning_count; i++)
        report_warn(out, files->warnings[i]);
    for (size_t i = 0; i < files->sample_count && out->sample_count < REPORT_SAMPLES; i++) {
        const struct report_reject *r = &files->samples[i];
        out->samples[out->sample_count] = *r;
        struct report_reject *copy = &out->samples[out->sample_count++];
        copy->file = mem_strdup(r->file);
        copy->name = mem_strdup(r->name);
        copy->value = mem_strdup(r->value);
        copy->reason = mem_strdup(r->reason);
    }
}

int source_load(struct source *s, const struct schema *schema, struct source_report *report,
                struct error *err)
{
    const char **constants = list_constants(&s->options, schema);
    add_rejects(&s->report, report);
    int rc = s->options.transform == NULL
                 ? load_files(s, schema, constants, report, err)
                 : transform_load(s->engine, &s->options, schema, constants, report, err);
    free(constants);
    return rc;
}

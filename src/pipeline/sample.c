#include "pipeline/sample.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/sample_format.h"
#include "pipeline/sample_key.h"
#include "source/input.h"
#include "source/source.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"

#define HEAD_BYTES ((size_t)256 << 10) /* of the file, that format and delimiter are told by */

/* A look at a file, and what it needs. */
struct looking {
    const struct limits *limits;
    struct workdir work;
    struct reader_file file;
    char *real; /* path of the file */
    struct engine *engine;
    struct source *source;
    struct sample *out;
};

void sample_release(struct sample *s)
{
    schema_release(&s->columns);
    for (size_t i = 0; i < s->key_count; i++)
        free(s->key[i]);
    free(s->key);
    free(s->partition_column);
    *s = (struct sample){.format = CONFIG_FORMAT_AUTO};
}

static int find_file(struct looking *l, const char *path, struct error *err)
{
    struct fs_stat st;
    if (fs_real_path(path, &l->real, NULL) != ERR_OK || fs_stat(l->real, &st, NULL) != ERR_OK)
        return error_set(err, ERR_SOURCE, "The sample %s does not exist or cannot be reached.",
                         path);
    if (st.folder)
        return error_set(err, ERR_SOURCE, "The sample %s is a folder; name one of its files.",
                         path);
    if (st.size == 0)
        return error_set(err, ERR_SOURCE, "The sample %s is empty.", path);
    l->file = (struct reader_file){.path = l->real, .shown = path};
    return workdir_create(l->limits->temp, &l->work, err);
}

/* Append the beginning of the file, unpacked; `*whole`: there is no more. */
static int read_head(const struct looking *l, struct str *out, bool *whole, struct error *err)
{
    struct read_options options = {.compression = READ_AUTO};
    struct input *in = NULL;
    char *buffer = mem_alloc(HEAD_BYTES);
    size_t count = 0;
    int rc = input_open(&l->file, &options, &in, err);
    if (rc == ERR_OK)
        rc = input_read(in, buffer, HEAD_BYTES, &count, err);
    if (rc == ERR_OK)
        str_append_bytes(out, buffer, count);
    *whole = count < HEAD_BYTES;
    input_free(in);
    free(buffer);
    return rc;
}

static int guess_format(struct looking *l, struct error *err)
{
    struct str head;
    bool whole = false;
    str_init(&head, HEAD_BYTES);
    int rc = read_head(l, &head, &whole, err);
    if (rc == ERR_OK)
        l->out->format = sample_format_of(l->real, head.data, head.len);
    if (rc == ERR_OK && l->out->format == CONFIG_FORMAT_AUTO)
        l->out->format = CONFIG_FORMAT_CSV;
    l->out->delimiter[0] =
        l->out->format == CONFIG_FORMAT_CSV ? sample_delimiter_of(head.data, head.len, whole) : ',';
    str_release(&head);
    return rc;
}

static void interrupt(void *ctx)
{
    engine_interrupt(ctx);
}

static int open_engine(struct looking *l, struct error *err)
{
    const char *files[] = {l->real};
    struct engine_options options = {
        .library = l->limits->library,
        .workdir = l->work.path,
        .memory = l->limits->memory,
        .threads = l->limits->threads,
        .files = files,
        .file_count = 1,
    };
    int rc = engine_open(&options, &l->engine, err);
    if (rc == ERR_OK)
        stop_on_request(interrupt, l->engine);
    return rc;
}

static enum source_format engine_format(enum config_format format)
{
    switch (format) {
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

/* Columns and their types, then all rows as `source_rows`. */
static int load(struct looking *l, struct error *err)
{
    static const char *const nulls[] = {""};
    struct schema *s = &l->out->columns;
    struct source_options options = {
        .format = engine_format(l->out->format),
        .files = &l->file,
        .file_count = 1,
        .workdir = l->work.path,
        .read = {.quote = '"', .escape = '"', .header = 1, .threads = l->limits->threads},
        .nulls = {nulls, 1},
        .decimal = '.',
    };
    struct source_report report = {.rows = 0};
    memcpy(options.read.delimiter, l->out->delimiter, sizeof options.read.delimiter);
    int rc = source_open(l->engine, &options, &l->source, err);
    if (rc == ERR_OK)
        rc = source_infer(l->source, s, err);
    if (rc == ERR_OK)
        rc = source_load(l->source, s, &report, err);
    l->out->rows = report.rows;
    report_release(&report);
    source_free(l->source); /* its options end here */
    l->source = NULL;
    return rc;
}

static int guess_key(struct looking *l, struct error *err)
{
    size_t columns[SAMPLE_KEY_MAX];
    size_t count = 0;
    struct sample *out = l->out;
    int rc = sample_key_find(l->engine, &out->columns, columns, &count, err);
    if (rc != ERR_OK)
        return rc;
    out->key = mem_calloc(count, sizeof *out->key);
    out->key_count = count;
    for (size_t i = 0; i < count; i++) {
        const struct schema_column *c = &out->columns.columns[columns[i]];
        out->key[i] = mem_strdup(c->name);
        if (out->partition_column == NULL && type_is_day(c->type))
            out->partition_column = mem_strdup(c->name);
    }
    return ERR_OK;
}

int sample_file(const char *path, const struct limits *limits, struct sample *out,
                struct error *err)
{
    struct looking l = {.limits = limits, .work = WORKDIR_NONE, .out = out};
    *out = (struct sample){.format = CONFIG_FORMAT_AUTO};
    int rc = find_file(&l, path, err);
    if (rc == ERR_OK)
        rc = guess_format(&l, err);
    if (rc == ERR_OK)
        rc = open_engine(&l, err);
    if (rc == ERR_OK)
        rc = load(&l, err);
    if (rc == ERR_OK)
        rc = guess_key(&l, err);
    source_free(l.source);
    stop_on_request(NULL, NULL);
    engine_free(l.engine);
    workdir_remove(&l.work);
    free(l.real);
    if (rc != ERR_OK)
        sample_release(out);
    return rc;
}

#include "pipeline/sample.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/plain.h"
#include "pipeline/sample_format.h"
#include "pipeline/sample_key.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"

#define HEAD_BYTES ((size_t)256 << 10) /* of the file, that format and delimiter are told by */

/* A look at a file, and what it needs. */
struct looking {
    const struct limits *limits;
    struct workdir work;
    char *real;  /* the file */
    char *plain; /* its plain content: the file itself, or a scratch file */
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
    return workdir_create(l->limits->temp, &l->work, err);
}

/* Replace `l->plain` by a plain version of it; `name` is that of the scratch file. */
static int make_plain(struct looking *l, const struct plain_options *options, const char *name,
                      struct error *err)
{
    bool made = false;
    char *target = fs_join(l->work.path, name);
    int rc = plain_make(l->plain, options, target, &made, err);
    if (rc == ERR_OK && made) {
        free(l->plain);
        l->plain = target;
        target = NULL;
    }
    free(target);
    return rc;
}

/* Append the beginning of the plain file. */
static int read_head(const struct looking *l, struct str *out, bool *whole, struct error *err)
{
    char *buffer = mem_alloc(HEAD_BYTES);
    int fd = open(l->plain, O_RDONLY | O_CLOEXEC);
    ssize_t n = 1;
    while (fd >= 0 && n > 0 && out->len < HEAD_BYTES) {
        n = read(fd, buffer, HEAD_BYTES - out->len);
        if (n > 0)
            str_append_bytes(out, buffer, (size_t)n);
    }
    if (fd >= 0)
        close(fd);
    free(buffer);
    *whole = n == 0;
    if (fd < 0 || n < 0)
        return error_set(err, ERR_SOURCE, "The sample cannot be read.");
    return ERR_OK;
}

static int guess_format(struct looking *l, struct error *err)
{
    struct str head;
    bool whole = false;
    struct plain_options bytes = {.compression = PLAIN_AUTO, .text = false};
    struct plain_options text = {.compression = PLAIN_NONE, .text = true};
    str_init(&head, HEAD_BYTES);
    l->plain = mem_strdup(l->real);
    int rc = make_plain(l, &bytes, "bytes", err);
    if (rc == ERR_OK)
        rc = read_head(l, &head, &whole, err);
    if (rc == ERR_OK)
        l->out->format = sample_format_of(l->real, head.data, head.len);
    if (rc == ERR_OK && l->out->format == CONFIG_FORMAT_AUTO)
        l->out->format = CONFIG_FORMAT_CSV;
    if (rc == ERR_OK && l->out->format != CONFIG_FORMAT_PARQUET)
        rc = make_plain(l, &text, "text", err);
    str_clear(&head);
    if (rc == ERR_OK)
        rc = read_head(l, &head, &whole, err);
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
    const char *files[] = {l->plain};
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
static int load(struct looking *l, const char *shown, struct error *err)
{
    static const char *const nulls[] = {""};
    struct schema *s = &l->out->columns;
    struct source_options options = {
        .format = engine_format(l->out->format),
        .files = {(const char *const *)&l->plain, 1},
        .shown = {&shown, 1},
        .csv = {.quote = '"', .escape = '"', .header = true},
        .nulls = {nulls, 1},
        .decimal = '.',
    };
    struct source_report report = {.rows = 0};
    memcpy(options.csv.delimiter, l->out->delimiter, sizeof options.csv.delimiter);
    int rc = source_open(l->engine, &options, &l->source, err);
    if (rc == ERR_OK)
        rc = source_infer(l->source, s, err);
    if (rc != ERR_OK)
        return rc;
    struct source_column *columns = mem_calloc(s->count, sizeof *columns);
    for (size_t i = 0; i < s->count; i++)
        columns[i].from = (struct source_texts){(const char *const *)&s->columns[i].name, 1};
    rc = source_load(l->source, s, columns, &report, err);
    l->out->rows = report.rows;
    source_report_release(&report);
    free(columns);
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
        rc = load(&l, path, err);
    if (rc == ERR_OK)
        rc = guess_key(&l, err);
    source_free(l.source);
    stop_on_request(NULL, NULL);
    engine_free(l.engine);
    workdir_remove(&l.work);
    free(l.plain);
    free(l.real);
    if (rc != ERR_OK)
        sample_release(out);
    return rc;
}

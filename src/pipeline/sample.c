#include "pipeline/sample.h"

#include <stdlib.h>
#include <string.h>

#include "pipeline/sample_file.h"
#include "pipeline/sample_key.h"
#include "pipeline/sample_name.h"
#include "pipeline/sample_records.h"
#include "pipeline/sample_widths.h"
#include "source/found.h"
#include "source/input.h"
#include "source/source.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/utf8.h"

#define PART_BYTES ((size_t)256 << 10) /* of both ends of the file, which show its layout */
#define DOUBTS_MAX 600

/* A look at a file, and what it needs. */
struct looking {
    const struct limits *limits;
    const struct sample_hints *hints;
    struct workdir work;
    struct reader_file file; /* that is looked at: the one that was named, or what it holds */
    const char *name;        /* that tells its format */
    char *real;              /* path of the file that was named */
    struct members members;  /* what was unpacked */
    struct engine *engine;
    struct source_column *columns; /* as they are to be read */
    struct sample *out;
};

void sample_release(struct sample *s)
{
    for (size_t i = 0; s->details != NULL && i < s->columns.count; i++) {
        for (size_t k = 0; k < s->details[i].null_count; k++)
            free(s->details[i].nulls[k]);
        free(s->details[i].nulls);
        free(s->details[i].from);
        free(s->details[i].doubts);
    }
    free(s->details);
    schema_release(&s->columns);
    for (size_t i = 0; i < s->key_count; i++)
        free(s->key[i]);
    free(s->key);
    free(s->partition_column);
    free(s->encoding);
    free(s->records);
    free(s->widths);
    report_release(&s->report);
    *s = (struct sample){.format = FILE_FORMAT_AUTO};
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
    l->name = l->real;
    return workdir_create(l->limits->temp, &l->work, err);
}

static void use_member(struct looking *l)
{
    const struct member *m = &l->members.items[0];
    l->file = (struct reader_file){m->path, m->shown, m->name};
}

/* The first member of an archive stands for all that match. */
static int open_archive(struct looking *l, struct error *err)
{
    int rc = sample_file_members(&l->file, l->work.path, &l->members, &l->out->archive, err);
    if (rc == ERR_OK && l->members.count > 0) {
        use_member(l);
        l->name = l->file.member;
    }
    return rc;
}

/* What cannot be read while it is compressed. */
static int open_compressed(struct looking *l, struct error *err)
{
    if (file_format_takes(l->out->format, "compression") || l->members.count > 0)
        return ERR_OK;
    int rc = members_unwrap(&l->file, 0, l->work.path, "sample-", &l->members, err);
    if (rc == ERR_OK && l->members.count > 0)
        use_member(l);
    return rc;
}

/* ---- The text ------------------------------------------------------------------------------ */

/* Both ends of a text, and whether it is UTF-8 from one to the other. */
struct ends {
    char *head;
    size_t head_count;
    char *tail; /* the last bytes; room for two parts */
    size_t tail_count;
    uint64_t total;
    bool utf8;
    char broken[4]; /* a character that the next part goes on with */
    size_t broken_count;
};

static void ends_release(struct ends *e)
{
    free(e->head);
    free(e->tail);
    *e = (struct ends){0};
}

/* Are the next bytes UTF-8, after the beginning of a character that was left over? */
static bool goes_on(struct ends *e, const char *bytes, size_t count)
{
    char *joined = mem_alloc(e->broken_count + count);
    memcpy(joined, e->broken, e->broken_count);
    memcpy(joined + e->broken_count, bytes, count);
    size_t length = e->broken_count + count;
    size_t good = utf8_prefix(joined, length);
    e->broken_count = length - good;
    if (e->broken_count < sizeof e->broken)
        memcpy(e->broken, joined + good, e->broken_count);
    free(joined);
    return e->broken_count < sizeof e->broken;
}

static void add_part(struct ends *e, const char *bytes, size_t count)
{
    if (e->head == NULL) {
        e->head = mem_alloc(count);
        memcpy(e->head, bytes, count);
        e->head_count = count;
        e->tail = mem_alloc(2 * PART_BYTES);
        e->utf8 = true;
    }
    e->utf8 = e->utf8 && goes_on(e, bytes, count);
    if (e->tail_count + count > 2 * PART_BYTES) {
        memmove(e->tail, e->tail + e->tail_count - PART_BYTES, PART_BYTES);
        e->tail_count = PART_BYTES;
    }
    memcpy(e->tail + e->tail_count, bytes, count);
    e->tail_count += count;
    e->total += count;
}

/* Go through the unpacked text, `encoding` (NULL: none known) made UTF-8. */
static int read_ends(struct looking *l, const char *encoding, struct ends *out, struct error *err)
{
    struct read_options options = {.compression = READ_AUTO, .encoding = encoding};
    struct input *in = NULL;
    char *part = mem_alloc(PART_BYTES);
    size_t count = 0;
    int rc = input_open(&l->file, &options, &in, err);
    do {
        if (rc == ERR_OK)
            rc = input_read(in, part, PART_BYTES, &count, err);
        if (rc == ERR_OK && count > 0)
            add_part(out, part, count);
    } while (rc == ERR_OK && count > 0);
    out->utf8 = out->utf8 && out->broken_count == 0;
    input_free(in);
    free(part);
    return rc;
}

static void guess_format(struct looking *l, const struct ends *e)
{
    l->out->format = sample_format_of(l->name, e->head, e->head_count);
    if (l->out->format == FILE_FORMAT_AUTO)
        l->out->format = FILE_FORMAT_CSV;
}

/* What is not UTF-8 is read again in the encoding that it seems to have. */
static int settle_encoding(struct looking *l, struct ends *e, struct error *err)
{
    if (!file_format_takes(l->out->format, "encoding") || (e->utf8 && l->hints->encoding == NULL))
        return ERR_OK;
    l->out->encoding =
        mem_strdup(l->hints->encoding != NULL ? l->hints->encoding
                                              : sample_encoding_of(e->head, e->head_count));
    ends_release(e);
    int rc = read_ends(l, l->out->encoding, e, err);
    if (rc == ERR_OK && l->hints->encoding == NULL)
        guess_format(l, e);
    return rc;
}

/* A document of one line looks like newline-delimited JSON until its records are seen. */
static void find_records(struct looking *l, const struct ends *e)
{
    struct sample *out = l->out;
    bool lines = out->format == FILE_FORMAT_NDJSON;
    const char *newline = e->head_count > 0 ? memchr(e->head, '\n', e->head_count) : NULL;
    bool one_line = newline == NULL || newline + 1 == e->head + e->head_count;
    if (l->hints->records != NULL)
        out->records = mem_strdup(l->hints->records);
    else if (out->format == FILE_FORMAT_JSON || (lines && one_line))
        out->records = sample_records_of(e->head, e->head_count);
    if (lines && out->records != NULL)
        out->format = FILE_FORMAT_JSON;
}

/* Lines that no delimiter cuts may have columns of a fixed width. */
static void find_layout(struct sample *out, const struct ends *e)
{
    uint32_t widths[SAMPLE_WIDTHS_MAX];
    bool whole = e->total == e->head_count;
    sample_layout_of(e->head, e->head_count, whole, e->tail, e->tail_count, &out->layout);
    size_t count = out->layout.table ? 0 : sample_widths_of(e->head, e->head_count, whole, widths);
    if (count == 0)
        return;
    out->format = FILE_FORMAT_FIXED;
    out->width_count = count;
    out->widths = mem_calloc(count, sizeof *out->widths);
    memcpy(out->widths, widths, count * sizeof *widths);
}

static int look_at_text(struct looking *l, struct error *err)
{
    struct ends e = {.head = NULL};
    struct sample *out = l->out;
    int rc = read_ends(l, NULL, &e, err);
    if (rc == ERR_OK)
        guess_format(l, &e);
    if (rc == ERR_OK)
        rc = settle_encoding(l, &e, err);
    if (rc == ERR_OK && out->format == FILE_FORMAT_CSV)
        find_layout(out, &e);
    if (rc == ERR_OK)
        find_records(l, &e);
    ends_release(&e);
    return rc == ERR_OK ? open_compressed(l, err) : rc;
}

/* ---- The columns --------------------------------------------------------------------------- */

static void describe(const struct looking *l, struct source_options *out)
{
    static const char *const nulls[] = {""};
    const struct sample *s = l->out;
    *out = (struct source_options){
        .format = s->format,
        .files = &l->file,
        .file_count = 1,
        .workdir = l->work.path,
        .read = {.encoding = s->encoding,
                 .delimiter = {s->layout.delimiter},
                 .quote = '"',
                 .escape = '"',
                 .header = s->layout.header,
                 .skip_lines = s->layout.skip_lines,
                 .footer_lines = s->layout.footer_text[0] == '\0' ? s->layout.footer : 0,
                 .footer = s->layout.footer_text[0] != '\0' ? s->layout.footer_text : NULL,
                 .records = s->records,
                 .widths = s->widths,
                 .width_count = s->width_count,
                 .threads = l->limits->threads},
        .nulls = {nulls, file_format_is_text(s->format) ? 1 : 0},
        .decimal = s->decimal,
        .thousands = s->thousands,
    };
}

static void set_details(const struct found *found, size_t i, const struct survey_meaning *mean,
                        bool meant, struct sample_column *out)
{
    struct str doubts;
    str_init(&doubts, DOUBTS_MAX);
    survey_doubts(found->survey, i, &doubts);
    if (doubts.len > 0)
        out->doubts = mem_strdup(doubts.data);
    str_release(&doubts);
    if (!meant)
        return;
    out->percent = mean->percent;
    out->trim = mean->trim;
    if (mean->null_count == 0)
        return;
    out->nulls = mem_calloc(mean->null_count + 1, sizeof *out->nulls);
    out->nulls[out->null_count++] = mem_strdup("");
    for (size_t k = 0; k < mean->null_count; k++)
        out->nulls[out->null_count++] = mem_strdup(mean->nulls[k]);
}

/* Column `i` as people probably mean it, where the settings of the source allow that. */
static void set_column(struct sample *s, const struct found *found, size_t i)
{
    struct schema_column *c = &s->columns.columns[i];
    const char *from = found->names.items[i];
    *c = (struct schema_column){.name = sample_name_of(from, &s->columns, i),
                                .id = (uint32_t)i + 1,
                                .type = found->types[i],
                                .nullable = true};
    if (strcmp(c->name, from) != 0)
        s->details[i].from = mem_strdup(from);
    if (found->survey == NULL)
        return;
    struct survey_meaning mean;
    survey_mean(found->survey, i, &mean);
    bool number = mean.type.kind == TYPE_DOUBLE || mean.type.kind == TYPE_DECIMAL ||
                  mean.type.kind == TYPE_BIGINT || mean.type.kind == TYPE_INT;
    bool meant = !number || ((mean.decimal == 0 || mean.decimal == s->decimal) &&
                             (mean.thousands == 0 || mean.thousands == s->thousands));
    c->type = meant ? mean.type : found->types[i];
    c->format = mem_strdup(meant ? mean.format : found->formats[i]);
    set_details(found, i, &mean, meant, &s->details[i]);
}

static int find_types(struct looking *l, struct found *out, struct error *err)
{
    struct source_options o;
    describe(l, &o);
    struct files files = {.format = o.format,
                          .items = o.files,
                          .count = 1,
                          .options = &o.read,
                          .tools = {.engine = l->engine, .workdir = l->work.path}};
    return found_types(&files, &o, out, err);
}

static int find_columns(struct looking *l, struct error *err)
{
    struct sample *s = l->out;
    struct found found = {0};
    int rc = find_types(l, &found, err);
    /* What numbers are written with is one setting for all: with it they are examined again. */
    if (rc == ERR_OK && found.survey != NULL &&
        survey_signs(found.survey, &s->decimal, &s->thousands)) {
        found_release(&found);
        rc = find_types(l, &found, err);
    }
    if (rc == ERR_OK) {
        s->columns.columns = mem_calloc(found.names.count, sizeof *s->columns.columns);
        s->details = mem_calloc(found.names.count, sizeof *s->details);
        s->columns.count = found.names.count;
    }
    for (size_t i = 0; i < s->columns.count; i++)
        set_column(s, &found, i);
    found_release(&found);
    return rc;
}

/* All rows as `source_rows`, read as it is suggested. */
static int load(struct looking *l, struct error *err)
{
    struct sample *s = l->out;
    struct source *source = NULL;
    struct source_options o;
    l->columns = mem_calloc(s->columns.count, sizeof *l->columns);
    for (size_t i = 0; i < s->columns.count; i++)
        l->columns[i] = (struct source_column){
            .name = s->columns.columns[i].name,
            .from = {(const char *const *)&s->details[i].from, s->details[i].from != NULL ? 1 : 0},
            .type = s->columns.columns[i].type,
            .formats = {(const char *const *)&s->columns.columns[i].format,
                        s->columns.columns[i].format != NULL ? 1 : 0},
            .nulls = {(const char *const *)s->details[i].nulls, s->details[i].null_count},
            .nulls_set = s->details[i].null_count > 0,
            .percent = s->details[i].percent,
            .percent_set = true,
            .trim = s->details[i].trim,
            .trim_set = s->details[i].trim};
    describe(l, &o);
    o.columns = l->columns;
    o.column_count = s->columns.count;
    int rc = source_open(l->engine, &o, &source, err);
    if (rc == ERR_OK)
        rc = source_load(source, &s->columns, &s->report, err);
    source_free(source);
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

/* ---- All of it ----------------------------------------------------------------------------- */

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

int sample_file(const char *path, const struct sample_hints *hints, const struct limits *limits,
                struct sample *out, struct error *err)
{
    struct looking l = {.limits = limits, .hints = hints, .work = WORKDIR_NONE, .out = out};
    *out = (struct sample){.format = FILE_FORMAT_AUTO};
    out->layout = (struct sample_layout){.delimiter = ',', .header = 1};
    out->decimal = '.';
    int rc = find_file(&l, path, err);
    if (rc == ERR_OK)
        rc = open_archive(&l, err);
    if (rc == ERR_OK)
        rc = look_at_text(&l, err);
    if (rc == ERR_OK)
        rc = open_engine(&l, err);
    if (rc == ERR_OK)
        rc = find_columns(&l, err);
    if (rc == ERR_OK)
        rc = load(&l, err);
    if (rc == ERR_OK)
        rc = guess_key(&l, err);
    stop_on_request(NULL, NULL);
    engine_free(l.engine);
    workdir_remove(&l.work);
    members_release(&l.members);
    free(l.columns);
    free(l.real);
    if (rc != ERR_OK)
        sample_release(out);
    return rc;
}

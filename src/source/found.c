#include "source/found.h"

#include <stdlib.h>

#include "source/parquet.h"
#include "source/wanted.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/str.h"

/* How a source says that it writes dates, or timestamps. */
static int parse_formats(const struct reader_texts *texts, enum type_kind kind, int pivot,
                         struct format ***out, struct error *err)
{
    int rc = ERR_OK;
    *out = mem_calloc(texts->count, sizeof **out);
    for (size_t i = 0; i < texts->count && rc == ERR_OK; i++)
        rc = format_parse(texts->items[i], kind, pivot, &(*out)[i], err);
    return rc;
}

static void free_formats(struct format ***formats, size_t count)
{
    for (size_t i = 0; *formats != NULL && i < count; i++)
        format_free((*formats)[i]);
    free(*formats);
    *formats = NULL;
}

void found_release(struct found *f)
{
    for (size_t i = 0; f->formats != NULL && i < f->names.count; i++)
        free(f->formats[i]);
    free(f->formats);
    free(f->types);
    survey_free(f->survey);
    free_formats(&f->dates, f->date_count);
    free_formats(&f->timestamps, f->timestamp_count);
    names_release(&f->names);
    *f = (struct found){0};
}

/* How many files have a name, and one of them. */
struct owner {
    size_t count;
    size_t file;
};

static int names_of_file(const struct files *files, size_t file, struct names *out,
                         struct error *err)
{
    struct files one = *files;
    one.items += file;
    one.count = 1;
    return files_names(&one, out, err);
}

/* The first file that lacks a name which another one has. */
static int name_lacking(const struct files *files, const char *name, size_t owner,
                        struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < files->count && rc == ERR_OK; i++) {
        struct names names = {0};
        rc = names_of_file(files, i, &names, err);
        if (rc == ERR_OK && names_find(&names, name) == SIZE_MAX)
            rc =
                error_set(err, ERR_GATE,
                          "column \"%s\" of %s is not in %s. List the columns of the dataset under "
                          "`columns`, with `optional: true` for what a file may lack.",
                          name, files->items[owner].shown, files->items[i].shown);
        names_release(&names);
    }
    return rc;
}

/* Every file must have all the names, and no others. */
static int compare_names(const struct files *files, const struct names *all, struct error *err)
{
    struct owner *owners = mem_calloc(all->count, sizeof *owners);
    int rc = ERR_OK;
    for (size_t i = 0; i < files->count && rc == ERR_OK; i++) {
        struct names names = {0};
        rc = names_of_file(files, i, &names, err);
        for (size_t k = 0; k < names.count && rc == ERR_OK; k++) {
            struct owner *o = &owners[names_find(all, names.items[k])];
            o->count++;
            o->file = i;
        }
        names_release(&names);
    }
    for (size_t k = 0; k < all->count && rc == ERR_OK; k++)
        if (owners[k].count < files->count)
            rc = name_lacking(files, all->items[k], owners[k].file, err);
    free(owners);
    return rc;
}

int found_names(const struct files *files, bool alike, struct found *out, struct error *err)
{
    *out = (struct found){0};
    int rc = files_names(files, &out->names, err);
    if (rc == ERR_OK && alike && files->count > 1 && file_format_has_header(files->format))
        rc = compare_names(files, &out->names, err);
    return rc;
}

static const struct type text_type = {TYPE_TEXT, 0, 0};

/* ---- What is declared ---------------------------------------------------------------------- */

static bool is_whole(struct type t)
{
    return t.kind == TYPE_INT || t.kind == TYPE_BIGINT || (t.kind == TYPE_DECIMAL && t.scale == 0);
}

static unsigned whole_digits(struct type t)
{
    if (t.kind == TYPE_INT)
        return 10;
    return t.kind == TYPE_BIGINT ? 19 : (unsigned)(t.precision - t.scale);
}

/* The type that holds every value of both; kind TYPE_NONE: there is none but text. */
static struct type common_type(struct type a, struct type b)
{
    bool exact = (is_whole(a) || a.kind == TYPE_DECIMAL) && (is_whole(b) || b.kind == TYPE_DECIMAL);
    if (type_equal(a, b) || b.kind == TYPE_NONE)
        return a;
    if (a.kind == TYPE_NONE)
        return b;
    if (is_whole(a) && is_whole(b) && a.kind != TYPE_DECIMAL && b.kind != TYPE_DECIMAL)
        return (struct type){TYPE_BIGINT, 0, 0};
    if (exact) {
        unsigned scale = a.scale > b.scale ? a.scale : b.scale;
        unsigned digits = whole_digits(a) > whole_digits(b) ? whole_digits(a) : whole_digits(b);
        if (digits + scale <= TYPE_PRECISION_MAX)
            return (struct type){TYPE_DECIMAL, (uint8_t)(digits + scale), (uint8_t)scale};
    }
    if ((a.kind == TYPE_DATE && b.kind == TYPE_TIMESTAMP) ||
        (a.kind == TYPE_TIMESTAMP && b.kind == TYPE_DATE))
        return (struct type){TYPE_TIMESTAMP, 0, 0};
    return (struct type){TYPE_NONE, 0, 0};
}

static int merge_type(struct type *into, struct type type, const char *name, const char *shown,
                      struct error *err)
{
    struct type both = common_type(*into, type);
    if (both.kind != TYPE_NONE || (into->kind == TYPE_NONE && type.kind == TYPE_NONE)) {
        *into = both;
        return ERR_OK;
    }
    char had[TYPE_TEXT_SIZE], has[TYPE_TEXT_SIZE];
    type_format(*into, had);
    type_format(type, has);
    return error_set(err, ERR_CONFIG,
                     "column \"%s\" is %s in %s, and %s in files before it. Say under `columns` "
                     "which type it is to have: every value is then taken exactly or refused.",
                     name, has, shown, had);
}

static int declared_of(const struct files *files, size_t file, struct found *out, size_t *room,
                       struct error *err)
{
    struct reader *r = NULL;
    size_t count = 0;
    int rc = source_format_open(files->format, &files->tools, &files->items[file], files->options,
                                &r, err);
    if (rc != ERR_OK)
        return rc;
    const struct result_column *columns = parquet_columns(r, &count);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        size_t at = names_add(&out->names, columns[i].name);
        if (at >= *room) {
            out->types = mem_resize(out->types, at * 2 + 16, sizeof *out->types);
            for (size_t k = *room; k < at * 2 + 16; k++)
                out->types[k] = (struct type){TYPE_NONE, 0, 0};
            *room = at * 2 + 16;
        }
        struct type none = {TYPE_NONE, 0, 0};
        rc = merge_type(&out->types[at], parquet_is_empty(r, i) ? none : result_type(&columns[i]),
                        columns[i].name, files->items[file].shown, err);
    }
    reader_free(r);
    return rc;
}

static int declared_types(const struct files *files, struct found *out, struct error *err)
{
    size_t room = 0;
    int rc = ERR_OK;
    for (size_t i = 0; i < files->count && rc == ERR_OK; i++) {
        rc = stop_check(err);
        if (rc == ERR_OK)
            rc = declared_of(files, i, out, &room, err);
    }
    if (files->file_column != NULL && rc == ERR_OK)
        names_add(&out->names, files->file_column);
    out->types = mem_resize(out->types, out->names.count, sizeof *out->types);
    for (size_t i = 0; i < out->names.count; i++)
        if (i >= room || out->types[i].kind == TYPE_NONE)
            out->types[i] = text_type;
    out->formats = mem_calloc(out->names.count, sizeof *out->formats);
    return rc;
}

/* ---- What texts look like ------------------------------------------------------------------ */

static int show(void *survey, const struct batch *rows, struct error *err)
{
    (void)err;
    for (size_t i = 0; i < rows->column_count; i++) {
        const struct column *c = &rows->columns[i];
        for (size_t row = 0; row < rows->rows; row++) {
            size_t length = 0;
            const char *text = column_is_null(c, row) ? NULL : column_bytes(c, row, &length);
            survey_add(survey, i, text, length);
        }
    }
    return ERR_OK;
}

/* All columns as the texts that they are. */
static int read_texts(const struct files *files, const struct source_options *o, struct found *out,
                      struct error *err)
{
    struct source_options plain = *o;
    struct source_report report = {0};
    struct wanted wanted;
    int rc = ERR_OK;
    plain.nulls = (struct reader_texts){0};
    plain.trim = false;
    wanted_init(&wanted, out->names.count);
    for (size_t i = 0; i < out->names.count && rc == ERR_OK; i++) {
        rc = wanted_add(&wanted, &plain, out->names.items[i], text_type, NULL, NULL, err);
        wanted.columns[i].optional = true;
    }
    if (rc == ERR_OK)
        rc = files_read(files, wanted.columns, wanted.count,
                        &(struct files_reading){show, out->survey, &report, NULL, NULL}, err);
    wanted_release(&wanted);
    report_release(&report);
    return rc;
}

/* Does the format tell numbers from texts? */
static bool has_numbers(enum file_format format)
{
    return format == FILE_FORMAT_JSON || format == FILE_FORMAT_NDJSON || format == FILE_FORMAT_XLSX;
}

static int survey_files(const struct files *files, const struct source_options *o,
                        struct found *out, struct error *err)
{
    int pivot = o->pivot != 0 ? o->pivot : FORMAT_PIVOT;
    int rc = parse_formats(&o->date_formats, TYPE_DATE, pivot, &out->dates, err);
    out->date_count = o->date_formats.count;
    if (rc == ERR_OK)
        rc = parse_formats(&o->timestamp_formats, TYPE_TIMESTAMP, pivot, &out->timestamps, err);
    out->timestamp_count = o->timestamp_formats.count;
    struct survey_options options = {.nulls = o->nulls.items,
                                     .null_count = o->nulls.count,
                                     .decimal = o->decimal,
                                     .thousands = o->thousands,
                                     .percent = o->percent,
                                     .typed = has_numbers(files->format),
                                     .trim = o->trim,
                                     .dates = out->dates,
                                     .date_count = out->date_count,
                                     .timestamps = out->timestamps,
                                     .timestamp_count = out->timestamp_count};
    if (rc == ERR_OK)
        survey_new(&options, out->names.count, &out->survey);
    return rc == ERR_OK ? read_texts(files, o, out, err) : rc;
}

static int surveyed_types(const struct files *files, const struct source_options *o,
                          struct found *out, struct error *err)
{
    int rc = found_names(files, true, out, err);
    if (rc == ERR_OK)
        rc = survey_files(files, o, out, err);
    if (rc != ERR_OK)
        return rc;
    out->types = mem_calloc(out->names.count, sizeof *out->types);
    out->formats = mem_calloc(out->names.count, sizeof *out->formats);
    for (size_t i = 0; i < out->names.count; i++) {
        struct survey_finding finding;
        survey_find(out->survey, i, &finding);
        out->types[i] = finding.type;
        out->formats[i] = mem_strdup(finding.format);
    }
    return rc;
}

void found_doubts(const struct found *f, struct source_report *report)
{
    struct str line;
    str_init(&line, 4000);
    for (size_t i = 0; f->survey != NULL && i < f->names.count; i++) {
        str_clear(&line);
        survey_doubts(f->survey, i, &line);
        if (line.len > 0) {
            char *text = mem_printf("column \"%s\": %s", f->names.items[i], line.data);
            report_warn(report, text);
            free(text);
        }
    }
    str_release(&line);
}

int found_types(const struct files *files, const struct source_options *o, struct found *out,
                struct error *err)
{
    *out = (struct found){0};
    if (files->format == FILE_FORMAT_PARQUET && files->unpivot == NULL)
        return declared_types(files, out, err);
    return surveyed_types(files, o, out, err);
}

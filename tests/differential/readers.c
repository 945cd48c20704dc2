/*
 * Readers of sources for tests in other languages: many files in one process.
 *
 * Standard input is a sequence of
 *   {...}\n       settings for the files behind it, see `settings_of` and `column_of`; "format" and,
 *                 where they are not found in the file and read as texts, "columns"
 *   N\n           the size of a file, whose N bytes follow
 *
 * and standard output what came of each file, in lines of fields with tabs between them. A backslash
 * stands before what would end a field, as in \t, and \N is NULL.
 *   n NAME...                                 names that were found
 *   r ROW LINE VALUE...
 *   f ROW LINE CHARACTER COLUMN VALUE REASON  a fault; \N for what is not known
 *   w TEXT                                    a warning
 *   e CODE TEXT                               the error that ended it
 *   .                                         end of the file
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "source/format.h"
#include "support/temp_engine.h"
#include "support/temp_folder.h"
#include "support/value_text.h"
#include "util/json.h"
#include "util/mem.h"

#define LIST_MAX 64

static void require(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "readers: %s\n", what);
        exit(1);
    }
}

/* ---- settings ---- */

struct settings {
    struct json *json; /* what everything below is borrowed from */
    enum file_format format;
    struct read_options options;
    uint32_t widths[LIST_MAX];
    struct reader_column *columns; /* NULL: found in the file */
    size_t column_count;
    const struct cast *text; /* for columns that are found */
};

static const char *text_of(const struct json *object, const char *name, const char *otherwise)
{
    const struct json *value = json_get(object, name);
    return json_is_string(value) ? json_string(value) : otherwise;
}

static uint64_t count_of(const struct json *object, const char *name, uint64_t otherwise)
{
    const struct json *value = json_get(object, name);
    return value != NULL ? (uint64_t)json_integer(value) : otherwise;
}

static struct reader_texts list_of(const struct json *object, const char *name)
{
    const struct json *list = json_get(object, name);
    struct reader_texts out = {0};
    const char **items = mem_calloc(json_count(list) + 1, sizeof *items);
    for (; out.count < json_count(list); out.count++)
        items[out.count] = json_string(json_at(list, out.count));
    out.items = items;
    return out;
}

static void free_list(struct reader_texts list)
{
    free((void *)(uintptr_t)list.items);
}

static struct cast *cast_of(const struct json *column)
{
    struct reader_texts formats = list_of(column, "formats");
    struct reader_texts nulls = list_of(column, "nulls");
    struct error err = ERROR_INIT;
    struct cast *out = NULL;
    struct cast_options o = {
        .formats = formats.items,
        .format_count = formats.count,
        .nulls = nulls.items,
        .null_count = nulls.count,
        .decimal = text_of(column, "decimal", ".")[0],
        .thousands = text_of(column, "thousands", "")[0],
        .trim = json_bool(json_get(column, "trim")),
        .percent = json_bool(json_get(column, "percent")),
        .pivot = (int)count_of(column, "pivot", 0),
        .time_zone = text_of(column, "time_zone", NULL),
    };
    require(type_parse(text_of(column, "type", "text"), &o.type, &err) == ERR_OK &&
                cast_new(&o, &out, &err) == ERR_OK,
            err.text);
    free_list(formats);
    free_list(nulls);
    return out;
}

static struct reader_column column_of(const struct json *column)
{
    struct reader_texts from = list_of(column, "from");
    const char *name = text_of(column, "name", "");
    if (from.count == 0) {
        const char **items = (const char **)(uintptr_t)from.items;
        items[from.count++] = name;
    }
    return (struct reader_column){
        .name = name,
        .from = from,
        .cast = cast_of(column),
        .required = json_bool(json_get(column, "required")),
        .optional = json_bool(json_get(column, "optional")),
    };
}

static enum file_format format_of(const char *name)
{
    enum file_format out = FILE_FORMAT_AUTO;
    for (int i = FILE_FORMAT_CSV; i < FILE_FORMAT_COUNT; i++)
        if (strcmp(file_format_name((enum file_format)i), name) == 0)
            out = (enum file_format)i;
    return out;
}

static void options_of(const struct json *j, struct settings *s)
{
    const struct json *widths = json_get(j, "widths");
    struct read_options *o = &s->options;
    *o = (struct read_options){
        .compression = READ_AUTO,
        .encoding = text_of(j, "encoding", NULL),
        .memory = (size_t)count_of(j, "memory", 0),
        .threads = (unsigned)count_of(j, "threads", 1),
        .quote = text_of(j, "quote", "\"")[0],
        .escape = text_of(j, "escape", text_of(j, "quote", "\""))[0],
        .comment = text_of(j, "comment", "")[0],
        .header = (unsigned)count_of(j, "header", 1),
        .skip_lines = count_of(j, "skip_lines", 0),
        .footer_lines = count_of(j, "footer_lines", 0),
        .footer = text_of(j, "footer", NULL),
        .trim = json_bool(json_get(j, "trim")),
        .widths = s->widths,
        .width_count = json_count(widths),
        .records = text_of(j, "records", NULL),
        .sheet = text_of(j, "sheet", NULL),
        .range = text_of(j, "range", NULL),
    };
    snprintf(o->delimiter, sizeof o->delimiter, "%s", text_of(j, "delimiter", ","));
    require(o->width_count <= LIST_MAX, "too many widths");
    for (size_t i = 0; i < o->width_count; i++)
        s->widths[i] = (uint32_t)json_integer(json_at(widths, i));
}

static void settings_release(struct settings *s)
{
    for (size_t i = 0; i < s->column_count; i++) {
        cast_free((struct cast *)(uintptr_t)s->columns[i].cast);
        free_list(s->columns[i].from);
    }
    free(s->columns);
    json_free(s->json);
}

static void settings_read(struct settings *s, const char *line, size_t length)
{
    struct error err = ERROR_INIT;
    settings_release(s);
    *s = (struct settings){.text = s->text};
    require(json_parse(line, length, "settings", &s->json, &err) == ERR_OK, err.text);
    const struct json *columns = json_get(s->json, "columns");
    s->format = format_of(text_of(s->json, "format", "csv"));
    options_of(s->json, s);
    s->column_count = json_count(columns);
    if (columns != NULL)
        s->columns = mem_calloc(s->column_count + 1, sizeof *s->columns);
    for (size_t i = 0; i < s->column_count; i++)
        s->columns[i] = column_of(json_at(columns, i));
}

/* ---- answers ---- */

static void put_bytes(const char *bytes, size_t count)
{
    putchar('\t');
    for (size_t i = 0; i < count; i++)
        switch (bytes[i]) {
        case '\\':
            fputs("\\\\", stdout);
            break;
        case '\t':
            fputs("\\t", stdout);
            break;
        case '\n':
            fputs("\\n", stdout);
            break;
        case '\r':
            fputs("\\r", stdout);
            break;
        default:
            putchar(bytes[i]);
        }
}

static void put_text(const char *text)
{
    if (text != NULL)
        put_bytes(text, strlen(text));
    else
        fputs("\t\\N", stdout);
}

static void put_value(const struct column *c, size_t i)
{
    size_t count;
    if (column_is_null(c, i)) {
        put_text(NULL);
    } else if (c->type.kind == TYPE_TEXT) {
        const char *bytes = column_bytes(c, i, &count);
        put_bytes(bytes, count);
    } else {
        char *text = value_text(c, i);
        put_text(text);
        free(text);
    }
}

static void put_batch(const struct reader_batch *b, const struct reader_column *columns)
{
    for (size_t i = 0; i < b->values.rows; i++) {
        printf("r\t%" PRIu64 "\t%" PRIu64, b->rows[i], b->lines[i]);
        for (size_t k = 0; k < b->values.column_count; k++)
            put_value(&b->values.columns[k], i);
        putchar('\n');
    }
    for (size_t i = 0; i < b->fault_count; i++) {
        const struct reader_fault *f = &b->faults[i];
        printf("f\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64, f->row, f->line, f->column);
        put_text(f->index != SIZE_MAX ? columns[f->index].name : NULL);
        put_text(f->value);
        put_text(f->reason);
        putchar('\n');
    }
}

static int read_rows(struct reader *r, const struct reader_column *columns, size_t count,
                     struct error *err)
{
    struct reader_batch batch;
    size_t got = 1;
    int rc = reader_select(r, columns, count, err);
    reader_batch_init(&batch, columns, count);
    while (rc == ERR_OK && got > 0) {
        rc = reader_next(r, &batch, err);
        got = batch.values.rows + batch.fault_count;
        put_batch(&batch, columns);
    }
    reader_batch_release(&batch);
    return rc;
}

/* All columns of the file, as texts. */
static int read_all(struct reader *r, const struct cast *text, struct error *err)
{
    struct reader_texts names;
    int rc = reader_names(r, &names, err);
    if (rc != ERR_OK)
        return rc;
    struct reader_column *columns = mem_calloc(names.count + 1, sizeof *columns);
    putchar('n');
    for (size_t i = 0; i < names.count; i++) {
        columns[i] = (struct reader_column){
            .name = names.items[i], .from = {&names.items[i], 1}, .cast = text};
        put_text(names.items[i]);
    }
    putchar('\n');
    rc = read_rows(r, columns, names.count, err);
    free(columns);
    return rc;
}

static void answer(const struct settings *s, const struct format_tools *tools, const char *path)
{
    struct reader_file file = {.path = path, .shown = "source"};
    struct error err = ERROR_INIT;
    struct reader *r = NULL;
    int rc = source_format_open(s->format, tools, &file, &s->options, &r, &err);
    if (rc == ERR_OK)
        rc = s->columns != NULL ? read_rows(r, s->columns, s->column_count, &err)
                                : read_all(r, s->text, &err);
    for (size_t i = 0; r != NULL && i < r->warning_count; i++) {
        putchar('w');
        put_text(r->warnings[i]);
        putchar('\n');
    }
    if (rc != ERR_OK) {
        printf("e\t%s", error_name(rc));
        put_text(err.text);
        putchar('\n');
    }
    reader_free(r);
    puts(".");
}

/* ---- questions ---- */

/* All have one name: what was read of a name before must not be remembered. */
static void one_file(const struct settings *s, const struct format_tools *tools, size_t size)
{
    char *bytes = mem_alloc(size + 1);
    require(fread(bytes, 1, size, stdin) == size, "a file is cut");
    char *path = mem_printf("%s/file", tools->workdir);
    FILE *f = fopen(path, "wb");
    require(f != NULL && fwrite(bytes, 1, size, f) == size && fclose(f) == 0, path);
    answer(s, tools, path);
    unlink(path);
    free(path);
    free(bytes);
}

int main(void)
{
    const struct cast_options plain = {.type = {TYPE_TEXT, 0, 0}};
    struct format_tools tools = {.workdir = temp_folder_new()};
    struct settings settings = {0};
    struct cast *text;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length;
    require(cast_new(&plain, &text, NULL) == ERR_OK, "no cast of texts");
    settings.text = text;
    while ((length = getline(&line, &capacity, stdin)) > 0) {
        if (line[0] == '{')
            settings_read(&settings, line, (size_t)length);
        else
            one_file(&settings, &tools, strtoul(line, NULL, 10));
        if (settings.format == FILE_FORMAT_PARQUET && tools.engine == NULL)
            tools.engine = temp_engine_new(tools.workdir, 1);
    }
    settings_release(&settings);
    cast_free(text);
    engine_free(tools.engine);
    temp_folder_free((char *)(uintptr_t)tools.workdir);
    free(line);
    return 0;
}

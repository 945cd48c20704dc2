#include "support/read_file.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "support/value_text.h"
#include "util/mem.h"
#include "util/str.h"

#define COLUMNS_MAX 32
#define LIST_MAX 16

/* Texts cut out of one, which is changed for it. */
struct list {
    char *text;
    const char *items[LIST_MAX];
    size_t count;
};

static void must(bool good)
{
    if (!good)
        abort();
}

static char *skip_blanks(char *text)
{
    return text + strspn(text, " ");
}

static void split(struct list *l, const char *text, const char *at)
{
    l->text = mem_strdup(text);
    char *rest = l->text;
    char *item;
    while ((item = strsep(&rest, at)) != NULL) {
        must(l->count < LIST_MAX);
        l->items[l->count++] = item;
    }
}

struct columns {
    struct list specs;
    struct list from[COLUMNS_MAX];
    struct cast *casts[COLUMNS_MAX];
    struct reader_column items[COLUMNS_MAX];
};

static void parse_column(struct columns *c, size_t i, const struct list *nulls)
{
    char *spec = skip_blanks(mem_unconst(c->specs.items[i]));
    size_t length = strlen(spec);
    struct reader_column *column = &c->items[i];
    struct cast_options options = {
        .nulls = nulls->items, .null_count = nulls->count, .decimal = '.'};
    column->required = spec[length - 1] == '!';
    column->optional = spec[length - 1] == '?';
    if (column->required || column->optional)
        spec[length - 1] = '\0';
    char *from = strchr(spec, '=');
    if (from != NULL)
        *from++ = '\0';
    char *type = strchr(spec, ':');
    must(type != NULL);
    *type++ = '\0';
    must(type_parse(type, &options.type, NULL) == ERR_OK);
    must(cast_new(&options, &c->casts[i], NULL) == ERR_OK);
    split(&c->from[i], from != NULL ? from : spec, "|");
    column->name = spec;
    column->cast = c->casts[i];
    column->from = (struct reader_texts){c->from[i].items, c->from[i].count};
}

static void parse_columns(struct columns *c, const char *text, const char *nulls)
{
    struct list null_texts = {0};
    *c = (struct columns){0};
    split(&c->specs, text, ";");
    if (nulls != NULL)
        split(&null_texts, nulls, ",");
    for (size_t i = 0; i < c->specs.count; i++)
        parse_column(c, i, &null_texts);
    free(null_texts.text);
}

static void release_columns(struct columns *c)
{
    for (size_t i = 0; i < c->specs.count; i++) {
        cast_free(c->casts[i]);
        free(c->from[i].text);
    }
    free(c->specs.text);
}

static void put_value(struct str *out, const struct column *c, size_t i)
{
    char *text = column_is_null(c, i) ? mem_strdup("-") : value_text(c, i);
    str_append(out, text);
    free(text);
}

static void put_rows(struct str *out, const struct reader_batch *b)
{
    for (size_t i = 0; i < b->values.rows; i++) {
        str_printf(out, "%" PRIu64 "@%" PRIu64, b->rows[i], b->lines[i]);
        for (size_t k = 0; k < b->values.column_count; k++) {
            must(b->values.columns[k].count == b->values.rows);
            str_append(out, k > 0 ? "|" : " ");
            put_value(out, &b->values.columns[k], i);
        }
        str_append(out, "\n");
    }
}

static void put_faults(struct str *out, const struct reader_batch *b, const struct columns *c)
{
    for (size_t i = 0; i < b->fault_count; i++) {
        const struct reader_fault *f = &b->faults[i];
        str_printf(out, "%" PRIu64 "@%" PRIu64 ":%" PRIu64 " ", f->row, f->line, f->column);
        if (f->index != SIZE_MAX)
            str_printf(out, "%s=", c->items[f->index].name);
        str_printf(out, "%s%s%s\n", f->value != NULL ? f->value : "", f->value != NULL ? " " : "",
                   f->reason);
    }
}

static int file_of(const char *bytes, size_t length, char path[64])
{
    int fd = memfd_create("source", MFD_CLOEXEC);
    must(fd >= 0);
    for (size_t done = 0; done < length;) {
        ssize_t n = write(fd, bytes + done, length - done);
        must(n > 0);
        done += (size_t)n;
    }
    snprintf(path, 64, "/proc/self/fd/%d", fd);
    return fd;
}

static int read_all(struct reader *r, const struct columns *c, struct str *out, struct str *faults,
                    struct error *err)
{
    struct reader_batch batch;
    size_t got;
    int rc = reader_select(r, c->items, c->specs.count, err);
    reader_batch_init(&batch, c->items, c->specs.count);
    do {
        if (rc == ERR_OK)
            rc = reader_next(r, &batch, err);
        put_rows(out, &batch);
        put_faults(faults, &batch, c);
        got = batch.values.rows + batch.fault_count;
    } while (rc == ERR_OK && got > 0);
    reader_batch_release(&batch);
    return rc;
}

char *read_file(read_file_open *open, const struct read_options *options, const char *bytes,
                size_t length, const char *columns, const char *nulls)
{
    static const struct read_options plain;
    char path[64];
    struct error err = ERROR_INIT;
    struct str out;
    struct str faults;
    struct columns c;
    struct reader *r = NULL;
    int fd = file_of(bytes, length, path);
    struct reader_file file = {.path = path, .shown = "source"};
    str_init(&out, STR_MAX_DEFAULT);
    str_init(&faults, STR_MAX_DEFAULT);
    parse_columns(&c, columns, nulls);
    int rc = open(&file, options != NULL ? options : &plain, &r, &err);
    if (rc == ERR_OK)
        rc = read_all(r, &c, &out, &faults, &err);
    str_append(&out, faults.data);
    if (rc != ERR_OK)
        str_printf(&out, "%s: %s\n", error_name(rc), err.text);
    reader_free(r);
    release_columns(&c);
    str_release(&faults);
    close(fd);
    return str_detach(&out);
}

char *read_file_names(read_file_open *open, const struct read_options *options, const char *bytes,
                      size_t length)
{
    static const struct read_options plain;
    char path[64];
    struct error err = ERROR_INIT;
    struct reader_texts names = {0};
    struct str out;
    struct reader *r = NULL;
    int fd = file_of(bytes, length, path);
    struct reader_file file = {.path = path, .shown = "source"};
    str_init(&out, STR_MAX_DEFAULT);
    int rc = open(&file, options != NULL ? options : &plain, &r, &err);
    if (rc == ERR_OK)
        rc = reader_names(r, &names, &err);
    for (size_t i = 0; rc == ERR_OK && i < names.count; i++)
        str_printf(&out, "%s%s", i > 0 ? " " : "", names.items[i]);
    if (rc != ERR_OK)
        str_printf(&out, "%s: %s", error_name(rc), err.text);
    reader_free(r);
    close(fd);
    return str_detach(&out);
}

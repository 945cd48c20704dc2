#include "source/files.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/stop.h"

/* Reading one file after the other; `file_at` is the place of the column with their names. */
struct reading {
    const struct reader_column *columns;
    size_t count;
    struct reader_column *inner; /* columns that readers know: all but that one */
    size_t inner_count;
    size_t file_at; /* SIZE_MAX: it is not wanted */
    struct column file;
    const struct files_reading *how;
    struct reader_batch batch;
    struct batch view; /* columns of the batch, and the name; owns none of them */
};

/* ---- The name of the file as a column --------------------------------------------------------- */

static bool is_file_column(const struct files *f, const struct reader_column *c)
{
    for (size_t i = 0; f->file_column != NULL && i < c->from.count; i++)
        if (strcmp(c->from.items[i], f->file_column) == 0)
            return true;
    return false;
}

static void split_columns(const struct files *f, struct reading *r)
{
    r->inner = mem_calloc(r->count, sizeof *r->inner);
    r->view.columns = mem_calloc(r->count, sizeof *r->view.columns);
    r->view.column_count = r->count;
    r->file_at = SIZE_MAX;
    for (size_t i = 0; i < r->count; i++) {
        if (r->file_at == SIZE_MAX && is_file_column(f, &r->columns[i]))
            r->file_at = i;
        else
            r->inner[r->inner_count++] = r->columns[i];
    }
    if (r->file_at != SIZE_MAX)
        column_init(&r->file, cast_type(r->columns[r->file_at].cast));
}

/* The last part of a path: for a member the one inside its archive, for a URL without its query. */
static char *name_of_file(const struct reader_file *file)
{
    const char *whole = file->member != NULL ? file->member : file->shown;
    bool web = file->member == NULL && strncmp(whole, "http", 4) == 0 && strstr(whole, "://");
    size_t end = web ? strcspn(whole, "?#") : strlen(whole);
    size_t begin = end;
    while (begin > 0 && whole[begin - 1] != '/')
        begin--;
    return mem_printf("%.*s", (int)(end - begin), whole + begin);
}

/* The name of the file must not hide a column of the file itself. */
static int check_file_column(const struct files *f, struct reader *reader, struct error *err)
{
    struct reader_texts has = {0};
    int rc = reader_names(reader, &has, err);
    for (size_t i = 0; i < has.count && rc == ERR_OK; i++)
        if (strcmp(has.items[i], f->file_column) == 0)
            rc = error_set(err, ERR_GATE,
                           "%s has a column \"%s\" of its own: give `file_column` another name.",
                           reader->file->shown, f->file_column);
    return rc;
}

/* So many rows of the name of a file, as the type of the column has it. */
static int fill_file(struct reading *r, const struct reader_file *file, size_t rows,
                     struct error *err)
{
    const struct reader_column *c = &r->columns[r->file_at];
    char *name = name_of_file(file);
    int rc = ERR_OK;
    column_clear(&r->file);
    if (rows > 0 && cast_text(c->cast, name, strlen(name), &r->file) == CAST_BAD) {
        char *reason = cast_reason(c->cast, name, strlen(name));
        rc = error_set(err, ERR_GATE, "column \"%s\": the name of the file %s %s.", c->name,
                       file->shown, reason);
        free(reason);
    }
    free(name);
    for (size_t i = 1; i < rows && rc == ERR_OK; i++)
        if (!column_copy(&r->file, &r->file, 0))
            rc = error_set(err, ERR_LIMIT, "the name of the file %s is too long.", file->shown);
    return rc;
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static int give(struct reading *r, const struct reader_file *file, struct error *err)
{
    size_t next = 0;
    size_t rows = r->batch.values.rows;
    int rc = r->file_at == SIZE_MAX ? ERR_OK : fill_file(r, file, rows, err);
    for (size_t i = 0; i < r->count && rc == ERR_OK; i++)
        r->view.columns[i] = i == r->file_at ? r->file : r->batch.values.columns[next++];
    r->view.rows = rows;
    return rc == ERR_OK ? r->how->take(r->how->ctx, &r->view, err) : rc;
}

static void note_faults(const struct reading *r, const char *shown)
{
    for (size_t i = 0; i < r->batch.fault_count; i++) {
        const struct reader_fault *fault = &r->batch.faults[i];
        bool whole = fault->index >= r->inner_count;
        report_fault(r->how->report, shown, whole ? NULL : r->inner[fault->index].name, fault);
    }
}

static int read_rows(struct reading *r, struct reader *reader, struct error *err)
{
    int rc;
    do {
        rc = reader_next(reader, &r->batch, err);
        note_faults(r, reader->file->shown);
        if (rc == ERR_OK && r->batch.values.rows > 0)
            rc = give(r, reader->file, err);
        r->how->report->rows += rc == ERR_OK ? r->batch.values.rows : 0;
    } while (rc == ERR_OK && (r->batch.values.rows > 0 || r->batch.fault_count > 0));
    return rc;
}

static int open_file(const struct files *f, size_t i, struct reader **out, struct error *err)
{
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = source_format_open(f->format, &f->tools, &f->items[i], f->options, out, err);
    if (rc != ERR_OK || f->unpivot == NULL)
        return rc;
    struct reader *inner = *out;
    *out = NULL;
    return unpivot_open(inner, f->unpivot, out, err);
}

static int add_names(struct reader *reader, struct names *out, struct error *err)
{
    struct reader_texts texts = {0};
    int rc = reader_names(reader, &texts, err);
    for (size_t i = 0; i < texts.count && rc == ERR_OK; i++)
        names_add(out, texts.items[i]);
    return rc;
}

static int read_file(const struct files *f, size_t i, struct reading *r, struct error *err)
{
    struct reader *reader = NULL;
    int rc = open_file(f, i, &reader, err);
    if (rc == ERR_OK && r->file_at != SIZE_MAX)
        rc = check_file_column(f, reader, err);
    if (rc == ERR_OK && r->how->names != NULL && file_format_has_header(f->format))
        rc = add_names(reader, r->how->names, err);
    if (rc == ERR_OK)
        rc = reader_select(reader, r->inner, r->inner_count, err);
    if (rc == ERR_OK)
        rc = read_rows(r, reader, err);
    if (rc == ERR_OK && r->how->digests != NULL)
        memcpy(r->how->digests[i], reader->sha256, SHA256_HEX_SIZE);
    for (size_t k = 0; rc == ERR_OK && k < reader->warning_count; k++)
        report_warn(r->how->report, reader->warnings[k]);
    reader_free(reader);
    return rc;
}

int files_read(const struct files *f, const struct reader_column *columns, size_t count,
               const struct files_reading *how, struct error *err)
{
    struct reading r = {.columns = columns, .count = count, .how = how};
    int rc = ERR_OK;
    split_columns(f, &r);
    reader_batch_init(&r.batch, r.inner, r.inner_count);
    for (size_t i = 0; i < f->count && rc == ERR_OK; i++)
        rc = read_file(f, i, &r, err);
    reader_batch_release(&r.batch);
    column_release(&r.file);
    free(r.inner);
    free(r.view.columns);
    return rc;
}

/* ---- Names --------------------------------------------------------------------------------- */

static int names_of(const struct files *f, size_t i, struct names *out, struct error *err)
{
    struct reader *reader = NULL;
    int rc = open_file(f, i, &reader, err);
    if (rc == ERR_OK)
        rc = add_names(reader, out, err);
    reader_free(reader);
    return rc;
}

int files_names(const struct files *f, struct names *out, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < f->count && rc == ERR_OK; i++)
        rc = names_of(f, i, out, err);
    if (f->file_column != NULL && rc == ERR_OK)
        names_add(out, f->file_column);
    return rc;
}

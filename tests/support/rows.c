#include "support/rows.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "value/print.h"

static void print_value(const struct column *c, size_t i, struct str *out)
{
    char text[PRINT_DECIMAL_SIZE];
    size_t n;
    const char *bytes;
    text[0] = '\0';
    switch (c->type.kind) {
    case TYPE_TEXT:
    case TYPE_BINARY:
        bytes = column_bytes(c, i, &n);
        str_append_bytes(out, bytes, n);
        return;
    case TYPE_DATE:
        print_days(((const int32_t *)c->values)[i], text);
        break;
    case TYPE_INT:
        str_printf(out, "%d", ((const int32_t *)c->values)[i]);
        return;
    case TYPE_DOUBLE:
        print_double(((const double *)c->values)[i], text);
        break;
    case TYPE_DECIMAL:
        print_decimal(column_decimal(c, i), c->type.scale, text);
        break;
    case TYPE_BIGINT:
        str_printf(out, "%lld", (long long)((const int64_t *)c->values)[i]);
        return;
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_COUNT:
        str_append(out, "?");
    }
    str_append(out, text);
}

static void print_row(const struct reader_batch *b, size_t i, struct str *out)
{
    str_printf(out, "%llu@%llu", (unsigned long long)b->rows[i], (unsigned long long)b->lines[i]);
    for (size_t k = 0; k < b->values.column_count; k++) {
        const struct column *c = &b->values.columns[k];
        if (column_is_null(c, i)) {
            str_append(out, " NULL");
            continue;
        }
        str_append(out, " [");
        print_value(c, i, out);
        str_append(out, "]");
    }
    str_append(out, "\n");
}

static void print_fault(const struct reader_fault *f, const struct reader_column *columns,
                        struct str *out)
{
    str_printf(out, "!%llu@%llu:%llu ", (unsigned long long)f->row, (unsigned long long)f->line,
               (unsigned long long)f->column);
    if (f->index != SIZE_MAX)
        str_printf(out, "%s: ", columns[f->index].name);
    if (f->value != NULL)
        str_printf(out, "\"%s\" ", f->value);
    str_printf(out, "%s\n", f->reason);
}

/* Rows and faults are each in order: the two merge. */
static void print_batch(const struct reader_batch *b, const struct reader_column *columns,
                        struct str *out)
{
    size_t fault = 0;
    for (size_t i = 0; i < b->values.rows; i++) {
        for (; fault < b->fault_count && b->faults[fault].row < b->rows[i]; fault++)
            print_fault(&b->faults[fault], columns, out);
        print_row(b, i, out);
    }
    for (; fault < b->fault_count; fault++)
        print_fault(&b->faults[fault], columns, out);
}

/* Names for the columns of a file of which all are wanted. */
static struct rows_column *all_columns(struct reader *r, size_t *count, struct error *err)
{
    struct reader_texts names = {0};
    *count = 0;
    if (reader_names(r, &names, err) != ERR_OK)
        return NULL;
    struct rows_column *columns = mem_calloc(names.count, sizeof *columns);
    for (size_t i = 0; i < names.count; i++)
        columns[i].name = names.items[i];
    *count = names.count;
    return columns;
}

static struct reader_column *make_columns(const struct rows_column *columns, size_t count)
{
    static const char *const empty[] = {""};
    struct reader_column *out = mem_calloc(count, sizeof *out);
    for (size_t i = 0; i < count; i++) {
        struct cast_options o = {.type = {TYPE_TEXT, 0, 0}};
        struct cast *cast;
        struct error err;
        if (columns[i].type != NULL && type_parse(columns[i].type, &o.type, &err) != ERR_OK)
            abort();
        o.nulls = empty;
        o.null_count = columns[i].type != NULL || columns[i].empty_is_null;
        if (cast_new(&o, &cast, &err) != ERR_OK)
            abort();
        out[i] = (struct reader_column){.name = columns[i].name,
                                        .from = {&columns[i].name, 1},
                                        .cast = cast,
                                        .required = columns[i].required,
                                        .optional = columns[i].optional};
    }
    return out;
}

static int read_all(struct reader *r, const struct reader_column *columns, size_t count,
                    struct str *out, struct error *err)
{
    struct reader_batch batch;
    bool more = true;
    int rc = reader_select(r, columns, count, err);
    reader_batch_init(&batch, columns, count);
    while (rc == ERR_OK && more) {
        rc = reader_next(r, &batch, err);
        print_batch(&batch, columns, out);
        more = batch.values.rows > 0 || batch.fault_count > 0;
    }
    reader_batch_release(&batch);
    return rc;
}

int rows_read(rows_open *open, const char *path, const struct read_options *options,
              const struct rows_column *columns, size_t count, struct str *out,
              struct str *warnings, struct error *err)
{
    struct reader_file file = {.path = path, .shown = "s.csv"};
    struct reader *r;
    int rc = open(&file, options, &r, err);
    if (rc != ERR_OK)
        return rc;
    struct rows_column *all = columns == NULL ? all_columns(r, &count, err) : NULL;
    struct reader_column *wanted = make_columns(columns != NULL ? columns : all, count);
    rc = read_all(r, wanted, count, out, err);
    for (size_t i = 0; warnings != NULL && i < r->warning_count; i++)
        str_printf(warnings, "%s\n", r->warnings[i]);
    reader_free(r);
    for (size_t i = 0; i < count; i++)
        cast_free((struct cast *)(uintptr_t)wanted[i].cast);
    free(wanted);
    free(all);
    return rc;
}

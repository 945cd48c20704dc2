#include "source/files.h"

#include "util/stop.h"

struct reading {
    const struct reader_column *columns;
    size_t count;
    files_take *take;
    void *ctx;
    struct reader_batch batch;
    struct source_report *report;
};

static void note_faults(const struct reading *r, const char *shown)
{
    for (size_t i = 0; i < r->batch.fault_count; i++) {
        const struct reader_fault *fault = &r->batch.faults[i];
        bool whole = fault->index >= r->count;
        report_fault(r->report, shown, whole ? NULL : r->columns[fault->index].name, fault);
    }
}

static int read_rows(struct reading *r, struct reader *reader, struct error *err)
{
    int rc;
    do {
        rc = reader_next(reader, &r->batch, err);
        note_faults(r, reader->file->shown);
        if (rc == ERR_OK && r->batch.values.rows > 0)
            rc = r->take(r->ctx, &r->batch.values, err);
        r->report->rows += rc == ERR_OK ? r->batch.values.rows : 0;
    } while (rc == ERR_OK && (r->batch.values.rows > 0 || r->batch.fault_count > 0));
    return rc;
}

int files_read(const struct files *f, const struct reader_column *columns, size_t count,
               files_take *take, void *ctx, struct source_report *report, struct error *err)
{
    struct reading r = {
        .columns = columns, .count = count, .take = take, .ctx = ctx, .report = report};
    int rc = ERR_OK;
    reader_batch_init(&r.batch, columns, count);
    for (size_t i = 0; i < f->count && rc == ERR_OK; i++) {
        struct reader *reader = NULL;
        rc = stop_check(err);
        if (rc == ERR_OK)
            rc = source_format_open(f->format, &f->tools, &f->items[i], f->options, &reader, err);
        if (rc == ERR_OK)
            rc = reader_select(reader, columns, count, err);
        if (rc == ERR_OK)
            rc = read_rows(&r, reader, err);
        for (size_t k = 0; rc == ERR_OK && k < reader->warning_count; k++)
            report_warn(report, reader->warnings[k]);
        reader_free(reader);
    }
    reader_batch_release(&r.batch);
    return rc;
}

int files_names(const struct files *f, struct names *out, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < f->count && rc == ERR_OK; i++) {
        struct reader *reader = NULL;
        struct reader_texts texts = {0};
        rc = stop_check(err);
        if (rc == ERR_OK)
            rc = source_format_open(f->format, &f->tools, &f->items[i], f->options, &reader, err);
        if (rc == ERR_OK)
            rc = reader_names(reader, &texts, err);
        for (size_t k = 0; k < texts.count && rc == ERR_OK; k++)
            names_add(out, texts.items[k]);
        reader_free(reader);
    }
    return rc;
}

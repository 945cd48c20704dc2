#include "engine/csv_start.h"

#include <string.h>

static int is_empty(const struct csv_scan *s, const struct csv_dialect *d, struct error *err)
{
    if (s->line == 1 && s->base + s->at == s->line_begin)
        return error_set(err, ERR_SOURCE,
                         "%s is empty. Check that the source was published completely.", s->path);
    if (d->skip_lines > 0)
        return error_set(err, ERR_SOURCE,
                         "%s is empty behind the %llu lines that `skip_lines` leaves out.", s->path,
                         (unsigned long long)d->skip_lines);
    return error_set(err, ERR_SOURCE, "%s is empty: it holds nothing but blank lines and comments.",
                     s->path);
}

static const char *line_end_name(enum csv_line_end kind)
{
    static const char *const names[] = {"nothing", "LF", "CR", "CR LF"};
    return names[kind];
}

int csv_start_check_line_end(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (row->line_end == CSV_LINE_END_NONE || row->line_end == s->first_end)
        return ERR_OK;
    return error_set(
        err, ERR_SOURCE,
        "%s mixes line endings: line %llu ends with %s, the record that begins on line "
        "%llu with %s. Write the file with one kind of line ending, also inside the "
        "names of its columns.",
        s->path, (unsigned long long)s->first_end_line, line_end_name(s->first_end),
        (unsigned long long)row->line, line_end_name(row->line_end));
}

/* DuckDB loses all that follows a row that it must skip and finds badly quoted. */
static int check_skipped(const struct csv_scan *s, const struct csv_row *row, struct error *err)
{
    if (row->broken > 0 || row->open)
        return error_set(err, ERR_SOURCE,
                         "%s: line %llu, before the data, has a quote that is not closed, or text "
                         "behind a closing quote. Correct it, or check `quote` and `escape` in the "
                         "configuration.",
                         s->path, (unsigned long long)row->line);
    return csv_start_check_line_end(s, row, err);
}

/* The next row, which the data come after; `*skip` counts it as DuckDB does. */
static int skip_row(struct csv_scan *s, struct csv_row *row, uint64_t *skip, struct error *err)
{
    int rc = csv_scan_next(s, row, err);
    if (rc == ERR_OK)
        rc = check_skipped(s, row, err);
    *skip += row->kind != CSV_ROW_END && row->counts;
    return rc;
}

static struct csv_row place_of(const struct csv_scan *s)
{
    return (struct csv_row){.begin = s->base + s->at, .line = s->line};
}

/* The first record from here on; its values are shown to `visit`. */
static int find_record(struct csv_scan *s, const struct csv_dialect *d, csv_field_visit *visit,
                       void *ctx, struct csv_start *start, struct error *err)
{
    int rc;
    csv_scan_visit(s, visit, ctx);
    do {
        if (d->header)
            rc = skip_row(s, &start->first, &start->skip, err);
        else
            rc = csv_scan_next(s, &start->first, err);
    } while (rc == ERR_OK &&
             (start->first.kind == CSV_ROW_BLANK || start->first.kind == CSV_ROW_NOTE));
    csv_scan_visit(s, NULL, NULL);
    if (rc == ERR_OK && start->first.kind == CSV_ROW_END)
        rc = is_empty(s, d, err);
    return rc;
}

int csv_start_find(struct csv_scan *s, const struct csv_dialect *d, csv_field_visit *visit,
                   void *ctx, struct csv_start *out, struct error *err)
{
    memset(out, 0, sizeof *out);
    s->row_limit = CSV_HEADER_MAX;
    int rc = ERR_OK;
    while (rc == ERR_OK && out->skip < d->skip_lines) {
        rc = skip_row(s, &out->first, &out->skip, err);
        if (rc == ERR_OK && out->first.kind == CSV_ROW_END)
            rc = is_empty(s, d, err);
    }
    out->data = place_of(s);
    if (rc == ERR_OK)
        rc = find_record(s, d, visit, ctx, out, err);
    if (d->header)
        out->data = place_of(s);
    s->row_limit = 0;
    return rc;
}

bool csv_start_is_record(const struct csv_start *start, const struct csv_dialect *d,
                         const struct csv_row *row)
{
    return row->kind == CSV_ROW_RECORD ||
           (row->kind == CSV_ROW_BLANK && start->first.fields == 1 && !d->drop_blank);
}

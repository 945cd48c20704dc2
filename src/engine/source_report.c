/*
 * What loading found, and where: malformed records, places of bad values, messages.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/source.h"
#include "engine/source_private.h"
#include "engine/sql.h"
#include "util/mem.h"

struct source_reject *source_add_sample(struct source_report *r)
{
    if (r->sample_count == SOURCE_SAMPLES)
        return NULL;
    struct source_reject *sample = &r->samples[r->sample_count++];
    *sample = (struct source_reject){0};
    return sample;
}

char *source_shorten(const char *text)
{
    size_t n = text != NULL ? strlen(text) : 0;
    if (text == NULL || n <= 200)
        return mem_strdup(text);
    size_t cut = 200;
    while (cut > 0 && ((unsigned char)text[cut] & 0xC0) == 0x80)
        cut--;
    return mem_printf("%.*s...", (int)cut, text);
}

#define SCAN_BYTES ((size_t)64 << 10)

struct malformed {
    const struct source *source;
    struct source_report *report;
};

static size_t find_file(const struct source *s, const char *path)
{
    size_t i = 0;
    while (i + 1 < s->options.files.count && strcmp(s->options.files.items[i], path) != 0)
        i++;
    return i;
}

/* File, byte, kind and message, text of the record. */
static int take_malformed(void *ctx, const struct engine_row *row, struct error *err)
{
    struct malformed *m = ctx;
    struct source_reject *sample = source_add_sample(m->report);
    if (sample == NULL)
        return ERR_OK;
    const struct source_options *o = &m->source->options;
    sample->file = mem_strdup(o->shown.items[find_file(m->source, row->values[0])]);
    sample->reason = mem_strdup(row->values[2]);
    sample->value = source_shorten(row->values[3]);
    return csv_place_at(row->values[0], strtoull(row->values[1], NULL, 10), &sample->line,
                        &sample->column, err);
}

#define REJECTS " FROM csv_errors e JOIN csv_scans s USING (scan_id, file_id) "

int source_malformed(const struct source *s, uint64_t *rows, struct source_report *report,
                     struct error *err)
{
    uint64_t tables = 0;
    *rows = 0;
    int rc = engine_count(s->engine,
                          "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'csv_errors'",
                          &tables, err);
    if (rc != ERR_OK || tables == 0)
        return rc;
    rc = engine_count(
        s->engine, "SELECT count(*) FROM (SELECT DISTINCT file_path, line" REJECTS ")", rows, err);
    if (rc != ERR_OK || *rows == 0)
        return rc;
    struct malformed m = {s, report};
    return engine_query(s->engine,
                        "SELECT file_path, CAST(min(" CSV_REJECT_OFFSET ") AS VARCHAR), "
                        "lower(CAST(any_value(error_type) AS VARCHAR)) || ': ' || "
                        "any_value(error_message), any_value(csv_line)" REJECTS
                        "GROUP BY file_path, line ORDER BY file_path, line LIMIT 20",
                        take_malformed, &m, err);
}

struct offsets {
    uint64_t *items;
    size_t count, capacity;
};

static int take_offset(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct offsets *o = ctx;
    o->items = mem_grow(o->items, o->count, &o->capacity, sizeof *o->items);
    o->items[o->count++] = strtoull(row->values[0], NULL, 10);
    return ERR_OK;
}

/* Offsets of the malformed records of a file, ascending, and their number. */
static int rejected_offsets(const struct source *s, size_t file, struct offsets *out,
                            uint64_t *records, struct error *err)
{
    struct str sql;
    uint64_t tables = 0;
    *records = 0;
    int rc = engine_count(s->engine,
                          "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'csv_errors'",
                          &tables, err);
    if (rc != ERR_OK || tables == 0)
        return rc;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql,
               "SELECT CAST(offset_ AS VARCHAR) FROM (SELECT " CSV_REJECT_OFFSET
               " AS offset_" REJECTS "WHERE file_path = %t) ORDER BY offset_",
               s->options.files.items[file]);
    rc = engine_query(s->engine, sql.data, take_offset, out, err);
    str_clear(&sql);
    sql_printf(&sql, "SELECT count(DISTINCT line)" REJECTS "WHERE file_path = %t",
               s->options.files.items[file]);
    if (rc == ERR_OK)
        rc = engine_count(s->engine, sql.data, records, err);
    str_release(&sql);
    return rc;
}

/* Position of a column in the header of a file. */
static size_t header_position(const struct source *s, size_t file, const char *name)
{
    struct csv_names names = {0};
    size_t at = 0;
    if (csv_header(s->options.files.items[file], &s->options.csv, &names, NULL) == ERR_OK)
        for (size_t i = 0; i < names.count; i++)
            if (strcmp(names.names[i], name) == 0)
                at = i;
    csv_names_release(&names);
    return at;
}

/* The samples whose rows lie in one file: rows [first_row, first_row + rows) of the whole source. */
static int locate_in_file(const struct source *s, size_t file, uint64_t first_row, uint64_t rows,
                          const struct offsets *left_out, const char *const *raw,
                          struct source_report *report, size_t first, struct error *err)
{
    struct csv_left_out left = {left_out->items, left_out->count};
    struct csv_want wants[SOURCE_SAMPLES] = {0};
    struct csv_place places[SOURCE_SAMPLES] = {0};
    size_t which[SOURCE_SAMPLES];
    size_t n = 0;
    for (size_t i = first; i < report->sample_count; i++) {
        struct source_reject *r = &report->samples[i];
        if (r->row - 1 < first_row || r->row - 1 >= first_row + rows)
            continue;
        which[n] = i;
        wants[n++] =
            (struct csv_want){r->row - 1 - first_row, header_position(s, file, raw[r->column])};
    }
    int rc =
        csv_locate_all(s->options.files.items[file], &s->options.csv, &left, wants, n, places, err);
    for (size_t k = 0; k < n && rc == ERR_OK; k++) {
        struct source_reject *r = &report->samples[which[k]];
        r->file = mem_strdup(s->options.shown.items[file]);
        r->line = places[k].line;
        r->column = places[k].column;
        csv_place_release(&places[k]);
    }
    return rc;
}

/* Where a scan of newline-delimited JSON stands: a row is a line that is not blank. */
struct ndjson_scan {
    struct source_report *report;
    size_t sample; /* the next one to be found; they are in the order of their rows */
    uint64_t row;
    uint64_t line;
    bool blank;
    const char *shown;
};

static void end_of_line(struct ndjson_scan *scan)
{
    scan->line++;
    scan->row += scan->blank ? 0 : 1;
    while (!scan->blank && scan->sample < scan->report->sample_count &&
           scan->report->samples[scan->sample].row <= scan->row) {
        struct source_reject *r = &scan->report->samples[scan->sample++];
        r->file = mem_strdup(scan->shown);
        r->line = scan->line;
    }
    scan->blank = true;
}

static int scan_ndjson(const char *path, struct ndjson_scan *scan, struct error *err)
{
    char *bytes = mem_alloc(SCAN_BYTES);
    size_t n;
    FILE *f = fopen(path, "re");
    int rc = f == NULL ? error_set_errno(err, ERR_SYSTEM, errno, "Cannot open %s", path) : ERR_OK;
    scan->line = 0;
    scan->blank = true;
    while (f != NULL && scan->sample < scan->report->sample_count &&
           (n = fread(bytes, 1, SCAN_BYTES, f)) > 0) {
        for (size_t i = 0; i < n; i++) {
            if (bytes[i] == '\n')
                end_of_line(scan);
            else if (bytes[i] != ' ' && bytes[i] != '\t' && bytes[i] != '\r')
                scan->blank = false;
        }
    }
    if (f != NULL) {
        end_of_line(scan); /* the last one may have no end */
        fclose(f);
    }
    free(bytes);
    return rc;
}

static int locate_ndjson(const struct source *s, struct source_report *report, size_t first,
                         struct error *err)
{
    struct ndjson_scan scan = {.report = report, .sample = first};
    int rc = ERR_OK;
    for (size_t i = 0; i < s->options.files.count && rc == ERR_OK; i++) {
        scan.shown = s->options.shown.items[i];
        rc = scan_ndjson(s->options.files.items[i], &scan, err);
    }
    return rc;
}

/* What has no lines, or is the result of a transform: rows of the one file there is, or just rows. */
static void locate_rows(const struct source *s, struct source_report *report, size_t first)
{
    bool one_file = s->options.files.count == 1 && s->options.transform == NULL;
    for (size_t i = first; i < report->sample_count && one_file; i++)
        report->samples[i].file = mem_strdup(s->options.shown.items[0]);
}

int source_locate(const struct source *s, const char *const *raw, struct source_report *report,
                  size_t first, struct error *err)
{
    bool lines = s->options.format == SOURCE_CSV && s->options.transform == NULL;
    uint64_t first_row = 0;
    int rc = ERR_OK;
    for (size_t file = 0; lines && file < s->options.files.count && rc == ERR_OK; file++) {
        struct offsets left_out = {0};
        uint64_t malformed = 0;
        rc = rejected_offsets(s, file, &left_out, &malformed, err);
        uint64_t rows = s->records[file] - malformed;
        if (rc == ERR_OK)
            rc = locate_in_file(s, file, first_row, rows, &left_out, raw, report, first, err);
        first_row += rows;
        free(left_out.items);
    }
    for (size_t i = first; !lines && i < report->sample_count; i++)
        report->samples[i].column = 0;
    if (s->options.format == SOURCE_NDJSON && s->options.transform == NULL)
        rc = locate_ndjson(s, report, first, err);
    else if (!lines)
        locate_rows(s, report, first);
    return rc;
}

void source_report_release(struct source_report *r)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        free(r->samples[i].file);
        free(r->samples[i].name);
        free(r->samples[i].value);
        free(r->samples[i].reason);
    }
    for (size_t i = 0; i < r->left_out_count; i++)
        free(r->left_out[i]);
    free(r->left_out);
    *r = (struct source_report){0};
}

/* "file:line:column", as far as it is known; else the row. */
static void format_place(const struct source_reject *r, struct str *out)
{
    if (r->file != NULL)
        str_printf(out, "%s:", r->file);
    if (r->line > 0 && r->column > 0)
        str_printf(out, "%llu:%llu: ", (unsigned long long)r->line, (unsigned long long)r->column);
    else if (r->line > 0)
        str_printf(out, "%llu: ", (unsigned long long)r->line);
    else if (r->row > 0)
        str_printf(out, "%srow %llu: ", r->file != NULL ? " " : "", (unsigned long long)r->row);
}

/* A value in one line. */
static void format_value(const char *value, struct str *out)
{
    str_append_char(out, '"');
    for (const char *p = value; *p != '\0'; p++) {
        if (*p == '\n')
            str_append(out, "\\n");
        else if ((unsigned char)*p >= ' ')
            str_append_char(out, *p);
        else
            str_printf(out, "\\x%02x", (unsigned char)*p);
    }
    str_append(out, "\" ");
}

void source_report_format(const struct source_report *r, struct str *out)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        const struct source_reject *s = &r->samples[i];
        format_place(s, out);
        if (s->name != NULL)
            str_printf(out, "column \"%s\": ", s->name);
        if (s->value != NULL)
            format_value(s->value, out);
        str_printf(out, "%s\n", s->reason);
    }
}

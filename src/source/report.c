#include "source/report.h"

#include <stdlib.h>

#include "util/mem.h"

void report_release(struct source_report *r)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        free(r->samples[i].file);
        free(r->samples[i].name);
        free(r->samples[i].value);
        free(r->samples[i].reason);
    }
    for (size_t i = 0; i < r->warning_count; i++)
        free(r->warnings[i]);
    free(r->warnings);
    for (size_t i = 0; i < r->left_out_count; i++)
        free(r->left_out[i]);
    free(r->left_out);
    *r = (struct source_report){0};
}

void report_fault(struct source_report *r, const char *file, const char *column,
                  const struct reader_fault *fault)
{
    r->rejected++;
    if (r->sample_count == REPORT_SAMPLES)
        return;
    r->samples[r->sample_count++] = (struct report_reject){
        .file = mem_strdup(file),
        .row = fault->row,
        .line = fault->line,
        .column = fault->column,
        .name = mem_strdup(column),
        .value = mem_strdup(fault->value),
        .reason = mem_strdup(fault->reason),
    };
}

void report_warn(struct source_report *r, const char *text)
{
    if (r->warnings == NULL)
        r->warnings = mem_calloc(REPORT_WARNINGS, sizeof *r->warnings);
    if (r->warning_count < REPORT_WARNINGS)
        r->warnings[r->warning_count++] = mem_strdup(text);
}

/* "file:line:column", as far as it is known; else the row. */
static void format_place(const struct report_reject *r, struct str *out)
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

void report_format(const struct source_report *r, struct str *out)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        const struct report_reject *s = &r->samples[i];
        format_place(s, out);
        if (s->name != NULL)
            str_printf(out, "column \"%s\": ", s->name);
        if (s->value != NULL)
            format_value(s->value, out);
        str_printf(out, "%s\n", s->reason);
    }
}

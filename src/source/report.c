#include "source/report.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/visible.h"

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
    if (r->file != NULL) {
        visible_append(out, r->file, strlen(r->file), VISIBLE_LINE);
        str_append_char(out, ':');
    }
    if (r->line > 0 && r->column > 0)
        str_printf(out, "%llu:%llu: ", (unsigned long long)r->line, (unsigned long long)r->column);
    else if (r->line > 0)
        str_printf(out, "%llu: ", (unsigned long long)r->line);
    else if (r->row > 0)
        str_printf(out, "%srow %llu: ", r->file != NULL ? " " : "", (unsigned long long)r->row);
}

static void format_quoted(const char *text, struct str *out)
{
    str_append_char(out, '"');
    visible_append(out, text, strlen(text), VISIBLE_LINE);
    str_append_char(out, '"');
}

void report_format(const struct source_report *r, struct str *out)
{
    for (size_t i = 0; i < r->sample_count; i++) {
        const struct report_reject *s = &r->samples[i];
        format_place(s, out);
        if (s->name != NULL) {
            str_append(out, "column ");
            format_quoted(s->name, out);
            str_append(out, ": ");
        }
        if (s->value != NULL) {
            format_quoted(s->value, out);
            str_append_char(out, ' ');
        }
        visible_append(out, s->reason, strlen(s->reason), VISIBLE_LINE);
        str_append_char(out, '\n');
    }
}

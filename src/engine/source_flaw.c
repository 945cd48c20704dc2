/*
 * Where a JSON source is no JSON. DuckDB's own place is off by a line in newline-delimited files, and
 * names but the record in others.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/source_private.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/str.h"

/* What is longer is not looked into: DuckDB takes no object beyond 16 MiB. */
#define TEXT_MAX ((size_t)32 << 20)

/* Read a line, with its end, into `line`; false at the end of the file, or where it is too long. */
static bool next_line(FILE *f, struct str *line)
{
    char part[4096];
    str_clear(line);
    while (fgets(part, sizeof part, f) != NULL) {
        str_append(line, part);
        if (line->full)
            return false;
        if (line->len > 0 && line->data[line->len - 1] == '\n')
            return true;
    }
    return line->len > 0;
}

static bool is_blank(const struct str *line)
{
    return line->data[strspn(line->data, " \t\r\n")] == '\0';
}

/* The first line that is no JSON. */
static bool flaw_in_lines(const char *path, struct str *line, struct json_flaw *flaw)
{
    bool found = false;
    FILE *f = fopen(path, "re");
    for (unsigned n = 1; f != NULL && !found && next_line(f, line); n++) {
        found = !is_blank(line) && json_find_flaw(line->data, line->len, flaw);
        flaw->line = n;
    }
    if (f != NULL)
        fclose(f);
    return found;
}

static bool flaw_in_document(const char *path, struct str *text, struct json_flaw *flaw)
{
    str_clear(text);
    return fs_read(path, text, NULL) == ERR_OK && json_find_flaw(text->data, text->len, flaw);
}

int source_explain_json(const struct source *s, int rc, struct error *err)
{
    bool lines = s->options.format == SOURCE_NDJSON;
    bool found = false;
    struct json_flaw flaw;
    struct str text;
    if (rc != ERR_SOURCE || (!lines && s->options.format != SOURCE_JSON))
        return rc;
    str_init(&text, TEXT_MAX);
    for (size_t i = 0; i < s->options.files.count && !found; i++) {
        const char *path = s->options.files.items[i];
        found = lines ? flaw_in_lines(path, &text, &flaw) : flaw_in_document(path, &text, &flaw);
        if (found)
            error_set(err, rc, "%s:%u:%u: not JSON: %s.", s->options.shown.items[i], flaw.line,
                      flaw.column, flaw.reason);
    }
    str_release(&text);
    return rc;
}

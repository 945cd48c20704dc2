#include "cli/table.h"

#include <assert.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/utf8.h"
#include "util/visible.h"

void table_init(struct table *t, const char *const *heads, size_t columns)
{
    *t = (struct table){.heads = heads, .columns = columns};
}

void table_release(struct table *t)
{
    for (size_t i = 0; i < t->count; i++)
        free(t->cells[i]);
    free(t->cells);
    *t = (struct table){0};
}

void table_cell(struct table *t, const char *text)
{
    struct str cell;
    const char *shown = text != NULL && *text != '\0' ? text : "-";
    str_init(&cell, STR_MAX_DEFAULT);
    visible_append(&cell, shown, strlen(shown), VISIBLE_LINE);
    t->cells = mem_grow(t->cells, t->count, &t->capacity, sizeof *t->cells);
    t->cells[t->count++] = str_detach(&cell);
}

void table_cellf(struct table *t, const char *format, ...)
{
    struct str text;
    va_list args;
    str_init(&text, STR_MAX_DEFAULT);
    va_start(args, format);
    str_vprintf(&text, format, args);
    va_end(args);
    table_cell(t, text.data);
    str_release(&text);
}

static size_t width(const char *text)
{
    return utf8_count(text, strlen(text));
}

static void blanks(struct str *out, size_t count)
{
    for (size_t i = 0; i < count; i++)
        str_append_char(out, ' ');
}

static bool is_number(const struct table *t, size_t column)
{
    return t->heads[column][0] == '>';
}

static const char *head(const struct table *t, size_t column)
{
    return t->heads[column] + (is_number(t, column) ? 1 : 0);
}

static void format_cell(const struct table *t, size_t column, const char *text, size_t most,
                        struct str *out)
{
    size_t missing = most - width(text);
    blanks(out, column > 0 ? 2 : 0);
    if (is_number(t, column))
        blanks(out, missing);
    str_append(out, text);
    if (!is_number(t, column) && column + 1 < t->columns)
        blanks(out, missing);
}

void table_format(const struct table *t, struct str *out)
{
    assert(t->columns > 0 && t->count % t->columns == 0);
    size_t *most = mem_calloc(t->columns, sizeof *most);
    for (size_t i = 0; i < t->columns; i++)
        most[i] = width(head(t, i));
    for (size_t i = 0; i < t->count; i++) {
        size_t n = width(t->cells[i]);
        if (n > most[i % t->columns])
            most[i % t->columns] = n;
    }
    for (size_t i = 0; i < t->columns; i++)
        format_cell(t, i, head(t, i), most[i], out);
    str_append_char(out, '\n');
    for (size_t i = 0; i < t->count; i++) {
        size_t column = i % t->columns;
        format_cell(t, column, t->cells[i], most[column], out);
        if (column + 1 == t->columns)
            str_append_char(out, '\n');
    }
    free(most);
}

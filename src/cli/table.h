/*
 * Text tables for people: columns aligned, two blanks between them, no blanks at the end of a line.
 * Width is counted in characters of UTF-8.
 */
#ifndef CAUCE_CLI_TABLE_H
#define CAUCE_CLI_TABLE_H

#include <stddef.h>

#include "util/str.h"

struct table {
    const char *const *heads; /* borrowed; one that begins with ">" is a column of numbers, set to
                                 the right, and is shown without it */
    size_t columns;
    char **cells; /* row by row */
    size_t count, capacity;
};

/* A table without rows. `heads` has `columns` entries. */
void table_init(struct table *t, const char *const *heads, size_t columns);
void table_release(struct table *t);

/*
 * The next cell of the current row, copied; NULL and "" are shown as "-". Control characters are
 * shown as "?", so that no text of a dataset can move the cursor.
 */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Append the table. Every row must be complete. */
void table_format(const struct table *t, struct str *out);

#endif

/* How a CSV file is laid out, by its text. Pure functions. */
#ifndef CAUCE_PIPELINE_SAMPLE_LAYOUT_H
#define CAUCE_PIPELINE_SAMPLE_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>

#define SAMPLE_FOOTER_SIZE 48

struct sample_layout {
    char delimiter;
    bool table;        /* it cuts most records alike */
    unsigned header;   /* lines that name the columns; 0: none */
    size_t skip_lines; /* before them: titles */
    size_t footer;     /* lines at the end that are not records */
    char
        footer_text[SAMPLE_FOOTER_SIZE]; /* what only the first of those begins with; "": nothing */
};

/*
 * By its first bytes (`whole`: that is all of it) and its last ones, which begin and end anywhere.
 * What most records have in common is taken for the table; lines before and after it for titles and
 * remarks, also where a program has padded them with delimiters.
 */
void sample_layout_of(const char *head, size_t count, bool whole, const char *tail,
                      size_t tail_count, struct sample_layout *out);

#endif

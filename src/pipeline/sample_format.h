/* What a file is, by its name and its text. Pure functions. */
#ifndef CAUCE_PIPELINE_SAMPLE_FORMAT_H
#define CAUCE_PIPELINE_SAMPLE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"

/*
 * The format of a file by its name and the first bytes of its plain content; FILE_FORMAT_AUTO
 * where neither tells.
 */
enum file_format sample_format_of(const char *name, const char *bytes, size_t count);

/* How a CSV file is laid out. */
struct sample_layout {
    char delimiter;
    bool header;       /* the first record names the columns */
    size_t skip_lines; /* before it: titles */
    size_t footer;     /* lines at the end */
};

/*
 * By its first bytes (`whole`: that is all of it) and its last ones, which begin and end anywhere. What
 * most records have in common is taken for the table; lines before and behind it for titles and
 * remarks.
 */
void sample_layout_of(const char *head, size_t count, bool whole, const char *tail,
                      size_t tail_count, struct sample_layout *out);

/* The encoding, as iconv names it, of text that is not UTF-8, by its first bytes. Static. */
const char *sample_encoding_of(const char *bytes, size_t count);

#endif

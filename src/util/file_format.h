/*
 * The table of formats of sources: what each one is called, what names of files tell it, and which
 * settings it understands. Their readers are listed in source/format.c. Pure functions.
 */
#ifndef CAUCE_UTIL_FILE_FORMAT_H
#define CAUCE_UTIL_FILE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

enum file_format {
    FILE_FORMAT_AUTO, /* not decided yet */
    FILE_FORMAT_CSV,
    FILE_FORMAT_JSON,
    FILE_FORMAT_NDJSON,
    FILE_FORMAT_PARQUET,
    FILE_FORMAT_XLSX,
    FILE_FORMAT_FIXED,
    FILE_FORMAT_COUNT
};

/* The name as it is written in configurations; "auto" for what is not decided. Static. */
const char *file_format_name(enum file_format format);

/* The names of all formats, in the order of the enum from FILE_FORMAT_CSV on. Static. */
const char *const *file_format_names(size_t *count);

/*
 * The format by the end of a file's name, suffixes of compression aside; AUTO where it says
 * nothing. `tabs` (NULL allowed): it was .tsv.
 */
enum file_format file_format_of(const char *name, size_t length, bool *tabs);

/* Is the name that of an archive (.zip, .tar, .tar.gz, ...)? */
bool file_format_is_archive(const char *name, size_t length);

/*
 * Does a format understand a setting of `source`? Settings that every format understands, or that are
 * no settings of formats at all, always do.
 */
bool file_format_takes(enum file_format format, const char *setting);

/* Has a file of the format one set of columns for all of its records, named at its beginning? */
bool file_format_has_header(enum file_format format);

/* Is everything in it text, so that an empty one means that there is no value? */
bool file_format_is_text(enum file_format format);

#endif

/*
 * How the bytes of a source become records. The settings of the configuration that decide it, with
 * their defaults already filled in; docs/sources.md says what each one means.
 */
#ifndef CAUCE_SOURCE_READ_OPTIONS_H
#define CAUCE_SOURCE_READ_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum read_compression { READ_AUTO, READ_PLAIN, READ_GZIP, READ_ZSTD, READ_XZ, READ_BZIP2 };

/* Most bytes of one record, in text: 64 MiB. */
#define READ_RECORD_MAX ((size_t)64 << 20)

/* Most columns of a file, and bytes of the name of one. */
#define READ_COLUMNS_MAX 4096
#define READ_NAME_MAX 1024

struct read_options {
    enum read_compression compression;
    const char *encoding; /* iconv's name; NULL: UTF-8, and what a byte-order mark says */
    uint64_t max_bytes;   /* of the file when unpacked; 0: no limit */
    size_t memory;        /* bytes that a reader may use for its buffers; 0: 64 MiB */
    unsigned threads;     /* that may work on a file at once, the caller's among them; 0 is 1 */
    bool digest;          /* SHA-256 of the stored bytes, in the same pass */

    /* CSV and fixed width */
    char delimiter[5];     /* one UTF-8 character */
    char quote;            /* 0: none */
    char escape;           /* the quote itself, or another character; 0: none */
    char comment;          /* lines that begin with it are not records; 0: none */
    unsigned header;       /* lines of it, joined; 0: none, columns are named column0, ... */
    uint64_t skip_lines;   /* before the header */
    uint64_t footer_lines; /* at the end */
    const char *footer;    /* a line that begins with this text ends the records; NULL: none */
    bool trim;             /* blanks around values */

    /* Fixed width: columns in characters, in their order */
    const uint32_t *widths;
    size_t width_count;

    /* JSON: path of the array of records ("data.items"); NULL: the document itself */
    const char *records;

    /* XLSX */
    const char *sheet; /* its name; NULL: the first */
    const char *range; /* as in A1:D100; NULL: what is used */
};

#endif

/*
 * What a file really is, by its first bytes: for messages that say what was found instead of what
 * went wrong when it was read as something else. Pure functions.
 */
#ifndef CAUCE_SOURCE_KIND_H
#define CAUCE_SOURCE_KIND_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes of a file that decide its kind; more are not examined. */
#define KIND_HEAD 4096

enum kind {
    KIND_UNKNOWN, /* text, probably */
    KIND_EMPTY,
    KIND_GZIP,
    KIND_ZSTD,
    KIND_XZ,
    KIND_BZIP2,
    KIND_ZIP,
    KIND_XLSX,
    KIND_ODS,
    KIND_XLS, /* and other files of Microsoft's compound format */
    KIND_TAR,
    KIND_7Z,
    KIND_RAR,
    KIND_PARQUET,
    KIND_ARROW,
    KIND_AVRO,
    KIND_ORC,
    KIND_SQLITE,
    KIND_DUCKDB,
    KIND_PDF,
    KIND_IMAGE,
    KIND_HTML,
    KIND_XML,
    KIND_JSON,
    KIND_UTF16LE, /* without byte-order mark */
    KIND_UTF16BE,
    KIND_BINARY, /* none of them, and not text */
    KIND_COUNT
};

/* `head` is the beginning of a file, at least KIND_HEAD bytes of it or all. */
enum kind kind_of(const void *head, size_t count);

/* As in "is a ZIP archive": "a ZIP archive". Static. */
const char *kind_name(enum kind kind);

/*
 * What to do about such a file where text was expected, as a sentence: "Set `archive` to the name of
 * the file in it."; "" where there is nothing to say. Static.
 */
const char *kind_advice(enum kind kind);

/*
 * Can it not be text of CSV, fixed width or JSON, whatever the settings? HTML could be, but never
 * is.
 */
bool kind_is_no_text(enum kind kind);

#endif

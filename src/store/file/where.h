/*
 * Can a folder be the place of a store? Judged by its path, which need not exist yet, so that
 * nothing is created where not every name would fit. Thread-safe.
 */
#ifndef CAUCE_STORE_FILE_WHERE_H
#define CAUCE_STORE_FILE_WHERE_H

#include "util/error.h"

/* ERR_CONFIG with the reason: too long, not UTF-8, or with characters that DuckDB takes for a pattern. */
MUST_USE int file_where_check(const char *path, struct error *err);

#endif

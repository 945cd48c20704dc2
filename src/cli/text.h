/* How the commands show values, and write what they found to standard output. */
#ifndef CAUCE_CLI_TEXT_H
#define CAUCE_CLI_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "catalog/layout.h"
#include "util/json.h"
#include "util/str.h"

#define TEXT_SIZE 64

/* "2026-01-31 23:59:59 UTC"; "-" for 0. */
const char *text_time(int64_t time, char out[TEXT_SIZE]);

/* "512 B", "1.2 MiB". */
const char *text_bytes(uint64_t bytes, char out[TEXT_SIZE]);

/* "0.4 s", "2 min 05 s", "3 h 20 min", "2 d 4 h". */
const char *text_seconds(double seconds, char out[TEXT_SIZE]);

/* "rows" where there are several, "row" where there is one. */
const char *text_plural(uint64_t count, const char *one, const char *several);

/* Set a time as RFC 3339, null for 0; sequence and commit (null at sequence 0). */
void text_set_time(struct json *object, const char *name, int64_t time);
void text_set_version(struct json *object, const struct version_id *version);

/*
 * Write to standard output, made visible (util/visible.h); whether that worked is found out when the
 * program ends. text_printf writes one line or a part of one: its format may end in a newline, and
 * any other one is shown as an escape.
 */
void text_print(const char *text);
void text_printf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Write the value, indented, and free it. */
void text_print_json(struct json *value);

#endif

/*
 * Text of SQL: quoting, and the lists that every statement is made of. Pure functions.
 */
#ifndef CAUCE_ENGINE_SQL_H
#define CAUCE_ENGINE_SQL_H

#include <stdarg.h>
#include <stddef.h>

#include "util/str.h"
#include "util/type.h"

/* "name", with quotes doubled. */
void sql_name(struct str *out, const char *name);

/* 'text', with quotes doubled. */
void sql_text(struct str *out, const char *text);

/* ['a', 'b'] */
void sql_text_list(struct str *out, const char *const *texts, size_t count);

/* DuckDB's name for one of our types ("TIMESTAMP WITH TIME ZONE"). */
void sql_type(struct str *out, struct type type);

/*
 * printf for SQL: %n is a quoted name, %t a quoted text, %s plain text, %u an unsigned long long,
 * %i a long long, %% a percent sign. Nothing else.
 */
void sql_printf(struct str *out, const char *format, ...);
void sql_vprintf(struct str *out, const char *format, va_list args);

#endif

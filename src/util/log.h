/*
 * One line to stderr per event, as text for people or as JSON for machines.
 *
 * Logging does not replace returning an error. The settings are process-wide and made once at
 * start; writing is thread-safe (one write(2) per line). Registered secrets are replaced by "***"
 * wherever they appear.
 */
#ifndef CAUCE_UTIL_LOG_H
#define CAUCE_UTIL_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
enum log_format { LOG_TEXT, LOG_JSON };

/* Most verbose level to write, and the shape of a line. Defaults: LOG_WARN, LOG_TEXT. */
void log_setup(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);

/*
 * Fields that every JSON line carries from now on; the value NULL removes one. Both are copied. More
 * than LOG_CONTEXT_MAX names are ignored.
 */
#define LOG_CONTEXT_MAX 8
void log_context(const char *name, const char *value);
void log_context_integer(const char *name, int64_t value);

/*
 * A value that must never be written, neither as it is nor as it is spelled in a JSON string.
 * Copied; at least 4 bytes long, else ignored; NULL is ignored. Register it before anything can
 * fail.
 */
void log_secret(const char *value);

/* A named value of one line. */
struct log_field {
    const char *name;
    enum { LOG_FIELD_END, LOG_FIELD_TEXT, LOG_FIELD_INTEGER, LOG_FIELD_REAL } kind;
    const char *text;
    int64_t integer;
    double real;
};
#define LOG_STR(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_TEXT, .text = (v)})
#define LOG_INT(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_INTEGER, .integer = (v)})
#define LOG_REAL(n, v) ((struct log_field){.name = (n), .kind = LOG_FIELD_REAL, .real = (v)})
#define LOG_END ((struct log_field){.kind = LOG_FIELD_END})

/*
 * Write a line: the message, and in text after it `name=value` per field (in columns at the levels
 * info and debug, which come many at a time); in JSON
 * {"time", "level", "message", context, fields}, where a field replaces a context of its name and
 * nothing replaces the first three. Text is made visible (util/visible.h), and long values cut at
 * LOG_VALUE_MAX bytes. `fields` may be NULL. Where stderr is the journal of systemd, a line of text
 * begins with its priority ("<4>").
 */
#define LOG_VALUE_MAX 8192
void log_write(enum log_level level, const struct log_field *fields, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, LOG_END})
#define log_error(...) log_write(LOG_ERROR, NULL, __VA_ARGS__)
#define log_warn(...) log_write(LOG_WARN, NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_INFO, NULL, __VA_ARGS__)
#define log_debug(...) log_write(LOG_DEBUG, NULL, __VA_ARGS__)

/*
 * Where lines go, without their newline, one at a time; NULL: stderr. The sink must not call anything
 * of this header. What `ctx` needs may be freed once another sink is set.
 */
void log_sink(void (*sink)(void *ctx, const char *line), void *ctx);

#endif

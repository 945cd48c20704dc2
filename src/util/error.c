#include "util/error.h"

#include <stdio.h>
#include <string.h>

static void mark_cut(char *text)
{
    memcpy(text + ERROR_TEXT_SIZE - 4, "...", 4);
}

int error_vset(struct error *err, int code, const char *format, va_list args)
{
    if (err == NULL)
        return code;
    err->code = code;
    int n = vsnprintf(err->text, sizeof err->text, format, args);
    if (n >= (int)sizeof err->text)
        mark_cut(err->text);
    return code;
}

int error_set(struct error *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    error_vset(err, code, format, args);
    va_end(args);
    return code;
}

/* Append formatted text; what does not fit is cut. */
__attribute__((format(printf, 2, 0))) static void append(struct error *err, const char *format,
                                                         va_list args)
{
    size_t used = strlen(err->text);
    int n = vsnprintf(err->text + used, sizeof err->text - used, format, args);
    if (n >= (int)(sizeof err->text - used))
        mark_cut(err->text);
}

__attribute__((format(printf, 2, 3))) static void append_text(struct error *err, const char *format,
                                                              ...)
{
    va_list args;
    va_start(args, format);
    append(err, format, args);
    va_end(args);
}

int error_set_errno(struct error *err, int code, int errnum, const char *format, ...)
{
    if (err == NULL)
        return code;
    va_list args;
    va_start(args, format);
    error_vset(err, code, format, args);
    va_end(args);
    char reason[128];
    append_text(err, ": %s", strerror_r(errnum, reason, sizeof reason));
    return code;
}

int error_prefix(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    char old[ERROR_TEXT_SIZE];
    memcpy(old, err->text, sizeof old);
    va_list args;
    va_start(args, format);
    error_vset(err, err->code, format, args);
    va_end(args);
    append_text(err, ": %s", old);
    return err->code;
}

int error_append(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    append_text(err, " ");
    va_list args;
    va_start(args, format);
    append(err, format, args);
    va_end(args);
    return err->code;
}

void error_clear(struct error *err)
{
    if (err == NULL)
        return;
    err->code = ERR_OK;
    err->text[0] = '\0';
}

const char *error_name(int code)
{
    static const char *const names[ERR_COUNT] = {
        [ERR_OK] = "ok",
        [ERR_ABSENT] = "absent",
        [ERR_CONFLICT] = "conflict",
        [ERR_UNKNOWN] = "unknown",
        [ERR_AGAIN] = "storage",
        [ERR_DENIED] = "denied",
        [ERR_DAMAGED] = "damaged",
        [ERR_SOURCE] = "source",
        [ERR_GATE] = "gate",
        [ERR_CONFIG] = "config",
        [ERR_LOST] = "lost",
        [ERR_LIMIT] = "limit",
        [ERR_INTERRUPTED] = "interrupted",
        [ERR_SYSTEM] = "system",
    };
    if (code < 0 || code >= ERR_COUNT)
        return "invalid";
    return names[code];
}

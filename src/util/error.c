#include "util/error.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "util/utf8.h"
#include "util/visible.h"

/* The header's macros for the analyzer are for callers. */
#undef error_set
#undef error_set_errno
#undef error_tell
#undef error_pass

/* End a text that fills its buffer with "...", without half a UTF-8 character before it. */
static void mark_cut(char *text)
{
    memcpy(text + utf8_cut(text, ERROR_TEXT_SIZE - 1, ERROR_TEXT_SIZE - 4), "...", 4);
}

/* The arguments may point into the text that is about to be replaced: it is written aside. */
int error_vset(struct error *err, int code, const char *format, va_list args)
{
    if (err == NULL)
        return code;
    char text[ERROR_TEXT_SIZE];
    int n = vsnprintf(text, sizeof text, format, args);
    if (n >= (int)sizeof text)
        mark_cut(text);
    visible_copy(err->text, sizeof err->text, text, VISIBLE_LINES);
    err->code = code;
    err->state = ERROR_UNTOLD;
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
    char raw[ERROR_TEXT_SIZE];
    char more[ERROR_TEXT_SIZE];
    size_t used = strlen(err->text);
    int n = vsnprintf(raw, sizeof raw, format, args);
    visible_copy(more, sizeof more, raw, VISIBLE_LINES);
    size_t wanted = n >= (int)sizeof raw ? (size_t)n : strlen(more);
    size_t room = sizeof err->text - 1 - used;
    size_t count = wanted < room ? wanted : room;
    memcpy(err->text + used, more, count);
    err->text[used + count] = '\0';
    if (wanted > room)
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
    struct error old = *err;
    va_list args;
    va_start(args, format);
    error_vset(err, old.code, format, args);
    va_end(args);
    append_text(err, ": %s", old.text);
    err->state = old.state;
    return err->code;
}

/* What the system says ends without a full stop, and so does what ends with a quotation. */
static bool lacks_stop(const char *text, const char *sentence)
{
    size_t n = strlen(text);
    return n > 0 && strchr(".!?:\n", text[n - 1]) == NULL && isupper((unsigned char)sentence[0]);
}

int error_append(struct error *err, const char *format, ...)
{
    if (err == NULL)
        return ERR_SYSTEM;
    append_text(err, "%s", lacks_stop(err->text, format) ? ". " : " ");
    va_list args;
    va_start(args, format);
    append(err, format, args);
    va_end(args);
    return err->code;
}

int error_tell(struct error *err, int code, enum error_state state, const char *advice)
{
    static const char *const sentences[] = {
        [ERROR_UNCHANGED] = "Nothing was changed.",
        [ERROR_UNPUBLISHED] = "Nothing was published.",
    };
    assert(state == ERROR_UNCHANGED || state == ERROR_UNPUBLISHED);
    if (err == NULL)
        return code;
    append_text(err, "%s%s", lacks_stop(err->text, sentences[state]) ? ". " : " ",
                sentences[state]);
    if (advice != NULL)
        append_text(err, " %s", advice);
    err->code = code;
    err->state = state;
    return code;
}

void error_told(struct error *err, enum error_state state)
{
    if (err != NULL)
        err->state = state;
}

int error_pass(struct error *err, int code, const struct error *from)
{
    if (err == NULL)
        return code;
    *err = *from;
    err->code = code;
    return code;
}

void error_clear(struct error *err)
{
    if (err == NULL)
        return;
    err->code = ERR_OK;
    err->state = ERROR_UNTOLD;
    err->text[0] = '\0';
}

const char *error_name(int code)
{
    static const char *const names[ERR_COUNT] = {
        [ERR_OK] = "ok",           [ERR_ABSENT] = "absent",           [ERR_CONFLICT] = "conflict",
        [ERR_UNKNOWN] = "unknown", [ERR_AGAIN] = "storage",           [ERR_FULL] = "full",
        [ERR_DENIED] = "denied",   [ERR_DAMAGED] = "damaged",         [ERR_SOURCE] = "source",
        [ERR_GATE] = "gate",       [ERR_CONFIG] = "config",           [ERR_LOST] = "lost",
        [ERR_LIMIT] = "limit",     [ERR_INTERRUPTED] = "interrupted", [ERR_TIMEOUT] = "timeout",
        [ERR_SYSTEM] = "system",
    };
    if (code < 0 || code >= ERR_COUNT)
        return "invalid";
    return names[code];
}

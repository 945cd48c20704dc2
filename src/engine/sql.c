#include "engine/sql.h"

#include <stdlib.h>

static void quoted(struct str *out, const char *text, char quote)
{
    str_append_char(out, quote);
    for (; *text != '\0'; text++) {
        if (*text == quote)
            str_append_char(out, quote);
        str_append_char(out, *text);
    }
    str_append_char(out, quote);
}

void sql_name(struct str *out, const char *name)
{
    quoted(out, name, '"');
}

void sql_text(struct str *out, const char *text)
{
    quoted(out, text, '\'');
}

void sql_text_list(struct str *out, const char *const *texts, size_t count)
{
    str_append_char(out, '[');
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_append(out, ", ");
        sql_text(out, texts[i]);
    }
    str_append_char(out, ']');
}

void sql_type(struct str *out, struct type type)
{
    static const char *const names[] = {
        [TYPE_BOOLEAN] = "BOOLEAN", [TYPE_INT] = "INTEGER",
        [TYPE_BIGINT] = "BIGINT",   [TYPE_DOUBLE] = "DOUBLE",
        [TYPE_TEXT] = "VARCHAR",    [TYPE_DATE] = "DATE",
        [TYPE_TIME] = "TIME",       [TYPE_TIMESTAMP] = "TIMESTAMP WITH TIME ZONE",
        [TYPE_UUID] = "UUID",       [TYPE_BINARY] = "BLOB",
    };
    _Static_assert(sizeof names / sizeof *names == TYPE_COUNT, "every type has a name");
    if (type.kind == TYPE_DECIMAL)
        str_printf(out, "DECIMAL(%u, %u)", type.precision, type.scale);
    else if (type.kind > TYPE_NONE && type.kind < TYPE_COUNT)
        str_append(out, names[type.kind]);
    else
        abort();
}

void sql_vprintf(struct str *out, const char *format, va_list args)
{
    for (const char *p = format; *p != '\0'; p++) {
        if (*p != '%') {
            str_append_char(out, *p);
            continue;
        }
        switch (*++p) {
        case 'n':
            sql_name(out, va_arg(args, const char *));
            break;
        case 't':
            sql_text(out, va_arg(args, const char *));
            break;
        case 's':
            str_append(out, va_arg(args, const char *));
            break;
        case 'u':
            str_printf(out, "%llu", va_arg(args, unsigned long long));
            break;
        case 'i':
            str_printf(out, "%lld", va_arg(args, long long));
            break;
        case '%':
            str_append_char(out, '%');
            break;
        default:
            abort();
        }
    }
}

void sql_printf(struct str *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    sql_vprintf(out, format, args);
    va_end(args);
}

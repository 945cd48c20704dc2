#include "pipeline/row_text.h"

#include <stdbool.h>
#include <string.h>

/* ---- CSV ----------------------------------------------------------------------------------- */

static bool needs_quotes(const char *value, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (value[i] == ',' || value[i] == '"' || value[i] == '\n' || value[i] == '\r')
            return true;
    return length == 0;
}

static void quoted(const char *value, size_t length, struct str *out)
{
    str_append_char(out, '"');
    const char *end = value + length;
    for (const char *mark; (mark = memchr(value, '"', (size_t)(end - value))) != NULL;
         value = mark + 1) {
        str_append_bytes(out, value, (size_t)(mark - value));
        str_append(out, "\"\"");
    }
    str_append_bytes(out, value, (size_t)(end - value));
    str_append_char(out, '"');
}

void row_text_csv(const char *const *values, const size_t *lengths, size_t count, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            str_append_char(out, ',');
        if (values[i] == NULL)
            continue;
        if (needs_quotes(values[i], lengths[i]))
            quoted(values[i], lengths[i], out);
        else
            str_append_bytes(out, values[i], lengths[i]);
    }
    str_append_char(out, '\n');
}

/* ---- JSON ---------------------------------------------------------------------------------- */

static void escape(unsigned char c, struct str *out)
{
    switch (c) {
    case '"':
        str_append(out, "\\\"");
        break;
    case '\\':
        str_append(out, "\\\\");
        break;
    case '\n':
        str_append(out, "\\n");
        break;
    case '\r':
        str_append(out, "\\r");
        break;
    case '\t':
        str_append(out, "\\t");
        break;
    default:
        str_printf(out, "\\u%04x", c);
    }
}

static void string(const char *value, size_t length, struct str *out)
{
    size_t plain = 0;
    str_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        str_append_bytes(out, value + plain, i - plain);
        escape(c, out);
        plain = i + 1;
    }
    str_append_bytes(out, value + plain, length - plain);
    str_append_char(out, '"');
}

static bool is_bare(enum type_kind kind)
{
    switch (kind) {
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
        return true;
    case TYPE_TEXT:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_NONE:
    case TYPE_COUNT:
        break;
    }
    return false;
}

/* "inf", "-inf" and "nan" contain an "n"; no number does. */
static bool is_finite(const char *value, size_t length)
{
    return memchr(value, 'n', length) == NULL;
}

static void json_value(struct type type, const char *value, size_t length, struct str *out)
{
    if (value == NULL || (type.kind == TYPE_DOUBLE && !is_finite(value, length)))
        str_append(out, "null");
    else if (is_bare(type.kind))
        str_append_bytes(out, value, length);
    else
        string(value, length, out);
}

void row_text_json(const char *const *names, const struct type *types, const char *const *values,
                   const size_t *lengths, size_t count, struct str *out)
{
    for (size_t i = 0; i < count; i++) {
        str_append_char(out, i > 0 ? ',' : '{');
        string(names[i], strlen(names[i]), out);
        str_append_char(out, ':');
        json_value(types[i], values[i], lengths[i], out);
    }
    str_append(out, count > 0 ? "}\n" : "{}\n");
}

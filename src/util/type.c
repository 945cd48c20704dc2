#include "util/type.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "util/str.h"

#define NAMES \
    "boolean, int, bigint, double, decimal(p,s), text, date, time, timestamp, uuid, binary"

static const char *const names[] = {
    [TYPE_NONE] = "none",           [TYPE_BOOLEAN] = "boolean", [TYPE_INT] = "int",
    [TYPE_BIGINT] = "bigint",       [TYPE_DOUBLE] = "double",   [TYPE_DECIMAL] = "decimal",
    [TYPE_TEXT] = "text",           [TYPE_DATE] = "date",       [TYPE_TIME] = "time",
    [TYPE_TIMESTAMP] = "timestamp", [TYPE_UUID] = "uuid",       [TYPE_BINARY] = "binary",
};
_Static_assert(sizeof names / sizeof *names == TYPE_COUNT, "every type has a name");

/* What other systems call a type of ours: for hints only. */
static const struct {
    const char *name;
    enum type_kind kind;
} foreign[] = {
    {"bool", TYPE_BOOLEAN},     {"integer", TYPE_INT},
    {"int32", TYPE_INT},        {"int4", TYPE_INT},
    {"smallint", TYPE_INT},     {"long", TYPE_BIGINT},
    {"int64", TYPE_BIGINT},     {"int8", TYPE_BIGINT},
    {"float", TYPE_DOUBLE},     {"real", TYPE_DOUBLE},
    {"number", TYPE_DOUBLE},    {"float64", TYPE_DOUBLE},
    {"numeric", TYPE_DECIMAL},  {"string", TYPE_TEXT},
    {"str", TYPE_TEXT},         {"varchar", TYPE_TEXT},
    {"char", TYPE_TEXT},        {"datetime", TYPE_TIMESTAMP},
    {"blob", TYPE_BINARY},      {"bytes", TYPE_BINARY},
    {"bytea", TYPE_BINARY},     {"timestamptz", TYPE_TIMESTAMP},
    {"varbinary", TYPE_BINARY}, {"guid", TYPE_UUID},
};

/* Kind whose name is the first `length` bytes of `text`, TYPE_NONE where there is none. */
static enum type_kind find_kind(const char *text, size_t length)
{
    for (int kind = TYPE_NONE + 1; kind < TYPE_COUNT; kind++) {
        if (strlen(names[kind]) == length && strncasecmp(names[kind], text, length) == 0)
            return (enum type_kind)kind;
    }
    return TYPE_NONE;
}

static int unknown_type(const char *text, size_t length, struct error *err)
{
    char word[TYPE_TEXT_SIZE];
    snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word), text);
    const char *meant = NULL;
    for (size_t i = 0; i < sizeof foreign / sizeof foreign[0]; i++) {
        if (strcasecmp(foreign[i].name, word) == 0)
            meant = names[foreign[i].kind];
    }
    if (meant == NULL)
        meant = str_closest(word, names + 1, TYPE_COUNT - 1);
    if (meant != NULL)
        return error_set(err, ERR_CONFIG,
                         "\"%.40s\" is not a type; did you mean \"%s\"? The types are " NAMES ".",
                         text, strcmp(meant, "decimal") == 0 ? "decimal(18,2)" : meant);
    return error_set(err, ERR_CONFIG, "\"%.40s\" is not a type. The types are " NAMES ".", text);
}

static const char *skip_blanks(const char *at)
{
    while (*at == ' ')
        at++;
    return at;
}

/* One or two digits; false where there are none or more. Moves `*at` past them and any blanks. */
static bool read_number(const char **at, unsigned *out)
{
    const char *p = skip_blanks(*at);
    unsigned value = 0;
    int digits = 0;
    for (; isdigit((unsigned char)*p) && digits < 3; p++, digits++)
        value = value * 10 + (unsigned)(*p - '0');
    if (digits == 0 || digits > 2)
        return false;
    *at = skip_blanks(p);
    *out = value;
    return true;
}

/* "(precision)" or "(precision,scale)" up to the end of the text. */
static bool read_brackets(const char *at, unsigned *precision, unsigned *scale)
{
    if (*at != '(')
        return false;
    at++;
    *scale = 0;
    if (!read_number(&at, precision))
        return false;
    if (*at == ',') {
        at++;
        if (!read_number(&at, scale))
            return false;
    }
    return *at == ')' && *skip_blanks(at + 1) == '\0';
}

static int parse_decimal(const char *text, const char *brackets, struct type *out,
                         struct error *err)
{
    unsigned precision = 0;
    unsigned scale = 0;
    if (!read_brackets(brackets, &precision, &scale))
        return error_set(err, ERR_CONFIG,
                         "\"%.40s\" is not a decimal type: write decimal(precision,scale), for "
                         "example decimal(18,2).",
                         text);
    if (precision < 1 || precision > TYPE_PRECISION_MAX)
        return error_set(err, ERR_CONFIG,
                         "\"%.40s\" has a precision of %u: it must be between 1 and %d digits.",
                         text, precision, TYPE_PRECISION_MAX);
    if (scale > precision)
        return error_set(err, ERR_CONFIG,
                         "\"%.40s\" has more digits after the point (%u) than in all (%u).", text,
                         scale, precision);
    *out = (struct type){TYPE_DECIMAL, (uint8_t)precision, (uint8_t)scale};
    return ERR_OK;
}

int type_parse(const char *text, struct type *out, struct error *err)
{
    size_t length = strcspn(text, "( ");
    enum type_kind kind = find_kind(text, length);
    const char *rest = skip_blanks(text + length);
    if (kind == TYPE_NONE)
        return unknown_type(text, length, err);
    if (kind == TYPE_DECIMAL)
        return parse_decimal(text, rest, out, err);
    if (*rest != '\0')
        return error_set(err, ERR_CONFIG, "\"%.40s\" is not a type: nothing may follow \"%s\".",
                         text, names[kind]);
    *out = (struct type){.kind = kind};
    return ERR_OK;
}

void type_format(struct type type, char out[TYPE_TEXT_SIZE])
{
    if (type.kind == TYPE_DECIMAL)
        snprintf(out, TYPE_TEXT_SIZE, "decimal(%u,%u)", (unsigned)type.precision,
                 (unsigned)type.scale);
    else
        snprintf(out, TYPE_TEXT_SIZE, "%s", type_name(type.kind));
}

const char *type_name(enum type_kind kind)
{
    if ((int)kind < 0 || kind >= TYPE_COUNT)
        return names[TYPE_NONE];
    return names[kind];
}

bool type_equal(struct type a, struct type b)
{
    return a.kind == b.kind && a.precision == b.precision && a.scale == b.scale;
}

bool type_is_day(struct type type)
{
    return type.kind == TYPE_DATE || type.kind == TYPE_TIMESTAMP;
}

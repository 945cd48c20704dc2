#include "engine/cast.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"

/* The text of a number with the point as decimal sign and no separators. */
static void number_text(struct str *out, const char *raw, const struct cast_rules *r)
{
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    str_append(&text, raw);
    char sign[2] = {r->thousands, '\0'};
    if (r->thousands != '\0') {
        char *inner = str_detach(&text);
        sql_printf(&text, "replace(%s, %t, '')", inner, sign);
        free(inner);
    }
    if (r->decimal == ',') {
        char *inner = str_detach(&text);
        sql_printf(&text, "replace(%s, ',', '.')", inner);
        free(inner);
    }
    str_append_bytes(out, text.data, text.len);
    str_release(&text);
}

/*
 * The fast way first: what prints as it was written is exact (only "infinity" prints so and is no
 * day). The pattern decides the rest. `x` is the text.
 */
static void exact_or_matching(struct str *out, const char *x, struct type to, const char *pattern)
{
    struct str cast;
    str_init(&cast, STR_MAX_DEFAULT);
    sql_printf(&cast, "TRY_CAST(%s AS ", x);
    sql_type(&cast, to);
    str_append(&cast, ")");
    struct str finite;
    str_init(&finite, STR_MAX_DEFAULT);
    if (to.kind == TYPE_DATE)
        sql_printf(&finite, " AND isfinite(%s)", cast.data);
    sql_printf(out,
               "CASE WHEN CAST(%s AS VARCHAR) = %s%s THEN %s "
               "WHEN regexp_full_match(%s, %t) THEN %s END",
               cast.data, x, finite.data, cast.data, x, pattern, cast.data);
    str_release(&finite);
    str_release(&cast);
}

static void from_integer(struct str *out, const char *x, struct type to)
{
    exact_or_matching(out, x, to, "\\s*[-+]?[0-9]+([.]0*)?\\s*");
}

/* No digit but zeros may stand beyond the scale; what has an exponent must equal its double. */
static void from_decimal(struct str *out, const char *x, struct type to)
{
    char pattern[128] = "\\s*[-+]?[0-9]+([.]0*)?\\s*";
    unsigned scale = to.scale;
    if (scale > 0)
        snprintf(pattern, sizeof pattern,
                 "\\s*[-+]?([0-9]+([.][0-9]{0,%u}0*)?|[.][0-9]{1,%u}0*)\\s*", scale, scale);
    struct str plain;
    str_init(&plain, STR_MAX_DEFAULT);
    exact_or_matching(&plain, x, to, pattern);
    struct str cast;
    str_init(&cast, STR_MAX_DEFAULT);
    sql_printf(&cast, "TRY_CAST(%s AS ", x);
    sql_type(&cast, to);
    str_append(&cast, ")");
    sql_printf(out,
               "CASE WHEN (contains(%s, 'e') OR contains(%s, 'E')) THEN "
               "CASE WHEN TRY_CAST(%s AS DOUBLE) = CAST(%s AS DOUBLE) AND NOT contains(%s, '_') "
               "THEN %s END ELSE %s END",
               x, x, x, cast.data, x, cast.data, plain.data);
    str_release(&cast);
    str_release(&plain);
}

/* A time of day behind a date must be midnight: cutting it off would be silent. */
static void from_date(struct str *out, const char *x, struct type to, const struct cast_rules *r)
{
    if (r->format_count == 0) {
        exact_or_matching(out, x, to,
                          "\\s*[0-9]{1,4}[-/][0-9]{1,2}[-/][0-9]{1,2}"
                          "([T ]00:00(:00([.]0*)?)?Z?)?\\s*");
        return;
    }
    struct str parsed;
    str_init(&parsed, STR_MAX_DEFAULT);
    sql_printf(&parsed, "CAST(try_strptime(%s, ", x);
    sql_text_list(&parsed, r->formats, r->format_count);
    str_append(&parsed, ") AS TIMESTAMP)");
    sql_printf(out, "CASE WHEN CAST(CAST(%s AS DATE) AS TIMESTAMP) = %s THEN CAST(%s AS DATE) END",
               parsed.data, parsed.data, parsed.data);
    str_release(&parsed);
}

static void from_timestamp(struct str *out, const char *x, const struct cast_rules *r)
{
    if (r->format_count == 0) {
        sql_printf(out,
                   "CASE WHEN regexp_matches(%s, '^\\s*[0-9]') "
                   "THEN TRY_CAST(%s AS TIMESTAMP WITH TIME ZONE) END",
                   x, x);
        return;
    }
    sql_printf(out, "CAST(try_strptime(%s, ", x);
    sql_text_list(out, r->formats, r->format_count);
    str_append(out, ") AS TIMESTAMP WITH TIME ZONE)");
}

/*
 * A number that is too great comes back infinite: only what says so may be. Texts that are short and
 * have no exponent need no second look. + 0.0 makes -0.0 the same value as 0.0.
 */
static void from_double(struct str *out, const char *x)
{
    sql_printf(out,
               "CASE WHEN NOT contains(%s, '_') AND "
               "((strlen(%s) < 300 AND NOT contains(%s, 'e') AND NOT contains(%s, 'E')) "
               "OR isfinite(TRY_CAST(%s AS DOUBLE)) OR regexp_matches(%s, '[A-DF-Za-df-z]')) "
               "THEN TRY_CAST(%s AS DOUBLE) + 0.0 END",
               x, x, x, x, x, x, x);
}

static void from_text(struct str *out, const char *raw, struct type to, const struct cast_rules *r)
{
    struct str number;
    str_init(&number, STR_MAX_DEFAULT);
    number_text(&number, raw, r);
    switch (to.kind) {
    case TYPE_TEXT:
        str_append(out, raw);
        break;
    case TYPE_INT:
    case TYPE_BIGINT:
        from_integer(out, number.data, to);
        break;
    case TYPE_DECIMAL:
        from_decimal(out, number.data, to);
        break;
    case TYPE_DOUBLE:
        from_double(out, number.data);
        break;
    case TYPE_DATE:
        from_date(out, raw, to, r);
        break;
    case TYPE_TIMESTAMP:
        from_timestamp(out, raw, r);
        break;
    case TYPE_BINARY:
        /* Not TRY(from_hex(...)): where that fails, DuckDB 1.4 makes its input NULL as well. */
        sql_printf(out,
                   "CASE WHEN regexp_full_match(%s, '([0-9A-Fa-f]{2})*') THEN from_hex(%s) END",
                   raw, raw);
        break;
    default:
        sql_printf(out, "TRY_CAST(%s AS ", raw);
        sql_type(out, to);
        str_append(out, ")");
    }
    str_release(&number);
}

/*
 * Timestamps of seconds, milliseconds and nanoseconds (which is what pandas writes) are UTC, as those
 * of microseconds are. DuckDB 1.4 has no way back to them from one with a time zone.
 */
static void from_other_timestamp(struct str *out, const char *raw, const char *raw_type)
{
    sql_printf(out,
               "CASE WHEN TRY_CAST(TRY_CAST(%s AS TIMESTAMP) AS %s) IS NOT DISTINCT FROM %s "
               "THEN CAST(TRY_CAST(%s AS TIMESTAMP) AS TIMESTAMP WITH TIME ZONE) END",
               raw, raw_type, raw, raw);
}

/* A value that comes back unchanged has lost nothing on the way. */
static void from_native(struct str *out, const char *raw, const char *raw_type, struct type to)
{
    struct str cast;
    str_init(&cast, STR_MAX_DEFAULT);
    sql_printf(&cast, "TRY_CAST(%s AS ", raw);
    sql_type(&cast, to);
    str_append(&cast, ")");
    if (to.kind == TYPE_DOUBLE)
        str_append(&cast, " + 0.0");
    if (to.kind == TYPE_TEXT)
        str_append(out, cast.data);
    else
        sql_printf(out, "CASE WHEN TRY_CAST(%s AS %s) IS NOT DISTINCT FROM %s THEN %s END",
                   cast.data, raw_type, raw, cast.data);
    str_release(&cast);
}

void cast_expression(struct str *out, const char *raw, const char *raw_type, struct type to,
                     const struct cast_rules *rules)
{
    struct str own;
    str_init(&own, STR_MAX_DEFAULT);
    sql_type(&own, to);
    if (strcmp(raw_type, "VARCHAR") == 0)
        from_text(out, raw, to, rules);
    else if (strcmp(raw_type, own.data) == 0 && to.kind != TYPE_DOUBLE)
        str_append(out, raw);
    else if (to.kind == TYPE_TIMESTAMP && str_starts(raw_type, "TIMESTAMP_"))
        from_other_timestamp(out, raw, raw_type);
    else
        from_native(out, raw, raw_type, to);
    str_release(&own);
}

struct type cast_type_of(const char *name)
{
    static const struct {
        const char *name;
        struct type type;
    } map[] = {
        {"BOOLEAN", {TYPE_BOOLEAN, 0, 0}},   {"TINYINT", {TYPE_INT, 0, 0}},
        {"SMALLINT", {TYPE_INT, 0, 0}},      {"INTEGER", {TYPE_INT, 0, 0}},
        {"UTINYINT", {TYPE_INT, 0, 0}},      {"USMALLINT", {TYPE_INT, 0, 0}},
        {"UINTEGER", {TYPE_BIGINT, 0, 0}},   {"BIGINT", {TYPE_BIGINT, 0, 0}},
        {"UBIGINT", {TYPE_DECIMAL, 20, 0}},  {"HUGEINT", {TYPE_DECIMAL, 38, 0}},
        {"UHUGEINT", {TYPE_DECIMAL, 38, 0}}, {"FLOAT", {TYPE_DOUBLE, 0, 0}},
        {"DOUBLE", {TYPE_DOUBLE, 0, 0}},     {"VARCHAR", {TYPE_TEXT, 0, 0}},
        {"JSON", {TYPE_TEXT, 0, 0}},         {"DATE", {TYPE_DATE, 0, 0}},
        {"TIME", {TYPE_TIME, 0, 0}},         {"UUID", {TYPE_UUID, 0, 0}},
        {"BLOB", {TYPE_BINARY, 0, 0}},       {"\"NULL\"", {TYPE_TEXT, 0, 0}},
    };
    for (size_t i = 0; i < sizeof map / sizeof *map; i++)
        if (strcmp(map[i].name, name) == 0)
            return map[i].type;
    if (str_starts(name, "TIMESTAMP"))
        return (struct type){TYPE_TIMESTAMP, 0, 0};
    if (str_starts(name, "ENUM("))
        return (struct type){TYPE_TEXT, 0, 0};
    unsigned precision, scale;
    char end;
    if (sscanf(name, "DECIMAL(%2u,%2u%c", &precision, &scale, &end) == 3 && end == ')')
        return (struct type){TYPE_DECIMAL, (uint8_t)precision, (uint8_t)scale};
    return (struct type){TYPE_NONE, 0, 0};
}

void cast_to_text(struct str *out, const char *expression, struct type type)
{
    if (type.kind == TYPE_TIMESTAMP)
        sql_printf(out, "strftime(%s, '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", expression);
    else if (type.kind == TYPE_BINARY)
        sql_printf(out, "hex(%s)", expression);
    else
        sql_printf(out, "CAST(%s AS VARCHAR)", expression);
}

void cast_literal(struct str *out, const char *text, struct type type)
{
    str_append(out, "CAST(");
    if (text == NULL)
        str_append(out, "NULL");
    else if (type.kind == TYPE_BINARY)
        sql_printf(out, "from_hex(%t)", text);
    else
        sql_text(out, text);
    str_append(out, " AS ");
    sql_type(out, type);
    str_append(out, ")");
}

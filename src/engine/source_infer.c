/*
 * Types for a source that has none configured: a type is proposed where every value of the whole
 * source casts to it strictly (engine/cast.h), so what is inferred also loads. Day-first and
 * month-first dates are told apart only where the values leave one reading; else they stay text.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/cast.h"
#include "engine/source.h"
#include "engine/source_private.h"
#include "engine/sql.h"
#include "util/mem.h"

/* A reading of a text column; the first that fits wins, formats only where no other one fits. */
struct reading {
    enum type_kind kind;
    const char *format; /* NULL: ISO 8601 */
};

static const struct reading readings[] = {
    {TYPE_BOOLEAN, NULL},
    {TYPE_BIGINT, NULL},
    {TYPE_DOUBLE, NULL},
    {TYPE_DATE, NULL},
    {TYPE_TIMESTAMP, NULL},
    {TYPE_DATE, "%d/%m/%Y"},
    {TYPE_DATE, "%m/%d/%Y"},
    {TYPE_DATE, "%d.%m.%Y"},
    {TYPE_DATE, "%d-%m-%Y"},
    {TYPE_DATE, "%m-%d-%Y"},
    {TYPE_TIMESTAMP, "%d/%m/%Y %H:%M:%S"},
    {TYPE_TIMESTAMP, "%m/%d/%Y %H:%M:%S"},
};
#define READINGS (sizeof readings / sizeof *readings)
#define FIRST_FORMAT 5 /* from here on a reading has a format and must be the only one */

/* Count of values that a reading fits; booleans and numbers need more than a cast. */
static void count_reading(const struct source *s, const char *raw, const struct reading *r,
                          struct str *out)
{
    struct cast_rules rules = {&r->format, r->format != NULL ? 1 : 0, s->options.decimal,
                               s->options.thousands};
    str_append(out, "count(");
    cast_expression(out, raw, "VARCHAR", (struct type){r->kind, 0, 0}, &rules);
    str_append(out, ")");
    if (r->kind == TYPE_BOOLEAN)
        sql_printf(out, " FILTER (WHERE lower(%s) IN ('true', 'false'))", raw);
    else if (r->kind == TYPE_BIGINT || r->kind == TYPE_DOUBLE)
        sql_printf(out, " FILTER (WHERE NOT regexp_matches(%s, '^\\s*[-+]?0[0-9]'))", raw);
}

/* What is known of a text column: its values, and how many of them each reading fits. */
struct survey {
    bool is_text;
    uint64_t values;
    uint64_t fits[READINGS];
    bool possible[READINGS];
};

/* One row: per text column the number of values, then of those that each possible reading fits. */
static void survey_query(const struct source *s, const struct survey *columns, const char *limit,
                         struct str *sql)
{
    str_append(sql, "SELECT ''");
    for (size_t i = 0; i < s->count; i++) {
        if (!columns[i].is_text)
            continue;
        struct str raw;
        str_init(&raw, STR_MAX_DEFAULT);
        sql_name(&raw, s->names[i].name);
        sql_printf(sql, ", CAST(count(%s) AS VARCHAR)", raw.data);
        for (size_t k = 0; k < READINGS; k++) {
            if (!columns[i].possible[k])
                continue;
            str_append(sql, ", CAST(");
            count_reading(s, raw.data, &readings[k], sql);
            str_append(sql, " AS VARCHAR)");
        }
        str_release(&raw);
    }
    sql_printf(sql, " FROM (SELECT * FROM %s%s)", s->relation, limit);
}

struct surveying {
    struct survey *columns;
    size_t count;
};

static int take_survey(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct surveying *in = ctx;
    size_t at = 1;
    for (size_t i = 0; i < in->count; i++) {
        struct survey *c = &in->columns[i];
        if (!c->is_text)
            continue;
        c->values = strtoull(row->values[at++], NULL, 10);
        for (size_t k = 0; k < READINGS; k++) {
            if (!c->possible[k])
                continue;
            c->fits[k] = strtoull(row->values[at++], NULL, 10);
            c->possible[k] = c->fits[k] == c->values;
        }
    }
    return ERR_OK;
}

static int look(struct source *s, struct survey *columns, const char *limit, struct error *err)
{
    struct surveying in = {columns, s->count};
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    survey_query(s, columns, limit, &sql);
    engine_blame(s->engine, ERR_SOURCE);
    int rc = engine_query(s->engine, sql.data, take_survey, &in, err);
    engine_blame(s->engine, ERR_SYSTEM);
    str_release(&sql);
    return source_explain_json(s, rc, err);
}

/* The first rows rule out most readings, so the whole source is only asked about the others. */
static int survey_texts(struct source *s, struct survey *columns, struct error *err)
{
    for (size_t i = 0; i < s->count; i++) {
        columns[i].is_text = strcmp(s->names[i].type, "VARCHAR") == 0;
        for (size_t k = 0; k < READINGS; k++)
            columns[i].possible[k] = true;
    }
    int rc = look(s, columns, " LIMIT 5000", err);
    return rc == ERR_OK ? look(s, columns, "", err) : rc;
}

/* The reading that fits every value, or NULL: text. */
static const struct reading *choose(const struct survey *c)
{
    if (c->values == 0)
        return NULL;
    for (size_t k = 0; k < FIRST_FORMAT; k++)
        if (c->possible[k])
            return &readings[k];
    const struct reading *only = NULL;
    for (size_t k = FIRST_FORMAT; k < READINGS; k++) {
        if (c->possible[k] && only != NULL)
            return NULL;
        if (c->possible[k])
            only = &readings[k];
    }
    return only;
}

static int native_type(const struct source_name *n, struct type *out, struct error *err)
{
    *out = cast_type_of(n->type);
    if (out->kind != TYPE_NONE)
        return ERR_OK;
    return error_set(err, ERR_CONFIG,
                     "column \"%s\" of the source has the type %s, which a dataset cannot hold. "
                     "Turn it into text or into columns of its own in `transform`.",
                     n->name, n->type);
}

int source_infer(struct source *s, struct schema *out, struct error *err)
{
    *out =
        (struct schema){.count = s->count, .columns = mem_calloc(s->count, sizeof *out->columns)};
    struct survey *columns = mem_calloc(s->count, sizeof *columns);
    int rc = survey_texts(s, columns, err);
    for (size_t i = 0; i < s->count; i++) {
        struct schema_column *c = &out->columns[i];
        c->name = mem_strdup(s->names[i].name);
        c->id = (uint32_t)i + 1;
        c->nullable = true;
        if (!columns[i].is_text) {
            if (rc == ERR_OK)
                rc = native_type(&s->names[i], &c->type, err);
            continue;
        }
        const struct reading *r = choose(&columns[i]);
        c->type = (struct type){r != NULL ? r->kind : TYPE_TEXT, 0, 0};
        c->format = r != NULL ? mem_strdup(r->format) : NULL;
    }
    free(columns);
    if (rc != ERR_OK)
        schema_release(out);
    return rc;
}

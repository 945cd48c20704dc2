/*
 * Loading `source_rows`: every value through a strict cast, every row that does not fit marked and
 * kept aside with its place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/cast.h"
#include "engine/source.h"
#include "engine/source_private.h"
#include "engine/sql.h"
#include "util/mem.h"

/* Why a row is bad; stored as column position * FAULTS + fault. */
enum fault { FAULT_VALUE, FAULT_NULL, FAULT_DAY, FAULTS };

struct load {
    struct source *source;
    const struct schema *schema;
    const struct source_column *columns;
    const char **raw; /* per column of the schema: name in the source, NULL for constants */
    const char **raw_types;
    struct source_report *report;
};

static const struct source_name *find_name(const struct source *s, const char *name)
{
    for (size_t i = 0; i < s->count; i++)
        if (strcmp(s->names[i].name, name) == 0)
            return &s->names[i];
    return NULL;
}

static int missing_column(const struct load *l, size_t i, struct error *err)
{
    const struct source_texts *from = &l->columns[i].from;
    struct str has;
    str_init(&has, 1000);
    for (size_t k = 0; k < l->source->count; k++)
        str_printf(&has, "%s\"%s\"", k > 0 ? ", " : "", l->source->names[k].name);
    const char *near = NULL;
    for (size_t k = 0; near == NULL && k < from->count; k++)
        near = str_closest(from->items[k], (const char *const *)l->source->name_list,
                           l->source->count);
    error_set(err, ERR_GATE, "column \"%s\" is not in the source%s; it has %s%s.",
              l->schema->columns[i].name,
              l->source->options.transform != NULL ? " (the result of the transform)" : "",
              has.data, has.full ? ", ..." : "");
    if (near != NULL)
        error_append(err, "Did you mean \"%s\"? List the source's names under `from`.", near);
    else
        error_append(err, "List the source's name for it under `from`.");
    str_release(&has);
    return ERR_GATE;
}

/* Which column of the source feeds each column of the schema. */
static int match_columns(struct load *l, struct error *err)
{
    for (size_t i = 0; i < l->schema->count; i++) {
        const struct source_column *c = &l->columns[i];
        if (c->constant != NULL)
            continue;
        for (size_t k = 0; k < c->from.count; k++) {
            const struct source_name *n = find_name(l->source, c->from.items[k]);
            if (n == NULL)
                continue;
            if (l->raw[i] != NULL && strcmp(l->raw[i], n->name) != 0)
                return error_set(err, ERR_GATE,
                                 "column \"%s\": the source has both \"%s\" and \"%s\". Leave one "
                                 "of them out of `from`.",
                                 l->schema->columns[i].name, l->raw[i], n->name);
            l->raw[i] = n->name;
            l->raw_types[i] = n->type;
        }
        if (l->raw[i] == NULL)
            return missing_column(l, i, err);
    }
    return ERR_OK;
}

static void note_left_out(struct load *l)
{
    struct source_report *r = l->report;
    r->left_out = mem_calloc(l->source->count, sizeof *r->left_out);
    for (size_t k = 0; k < l->source->count; k++) {
        bool used = false;
        for (size_t i = 0; !used && i < l->schema->count; i++)
            used = l->raw[i] != NULL && strcmp(l->raw[i], l->source->names[k].name) == 0;
        if (!used)
            r->left_out[r->left_out_count++] = mem_strdup(l->source->names[k].name);
    }
}

/* The value of column i over the raw columns r0, r1, ... */
static void typed_value(const struct load *l, size_t i, struct str *out)
{
    const struct source_options *o = &l->source->options;
    const struct source_column *c = &l->columns[i];
    struct type type = l->schema->columns[i].type;
    if (c->constant != NULL) {
        cast_literal(out, c->constant, type);
        return;
    }
    const char *frozen = l->schema->columns[i].format;
    struct source_texts formats = c->formats;
    if (formats.count == 0 && frozen != NULL)
        formats = (struct source_texts){&frozen, 1};
    if (formats.count == 0)
        formats = type.kind == TYPE_TIMESTAMP ? o->timestamp_formats : o->date_formats;
    struct cast_rules rules = {formats.items, formats.count, o->decimal, o->thousands};
    char raw[32];
    snprintf(raw, sizeof raw, "r%zu", i);
    cast_expression(out, raw, l->raw_types[i], type, &rules);
}

/* Is a row bad, and why: the first fault counts. */
static void fault_value(const struct load *l, struct str *out)
{
    const struct schema *s = l->schema;
    str_append(out, "CASE");
    for (size_t i = 0; i < s->count; i++) {
        if (l->raw[i] == NULL)
            continue;
        str_printf(out, " WHEN c%zu IS NULL AND r%zu IS NOT NULL THEN %zu", i, i,
                   i * FAULTS + FAULT_VALUE);
        bool cuts = s->partition_by != PARTITION_NONE && s->partition_column == i;
        if (!s->columns[i].nullable || cuts)
            str_printf(out, " WHEN c%zu IS NULL THEN %zu", i, i * FAULTS + FAULT_NULL);
        if (cuts)
            str_printf(out,
                       " WHEN NOT isfinite(c%zu) OR year(c%zu) NOT BETWEEN 0 AND 9999 THEN %zu", i,
                       i, i * FAULTS + FAULT_DAY);
    }
    str_append(out, " END");
}

/* In JSON an empty text is a value; the other null texts are taken as they are configured. */
static void raw_value(const struct load *l, size_t i, struct str *out)
{
    const struct source_options *o = &l->source->options;
    bool json = o->format == SOURCE_JSON || o->format == SOURCE_NDJSON;
    bool text = strcmp(l->raw_types[i], "VARCHAR") == 0;
    if (!json || !text) {
        sql_name(out, l->raw[i]);
        return;
    }
    sql_printf(out, "CASE WHEN %n NOT IN ('\\N'", l->raw[i]);
    for (size_t k = 0; k < o->nulls.count; k++)
        if (o->nulls.items[k][0] != '\0')
            sql_printf(out, ", %t", o->nulls.items[k]);
    sql_printf(out, ") THEN %n END", l->raw[i]);
}

static int create_rows(struct load *l, struct error *err)
{
    size_t count = l->schema->count;
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "CREATE OR REPLACE TABLE source_rows AS SELECT ");
    for (size_t i = 0; i < count; i++)
        str_printf(&sql, "c%zu, ", i);
    str_append(&sql, "bad, CASE bad");
    for (size_t i = 0; i < count; i++)
        if (l->raw[i] != NULL)
            str_printf(&sql,
                       " WHEN %zu THEN CAST(r%zu AS VARCHAR) WHEN %zu THEN CAST(r%zu AS VARCHAR)",
                       i * FAULTS + FAULT_VALUE, i, i * FAULTS + FAULT_DAY, i);
    str_append(&sql, " END AS bad_value FROM (SELECT *, ");
    fault_value(l, &sql);
    str_append(&sql, " AS bad FROM (SELECT *, ");
    for (size_t i = 0; i < count; i++) {
        str_append(&sql, i > 0 ? ", " : "");
        typed_value(l, i, &sql);
        str_printf(&sql, " AS c%zu", i);
    }
    str_append(&sql, " FROM (SELECT 0 AS nothing");
    for (size_t i = 0; i < count; i++) {
        if (l->raw[i] == NULL)
            continue;
        str_append(&sql, ", ");
        raw_value(l, i, &sql);
        str_printf(&sql, " AS r%zu", i);
    }
    sql_printf(&sql, " FROM %s)))", l->source->relation);
    int rc = str_check(&sql, "the statement that reads the source", err);
    if (rc == ERR_OK)
        rc = engine_run(l->source->engine, sql.data, err);
    str_release(&sql);
    return rc;
}

static char *fault_reason(const struct schema_column *c, enum fault fault)
{
    char type[TYPE_TEXT_SIZE];
    type_format(c->type, type);
    if (fault == FAULT_NULL)
        return mem_strdup("has no value, but must have one");
    if (fault == FAULT_DAY)
        return mem_strdup("is no day of the years 0 to 9999, so it fits no partition");
    return mem_printf("is not %s %s", strchr("aeiou", type[0]) != NULL ? "an" : "a", type);
}

static int take_bad_value(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct load *l = ctx;
    struct source_reject *sample = source_add_sample(l->report);
    if (sample == NULL)
        return ERR_OK;
    uint64_t bad = strtoull(row->values[1], NULL, 10);
    const struct schema_column *c = &l->schema->columns[bad / FAULTS];
    sample->row = strtoull(row->values[0], NULL, 10) + 1;
    sample->column = bad / FAULTS;
    sample->name = mem_strdup(c->name);
    sample->value = source_shorten(row->values[2]);
    sample->reason = fault_reason(c, (enum fault)(bad % FAULTS));
    return ERR_OK;
}

static int collect_bad_rows(struct load *l, uint64_t *rows, struct error *err)
{
    struct engine *e = l->source->engine;
    int rc = engine_count(e, "SELECT count(bad) FROM source_rows", rows, err);
    if (rc != ERR_OK || *rows == 0)
        return rc;
    size_t first = l->report->sample_count;
    rc = engine_query(e,
                      "SELECT CAST(rowid AS VARCHAR), CAST(bad AS VARCHAR), bad_value "
                      "FROM source_rows WHERE bad IS NOT NULL ORDER BY rowid LIMIT 20",
                      take_bad_value, l, err);
    if (rc == ERR_OK)
        rc = source_locate(l->source, l->raw, l->report, first, err);
    if (rc == ERR_OK)
        rc = engine_run(e, "DELETE FROM source_rows WHERE bad IS NOT NULL", err);
    return rc;
}

/* Every record of the files must have become a row or a reject: none may be lost on the way. */
static int compare_records(const struct source *s, uint64_t seen, struct error *err)
{
    uint64_t records = 0;
    for (size_t i = 0; i < s->options.files.count; i++)
        records += s->records[i];
    if (records == seen)
        return ERR_OK;
    return error_set(err, ERR_SOURCE,
                     "the source has %llu records, but %llu were read: its quotes, line endings or "
                     "comments are ambiguous. Nothing was published; check `quote`, `escape` and "
                     "`comment`.",
                     (unsigned long long)records, (unsigned long long)seen);
}

int source_load(struct source *s, const struct schema *schema, const struct source_column *columns,
                struct source_report *report, struct error *err)
{
    struct load l = {s,
                     schema,
                     columns,
                     mem_calloc(schema->count, sizeof *l.raw),
                     mem_calloc(schema->count, sizeof *l.raw_types),
                     report};
    uint64_t malformed = 0;
    uint64_t bad = 0;
    engine_blame(s->engine, ERR_SOURCE);
    int rc = match_columns(&l, err);
    if (rc == ERR_OK) {
        note_left_out(&l);
        rc = create_rows(&l, err);
    }
    engine_blame(s->engine, ERR_SYSTEM);
    rc = source_explain_json(s, rc, err);
    if (rc == ERR_OK && s->options.format == SOURCE_CSV)
        rc = source_malformed(s, &malformed, report, err);
    if (rc == ERR_OK)
        rc = engine_count(s->engine, "SELECT count(*) FROM source_rows", &report->rows, err);
    if (rc == ERR_OK && s->options.format == SOURCE_CSV && s->options.transform == NULL)
        rc = compare_records(s, report->rows + malformed, err);
    if (rc == ERR_OK)
        rc = collect_bad_rows(&l, &bad, err);
    report->rows -= bad;
    report->rejected = malformed + bad;
    free(l.raw);
    free(l.raw_types);
    return rc;
}

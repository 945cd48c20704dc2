#include "source/transform.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "engine/result.h"
#include "engine/sql.h"
#include "source/found.h"
#include "source/load.h"
#include "source/names.h"
#include "source/typed.h"
#include "source/wanted.h"
#include "util/mem.h"
#include "util/name_index.h"

/* ---- What it sees -------------------------------------------------------------------------- */

/*
 * Does the SQL contain this word? Where it does so only in a comment, a relation is made for
 * nothing.
 */
static bool names_relation(const char *sql, const char *word)
{
    size_t n = strlen(word);
    for (const char *p = sql; *p != '\0'; p++) {
        bool begins = p == sql || (!isalnum((unsigned char)p[-1]) && p[-1] != '_');
        if (begins && strncasecmp(p, word, n) == 0 && !isalnum((unsigned char)p[n]) && p[n] != '_')
            return true;
    }
    return false;
}

/* A view with the user's names over a table of ours. */
static int create_view(struct engine *e, const char *view, const char *table,
                       const struct wanted *columns, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "CREATE OR REPLACE VIEW %n AS SELECT ", view);
    for (size_t i = 0; i < columns->count; i++)
        sql_printf(&sql, "%sc%u AS %n", i > 0 ? ", " : "", (unsigned long long)i,
                   columns->columns[i].name);
    sql_printf(&sql, " FROM %n", table);
    int rc = str_check(&sql, "the relation of a transform", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql.data, err);
    str_release(&sql);
    return rc;
}

static int feed_relation(struct engine *e, const struct files *files, const char *view,
                         const struct wanted *columns, struct source_report *report,
                         struct error *err)
{
    struct load load = {0};
    struct type *types = mem_calloc(columns->count, sizeof *types);
    char *table = mem_printf("%s_table", view);
    for (size_t i = 0; i < columns->count; i++)
        types[i] = cast_type(columns->casts[i]);
    int rc = load_open(&load, e, table, types, NULL, columns->count, err);
    if (rc == ERR_OK)
        rc = files_read(files, columns->columns, columns->count,
                        &(struct files_reading){load_take, &load, report, NULL, NULL}, err);
    if (rc == ERR_OK)
        rc = load_close(&load, err);
    load_release(&load);
    if (rc == ERR_OK)
        rc = create_view(e, view, table, columns, err);
    free(types);
    free(table);
    return rc;
}

/* A path into records (JSON): only their reader can say whether any has it. */
static bool is_path(const char *name)
{
    return name[0] == '$' && (name[1] == '.' || name[1] == '[');
}

/* Has any file a listed column? One that may be missing is there in any case, all NULL. */
static bool is_found(const struct source_column *c, const struct found *found)
{
    if (c->optional)
        return true;
    if (c->from.count == 0)
        return names_find(&found->names, c->name) != SIZE_MAX;
    for (size_t i = 0; i < c->from.count; i++)
        if (is_path(c->from.items[i]) || names_find(&found->names, c->from.items[i]) != SIZE_MAX)
            return true;
    return false;
}

/* Names of the source that listed columns are fed by, and those that a column is called. */
struct taken {
    struct names from;
    struct names called;  /* in lower case, column by column */
    const char *relation; /* that they are columns of */
    struct source_report *report;
};

static void taken_release(struct taken *t)
{
    names_release(&t->from);
    names_release(&t->called);
}

static char *lower_case(const char *name)
{
    char *lower = mem_strdup(name);
    for (char *p = lower; *p != '\0'; p++)
        *p = (char)tolower((unsigned char)*p);
    return lower;
}

/* The column that was added last is called so, and fed by these. */
static void take_names(struct taken *t, const struct wanted *columns, bool listed)
{
    const struct reader_column *c = &columns->columns[columns->count - 1];
    char *name = lower_case(c->name);
    names_add(&t->called, name);
    free(name);
    for (size_t k = 0; listed && k < c->from.count; k++)
        names_add(&t->from, c->from.items[k]);
}

/* SQL does not tell "Day" from "day": that it is shown one of them alone is said. */
static void warn_of_case(const struct taken *t, const char *shown, const char *name)
{
    if (strcmp(shown, name) == 0)
        return;
    char *text = mem_printf(
        "the transform's relation `%s` has the column \"%s\", but not \"%s\": names must "
        "differ in more than case. List it under `columns` with another name and `from`",
        t->relation, shown, name);
    report_warn(t->report, text);
    free(text);
}

static bool is_taken(const struct taken *t, const struct wanted *columns, const char *name)
{
    char *lower = lower_case(name);
    size_t at = names_find(&t->called, lower);
    bool fed = names_find(&t->from, name) != SIZE_MAX;
    free(lower);
    if (at != SIZE_MAX && !fed)
        warn_of_case(t, columns->columns[at].name, name);
    return fed || at != SIZE_MAX;
}

/* What nobody has listed may be missing in some of the files. */
static int add_other(const struct source_options *o, const char *name, struct type type,
                     const char *format, struct taken *taken, struct wanted *out, struct error *err)
{
    if (is_taken(taken, out, name))
        return ERR_OK;
    int rc = wanted_add(out, o, name, type, format, NULL, err);
    if (rc != ERR_OK)
        return rc;
    out->columns[out->count - 1].optional = true;
    take_names(taken, out, false);
    return ERR_OK;
}

/* The listed columns that the source has, then all others. */
static int list_columns(const struct source_options *o, const struct found *found,
                        struct wanted *out, struct source_report *report, struct error *err)
{
    int rc = ERR_OK;
    struct taken taken = {.relation = "source", .report = report};
    wanted_init(out, o->column_count + found->names.count);
    for (size_t i = 0; i < o->column_count && rc == ERR_OK; i++)
        if (is_found(&o->columns[i], found)) {
            rc = wanted_add(out, o, o->columns[i].name, o->columns[i].type, NULL, &o->columns[i],
                            err);
            if (rc == ERR_OK)
                take_names(&taken, out, true);
        }
    for (size_t i = 0; i < found->names.count && rc == ERR_OK; i++)
        rc = add_other(o, found->names.items[i], found->types[i], found->formats[i], &taken, out,
                       err);
    taken_release(&taken);
    return rc;
}

static const struct type text_type = {TYPE_TEXT, 0, 0};

static void set_texts(struct found *found)
{
    found->types = mem_calloc(found->names.count, sizeof *found->types);
    found->formats = mem_calloc(found->names.count, sizeof *found->formats);
    for (size_t i = 0; i < found->names.count; i++)
        found->types[i] = text_type;
}

/* Are the types of all columns of the source frozen? Then nothing needs to be looked at. */
static int find_known(const struct files *files, const struct names *known, struct found *out,
                      bool *all, struct error *err)
{
    int rc = found_names(files, true, out, err);
    *all = rc == ERR_OK;
    for (size_t i = 0; i < out->names.count && *all; i++)
        *all = names_find(known, out->names.items[i]) != SIZE_MAX;
    if (*all)
        set_texts(out);
    else
        found_release(out);
    return rc;
}

static void use_frozen(const struct schema_source *frozen, const struct names *known,
                       struct found *found)
{
    for (size_t i = 0; i < found->names.count; i++) {
        size_t at = names_find(known, found->names.items[i]);
        if (at == SIZE_MAX)
            continue;
        free(found->formats[i]);
        found->types[i] = frozen->columns[at].type;
        found->formats[i] = mem_strdup(frozen->columns[at].format);
    }
}

/* The frozen columns, also those that this source lacks, and after them what is new. */
static int note_seen(const struct schema_source *frozen, const struct names *known,
                     const struct found *found, struct schema_source *seen, struct error *err)
{
    if (frozen != NULL)
        schema_source_copy(frozen, seen);
    for (size_t i = 0; i < found->names.count; i++)
        if (names_find(known, found->names.items[i]) == SIZE_MAX)
            schema_source_add(seen, found->names.items[i], found->types[i], found->formats[i]);
    if (seen->count <= SCHEMA_SOURCE_MAX)
        return ERR_OK;
    return error_set(err, ERR_LIMIT,
                     "the source has had more than %d columns. List those that are needed under "
                     "`columns`.",
                     SCHEMA_SOURCE_MAX);
}

/*
 * Where nothing is listed the types are found once and then frozen with the dataset: else the SELECT
 * would mean something else as soon as values look otherwise ('9' > '10', but 9 < 10).
 */
static int find_frozen(const struct files *files, const struct source_options *o,
                       struct found *found, struct source_report *report,
                       struct schema_source *seen, struct error *err)
{
    struct names known = {0};
    bool all = false;
    size_t frozen = o->frozen != NULL ? o->frozen->count : 0;
    for (size_t i = 0; i < frozen; i++)
        names_add(&known, o->frozen->columns[i].name);
    int rc = frozen > 0 ? find_known(files, &known, found, &all, err) : ERR_OK;
    if (rc == ERR_OK && !all)
        rc = found_types(files, o, found, err);
    if (rc == ERR_OK && frozen == 0)
        found_doubts(found, report);
    if (rc == ERR_OK && frozen > 0)
        use_frozen(o->frozen, &known, found);
    if (rc == ERR_OK)
        rc = note_seen(o->frozen, &known, found, seen, err);
    names_release(&known);
    return rc;
}

/* Types of what is not listed beside columns that are: declared ones, else they are texts. */
static int find_beside(const struct files *files, const struct source_options *o,
                       struct found *found, struct error *err)
{
    if (files->format == FILE_FORMAT_PARQUET && files->unpivot == NULL)
        return found_types(files, o, found, err);
    int rc = found_names(files, false, found, err);
    set_texts(found);
    return rc;
}

static int make_source(struct engine *e, const struct files *files, const struct source_options *o,
                       struct source_report *report, struct schema_source *seen, struct error *err)
{
    struct found found = {0};
    struct wanted columns = {0};
    int rc = o->column_count == 0 ? find_frozen(files, o, &found, report, seen, err)
                                  : find_beside(files, o, &found, err);
    if (rc == ERR_OK)
        rc = list_columns(o, &found, &columns, report, err);
    if (rc == ERR_OK)
        rc = feed_relation(e, files, "source", &columns, report, err);
    wanted_release(&columns);
    found_release(&found);
    return rc;
}

/* Texts as they are: only what the format itself says is NULL. */
static int make_raw(struct engine *e, const struct files *files, const struct source_options *o,
                    struct source_report *report, struct error *err)
{
    struct source_options plain = *o;
    struct found found = {0};
    struct wanted columns = {0};
    struct taken taken = {.relation = "raw", .report = report};
    plain.nulls = (struct reader_texts){0};
    int rc = found_names(files, false, &found, err);
    wanted_init(&columns, found.names.count);
    for (size_t i = 0; i < found.names.count && rc == ERR_OK; i++)
        rc = add_other(&plain, found.names.items[i], text_type, NULL, &taken, &columns, err);
    taken_release(&taken);
    if (rc == ERR_OK)
        rc = feed_relation(e, files, "raw", &columns, report, err);
    wanted_release(&columns);
    found_release(&found);
    return rc;
}

/* The text without blanks and semicolons at its end, which cannot be inside a statement. */
static char *bare_select(const char *sql)
{
    size_t n = strlen(sql);
    while (n > 0 && strchr(" \t\r\n;", sql[n - 1]) != NULL)
        n--;
    return mem_strndup(sql, n);
}

static int make_transformed(struct engine *e, const char *sql, struct error *err)
{
    engine_blame(e, ERR_CONFIG);
    char *select = bare_select(sql);
    int rc = engine_check_select(e, select, err);
    if (rc == ERR_OK)
        rc = engine_runf(e, err, "CREATE OR REPLACE VIEW transformed AS SELECT * FROM (%s\n)",
                         select);
    if (rc != ERR_OK)
        error_prefix(err, "transform");
    free(select);
    engine_blame(e, ERR_SYSTEM);
    return rc;
}

int transform_open(struct engine *e, const struct files *files, const struct source_options *o,
                   struct source_report *report, struct schema_source *seen, struct error *err)
{
    bool source = names_relation(o->transform, "source");
    bool raw = names_relation(o->transform, "raw");
    struct source_report again = {0};
    int rc = ERR_OK;
    if (source)
        rc = make_source(e, files, o, report, seen, err);
    /* Records that cannot be cut are reported once. */
    if (rc == ERR_OK && raw)
        rc = make_raw(e, files, o, source ? &again : report, err);
    if (rc == ERR_OK)
        rc = make_transformed(e, o->transform, err);
    report_release(&again);
    return rc;
}

/* ---- What it gives ------------------------------------------------------------------------- */

static int open_result(struct engine *e, struct result **out, struct error *err)
{
    engine_blame(e, ERR_CONFIG);
    int rc = result_open(e, "SELECT * FROM transformed", out, err);
    engine_blame(e, ERR_SYSTEM);
    return rc == ERR_OK ? rc : error_prefix(err, "transform");
}

int transform_infer(struct engine *e, struct schema *out, struct error *err)
{
    struct result *result = NULL;
    size_t count = 0;
    *out = (struct schema){0};
    int rc = open_result(e, &result, err);
    if (rc != ERR_OK)
        return rc;
    const struct result_column *columns = result_columns(result, &count);
    out->columns = mem_calloc(count, sizeof *out->columns);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        out->columns[out->count++] = (struct schema_column){.name = mem_strdup(columns[i].name),
                                                            .id = (uint32_t)i + 1,
                                                            .type = result_type(&columns[i]),
                                                            .nullable = true};
        if (columns[i].kind == RESULT_NESTED)
            rc = error_set(err, ERR_CONFIG,
                           "column \"%s\" of the transform's result has a type that a dataset "
                           "cannot hold. Turn it into text or into columns of its own.",
                           columns[i].name);
    }
    result_free(result);
    if (rc != ERR_OK)
        schema_release(out);
    return rc;
}

/* The result on its way into `source_rows`. */
struct taking {
    struct result *result;
    const struct result_column *columns;
    size_t count;
    const struct wanted *wanted;
    size_t *from; /* by wanted column: its place in the result */
    struct load load;
    struct source_report *report;
    uint64_t row;
};

static int missing(const struct taking *t, const struct reader_column *wanted, struct error *err)
{
    const char **names = mem_calloc(t->count, sizeof *names);
    struct reader_file file = {.shown = "the result of the transform"};
    struct reader result = {.file = &file};
    for (size_t i = 0; i < t->count; i++)
        names[i] = t->columns[i].name;
    int rc = reader_missing(&result, wanted, &(struct reader_texts){names, t->count}, err);
    free(names);
    return rc;
}

/* A column of the result is known by the name of the dataset's, or by one that the source has for it. */
static int match(struct taking *t, struct error *err)
{
    int rc = ERR_OK;
    struct name_index names;
    name_index_init(&names, &t->columns->name, t->count, sizeof *t->columns, true);
    for (size_t i = 0; i < t->wanted->count && rc == ERR_OK; i++) {
        const struct reader_column *w = &t->wanted->columns[i];
        t->from[i] = name_index_find(&names, w->name);
        for (size_t k = 0; k < w->from.count && t->from[i] == SIZE_MAX; k++)
            t->from[i] = name_index_find(&names, w->from.items[k]);
        if (t->from[i] == SIZE_MAX)
            rc = missing(t, w, err);
    }
    name_index_release(&names);
    return rc;
}

static void note_left_out(const struct taking *t)
{
    struct source_report *r = t->report;
    bool *used = mem_calloc(t->count, sizeof *used);
    r->left_out = mem_calloc(t->count, sizeof *r->left_out);
    for (size_t k = 0; k < t->wanted->count; k++)
        used[t->from[k]] = true;
    for (size_t i = 0; i < t->count; i++)
        if (!used[i])
            r->left_out[r->left_out_count++] = mem_strdup(t->columns[i].name);
    free(used);
}

static void put_row(struct taking *t, const struct batch *values, size_t row,
                    struct reader_batch *out)
{
    t->row++;
    for (size_t i = 0; i < t->wanted->count; i++) {
        struct reader_fault place = {.row = t->row, .index = i};
        if (!typed_put_or_fault(&t->columns[t->from[i]], &values->columns[t->from[i]], row,
                                &t->wanted->columns[i], &place, out))
            return;
    }
    reader_batch_row(out, t->row, 0);
}

static int put_rows(struct taking *t, const struct batch *values, struct reader_batch *rows,
                    struct error *err)
{
    reader_batch_clear(rows);
    for (size_t i = 0; i < values->rows; i++)
        put_row(t, values, i, rows);
    for (size_t i = 0; i < rows->fault_count; i++)
        report_fault(t->report, NULL, t->wanted->columns[rows->faults[i].index].name,
                     &rows->faults[i]);
    t->report->rows += rows->values.rows;
    return load_take(&t->load, &rows->values, err);
}

static int take_rows(struct taking *t, struct engine *e, struct error *err)
{
    struct batch values;
    struct reader_batch rows;
    int rc;
    result_batch(t->result, &values);
    reader_batch_init(&rows, t->wanted->columns, t->wanted->count);
    do {
        engine_blame(e, ERR_CONFIG);
        rc = result_next(t->result, &values, err);
        engine_blame(e, ERR_SYSTEM);
        if (rc != ERR_OK)
            error_prefix(err, "transform");
        else
            rc = put_rows(t, &values, &rows, err);
    } while (rc == ERR_OK && values.rows > 0);
    reader_batch_release(&rows);
    batch_release(&values);
    return rc == ERR_OK ? load_close(&t->load, err) : rc;
}

static int want_schema(const struct source_options *o, const struct schema *schema,
                       const char **constants, struct wanted *out, struct error *err)
{
    struct source_options plain = *o;
    int rc = ERR_OK;
    plain.nulls = (struct reader_texts){0};
    wanted_init(out, schema->count);
    for (size_t i = 0; i < schema->count && rc == ERR_OK; i++)
        if (constants[i] == NULL)
            rc = wanted_add_schema(out, &plain, schema, i, err);
    return rc;
}

int transform_load(struct engine *e, const struct source_options *o, const struct schema *schema,
                   const char **constants, struct source_report *report, struct error *err)
{
    struct wanted wanted = {0};
    struct taking t = {.wanted = &wanted, .report = report};
    struct type *types = mem_calloc(schema->count, sizeof *types);
    for (size_t i = 0; i < schema->count; i++)
        types[i] = schema->columns[i].type;
    int rc = want_schema(o, schema, constants, &wanted, err);
    t.from = mem_calloc(wanted.count, sizeof *t.from);
    if (rc == ERR_OK)
        rc = open_result(e, &t.result, err);
    if (rc == ERR_OK) {
        t.columns = result_columns(t.result, &t.count);
        rc = match(&t, err);
    }
    if (rc == ERR_OK) {
        note_left_out(&t);
        rc = load_open(&t.load, e, "source_rows", types, constants, schema->count, err);
    }
    if (rc == ERR_OK)
        rc = take_rows(&t, e, err);
    load_release(&t.load);
    result_free(t.result);
    free(t.from);
    free(types);
    wanted_release(&wanted);
    return rc;
}

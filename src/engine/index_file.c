#include "engine/index_file.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/literal.h"
#include "engine/partitions.h"
#include "engine/sql.h"
#include "util/mem.h"

static int run(struct engine *e, struct str *sql, struct error *err)
{
    int rc = str_check(sql, "a statement of the index", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql->data, err);
    str_release(sql);
    return rc;
}

static int query(struct engine *e, struct str *sql, engine_visit *visit, void *ctx,
                 struct error *err)
{
    int rc = str_check(sql, "a statement of the index", err);
    if (rc == ERR_OK)
        rc = engine_query(e, sql->data, visit, ctx, err);
    str_release(sql);
    return rc;
}

/* Key columns and hash as a shard stores them. */
static void stored_columns(const struct schema *s, const char *alias, struct str *out)
{
    relation_keys(s, alias, out);
    if (s->track_revisions)
        str_printf(out, ", %s%srow_hash", alias, alias[0] != '\0' ? "." : "");
}

static void shard_files(const struct schema *s, const char *const *paths, size_t count,
                        struct str *out)
{
    relation_files(s, s->track_revisions ? RELATION_KEYS_ROW : RELATION_KEYS, paths, count, out);
}

int index_file_attach(struct engine *e, const struct schema *s, const char *const *paths,
                      size_t count, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "CREATE OR REPLACE VIEW index_keys AS SELECT ");
    if (count > 0) {
        stored_columns(s, "", &sql);
        str_append(&sql, " FROM ");
        shard_files(s, paths, count, &sql);
        return run(e, &sql, err);
    }
    for (size_t i = 0; i < s->key_count; i++) {
        str_append(&sql, "CAST(NULL AS ");
        sql_type(&sql, s->columns[s->key[i]].type);
        str_printf(&sql, ") AS c%zu, ", s->key[i]);
    }
    str_append(&sql, "CAST(NULL AS UBIGINT) AS row_hash WHERE false");
    return run(e, &sql, err);
}

/* "c3 <op> literal" for the i-th column of the key; NULL is greater than everything. */
static void compare_column(const struct schema *s, const struct index_bound *b, size_t i,
                           bool greater, struct str *out)
{
    const struct schema_column *column = &s->columns[s->key[i]];
    const char *value = b->values[i];
    if (value == NULL && greater) {
        str_append(out, "false");
        return;
    }
    if (value == NULL) {
        str_printf(out, "c%zu IS NULL", s->key[i]);
        return;
    }
    str_printf(out, "(c%zu %s ", s->key[i], greater ? ">" : "=");
    literal_of(out, value, column->type);
    /* Never NULL itself, so that it can be negated. */
    str_printf(out, " %s c%zu IS %s)", greater ? "OR" : "AND", s->key[i],
               greater ? "NULL" : "NOT NULL");
}

/*
 * Is the key at or after the bound, in the order of ORDER BY? Column by column: DuckDB would make a
 * BETWEEN of two comparisons of row(...), and has none for structs.
 */
static void at_or_after(const struct schema *s, const struct index_bound *b, struct str *out)
{
    str_append(out, "(");
    for (size_t last = 0; last <= s->key_count; last++) {
        str_append(out, last > 0 ? " OR (" : "(");
        for (size_t i = 0; i < last; i++) {
            compare_column(s, b, i, false, out);
            str_append(out, i + 1 < s->key_count ? " AND " : "");
        }
        if (last < s->key_count)
            compare_column(s, b, last, true, out);
        str_append(out, ")");
    }
    str_append(out, ")");
}

/* Does a row belong to the slice? `part` is an expression of its partition. */
static void slice_condition(const struct schema *s, const struct index_slice *slice,
                            const char *part, struct str *out)
{
    if (slice->by_partition) {
        str_printf(out, "%s = %d", part, slice->partition);
        return;
    }
    str_append(out, "true");
    if (slice->lower.values != NULL) {
        str_append(out, " AND ");
        at_or_after(s, &slice->lower, out);
    }
    if (slice->upper.values != NULL) {
        str_append(out, " AND NOT ");
        at_or_after(s, &slice->upper, out);
    }
}

struct touched {
    uint64_t *rows;
    uint64_t *outside;
    size_t count;
};

static int take_touched(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct touched *t = ctx;
    uint64_t inside = 0;
    for (size_t i = 0; i < t->count; i++) {
        t->rows[i] = strtoull(row->values[i + 1], NULL, 10);
        inside += t->rows[i];
    }
    *t->outside = strtoull(row->values[0], NULL, 10) - inside;
    return ERR_OK;
}

int index_file_touched(struct engine *e, const struct schema *s, const char *table,
                       const struct index_slice *slices, size_t count, uint64_t *rows,
                       uint64_t *outside, struct error *err)
{
    struct str sql;
    struct str part;
    str_init(&sql, STR_MAX_DEFAULT);
    str_init(&part, STR_MAX_DEFAULT);
    relation_partition(s, "", &part);
    str_append(&sql, "SELECT CAST(count(*) AS VARCHAR)");
    for (size_t i = 0; i < count; i++) {
        str_append(&sql, ", CAST(count(*) FILTER (WHERE ");
        slice_condition(s, &slices[i], part.data, &sql);
        str_append(&sql, ") AS VARCHAR)");
    }
    str_printf(&sql, " FROM %s", table);
    struct touched t = {rows, outside, count};
    str_release(&part);
    return query(e, &sql, take_touched, &t, err);
}

int index_file_partitions(struct engine *e, const struct schema *s, const char *table,
                          int32_t **out, size_t *count, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT ");
    relation_partition(s, "", &sql);
    str_printf(&sql, " AS part FROM %s", table);
    int rc = partitions_query(e, &sql, out, count, err);
    str_release(&sql);
    return rc;
}

/*
 * Are the rows of a job in the order of the key as they come? `delta` and `index_all` are sorted by
 * partition and key, and a filter keeps the order.
 */
static bool is_sorted(const struct index_job *job)
{
    return job->slice.by_partition && job->old == NULL;
}

/* COPY of a SELECT (columns c<n> and row_hash) to a shard file, sorted by key, under real names. */
static void copy_shard(const struct schema *s, const char *select, const struct index_job *job,
                       struct str *out)
{
    str_append(out, "COPY (SELECT ");
    for (size_t i = 0; i < s->key_count; i++) {
        str_printf(out, "%sk.c%zu AS ", i > 0 ? ", " : "", s->key[i]);
        sql_name(out, s->columns[s->key[i]].name);
    }
    if (s->track_revisions)
        str_append(out, ", k.row_hash AS " COLUMN_ROW_HASH);
    str_printf(out, " FROM (%s", select);
    if (!is_sorted(job)) {
        str_append(out, " ORDER BY ");
        relation_keys(s, "", out);
    }
    sql_printf(out, ") k) TO %t ", job->path);
    relation_copy_options(s, s->track_revisions ? RELATION_KEYS_ROW : RELATION_KEYS, out);
}

/* Rows of `delta` that belong to the slice, and those of the old shard that they do not revise. */
static void merged_rows(const struct schema *s, const struct index_job *job, struct str *out)
{
    str_append(out, "SELECT ");
    stored_columns(s, "", out);
    str_append(out, " FROM delta WHERE ");
    slice_condition(s, &job->slice, "part", out);
    if (job->old == NULL)
        return;
    str_append(out, " UNION ALL SELECT ");
    stored_columns(s, "o", out);
    str_append(out, " FROM ");
    shard_files(s, &job->old, 1, out);
    str_append(out, " o ANTI JOIN (SELECT ");
    relation_keys(s, "", out);
    str_append(out, " FROM delta WHERE revised AND ");
    slice_condition(s, &job->slice, "part", out);
    str_append(out, ") d ON ");
    relation_keys_equal(s, "o", "d", out);
}

/* Rows of `index_all`, or of a shard file, that belong to the slice. */
static void sliced_rows(const struct schema *s, const struct index_job *job, struct str *out)
{
    str_append(out, "SELECT ");
    stored_columns(s, "", out);
    str_append(out, " FROM ");
    if (job->old != NULL)
        shard_files(s, &job->old, 1, out);
    else
        str_append(out, "index_all");
    str_append(out, " WHERE ");
    slice_condition(s, &job->slice, "part", out);
}

typedef void select_rows(const struct schema *s, const struct index_job *job, struct str *out);

static int write_shards(struct engine *e, const struct schema *s, const struct index_job *jobs,
                        size_t count, select_rows *select, struct error *err)
{
    char **statements = mem_calloc(count, sizeof *statements);
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        struct str rows;
        struct str copy;
        str_init(&rows, STR_MAX_DEFAULT);
        str_init(&copy, STR_MAX_DEFAULT);
        select(s, &jobs[i], &rows);
        copy_shard(s, rows.data, &jobs[i], &copy);
        rc = str_check(&copy, "a statement of the index", err);
        statements[i] = str_detach(&copy);
        str_release(&rows);
    }
    if (rc == ERR_OK)
        rc = engine_run_all(e, (const char *const *)statements, count, err);
    for (size_t i = 0; i < count; i++)
        free(statements[i]);
    free(statements);
    return rc;
}

int index_file_merge(struct engine *e, const struct schema *s, const struct index_job *jobs,
                     size_t count, struct error *err)
{
    return write_shards(e, s, jobs, count, merged_rows, err);
}

int index_file_build(struct engine *e, const struct schema *s, const struct index_job *jobs,
                     size_t count, struct error *err)
{
    return write_shards(e, s, jobs, count, sliced_rows, err);
}

int index_file_collect(struct engine *e, const struct schema *s, const struct relation_file *events,
                       size_t count, struct error *err)
{
    struct str what;
    struct str sql;
    str_init(&what, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    relation_partition(s, "e", &what);
    str_append(&what, " AS part, ");
    relation_keys(s, "e", &what);
    str_append(&what, ", ");
    relation_row_hash(s, "e", &what);
    str_append(&what, " AS row_hash");
    str_append(&sql, "CREATE OR REPLACE TABLE index_all AS SELECT * FROM (");
    relation_newest(s, what.data, events, count, &sql);
    str_append(&sql, ") ORDER BY part, ");
    relation_keys(s, "", &sql);
    str_release(&what);
    engine_blame(e, ERR_DAMAGED);
    int rc = run(e, &sql, err);
    engine_blame(e, ERR_SYSTEM);
    return rc;
}

void index_cuts_release(struct index_cuts *cuts)
{
    for (size_t i = 0; i < cuts->count; i++) {
        for (size_t k = 0; k < cuts->width; k++)
            free(cuts->bounds[i][k]);
        free(cuts->bounds[i]);
    }
    free(cuts->bounds);
    *cuts = (struct index_cuts){0};
}

static int take_cut(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct index_cuts *cuts = ctx;
    cuts->bounds = mem_grow(cuts->bounds, cuts->count, &cuts->capacity, sizeof *cuts->bounds);
    char **bound = mem_calloc(cuts->width, sizeof *bound);
    for (size_t k = 0; k < cuts->width; k++)
        bound[k] = mem_strdup(row->values[k]);
    cuts->bounds[cuts->count++] = bound;
    return ERR_OK;
}

int index_file_cuts(struct engine *e, const struct schema *s, const char *path, uint64_t range,
                    struct index_cuts *out, struct error *err)
{
    unsigned long long width = range > 0 ? range : INDEX_RANGE_KEYS;
    *out = (struct index_cuts){.width = s->key_count};
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT ");
    for (size_t i = 0; i < s->key_count; i++) {
        char name[32];
        snprintf(name, sizeof name, "c%zu", s->key[i]);
        str_append(&sql, i > 0 ? ", " : "");
        literal_text(&sql, name, s->columns[s->key[i]].type);
        str_printf(&sql, " AS t%zu", i);
    }
    str_append(&sql, " FROM (SELECT *, row_number() OVER (ORDER BY ");
    relation_keys(s, "", &sql);
    str_append(&sql, ") - 1 AS position, count(*) OVER () AS total FROM ");
    if (path != NULL)
        shard_files(s, &path, 1, &sql);
    else
        str_append(&sql, "index_all");
    str_printf(&sql,
               ") WHERE position > 0 AND position %% %llu = 0 AND total - position >= %llu "
               "ORDER BY position",
               width, width);
    int rc = query(e, &sql, take_cut, out, err);
    if (rc != ERR_OK)
        index_cuts_release(out);
    return rc;
}

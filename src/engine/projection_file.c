#include "engine/projection_file.h"

#include <stdlib.h>

#include "engine/partitions.h"
#include "engine/sql.h"
#include "util/mem.h"

/* Newer rows of the same key in any partition hide a row; needed where keys may move. */
static void hide_moved(const struct schema *s, const struct relation_file *all, size_t count,
                       struct str *out)
{
    const char **paths = mem_calloc(count, sizeof *paths);
    size_t n = 0;
    for (size_t i = 0; i < count; i++)
        if (all[i].revises)
            paths[n++] = all[i].path;
    if (n > 0) {
        str_append(out, " ANTI JOIN ");
        relation_files(s, RELATION_EVENT, paths, n, out);
        str_append(out, " m ON ");
        relation_keys_equal(s, "r", "m", out);
        str_append(out, " AND m._version > r._version");
    }
    free(paths);
}

static void sorted_rows(const struct schema *s, const struct projection_job *job,
                        const size_t *sort, size_t sort_count, struct str *out)
{
    struct str what;
    str_init(&what, STR_MAX_DEFAULT);
    relation_event(s, sort, sort_count, &what);
    str_printf(out, "SELECT r.%s FROM (", relation_whole(s));
    relation_newest(s, what.data, job->own, job->own_count, out);
    str_append(out, ") r");
    str_release(&what);
    if (!schema_partition_in_key(s))
        hide_moved(s, job->all, job->all_count, out);
    str_append(out, " ORDER BY ");
    for (size_t i = 0; i < sort_count; i++)
        str_printf(out, "r.c%zu, ", sort[i]);
    relation_keys(s, "r", out);
}

static void copy_partition(const struct schema *s, const struct projection_job *job,
                           const size_t *sort, size_t sort_count, struct str *out)
{
    struct str rows;
    str_init(&rows, STR_MAX_DEFAULT);
    sorted_rows(s, job, sort, sort_count, &rows);
    str_append(out, "COPY (SELECT ");
    relation_named(s, "p", out);
    str_append(out, ", p." COLUMN_VERSION ", p." COLUMN_INGESTED_AT " FROM ");
    relation_rows(s, true, rows.data, out);
    sql_printf(out, " p) TO %t ", job->path);
    relation_copy_options(s, RELATION_EVENT, out);
    str_release(&rows);
}

int projection_file_write(struct engine *e, const struct schema *s,
                          const struct projection_job *jobs, size_t count, const size_t *sort,
                          size_t sort_count, struct error *err)
{
    char **statements = mem_calloc(count, sizeof *statements);
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        struct str copy;
        str_init(&copy, STR_MAX_DEFAULT);
        copy_partition(s, &jobs[i], sort, sort_count, &copy);
        rc = str_check(&copy, "the statement of a projection", err);
        statements[i] = str_detach(&copy);
    }
    engine_blame(e, ERR_DAMAGED);
    if (rc == ERR_OK)
        rc = engine_run_all(e, (const char *const *)statements, count, err);
    engine_blame(e, ERR_SYSTEM);
    for (size_t i = 0; i < count; i++)
        free(statements[i]);
    free(statements);
    return rc;
}

static void list_files(const struct schema *s, const struct relation_file *files, size_t count,
                       struct str *out)
{
    const char **paths = mem_calloc(count, sizeof *paths);
    for (size_t i = 0; i < count; i++)
        paths[i] = files[i].path;
    relation_files(s, RELATION_EVENT, paths, count, out);
    free(paths);
}

int projection_file_losers(struct engine *e, const struct schema *s,
                           const struct relation_file *newer, size_t newer_count,
                           const struct relation_file *older, size_t older_count, int32_t **out,
                           size_t *count, struct error *err)
{
    *out = NULL;
    *count = 0;
    if (newer_count == 0 || older_count == 0)
        return ERR_OK;
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT ");
    relation_partition(s, "o", &sql);
    str_append(&sql, " AS part FROM ");
    list_files(s, older, older_count, &sql);
    str_append(&sql, " o SEMI JOIN ");
    list_files(s, newer, newer_count, &sql);
    str_append(&sql, " n ON ");
    relation_keys_equal(s, "o", "n", &sql);
    engine_blame(e, ERR_DAMAGED);
    int rc = partitions_query(e, &sql, out, count, err);
    engine_blame(e, ERR_SYSTEM);
    str_release(&sql);
    return rc;
}

int projection_file_equal(struct engine *e, const struct schema *s, const char *a, const char *b,
                          bool *equal, struct error *err)
{
    uint64_t different = 0;
    struct str columns;
    struct str left;
    struct str right;
    struct str sql;
    str_init(&columns, STR_MAX_DEFAULT);
    str_init(&left, STR_MAX_DEFAULT);
    str_init(&right, STR_MAX_DEFAULT);
    str_init(&sql, STR_MAX_DEFAULT);
    /* 128 bits for each row: whole rows, of many columns, do not fit into memory. */
    str_append(&columns, "cauce_key_hash(");
    relation_columns(s, "", &columns);
    str_append(&columns, ", " COLUMN_VERSION ", " COLUMN_INGESTED_AT ")");
    relation_files(s, RELATION_EVENT, &a, 1, &left);
    relation_files(s, RELATION_EVENT, &b, 1, &right);
    sql_printf(&sql,
               "SELECT (SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s)) + "
               "(SELECT count(*) FROM (SELECT %s FROM %s EXCEPT ALL SELECT %s FROM %s))",
               columns.data, left.data, columns.data, right.data, columns.data, right.data,
               columns.data, left.data);
    engine_blame(e, ERR_DAMAGED);
    int rc = engine_count(e, sql.data, &different, err);
    engine_blame(e, ERR_SYSTEM);
    *equal = different == 0;
    str_release(&columns);
    str_release(&left);
    str_release(&right);
    str_release(&sql);
    return rc;
}

int projection_file_same_columns(struct engine *e, const char *a, const char *b, bool *same,
                                 struct error *err)
{
    static const char columns[] = "SELECT name, type, converted_type, logical_type, scale, "
                                  "precision, field_id FROM parquet_schema";
    uint64_t different = 0;
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql,
               "SELECT (SELECT count(*) FROM (%s(%t) EXCEPT ALL %s(%t))) + "
               "(SELECT count(*) FROM (%s(%t) EXCEPT ALL %s(%t)))",
               columns, a, columns, b, columns, b, columns, a);
    engine_blame(e, ERR_DAMAGED);
    int rc = engine_count(e, sql.data, &different, err);
    engine_blame(e, ERR_SYSTEM);
    *same = different == 0;
    str_release(&sql);
    return rc;
}

#include "engine/allow_list.h"

#include <string.h>

#include "engine/sql.h"
#include "util/str.h"

#define TABLE_FUNCTIONS \
    "('range', 'generate_series', 'unnest', 'repeat', 'repeat_row', 'json_each', 'json_tree')"

/*
 * DuckDB calls these constant, though they read the session, the catalog or the clock, wait, or draw a sample. (It marks
 * the others itself: random, uuid, now, current_date, nextval, write_log ...)
 */
#define NOT_CONSTANT                                                                           \
    "('current_setting', 'getvariable', 'version', 'current_localtime', "                      \
    "'current_localtimestamp', 'current_user', 'current_role', 'session_user', 'user', "       \
    "'current_catalog', 'current_database', 'current_schema', 'current_schemas', "             \
    "'current_query', 'reservoir_quantile', 'pg_conf_load_time', 'pg_postmaster_start_time', " \
    "'pg_my_temp_schema', 'json_serialize_plan', 'ago', 'pg_sleep', 'get_block_size', "        \
    "'format_type', 'pg_get_viewdef', 'pg_get_constraintdef')"

/* age() of one argument counts from today; of two it is constant. */
#define COUNTS_FROM_TODAY                                                                      \
    "(function = 'age' AND (SELECT count(*) FROM item list JOIN item entry ON entry.parent = " \
    "list.id WHERE list.parent = place.id AND list.key = 'children') < 2)"

/* Words without parentheses that are functions where no column has their name. */
#define CLOCK_WORDS                                                                         \
    "('current_date', 'current_time', 'current_timestamp', 'localtime', 'localtimestamp', " \
    "'current_user', 'current_role', 'session_user', 'user', 'current_catalog', "           \
    "'current_schema')"

/*
 * Every node of the parsed statement with the fields that decide, and of those the ones that are
 * not allowed, in the order of the text. error() is not constant, and yet useful: it ends a run. A
 * name in WITH must not be one that also means something outside its scope: a file, or a table.
 */
static const char FIND[] =
    "WITH item AS MATERIALIZED (SELECT id, parent, key, type, CAST(atom ->> '$' AS VARCHAR) AS text "
    "FROM json_tree(json_serialize_sql(%t))), "
    "node AS MATERIALIZED (SELECT parent AS id, "
    "any_value(text) FILTER (key = 'class') AS class, "
    "any_value(text) FILTER (key = 'type') AS kind, "
    "lower(any_value(text) FILTER (key = 'function_name')) AS function, "
    "any_value(text) FILTER (key = 'table_name') AS relation, "
    "any_value(text) FILTER (key = 'schema_name') AS schema, "
    "any_value(text) FILTER (key = 'catalog_name') AS catalog, "
    "bool_or(key = 'sample' AND type = 'OBJECT') AS sampled, "
    "bool_or(key = 'sample') AND bool_or(key = 'alias') AS is_table "
    "FROM item GROUP BY parent), "
    "place AS (SELECT n.*, i.key, up.kind AS above FROM node n JOIN item i ON i.id = n.id "
    "LEFT JOIN node up ON up.id = i.parent), "
    "word AS (SELECT i.parent AS id, lower(i.text) AS text FROM item i "
    "JOIN item names ON names.id = i.parent AND names.key = 'column_names' "
    "WHERE (SELECT count(*) FROM item other WHERE other.parent = names.id) = 1), "
    "cte AS (SELECT DISTINCT i.id, i.text FROM item i JOIN item entry ON entry.id = i.parent "
    "JOIN item map ON map.id = entry.parent JOIN item ctes ON ctes.id = map.parent "
    "WHERE i.key = 'key' AND map.key = 'map' AND ctes.key = 'cte_map'), "
    "known AS (SELECT lower(function_name) AS name FROM duckdb_functions() "
    "WHERE function_type IN ('scalar', 'aggregate', 'macro') GROUP BY ALL "
    "HAVING bool_and(internal AND coalesce(stability, 'CONSISTENT') = 'CONSISTENT')), "
    "found AS ("
    "SELECT id, 'error' AS what, text AS name FROM item WHERE key = 'error_message' AND parent = 0 "
    "UNION ALL SELECT id, 'table function', function FROM place WHERE class = 'FUNCTION' "
    "AND key = 'function' AND above = 'TABLE_FUNCTION' AND function NOT IN " TABLE_FUNCTIONS
    "UNION ALL SELECT id, 'function', function FROM place WHERE function IS NOT NULL "
    "AND NOT (key = 'function' AND coalesce(above, '') = 'TABLE_FUNCTION') "
    "AND NOT (class = 'WINDOW' AND kind <> 'WINDOW_AGGREGATE') "
    "AND function NOT IN ('unnest', 'error') "
    "AND (function IN " NOT_CONSTANT " OR " COUNTS_FROM_TODAY
    " OR function NOT IN (SELECT name FROM known)) "
    "UNION ALL SELECT id, 'function', text FROM word WHERE text IN " CLOCK_WORDS
    "UNION ALL SELECT id, 'relation', concat_ws('.', nullif(catalog, ''), nullif(schema, ''), "
    "relation) FROM place WHERE kind = 'BASE_TABLE' AND NOT (coalesce(catalog, '') = '' "
    "AND coalesce(schema, '') = '' AND (lower(relation) IN ('source', 'raw') OR lower(relation) IN "
    "(SELECT lower(text) FROM cte))) "
    "UNION ALL SELECT id, 'name', text FROM cte WHERE lower(text) NOT IN ('source', 'raw') "
    "AND (NOT regexp_full_match(text, '[\\w ]+') OR lower(text) IN ("
    "SELECT lower(view_name) FROM duckdb_views() UNION ALL SELECT lower(table_name) FROM "
    "duckdb_tables())) "
    "UNION ALL SELECT id, 'clause', kind FROM place WHERE is_table AND kind NOT IN "
    "('SELECT_NODE', 'BASE_TABLE', 'SUBQUERY', 'JOIN', 'TABLE_FUNCTION', 'EXPRESSION_LIST', 'PIVOT', "
    "'EMPTY') "
    "UNION ALL SELECT id, 'sample', '' FROM place WHERE sampled) "
    "SELECT what, name FROM found ORDER BY id, what LIMIT 1";

static int refuse(const char *what, const char *name, struct error *err)
{
    if (strcmp(what, "table function") == 0)
        return error_set(
            err, ERR_CONFIG,
            "%s() is not allowed: besides the relations `source` and `raw`, the SQL may read from "
            "range, generate_series, unnest, repeat, repeat_row, json_each and "
            "json_tree only.",
            name);
    if (strcmp(what, "function") == 0)
        return error_set(
            err, ERR_CONFIG,
            "%s() is not allowed: the SQL may only use functions of DuckDB that compute from their "
            "arguments alone, and neither read files, settings or the clock nor give a different "
            "result each time. (A column of that name is written source.%s.)",
            name, name);
    if (strcmp(what, "relation") == 0)
        return error_set(
            err, ERR_CONFIG,
            "\"%s\" is not allowed: the SQL may read the relations `source` and `raw` and its own "
            "WITH only.",
            name);
    if (strcmp(what, "name") == 0)
        return error_set(err, ERR_CONFIG,
                         "\"%s\" is not allowed as a name in WITH: choose one made of letters and "
                         "digits that DuckDB does not use itself.",
                         name);
    if (strcmp(what, "sample") == 0)
        return error_set(err, ERR_CONFIG,
                         "a sample is not allowed: it would give different rows each time.");
    return error_set(err, ERR_CONFIG, "the SQL must be one SELECT; it is another statement (%s).",
                     name);
}

static int take_refused(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)ctx;
    return refuse(row->values[0], row->values[1], err);
}

int allow_list_check(struct engine *e, const char *sql, struct error *err)
{
    struct str find;
    str_init(&find, STR_MAX_DEFAULT);
    sql_printf(&find, FIND, sql);
    int rc = str_check(&find, "the user's SQL", err);
    if (rc == ERR_OK)
        rc = engine_query(e, find.data, take_refused, NULL, err);
    str_release(&find);
    return rc;
}

#include "engine/unique.h"

#include "engine/engine.h"
#include "engine/feed.h"
#include "engine/relation.h"

/* What DuckDB needs to group one row, generously: it does not spill below some 32 MiB a thread. */
#define GROUP_BYTES_PER_ROW 100

/* In how many slices by hash the keys are grouped, so that each needs a quarter of the memory. */
static uint64_t count_slices(const struct engine *e, uint64_t rows)
{
    uint64_t share = engine_memory(e) / 4;
    return share == 0 ? 1 : 1 + rows * GROUP_BYTES_PER_ROW / share;
}

/*
 * Group by key the rows whose hash occurred again, at most `rows`: equal hashes are not yet equal
 * keys.
 */
static int group_suspects(struct engine *e, const char *keys, const char *winner, uint64_t rows,
                          struct error *err)
{
    uint64_t slices = count_slices(e, rows);
    int rc = ERR_OK;
    for (uint64_t i = 0; i < slices && rc == ERR_OK; i++)
        rc = engine_runf(e, err,
                         "INSERT INTO repeated SELECT %s, %s, count(*) FROM source_rows "
                         "WHERE cauce_hash_came_again(hash(%s)) AND hash(%s) // 65536 %% %u = %u "
                         "GROUP BY %s HAVING count(*) > 1",
                         keys, winner, keys, keys, (unsigned long long)slices,
                         (unsigned long long)i, keys);
    return rc;
}

/* The table `repeated`: each key that is repeated, its last row, and how often it occurs. */
static int find_repeated(struct engine *e, const char *keys, const char *winner, uint64_t rows,
                         struct error *err)
{
    uint64_t met = 0;
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_printf(&sql, "SELECT count(*) FROM source_rows WHERE cauce_note_hash(hash(%s))", keys);
    uint64_t room = engine_memory(e) > 0 ? engine_memory(e) / 8 : UINT64_MAX;
    int rc = engine_repeats_begin(e, rows, room, err);
    if (rc == ERR_OK)
        rc = engine_runf(e, err,
                         "CREATE OR REPLACE TABLE repeated AS "
                         "SELECT %s, rowid AS last, 0 AS times FROM source_rows WHERE false",
                         keys);
    if (rc == ERR_OK)
        rc = str_check(&sql, "a statement that looks for repeated keys", err);
    if (rc == ERR_OK)
        rc = engine_count(e, sql.data, &met, err);
    /* One row of each bit that was met again was the first. */
    if (rc == ERR_OK && met > 0)
        rc = group_suspects(e, keys, winner, 2 * met, err);
    if (rc == ERR_OK)
        rc = engine_repeats_end(e, err);
    str_release(&sql);
    return rc;
}

/* The row that counts, as an aggregate over the rows of one key. */
static void winner_expression(const struct schema *schema, enum unique_winner winner,
                              struct str *out)
{
    if (winner == UNIQUE_LAST) {
        str_append(out, "max(rowid)");
        return;
    }
    str_append(out, "arg_max(rowid, row(");
    relation_columns(schema, "", out);
    str_append(out, "))");
}

int unique_find(struct engine *e, const struct schema *schema, uint64_t rows,
                enum unique_winner winner, uint64_t *repeated, struct error *err)
{
    struct str keys;
    struct str counts;
    str_init(&keys, STR_MAX_DEFAULT);
    str_init(&counts, STR_MAX_DEFAULT);
    relation_keys(schema, "", &keys);
    winner_expression(schema, winner, &counts);
    int rc = find_repeated(e, keys.data, counts.data, rows, err);
    if (rc == ERR_OK)
        rc = engine_count(e, "SELECT coalesce(sum(times - 1), 0) FROM repeated", repeated, err);
    str_release(&keys);
    str_release(&counts);
    return rc;
}

int unique_sample(struct engine *e, const struct schema *schema, engine_visit *visit, void *ctx,
                  struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "SELECT CAST(min(s.rowid) AS VARCHAR), CAST(any_value(r.last) AS VARCHAR), "
                     "CAST(any_value(row(");
    relation_keys(schema, "s", &sql);
    str_append(&sql, ")) AS VARCHAR) FROM source_rows s JOIN repeated r ON ");
    relation_keys_equal(schema, "s", "r", &sql);
    str_append(&sql, " GROUP BY r.rowid ORDER BY min(s.rowid) LIMIT 20");
    int rc = engine_query(e, sql.data, visit, ctx, err);
    str_release(&sql);
    return rc;
}

int unique_keep(struct engine *e, const struct schema *schema, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    str_append(&sql, "DELETE FROM source_rows" FEED_STORED " WHERE rowid IN (SELECT s.rowid "
                     "FROM source_rows s JOIN repeated r ON s.rowid <> r.last AND ");
    relation_keys_equal(schema, "s", "r", &sql);
    str_append(&sql, ")");
    int rc = engine_run(e, sql.data, err);
    str_release(&sql);
    return rc;
}

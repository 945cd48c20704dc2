#include "engine/database_feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"
#include "util/mem.h"

/* Rows of one chunk of the database. A multiple of 8: bitmaps of a batch are cut between bytes. */
#define CHUNK_ROWS 2048

struct database_feed {
    struct database *database;
    duckdb_appender appender;
    duckdb_data_chunk chunk;
    size_t columns;
};

/* ---- The table ----------------------------------------------------------------------------- */

static duckdb_logical_type logical_type(struct type type)
{
    static const duckdb_type ids[] = {
        [TYPE_BOOLEAN] = DUCKDB_TYPE_BOOLEAN, [TYPE_INT] = DUCKDB_TYPE_INTEGER,
        [TYPE_BIGINT] = DUCKDB_TYPE_BIGINT,   [TYPE_DOUBLE] = DUCKDB_TYPE_DOUBLE,
        [TYPE_TEXT] = DUCKDB_TYPE_VARCHAR,    [TYPE_DATE] = DUCKDB_TYPE_DATE,
        [TYPE_TIME] = DUCKDB_TYPE_TIME,       [TYPE_TIMESTAMP] = DUCKDB_TYPE_TIMESTAMP_TZ,
        [TYPE_UUID] = DUCKDB_TYPE_UUID,       [TYPE_BINARY] = DUCKDB_TYPE_BLOB,
    };
    _Static_assert(sizeof ids / sizeof *ids == TYPE_COUNT, "every type is one of DuckDB's");
    if (type.kind == TYPE_DECIMAL)
        return duckdb.create_decimal_type(type.precision, type.scale);
    return duckdb.create_logical_type(ids[type.kind]);
}

static int create_table(struct database *d, const char *table, const struct type *types,
                        size_t count, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    sql_printf(&sql, "CREATE OR REPLACE TABLE %n (", table);
    for (size_t i = 0; i < count; i++) {
        str_printf(&sql, "%sc%zu ", i > 0 ? ", " : "", i);
        sql_type(&sql, types[i]);
    }
    str_append(&sql, ")");
    int rc = str_check(&sql, "the statement that makes a table", err);
    if (rc == ERR_OK)
        rc = database_run(d, sql.data, err);
    str_release(&sql);
    return rc;
}

static int open_appender(struct database_feed *f, const char *table, const struct type *types,
                         struct error *err)
{
    if (duckdb.appender_create(f->database->connection, NULL, table, &f->appender) != DuckDBSuccess)
        return database_failed(f->database, duckdb.appender_error(f->appender), err);
    duckdb_logical_type *logical = mem_calloc(f->columns, sizeof(duckdb_logical_type));
    for (size_t i = 0; i < f->columns; i++)
        logical[i] = logical_type(types[i]);
    f->chunk = duckdb.create_data_chunk(logical, f->columns);
    for (size_t i = 0; i < f->columns; i++)
        duckdb.destroy_logical_type(&logical[i]);
    free(logical);
    return ERR_OK;
}

int database_feed_open(struct database *d, const char *table, const struct type *types,
                       size_t count, struct database_feed **out, struct error *err)
{
    int rc = create_table(d, table, types, count, err);
    if (rc != ERR_OK)
        return rc;
    struct database_feed *f = mem_calloc(1, sizeof *f);
    f->database = d;
    f->columns = count;
    rc = open_appender(f, table, types, err);
    if (rc == ERR_OK)
        *out = f;
    else
        database_feed_free(f);
    return rc;
}

/* ---- Values: `count` of them from `first` on, to the beginning of a vector -------------------- */

static void put_small_decimals(const struct column *c, size_t first, size_t count, void *to)
{
    const int64_t *from = (const int64_t *)c->values + first;
    if (c->type.precision > 9)
        memcpy(to, from, count * sizeof *from);
    else if (c->type.precision > 4)
        for (size_t i = 0; i < count; i++)
            ((int32_t *)to)[i] = (int32_t)from[i];
    else
        for (size_t i = 0; i < count; i++)
            ((int16_t *)to)[i] = (int16_t)from[i];
}

/*
 * The database keeps a UUID as a number whose highest bit is flipped, so that it sorts as a signed
 * one.
 */
static void put_uuids(const struct column *c, size_t first, size_t count, duckdb_hugeint *to)
{
    const struct uuid *from = (const struct uuid *)c->values + first;
    for (size_t i = 0; i < count; i++) {
        uint64_t high = 0;
        uint64_t low = 0;
        for (size_t k = 0; k < 8; k++) {
            high = high << 8 | from[i].bytes[k];
            low = low << 8 | from[i].bytes[8 + k];
        }
        to[i] = (duckdb_hugeint){.lower = low, .upper = (int64_t)(high ^ (uint64_t)1 << 63)};
    }
}

/* Long texts stay where they are: the appender copies them before its call returns. */
static void put_texts(const struct column *c, size_t first, size_t count, duckdb_string_t *to)
{
    for (size_t i = 0; i < count; i++) {
        size_t length;
        const char *bytes = column_bytes(c, first + i, &length);
        duckdb_string_t text = {0};
        text.value.inlined.length = (uint32_t)length;
        if (length <= sizeof text.value.inlined.inlined) {
            memcpy(text.value.inlined.inlined, bytes, length);
        } else {
            memcpy(text.value.pointer.prefix, bytes, sizeof text.value.pointer.prefix);
            text.value.pointer.ptr = mem_unconst(bytes);
        }
        to[i] = text;
    }
}

static void put_values(const struct column *c, size_t first, size_t count, void *to)
{
    size_t width = column_width(c->type);
    if (c->offsets != NULL)
        put_texts(c, first, count, to);
    else if (c->type.kind == TYPE_UUID)
        put_uuids(c, first, count, to);
    else if (c->type.kind == TYPE_DECIMAL && c->type.precision <= COLUMN_DECIMAL_SMALL)
        put_small_decimals(c, first, count, to);
    else
        memcpy(to, (const char *)c->values + first * width, count * width);
}

/* Both bitmaps have the first value in the lowest bit. */
static void put_column(const struct column *c, size_t first, size_t count, duckdb_vector to)
{
    put_values(c, first, count, duckdb.vector_get_data(to));
    if (c->nulls == 0)
        return;
    duckdb.vector_ensure_validity_writable(to);
    memcpy(duckdb.vector_get_validity(to), c->valid + first / 8, (count + 7) / 8);
}

static int put_chunk(struct database_feed *f, const struct batch *b, size_t first, size_t count,
                     struct error *err)
{
    duckdb.data_chunk_reset(f->chunk);
    for (size_t i = 0; i < f->columns; i++)
        put_column(&b->columns[i], first, count, duckdb.data_chunk_get_vector(f->chunk, i));
    duckdb.data_chunk_set_size(f->chunk, count);
    if (duckdb.append_data_chunk(f->appender, f->chunk) == DuckDBSuccess)
        return ERR_OK;
    return database_failed(f->database, duckdb.appender_error(f->appender), err);
}

int database_feed_put(struct database_feed *f, const struct batch *b, struct error *err)
{
    assert(b->column_count == f->columns);
    int rc = ERR_OK;
    for (size_t i = 0; i < b->rows && rc == ERR_OK; i += CHUNK_ROWS)
        rc = put_chunk(f, b, i, b->rows - i < CHUNK_ROWS ? b->rows - i : CHUNK_ROWS, err);
    return rc;
}

int database_feed_close(struct database_feed *f, struct error *err)
{
    if (duckdb.appender_close(f->appender) == DuckDBSuccess)
        return ERR_OK;
    return database_failed(f->database, duckdb.appender_error(f->appender), err);
}

void database_feed_free(struct database_feed *f)
{
    if (f == NULL)
        return;
    if (f->chunk != NULL)
        duckdb.destroy_data_chunk(&f->chunk);
    if (f->appender != NULL)
        duckdb.appender_destroy(&f->appender);
    free(f);
}

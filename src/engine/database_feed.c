#include "engine/database_feed.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "engine/feed.h"
#include "engine/packed.h"
#include "engine/sql.h"
#include "util/mem.h"

/* Rows of one chunk of the database. A multiple of 8: bitmaps of a batch are cut between bytes. */
#define CHUNK_ROWS 2048

/* The same of a table of packed rows: more would only take memory. */
#define PACKED_CHUNK_ROWS 64

struct database_feed {
    struct database *database;
    duckdb_appender appender;
    duckdb_data_chunk chunk;  /* of all columns; of rows to be packed, their number behind them */
    duckdb_data_chunk places; /* of rows that were packed; NULL: they are not */
    unsigned file;            /* where they are, as long as the process lives */
    size_t columns;
    int64_t rows; /* so far */
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

static void list_columns(struct str *sql, const struct type *types, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        str_printf(sql, "%sc%zu ", i > 0 ? ", " : "", i);
        sql_type(sql, types[i]);
    }
}

static void columns_as_they_are(struct str *sql, const char *table, const char *stored,
                                const struct type *types, size_t count)
{
    sql_printf(sql, "CREATE OR REPLACE TABLE %n (", stored);
    list_columns(sql, types, count);
    sql_printf(sql, "); CREATE OR REPLACE VIEW %n AS SELECT *, rowid FROM %n", table, stored);
}

static void columns_packed(struct str *sql, const char *table, const char *stored,
                           const struct type *types, size_t count)
{
    struct str select;
    str_init(&select, STR_MAX_DEFAULT);
    sql_printf(&select, "SELECT packed FROM %n", stored);
    sql_printf(sql,
               "CREATE OR REPLACE TABLE %n (packed BIGINT); CREATE OR REPLACE VIEW %n AS "
               "SELECT * FROM cauce_unpack(%t, CAST(NULL AS STRUCT(",
               stored, table, select.data);
    list_columns(sql, types, count);
    str_append(sql, ", rowid BIGINT)))");
    str_release(&select);
}

static int create_table(struct database *d, const char *table, const char *stored,
                        const struct type *types, size_t count, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    if (count > PACKED_COLUMNS)
        columns_packed(&sql, table, stored, types, count);
    else
        columns_as_they_are(&sql, table, stored, types, count);
    int rc = str_check(&sql, "the statement that makes a table", err);
    if (rc == ERR_OK)
        rc = database_run(d, sql.data, err);
    str_release(&sql);
    return rc;
}

static void create_chunks(struct database_feed *f, const struct type *types)
{
    size_t count = f->columns;
    duckdb_logical_type *logical = mem_calloc(count + 1, sizeof(duckdb_logical_type));
    for (size_t i = 0; i < count; i++)
        logical[i] = logical_type(types[i]);
    if (count > PACKED_COLUMNS) {
        duckdb_logical_type number = duckdb.create_logical_type(DUCKDB_TYPE_BIGINT);
        f->places = duckdb.create_data_chunk(&number, 1);
        logical[count++] = number;
    }
    f->chunk = duckdb.create_data_chunk(logical, count);
    for (size_t i = 0; i < count; i++)
        duckdb.destroy_logical_type(&logical[i]);
    free(logical);
}

static int open_table(struct database_feed *f, const char *table, const struct type *types,
                      struct error *err)
{
    char *stored = mem_printf("%s" FEED_STORED, table);
    int rc = create_table(f->database, table, stored, types, f->columns, err);
    if (rc == ERR_OK && duckdb.appender_create(f->database->connection, NULL, stored,
                                               &f->appender) != DuckDBSuccess)
        rc = database_failed(f->database, duckdb.appender_error(f->appender), err);
    if (rc == ERR_OK && f->columns > PACKED_COLUMNS)
        rc = packed_file_open(&f->database->packed, &f->file, err);
    if (rc == ERR_OK)
        create_chunks(f, types);
    free(stored);
    return rc;
}

int database_feed_open(struct database *d, const char *table, const struct type *types,
                       size_t count, struct database_feed **out, struct error *err)
{
    struct database_feed *f = mem_calloc(1, sizeof *f);
    f->database = d;
    f->columns = count;
    int rc = open_table(f, table, types, err);
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

static int pack_chunk(struct database_feed *f, size_t count, struct error *err)
{
    int64_t *numbers = duckdb.vector_get_data(duckdb.data_chunk_get_vector(f->chunk, f->columns));
    for (size_t i = 0; i < count; i++)
        numbers[i] = f->rows + (int64_t)i;
    duckdb.data_chunk_reset(f->places);
    duckdb.data_chunk_set_size(f->places, count);
    return packed_rows(&f->database->packed, f->file, f->chunk,
                       duckdb.data_chunk_get_vector(f->places, 0), err);
}

static int put_chunk(struct database_feed *f, const struct batch *b, size_t first, size_t count,
                     struct error *err)
{
    int rc = ERR_OK;
    duckdb.data_chunk_reset(f->chunk);
    for (size_t i = 0; i < f->columns; i++)
        put_column(&b->columns[i], first, count, duckdb.data_chunk_get_vector(f->chunk, i));
    duckdb.data_chunk_set_size(f->chunk, count);
    if (f->places != NULL)
        rc = pack_chunk(f, count, err);
    f->rows += (int64_t)count;
    if (rc == ERR_OK && duckdb.append_data_chunk(
                            f->appender, f->places != NULL ? f->places : f->chunk) != DuckDBSuccess)
        rc = database_failed(f->database, duckdb.appender_error(f->appender), err);
    return rc;
}

int database_feed_put(struct database_feed *f, const struct batch *b, struct error *err)
{
    assert(b->column_count == f->columns);
    size_t most = f->places != NULL ? PACKED_CHUNK_ROWS : CHUNK_ROWS;
    int rc = ERR_OK;
    for (size_t i = 0; i < b->rows && rc == ERR_OK; i += most)
        rc = put_chunk(f, b, i, b->rows - i < most ? b->rows - i : most, err);
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
    if (f->places != NULL)
        duckdb.destroy_data_chunk(&f->places);
    if (f->appender != NULL)
        duckdb.appender_destroy(&f->appender);
    free(f);
}

#include "engine/database_result.h"

#include <stdlib.h>
#include <string.h>

#include "engine/sql.h"
#include "util/mem.h"

struct database_result {
    struct database *database;
    struct database_statement statement;
    duckdb_result rows;
    bool has_rows; /* the query runs: from the first rows on */
    struct result_column *columns;
    size_t count;
};

/* ---- Columns ------------------------------------------------------------------------------- */

static const struct type whole = {TYPE_DECIMAL, 38, 0};

/* What values of each of the database's types become here. */
static const struct {
    duckdb_type id;
    enum result_kind kind;
    enum type_kind stored;
    enum cast_unit unit;
    bool local;
} kinds[] = {
    {DUCKDB_TYPE_BOOLEAN, RESULT_BOOLEAN, TYPE_BOOLEAN, 0, false},
    {DUCKDB_TYPE_TINYINT, RESULT_INTEGER, TYPE_INT, 0, false},
    {DUCKDB_TYPE_SMALLINT, RESULT_INTEGER, TYPE_INT, 0, false},
    {DUCKDB_TYPE_INTEGER, RESULT_INTEGER, TYPE_INT, 0, false},
    {DUCKDB_TYPE_UTINYINT, RESULT_INTEGER, TYPE_INT, 0, false},
    {DUCKDB_TYPE_USMALLINT, RESULT_INTEGER, TYPE_INT, 0, false},
    {DUCKDB_TYPE_UINTEGER, RESULT_INTEGER, TYPE_BIGINT, 0, false},
    {DUCKDB_TYPE_BIGINT, RESULT_INTEGER, TYPE_BIGINT, 0, false},
    {DUCKDB_TYPE_UBIGINT, RESULT_INTEGER, TYPE_DECIMAL, 0, false},
    {DUCKDB_TYPE_HUGEINT, RESULT_INTEGER, TYPE_DECIMAL, 0, false},
    {DUCKDB_TYPE_FLOAT, RESULT_FLOAT, TYPE_DOUBLE, 0, false},
    {DUCKDB_TYPE_DOUBLE, RESULT_DOUBLE, TYPE_DOUBLE, 0, false},
    {DUCKDB_TYPE_DECIMAL, RESULT_DECIMAL, TYPE_DECIMAL, 0, false},
    {DUCKDB_TYPE_VARCHAR, RESULT_TEXT, TYPE_TEXT, 0, false},
    {DUCKDB_TYPE_DATE, RESULT_DAYS, TYPE_DATE, 0, false},
    {DUCKDB_TYPE_TIME, RESULT_CLOCK, TYPE_BIGINT, CAST_MICROSECONDS, false},
    {DUCKDB_TYPE_TIME_TZ, RESULT_CLOCK, TYPE_BIGINT, CAST_MICROSECONDS, false},
    {DUCKDB_TYPE_TIME_NS, RESULT_CLOCK, TYPE_BIGINT, CAST_NANOSECONDS, false},
    {DUCKDB_TYPE_TIMESTAMP_S, RESULT_MOMENT, TYPE_BIGINT, CAST_SECONDS, true},
    {DUCKDB_TYPE_TIMESTAMP_MS, RESULT_MOMENT, TYPE_BIGINT, CAST_MILLISECONDS, true},
    {DUCKDB_TYPE_TIMESTAMP, RESULT_MOMENT, TYPE_BIGINT, CAST_MICROSECONDS, true},
    {DUCKDB_TYPE_TIMESTAMP_NS, RESULT_MOMENT, TYPE_BIGINT, CAST_NANOSECONDS, true},
    {DUCKDB_TYPE_TIMESTAMP_TZ, RESULT_MOMENT, TYPE_BIGINT, CAST_MICROSECONDS, false},
    {DUCKDB_TYPE_UUID, RESULT_UUID, TYPE_UUID, 0, false},
    {DUCKDB_TYPE_BLOB, RESULT_BINARY, TYPE_BINARY, 0, false},
};

static void describe_decimal(struct result_column *c, duckdb_logical_type type)
{
    c->stored = (struct type){TYPE_DECIMAL, duckdb.decimal_width(type), duckdb.decimal_scale(type)};
    c->physical = (int)duckdb.decimal_internal_type(type);
}

static void describe_column(const char *name, duckdb_logical_type type, struct result_column *out)
{
    duckdb_type id = duckdb.get_type_id(type);
    *out = (struct result_column){.name = mem_strdup(name),
                                  .kind = RESULT_NESTED,
                                  .stored = {TYPE_TEXT, 0, 0},
                                  .physical = DUCKDB_TYPE_VARCHAR};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (kinds[i].id != id)
            continue;
        out->kind = kinds[i].kind;
        out->stored =
            kinds[i].stored == TYPE_DECIMAL ? whole : (struct type){kinds[i].stored, 0, 0};
        out->unit = kinds[i].unit;
        out->local = kinds[i].local;
        out->physical = (int)id;
    }
    if (id == DUCKDB_TYPE_DECIMAL)
        describe_decimal(out, type);
}

static void describe_columns(struct database_result *r)
{
    duckdb_prepared_statement prepared = r->statement.prepared;
    r->count = (size_t)duckdb.prepared_statement_column_count(prepared);
    r->columns = mem_calloc(r->count, sizeof *r->columns);
    for (size_t i = 0; i < r->count; i++) {
        const char *name = duckdb.prepared_statement_column_name(prepared, i);
        duckdb_logical_type type = duckdb.prepared_statement_column_logical_type(prepared, i);
        describe_column(name != NULL ? name : "", type, &r->columns[i]);
        duckdb.free(mem_unconst(name));
        duckdb.destroy_logical_type(&type);
    }
}

/* ---- Opening ------------------------------------------------------------------------------- */

static bool any_nested(const struct database_result *r)
{
    for (size_t i = 0; i < r->count; i++)
        if (r->columns[i].kind == RESULT_NESTED)
            return true;
    return false;
}

/* The same query with text in place of what is nested. */
static int prepare_as_texts(struct database_result *r, const char *sql, struct error *err)
{
    struct str wrapped;
    str_init(&wrapped, STR_MAX_DEFAULT);
    str_append(&wrapped, "SELECT ");
    for (size_t i = 0; i < r->count; i++)
        str_printf(&wrapped, "%s%s#%zu%s", i > 0 ? ", " : "",
                   r->columns[i].kind == RESULT_NESTED ? "CAST(" : "", i + 1,
                   r->columns[i].kind == RESULT_NESTED ? " AS VARCHAR)" : "");
    sql_printf(&wrapped, " FROM (%s\n)", sql);
    database_statement_release(&r->statement);
    int rc = str_check(&wrapped, "a query", err);
    if (rc == ERR_OK)
        rc = database_prepare(r->database, r->database->reading, wrapped.data, &r->statement, err);
    str_release(&wrapped);
    return rc;
}

int database_result_open(struct database *d, const char *sql, struct database_result **out,
                         struct error *err)
{
    struct database_result *r = mem_calloc(1, sizeof *r);
    r->database = d;
    int rc = database_prepare(d, d->reading, sql, &r->statement, err);
    if (rc == ERR_OK)
        describe_columns(r);
    if (rc == ERR_OK && any_nested(r))
        rc = prepare_as_texts(r, sql, err);
    if (rc == ERR_OK)
        *out = r;
    else
        database_result_free(r);
    return rc;
}

const struct result_column *database_result_columns(const struct database_result *r, size_t *count)
{
    *count = r->count;
    return r->columns;
}

void database_result_free(struct database_result *r)
{
    if (r == NULL)
        return;
    if (r->has_rows)
        duckdb.destroy_result(&r->rows);
    database_statement_release(&r->statement);
    for (size_t i = 0; i < r->count; i++)
        free(r->columns[i].name);
    free(r->columns);
    free(r);
}

/* ---- Values -------------------------------------------------------------------------------- */

static int128 take_huge(const duckdb_hugeint *v)
{
    return (int128)((uint128)(uint64_t)v->upper << 64 | v->lower);
}

static void take_integer(const struct result_column *c, const void *data, idx_t row,
                         struct column *out)
{
    switch (c->physical) {
    case DUCKDB_TYPE_TINYINT:
        column_add_int(out, ((const int8_t *)data)[row]);
        break;
    case DUCKDB_TYPE_SMALLINT:
        column_add_int(out, ((const int16_t *)data)[row]);
        break;
    case DUCKDB_TYPE_UTINYINT:
        column_add_int(out, ((const uint8_t *)data)[row]);
        break;
    case DUCKDB_TYPE_USMALLINT:
        column_add_int(out, ((const uint16_t *)data)[row]);
        break;
    case DUCKDB_TYPE_INTEGER:
        column_add_int(out, ((const int32_t *)data)[row]);
        break;
    case DUCKDB_TYPE_UINTEGER:
        column_add_bigint(out, ((const uint32_t *)data)[row]);
        break;
    case DUCKDB_TYPE_BIGINT:
        column_add_bigint(out, ((const int64_t *)data)[row]);
        break;
    case DUCKDB_TYPE_UBIGINT:
        column_add_decimal(out, (int128)((const uint64_t *)data)[row]);
        break;
    default:
        column_add_decimal(out, take_huge((const duckdb_hugeint *)data + row));
        break;
    }
}

static void take_decimal(const struct result_column *c, const void *data, idx_t row,
                         struct column *out)
{
    switch (c->physical) {
    case DUCKDB_TYPE_SMALLINT:
        column_add_decimal(out, ((const int16_t *)data)[row]);
        break;
    case DUCKDB_TYPE_INTEGER:
        column_add_decimal(out, ((const int32_t *)data)[row]);
        break;
    case DUCKDB_TYPE_BIGINT:
        column_add_decimal(out, ((const int64_t *)data)[row]);
        break;
    default:
        column_add_decimal(out, take_huge((const duckdb_hugeint *)data + row));
        break;
    }
}

/* A time of day with an offset is not the time of its digits: only one in UTC can be taken. */
static int64_t take_clock(const struct result_column *c, const void *data, idx_t row)
{
    if (c->physical != DUCKDB_TYPE_TIME_TZ)
        return ((const int64_t *)data)[row];
    duckdb_time_tz_struct parts = duckdb.from_time_tz(((const duckdb_time_tz *)data)[row]);
    if (parts.offset != 0)
        return INT64_MIN;
    return ((int64_t)parts.time.hour * 3600 + parts.time.min * 60 + parts.time.sec) * 1000000 +
           parts.time.micros;
}

static void take_uuid(const duckdb_hugeint *value, struct column *out)
{
    struct uuid uuid;
    uint64_t high = (uint64_t)value->upper ^ (uint64_t)1 << 63;
    for (unsigned i = 0; i < 8; i++) {
        uuid.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        uuid.bytes[8 + i] = (uint8_t)(value->lower >> (56 - 8 * i));
    }
    column_add_uuid(out, uuid);
}

static bool take_bytes(const void *data, idx_t row, struct column *out)
{
    /* A short text is inside it: the copy lives as long as it is read. */
    duckdb_string_t text = ((const duckdb_string_t *)data)[row];
    return column_add_bytes(out, duckdb.string_t_data(&text), duckdb.string_t_length(text));
}

/* False where the texts of a batch are too long for its column. */
static bool take_value(const struct result_column *c, const void *data, idx_t row,
                       struct column *out)
{
    switch (c->kind) {
    case RESULT_BOOLEAN:
        column_add_boolean(out, ((const bool *)data)[row]);
        return true;
    case RESULT_INTEGER:
        take_integer(c, data, row, out);
        return true;
    case RESULT_FLOAT:
        column_add_double(out, (double)((const float *)data)[row]);
        return true;
    case RESULT_DOUBLE:
        column_add_double(out, ((const double *)data)[row]);
        return true;
    case RESULT_DECIMAL:
        take_decimal(c, data, row, out);
        return true;
    case RESULT_DAYS:
        column_add_int(out, ((const int32_t *)data)[row]);
        return true;
    case RESULT_CLOCK:
        column_add_bigint(out, take_clock(c, data, row));
        return true;
    case RESULT_MOMENT:
        column_add_bigint(out, ((const int64_t *)data)[row]);
        return true;
    case RESULT_UUID:
        take_uuid((const duckdb_hugeint *)data + row, out);
        return true;
    case RESULT_TEXT:
    case RESULT_NESTED:
    case RESULT_BINARY:
        return take_bytes(data, row, out);
    }
    return false;
}

static bool take_column(const struct result_column *c, duckdb_vector vector, idx_t rows,
                        struct column *out)
{
    const void *data = duckdb.vector_get_data(vector);
    uint64_t *valid = duckdb.vector_get_validity(vector);
    column_reserve(out, rows);
    for (idx_t row = 0; row < rows; row++) {
        if (valid != NULL && (valid[row / 64] >> (row % 64) & 1) == 0)
            column_add_null(out);
        else if (!take_value(c, data, row, out))
            return false;
    }
    return true;
}

static int take_chunk(const struct database_result *r, duckdb_data_chunk chunk, struct batch *out,
                      struct error *err)
{
    idx_t rows = duckdb.data_chunk_get_size(chunk);
    for (size_t i = 0; i < r->count; i++)
        if (!take_column(&r->columns[i], duckdb.data_chunk_get_vector(chunk, i), rows,
                         &out->columns[i]))
            return error_set(err, ERR_LIMIT, "column \"%s\": %llu values are longer than 2 GiB.",
                             r->columns[i].name, (unsigned long long)rows);
    out->rows = rows;
    return ERR_OK;
}

int database_result_next(struct database_result *r, struct batch *out, struct error *err)
{
    batch_clear(out);
    int rc = ERR_OK;
    if (!r->has_rows)
        rc = database_stream(r->database, &r->statement, &r->rows, err);
    r->has_rows = true;
    if (rc != ERR_OK)
        return rc;
    duckdb_data_chunk chunk = duckdb.fetch_chunk(r->rows);
    if (chunk != NULL) {
        rc = take_chunk(r, chunk, out, err);
        duckdb.destroy_data_chunk(&chunk);
        return rc;
    }
    /* A stream looks the same at its end and after an error in the middle: ask which it was. */
    const char *message = duckdb.result_error(&r->rows);
    if (message != NULL && message[0] != '\0')
        return database_failed(r->database, message, err);
    return ERR_OK;
}

#include "engine/functions.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/duckdb_api.h"
#include "util/hash.h"
#include "util/mem.h"

/* Stored in hashes: never change a number. */
enum tag {
    TAG_NULL = 0,
    TAG_BOOLEAN = 1,
    TAG_INTEGER = 2,
    TAG_DOUBLE = 3,
    TAG_DECIMAL = 4,
    TAG_TEXT = 5,
    TAG_DATE = 6,
    TAG_TIME = 7,
    TAG_TIMESTAMP = 8,
    TAG_UUID = 9,
    TAG_BINARY = 10,
};

#define HEAD_SIZE 5 /* tag and length */

/* One argument of the function, for all rows of a chunk. */
struct column {
    duckdb_type type;
    duckdb_type physical; /* of a decimal */
    uint8_t scale;
    const void *data;
    uint64_t *valid;
};

/* Encoding of one row; grows to the longest row of the chunk. */
struct encoding {
    unsigned char *bytes;
    size_t length;
    size_t capacity;
};

static void reserve(struct encoding *e, size_t more)
{
    if (e->capacity - e->length >= more)
        return;
    size_t wanted = e->capacity * 2 + more;
    e->bytes = mem_resize(e->bytes, wanted, 1);
    e->capacity = wanted;
}

static void put_value(struct encoding *e, enum tag tag, const void *bytes, size_t count)
{
    reserve(e, HEAD_SIZE + count);
    unsigned char *p = e->bytes + e->length;
    uint32_t length = (uint32_t)count; /* DuckDB's strings are shorter than 4 GiB */
    p[0] = (unsigned char)tag;
    memcpy(p + 1, &length, sizeof length);
    if (count > 0)
        memcpy(p + HEAD_SIZE, bytes, count);
    e->length += HEAD_SIZE + count;
}

static void put_integer(struct encoding *e, enum tag tag, int64_t value)
{
    put_value(e, tag, &value, sizeof value);
}

static void put_double(struct encoding *e, double value)
{
    if (isnan(value))
        value = (double)NAN;
    if (value == 0.0)
        value = 0.0;
    put_value(e, TAG_DOUBLE, &value, sizeof value);
}

/* Unscaled value in 16 bytes and the scale, whatever width DuckDB keeps it in. */
static void put_decimal(struct encoding *e, const struct column *c, idx_t row)
{
    unsigned char bytes[17];
    int64_t low;
    switch ((int)c->physical) {
    case DUCKDB_TYPE_SMALLINT:
        low = ((const int16_t *)c->data)[row];
        break;
    case DUCKDB_TYPE_INTEGER:
        low = ((const int32_t *)c->data)[row];
        break;
    case DUCKDB_TYPE_BIGINT:
        low = ((const int64_t *)c->data)[row];
        break;
    default:
        memcpy(bytes, (const duckdb_hugeint *)c->data + row, 16);
        bytes[16] = c->scale;
        put_value(e, TAG_DECIMAL, bytes, sizeof bytes);
        return;
    }
    int64_t high = low < 0 ? -1 : 0;
    memcpy(bytes, &low, 8);
    memcpy(bytes + 8, &high, 8);
    bytes[16] = c->scale;
    put_value(e, TAG_DECIMAL, bytes, sizeof bytes);
}

/*
 * In the order of its text, high byte first: DuckDB keeps it as a number with the highest bit
 * flipped.
 */
static void put_uuid(struct encoding *e, const duckdb_hugeint *value)
{
    unsigned char bytes[16];
    uint64_t high = (uint64_t)value->upper ^ (uint64_t)1 << 63;
    for (unsigned i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(high >> (56 - 8 * i));
        bytes[8 + i] = (unsigned char)(value->lower >> (56 - 8 * i));
    }
    put_value(e, TAG_UUID, bytes, sizeof bytes);
}

static void put_string(struct encoding *e, enum tag tag, const duckdb_string_t *text)
{
    if (text->value.inlined.length <= sizeof text->value.inlined.inlined)
        put_value(e, tag, text->value.inlined.inlined, text->value.inlined.length);
    else
        put_value(e, tag, text->value.pointer.ptr, text->value.pointer.length);
}

static bool is_null(const struct column *c, idx_t row)
{
    return c->valid != NULL && (c->valid[row / 64] >> (row % 64) & 1) == 0;
}

static void put_column(struct encoding *e, const struct column *c, idx_t row)
{
    switch ((int)c->type) {
    case DUCKDB_TYPE_BOOLEAN: {
        unsigned char truth = ((const bool *)c->data)[row] ? 1 : 0;
        put_value(e, TAG_BOOLEAN, &truth, 1);
        break;
    }
    case DUCKDB_TYPE_INTEGER:
        put_integer(e, TAG_INTEGER, ((const int32_t *)c->data)[row]);
        break;
    case DUCKDB_TYPE_BIGINT:
        put_integer(e, TAG_INTEGER, ((const int64_t *)c->data)[row]);
        break;
    case DUCKDB_TYPE_DOUBLE:
        put_double(e, ((const double *)c->data)[row]);
        break;
    case DUCKDB_TYPE_DECIMAL:
        put_decimal(e, c, row);
        break;
    case DUCKDB_TYPE_VARCHAR:
        put_string(e, TAG_TEXT, (const duckdb_string_t *)c->data + row);
        break;
    case DUCKDB_TYPE_BLOB:
        put_string(e, TAG_BINARY, (const duckdb_string_t *)c->data + row);
        break;
    case DUCKDB_TYPE_DATE:
        put_integer(e, TAG_DATE, ((const int32_t *)c->data)[row]);
        break;
    case DUCKDB_TYPE_TIME:
        put_integer(e, TAG_TIME, ((const int64_t *)c->data)[row]);
        break;
    case DUCKDB_TYPE_TIMESTAMP_TZ:
        put_integer(e, TAG_TIMESTAMP, ((const int64_t *)c->data)[row]);
        break;
    default: /* UUID: columns_open lets nothing else through */
        put_uuid(e, (const duckdb_hugeint *)c->data + row);
        break;
    }
}

static bool hashable(duckdb_type type)
{
    switch ((int)type) {
    case DUCKDB_TYPE_BOOLEAN:
    case DUCKDB_TYPE_INTEGER:
    case DUCKDB_TYPE_BIGINT:
    case DUCKDB_TYPE_DOUBLE:
    case DUCKDB_TYPE_DECIMAL:
    case DUCKDB_TYPE_VARCHAR:
    case DUCKDB_TYPE_BLOB:
    case DUCKDB_TYPE_DATE:
    case DUCKDB_TYPE_TIME:
    case DUCKDB_TYPE_TIMESTAMP_TZ:
    case DUCKDB_TYPE_UUID:
        return true;
    default:
        return false;
    }
}

/* The arguments of a call, as columns; NULL (error set) where one has a type we do not hash. */
static struct column *columns_open(duckdb_function_info info, duckdb_data_chunk chunk)
{
    idx_t count = duckdb.data_chunk_get_column_count(chunk);
    struct column *columns = mem_calloc(count, sizeof *columns);
    for (idx_t i = 0; i < count; i++) {
        duckdb_vector vector = duckdb.data_chunk_get_vector(chunk, i);
        duckdb_logical_type type = duckdb.vector_get_column_type(vector);
        struct column *c = &columns[i];
        c->type = duckdb.get_type_id(type);
        if (c->type == DUCKDB_TYPE_DECIMAL) {
            c->physical = duckdb.decimal_internal_type(type);
            c->scale = duckdb.decimal_scale(type);
        }
        c->data = duckdb.vector_get_data(vector);
        c->valid = duckdb.vector_get_validity(vector);
        duckdb.destroy_logical_type(&type);
        if (!hashable(c->type)) {
            duckdb.scalar_function_set_error(info, "a column has a type that cannot be hashed");
            free(columns);
            return NULL;
        }
    }
    return columns;
}

static void key_hash(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct column *columns = columns_open(info, input);
    if (columns == NULL)
        return;
    uint64_t seed = *(const uint64_t *)duckdb.scalar_function_get_extra_info(info);
    idx_t count = duckdb.data_chunk_get_column_count(input);
    idx_t rows = duckdb.data_chunk_get_size(input);
    duckdb_uhugeint *hashes = duckdb.vector_get_data(output);
    struct encoding e = {0};
    for (idx_t row = 0; row < rows; row++) {
        e.length = 0;
        for (idx_t i = 0; i < count; i++) {
            if (is_null(&columns[i], row))
                put_value(&e, TAG_NULL, NULL, 0);
            else
                put_column(&e, &columns[i], row);
        }
        struct hash128 h = hash_128(e.bytes, e.length, seed);
        hashes[row] = (duckdb_uhugeint){.lower = h.low, .upper = h.high};
    }
    free(e.bytes);
    free(columns);
}

/* NULLs leave no trace, and every value carries its position: so a column may be added. */
static void row_hash(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct column *columns = columns_open(info, input);
    if (columns == NULL)
        return;
    uint64_t seed = *(const uint64_t *)duckdb.scalar_function_get_extra_info(info);
    uint32_t count = (uint32_t)duckdb.data_chunk_get_column_count(input);
    idx_t rows = duckdb.data_chunk_get_size(input);
    uint64_t *hashes = duckdb.vector_get_data(output);
    struct encoding e = {0};
    for (idx_t row = 0; row < rows; row++) {
        e.length = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (is_null(&columns[i], row))
                continue;
            reserve(&e, sizeof i);
            memcpy(e.bytes + e.length, &i, sizeof i);
            e.length += sizeof i;
            put_column(&e, &columns[i], row);
        }
        hashes[row] = hash_64(e.bytes, e.length, seed);
    }
    free(e.bytes);
    free(columns);
}

static idx_t sum_size(duckdb_function_info info)
{
    (void)info;
    return sizeof(struct hash128);
}

static void sum_init(duckdb_function_info info, duckdb_aggregate_state state)
{
    (void)info;
    memset(state, 0, sizeof(struct hash128));
}

static void sum_add(struct hash128 *into, struct hash128 value)
{
    struct key_digest sum = {0, *into};
    struct key_digest add = {0, value};
    key_digest_add(&sum, &add);
    *into = sum.sum;
}

static void sum_update(duckdb_function_info info, duckdb_data_chunk input,
                       duckdb_aggregate_state *states)
{
    (void)info;
    duckdb_vector vector = duckdb.data_chunk_get_vector(input, 0);
    const duckdb_uhugeint *values = duckdb.vector_get_data(vector);
    struct column c = {.valid = duckdb.vector_get_validity(vector)};
    idx_t rows = duckdb.data_chunk_get_size(input);
    for (idx_t row = 0; row < rows; row++) {
        if (!is_null(&c, row))
            sum_add((struct hash128 *)states[row],
                    (struct hash128){values[row].lower, values[row].upper});
    }
}

static void sum_combine(duckdb_function_info info, duckdb_aggregate_state *source,
                        duckdb_aggregate_state *target, idx_t count)
{
    (void)info;
    for (idx_t i = 0; i < count; i++)
        sum_add((struct hash128 *)target[i], *(struct hash128 *)source[i]);
}

static void sum_finalize(duckdb_function_info info, duckdb_aggregate_state *source,
                         duckdb_vector result, idx_t count, idx_t offset)
{
    (void)info;
    duckdb_uhugeint *sums = duckdb.vector_get_data(result);
    for (idx_t i = 0; i < count; i++) {
        const struct hash128 *sum = (const struct hash128 *)source[i];
        sums[offset + i] = (duckdb_uhugeint){.lower = sum->low, .upper = sum->high};
    }
}

static int register_hash(duckdb_connection connection, const char *name, duckdb_type returns,
                         duckdb_scalar_function_t function, uint64_t *seed, struct error *err)
{
    duckdb_scalar_function f = duckdb.create_scalar_function();
    duckdb_logical_type any = duckdb.create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type type = duckdb.create_logical_type(returns);
    duckdb.scalar_function_set_name(f, name);
    duckdb.scalar_function_set_varargs(f, any);
    duckdb.scalar_function_set_special_handling(f);
    duckdb.scalar_function_set_return_type(f, type);
    duckdb.scalar_function_set_extra_info(f, seed, NULL);
    duckdb.scalar_function_set_function(f, function);
    int rc = ERR_OK;
    if (duckdb.register_scalar_function(connection, f) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused the function %s.", name);
    duckdb.destroy_logical_type(&type);
    duckdb.destroy_logical_type(&any);
    duckdb.destroy_scalar_function(&f);
    return rc;
}

static int register_sum(duckdb_connection connection, struct error *err)
{
    duckdb_aggregate_function f = duckdb.create_aggregate_function();
    duckdb_logical_type type = duckdb.create_logical_type(DUCKDB_TYPE_UHUGEINT);
    duckdb.aggregate_function_set_name(f, "cauce_sum");
    duckdb.aggregate_function_add_parameter(f, type);
    duckdb.aggregate_function_set_return_type(f, type);
    duckdb.aggregate_function_set_functions(f, sum_size, sum_init, sum_update, sum_combine,
                                            sum_finalize);
    int rc = ERR_OK;
    if (duckdb.register_aggregate_function(connection, f) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused the function cauce_sum.");
    duckdb.destroy_logical_type(&type);
    duckdb.destroy_aggregate_function(&f);
    return rc;
}

int functions_register(duckdb_connection connection, uint64_t *key_seed, struct error *err)
{
    int rc =
        register_hash(connection, "cauce_key_hash", DUCKDB_TYPE_UHUGEINT, key_hash, key_seed, err);
    if (rc == ERR_OK)
        rc = register_hash(connection, "cauce_row_hash", DUCKDB_TYPE_UBIGINT, row_hash, key_seed,
                           err);
    if (rc == ERR_OK)
        rc = register_sum(connection, err);
    return rc;
}

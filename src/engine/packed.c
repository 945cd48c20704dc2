/*
 * A packed row: the number of its columns, 4 bytes; a bitmap of those that are not NULL (column i is bit
 * i % 8 of byte i / 8); their values in turn as DuckDB has them in memory, but of texts and binary
 * values the length, 4 bytes, and the bytes. Who unpacks it may know of fewer columns, the first ones.
 */
#include "engine/packed.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* Values that cauce_unpack gives at once: so a chunk of wide rows is as large as one of narrow ones. */
#define CHUNK_VALUES ((idx_t)1 << 16)
#define CHUNK_ROWS ((idx_t)2048)
#define CHUNK_ROWS_MIN ((idx_t)16)

/* What stands before the values of so many columns. */
static size_t head_size(idx_t columns)
{
    return sizeof(uint32_t) + (columns + 7) / 8;
}

/* Bytes of a value; 0: text or binary. False for types that no table of ours has. */
static bool width_of(duckdb_logical_type type, size_t *width)
{
    static const struct {
        duckdb_type id;
        size_t width;
    } widths[] = {
        {DUCKDB_TYPE_BOOLEAN, 1}, {DUCKDB_TYPE_SMALLINT, 2},     {DUCKDB_TYPE_INTEGER, 4},
        {DUCKDB_TYPE_DATE, 4},    {DUCKDB_TYPE_BIGINT, 8},       {DUCKDB_TYPE_DOUBLE, 8},
        {DUCKDB_TYPE_TIME, 8},    {DUCKDB_TYPE_TIMESTAMP_TZ, 8}, {DUCKDB_TYPE_HUGEINT, 16},
        {DUCKDB_TYPE_UUID, 16},   {DUCKDB_TYPE_VARCHAR, 0},      {DUCKDB_TYPE_BLOB, 0},
    };
    duckdb_type id = duckdb.get_type_id(type);
    if (id == DUCKDB_TYPE_DECIMAL)
        id = duckdb.decimal_internal_type(type);
    for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
        if (widths[i].id != id)
            continue;
        *width = widths[i].width;
        return true;
    }
    return false;
}

/* ---- Packing ------------------------------------------------------------------------------- */

struct packing {
    size_t width;
    const void *data;
    const uint64_t *valid; /* NULL: no value is NULL */
};

static bool has_value(const struct packing *c, idx_t row)
{
    return c->valid == NULL || (c->valid[row / 64] >> (row % 64) & 1) != 0;
}

static const char *text_at(const struct packing *c, idx_t row, uint32_t *length)
{
    const duckdb_string_t *text = (const duckdb_string_t *)c->data + row;
    *length = text->value.inlined.length;
    return *length <= sizeof text->value.inlined.inlined ? text->value.inlined.inlined
                                                         : text->value.pointer.ptr;
}

static size_t packed_size(const struct packing *columns, idx_t count, idx_t row)
{
    size_t size = head_size(count);
    for (idx_t i = 0; i < count; i++) {
        uint32_t length = 0;
        if (!has_value(&columns[i], row))
            continue;
        if (columns[i].width == 0)
            text_at(&columns[i], row, &length);
        size += columns[i].width > 0 ? columns[i].width : sizeof length + length;
    }
    return size;
}

static unsigned char *pack_value(const struct packing *c, idx_t row, unsigned char *to)
{
    if (c->width > 0) {
        memcpy(to, (const char *)c->data + row * c->width, c->width);
        return to + c->width;
    }
    uint32_t length;
    const char *text = text_at(c, row, &length);
    memcpy(to, &length, sizeof length);
    memcpy(to + sizeof length, text, length);
    return to + sizeof length + length;
}

static void pack_row(const struct packing *columns, idx_t count, idx_t row, unsigned char *to)
{
    uint32_t number = (uint32_t)count;
    unsigned char *bitmap = to + sizeof number;
    memcpy(to, &number, sizeof number);
    memset(bitmap, 0, (count + 7) / 8);
    to += head_size(count);
    for (idx_t i = 0; i < count; i++) {
        if (!has_value(&columns[i], row))
            continue;
        bitmap[i / 8] |= (unsigned char)(1u << (i % 8));
        to = pack_value(&columns[i], row, to);
    }
}

/* The columns of a chunk from `first` on; NULL where one has a type that no table of ours has. */
static struct packing *open_columns(duckdb_data_chunk chunk, idx_t first, idx_t count,
                                    struct error *err)
{
    struct packing *columns = mem_calloc(count, sizeof *columns);
    for (idx_t i = 0; i < count; i++) {
        duckdb_vector vector = duckdb.data_chunk_get_vector(chunk, first + i);
        duckdb_logical_type type = duckdb.vector_get_column_type(vector);
        bool known = width_of(type, &columns[i].width);
        columns[i].data = duckdb.vector_get_data(vector);
        columns[i].valid = duckdb.vector_get_validity(vector);
        duckdb.destroy_logical_type(&type);
        if (known)
            continue;
        error_ignore(error_set(err, ERR_SYSTEM, "a column has a type that cannot be packed."));
        free(columns);
        return NULL;
    }
    return columns;
}

static int pack_chunk(struct packed_files *files, unsigned file, duckdb_data_chunk from,
                      idx_t first, duckdb_vector places, struct error *err)
{
    idx_t count = duckdb.data_chunk_get_column_count(from) - first;
    idx_t rows = duckdb.data_chunk_get_size(from);
    struct packing *columns = open_columns(from, first, count, err);
    struct packed_row packed = {0};
    int64_t *out = duckdb.vector_get_data(places);
    int rc = columns != NULL ? ERR_OK : ERR_SYSTEM;
    for (idx_t row = 0; row < rows && rc == ERR_OK; row++) {
        packed_row_resize(&packed, packed_size(columns, count, row));
        pack_row(columns, count, row, packed.bytes);
        rc = packed_file_append(files, file, &packed, &out[row], err);
    }
    packed_row_release(&packed);
    free(columns);
    return rc;
}

int packed_rows(struct packed_files *files, unsigned file, duckdb_data_chunk from,
                duckdb_vector places, struct error *err)
{
    return pack_chunk(files, file, from, 0, places, err);
}

static void pack(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    struct packed_files *files = duckdb.scalar_function_get_extra_info(info);
    struct error err = ERROR_INIT;
    const int64_t *file = duckdb.vector_get_data(duckdb.data_chunk_get_vector(input, 0));
    if (duckdb.data_chunk_get_size(input) > 0 &&
        pack_chunk(files, (unsigned)file[0], input, 1, output, &err) != ERR_OK)
        duckdb.scalar_function_set_error(info, err.text);
}

/* ---- Unpacking: what is known when the statement is bound ------------------------------------- */

struct unpacking {
    char *select;
    size_t *widths;
    idx_t count; /* columns of a packed row; behind them comes its place */
};

static void free_unpacking(void *data)
{
    struct unpacking *u = data;
    free(u->select);
    free(u->widths);
    free(u);
}

static void bind_columns(duckdb_bind_info info, duckdb_logical_type row, struct unpacking *u)
{
    duckdb_logical_type place = duckdb.create_logical_type(DUCKDB_TYPE_BIGINT);
    u->count = duckdb.struct_type_child_count(row);
    u->widths = mem_calloc(u->count, sizeof *u->widths);
    for (idx_t i = 0; i < u->count; i++) {
        char *name = duckdb.struct_type_child_name(row, i);
        duckdb_logical_type type = duckdb.struct_type_child_type(row, i);
        if (!width_of(type, &u->widths[i]))
            duckdb.bind_set_error(info, "a column has a type that cannot be unpacked");
        duckdb.bind_add_result_column(info, name, type);
        duckdb.destroy_logical_type(&type);
        duckdb.free(name);
    }
    duckdb.bind_add_result_column(info, "packed", place);
    duckdb.destroy_logical_type(&place);
}

static void unpack_bind(duckdb_bind_info info)
{
    struct unpacking *u = mem_calloc(1, sizeof *u);
    duckdb_value select = duckdb.bind_get_parameter(info, 0);
    duckdb_value row = duckdb.bind_get_parameter(info, 1);
    char *text = duckdb.get_varchar(select);
    duckdb_logical_type type = duckdb.get_value_type(row); /* borrowed */
    u->select = mem_strdup(text);
    if (duckdb.get_type_id(type) == DUCKDB_TYPE_STRUCT)
        bind_columns(info, type, u);
    else
        duckdb.bind_set_error(info, "the columns of packed rows must be a STRUCT");
    duckdb.free(text);
    duckdb.destroy_value(&row);
    duckdb.destroy_value(&select);
    duckdb.bind_set_bind_data(info, u, free_unpacking);
}

/* ---- A SELECT under way, on a connection of its own ------------------------------------------- */

struct unpacker {
    struct database *database;
    duckdb_connection connection;
    duckdb_prepared_statement statement;
    duckdb_result result;
    bool has_result;
    bool has_file;
    unsigned file;           /* of rows that it packs */
    duckdb_data_chunk chunk; /* of places; NULL: the next one is to be fetched */
    idx_t next;              /* row of it */
    struct packed_row row;
    idx_t *outputs; /* of each column, the number of its vector; `wanted`: it has none */
    idx_t wanted;
    idx_t needed; /* columns up to the last one that has a vector */
};

static void free_unpacker(void *data)
{
    struct unpacker *u = data;
    if (u->chunk != NULL)
        duckdb.destroy_data_chunk(&u->chunk);
    if (u->has_result)
        duckdb.destroy_result(&u->result);
    duckdb.destroy_prepare(&u->statement);
    database_lend_back(u->database, &u->connection);
    if (u->has_file)
        packed_file_close(&u->database->packed, u->file);
    packed_row_release(&u->row);
    free(u->outputs);
    free(u);
}

static void choose_columns(duckdb_init_info info, idx_t count, struct unpacker *u)
{
    u->wanted = duckdb.init_get_column_count(info);
    u->outputs = mem_calloc(count + 1, sizeof *u->outputs);
    for (idx_t i = 0; i <= count; i++)
        u->outputs[i] = u->wanted;
    for (idx_t i = 0; i < u->wanted; i++) {
        idx_t column = duckdb.init_get_column_index(info, i);
        if (column > count) /* none: rows are counted */
            continue;
        u->outputs[column] = i;
        if (column < count && column >= u->needed)
            u->needed = column + 1;
    }
}

static int give_file(struct unpacker *u, struct error *err)
{
    int rc = packed_file_open(&u->database->packed, &u->file, err);
    u->has_file = rc == ERR_OK;
    if (rc == ERR_OK && duckdb.bind_int64(u->statement, 1, u->file) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused a parameter.");
    return rc;
}

static int execute(struct unpacker *u, struct error *err)
{
    duckdb_pending_result pending = NULL;
    int rc = ERR_OK;
    u->has_result = true;
    if (duckdb.pending_prepared_streaming(u->statement, &pending) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "%s", duckdb.pending_error(pending));
    else if (duckdb.execute_pending(pending, &u->result) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "%s", duckdb.result_error(&u->result));
    duckdb.destroy_pending(&pending);
    return rc;
}

static int start(struct unpacker *u, const char *select, struct error *err)
{
    int rc = database_lend(u->database, &u->connection, err);
    if (rc == ERR_OK && duckdb.prepare(u->connection, select, &u->statement) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "%s", duckdb.prepare_error(u->statement));
    if (rc == ERR_OK && duckdb.nparams(u->statement) > 0)
        rc = give_file(u, err);
    return rc == ERR_OK ? execute(u, err) : rc;
}

static void unpack_init(duckdb_init_info info)
{
    const struct unpacking *bound = duckdb.init_get_bind_data(info);
    struct unpacker *u = mem_calloc(1, sizeof *u);
    struct error err = ERROR_INIT;
    u->database = duckdb.init_get_extra_info(info);
    choose_columns(info, bound->count, u);
    duckdb.init_set_init_data(info, u, free_unpacker);
    if (start(u, bound->select, &err) != ERR_OK)
        duckdb.init_set_error(info, err.text);
}

/* The next chunk of places; `*done` at the end. */
static int fetch(struct unpacker *u, bool *done, struct error *err)
{
    if (u->chunk != NULL)
        duckdb.destroy_data_chunk(&u->chunk);
    u->next = 0;
    u->chunk = duckdb.fetch_chunk(u->result);
    *done = u->chunk == NULL;
    /* A stream ends the same way at its end and at an error in the middle: ask which it was. */
    const char *message = *done ? duckdb.result_error(&u->result) : NULL;
    return message == NULL || message[0] == '\0' ? ERR_OK
                                                 : error_set(err, ERR_SYSTEM, "%s", message);
}

static int read_next(struct unpacker *u, int64_t *place, bool *done, struct error *err)
{
    int rc = ERR_OK;
    *done = false;
    while (rc == ERR_OK && !*done &&
           (u->chunk == NULL || u->next == duckdb.data_chunk_get_size(u->chunk)))
        rc = fetch(u, done, err);
    if (rc != ERR_OK || *done)
        return rc;
    duckdb_vector places = duckdb.data_chunk_get_vector(u->chunk, 0);
    *place = ((const int64_t *)duckdb.vector_get_data(places))[u->next++];
    return packed_file_read(&u->database->packed, *place, &u->row, err);
}

/* ---- Rows into a chunk ----------------------------------------------------------------------- */

struct output {
    duckdb_vector vector;
    char *data;
    uint64_t *valid; /* NULL: no value is NULL so far */
};

static void put_null(struct output *o, idx_t row)
{
    if (o->valid == NULL) {
        duckdb.vector_ensure_validity_writable(o->vector);
        o->valid = duckdb.vector_get_validity(o->vector);
    }
    duckdb.validity_set_row_invalid(o->valid, row);
}

static void put_value(const struct output *o, idx_t row, const unsigned char *value, size_t width,
                      size_t length)
{
    if (width > 0)
        memcpy(o->data + row * width, value, width);
    else
        duckdb.vector_assign_string_element_len(o->vector, row, (const char *)value, length);
}

/* How many bytes the value at `from` has, and where they begin. */
static size_t value_length(size_t width, const unsigned char **from)
{
    uint32_t length;
    if (width > 0)
        return width;
    memcpy(&length, *from, sizeof length);
    *from += sizeof length;
    return length;
}

static void put_row(const struct unpacker *u, const struct unpacking *bound, struct output *outputs,
                    idx_t row)
{
    uint32_t count;
    memcpy(&count, u->row.bytes, sizeof count);
    const unsigned char *bitmap = u->row.bytes + sizeof count;
    const unsigned char *from = u->row.bytes + head_size(count);
    for (idx_t i = 0; i < u->needed; i++) {
        bool wanted = u->outputs[i] < u->wanted;
        if ((bitmap[i / 8] >> (i % 8) & 1) == 0) {
            if (wanted)
                put_null(&outputs[u->outputs[i]], row);
            continue;
        }
        size_t length = value_length(bound->widths[i], &from);
        if (wanted)
            put_value(&outputs[u->outputs[i]], row, from, bound->widths[i], length);
        from += length;
    }
}

static struct output *open_outputs(duckdb_data_chunk chunk, idx_t count)
{
    struct output *outputs = mem_calloc(count, sizeof *outputs);
    for (idx_t i = 0; i < count; i++) {
        outputs[i].vector = duckdb.data_chunk_get_vector(chunk, i);
        outputs[i].data = duckdb.vector_get_data(outputs[i].vector);
    }
    return outputs;
}

/* As many rows as have so many values, but some in any case. */
static idx_t rows_at_once(idx_t columns)
{
    idx_t rows = CHUNK_VALUES / (columns + 1);
    return rows > CHUNK_ROWS ? CHUNK_ROWS : rows < CHUNK_ROWS_MIN ? CHUNK_ROWS_MIN : rows;
}

static void unpack(duckdb_function_info info, duckdb_data_chunk chunk)
{
    struct unpacker *u = duckdb.function_get_init_data(info);
    const struct unpacking *bound = duckdb.function_get_bind_data(info);
    struct output *outputs = open_outputs(chunk, u->wanted);
    struct error err = ERROR_INIT;
    idx_t room = rows_at_once(u->wanted);
    idx_t place_at = u->outputs[bound->count];
    idx_t row = 0;
    bool done = false;
    int rc = ERR_OK;
    while (row < room && rc == ERR_OK && !done) {
        int64_t place = 0;
        rc = read_next(u, &place, &done, &err);
        if (rc != ERR_OK || done)
            continue;
        put_row(u, bound, outputs, row);
        if (place_at < u->wanted)
            ((int64_t *)(void *)outputs[place_at].data)[row] = place;
        row++;
    }
    duckdb.data_chunk_set_size(chunk, row);
    if (rc != ERR_OK)
        duckdb.function_set_error(info, err.text);
    free(outputs);
}

/* ---- Registration -------------------------------------------------------------------------- */

static int register_pack(struct database *d, struct error *err)
{
    duckdb_scalar_function f = duckdb.create_scalar_function();
    duckdb_logical_type any = duckdb.create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type number = duckdb.create_logical_type(DUCKDB_TYPE_BIGINT);
    duckdb.scalar_function_set_name(f, "cauce_pack");
    duckdb.scalar_function_add_parameter(f, number);
    duckdb.scalar_function_set_varargs(f, any);
    duckdb.scalar_function_set_special_handling(f);
    duckdb.scalar_function_set_volatile(f);
    duckdb.scalar_function_set_return_type(f, number);
    duckdb.scalar_function_set_extra_info(f, &d->packed, NULL);
    duckdb.scalar_function_set_function(f, pack);
    int rc = ERR_OK;
    if (duckdb.register_scalar_function(d->connection, f) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused the function cauce_pack.");
    duckdb.destroy_logical_type(&number);
    duckdb.destroy_logical_type(&any);
    duckdb.destroy_scalar_function(&f);
    return rc;
}

static int register_unpack(struct database *d, struct error *err)
{
    duckdb_table_function f = duckdb.create_table_function();
    duckdb_logical_type any = duckdb.create_logical_type(DUCKDB_TYPE_ANY);
    duckdb_logical_type text = duckdb.create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb.table_function_set_name(f, "cauce_unpack");
    duckdb.table_function_add_parameter(f, text);
    duckdb.table_function_add_parameter(f, any);
    duckdb.table_function_set_extra_info(f, d, NULL);
    duckdb.table_function_set_bind(f, unpack_bind);
    duckdb.table_function_set_init(f, unpack_init);
    duckdb.table_function_set_function(f, unpack);
    duckdb.table_function_supports_projection_pushdown(f, true);
    int rc = ERR_OK;
    if (duckdb.register_table_function(d->connection, f) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused the function cauce_unpack.");
    duckdb.destroy_logical_type(&text);
    duckdb.destroy_logical_type(&any);
    duckdb.destroy_table_function(&f);
    return rc;
}

int packed_register(struct database *d, struct error *err)
{
    int rc = register_pack(d, err);
    return rc == ERR_OK ? register_unpack(d, err) : rc;
}

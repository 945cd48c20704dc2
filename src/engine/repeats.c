#include "engine/repeats.h"

#include <stdbool.h>
#include <stdlib.h>

#include "engine/duckdb_api.h"
#include "util/mem.h"

/* By chance, one row in so many meets the bit of another one. */
#define BITS_PER_ROW 16
#define BITS_MIN ((uint64_t)1 << 16)

void repeats_begin(struct repeats *r, uint64_t rows, uint64_t memory)
{
    uint64_t bits = BITS_MIN;
    while (bits / BITS_PER_ROW < rows && bits * 2 / 8 * 2 <= memory)
        bits *= 2;
    r->seen = mem_calloc(bits / 64, sizeof *r->seen);
    r->again = mem_calloc(bits / 64, sizeof *r->again);
    r->mask = bits - 1;
}

void repeats_end(struct repeats *r)
{
    free(r->seen);
    free(r->again);
    *r = (struct repeats){0};
}

static bool set_bit(_Atomic uint64_t *words, uint64_t bit)
{
    uint64_t one = (uint64_t)1 << (bit % 64);
    return (atomic_fetch_or_explicit(&words[bit / 64], one, memory_order_relaxed) & one) != 0;
}

static bool get_bit(const _Atomic uint64_t *words, uint64_t bit)
{
    return (atomic_load_explicit(&words[bit / 64], memory_order_relaxed) >> (bit % 64) & 1) != 0;
}

static bool note(struct repeats *r, uint64_t hash)
{
    if (!set_bit(r->seen, hash & r->mask))
        return false;
    set_bit(r->again, hash & r->mask);
    return true;
}

static bool came_again(struct repeats *r, uint64_t hash)
{
    return get_bit(r->again, hash & r->mask);
}

/* One pass over the hashes of a chunk; none is NULL. */
static void pass(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output,
                 bool (*look)(struct repeats *r, uint64_t hash))
{
    struct repeats *r = duckdb.scalar_function_get_extra_info(info);
    const uint64_t *hashes = duckdb.vector_get_data(duckdb.data_chunk_get_vector(input, 0));
    idx_t rows = duckdb.data_chunk_get_size(input);
    bool *out = duckdb.vector_get_data(output);
    for (idx_t i = 0; i < rows; i++)
        out[i] = r->seen != NULL && look(r, hashes[i]);
}

static void note_all(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    pass(info, input, output, note);
}

static void find_all(duckdb_function_info info, duckdb_data_chunk input, duckdb_vector output)
{
    pass(info, input, output, came_again);
}

static int register_pass(duckdb_connection connection, const char *name,
                         duckdb_scalar_function_t function, struct repeats *r, struct error *err)
{
    duckdb_scalar_function f = duckdb.create_scalar_function();
    duckdb_logical_type hash = duckdb.create_logical_type(DUCKDB_TYPE_UBIGINT);
    duckdb_logical_type truth = duckdb.create_logical_type(DUCKDB_TYPE_BOOLEAN);
    duckdb.scalar_function_set_name(f, name);
    duckdb.scalar_function_add_parameter(f, hash);
    duckdb.scalar_function_set_return_type(f, truth);
    /* A constant must not be noted just once for all rows. */
    duckdb.scalar_function_set_volatile(f);
    duckdb.scalar_function_set_extra_info(f, r, NULL);
    duckdb.scalar_function_set_function(f, function);
    int rc = ERR_OK;
    if (duckdb.register_scalar_function(connection, f) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "libduckdb refused the function %s.", name);
    duckdb.destroy_logical_type(&truth);
    duckdb.destroy_logical_type(&hash);
    duckdb.destroy_scalar_function(&f);
    return rc;
}

int repeats_register(duckdb_connection connection, struct repeats *r, struct error *err)
{
    int rc = register_pass(connection, "cauce_note_hash", note_all, r, err);
    if (rc == ERR_OK)
        rc = register_pass(connection, "cauce_hash_came_again", find_all, r, err);
    return rc;
}

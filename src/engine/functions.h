/*
 * The SQL functions of the key index: hashes of keys and rows, and their order-free sum.
 *
 * Encoding (docs/format.md, "Hashes"): per value a type tag (1 byte), a length (4 bytes, little
 * endian) and the bytes, so that no two tuples share an encoding. NULL is tag 0 with length 0; -0.0
 * is written as 0.0 and every NaN as one NaN; whole numbers are 8 bytes whatever their width; times
 * are microseconds, dates days; a decimal is its unscaled value in 16 bytes (little endian) and its
 * scale in one; a UUID is 16 bytes in the order of its text. A row hash leaves NULLs out and puts
 * each value's position (4 bytes, little endian) before it. Private to the engine.
 */
#ifndef CAUCE_ENGINE_FUNCTIONS_H
#define CAUCE_ENGINE_FUNCTIONS_H

#include <duckdb.h>
#include <stdint.h>

#include "util/error.h"

/* Register them on a connection; `key_seed` is borrowed for the connection's life. */
MUST_USE int functions_register(duckdb_connection connection, uint64_t *key_seed,
                                struct error *err);

#endif

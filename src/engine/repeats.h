/*
 * Which rows may have the key of another one, in two passes over their hashes and a few bits per
 * row; where no two hashes meet, no key is repeated. Grouping all rows by key to learn the same
 * takes several times as long, and memory for every key.
 *
 * Two bitmaps, each a Bloom filter with one function: the first pass sets the bit of each hash in
 * `seen`, and in `again` where it was already set. In the second pass the rows whose bit is set in
 * `again` are all those whose key is repeated, and a few more. Private to the engine.
 */
#ifndef CAUCE_ENGINE_REPEATS_H
#define CAUCE_ENGINE_REPEATS_H

#include <duckdb.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct repeats {
    _Atomic uint64_t *seen; /* NULL between two uses */
    _Atomic uint64_t *again;
    uint64_t mask; /* of a bit's number */
};

/*
 * Room for so many rows in at most `memory` bytes; with less room there are more false positives.
 */
void repeats_begin(struct repeats *r, uint64_t rows, uint64_t memory);
void repeats_end(struct repeats *r);

/*
 * Register the passes as cauce_note_hash(UBIGINT) and cauce_hash_came_again(UBIGINT), both BOOLEAN;
 * the first is true where the bit was set. `r` is borrowed for the connection's life. Between uses
 * both are false. Thread-safe: DuckDB calls them from all its threads.
 */
MUST_USE int repeats_register(duckdb_connection connection, struct repeats *r, struct error *err);

#endif

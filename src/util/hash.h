/*
 * XXH3 (https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md), and the order-free digest
 * of a set of keys: their number and the sum of their 128-bit hashes modulo 2^128. Pure functions.
 */
#ifndef CAUCE_UTIL_HASH_H
#define CAUCE_UTIL_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

struct hash128 {
    uint64_t low;
    uint64_t high;
};

/* XXH3 with a seed and its default secret; `bytes` may be NULL where `count` is 0. */
struct hash128 hash_128(const void *bytes, size_t count, uint64_t seed);
uint64_t hash_64(const void *bytes, size_t count, uint64_t seed);

/* What is known of a set of keys without listing them. All zero: the empty set. */
struct key_digest {
    uint64_t count;
    struct hash128 sum;
};

/* Add the digest of a set that has no key in common with the one in `into`. */
void key_digest_add(struct key_digest *into, const struct key_digest *other);
bool key_digest_equal(const struct key_digest *a, const struct key_digest *b);

/* The sum as 32 lower-case hex digits, most significant first, with NUL: 33 bytes. */
#define HASH128_HEX_SIZE 33
void hash128_to_hex(struct hash128 value, char out[HASH128_HEX_SIZE]);
/* The inverse; anything but 32 lower-case hex digits is ERR_DAMAGED. */
MUST_USE int hash128_from_hex(const char *text, struct hash128 *out, struct error *err);

#endif

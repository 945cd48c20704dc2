#include "util/hash.h"

#include <inttypes.h>
#include <stdio.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "util/digest.h"

struct hash128 hash_128(const void *bytes, size_t count, uint64_t seed)
{
    XXH128_hash_t h = XXH3_128bits_withSeed(count > 0 ? bytes : "", count, seed);
    return (struct hash128){.low = h.low64, .high = h.high64};
}

uint64_t hash_64(const void *bytes, size_t count, uint64_t seed)
{
    return XXH3_64bits_withSeed(count > 0 ? bytes : "", count, seed);
}

void key_digest_add(struct key_digest *into, const struct key_digest *other)
{
    uint64_t low = into->sum.low + other->sum.low;
    uint64_t carry = low < other->sum.low;
    into->sum.high += other->sum.high + carry;
    into->sum.low = low;
    into->count += other->count;
}

bool key_digest_equal(const struct key_digest *a, const struct key_digest *b)
{
    return a->count == b->count && a->sum.low == b->sum.low && a->sum.high == b->sum.high;
}

void hash128_to_hex(struct hash128 value, char out[HASH128_HEX_SIZE])
{
    snprintf(out, HASH128_HEX_SIZE, "%016" PRIx64 "%016" PRIx64, value.high, value.low);
}

static uint64_t sixteen_digits(const char *text)
{
    uint64_t value = 0;
    for (int i = 0; i < 16; i++) {
        int digit = text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10;
        value = value << 4 | (uint64_t)digit;
    }
    return value;
}

int hash128_from_hex(const char *text, struct hash128 *out, struct error *err)
{
    if (!digest_is_hex(text, HASH128_HEX_SIZE - 1))
        return error_set(err, ERR_DAMAGED,
                         "\"%.40s\" is not a 128-bit number of 32 lower-case hex digits.", text);
    *out = (struct hash128){.high = sixteen_digits(text), .low = sixteen_digits(text + 16)};
    return ERR_OK;
}

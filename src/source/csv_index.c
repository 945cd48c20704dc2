#include "source/csv_index.h"

#include <string.h>

/* One mask of 64 bits for 64 bytes. */
#define GROUP 64

/* A vector of bytes as gcc and clang know it on every machine. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

struct wanted {
    bytes16 delimiter, quote, escape, lf, cr;
};

static bytes16 repeat(char c)
{
    uint8_t b = (uint8_t)c;
    return (bytes16){b, b, b, b, b, b, b, b, b, b, b, b, b, b, b, b};
}

#if defined(__SSE2__)
#include <emmintrin.h>

/* Bit i is the highest one of byte i. */
static inline uint64_t high_bits(bytes16 v)
{
    return (uint64_t)(unsigned)_mm_movemask_epi8((__m128i)v);
}
#else
/* The bytes are 0 or 255. Eight bits of a word, one of each byte, meet at its top. */
static inline uint64_t high_bits(bytes16 v)
{
    uint64_t half[2];
    memcpy(half, &v, sizeof half);
    for (int i = 0; i < 2; i++)
        half[i] = ((half[i] & 0x0101010101010101u) * 0x0102040810204080u) >> 56;
    return half[0] | half[1] << 8;
}
#endif

/* Bits of the bytes that are wanted; `*all` collects the bytes themselves. */
static inline uint64_t find16(const char *text, const struct wanted *w, bool escape, bytes16 *all)
{
    bytes16 v;
    memcpy(&v, text, sizeof v);
    *all |= v;
    bytes16 found = (bytes16)((v == w->delimiter) | (v == w->quote) | (v == w->lf) | (v == w->cr));
    if (escape)
        found |= (bytes16)(v == w->escape);
    return high_bits(found);
}

/* Write the places of the bits, four in a step: what is written after the last is overwritten. */
static inline uint32_t *write_marks(uint32_t *marks, uint64_t mask, uint32_t base)
{
    while (mask != 0)
        for (int i = 0; i < 4; i++) {
            *marks = base + (uint32_t)__builtin_ctzll(mask | (uint64_t)1 << 63);
            marks += mask != 0;
            mask &= mask - 1;
        }
    return marks;
}

/* `escape` is known where this is called: each call becomes a loop of its own. */
static inline size_t find_all(const char *text, size_t length, const struct wanted *w, bool escape,
                              uint32_t *marks, bytes16 *all)
{
    uint32_t *end = marks;
    for (size_t at = 0; at < length; at += GROUP) {
        uint64_t mask = find16(text + at, w, escape, all) |
                        find16(text + at + 16, w, escape, all) << 16 |
                        find16(text + at + 32, w, escape, all) << 32 |
                        find16(text + at + 48, w, escape, all) << 48;
        if (length - at < GROUP)
            mask &= ((uint64_t)1 << (length - at)) - 1;
        end = write_marks(end, mask, (uint32_t)at);
    }
    *end = (uint32_t)length;
    return (size_t)(end - marks);
}

size_t csv_index(const char *text, size_t length, const struct csv_index_bytes *bytes,
                 uint32_t *marks, bool *ascii)
{
    const struct wanted w = {repeat(bytes->delimiter), repeat(bytes->quote), repeat(bytes->escape),
                             repeat('\n'), repeat('\r')};
    bytes16 all = repeat(0);
    size_t count = bytes->escape != bytes->quote && bytes->escape != '\n'
                       ? find_all(text, length, &w, true, marks, &all)
                       : find_all(text, length, &w, false, marks, &all);
    uint64_t half[2];
    memcpy(half, &all, sizeof half);
    *ascii = ((half[0] | half[1]) & 0x8080808080808080u) == 0;
    return count;
}

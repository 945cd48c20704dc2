#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "util/hash.h"

#define PRIME32 UINT64_C(0x9E3779B1)
#define PRIME64 UINT64_C(0x9E3779B185EBCA8D)

/* The test buffer of xxHash's own sanity check. */
static void fill(unsigned char *buffer, size_t count)
{
    uint64_t generator = PRIME32;
    for (size_t i = 0; i < count; i++) {
        buffer[i] = (unsigned char)(generator >> 56);
        generator *= PRIME64;
    }
}

/* Vectors of xxHash's sanity check: each branch of XXH3 by length, without and with a seed. */
static void known_64_bit_hashes(void **state)
{
    (void)state;
    static const struct {
        size_t count;
        uint64_t plain;
        uint64_t seeded;
    } vectors[] = {
        {0, 0x2D06800538D394C2, 0xA8A6B918B2F0364A},
        {1, 0xC44BDFF4074EECDB, 0x032BE332DD766EF8},
        {6, 0x27B56A84CD2D7325, 0x84589C116AB59AB9},
        {12, 0xA713DAF0DFBB77E7, 0xE7303E1B2336DE0E},
        {24, 0xA3FE70BF9D3510EB, 0x850E80FC35BDD690},
        {48, 0x397DA259ECBA1F11, 0xADC2CBAA44ACC616},
        {80, 0xBCDEFBBB2C47C90A, 0xC6DD0CB699532E73},
        {195, 0xCD94217EE362EC3A, 0xBA68003D370CB3D9},
        {403, 0xCDEB804D65C6DEA4, 0x6259F6ECFD6443FD},
        {512, 0x617E49599013CB6B, 0x3CE457DE14C27708},
        {2048, 0xDD59E2C3A5F038E0, 0x66F81670669ABABC},
        {2240, 0x6E73A90539CF2948, 0x757BA8487D1B5247},
        {2367, 0xCB37AEB9E5D361ED, 0xD2DB3415B942B42A},
    };
    unsigned char buffer[2367];
    fill(buffer, sizeof buffer);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_int_equal(hash_64(buffer, vectors[i].count, 0), vectors[i].plain);
        assert_int_equal(hash_64(buffer, vectors[i].count, PRIME64), vectors[i].seeded);
    }
}

static void assert_128(const void *bytes, size_t count, uint64_t seed, uint64_t low, uint64_t high)
{
    struct hash128 h = hash_128(bytes, count, seed);
    assert_int_equal(h.low, low);
    assert_int_equal(h.high, high);
}

static void known_128_bit_hashes(void **state)
{
    (void)state;
    unsigned char buffer[2367];
    fill(buffer, sizeof buffer);
    assert_128(NULL, 0, 0, 0x6001C324468D497F, 0x99AA06D3014798D8);
    assert_128(buffer, 0, PRIME32, 0x5444F7869C671AB0, 0x92220AE55E14AB50);
    assert_128(buffer, 1, 0, 0xC44BDFF4074EECDB, 0xA6CD5E9392000F6A);
    assert_128(buffer, 1, PRIME32, 0xB53D5557E7F76F8D, 0x89B99554BA22467C);
    assert_128("abc", 3, 0, 0x78AF5F94892F3950, 0x06B05AB6733A6185);
}

static void a_seed_changes_everything(void **state)
{
    (void)state;
    unsigned char buffer[300];
    fill(buffer, sizeof buffer);
    for (size_t n = 0; n <= sizeof buffer; n++) {
        struct hash128 a = hash_128(buffer, n, 1);
        struct hash128 b = hash_128(buffer, n, 2);
        assert_true(a.low != b.low && a.high != b.high);
        assert_true(hash_64(buffer, n, 1) != hash_64(buffer, n, 2));
    }
}

static void digests_add_with_carry_and_without_order(void **state)
{
    (void)state;
    struct key_digest a = {.count = 2, .sum = {.low = UINT64_MAX, .high = 1}};
    struct key_digest b = {.count = 3, .sum = {.low = 2, .high = UINT64_MAX}};
    struct key_digest ab = {0};
    struct key_digest ba = {0};
    key_digest_add(&ab, &a);
    assert_true(key_digest_equal(&ab, &a));
    key_digest_add(&ab, &b);
    key_digest_add(&ba, &b);
    key_digest_add(&ba, &a);
    assert_true(key_digest_equal(&ab, &ba));
    assert_int_equal(ab.count, 5);
    assert_int_equal(ab.sum.low, 1);
    assert_int_equal(ab.sum.high, 1); /* 1 + (2^64 - 1) + carry, modulo 2^64 */
}

static void digests_differ_by_each_part(void **state)
{
    (void)state;
    struct key_digest a = {.count = 1, .sum = {.low = 2, .high = 3}};
    struct key_digest b = a;
    assert_true(key_digest_equal(&a, &b));
    b.count++;
    assert_false(key_digest_equal(&a, &b));
    b = a;
    b.sum.low++;
    assert_false(key_digest_equal(&a, &b));
    b = a;
    b.sum.high++;
    assert_false(key_digest_equal(&a, &b));
}

static void hex_has_the_high_half_first(void **state)
{
    (void)state;
    struct hash128 value = {.low = 0x1, .high = 0xABCDEF0123456789};
    struct hash128 back = {0};
    char hex[HASH128_HEX_SIZE];
    hash128_to_hex(value, hex);
    assert_string_equal(hex, "abcdef01234567890000000000000001");
    assert_int_equal(hash128_from_hex(hex, &back, NULL), ERR_OK);
    assert_int_equal(back.low, value.low);
    assert_int_equal(back.high, value.high);
    value = (struct hash128){.low = UINT64_MAX, .high = UINT64_MAX};
    hash128_to_hex(value, hex);
    assert_int_equal(hash128_from_hex(hex, &back, NULL), ERR_OK);
    assert_int_equal(back.low, UINT64_MAX);
    assert_int_equal(back.high, UINT64_MAX);
}

static void other_text_is_no_number(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0",
        "abcdef0123456789000000000000000",
        "abcdef012345678900000000000000011",
        "ABCDEF01234567890000000000000001",
        "abcdef0123456789000000000000000g",
        " bcdef01234567890000000000000001",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct hash128 out = {.low = 7, .high = 8};
        struct error err = ERROR_INIT;
        assert_int_equal(hash128_from_hex(bad[i], &out, &err), ERR_DAMAGED);
        assert_non_null(strstr(err.text, "32 lower-case hex digits"));
        assert_int_equal(out.low, 7);
        assert_int_equal(out.high, 8);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_64_bit_hashes),
        cmocka_unit_test(known_128_bit_hashes),
        cmocka_unit_test(a_seed_changes_everything),
        cmocka_unit_test(digests_add_with_carry_and_without_order),
        cmocka_unit_test(digests_differ_by_each_part),
        cmocka_unit_test(hex_has_the_high_half_first),
        cmocka_unit_test(other_text_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

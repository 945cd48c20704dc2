#include "value/number.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Greater exponents mean the same as this one: infinite, or zero. */
#define EXPONENT_MAX 1000000

const uint64_t number_powers[20] = {
    UINT64_C(1),
    UINT64_C(10),
    UINT64_C(100),
    UINT64_C(1000),
    UINT64_C(10000),
    UINT64_C(100000),
    UINT64_C(1000000),
    UINT64_C(10000000),
    UINT64_C(100000000),
    UINT64_C(1000000000),
    UINT64_C(10000000000),
    UINT64_C(100000000000),
    UINT64_C(1000000000000),
    UINT64_C(10000000000000),
    UINT64_C(100000000000000),
    UINT64_C(1000000000000000),
    UINT64_C(10000000000000000),
    UINT64_C(100000000000000000),
    UINT64_C(1000000000000000000),
    UINT64_C(10000000000000000000),
};

uint128 number_power(unsigned n)
{
    assert(n <= NUMBER_DIGITS);
    return n <= 19 ? number_powers[n] : (uint128)number_powers[19] * number_powers[n - 19];
}

/* ---- Reading ------------------------------------------------------------------------------- */

struct cursor {
    const char *at, *end;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool take(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

#define HALF_DIGITS UINT64_C(1000000000000000000) /* one more digit still fits 64 bits */

/* Digits beyond those that fit 64 bits; what is beyond those that are kept counts as powers of ten. */
static void take_far_digits(struct cursor *c, struct number *out)
{
    const uint128 most = (uint128)HALF_DIGITS * number_powers[NUMBER_DIGITS - 1 - 18];
    for (; c->at < c->end && is_digit(*c->at); c->at++) {
        unsigned digit = (unsigned)(*c->at - '0');
        if (out->digits < most) {
            out->digits = out->digits * 10 + digit;
        } else {
            out->power++;
            out->lost = out->lost || digit != 0;
        }
    }
}

/* A run of digits; returns how many. */
static size_t take_digits(struct cursor *c, struct number *out)
{
    const char *begin = c->at;
    if (out->digits < HALF_DIGITS) {
        uint64_t digits = (uint64_t)out->digits;
        for (; c->at < c->end && is_digit(*c->at) && digits < HALF_DIGITS; c->at++)
            digits = digits * 10 + (unsigned)(*c->at - '0');
        out->digits = digits;
    }
    if (c->at < c->end && is_digit(*c->at))
        take_far_digits(c, out);
    return (size_t)(c->at - begin);
}

/* The sign between groups; where it is a blank, no-break spaces (U+00A0, U+202F) count as well. */
static bool take_thousands(struct cursor *c, char sign)
{
    static const char *const blanks[] = {"\xc2\xa0", "\xe2\x80\xaf"};
    if (take(c, sign))
        return true;
    for (size_t i = 0; sign == ' ' && i < sizeof blanks / sizeof *blanks; i++) {
        size_t length = strlen(blanks[i]);
        if ((size_t)(c->end - c->at) >= length && memcmp(c->at, blanks[i], length) == 0) {
            c->at += length;
            return true;
        }
    }
    return false;
}

/*
 * Digits before the point. Three follow each thousands sign, and one to three that do not begin
 * with a zero come before the first: nobody writes 0.123 for a hundred and twenty-three.
 */
static enum fault take_whole(struct cursor *c, char sign, struct number *out, size_t *count)
{
    const char *begin = c->at;
    *count = take_digits(c, out);
    if (sign == '\0' || *count == 0)
        return FAULT_NONE;
    bool may_group = *count <= 3 && *begin != '0';
    while (take_thousands(c, sign)) {
        size_t group = take_digits(c, out);
        if (!may_group || group != 3)
            return FAULT_GROUPS;
        *count += group;
    }
    return FAULT_NONE;
}

/* "e", a sign and digits, or nothing; false where an exponent has no digits. */
static bool take_exponent(struct cursor *c, int64_t *out)
{
    *out = 0;
    if (c->at == c->end || (*c->at != 'e' && *c->at != 'E'))
        return true;
    c->at++;
    bool negative = take(c, '-');
    if (!negative)
        take(c, '+');
    const char *begin = c->at;
    for (; c->at < c->end && is_digit(*c->at); c->at++)
        if (*out < EXPONENT_MAX)
            *out = *out * 10 + (*c->at - '0');
    bool found = c->at > begin;
    if (negative)
        *out = -*out;
    return found;
}

static void take_percent(struct cursor *c, struct number *out)
{
    const char *before = c->at;
    while (take(c, ' '))
        ;
    if (take(c, '%')) {
        out->power -= 2;
        out->last -= 2;
    } else {
        c->at = before;
    }
}

enum fault number_read(const char *text, size_t length, const struct number_style *style,
                       struct number *out)
{
    struct cursor c = {text, text + length};
    int64_t exponent;
    size_t whole, fraction = 0;
    *out = (struct number){.negative = take(&c, '-')};
    if (!out->negative)
        take(&c, '+');
    out->begin = c.at;
    enum fault fault = take_whole(&c, style->thousands, out, &whole);
    if (fault != FAULT_NONE)
        return fault;
    if (take(&c, style->decimal))
        fraction = take_digits(&c, out);
    out->length = (size_t)(c.at - out->begin);
    const char *before = c.at;
    if (whole + fraction == 0 || !take_exponent(&c, &exponent))
        return FAULT_FORM;
    out->whole = whole > 0 && c.at == before;
    out->fraction = fraction > 0;
    out->last = exponent - (int64_t)fraction;
    out->power += out->last;
    if (style->percent)
        take_percent(&c, out);
    return c.at == c.end ? FAULT_NONE : FAULT_FORM;
}

/* ---- Exact values -------------------------------------------------------------------------- */

enum fault number_unscaled(const struct number *n, unsigned precision, unsigned scale, int128 *out)
{
    int64_t shift = n->power + scale;
    uint128 value = n->digits;
    *out = 0;
    if (n->lost)
        return n->fraction ? FAULT_SCALE : FAULT_RANGE;
    if (value == 0)
        return FAULT_NONE;
    if (shift < 0) {
        uint128 unit = shift < -NUMBER_DIGITS ? 0 : number_power((unsigned)-shift);
        if (unit == 0 || value % unit != 0)
            return FAULT_SCALE;
        value /= unit;
    } else if (shift > 0) {
        if (shift >= precision || value >= number_power(precision - (unsigned)shift))
            return FAULT_RANGE;
        value *= number_power((unsigned)shift);
    }
    if (value >= number_power(precision))
        return FAULT_RANGE;
    *out = n->negative ? -(int128)value : (int128)value;
    return FAULT_NONE;
}

/* ---- Doubles ------------------------------------------------------------------------------- */

#define EXACT_POWER 22 /* 10^22 is the last power of ten that is a double */
#define EXACT_DIGITS (UINT64_C(1) << 53)
#define WIDE_POWER 27 /* 5^27 is the last power of five below 2^63 */

static const double doubles[EXACT_POWER + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
};

/* value * 2^power, and a little more where `more`, as the nearest double; it must be a normal one. */
static double round_to_double(uint128 value, int power, bool more)
{
    uint64_t high = (uint64_t)(value >> 64);
    int bits = high != 0 ? 128 - __builtin_clzll(high) : 64 - __builtin_clzll((uint64_t)value);
    int drop = bits - 53;
    if (drop <= 0)
        return ldexp((double)(uint64_t)value, power);
    uint128 rest = value & (((uint128)1 << drop) - 1);
    uint128 half = (uint128)1 << (drop - 1);
    uint64_t kept = (uint64_t)(value >> drop);
    if (rest > half || (rest == half && (more || (kept & 1) != 0)))
        kept++;
    return ldexp((double)kept, power + drop);
}

static const uint64_t fives[WIDE_POWER + 1] = {
    UINT64_C(1),
    UINT64_C(5),
    UINT64_C(25),
    UINT64_C(125),
    UINT64_C(625),
    UINT64_C(3125),
    UINT64_C(15625),
    UINT64_C(78125),
    UINT64_C(390625),
    UINT64_C(1953125),
    UINT64_C(9765625),
    UINT64_C(48828125),
    UINT64_C(244140625),
    UINT64_C(1220703125),
    UINT64_C(6103515625),
    UINT64_C(30517578125),
    UINT64_C(152587890625),
    UINT64_C(762939453125),
    UINT64_C(3814697265625),
    UINT64_C(19073486328125),
    UINT64_C(95367431640625),
    UINT64_C(476837158203125),
    UINT64_C(2384185791015625),
    UINT64_C(11920928955078125),
    UINT64_C(59604644775390625),
    UINT64_C(298023223876953125),
    UINT64_C(1490116119384765625),
    UINT64_C(7450580596923828125),
};

/*
 * digits * 10^power, correctly rounded, with no more than whole numbers of 128 bits: a power of ten
 * is one of five and one of two, and only the one of five costs bits. A quotient has 63 or 64.
 */
static double wide_double(uint64_t digits, int power)
{
    if (power >= 0)
        return round_to_double((uint128)digits * fives[power], power, false);
    uint64_t five = fives[-power];
    int shift = 63 + __builtin_clzll(digits) - __builtin_clzll(five);
    uint128 numerator = (uint128)digits << shift;
    uint128 quotient = numerator / five;
    return round_to_double(quotient, power - shift, quotient * five != numerator);
}

/*
 * All digits that can decide how a double is rounded: 767 (IEEE 754 binary64), and one that says
 * whether others follow.
 */
#define LONG_DIGITS 800

static double long_double_of(const struct number *n)
{
    char text[LONG_DIGITS + 32];
    size_t used = 0;
    int64_t power = n->last;
    bool more = false;
    for (size_t i = 0; i < n->length; i++) {
        char c = n->begin[i];
        if (!is_digit(c) || (used == 0 && c == '0'))
            continue;
        if (used < LONG_DIGITS) {
            text[used++] = c;
        } else {
            power++;
            more = more || c != '0';
        }
    }
    if (more)
        text[used - 1] |= 1; /* no tie ends here: only that something follows must be kept */
    /* No decimal sign is left, so that strtod() is the same in every locale. */
    snprintf(text + used, sizeof text - used, "e%lld", (long long)power);
    return strtod(text, NULL);
}

static double magnitude(const struct number *n)
{
    bool small = n->digits <= UINT64_MAX && !n->lost;
    uint64_t digits = (uint64_t)n->digits;
    if (small && digits <= EXACT_DIGITS && n->power >= -EXACT_POWER && n->power <= EXACT_POWER) {
        double value = (double)digits; /* both exact, so that the one operation rounds right */
        return n->power < 0 ? value / doubles[-n->power] : value * doubles[n->power];
    }
    if (small && n->power >= -WIDE_POWER && n->power <= WIDE_POWER)
        return wide_double(digits, (int)n->power);
    return long_double_of(n);
}

enum fault number_double(const struct number *n, double *out)
{
    *out = 0.0;
    if (n->digits == 0)
        return FAULT_NONE;
    double value = magnitude(n);
    if (isinf(value))
        return FAULT_RANGE;
    if (value == 0.0)
        return FAULT_ZERO;
    *out = n->negative ? -value : value;
    return FAULT_NONE;
}

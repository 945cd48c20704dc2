/*
 * Numbers as they are written, and what they are exactly. docs/types.md has the grammar. Pure
 * functions.
 */
#ifndef CAUCE_VALUE_NUMBER_H
#define CAUCE_VALUE_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/column.h"
#include "value/fault.h"

/* How numbers of a column are written. */
struct number_style {
    char decimal;   /* '.' or ',' */
    char thousands; /* 0: none; a blank stands for no-break spaces as well */
    bool percent;   /* they may end in %, and are then a hundredth */
};

/* Significant digits that are kept. */
#define NUMBER_DIGITS 38

/* (-1 if negative) * digits * 10^power, and where `lost`, further digits that are not zeros. */
struct number {
    uint128 digits;
    int64_t power;
    bool negative;
    bool lost;
    bool whole;    /* written with digits before the point and without an exponent */
    bool fraction; /* has digits after the point */
    /* Where the digits are, for those that are lost; the last of them counts 10^last. */
    const char *begin;
    size_t length;
    int64_t last;
};

/* Read a number that fills the text: digits, at most one point and an exponent; no words. */
enum fault number_read(const char *text, size_t length, const struct number_style *style,
                       struct number *out);

/* The number times 10^scale, which must be whole and have at most `precision` (1 to 38) digits. */
enum fault number_unscaled(const struct number *n, unsigned precision, unsigned scale, int128 *out);

/*
 * The nearest double, ties to even, as IEEE 754 requires; zero is never negative. FAULT_RANGE where
 * it would be infinite, FAULT_ZERO where it would become zero.
 */
enum fault number_double(const struct number *n, double *out);

/* 10^n for n up to 38. */
uint128 number_power(unsigned n);

/*
 * The fast path: sign, digits and at most one point in at most 19 bytes. False: not that plain,
 * which does not mean that it is not a number.
 */
struct number_plain {
    uint64_t digits;
    unsigned fraction; /* digits after the point */
    bool negative;
    bool point;
};

static inline bool number_read_plain(const char *text, size_t length, char decimal,
                                     struct number_plain *out)
{
    if (length == 0 || length > 19)
        return false;
    const char *at = text;
    const char *end = text + length;
    out->negative = *at == '-';
    at += out->negative;
    const char *first = at;
    uint64_t digits = 0;
    for (; at < end && (unsigned char)(*at - '0') < 10; at++)
        digits = digits * 10 + (unsigned char)(*at - '0');
    out->point = at > first && at < end && *at == decimal;
    out->fraction = 0;
    if (out->point) {
        const char *point = at++;
        for (; at < end && (unsigned char)(*at - '0') < 10; at++)
            digits = digits * 10 + (unsigned char)(*at - '0');
        out->fraction = (unsigned)(at - point) - 1;
    }
    out->digits = digits;
    return at == end && at > first;
}

/* 10^n for n up to 19. */
extern const uint64_t number_powers[20];

#endif

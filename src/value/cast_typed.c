/* From typed values of a source: exactly, or a fault. docs/types.md has the table. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/utf8.h"
#include "value/calendar.h"
#include "value/cast_part.h"
#include "value/octets.h"
#include "value/print.h"

/* Up to here every whole number has its own double; above, one stands for several. */
#define WHOLE_MAX 9007199254740992.0 /* 2^53 */

static enum cast_outcome outcome(enum fault fault)
{
    return fault == FAULT_NONE ? CAST_VALUE : CAST_BAD;
}

static enum cast_outcome put_text(struct column *out, const char *text)
{
    return column_add_bytes(out, text, strlen(text)) ? CAST_VALUE : CAST_BAD;
}

static struct number number_of(int128 value, unsigned scale)
{
    return (struct number){
        .negative = value < 0,
        .digits = value < 0 ? -(uint128)value : (uint128)value,
        .power = -(int64_t)scale,
    };
}

enum cast_outcome cast_boolean(const struct cast *c, bool value, struct column *out)
{
    switch (c->type.kind) {
    case TYPE_BOOLEAN:
        column_add_boolean(out, value);
        return CAST_VALUE;
    case TYPE_INT:
    case TYPE_BIGINT:
        return cast_integer(c, value, out);
    case TYPE_TEXT:
        return put_text(out, value ? "true" : "false");
    case TYPE_NONE:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

enum cast_outcome cast_integer(const struct cast *c, int128 value, struct column *out)
{
    if (c->type.kind == TYPE_BOOLEAN && (value == 0 || value == 1)) {
        column_add_boolean(out, value == 1);
        return CAST_VALUE;
    }
    return cast_decimal(c, value, 0, out);
}

/* A decimal becomes a double where the double, printed, is that decimal again. */
static enum cast_outcome decimal_to_double(int128 value, unsigned scale, struct column *out)
{
    static const struct number_style style = {.decimal = '.'};
    char text[PRINT_DECIMAL_SIZE];
    char shown[PRINT_DOUBLE_SIZE];
    struct number n;
    double nearest;
    int128 found;
    print_decimal(value, scale, text);
    if (number_read(text, strlen(text), &style, &n) != FAULT_NONE ||
        number_double(&n, &nearest) != FAULT_NONE)
        return CAST_BAD;
    print_double(nearest, shown);
    if (number_read(shown, strlen(shown), &style, &n) != FAULT_NONE ||
        number_unscaled(&n, NUMBER_DIGITS, scale, &found) != FAULT_NONE || found != value)
        return CAST_BAD;
    column_add_double(out, nearest);
    return CAST_VALUE;
}

/* Our decimals have no more digits than this. */
static bool fits_a_decimal(int128 value)
{
    int128 limit = (int128)number_power(NUMBER_DIGITS);
    return value > -limit && value < limit;
}

enum cast_outcome cast_decimal(const struct cast *c, int128 value, unsigned scale,
                               struct column *out)
{
    if (!fits_a_decimal(value) || scale > NUMBER_DIGITS)
        return CAST_BAD;
    struct number n = number_of(value, scale);
    char text[PRINT_DECIMAL_SIZE];
    switch (c->type.kind) {
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        return outcome(cast_put_number(c, &n, out));
    case TYPE_DOUBLE:
        return decimal_to_double(value, scale, out);
    case TYPE_TEXT:
        print_decimal(value, scale, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

/* What the double prints as: 0.1 is the decimal 0.1, although no double is. */
static enum cast_outcome double_to_number(const struct cast *c, double value, struct column *out)
{
    static const struct number_style style = {.decimal = '.'};
    char text[PRINT_DOUBLE_SIZE];
    struct number n;
    if (!isfinite(value) || fabs(value) >= WHOLE_MAX)
        return CAST_BAD;
    print_double(value, text);
    enum fault fault = number_read(text, strlen(text), &style, &n);
    return outcome(fault == FAULT_NONE ? cast_put_number(c, &n, out) : fault);
}

enum cast_outcome cast_double(const struct cast *c, double value, struct column *out)
{
    char text[PRINT_DOUBLE_SIZE];
    switch (c->type.kind) {
    case TYPE_DOUBLE:
        /* Zero and NaN have one form each: keys and revisions compare bytes. */
        column_add_double(out, isnan(value) ? (double)NAN : value + 0.0);
        return CAST_VALUE;
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        return double_to_number(c, value, out);
    case TYPE_TEXT:
        print_double(value, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

/* ---- Days and times -------------------------------------------------------------------------- */

enum cast_outcome cast_days(const struct cast *c, int64_t days, struct column *out)
{
    char text[PRINT_MOMENT_SIZE];
    if (days < CALENDAR_FIRST || days > CALENDAR_LAST)
        return CAST_BAD;
    switch (c->type.kind) {
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
        return outcome(cast_put_days(c, days, out));
    case TYPE_TEXT:
        print_days((int32_t)days, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_TIME:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

/* False where it is not a whole number of microseconds that fits 64 bits. */
static bool to_micros(int64_t *value, enum cast_unit unit)
{
    switch (unit) {
    case CAST_SECONDS:
        return !__builtin_mul_overflow(*value, INT64_C(1000000), value);
    case CAST_MILLISECONDS:
        return !__builtin_mul_overflow(*value, INT64_C(1000), value);
    case CAST_MICROSECONDS:
        return true;
    case CAST_NANOSECONDS:
        if (*value % 1000 != 0)
            return false;
        *value /= 1000;
        return true;
    }
    return false;
}

enum cast_outcome cast_clock(const struct cast *c, int64_t value, enum cast_unit unit,
                             struct column *out)
{
    char text[PRINT_MOMENT_SIZE];
    if (!to_micros(&value, unit) || value < 0 || value >= CALENDAR_DAY)
        return CAST_BAD;
    switch (c->type.kind) {
    case TYPE_TIME:
        column_add_bigint(out, value);
        return CAST_VALUE;
    case TYPE_TEXT:
        print_clock(value, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

enum cast_outcome cast_moment(const struct cast *c, int64_t value, enum cast_unit unit, bool local,
                              struct column *out)
{
    char text[PRINT_MOMENT_SIZE];
    if (!to_micros(&value, unit) || !calendar_holds(value))
        return CAST_BAD;
    switch (c->type.kind) {
    case TYPE_TIMESTAMP:
        return outcome(cast_put_moment(c, value, local, out));
    case TYPE_DATE:
        if (value % CALENDAR_DAY != 0)
            return CAST_BAD;
        return outcome(cast_put_days(c, value / CALENDAR_DAY, out));
    case TYPE_TEXT:
        print_moment(value, !local, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_TIME:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

enum cast_outcome cast_uuid(const struct cast *c, struct uuid value, struct column *out)
{
    char text[PRINT_UUID_SIZE];
    switch (c->type.kind) {
    case TYPE_UUID:
        column_add_uuid(out, value);
        return CAST_VALUE;
    case TYPE_TEXT:
        print_uuid(value, text);
        return put_text(out, text);
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return CAST_BAD;
}

enum cast_outcome cast_binary(const struct cast *c, const void *bytes, size_t count,
                              struct column *out)
{
    bool may =
        c->type.kind == TYPE_BINARY || (c->type.kind == TYPE_TEXT && utf8_valid(bytes, count));
    return may && column_add_bytes(out, bytes, count) ? CAST_VALUE : CAST_BAD;
}

/* From texts: one reader per type. What each accepts is written down in docs/types.md. */
#include <assert.h>
#include <math.h>
#include <string.h>
#include <strings.h>

#include "util/hex.h"
#include "util/utf8.h"
#include "value/calendar.h"
#include "value/cast_part.h"
#include "value/moment.h"
#include "value/octets.h"

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

static enum fault read_boolean(const struct cast *c, const char *text, size_t length,
                               struct column *out)
{
    (void)c;
    static const char *const words[] = {"true", "false", "t", "f", "1", "0", "yes", "no", "y", "n"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (is_word(text, length, words[i])) {
            column_add_boolean(out, i % 2 == 0);
            return FAULT_NONE;
        }
    }
    return FAULT_FORM;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static enum fault put_integer(struct column *out, int64_t value)
{
    if (out->type.kind == TYPE_BIGINT) {
        column_add_bigint(out, value);
        return FAULT_NONE;
    }
    if (value < INT32_MIN || value > INT32_MAX)
        return FAULT_RANGE;
    column_add_int(out, (int32_t)value);
    return FAULT_NONE;
}

enum fault cast_put_number(const struct cast *c, const struct number *n, struct column *out)
{
    int128 value;
    if (c->type.kind == TYPE_DOUBLE) {
        double nearest;
        enum fault fault = number_double(n, &nearest);
        if (fault == FAULT_NONE)
            column_add_double(out, nearest);
        return fault;
    }
    bool decimal = c->type.kind == TYPE_DECIMAL;
    unsigned precision = decimal ? c->type.precision : NUMBER_DIGITS;
    enum fault fault = number_unscaled(n, precision, c->type.scale, &value);
    if (fault != FAULT_NONE)
        return fault;
    if (!decimal && (value < INT64_MIN || value > INT64_MAX))
        return FAULT_RANGE;
    if (!decimal)
        return put_integer(out, (int64_t)value);
    column_add_decimal(out, value);
    return FAULT_NONE;
}

static enum fault read_integer(const struct cast *c, const char *text, size_t length,
                               struct column *out)
{
    struct number_plain plain;
    if (number_read_plain(text, length, c->style.decimal, &plain) && !plain.point &&
        plain.digits <= INT64_MAX) {
        int64_t value = (int64_t)plain.digits;
        return put_integer(out, plain.negative ? -value : value);
    }
    struct number n;
    enum fault fault = number_read(text, length, &c->style, &n);
    if (fault != FAULT_NONE)
        return fault;
    /* 1e3 is how programs print floating-point numbers. */
    if (!n.whole)
        return FAULT_FORM;
    return cast_put_number(c, &n, out);
}

static enum fault read_decimal(const struct cast *c, const char *text, size_t length,
                               struct column *out)
{
    struct number_plain plain;
    if (number_read_plain(text, length, c->style.decimal, &plain) &&
        plain.fraction <= c->type.scale && c->type.precision <= COLUMN_DECIMAL_SMALL) {
        unsigned shift = c->type.scale - plain.fraction;
        if (plain.digits >= number_powers[c->type.precision - shift])
            return FAULT_RANGE;
        int64_t value = (int64_t)(plain.digits * number_powers[shift]);
        column_add_decimal(out, plain.negative ? -value : value);
        return FAULT_NONE;
    }
    struct number n;
    enum fault fault = number_read(text, length, &c->style, &n);
    return fault == FAULT_NONE ? cast_put_number(c, &n, out) : fault;
}

/* NaN and the infinities by name; a NaN has one form. */
static enum fault read_words(const char *text, size_t length, struct column *out)
{
    bool sign = length > 0 && (*text == '-' || *text == '+');
    bool negative = sign && *text == '-';
    text += sign;
    length -= sign;
    if (is_word(text, length, "nan"))
        column_add_double(out, (double)NAN);
    else if (is_word(text, length, "inf") || is_word(text, length, "infinity"))
        column_add_double(out, negative ? -HUGE_VAL : HUGE_VAL);
    else
        return FAULT_FORM;
    return FAULT_NONE;
}

static enum fault read_double(const struct cast *c, const char *text, size_t length,
                              struct column *out)
{
    static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,
                                    1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19};
    struct number_plain plain;
    if (number_read_plain(text, length, c->style.decimal, &plain) && plain.digits < UINT64_C(1)
                                                                                        << 53) {
        /* Both are exact as doubles, so that the one division rounds right. */
        double value = (double)(int64_t)plain.digits / powers[plain.fraction];
        column_add_double(out, plain.negative && plain.digits != 0 ? -value : value);
        return FAULT_NONE;
    }
    struct number n;
    enum fault fault = number_read(text, length, &c->style, &n);
    if (fault == FAULT_FORM)
        return read_words(text, length, out);
    return fault == FAULT_NONE ? cast_put_number(c, &n, out) : fault;
}

/* ---- Days and times -------------------------------------------------------------------------- */

enum fault cast_put_days(const struct cast *c, int64_t days, struct column *out)
{
    if (days < CALENDAR_FIRST || days > CALENDAR_LAST)
        return FAULT_YEARS;
    if (c->type.kind == TYPE_TIMESTAMP)
        return cast_put_moment(c, days * CALENDAR_DAY, true, out);
    column_add_int(out, (int32_t)days);
    return FAULT_NONE;
}

static enum fault to_utc(const struct zone *zone, int64_t *micros)
{
    int64_t seconds = *micros / CALENDAR_SECOND - (*micros % CALENDAR_SECOND < 0);
    int64_t fraction = *micros - seconds * CALENDAR_SECOND;
    switch (zone_to_utc(zone, seconds, &seconds)) {
    case ZONE_NEVER:
        return FAULT_GAP;
    case ZONE_TWICE:
        return FAULT_FOLD;
    case ZONE_ONCE:
        break;
    }
    *micros = seconds * CALENDAR_SECOND + fraction;
    return FAULT_NONE;
}

enum fault cast_put_moment(const struct cast *c, int64_t micros, bool local, struct column *out)
{
    if (!calendar_holds(micros))
        return FAULT_YEARS;
    if (local && c->zone != NULL) {
        enum fault fault = to_utc(c->zone, &micros);
        if (fault != FAULT_NONE)
            return fault;
        if (!calendar_holds(micros))
            return FAULT_YEARS;
    }
    column_add_bigint(out, micros);
    return FAULT_NONE;
}

static enum fault put_moment(const struct cast *c, const struct moment *m, struct column *out)
{
    switch (c->type.kind) {
    case TYPE_TIME:
        column_add_bigint(out, m->clock);
        return FAULT_NONE;
    case TYPE_DATE:
        if (m->clock != 0 || m->offset != 0)
            return FAULT_CLOCK;
        column_add_int(out, m->days);
        return FAULT_NONE;
    case TYPE_NONE:
    case TYPE_BOOLEAN:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_DECIMAL:
    case TYPE_TEXT:
    case TYPE_TIMESTAMP:
    case TYPE_UUID:
    case TYPE_BINARY:
    case TYPE_COUNT:
        break;
    }
    return cast_put_moment(c, m->days * CALENDAR_DAY + m->clock - m->offset * CALENDAR_SECOND,
                           !m->has_offset, out);
}

static enum fault read_date(const struct cast *c, const char *text, size_t length,
                            struct column *out)
{
    int32_t days;
    enum fault fault = moment_read_date(text, length, &days);
    if (fault == FAULT_NONE) {
        column_add_int(out, days);
        return FAULT_NONE;
    }
    /* Midnight is what programs add to a date that they keep as a timestamp. */
    struct moment m;
    if (fault == FAULT_FORM)
        fault = moment_read(text, length, &m);
    return fault == FAULT_NONE ? put_moment(c, &m, out) : fault;
}

static enum fault read_time(const struct cast *c, const char *text, size_t length,
                            struct column *out)
{
    (void)c;
    int64_t clock;
    enum fault fault = moment_read_clock(text, length, &clock);
    if (fault == FAULT_NONE)
        column_add_bigint(out, clock);
    return fault;
}

static enum fault read_timestamp(const struct cast *c, const char *text, size_t length,
                                 struct column *out)
{
    struct moment m;
    enum fault fault = moment_read(text, length, &m);
    return fault == FAULT_NONE ? put_moment(c, &m, out) : fault;
}

/* The first format that fits counts; where none does, the most informative fault. */
static enum fault read_formats(const struct cast *c, const char *text, size_t length,
                               struct column *out)
{
    enum fault telling = FAULT_FORM;
    for (size_t i = 0; i < c->format_count; i++) {
        struct moment m;
        enum fault fault = format_read(c->formats[i], text, length, &m);
        if (fault == FAULT_NONE)
            return put_moment(c, &m, out);
        if (telling == FAULT_FORM)
            telling = fault;
    }
    return telling;
}

/* ---- Bytes ----------------------------------------------------------------------------------- */

static enum fault read_text(const struct cast *c, const char *text, size_t length,
                            struct column *out)
{
    (void)c;
    if (!utf8_valid(text, length))
        return FAULT_UTF8;
    return column_add_bytes(out, text, length) ? FAULT_NONE : FAULT_FULL;
}

static enum fault read_uuid(const struct cast *c, const char *text, size_t length,
                            struct column *out)
{
    (void)c;
    struct uuid value;
    if (!octets_uuid(text, length, &value))
        return FAULT_FORM;
    column_add_uuid(out, value);
    return FAULT_NONE;
}

/* The digits go into the column and become bytes there: half as many, so that they fit. */
static enum fault read_binary(const struct cast *c, const char *text, size_t length,
                              struct column *out)
{
    (void)c;
    if (length % 2 != 0)
        return FAULT_FORM;
    if (!column_add_bytes(out, text, length / 2))
        return FAULT_FULL;
    if (length == 0)
        return FAULT_NONE;
    char *bytes = out->bytes + out->offsets[out->count - 1];
    if (hex_decode(text, length / 2, (unsigned char *)bytes))
        return FAULT_NONE;
    column_truncate(out, out->count - 1);
    return FAULT_FORM;
}

cast_reader *cast_reader_of(enum type_kind kind, bool formats)
{
    switch (kind) {
    case TYPE_BOOLEAN:
        return read_boolean;
    case TYPE_INT:
    case TYPE_BIGINT:
        return read_integer;
    case TYPE_DOUBLE:
        return read_double;
    case TYPE_DECIMAL:
        return read_decimal;
    case TYPE_TEXT:
        return read_text;
    case TYPE_DATE:
        return formats ? read_formats : read_date;
    case TYPE_TIME:
        return formats ? read_formats : read_time;
    case TYPE_TIMESTAMP:
        return formats ? read_formats : read_timestamp;
    case TYPE_UUID:
        return read_uuid;
    case TYPE_BINARY:
        return read_binary;
    case TYPE_NONE:
    case TYPE_COUNT:
        break;
    }
    assert(kind != TYPE_NONE && kind != TYPE_COUNT); /* a column has a type */
    return read_text;
}

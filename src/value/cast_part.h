/* What the files of the casts share; nobody else includes it. */
#ifndef CAUCE_VALUE_CAST_PART_H
#define CAUCE_VALUE_CAST_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/cast.h"
#include "value/fault.h"
#include "value/format.h"
#include "value/number.h"
#include "value/zone.h"

struct cast_null {
    char *text;
    size_t length;
};

/* Append the value of a text that is not NULL and has no blanks around it. */
typedef enum fault cast_reader(const struct cast *c, const char *text, size_t length,
                               struct column *out);

struct cast {
    struct type type;
    cast_reader *read;
    bool trim;
    struct cast_null *nulls;
    size_t null_count;
    uint64_t null_lengths; /* bit n: a null text of n bytes; the last bit: of 63 and more */
    struct number_style style;
    struct format **formats;
    size_t format_count;
    struct zone *zone; /* NULL: UTC */
};

/* May a text of that length mean NULL? */
static inline bool cast_may_be_null(const struct cast *c, size_t length)
{
    return (c->null_lengths >> (length < 63 ? length : 63) & 1) != 0;
}

/* The reader of a type, by how it is said to be written. */
cast_reader *cast_reader_of(enum type_kind kind, bool formats);

/* A day, or microseconds since 1970 (of UTC, or of the cast's zone) as the type of the column. */
enum fault cast_put_days(const struct cast *c, int64_t days, struct column *out);
enum fault cast_put_moment(const struct cast *c, int64_t micros, bool local, struct column *out);

/* An unscaled decimal as the type of the column, exactly. */
enum fault cast_put_number(const struct cast *c, const struct number *n, struct column *out);

#endif

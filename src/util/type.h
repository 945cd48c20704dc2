/*
 * The types of a dataset's columns. The names are stable: they are written in configurations and
 * manifests. Pure functions.
 */
#ifndef CAUCE_UTIL_TYPE_H
#define CAUCE_UTIL_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

enum type_kind {
    TYPE_NONE, /* no type: of a zeroed struct, never of a column */
    TYPE_BOOLEAN,
    TYPE_INT,       /* 32 bits, signed */
    TYPE_BIGINT,    /* 64 bits, signed */
    TYPE_DOUBLE,    /* IEEE 754 binary64 */
    TYPE_DECIMAL,   /* exact, with precision and scale */
    TYPE_TEXT,      /* UTF-8 */
    TYPE_DATE,      /* days, no zone */
    TYPE_TIME,      /* microseconds of a day, no zone */
    TYPE_TIMESTAMP, /* microseconds since 1970 UTC */
    TYPE_UUID,
    TYPE_BINARY,
    TYPE_COUNT
};

#define TYPE_PRECISION_MAX 38

/* `precision` (1 to 38 digits) and `scale` (digits after the point) are 0 except for decimals. */
struct type {
    enum type_kind kind;
    uint8_t precision;
    uint8_t scale;
};

/* "decimal(38,37)" and its NUL, with room to spare. */
#define TYPE_TEXT_SIZE 24

/*
 * Parse a type's name: that of a kind, where "decimal" is followed by "(precision,scale)" or
 * "(precision)"; upper case and blanks inside the brackets are understood. ERR_CONFIG with the
 * reason, and the name that was probably meant; `out` is unchanged then.
 */
MUST_USE int type_parse(const char *text, struct type *out, struct error *err);

/* The one spelling of a type, as type_parse reads it; "none" for TYPE_NONE. */
void type_format(struct type type, char out[TYPE_TEXT_SIZE]);

/* Name of a kind without precision ("decimal"); "none" for what is not a kind. Static. */
const char *type_name(enum type_kind kind);

bool type_equal(struct type a, struct type b);

/* Has the type a value for every calendar day (date, timestamp): may a partition be cut by it? */
bool type_is_day(struct type type);

#endif

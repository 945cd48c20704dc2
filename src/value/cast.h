/*
 * Strict casts: what a source says as the value of a column, or a fault.
 *
 * Nothing is rounded, cut or guessed: a value is taken exactly or not at all. The rules for every
 * type are written down in docs/types.md; this is their one implementation, for all formats of
 * sources. A cast is made once per column and is read-only from then on: any number of threads may
 * use it.
 */
#ifndef CAUCE_VALUE_CAST_H
#define CAUCE_VALUE_CAST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/type.h"
#include "value/column.h"

struct zone;

/* How values of one column are written. Everything is borrowed for the call of cast_new only. */
struct cast_options {
    struct type type;
    const char *const *formats; /* of date, time, timestamp (docs/types.md); none: ISO 8601 */
    size_t format_count;
    const char *const *nulls; /* texts that mean NULL */
    size_t null_count;
    char decimal;   /* '.' or ',' */
    char thousands; /* 0: none; else it may stand only before groups of three digits */
    bool trim;      /* blanks around a value are not part of it, not even in texts */
    bool percent;   /* numbers may end in %, and are then a hundredth */
    int pivot;      /* %y: the first of the hundred years that two digits stand for; 0: 1969 */
    const char *time_zone; /* IANA name for timestamps without an offset; NULL: UTC */
};

struct cast;

/* ERR_CONFIG: a format or time zone that cannot be used, with the reason. */
MUST_USE int cast_new(const struct cast_options *options, struct cast **out, struct error *err);
void cast_free(struct cast *c); /* NULL allowed */

struct type cast_type(const struct cast *c);

enum cast_outcome {
    CAST_VALUE, /* appended */
    CAST_NULL,  /* a NULL was appended */
    CAST_BAD    /* not such a value; nothing was appended */
};

/*
 * Append the value that a text stands for. `text` need not end in a NUL. Blanks around a value are
 * not part of it, except in texts and binary values without `trim`. Texts are checked to be UTF-8.
 */
enum cast_outcome cast_text(const struct cast *c, const char *text, size_t length,
                            struct column *out);

/*
 * As cast_text, for a text that is a number in a format which writes numbers in one way (JSON): with
 * a point and no thousands sign, whatever the texts of the column look like.
 */
enum cast_outcome cast_number(const struct cast *c, const char *text, size_t length,
                              struct column *out);

/* Do both give the same, because texts of the column write numbers in that way, too? */
bool cast_is_plain(const struct cast *c);

/* A text among others: `length` bytes, `at` bytes after the base of all. */
struct cast_span {
    uint32_t at;
    uint32_t length;
};

/*
 * So many bytes after every text that cast_texts is given can be read, whatever they are, and are
 * not part of it, so that a text can be loaded in whole words.
 */
#define CAST_MARGIN 32

/*
 * Append the values of many texts of one column, as cast_text does one by one, up to the first that
 * is bad. Returns how many were appended, NULLs included.
 */
size_t cast_texts(const struct cast *c, const char *base, const struct cast_span *texts,
                  size_t count, struct column *out);

/*
 * Append the value that a typed value of a source stands for, where it is exact: a double that is a
 * whole number may become an integer, nanoseconds that are whole microseconds a timestamp. Texts of
 * a typed source go through cast_text; null texts apply to nothing else. `scale` is at most 38.
 */
enum cast_outcome cast_boolean(const struct cast *c, bool value, struct column *out);
enum cast_outcome cast_integer(const struct cast *c, int128 value, struct column *out);
enum cast_outcome cast_double(const struct cast *c, double value, struct column *out);
enum cast_outcome cast_decimal(const struct cast *c, int128 value, unsigned scale,
                               struct column *out);
enum cast_outcome cast_days(const struct cast *c, int64_t days, struct column *out);

enum cast_unit { CAST_SECONDS, CAST_MILLISECONDS, CAST_MICROSECONDS, CAST_NANOSECONDS };
/* Time of day; a moment since 1970, in UTC or (`local`) in the cast's time zone. */
enum cast_outcome cast_clock(const struct cast *c, int64_t value, enum cast_unit unit,
                             struct column *out);
enum cast_outcome cast_moment(const struct cast *c, int64_t value, enum cast_unit unit, bool local,
                              struct column *out);
enum cast_outcome cast_uuid(const struct cast *c, struct uuid value, struct column *out);
enum cast_outcome cast_binary(const struct cast *c, const void *bytes, size_t count,
                              struct column *out);

/*
 * Why a text is not such a value, for people, as the rest of a sentence: `is not a uuid`,
 * `is not a date (%Y is four digits)`. A new string.
 */
MUST_USE char *cast_reason(const struct cast *c, const char *text, size_t length);

#endif

/*
 * Dates, times of day and moments as ISO 8601 writes them. docs/types.md says what is accepted.
 * Pure functions; none of them asks the locale or the time zone of the process.
 */
#ifndef CAUCE_VALUE_MOMENT_H
#define CAUCE_VALUE_MOMENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/fault.h"

/* What a text says: a day, a time of day, and perhaps how far from UTC both are. */
struct moment {
    int32_t days;  /* since 1970-01-01 */
    int64_t clock; /* microseconds of the day */
    bool has_offset;
    int offset; /* seconds east of UTC */
};

/* 2026-01-31; zeros in front of month and day may be missing, and "/" may stand for both "-". */
enum fault moment_read_date(const char *text, size_t length, int32_t *days);

/* 23:59, 23:59:59, 23:59:59.999999. */
enum fault moment_read_clock(const char *text, size_t length, int64_t *clock);

/*
 * A date, then after "T" or blanks a time of day, then an offset; without a time of day, midnight.
 */
enum fault moment_read(const char *text, size_t length, struct moment *out);

/*
 * What pieces of formats and texts share. Each moves *at past what it read, never past `end`. A
 * fraction is the digits after its point; zero to `most` of them count, only zeros may follow.
 */
enum fault moment_take_fraction(const char **at, const char *end, int64_t *micros);

/* Z, UTC, GMT, +hh, +hh:mm, +hhmm, and with "-". */
enum fault moment_take_offset(const char **at, const char *end, int *seconds);
enum fault moment_take_zone_name(const char **at, const char *end);

#endif

/*
 * Values as texts, which read as the same values again. Pure functions; each writes a text with a
 * NUL at its end.
 */
#ifndef CAUCE_VALUE_PRINT_H
#define CAUCE_VALUE_PRINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "value/column.h"

#define PRINT_DOUBLE_SIZE 32
#define PRINT_DECIMAL_SIZE 48
#define PRINT_MOMENT_SIZE 40
#define PRINT_UUID_SIZE 37

/* The fewest digits that are this double and no other one: 0.1, 5.0, 1e+22, nan, -inf. */
void print_double(double value, char out[PRINT_DOUBLE_SIZE]);

/* With exactly `scale` (at most 38) digits after the point; at most 38 digits in all. */
void print_decimal(int128 unscaled, unsigned scale, char out[PRINT_DECIMAL_SIZE]);

/* 2026-01-31. The day must be in the years 1 to 9999. */
void print_days(int32_t days, char out[PRINT_MOMENT_SIZE]);

/* 23:59:59, 23:59:59.5: microseconds of the day, without zeros at the end. */
void print_clock(int64_t micros, char out[PRINT_MOMENT_SIZE]);

/* 2026-01-31 23:59:59.5, followed by +00 where it is `utc`. It must be in the years 1 to 9999. */
void print_moment(int64_t micros, bool utc, char out[PRINT_MOMENT_SIZE]);

void print_uuid(struct uuid value, char out[PRINT_UUID_SIZE]);

#endif

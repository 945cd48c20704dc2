/*
 * Days and the clock: the proleptic Gregorian calendar, years 1 to 9999, and how they are written.
 * Pure functions.
 */
#ifndef CAUCE_VALUE_CALENDAR_H
#define CAUCE_VALUE_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

#define CALENDAR_SECOND INT64_C(1000000)
#define CALENDAR_DAY (86400 * CALENDAR_SECOND)

/* Days since 1970 of 0001-01-01 and 9999-12-31. */
#define CALENDAR_FIRST (-719162)
#define CALENDAR_LAST 2932896

struct calendar_day {
    int year, month, day;
};

/* Days since 1970-01-01, and back. The day must exist; a day must be in the years 1 to 9999. */
int32_t calendar_days(struct calendar_day day);
struct calendar_day calendar_of(int32_t days);

/* Is there such a day, in the years 1 to 9999? */
bool calendar_exists(struct calendar_day day);

/* 0: Sunday, to 6. */
int calendar_weekday(int32_t days);

/* Is a moment (microseconds since 1970 UTC) in the years 1 to 9999? */
bool calendar_holds(int64_t microseconds);

#endif

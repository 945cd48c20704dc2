#include "value/calendar.h"

/*
 * Years begin in March and are counted in eras of 400 (Howard Hinnant, "chrono-compatible low-level
 * date algorithms"); unsigned, because year 0 is the least that can occur here.
 */
#define ERA_DAYS 146097
#define EPOCH 719468 /* days from 0000-03-01 to 1970-01-01 */

int32_t calendar_days(struct calendar_day d)
{
    unsigned year = (unsigned)d.year - (d.month <= 2);
    unsigned month = (unsigned)(d.month > 2 ? d.month - 3 : d.month + 9);
    unsigned of_year = (153 * month + 2) / 5 + (unsigned)d.day - 1;
    return (int32_t)(year * 365 + year / 4 - year / 100 + year / 400 + of_year) - EPOCH;
}

struct calendar_day calendar_of(int32_t days)
{
    unsigned all = (unsigned)(days + EPOCH);
    unsigned day = all % ERA_DAYS;
    unsigned year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    unsigned of_year = day - (365 * year + year / 4 - year / 100);
    unsigned month = (5 * of_year + 2) / 153;
    struct calendar_day out = {
        .month = (int)(month < 10 ? month + 3 : month - 9),
        .day = (int)(of_year - (153 * month + 2) / 5 + 1),
    };
    out.year = (int)(year + all / ERA_DAYS * 400) + (out.month <= 2);
    return out;
}

/* Days of a month, 1 to 12, of a year. */
static int month_length(int year, int month)
{
    static const uint8_t lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return lengths[month - 1] + (month == 2 && leap);
}

bool calendar_exists(struct calendar_day d)
{
    return d.year >= 1 && d.year <= 9999 && d.month >= 1 && d.month <= 12 && d.day >= 1 &&
           d.day <= month_length(d.year, d.month);
}

int calendar_weekday(int32_t days)
{
    return (int)((unsigned)(days - CALENDAR_FIRST + 1) % 7);
}

bool calendar_holds(int64_t microseconds)
{
    return microseconds >= CALENDAR_FIRST * CALENDAR_DAY &&
           microseconds < (CALENDAR_LAST + 1) * CALENDAR_DAY;
}

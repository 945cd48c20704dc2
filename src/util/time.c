#include "util/time.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "util/stop.h"

#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define DAY (86400 * SECOND)
#define MINUTES_OF_DAY 1440

/* Longest uninterrupted sleep: the signal may arrive in another thread, or just before the call. */
#define SLICE (100 * 1000)

/* 0000-01-01T00:00:00Z and 9999-12-31T23:59:59.999999Z. */
#define EARLIEST (INT64_C(-719528) * DAY)
#define LATEST (INT64_C(2932897) * DAY - 1)

static struct time_source replaced;

static int64_t clock_micros(clockid_t clock)
{
    struct timespec ts;
    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

int64_t time_now(void)
{
    return replaced.now != NULL ? replaced.now(replaced.ctx) : clock_micros(CLOCK_REALTIME);
}

int64_t time_monotonic(void)
{
    return replaced.monotonic != NULL ? replaced.monotonic(replaced.ctx)
                                      : clock_micros(CLOCK_MONOTONIC);
}

void time_sleep(int64_t microseconds)
{
    if (replaced.sleep != NULL) {
        replaced.sleep(replaced.ctx, microseconds);
        return;
    }
    int64_t now = clock_micros(CLOCK_MONOTONIC);
    int64_t end = microseconds > INT64_MAX - now ? INT64_MAX : now + microseconds;
    while (now < end && !stop_requested()) {
        int64_t until = end - now > SLICE ? now + SLICE : end;
        struct timespec ts = {.tv_sec = until / SECOND, .tv_nsec = until % SECOND * 1000};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL);
        now = clock_micros(CLOCK_MONOTONIC);
    }
}

void time_replace(const struct time_source *source)
{
    replaced = source != NULL ? *source : (struct time_source){0};
}

/* A UTC time in its parts. */
struct parts {
    int year, month, day, hour, minute, second, micros;
};

/*
 * Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back: years begin in
 * March and are counted in eras of 400 (Howard Hinnant, "chrono-compatible low-level date
 * algorithms").
 */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, struct parts *out)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day = days - era * 146097;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    int64_t of_year = day - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * of_year + 2) / 153;
    out->day = (int)(of_year - (153 * month + 2) / 5 + 1);
    out->month = (int)(month < 10 ? month + 3 : month - 9);
    out->year = (int)(year + era * 400 + (out->month <= 2));
}

static int split(int64_t microseconds, struct parts *out, struct error *err)
{
    if (microseconds < EARLIEST || microseconds > LATEST)
        return error_set(
            err, ERR_LIMIT,
            "The time %lld (microseconds since 1970) is outside the years 0000 to 9999.",
            (long long)microseconds);
    int64_t days = microseconds / DAY;
    int64_t rest = microseconds % DAY;
    if (rest < 0) {
        rest += DAY;
        days--;
    }
    date_of(days, out);
    out->hour = (int)(rest / (60 * MINUTE));
    out->minute = (int)(rest / MINUTE % 60);
    out->second = (int)(rest / SECOND % 60);
    out->micros = (int)(rest % SECOND);
    return ERR_OK;
}

/* `value` with exactly `width` digits; returns the end. */
static char *put_digits(char *at, int value, int width)
{
    for (int i = width - 1; i >= 0; i--) {
        at[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return at + width;
}

/* Each "#" of `shape` stands for the next part, from the year down. */
static int format(int64_t microseconds, const char *shape, char *text, struct error *err)
{
    static const int widths[] = {4, 2, 2, 2, 2, 2, 6};
    struct parts p = {0};
    char *at = text;
    size_t part = 0;
    int rc = split(microseconds, &p, err);
    *text = '\0';
    if (rc != ERR_OK)
        return rc;
    const int values[] = {p.year, p.month, p.day, p.hour, p.minute, p.second, p.micros};
    for (const char *c = shape; *c != '\0'; c++) {
        if (*c == '#') {
            at = put_digits(at, values[part], widths[part]);
            part++;
        } else {
            *at++ = *c;
        }
    }
    *at = '\0';
    return ERR_OK;
}

int time_format(int64_t microseconds, char text[TIME_TEXT_SIZE], struct error *err)
{
    return format(microseconds, "#-#-#T#:#:#.#Z", text, err);
}

void time_label(int64_t microseconds, char text[TIME_TEXT_SIZE])
{
    if (time_format(microseconds, text, NULL) != ERR_OK)
        snprintf(text, TIME_TEXT_SIZE, "?");
}

int time_format_compact(int64_t microseconds, char text[TIME_TEXT_SIZE], struct error *err)
{
    return format(microseconds, "###T###.#Z", text, err);
}

/* Exactly `count` digits; moves `*at` past them. */
static bool digits(const char **at, int count, int *out)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        char c = (*at)[i];
        if (c < '0' || c > '9')
            return false;
        value = value * 10 + (c - '0');
    }
    *at += count;
    *out = value;
    return true;
}

static bool literal(const char **at, char c)
{
    if (**at != c)
        return false;
    (*at)++;
    return true;
}

static int month_length(int year, int month)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : lengths[month - 1];
}

static bool parse_date(const char **at, struct parts *out)
{
    return digits(at, 4, &out->year) && literal(at, '-') && digits(at, 2, &out->month) &&
           literal(at, '-') && digits(at, 2, &out->day) && out->month >= 1 && out->month <= 12 &&
           out->day >= 1 && out->day <= month_length(out->year, out->month);
}

/* "." and one to six digits, or nothing. */
static bool parse_fraction(const char **at, int *micros)
{
    *micros = 0;
    if (!literal(at, '.'))
        return true;
    int unit = 100000;
    int digit;
    while (unit > 0 && digits(at, 1, &digit)) {
        *micros += digit * unit;
        unit /= 10;
    }
    return unit < 100000;
}

/* "Z", or an offset from UTC, in minutes. */
static bool parse_zone(const char **at, int *offset)
{
    *offset = 0;
    if (literal(at, 'Z') || literal(at, 'z'))
        return true;
    bool minus = **at == '-';
    int hours;
    int minutes;
    if (!literal(at, minus ? '-' : '+') || !digits(at, 2, &hours) || !literal(at, ':') ||
        !digits(at, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *offset = (hours * 60 + minutes) * (minus ? -1 : 1);
    return true;
}

/* What follows the date. A leap second is the last of its day in UTC, and counts as the next. */
static bool parse_clock(const char **at, struct parts *out, int *offset)
{
    if (!literal(at, 'T') && !literal(at, 't') && !literal(at, ' '))
        return false;
    if (!digits(at, 2, &out->hour) || !literal(at, ':') || !digits(at, 2, &out->minute) ||
        !literal(at, ':') || !digits(at, 2, &out->second) || !parse_fraction(at, &out->micros) ||
        !parse_zone(at, offset))
        return false;
    int utc = out->hour * 60 + out->minute - *offset;
    bool last = (utc + MINUTES_OF_DAY) % MINUTES_OF_DAY == MINUTES_OF_DAY - 1;
    return out->hour < 24 && out->minute < 60 && out->second < (last ? 61 : 60);
}

int time_parse(const char *text, int64_t *microseconds, struct error *err)
{
    struct parts p = {0};
    int offset = 0;
    const char *at = text;
    bool good = parse_date(&at, &p) && (*at == '\0' || parse_clock(&at, &p, &offset));
    if (good && *at == '\0') {
        int64_t minutes = days_of(p.year, p.month, p.day) * MINUTES_OF_DAY;
        minutes += p.hour * 60 + p.minute - offset;
        int64_t value = minutes * MINUTE + p.second * SECOND + p.micros;
        if (value >= EARLIEST && value <= LATEST) {
            *microseconds = value;
            return ERR_OK;
        }
    }
    return error_set(err, ERR_CONFIG,
                     "\"%.40s\" is not a time: write it as 2026-01-31T23:59:59Z (RFC 3339, with an "
                     "offset or Z and up to six digits of fraction) or as a date, 2026-01-31.",
                     text);
}

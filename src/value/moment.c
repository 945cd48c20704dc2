#include "value/moment.h"

#include <string.h>
#include <strings.h>

#include "value/calendar.h"

#define OFFSET_HOURS_MAX 15

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static bool is_letter(char c)
{
    return (unsigned char)((c | 0x20) - 'a') < 26;
}

static int two(const char *at)
{
    return (at[0] - '0') * 10 + (at[1] - '0');
}

/* From `least` to two digits; -1 where there are fewer. */
static int take_number(const char **at, const char *end, int least)
{
    const char *p = *at;
    int value = 0;
    while (p < end && p - *at < 2 && is_digit(*p))
        value = value * 10 + (*p++ - '0');
    if (p - *at < least)
        return -1;
    *at = p;
    return value;
}

static bool take(const char **at, const char *end, char wanted)
{
    if (*at == end || **at != wanted)
        return false;
    (*at)++;
    return true;
}

/* ---- Days ---------------------------------------------------------------------------------- */

static enum fault day_of(struct calendar_day day, int32_t *days)
{
    if (!calendar_exists(day))
        return day.year < 1 ? FAULT_YEARS : FAULT_DAY;
    *days = calendar_days(day);
    return FAULT_NONE;
}

/* The ten bytes of a padded date: eight digits and two signs, checked all at once. */
static bool is_padded(const char *text)
{
    unsigned char wrong = 0;
    static const unsigned char digits[] = {0, 1, 2, 3, 5, 6, 8, 9};
    for (size_t i = 0; i < sizeof digits; i++)
        wrong |= (unsigned char)(text[digits[i]] - '0') > 9;
    return wrong == 0 && text[4] == '-' && text[7] == '-';
}

static enum fault padded_date(const char *text, int32_t *days)
{
    struct calendar_day day = {two(text) * 100 + two(text + 2), two(text + 5), two(text + 8)};
    return day_of(day, days);
}

static enum fault take_date(const char **at, const char *end, int32_t *days)
{
    const char *p = *at;
    if (end - p >= 10 && is_padded(p) && (end - p == 10 || !is_digit(p[10]))) {
        *at += 10;
        return padded_date(p, days);
    }
    for (int i = 0; i < 4; i++)
        if (end - p <= i || !is_digit(p[i]))
            return FAULT_FORM;
    struct calendar_day day = {.year = two(p) * 100 + two(p + 2)};
    p += 4;
    if (p == end || (*p != '-' && *p != '/'))
        return FAULT_FORM;
    char sign = *p++;
    day.month = take_number(&p, end, 1);
    if (day.month < 0 || !take(&p, end, sign))
        return FAULT_FORM;
    day.day = take_number(&p, end, 1);
    if (day.day < 0 || (p < end && is_digit(*p)))
        return FAULT_FORM;
    *at = p;
    return day_of(day, days);
}

enum fault moment_read_date(const char *text, size_t length, int32_t *days)
{
    if (length == 10 && is_padded(text))
        return padded_date(text, days);
    const char *at = text;
    enum fault fault = take_date(&at, text + length, days);
    return fault != FAULT_NONE || at == text + length ? fault : FAULT_FORM;
}

/* ---- Times of day -------------------------------------------------------------------------- */

enum fault moment_take_fraction(const char **at, const char *end, int64_t *micros)
{
    const char *p = *at;
    int64_t unit = 100000;
    *micros = 0;
    for (; p < end && is_digit(*p); p++) {
        if (unit == 0 && *p != '0')
            return FAULT_FRACTION;
        *micros += (*p - '0') * unit;
        unit /= 10;
    }
    if (p == *at)
        return FAULT_FORM;
    *at = p;
    return FAULT_NONE;
}

static enum fault take_clock(const char **at, const char *end, int64_t *clock)
{
    int64_t micros = 0;
    int second = 0;
    int hour = take_number(at, end, 1);
    if (hour < 0 || !take(at, end, ':'))
        return FAULT_FORM;
    int minute = take_number(at, end, 1);
    if (minute < 0)
        return FAULT_FORM;
    if (take(at, end, ':')) {
        second = take_number(at, end, 1);
        if (second < 0)
            return FAULT_FORM;
        if (take(at, end, '.')) {
            enum fault fault = moment_take_fraction(at, end, &micros);
            if (fault != FAULT_NONE)
                return fault;
        }
    }
    if (hour > 23 || minute > 59 || second > 59)
        return hour == 24 ? FAULT_HOUR : FAULT_FORM;
    *clock = ((hour * 60 + minute) * 60 + second) * CALENDAR_SECOND + micros;
    return FAULT_NONE;
}

enum fault moment_read_clock(const char *text, size_t length, int64_t *clock)
{
    const char *at = text;
    enum fault fault = take_clock(&at, text + length, clock);
    return fault != FAULT_NONE || at == text + length ? fault : FAULT_FORM;
}

/* ---- Zones --------------------------------------------------------------------------------- */

enum fault moment_take_zone_name(const char **at, const char *end)
{
    const char *p = *at;
    while (p < end && (is_letter(*p) || *p == '/' || *p == '_'))
        p++;
    size_t length = (size_t)(p - *at);
    if (length == 0)
        return FAULT_FORM;
    bool known = (length == 1 && (**at == 'Z' || **at == 'z')) ||
                 (length == 3 && (memcmp(*at, "UTC", 3) == 0 || memcmp(*at, "GMT", 3) == 0));
    if (!known)
        return FAULT_ZONE;
    *at = p;
    return FAULT_NONE;
}

enum fault moment_take_offset(const char **at, const char *end, int *seconds)
{
    const char *p = *at;
    *seconds = 0;
    if (p == end)
        return FAULT_FORM;
    if (*p != '+' && *p != '-')
        return moment_take_zone_name(at, end);
    bool west = *p++ == '-';
    int hours = take_number(&p, end, 2);
    int minutes = 0;
    bool colon = hours >= 0 && take(&p, end, ':');
    if (hours >= 0 && (colon || (p < end && is_digit(*p))))
        minutes = take_number(&p, end, 2);
    if (hours < 0 || hours > OFFSET_HOURS_MAX || minutes < 0 || minutes > 59)
        return FAULT_FORM;
    *seconds = (hours * 60 + minutes) * (west ? -60 : 60);
    *at = p;
    return FAULT_NONE;
}

enum fault moment_read(const char *text, size_t length, struct moment *out)
{
    const char *at = text;
    const char *end = text + length;
    *out = (struct moment){0};
    enum fault fault = take_date(&at, end, &out->days);
    if (fault != FAULT_NONE || at == end)
        return fault;
    if (!take(&at, end, 'T') && *at != ' ')
        return FAULT_FORM;
    while (take(&at, end, ' '))
        ;
    fault = take_clock(&at, end, &out->clock);
    while (fault == FAULT_NONE && take(&at, end, ' '))
        ;
    if (fault != FAULT_NONE || at == end)
        return fault;
    out->has_offset = true;
    fault = moment_take_offset(&at, end, &out->offset);
    return fault != FAULT_NONE || at == end ? fault : FAULT_FORM;
}

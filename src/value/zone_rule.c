#include "value/zone_rule.h"

#include "value/calendar.h"

#define DAY INT64_C(86400)
#define HOURS_MAX 167 /* RFC 8536, 3.3.1 */

struct cursor {
    const char *at, *end;
};

static bool take(struct cursor *c, char wanted)
{
    if (c->at == c->end || *c->at != wanted)
        return false;
    c->at++;
    return true;
}

static bool take_number(struct cursor *c, int most, int *out)
{
    const char *begin = c->at;
    int value = 0;
    for (; c->at < c->end && *c->at >= '0' && *c->at <= '9'; c->at++) {
        value = value * 10 + (*c->at - '0');
        if (value > most)
            return false;
    }
    *out = value;
    return c->at > begin;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* "CET" or "<+03>": its name is not needed. */
static bool take_name(struct cursor *c)
{
    const char *begin = c->at;
    if (take(c, '<')) {
        while (c->at < c->end && *c->at != '>')
            c->at++;
        return take(c, '>') && c->at - begin > 2;
    }
    while (c->at < c->end && is_letter(*c->at))
        c->at++;
    return c->at > begin;
}

/* "-3", "5:30", "1:00:00": seconds. */
static bool take_time(struct cursor *c, int most_hours, int *out)
{
    int hours, minutes = 0, seconds = 0;
    bool negative = take(c, '-');
    if (!negative)
        take(c, '+');
    if (!take_number(c, most_hours, &hours))
        return false;
    if (take(c, ':') && !take_number(c, 59, &minutes))
        return false;
    if (take(c, ':') && !take_number(c, 59, &seconds))
        return false;
    *out = (hours * 3600 + minutes * 60 + seconds) * (negative ? -1 : 1);
    return true;
}

static bool take_month_day(struct cursor *c, struct zone_rule_day *out)
{
    return take_number(c, 12, &out->month) && take(c, '.') && take_number(c, 5, &out->week) &&
           take(c, '.') && take_number(c, 6, &out->day) && out->month > 0 && out->week > 0;
}

static bool take_day(struct cursor *c, struct zone_rule_day *out)
{
    int time = 2 * 3600;
    bool good = take(c, ',');
    if (good && take(c, 'M')) {
        out->kind = 'M';
        good = take_month_day(c, out);
    } else if (good && take(c, 'J')) {
        out->kind = 'J';
        good = take_number(c, 365, &out->day) && out->day > 0;
    } else if (good) {
        out->kind = '0';
        good = take_number(c, 365, &out->day);
    }
    if (good && take(c, '/'))
        good = take_time(c, HOURS_MAX, &time);
    out->time = time;
    return good;
}

bool zone_rule_parse(const char *text, size_t length, struct zone_rule *out)
{
    struct cursor c = {text, text + length};
    int west;
    *out = (struct zone_rule){0};
    if (!take_name(&c) || !take_time(&c, 24, &west))
        return false;
    out->offset = -west;
    if (c.at == c.end)
        return true;
    out->has_summer = true;
    out->summer = out->offset + 3600;
    if (!take_name(&c))
        return false;
    if (c.at < c.end && *c.at != ',') {
        if (!take_time(&c, 24, &west))
            return false;
        out->summer = -west;
    }
    return take_day(&c, &out->begin) && take_day(&c, &out->end) && c.at == c.end;
}

static int32_t days_of(int year, int month, int day)
{
    return calendar_days((struct calendar_day){year, month, day});
}

/* The first such weekday of the month, and the weeks after it as long as the month has them. */
static int32_t month_day(const struct zone_rule_day *rule, int year)
{
    int32_t first = days_of(year, rule->month, 1);
    int32_t next =
        rule->month == 12 ? days_of(year, 12, 31) + 1 : days_of(year, rule->month + 1, 1);
    int32_t day = first + (rule->day - calendar_weekday(first) + 7) % 7 + (rule->week - 1) * 7;
    return day < next ? day : day - 7;
}

static int64_t moment_of(const struct zone_rule_day *rule, int year, int offset)
{
    int32_t day;
    if (rule->kind == 'M') {
        day = month_day(rule, year);
    } else {
        day = days_of(year, 1, 1) + rule->day - (rule->kind == 'J' ? 1 : 0);
        bool leap = days_of(year, 3, 1) - days_of(year, 2, 1) == 29;
        if (rule->kind == 'J' && leap && rule->day >= 60)
            day++;
    }
    return day * DAY + rule->time - offset;
}

void zone_rule_year(const struct zone_rule *rule, int year, struct zone_rule_change out[2])
{
    struct zone_rule_change begin = {moment_of(&rule->begin, year, rule->offset), rule->summer};
    struct zone_rule_change end = {moment_of(&rule->end, year, rule->summer), rule->offset};
    bool north = begin.from <= end.from;
    out[0] = north ? begin : end;
    out[1] = north ? end : begin;
}

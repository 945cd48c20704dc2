#include "source/xlsx_format.h"

#include <math.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define DAY_MICROS INT64_C(86400000000)
#define DAY_MILLIS 86400000.0

/* Days from 1899-12-30 and 1904-01-01 to 1970-01-01; number of 9999-12-31 and of 1900-02-29. */
#define DAYS_1900 25569
#define DAYS_1904 24107
#define LAST_1900 2958465
#define LEAP_1900 60

/* What the letters of a format show. */
struct letters {
    bool date;
    bool clock;
    bool month; /* an m, which may be minutes */
    bool elapsed;
};

/* What follows a bracket, as in [h], [Red] and [$-409]; returns its last byte. */
static const char *skip_bracket(const char *p, struct letters *l)
{
    char first = p[1] != '\0' ? (char)(p[1] | 0x20) : '\0';
    const char *end = strchr(p, ']');
    if (end == NULL)
        return p + strlen(p) - 1;
    bool same = true;
    for (const char *at = p + 1; at < end; at++)
        same = same && (*at | 0x20) == first;
    if (same && (first == 'h' || first == 'm' || first == 's'))
        l->elapsed = true;
    return end;
}

/* What is shown as it is; returns its last byte, or NULL where it is not such a thing. */
static const char *skip_literal(const char *p)
{
    if (*p == '"') {
        const char *end = strchr(p + 1, '"');
        return end != NULL ? end : p + strlen(p) - 1;
    }
    if (*p == '\\' || *p == '_' || *p == '*')
        return p[1] != '\0' ? p + 1 : p;
    if (strncasecmp(p, "am/pm", 5) == 0)
        return p + 4;
    if (strncasecmp(p, "a/p", 3) == 0)
        return p + 2;
    if (strncasecmp(p, "general", 7) == 0)
        return p + 6;
    return NULL;
}

static void take_letter(char c, struct letters *l)
{
    switch (c | 0x20) {
    case 'y':
    case 'd':
        l->date = true;
        break;
    case 'h':
    case 's':
        l->clock = true;
        break;
    case 'm':
        l->month = true;
        break;
    default:
        break;
    }
}

enum xlsx_kind xlsx_format_of_code(const char *code)
{
    struct letters l = {0};
    for (const char *p = code; *p != '\0' && *p != ';'; p++) {
        const char *literal = *p == '[' ? skip_bracket(p, &l) : skip_literal(p);
        if (literal != NULL)
            p = literal;
        else
            take_letter(*p, &l);
    }
    if (l.elapsed)
        return XLSX_NUMBER;
    bool date = l.date || (l.month && !l.clock);
    if (date)
        return l.clock ? XLSX_MOMENT : XLSX_DATE;
    return l.clock ? XLSX_CLOCK : XLSX_NUMBER;
}

enum xlsx_kind xlsx_format_of_number(unsigned long number)
{
    static const struct {
        unsigned char first, last;
        enum xlsx_kind kind;
    } ranges[] = {
        {14, 17, XLSX_DATE},  {18, 21, XLSX_CLOCK}, {22, 22, XLSX_MOMENT}, {27, 31, XLSX_DATE},
        {32, 35, XLSX_CLOCK}, {36, 36, XLSX_DATE},  {45, 45, XLSX_CLOCK},  {47, 47, XLSX_CLOCK},
        {50, 54, XLSX_DATE},  {55, 56, XLSX_CLOCK}, {57, 58, XLSX_DATE},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++)
        if (number >= ranges[i].first && number <= ranges[i].last)
            return ranges[i].kind;
    return XLSX_NUMBER;
}

/* Microseconds of a number of days, which is not negative and below 2^22. */
static int64_t to_micros(double days)
{
    double whole = floor(days);
    double millis = (days - whole) * DAY_MILLIS;
    double nearest = nearbyint(millis);
    double micros = fabs(millis - nearest) <= 0.001 ? nearest * 1000 : nearbyint(millis * 1000);
    return (int64_t)whole * DAY_MICROS + (int64_t)micros;
}

bool xlsx_format_moment(double serial, bool from_1904, int64_t *micros)
{
    double least = from_1904 ? 0 : 1;
    double most = from_1904 ? LAST_1900 + 1 - (DAYS_1900 - DAYS_1904) : LAST_1900 + 1;
    if (!(serial >= least && serial < most))
        return false;
    int64_t value = to_micros(serial);
    int64_t day = value / DAY_MICROS;
    if (!from_1904 && day == LEAP_1900)
        return false;
    int64_t before = from_1904 ? DAYS_1904 : day < LEAP_1900 ? DAYS_1900 - 1 : DAYS_1900;
    *micros = value - before * DAY_MICROS;
    return true;
}

bool xlsx_format_clock(double serial, int64_t *micros)
{
    if (!(serial >= 0 && serial < 1))
        return false;
    *micros = to_micros(serial);
    return *micros < DAY_MICROS;
}

#include "value/format.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "value/calendar.h"

/* What a piece of a format says. */
enum field {
    YEAR,       /* of four digits */
    SHORT_YEAR, /* of two */
    MONTH,
    DAY,
    YEARDAY,
    ISO_YEAR,
    ISO_WEEK,
    WEEKDAY, /* 0: Sunday */
    HOUR,
    HOUR12,
    HALF, /* 0: AM, 1: PM */
    MINUTE,
    SECOND,
    FRACTION,
    OFFSET,
    EPOCH, /* seconds since 1970 */
    EPOCH_MILLIS,
    FIELDS
};

enum step_kind { LITERAL, BLANKS, NUMBER, NAME, SPLIT_SECOND, ZONE, ZONE_NAME, COUNT };

struct step {
    uint8_t kind;  /* enum step_kind */
    uint8_t field; /* enum field */
    char literal;
    uint8_t least, most;      /* digits of a number */
    int16_t from, to;         /* values it may have */
    const char *const *names; /* of NAME: `to - from + 1` of them */
};

#define STEPS_MAX 128

struct format {
    enum type_kind type;
    int pivot;
    unsigned has; /* bits by field */
    size_t count;
    size_t capacity;
    struct step *steps;
};

static const char *const month_names[] = {"January",   "February", "March",    "April",
                                          "May",       "June",     "July",     "August",
                                          "September", "October",  "November", "December"};
static const char *const month_short[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                          "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const day_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};
static const char *const day_short[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const halves[] = {"AM", "PM"};

static const struct {
    char letter;
    struct step step;
} pieces[] = {
    {'Y', {NUMBER, YEAR, 0, 4, 4, 0, 9999, NULL}},
    {'y', {NUMBER, SHORT_YEAR, 0, 2, 2, 0, 99, NULL}},
    {'m', {NUMBER, MONTH, 0, 1, 2, 1, 12, NULL}},
    {'b', {NAME, MONTH, 0, 0, 0, 1, 12, month_short}},
    {'B', {NAME, MONTH, 0, 0, 0, 1, 12, month_names}},
    {'d', {NUMBER, DAY, 0, 1, 2, 1, 31, NULL}},
    {'j', {NUMBER, YEARDAY, 0, 1, 3, 1, 366, NULL}},
    {'G', {NUMBER, ISO_YEAR, 0, 4, 4, 0, 9999, NULL}},
    {'V', {NUMBER, ISO_WEEK, 0, 1, 2, 1, 53, NULL}},
    {'u', {NUMBER, WEEKDAY, 0, 1, 1, 1, 7, NULL}},
    {'w', {NUMBER, WEEKDAY, 0, 1, 1, 0, 6, NULL}},
    {'a', {NAME, WEEKDAY, 0, 0, 0, 0, 6, day_short}},
    {'A', {NAME, WEEKDAY, 0, 0, 0, 0, 6, day_names}},
    {'H', {NUMBER, HOUR, 0, 1, 2, 0, 23, NULL}},
    {'I', {NUMBER, HOUR12, 0, 1, 2, 1, 12, NULL}},
    {'p', {NAME, HALF, 0, 0, 0, 0, 1, halves}},
    {'M', {NUMBER, MINUTE, 0, 1, 2, 0, 59, NULL}},
    {'S', {NUMBER, SECOND, 0, 1, 2, 0, 59, NULL}},
    {'f', {SPLIT_SECOND, FRACTION, 0, 0, 0, 0, 0, NULL}},
    {'g', {SPLIT_SECOND, FRACTION, 0, 0, 0, 0, 0, NULL}},
    {'n', {SPLIT_SECOND, FRACTION, 0, 0, 0, 0, 0, NULL}},
    {'z', {ZONE, OFFSET, 0, 0, 0, 0, 0, NULL}},
    {'Z', {ZONE_NAME, OFFSET, 0, 0, 0, 0, 0, NULL}},
    {'s', {COUNT, EPOCH, 0, 0, 0, 0, 0, NULL}},
    {'Q', {COUNT, EPOCH_MILLIS, 0, 0, 0, 0, 0, NULL}},
};

/* Short forms of several pieces. */
static const struct {
    char letter;
    const char *text;
} short_forms[] = {
    {'F', "%Y-%m-%d"},          {'T', "%H:%M:%S"}, {'R', "%H:%M"},    {'D', "%m/%d/%y"},
    {'c', "%Y-%m-%d %H:%M:%S"}, {'x', "%Y-%m-%d"}, {'X', "%H:%M:%S"},
};

/* ---- Parsing a format ------------------------------------------------------------------------ */

struct parser {
    struct format *format;
    const char *whole; /* for messages */
};

static int add_step(struct parser *p, struct step step, struct error *err)
{
    struct format *f = p->format;
    if (f->count == STEPS_MAX)
        return error_set(err, ERR_CONFIG, "The format \"%.40s...\" is too long.", p->whole);
    f->steps = mem_grow(f->steps, f->count, &f->capacity, sizeof *f->steps);
    f->steps[f->count++] = step;
    if (step.kind == LITERAL || step.kind == BLANKS)
        return ERR_OK;
    if ((f->has & 1u << step.field) != 0)
        return error_set(err, ERR_CONFIG, "The format \"%.80s\" says one thing twice.", p->whole);
    f->has |= 1u << step.field;
    return ERR_OK;
}

/* Blanks of a format stand for one or more, as people align columns of text. */
static int add_literal(struct parser *p, char c, struct error *err)
{
    struct format *f = p->format;
    bool blank = c == ' ' || c == '\t';
    if (blank && f->count > 0 && f->steps[f->count - 1].kind == BLANKS)
        return ERR_OK;
    return add_step(p, (struct step){.kind = blank ? BLANKS : LITERAL, .literal = c}, err);
}

static int parse_text(struct parser *p, const char *text, struct error *err);

static int add_piece(struct parser *p, char letter, struct error *err)
{
    if (letter == '%')
        return add_literal(p, '%', err);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        if (pieces[i].letter == letter)
            return add_step(p, pieces[i].step, err);
    for (size_t i = 0; i < sizeof short_forms / sizeof *short_forms; i++)
        if (short_forms[i].letter == letter)
            return parse_text(p, short_forms[i].text, err);
    if (letter == '\0')
        return error_set(err, ERR_CONFIG, "The format \"%.80s\" ends after a \"%%\".", p->whole);
    return error_set(err, ERR_CONFIG, "The format \"%.80s\" contains \"%%%c\", which is not known.",
                     p->whole, letter);
}

/* Recursion ends: short forms are not made of short forms. */
static int parse_text(struct parser *p, const char *text,
                      struct error *err) // NOLINT(misc-no-recursion)
{
    int rc = ERR_OK;
    for (const char *c = text; *c != '\0' && rc == ERR_OK; c++) {
        if (*c != '%') {
            rc = add_literal(p, *c, err);
            continue;
        }
        c += c[1] == '-' ? 2 : 1; /* %-d is %d: zeros in front may be missing anyway */
        rc = add_piece(p, *c, err);
        if (*c == '\0')
            break;
    }
    return rc;
}

/* Where digits follow digits, only its width says where a number ends: 2024115 may be two days. */
static void fix_widths(struct format *f)
{
    for (size_t i = 0; i + 1 < f->count; i++) {
        struct step *a = &f->steps[i];
        struct step *b = &f->steps[i + 1];
        bool digits = b->kind == NUMBER || b->kind == SPLIT_SECOND || b->kind == COUNT ||
                      (b->kind == LITERAL && b->literal >= '0' && b->literal <= '9');
        if (a->kind != NUMBER || !digits)
            continue;
        a->least = a->most;
        if (b->kind == NUMBER)
            b->least = b->most;
    }
}

static const char *wrong_date(unsigned has)
{
    unsigned year = has & (1u << YEAR | 1u << SHORT_YEAR | 1u << ISO_YEAR);
    bool day = (has & 1u << DAY) != 0;
    bool month = (has & 1u << MONTH) != 0;
    bool of_year = (has & 1u << YEARDAY) != 0;
    bool week = (has & 1u << ISO_WEEK) != 0;
    if (year == 0)
        return "has no year (%Y)";
    if ((year & (year - 1)) != 0)
        return "has two years";
    if (((has & 1u << ISO_YEAR) != 0) != week)
        return "needs %G and %V together";
    if (day && !month)
        return "has a day without a month";
    if ((month && (of_year || week)) || (of_year && week))
        return "gives the day in two ways";
    return NULL;
}

static const char *wrong_clock(unsigned has)
{
    bool hour = (has & 1u << HOUR) != 0;
    bool hour12 = (has & 1u << HOUR12) != 0;
    bool half = (has & 1u << HALF) != 0;
    bool minute = (has & 1u << MINUTE) != 0;
    bool second = (has & 1u << SECOND) != 0;
    if (hour && hour12)
        return "has two hours";
    if (hour12 && !half)
        return "has %I without %p: morning and afternoon would be the same";
    if (half && !hour && !hour12)
        return "has %p without an hour";
    if ((minute && !hour && !hour12) || (second && !minute))
        return "has minutes without hours or seconds without minutes";
    if ((has & 1u << FRACTION) != 0 && !second)
        return "has a fraction without seconds";
    return NULL;
}

static const char *wrong(const struct format *f)
{
    unsigned epoch = f->has & (1u << EPOCH | 1u << EPOCH_MILLIS);
    if (epoch != 0) {
        if (f->type == TYPE_TIME)
            return "contains a timestamp, which is not a time of day";
        unsigned others = f->has & ~epoch & ~(1u << FRACTION);
        bool fraction = (f->has & 1u << FRACTION) != 0;
        return others != 0 || (fraction && epoch != 1u << EPOCH)
                   ? "contains a timestamp and something beside it"
                   : NULL;
    }
    const char *clock = wrong_clock(f->has);
    unsigned date = 1u << YEAR | 1u << SHORT_YEAR | 1u << ISO_YEAR | 1u << MONTH | 1u << DAY |
                    1u << YEARDAY | 1u << ISO_WEEK | 1u << WEEKDAY;
    if (clock != NULL)
        return clock;
    if (f->type != TYPE_TIME || (f->has & date) != 0)
        return wrong_date(f->has);
    return (f->has & (1u << HOUR | 1u << HOUR12)) == 0 ? "has no hour (%H)" : NULL;
}

int format_parse(const char *text, enum type_kind kind, int pivot, struct format **out,
                 struct error *err)
{
    assert(kind == TYPE_DATE || kind == TYPE_TIME || kind == TYPE_TIMESTAMP);
    struct parser p = {.format = mem_calloc(1, sizeof *p.format), .whole = text};
    p.format->type = kind;
    p.format->pivot = pivot;
    *out = NULL;
    int rc = parse_text(&p, text, err);
    const char *what = rc == ERR_OK ? wrong(p.format) : NULL;
    if (what != NULL)
        rc = error_set(err, ERR_CONFIG, "The format \"%.80s\" of a %s %s.", text, type_name(kind),
                       what);
    if (rc != ERR_OK) {
        format_free(p.format);
        return rc;
    }
    fix_widths(p.format);
    *out = p.format;
    return ERR_OK;
}

void format_free(struct format *f)
{
    if (f == NULL)
        return;
    free(f->steps);
    free(f);
}

/* ---- Reading a text -------------------------------------------------------------------------- */

struct reading {
    const char *at, *end;
    int values[FIELDS];
    int64_t fraction; /* microseconds */
    int64_t count;
};

static bool is_digit(char c)
{
    return (unsigned char)(c - '0') < 10;
}

static enum fault read_number(const struct step *s, struct reading *r)
{
    const char *begin = r->at;
    int value = 0;
    while (r->at < r->end && r->at - begin < s->most && is_digit(*r->at))
        value = value * 10 + (*r->at++ - '0');
    if (r->at - begin < s->least)
        return s->field == YEAR && r->at > begin ? FAULT_YEAR : FAULT_FORM;
    if (value < s->from || value > s->to)
        return s->field == HOUR && value == 24 ? FAULT_HOUR : FAULT_FORM;
    r->values[s->field] = s->field == WEEKDAY ? value % 7 : value;
    return FAULT_NONE;
}

/* The longest name that matches; capitals do not matter. */
static enum fault read_name(const struct step *s, struct reading *r)
{
    size_t left = (size_t)(r->end - r->at);
    for (int i = 0; i <= s->to - s->from; i++) {
        size_t length = strlen(s->names[i]);
        if (length > left || strncasecmp(s->names[i], r->at, length) != 0)
            continue;
        r->at += length;
        r->values[s->field] = s->from + i;
        return FAULT_NONE;
    }
    return FAULT_FORM;
}

#define COUNT_DIGITS 15 /* milliseconds of the year 9999 */

static enum fault read_count(struct reading *r)
{
    bool negative = r->at < r->end && *r->at == '-';
    r->at += negative;
    const char *begin = r->at;
    while (r->at < r->end && r->at - begin < COUNT_DIGITS && is_digit(*r->at))
        r->count = r->count * 10 + (*r->at++ - '0');
    if (r->at == begin || (r->at < r->end && is_digit(*r->at)))
        return FAULT_FORM;
    /* The fraction of a negative count would go the other way; such are not written. */
    if (negative && r->at < r->end && *r->at == '.')
        return FAULT_FORM;
    if (negative)
        r->count = -r->count;
    return FAULT_NONE;
}

static enum fault read_step(const struct step *s, struct reading *r)
{
    switch ((enum step_kind)s->kind) {
    case LITERAL:
        if (r->at == r->end || *r->at != s->literal)
            return FAULT_FORM;
        r->at++;
        return FAULT_NONE;
    case BLANKS:
        if (r->at == r->end || (*r->at != ' ' && *r->at != '\t'))
            return FAULT_FORM;
        while (r->at < r->end && (*r->at == ' ' || *r->at == '\t'))
            r->at++;
        return FAULT_NONE;
    case NUMBER:
        return read_number(s, r);
    case NAME:
        return read_name(s, r);
    case SPLIT_SECOND:
        return moment_take_fraction(&r->at, r->end, &r->fraction);
    case ZONE:
        return moment_take_offset(&r->at, r->end, &r->values[OFFSET]);
    case ZONE_NAME:
        return moment_take_zone_name(&r->at, r->end);
    case COUNT:
        return read_count(r);
    }
    return FAULT_FORM;
}

static enum fault day_of_week(const struct reading *r, unsigned has, int32_t *days)
{
    struct calendar_day fourth = {r->values[ISO_YEAR], 1, 4}; /* is always in the first week */
    int weekday = (has & 1u << WEEKDAY) != 0 ? (r->values[WEEKDAY] + 6) % 7 : 0;
    int32_t first = calendar_days(fourth);
    first -= (calendar_weekday(first) + 6) % 7;
    int32_t day = first + (r->values[ISO_WEEK] - 1) * 7;
    int32_t thursday = day + 3; /* decides which year a week belongs to */
    if (thursday > CALENDAR_LAST || calendar_of(thursday).year != r->values[ISO_YEAR])
        return FAULT_DAY;
    *days = day + weekday;
    return *days > CALENDAR_LAST ? FAULT_YEARS : FAULT_NONE;
}

static int full_year(const struct format *f, const struct reading *r)
{
    if ((f->has & 1u << SHORT_YEAR) == 0)
        return r->values[YEAR];
    int hundreds = f->pivot - f->pivot % 100;
    int year = hundreds + r->values[SHORT_YEAR];
    return year < f->pivot ? year + 100 : year;
}

static enum fault day_of(const struct format *f, struct reading *r, int32_t *days)
{
    struct calendar_day day = {
        .year = full_year(f, r),
        .month = (f->has & 1u << MONTH) != 0 ? r->values[MONTH] : 1,
        .day = (f->has & 1u << DAY) != 0 ? r->values[DAY] : 1,
    };
    if ((f->has & 1u << ISO_WEEK) != 0)
        return r->values[ISO_YEAR] < 1 ? FAULT_YEARS : day_of_week(r, f->has, days);
    if (!calendar_exists(day))
        return day.year < 1 ? FAULT_YEARS : FAULT_DAY;
    *days = calendar_days(day);
    if ((f->has & 1u << YEARDAY) != 0) {
        *days += r->values[YEARDAY] - 1;
        if (*days > CALENDAR_LAST || calendar_of(*days).year != day.year)
            return FAULT_DAY;
    }
    if ((f->has & 1u << WEEKDAY) != 0 && calendar_weekday(*days) != r->values[WEEKDAY])
        return FAULT_WEEKDAY;
    return FAULT_NONE;
}

static enum fault clock_of(const struct format *f, const struct reading *r, int64_t *clock)
{
    int hour = (f->has & 1u << HOUR12) != 0 ? r->values[HOUR12] : r->values[HOUR];
    if ((f->has & 1u << HALF) != 0) {
        if (hour < 1 || hour > 12)
            return FAULT_FORM;
        hour = hour % 12 + 12 * r->values[HALF];
    }
    int seconds = (hour * 60 + r->values[MINUTE]) * 60 + r->values[SECOND];
    *clock = seconds * CALENDAR_SECOND + r->fraction;
    return FAULT_NONE;
}

static enum fault moment_of_count(const struct format *f, const struct reading *r,
                                  struct moment *out)
{
    int64_t unit = (f->has & 1u << EPOCH) != 0 ? CALENDAR_SECOND : CALENDAR_SECOND / 1000;
    if (r->count > (CALENDAR_LAST + 1) * CALENDAR_DAY / unit ||
        r->count < CALENDAR_FIRST * CALENDAR_DAY / unit)
        return FAULT_YEARS;
    int64_t micros = r->count * unit + r->fraction;
    if (!calendar_holds(micros))
        return FAULT_YEARS;
    int64_t days = micros / CALENDAR_DAY - (micros % CALENDAR_DAY < 0);
    out->days = (int32_t)days;
    out->clock = micros - days * CALENDAR_DAY;
    out->has_offset = true;
    return FAULT_NONE;
}

enum fault format_read(const struct format *f, const char *text, size_t length, struct moment *out)
{
    struct reading r = {.at = text, .end = text + length};
    *out = (struct moment){0};
    for (size_t i = 0; i < f->count; i++) {
        enum fault fault = read_step(&f->steps[i], &r);
        if (fault != FAULT_NONE)
            return fault;
    }
    if (r.at != r.end)
        return FAULT_FORM;
    if ((f->has & (1u << EPOCH | 1u << EPOCH_MILLIS)) != 0)
        return moment_of_count(f, &r, out);
    out->has_offset = (f->has & 1u << OFFSET) != 0;
    out->offset = r.values[OFFSET];
    enum fault fault = clock_of(f, &r, &out->clock);
    unsigned year = f->has & (1u << YEAR | 1u << SHORT_YEAR | 1u << ISO_YEAR);
    return fault == FAULT_NONE && year != 0 ? day_of(f, &r, &out->days) : fault;
}

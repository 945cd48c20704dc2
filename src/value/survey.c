/*
 * A column begins with every reading open; each text closes those that do not fit it. Most are
 * closed by the first text, so that what follows costs one or two comparisons.
 */
#include "value/survey.h"

#include <assert.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "util/mem.h"
#include "util/utf8.h"
#include "value/moment.h"
#include "value/number.h"
#include "value/print.h"
#include "value/reading.h"

/* ---- What is kept per column ----------------------------------------------------------------- */

enum kind_bit {
    CAN_BOOLEAN = 1,
    CAN_WHOLE = 2,  /* whole numbers, without a point */
    CAN_NUMBER = 4, /* numbers as the source is said to write them */
    CAN_DATE = 8,   /* as the source is said to write them, else 2026-01-31 */
    CAN_MOMENT = 16 /* the same with a time of day, else in ISO 8601 */
};

enum seen_bit {
    SEEN_PLUS = 1,
    SEEN_MINUS = 2,
    SEEN_DIGITS = 4,    /* a number that is not a word ("nan") */
    SEEN_EXPONENT = 8,  /* or a word: not a decimal */
    SEEN_WIDE = 16,     /* a whole number beyond 64 bits */
    SEEN_LONG = 32,     /* more digits than a double keeps */
    SEEN_CLOCK = 64,    /* a time of day */
    SEEN_OFFSET = 128,  /* an offset from UTC */
    SEEN_LOCAL = 256,   /* a time of day without one */
    SEEN_PERCENT = 512, /* a percent sign */
    SEEN_BLANKS = 1024  /* a blank at either end */
};

/* Other ways to write numbers, which only `init` may propose. */
static const struct number_style styles[] = {
    {',', '\0', true}, {',', '.', true}, {',', ' ', true}, {',', '\'', true},
    {'.', '\0', true}, {'.', ',', true}, {'.', ' ', true}, {'.', '\'', true},
};
#define STYLES (sizeof styles / sizeof *styles)
#define STYLES_ALL ((1u << STYLES) - 1)
#define STYLES_COMMA 0x0fu /* those with a decimal comma */
#define STYLES_POINT 0xf0u

/* What people write where there is no value. */
static const char *const null_words[] = {
    "",     "-",    "--",   "---",  ".",    "..",           "...",          "*",
    "?",    "n/a",  "N/A",  "n.a.", "N.A.", "NA",           "na",           "#N/A",
    "NULL", "null", "Null", "None", "none", "nil",          "\\N",          ":",
    "n.d.", "ND",   "n/d",  "N/D",  "s/d",  "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x80\xa6",
};
_Static_assert(sizeof null_words / sizeof *null_words == SURVEY_NULLS_MAX, "one bit each");

#define FORMAT_WORDS ((READING_COUNT + 63) / 64)
#define SAMPLE_SIZE 32

struct column_state {
    uint64_t values, nulls;
    uint64_t formats[FORMAT_WORDS]; /* readings that are open */
    uint32_t words;                 /* of null_words, seen */
    uint16_t seen;
    uint8_t can;
    uint8_t styles;                   /* that are open, */
    uint8_t styles_fraction;          /* and those in which a value has digits after the point */
    uint8_t whole;                    /* most digits before the point */
    uint8_t fraction, fraction_least; /* most and fewest after it */
    uint64_t closed;         /* number of the value that closed the last reading; 0: none */
    char first[SAMPLE_SIZE]; /* the first value, and */
    char last[SAMPLE_SIZE];  /* that one */
};

struct survey {
    struct survey_options options;
    struct number_style style;
    struct reading *readings;
    size_t count;
    struct column_state *columns;
};

static void begin(struct column_state *c)
{
    c->can = CAN_BOOLEAN | CAN_WHOLE | CAN_NUMBER | CAN_DATE | CAN_MOMENT;
    c->styles = STYLES_ALL;
    c->fraction_least = UINT8_MAX;
    for (size_t i = 0; i < READING_COUNT; i++)
        c->formats[i / 64] |= UINT64_C(1) << (i % 64);
}

void survey_new(const struct survey_options *options, size_t columns, struct survey **out)
{
    struct survey *s = mem_calloc(1, sizeof *s);
    s->options = *options;
    s->style = (struct number_style){options->decimal != '\0' ? options->decimal : '.',
                                     options->thousands, options->percent};
    s->readings = reading_list();
    s->count = columns;
    s->columns = mem_calloc(columns, sizeof *s->columns);
    for (size_t i = 0; i < columns; i++)
        begin(&s->columns[i]);
    *out = s;
}

void survey_free(struct survey *s)
{
    if (s == NULL)
        return;
    reading_free(s->readings);
    free(s->columns);
    free(s);
}

/* ---- Numbers --------------------------------------------------------------------------------- */

struct text {
    const char *data;
    size_t length;
};

static bool is_word(struct text t, const char *word)
{
    return strlen(word) == t.length && strncasecmp(t.data, word, t.length) == 0;
}

/* Digits of a number that is not 0.5 with a zero in front: an id or a code, whose zeros count. */
static bool has_zeros(struct text t)
{
    size_t at = t.length > 0 && (t.data[0] == '-' || t.data[0] == '+');
    return t.length > at + 1 && t.data[at] == '0' && t.data[at + 1] >= '0' && t.data[at + 1] <= '9';
}

/* Does a double keep the digits of the text? Up to 15 it always does. */
static bool is_double(const struct number *n)
{
    static const struct number_style plain = {.decimal = '.'};
    char printed[PRINT_DOUBLE_SIZE];
    struct number back;
    double value;
    if (n->digits < UINT64_C(1000000000000000) && !n->lost)
        return number_double(n, &value) == FAULT_NONE;
    if (n->lost || number_double(n, &value) != FAULT_NONE)
        return false;
    print_double(value < 0 ? -value : value, printed);
    if (number_read(printed, strlen(printed), &plain, &back) != FAULT_NONE)
        return false;
    uint128 a = n->digits, b = back.digits;
    for (int64_t power = n->power; a % 10 == 0; power++)
        a /= 10;
    while (b % 10 == 0)
        b /= 10;
    return a == b; /* the same digits; the powers cannot differ then */
}

static uint8_t least(size_t a)
{
    return (uint8_t)(a < UINT8_MAX ? a : UINT8_MAX);
}

/* Digits before and after the point, as they are written. */
static void note_digits(struct column_state *c, const struct number *n,
                        const struct number_style *s)
{
    size_t whole = 0, fraction = 0;
    bool behind = false;
    for (size_t i = 0; i < n->length; i++) {
        bool digit = n->begin[i] >= '0' && n->begin[i] <= '9';
        behind = behind || n->begin[i] == s->decimal;
        whole += digit && !behind;
        fraction += digit && behind;
    }
    c->whole = c->whole > least(whole) ? c->whole : least(whole);
    c->fraction = c->fraction > least(fraction) ? c->fraction : least(fraction);
    c->fraction_least = c->fraction_least < least(fraction) ? c->fraction_least : least(fraction);
}

/* 12E34 may be a code; programs print a point or the sign of the exponent. */
static bool is_code(struct text t, char decimal)
{
    const char *e = memchr(t.data, 'e', t.length);
    if (e == NULL)
        e = memchr(t.data, 'E', t.length);
    if (e == NULL || memchr(t.data, decimal, t.length) != NULL)
        return false;
    return e + 1 == t.data + t.length || (e[1] != '+' && e[1] != '-');
}

/*
 * Zeros after the point of a whole number count, too: 1.0 is not an integer unless somebody says
 * so.
 */
static void note_number(struct column_state *c, struct text t, const struct number *n,
                        const struct number_style *style)
{
    int128 value;
    bool exponent = memchr(t.data, 'e', t.length) != NULL || memchr(t.data, 'E', t.length) != NULL;
    bool percent = memchr(t.data, '%', t.length) != NULL;
    bool point = memchr(n->begin, style->decimal, n->length) != NULL;
    if (point || exponent || percent)
        c->can &= (uint8_t)~CAN_WHOLE;
    else if (number_unscaled(n, NUMBER_DIGITS, 0, &value) != FAULT_NONE || value > INT64_MAX ||
             value < INT64_MIN)
        c->seen |= SEEN_WIDE;
    if (!is_double(n))
        c->seen |= SEEN_LONG;
    c->seen |= (uint16_t)(SEEN_DIGITS | (exponent || percent ? SEEN_EXPONENT : 0) |
                          (t.data[0] == '+' ? SEEN_PLUS : 0) | (n->negative ? SEEN_MINUS : 0));
    note_digits(c, n, style);
}

/* Whole numbers of up to 15 digits, which most columns are made of, need no more than this. */
static bool is_short(struct column_state *c, struct text t)
{
    struct number_plain plain;
    if ((c->can & CAN_NUMBER) == 0 || !number_read_plain(t.data, t.length, '\0', &plain) ||
        plain.point || t.length > 15 || has_zeros(t))
        return false;
    uint8_t digits = (uint8_t)(t.length - plain.negative);
    c->seen |= (uint16_t)(SEEN_DIGITS | (plain.negative ? SEEN_MINUS : 0));
    c->whole = c->whole > digits ? c->whole : digits;
    c->fraction_least = 0;
    return true;
}

static bool is_special(struct text t)
{
    if (t.length > 1 && (t.data[0] == '-' || t.data[0] == '+')) {
        t.data++;
        t.length--;
    }
    return is_word(t, "nan") || is_word(t, "inf") || is_word(t, "infinity");
}

static void look_for_number(const struct survey *s, struct column_state *c, struct text t)
{
    struct number n;
    uint8_t numbers = CAN_WHOLE | CAN_NUMBER;
    if ((c->can & CAN_NUMBER) == 0)
        return;
    enum fault fault = number_read(t.data, t.length, &s->style, &n);
    if (fault == FAULT_NONE && !has_zeros(t) && !is_code(t, s->style.decimal)) {
        note_number(c, t, &n, &s->style);
    } else if (is_special(t)) {
        c->seen |= SEEN_EXPONENT;
        c->can &= (uint8_t)~CAN_WHOLE;
    } else {
        c->can &= (uint8_t)~numbers;
    }
}

static void look_for_styles(struct column_state *c, struct text t)
{
    struct number n;
    for (size_t i = 0; c->styles != 0 && i < STYLES; i++) {
        if ((c->styles & 1u << i) == 0)
            continue;
        if (number_read(t.data, t.length, &styles[i], &n) != FAULT_NONE || has_zeros(t) ||
            is_code(t, styles[i].decimal))
            c->styles &= (uint8_t) ~(1u << i);
        else if (memchr(n.begin, styles[i].decimal, n.length) != NULL)
            c->styles_fraction |= (uint8_t)(1u << i);
    }
    if (memchr(t.data, '%', t.length) != NULL)
        c->seen |= SEEN_PERCENT;
}

/* ---- Dates ----------------------------------------------------------------------------------- */

#define DATE_LENGTH 10

/* Which of the two a text may be in ISO 8601. */
static uint8_t look_for_iso(struct column_state *c, struct text t)
{
    struct moment m;
    bool padded =
        t.length >= DATE_LENGTH && t.data[4] == '-' && t.data[7] == '-' &&
        (t.length == DATE_LENGTH || t.data[DATE_LENGTH] == 'T' || t.data[DATE_LENGTH] == ' ');
    if (!padded || moment_read(t.data, t.length, &m) != FAULT_NONE)
        return 0;
    if (t.length == DATE_LENGTH)
        return CAN_DATE | CAN_MOMENT;
    c->seen |= (uint16_t)(SEEN_CLOCK | (m.has_offset ? SEEN_OFFSET : SEEN_LOCAL));
    return CAN_MOMENT;
}

static bool fits_one(struct format *const *formats, size_t count, struct text t)
{
    struct moment m;
    for (size_t i = 0; i < count; i++)
        if (format_read(formats[i], t.data, t.length, &m) == FAULT_NONE)
            return true;
    return false;
}

/* Where the source says how it writes dates or timestamps, that counts, and ISO 8601 does not. */
static void look_for_moments(const struct survey *s, struct column_state *c, struct text t)
{
    const struct survey_options *o = &s->options;
    uint8_t can = look_for_iso(c, t);
    if (o->date_count > 0)
        can = (uint8_t)((can & ~CAN_DATE) | (fits_one(o->dates, o->date_count, t) ? CAN_DATE : 0));
    if (o->timestamp_count > 0)
        can = (uint8_t)((can & ~CAN_MOMENT) |
                        (fits_one(o->timestamps, o->timestamp_count, t) ? CAN_MOMENT : 0));
    c->can &= (uint8_t)(~(CAN_DATE | CAN_MOMENT) | can);
}

static void look_for_formats(const struct survey *s, struct column_state *c, struct text t)
{
    struct moment m;
    for (size_t word = 0; word < FORMAT_WORDS; word++) {
        for (uint64_t open = c->formats[word]; open != 0; open &= open - 1) {
            size_t bit = (size_t)__builtin_ctzll(open);
            if (format_read(s->readings[word * 64 + bit].format, t.data, t.length, &m) !=
                FAULT_NONE)
                c->formats[word] &= ~(UINT64_C(1) << bit);
        }
    }
}

/* ---- One text after the other ---------------------------------------------------------------- */

static void note_sample(char sample[SAMPLE_SIZE], struct text t)
{
    size_t length = utf8_cut(t.data, t.length, SAMPLE_SIZE - 1);
    for (size_t i = 0; i < length; i++) /* what is quoted stays on its line */
        sample[i] = (unsigned char)t.data[i] < ' ' || t.data[i] == 0x7f ? ' ' : t.data[i];
    sample[length] = '\0';
}

static bool is_open(const struct column_state *c)
{
    uint64_t open = c->can | c->styles;
    for (size_t i = 0; i < FORMAT_WORDS; i++)
        open |= c->formats[i];
    return open != 0;
}

static bool is_null(const struct survey *s, struct text t)
{
    for (size_t i = 0; i < s->options.null_count; i++) {
        const char *null = s->options.nulls[i];
        if (strlen(null) == t.length && memcmp(null, t.data, t.length) == 0)
            return true;
    }
    return false;
}

static struct text trimmed(struct text t)
{
    while (t.length > 0 && strchr(" \t\n\v\f\r", t.data[t.length - 1]) != NULL &&
           t.data[t.length - 1] != '\0')
        t.length--;
    while (t.length > 0 && *t.data != '\0' && strchr(" \t\n\v\f\r", *t.data) != NULL) {
        t.data++;
        t.length--;
    }
    return t;
}

static bool note_null_word(struct column_state *c, struct text t)
{
    if (t.length > 4)
        return false;
    for (size_t i = 0; i < SURVEY_NULLS_MAX; i++) {
        if (strlen(null_words[i]) == t.length && memcmp(null_words[i], t.data, t.length) == 0) {
            c->words |= UINT32_C(1) << i;
            return true;
        }
    }
    return false;
}

static void look(const struct survey *s, struct column_state *c, struct text t)
{
    if (c->first[0] == '\0')
        note_sample(c->first, t);
    bool plain = is_short(c, t);
    if (c->can & CAN_BOOLEAN && !is_word(t, "true") && !is_word(t, "false"))
        c->can &= (uint8_t)~CAN_BOOLEAN;
    if (!plain) {
        look_for_number(s, c, t);
        look_for_styles(c, t);
    }
    if ((c->can & (CAN_DATE | CAN_MOMENT)) != 0)
        look_for_moments(s, c, t);
    look_for_formats(s, c, t);
    if (!is_open(c)) {
        note_sample(c->last, t);
        c->closed = c->values;
    }
}

void survey_add(struct survey *s, size_t column, const char *text, size_t length)
{
    assert(column < s->count);
    struct column_state *c = &s->columns[column];
    struct text whole = {text, length};
    if (text == NULL || is_null(s, whole)) {
        c->nulls++;
        return;
    }
    bool blanks = length > 0 && (text[0] == ' ' || text[length - 1] == ' ');
    if (blanks && trimmed(whole).length > 0)
        c->seen |= SEEN_BLANKS;
    if (!is_open(c)) {
        c->values++;
        return;
    }
    struct text t = trimmed(whole);
    if (s->options.trim && t.length < length && is_null(s, t)) {
        c->nulls++;
        return;
    }
    c->values++;
    /*
     * Blanks alone are a text, but not a value of any other type: its cast looks for NULL without
     * them.
     */
    if (t.length < length && is_null(s, t))
        return;
    if (!note_null_word(c, t))
        look(s, c, t);
}

/* ---- What was found -------------------------------------------------------------------------- */

/* Which readings of dates are left, and in how many orders of day, month and year. */
struct dates {
    const struct reading *first;
    bool orders[READING_ORDERS];
    size_t order_count;
};

static struct dates dates_of(const struct survey *s, const struct column_state *c)
{
    struct dates d = {0};
    for (size_t i = 0; i < READING_COUNT; i++) {
        const struct reading *r = &s->readings[i];
        if ((c->formats[i / 64] >> (i % 64) & 1) == 0)
            continue;
        d.first = d.first != NULL ? d.first : r;
        d.order_count += !d.orders[r->order];
        d.orders[r->order] = true;
    }
    return d;
}

#define NO_TYPE ((struct type){TYPE_NONE, 0, 0})

/* +34600123456 is not a number: a plus is a sign only where other values have a minus. */
static bool may_be_numbers(const struct column_state *c)
{
    return (c->seen & SEEN_DIGITS) != 0 &&
           ((c->seen & SEEN_PLUS) == 0 || (c->seen & SEEN_MINUS) != 0);
}

/* A decimal gets all the digits that there are: the next edition may have one more. */
static struct type number_type(const struct column_state *c)
{
    bool exact = (c->seen & SEEN_EXPONENT) == 0;
    if ((c->can & CAN_WHOLE) != 0 && (c->seen & SEEN_WIDE) == 0)
        return (struct type){TYPE_BIGINT, 0, 0};
    if ((c->can & CAN_WHOLE) == 0 && (c->seen & SEEN_LONG) == 0)
        return (struct type){TYPE_DOUBLE, 0, 0};
    if (exact && c->whole + c->fraction <= TYPE_PRECISION_MAX)
        return (struct type){TYPE_DECIMAL, TYPE_PRECISION_MAX, c->fraction};
    return NO_TYPE;
}

/* The type of all values but those that stand for a missing one; none: text. */
static struct type type_of(const struct survey *s, const struct column_state *c,
                           const char **format)
{
    struct dates dates = dates_of(s, c);
    *format = NULL;
    if (c->first[0] == '\0')
        return NO_TYPE;
    if ((c->can & CAN_BOOLEAN) != 0)
        return (struct type){TYPE_BOOLEAN, 0, 0};
    if ((c->can & CAN_NUMBER) != 0)
        return may_be_numbers(c) ? number_type(c) : NO_TYPE;
    if ((c->can & CAN_DATE) != 0)
        return (struct type){TYPE_DATE, 0, 0};
    if ((c->can & CAN_MOMENT) != 0 &&
        (s->options.timestamp_count > 0 || (c->seen & SEEN_CLOCK) != 0))
        return (struct type){TYPE_TIMESTAMP, 0, 0};
    if (dates.order_count != 1)
        return NO_TYPE;
    *format = dates.first->text;
    return (struct type){dates.first->kind, 0, 0};
}

static bool has_short_year(const char *format)
{
    return format != NULL && strstr(format, "%y") != NULL;
}

void survey_find(const struct survey *s, size_t column, struct survey_finding *out)
{
    assert(column < s->count);
    const struct column_state *c = &s->columns[column];
    *out = (struct survey_finding){.values = c->values, .nulls = c->nulls};
    out->type = type_of(s, c, &out->format);
    /* Which century two digits belong to, and whether "-" is a value, must not be guessed. */
    if (out->type.kind == TYPE_NONE || c->words != 0 || has_short_year(out->format)) {
        out->type = (struct type){TYPE_TEXT, 0, 0};
        out->format = NULL;
    }
}

/* The source's own way among the others; STYLES: it is not one of them. */
static size_t own_style(const struct survey *s)
{
    size_t i = 0;
    while (i < STYLES &&
           (styles[i].decimal != s->style.decimal || styles[i].thousands != s->style.thousands))
        i++;
    return i;
}

static unsigned same_decimal(const struct survey *s)
{
    return s->style.decimal == ',' ? STYLES_COMMA : STYLES_POINT;
}

/*
 * The one other way to write numbers that is left, or NULL; `two` where a comma (or a point) may be
 * either sign. Where the source's own signs are as good as others, they count.
 */
static const struct number_style *style_of(const struct survey *s, const struct column_state *c,
                                           bool *two)
{
    unsigned open = c->styles;
    size_t own = own_style(s);
    *two = false;
    if (c->first[0] == '\0' || (c->can & CAN_NUMBER) != 0)
        return NULL;
    if (own < STYLES && (open & 1u << own) != 0)
        return &styles[own];
    if ((open & c->styles_fraction) == 0 && (open & same_decimal(s)) != 0)
        open &= same_decimal(s);
    *two = (open & STYLES_COMMA) != 0 && (open & STYLES_POINT) != 0;
    return open == 0 || *two ? NULL : &styles[__builtin_ctz(open)];
}

/* Does it hold numbers, some of them with a sign that tells something? */
static bool has_signs(const struct column_state *c)
{
    return c->first[0] != '\0' && c->styles != 0 && c->styles != STYLES_ALL;
}

bool survey_signs(const struct survey *s, char *decimal, char *thousands)
{
    size_t votes[STYLES + 1] = {0};
    size_t most = 0;
    unsigned best = 0;
    for (size_t i = 0; i < STYLES; i++) {
        for (size_t k = 0; k < s->count; k++)
            votes[i] += has_signs(&s->columns[k]) && (s->columns[k].styles & 1u << i) != 0;
        most = votes[i] > most ? votes[i] : most;
    }
    for (size_t i = 0; i < STYLES; i++)
        best |= votes[i] == most ? 1u << i : 0;
    bool two = (best & STYLES_COMMA) != 0 && (best & STYLES_POINT) != 0;
    if (most == 0 || votes[own_style(s)] == most || two)
        return false;
    *decimal = styles[__builtin_ctz(best)].decimal;
    *thousands = styles[__builtin_ctz(best)].thousands;
    return true;
}

void survey_mean(const struct survey *s, size_t column, struct survey_meaning *out)
{
    assert(column < s->count);
    const struct column_state *c = &s->columns[column];
    bool two;
    const struct number_style *style = style_of(s, c, &two);
    *out = (struct survey_meaning){.decimal = s->style.decimal,
                                   .thousands = s->style.thousands,
                                   .percent = s->style.percent,
                                   .scale = -1};
    out->type = type_of(s, c, &out->format);
    if (out->type.kind == TYPE_NONE && style != NULL) {
        bool fraction = (c->styles_fraction & 1u << (style - styles)) != 0;
        out->percent = (c->seen & SEEN_PERCENT) != 0;
        out->type.kind = fraction || out->percent ? TYPE_DOUBLE : TYPE_BIGINT;
        out->decimal = style->decimal;
        out->thousands = style->thousands;
    } else if (out->type.kind == TYPE_DOUBLE && c->fraction == c->fraction_least &&
               (c->seen & SEEN_EXPONENT) == 0) {
        out->scale = c->fraction;
    }
    out->local = out->type.kind == TYPE_TIMESTAMP && (c->seen & SEEN_OFFSET) == 0;
    if (out->type.kind == TYPE_NONE) {
        out->type.kind = TYPE_TEXT;
        out->trim = (c->seen & SEEN_BLANKS) != 0;
        return;
    }
    for (size_t i = 0; i < SURVEY_NULLS_MAX; i++)
        if ((c->words & UINT32_C(1) << i) != 0)
            out->nulls[out->null_count++] = null_words[i];
}

/* ---- What is doubtful ------------------------------------------------------------------------ */

static void sentence(struct str *out, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void sentence(struct str *out, const char *format, ...)
{
    va_list args;
    if (out->len > 0)
        str_append_char(out, ' ');
    va_start(args, format);
    str_vprintf(out, format, args);
    va_end(args);
}

static void doubt_dates(const struct survey *s, const struct column_state *c, struct str *out)
{
    static const char *const orders[] = {"year first", "day first", "month first"};
    struct dates d = dates_of(s, c);
    if (d.first != NULL && (c->seen & SEEN_DIGITS) != 0 && (c->can & CAN_NUMBER) != 0) {
        sentence(out, "Numbers such as \"%s\" may be dates; the format would be \"%s\".", c->first,
                 d.first->text);
        return;
    }
    if (d.first == NULL || (c->can & (CAN_DATE | CAN_MOMENT)) != 0)
        return;
    if (d.order_count == 1 && d.first->short_year)
        sentence(out,
                 "Dates such as \"%s\" have years of two digits and stay texts; the format would "
                 "be \"%s\".",
                 c->first, d.first->text);
    if (d.order_count < 2)
        return;
    sentence(out, "Texts such as \"%s\" may be dates, ", c->first);
    for (size_t i = 0, told = 0; i < READING_ORDERS; i++) {
        if (!d.orders[i])
            continue;
        str_printf(out, "%s%s", told > 0 ? " or " : "", orders[i]);
        told++;
    }
    str_append(out, "; they stay texts unless the column has a type and formats.");
}

/* The sign of its numbers that may be the other one, too: 1.234 may be a thousand; 0: none. */
static char twofold_sign(const struct survey *s, const struct column_state *c)
{
    if (s->options.typed || (c->can & CAN_NUMBER) == 0 || !may_be_numbers(c) || !has_signs(c))
        return '\0';
    for (size_t i = 0; i < STYLES; i++) {
        if ((c->styles & 1u << i) == 0 || styles[i].decimal == s->style.decimal)
            continue;
        if (styles[i].thousands == s->style.decimal)
            return s->style.decimal;
        if (styles[i].decimal == s->style.thousands)
            return s->style.thousands;
    }
    return '\0';
}

static void doubt_numbers(const struct survey *s, const struct column_state *c, struct type type,
                          struct str *out)
{
    bool two;
    const struct number_style *style = style_of(s, c, &two);
    if ((c->can & CAN_NUMBER) != 0 && (c->seen & SEEN_DIGITS) != 0 && !may_be_numbers(c))
        sentence(out, "Numbers with a plus sign (\"%s\") stay texts.", c->first);
    if (type.kind == TYPE_DECIMAL)
        sentence(out, "It has numbers with more digits than %s.",
                 (c->can & CAN_WHOLE) != 0 ? "64 bits hold" : "a double keeps");
    if ((c->can & CAN_NUMBER) != 0 && may_be_numbers(c) && type.kind == TYPE_NONE)
        sentence(out, "It has numbers with more digits than a decimal holds: they stay texts.");
    if (style != NULL)
        sentence(out, "Texts such as \"%s\" may be numbers that are written in another way.",
                 c->first);
    char sign = twofold_sign(s, c);
    if (sign != '\0')
        sentence(out,
                 "A %s in it may be a decimal sign or stand between thousands; it is read as %s.",
                 sign == '.' ? "point" : "comma",
                 sign == s->style.decimal ? "a decimal sign" : "one between thousands");
    if (two)
        sentence(out, "The comma of \"%s\" may be a decimal sign or stand between thousands.",
                 c->first);
}

static void doubt_nulls(const struct column_state *c, struct type type, struct str *out)
{
    if (c->words == 0 || type.kind == TYPE_NONE)
        return;
    sentence(out, "Without `nulls` it is text, because of values that may mean NULL:");
    for (size_t i = 0, told = 0; i < SURVEY_NULLS_MAX; i++)
        if ((c->words & UINT32_C(1) << i) != 0)
            str_printf(out, "%s \"%s\"", told++ > 0 ? "," : "", null_words[i]);
    str_append_char(out, '.');
}

#define LATE 10 /* what was closed earlier is not worth mentioning: it is an ordinary text */

void survey_doubts(const struct survey *s, size_t column, struct str *out)
{
    assert(column < s->count);
    const struct column_state *c = &s->columns[column];
    const char *format;
    struct type type = type_of(s, c, &format);
    struct str line;
    str_init(&line, STR_MAX_DEFAULT);
    doubt_dates(s, c, &line);
    doubt_numbers(s, c, type, &line);
    doubt_nulls(c, type, &line);
    if (type.kind == TYPE_NONE && (c->seen & SEEN_BLANKS) != 0 && !s->options.trim)
        sentence(&line, "Its texts have blanks around them, which only `trim` takes away.");
    if (type.kind == TYPE_TIMESTAMP && (c->seen & SEEN_OFFSET) != 0 && (c->seen & SEEN_LOCAL) != 0)
        sentence(&line, "Some times have an offset from UTC and some have none.");
    if (c->closed > LATE)
        sentence(&line, "It stays text because of \"%s\", value %" PRIu64 ".", c->last, c->closed);
    str_append_bytes(out, line.data, line.len);
    str_release(&line);
}

#include "source/xlsx_value.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "value/number.h"
#include "value/print.h"

#define DAY_MICROS INT64_C(86400000000)

/* A number with a format, read. */
struct serial {
    double number;
    enum xlsx_kind kind;
    int64_t micros; /* of the day (XLSX_CLOCK), or since 1970 */
};

/* NULL, or why it is not a number, or not a date. */
static const char *read_serial(const struct xlsx_book *book, const char *text,
                               enum xlsx_kind format, struct serial *out)
{
    char *end;
    *out = (struct serial){.kind = format};
    out->number = strtod(text, &end);
    /* strtod() accepts blanks, words and numbers in base 16, too. */
    bool plain = text[strspn(text, "+-.0123456789Ee")] == '\0';
    if (!plain || end == text || *end != '\0' || !isfinite(out->number))
        return "is not a number, though the workbook says so";
    if (format == XLSX_CLOCK && xlsx_format_clock(out->number, &out->micros))
        return NULL;
    if (format == XLSX_NUMBER || xlsx_format_moment(out->number, book->from_1904, &out->micros)) {
        if (format == XLSX_CLOCK)
            out->kind = XLSX_MOMENT;
        return NULL;
    }
    out->kind = XLSX_NUMBER;
    return "is shown as a date, but there is no such day";
}

/* The fewest digits: 5 and not 5.0. */
static void print_number(double number, char out[PRINT_DOUBLE_SIZE])
{
    print_double(number, out);
    size_t length = strlen(out);
    if (length > 2 && strcmp(out + length - 2, ".0") == 0)
        out[length - 2] = '\0';
}

static int64_t day_of(int64_t micros)
{
    int64_t day = micros / DAY_MICROS;
    return day - (micros % DAY_MICROS < 0);
}

static void print_serial(const struct serial *s, char out[PRINT_MOMENT_SIZE])
{
    _Static_assert(PRINT_MOMENT_SIZE >= PRINT_DOUBLE_SIZE, "either text fits");
    if (s->kind == XLSX_NUMBER)
        print_number(s->number, out);
    else if (s->kind == XLSX_CLOCK)
        print_clock(s->micros, out);
    else if (s->kind == XLSX_DATE && s->micros % DAY_MICROS == 0)
        print_days((int32_t)day_of(s->micros), out);
    else
        print_moment(s->micros, false, out);
}

static enum cast_outcome take_serial(const struct serial *s, const struct cast *cast,
                                     struct column *out)
{
    char text[PRINT_MOMENT_SIZE];
    print_serial(s, text);
    if (s->kind == XLSX_NUMBER) {
        enum cast_outcome outcome = cast_number(cast, text, strlen(text), out);
        /* 1e+17 is a whole number, too. */
        return outcome != CAST_BAD ? outcome : cast_double(cast, s->number, out);
    }
    if (out->type.kind == TYPE_TEXT)
        return cast_text(cast, text, strlen(text), out);
    if (s->kind == XLSX_CLOCK)
        return cast_clock(cast, s->micros, CAST_MICROSECONDS, out);
    if (s->micros % DAY_MICROS == 0)
        return cast_days(cast, day_of(s->micros), out);
    return cast_moment(cast, s->micros, CAST_MICROSECONDS, true, out);
}

/*
 * Is it a number whose digits are those to be taken? Every double keeps fifteen, so that many or
 * fewer are already the fewest. Whole numbers without an exponent are taken however long: Excel
 * does not write long ones like that, and other programs write the digits they have.
 */
static bool is_final(const char *text)
{
    const char *p = text + (*text == '-');
    size_t digits = strspn(p, "0123456789");
    if (digits == 0 || (*p == '0' && digits > 1))
        return false;
    p += digits;
    if (*p == '\0' && digits <= NUMBER_DIGITS)
        return true;
    if (*p == '.') {
        size_t more = strspn(p + 1, "0123456789");
        if (more == 0 || p[more] == '0')
            return false;
        digits += more;
        p += 1 + more;
    }
    return *p == '\0' && digits <= 15;
}

static char *take_number(const struct xlsx_book *book, const char *text, enum xlsx_kind format,
                         const struct cast *cast, struct column *out, enum cast_outcome *outcome)
{
    struct serial s;
    if (format == XLSX_NUMBER && is_final(text)) {
        *outcome = cast_number(cast, text, strlen(text), out);
        return *outcome == CAST_BAD ? cast_reason(cast, text, strlen(text)) : NULL;
    }
    char shown[PRINT_MOMENT_SIZE];
    const char *flaw = read_serial(book, text, format, &s);
    if (flaw != NULL)
        return mem_strdup(flaw);
    *outcome = take_serial(&s, cast, out);
    if (*outcome != CAST_BAD)
        return NULL;
    print_serial(&s, shown);
    return cast_reason(cast, shown, strlen(shown));
}

/* An error is NULL where its text is one of those that mean NULL, and nothing else. */
static char *take_error(const char *text, size_t length, const struct cast *cast,
                        struct column *out, enum cast_outcome *outcome)
{
    *outcome = cast_text(cast, text, length, out);
    if (*outcome == CAST_NULL)
        return NULL;
    if (*outcome == CAST_VALUE)
        column_truncate(out, out->count - 1);
    return mem_strdup("is an error: list it under `nulls` if it means that there is no value");
}

static char *take_truth(const char *text, const struct cast *cast, struct column *out,
                        enum cast_outcome *outcome)
{
    bool truth = strcmp(text, "1") == 0 || strcmp(text, "true") == 0;
    if (!truth && strcmp(text, "0") != 0 && strcmp(text, "false") != 0)
        return mem_strdup("is not a truth value, though the workbook says so");
    const char *word = truth ? "true" : "false";
    *outcome = cast_text(cast, word, strlen(word), out);
    return *outcome == CAST_BAD ? cast_reason(cast, word, strlen(word)) : NULL;
}

static char *take_text(const char *text, size_t length, const struct cast *cast, struct column *out,
                       enum cast_outcome *outcome)
{
    *outcome = cast_text(cast, text, length, out);
    return *outcome == CAST_BAD ? cast_reason(cast, text, length) : NULL;
}

static char *take_cell(const struct xlsx_book *book, const struct xlsx_row *row,
                       const struct xlsx_cell *cell, const struct cast *cast, struct column *out,
                       enum cast_outcome *outcome)
{
    const char *text = row->bytes + cell->at;
    switch (cell->kind) {
    case XLSX_CELL_NUMBER:
        return take_number(book, text, cell->format, cast, out, outcome);
    case XLSX_CELL_ERROR:
        return take_error(text, cell->length, cast, out, outcome);
    case XLSX_CELL_BOOLEAN:
        return take_truth(text, cast, out, outcome);
    case XLSX_CELL_FORMULA:
        return mem_strdup("is a formula without a value: calculate and save the workbook");
    case XLSX_CELL_TEXT:
        break;
    }
    return take_text(text, cell->length, cast, out, outcome);
}

char *xlsx_value_take(const struct xlsx_book *book, const struct xlsx_row *row,
                      const struct xlsx_cell *cell, const struct reader_column *column,
                      struct column *out)
{
    enum cast_outcome outcome = CAST_NULL;
    char *reason = NULL;
    if (cell != NULL)
        reason = take_cell(book, row, cell, column->cast, out, &outcome);
    if (reason != NULL)
        return reason;
    if (outcome == CAST_NULL && column->required)
        return mem_strdup("has no value, but must have one");
    if (cell == NULL)
        column_add_null(out);
    return NULL;
}

char *xlsx_value_text(const struct xlsx_book *book, const struct xlsx_row *row,
                      const struct xlsx_cell *cell)
{
    struct serial s;
    char shown[PRINT_MOMENT_SIZE];
    const char *text = row->bytes + cell->at;
    bool final = cell->format == XLSX_NUMBER && is_final(text);
    if (cell->kind != XLSX_CELL_NUMBER || final ||
        read_serial(book, text, cell->format, &s) != NULL)
        return mem_strndup(text, cell->length);
    print_serial(&s, shown);
    return mem_strdup(shown);
}

/* The ways in which dates and timestamps are commonly written, for a survey to try. */
#ifndef CAUCE_VALUE_READING_H
#define CAUCE_VALUE_READING_H

#include <stdbool.h>
#include <stddef.h>

#include "util/type.h"
#include "value/format.h"

/* What comes first; readings of one order never disagree about a text. */
enum reading_order { READING_YEAR_FIRST, READING_DAY_FIRST, READING_MONTH_FIRST, READING_ORDERS };

#define READING_TEXT_SIZE 32

struct reading {
    char text[READING_TEXT_SIZE]; /* the format as it is configured */
    enum type_kind kind;          /* date or timestamp */
    enum reading_order order;
    bool short_year; /* of two digits */
    struct format *format;
};

#define READING_DAYS 23
#define READING_CLOCKS 6
#define READING_COUNT ((size_t)READING_DAYS * READING_CLOCKS)

/* All READING_COUNT of them, dates first. */
struct reading *reading_list(void);
void reading_free(struct reading *list);

#endif

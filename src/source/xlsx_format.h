/*
 * Numbers of a spreadsheet that are dates: recognised by their number format (ECMA-376 part 1,
 * 18.8.30 and 18.8.31), counted from one of two epochs. Pure functions.
 */
#ifndef CAUCE_SOURCE_XLSX_FORMAT_H
#define CAUCE_SOURCE_XLSX_FORMAT_H

#include <stdbool.h>
#include <stdint.h>

enum xlsx_kind {
    XLSX_NUMBER, /* elapsed time ([h]:mm), too: days as a number */
    XLSX_DATE,
    XLSX_CLOCK,
    XLSX_MOMENT /* date and time */
};

/* By a format's code ("dd/mm/yyyy"), of which the first section counts; by its built-in number. */
enum xlsx_kind xlsx_format_of_code(const char *code);
enum xlsx_kind xlsx_format_of_number(unsigned long number);

/*
 * Microseconds of a serial number since 1970-01-01, and of its day. A whole millisecond where it is
 * within a microsecond of one: a double cannot hold most times exactly. False: no such day (before
 * the beginning, after the year 9999, or 29 February 1900, which Excel believes in). Without a date
 * (`clock`): from 0 to less than a day.
 */
bool xlsx_format_moment(double serial, bool from_1904, int64_t *micros);
bool xlsx_format_clock(double serial, int64_t *micros);

#endif

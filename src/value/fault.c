#include "value/fault.h"

#include <assert.h>
#include <stddef.h>

static const char *const texts[FAULT_COUNT] = {
    [FAULT_RANGE] = "too great or too small for it",
    [FAULT_SCALE] = "it has more digits after the point than the type keeps",
    [FAULT_GROUPS] = "a thousands sign may only stand before groups of three digits",
    [FAULT_ZERO] = "so small that a double could not be told from zero",
    [FAULT_DAY] = "there is no such day",
    [FAULT_WEEKDAY] = "that date falls on another day of the week",
    [FAULT_YEARS] = "not in the years 1 to 9999",
    [FAULT_YEAR] = "%Y is four digits",
    [FAULT_HOUR] = "a day ends before 24:00",
    [FAULT_FRACTION] = "a fraction of a second has at most six digits",
    [FAULT_ZONE] = "only the zone names Z, UTC and GMT are unambiguous; write an offset",
    [FAULT_CLOCK] = "it has a time of day or an offset, which a date would lose",
    [FAULT_GAP] = "clocks in the time zone skipped it when they were put forward",
    [FAULT_FOLD] = "clocks in the time zone showed it twice; an offset is needed",
    [FAULT_UTF8] = "not UTF-8",
    [FAULT_FULL] = "too large",
};

const char *fault_text(enum fault fault)
{
    assert((int)fault >= 0 && fault < FAULT_COUNT);
    return texts[fault];
}

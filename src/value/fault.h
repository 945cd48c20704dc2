/* Why a text or a typed value is not a value of a column: what the casts tell each other. */
#ifndef CAUCE_VALUE_FAULT_H
#define CAUCE_VALUE_FAULT_H

enum fault {
    FAULT_NONE, /* it is one */
    FAULT_FORM, /* it is written in another way, or of another kind */
    FAULT_RANGE,
    FAULT_SCALE,    /* digits beyond those that the type keeps */
    FAULT_GROUPS,   /* thousands signs */
    FAULT_ZERO,     /* so small that it would become zero */
    FAULT_DAY,      /* no such day of the calendar */
    FAULT_WEEKDAY,  /* another day of the week */
    FAULT_YEARS,    /* not in the years 1 to 9999 */
    FAULT_YEAR,     /* %Y is not four digits */
    FAULT_HOUR,     /* 24:00 */
    FAULT_FRACTION, /* of a second: digits beyond the sixth */
    FAULT_ZONE,     /* an abbreviation or name of a zone */
    FAULT_CLOCK,    /* a date with a time of day other than midnight */
    FAULT_GAP,      /* the clock of the zone never showed it */
    FAULT_FOLD,     /* the clock of the zone showed it twice */
    FAULT_UTF8,
    FAULT_FULL, /* no room in the column */
    FAULT_COUNT
};

/* What is put in brackets after "is not a date"; NULL for FAULT_NONE and FAULT_FORM. Static. */
const char *fault_text(enum fault fault);

#endif

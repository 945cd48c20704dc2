/*
 * The rule of a time zone for the years that no table lists: a TZ string of POSIX with what RFC 8536
 * (3.3.1) adds to it, such as "EST5EDT,M3.2.0,M11.1.0". Pure functions.
 */
#ifndef CAUCE_VALUE_ZONE_RULE_H
#define CAUCE_VALUE_ZONE_RULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* One day of every year, and the time of that day by the clock that holds until then. */
struct zone_rule_day {
    char kind;       /* 'M': weekday of a week of a month; 'J': 1 to 365, no 29 February; '0' */
    int month, week; /* of 'M': 1 to 12; 1 to 5, where 5 is the last */
    int day;         /* of 'M': 0 (Sunday) to 6; else of the year */
    int64_t time;    /* seconds of that day, perhaps of one before or after it */
};

struct zone_rule {
    int offset; /* seconds east of UTC */
    bool has_summer;
    int summer; /* the offset between `begin` and `end` */
    struct zone_rule_day begin, end;
};

/* False: not such a rule. */
bool zone_rule_parse(const char *text, size_t length, struct zone_rule *out);

/* The two changes of a year (1 or later), in order. The rule must have a summer. */
struct zone_rule_change {
    int64_t from; /* seconds since 1970 UTC */
    int offset;
};
void zone_rule_year(const struct zone_rule *rule, int year, struct zone_rule_change out[2]);

#endif

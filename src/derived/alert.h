/* Alerts that fire. The names are those of the rules in alerts/cauce.rules.yml. */
#ifndef CAUCE_DERIVED_ALERT_H
#define CAUCE_DERIVED_ALERT_H

#include <stddef.h>

struct alert {
    const char *name;     /* "CauceIndexRebuilds"; static */
    const char *severity; /* "warning", "critical" */
    char text[256];       /* what is wrong, with the figures */
};

#define ALERTS_MAX 16
struct alerts {
    struct alert items[ALERTS_MAX];
    size_t count; /* what comes beyond is left out */
};

void alert_fire(struct alerts *a, const char *name, const char *severity, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* The part of a whole; 0 where there is no whole. */
double alert_share(double part, double whole);

#endif

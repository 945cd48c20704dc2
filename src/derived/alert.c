#include "derived/alert.h"

#include <stdarg.h>
#include <stdio.h>

void alert_fire(struct alerts *a, const char *name, const char *severity, const char *format, ...)
{
    va_list args;
    if (a->count == ALERTS_MAX)
        return;
    struct alert *one = &a->items[a->count++];
    one->name = name;
    one->severity = severity;
    va_start(args, format);
    vsnprintf(one->text, sizeof one->text, format, args);
    va_end(args);
}

double alert_share(double part, double whole)
{
    return whole > 0 ? part / whole : 0;
}

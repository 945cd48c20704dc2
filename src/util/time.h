/*
 * The only clock and the only sleep. Wall time is a label, never an order. Thread-safe, except
 * time_replace, which tests call before anything runs.
 */
#ifndef CAUCE_UTIL_TIME_H
#define CAUCE_UTIL_TIME_H

#include <stddef.h>
#include <stdint.h>

#include "util/error.h"

/* "2026-01-31T23:59:59.000001Z" and its NUL. */
#define TIME_TEXT_SIZE 28

/* Microseconds since 1970-01-01 UTC. */
int64_t time_now(void);

/* Microseconds of a clock that never goes back; only differences have a meaning. */
int64_t time_monotonic(void);

/* Sleep; returns early only where a signal handler asked the program to stop. */
void time_sleep(int64_t microseconds);

/* RFC 3339, UTC, six digits of fraction. Years 0000 to 9999; others give ERR_LIMIT and "". */
MUST_USE int time_format(int64_t microseconds, char text[TIME_TEXT_SIZE], struct error *err);

/* As time_format, for a label in a message: "?" where the calendar ends. */
void time_label(int64_t microseconds, char text[TIME_TEXT_SIZE]);

/*
 * RFC 3339 with any offset and up to six digits of fraction; also a plain date ("2026-01-31":
 * midnight UTC) and a space in place of the T. A leap second counts as the second after it.
 * ERR_CONFIG where it is none of these, or outside the years 0000 to 9999 of UTC.
 */
MUST_USE int time_parse(const char *text, int64_t *microseconds, struct error *err);

/* Compact UTC label for file names: "20260131T235959.000001Z", TIME_TEXT_SIZE is enough. */
MUST_USE int time_format_compact(int64_t microseconds, char text[TIME_TEXT_SIZE],
                                 struct error *err);

/* Replace clock and sleep (tests). NULL, also for a single function, stands for the real one. */
struct time_source {
    int64_t (*now)(void *ctx);
    int64_t (*monotonic)(void *ctx);
    void (*sleep)(void *ctx, int64_t microseconds);
    void *ctx;
};
void time_replace(const struct time_source *source);

#endif

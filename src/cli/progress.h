/*
 * One line on a terminal that says what is being done, from the first second on, redrawn in place
 * and removed at the end. Nothing at all where it is not wanted. Log lines written in the meantime
 * appear above it. progress_step may be called from any thread.
 */
#ifndef CAUCE_CLI_PROGRESS_H
#define CAUCE_CLI_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cli/options.h"

#define PROGRESS_DELAY 1000000   /* microseconds before anything is shown */
#define PROGRESS_INTERVAL 200000 /* between two drawings */
#define PROGRESS_TEXT 64

struct progress {
    int fd; /* -1: nothing is shown */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    /* Everything below belongs to whoever holds the mutex. */
    bool stop;
    bool drawn; /* the line is on the terminal */
    char text[PROGRESS_TEXT];
    double done;
    int64_t began, step_began; /* of the monotonic clock */
};

/* Is a progress line wanted: is `fd` a terminal, and do the options not speak against it? */
bool progress_wanted(const struct options *options, int fd);

/*
 * Begin with `what` ("verifying"), on the terminal `fd`; -1: show nothing. Ends with progress_end,
 * before anything is written to standard output.
 */
void progress_start(struct progress *p, int fd, const char *what);

/* From now on this is being done; `done` is the share of it, 0 to 1, or negative: not known. */
void progress_step(struct progress *p, const char *what, double done);

void progress_end(struct progress *p);

/*
 * The text of the line, at most `width` characters: "loading  42 %  7 s" (bytes: out_size with NUL).
 * Pure.
 */
void progress_line(const char *what, double done, int64_t elapsed, size_t width, char *out,
                   size_t out_size);

#endif

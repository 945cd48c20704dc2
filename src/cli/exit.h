/*
 * Exit statuses of the program: stable, documented in docs/exit-codes.md, and decided only here.
 * Pure functions.
 */
#ifndef CAUCE_CLI_EXIT_H
#define CAUCE_CLI_EXIT_H

#include <stddef.h>

enum exit_status {
    EXIT_DONE = 0,         /* done, or nothing to do */
    EXIT_OTHER = 1,        /* any other failure */
    EXIT_USAGE = 2,        /* command line or configuration */
    EXIT_SOURCE = 3,       /* source unreachable or unreadable */
    EXIT_GATE = 4,         /* a gate refused */
    EXIT_STORAGE = 5,      /* storage failed, retry may help */
    EXIT_LOST = 6,         /* lost the race after all retries */
    EXIT_UNKNOWN = 7,      /* outcome of the commit unknown, nothing deleted */
    EXIT_UNCHANGED = 9,    /* nothing changed; only with --detailed-exitcode */
    EXIT_ABSENT = 10,      /* no such dataset */
    EXIT_DAMAGED = 12,     /* verification failed, or the dataset is damaged */
    EXIT_TIMEOUT = 124,    /* `timeout` was over before the commit; the same as timeout(1) */
    EXIT_STOPPED = 130,    /* interrupted */
    EXIT_BROKEN_PIPE = 141 /* the reader of standard output is gone */
};

/* The status for an error code (enum error_code). */
int exit_status_of(int code);

/* Every status with its meaning, ascending, for help texts. */
struct exit_meaning {
    int status;
    const char *meaning;
};
const struct exit_meaning *exit_meanings(size_t *count);

#endif

/*
 * The process in which libduckdb runs: the program itself, started once more under another name.
 *
 * It is a new program and not a copy of this one, so it begins with an empty address space (no
 * credentials in it), no environment but the loader's, and no open file but the wire; and it does
 * not matter what other threads held when it was made. It ends when this process does, in whatever
 * way. Private to the engine; one owner, except engine_process_interrupt.
 */
#ifndef CAUCE_ENGINE_ENGINE_PROCESS_H
#define CAUCE_ENGINE_ENGINE_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "util/error.h"

/* What the process is called (argv[0]), and where it finds what it was given. */
#define ENGINE_PROCESS_NAME "cauce: engine"
#define ENGINE_PROCESS_WIRE 3
#define ENGINE_PROCESS_CONTROL 4

struct engine_process {
    pid_t pid;   /* 0: none, or it is known to have ended */
    int wire;    /* our end of the socket pair */
    int control; /* written to: numbers of requests to interrupt; closing it ends the process */
    int output;  /* read from: what the process wrote to its standard output and error */
};

/*
 * Start it. The thread that does must live as long as the process is needed: the kernel ends it with
 * that thread.
 */
MUST_USE int engine_process_start(struct engine_process *p, struct error *err);

/* End it, if it has not ended yet, and forget it. Safe on a zeroed struct. */
void engine_process_end(struct engine_process *p);

/* The wire is broken: wait for the end and say what it was (ERR_SYSTEM; ERR_LIMIT: killed). */
MUST_USE int engine_process_explain(struct engine_process *p, struct error *err);

/* Ask it to interrupt a request. May be called by any thread, and by a signal handler. */
void engine_process_interrupt(const struct engine_process *p, uint64_t request);

/* Most memory that was resident so far, in bytes; 0 where that is not known. */
uint64_t engine_process_peak(const struct engine_process *p);

#endif

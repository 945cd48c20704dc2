/*
 * The request to stop: set by a signal (SIGINT, SIGTERM) or at the end of a time limit, checked
 * between steps before the commit, never in the middle of it. Async-signal-safe.
 */
#ifndef CAUCE_UTIL_STOP_H
#define CAUCE_UTIL_STOP_H

#include <stdbool.h>
#include <stdint.h>

#include "util/error.h"

/* Let SIGINT and SIGTERM set the request; a second SIGINT kills the process as usual. */
void stop_install(void);

/* What the handler does; tests call it. */
void stop_request(void);
void stop_clear(void);

bool stop_requested(void);

/*
 * Make the end of so many seconds from now such a request (by SIGALRM, which interrupts what
 * waits); 0 cancels the limit, and the request that came of it. One limit at a time.
 */
void stop_after(int64_t seconds);

/* Has the limit passed? */
bool stop_timed_out(void);

/*
 * Call `hook` (async-signal-safe work only) from the handler, to interrupt a long query; NULL ends
 * it. There is one hook. When this returns, the previous hook no longer runs in any thread: its
 * `ctx` may be freed. A request made earlier does not reach the hook: check stop_requested().
 */
void stop_on_request(void (*hook)(void *ctx), void *ctx);

/* ERR_OK, or ERR_INTERRUPTED; it is for the caller to say what state that leaves. */
MUST_USE int stop_check(struct error *err);

#endif

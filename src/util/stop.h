/*
 * The request to stop: set by a signal (SIGINT, SIGTERM) or at the end of a time limit, looked at
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
 * Let so many seconds from now on be such a request (by SIGALRM: it ends what waits); 0 takes the limit
 * back, and the request that came of it. One limit at a time.
 */
void stop_after(int64_t seconds);

/* Has the limit passed? */
bool stop_timed_out(void);

/*
 * Call `hook` (async-signal-safe work only) from the handler, to interrupt a long query; NULL ends
 * it. There is one hook. When this returns, the former one does not run any more, in no thread: its
 * `ctx` may be freed. A request that came before is not told to the hook: look at stop_requested().
 */
void stop_on_request(void (*hook)(void *ctx), void *ctx);

/* ERR_OK, or ERR_INTERRUPTED; what state that leaves is the caller's to say. */
MUST_USE int stop_check(struct error *err);

#endif

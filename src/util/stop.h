/*
 * The request to stop: set by a signal (SIGINT, SIGTERM), looked at between steps before the
 * commit, never in the middle of it. Async-signal-safe.
 */
#ifndef CAUCE_UTIL_STOP_H
#define CAUCE_UTIL_STOP_H

#include <stdbool.h>

#include "util/error.h"

/* Let SIGINT and SIGTERM set the request; a second SIGINT kills the process as usual. */
void stop_install(void);

/* What the handler does; tests call it. */
void stop_request(void);
void stop_clear(void);

bool stop_requested(void);

/*
 * Call `hook` (async-signal-safe work only) from the handler, to interrupt a long query; NULL ends
 * it. There is one hook. When this returns, the former one does not run any more, in no thread: its
 * `ctx` may be freed. A request that came before is not told to the hook: look at stop_requested().
 */
void stop_on_request(void (*hook)(void *ctx), void *ctx);

/* ERR_OK, or ERR_INTERRUPTED; what state that leaves is the caller's to say. */
int stop_check(struct error *err);

#endif

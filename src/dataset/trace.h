/*
 * A trace of one run: its steps and the operations on the store, as a file in the Chrome trace
 * event format (https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU),
 * which Perfetto and chrome://tracing show. Steps stand in one row; operations in rows of their own,
 * as many as ran side by side. Thread-safe.
 */
#ifndef CAUCE_DATASET_TRACE_H
#define CAUCE_DATASET_TRACE_H

#include "store/store.h"

struct trace;

MUST_USE struct trace *trace_new(void);
void trace_free(struct trace *t); /* NULL allowed */

/*
 * A step of that name (borrowed, for good) begins, and the one before it ends. NULL allowed, as with
 * all that follows.
 */
void trace_step(struct trace *t, const char *step);

/* A store whose operations go to the trace; it takes `inner` over. Free it before the trace. */
MUST_USE struct store *trace_store(struct trace *t, struct store *inner);

/* End the last step and write the file, replaced atomically. The trace is empty afterwards. */
MUST_USE int trace_write(struct trace *t, const char *path, struct error *err);

#endif

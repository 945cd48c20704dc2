/* What engine.c, feed.c and result.c share: requests over the wire. Private to the three. */
#ifndef CAUCE_ENGINE_ENGINE_PRIVATE_H
#define CAUCE_ENGINE_ENGINE_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/engine.h"
#include "engine/wire.h"
#include "value/column.h"

/* A request whose outcome is awaited later: the process works on it in the meantime. */
struct engine_promise {
    bool open; /* not yet known */
    int rc;
    struct error error;
};

/*
 * Send a request; its answers are to be received. `handle` is that of a feed or a result, else 0.
 * What was promised before is settled first.
 */
MUST_USE int engine_ask(struct engine *e, enum wire_kind kind, uint32_t handle,
                        const struct str *bytes, struct error *err);

/* Send a part of a batch, whose outcome is promised. */
MUST_USE int engine_ask_batch(struct engine *e, uint32_t handle, const struct batch *b,
                              size_t first, size_t rows, struct engine_promise *out,
                              struct error *err);

/* Wait for the outcome of a promise. */
MUST_USE int engine_settle(struct engine *e, struct engine_promise *p, struct error *err);

/* The next answer; `*done` where it was the last one, and then its outcome is returned. */
MUST_USE int engine_answer(struct engine *e, struct wire_frame *out, bool *done, struct error *err);

/* A request whose only answer is that it is done. NULL: it has no fields. */
MUST_USE int engine_request(struct engine *e, enum wire_kind kind, uint32_t handle,
                            const struct str *bytes, struct error *err);

/* Have the process forget a feed or a result, even where a stop was requested. */
void engine_dismiss(struct engine *e, enum wire_kind kind, uint32_t handle);

#endif

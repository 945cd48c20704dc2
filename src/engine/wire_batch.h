/*
 * Batches (value/column.h) on the wire, without a copy on the way out and as a view into the frame
 * on the way in: rows and the sizes of the columns first, then bitmaps, values, offsets and bytes
 * as they are in memory, each filled up to a multiple of WIRE_ALIGN. Private to the engine.
 */
#ifndef CAUCE_ENGINE_WIRE_BATCH_H
#define CAUCE_ENGINE_WIRE_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "engine/wire.h"
#include "value/column.h"

/* Send `rows` rows from `first` (a multiple of 8) on, in one frame. ERR_LIMIT: it would be too large. */
MUST_USE int wire_batch_send(struct wire *w, uint32_t kind, uint32_t word, const struct batch *b,
                             size_t first, size_t rows, struct error *err);

/*
 * Point the columns of `view`, which have their types and own nothing, into the frame. Valid until
 * the next call on the wire; a column without NULLs has no bitmap. ERR_SYSTEM: it is garbled.
 */
MUST_USE int wire_batch_view(const struct wire_frame *frame, struct batch *view, struct error *err);

/* Copy a view into a batch of the same types, in place of what it holds. */
void wire_batch_copy(struct batch *to, const struct batch *view);

/* A type as a field. What is not a type comes back as TYPE_NONE, and sets `bad`. */
void wire_put_type(struct str *out, struct type type);
struct type wire_get_type(struct wire_fields *f);

#endif

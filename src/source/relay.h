/*
 * Work on the parts of a file: read one after the other, worked on by several threads, taken in
 * their order. Memory is bounded by the number of parts.
 *
 * The caller's thread works, too, whenever the part it wants is not ready; with one thread there are
 * no others. Threads are started when there is work for them: a small file has none.
 */
#ifndef CAUCE_SOURCE_RELAY_H
#define CAUCE_SOURCE_RELAY_H

#include <stdbool.h>
#include <stddef.h>

#include "util/error.h"

/* A part is the caller's own struct, which begins with this. */
struct relay_part {
    /* Aligned for any struct that it may be the head of. */
    _Alignas(void *) int rc; /* of reading it: no part follows one that failed */
    struct error err;
    bool last; /* nothing follows */
};

struct relay_work {
    /* Fill the next part; one call at a time. The result goes into the part, and `last`. */
    void (*read)(void *ctx, struct relay_part *part);
    /*
     * Work on it; several calls at once, each with a different `worker` below the number of
     * threads.
     */
    void (*work)(void *ctx, struct relay_part *part, unsigned worker);
    void *ctx;
};

struct relay;

/*
 * `parts` are borrowed: there must be more than threads, or none could work ahead. `threads` counts
 * the caller's.
 */
MUST_USE struct relay *relay_new(const struct relay_work *work, struct relay_part **parts,
                                 size_t count, unsigned threads);
/* Ends the threads first. NULL allowed. */
void relay_free(struct relay *r);

/* The next part in order; NULL after the last one. It is the caller's until relay_give. */
struct relay_part *relay_take(struct relay *r);
void relay_give(struct relay *r, struct relay_part *part);

/*
 * Read no further part; those that were read are worked on, but must not be taken. Waits for them.
 */
void relay_stop(struct relay *r);

#endif

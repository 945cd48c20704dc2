/*
 * A store in the memory of this process, with the promises of every other one: for tests, and for
 * trying a dataset without leaving anything behind. Durable means: as long as the process lives.
 */
#ifndef CAUCE_STORE_STORE_MEMORY_H
#define CAUCE_STORE_STORE_MEMORY_H

#include "store/store.h"

/*
 * Open the memory of this name. Every open of one name sees the same objects, which stay until the
 * process ends; the empty name gives a private memory, gone with store_free.
 *
 * Tags are numbers that are used once: the same bytes written again get another tag. Threads may
 * share a store or a name.
 */
MUST_USE int store_memory_open(const char *name, struct store **out, struct error *err);

/* The same by URL, "memory:NAME"; for the table of backends. There are no options. */
MUST_USE int store_memory_open_url(const char *url, const struct store_options *options,
                                   struct store **out, struct error *err);

#endif

/*
 * What engine/feed.h promises, done in the engine's process. Private to the engine.
 */
#ifndef CAUCE_ENGINE_DATABASE_FEED_H
#define CAUCE_ENGINE_DATABASE_FEED_H

#include <stddef.h>

#include "engine/database.h"
#include "value/column.h"

struct database_feed;

/* The calls of engine/feed.h. A batch may be a view: it is read, and not kept. */
MUST_USE int database_feed_open(struct database *d, const char *table, const struct type *types,
                                size_t count, struct database_feed **out, struct error *err);
MUST_USE int database_feed_put(struct database_feed *f, const struct batch *b, struct error *err);
MUST_USE int database_feed_close(struct database_feed *f, struct error *err);
void database_feed_free(struct database_feed *f); /* NULL allowed */

#endif

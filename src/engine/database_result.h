/*
 * What engine/result.h promises, done in the engine's process. Private to the engine.
 */
#ifndef CAUCE_ENGINE_DATABASE_RESULT_H
#define CAUCE_ENGINE_DATABASE_RESULT_H

#include <stddef.h>

#include "engine/database.h"
#include "engine/result.h"
#include "value/column.h"

struct database_result;

/* The calls of engine/result.h. */
MUST_USE int database_result_open(struct database *d, const char *sql, struct database_result **out,
                                  struct error *err);
const struct result_column *database_result_columns(const struct database_result *r, size_t *count);
MUST_USE int database_result_next(struct database_result *r, struct batch *out, struct error *err);
void database_result_free(struct database_result *r); /* NULL allowed */

#endif

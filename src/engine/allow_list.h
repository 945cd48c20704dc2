/*
 * What the SQL of a user may name: functions that compute from their arguments alone, the relation
 * `source`, and little more. Allowed by list, so that what a newer DuckDB adds is refused until
 * somebody has reviewed it. DuckDB itself takes the statement apart (json_serialize_sql), which
 * neither binds nor runs it. Private to the engine.
 */
#ifndef CAUCE_ENGINE_ALLOW_LIST_H
#define CAUCE_ENGINE_ALLOW_LIST_H

#include "engine/engine.h"
#include "util/error.h"

/*
 * ERR_CONFIG names the first thing in one SELECT that is not allowed, and says what is; also where
 * the text is another statement. The text must be one statement without errors of syntax, and the
 * engine's blame ERR_CONFIG.
 */
MUST_USE int allow_list_check(struct engine *e, const char *sql, struct error *err);

#endif

/* A database for a test, which reads and writes one folder. */
#ifndef CAUCE_TESTS_TEMP_ENGINE_H
#define CAUCE_TESTS_TEMP_ENGINE_H

#include "engine/engine.h"

/*
 * Open one with `folder` as its working folder; the library is that of CAUCE_LIBDUCKDB, else the one
 * the run path finds. Prints the reason and aborts where it cannot be opened. Free with engine_free.
 */
struct engine *temp_engine_new(const char *folder, unsigned threads);

#endif

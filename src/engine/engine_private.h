/* What engine.c, engine_parallel.c and source_unique.c share. Private to the three. */
#ifndef CAUCE_ENGINE_ENGINE_PRIVATE_H
#define CAUCE_ENGINE_ENGINE_PRIVATE_H

#include "engine/duckdb_api.h"
#include "engine/engine.h"
#include "engine/repeats.h"

#define ENGINE_WORKERS_MAX 64

struct engine {
    duckdb_database database;
    duckdb_connection connection;
    duckdb_connection workers[ENGINE_WORKERS_MAX]; /* of engine_run_all */
    unsigned worker_count;
    struct repeats repeats; /* of source_unique */
    uint64_t key_seed;
    uint64_t memory;
    int blame;
};

/* Run statements on a connection. */
int engine_run_on(struct engine *e, duckdb_connection connection, const char *sql,
                  struct error *err);

#endif

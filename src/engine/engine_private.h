/* What engine.c and engine_parallel.c share. Private to the two. */
#ifndef CAUCE_ENGINE_ENGINE_PRIVATE_H
#define CAUCE_ENGINE_ENGINE_PRIVATE_H

#include "engine/duckdb_api.h"
#include "engine/engine.h"

#define ENGINE_WORKERS_MAX 64

struct engine {
    duckdb_database database;
    duckdb_connection connection;
    duckdb_connection workers[ENGINE_WORKERS_MAX]; /* of engine_run_all */
    unsigned worker_count;
    uint64_t key_seed;
    uint64_t memory;
    int blame;
};

/* Run statements on a connection. */
int engine_run_on(struct engine *e, duckdb_connection connection, const char *sql,
                  struct error *err);

#endif

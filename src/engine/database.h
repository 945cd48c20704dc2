/*
 * DuckDB's database in memory: what engine.h promises, done in the engine's process.
 *
 * It is opened once, locked down before any text of the user runs (no network, no extensions, only
 * the named files and folders, settings locked), and uses one connection. Private to the engine;
 * one thread uses it, except database_interrupt.
 */
#ifndef CAUCE_ENGINE_DATABASE_H
#define CAUCE_ENGINE_DATABASE_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

#include "engine/duckdb_api.h"
#include "engine/engine.h"
#include "engine/packed_file.h"
#include "engine/repeats.h"
#include "util/error.h"

#define DATABASE_WORKERS_MAX 64

struct database {
    duckdb_database database;
    duckdb_connection connection;
    duckdb_connection reading; /* of results that are open: other statements run meanwhile */
    duckdb_connection workers[DATABASE_WORKERS_MAX]; /* of database_run_all */
    unsigned worker_count;
    pthread_mutex_t lending; /* of the next three: a statement may be interrupted meanwhile */
    duckdb_connection *lent; /* to functions that run statements of their own */
    size_t lent_count;
    size_t lent_capacity;
    struct packed_files packed;
    struct repeats repeats;
    uint64_t key_seed;
    int blame; /* code that a failing statement gives */
};

/*
 * libduckdb must be loaded (engine/duckdb_api.h). It is never closed: the process ends with it,
 * also where this fails.
 */
MUST_USE int database_open(const struct engine_options *options, struct database **out,
                           struct error *err);

/* The calls of engine.h of the same names. */
MUST_USE int database_run(struct database *d, const char *sql, struct error *err);
MUST_USE int database_run_on(struct database *d, duckdb_connection connection, const char *sql,
                             struct error *err);
MUST_USE int database_run_all(struct database *d, const char *const *statements, size_t count,
                              struct error *err);

/* Set the error that a message of DuckDB means; see engine_blame. Returns its code. */
MUST_USE int database_failed(struct database *d, const char *message, struct error *err);

/* The one statement of a text, ready to run; release it also after an error. */
struct database_statement {
    duckdb_extracted_statements extracted;
    duckdb_prepared_statement prepared;
};
MUST_USE int database_prepare(struct database *d, duckdb_connection connection, const char *sql,
                              struct database_statement *out, struct error *err);
void database_statement_release(struct database_statement *s);

/* Run it; the rows stream. `out` is to be destroyed before the statement, also after an error. */
MUST_USE int database_stream(struct database *d, struct database_statement *s, duckdb_result *out,
                             struct error *err);

/* ERR_OK where the text is one statement (that is a SELECT, and binds). */
MUST_USE int database_parse(struct database *d, const char *sql, struct error *err);
MUST_USE int database_select(struct database *d, const char *sql, struct error *err);

/*
 * Run a query, every column of which must be VARCHAR. `names` is shown the names of the columns once,
 * `rows` the values in blocks as engine/wire.h defines them; not ERR_OK ends the query.
 */
struct database_visit {
    int (*names)(void *ctx, const char *const *names, size_t count, struct error *err);
    int (*rows)(void *ctx, const void *bytes, size_t count, uint32_t rows, struct error *err);
    void *ctx;
};
MUST_USE int database_query(struct database *d, const char *sql, const struct database_visit *visit,
                            struct error *err);

/*
 * A connection for a statement inside of a statement, and the end of it: from any thread. `*lent` is
 * NULL where there is none, and afterwards.
 */
MUST_USE int database_lend(struct database *d, duckdb_connection *lent, struct error *err);
void database_lend_back(struct database *d, duckdb_connection *lent);

/* Stop what is running, in any thread; it fails with ERR_INTERRUPTED. */
void database_interrupt(struct database *d);

#endif

/*
 * The DuckDB database of one run: its life, its limits, its queries.
 *
 * It lives in a process of its own (engine/engine_process.h), fenced in by the kernel
 * (engine/sandbox.h): no network, no other program, and only the files that are named. So a crash
 * of libduckdb is an error here: ERR_SYSTEM, or ERR_LIMIT where it was killed because memory ran
 * out; every later call then fails in the same way. It is locked down before any text of the user
 * runs (no extensions, settings locked). One engine belongs to one thread, which opens it and lives
 * as long as it does; only engine_interrupt may be called by others. While a call waits, a stop
 * request ends it: usually at once, and by ending the process where the statement ignores it for
 * some seconds. Time zone is UTC.
 */
#ifndef CAUCE_ENGINE_ENGINE_H
#define CAUCE_ENGINE_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/str.h"

struct engine;

struct engine_options {
    const char *library;        /* libduckdb to load; NULL: the installed one */
    const char *workdir;        /* scratch folder of the run: spill files go below it */
    uint64_t memory;            /* bytes; 0: 80 % of the machine's, as DuckDB does */
    unsigned threads;           /* 0: one per core */
    uint64_t key_seed;          /* of cauce_key_hash and cauce_row_hash */
    const char *const *folders; /* that may be read; only files below workdir may be written */
    size_t folder_count;
    const char *const *files; /* single files that may be read */
    size_t file_count;
};

/*
 * Open and lock down. Registers the SQL functions
 *   cauce_key_hash(columns...)   UHUGEINT: 128-bit hash of the key encoding (docs/format.md)
 *   cauce_row_hash(columns...)   UBIGINT: 64-bit hash of the others; NULLs do not count, so a
 *                                nullable column may be added without changing any hash
 *   cauce_sum(UHUGEINT)          UHUGEINT: sum modulo 2^128; 0 for no rows
 * and those of engine/repeats.h.
 */
MUST_USE int engine_open(const struct engine_options *options, struct engine **out,
                         struct error *err);
void engine_free(struct engine *e); /* NULL allowed */

/* Version of libduckdb ("v1.4.4") as a new string. */
MUST_USE int engine_version(const char *library, char **out, struct error *err);

/*
 * Code that a failing statement gives: ERR_SYSTEM unless said otherwise with this call. Where the
 * statement reads the user's source, ERR_SOURCE is right. A stop request gives ERR_INTERRUPTED,
 * also one that came before the statement; running out of memory ERR_LIMIT.
 */
void engine_blame(struct engine *e, int code);

/* Run statements without a result of interest. */
MUST_USE int engine_run(struct engine *e, const char *sql, struct error *err);

/*
 * Run independent statements, several at a time, each on a connection of its own; the first failure
 * ends it. What they share must not be temporary: temporary tables belong to one connection.
 */
MUST_USE int engine_run_all(struct engine *e, const char *const *statements, size_t count,
                            struct error *err);

/* As engine_run with the text built by sql_printf's rules; see engine/sql.h. */
int engine_runf(struct engine *e, struct error *err, const char *format, ...);

/* First column of the first row, which must be an integer that is not negative; NULL counts as 0. */
MUST_USE int engine_count(struct engine *e, const char *sql, uint64_t *out, struct error *err);

/*
 * Run a query and visit its rows in order. Every column must be VARCHAR (cast in SQL); values are
 * borrowed for the duration of the call, NULL is NULL (length 0). `lengths` are bytes. Streams:
 * memory does not grow with the result. `visit` must not use the engine. A non-zero return of `visit` ends it and is returned.
 */
struct engine_row {
    const char *const *values;
    const size_t *lengths;
    const char *const *names;
    size_t count;
};
typedef int engine_visit(void *ctx, const struct engine_row *row, struct error *err);
MUST_USE int engine_query(struct engine *e, const char *sql, engine_visit *visit, void *ctx,
                          struct error *err);

/* First value of a query as a new string, NULL where it is NULL or there is no row. */
MUST_USE int engine_text(struct engine *e, const char *sql, char **out, struct error *err);

/*
 * Use the functions of engine/repeats.h, for so many rows in at most `memory` bytes, until the end.
 */
MUST_USE int engine_repeats_begin(struct engine *e, uint64_t rows, uint64_t memory,
                                  struct error *err);
MUST_USE int engine_repeats_end(struct engine *e, struct error *err);

/*
 * Is the text exactly one SELECT that names nothing but what is allowed (engine/allow_list.h)?
 * ERR_CONFIG says what is wrong. It checks the user's SQL before that becomes part of a statement
 * of ours.
 */
MUST_USE int engine_check_select(struct engine *e, const char *sql, struct error *err);

/* Stop the running query, from any thread or signal handler; it fails with ERR_INTERRUPTED. */
void engine_interrupt(struct engine *e);

/* The limit it was opened with, in bytes; 0: DuckDB's own. */
uint64_t engine_memory(const struct engine *e);

/* Most memory of its process that was resident so far, in bytes; 0: not known. */
uint64_t engine_peak(const struct engine *e);

#endif

#include "engine/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "engine/allow_list.h"
#include "engine/engine_private.h"
#include "engine/functions.h"
#include "engine/sql.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"

int engine_version(const char *library, const char **out, struct error *err)
{
    int rc = duckdb_api_load(library, err);
    if (rc == ERR_OK)
        *out = duckdb.library_version();
    return rc;
}

static int set_option(duckdb_config config, const char *name, const char *value, struct error *err)
{
    if (duckdb.set_config(config, name, value) == DuckDBSuccess)
        return ERR_OK;
    return error_set(err, ERR_SYSTEM, "libduckdb refused the setting %s = %s.", name, value);
}

/* Settings that must be right before the database exists. */
static int set_options(duckdb_config config, const struct engine_options *o, struct error *err)
{
    char *spill = mem_printf("%s/spill", o->workdir);
    char *memory = mem_printf("%llu MiB", (unsigned long long)(o->memory >> 20));
    char *threads = mem_printf("%u", o->threads);
    int rc = set_option(config, "temp_directory", spill, err);
    if (rc == ERR_OK)
        rc = set_option(config, "autoinstall_known_extensions", "false", err);
    if (rc == ERR_OK)
        rc = set_option(config, "autoload_known_extensions", "false", err);
    if (rc == ERR_OK)
        rc = set_option(config, "allow_community_extensions", "false", err);
    if (rc == ERR_OK && o->memory > 0)
        rc = set_option(config, "memory_limit", memory, err);
    if (rc == ERR_OK && o->threads > 0)
        rc = set_option(config, "threads", threads, err);
    free(spill);
    free(memory);
    free(threads);
    return rc;
}

static int connect(struct engine *e, duckdb_connection *out, struct error *err)
{
    if (duckdb.connect(e->database, out) == DuckDBSuccess)
        return ERR_OK;
    return error_set(err, ERR_SYSTEM, "cannot connect to the database in memory.");
}

static int open_database(struct engine *e, const struct engine_options *o, struct error *err)
{
    duckdb_config config = NULL;
    if (duckdb.create_config(&config) != DuckDBSuccess)
        return error_set(err, ERR_SYSTEM, "libduckdb cannot make a configuration.");
    int rc = set_options(config, o, err);
    char *reason = NULL;
    if (rc == ERR_OK && duckdb.open_ext(":memory:", &e->database, config, &reason) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "cannot open a database in memory: %s", reason);
    if (reason != NULL)
        duckdb.free(reason);
    duckdb.destroy_config(&config);
    if (rc == ERR_OK)
        rc = connect(e, &e->connection, err);
    unsigned workers = o->threads > 0 ? o->threads : 1;
    while (rc == ERR_OK && e->worker_count < workers && e->worker_count < ENGINE_WORKERS_MAX) {
        rc = connect(e, &e->workers[e->worker_count], err);
        e->worker_count++;
    }
    return rc;
}

/* Only the named files and folders from here on, and no way back. */
static int lock_down(struct engine *e, const struct engine_options *o, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    const char **folders = mem_calloc(o->folder_count + 1, sizeof *folders);
    folders[0] = o->workdir;
    for (size_t i = 0; i < o->folder_count; i++)
        folders[i + 1] = o->folders[i];
    str_append(&sql, "SET GLOBAL TimeZone = 'UTC'; SET GLOBAL Calendar = 'gregorian';"
                     "SET enable_progress_bar = false;"
                     "SET allowed_directories = ");
    sql_text_list(&sql, folders, o->folder_count + 1);
    str_append(&sql, "; SET allowed_paths = ");
    sql_text_list(&sql, o->files, o->file_count);
    str_append(&sql, "; SET enable_external_access = false; SET lock_configuration = true;");
    int rc = str_check(&sql, "the list of files to read", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql.data, err);
    free(folders);
    str_release(&sql);
    return rc;
}

int engine_open(const struct engine_options *options, struct engine **out, struct error *err)
{
    *out = NULL;
    int rc = duckdb_api_load(options->library, err);
    if (rc != ERR_OK)
        return rc;
    struct engine *e = mem_calloc(1, sizeof *e);
    e->blame = ERR_SYSTEM;
    e->key_seed = options->key_seed;
    e->memory = options->memory;
    rc = open_database(e, options, err);
    if (rc == ERR_OK)
        rc = functions_register(e->connection, &e->key_seed, err);
    if (rc == ERR_OK)
        rc = repeats_register(e->connection, &e->repeats, err);
    if (rc == ERR_OK)
        rc = lock_down(e, options, err);
    if (rc == ERR_OK)
        *out = e;
    else
        engine_free(e);
    return rc;
}

void engine_free(struct engine *e)
{
    if (e == NULL)
        return;
    for (unsigned i = 0; i < e->worker_count; i++)
        if (e->workers[i] != NULL)
            duckdb.disconnect(&e->workers[i]);
    if (e->connection != NULL)
        duckdb.disconnect(&e->connection);
    if (e->database != NULL)
        duckdb.close(&e->database);
    free(e);
}

void engine_blame(struct engine *e, int code)
{
    e->blame = code;
}

/*
 * Behind its message DuckDB quotes the statement, or advises settings that are not the user's. That
 * helps where the user wrote the SQL (then the blame is on the configuration); ours stands in debug
 * logs.
 */
static int message_length(const struct engine *e, const char *text)
{
    const char *quote = e->blame == ERR_CONFIG ? NULL : strstr(text, "\n\n");
    size_t n = quote != NULL ? (size_t)(quote - text) : strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n'))
        n--;
    return (int)(n < ERROR_TEXT_SIZE ? n : ERROR_TEXT_SIZE);
}

static int failed(struct engine *e, const char *message, struct error *err)
{
    if (stop_requested())
        return stop_check(err);
    const char *text = message != NULL ? message : "the query failed without a message";
    int n = message_length(e, text);
    if (str_starts(text, "INTERRUPT Error"))
        return error_set(err, ERR_INTERRUPTED, "The query was interrupted.");
    if (strstr(text, "Out of Memory Error") != NULL)
        return error_set(err, ERR_LIMIT,
                         "%.*s Raise `memory`, lower `threads`, or free disk space for `temp`.", n,
                         text);
    return error_set(err, e->blame, "%.*s", n, text);
}

int engine_run_on(struct engine *e, duckdb_connection connection, const char *sql,
                  struct error *err)
{
    duckdb_result result;
    log_debug("sql: %.2000s", sql);
    /* A request that came before the query began has found nothing to interrupt. */
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    if (duckdb.query(connection, sql, &result) != DuckDBSuccess)
        rc = failed(e, duckdb.result_error(&result), err);
    duckdb.destroy_result(&result);
    return rc;
}

int engine_run(struct engine *e, const char *sql, struct error *err)
{
    return engine_run_on(e, e->connection, sql, err);
}

int engine_runf(struct engine *e, struct error *err, const char *format, ...)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    va_list args;
    va_start(args, format);
    sql_vprintf(&sql, format, args);
    va_end(args);
    int rc = str_check(&sql, "a statement", err);
    if (rc == ERR_OK)
        rc = engine_run(e, sql.data, err);
    str_release(&sql);
    return rc;
}

/* Rows of one chunk, as pointers into its vectors; strings end with NUL in a buffer of our own. */
struct reader {
    size_t columns;
    const char **names;
    const char **values;
    size_t *lengths;
    struct str text;
    size_t *offsets;
};

static void reader_release(struct reader *r)
{
    free(r->names);
    free(r->values);
    free(r->lengths);
    free(r->offsets);
    str_release(&r->text);
}

static int reader_init(struct reader *r, duckdb_result *result, struct error *err)
{
    r->columns = (size_t)duckdb.column_count(result);
    r->names = mem_calloc(r->columns, sizeof *r->names);
    r->values = mem_calloc(r->columns, sizeof *r->values);
    r->lengths = mem_calloc(r->columns, sizeof *r->lengths);
    r->offsets = mem_calloc(r->columns, sizeof *r->offsets);
    str_init(&r->text, (size_t)1 << 31);
    for (size_t i = 0; i < r->columns; i++) {
        r->names[i] = duckdb.column_name(result, i);
        if (r->names[i] == NULL)
            return error_set(err, ERR_SYSTEM, "a query gave a column without a name.");
    }
    return ERR_OK;
}

/* Copy the values of a row so that each ends with NUL. */
static int read_row(struct reader *r, duckdb_data_chunk chunk, idx_t row, struct error *err)
{
    str_clear(&r->text);
    for (size_t i = 0; i < r->columns; i++) {
        duckdb_vector vector = duckdb.data_chunk_get_vector(chunk, i);
        uint64_t *valid = duckdb.vector_get_validity(vector);
        r->offsets[i] = SIZE_MAX;
        r->lengths[i] = 0;
        if (valid != NULL && !duckdb.validity_row_is_valid(valid, row))
            continue;
        duckdb_string_t *strings = duckdb.vector_get_data(vector);
        r->offsets[i] = r->text.len;
        r->lengths[i] = duckdb.string_t_length(strings[row]);
        str_append_bytes(&r->text, duckdb.string_t_data(&strings[row]), r->lengths[i]);
        str_append_char(&r->text, '\0');
    }
    int rc = str_check(&r->text, "a row", err);
    for (size_t i = 0; i < r->columns; i++)
        r->values[i] = r->offsets[i] == SIZE_MAX ? NULL : r->text.data + r->offsets[i];
    return rc;
}

static int visit_chunk(struct reader *r, duckdb_data_chunk chunk, engine_visit *visit, void *ctx,
                       struct error *err)
{
    idx_t rows = duckdb.data_chunk_get_size(chunk);
    for (size_t i = 0; i < r->columns; i++) {
        duckdb_logical_type type =
            duckdb.vector_get_column_type(duckdb.data_chunk_get_vector(chunk, i));
        duckdb_type id = duckdb.get_type_id(type);
        duckdb.destroy_logical_type(&type);
        if (id != DUCKDB_TYPE_VARCHAR)
            return error_set(err, ERR_SYSTEM, "the query's column %s is not text.", r->names[i]);
    }
    for (idx_t row = 0; row < rows; row++) {
        int rc = read_row(r, chunk, row, err);
        struct engine_row view = {r->values, r->lengths, r->names, r->columns};
        if (rc == ERR_OK)
            rc = visit(ctx, &view, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static int visit_result(struct engine *e, duckdb_result *result, engine_visit *visit, void *ctx,
                        struct error *err)
{
    struct reader r = {0};
    int rc = reader_init(&r, result, err);
    while (rc == ERR_OK) {
        duckdb_data_chunk chunk = duckdb.fetch_chunk(*result);
        if (chunk == NULL)
            break;
        rc = visit_chunk(&r, chunk, visit, ctx, err);
        duckdb.destroy_data_chunk(&chunk);
    }
    /* A stream ends the same way at its end and at an error in the middle: ask which it was. */
    const char *message = duckdb.result_error(result);
    if (rc == ERR_OK && message != NULL && message[0] != '\0')
        rc = failed(e, message, err);
    if (rc == ERR_OK)
        rc = stop_check(err);
    reader_release(&r);
    return rc;
}

/* Take `sql` apart, which must be one statement; nothing of it is bound or run. */
static int parse(struct engine *e, const char *sql, duckdb_extracted_statements *statements,
                 struct error *err)
{
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    idx_t count = duckdb.extract_statements(e->connection, sql, statements);
    const char *message = duckdb.extract_statements_error(*statements);
    if (count == 0 && message != NULL && message[0] != '\0')
        return failed(e, message, err);
    if (count != 1)
        return error_set(err, e->blame, "one statement is expected, there are %llu.",
                         (unsigned long long)count);
    return ERR_OK;
}

static int prepare(struct engine *e, duckdb_extracted_statements statements,
                   duckdb_prepared_statement *prepared, struct error *err)
{
    if (duckdb.prepare_extracted_statement(e->connection, statements, 0, prepared) != DuckDBSuccess)
        return failed(e, duckdb.prepare_error(*prepared), err);
    return ERR_OK;
}

int engine_query(struct engine *e, const char *sql, engine_visit *visit, void *ctx,
                 struct error *err)
{
    duckdb_extracted_statements statements = NULL;
    duckdb_prepared_statement prepared = NULL;
    duckdb_pending_result pending = NULL;
    duckdb_result result;
    log_debug("sql: %.2000s", sql);
    int rc = parse(e, sql, &statements, err);
    if (rc == ERR_OK)
        rc = prepare(e, statements, &prepared, err);
    if (rc == ERR_OK && duckdb.pending_prepared_streaming(prepared, &pending) != DuckDBSuccess)
        rc = failed(e, duckdb.pending_error(pending), err);
    if (rc == ERR_OK) {
        if (duckdb.execute_pending(pending, &result) != DuckDBSuccess)
            rc = failed(e, duckdb.result_error(&result), err);
        else
            rc = visit_result(e, &result, visit, ctx, err);
        duckdb.destroy_result(&result);
    }
    duckdb.destroy_pending(&pending);
    duckdb.destroy_prepare(&prepared);
    duckdb.destroy_extracted(&statements);
    return rc;
}

struct first_value {
    char *text;
    bool seen;
};

static int take_first(void *ctx, const struct engine_row *row, struct error *err)
{
    (void)err;
    struct first_value *first = ctx;
    if (!first->seen)
        first->text = mem_strdup(row->values[0]);
    first->seen = true;
    return ERR_OK;
}

int engine_text(struct engine *e, const char *sql, char **out, struct error *err)
{
    struct first_value first = {0};
    int rc = engine_query(e, sql, take_first, &first, err);
    if (rc == ERR_OK)
        *out = first.text;
    else
        free(first.text);
    return rc;
}

int engine_count(struct engine *e, const char *sql, uint64_t *out, struct error *err)
{
    struct str wrapped;
    str_init(&wrapped, STR_MAX_DEFAULT);
    sql_printf(&wrapped, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%s\n)", sql);
    char *text = NULL;
    *out = 0;
    int rc = str_check(&wrapped, "a query", err);
    if (rc == ERR_OK)
        rc = engine_text(e, wrapped.data, &text, err);
    if (rc == ERR_OK && text != NULL) {
        errno = 0;
        *out = strtoull(text, NULL, 10);
        if (text[0] == '\0' || text[strspn(text, "0123456789")] != '\0' || errno != 0)
            rc = error_set(err, ERR_SYSTEM, "a count was expected, the query gave %s.", text);
    }
    free(text);
    str_release(&wrapped);
    return rc;
}

int engine_check_select(struct engine *e, const char *sql, struct error *err)
{
    duckdb_extracted_statements statements = NULL;
    duckdb_prepared_statement prepared = NULL;
    int blame = e->blame;
    e->blame = ERR_CONFIG;
    int rc = parse(e, sql, &statements, err);
    /* Before it is bound: some functions do what they do as soon as they are bound. */
    if (rc == ERR_OK)
        rc = allow_list_check(e, sql, err);
    if (rc == ERR_OK)
        rc = prepare(e, statements, &prepared, err);
    if (rc == ERR_OK && duckdb.prepared_statement_type(prepared) != DUCKDB_STATEMENT_TYPE_SELECT)
        rc = error_set(err, ERR_CONFIG, "the SQL must be one SELECT; it is another statement.");
    e->blame = blame;
    duckdb.destroy_prepare(&prepared);
    duckdb.destroy_extracted(&statements);
    return rc;
}

void engine_interrupt(struct engine *e)
{
    duckdb.interrupt(e->connection);
    for (unsigned i = 0; i < e->worker_count; i++)
        duckdb.interrupt(e->workers[i]);
}

uint64_t engine_memory(const struct engine *e)
{
    return e->memory;
}

double engine_progress(struct engine *e)
{
    return duckdb.query_progress(e->connection).percentage / 100.0;
}

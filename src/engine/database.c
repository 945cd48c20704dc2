#include "engine/database.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "engine/functions.h"
#include "engine/packed.h"
#include "engine/sql.h"
#include "engine/wire.h"
#include "util/mem.h"

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

static int connect(struct database *d, duckdb_connection *out, struct error *err)
{
    if (duckdb.connect(d->database, out) == DuckDBSuccess)
        return ERR_OK;
    return error_set(err, ERR_SYSTEM, "cannot connect to the database in memory.");
}

static int open_database(struct database *d, const struct engine_options *o, struct error *err)
{
    duckdb_config config = NULL;
    if (duckdb.create_config(&config) != DuckDBSuccess)
        return error_set(err, ERR_SYSTEM, "libduckdb cannot make a configuration.");
    int rc = set_options(config, o, err);
    char *reason = NULL;
    if (rc == ERR_OK && duckdb.open_ext(":memory:", &d->database, config, &reason) != DuckDBSuccess)
        rc = error_set(err, ERR_SYSTEM, "cannot open a database in memory: %s", reason);
    if (reason != NULL)
        duckdb.free(reason);
    duckdb.destroy_config(&config);
    if (rc == ERR_OK)
        rc = connect(d, &d->connection, err);
    if (rc == ERR_OK)
        rc = connect(d, &d->reading, err);
    unsigned workers = o->threads > 0 ? o->threads : 1;
    while (rc == ERR_OK && d->worker_count < workers && d->worker_count < DATABASE_WORKERS_MAX) {
        rc = connect(d, &d->workers[d->worker_count], err);
        d->worker_count++;
    }
    return rc;
}

/*
 * Only the named files and folders from here on, with no way back. libduckdb knows what it keeps of
 * a file by its name and time of change, and was seen to give bytes of a file that no longer
 * existed.
 */
static int lock_down(struct database *d, const struct engine_options *o, struct error *err)
{
    struct str sql;
    str_init(&sql, STR_MAX_DEFAULT);
    const char **folders = mem_calloc(o->folder_count + 1, sizeof *folders);
    folders[0] = o->workdir;
    for (size_t i = 0; i < o->folder_count; i++)
        folders[i + 1] = o->folders[i];
    str_append(&sql, "SET GLOBAL TimeZone = 'UTC'; SET GLOBAL Calendar = 'gregorian';"
                     "SET enable_progress_bar = false;"
                     "SET enable_external_file_cache = false;"
                     "SET allowed_directories = ");
    sql_text_list(&sql, folders, o->folder_count + 1);
    str_append(&sql, "; SET allowed_paths = ");
    sql_text_list(&sql, o->files, o->file_count);
    str_append(&sql, "; SET enable_external_access = false; SET lock_configuration = true;");
    int rc = str_check(&sql, "the list of files to read", err);
    if (rc == ERR_OK)
        rc = database_run(d, sql.data, err);
    free(folders);
    str_release(&sql);
    return rc;
}

int database_open(const struct engine_options *options, struct database **out, struct error *err)
{
    struct database *d = mem_calloc(1, sizeof *d);
    d->blame = ERR_SYSTEM;
    d->key_seed = options->key_seed;
    pthread_mutex_init(&d->lending, NULL);
    packed_files_init(&d->packed, options->workdir);
    int rc = open_database(d, options, err);
    if (rc == ERR_OK)
        rc = functions_register(d->connection, &d->key_seed, err);
    if (rc == ERR_OK)
        rc = repeats_register(d->connection, &d->repeats, err);
    if (rc == ERR_OK)
        rc = packed_register(d, err);
    if (rc == ERR_OK)
        rc = lock_down(d, options, err);
    *out = d;
    return rc;
}

/*
 * After its message DuckDB quotes the statement, or recommends settings that the user does not
 * have. That helps where the user wrote the SQL (then the configuration is to blame); ours is in
 * debug logs.
 */
static int message_length(const struct database *d, const char *text)
{
    const char *quote = d->blame == ERR_CONFIG ? NULL : strstr(text, "\n\n");
    size_t n = quote != NULL ? (size_t)(quote - text) : strlen(text);
    while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\n'))
        n--;
    return (int)(n < ERROR_TEXT_SIZE ? n : ERROR_TEXT_SIZE);
}

/* An appender leaves out what kind of error it passes on. */
static bool tells_of_memory(const char *text)
{
    return strstr(text, "Out of Memory Error") != NULL ||
           strstr(text, "could not allocate block") != NULL ||
           strstr(text, "failed to pin block") != NULL ||
           strstr(text, "failed to allocate data") != NULL;
}

int database_failed(struct database *d, const char *message, struct error *err)
{
    const char *text = message != NULL ? message : "the query failed without a message";
    int n = message_length(d, text);
    if (str_starts(text, "INTERRUPT Error"))
        return error_set(err, ERR_INTERRUPTED, "The query was interrupted.");
    if (tells_of_memory(text))
        return error_set(err, ERR_LIMIT,
                         "%.*s%s Raise `memory`, lower `threads`, or free disk space for `temp`.",
                         n, text, n > 0 && text[n - 1] == '.' ? "" : ".");
    return error_set(err, d->blame, "%.*s", n, text);
}

int database_run_on(struct database *d, duckdb_connection connection, const char *sql,
                    struct error *err)
{
    duckdb_result result;
    int rc = ERR_OK;
    if (duckdb.query(connection, sql, &result) != DuckDBSuccess)
        rc = database_failed(d, duckdb.result_error(&result), err);
    duckdb.destroy_result(&result);
    return rc;
}

int database_run(struct database *d, const char *sql, struct error *err)
{
    return database_run_on(d, d->connection, sql, err);
}

/* ---- Queries ------------------------------------------------------------------------------- */

/* Values of rows on their way out; the block is sent when it is large enough. */
struct block {
    const struct database_visit *visit;
    size_t columns;
    struct str bytes;
    uint32_t rows;
};

struct column {
    const uint64_t *valid; /* NULL: no value is NULL */
    duckdb_string_t *texts;
};

static int send_names(struct block *b, duckdb_result *result, struct error *err)
{
    const char **names = mem_calloc(b->columns, sizeof *names);
    int rc = ERR_OK;
    for (size_t i = 0; i < b->columns && rc == ERR_OK; i++) {
        names[i] = duckdb.column_name(result, i);
        if (names[i] == NULL)
            rc = error_set(err, ERR_SYSTEM, "a query gave a column without a name.");
        else if (duckdb.column_type(result, i) != DUCKDB_TYPE_VARCHAR)
            rc = error_set(err, ERR_SYSTEM, "the query's column %s is not text.", names[i]);
    }
    if (rc == ERR_OK)
        rc = b->visit->names(b->visit->ctx, names, b->columns, err);
    free(names);
    return rc;
}

static int send_block(struct block *b, struct error *err)
{
    int rc = b->rows == 0
                 ? ERR_OK
                 : b->visit->rows(b->visit->ctx, b->bytes.data, b->bytes.len, b->rows, err);
    str_clear(&b->bytes);
    b->rows = 0;
    return rc;
}

static void add_value(struct block *b, struct column *column, idx_t row)
{
    uint32_t length = WIRE_NULL;
    if (column->valid != NULL && (column->valid[row / 64] >> (row % 64) & 1) == 0) {
        str_append_bytes(&b->bytes, &length, sizeof length);
        return;
    }
    duckdb_string_t *text = &column->texts[row];
    length = duckdb.string_t_length(*text);
    str_append_bytes(&b->bytes, &length, sizeof length);
    str_append_bytes(&b->bytes, duckdb.string_t_data(text), length);
    str_append_char(&b->bytes, '\0');
}

static int add_chunk(struct block *b, struct column *columns, duckdb_data_chunk chunk,
                     struct error *err)
{
    for (size_t i = 0; i < b->columns; i++) {
        duckdb_vector vector = duckdb.data_chunk_get_vector(chunk, i);
        columns[i].valid = duckdb.vector_get_validity(vector);
        columns[i].texts = duckdb.vector_get_data(vector);
    }
    idx_t rows = duckdb.data_chunk_get_size(chunk);
    int rc = ERR_OK;
    for (idx_t row = 0; row < rows && rc == ERR_OK; row++) {
        for (size_t i = 0; i < b->columns; i++)
            add_value(b, &columns[i], row);
        b->rows++;
        rc = str_check(&b->bytes, "a row", err);
        if (rc == ERR_OK && b->bytes.len >= WIRE_BLOCK)
            rc = send_block(b, err);
    }
    return rc;
}

static int send_rows(struct database *d, struct block *b, duckdb_result *result, struct error *err)
{
    struct column *columns = mem_calloc(b->columns, sizeof *columns);
    int rc = send_names(b, result, err);
    while (rc == ERR_OK) {
        duckdb_data_chunk chunk = duckdb.fetch_chunk(*result);
        if (chunk == NULL)
            break;
        rc = add_chunk(b, columns, chunk, err);
        duckdb.destroy_data_chunk(&chunk);
    }
    /* A stream looks the same at its end and after an error in the middle: ask which it was. */
    const char *message = duckdb.result_error(result);
    if (rc == ERR_OK)
        rc = send_block(b, err);
    if (rc == ERR_OK && message != NULL && message[0] != '\0')
        rc = database_failed(d, message, err);
    free(columns);
    return rc;
}

/* Parse `sql`, which must be one statement; nothing is bound or run. */
static int parse(struct database *d, duckdb_connection connection, const char *sql,
                 struct database_statement *out, struct error *err)
{
    idx_t count = duckdb.extract_statements(connection, sql, &out->extracted);
    const char *message = duckdb.extract_statements_error(out->extracted);
    if (count == 0 && message != NULL && message[0] != '\0')
        return database_failed(d, message, err);
    if (count != 1)
        return error_set(err, d->blame, "one statement is expected, there are %llu.",
                         (unsigned long long)count);
    return ERR_OK;
}

int database_prepare(struct database *d, duckdb_connection connection, const char *sql,
                     struct database_statement *out, struct error *err)
{
    *out = (struct database_statement){0};
    int rc = parse(d, connection, sql, out, err);
    if (rc == ERR_OK && duckdb.prepare_extracted_statement(connection, out->extracted, 0,
                                                           &out->prepared) != DuckDBSuccess)
        rc = database_failed(d, duckdb.prepare_error(out->prepared), err);
    return rc;
}

void database_statement_release(struct database_statement *s)
{
    duckdb.destroy_prepare(&s->prepared);
    duckdb.destroy_extracted(&s->extracted);
    *s = (struct database_statement){0};
}

int database_stream(struct database *d, struct database_statement *s, duckdb_result *out,
                    struct error *err)
{
    duckdb_pending_result pending = NULL;
    int rc = ERR_OK;
    *out = (duckdb_result){0};
    if (duckdb.pending_prepared_streaming(s->prepared, &pending) != DuckDBSuccess)
        rc = database_failed(d, duckdb.pending_error(pending), err);
    else if (duckdb.execute_pending(pending, out) != DuckDBSuccess)
        rc = database_failed(d, duckdb.result_error(out), err);
    duckdb.destroy_pending(&pending);
    return rc;
}

int database_query(struct database *d, const char *sql, const struct database_visit *visit,
                   struct error *err)
{
    struct database_statement statement;
    duckdb_result result = {0};
    struct block b = {.visit = visit};
    str_init(&b.bytes, WIRE_ROW_MAX);
    int rc = database_prepare(d, d->connection, sql, &statement, err);
    if (rc == ERR_OK)
        rc = database_stream(d, &statement, &result, err);
    if (rc == ERR_OK) {
        b.columns = (size_t)duckdb.column_count(&result);
        rc = send_rows(d, &b, &result, err);
    }
    str_release(&b.bytes);
    duckdb.destroy_result(&result);
    database_statement_release(&statement);
    return rc;
}

int database_parse(struct database *d, const char *sql, struct error *err)
{
    struct database_statement statement = {0};
    int rc = parse(d, d->connection, sql, &statement, err);
    database_statement_release(&statement);
    return rc;
}

int database_select(struct database *d, const char *sql, struct error *err)
{
    struct database_statement statement;
    int rc = database_prepare(d, d->connection, sql, &statement, err);
    if (rc == ERR_OK &&
        duckdb.prepared_statement_type(statement.prepared) != DUCKDB_STATEMENT_TYPE_SELECT)
        rc = error_set(err, ERR_CONFIG, "the SQL must be one SELECT; it is another statement.");
    database_statement_release(&statement);
    return rc;
}

int database_lend(struct database *d, duckdb_connection *lent, struct error *err)
{
    *lent = NULL;
    int rc = connect(d, lent, err);
    if (rc != ERR_OK)
        return rc;
    pthread_mutex_lock(&d->lending);
    d->lent = mem_grow(d->lent, d->lent_count, &d->lent_capacity, sizeof(duckdb_connection));
    d->lent[d->lent_count++] = *lent;
    pthread_mutex_unlock(&d->lending);
    return ERR_OK;
}

void database_lend_back(struct database *d, duckdb_connection *lent)
{
    pthread_mutex_lock(&d->lending);
    for (size_t i = 0; i < d->lent_count; i++)
        if (d->lent[i] == *lent)
            d->lent[i--] = d->lent[--d->lent_count];
    pthread_mutex_unlock(&d->lending);
    if (*lent != NULL)
        duckdb.disconnect(lent);
    *lent = NULL;
}

void database_interrupt(struct database *d)
{
    duckdb.interrupt(d->connection);
    duckdb.interrupt(d->reading);
    for (unsigned i = 0; i < d->worker_count; i++)
        duckdb.interrupt(d->workers[i]);
    pthread_mutex_lock(&d->lending);
    for (size_t i = 0; i < d->lent_count; i++)
        duckdb.interrupt(d->lent[i]);
    pthread_mutex_unlock(&d->lending);
}

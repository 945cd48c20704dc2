#include "engine/engine_child.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/database.h"
#include "engine/database_feed.h"
#include "engine/database_result.h"
#include "engine/engine_process.h"
#include "engine/sandbox.h"
#include "engine/wire_batch.h"
#include "util/mem.h"

/*
 * Room in addition to DuckDB's `memory`: what it does not count (lists and texts that an aggregate
 * builds, the bitmaps of repeats.c), the library itself, and the stacks of its threads.
 */
#define MEMORY_BESIDE ((uint64_t)1 << 30)
#define MEMORY_PER_THREAD ((uint64_t)32 << 20)

static struct wire wire;
static struct database *database;

/* Which request is running, 0: none. Only that one may be interrupted. */
static pthread_mutex_t running_lock = PTHREAD_MUTEX_INITIALIZER;
static uint64_t running;

static void set_running(uint64_t request)
{
    pthread_mutex_lock(&running_lock);
    running = request;
    pthread_mutex_unlock(&running_lock);
}

static void interrupt(uint64_t request)
{
    pthread_mutex_lock(&running_lock);
    if (request == running && database != NULL)
        database_interrupt(database);
    pthread_mutex_unlock(&running_lock);
}

/* Interrupts what it is told to, and ends the process when the program is gone. */
static void *watch(void *unused)
{
    uint64_t request;
    for (;;) {
        ssize_t n = recv(ENGINE_PROCESS_CONTROL, &request, sizeof request, 0);
        if (n == (ssize_t)sizeof request)
            interrupt(request);
        else if (n >= 0 || errno != EINTR)
            _exit(0);
    }
    return unused;
}

/* ---- Requests ------------------------------------------------------------------------------ */

static int version(struct wire_fields *f, struct error *err)
{
    const char *library = wire_get_text(f);
    int rc = duckdb_api_load(library, err);
    if (rc != ERR_OK)
        return rc;
    const char *text = duckdb.library_version();
    return wire_send(&wire, WIRE_TEXT, 0, text, strlen(text) + 1, err);
}

static int enter_sandbox(const struct engine_options *o, struct error *err)
{
    size_t count = o->folder_count + o->file_count;
    const char **readable = mem_calloc(count, sizeof *readable);
    for (size_t i = 0; i < count; i++)
        readable[i] = i < o->folder_count ? o->folders[i] : o->files[i - o->folder_count];
    struct sandbox s = {
        .folder = o->workdir,
        .readable = readable,
        .count = count,
        .memory = o->memory == 0 ? 0
                                 : o->memory + o->memory / 2 + MEMORY_BESIDE +
                                       (uint64_t)o->threads * MEMORY_PER_THREAD,
    };
    int rc = sandbox_enter(&s, err);
    free(readable);
    return rc;
}

static int start_watching(struct error *err)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, watch, NULL);
    if (rc != 0)
        return error_set_errno(err, ERR_SYSTEM, rc, "cannot start a thread");
    pthread_detach(thread);
    return ERR_OK;
}

/* The library is loaded outside the sandbox; everything else happens inside. */
static int open_database(struct wire_fields *f, struct error *err)
{
    struct engine_options o = {.library = wire_get_text(f), .workdir = wire_get_text(f)};
    o.memory = wire_get_number(f);
    o.threads = (unsigned)wire_get_number(f);
    o.key_seed = wire_get_number(f);
    o.folders = wire_get_texts(f, &o.folder_count);
    o.files = wire_get_texts(f, &o.file_count);
    int rc = ERR_OK;
    if (f->bad || o.workdir == NULL || database != NULL)
        rc = error_set(err, ERR_SYSTEM, "a request to open the engine is garbled.");
    if (rc == ERR_OK)
        rc = duckdb_api_load(o.library, err);
    if (rc == ERR_OK)
        rc = enter_sandbox(&o, err);
    if (rc == ERR_OK)
        rc = start_watching(err);
    if (rc == ERR_OK)
        rc = database_open(&o, &database, err);
    free((void *)(uintptr_t)o.folders);
    free((void *)(uintptr_t)o.files);
    return rc;
}

static int run_all(struct wire_fields *f, struct error *err)
{
    size_t count;
    const char **statements = wire_get_texts(f, &count);
    int rc = database_run_all(database, statements, count, err);
    free(statements);
    return rc;
}

static int send_names(void *ctx, const char *const *names, size_t count, struct error *err)
{
    (void)ctx;
    struct str bytes;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_texts(&bytes, names, count);
    int rc = str_check(&bytes, "the names of columns", err);
    if (rc == ERR_OK)
        rc = wire_send(&wire, WIRE_NAMES, 0, bytes.data, bytes.len, err);
    str_release(&bytes);
    return rc;
}

static int send_rows(void *ctx, const void *bytes, size_t count, uint32_t rows, struct error *err)
{
    (void)ctx;
    return wire_send(&wire, WIRE_ROWS, rows, bytes, count, err);
}

static int query(const char *sql, struct error *err)
{
    static const struct database_visit visit = {send_names, send_rows, NULL};
    return database_query(database, sql, &visit, err);
}

static int begin_repeats(struct wire_fields *f)
{
    uint64_t rows = wire_get_number(f);
    uint64_t memory = wire_get_number(f);
    repeats_begin(&database->repeats, rows, memory);
    return ERR_OK;
}

/* ---- Feeds and results --------------------------------------------------------------------- */

/* What is open, by its number less one; NULL where it is free. */
struct handle {
    struct database_feed *feed;
    struct database_result *result;
    struct batch batch; /* of a feed a view, of a result its own */
};
static struct handle *handles;
static size_t handle_count;
static size_t handle_capacity;

static uint32_t new_handle(struct handle handle)
{
    size_t i = 0;
    while (i < handle_count && (handles[i].feed != NULL || handles[i].result != NULL))
        i++;
    if (i == handle_count) {
        handles = mem_grow(handles, handle_count, &handle_capacity, sizeof *handles);
        handle_count++;
    }
    handles[i] = handle;
    return (uint32_t)i + 1;
}

static struct handle *handle_of(const struct wire_frame *request)
{
    static struct handle none;
    uint32_t number = request->word >> WIRE_HANDLE_SHIFT;
    return number > 0 && number <= handle_count ? &handles[number - 1] : &none;
}

static int open_feed(struct wire_fields *f, struct error *err)
{
    const char *table = wire_get_text(f);
    uint64_t count = wire_get_number(f);
    if (f->bad || table == NULL || count > (uint64_t)(f->end - f->at) / 8)
        return error_set(err, ERR_SYSTEM, "a request to open a table is garbled.");
    struct handle h = {.batch = {.columns = mem_calloc((size_t)count, sizeof *h.batch.columns),
                                 .column_count = (size_t)count}};
    struct type *types = mem_calloc((size_t)count, sizeof *types);
    for (size_t i = 0; i < count; i++)
        h.batch.columns[i].type = types[i] = wire_get_type(f);
    int rc = database_feed_open(database, table, types, (size_t)count, &h.feed, err);
    free(types);
    if (rc == ERR_OK)
        return wire_send(&wire, WIRE_HANDLE, new_handle(h), "", 0, err);
    free(h.batch.columns);
    return rc;
}

static int put_batch(struct handle *h, const struct wire_frame *request, struct error *err)
{
    int rc = wire_batch_view(request, &h->batch, err);
    return rc == ERR_OK ? database_feed_put(h->feed, &h->batch, err) : rc;
}

static void free_feed(struct handle *h)
{
    database_feed_free(h->feed);
    free(h->batch.columns);
    *h = (struct handle){0};
}

static int send_columns(uint32_t number, const struct result_column *columns, size_t count,
                        struct error *err)
{
    struct str bytes;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_number(&bytes, count);
    for (size_t i = 0; i < count; i++) {
        wire_put_text(&bytes, columns[i].name);
        wire_put_number(&bytes, (uint64_t)columns[i].kind);
        wire_put_type(&bytes, columns[i].stored);
        wire_put_number(&bytes, (uint64_t)columns[i].unit);
        wire_put_number(&bytes, columns[i].local);
        wire_put_number(&bytes, (uint64_t)columns[i].physical);
    }
    int rc = str_check(&bytes, "the columns of a result", err);
    if (rc == ERR_OK)
        rc = wire_send(&wire, WIRE_COLUMNS, number, bytes.data, bytes.len, err);
    str_release(&bytes);
    return rc;
}

static int open_result(const char *sql, struct error *err)
{
    struct handle h = {0};
    int rc = database_result_open(database, sql, &h.result, err);
    if (rc != ERR_OK)
        return rc;
    size_t count;
    const struct result_column *columns = database_result_columns(h.result, &count);
    struct type *types = mem_calloc(count, sizeof *types);
    for (size_t i = 0; i < count; i++)
        types[i] = columns[i].stored;
    batch_init(&h.batch, types, count);
    free(types);
    return send_columns(new_handle(h), columns, count, err);
}

static int send_batch(struct handle *h, struct error *err)
{
    int rc = database_result_next(h->result, &h->batch, err);
    if (rc == ERR_OK && h->batch.rows > 0)
        rc = wire_batch_send(&wire, WIRE_BATCH, 0, &h->batch, 0, h->batch.rows, err);
    return rc;
}

static void free_result(struct handle *h)
{
    database_result_free(h->result);
    batch_release(&h->batch);
    *h = (struct handle){0};
}

static int serve_feed(const struct wire_frame *request, struct error *err)
{
    struct handle *h = handle_of(request);
    if (h->feed == NULL)
        return error_set(err, ERR_SYSTEM, "a table that rows are for is not open.");
    if (request->kind == WIRE_FEED_PUT)
        return put_batch(h, request, err);
    if (request->kind == WIRE_FEED_CLOSE)
        return database_feed_close(h->feed, err);
    free_feed(h);
    return ERR_OK;
}

static int serve_result(const struct wire_frame *request, struct error *err)
{
    struct handle *h = handle_of(request);
    if (h->result == NULL)
        return error_set(err, ERR_SYSTEM, "a result that rows are wanted of is not open.");
    if (request->kind == WIRE_RESULT_NEXT)
        return send_batch(h, err);
    free_result(h);
    return ERR_OK;
}

/* ---- Which request it is -------------------------------------------------------------------- */

/* A request that needs a text gets one, whatever is in the frame. */
static const char *sql_of(struct wire_fields *f)
{
    const char *sql = wire_get_text(f);
    return sql != NULL ? sql : "";
}

static int serve_database(const struct wire_frame *request, struct wire_fields *f,
                          struct error *err)
{
    database->blame = (int)(request->word & ((1u << WIRE_HANDLE_SHIFT) - 1));
    switch ((enum wire_kind)request->kind) {
    case WIRE_RUN:
        return database_run(database, sql_of(f), err);
    case WIRE_RUN_ALL:
        return run_all(f, err);
    case WIRE_QUERY:
        return query(sql_of(f), err);
    case WIRE_PARSE:
        return database_parse(database, sql_of(f), err);
    case WIRE_SELECT:
        return database_select(database, sql_of(f), err);
    case WIRE_REPEATS_BEGIN:
        return begin_repeats(f);
    case WIRE_REPEATS_END:
        repeats_end(&database->repeats);
        return ERR_OK;
    case WIRE_FEED_OPEN:
        return open_feed(f, err);
    case WIRE_FEED_PUT:
    case WIRE_FEED_CLOSE:
    case WIRE_FEED_FREE:
        return serve_feed(request, err);
    case WIRE_RESULT_OPEN:
        return open_result(sql_of(f), err);
    case WIRE_RESULT_NEXT:
    case WIRE_RESULT_FREE:
        return serve_result(request, err);
    case WIRE_VERSION:
    case WIRE_OPEN:
    case WIRE_DONE:
    case WIRE_TEXT:
    case WIRE_NAMES:
    case WIRE_ROWS:
    case WIRE_HANDLE:
    case WIRE_COLUMNS:
    case WIRE_BATCH:
        break;
    }
    return error_set(err, ERR_SYSTEM, "the engine got an unknown request.");
}

static int serve(const struct wire_frame *request, struct error *err)
{
    struct wire_fields f = wire_fields_of(request);
    if (request->kind == WIRE_VERSION)
        return version(&f, err);
    if (request->kind == WIRE_OPEN)
        return open_database(&f, err);
    if (database == NULL)
        return error_set(err, ERR_SYSTEM, "the engine is not open.");
    return serve_database(request, &f, err);
}

/* Until the program closes its end of the wire. */
static void serve_all(void)
{
    struct wire_frame request;
    wire_init(&wire, ENGINE_PROCESS_WIRE, NULL, NULL);
    for (uint64_t number = 1; wire_receive(&wire, &request, NULL) == ERR_OK; number++) {
        struct error err = ERROR_INIT;
        set_running(number);
        int rc = serve(&request, &err);
        set_running(0);
        if (wire_send(&wire, WIRE_DONE, (uint32_t)rc, err.text, strlen(err.text) + 1, NULL) !=
            ERR_OK)
            break;
    }
}

/*
 * The program decides whether and when the process ends: the terminal's signals, and those that
 * systemd sends to all processes of a unit, are not for this one.
 */
static void leave_signals_to_the_program(void)
{
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ};
    for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++)
        signal(signals[i], SIG_IGN);
}

void engine_child_run(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    leave_signals_to_the_program();
    serve_all();
    _exit(0);
}

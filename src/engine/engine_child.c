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
#include "engine/engine_process.h"
#include "engine/sandbox.h"
#include "engine/wire.h"
#include "util/mem.h"

/*
 * Room beside DuckDB's `memory`: what it does not count (lists and texts that an aggregate builds, the
 * bitmaps of repeats.c), the library itself, and the stacks of its threads.
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

/* Interrupts what it is told to, and ends the process when the program has gone. */
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

/* The library is loaded outside of the sandbox, everything else happens inside. */
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

/* A request that needs a text has it, whatever stands in the frame. */
static const char *sql_of(struct wire_fields *f)
{
    const char *sql = wire_get_text(f);
    return sql != NULL ? sql : "";
}

static int serve_database(const struct wire_frame *request, struct wire_fields *f,
                          struct error *err)
{
    database->blame = (int)request->word;
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
    default:
        return error_set(err, ERR_SYSTEM, "the engine got an unknown request.");
    }
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
 * Whether and when the process ends is for the program to say: the terminal's signals, and those that
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

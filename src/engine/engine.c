/*
 * The program's end of the wire: every call is a request to the engine's process, and waits for its
 * answer. What runs there is engine/database.h.
 */
#include "engine/engine.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "engine/allow_list.h"
#include "engine/engine_private.h"
#include "engine/engine_process.h"
#include "engine/sql.h"
#include "engine/wire_batch.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

/* How long a statement may take to end after it was asked to, in microseconds. */
#define GRACE ((int64_t)5000000)

struct engine {
    struct engine_process process;
    struct wire wire;
    _Atomic uint64_t request; /* number of the last one */
    int64_t stop_seen;        /* when this request was first seen to be unwanted; 0: it is wanted */
    bool unwanted;            /* the caller has seen enough of it */
    struct engine_promise *promised; /* the outcome of the last request, not yet received */
    uint64_t memory;
    int blame;
    bool lost;         /* the process has ended: nothing works any more */
    struct error loss; /* and why */
};

/* ---- Requests ------------------------------------------------------------------------------ */

/* The process is gone, or of no use any more. */
static int lose(struct engine *e, int rc, struct error *why)
{
    if (rc == ERR_ABSENT)
        rc = engine_process_explain(&e->process, why);
    engine_process_end(&e->process);
    e->lost = true;
    e->loss = *why;
    return rc;
}

void engine_interrupt(struct engine *e)
{
    engine_process_interrupt(&e->process, atomic_load(&e->request));
}

/*
 * Nothing comes: is it still wanted? If not, it is told again, in case it had not begun the first
 * time.
 */
static int while_waiting(void *ctx, struct error *err)
{
    struct engine *e = ctx;
    if (!e->unwanted && !stop_requested())
        return ERR_OK;
    engine_interrupt(e);
    if (e->stop_seen == 0)
        e->stop_seen = time_monotonic();
    if (time_monotonic() - e->stop_seen < GRACE)
        return ERR_OK;
    error_set(err, ERR_INTERRUPTED, "The engine did not stop when it was asked to.");
    return stop_requested() ? stop_check(err) : ERR_INTERRUPTED;
}

/* The code and the text with which the process answered. */
static int outcome(const struct wire_frame *done, struct error *err)
{
    int code = (int)done->word;
    if (code == ERR_OK)
        return ERR_OK;
    if (code < 0 || code >= ERR_COUNT || done->count == 0 || done->bytes[done->count - 1] != '\0')
        return error_set(err, ERR_SYSTEM, "the engine's process gave a garbled answer.");
    /* Whatever it says about the interruption: this is why there was one. */
    if (stop_requested())
        return stop_check(err);
    return error_set(err, code, "%s", (const char *)done->bytes);
}

int engine_answer(struct engine *e, struct wire_frame *out, bool *done, struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = wire_receive(&e->wire, out, &why);
    *done = rc != ERR_OK || out->kind == WIRE_DONE;
    if (rc != ERR_OK)
        return error_pass(err, lose(e, rc, &why), &why);
    return *done ? outcome(out, err) : ERR_OK;
}

/* Receive what was promised; whoever settles the promise gets it. */
static void receive_promised(struct engine *e)
{
    struct engine_promise *p = e->promised;
    struct wire_frame frame;
    bool done = p == NULL;
    e->promised = NULL;
    while (!done)
        p->rc = engine_answer(e, &frame, &done, &p->error);
    if (p != NULL)
        p->open = false;
}

int engine_settle(struct engine *e, struct engine_promise *p, struct error *err)
{
    if (p->open)
        receive_promised(e);
    return p->rc == ERR_OK ? ERR_OK : error_pass(err, p->rc, &p->error);
}

/* Ready to send the next request, or why not. */
static int begin(struct engine *e, struct error *err)
{
    receive_promised(e);
    if (e->lost)
        return error_pass(err, e->loss.code, &e->loss);
    e->unwanted = false;
    e->stop_seen = 0;
    atomic_fetch_add(&e->request, 1);
    return ERR_OK;
}

/* In addition to the code that a failing statement gives. */
static uint32_t word_of(const struct engine *e, uint32_t handle)
{
    return handle << WIRE_HANDLE_SHIFT | (uint32_t)e->blame;
}

int engine_ask(struct engine *e, enum wire_kind kind, uint32_t handle, const struct str *bytes,
               struct error *err)
{
    struct error why = ERROR_INIT;
    int rc = begin(e, err);
    if (rc != ERR_OK)
        return rc;
    rc = wire_send(&e->wire, kind, word_of(e, handle), bytes != NULL ? bytes->data : "",
                   bytes != NULL ? bytes->len : 0, &why);
    return rc == ERR_OK ? ERR_OK : error_pass(err, lose(e, rc, &why), &why);
}

int engine_ask_batch(struct engine *e, uint32_t handle, const struct batch *b, size_t first,
                     size_t rows, struct engine_promise *out, struct error *err)
{
    struct error why = ERROR_INIT;
    *out = (struct engine_promise){.rc = ERR_OK};
    int rc = begin(e, err);
    if (rc != ERR_OK)
        return rc;
    rc = wire_batch_send(&e->wire, WIRE_FEED_PUT, word_of(e, handle), b, first, rows, &why);
    if (rc != ERR_OK)
        return error_pass(err, lose(e, rc, &why), &why);
    out->open = true;
    e->promised = out;
    return ERR_OK;
}

int engine_request(struct engine *e, enum wire_kind kind, uint32_t handle, const struct str *bytes,
                   struct error *err)
{
    struct wire_frame frame;
    bool done = false;
    int rc = bytes != NULL ? str_check(bytes, "a request to the engine", err) : ERR_OK;
    /* Where stopping was asked for, nothing begins any more. */
    if (rc == ERR_OK)
        rc = stop_check(err);
    if (rc == ERR_OK)
        rc = engine_ask(e, kind, handle, bytes, err);
    while (rc == ERR_OK && !done)
        rc = engine_answer(e, &frame, &done, err);
    return rc;
}

void engine_dismiss(struct engine *e, enum wire_kind kind, uint32_t handle)
{
    struct wire_frame frame;
    bool done = engine_ask(e, kind, handle, NULL, NULL) != ERR_OK;
    /* What the engine cannot forget goes with its process. */
    while (!done)
        error_ignore(engine_answer(e, &frame, &done, NULL));
}

/* The same with one text. */
static int request_text(struct engine *e, enum wire_kind kind, const char *text, struct error *err)
{
    struct str bytes;
    str_init(&bytes, WIRE_ROW_MAX);
    wire_put_text(&bytes, text);
    int rc = engine_request(e, kind, 0, &bytes, err);
    str_release(&bytes);
    return rc;
}

/* ---- Life ---------------------------------------------------------------------------------- */

static int start(struct engine **out, struct error *err)
{
    struct engine *e = mem_calloc(1, sizeof *e);
    e->blame = ERR_SYSTEM;
    int rc = engine_process_start(&e->process, err);
    wire_init(&e->wire, e->process.wire, while_waiting, e);
    if (rc == ERR_OK)
        *out = e;
    else
        engine_free(e);
    return rc;
}

int engine_open(const struct engine_options *o, struct engine **out, struct error *err)
{
    struct engine *e = NULL;
    struct str bytes;
    *out = NULL;
    int rc = start(&e, err);
    if (rc != ERR_OK)
        return rc;
    e->memory = o->memory;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_text(&bytes, o->library);
    wire_put_text(&bytes, o->workdir);
    wire_put_number(&bytes, o->memory);
    wire_put_number(&bytes, o->threads);
    wire_put_number(&bytes, o->key_seed);
    wire_put_texts(&bytes, o->folders, o->folder_count);
    wire_put_texts(&bytes, o->files, o->file_count);
    rc = engine_request(e, WIRE_OPEN, 0, &bytes, err);
    str_release(&bytes);
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
    engine_process_end(&e->process);
    wire_release(&e->wire);
    free(e);
}

static int receive_version(struct engine *e, char **out, struct error *err)
{
    struct wire_frame frame;
    bool done = false;
    int rc = ERR_OK;
    while (rc == ERR_OK && !done) {
        rc = engine_answer(e, &frame, &done, err);
        if (rc == ERR_OK && frame.kind == WIRE_TEXT && *out == NULL)
            *out = mem_strndup((const char *)frame.bytes,
                               strnlen((const char *)frame.bytes, frame.count));
    }
    if (rc == ERR_OK && *out == NULL)
        rc = error_set(err, ERR_SYSTEM, "libduckdb does not state its version.");
    return rc;
}

int engine_version(const char *library, char **out, struct error *err)
{
    struct engine *e = NULL;
    struct str bytes;
    *out = NULL;
    int rc = start(&e, err);
    if (rc != ERR_OK)
        return rc;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_text(&bytes, library);
    rc = engine_ask(e, WIRE_VERSION, 0, &bytes, err);
    if (rc == ERR_OK)
        rc = receive_version(e, out, err);
    str_release(&bytes);
    engine_free(e);
    return rc;
}

void engine_blame(struct engine *e, int code)
{
    e->blame = code;
}

uint64_t engine_memory(const struct engine *e)
{
    return e->memory;
}

uint64_t engine_peak(const struct engine *e)
{
    return engine_process_peak(&e->process);
}

/* ---- Statements ---------------------------------------------------------------------------- */

int engine_run(struct engine *e, const char *sql, struct error *err)
{
    log_debug("sql: %.2000s", sql);
    return request_text(e, WIRE_RUN, sql, err);
}

int engine_run_all(struct engine *e, const char *const *statements, size_t count, struct error *err)
{
    struct str bytes;
    for (size_t i = 0; i < count; i++)
        log_debug("sql: %.2000s", statements[i]);
    str_init(&bytes, WIRE_ROW_MAX);
    wire_put_texts(&bytes, statements, count);
    int rc = engine_request(e, WIRE_RUN_ALL, 0, &bytes, err);
    str_release(&bytes);
    return rc;
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

int engine_repeats_begin(struct engine *e, uint64_t rows, uint64_t memory, struct error *err)
{
    struct str bytes;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_number(&bytes, rows);
    wire_put_number(&bytes, memory);
    int rc = engine_request(e, WIRE_REPEATS_BEGIN, 0, &bytes, err);
    str_release(&bytes);
    return rc;
}

int engine_repeats_end(struct engine *e, struct error *err)
{
    return engine_request(e, WIRE_REPEATS_END, 0, NULL, err);
}

int engine_check_select(struct engine *e, const char *sql, struct error *err)
{
    int blame = e->blame;
    e->blame = ERR_CONFIG;
    int rc = request_text(e, WIRE_PARSE, sql, err);
    /* Before it is bound: some functions act as soon as they are bound. */
    if (rc == ERR_OK)
        rc = allow_list_check(e, sql, err);
    if (rc == ERR_OK)
        rc = request_text(e, WIRE_SELECT, sql, err);
    e->blame = blame;
    return rc;
}

/* ---- Queries ------------------------------------------------------------------------------- */

/*
 * What a query has given so far; the names are copies, because a frame is gone with the next one.
 */
struct result {
    struct str bytes;
    const char **names;
    const char **values;
    size_t *lengths;
    size_t columns;
};

static void result_release(struct result *r)
{
    str_release(&r->bytes);
    free(r->names);
    free(r->values);
    free(r->lengths);
}

static int garbled(struct error *err)
{
    return error_set(err, ERR_SYSTEM, "the engine's process gave a garbled result.");
}

static int take_names(struct result *r, const struct wire_frame *frame, struct error *err)
{
    str_append_bytes(&r->bytes, frame->bytes, frame->count);
    struct wire_frame copy = {.bytes = (const unsigned char *)r->bytes.data, .count = r->bytes.len};
    struct wire_fields f = wire_fields_of(&copy);
    if (r->names != NULL)
        return garbled(err);
    r->names = wire_get_texts(&f, &r->columns);
    r->values = mem_calloc(r->columns, sizeof *r->values);
    r->lengths = mem_calloc(r->columns, sizeof *r->lengths);
    return f.bad ? garbled(err) : ERR_OK;
}

static int take_rows(struct result *r, const struct wire_frame *frame, engine_visit *visit,
                     void *ctx, struct error *err)
{
    struct wire_fields f = wire_fields_of(frame);
    struct engine_row row = {r->values, r->lengths, r->names, r->columns};
    for (uint32_t i = 0; i < frame->word; i++) {
        for (size_t k = 0; k < r->columns; k++)
            r->values[k] = wire_get_value(&f, &r->lengths[k]);
        if (f.bad || r->columns == 0)
            return garbled(err);
        int rc = visit(ctx, &row, err);
        if (rc != ERR_OK)
            return rc;
    }
    return ERR_OK;
}

static int take(struct result *r, const struct wire_frame *frame, engine_visit *visit, void *ctx,
                struct error *err)
{
    if (frame->kind == WIRE_NAMES)
        return take_names(r, frame, err);
    if (frame->kind == WIRE_ROWS)
        return take_rows(r, frame, visit, ctx, err);
    return frame->kind == WIRE_DONE ? ERR_OK : garbled(err);
}

/* The rest of the request is not wanted: have it end, and discard its answers. */
static void abandon(struct engine *e)
{
    struct wire_frame frame;
    bool done = false;
    e->unwanted = true;
    engine_interrupt(e);
    while (!done)
        error_ignore(engine_answer(e, &frame, &done, NULL)); /* interrupted, as asked */
}

int engine_query(struct engine *e, const char *sql, engine_visit *visit, void *ctx,
                 struct error *err)
{
    struct result r = {0};
    struct wire_frame frame;
    struct str bytes;
    bool done = false;
    log_debug("sql: %.2000s", sql);
    str_init(&bytes, WIRE_ROW_MAX);
    str_init(&r.bytes, STR_MAX_DEFAULT);
    wire_put_text(&bytes, sql);
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = engine_ask(e, WIRE_QUERY, 0, &bytes, err);
    while (rc == ERR_OK && !done) {
        rc = engine_answer(e, &frame, &done, err);
        if (rc == ERR_OK)
            rc = take(&r, &frame, visit, ctx, err);
        if (rc == ERR_OK)
            rc = stop_check(err);
        if (rc != ERR_OK && !done)
            abandon(e);
    }
    result_release(&r);
    str_release(&bytes);
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

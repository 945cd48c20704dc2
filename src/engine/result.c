#include "engine/result.h"

#include <assert.h>
#include <duckdb.h>
#include <stdlib.h>

#include "engine/engine_private.h"
#include "engine/wire_batch.h"
#include "util/mem.h"
#include "util/stop.h"

struct result {
    struct engine *engine;
    uint32_t handle;
    struct result_column *columns;
    size_t count;
    struct batch view; /* of the frame that was received last */
};

struct type result_type(const struct result_column *c)
{
    switch (c->kind) {
    case RESULT_CLOCK:
        return (struct type){TYPE_TIME, 0, 0};
    case RESULT_MOMENT:
        return (struct type){TYPE_TIMESTAMP, 0, 0};
    case RESULT_INTEGER:
        if (c->physical == DUCKDB_TYPE_UBIGINT)
            return (struct type){TYPE_DECIMAL, 20, 0};
        return c->stored;
    case RESULT_BOOLEAN:
    case RESULT_FLOAT:
    case RESULT_DOUBLE:
    case RESULT_DECIMAL:
    case RESULT_TEXT:
    case RESULT_NESTED:
    case RESULT_DAYS:
    case RESULT_UUID:
    case RESULT_BINARY:
        break;
    }
    return c->stored;
}

/* ---- Opening ------------------------------------------------------------------------------- */

static void take_column(struct wire_fields *f, struct result_column *out)
{
    const char *name = wire_get_text(f);
    uint64_t kind = wire_get_number(f);
    out->stored = wire_get_type(f);
    uint64_t unit = wire_get_number(f);
    out->local = wire_get_number(f) != 0;
    uint64_t physical = wire_get_number(f);
    f->bad = f->bad || name == NULL || kind > RESULT_BINARY || unit > CAST_NANOSECONDS ||
             physical > INT32_MAX;
    if (f->bad)
        return;
    out->name = mem_strdup(name);
    out->kind = (enum result_kind)kind;
    out->unit = (enum cast_unit)unit;
    out->physical = (int)physical;
}

static int take_columns(struct result *r, const struct wire_frame *frame, struct error *err)
{
    struct wire_fields f = wire_fields_of(frame);
    uint64_t count = wire_get_number(&f);
    /* A column has more bytes than that, so no count asks for more memory than its frame. */
    if (r->handle != 0 || count > frame->count / 8)
        f.bad = true;
    r->handle = frame->word;
    r->count = f.bad ? 0 : (size_t)count;
    r->columns = mem_calloc(r->count, sizeof *r->columns);
    for (size_t i = 0; i < r->count; i++)
        take_column(&f, &r->columns[i]);
    if (f.bad)
        return error_set(err, ERR_SYSTEM, "the engine's process gave garbled columns.");
    r->view.columns = mem_calloc(r->count, sizeof *r->view.columns);
    r->view.column_count = r->count;
    return ERR_OK;
}

int result_open(struct engine *e, const char *sql, struct result **out, struct error *err)
{
    struct wire_frame frame;
    struct str bytes;
    bool done = false;
    struct result *r = mem_calloc(1, sizeof *r);
    r->engine = e;
    str_init(&bytes, WIRE_ROW_MAX);
    wire_put_text(&bytes, sql);
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = engine_ask(e, WIRE_RESULT_OPEN, 0, &bytes, err);
    while (rc == ERR_OK && !done) {
        rc = engine_answer(e, &frame, &done, err);
        if (rc == ERR_OK && frame.kind == WIRE_COLUMNS)
            rc = take_columns(r, &frame, err);
    }
    if (rc == ERR_OK && r->handle == 0)
        rc = error_set(err, ERR_SYSTEM, "the engine's process did not open a result.");
    str_release(&bytes);
    if (rc == ERR_OK)
        *out = r;
    else
        result_free(r);
    return rc;
}

const struct result_column *result_columns(const struct result *r, size_t *count)
{
    *count = r->count;
    return r->columns;
}

void result_batch(const struct result *r, struct batch *out)
{
    struct type *types = mem_calloc(r->count, sizeof *types);
    for (size_t i = 0; i < r->count; i++)
        types[i] = r->columns[i].stored;
    batch_init(out, types, r->count);
    free(types);
}

void result_free(struct result *r)
{
    if (r == NULL)
        return;
    if (r->handle != 0)
        engine_dismiss(r->engine, WIRE_RESULT_FREE, r->handle);
    for (size_t i = 0; i < r->count; i++)
        free(r->columns[i].name);
    free(r->columns);
    free(r->view.columns);
    free(r);
}

/* ---- Rows ---------------------------------------------------------------------------------- */

static int take_batch(struct result *r, const struct wire_frame *frame, struct batch *out,
                      struct error *err)
{
    for (size_t i = 0; i < r->count; i++)
        r->view.columns[i] = (struct column){.type = r->columns[i].stored};
    int rc = wire_batch_view(frame, &r->view, err);
    if (rc != ERR_OK)
        return rc;
    wire_batch_copy(out, &r->view);
    batch_check(out);
    return ERR_OK;
}

int result_next(struct result *r, struct batch *out, struct error *err)
{
    struct wire_frame frame;
    bool done = false;
    assert(out->column_count == r->count);
    batch_clear(out);
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = engine_ask(r->engine, WIRE_RESULT_NEXT, r->handle, NULL, err);
    while (rc == ERR_OK && !done) {
        rc = engine_answer(r->engine, &frame, &done, err);
        if (rc == ERR_OK && frame.kind == WIRE_BATCH)
            rc = take_batch(r, &frame, out, err);
    }
    return rc == ERR_OK ? stop_check(err) : rc;
}

#include "engine/feed.h"

#include <assert.h>
#include <stdlib.h>

#include "engine/engine_private.h"
#include "engine/wire_batch.h"
#include "util/mem.h"
#include "util/stop.h"

/* Rows that are sent at once, and most bytes of them: fewer rows where they are long. */
#define PART_ROWS ((size_t)16384)
#define PART_BYTES ((size_t)32 << 20)

struct feed {
    struct engine *engine;
    uint32_t handle;
    size_t columns;
    struct engine_promise last; /* what was put last: it is appended while the next is made */
};

static int take_handle(struct feed *f, struct error *err)
{
    struct wire_frame frame;
    bool done = false;
    int rc = ERR_OK;
    while (rc == ERR_OK && !done) {
        rc = engine_answer(f->engine, &frame, &done, err);
        if (rc == ERR_OK && frame.kind == WIRE_HANDLE)
            f->handle = frame.word;
    }
    if (rc == ERR_OK && f->handle == 0)
        rc = error_set(err, ERR_SYSTEM, "the engine's process did not open a table for rows.");
    return rc;
}

int feed_open(struct engine *e, const char *table, const struct type *types, size_t count,
              struct feed **out, struct error *err)
{
    struct str bytes;
    struct feed *f = mem_calloc(1, sizeof *f);
    f->engine = e;
    f->columns = count;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_text(&bytes, table);
    wire_put_number(&bytes, count);
    for (size_t i = 0; i < count; i++)
        wire_put_type(&bytes, types[i]);
    int rc = stop_check(err);
    if (rc == ERR_OK)
        rc = engine_ask(e, WIRE_FEED_OPEN, 0, &bytes, err);
    if (rc == ERR_OK)
        rc = take_handle(f, err);
    str_release(&bytes);
    if (rc == ERR_OK)
        *out = f;
    else
        feed_free(f);
    return rc;
}

static size_t bytes_of(const struct batch *b, size_t first, size_t rows)
{
    size_t bytes = 0;
    for (size_t i = 0; i < b->column_count; i++)
        if (b->columns[i].offsets != NULL)
            bytes += b->columns[i].offsets[first + rows] - b->columns[i].offsets[first];
        else
            bytes += rows * column_width(b->columns[i].type);
    return bytes;
}

/* How many rows from `first` on are sent at once; a multiple of 8, unless they are the last ones. */
static size_t part_of(const struct batch *b, size_t first)
{
    size_t rows = b->rows - first < PART_ROWS ? b->rows - first : PART_ROWS;
    while (rows > 8 && bytes_of(b, first, rows) > PART_BYTES)
        rows = rows < 16 ? 8 : rows / 16 * 8;
    return rows;
}

int feed_put(struct feed *f, const struct batch *b, struct error *err)
{
    assert(b->column_count == f->columns);
    batch_check(b);
    int rc = stop_check(err);
    for (size_t i = 0, rows = 0; i < b->rows && rc == ERR_OK; i += rows) {
        rows = part_of(b, i);
        rc = engine_settle(f->engine, &f->last, err);
        if (rc == ERR_OK)
            rc = engine_ask_batch(f->engine, f->handle, b, i, rows, &f->last, err);
    }
    return rc;
}

int feed_close(struct feed *f, struct error *err)
{
    int rc = engine_settle(f->engine, &f->last, err);
    return rc == ERR_OK ? engine_request(f->engine, WIRE_FEED_CLOSE, f->handle, NULL, err) : rc;
}

void feed_free(struct feed *f)
{
    if (f == NULL)
        return;
    /* It does not matter what became of the rows of a load that was given up. */
    error_ignore(engine_settle(f->engine, &f->last, NULL));
    if (f->handle != 0)
        engine_dismiss(f->engine, WIRE_FEED_FREE, f->handle);
    free(f);
}

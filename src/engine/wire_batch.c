#include "engine/wire_batch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

/* At the beginning of a frame: rows, columns, and of each column these two numbers. */
struct sizes {
    uint64_t nulls; /* 0: there is no bitmap */
    uint64_t bytes; /* of texts and binary values */
};

struct head {
    uint64_t rows;
    uint64_t columns;
    struct sizes sizes[];
};

_Static_assert(sizeof(struct head) % WIRE_ALIGN == 0 && sizeof(struct sizes) % WIRE_ALIGN == 0,
               "what follows the head must be aligned");

static size_t filled(size_t count)
{
    return (count + WIRE_ALIGN - 1) / WIRE_ALIGN * WIRE_ALIGN;
}

/* ---- Out ----------------------------------------------------------------------------------- */

/* Most parts of one column: bitmap, offsets and bytes, each with what fills it up. */
#define PARTS 6

struct parts {
    struct iovec *list;
    size_t count;
};

static void add_part(struct parts *p, const void *bytes, size_t count)
{
    static char zeros[WIRE_ALIGN];
    p->list[p->count++] = (struct iovec){(void *)(uintptr_t)bytes, count};
    if (filled(count) > count)
        p->list[p->count++] = (struct iovec){zeros, filled(count) - count};
}

static void add_column(struct parts *p, const struct column *c, size_t first, size_t rows,
                       struct sizes *sizes)
{
    size_t width = column_width(c->type);
    *sizes = (struct sizes){.nulls = c->nulls};
    if (c->nulls > 0)
        add_part(p, c->valid + first / 8, (rows + 7) / 8);
    if (width > 0) {
        add_part(p, (const char *)c->values + first * width, rows * width);
        return;
    }
    sizes->bytes = c->offsets[first + rows] - c->offsets[first];
    add_part(p, c->offsets + first, (rows + 1) * sizeof *c->offsets);
    add_part(p, c->bytes != NULL ? c->bytes + c->offsets[first] : "", sizes->bytes);
}

int wire_batch_send(struct wire *w, uint32_t kind, uint32_t word, const struct batch *b,
                    size_t first, size_t rows, struct error *err)
{
    assert(first % 8 == 0 && rows <= b->rows && first <= b->rows - rows);
    size_t head_size = sizeof(struct head) + b->column_count * sizeof(struct sizes);
    struct head *head = mem_calloc(1, head_size);
    struct parts p = {mem_calloc(1 + b->column_count * PARTS, sizeof *p.list), 0};
    head->rows = rows;
    head->columns = b->column_count;
    add_part(&p, head, head_size);
    for (size_t i = 0; i < b->column_count; i++)
        add_column(&p, &b->columns[i], first, rows, &head->sizes[i]);
    int rc = wire_send_parts(w, kind, word, p.list, p.count, err);
    free(p.list);
    free(head);
    return rc;
}

/* ---- In ------------------------------------------------------------------------------------ */

struct cursor {
    const unsigned char *at;
    size_t left;
    bool bad;
};

/* The next `count` things of `size` bytes, or NULL. Neither product nor sum can overflow. */
static const void *get(struct cursor *c, uint64_t count, size_t size)
{
    const void *bytes = c->at;
    if (c->bad || count > WIRE_BYTES_MAX || filled((size_t)count * size) > c->left) {
        c->bad = true;
        return NULL;
    }
    c->at += filled((size_t)count * size);
    c->left -= filled((size_t)count * size);
    return bytes;
}

/* Offsets of a part of a longer column do not begin with 0: here they do. */
static bool rebase(uint32_t *offsets, size_t rows, uint64_t bytes)
{
    uint32_t first = offsets[0];
    uint32_t last = first;
    for (size_t i = 0; i <= rows; i++) {
        if (offsets[i] < last || offsets[i] - first > bytes)
            return false;
        last = offsets[i];
        offsets[i] -= first;
    }
    return offsets[rows] == bytes;
}

static void view_column(struct cursor *c, const struct sizes *sizes, size_t rows,
                        struct column *out)
{
    size_t width = column_width(out->type);
    out->count = rows;
    out->nulls = (size_t)sizes->nulls;
    out->valid = sizes->nulls > 0 ? (uint8_t *)(uintptr_t)get(c, (rows + 7) / 8, 1) : NULL;
    if (width > 0) {
        out->values = (void *)(uintptr_t)get(c, rows, width);
        return;
    }
    out->offsets = (uint32_t *)(uintptr_t)get(c, rows + 1, sizeof *out->offsets);
    out->bytes = (char *)(uintptr_t)get(c, sizes->bytes, 1);
    out->bytes_used = (size_t)sizes->bytes;
    c->bad = c->bad || !rebase(out->offsets, rows, sizes->bytes);
}

static int garbled(struct error *err)
{
    return error_set(err, ERR_SYSTEM, "a batch of rows is garbled.");
}

int wire_batch_view(const struct wire_frame *frame, struct batch *view, struct error *err)
{
    struct cursor c = {.at = frame->bytes, .left = filled(frame->count)};
    const struct head *head = get(&c, 1, sizeof *head);
    const struct sizes *sizes = get(&c, view->column_count, sizeof *sizes);
    view->rows = 0;
    if (head == NULL || sizes == NULL || head->columns != view->column_count ||
        head->rows > WIRE_BYTES_MAX)
        return garbled(err);
    view->rows = (size_t)head->rows;
    for (size_t i = 0; i < view->column_count && !c.bad; i++)
        view_column(&c, &sizes[i], view->rows, &view->columns[i]);
    return c.bad ? garbled(err) : ERR_OK;
}

static void copy_column(struct column *to, const struct column *from)
{
    size_t width = column_width(from->type);
    size_t bitmap = (from->count + 7) / 8;
    column_clear(to);
    column_reserve(to, from->count);
    to->count = from->count;
    to->nulls = from->nulls;
    if (from->valid != NULL)
        memcpy(to->valid, from->valid, bitmap);
    else
        memset(to->valid, 0xff, bitmap);
    /* The bits after the last value must be clear. */
    if (from->count % 8 != 0)
        to->valid[bitmap - 1] &= (uint8_t)((1u << (from->count % 8)) - 1);
    if (width > 0) {
        memcpy(to->values, from->values, from->count * width);
        return;
    }
    memcpy(to->offsets, from->offsets, (from->count + 1) * sizeof *from->offsets);
    if (to->bytes_capacity < from->bytes_used) {
        to->bytes = mem_resize(to->bytes, from->bytes_used, 1);
        to->bytes_capacity = from->bytes_used;
    }
    if (from->bytes_used > 0)
        memcpy(to->bytes, from->bytes, from->bytes_used);
    to->bytes_used = from->bytes_used;
}

void wire_batch_copy(struct batch *to, const struct batch *view)
{
    assert(to->column_count == view->column_count);
    for (size_t i = 0; i < view->column_count; i++)
        copy_column(&to->columns[i], &view->columns[i]);
    to->rows = view->rows;
}

/* ---- Types --------------------------------------------------------------------------------- */

void wire_put_type(struct str *out, struct type type)
{
    wire_put_number(out, (uint64_t)type.kind);
    wire_put_number(out, (uint64_t)type.precision);
    wire_put_number(out, (uint64_t)type.scale);
}

struct type wire_get_type(struct wire_fields *f)
{
    uint64_t kind = wire_get_number(f);
    uint64_t precision = wire_get_number(f);
    uint64_t scale = wire_get_number(f);
    if (kind >= TYPE_COUNT || precision > 38 || scale > precision)
        f->bad = true;
    if (f->bad)
        return (struct type){0};
    return (struct type){
        .kind = (enum type_kind)kind, .precision = (uint8_t)precision, .scale = (uint8_t)scale};
}

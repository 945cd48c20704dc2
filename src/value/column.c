#include "value/column.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"

#define FIRST_CAPACITY 64
#define FIRST_BYTES 1024

size_t column_width(struct type type)
{
    switch (type.kind) {
    case TYPE_BOOLEAN:
        return 1;
    case TYPE_INT:
    case TYPE_DATE:
        return 4;
    case TYPE_BIGINT:
    case TYPE_DOUBLE:
    case TYPE_TIME:
    case TYPE_TIMESTAMP:
        return 8;
    case TYPE_DECIMAL:
        return type.precision <= COLUMN_DECIMAL_SMALL ? 8 : 16;
    case TYPE_UUID:
        return 16;
    case TYPE_TEXT:
    case TYPE_BINARY:
    case TYPE_NONE:
    case TYPE_COUNT:
        break;
    }
    return 0;
}

void column_init(struct column *c, struct type type)
{
    *c = (struct column){.type = type};
    column_reserve(c, FIRST_CAPACITY);
    if (c->offsets == NULL)
        return;
    c->offsets[0] = 0;
    column_reserve_bytes(c, FIRST_BYTES); /* never NULL, however empty it is */
}

void column_release(struct column *c)
{
    free(c->valid);
    free(c->values);
    free(c->offsets);
    free(c->bytes);
    *c = (struct column){0};
}

void column_clear(struct column *c)
{
    column_truncate(c, 0);
}

void column_reserve(struct column *c, size_t count)
{
    if (count <= c->capacity)
        return;
    size_t width = column_width(c->type);
    size_t capacity = c->capacity;
    while (capacity < count)
        capacity = capacity < FIRST_CAPACITY ? FIRST_CAPACITY : capacity * 2;
    c->valid = mem_resize(c->valid, capacity / 8, 1);
    if (width > 0)
        c->values = mem_resize(c->values, capacity, width);
    else
        c->offsets = mem_resize(c->offsets, capacity + 1, sizeof *c->offsets);
    c->capacity = capacity;
}

/* Say that there is one more value, and whether it is one; the caller fills its place. */
static size_t add(struct column *c, bool valid)
{
    size_t i = c->count;
    if (i == c->capacity)
        column_reserve(c, i + 1);
    uint8_t bit = (uint8_t)(1u << (i % 8));
    if (i % 8 == 0)
        c->valid[i / 8] = 0;
    if (valid)
        c->valid[i / 8] |= bit;
    else
        c->nulls++;
    c->count++;
    return i;
}

void column_extend(struct column *c, size_t count)
{
    size_t end = c->count + count;
    assert(end <= c->capacity);
    for (; c->count < end && c->count % 8 != 0; c->count++)
        c->valid[c->count / 8] |= (uint8_t)(1u << (c->count % 8));
    if (c->count < end) {
        memset(c->valid + c->count / 8, 0xff, (end - c->count) / 8);
        if (end % 8 != 0)
            c->valid[end / 8] = (uint8_t)((1u << (end % 8)) - 1);
    }
    c->count = end;
    if (c->offsets != NULL)
        c->bytes_used = c->offsets[end];
}

void column_add_null(struct column *c)
{
    size_t width = column_width(c->type);
    size_t i = add(c, false);
    if (width > 0)
        memset((char *)c->values + i * width, 0, width);
    else
        c->offsets[i + 1] = c->offsets[i];
}

void column_add_boolean(struct column *c, bool value)
{
    assert(c->type.kind == TYPE_BOOLEAN);
    size_t i = add(c, true);
    ((uint8_t *)c->values)[i] = value;
}

void column_add_int(struct column *c, int32_t value)
{
    assert(c->type.kind == TYPE_INT || c->type.kind == TYPE_DATE);
    size_t i = add(c, true);
    ((int32_t *)c->values)[i] = value;
}

void column_add_bigint(struct column *c, int64_t value)
{
    assert(c->type.kind == TYPE_BIGINT || c->type.kind == TYPE_TIME ||
           c->type.kind == TYPE_TIMESTAMP);
    size_t i = add(c, true);
    ((int64_t *)c->values)[i] = value;
}

void column_add_double(struct column *c, double value)
{
    assert(c->type.kind == TYPE_DOUBLE);
    size_t i = add(c, true);
    ((double *)c->values)[i] = value;
}

void column_add_decimal(struct column *c, int128 value)
{
    assert(c->type.kind == TYPE_DECIMAL);
    size_t i = add(c, true);
    if (c->type.precision <= COLUMN_DECIMAL_SMALL)
        ((int64_t *)c->values)[i] = (int64_t)value;
    else
        ((int128 *)c->values)[i] = value;
}

void column_add_uuid(struct column *c, struct uuid value)
{
    assert(c->type.kind == TYPE_UUID);
    size_t i = add(c, true);
    ((struct uuid *)c->values)[i] = value;
}

void column_reserve_bytes(struct column *c, size_t count)
{
    if (count <= c->bytes_capacity)
        return;
    size_t capacity = c->bytes_capacity > 0 ? c->bytes_capacity : FIRST_BYTES;
    while (capacity < count)
        capacity *= 2;
    c->bytes = mem_resize(c->bytes, capacity, 1);
    c->bytes_capacity = capacity;
}

bool column_add_bytes(struct column *c, const void *bytes, size_t count)
{
    assert(c->offsets != NULL);
    if (count > COLUMN_BYTES_MAX - c->bytes_used)
        return false;
    column_reserve_bytes(c, c->bytes_used + count);
    size_t i = add(c, true);
    if (count > 0)
        memcpy(c->bytes + c->bytes_used, bytes, count);
    c->bytes_used += count;
    c->offsets[i + 1] = (uint32_t)c->bytes_used;
    return true;
}

bool column_copy(struct column *to, const struct column *from, size_t i)
{
    assert(type_equal(to->type, from->type) && i < from->count);
    if (column_is_null(from, i)) {
        column_add_null(to);
        return true;
    }
    size_t width = column_width(from->type);
    if (width == 0) {
        size_t count;
        const char *bytes = column_bytes(from, i, &count);
        return column_add_bytes(to, bytes, count);
    }
    size_t at = add(to, true);
    memcpy((char *)to->values + at * width, (const char *)from->values + i * width, width);
    return true;
}

void column_truncate(struct column *c, size_t count)
{
    assert(count <= c->count);
    if (count == 0)
        c->nulls = 0;
    for (size_t i = c->count; i > count && c->nulls > 0; i--)
        c->nulls -= column_is_null(c, i - 1);
    /* The bits after the last value of a byte must be clear: values are added by setting theirs. */
    if (count % 8 != 0)
        c->valid[count / 8] &= (uint8_t)((1u << (count % 8)) - 1);
    c->count = count;
    if (c->offsets != NULL)
        c->bytes_used = c->offsets[count];
}

int128 column_decimal(const struct column *c, size_t i)
{
    assert(c->type.kind == TYPE_DECIMAL && i < c->count);
    if (c->type.precision <= COLUMN_DECIMAL_SMALL)
        return ((const int64_t *)c->values)[i];
    return ((const int128 *)c->values)[i];
}

void batch_init(struct batch *b, const struct type *types, size_t count)
{
    *b = (struct batch){.columns = mem_calloc(count, sizeof *b->columns), .column_count = count};
    for (size_t i = 0; i < count; i++)
        column_init(&b->columns[i], types[i]);
}

void batch_release(struct batch *b)
{
    for (size_t i = 0; i < b->column_count; i++)
        column_release(&b->columns[i]);
    free(b->columns);
    *b = (struct batch){0};
}

void batch_clear(struct batch *b)
{
    batch_truncate(b, 0);
}

void batch_check(const struct batch *b)
{
    for (size_t i = 0; i < b->column_count; i++) {
        const struct column *c = &b->columns[i];
        assert(c->count == b->rows && c->nulls <= c->count);
        assert((c->offsets != NULL) == (column_width(c->type) == 0));
        assert(c->offsets == NULL || (c->offsets[0] == 0 && c->offsets[c->count] == c->bytes_used));
    }
}

void batch_truncate(struct batch *b, size_t rows)
{
    for (size_t i = 0; i < b->column_count; i++)
        if (b->columns[i].count > rows)
            column_truncate(&b->columns[i], rows);
    b->rows = rows;
}

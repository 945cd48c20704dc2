/*
 * Typed values by column: what readers of sources give, and what everything after them takes.
 *
 * A column holds its values in the layout of the Arrow C data interface
 * (https://arrow.apache.org/docs/format/CDataInterface.html): a bitmap of the values that are not
 * NULL, and the values one after the other; texts and binary values as offsets into their bytes.
 * Two things differ: a boolean is a byte, and a decimal of up to 18 digits is 64 bits wide.
 *
 * A batch is a number of columns with the same number of rows. Not thread-safe (one owner); a batch
 * can be handed from thread to thread.
 */
#ifndef CAUCE_VALUE_COLUMN_H
#define CAUCE_VALUE_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/type.h"

/* Most bytes of the texts of one column of a batch: offsets are 32 bits wide. */
#define COLUMN_BYTES_MAX ((size_t)1 << 31)

/* Digits of a decimal that fit into 64 bits. */
#define COLUMN_DECIMAL_SMALL 18

__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/*
 * 128 bits in the order of a UUID's text, first byte first.
 */
struct uuid {
    uint8_t bytes[16];
};

/*
 * By type:
 *   boolean             uint8_t, 0 or 1
 *   int, date           int32_t; days since 1970-01-01
 *   bigint              int64_t
 *   time, timestamp     int64_t; microseconds of the day, since 1970 UTC
 *   double              double
 *   decimal(p,s)        int64_t where p is at most 18, else int128: the unscaled value
 *   uuid                struct uuid
 *   text, binary        offsets and bytes
 * The place of a NULL among the values is zero.
 */
struct column {
    struct type type;
    size_t count;      /* values, NULLs included */
    size_t nulls;      /* of them NULL */
    uint8_t *valid;    /* bit i (least significant first) is set where value i is not NULL */
    void *values;      /* of fixed width; NULL for text and binary */
    uint32_t *offsets; /* text and binary: count + 1 of them, the first is 0; else NULL */
    char *bytes;       /* text and binary */
    size_t bytes_used; /* equals offsets[count] */
    size_t bytes_capacity;
    size_t capacity; /* values there is room for */
};

/* Bytes of one value; 0 for text and binary. */
size_t column_width(struct type type);

/* An empty column. Release is safe on a zeroed struct, which it leaves behind. */
void column_init(struct column *c, struct type type);
void column_release(struct column *c);

/* Forget the values, keep the memory. */
void column_clear(struct column *c);

/* Make room for `count` values in all, so that the calls below need no check of their own. */
void column_reserve(struct column *c, size_t count);

/* Append one value. The type must be the one stated; room is made as needed. */
void column_add_null(struct column *c);
void column_add_boolean(struct column *c, bool value);
void column_add_int(struct column *c, int32_t value);    /* int, date */
void column_add_bigint(struct column *c, int64_t value); /* bigint, time, timestamp */
void column_add_double(struct column *c, double value);
void column_add_decimal(struct column *c, int128 value); /* unscaled; it must fit the precision */
void column_add_uuid(struct column *c, struct uuid value);
/* text, binary; false where the column would pass COLUMN_BYTES_MAX: nothing is appended then. */
bool column_add_bytes(struct column *c, const void *bytes, size_t count);

/*
 * For those who write values themselves: say that so many more, none of them NULL, follow the last
 * one (of text and binary, with their offsets), in the room that was reserved.
 */
void column_extend(struct column *c, size_t count);

/* Make room for `count` bytes in all, of text and binary. */
void column_reserve_bytes(struct column *c, size_t count);

/* Append value `i` of another column of the same type; false as with column_add_bytes. */
bool column_copy(struct column *to, const struct column *from, size_t i);

/* Remove the last values, so that `count` are left. */
void column_truncate(struct column *c, size_t count);

static inline bool column_is_null(const struct column *c, size_t i)
{
    return ((c->valid[i / 8] >> (i % 8)) & 1) == 0;
}

/* The unscaled value of a decimal, whatever its width; 0 for NULL. */
int128 column_decimal(const struct column *c, size_t i);

/* The bytes of a text or binary value, borrowed; none for NULL. */
static inline const char *column_bytes(const struct column *c, size_t i, size_t *count)
{
    *count = c->offsets[i + 1] - c->offsets[i];
    return c->bytes + c->offsets[i];
}

struct batch {
    struct column *columns;
    size_t column_count;
    size_t rows; /* of every column */
};

/* Columns of these types, empty. Release is safe on a zeroed struct. */
void batch_init(struct batch *b, const struct type *types, size_t count);
void batch_release(struct batch *b);
void batch_clear(struct batch *b);

/* Assert its shape: a value per row in every column, and bytes up to the last offset. */
void batch_check(const struct batch *b);

/* After a row was given up half-way: every column back to `rows`. */
void batch_truncate(struct batch *b, size_t rows);

#endif

#include "support/value_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "value/print.h"

static char *hex(const char *bytes, size_t count)
{
    char *out = mem_alloc(2 * count + 1);
    out[0] = '\0';
    for (size_t i = 0; i < count; i++)
        snprintf(out + 2 * i, 3, "%02X", (unsigned)(unsigned char)bytes[i]);
    return out;
}

char *value_text(const struct column *c, size_t i)
{
    char text[64] = "";
    const int32_t *ints = c->values;
    const int64_t *bigints = c->values;
    const char *bytes;
    size_t count;
    switch (c->type.kind) {
    case TYPE_BOOLEAN:
        return mem_strdup(((const uint8_t *)c->values)[i] ? "true" : "false");
    case TYPE_INT:
        return mem_printf("%" PRId32, ints[i]);
    case TYPE_BIGINT:
        return mem_printf("%" PRId64, bigints[i]);
    case TYPE_DOUBLE:
        print_double(((const double *)c->values)[i], text);
        break;
    case TYPE_DECIMAL:
        print_decimal(column_decimal(c, i), c->type.scale, text);
        break;
    case TYPE_DATE:
        print_days(ints[i], text);
        break;
    case TYPE_TIME:
        print_clock(bigints[i], text);
        break;
    case TYPE_TIMESTAMP:
        print_moment(bigints[i], true, text);
        break;
    case TYPE_UUID:
        print_uuid(((const struct uuid *)c->values)[i], text);
        break;
    case TYPE_TEXT:
        bytes = column_bytes(c, i, &count);
        return mem_strndup(bytes, count);
    case TYPE_BINARY:
        bytes = column_bytes(c, i, &count);
        return hex(bytes, count);
    case TYPE_NONE:
    case TYPE_COUNT:
        break;
    }
    return mem_strdup(text);
}

/* Bytes that would change any value which they became part of. */
static const char behind[] = "7.:-+TZ%e9 ,08aF}\"'\n7.:-+TZ%e9 ,08";
_Static_assert(sizeof behind > CAST_MARGIN, "all of the margin can be read");

static enum cast_outcome cast_together(const struct cast *c, const char *text, size_t length,
                                       struct column *out)
{
    struct cast_span span = {.at = 1, .length = (uint32_t)length};
    char *base = mem_alloc(length + 1 + CAST_MARGIN);
    base[0] = '5';
    if (length > 0)
        memcpy(base + 1, text, length);
    memcpy(base + 1 + length, behind, CAST_MARGIN);
    size_t done = cast_texts(c, base, &span, 1, out);
    free(base);
    if (done == 0)
        return CAST_BAD;
    return column_is_null(out, out->count - 1) ? CAST_NULL : CAST_VALUE;
}

static void require(bool good)
{
    if (!good)
        abort();
}

enum cast_outcome value_cast(const struct cast *c, const char *text, size_t length,
                             struct column *out)
{
    struct column other;
    char *alone = mem_alloc(length);
    if (length > 0)
        memcpy(alone, text, length);
    column_init(&other, cast_type(c));
    enum cast_outcome outcome = cast_text(c, alone, length, out);
    require(cast_together(c, text, length, &other) == outcome);
    if (outcome == CAST_VALUE) {
        char *a = value_text(out, out->count - 1);
        char *b = value_text(&other, 0);
        require(strcmp(a, b) == 0);
        free(a);
        free(b);
    }
    column_release(&other);
    free(alone);
    return outcome;
}

#include "support/value_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

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
    default: {
        const char *bytes = column_bytes(c, i, &count);
        return c->type.kind == TYPE_BINARY ? hex(bytes, count) : mem_strndup(bytes, count);
    }
    }
    return mem_strdup(text);
}

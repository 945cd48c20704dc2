#include "source/typed.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/str.h"
#include "value/print.h"

#define FLOAT_DIGITS 9 /* distinguish every number of 32 bits from its neighbours */
#define HEX_SHOWN_MAX 90
#define NANOS INT64_C(1000000000) /* in a second */
#define MICROS INT64_C(1000000)

static int128 integer_at(const struct column *values, size_t i)
{
    if (values->type.kind == TYPE_INT)
        return ((const int32_t *)values->values)[i];
    if (values->type.kind == TYPE_BIGINT)
        return ((const int64_t *)values->values)[i];
    return column_decimal(values, i);
}

/*
 * 0.1 of 32 bits is 0.100000001490116... Where digits are wanted, the shortest ones that mean this
 * number are what was written; a double takes the number itself.
 */
static double float_at(const struct column *values, size_t i, const struct cast *cast)
{
    double exact = ((const double *)values->values)[i];
    if (cast_type(cast).kind == TYPE_DOUBLE)
        return exact;
    char digits[32];
    for (int n = 1; n <= FLOAT_DIGITS; n++) {
        snprintf(digits, sizeof digits, "%.*g", n, exact);
        double shortest = strtod(digits, NULL);
        if ((double)(float)shortest == exact)
            return shortest;
    }
    return exact;
}

/* Texts of lists and the like are only good for the type text. */
static enum cast_outcome put_nested(const char *text, size_t length, const struct cast *cast,
                                    struct column *out)
{
    if (cast_type(cast).kind != TYPE_TEXT)
        return CAST_BAD;
    return cast_text(cast, text, length, out);
}

/* Append what value `i` of a result's column stands for; see value/cast.h. */
static enum cast_outcome put_value(const struct result_column *from, const struct column *values,
                                   size_t i, const struct cast *cast, struct column *out)
{
    size_t length = 0;
    const char *bytes = values->offsets != NULL ? column_bytes(values, i, &length) : NULL;
    if (column_is_null(values, i)) {
        column_add_null(out);
        return CAST_NULL;
    }
    switch (from->kind) {
    case RESULT_BOOLEAN:
        return cast_boolean(cast, ((const uint8_t *)values->values)[i] != 0, out);
    case RESULT_INTEGER:
        return cast_integer(cast, integer_at(values, i), out);
    case RESULT_FLOAT:
        return cast_double(cast, float_at(values, i, cast), out);
    case RESULT_DOUBLE:
        return cast_double(cast, ((const double *)values->values)[i], out);
    case RESULT_DECIMAL:
        return cast_decimal(cast, column_decimal(values, i), values->type.scale, out);
    case RESULT_TEXT:
        return cast_text(cast, bytes, length, out);
    case RESULT_NESTED:
        return put_nested(bytes, length, cast, out);
    case RESULT_DAYS:
        return cast_days(cast, ((const int32_t *)values->values)[i], out);
    case RESULT_CLOCK:
        return cast_clock(cast, ((const int64_t *)values->values)[i], from->unit, out);
    case RESULT_MOMENT:
        return cast_moment(cast, ((const int64_t *)values->values)[i], from->unit, from->local,
                           out);
    case RESULT_UUID:
        return cast_uuid(cast, ((const struct uuid *)values->values)[i], out);
    case RESULT_BINARY:
        return cast_binary(cast, bytes, length, out);
    }
    return CAST_BAD;
}

static const char *const units[] = {"seconds", "milliseconds", "microseconds", "nanoseconds"};

static char *show_moment(int64_t value, enum cast_unit unit)
{
    char text[PRINT_MOMENT_SIZE];
    if (unit != CAST_NANOSECONDS)
        return mem_printf("%" PRId64 " %s since 1970", value, units[unit]);
    bool before = value % NANOS < 0;
    int64_t rest = value % NANOS + (before ? NANOS : 0);
    print_moment((value / NANOS - before) * MICROS, false, text);
    return mem_printf("%s.%09" PRId64, text, rest);
}

char *typed_hex(const char *bytes, size_t count)
{
    struct str out;
    str_init(&out, STR_MAX_DEFAULT);
    str_append(&out, "0x");
    for (size_t i = 0; i < count && i < HEX_SHOWN_MAX; i++)
        str_printf(&out, "%02x", (unsigned)(unsigned char)bytes[i]);
    return str_detach(&out);
}

/* What no text of a column can say: as it is stored. NULL: there is no other way to say it. */
static char *show_stored(const struct result_column *from, const struct column *values, size_t i)
{
    size_t count;
    const char *bytes;
    char digits[PRINT_DECIMAL_SIZE];
    switch (from->kind) {
    case RESULT_DAYS:
        return mem_printf("%" PRId32 " days since 1970", ((const int32_t *)values->values)[i]);
    case RESULT_CLOCK:
        return mem_printf("%" PRId64 " %s", ((const int64_t *)values->values)[i],
                          units[from->unit]);
    case RESULT_MOMENT:
        return show_moment(((const int64_t *)values->values)[i], from->unit);
    case RESULT_TEXT:
    case RESULT_NESTED:
    case RESULT_BINARY:
        bytes = column_bytes(values, i, &count);
        return typed_hex(bytes, count);
    case RESULT_DECIMAL:
        print_decimal(column_decimal(values, i), 0, digits);
        return mem_printf("%se-%u", digits, values->type.scale);
    case RESULT_BOOLEAN:
    case RESULT_INTEGER:
    case RESULT_FLOAT:
    case RESULT_DOUBLE:
    case RESULT_UUID:
        break;
    }
    return NULL;
}

/* A value as text, for messages. */
static char *show(const struct result_column *from, const struct column *values, size_t i)
{
    static const struct cast_options as_text = {.type = {TYPE_TEXT, 0, 0}, .decimal = '.'};
    struct cast *cast = NULL;
    struct column text;
    char *shown = NULL;
    column_init(&text, as_text.type);
    if (cast_new(&as_text, &cast, NULL) == ERR_OK &&
        put_value(from, values, i, cast, &text) == CAST_VALUE) {
        size_t length;
        const char *bytes = column_bytes(&text, 0, &length);
        shown = mem_strndup(bytes, length);
    }
    cast_free(cast);
    column_release(&text);
    return shown != NULL ? shown : show_stored(from, values, i);
}

static char *reason(const struct result_column *from, const struct column *values, size_t i,
                    const struct cast *cast)
{
    char type[TYPE_TEXT_SIZE];
    size_t length;
    if (from->kind == RESULT_TEXT) {
        const char *text = column_bytes(values, i, &length);
        return cast_reason(cast, text, length);
    }
    type_format(cast_type(cast), type);
    return mem_printf("cannot be taken exactly as %s", type);
}

bool typed_put_or_fault(const struct result_column *from, const struct column *values, size_t i,
                        const struct reader_column *wanted, const struct reader_fault *place,
                        struct reader_batch *out)
{
    struct column *to = &out->values.columns[place->index];
    enum cast_outcome outcome = put_value(from, values, i, wanted->cast, to);
    if (outcome == CAST_NULL && wanted->required) {
        reader_batch_fault(out, place, NULL, 0, mem_strdup("has no value, but must have one"));
        return false;
    }
    if (outcome != CAST_BAD)
        return true;
    char *value = show(from, values, i);
    reader_batch_fault(out, place, value, value != NULL ? strlen(value) : 0,
                       reason(from, values, i, wanted->cast));
    free(value);
    return false;
}

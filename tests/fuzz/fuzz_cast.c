/*
 * Any bytes as a value of any type, written in any way: the first byte chooses the type, the second how
 * numbers are written, then follow a format up to a NUL (none: ISO 8601) and the text. A value that is
 * printed and read again is the same value; what is refused leaves nothing behind and has a reason.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "support/value_text.h"
#include "util/mem.h"
#include "value/cast.h"

static void require(int good)
{
    if (!good)
        abort();
}

static struct cast_options choose(uint8_t kind, uint8_t how)
{
    static const struct type types[] = {
        {TYPE_BOOLEAN, 0, 0}, {TYPE_INT, 0, 0},       {TYPE_BIGINT, 0, 0}, {TYPE_DOUBLE, 0, 0},
        {TYPE_DECIMAL, 9, 2}, {TYPE_DECIMAL, 38, 10}, {TYPE_TEXT, 0, 0},   {TYPE_DATE, 0, 0},
        {TYPE_TIME, 0, 0},    {TYPE_TIMESTAMP, 0, 0}, {TYPE_UUID, 0, 0},   {TYPE_BINARY, 0, 0},
    };
    static const char thousands[] = {'\0', '.', ',', ' '};
    return (struct cast_options){
        .type = types[kind % (sizeof types / sizeof *types)],
        .decimal = how & 1 ? ',' : '.',
        .thousands = thousands[how >> 1 & 3],
        .percent = (how & 8) != 0,
        .trim = (how & 16) != 0,
        .time_zone = how & 32 ? "Europe/Madrid" : NULL,
    };
}

/* The text of a value, read in the plain way, is that value. */
static void check_value(const struct column *column)
{
    struct cast_options options = {.type = column->type};
    struct cast *plain;
    struct column back;
    char *text = value_text(column, 0);
    size_t length = strlen(text);
    if (column->type.kind == TYPE_TEXT && memchr(column->bytes, '\0', column->bytes_used) != NULL)
        length = column->bytes_used;
    require(cast_new(&options, &plain, NULL) == ERR_OK);
    column_init(&back, column->type);
    require(cast_text(plain, text, length, &back) == CAST_VALUE);
    if (column->offsets != NULL)
        require(back.bytes_used == column->bytes_used &&
                memcmp(back.bytes, column->bytes, back.bytes_used) == 0);
    else
        require(memcmp(back.values, column->values, column_width(column->type)) == 0);
    column_release(&back);
    cast_free(plain);
    free(text);
}

static void check(const struct cast *c, const char *text, size_t length)
{
    struct column column;
    column_init(&column, cast_type(c));
    enum cast_outcome outcome = value_cast(c, text, length, &column);
    require(column.count == (outcome != CAST_BAD));
    if (outcome == CAST_VALUE)
        check_value(&column);
    char *reason = cast_reason(c, text, length);
    require(strncmp(reason, "is not a", 8) == 0);
    free(reason);
    column_release(&column);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3)
        return 0;
    const char *format = (const char *)data + 2;
    const char *end = memchr(format, '\0', size - 2);
    if (end == NULL)
        return 0;
    struct cast_options options = choose(data[0], data[1]);
    options.formats = &format;
    options.format_count = *format != '\0';
    struct error err = ERROR_INIT;
    struct cast *c;
    int rc = cast_new(&options, &c, &err);
    require(rc == ERR_OK || (rc == ERR_CONFIG && err.text[0] != '\0'));
    if (rc != ERR_OK)
        return 0;
    size_t length = size - 3 - (size_t)(end - format);
    char *text = mem_strndup(end + 1, length);
    check(c, text, length);
    free(text);
    cast_free(c);
    return 0;
}

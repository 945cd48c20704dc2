/*
 * Any lines as the texts of a column: the type that is found takes every one of them, what is found in
 * parts is what is found in the whole, and doubts are one line.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "util/mem.h"
#include "util/utf8.h"
#include "value/cast.h"
#include "value/octets.h"
#include "value/survey.h"

static const char *const nulls[] = {"", "NA"};

static void require(int good)
{
    if (!good)
        abort();
}

/* Calls for every line of the bytes from `from` to `to`; a line belongs to where it begins. */
static void each(const char *text, size_t from, size_t to, size_t size,
                 void (*call)(void *ctx, const char *line, size_t length), void *ctx)
{
    for (size_t at = from; at < to;) {
        const char *end = memchr(text + at, '\n', size - at);
        size_t length = end != NULL ? (size_t)(end - text) - at : size - at;
        call(ctx, text + at, length);
        at += length + 1;
    }
}

static void add(void *ctx, const char *line, size_t length)
{
    survey_add(ctx, 0, line, length);
}

struct loading {
    const struct cast *cast;
    struct column column;
    uint64_t nulls;
};

static void load(void *ctx, const char *line, size_t length)
{
    struct loading *l = ctx;
    enum cast_outcome outcome = cast_text(l->cast, line, length, &l->column);
    require(outcome != CAST_BAD);
    l->nulls += outcome == CAST_NULL;
}

static struct survey *survey_of(const char *text, size_t from, size_t to, size_t size)
{
    struct survey_options options = {.nulls = nulls, .null_count = 2, .decimal = '.'};
    struct survey *s;
    survey_new(&options, 1, &s);
    each(text, from, to, size, add, s);
    return s;
}

static void check_load(const char *text, size_t size, const struct survey_finding *f)
{
    struct cast_options options = {.type = f->type,
                                   .formats = &f->format,
                                   .format_count = f->format != NULL,
                                   .nulls = nulls,
                                   .null_count = 2};
    struct cast *c;
    struct loading l = {.nulls = 0};
    require(cast_new(&options, &c, NULL) == ERR_OK);
    l.cast = c;
    column_init(&l.column, f->type);
    each(text, 0, size, size, load, &l);
    require(l.column.count == f->values + f->nulls);
    column_release(&l.column);
    cast_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    if (size == 0 || !utf8_valid(text, size))
        return 0;
    const char *middle = memchr(text + size / 2, '\n', size - size / 2);
    size_t cut = middle != NULL ? (size_t)(middle - text) + 1 : size;
    struct survey *whole = survey_of(text, 0, size, size);
    struct survey *part = survey_of(text, 0, cut, size);
    struct survey *rest = survey_of(text, cut, size, size);
    struct survey_finding one, other;
    struct str a, b;
    str_init(&a, STR_MAX_DEFAULT);
    str_init(&b, STR_MAX_DEFAULT);
    survey_merge(part, rest);
    survey_find(whole, 0, &one);
    survey_find(part, 0, &other);
    require(type_equal(one.type, other.type) && one.values == other.values);
    survey_doubts(whole, 0, &a);
    survey_doubts(part, 0, &b);
    check_load(text, size, &one);
    str_release(&a);
    str_release(&b);
    survey_free(whole);
    survey_free(part);
    survey_free(rest);
    return 0;
}

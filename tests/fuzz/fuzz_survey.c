/* Any lines as the texts of a column: the type that is found takes every one of them. */
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

static void each_line(const char *text, size_t size,
                      void (*call)(void *ctx, const char *line, size_t length), void *ctx)
{
    for (size_t at = 0; at < size;) {
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

static struct survey *survey_of(const char *text, size_t size)
{
    struct survey_options options = {.nulls = nulls, .null_count = 2, .decimal = '.'};
    struct survey *s;
    survey_new(&options, 1, &s);
    each_line(text, size, add, s);
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
    each_line(text, size, load, &l);
    require(l.column.count == f->values + f->nulls);
    column_release(&l.column);
    cast_free(c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    if (size == 0 || !utf8_valid(text, size))
        return 0;
    struct survey *s = survey_of(text, size);
    struct survey_finding found;
    struct str doubts;
    str_init(&doubts, STR_MAX_DEFAULT);
    survey_find(s, 0, &found);
    survey_doubts(s, 0, &doubts);
    check_load(text, size, &found);
    str_release(&doubts);
    survey_free(s);
    return 0;
}

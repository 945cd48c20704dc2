#include "value/cast.h"

#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "value/cast_part.h"

/* ---- What a cast is made of ------------------------------------------------------------------ */

static void copy_nulls(struct cast *c, const struct cast_options *o)
{
    c->nulls = mem_calloc(o->null_count, sizeof *c->nulls);
    for (size_t i = 0; i < o->null_count; i++) {
        c->nulls[i] = (struct cast_null){mem_strdup(o->nulls[i]), strlen(o->nulls[i])};
        size_t length = c->nulls[i].length;
        c->null_lengths |= UINT64_C(1) << (length < 63 ? length : 63);
    }
    c->null_count = o->null_count;
}

static bool has_formats(enum type_kind kind)
{
    return kind == TYPE_DATE || kind == TYPE_TIME || kind == TYPE_TIMESTAMP;
}

static int parse_formats(struct cast *c, const struct cast_options *o, struct error *err)
{
    if (!has_formats(o->type.kind))
        return ERR_OK;
    int pivot = o->pivot != 0 ? o->pivot : FORMAT_PIVOT;
    c->formats = mem_calloc(o->format_count, sizeof *c->formats);
    for (size_t i = 0; i < o->format_count; i++) {
        int rc = format_parse(o->formats[i], o->type.kind, pivot, &c->formats[i], err);
        if (rc != ERR_OK)
            return rc;
        c->format_count++;
    }
    return ERR_OK;
}

int cast_new(const struct cast_options *options, struct cast **out, struct error *err)
{
    struct cast *c = mem_calloc(1, sizeof *c);
    *out = NULL;
    c->type = options->type;
    c->trim = options->trim || (c->type.kind != TYPE_TEXT && c->type.kind != TYPE_BINARY);
    c->style = (struct number_style){options->decimal != '\0' ? options->decimal : '.',
                                     options->thousands, options->percent};
    copy_nulls(c, options);
    int rc = parse_formats(c, options, err);
    if (rc == ERR_OK && options->time_zone != NULL && c->type.kind == TYPE_TIMESTAMP)
        rc = zone_open(options->time_zone, &c->zone, err);
    if (rc != ERR_OK) {
        cast_free(c);
        return rc;
    }
    c->read = cast_reader_of(c->type.kind, c->format_count > 0);
    *out = c;
    return ERR_OK;
}

void cast_free(struct cast *c)
{
    if (c == NULL)
        return;
    for (size_t i = 0; i < c->null_count; i++)
        free(c->nulls[i].text);
    for (size_t i = 0; i < c->format_count; i++)
        format_free(c->formats[i]);
    free(c->nulls);
    free(c->formats);
    zone_free(c->zone);
    free(c);
}

struct type cast_type(const struct cast *c)
{
    return c->type;
}

/* ---- Texts ----------------------------------------------------------------------------------- */

static bool is_null(const struct cast *c, const char *text, size_t length)
{
    if (!cast_may_be_null(c, length))
        return false;
    for (size_t i = 0; i < c->null_count; i++)
        if (c->nulls[i].length == length && memcmp(c->nulls[i].text, text, length) == 0)
            return true;
    return false;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void trim(const char **text, size_t *length)
{
    while (*length > 0 && is_blank((*text)[*length - 1]))
        --*length;
    while (*length > 0 && is_blank(**text)) {
        ++*text;
        --*length;
    }
}

/* The value of a text; `null` where it is one that means NULL. */
static enum fault read_text(const struct cast *c, const char *text, size_t length,
                            struct column *out, bool *null)
{
    *null = is_null(c, text, length);
    if (*null)
        return FAULT_NONE;
    if (c->trim && length > 0 && (is_blank(text[0]) || is_blank(text[length - 1]))) {
        trim(&text, &length);
        *null = is_null(c, text, length);
        if (*null)
            return FAULT_NONE;
    }
    return c->read(c, text, length, out);
}

enum cast_outcome cast_text(const struct cast *c, const char *text, size_t length,
                            struct column *out)
{
    bool null;
    if (read_text(c, text, length, out, &null) != FAULT_NONE)
        return CAST_BAD;
    if (!null)
        return CAST_VALUE;
    column_add_null(out);
    return CAST_NULL;
}

bool cast_is_plain(const struct cast *c)
{
    return c->style.decimal == '.' && c->style.thousands == '\0';
}

enum cast_outcome cast_number(const struct cast *c, const char *text, size_t length,
                              struct column *out)
{
    if (cast_is_plain(c))
        return cast_text(c, text, length, out);
    struct cast plain = *c;
    plain.style.decimal = '.';
    plain.style.thousands = '\0';
    return cast_text(&plain, text, length, out);
}

char *cast_reason(const struct cast *c, const char *text, size_t length)
{
    struct column scratch;
    bool null;
    char type[TYPE_TEXT_SIZE];
    column_init(&scratch, c->type);
    enum fault fault = read_text(c, text, length, &scratch, &null);
    column_release(&scratch);
    type_format(c->type, type);
    const char *article = c->type.kind == TYPE_INT ? "an" : "a";
    const char *why = fault_text(fault != FAULT_NONE ? fault : FAULT_FULL);
    if (c->type.kind == TYPE_TEXT)
        return mem_printf("is not a text (%s)", why != NULL ? why : "not UTF-8");
    if (why == NULL)
        return mem_printf("is not %s %s", article, type);
    return mem_printf("is not %s %s (%s)", article, type, why);
}

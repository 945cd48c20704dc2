#include "util/json.h"

/* From here on these names mean jansson's functions; ours are defined under their symbols. */
#undef json_string
#undef json_integer
#undef json_real
#undef json_copy
#include <jansson.h>
/* And these mean ours, not jansson's macros. */
#undef json_is_object
#undef json_is_array
#undef json_is_string
#undef json_is_null

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "util/mem.h"
#include "util/utf8.h"
#include "util/visible.h"

/* A struct json is a json_t behind another name. */
static json_t *inside(const struct json *value)
{
    return (json_t *)(uintptr_t)value;
}

static struct json *outside(json_t *value)
{
    assert(value != NULL); /* out of memory: nothing can go on */
    return (struct json *)value;
}

static const struct json *borrowed(const json_t *value)
{
    return (const struct json *)value;
}

int json_parse(const char *bytes, size_t count, const char *what, struct json **out,
               struct error *err)
{
    json_error_t reason;
    json_t *value = json_loadb(count > 0 ? bytes : "", count,
                               JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &reason);
    *out = (struct json *)value;
    if (value != NULL)
        return ERR_OK;
    return error_set(err, ERR_DAMAGED, "%s is not valid JSON, at line %d, column %d: %s.", what,
                     reason.line, reason.column, reason.text);
}

/* jansson takes a byte NUL for the end of the text, wherever it stands. */
static void find_nul(const char *bytes, const char *nul, json_error_t *reason)
{
    const char *line = memrchr(bytes, '\n', (size_t)(nul - bytes));
    reason->line = 1;
    for (const char *p = bytes; p < nul; p++)
        reason->line += *p == '\n';
    reason->column = (int)(nul - (line != NULL ? line + 1 : bytes)) + 1;
    snprintf(reason->text, sizeof reason->text, "NUL is not allowed in a text");
}

bool json_find_flaw(const char *bytes, size_t count, struct json_flaw *out)
{
    json_error_t reason;
    size_t flags = JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL | JSON_ALLOW_NUL;
    const char *nul = count > 0 ? memchr(bytes, '\0', count) : NULL;
    size_t length = nul != NULL ? (size_t)(nul - bytes) : count;
    json_t *value = json_loadb(count > 0 ? bytes : "", length, flags, &reason);
    bool flawed = value == NULL && json_error_code(&reason) != json_error_numeric_overflow;
    json_decref(value);
    if (!flawed && nul == NULL)
        return false;
    if (!flawed)
        find_nul(bytes, nul, &reason);
    out->line = reason.line > 0 ? (unsigned)reason.line : 1;
    out->column = reason.column > 0 ? (unsigned)reason.column : 1;
    snprintf(out->reason, sizeof out->reason, "%s", reason.text);
    return true;
}

void json_free(struct json *value)
{
    json_decref(inside(value));
}

struct json *json_new_object(void)
{
    return outside(json_object());
}

struct json *json_new_array(void)
{
    return outside(json_array());
}

/* Copy of a string with every ill-formed part replaced by U+FFFD. */
static char *replace_bad(const char *text)
{
    struct str out;
    str_init(&out, SIZE_MAX / 2);
    for (size_t left = strlen(text); left > 0;) {
        bool whole;
        size_t length = utf8_step(text, left, &whole);
        if (whole)
            str_append_bytes(&out, text, length);
        else
            str_append(&out, "\xef\xbf\xbd");
        text += length;
        left -= length;
    }
    return str_detach(&out);
}

struct json *json_new_string(const char *text)
{
    if (text == NULL)
        return json_new_null();
    json_t *value = json_string(text);
    if (value == NULL) {
        char *good = replace_bad(text);
        value = json_string(good);
        free(good);
    }
    return outside(value);
}

struct json *json_new_integer(int64_t value)
{
    return outside(json_integer(value));
}

struct json *json_new_real(double value)
{
    return isfinite(value) ? outside(json_real(value)) : json_new_null();
}

struct json *json_new_bool(bool value)
{
    return outside(json_boolean(value));
}

struct json *json_new_null(void)
{
    return outside(json_null());
}

struct json *cauce_json_copy(const struct json *value)
{
    return value == NULL ? json_new_null() : outside(json_deep_copy(inside(value)));
}

void json_set(struct json *object, const char *name, struct json *value)
{
    assert(json_is_object(object) && value != NULL);
    /* One more reference, because a refused name costs the first. */
    json_incref(inside(value));
    if (json_object_set_new(inside(object), name, inside(value)) != 0) {
        char *good = replace_bad(name);
        int failed = json_object_set(inside(object), good, inside(value));
        assert(failed == 0);
        (void)failed;
        free(good);
    }
    json_decref(inside(value));
}

void json_set_string(struct json *object, const char *name, const char *text)
{
    json_set(object, name, json_new_string(text));
}

void json_set_integer(struct json *object, const char *name, int64_t value)
{
    json_set(object, name, json_new_integer(value));
}

void json_set_unsigned(struct json *object, const char *name, uint64_t value)
{
    assert(value <= INT64_MAX);
    json_set(object, name, json_new_integer((int64_t)value));
}

void json_set_real(struct json *object, const char *name, double value)
{
    json_set(object, name, json_new_real(value));
}

void json_set_bool(struct json *object, const char *name, bool value)
{
    json_set(object, name, json_new_bool(value));
}

void json_append(struct json *array, struct json *value)
{
    int failed = json_array_append_new(inside(array), inside(value));
    assert(failed == 0);
    (void)failed;
}

static bool is_type(const struct json *value, json_type type)
{
    return value != NULL && json_typeof(inside(value)) == type;
}

bool json_is_object(const struct json *value)
{
    return is_type(value, JSON_OBJECT);
}

bool json_is_array(const struct json *value)
{
    return is_type(value, JSON_ARRAY);
}

bool json_is_string(const struct json *value)
{
    return is_type(value, JSON_STRING);
}

bool json_is_null(const struct json *value)
{
    return value == NULL || is_type(value, JSON_NULL);
}

const struct json *json_get(const struct json *object, const char *name)
{
    return borrowed(json_object_get(inside(object), name));
}

size_t json_count(const struct json *array)
{
    return json_array_size(inside(array));
}

const struct json *json_at(const struct json *array, size_t i)
{
    return borrowed(json_array_get(inside(array), i));
}

int json_each(const struct json *object, json_visit *visit, void *ctx, struct error *err)
{
    json_t *o = inside(object);
    int rc = 0;
    for (void *i = json_object_iter(o); rc == 0 && i != NULL; i = json_object_iter_next(o, i))
        rc = visit(ctx, json_object_iter_key(i), borrowed(json_object_iter_value(i)), err);
    return rc;
}

const char *cauce_json_string(const struct json *value)
{
    const char *text = json_string_value(inside(value));
    return text != NULL ? text : "";
}

int64_t cauce_json_integer(const struct json *value)
{
    return json_integer_value(inside(value));
}

double cauce_json_real(const struct json *value)
{
    return json_number_value(inside(value));
}

bool json_bool(const struct json *value)
{
    return is_type(value, JSON_TRUE);
}

static const char *type_name(const struct json *value)
{
    switch (json_typeof(inside(value))) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "an array";
    case JSON_STRING:
        return "a string";
    case JSON_INTEGER:
        return "an integer";
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
    case JSON_FALSE:
        return "a truth value";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* The field, or an error that says what is expected. */
static int need(const struct json *object, const char *name, const char *where, json_type type,
                const char *wanted, const struct json **out, struct error *err)
{
    const struct json *value = json_get(object, name);
    *out = NULL;
    if (value == NULL)
        return error_set(err, ERR_DAMAGED, "The field \"%s\" of %s is missing.", name, where);
    if (!is_type(value, type))
        return error_set(err, ERR_DAMAGED, "The field \"%s\" of %s is %s; it must be %s.", name,
                         where, type_name(value), wanted);
    *out = value;
    return ERR_OK;
}

int json_need_string(const struct json *object, const char *name, const char *where,
                     const char **out, struct error *err)
{
    const struct json *value;
    int rc = need(object, name, where, JSON_STRING, "a string", &value, err);
    if (rc == ERR_OK)
        *out = cauce_json_string(value);
    return rc;
}

int json_need_unsigned(const struct json *object, const char *name, const char *where,
                       uint64_t *out, struct error *err)
{
    int64_t value;
    int rc = json_need_integer(object, name, where, &value, err);
    if (rc != ERR_OK)
        return rc;
    if (value < 0)
        return error_set(err, ERR_DAMAGED,
                         "The field \"%s\" of %s is %lld; it must not be negative.", name, where,
                         (long long)value);
    *out = (uint64_t)value;
    return ERR_OK;
}

int json_need_integer(const struct json *object, const char *name, const char *where, int64_t *out,
                      struct error *err)
{
    const struct json *value;
    int rc = need(object, name, where, JSON_INTEGER, "an integer", &value, err);
    if (rc == ERR_OK)
        *out = cauce_json_integer(value);
    return rc;
}

int json_need_bool(const struct json *object, const char *name, const char *where, bool *out,
                   struct error *err)
{
    const struct json *value = json_get(object, name);
    json_type type = is_type(value, JSON_FALSE) ? JSON_FALSE : JSON_TRUE;
    int rc = need(object, name, where, type, "true or false", &value, err);
    if (rc == ERR_OK)
        *out = json_bool(value);
    return rc;
}

int json_need_object(const struct json *object, const char *name, const char *where,
                     const struct json **out, struct error *err)
{
    return need(object, name, where, JSON_OBJECT, "an object", out, err);
}

int json_need_array(const struct json *object, const char *name, const char *where,
                    const struct json **out, struct error *err)
{
    return need(object, name, where, JSON_ARRAY, "an array", out, err);
}

static int append_part(const char *bytes, size_t count, void *ctx)
{
    struct str *out = ctx;
    str_append_bytes(out, bytes, count);
    return out->full ? -1 : 0;
}

void json_write(const struct json *value, bool indented, struct str *out)
{
    size_t shape = indented ? JSON_INDENT(2) : JSON_COMPACT;
    if (value == NULL) {
        str_append(out, "null");
        return;
    }
    int failed = json_dump_callback(inside(value), append_part, out,
                                    JSON_ENCODE_ANY | JSON_REAL_PRECISION(15) | shape);
    assert(failed == 0 || out->full);
    (void)failed;
}

void json_write_visible(const struct json *value, bool indented, struct str *out)
{
    struct str text;
    str_init(&text, out->max);
    json_write(value, indented, &text);
    visible_json(out, text.data, text.len);
    out->full = out->full || text.full;
    str_release(&text);
}

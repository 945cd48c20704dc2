/*
 * JSON (RFC 8259) over jansson, behind our own interface: objects are built field by field and read
 * with typed getters whose errors name the path ("outputs.files[3].size"). Not thread-safe per
 * value.
 *
 * Ownership: json_parse and json_new_* give a value that json_free releases; the getters give
 * borrowed values that live as long as their root. The setters take over the value given.
 */
#ifndef CAUCE_UTIL_JSON_H
#define CAUCE_UTIL_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/error.h"
#include "util/str.h"

struct json; /* opaque: any JSON value */

/*
 * jansson exports functions of these names, with other meanings, and calls them itself: a program
 * that defined them again would put its own in their place. So their symbols carry another name.
 */
#define json_string cauce_json_string
#define json_integer cauce_json_integer
#define json_real cauce_json_real
#define json_copy cauce_json_copy

/*
 * Where a text stops being JSON, and why: as json_parse, but names may repeat and numbers have any
 * size. False, and nothing said, where it is JSON.
 */
struct json_flaw {
    unsigned line, column; /* from 1: of the last character that was read */
    char reason[160];
};
bool json_find_flaw(const char *bytes, size_t count, struct json_flaw *out);

/*
 * Parse a whole text: any one value; repeated names in an object, NUL characters in strings,
 * integers beyond 64 bits and more than 2048 levels are refused. `what` names the text in the error
 * (ERR_DAMAGED, with line and column). `*out` is NULL on failure.
 */
MUST_USE int json_parse(const char *bytes, size_t count, const char *what, struct json **out,
                        struct error *err);
void json_free(struct json *value); /* NULL allowed */

MUST_USE struct json *json_new_object(void);
MUST_USE struct json *json_new_array(void);
MUST_USE struct json *
json_new_string(const char *text); /* NULL gives null; bad UTF-8 is replaced */
MUST_USE struct json *json_new_integer(int64_t value);
MUST_USE struct json *json_new_real(double value); /* not finite: null; written with 15 digits */
MUST_USE struct json *json_new_bool(bool value);
MUST_USE struct json *json_new_null(void);
MUST_USE struct json *json_copy(const struct json *value); /* deep; NULL gives null */

/*
 * Set a field (order of insertion is kept), or replace the one of that name in its place; `value`
 * belongs to the object afterwards. Bad UTF-8 in names is replaced as in strings. `object` must be
 * an object, `array` an array, `value` not NULL: anything else is a mistake of the program.
 */
void json_set(struct json *object, const char *name, struct json *value);
void json_set_string(struct json *object, const char *name, const char *text);
void json_set_integer(struct json *object, const char *name, int64_t value);
void json_set_unsigned(struct json *object, const char *name, uint64_t value); /* < 2^63 */
void json_set_real(struct json *object, const char *name, double value);
void json_set_bool(struct json *object, const char *name, bool value);
void json_append(struct json *array, struct json *value);

/* What a value is. */
bool json_is_object(const struct json *value);
bool json_is_array(const struct json *value);
bool json_is_string(const struct json *value);
bool json_is_null(const struct json *value); /* also for NULL */

/*
 * Field of an object, NULL where it is absent or `object` is not an object. `name` is one field
 * name.
 */
const struct json *json_get(const struct json *object, const char *name);

/* Elements; 0 and NULL for what is not an array. */
size_t json_count(const struct json *array);
const struct json *json_at(const struct json *array, size_t i);

/* Visit the fields of an object in order; a non-zero return of `visit` ends it and is returned. */
typedef int json_visit(void *ctx, const char *name, const struct json *value, struct error *err);
MUST_USE int json_each(const struct json *object, json_visit *visit, void *ctx, struct error *err);

/* Values without checks; "", 0 or false for another type. */
const char *json_string(const struct json *value);
int64_t json_integer(const struct json *value);
double json_real(const struct json *value); /* integers too */
bool json_bool(const struct json *value);

/*
 * Typed getters: ERR_DAMAGED with `where` and the field's name where the field is absent or of
 * another type. `where` is the path of the object, for example "manifest outputs".
 */
MUST_USE int json_need_string(const struct json *object, const char *name, const char *where,
                              const char **out, struct error *err);
MUST_USE int json_need_unsigned(const struct json *object, const char *name, const char *where,
                                uint64_t *out, struct error *err);
MUST_USE int json_need_integer(const struct json *object, const char *name, const char *where,
                               int64_t *out, struct error *err);
MUST_USE int json_need_bool(const struct json *object, const char *name, const char *where,
                            bool *out, struct error *err);
MUST_USE int json_need_object(const struct json *object, const char *name, const char *where,
                              const struct json **out, struct error *err);
MUST_USE int json_need_array(const struct json *object, const char *name, const char *where,
                             const struct json **out, struct error *err);

/*
 * Append the text of a value: indented by two (stored objects) or in one line; ends without a
 * newline. Text beyond the cap of `out` is cut anywhere, which str_check reports.
 */
void json_write(const struct json *value, bool indented, struct str *out);

/*
 * The same for people and terminals: characters that util/visible.h does not show are written as
 * \\uXXXX.
 */
void json_write_visible(const struct json *value, bool indented, struct str *out);

#endif

/*
 * Any bytes as JSON: what is accepted must survive writing and reading, in both shapes, and what is
 * refused must leave nothing behind. The same bytes as a string must always become valid JSON.
 */
#include "fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "util/json.h"
#include "util/mem.h"

static void require(bool good)
{
    if (!good)
        abort();
}

/* Text of a value, written and checked. */
static void write_all(const struct json *value, bool indented, struct str *out)
{
    str_init(out, STR_MAX_DEFAULT);
    json_write(value, indented, out);
    require(str_check(out, "fuzz", NULL) == ERR_OK);
}

/* The text of a value must be read as a value of the same text. */
static void check_round_trip(const struct json *value)
{
    struct str first;
    struct str indented;
    struct str again;
    struct json *back;
    write_all(value, false, &first);
    write_all(value, true, &indented);
    require(json_parse(indented.data, indented.len, "fuzz", &back, NULL) == ERR_OK);
    write_all(back, false, &again);
    require(first.len == again.len && memcmp(first.data, again.data, first.len) == 0);
    json_free(back);
    str_release(&again);
    str_release(&indented);
    str_release(&first);
}

static int visit(void *ctx, const char *name, const struct json *value, struct error *err);

/* Every getter on a value and on all below it. */
static void look(const struct json *value, struct error *err)
{
    const char *text;
    uint64_t number;
    bool truth;
    require(json_string(value) != NULL);
    json_real(value);
    json_bool(value);
    int rc = json_need_unsigned(value, "size", "fuzz", &number, err);
    require(rc == ERR_DAMAGED || (rc == ERR_OK && number <= INT64_MAX));
    rc = json_need_string(value, "key", "fuzz", &text, err);
    require(rc == ERR_DAMAGED || (rc == ERR_OK && text != NULL));
    rc = json_need_bool(value, "flag", "fuzz", &truth, err);
    require(rc == ERR_DAMAGED || rc == ERR_OK);
    for (size_t i = 0; i < json_count(value); i++)
        look(json_at(value, i), err);
    require(json_each(value, visit, NULL, err) == ERR_OK);
}

static int visit(void *ctx, const char *name, const struct json *value, struct error *err)
{
    (void)ctx;
    require(name != NULL);
    look(value, err);
    return ERR_OK;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    struct json *value = NULL;
    int rc = json_parse((const char *)data, size, "fuzz", &value, &err);
    if (rc == ERR_OK) {
        look(value, &err);
        check_round_trip(value);
    } else {
        require(rc == ERR_DAMAGED && value == NULL && err.text[0] != '\0');
    }
    json_free(value);

    char *text = mem_strndup(size > 0 ? (const char *)data : "", size);
    struct json *object = json_new_object();
    json_set_string(object, text, text);
    check_round_trip(object);
    json_free(object);
    free(text);
    return 0;
}

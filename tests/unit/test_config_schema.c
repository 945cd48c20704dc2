/*
 * The schema for editors (schema/dataset.schema.json), the manual (docs/configuration.md) and the
 * parser say the same: no key, choice or example is known to one and not to the others.
 */
#include "config/config.h"

#include <stdio.h>

#include "unit/config_test.h"
#include "util/fs.h"
#include "util/json.h"

#define SCHEMA CAUCE_TEST_SOURCE_DIR "/schema/dataset.schema.json"
#define MANUAL CAUCE_TEST_SOURCE_DIR "/docs/configuration.md"

static struct json *schema;

static int load_schema(void **state)
{
    (void)state;
    struct str text;
    struct error err = ERROR_INIT;
    str_init(&text, CONFIG_SIZE_MAX);
    if (fs_read(SCHEMA, &text, &err) != ERR_OK ||
        json_parse(text.data, text.len, "the schema", &schema, &err) != ERR_OK)
        print_error("%s\n", err.text);
    str_release(&text);
    return schema != NULL ? 0 : -1;
}

static int free_schema(void **state)
{
    (void)state;
    json_free(schema);
    return 0;
}

/* What "$ref" points to, or the value itself. */
static const struct json *resolve(const struct json *value)
{
    const struct json *ref = json_get(value, "$ref");
    if (ref == NULL)
        return value;
    assert_true(str_starts(json_string(ref), "#/$defs/"));
    const struct json *target =
        json_get(json_get(schema, "$defs"), json_string(ref) + strlen("#/$defs/"));
    assert_non_null(target);
    return target;
}

struct keys {
    struct config_list list;
    const char *prefix;
    void (*at_enum)(const char *path, const struct json *choices);
};

static void keys_add(void *ctx, const char *path)
{
    struct keys *keys = ctx;
    keys->list.items = mem_resize(keys->list.items, keys->list.count + 1, sizeof *keys->list.items);
    keys->list.items[keys->list.count++] = mem_strdup(path);
}

static void keys_release(struct keys *keys)
{
    for (size_t i = 0; i < keys->list.count; i++)
        free(keys->list.items[i]);
    free(keys->list.items);
}

static bool keys_hold(const struct keys *keys, const char *path)
{
    for (size_t i = 0; i < keys->list.count; i++) {
        if (strcmp(keys->list.items[i], path) == 0)
            return true;
    }
    return false;
}

static int visit_key(void *ctx, const char *name, const struct json *value, struct error *err);

/* Keys of an object in any form that the schema uses: itself, one of several, or of each item. */
static void visit_value(struct keys *keys, const struct json *value, const char *path)
{
    const struct json *object = resolve(value);
    const struct json *forms = json_get(object, "anyOf");
    const char *outer = keys->prefix;
    for (size_t i = 0; i < json_count(forms); i++)
        visit_value(keys, json_at(forms, i), path);
    if (json_get(object, "items") != NULL) {
        char *items = mem_printf("%s[]", path);
        visit_value(keys, json_get(object, "items"), items);
        free(items);
    }
    if (json_get(object, "enum") != NULL && keys->at_enum != NULL)
        keys->at_enum(path, json_get(object, "enum"));
    if (json_get(object, "properties") != NULL) {
        keys->prefix = path;
        assert_false(json_bool(json_get(object, "additionalProperties")));
        assert_int_equal(json_each(json_get(object, "properties"), visit_key, keys, NULL), ERR_OK);
        keys->prefix = outer;
    }
}

static int visit_key(void *ctx, const char *name, const struct json *value, struct error *err)
{
    struct keys *keys = ctx;
    (void)err;
    char *path = mem_printf("%s%s%s", keys->prefix, keys->prefix[0] != '\0' ? "." : "", name);
    assert_true(strlen(json_string(json_get(value, "description"))) > 0);
    keys_add(keys, path);
    visit_value(keys, value, path);
    free(path);
    return ERR_OK;
}

static void parser_and_schema_know_the_same_keys(void **state)
{
    (void)state;
    struct keys of_parser = {0};
    struct keys of_schema = {.prefix = ""};
    config_known_keys(keys_add, &of_parser);
    visit_value(&of_schema, schema, "");
    assert_true(of_parser.list.count > 50);
    for (size_t i = 0; i < of_parser.list.count; i++) {
        if (!keys_hold(&of_schema, of_parser.list.items[i]))
            fail_msg("the schema does not know \"%s\"", of_parser.list.items[i]);
    }
    for (size_t i = 0; i < of_schema.list.count; i++) {
        if (!keys_hold(&of_parser, of_schema.list.items[i]))
            fail_msg("the parser does not know \"%s\"", of_schema.list.items[i]);
    }
    assert_int_equal(of_parser.list.count, of_schema.list.count);
    keys_release(&of_parser);
    keys_release(&of_schema);
}

/* A file that sets the key at `path` to `value`, and is right if that is. */
static char *file_with(const char *path, const char *value)
{
    const char *dot = strchr(path, '.');
    if (dot == NULL)
        return mem_printf("dataset: d\nkey: id\n%s: '%s'\n", path, value);
    const char *beside = str_starts(path, "partition.")                   ? "column: day, "
                         : str_starts(path, "source.th") && *value == '.' ? "decimal: ',', "
                                                                          : "";
    return mem_printf("dataset: d\nkey: id\n%.*s: {%s%s: '%s'}\n", (int)(dot - path), path, beside,
                      dot + 1, strcmp(value, "'") == 0 ? "''" : value);
}

static size_t enums_seen;

static void check_enum(const char *path, const struct json *choices)
{
    struct str list;
    struct config config = {0};
    enums_seen++;
    str_init(&list, 1000);
    for (size_t i = 0; i < json_count(choices); i++) {
        const char *value = json_string(json_at(choices, i));
        char *text = file_with(path, value);
        char *problems = config_test_problems(text, NULL, &config);
        assert_string_equal(problems, "");
        config_release(&config);
        free(problems);
        free(text);
        str_printf(&list, "%s%s",
                   i == 0                         ? ""
                   : i + 1 == json_count(choices) ? " or "
                                                  : ", ",
                   value);
    }
    /* What the parser offers instead of a wrong value is exactly the schema's list. The signs of
     * numbers are characters to it, and it describes them in its own way. */
    if (strcmp(path, "source.decimal") != 0 && strcmp(path, "source.thousands") != 0) {
        char *text = file_with(path, "zzzzzz");
        char *problems = config_test_problems(text, NULL, &config);
        char *expected = mem_printf("\"%s\" must be %s, not \"zzzzzz\".\n", path, list.data);
        assert_non_null(strstr(problems, expected));
        free(expected);
        free(problems);
        free(text);
    }
    str_release(&list);
}

static void parser_and_schema_know_the_same_choices(void **state)
{
    (void)state;
    struct keys keys = {.prefix = "", .at_enum = check_enum};
    enums_seen = 0;
    visit_value(&keys, schema, "");
    assert_true(enums_seen >= 9);
    keys_release(&keys);
}

/* The schema's default of a key at the first level, or below `section`. */
static const struct json *default_of(const char *section, const char *key)
{
    const struct json *object = json_get(schema, "properties");
    if (section != NULL) {
        object = json_get(object, section);
        for (size_t i = 0; json_get(object, "properties") == NULL; i++)
            object =
                json_at(json_get(json_get(json_get(schema, "properties"), section), "anyOf"), i);
        object = json_get(object, "properties");
    }
    const struct json *value = json_get(json_get(object, key), "default");
    assert_non_null(value);
    return value;
}

static void parser_and_schema_have_the_same_defaults(void **state)
{
    (void)state;
    struct config c = {0};
    config_test_parse("dataset: d\nkey: id\nsource: a.csv\n", NULL, &c);
    const struct config_source *s = &c.source;
    assert_int_equal(json_integer(default_of(NULL, "bad_rows_limit")), c.bad_rows_limit);
    assert_string_equal(json_string(default_of(NULL, "revisions")), "publish");
    assert_int_equal(c.revisions, CONFIG_REVISIONS_PUBLISH);
    assert_string_equal(json_string(default_of(NULL, "duplicates")), "last");
    assert_int_equal(c.duplicates, CONFIG_DUPLICATES_LAST);
    assert_string_equal(json_string(default_of(NULL, "bad_rows")), "fail");
    assert_int_equal(c.bad_rows, CONFIG_BAD_ROWS_FAIL);
    assert_string_equal(json_string(default_of("partition", "by")), "month");
    assert_string_equal(json_string(default_of("source", "delimiter")), s->delimiter);
    assert_int_equal(json_string(default_of("source", "quote"))[0], s->quote);
    assert_int_equal(json_bool(default_of("source", "header")), s->header);
    assert_string_equal(json_string(default_of("source", "encoding")), s->encoding);
    assert_int_equal(json_count(default_of("source", "nulls")), s->nulls.count);
    assert_int_equal(json_string(default_of("source", "decimal"))[0], s->decimal);
    assert_int_equal(json_integer(default_of("source", "skip_lines")), s->skip_lines);
    assert_int_equal(json_integer(default_of("source", "timeout_seconds")), s->timeout_seconds);
    assert_int_equal(json_bool(default_of("source", "allow_private")), s->allow_private);
    assert_string_equal(json_string(default_of("source", "compression")),
                        config_compression_name(s->compression));
    assert_int_equal(json_integer(default_of("store_options", "parallel")),
                     c.store_options.parallel);
    assert_int_equal(json_bool(default_of("store_options", "allow_http")),
                     c.store_options.allow_http);
    config_release(&c);
}

static void read_manual(struct str *manual)
{
    struct error err = ERROR_INIT;
    str_init(manual, CONFIG_SIZE_MAX);
    assert_int_equal(fs_read(MANUAL, manual, &err), ERR_OK);
}

static void the_manual_describes_every_key(void **state)
{
    (void)state;
    struct keys keys = {0};
    struct str manual;
    config_known_keys(keys_add, &keys);
    read_manual(&manual);
    for (size_t i = 0; i < keys.list.count; i++) {
        const char *dot = strrchr(keys.list.items[i], '.');
        const char *name = dot != NULL ? dot + 1 : keys.list.items[i];
        char *cell = mem_printf("| `%s` |", name);
        if (strstr(manual.data, cell) == NULL)
            fail_msg("the manual does not describe \"%s\"", keys.list.items[i]);
        free(cell);
    }
    keys_release(&keys);
    str_release(&manual);
}

/* A block of the manual, completed with what it leaves out. */
static char *complete_example(const char *block, size_t length)
{
    char *text = mem_strndup(block, length);
    char *whole = mem_printf(
        "%s%s%s", strstr(text, "dataset:") == NULL ? "dataset: example\n" : "",
        str_starts(text, "key:") || strstr(text, "\nkey:") != NULL ? "" : "key: [id]\n", text);
    free(text);
    return whole;
}

static void every_example_of_the_manual_is_right(void **state)
{
    (void)state;
    static const char *const pairs[] = {
        "FEED_USER", "me", "FEED_PASSWORD", "secret", "FEED_API_KEY", "abc", NULL};
    struct str manual;
    size_t count = 0;
    read_manual(&manual);
    const char *at = manual.data;
    while ((at = strstr(at, "\n```yaml\n")) != NULL) {
        at += strlen("\n```yaml\n");
        const char *end = strstr(at, "\n```\n");
        assert_non_null(end);
        char *text = complete_example(at, (size_t)(end - at + 1));
        struct config config = {0};
        char *problems = config_test_problems(text, pairs, &config);
        if (problems[0] != '\0')
            fail_msg("this example is wrong:\n%s\n%s", problems, text);
        config_release(&config);
        free(problems);
        free(text);
        at = end;
        count++;
    }
    assert_true(count >= 9);
    str_release(&manual);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parser_and_schema_know_the_same_keys),
        cmocka_unit_test(parser_and_schema_know_the_same_choices),
        cmocka_unit_test(parser_and_schema_have_the_same_defaults),
        cmocka_unit_test(the_manual_describes_every_key),
        cmocka_unit_test(every_example_of_the_manual_is_right),
    };
    return cmocka_run_group_tests(tests, load_schema, free_schema);
}

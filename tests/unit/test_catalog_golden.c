/*
 * The documentation and the stored documents speak of the same fields: every field of every golden
 * document stands in docs/format.md, in code marks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/catalog_sample.h"
#include "util/json.h"
#include "util/mem.h"

static const char *const golden[] = {
    "pointer-1.json",
    "manifest-1.json",
    "manifest-1-checkpoint.json",
    "manifest-1-source.json",
    "manifest-2.json",
    "index-1.json",
    "index-1-range.json",
    "projection-2-completed.json",
    "projection-2-in-progress.json",
    "projection-2-redo.json",
    "projection-2-former.json",
};

struct check {
    const char *document;
    const char *text; /* of docs/format.md */
    unsigned fields;
};

static int check_field(void *ctx, const char *name, const struct json *value, struct error *err);

static void check_value(struct check *c, const struct json *value)
{
    if (json_is_object(value))
        assert_int_equal(json_each(value, check_field, c, NULL), 0);
    for (size_t i = 0; i < json_count(value); i++)
        check_value(c, json_at(value, i));
}

static int check_field(void *ctx, const char *name, const struct json *value, struct error *err)
{
    struct check *c = ctx;
    char *marked = mem_printf("`%s`", name);
    (void)err;
    if (strstr(c->text, marked) == NULL)
        fail_msg("%s: the field %s is not in docs/format.md", c->document, name);
    free(marked);
    c->fields++;
    check_value(c, value);
    return 0;
}

static void every_stored_field_is_documented(void **state)
{
    char *text = sample_source_file("docs/format.md");
    (void)state;
    for (size_t i = 0; i < sizeof golden / sizeof *golden; i++) {
        struct check c = {.document = golden[i], .text = text};
        struct json *root;
        char *name = mem_printf("tests/golden/%s", golden[i]);
        char *document = sample_source_file(name);
        assert_non_null(strstr(text, golden[i]));
        assert_int_equal(json_parse(document, strlen(document), name, &root, NULL), ERR_OK);
        check_value(&c, root);
        assert_true(c.fields >= 9);
        json_free(root);
        free(document);
        free(name);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_stored_field_is_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

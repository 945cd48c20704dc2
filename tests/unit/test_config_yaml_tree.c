#include "config/yaml_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"

static struct yaml_tree_node *parse(const char *text)
{
    struct yaml_tree_node *root = NULL;
    struct yaml_tree_mark where;
    struct error err = ERROR_INIT;
    assert_int_equal(yaml_tree_parse(text, strlen(text), &root, &where, &err), ERR_OK);
    return root;
}

static void fails(const char *bytes, size_t count, unsigned line, unsigned column,
                  const char *message)
{
    struct yaml_tree_node *root = NULL;
    struct yaml_tree_mark where;
    struct error err = ERROR_INIT;
    assert_int_equal(yaml_tree_parse(bytes, count, &root, &where, &err), ERR_CONFIG);
    assert_null(root);
    char *expected = mem_printf("%u:%u %s", line, column, message);
    char *found = mem_printf("%u:%u %s", where.line, where.column, err.text);
    assert_string_equal(found, expected);
    free(expected);
    free(found);
}

static void assert_text(const struct yaml_tree_node *node, const char *text, unsigned line,
                        unsigned column)
{
    assert_int_equal(node->kind, YAML_TREE_TEXT);
    assert_string_equal(node->text, text);
    assert_int_equal(node->at.line, line);
    assert_int_equal(node->at.column, column);
}

static void a_tree_remembers_where_everything_stood(void **state)
{
    (void)state;
    struct yaml_tree_node *root = parse("a: 1\n"
                                        "b:\n"
                                        "  - x\n"
                                        "  - {c: 'y', d: [z]}\n");
    assert_int_equal(root->kind, YAML_TREE_MAP);
    assert_int_equal(root->count, 2);
    assert_null(root->parent);
    const struct yaml_tree_node *a = root->first;
    assert_string_equal(a->key, "a");
    assert_int_equal(a->key_at.line, 1);
    assert_int_equal(a->key_at.column, 1);
    assert_text(a, "1", 1, 4);
    assert_true(a->plain);
    const struct yaml_tree_node *b = a->next;
    assert_null(b->next);
    assert_int_equal(b->kind, YAML_TREE_LIST);
    assert_int_equal(b->count, 2);
    assert_text(b->first, "x", 3, 5);
    const struct yaml_tree_node *map = b->first->next;
    assert_int_equal(map->kind, YAML_TREE_MAP);
    assert_int_equal(map->at.line, 4);
    assert_int_equal(map->at.column, 5);
    assert_int_equal(map->index, 1);
    assert_ptr_equal(map->parent, b);
    assert_text(map->first, "y", 4, 9);
    assert_false(map->first->plain);
    assert_int_equal(map->first->key_at.column, 6);
    assert_text(map->first->next->first, "z", 4, 18);
    yaml_tree_free(root);
}

static void a_path_names_keys_and_indexes(void **state)
{
    (void)state;
    struct yaml_tree_node *root = parse("b:\n  - x\n  - {c: 'y', d: [z]}\n");
    struct str path;
    str_init(&path, 100);
    yaml_tree_path(root, &path);
    assert_string_equal(path.data, "");
    yaml_tree_path(root->first->first->next->first->next->first, &path);
    assert_string_equal(path.data, "b[1].d[0]");
    str_clear(&path);
    str_append(&path, "In ");
    yaml_tree_path(root->first, &path);
    assert_string_equal(path.data, "In b");
    str_release(&path);
    yaml_tree_free(root);
}

static void columns_count_characters(void **state)
{
    (void)state;
    struct yaml_tree_node *root = parse("{\"\u00e4\u20ac\U0001f600\": v}\n");
    assert_text(root->first, "v", 1, 9);
    yaml_tree_free(root);
}

static void byte_order_mark_and_crlf_are_understood(void **state)
{
    (void)state;
    struct yaml_tree_node *root = parse("\xef\xbb\xbf"
                                        "a: b\r\nc: d\r\n");
    assert_int_equal(root->count, 2);
    assert_text(root->first, "b", 1, 4);
    assert_text(root->first->next, "d", 2, 4);
    yaml_tree_free(root);
}

static void an_empty_text_has_no_tree(void **state)
{
    (void)state;
    assert_null(parse(""));
    assert_null(parse("# only a comment\n\n"));
}

static void bare_nothing_is_null_and_quoted_is_not(void **state)
{
    (void)state;
    struct yaml_tree_node *root =
        parse("[~, null, Null, NULL, '~', \"null\", '', nil, {a: }, {b: ''}]");
    const bool expected[] = {true, true, true, true, false, false, false, false};
    const struct yaml_tree_node *n = root->first;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++, n = n->next)
        assert_int_equal(yaml_tree_is_null(n), expected[i]);
    assert_false(yaml_tree_is_null(n));
    assert_true(yaml_tree_is_null(n->first));
    assert_false(yaml_tree_is_null(n->next->first));
    yaml_tree_free(root);
}

static void duplicate_keys_are_left_in(void **state)
{
    (void)state;
    struct yaml_tree_node *root = parse("a: 1\na: 2\n");
    assert_int_equal(root->count, 2);
    assert_text(root->first->next, "2", 2, 4);
    yaml_tree_free(root);
}

static void what_json_cannot_say_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned line, column;
        const char *message;
    } cases[] = {
        {"a: &x 1\nb: *x\n", 1, 4, "Anchors (&name) are not supported here."},
        {"a: &x [1]\n", 1, 4, "Anchors (&name) are not supported here."},
        {"a: &x {b: 1}\n", 1, 4, "Anchors (&name) are not supported here."},
        {"&x a: 1\n", 1, 1, "Anchors (&name) are not supported here."},
        {"a: *x\n", 1, 4, "Aliases (*name) are not supported here."},
        {"*x : 1\n", 1, 1, "Aliases (*name) are not supported here."},
        {"a: !!int 1\n", 1, 4, "Tags (!name) are not supported here."},
        {"a: !x [1]\n", 1, 4, "Tags (!name) are not supported here."},
        {"a: !x {b: 1}\n", 1, 4, "Tags (!name) are not supported here."},
        {"? [a]\n: 1\n", 1, 3, "A key must be a text."},
        {"? {a: b}\n: 1\n", 1, 3, "A key must be a text."},
        {"a: \"x\\0y\"\n", 1, 4, "A text must not hold a NUL character."},
        {"\"x\\0y\": a\n", 1, 1, "A text must not hold a NUL character."},
        {"a: 1\n---\nb: 1\n", 2, 1, "The file must hold one document; another one begins here."},
        {"a: 1\n b: 2\n", 2, 3,
         "This is not YAML: mapping values are not allowed in this context."},
        {"a: [1, 2\nb: 3\n", 2, 2,
         "This is not YAML: did not find expected ',' or ']', while parsing a flow sequence (in "
         "line 1)."},
        {"a: 'x\n", 2, 1,
         "This is not YAML: found unexpected end of stream, while scanning a quoted scalar (in "
         "line 1)."},
        {"a:\n\t- b\n", 2, 1,
         "This is not YAML: found character that cannot start any token, while scanning for the "
         "next token (in line 2)."},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        fails(cases[i].text, strlen(cases[i].text), cases[i].line, cases[i].column,
              cases[i].message);
}

static void bytes_that_are_no_text_are_refused(void **state)
{
    (void)state;
    fails("a: \xff\n", 5, 1, 1,
          "The file is not text in UTF-8: invalid leading UTF-8 octet at byte 3.");
    fails("a: \x01\n", 5, 1, 1,
          "The file is not text in UTF-8: control characters are not allowed at byte 3.");
    fails("a: \0b\n", 6, 1, 1,
          "The file is not text in UTF-8: control characters are not allowed at byte 3.");
}

static void depth_is_bounded(void **state)
{
    (void)state;
    char text[2 * (YAML_TREE_DEPTH_MAX + 1) + 1];
    memset(text, 0, sizeof text);
    memset(text, '[', YAML_TREE_DEPTH_MAX);
    memset(text + YAML_TREE_DEPTH_MAX, ']', YAML_TREE_DEPTH_MAX);
    yaml_tree_free(parse(text));
    memset(text, '[', YAML_TREE_DEPTH_MAX + 1);
    memset(text + YAML_TREE_DEPTH_MAX + 1, ']', YAML_TREE_DEPTH_MAX + 1);
    fails(text, strlen(text), 1, YAML_TREE_DEPTH_MAX + 1,
          "Lists and mappings are nested too deeply.");
}

static void the_number_of_entries_is_bounded(void **state)
{
    (void)state;
    size_t count = 3 * (size_t)YAML_TREE_NODES_MAX;
    char *text = mem_alloc(count);
    text[0] = '[';
    for (size_t i = 1; i < count - 1; i += 2)
        memcpy(text + i, "1,", 2);
    text[count - 2] = ' ';
    text[count - 1] = ']';
    struct yaml_tree_node *root = NULL;
    struct yaml_tree_mark where;
    struct error err = ERROR_INIT;
    assert_int_equal(yaml_tree_parse(text, count, &root, &where, &err), ERR_CONFIG);
    assert_string_equal(err.text, "The file has too many entries.");
    assert_null(root);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_remembers_where_everything_stood),
        cmocka_unit_test(a_path_names_keys_and_indexes),
        cmocka_unit_test(columns_count_characters),
        cmocka_unit_test(byte_order_mark_and_crlf_are_understood),
        cmocka_unit_test(an_empty_text_has_no_tree),
        cmocka_unit_test(bare_nothing_is_null_and_quoted_is_not),
        cmocka_unit_test(duplicate_keys_are_left_in),
        cmocka_unit_test(what_json_cannot_say_is_refused),
        cmocka_unit_test(bytes_that_are_no_text_are_refused),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_entries_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

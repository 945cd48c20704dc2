/* Contract: keys, reading one object, creating one object. */
#include "contract/contract_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

/* ---- Keys ---- */

/* Every function refuses the key before anything happens. */
static void refuses_key(struct contract *c, const char *key)
{
    struct store_body body = store_body_bytes("x", 1);
    struct store_info info;
    struct store_tag tag = {"1"};
    struct str out;
    char *path = NULL;
    size_t removed = 9;
    bool written[2] = {true, true};
    const char *keys[] = {"good/key", key};
    struct store_body bodies[] = {body, body};
    str_init(&out, 100);
    expect_code(c, store_key_check(key, &c->err), ERR_CONFIG);
    expect_code(c, store_get(c->store, key, &out, NULL, &c->err), ERR_CONFIG);
    expect_code(c, store_get_file(c->store, key, "/nonexistent/x", NULL, &c->err), ERR_CONFIG);
    expect_code(c, store_head(c->store, key, &info, &c->err), ERR_CONFIG);
    expect_code(c, store_put_new(c->store, key, &body, NULL, &c->err), ERR_CONFIG);
    expect_code(c, store_swap(c->store, key, NULL, &body, NULL, &c->err), ERR_CONFIG);
    expect_code(c, store_remove(c->store, key, &c->err), ERR_CONFIG);
    expect_code(c, store_remove_many(c->store, keys, 2, &removed, &c->err), ERR_CONFIG);
    assert_int_equal(removed, 0);
    expect_code(c, store_put_many(c->store, keys, bodies, 2, written, &c->err), ERR_CONFIG);
    assert_false(written[0] || written[1]);
    expect_code(c, store_local_path(c->store, key, &path, &c->err), ERR_CONFIG);
    assert_null(path);
    const char *roles[3][3] = {{key, "b", "g"}, {"a", key, "g"}, {"a", "b", key}};
    for (size_t i = 0; i < 3; i++) {
        struct store_move move = {
            .from = roles[i][0], .to = roles[i][1], .guard = roles[i][2], .guard_tag = &tag};
        expect_code(c, store_move(c->store, &move, &c->err), ERR_CONFIG);
    }
    str_release(&out);
}

static void test_malformed_keys_are_refused_by_every_function(void **state)
{
    struct contract *c = *state;
    static const char *const bad[] = {
        "",
        "/",
        "/a",
        "a/",
        "a//b",
        ".",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "a/./b",
        "./a",
        "a/.",
        "a\\b",
        "a\nb",
        "a\tb",
        "\x7f",
        "a\x1b",
        "a\xff",
        "a\xc3",
        "\xc0\xaf",
        "a/\xe2\x82",
        "\xed\xa0\x80",
        "\xf4\x90\x80\x80",
        "\xe0\x80\xaf",
        "a\302\205b",
        "\x80",
        "a/\xf8\x88\x80\x80\x80",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        refuses_key(c, bad[i]);
    char *all = contract_list(c, "");
    assert_string_equal(all, "");
    free(all);
}

/* Exactly `length` bytes in segments of at most 99. */
static char *long_key(size_t length)
{
    char *key = mem_alloc(length + 1);
    for (size_t i = 0; i < length; i++)
        key[i] = i % 100 == 99 && i + 1 < length ? '/' : 'k';
    key[length] = '\0';
    return key;
}

static void test_a_key_has_at_most_900_bytes(void **state)
{
    struct contract *c = *state;
    char *longest = long_key(STORE_KEY_MAX);
    char *longer = long_key(STORE_KEY_MAX + 1);
    expect_ok(c, contract_put(c, longest, "at the limit", NULL));
    contract_holds(c, longest, "at the limit");
    char *all = contract_list(c, "");
    assert_int_equal(strlen(all), STORE_KEY_MAX + 1);
    free(all);
    expect_ok(c, store_remove(c->store, longest, &c->err));
    contract_holds(c, longest, NULL);
    refuses_key(c, longer);
    free(longest);
    free(longer);
}

static void test_unusual_keys_are_kept_as_they_are(void **state)
{
    struct contract *c = *state;
    static const char *const good[] = {
        "a b/c  d",
        "plus+and%20/per%cent",
        "q?x=1&y=2#z",
        "~tilde/!*'();:@,[]{}",
        "\xc3\xa9t\xc3\xa9/\xe6\x97\xa5\xe6\x9c\xac",
        "\xf0\x9f\x8c\x8a.json",
        "...",
        "a/..b",
        "a/b..",
        ".hidden/.x",
        "year=2026/month=01",
        "\"quoted\"",
        "<xml>&amp;",
        "e\xcc\x81",
        "$HOME/`id`",
        "a/b^c|d",
    };
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        expect_ok(c, contract_put(c, good[i], good[i], NULL));
        contract_holds(c, good[i], good[i]);
    }
    size_t lines = 0;
    char *all = contract_list(c, "");
    for (const char *p = all; *p != '\0'; p++)
        lines += *p == '\n';
    assert_int_equal(lines, sizeof good / sizeof good[0]);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        char *line = mem_printf("%s\n", good[i]);
        assert_non_null(strstr(all, line));
        free(line);
        expect_ok(c, store_remove(c->store, good[i], &c->err));
        contract_holds(c, good[i], NULL);
    }
    free(all);
}

static void test_keys_differ_by_case_and_by_unicode_form(void **state)
{
    struct contract *c = *state;
    static const char *const keys[] = {"k/a", "k/A", "k/\xc3\xa9", "k/e\xcc\x81"};
    for (size_t i = 0; i < 4; i++)
        expect_ok(c, contract_put(c, keys[i], keys[i], NULL));
    for (size_t i = 0; i < 4; i++)
        contract_holds(c, keys[i], keys[i]);
}

/* ---- Reading ---- */

static void test_get_appends_and_leaves_the_body_alone_where_it_fails(void **state)
{
    struct contract *c = *state;
    struct str body;
    str_init(&body, 14);
    str_append(&body, "before:");
    expect_ok(c, contract_put(c, "d/one", "content", NULL));
    expect_ok(c, contract_put(c, "d/two", "content!", NULL));
    expect_code(c, store_get(c->store, "d/absent", &body, NULL, &c->err), ERR_ABSENT);
    assert_string_equal(body.data, "before:");
    expect_code(c, store_get(c->store, "d/two", &body, NULL, &c->err), ERR_LIMIT);
    assert_string_equal(body.data, "before:");
    assert_int_equal(body.len, 7);
    expect_ok(c, store_get(c->store, "d/one", &body, NULL, &c->err));
    assert_string_equal(body.data, "before:content");
    str_release(&body);
}

static void test_get_refuses_a_big_object_beyond_the_cap(void **state)
{
    struct contract *c = *state;
    size_t size = contract_big(c);
    unsigned char *noise = contract_noise(size, 3);
    struct store_body body = store_body_bytes(noise, size);
    struct str out;
    expect_ok(c, store_put_new(c->store, "big", &body, NULL, &c->err));
    str_init(&out, size - 1);
    expect_code(c, store_get(c->store, "big", &out, NULL, &c->err), ERR_LIMIT);
    assert_int_equal(out.len, 0);
    str_release(&out);
    str_init(&out, size);
    expect_ok(c, store_get(c->store, "big", &out, NULL, &c->err));
    assert_int_equal(out.len, size);
    str_release(&out);
    free(noise);
}

static void test_the_tag_of_a_get_is_that_of_its_body(void **state)
{
    struct contract *c = *state;
    struct store_tag put;
    struct store_tag got;
    struct store_tag file;
    struct str body;
    str_init(&body, 100);
    char *path = contract_path(c, "copy");
    expect_ok(c, contract_put(c, "p", "state", &put));
    expect_ok(c, store_get(c->store, "p", &body, &got, &c->err));
    expect_ok(c, store_get_file(c->store, "p", path, &file, &c->err));
    assert_string_not_equal(got.text, "");
    assert_string_equal(got.text, put.text);
    assert_string_equal(got.text, file.text);
    expect_ok(c, contract_swap(c, "p", &got, "state two", &got));
    assert_string_not_equal(got.text, put.text);
    free(path);
    str_release(&body);
}

static void test_get_file_replaces_what_is_there_and_removes_it_on_failure(void **state)
{
    struct contract *c = *state;
    char *path = contract_file(c, "target", "old and longer than the new", 27);
    struct str text;
    str_init(&text, 100);
    expect_ok(c, contract_put(c, "o", "new", NULL));
    expect_ok(c, store_get_file(c->store, "o", path, NULL, &c->err));
    assert_int_equal(fs_read(path, &text, NULL), ERR_OK);
    assert_string_equal(text.data, "new");
    expect_code(c, store_get_file(c->store, "absent", path, NULL, &c->err), ERR_ABSENT);
    assert_false(fs_exists(path));
    char *nowhere = contract_path(c, "no/such/folder");
    assert_int_not_equal(store_get_file(c->store, "o", nowhere, NULL, &c->err), ERR_OK);
    free(nowhere);
    str_release(&text);
    free(path);
}

/* A backend may have linked a local file into place; writing there must not write the object. */
static void test_get_file_to_the_path_of_a_former_body_changes_no_object(void **state)
{
    struct contract *c = *state;
    char *path = contract_file(c, "part", "immutable", 9);
    struct store_body body;
    expect_ok(c, store_body_file(path, &body, &c->err));
    expect_ok(c, store_put_new(c->store, "events/part", &body, NULL, &c->err));
    expect_ok(c, contract_put(c, "other", "something else", NULL));
    expect_ok(c, store_get_file(c->store, "other", path, NULL, &c->err));
    contract_holds(c, "events/part", "immutable");
    free(path);
}

static void test_head_tells_the_size_and_nothing_of_what_is_absent(void **state)
{
    struct contract *c = *state;
    struct store_info info;
    expect_ok(c, contract_put(c, "h/o", "12345", NULL));
    expect_ok(c, store_head(c->store, "h/o", &info, &c->err));
    assert_int_equal(info.size, 5);
    assert_string_not_equal(info.tag.text, "");
    expect_code(c, store_head(c->store, "h/p", &info, &c->err), ERR_ABSENT);
    assert_int_equal(info.size, 0);
    assert_string_equal(info.tag.text, "");
    /* What other keys only pass through is no object. */
    expect_code(c, store_head(c->store, "h", &info, &c->err), ERR_ABSENT);
    expect_code(c, store_head(c->store, "h/o/below", &info, &c->err), ERR_ABSENT);
}

/* ---- Creating ---- */

static void test_put_new_refuses_what_exists_whatever_its_content(void **state)
{
    struct contract *c = *state;
    struct store_tag tag = {"as it was"};
    expect_ok(c, contract_put(c, "once", "first", NULL));
    expect_code(c, contract_put(c, "once", "second", &tag), ERR_CONFLICT);
    assert_string_equal(tag.text, "as it was");
    expect_code(c, contract_put(c, "once", "first", &tag), ERR_CONFLICT);
    contract_holds(c, "once", "first");
    char *all = contract_list(c, "");
    assert_string_equal(all, "once\n");
    free(all);
}

static void test_put_new_of_the_same_local_file_twice_is_refused(void **state)
{
    struct contract *c = *state;
    struct store_body body;
    char *path = contract_file(c, "f", "same file", 9);
    expect_ok(c, store_body_file(path, &body, &c->err));
    expect_ok(c, store_put_new(c->store, "once", &body, NULL, &c->err));
    expect_code(c, store_put_new(c->store, "once", &body, NULL, &c->err), ERR_CONFLICT);
    /* Another key is another object, and each lives on without the file and without the other. */
    expect_ok(c, store_put_new(c->store, "twice", &body, NULL, &c->err));
    assert_int_equal(unlink(path), 0);
    expect_ok(c, store_remove(c->store, "once", &c->err));
    contract_holds(c, "twice", "same file");
    free(path);
}

static void test_an_empty_object_is_an_object(void **state)
{
    struct contract *c = *state;
    struct store_body body = store_body_bytes(NULL, 0);
    struct store_tag tag;
    struct str out;
    str_init(&out, 10);
    expect_ok(c, store_put_new(c->store, "e/bytes", &body, &tag, &c->err));
    contract_holds(c, "e/bytes", "");
    expect_ok(c, store_swap(c->store, "e/bytes", &tag, &body, &tag, &c->err));
    char *path = contract_file(c, "empty", "", 0);
    expect_ok(c, store_body_file(path, &body, &c->err));
    expect_ok(c, store_put_new(c->store, "e/file", &body, NULL, &c->err));
    contract_holds(c, "e/file", "");
    expect_code(c, store_put_new(c->store, "e/file", &body, NULL, &c->err), ERR_CONFLICT);
    expect_ok(c, store_get_file(c->store, "e/bytes", path, NULL, &c->err));
    struct fs_stat st;
    assert_int_equal(fs_stat(path, &st, NULL), ERR_OK);
    assert_int_equal(st.size, 0);
    free(path);
    str_release(&out);
}

static void test_big_objects_from_memory_and_from_a_file(void **state)
{
    struct contract *c = *state;
    size_t size = contract_big(c) + 12345;
    unsigned char *noise = contract_noise(size, 1);
    char *path = contract_file(c, "big", noise, size);
    struct store_body bytes = store_body_bytes(noise, size);
    struct store_body file;
    expect_ok(c, store_body_file(path, &file, &c->err));
    assert_int_equal(file.size, size);
    assert_string_equal(file.sha256, bytes.sha256);
    expect_ok(c, store_put_new(c->store, "b/bytes", &bytes, NULL, &c->err));
    expect_ok(c, store_put_new(c->store, "b/file", &file, NULL, &c->err));
    struct store_tag tag;
    expect_ok(c, contract_put(c, "b/swapped", "small", &tag));
    expect_ok(c, store_swap(c->store, "b/swapped", &tag, &file, NULL, &c->err));
    contract_holds_bytes(c, "b/bytes", noise, size);
    contract_holds_bytes(c, "b/file", noise, size);
    contract_holds_bytes(c, "b/swapped", noise, size);
    char sha256[SHA256_HEX_SIZE];
    char *copy = contract_path(c, "copy");
    expect_ok(c, store_get_file(c->store, "b/file", copy, NULL, &c->err));
    assert_int_equal(sha256_file(copy, sha256, NULL, NULL), ERR_OK);
    assert_string_equal(sha256, bytes.sha256);
    free(copy);
    free(path);
    free(noise);
}

/* The body is refused by put_new and by swap, and nothing is changed. */
static void refuses_body(struct contract *c, const struct store_body *body, int code)
{
    struct store_tag tag;
    struct store_tag got = {"as it was"};
    expect_code(c, store_put_new(c->store, "w/new", body, NULL, &c->err), code);
    contract_holds(c, "w/new", NULL);
    expect_code(c, store_swap(c->store, "w/new", NULL, body, NULL, &c->err), code);
    contract_holds(c, "w/new", NULL);
    expect_ok(c, contract_put(c, "w/old", "old", &tag));
    expect_code(c, store_swap(c->store, "w/old", &tag, body, &got, &c->err), code);
    assert_string_equal(got.text, "as it was");
    contract_holds(c, "w/old", "old");
    expect_ok(c, contract_swap(c, "w/old", &tag, "still the same state", NULL));
    expect_ok(c, store_remove(c->store, "w/old", &c->err));
    char *all = contract_list(c, "");
    assert_string_equal(all, "");
    free(all);
}

static void test_content_that_differs_from_its_digest_is_refused(void **state)
{
    struct contract *c = *state;
    struct store_body body = store_body_bytes("content", 7);
    body.bytes = "c0ntent";
    refuses_body(c, &body, ERR_DAMAGED);
    char *path = contract_file(c, "f", "content", 7);
    expect_ok(c, store_body_file(path, &body, &c->err));
    char *changed = contract_file(c, "f", "c0ntent", 7);
    refuses_body(c, &body, ERR_DAMAGED);
    free(changed);
    free(path);
}

static void test_content_of_another_size_is_refused(void **state)
{
    struct contract *c = *state;
    struct store_body body;
    char *path = contract_file(c, "f", "content", 7);
    expect_ok(c, store_body_file(path, &body, &c->err));
    free(contract_file(c, "f", "content and more", 16));
    refuses_body(c, &body, ERR_DAMAGED);
    free(contract_file(c, "f", "cont", 4));
    refuses_body(c, &body, ERR_DAMAGED);
    free(path);
}

static void test_a_body_without_content_or_digest_is_refused(void **state)
{
    struct contract *c = *state;
    struct store_body body = store_body_bytes("content", 7);
    body.bytes = NULL;
    refuses_body(c, &body, ERR_CONFIG);
    body = store_body_bytes("content", 7);
    body.sha256[0] = '\0';
    refuses_body(c, &body, ERR_CONFIG);
    memset(body.sha256, 'A', SHA256_HEX_SIZE - 1);
    refuses_body(c, &body, ERR_CONFIG);
}

static void test_a_local_file_that_is_gone_stores_nothing(void **state)
{
    struct contract *c = *state;
    struct store_body body;
    char *path = contract_file(c, "f", "content", 7);
    expect_ok(c, store_body_file(path, &body, &c->err));
    assert_int_equal(unlink(path), 0);
    assert_int_not_equal(store_put_new(c->store, "gone", &body, NULL, &c->err), ERR_OK);
    assert_int_not_equal(c->err.code, ERR_ABSENT);
    contract_holds(c, "gone", NULL);
    assert_int_not_equal(store_body_file(path, &body, &c->err), ERR_OK);
    free(path);
}

/* ---- Labels, traits, bill ---- */

static void test_labels_are_kept_where_the_trait_says_so(void **state)
{
    struct contract *c = *state;
    struct store_info info;
    struct store_tag tag;
    struct store_body body = store_body_bytes("x", 1);
    store_label_set(body.labels, "sequence", "12");
    store_label_set(body.labels, "commit", "a value with ~ and blanks");
    store_label_set(body.labels, "sequence", "13");
    expect_ok(c, store_put_new(c->store, "l", &body, &tag, &c->err));
    expect_ok(c, store_head(c->store, "l", &info, &c->err));
    if (!c->store->traits.labels) {
        assert_null(store_label_get(info.labels, "sequence"));
        return;
    }
    assert_string_equal(store_label_get(info.labels, "sequence"), "13");
    assert_string_equal(store_label_get(info.labels, "commit"), "a value with ~ and blanks");
    assert_null(store_label_get(info.labels, "other"));
    struct store_body next = store_body_bytes("y", 1);
    store_label_set(next.labels, "sequence", "14");
    expect_ok(c, store_swap(c->store, "l", &tag, &next, NULL, &c->err));
    expect_ok(c, store_head(c->store, "l", &info, &c->err));
    assert_string_equal(store_label_get(info.labels, "sequence"), "14");
    assert_null(store_label_get(info.labels, "commit"));
}

static void test_malformed_labels_are_refused(void **state)
{
    struct contract *c = *state;
    static const char *const bad[][2] = {
        {"Upper", "x"}, {"under_score", "x"}, {"ok", "line\nbreak"}, {"ok", "\xc3\xa9"}};
    for (size_t i = 0; i < 4; i++) {
        struct store_body body = store_body_bytes("x", 1);
        store_label_set(body.labels, bad[i][0], bad[i][1]);
        refuses_body(c, &body, ERR_CONFIG);
    }
}

static void test_the_store_says_what_it_is(void **state)
{
    struct contract *c = *state;
    assert_non_null(c->store->traits.kind);
    assert_true(strlen(c->store->traits.kind) > 0);
    assert_true(c->store->traits.compare_and_swap);
    assert_non_null(c->store->url);
    expect_ok(c, store_probe(c->store, &c->err));
    expect_ok(c, store_probe(c->store, &c->err));
    expect_ok(c, contract_put(c, "after/probe", "x", NULL));
}

static void test_requests_are_counted(void **state)
{
    struct contract *c = *state;
    const struct store_bill *bill = &c->store->bill;
    struct store_tag tag;
    struct store_info info;
    expect_ok(c, contract_put(c, "guard", "g", &tag));
    struct store_bill before = *bill;
    expect_ok(c, contract_put(c, "n", "12345", NULL));
    contract_holds_bytes(c, "n", "12345", 5);
    expect_ok(c, store_head(c->store, "n", &info, &c->err));
    expect_ok(c, contract_swap(c, "guard", &tag, "gg", &tag));
    struct store_move move = {.from = "n", .to = "m", .guard = "guard", .guard_tag = &tag};
    expect_ok(c, store_move(c->store, &move, &c->err));
    free(contract_list(c, ""));
    expect_ok(c, store_remove(c->store, "m", &c->err));
    assert_int_equal(bill->puts - before.puts, 1);
    assert_true(bill->gets - before.gets >= 1);
    assert_true(bill->heads - before.heads >= 1);
    assert_int_equal(bill->swaps - before.swaps, 1);
    assert_int_equal(bill->moves - before.moves, 1);
    assert_true(bill->lists - before.lists >= 1);
    assert_true(bill->deletes - before.deletes >= 1);
    assert_true(bill->requests - before.requests >= 7);
    assert_true(bill->bytes_written - before.bytes_written >= 7);
    assert_true(bill->bytes_read - before.bytes_read >= 5);
}

static void test_local_paths_where_the_trait_says_so(void **state)
{
    struct contract *c = *state;
    char *path = NULL;
    expect_ok(c, contract_put(c, "p/q", "readable", NULL));
    if (!c->store->traits.local_paths) {
        expect_code(c, store_local_path(c->store, "p/q", &path, &c->err), ERR_GATE);
        assert_null(path);
        return;
    }
    struct str text;
    str_init(&text, 100);
    expect_ok(c, store_local_path(c->store, "p/q", &path, &c->err));
    assert_int_equal(path[0], '/');
    assert_int_equal(fs_read(path, &text, NULL), ERR_OK);
    assert_string_equal(text.data, "readable");
    free(path);
    expect_code(c, store_local_path(c->store, "p/absent", &path, &c->err), ERR_ABSENT);
    assert_null(path);
    str_release(&text);
}

const struct CMUnitTest contract_object_tests[] = {
    cmocka_unit_test(test_malformed_keys_are_refused_by_every_function),
    cmocka_unit_test(test_a_key_has_at_most_900_bytes),
    cmocka_unit_test(test_unusual_keys_are_kept_as_they_are),
    cmocka_unit_test(test_keys_differ_by_case_and_by_unicode_form),
    cmocka_unit_test(test_get_appends_and_leaves_the_body_alone_where_it_fails),
    cmocka_unit_test(test_get_refuses_a_big_object_beyond_the_cap),
    cmocka_unit_test(test_the_tag_of_a_get_is_that_of_its_body),
    cmocka_unit_test(test_get_file_replaces_what_is_there_and_removes_it_on_failure),
    cmocka_unit_test(test_get_file_to_the_path_of_a_former_body_changes_no_object),
    cmocka_unit_test(test_head_tells_the_size_and_nothing_of_what_is_absent),
    cmocka_unit_test(test_put_new_refuses_what_exists_whatever_its_content),
    cmocka_unit_test(test_put_new_of_the_same_local_file_twice_is_refused),
    cmocka_unit_test(test_an_empty_object_is_an_object),
    cmocka_unit_test(test_big_objects_from_memory_and_from_a_file),
    cmocka_unit_test(test_content_that_differs_from_its_digest_is_refused),
    cmocka_unit_test(test_content_of_another_size_is_refused),
    cmocka_unit_test(test_a_body_without_content_or_digest_is_refused),
    cmocka_unit_test(test_a_local_file_that_is_gone_stores_nothing),
    cmocka_unit_test(test_labels_are_kept_where_the_trait_says_so),
    cmocka_unit_test(test_malformed_labels_are_refused),
    cmocka_unit_test(test_the_store_says_what_it_is),
    cmocka_unit_test(test_requests_are_counted),
    cmocka_unit_test(test_local_paths_where_the_trait_says_so),
};
const size_t contract_object_test_count =
    sizeof contract_object_tests / sizeof contract_object_tests[0];

/* The front of every store: opening by URL, labels, and what it does for backends that do not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/store.h"
#include "store/store_backend.h"
#include "support/store_fault.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

/* ---- Opening ---- */

static void kind_of(const char *url, const char *kind)
{
    struct store *st;
    struct error err = ERROR_INIT;
    if (store_open(url, NULL, &st, &err) != ERR_OK)
        fail_msg("%s", err.text);
    assert_string_equal(st->traits.kind, kind);
    store_free(st);
}

static void test_the_url_says_which_store(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    char *url = mem_printf("file://%s", folder);
    char *local = mem_printf("file://localhost%s", folder);
    char *short_url = mem_printf("file:%s", folder);
    kind_of(folder, "file");
    kind_of(url, "file");
    kind_of(local, "file");
    kind_of(short_url, "file");
    kind_of("memory:", "memory");
    kind_of("memory:name", "memory");
    free(short_url);
    free(local);
    free(url);
    temp_folder_free(folder);
}

static void refuses_url(const char *url, int code)
{
    struct store *st = NULL;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open(url, NULL, &st, &err), code);
    assert_null(st);
    assert_string_not_equal(err.text, "");
}

static void test_what_is_no_url_of_a_store_is_refused(void **state)
{
    (void)state;
    refuses_url(NULL, ERR_CONFIG);
    refuses_url("", ERR_CONFIG);
    refuses_url("ftp://host/path", ERR_CONFIG);
    refuses_url("S3://bucket", ERR_CONFIG);
    refuses_url("file://otherhost/path", ERR_CONFIG);
    refuses_url("file:relative", ERR_CONFIG);
    refuses_url("file://", ERR_CONFIG);
    refuses_url("file:///a%zz", ERR_CONFIG);
    refuses_url("file:///a%2", ERR_CONFIG);
    refuses_url("file:///a%00b", ERR_CONFIG);
    refuses_url("/no/such/folder/anywhere", ERR_ABSENT);
    refuses_url("file:///no/such/folder/anywhere", ERR_ABSENT);
}

static void test_a_refused_url_shows_no_secret(void **state)
{
    (void)state;
    struct store *st;
    struct error err = ERROR_INIT;
    assert_int_equal(store_open("https://user:hunter2@host/x", NULL, &st, &err), ERR_CONFIG);
    assert_null(strstr(err.text, "hunter2"));
    assert_non_null(strstr(err.text, "https://"));
    assert_non_null(strstr(err.text, "s3://"));
}

static void test_s3_urls_are_given_to_the_s3_store(void **state)
{
    (void)state;
    struct store *st = NULL;
    struct error err = ERROR_INIT;
    /* Without a bucket it cannot be opened, and that is said by whoever knows buckets. */
    assert_int_equal(store_open("s3://", NULL, &st, &err), ERR_CONFIG);
    assert_null(strstr(err.text, "of the kind"));
    store_free(NULL);
}

/* ---- Memory by name ---- */

static void put(struct store *st, const char *key, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    assert_int_equal(store_put_new(st, key, &body, NULL, NULL), ERR_OK);
}

static int head(const char *url, const char *key)
{
    struct store *st;
    struct store_info info;
    assert_int_equal(store_open(url, NULL, &st, NULL), ERR_OK);
    int rc = store_head(st, key, &info, NULL);
    store_free(st);
    return rc;
}

static void test_memory_is_shared_by_name_and_private_without(void **state)
{
    (void)state;
    struct store *named;
    struct store *alone;
    assert_int_equal(store_open("memory:shared", NULL, &named, NULL), ERR_OK);
    assert_int_equal(store_open("memory:", NULL, &alone, NULL), ERR_OK);
    put(named, "k", "x");
    put(alone, "k", "x");
    assert_int_equal(head("memory:shared", "k"), ERR_OK);
    assert_int_equal(head("memory:other", "k"), ERR_ABSENT);
    assert_int_equal(head("memory:", "k"), ERR_ABSENT);
    store_free(named);
    store_free(alone);
    assert_int_equal(head("memory:shared", "k"), ERR_OK);
}

/* ---- Labels ---- */

static void test_labels_are_set_replaced_and_found(void **state)
{
    (void)state;
    struct store_label labels[STORE_LABELS_MAX] = {0};
    assert_null(store_label_get(labels, "a"));
    store_label_set(labels, "a", "1");
    store_label_set(labels, "b", "");
    store_label_set(labels, "a", "2");
    store_label_set(labels, "c", "3");
    store_label_set(labels, "d", "4");
    assert_string_equal(store_label_get(labels, "a"), "2");
    assert_string_equal(store_label_get(labels, "b"), "");
    assert_string_equal(store_label_get(labels, "d"), "4");
    assert_null(store_label_get(labels, "e"));
    store_label_set(labels, "d", "5");
    assert_string_equal(store_label_get(labels, "d"), "5");
}

/* ---- What the front does one by one ---- */

static struct store *faulty(const struct fault *fault)
{
    struct store *inner;
    assert_int_equal(store_open("memory:", NULL, &inner, NULL), ERR_OK);
    struct store *st = store_fault_new(inner);
    if (fault != NULL)
        store_fault_add(st, fault);
    return st;
}

static const char *const keys[] = {"a", "b", "c", "d"};

static void test_put_many_ends_at_the_first_failure(void **state)
{
    (void)state;
    struct store_body body = store_body_bytes("x", 1);
    struct store_body bodies[] = {body, body, body, body};
    bool written[4];
    struct store *st = faulty(&(struct fault){.action = FAULT_FAIL, .at = 3, .code = ERR_DENIED});
    assert_int_equal(store_put_many(st, keys, bodies, 4, written, NULL), ERR_DENIED);
    assert_true(written[0] && written[1]);
    assert_false(written[2] || written[3]);
    assert_int_equal(store_fault_count(st), 3);
    store_free(st);
}

static void test_put_many_counts_an_unknown_outcome_as_written(void **state)
{
    (void)state;
    struct store_body body = store_body_bytes("x", 1);
    struct store_body bodies[] = {body, body, body, body};
    bool written[4];
    struct store *st = faulty(&(struct fault){.action = FAULT_APPLY_LATE, .at = 2});
    assert_int_equal(store_put_many(st, keys, bodies, 4, written, NULL), ERR_UNKNOWN);
    assert_true(written[0] && written[1]);
    assert_false(written[2] || written[3]);
    store_free(st);
}

static void test_remove_many_tries_the_rest_and_returns_the_first_failure(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    size_t removed;
    struct store *st = faulty(NULL);
    for (size_t i = 0; i < 4; i++)
        put(store_fault_inner(st), keys[i], "x");
    store_fault_add(st, &(struct fault){.action = FAULT_FAIL, .key = "b", .code = ERR_DENIED});
    store_fault_add(st, &(struct fault){.action = FAULT_LOSE_ANSWER, .key = "c"});
    assert_int_equal(store_remove_many(st, keys, 4, &removed, &err), ERR_DENIED);
    assert_non_null(strstr(err.text, "remove of b"));
    assert_int_equal(removed, 2);
    assert_int_equal(store_fault_count(st), 4);
    struct store_info info;
    assert_int_equal(store_head(store_fault_inner(st), "b", &info, NULL), ERR_OK);
    assert_int_equal(store_head(store_fault_inner(st), "d", &info, NULL), ERR_ABSENT);
    store_free(st);
}

/* A backend that gives part of a body before it fails. */
static int give_half(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                     struct error *err)
{
    (void)st;
    (void)tag;
    str_append(body, "half");
    return error_set(err, ERR_AGAIN, "The connection broke while %s was read.", key);
}

static int give_half_file(struct store *st, const char *key, const char *path,
                          struct store_tag *tag, struct error *err)
{
    (void)st;
    (void)tag;
    (void)key;
    assert_int_equal(fs_write(path, "half", 4, NULL), ERR_OK);
    return error_set(err, ERR_AGAIN, "The connection broke.");
}

static void test_what_a_failed_read_has_left_is_taken_back(void **state)
{
    (void)state;
    static const struct store_ops ops = {.get = give_half, .get_file = give_half_file};
    struct store st = {.ops = &ops};
    struct str body;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "local");
    str_init(&body, 100);
    str_append(&body, "before");
    assert_int_equal(store_get(&st, "k", &body, NULL, NULL), ERR_AGAIN);
    assert_string_equal(body.data, "before");
    assert_int_equal(store_get_file(&st, "k", path, NULL, NULL), ERR_AGAIN);
    assert_false(fs_exists(path));
    str_release(&body);
    str_init(&body, 8);
    str_append(&body, "before");
    assert_int_equal(store_get(&st, "k", &body, NULL, NULL), ERR_AGAIN);
    assert_string_equal(body.data, "before");
    assert_false(body.full);
    str_release(&body);
    free(path);
    temp_folder_free(folder);
}

/* ---- Bills ---- */

static void test_the_bill_of_a_decorator_only_grows(void **state)
{
    (void)state;
    struct store outer = {.bill = {.gets = 7, .requests = 1}};
    struct store inner = {.bill = {.gets = 5, .puts = 2, .bytes_read = 9, .retries = 3}};
    store_count_request(&inner, &inner.bill.lists);
    store_bill_pass(&outer, &inner);
    assert_int_equal(outer.bill.gets, 7);
    assert_int_equal(outer.bill.puts, 2);
    assert_int_equal(outer.bill.bytes_read, 9);
    assert_int_equal(outer.bill.retries, 3);
    assert_int_equal(outer.bill.lists, 1);
    assert_int_equal(outer.bill.requests, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_url_says_which_store),
        cmocka_unit_test(test_what_is_no_url_of_a_store_is_refused),
        cmocka_unit_test(test_a_refused_url_shows_no_secret),
        cmocka_unit_test(test_s3_urls_are_given_to_the_s3_store),
        cmocka_unit_test(test_memory_is_shared_by_name_and_private_without),
        cmocka_unit_test(test_labels_are_set_replaced_and_found),
        cmocka_unit_test(test_put_many_ends_at_the_first_failure),
        cmocka_unit_test(test_put_many_counts_an_unknown_outcome_as_written),
        cmocka_unit_test(test_remove_many_tries_the_rest_and_returns_the_first_failure),
        cmocka_unit_test(test_what_a_failed_read_has_left_is_taken_back),
        cmocka_unit_test(test_the_bill_of_a_decorator_only_grows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/slot.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"

#define KEY "index/manifest.json"

/* What becomes of the swaps; everything else passes. */
struct script {
    struct script_answer swap;
    struct script_answer get;
};

static struct script_answer rule(void *ctx, const struct script_call *call)
{
    const struct script *s = ctx;
    struct script_answer pass = {SCRIPT_PASS, 0};
    if (strcmp(call->operation, "swap") == 0)
        return s->swap;
    return strcmp(call->operation, "get") == 0 ? s->get : pass;
}

static int swap(struct store *st, const struct store_tag *expected, const char *text,
                struct store_tag *tag, struct error *err)
{
    struct str bytes;
    str_init(&bytes, 1000);
    str_append(&bytes, text);
    int rc = slot_swap(st, KEY, expected, &bytes, tag, err);
    str_release(&bytes);
    return rc;
}

static void assert_content(struct store *st, const char *expected)
{
    char *text = sample_get(st, KEY);
    assert_string_equal(text, expected);
    free(text);
}

static void a_slot_is_replaced_from_the_state_that_was_read(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct store_tag first;
    struct store_tag second;
    struct store_tag seen;
    struct str body;
    str_init(&body, 1000);
    assert_int_equal(slot_read(st, KEY, &body, &seen, NULL), ERR_ABSENT);
    assert_string_equal(seen.text, "");
    assert_int_equal(swap(st, NULL, "one", &first, NULL), ERR_OK);
    assert_int_equal(swap(st, NULL, "other", &second, NULL), ERR_CONFLICT);
    assert_int_equal(swap(st, &first, "two", &second, NULL), ERR_OK);
    assert_int_equal(swap(st, &first, "three", NULL, NULL), ERR_CONFLICT);
    assert_int_equal(slot_read(st, KEY, &body, &seen, NULL), ERR_OK);
    assert_string_equal(seen.text, second.text);
    assert_string_equal(body.data, "two");
    str_release(&body);
    store_free(st);
}

static void a_lost_answer_is_settled_by_reading(void **state)
{
    (void)state;
    struct script s = {.swap = {SCRIPT_LOSE, 0}};
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, rule, &s);
    struct store_tag tag = {""};
    struct store_tag seen;
    struct str body;
    struct error err = ERROR_INIT;
    assert_int_equal(swap(st, NULL, "one", &tag, &err), ERR_OK);
    assert_int_equal(err.code, ERR_OK);
    str_init(&body, 1000);
    assert_int_equal(slot_read(inner, KEY, &body, &seen, NULL), ERR_OK);
    assert_string_equal(tag.text, seen.text);
    str_release(&body);
    store_free(st);
    store_free(inner);
}

static void a_refusal_after_ones_own_copy_landed_is_a_success(void **state)
{
    (void)state;
    struct script s = {.swap = {SCRIPT_LOSE, ERR_CONFLICT}};
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, rule, &s);
    struct store_tag tag = {""};
    assert_int_equal(swap(st, NULL, "one", &tag, NULL), ERR_OK);
    assert_string_not_equal(tag.text, "");
    store_free(st);
    store_free(inner);
}

static void a_request_that_never_arrived_stays_unknown(void **state)
{
    (void)state;
    struct script s = {.swap = {SCRIPT_LATE, 0}};
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, rule, &s);
    struct store_tag tag = {"untouched"};
    assert_int_equal(swap(st, NULL, "one", &tag, NULL), ERR_UNKNOWN);
    assert_string_equal(tag.text, "untouched");
    assert_false(sample_exists(inner, KEY));
    assert_int_equal(store_script_deliver(st), 1);
    assert_content(inner, "one");
    store_free(st);
    store_free(inner);
}

static void doubt_remains_where_reading_fails_too(void **state)
{
    (void)state;
    struct script s = {.swap = {SCRIPT_LOSE, 0}, .get = {SCRIPT_FAIL, ERR_AGAIN}};
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, rule, &s);
    assert_int_equal(swap(st, NULL, "one", NULL, NULL), ERR_UNKNOWN);
    store_free(st);
    store_free(inner);
}

static void other_failures_pass_through(void **state)
{
    (void)state;
    struct script s = {.swap = {SCRIPT_FAIL, ERR_DENIED}};
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, rule, &s);
    assert_int_equal(swap(st, NULL, "one", NULL, NULL), ERR_DENIED);
    assert_int_equal(inner->bill.gets, 0);
    store_free(st);
    store_free(inner);
}

static void what_is_too_large_to_be_ours_is_damage(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct store_tag tag;
    struct str body;
    sample_put(st, KEY, "twelve bytes");
    str_init(&body, 11);
    assert_int_equal(slot_read(st, KEY, &body, &tag, NULL), ERR_DAMAGED);
    str_release(&body);
    store_free(st);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slot_is_replaced_from_the_state_that_was_read),
        cmocka_unit_test(a_lost_answer_is_settled_by_reading),
        cmocka_unit_test(a_refusal_after_ones_own_copy_landed_is_a_success),
        cmocka_unit_test(a_request_that_never_arrived_stays_unknown),
        cmocka_unit_test(doubt_remains_where_reading_fails_too),
        cmocka_unit_test(other_failures_pass_through),
        cmocka_unit_test(what_is_too_large_to_be_ours_is_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

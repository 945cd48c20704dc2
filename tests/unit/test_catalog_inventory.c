#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/inventory.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"

static void what_a_listing_found_can_be_looked_up(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct inventory list;
    sample_put(st, "a/1", "x");
    sample_put(st, "a/2", "xy");
    sample_put(st, "b", "xyz");
    assert_int_equal(inventory_list(st, "", &list, NULL), ERR_OK);
    assert_int_equal(list.count, 3);
    assert_int_equal(inventory_find(&list, "a/2")->size, 2);
    assert_int_equal(inventory_find(&list, "b")->size, 3);
    assert_null(inventory_find(&list, "a"));
    assert_null(inventory_find(&list, "a/3"));
    assert_null(inventory_find(&list, "c"));
    inventory_release(&list);
    assert_int_equal(inventory_list(st, "a/", &list, NULL), ERR_OK);
    assert_int_equal(list.count, 2);
    assert_null(inventory_find(&list, "b"));
    inventory_release(&list);
    assert_null(inventory_find(&list, "a/1"));
    store_free(st);
}

static void keys_may_be_added_in_any_order(void **state)
{
    (void)state;
    struct inventory list = {0};
    static const char *const keys[] = {"m", "z", "a", "q", "b"};
    for (size_t i = 0; i < 5; i++)
        inventory_add(&list, keys[i], i);
    inventory_sort(&list);
    for (size_t i = 0; i < 5; i++)
        assert_int_equal(inventory_find(&list, keys[i])->size, i);
    inventory_release(&list);
}

static struct script_answer refuse_list(void *ctx, const struct script_call *call)
{
    struct script_answer answer = {SCRIPT_PASS, 0};
    (void)ctx;
    if (strcmp(call->operation, "list") == 0)
        answer = (struct script_answer){SCRIPT_FAIL, ERR_DENIED};
    return answer;
}

static void a_listing_that_fails_leaves_nothing(void **state)
{
    (void)state;
    struct store *inner = sample_store();
    struct store *st = store_script_new(inner, refuse_list, NULL);
    struct inventory list;
    assert_int_equal(inventory_list(st, "", &list, NULL), ERR_DENIED);
    assert_int_equal(list.count, 0);
    store_free(st);
    store_free(inner);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_listing_found_can_be_looked_up),
        cmocka_unit_test(keys_may_be_added_in_any_order),
        cmocka_unit_test(a_listing_that_fails_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

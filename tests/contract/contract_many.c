/* Contract: listing, removing, and many objects at once. */
#include "contract/contract_kit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "util/mem.h"

/* ---- Listing ---- */

static void lists(struct contract *c, const char *prefix, const char *expected)
{
    char *all = contract_list(c, prefix);
    assert_string_equal(all, expected);
    free(all);
}

static void test_list_is_in_byte_order_of_the_whole_keys(void **state)
{
    struct contract *c = *state;
    /* "-" and "." are less than "/", "0" is greater: folders must not be sorted by bare names. */
    static const char *const keys[] = {"d/a/z",   "d/a-b/x", "d/a.b",      "d/a0/y",
                                       "d/a/b/c", "d/a/B",   "d/\xc3\xa9", "d/z",
                                       "d/a!/q",  "c",       "e/f"};
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        expect_ok(c, contract_put(c, keys[i], "x", NULL));
    lists(c, "",
          "c\nd/a!/q\nd/a-b/x\nd/a.b\nd/a/B\nd/a/b/c\nd/a/z\nd/a0/y\nd/z\nd/\xc3\xa9\ne/f\n");
    lists(c, "d/a/", "d/a/B\nd/a/b/c\nd/a/z\n");
    lists(c, "d/a/b/", "d/a/b/c\n");
}

static void test_list_shows_only_what_lies_below_the_prefix(void **state)
{
    struct contract *c = *state;
    static const char *const keys[] = {"ev/1", "events/1", "events/2/3", "event", "eventsx/4"};
    lists(c, "", "");
    lists(c, "events/", "");
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        expect_ok(c, contract_put(c, keys[i], "x", NULL));
    lists(c, "events/", "events/1\nevents/2/3\n");
    lists(c, "ev/", "ev/1\n");
    lists(c, "event/", "");
    lists(c, "events/1/", "");
    lists(c, "no/such/", "");
    expect_ok(c, store_remove(c->store, "events/1", &c->err));
    lists(c, "events/", "events/2/3\n");
}

static int never(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(int *)ctx;
    return ERR_OK;
}

static void test_malformed_prefixes_are_refused(void **state)
{
    struct contract *c = *state;
    static const char *const bad[] = {"a", "/", "/a/", "a//", "../", "a/../", "./", "a\\/", "a\n/"};
    int visits = 0;
    expect_ok(c, contract_put(c, "a", "x", NULL));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        expect_code(c, store_list(c->store, bad[i], never, &visits, &c->err), ERR_CONFIG);
    expect_code(c, store_list(c->store, NULL, never, &visits, &c->err), ERR_CONFIG);
    assert_int_equal(visits, 0);
}

static int add_size(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    *(uint64_t *)ctx = *(uint64_t *)ctx * 1000 + entry->size;
    return ERR_OK;
}

static void test_list_tells_the_sizes(void **state)
{
    struct contract *c = *state;
    uint64_t sizes = 0;
    expect_ok(c, contract_put(c, "s/1", "a", NULL));
    expect_ok(c, contract_put(c, "s/2", "", NULL));
    expect_ok(c, contract_put(c, "s/3", "abcdefghij", NULL));
    expect_ok(c, store_list(c->store, "s/", add_size, &sizes, &c->err));
    assert_int_equal(sizes, 1000010);
}

static int stop_at_second(void *ctx, const struct store_entry *entry, struct error *err)
{
    int *visits = ctx;
    if (++*visits < 2)
        return ERR_OK;
    return error_set(err, ERR_GATE, "enough at %s", entry->key);
}

static void test_a_visit_that_fails_ends_the_list(void **state)
{
    struct contract *c = *state;
    int visits = 0;
    expect_ok(c, contract_put(c, "v/1", "x", NULL));
    expect_ok(c, contract_put(c, "v/2/2", "x", NULL));
    expect_ok(c, contract_put(c, "v/3", "x", NULL));
    expect_code(c, store_list(c->store, "v/", stop_at_second, &visits, &c->err), ERR_GATE);
    assert_int_equal(visits, 2);
    assert_string_equal(c->err.text, "enough at v/2/2");
}

static int remove_visited(void *ctx, const struct store_entry *entry, struct error *err)
{
    return store_remove(ctx, entry->key, err);
}

static void test_a_visit_may_use_the_store(void **state)
{
    struct contract *c = *state;
    for (int i = 0; i < 12; i++) {
        char *key = mem_printf("r/%d/%d", i / 3, i);
        expect_ok(c, contract_put(c, key, "x", NULL));
        free(key);
    }
    expect_ok(c, contract_put(c, "kept", "x", NULL));
    expect_ok(c, store_list(c->store, "r/", remove_visited, c->store, &c->err));
    lists(c, "", "kept\n");
}

static void test_a_long_listing_is_complete_and_in_order(void **state)
{
    struct contract *c = *state;
    size_t count = c->subject->many > 0 ? c->subject->many : 60;
    struct str expected;
    str_init(&expected, 1 << 24);
    char **keys = mem_calloc(count, sizeof *keys);
    struct store_body *bodies = mem_calloc(count, sizeof *bodies);
    bool *written = mem_calloc(count, sizeof *written);
    for (size_t i = 0; i < count; i++) {
        /* Put in another order than that of the names; 7919 is prime to any count used here. */
        keys[i] = mem_printf("m/%05zu", i * 7919 % count);
        bodies[i] = store_body_bytes(keys[i], strlen(keys[i]));
        str_printf(&expected, "m/%05zu\n", i);
    }
    expect_ok(c,
              store_put_many(c->store, (const char *const *)keys, bodies, count, written, &c->err));
    lists(c, "m/", expected.data);
    lists(c, "", expected.data);
    size_t removed;
    expect_ok(c, store_remove_many(c->store, (const char *const *)keys, count, &removed, &c->err));
    assert_int_equal(removed, count);
    lists(c, "", "");
    for (size_t i = 0; i < count; i++)
        free(keys[i]);
    free(keys);
    free(bodies);
    free(written);
    str_release(&expected);
}

/* ---- Removing ---- */

static void test_remove_takes_one_object_and_absent_is_success(void **state)
{
    struct contract *c = *state;
    expect_ok(c, contract_put(c, "r/a/1", "x", NULL));
    expect_ok(c, contract_put(c, "r/a/2", "y", NULL));
    expect_ok(c, store_remove(c->store, "r/a/1", &c->err));
    contract_holds(c, "r/a/1", NULL);
    contract_holds(c, "r/a/2", "y");
    expect_ok(c, store_remove(c->store, "r/a/1", &c->err));
    expect_ok(c, store_remove(c->store, "never/was", &c->err));
    /* What other keys only pass through is no object: nothing below it goes. */
    expect_ok(c, store_remove(c->store, "r/a", &c->err));
    expect_ok(c, store_remove(c->store, "r", &c->err));
    contract_holds(c, "r/a/2", "y");
    expect_ok(c, contract_put(c, "r/a/1", "again", NULL));
    contract_holds(c, "r/a/1", "again");
}

static void test_a_key_is_free_again_after_its_neighbours_are_gone(void **state)
{
    struct contract *c = *state;
    for (int i = 0; i < 3; i++) {
        expect_ok(c, contract_put(c, "deep/er/and/deeper", "x", NULL));
        expect_ok(c, store_remove(c->store, "deep/er/and/deeper", &c->err));
        lists(c, "", "");
        /* A former folder may become an object, and the other way round. */
        expect_ok(c, contract_put(c, "deep/er", "y", NULL));
        contract_holds(c, "deep/er", "y");
        expect_ok(c, store_remove(c->store, "deep/er", &c->err));
    }
}

static void test_remove_many_counts_what_is_surely_gone(void **state)
{
    struct contract *c = *state;
    const char *const keys[] = {"r/1", "r/2/x", "r/absent", "r/3"};
    size_t removed = 99;
    expect_ok(c, contract_put(c, "r/1", "x", NULL));
    expect_ok(c, contract_put(c, "r/2/x", "x", NULL));
    expect_ok(c, contract_put(c, "r/3", "x", NULL));
    expect_ok(c, contract_put(c, "r/4", "x", NULL));
    expect_ok(c, store_remove_many(c->store, keys, 4, &removed, &c->err));
    assert_int_equal(removed, 4);
    lists(c, "", "r/4\n");
    expect_ok(c, store_remove_many(c->store, keys, 0, &removed, &c->err));
    assert_int_equal(removed, 0);
    expect_ok(c, store_remove_many(c->store, keys, 1, NULL, &c->err));
}

static void test_remove_many_with_one_bad_key_removes_nothing(void **state)
{
    struct contract *c = *state;
    const char *const keys[] = {"r/1", "../r/2"};
    size_t removed = 99;
    expect_ok(c, contract_put(c, "r/1", "x", NULL));
    expect_code(c, store_remove_many(c->store, keys, 2, &removed, &c->err), ERR_CONFIG);
    assert_int_equal(removed, 0);
    contract_holds(c, "r/1", "x");
}

/* ---- Many bodies ---- */

#define BODIES 9

/* Keys and bodies of a batch. */
struct batch {
    char *keys[BODIES];
    struct store_body bodies[BODIES];
    bool written[BODIES];
};

static void batch_init(struct contract *c, struct batch *b)
{
    for (size_t i = 0; i < BODIES; i++) {
        b->keys[i] = mem_printf("events/1-a/month=%zu/part.parquet", i);
        b->bodies[i] = store_body_bytes(b->keys[i], strlen(b->keys[i]));
        b->written[i] = true;
    }
    /* One of them is a local file. */
    char *path = contract_file(c, "part", b->keys[2], strlen(b->keys[2]));
    expect_ok(c, store_body_file(path, &b->bodies[2], &c->err));
}

static void batch_release(struct batch *b)
{
    for (size_t i = 0; i < BODIES; i++)
        free(b->keys[i]);
    free(mem_unconst(b->bodies[2].path));
}

static int put_batch(struct contract *c, struct batch *b)
{
    error_clear(&c->err);
    return store_put_many(c->store, (const char *const *)b->keys, b->bodies, BODIES, b->written,
                          &c->err);
}

static void test_put_many_writes_all(void **state)
{
    struct contract *c = *state;
    struct batch b;
    batch_init(c, &b);
    expect_ok(c, put_batch(c, &b));
    for (size_t i = 0; i < BODIES; i++) {
        assert_true(b.written[i]);
        contract_holds(c, b.keys[i], b.keys[i]);
    }
    expect_ok(c, store_put_many(c->store, (const char *const *)b.keys, b.bodies, 0, NULL, &c->err));
    batch_release(&b);
}

/* `written` says exactly which objects are there because of the call; `failing` is none of them. */
static void written_is_exact(struct contract *c, const struct batch *b, size_t failing)
{
    assert_false(b->written[failing]);
    for (size_t i = 0; i < BODIES; i++) {
        if (i != failing)
            contract_holds(c, b->keys[i], b->written[i] ? b->keys[i] : NULL);
    }
}

static void test_put_many_with_an_existing_key_in_the_middle(void **state)
{
    struct contract *c = *state;
    struct batch b;
    batch_init(c, &b);
    expect_ok(c, contract_put(c, b.keys[4], "somebody else's", NULL));
    expect_code(c, put_batch(c, &b), ERR_CONFLICT);
    written_is_exact(c, &b, 4);
    contract_holds(c, b.keys[4], "somebody else's");
    batch_release(&b);
}

static void test_put_many_with_damaged_content_in_the_middle(void **state)
{
    struct contract *c = *state;
    struct batch b;
    batch_init(c, &b);
    b.bodies[4].bytes = "events/1-a/month=4/part.PARQUET";
    expect_code(c, put_batch(c, &b), ERR_DAMAGED);
    written_is_exact(c, &b, 4);
    contract_holds(c, b.keys[4], NULL);
    batch_release(&b);
}

static void test_put_many_with_a_malformed_body_writes_nothing(void **state)
{
    struct contract *c = *state;
    struct batch b;
    batch_init(c, &b);
    b.bodies[8].sha256[0] = 'x';
    expect_code(c, put_batch(c, &b), ERR_CONFIG);
    for (size_t i = 0; i < BODIES; i++)
        assert_false(b.written[i]);
    lists(c, "", "");
    batch_release(&b);
}

const struct CMUnitTest contract_many_tests[] = {
    cmocka_unit_test(test_list_is_in_byte_order_of_the_whole_keys),
    cmocka_unit_test(test_list_shows_only_what_lies_below_the_prefix),
    cmocka_unit_test(test_malformed_prefixes_are_refused),
    cmocka_unit_test(test_list_tells_the_sizes),
    cmocka_unit_test(test_a_visit_that_fails_ends_the_list),
    cmocka_unit_test(test_a_visit_may_use_the_store),
    cmocka_unit_test(test_a_long_listing_is_complete_and_in_order),
    cmocka_unit_test(test_remove_takes_one_object_and_absent_is_success),
    cmocka_unit_test(test_a_key_is_free_again_after_its_neighbours_are_gone),
    cmocka_unit_test(test_remove_many_counts_what_is_surely_gone),
    cmocka_unit_test(test_remove_many_with_one_bad_key_removes_nothing),
    cmocka_unit_test(test_put_many_writes_all),
    cmocka_unit_test(test_put_many_with_an_existing_key_in_the_middle),
    cmocka_unit_test(test_put_many_with_damaged_content_in_the_middle),
    cmocka_unit_test(test_put_many_with_a_malformed_body_writes_nothing),
};
const size_t contract_many_test_count = sizeof contract_many_tests / sizeof contract_many_tests[0];

/* Contract: replacing one object, moving one object. */
#include "contract/contract_kit.h"

#include <stdlib.h>
#include <string.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

/* ---- Swap ---- */

static void test_swap_of_an_absent_object_creates_it_once(void **state)
{
    struct contract *c = *state;
    struct store_tag tag;
    struct store_tag second = {"as it was"};
    expect_ok(c, contract_swap(c, "p", NULL, "one", &tag));
    contract_holds(c, "p", "one");
    expect_code(c, contract_swap(c, "p", NULL, "two", &second), ERR_CONFLICT);
    assert_string_equal(second.text, "as it was");
    expect_code(c, contract_put(c, "p", "three", NULL), ERR_CONFLICT);
    contract_holds(c, "p", "one");
    expect_ok(c, contract_swap(c, "p", &tag, "two", NULL));
    contract_holds(c, "p", "two");
}

static void test_swap_with_the_tag_of_the_state_replaces_it(void **state)
{
    struct contract *c = *state;
    struct store_tag tag;
    struct store_tag read;
    struct str body;
    str_init(&body, 100);
    expect_ok(c, contract_put(c, "d/p", "state 0", &tag));
    for (int i = 1; i <= 10; i++) {
        char *text = mem_printf("state %d", i);
        expect_ok(c, contract_swap(c, "d/p", &tag, text, &tag));
        str_clear(&body);
        expect_ok(c, store_get(c->store, "d/p", &body, &read, &c->err));
        assert_string_equal(body.data, text);
        assert_string_equal(read.text, tag.text);
        if (i % 2 == 0)
            tag = read;
        free(text);
    }
    char *all = contract_list(c, "");
    assert_string_equal(all, "d/p\n");
    free(all);
    str_release(&body);
}

static void test_swap_with_another_tag_changes_nothing(void **state)
{
    struct contract *c = *state;
    struct store_tag first;
    struct store_tag second;
    struct store_tag got = {"as it was"};
    expect_ok(c, contract_put(c, "p", "one", &first));
    expect_ok(c, contract_swap(c, "p", &first, "two", &second));
    expect_code(c, contract_swap(c, "p", &first, "three", &got), ERR_CONFLICT);
    contract_holds(c, "p", "two");
    struct store_tag other;
    expect_ok(c, contract_put(c, "q", "another object", &other));
    expect_code(c, contract_swap(c, "p", &other, "three", &got), ERR_CONFLICT);
    contract_holds(c, "p", "two");
    assert_string_equal(got.text, "as it was");
    expect_ok(c, contract_swap(c, "p", &second, "three", NULL));
}

static void test_swap_of_an_absent_object_with_a_tag_is_a_conflict(void **state)
{
    struct contract *c = *state;
    struct store_tag tag;
    expect_ok(c, contract_put(c, "d/p", "one", &tag));
    expect_code(c, contract_swap(c, "d/q", &tag, "two", NULL), ERR_CONFLICT);
    contract_holds(c, "d/q", NULL);
    expect_code(c, contract_swap(c, "no/such/folder", &tag, "two", NULL), ERR_CONFLICT);
    expect_ok(c, store_remove(c->store, "d/p", &c->err));
    expect_code(c, contract_swap(c, "d/p", &tag, "two", NULL), ERR_CONFLICT);
    contract_holds(c, "d/p", NULL);
    char *all = contract_list(c, "");
    assert_string_equal(all, "");
    free(all);
}

static void test_swap_to_the_same_bytes_succeeds_and_its_tag_holds(void **state)
{
    struct contract *c = *state;
    struct store_tag tag;
    struct store_tag again;
    expect_ok(c, contract_put(c, "p", "same", &tag));
    expect_ok(c, contract_swap(c, "p", &tag, "same", &again));
    expect_ok(c, contract_swap(c, "p", &again, "other", NULL));
    contract_holds(c, "p", "other");
}

/*
 * A tag made of the content comes back with the content; one that is counted does not. Either is
 * allowed: that is why every state of a pointer carries a nonce.
 */
static void test_a_state_that_returns_by_content_is_matched_or_refused_cleanly(void **state)
{
    struct contract *c = *state;
    struct store_tag a;
    struct store_tag b;
    struct store_tag back;
    expect_ok(c, contract_put(c, "p", "A", &a));
    expect_ok(c, contract_swap(c, "p", &a, "B", &b));
    expect_ok(c, contract_swap(c, "p", &b, "A", &back));
    expect_code(c, contract_swap(c, "p", &b, "C", NULL), ERR_CONFLICT);
    contract_holds(c, "p", "A");
    int rc = contract_swap(c, "p", &a, "C", NULL);
    if (store_tag_equal(&a, &back))
        expect_ok(c, rc);
    else
        expect_code(c, rc, ERR_CONFLICT);
    contract_holds(c, "p", rc == ERR_OK ? "C" : "A");
}

static void test_a_second_handle_sees_and_replaces_what_the_first_wrote(void **state)
{
    struct contract *c = *state;
    struct store *first = c->store;
    struct store_tag tag;
    struct store_tag read;
    struct str body;
    str_init(&body, 100);
    expect_ok(c, contract_put(c, "d/p", "one", &tag));
    c->store = c->subject->open(c->subject);
    expect_ok(c, store_get(c->store, "d/p", &body, &read, &c->err));
    assert_string_equal(read.text, tag.text);
    expect_ok(c, contract_swap(c, "d/p", &read, "two", NULL));
    store_free(c->store);
    c->store = first;
    expect_code(c, contract_swap(c, "d/p", &tag, "three", NULL), ERR_CONFLICT);
    contract_holds(c, "d/p", "two");
    str_release(&body);
}

/* ---- Move ---- */

struct moving {
    struct store_tag guard;
    struct store_tag target;
    struct store_move move;
};

static struct store_tag head_tag(struct contract *c, const char *key)
{
    struct store_info info;
    expect_ok(c, store_head(c->store, key, &info, &c->err));
    return info.tag;
}

/* A temp object to be moved to a final key under a guard; `target` is its old text or NULL. */
static void prepare_move(struct contract *c, struct moving *m, const char *target)
{
    *m = (struct moving){.move = {.from = ".tmp/1-a/part", .to = "final/part", .guard = "guard"}};
    expect_ok(c, contract_put(c, "guard", "in progress", &m->guard));
    expect_ok(c, contract_put(c, ".tmp/1-a/part", "moved", NULL));
    if (target != NULL) {
        expect_ok(c, contract_put(c, "final/part", target, NULL));
        m->target = head_tag(c, "final/part");
        m->move.expected = &m->target;
    }
    m->move.guard_tag = &m->guard;
}

static int do_move(struct contract *c, const struct moving *m)
{
    error_clear(&c->err);
    return store_move(c->store, &m->move, &c->err);
}

static void test_move_to_a_free_key(void **state)
{
    struct contract *c = *state;
    struct moving m;
    prepare_move(c, &m, NULL);
    expect_ok(c, do_move(c, &m));
    contract_holds(c, "final/part", "moved");
    contract_holds(c, "guard", "in progress");
    /* Where moving is one step, it is a renaming. */
    if (c->store->traits.guarded_move)
        contract_holds(c, ".tmp/1-a/part", NULL);
    /* What remains of the source (where a backend copies) may be removed like anything. */
    expect_ok(c, store_remove(c->store, ".tmp/1-a/part", &c->err));
    contract_holds(c, "final/part", "moved");
}

static void test_move_replaces_exactly_the_state_seen(void **state)
{
    struct contract *c = *state;
    struct moving m;
    prepare_move(c, &m, "old");
    expect_ok(c, do_move(c, &m));
    contract_holds(c, "final/part", "moved");
    /* That state is gone: the same move of another source is refused. */
    expect_ok(c, contract_put(c, ".tmp/1-b/part", "late", NULL));
    m.move.from = ".tmp/1-b/part";
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", "moved");
    contract_holds(c, ".tmp/1-b/part", "late");
    m.target = head_tag(c, "final/part");
    expect_ok(c, do_move(c, &m));
    contract_holds(c, "final/part", "late");
}

static void test_move_is_refused_where_the_target_is_not_as_seen(void **state)
{
    struct contract *c = *state;
    struct moving m;
    struct store_tag tag;
    struct str body;
    str_init(&body, 100);
    prepare_move(c, &m, "old");
    expect_ok(c, store_get(c->store, "final/part", &body, &tag, &c->err));
    expect_ok(c, contract_swap(c, "final/part", &tag, "changed", NULL));
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", "changed");
    m.move.expected = NULL;
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", "changed");
    expect_ok(c, store_remove(c->store, "final/part", &c->err));
    m.move.expected = &m.target;
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", NULL);
    contract_holds(c, ".tmp/1-a/part", "moved");
    str_release(&body);
}

static void test_move_is_refused_where_the_guard_has_changed(void **state)
{
    struct contract *c = *state;
    struct moving m;
    struct store_tag now;
    prepare_move(c, &m, "old");
    expect_ok(c, contract_swap(c, "guard", &m.guard, "taken over", &now));
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", "old");
    contract_holds(c, ".tmp/1-a/part", "moved");
    expect_ok(c, store_remove(c->store, "guard", &c->err));
    expect_code(c, do_move(c, &m), ERR_CONFLICT);
    contract_holds(c, "final/part", "old");
    expect_ok(c, contract_put(c, "guard", "a new one", &m.guard));
    expect_ok(c, do_move(c, &m));
    contract_holds(c, "final/part", "moved");
}

static void test_move_of_an_absent_source(void **state)
{
    struct contract *c = *state;
    struct moving m;
    prepare_move(c, &m, "old");
    expect_ok(c, store_remove(c->store, ".tmp/1-a/part", &c->err));
    expect_code(c, do_move(c, &m), ERR_ABSENT);
    contract_holds(c, "final/part", "old");
    m.move.to = "other/part";
    m.move.expected = NULL;
    expect_code(c, do_move(c, &m), ERR_ABSENT);
    contract_holds(c, "other/part", NULL);
    m.move.from = "no/such/folder";
    expect_code(c, do_move(c, &m), ERR_ABSENT);
}

static void test_move_wants_three_different_objects_and_a_guard(void **state)
{
    struct contract *c = *state;
    struct moving m;
    prepare_move(c, &m, "old");
    struct store_move good = m.move;
    m.move.to = m.move.from;
    expect_code(c, do_move(c, &m), ERR_CONFIG);
    m.move = good;
    m.move.guard = m.move.from;
    expect_code(c, do_move(c, &m), ERR_CONFIG);
    m.move.guard = m.move.to;
    expect_code(c, do_move(c, &m), ERR_CONFIG);
    m.move = good;
    m.move.guard_tag = NULL;
    expect_code(c, do_move(c, &m), ERR_CONFIG);
    m.move.guard = NULL;
    expect_code(c, do_move(c, &m), ERR_CONFIG);
    contract_holds(c, "final/part", "old");
    contract_holds(c, ".tmp/1-a/part", "moved");
}

static void test_move_sets_the_labels_of_the_target(void **state)
{
    struct contract *c = *state;
    struct moving m;
    struct store_info info;
    prepare_move(c, &m, "old");
    store_label_set(m.move.labels, "sequence", "7");
    expect_ok(c, do_move(c, &m));
    expect_ok(c, store_head(c->store, "final/part", &info, &c->err));
    assert_int_equal(info.size, strlen("moved"));
    if (c->store->traits.labels)
        assert_string_equal(store_label_get(info.labels, "sequence"), "7");
    store_label_set(m.move.labels, "Bad Name", "7");
    expect_code(c, do_move(c, &m), ERR_CONFIG);
}

static void test_move_of_a_big_object(void **state)
{
    struct contract *c = *state;
    struct moving m;
    prepare_move(c, &m, "old");
    size_t size = contract_big(c);
    unsigned char *noise = contract_noise(size, 5);
    char *path = contract_file(c, "big", noise, size);
    struct store_body body;
    expect_ok(c, store_body_file(path, &body, &c->err));
    expect_ok(c, store_put_new(c->store, ".tmp/1-a/big", &body, NULL, &c->err));
    m.move.from = ".tmp/1-a/big";
    expect_ok(c, do_move(c, &m));
    contract_holds_bytes(c, "final/part", noise, size);
    free(path);
    free(noise);
}

const struct CMUnitTest contract_swap_tests[] = {
    cmocka_unit_test(test_swap_of_an_absent_object_creates_it_once),
    cmocka_unit_test(test_swap_with_the_tag_of_the_state_replaces_it),
    cmocka_unit_test(test_swap_with_another_tag_changes_nothing),
    cmocka_unit_test(test_swap_of_an_absent_object_with_a_tag_is_a_conflict),
    cmocka_unit_test(test_swap_to_the_same_bytes_succeeds_and_its_tag_holds),
    cmocka_unit_test(test_a_state_that_returns_by_content_is_matched_or_refused_cleanly),
    cmocka_unit_test(test_a_second_handle_sees_and_replaces_what_the_first_wrote),
    cmocka_unit_test(test_move_to_a_free_key),
    cmocka_unit_test(test_move_replaces_exactly_the_state_seen),
    cmocka_unit_test(test_move_is_refused_where_the_target_is_not_as_seen),
    cmocka_unit_test(test_move_is_refused_where_the_guard_has_changed),
    cmocka_unit_test(test_move_of_an_absent_source),
    cmocka_unit_test(test_move_wants_three_different_objects_and_a_guard),
    cmocka_unit_test(test_move_sets_the_labels_of_the_target),
    cmocka_unit_test(test_move_of_a_big_object),
};
const size_t contract_swap_test_count = sizeof contract_swap_tests / sizeof contract_swap_tests[0];

/* The fault store does what its plan says, or the loops over every operation would prove nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"
#include "support/store_fault.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

static struct store *memory(void)
{
    struct store *st;
    assert_int_equal(store_open("memory:", NULL, &st, NULL), ERR_OK);
    return st;
}

static int put(struct store *st, const char *key, const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_put_new(st, key, &body, tag, NULL);
}

static int swap(struct store *st, const char *key, const struct store_tag *expected,
                const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_swap(st, key, expected, &body, tag, NULL);
}

/* The store below holds this text; NULL: nothing. */
static void holds(struct store *st, const char *key, const char *text)
{
    struct str body;
    str_init(&body, 1000);
    int rc = store_get(store_fault_inner(st), key, &body, NULL, NULL);
    assert_int_equal(rc, text != NULL ? ERR_OK : ERR_ABSENT);
    if (text != NULL)
        assert_string_equal(body.data, text);
    str_release(&body);
}

static int ignore(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(int *)ctx;
    return ERR_OK;
}

/* Every operation once; the codes, in order. "o" exists, carries `tag`, and "p" is free. */
static void do_everything(struct store *st, const char *path, int codes[9])
{
    struct str body;
    struct store_info info;
    struct store_tag tag = {"as it was"};
    struct store_tag guard;
    int visits = 0;
    str_init(&body, 1000);
    assert_int_equal(store_get(store_fault_inner(st), "o", &body, &guard, NULL), ERR_OK);
    str_clear(&body);
    struct store_move move = {.from = "m", .to = "n", .guard = "o", .guard_tag = &guard};
    codes[0] = store_get(st, "o", &body, &tag, NULL);
    codes[1] = store_get_file(st, "o", path, &tag, NULL);
    codes[2] = store_head(st, "o", &info, NULL);
    codes[3] = store_list(st, "", ignore, &visits, NULL);
    codes[4] = store_probe(st, NULL);
    codes[5] = put(st, "p", "new", &tag);
    codes[6] = store_move(st, &move, NULL);
    codes[7] = store_remove(st, "r", NULL);
    codes[8] = swap(st, "o", &guard, "swapped", &tag);
    /* What failed has left nothing behind. */
    assert_int_equal(body.len, codes[0] == ERR_OK ? 3 : 0);
    assert_int_equal(fs_exists(path), codes[1] == ERR_OK);
    assert_int_equal(visits > 0, codes[3] == ERR_OK);
    if (codes[0] != ERR_OK && codes[1] != ERR_OK && codes[5] != ERR_OK && codes[8] != ERR_OK)
        assert_string_equal(tag.text, "as it was");
    str_release(&body);
}

static struct store *prepared(void)
{
    struct store *inner = memory();
    assert_int_equal(put(inner, "o", "old", NULL), ERR_OK);
    assert_int_equal(put(inner, "m", "moved", NULL), ERR_OK);
    assert_int_equal(put(inner, "r", "removed", NULL), ERR_OK);
    return store_fault_new(inner);
}

static void test_without_a_plan_everything_passes_through(void **state)
{
    char *path = *state;
    int codes[9];
    struct store *st = prepared();
    do_everything(st, path, codes);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(codes[i], ERR_OK);
    assert_int_equal(store_fault_fired(st), 0);
    holds(st, "o", "swapped");
    holds(st, "p", "new");
    holds(st, "n", "moved");
    holds(st, "r", NULL);
    store_free(st);
}

static void test_operations_are_counted_and_named(void **state)
{
    static const enum fault_op ops[] = {FAULT_GET,  FAULT_GET_FILE, FAULT_HEAD,
                                        FAULT_LIST, FAULT_PROBE,    FAULT_PUT_NEW,
                                        FAULT_MOVE, FAULT_REMOVE,   FAULT_SWAP};
    static const char *const keys[] = {"o", "o", "o", "", "", "p", "m", "r", "o"};
    char *path = *state;
    int codes[9];
    struct store *st = prepared();
    do_everything(st, path, codes);
    assert_int_equal(store_fault_count(st), 9);
    for (size_t i = 1; i <= 9; i++) {
        const char *key;
        assert_int_equal(store_fault_operation(st, i, &key), ops[i - 1]);
        assert_string_equal(key, keys[i - 1]);
    }
    assert_string_equal(store_fault_op_name(FAULT_SWAP), "swap");
    assert_string_equal(store_fault_op_name(FAULT_PROBE), "probe");
    assert_true(st->bill.requests >= 8);
    store_free(st);
}

static void test_a_failure_does_nothing(void **state)
{
    char *path = *state;
    int codes[9];
    struct store *st = prepared();
    store_fault_add(st, &(struct fault){.action = FAULT_FAIL});
    do_everything(st, path, codes);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(codes[i], ERR_AGAIN);
    assert_int_equal(store_fault_fired(st), 9);
    holds(st, "o", "old");
    holds(st, "p", NULL);
    holds(st, "n", NULL);
    holds(st, "m", "moved");
    holds(st, "r", "removed");
    store_free(st);
}

static void test_a_lost_answer_has_done_the_work(void **state)
{
    char *path = *state;
    int codes[9];
    struct store *st = prepared();
    store_fault_add(st, &(struct fault){.action = FAULT_LOSE_ANSWER});
    do_everything(st, path, codes);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(codes[i], i < 5 ? ERR_AGAIN : ERR_UNKNOWN);
    holds(st, "o", "swapped");
    holds(st, "p", "new");
    holds(st, "n", "moved");
    holds(st, "r", NULL);
    /* Also where the answer would have been a refusal. */
    assert_int_equal(put(st, "p", "again", NULL), ERR_UNKNOWN);
    holds(st, "p", "new");
    store_free(st);
}

static void test_a_late_request_is_under_way_until_flushed(void **state)
{
    char *path = *state;
    int codes[9];
    struct store *st = prepared();
    store_fault_add(st, &(struct fault){.action = FAULT_APPLY_LATE});
    do_everything(st, path, codes);
    for (size_t i = 0; i < 9; i++)
        assert_int_equal(codes[i], i < 5 ? ERR_AGAIN : ERR_UNKNOWN);
    holds(st, "o", "old");
    holds(st, "p", NULL);
    holds(st, "n", NULL);
    holds(st, "r", "removed");
    assert_int_equal(store_fault_pending(st), 4);
    store_fault_flush(st);
    assert_int_equal(store_fault_pending(st), 0);
    holds(st, "o", "swapped");
    holds(st, "p", "new");
    holds(st, "n", "moved");
    holds(st, "r", NULL);
    store_free(st);
}

static void test_a_late_swap_applies_only_while_its_condition_holds(void **state)
{
    (void)state;
    struct store *st = store_fault_new(memory());
    struct store_tag tag;
    struct store_tag next;
    assert_int_equal(put(st, "p", "one", &tag), ERR_OK);
    store_fault_add(st, &(struct fault){.action = FAULT_APPLY_LATE, .op = FAULT_SWAP, .at = 1});
    assert_int_equal(swap(st, "p", &tag, "late", NULL), ERR_UNKNOWN);
    assert_int_equal(swap(st, "p", &tag, "in time", &next), ERR_OK);
    store_fault_flush(st);
    holds(st, "p", "in time");
    store_free(st);
}

static void test_a_late_request_arrives_before_a_later_operation(void **state)
{
    char *path = *state;
    struct store *st = store_fault_new(memory());
    struct store_info info;
    struct store_body body;
    store_fault_add(
        st, &(struct fault){.action = FAULT_APPLY_LATE, .op = FAULT_PUT_NEW, .at = 1, .later = 2});
    /* A copy is on its way, not the local file. */
    assert_int_equal(fs_write(path, "content", 7, NULL), ERR_OK);
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    assert_int_equal(store_put_new(st, "k", &body, NULL, NULL), ERR_UNKNOWN);
    assert_int_equal(fs_remove(path, NULL), ERR_OK);
    assert_int_equal(store_head(st, "k", &info, NULL), ERR_ABSENT);
    assert_int_equal(store_head(st, "k", &info, NULL), ERR_OK);
    holds(st, "k", "content");
    store_free(st);
}

static void test_a_plan_picks_by_number_kind_and_key(void **state)
{
    (void)state;
    struct store *st = store_fault_new(memory());
    struct store_info info;
    store_fault_add(st, &(struct fault){.action = FAULT_FAIL, .at = 2});
    store_fault_add(
        st, &(struct fault){.action = FAULT_FAIL, .at = 2, .op = FAULT_HEAD, .code = ERR_DENIED});
    store_fault_add(st, &(struct fault){.action = FAULT_LOSE_ANSWER, .at = 1, .key = "events/"});
    assert_int_equal(put(st, "a", "x", NULL), ERR_OK);              /* 1 */
    assert_int_equal(put(st, "b", "x", NULL), ERR_AGAIN);           /* 2: the second of all */
    assert_int_equal(store_head(st, "a", &info, NULL), ERR_OK);     /* 3: first head */
    assert_int_equal(store_head(st, "a", &info, NULL), ERR_DENIED); /* 4: second head */
    assert_int_equal(store_head(st, "a", &info, NULL), ERR_OK);     /* 5 */
    assert_int_equal(put(st, "events/1", "x", NULL), ERR_UNKNOWN);  /* 6: first events/ */
    assert_int_equal(put(st, "events/2", "x", NULL), ERR_OK);       /* 7 */
    assert_int_equal(store_fault_fired(st), 3);
    store_free(st);
}

static void test_many_at_once_are_single_operations(void **state)
{
    (void)state;
    struct store *st = store_fault_new(memory());
    const char *const keys[] = {"a", "b", "c"};
    struct store_body body = store_body_bytes("x", 1);
    struct store_body bodies[] = {body, body, body};
    bool written[3];
    size_t removed;
    store_fault_add(st, &(struct fault){.action = FAULT_LOSE_ANSWER, .op = FAULT_PUT_NEW, .at = 2});
    store_fault_add(st, &(struct fault){.action = FAULT_FAIL, .op = FAULT_REMOVE, .at = 2});
    assert_int_equal(store_put_many(st, keys, bodies, 3, written, NULL), ERR_UNKNOWN);
    assert_true(written[0] && written[1] && !written[2]);
    holds(st, "b", "x");
    holds(st, "c", NULL);
    assert_int_equal(store_remove_many(st, keys, 3, &removed, NULL), ERR_AGAIN);
    assert_int_equal(removed, 2);
    holds(st, "b", "x");
    assert_int_equal(store_fault_count(st), 5);
    store_free(st);
}

static int head_of_number(void *ctx, size_t index, struct error *err)
{
    struct store_info info;
    char key[] = {(char)('a' + index), '\0'};
    error_ignore(store_head(ctx, key, &info, err)); /* that it was asked is what counts */
    return ERR_OK;
}

/* The k-th operation is the same one in every run, also over a store that likes many at once. */
static void test_operations_come_one_after_the_other(void **state)
{
    (void)state;
    struct store *inner = memory();
    inner->traits.parallel = 8;
    struct store *st = store_fault_new(inner);
    assert_int_equal(store_each(st, 20, head_of_number, st, NULL), ERR_OK);
    for (size_t i = 1; i <= 20; i++) {
        const char *key;
        assert_int_equal(store_fault_operation(st, i, &key), FAULT_HEAD);
        assert_int_equal(key[0], 'a' + (int)i - 1);
    }
    store_free(st);
}

static void test_corruption_flips_one_byte_of_what_is_read(void **state)
{
    char *path = *state;
    struct store *st = store_fault_new(memory());
    struct str body;
    str_init(&body, 1000);
    assert_int_equal(put(st, "o", "content", NULL), ERR_OK);
    store_fault_add(st, &(struct fault){.action = FAULT_CORRUPT, .at = 1});
    store_fault_add(st, &(struct fault){.action = FAULT_CORRUPT, .at = 2});
    str_append(&body, "before ");
    assert_int_equal(store_get(st, "o", &body, NULL, NULL), ERR_OK);
    assert_string_equal(body.data, "before conTent");
    assert_int_equal(store_get_file(st, "o", path, NULL, NULL), ERR_OK);
    str_clear(&body);
    assert_int_equal(fs_read(path, &body, NULL), ERR_OK);
    assert_string_equal(body.data, "conTent");
    str_clear(&body);
    assert_int_equal(store_get(st, "o", &body, NULL, NULL), ERR_OK);
    assert_string_equal(body.data, "content");
    holds(st, "o", "content");
    str_release(&body);
    store_free(st);
}

/* A second writer, in the middle of the first one's operation. */
static void replace_in_the_middle(void *ctx, struct store *inner)
{
    const struct store_tag *tag = ctx;
    assert_int_equal(swap(inner, "p", tag, "somebody else's", NULL), ERR_OK);
}

static void test_a_call_comes_before_or_after_the_operation(void **state)
{
    (void)state;
    struct store *st = store_fault_new(memory());
    struct store_tag tag;
    assert_int_equal(put(st, "p", "one", &tag), ERR_OK);
    store_fault_add(st, &(struct fault){.action = FAULT_CALL,
                                        .op = FAULT_SWAP,
                                        .at = 1,
                                        .call = replace_in_the_middle,
                                        .ctx = &tag});
    assert_int_equal(swap(st, "p", &tag, "mine", NULL), ERR_CONFLICT);
    holds(st, "p", "somebody else's");
    store_free(st);

    st = store_fault_new(memory());
    assert_int_equal(put(st, "p", "one", &tag), ERR_OK);
    struct str body;
    str_init(&body, 100);
    store_fault_add(st, &(struct fault){.action = FAULT_CALL_AFTER,
                                        .op = FAULT_GET,
                                        .at = 1,
                                        .call = replace_in_the_middle,
                                        .ctx = &tag});
    assert_int_equal(store_get(st, "p", &body, NULL, NULL), ERR_OK);
    assert_string_equal(body.data, "one");
    holds(st, "p", "somebody else's");
    str_release(&body);
    store_free(st);
}

/* Exit status of a child that puts two objects into the folder, with a fault at the second. */
static int die_at_second(const char *folder, enum fault_action action)
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *inner;
        if (store_open(folder, NULL, &inner, NULL) != ERR_OK)
            _exit(1);
        struct store *st = store_fault_new(inner);
        store_fault_add(st, &(struct fault){.action = action, .at = 2});
        put(st, "first", "x", NULL);
        put(st, "second", "x", NULL);
        _exit(2);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_death_comes_before_or_after_the_operation(void **state)
{
    (void)state;
    for (int after = 0; after < 2; after++) {
        char *folder = temp_folder_new();
        char *first = fs_join(folder, "first");
        char *second = fs_join(folder, "second");
        assert_int_equal(die_at_second(folder, after ? FAULT_DIE_AFTER : FAULT_DIE), 137);
        assert_true(fs_exists(first));
        assert_int_equal(fs_exists(second), after);
        free(first);
        free(second);
        temp_folder_free(folder);
    }
}

static void test_local_paths_can_fail(void **state)
{
    (void)state;
    char *folder = temp_folder_new();
    struct store *inner;
    char *path = NULL;
    assert_int_equal(store_open(folder, NULL, &inner, NULL), ERR_OK);
    struct store *st = store_fault_new(inner);
    assert_true(st->traits.local_paths);
    assert_int_equal(put(st, "k", "x", NULL), ERR_OK);
    store_fault_add(st,
                    &(struct fault){.action = FAULT_LOSE_ANSWER, .op = FAULT_LOCAL_PATH, .at = 1});
    assert_int_equal(store_local_path(st, "k", &path, NULL), ERR_AGAIN);
    assert_null(path);
    assert_int_equal(store_local_path(st, "k", &path, NULL), ERR_OK);
    free(path);
    store_free(st);
    temp_folder_free(folder);
}

/* The loop that the header shows ends, and meets every operation once. */
static void test_a_loop_over_every_operation_ends(void **state)
{
    char *path = *state;
    size_t k = 1;
    for (;; k++) {
        int codes[9];
        size_t failed = 0;
        struct store *st = prepared();
        store_fault_add(st, &(struct fault){.action = FAULT_FAIL, .at = k});
        do_everything(st, path, codes);
        bool fired = store_fault_fired(st) > 0;
        for (size_t i = 0; i < 9; i++)
            failed += codes[i] == ERR_AGAIN;
        assert_int_equal(failed, fired);
        store_free(st);
        if (!fired)
            break;
    }
    assert_int_equal(k, 10);
}

static int set_up(void **state)
{
    char *folder = temp_folder_new();
    *state = fs_join(folder, "local");
    free(folder);
    return 0;
}

static int tear_down(void **state)
{
    char *folder = fs_parent(*state);
    free(*state);
    temp_folder_free(folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_without_a_plan_everything_passes_through, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_operations_are_counted_and_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_failure_does_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_lost_answer_has_done_the_work, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_late_request_is_under_way_until_flushed, set_up,
                                        tear_down),
        cmocka_unit_test(test_a_late_swap_applies_only_while_its_condition_holds),
        cmocka_unit_test_setup_teardown(test_a_late_request_arrives_before_a_later_operation,
                                        set_up, tear_down),
        cmocka_unit_test(test_a_plan_picks_by_number_kind_and_key),
        cmocka_unit_test(test_many_at_once_are_single_operations),
        cmocka_unit_test(test_operations_come_one_after_the_other),
        cmocka_unit_test_setup_teardown(test_corruption_flips_one_byte_of_what_is_read, set_up,
                                        tear_down),
        cmocka_unit_test(test_a_call_comes_before_or_after_the_operation),
        cmocka_unit_test(test_death_comes_before_or_after_the_operation),
        cmocka_unit_test(test_local_paths_can_fail),
        cmocka_unit_test_setup_teardown(test_a_loop_over_every_operation_ends, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

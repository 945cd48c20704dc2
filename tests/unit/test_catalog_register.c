/* The register: what a swap says after every answer, and every state that is found behind it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/register.h"
#include "support/catalog_sample.h"
#include "support/store_script.h"

#define KEY "index/manifest.json"
#define RESENDS 3
#define LOOKS 4

/* What becomes of the requests, and what others do before the first reading after a swap. */
struct script {
    struct store *inner;
    struct script_answer swap; /* of the first request */
    struct script_answer next; /* of all further ones */
    unsigned failing_gets;
    bool arrives;        /* what was late arrives */
    const char *another; /* another writer replaces the state by this */
    bool vanishes;       /* somebody deletes it */
    unsigned swaps, gets;
};

static void put(struct store *st, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    struct store_tag tag = {""};
    struct str now;
    str_init(&now, 1000);
    bool there = store_get(st, KEY, &now, &tag, NULL) == ERR_OK;
    assert_int_equal(store_swap(st, KEY, there ? &tag : NULL, &body, NULL, NULL), ERR_OK);
    str_release(&now);
}

static void happen(const struct script *s, struct store *script)
{
    if (s->arrives)
        store_script_deliver(script);
    if (s->another != NULL)
        put(s->inner, s->another);
    if (s->vanishes)
        assert_int_equal(store_remove(s->inner, KEY, NULL), ERR_OK);
}

static struct script_answer rule(void *ctx, const struct script_call *call)
{
    struct script *s = ctx;
    struct script_answer pass = {SCRIPT_PASS, 0};
    struct script_answer fail = {SCRIPT_FAIL, ERR_AGAIN};
    if (strcmp(call->operation, "swap") == 0)
        return s->swaps++ == 0 ? s->swap : s->next;
    if (strcmp(call->operation, "get") != 0)
        return pass;
    if (s->gets++ == 0)
        happen(s, call->store);
    return s->gets <= s->failing_gets ? fail : pass;
}

static int swap(struct store *st, const struct store_tag *expected, const char *text,
                struct store_tag *tag, struct error *err)
{
    struct str bytes;
    str_init(&bytes, 1000);
    str_append(&bytes, text);
    int rc = register_swap(st, KEY, expected, &bytes, tag, err);
    str_release(&bytes);
    return rc;
}

static char *content(struct store *st)
{
    return sample_exists(st, KEY) ? sample_get(st, KEY) : NULL;
}

static void assert_content(struct store *st, const char *expected)
{
    char *text = content(st);
    if (expected == NULL)
        assert_null(text);
    else
        assert_string_equal(text, expected);
    free(text);
}

/* The tag of what stands there. */
static struct store_tag tag_of(struct store *st)
{
    struct store_tag tag;
    struct str body;
    str_init(&body, 1000);
    assert_int_equal(register_read(st, KEY, &body, &tag, NULL), ERR_OK);
    str_release(&body);
    return tag;
}

/* ---- One request --------------------------------------------------------------------------- */

/* Swap "one" to "two" by the script; then `there` must stand there. */
static void swap_by(struct script *s, int expected_rc, const char *there)
{
    struct store *script = store_script_new(s->inner, rule, s);
    struct store_tag tag = {"untouched"};
    struct error err = ERROR_INIT;
    put(s->inner, "one");
    struct store_tag from = tag_of(s->inner);
    assert_int_equal(swap(script, &from, "two", &tag, &err), expected_rc);
    assert_int_equal(err.code, expected_rc);
    assert_true((err.text[0] == '\0') == (expected_rc == ERR_OK));
    assert_int_equal(s->swaps, 1);
    assert_content(s->inner, there);
    if (expected_rc == ERR_OK)
        assert_string_equal(tag.text, tag_of(s->inner).text);
    else
        assert_string_equal(tag.text, "untouched");
    store_script_deliver(script);
    store_free(script);
    store_free(s->inner);
}

static void a_register_is_replaced_from_the_state_that_was_read(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct store_tag first;
    struct store_tag second;
    struct store_tag seen;
    struct str body;
    str_init(&body, 1000);
    assert_int_equal(register_read(st, KEY, &body, &seen, NULL), ERR_ABSENT);
    assert_string_equal(seen.text, "");
    assert_int_equal(swap(st, NULL, "one", &first, NULL), ERR_OK);
    assert_int_equal(swap(st, NULL, "other", &second, NULL), ERR_CONFLICT);
    assert_int_equal(swap(st, &first, "two", &second, NULL), ERR_OK);
    assert_int_equal(swap(st, &first, "three", NULL, NULL), ERR_CONFLICT);
    assert_int_equal(register_read(st, KEY, &body, &seen, NULL), ERR_OK);
    assert_string_equal(seen.text, second.text);
    assert_string_equal(body.data, "two");
    str_release(&body);
    store_free(st);
}

static void an_answer_that_was_had_costs_no_reading(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store()};
    swap_by(&s, ERR_OK, "two");
    assert_int_equal(s.gets, 0);
}

static void an_answer_lost_after_it_was_applied_is_a_success(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LOSE, 0}};
    swap_by(&s, ERR_OK, "two");
    assert_int_equal(s.gets, 1);
}

static void a_refusal_after_ones_own_copy_landed_is_a_success(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LOSE, ERR_CONFLICT}};
    swap_by(&s, ERR_OK, "two");
}

static void an_error_of_no_known_kind_is_settled_too(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LOSE, ERR_SYSTEM}};
    swap_by(&s, ERR_OK, "two");
    s = (struct script){.inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_SYSTEM}};
    swap_by(&s, ERR_UNKNOWN, "one");
}

static void a_request_that_may_land_yet_stays_unknown(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LATE, 0}};
    swap_by(&s, ERR_UNKNOWN, "one");
    assert_int_equal(s.gets, 1);
}

static void a_request_that_lands_before_the_reading_is_a_success(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LATE, 0}, .arrives = true};
    swap_by(&s, ERR_OK, "two");
}

static void a_refusal_is_believed_where_another_state_is_seen(void **state)
{
    (void)state;
    struct script s = {
        .inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_CONFLICT}, .another = "other"};
    swap_by(&s, ERR_CONFLICT, "other");
    s = (struct script){.inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_CONFLICT}};
    swap_by(&s, ERR_UNKNOWN, "one");
}

/* Without a history nobody knows whether ours was there before the other one's. */
static void a_lost_answer_behind_another_writer_stays_unknown(void **state)
{
    (void)state;
    for (int arrives = 0; arrives < 2; arrives++) {
        struct script s = {.inner = sample_store(),
                           .swap = {SCRIPT_LATE, 0},
                           .arrives = arrives > 0,
                           .another = "other"};
        swap_by(&s, ERR_UNKNOWN, "other");
    }
}

static void a_document_that_vanished_settles_nothing(void **state)
{
    (void)state;
    static const struct script_answer answers[] = {
        {SCRIPT_LOSE, 0}, {SCRIPT_LATE, 0}, {SCRIPT_FAIL, ERR_CONFLICT}};
    for (size_t i = 0; i < 3; i++) {
        struct script s = {.inner = sample_store(), .swap = answers[i], .vanishes = true};
        swap_by(&s, ERR_UNKNOWN, NULL);
        assert_int_equal(s.gets, 2);
    }
}

static void a_first_state_that_may_land_yet_stays_unknown(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LATE, 0}};
    struct store *st = store_script_new(s.inner, rule, &s);
    assert_int_equal(swap(st, NULL, "one", NULL, NULL), ERR_UNKNOWN);
    assert_int_equal(s.gets, 1);
    assert_int_equal(store_script_deliver(st), 1);
    assert_content(s.inner, "one");
    store_free(st);
    store_free(s.inner);
}

static void a_reading_that_is_lost_as_well_is_repeated_once(void **state)
{
    (void)state;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LOSE, 0}, .failing_gets = 1};
    sample_no_sleep();
    swap_by(&s, ERR_OK, "two");
    assert_int_equal(s.gets, 2);
    assert_int_equal(sample_sleeps(), 1);
    s = (struct script){.inner = sample_store(), .swap = {SCRIPT_LOSE, 0}, .failing_gets = 99};
    swap_by(&s, ERR_UNKNOWN, "two");
    assert_int_equal(s.gets, 2);
}

static void a_refusal_proves_nothing_where_reading_fails(void **state)
{
    (void)state;
    struct script s = {
        .inner = sample_store(), .swap = {SCRIPT_LOSE, ERR_CONFLICT}, .failing_gets = 99};
    swap_by(&s, ERR_UNKNOWN, "two");
}

static void what_surely_changed_nothing_passes_through_unread(void **state)
{
    (void)state;
    static const int codes[] = {ERR_AGAIN, ERR_FULL, ERR_DENIED, ERR_GATE, ERR_INTERRUPTED};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        struct script s = {.inner = sample_store(), .swap = {SCRIPT_FAIL, codes[i]}};
        swap_by(&s, codes[i], "one");
        assert_int_equal(s.gets, 0);
    }
}

static void what_is_too_large_to_be_ours_is_damage(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct store_tag tag;
    struct str body;
    sample_put(st, KEY, "twelve bytes");
    str_init(&body, 11);
    assert_int_equal(register_read(st, KEY, &body, &tag, NULL), ERR_DAMAGED);
    str_release(&body);
    store_free(st);
}

/* ---- With a history, and several requests -------------------------------------------------- */

/* A document whose states name all former ones: "one two three". */
static int names_ours(void *ctx, const struct str *now, const struct store_tag *tag, bool *ours,
                      struct error *err)
{
    (void)ctx;
    assert_string_not_equal(tag->text, "");
    if (strcmp(now->data, "garbage") == 0)
        return error_set(err, ERR_DAMAGED, "That is garbage.");
    *ours = strstr(now->data, "one two") == now->data;
    return ERR_OK;
}

/* Change "one" to "one two" by the script. */
static void change_by(struct script *s, int expected_rc, const char *there,
                      struct register_answer *answer)
{
    struct store *script = store_script_new(s->inner, rule, s);
    struct error err = ERROR_INIT;
    struct str bytes;
    str_init(&bytes, 1000);
    str_append(&bytes, "one two");
    put(s->inner, "one");
    struct store_tag from = tag_of(s->inner);
    struct register_change change = {script, KEY, &from, &bytes, RESENDS, LOOKS, names_ours, NULL};
    assert_int_equal(register_change(&change, answer, &err), expected_rc);
    assert_int_equal(err.code, expected_rc);
    assert_int_equal(answer->sends, s->swaps);
    assert_content(s->inner, there);
    if (expected_rc == ERR_OK)
        assert_string_equal(answer->tag.text, tag_of(s->inner).text);
    str_release(&bytes);
    store_free(script);
    store_free(s->inner);
}

static void a_change_is_found_below_those_that_others_put_on_top(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {.inner = sample_store(),
                       .swap = {SCRIPT_LATE, 0},
                       .arrives = true,
                       .another = "one two three"};
    change_by(&s, ERR_OK, "one two three", &a);
    assert_true(a.read && a.doubt);
    assert_int_equal(a.ambiguous, 1);
}

static void a_change_that_no_state_remembers_is_lost(void **state)
{
    (void)state;
    struct register_answer a;
    static const struct script_answer answers[] = {
        {SCRIPT_LATE, 0}, {SCRIPT_FAIL, ERR_CONFLICT}, {SCRIPT_FAIL, ERR_AGAIN}};
    for (size_t i = 0; i < 3; i++) {
        struct script s = {.inner = sample_store(), .swap = answers[i], .another = "one three"};
        change_by(&s, ERR_CONFLICT, "one three", &a);
        assert_int_equal(a.sends, 1);
        assert_false(a.read);
    }
}

static void a_history_that_cannot_be_told_leaves_it_unknown(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {
        .inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_CONFLICT}, .another = "garbage"};
    change_by(&s, ERR_UNKNOWN, "garbage", &a);
    assert_int_equal(s.gets, LOOKS);
    s = (struct script){
        .inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_AGAIN}, .another = "garbage"};
    change_by(&s, ERR_AGAIN, "garbage", &a);
    assert_false(a.doubt);
}

static void what_did_not_land_is_sent_again(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_UNKNOWN}};
    change_by(&s, ERR_OK, "one two", &a);
    assert_int_equal(a.sends, 2);
    assert_false(a.read);
}

static void a_resend_refused_because_the_first_copy_landed_is_a_success(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {
        .inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_UNKNOWN}, .next = {SCRIPT_LOSE, 0}};
    s.next.code = ERR_CONFLICT;
    change_by(&s, ERR_OK, "one two", &a);
    assert_int_equal(a.sends, 2);
    assert_true(a.read);
}

static void an_answer_lost_again_and_again_is_unknown_in_the_end(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_LATE, 0}, .next = {SCRIPT_LATE, 0}};
    change_by(&s, ERR_UNKNOWN, "one", &a);
    assert_int_equal(a.sends, RESENDS + 1);
    assert_int_equal(a.ambiguous, RESENDS + 1);
}

static void doubt_is_not_ended_by_a_later_refusal(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {
        .inner = sample_store(), .swap = {SCRIPT_LATE, 0}, .next = {SCRIPT_FAIL, ERR_DENIED}};
    change_by(&s, ERR_UNKNOWN, "one", &a);
    assert_int_equal(a.sends, RESENDS + 1);
    assert_int_equal(a.ambiguous, 1);
}

static void what_repeating_cannot_help_is_sent_once(void **state)
{
    (void)state;
    struct register_answer a;
    struct script s = {.inner = sample_store(), .swap = {SCRIPT_FAIL, ERR_FULL}};
    change_by(&s, ERR_FULL, "one", &a);
    assert_int_equal(a.sends, 1);
    assert_false(a.doubt);
}

/* ---- One look ------------------------------------------------------------------------------ */

static void a_look_tells_whose_state_is_there(void **state)
{
    (void)state;
    struct store *st = sample_store();
    struct str bytes;
    enum register_sight sight;
    str_init(&bytes, 10);
    str_append(&bytes, "two");
    struct register_change change = {.store = st, .key = KEY, .bytes = &bytes};
    assert_int_equal(register_look(&change, &sight, NULL), ERR_OK);
    assert_int_equal(sight, REGISTER_EXPECTED);
    put(st, "one");
    assert_int_equal(register_look(&change, &sight, NULL), ERR_OK);
    assert_int_equal(sight, REGISTER_OTHER);
    struct store_tag from = tag_of(st);
    change.expected = &from;
    assert_int_equal(register_look(&change, &sight, NULL), ERR_OK);
    assert_int_equal(sight, REGISTER_EXPECTED);
    put(st, "two");
    assert_int_equal(register_look(&change, &sight, NULL), ERR_OK);
    assert_int_equal(sight, REGISTER_OURS);
    put(st, "longer than ten bytes");
    assert_int_equal(register_look(&change, &sight, NULL), ERR_OK);
    assert_int_equal(sight, REGISTER_OTHER);
    assert_int_equal(store_remove(st, KEY, NULL), ERR_OK);
    assert_int_equal(register_look(&change, &sight, NULL), ERR_ABSENT);
    str_release(&bytes);
    store_free(st);
}

static int set_up(void **state)
{
    (void)state;
    sample_no_sleep();
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    sample_real_sleep();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_register_is_replaced_from_the_state_that_was_read),
        cmocka_unit_test(an_answer_that_was_had_costs_no_reading),
        cmocka_unit_test(an_answer_lost_after_it_was_applied_is_a_success),
        cmocka_unit_test(a_refusal_after_ones_own_copy_landed_is_a_success),
        cmocka_unit_test(an_error_of_no_known_kind_is_settled_too),
        cmocka_unit_test(a_request_that_may_land_yet_stays_unknown),
        cmocka_unit_test(a_request_that_lands_before_the_reading_is_a_success),
        cmocka_unit_test(a_refusal_is_believed_where_another_state_is_seen),
        cmocka_unit_test(a_lost_answer_behind_another_writer_stays_unknown),
        cmocka_unit_test(a_document_that_vanished_settles_nothing),
        cmocka_unit_test(a_first_state_that_may_land_yet_stays_unknown),
        cmocka_unit_test(a_reading_that_is_lost_as_well_is_repeated_once),
        cmocka_unit_test(a_refusal_proves_nothing_where_reading_fails),
        cmocka_unit_test(what_surely_changed_nothing_passes_through_unread),
        cmocka_unit_test(what_is_too_large_to_be_ours_is_damage),
        cmocka_unit_test(a_change_is_found_below_those_that_others_put_on_top),
        cmocka_unit_test(a_change_that_no_state_remembers_is_lost),
        cmocka_unit_test(a_history_that_cannot_be_told_leaves_it_unknown),
        cmocka_unit_test(what_did_not_land_is_sent_again),
        cmocka_unit_test(a_resend_refused_because_the_first_copy_landed_is_a_success),
        cmocka_unit_test(an_answer_lost_again_and_again_is_unknown_in_the_end),
        cmocka_unit_test(doubt_is_not_ended_by_a_later_refusal),
        cmocka_unit_test(what_repeating_cannot_help_is_sent_once),
        cmocka_unit_test(a_look_tells_whose_state_is_there),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

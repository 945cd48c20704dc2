/* Back-off over a store that answers as a test scripts it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "store/store_retry.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

#define SCRIPT_MAX 16

/* One code per call, the last one for ever after. */
struct scripted {
    struct store store; /* first */
    int codes[SCRIPT_MAX];
    size_t count, calls;
    const char *content; /* what get tells */
};

static int64_t clock_now;
static int64_t longest_sleep;
static int64_t total_sleep;

static int64_t read_clock(void *ctx)
{
    (void)ctx;
    return clock_now;
}

static void sleep_on_clock(void *ctx, int64_t microseconds)
{
    (void)ctx;
    clock_now += microseconds;
    total_sleep += microseconds;
    if (microseconds > longest_sleep)
        longest_sleep = microseconds;
}

static int next(struct store *st, struct error *err)
{
    struct scripted *s = (struct scripted *)st;
    size_t i = s->calls < s->count ? s->calls : s->count - 1;
    s->calls++;
    int code = s->codes[i];
    return code == ERR_OK ? ERR_OK : error_set(err, code, "Call %zu.", s->calls);
}

static int s_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                 struct error *err)
{
    (void)key;
    int rc = next(st, err);
    /* A read that failed leaves something behind. */
    str_append(body, rc == ERR_OK ? ((struct scripted *)st)->content : "broken");
    if (rc == ERR_OK && tag != NULL)
        *tag = (struct store_tag){"tag"};
    return rc;
}

static int s_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    (void)key;
    int rc = next(st, err);
    if (rc == ERR_OK)
        info->size = strlen(((struct scripted *)st)->content);
    return rc;
}

static int s_put_new(struct store *st, const char *key, const struct store_body *body,
                     struct store_tag *tag, struct error *err)
{
    (void)key;
    (void)body;
    (void)tag;
    return next(st, err);
}

static int s_swap(struct store *st, const char *key, const struct store_tag *expected,
                  const struct store_body *body, struct store_tag *tag, struct error *err)
{
    (void)expected;
    return s_put_new(st, key, body, tag, err);
}

static int s_move(struct store *st, const struct store_move *move, struct error *err)
{
    (void)move;
    return next(st, err);
}

static int s_remove(struct store *st, const char *key, struct error *err)
{
    (void)key;
    return next(st, err);
}

static int s_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                  struct error *err)
{
    (void)prefix;
    static const char *const keys[] = {"a", "b", "c"};
    int rc = next(st, err);
    for (size_t i = 0; i < (rc == ERR_OK ? 3U : 2U); i++) {
        const struct store_entry entry = {.key = keys[i]};
        int refused = visit(ctx, &entry, err);
        if (refused != ERR_OK)
            return refused;
    }
    return rc;
}

static void s_free(struct store *st)
{
    (void)st;
}

/* A decorated store with a script; `codes` ends with -1. */
static struct store *script(struct scripted *s, const int *codes)
{
    static const struct store_ops ops = {.get = s_get,
                                         .head = s_head,
                                         .put_new = s_put_new,
                                         .swap = s_swap,
                                         .move = s_move,
                                         .list = s_list,
                                         .remove = s_remove,
                                         .free = s_free};
    static char url[] = "scripted:";
    *s = (struct scripted){.store = {.ops = &ops, .url = url}, .content = "hello"};
    for (; codes[s->count] >= 0; s->count++)
        s->codes[s->count] = codes[s->count];
    longest_sleep = 0;
    total_sleep = 0;
    return store_retry_new(&s->store, NULL);
}
#define SCRIPT(...) ((const int[]){__VA_ARGS__, -1})

static int put(struct store *st, struct error *err)
{
    struct store_body body = store_body_bytes("hello", 5);
    return st->ops->put_new(st, "key", &body, NULL, err);
}

static void a_read_is_repeated_and_starts_afresh(void **state)
{
    (void)state;
    struct scripted s;
    struct str body;
    str_init(&body, 100);
    str_append(&body, "before ");
    struct store *st = script(&s, SCRIPT(ERR_AGAIN, ERR_AGAIN, ERR_OK));
    assert_int_equal(st->ops->get(st, "key", &body, NULL, NULL), ERR_OK);
    assert_string_equal(body.data, "before hello");
    assert_int_equal(s.calls, 3);
    assert_int_equal(st->bill.retries, 2);
    str_release(&body);
    store_free(st);
}

static void certain_answers_are_not_repeated(void **state)
{
    (void)state;
    static const int certain[] = {ERR_OK,     ERR_ABSENT, ERR_CONFLICT, ERR_DENIED,
                                  ERR_CONFIG, ERR_GATE,   ERR_LIMIT,    ERR_SYSTEM};
    for (size_t i = 0; i < sizeof certain / sizeof certain[0]; i++) {
        struct scripted s;
        struct store_info info;
        struct store *st = script(&s, SCRIPT(certain[i]));
        assert_int_equal(st->ops->head(st, "key", &info, NULL), certain[i]);
        assert_int_equal(s.calls, 1);
        assert_int_equal(put(st, NULL), certain[i]);
        assert_int_equal(s.calls, 2);
        assert_int_equal(st->ops->remove(st, "key", NULL), certain[i]);
        assert_int_equal(s.calls, 3);
        store_free(st);
    }
}

static void tries_and_pauses_are_bounded(void **state)
{
    (void)state;
    struct scripted s;
    struct store_info info;
    struct store *st = script(&s, SCRIPT(ERR_AGAIN));
    assert_int_equal(st->ops->head(st, "key", &info, NULL), ERR_AGAIN);
    assert_int_equal(s.calls, 8);
    assert_true(total_sleep <= 100000 * 127);
    assert_true(longest_sleep <= 100000 * 64);
    store_free(st);
}

static void no_try_begins_after_the_deadline(void **state)
{
    (void)state;
    struct scripted s;
    struct store_info info;
    store_free(script(&s, SCRIPT(ERR_AGAIN)));
    const struct store_retry_policy policy = {.tries = 1000000, .deadline = 60 * 1000000};
    struct store *st = store_retry_new(&s.store, &policy);
    int64_t begun = clock_now;
    assert_int_equal(st->ops->head(st, "key", &info, NULL), ERR_AGAIN);
    assert_true(clock_now - begun <= 60 * 1000000);
    assert_true(s.calls > 5);
    assert_true(longest_sleep <= 20 * 1000000);
    store_free(st);
}

static void a_request_to_stop_ends_the_tries(void **state)
{
    (void)state;
    struct scripted s;
    struct store_info info;
    struct store *st = script(&s, SCRIPT(ERR_AGAIN));
    stop_request();
    assert_int_equal(st->ops->head(st, "key", &info, NULL), ERR_AGAIN);
    stop_clear();
    assert_int_equal(s.calls, 1);
    store_free(st);
}

static void swaps_and_moves_without_an_answer_are_left_alone(void **state)
{
    (void)state;
    struct scripted s;
    struct store_tag tag = {"t"};
    struct store_move move = {.from = "a", .to = "b"};
    struct store_body body = store_body_bytes("x", 1);
    static const int codes[] = {ERR_AGAIN, ERR_UNKNOWN, ERR_CONFLICT, ERR_DAMAGED};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct store *st = script(&s, SCRIPT(codes[i]));
        assert_int_equal(st->ops->swap(st, "key", &tag, &body, NULL, NULL), codes[i]);
        assert_int_equal(s.calls, 1);
        store_free(st);
    }
    struct store *st = script(&s, SCRIPT(ERR_UNKNOWN));
    assert_int_equal(st->ops->move(st, &move, NULL), ERR_UNKNOWN);
    assert_int_equal(s.calls, 1);
    store_free(st);
    st = script(&s, SCRIPT(ERR_AGAIN, ERR_OK));
    assert_int_equal(st->ops->move(st, &move, NULL), ERR_OK);
    store_free(st);
}

static void damaged_reads_are_tried_three_times(void **state)
{
    (void)state;
    struct scripted s;
    struct str body;
    str_init(&body, 100);
    struct store *st = script(&s, SCRIPT(ERR_DAMAGED));
    assert_int_equal(st->ops->get(st, "key", &body, NULL, NULL), ERR_DAMAGED);
    assert_int_equal(s.calls, 3);
    str_release(&body);
    store_free(st);
}

static void an_own_object_is_recognised(void **state)
{
    (void)state;
    struct scripted s;
    struct error err = ERROR_INIT;
    /* put: no answer, put: exists, head, get */
    struct store *st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_CONFLICT, ERR_OK, ERR_OK));
    assert_int_equal(put(st, &err), ERR_OK);
    assert_int_equal(s.calls, 4);
    store_free(st);
    st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_CONFLICT, ERR_OK, ERR_OK));
    s.content = "HELLO";
    assert_int_equal(put(st, &err), ERR_CONFLICT);
    store_free(st);
    st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_CONFLICT, ERR_OK, ERR_OK));
    s.content = "hello, longer";
    assert_int_equal(put(st, &err), ERR_CONFLICT);
    assert_int_equal(s.calls, 3);
    store_free(st);
}

static void what_cannot_be_settled_stays_unknown(void **state)
{
    (void)state;
    struct scripted s;
    struct error err = ERROR_INIT;
    struct store *st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_CONFLICT, ERR_DENIED));
    assert_int_equal(put(st, &err), ERR_UNKNOWN);
    store_free(st);
    st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_DENIED));
    assert_int_equal(put(st, &err), ERR_UNKNOWN);
    assert_int_equal(err.code, ERR_UNKNOWN);
    store_free(st);
    st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_AGAIN));
    assert_int_equal(put(st, &err), ERR_UNKNOWN);
    store_free(st);
    st = script(&s, SCRIPT(ERR_AGAIN, ERR_CONFLICT));
    assert_int_equal(put(st, &err), ERR_CONFLICT);
    assert_int_equal(s.calls, 2);
    store_free(st);
}

static int note(void *ctx, const struct store_entry *entry, struct error *err)
{
    str_append(ctx, entry->key);
    return strcmp(entry->key, "c") == 0 && ((struct str *)ctx)->max == 7
               ? error_set(err, ERR_AGAIN, "The visitor's own trouble.")
               : ERR_OK;
}

static void a_listing_reports_each_key_once(void **state)
{
    (void)state;
    struct scripted s;
    struct str seen;
    str_init(&seen, 100);
    struct store *st = script(&s, SCRIPT(ERR_AGAIN, ERR_AGAIN, ERR_OK));
    assert_int_equal(st->ops->list(st, "", note, &seen, NULL), ERR_OK);
    assert_string_equal(seen.data, "abc");
    store_free(st);
    str_release(&seen);
    str_init(&seen, 7);
    st = script(&s, SCRIPT(ERR_OK));
    assert_int_equal(st->ops->list(st, "", note, &seen, NULL), ERR_AGAIN);
    assert_int_equal(s.calls, 1);
    store_free(st);
    str_release(&seen);
}

static void removals_are_repeated_until_certain(void **state)
{
    (void)state;
    struct scripted s;
    struct store *st = script(&s, SCRIPT(ERR_UNKNOWN, ERR_AGAIN, ERR_OK));
    assert_int_equal(st->ops->remove(st, "key", NULL), ERR_OK);
    assert_int_equal(s.calls, 3);
    store_free(st);
}

static int setup(void **state)
{
    (void)state;
    static const struct time_source source = {read_clock, read_clock, sleep_on_clock, NULL};
    time_replace(&source);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_read_is_repeated_and_starts_afresh),
        cmocka_unit_test(certain_answers_are_not_repeated),
        cmocka_unit_test(tries_and_pauses_are_bounded),
        cmocka_unit_test(no_try_begins_after_the_deadline),
        cmocka_unit_test(a_request_to_stop_ends_the_tries),
        cmocka_unit_test(swaps_and_moves_without_an_answer_are_left_alone),
        cmocka_unit_test(damaged_reads_are_tried_three_times),
        cmocka_unit_test(an_own_object_is_recognised),
        cmocka_unit_test(what_cannot_be_settled_stays_unknown),
        cmocka_unit_test(a_listing_reports_each_key_once),
        cmocka_unit_test(removals_are_repeated_until_certain),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

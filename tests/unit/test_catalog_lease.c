/* The lease: who holds it, until when, and what a lost answer means. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "catalog/lease.h"
#include "util/time.h"

#define KEY "runs/lease.json"
#define MINUTE (INT64_C(60) * 1000000)

static int64_t now;

static int64_t read_clock(void *ctx)
{
    (void)ctx;
    return now;
}

static void no_sleep(void *ctx, int64_t microseconds)
{
    (void)ctx;
    now += microseconds;
}

/* A store whose next swap has no answer, whether it took effect or not. */
struct deaf {
    struct store store; /* first */
    struct store *inner;
    bool armed, lands;
};

static int deaf_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                    struct error *err)
{
    return store_get(((struct deaf *)st)->inner, key, body, tag, err);
}

static int deaf_swap(struct store *st, const char *key, const struct store_tag *expected,
                     const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct deaf *d = (struct deaf *)st;
    if (!d->armed || d->lands) {
        int rc = store_swap(d->inner, key, expected, body, tag, err);
        if (!d->armed)
            return rc;
    }
    d->armed = false;
    return error_set(err, ERR_UNKNOWN, "No answer.");
}

static void deaf_init(struct deaf *d, bool lands)
{
    static const struct store_ops ops = {.get = deaf_get, .swap = deaf_swap};
    static char url[] = "deaf:";
    *d = (struct deaf){.store = {.ops = &ops, .url = url}, .lands = lands};
    assert_int_equal(store_open("memory:", NULL, &d->inner, NULL), ERR_OK);
    now = 1000 * MINUTE;
}

static void one_holds_it_until_its_time_is_over(void **state)
{
    (void)state;
    struct deaf d;
    struct lease a;
    struct lease b;
    struct error err = ERROR_INIT;
    deaf_init(&d, true);
    struct store *st = &d.store;
    assert_int_equal(lease_take(st, KEY, "one", MINUTE, &a, &err), ERR_OK);
    assert_int_equal(a.epoch, 1);
    assert_int_equal(lease_take(st, KEY, "two", MINUTE, &b, &err), ERR_CONFLICT);
    assert_non_null(strstr(err.text, "held by one until"));
    now += MINUTE / 2;
    assert_int_equal(lease_renew(st, &a, MINUTE, &err), ERR_OK);
    now += MINUTE - 1;
    assert_int_equal(lease_take(st, KEY, "two", MINUTE, &b, &err), ERR_CONFLICT);
    now += 1;
    assert_int_equal(lease_take(st, KEY, "two", MINUTE, &b, &err), ERR_OK);
    assert_int_equal(b.epoch, 2);
    assert_int_equal(lease_renew(st, &a, MINUTE, &err), ERR_CONFLICT);
    assert_int_equal(lease_give_back(st, &a, &err), ERR_OK);
    assert_int_equal(lease_take(st, KEY, "three", MINUTE, &a, &err), ERR_CONFLICT);
    assert_int_equal(lease_give_back(st, &b, &err), ERR_OK);
    assert_int_equal(lease_take(st, KEY, "three", MINUTE, &a, &err), ERR_OK);
    assert_int_equal(a.epoch, 3);
    store_free(d.inner);
}

/* Whoever wrote it had a clock that is years ahead, and may be dead. */
static void a_lease_beyond_its_ttl_is_void(void **state)
{
    (void)state;
    struct deaf d;
    struct lease a;
    struct lease b;
    deaf_init(&d, true);
    struct store *st = &d.store;
    int64_t today = now;
    now += 1000000 * MINUTE;
    assert_int_equal(lease_take(st, KEY, "ahead", MINUTE, &a, NULL), ERR_OK);
    now = today;
    assert_int_equal(lease_take(st, KEY, "one", MINUTE, &b, NULL), ERR_OK);
    assert_int_equal(b.epoch, 2);
    assert_int_equal(lease_renew(st, &a, MINUTE, NULL), ERR_CONFLICT);
    /* Its own ttl counts, not that of whoever asks; a clock that is a little ahead is borne. */
    now += MINUTE;
    assert_int_equal(lease_renew(st, &b, 10 * MINUTE, NULL), ERR_OK);
    now -= MINUTE;
    assert_int_equal(lease_take(st, KEY, "two", MINUTE, &a, NULL), ERR_CONFLICT);
    store_free(d.inner);
}

static void a_lease_of_an_older_program_is_void_beyond_the_ttl_of_who_asks(void **state)
{
    (void)state;
    struct deaf d;
    struct lease a;
    deaf_init(&d, true);
    for (int i = 0; i < 2; i++) {
        char text[200];
        snprintf(text, sizeof text,
                 "{\"format\":1,\"holder\":\"old\",\"id\":\"x\",\"epoch\":1,\"expires\":%lld}",
                 (long long)(now + (i == 0 ? MINUTE : 3 * MINUTE)));
        struct store_body body = store_body_bytes(text, strlen(text));
        assert_int_equal(store_put_new(d.inner, KEY, &body, NULL, NULL), ERR_OK);
        assert_int_equal(lease_take(&d.store, KEY, "one", MINUTE, &a, NULL),
                         i == 0 ? ERR_CONFLICT : ERR_OK);
        assert_int_equal(store_remove(d.inner, KEY, NULL), ERR_OK);
    }
    store_free(d.inner);
}

static void a_lost_answer_is_settled_by_reading(void **state)
{
    (void)state;
    struct deaf d;
    struct lease a;
    struct error err = ERROR_INIT;
    deaf_init(&d, true);
    d.armed = true;
    assert_int_equal(lease_take(&d.store, KEY, "one", MINUTE, &a, &err), ERR_OK);
    assert_int_equal(lease_renew(&d.store, &a, MINUTE, &err), ERR_OK);
    d.armed = true;
    now += 1;
    assert_int_equal(lease_renew(&d.store, &a, MINUTE, &err), ERR_OK);
    assert_int_equal(lease_renew(&d.store, &a, MINUTE, &err), ERR_OK);
    store_free(d.inner);
    deaf_init(&d, false);
    d.armed = true;
    assert_int_equal(lease_take(&d.store, KEY, "one", MINUTE, &a, &err), ERR_UNKNOWN);
    assert_int_equal(lease_take(&d.store, KEY, "one", MINUTE, &a, &err), ERR_OK);
    store_free(d.inner);
}

static void a_damaged_lease_is_said_to_be_damaged(void **state)
{
    (void)state;
    struct deaf d;
    struct lease a;
    deaf_init(&d, true);
    static const char strange[] =
        "{\"format\":2,\"holder\":\"\",\"id\":\"\",\"epoch\":1,\"expires\":0}";
    static const char *const texts[] = {"", "{}", strange};
    for (size_t i = 0; i < 3; i++) {
        struct store_body body = store_body_bytes(texts[i], strlen(texts[i]));
        assert_int_equal(store_put_new(d.inner, KEY, &body, NULL, NULL), ERR_OK);
        assert_int_equal(lease_take(&d.store, KEY, "one", MINUTE, &a, NULL), ERR_DAMAGED);
        assert_int_equal(store_remove(d.inner, KEY, NULL), ERR_OK);
    }
    store_free(d.inner);
}

static int setup(void **state)
{
    (void)state;
    static const struct time_source source = {read_clock, read_clock, no_sleep, NULL};
    time_replace(&source);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_holds_it_until_its_time_is_over),
        cmocka_unit_test(a_lease_beyond_its_ttl_is_void),
        cmocka_unit_test(a_lease_of_an_older_program_is_void_beyond_the_ttl_of_who_asks),
        cmocka_unit_test(a_lost_answer_is_settled_by_reading),
        cmocka_unit_test(a_damaged_lease_is_said_to_be_damaged),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}

/* Servers that ignore conditions, or check them and then write: read from, never published to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "support/s3_server.h"

static void refuses(const char *name, const char *check)
{
    struct s3_server server;
    if (!s3_server_start_other(&server, name))
        skip();
    s3_server_make_bucket(&server, "unsafe");
    struct store *st = s3_server_open(&server, "s3://unsafe/x", false);
    struct store_body body = store_body_bytes("x", 1);
    struct error err = ERROR_INIT;
    struct str text;
    str_init(&text, 100);
    /* Writing asks for the proof by itself. */
    assert_int_equal(store_put_new(st, "key", &body, NULL, &err), ERR_GATE);
    assert_non_null(strstr(err.text, check));
    assert_int_equal(store_probe(st, &err), ERR_GATE);
    assert_false(st->traits.compare_and_swap);
    assert_int_equal(store_get(st, "key", &text, NULL, NULL), ERR_ABSENT);
    str_release(&text);
    store_free(st);
    s3_server_stop(&server);
}

static void a_server_that_ignores_conditions_is_refused(void **state)
{
    (void)state;
    refuses("s3rver", "\"create-twice\"");
}

static void a_server_that_checks_and_then_writes_is_refused(void **state)
{
    (void)state;
    refuses("moto", "\"server\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_ignores_conditions_is_refused),
        cmocka_unit_test(a_server_that_checks_and_then_writes_is_refused),
    };
    return cmocka_run_group_tests_name("contract: unsafe S3 servers", tests, NULL, NULL);
}

/*
 * Every fault that a network and a server can have, at each operation of the store, on a real
 * server. Whatever happens, what the store says must be true: OK is there with its content, a
 * refusal changed nothing, and only what the fault really hid is unknown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "support/fault_proxy.h"
#include "support/s3_server.h"
#include "util/id.h"
#include "util/mem.h"

/* Did the request reach the server, and is it told so? */
enum reach { REACHES, NEVER, LATER, BROKEN };

static const struct {
    const char *fault; /* JSON members of the rule */
    enum reach reach;
    bool answered; /* the store gets the server's own answer */
} faults[] = {
    {"\"fault\":\"drop_before\"", NEVER, false},
    {"\"fault\":\"reset\"", NEVER, false},
    {"\"fault\":\"answer\",\"status\":500", NEVER, false},
    {"\"fault\":\"answer\",\"status\":503", NEVER, false},
    {"\"fault\":\"answer\",\"status\":409", NEVER, false},
    {"\"fault\":\"drop_after\"", REACHES, false},
    {"\"fault\":\"answer_after\",\"status\":500", REACHES, false},
    {"\"fault\":\"answer_after\",\"status\":504", REACHES, false},
    {"\"fault\":\"truncate\"", REACHES, false},
    {"\"fault\":\"delay\",\"seconds\":0.1", REACHES, true},
    {"\"fault\":\"late\",\"seconds\":0.3", LATER, false},
    {"\"fault\":\"corrupt_request\"", BROKEN, false},
};
#define FAULTS (sizeof faults / sizeof faults[0])

static struct s3_server server;
static struct fault_proxy *proxy;
static struct store *bare;  /* through the proxy, without back-off */
static struct store *tough; /* through the proxy, with it */
static struct store *plain; /* straight to the server: the witness */

static void set_fault(const char *method, const char *path, const char *fault)
{
    char *json = mem_printf("[{\"method\":\"%s\",\"path\":\"%s\",%s}]", method, path, fault);
    fault_proxy_rules(proxy, json);
    free(json);
}

static void no_fault(void)
{
    fault_proxy_rules(proxy, "[]");
}

static void fresh(char key[64], const char *what)
{
    char id[ID_SIZE];
    id_new(id);
    snprintf(key, 64, "%s/%.16s", what, id);
}

/* What the witness sees: the content as a new string, NULL where there is nothing. */
static char *witness(const char *key, struct store_tag *tag)
{
    struct str body;
    struct error err = ERROR_INIT;
    str_init(&body, 1 << 20);
    int rc = store_get(plain, key, &body, tag, &err);
    if (rc != ERR_OK && rc != ERR_ABSENT)
        fail_msg("%s", err.text);
    char *text = rc == ERR_OK ? str_detach(&body) : NULL;
    str_release(&body);
    return text;
}

static void create(const char *key, const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    assert_int_equal(store_put_new(plain, key, &body, tag, NULL), ERR_OK);
}

/* Is what the store said true? `landed`: the new content is there. */
static void check_truth(size_t i, int code, bool landed)
{
    bool good = true;
    if (code == ERR_OK)
        good = landed;
    else if (code != ERR_UNKNOWN)
        good = !landed;
    else
        good = !faults[i].answered;
    if (faults[i].answered)
        good = good && code == ERR_OK;
    if (!good)
        fail_msg("%s: told %s, and it %s", faults[i].fault, error_name(code),
                 landed ? "landed" : "did not land");
}

static void a_swap_through_every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        char key[64];
        struct store_tag tag;
        fresh(key, "swap");
        create(key, "old", &tag);
        struct store_body body = store_body_bytes("new", 3);
        set_fault("PUT", key, faults[i].fault);
        int code = store_swap(tough, key, &tag, &body, NULL, NULL);
        if (faults[i].reach == LATER)
            fault_proxy_settle(proxy);
        char *text = witness(key, NULL);
        assert_non_null(text);
        bool landed = strcmp(text, "new") == 0;
        check_truth(i, code, landed);
        /* Exactly what reaches the server once lands: the request is never sent again. */
        assert_int_equal(landed, faults[i].reach == REACHES || faults[i].reach == LATER);
        free(text);
        no_fault();
        /* The state can be settled: a swap from what is there now succeeds. */
        free(witness(key, &tag));
        assert_int_equal(store_swap(tough, key, &tag, &body, NULL, NULL), ERR_OK);
    }
}

static void a_creation_through_every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        char key[64];
        fresh(key, "bare");
        struct store_body body = store_body_bytes("new", 3);
        set_fault("PUT", key, faults[i].fault);
        int code = store_put_new(bare, key, &body, NULL, NULL);
        if (faults[i].reach == LATER)
            fault_proxy_settle(proxy);
        char *text = witness(key, NULL);
        check_truth(i, code, text != NULL);
        assert_int_equal(text != NULL, faults[i].reach == REACHES || faults[i].reach == LATER);
        free(text);
    }
    no_fault();
}

static void a_creation_with_back_off_outlives_every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        char key[64];
        struct error err = ERROR_INIT;
        fresh(key, "tough");
        struct store_body body = store_body_bytes("own content", 11);
        struct store_tag tag = {""};
        struct store_tag seen;
        set_fault("PUT", key, faults[i].fault);
        int code = store_put_new(tough, key, &body, &tag, &err);
        if (code != ERR_OK)
            fail_msg("%s: %s", faults[i].fault, err.text);
        if (faults[i].reach == LATER)
            fault_proxy_settle(proxy);
        char *text = witness(key, &seen);
        assert_string_equal(text, "own content");
        assert_string_equal(tag.text, seen.text);
        free(text);
    }
    no_fault();
}

static void a_foreign_object_is_a_conflict_through_every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        char key[64];
        fresh(key, "foreign");
        create(key, "somebody's", NULL);
        struct store_body body = store_body_bytes("own content", 11);
        set_fault("PUT", key, faults[i].fault);
        assert_int_equal(store_put_new(tough, key, &body, NULL, NULL), ERR_CONFLICT);
        char *text = witness(key, NULL);
        assert_string_equal(text, "somebody's");
        free(text);
    }
    no_fault();
}

static void reads_outlive_every_fault(void **state)
{
    (void)state;
    char key[64];
    fresh(key, "read");
    create(key, "content to read", NULL);
    for (size_t i = 0; i <= FAULTS; i++) {
        struct str body;
        str_init(&body, 100);
        set_fault("GET", key, i < FAULTS ? faults[i].fault : "\"fault\":\"corrupt_answer\"");
        assert_int_equal(store_get(tough, key, &body, NULL, NULL), ERR_OK);
        assert_string_equal(body.data, "content to read");
        str_release(&body);
    }
    no_fault();
}

static void a_read_that_is_always_damaged_is_an_error(void **state)
{
    (void)state;
    char key[64];
    struct str body;
    fresh(key, "rot");
    create(key, "content to read", NULL);
    str_init(&body, 100);
    set_fault("GET", key, "\"times\":100,\"fault\":\"corrupt_answer\"");
    assert_int_equal(store_get(tough, key, &body, NULL, NULL), ERR_DAMAGED);
    assert_int_equal(body.len, 0);
    str_release(&body);
    no_fault();
}

static int ignore(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(size_t *)ctx;
    return ERR_OK;
}

static void listings_and_removals_outlive_every_fault(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        char folder[64];
        char prefix[80];
        size_t seen = 0;
        fresh(folder, "many");
        snprintf(prefix, sizeof prefix, "%s/", folder);
        const char *keys[3];
        char names[3][100];
        for (int k = 0; k < 3; k++) {
            snprintf(names[k], sizeof names[k], "%s%d", prefix, k);
            keys[k] = names[k];
            create(names[k], "x", NULL);
        }
        set_fault("GET", "list-type", faults[i].fault);
        assert_int_equal(store_list(tough, prefix, ignore, &seen, NULL), ERR_OK);
        assert_int_equal(seen, 3);
        size_t removed = 0;
        set_fault("POST", "delete", faults[i].fault);
        assert_int_equal(store_remove_many(tough, keys, 2, &removed, NULL), ERR_OK);
        assert_int_equal(removed, 2);
        set_fault("DELETE", "", faults[i].fault);
        assert_int_equal(store_remove(tough, names[2], NULL), ERR_OK);
        no_fault();
        seen = 0;
        assert_int_equal(store_list(plain, prefix, ignore, &seen, NULL), ERR_OK);
        assert_int_equal(seen, 0);
    }
}

static void two_faults_in_a_row_at_the_swap(void **state)
{
    (void)state;
    for (size_t i = 0; i < FAULTS; i++) {
        for (size_t j = 0; j < FAULTS; j++) {
            char key[64];
            struct store_tag tag;
            fresh(key, "pair");
            create(key, "old", &tag);
            struct store_body body = store_body_bytes("new", 3);
            char *json = mem_printf("[{\"method\":\"PUT\",\"path\":\"%s\",\"nth\":1,%s},"
                                    "{\"method\":\"PUT\",\"path\":\"%s\",\"nth\":2,%s}]",
                                    key, faults[i].fault, key, faults[j].fault);
            fault_proxy_rules(proxy, json);
            free(json);
            /* What the commit logic does: identical bytes again while the tag has not moved. */
            int first = store_swap(tough, key, &tag, &body, NULL, NULL);
            int second = first == ERR_OK ? ERR_OK : store_swap(tough, key, &tag, &body, NULL, NULL);
            if (faults[i].reach == LATER || faults[j].reach == LATER)
                fault_proxy_settle(proxy);
            char *text = witness(key, NULL);
            bool landed = strcmp(text, "new") == 0;
            free(text);
            if (first == ERR_OK || second == ERR_OK)
                assert_true(landed);
            /* Nobody else writes here: a conflict can only be with the own first copy. */
            if (second == ERR_CONFLICT)
                assert_true(landed && first == ERR_UNKNOWN);
            if (first != ERR_UNKNOWN && second != ERR_UNKNOWN && second != ERR_OK)
                assert_false(landed);
        }
    }
    no_fault();
}

static int setup(void **state)
{
    (void)state;
    s3_server_make_bucket(&server, "faults");
    plain = s3_server_open(&server, "s3://faults/x", false);
    assert_int_equal(store_probe(plain, NULL), ERR_OK);
    s3_test_set(&server.settings, "AWS_ENDPOINT_URL", fault_proxy_url(proxy));
    bare = s3_server_open(&server, "s3://faults/x", true);
    tough = s3_server_open(&server, "s3://faults/x", false);
    no_fault();
    assert_int_equal(store_probe(bare, NULL), ERR_OK);
    assert_int_equal(store_probe(tough, NULL), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    store_free(plain);
    store_free(bare);
    store_free(tough);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_swap_through_every_fault),
        cmocka_unit_test(a_creation_through_every_fault),
        cmocka_unit_test(a_creation_with_back_off_outlives_every_fault),
        cmocka_unit_test(a_foreign_object_is_a_conflict_through_every_fault),
        cmocka_unit_test(reads_outlive_every_fault),
        cmocka_unit_test(a_read_that_is_always_damaged_is_an_error),
        cmocka_unit_test(listings_and_removals_outlive_every_fault),
        cmocka_unit_test(two_faults_in_a_row_at_the_swap),
    };
    if (getenv("CAUCE_SOURCE_DIR") == NULL)
        setenv("CAUCE_SOURCE_DIR", CAUCE_TEST_SOURCE_DIR, 1);
    if (!s3_server_start(&server))
        return 77;
    proxy = fault_proxy_new(s3_test_get(&server.settings, "AWS_ENDPOINT_URL"));
    if (proxy == NULL) {
        printf("skipped: there is no python3 for the fault proxy\n");
        s3_server_stop(&server);
        return 77;
    }
    int failed = cmocka_run_group_tests(tests, setup, teardown);
    fault_proxy_free(proxy);
    s3_server_stop(&server);
    return failed;
}

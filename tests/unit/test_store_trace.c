/* The trace tells every operation, and changes none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store/store.h"
#include "store/store_trace.h"
#include "support/store_fault.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

/* A clock on which every operation takes a quarter of a second. */
static int64_t ticks;

static int64_t tick(void *ctx)
{
    (void)ctx;
    return ticks += 250000;
}

static int64_t noon(void *ctx)
{
    (void)ctx;
    return INT64_C(1767268800000000);
}

static void tell(void *ctx, const struct store_trace_event *event)
{
    assert_int_equal(event->started, INT64_C(1767268800000000));
    assert_int_equal(event->duration, 250000);
    str_printf(ctx, "%s %s%s%s %s %llu %zu%s%s\n", event->operation, event->key,
               event->to != NULL ? " " : "", event->to != NULL ? event->to : "",
               error_name(event->result), (unsigned long long)event->bytes, event->count,
               event->text[0] != '\0' ? " " : "", event->text);
}

struct traced {
    struct store *st;
    struct store *faults;
    struct str told;
};

static int set_up(void **state)
{
    struct traced *t = mem_calloc(1, sizeof *t);
    struct time_source clock = {.now = noon, .monotonic = tick};
    struct store *inner;
    assert_int_equal(store_open("memory:", NULL, &inner, NULL), ERR_OK);
    str_init(&t->told, 1 << 20);
    t->faults = store_fault_new(inner);
    t->st = store_trace_new(t->faults, tell, &t->told);
    time_replace(&clock);
    *state = t;
    return 0;
}

static int tear_down(void **state)
{
    struct traced *t = *state;
    time_replace(NULL);
    store_free(t->st);
    str_release(&t->told);
    free(t);
    return 0;
}

static int ignore(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)ctx;
    (void)entry;
    (void)err;
    return ERR_OK;
}

static void test_every_operation_is_told_with_bytes_and_result(void **state)
{
    struct traced *t = *state;
    struct store *st = t->st;
    struct store_tag tag;
    struct store_info info;
    struct str body;
    struct store_body five = store_body_bytes("12345", 5);
    struct store_body bodies[] = {five, five};
    const char *const keys[] = {"m/1", "m/2"};
    bool written[2];
    char *folder = temp_folder_new();
    char *local = fs_join(folder, "local");
    str_init(&body, 100);
    assert_int_equal(store_put_new(st, "k", &five, &tag, NULL), ERR_OK);
    assert_int_equal(store_put_new(st, "k", &five, NULL, NULL), ERR_CONFLICT);
    assert_int_equal(store_get(st, "k", &body, NULL, NULL), ERR_OK);
    assert_int_equal(store_get_file(st, "k", local, NULL, NULL), ERR_OK);
    assert_int_equal(store_head(st, "k", &info, NULL), ERR_OK);
    assert_int_equal(store_swap(st, "k", &tag, &five, &tag, NULL), ERR_OK);
    assert_int_equal(store_put_many(st, keys, bodies, 2, written, NULL), ERR_OK);
    struct store_move move = {.from = "m/1", .to = "n", .guard = "k", .guard_tag = &tag};
    assert_int_equal(store_move(st, &move, NULL), ERR_OK);
    assert_int_equal(store_list(st, "", ignore, NULL, NULL), ERR_OK);
    assert_int_equal(store_remove(st, "n", NULL), ERR_OK);
    assert_int_equal(store_remove_many(st, keys, 2, NULL, NULL), ERR_OK);
    assert_int_equal(store_probe(st, NULL), ERR_OK);
    char *conflict = strstr(t->told.data, "conflict 0 1 ");
    assert_non_null(conflict);
    /* The sentence of the store below is told although the caller wanted none. */
    char *end = strchr(conflict, '\n');
    assert_non_null(strstr(conflict, "k in memory: is not in the expected state"));
    memmove(conflict + strlen("conflict 0 1"), end, strlen(end) + 1);
    assert_string_equal(t->told.data, "put_new k ok 5 1\n"
                                      "put_new k conflict 0 1\n"
                                      "get k ok 5 1\n"
                                      "get_file k ok 5 1\n"
                                      "head k ok 0 1\n"
                                      "swap k ok 5 1\n"
                                      "put_many m/1 ok 10 2\n"
                                      "move m/1 n ok 0 1\n"
                                      "list  ok 0 3\n"
                                      "remove n ok 0 1\n"
                                      "remove_many m/1 ok 0 2\n"
                                      "probe  ok 0 1\n");
    str_release(&body);
    free(local);
    temp_folder_free(folder);
}

static void test_results_and_bill_pass_through(void **state)
{
    struct traced *t = *state;
    struct store_body body = store_body_bytes("x", 1);
    struct store_tag tag = {"as it was"};
    struct error err = ERROR_INIT;
    store_fault_add(t->faults, &(struct fault){.action = FAULT_LOSE_ANSWER, .at = 1});
    store_fault_add(t->faults, &(struct fault){.action = FAULT_FAIL, .at = 2, .code = ERR_DENIED});
    assert_int_equal(store_swap(t->st, "k", NULL, &body, &tag, &err), ERR_UNKNOWN);
    assert_string_equal(tag.text, "as it was");
    assert_int_equal(err.code, ERR_UNKNOWN);
    assert_non_null(strstr(err.text, "lost its answer"));
    assert_int_equal(store_put_new(t->st, "l", &body, &tag, &err), ERR_DENIED);
    assert_int_equal(t->st->bill.swaps, 1);
    assert_int_equal(t->st->bill.requests, 1);
    assert_string_equal(t->st->traits.kind, "memory");
    assert_string_equal(t->st->url, "memory:");
}

/* A store that says more of itself than its URL. */
static int describe(struct store *st, struct str *out, struct error *err)
{
    (void)st;
    (void)err;
    str_append(out, "A store of the test.");
    return ERR_OK;
}

static void free_nothing(struct store *st)
{
    (void)st;
}

static void test_the_description_passes_through(void **state)
{
    (void)state;
    static const struct store_ops ops = {.describe = describe, .free = free_nothing};
    char url[] = "test:";
    struct store inner = {.ops = &ops, .url = url};
    struct store *st = store_trace_new(store_fault_new(&inner), NULL, NULL);
    struct str text;
    str_init(&text, 100);
    assert_int_equal(store_describe(st, &text, NULL), ERR_OK);
    assert_string_equal(text.data, "A store of the test.");
    str_release(&text);
    store_free(st);
}

static void keep_line(void *ctx, const char *line)
{
    str_append(ctx, line);
}

static void test_one_line_is_logged_per_operation_at_debug_level(void **state)
{
    struct traced *t = *state;
    struct store_body body = store_body_bytes("12345", 5);
    struct str lines;
    str_init(&lines, 1 << 16);
    log_sink(keep_line, &lines);
    log_setup(LOG_INFO, LOG_TEXT);
    assert_int_equal(store_put_new(t->st, "quiet", &body, NULL, NULL), ERR_OK);
    assert_string_equal(lines.data, "");
    log_setup(LOG_DEBUG, LOG_TEXT);
    assert_int_equal(store_put_new(t->st, "d/key", &body, NULL, NULL), ERR_OK);
    log_setup(LOG_WARN, LOG_TEXT);
    log_sink(NULL, NULL);
    assert_non_null(strstr(lines.data, "operation=put_new"));
    assert_non_null(strstr(lines.data, "key=d/key"));
    assert_non_null(strstr(lines.data, "result=ok"));
    assert_non_null(strstr(lines.data, "bytes=5"));
    assert_non_null(strstr(lines.data, "seconds=0.25"));
    assert_null(strstr(lines.data, "quiet"));
    str_release(&lines);
}

#define with_trace(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        with_trace(test_every_operation_is_told_with_bytes_and_result),
        with_trace(test_results_and_bill_pass_through),
        cmocka_unit_test(test_the_description_passes_through),
        with_trace(test_one_line_is_logged_per_operation_at_debug_level),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

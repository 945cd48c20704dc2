/* A trace holds the steps and the operations, in the shape that viewers read. */
#include "dataset/trace.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "store/store_memory.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/json.h"

static struct json *read_trace(const char *path)
{
    struct str text;
    struct json *value;
    struct error err = ERROR_INIT;
    str_init(&text, STR_MAX_DEFAULT);
    assert_int_equal(fs_read(path, &text, &err), ERR_OK);
    assert_int_equal(json_parse(text.data, text.len, "the trace", &value, &err), ERR_OK);
    str_release(&text);
    return value;
}

static void assert_operation(const struct json *event, const char *name, int64_t bytes,
                             const char *result)
{
    const struct json *args = json_get(event, "args");
    assert_string_equal(json_string(json_get(event, "ph")), "X");
    assert_string_equal(json_string(json_get(event, "cat")), "store");
    assert_string_equal(json_string(json_get(event, "name")), name);
    assert_string_equal(json_string(json_get(args, "key")), "events/a");
    assert_string_equal(json_string(json_get(args, "result")), result);
    assert_int_equal(json_integer(json_get(args, "bytes")), bytes);
}

/* The moment at which an event ends. */
static int64_t ends(const struct json *event)
{
    return json_integer(json_get(event, "ts")) + json_integer(json_get(event, "dur"));
}

static void steps_follow_each_other_and_operations_carry_their_key(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "trace.json");
    struct trace *t = trace_new();
    struct store *st;
    struct store_body body = store_body_bytes("twelve bytes", 12);
    struct str back;
    assert_int_equal(store_memory_open("", &st, &err), ERR_OK);
    st = trace_store(t, st);
    trace_step(t, "load");
    assert_int_equal(store_put_new(st, "events/a", &body, NULL, &err), ERR_OK);
    assert_int_equal(store_put_new(st, "events/a", &body, NULL, &err), ERR_CONFLICT);
    trace_step(t, "delta");
    str_init(&back, 100);
    assert_int_equal(store_get(st, "events/a", &back, NULL, &err), ERR_OK);
    str_release(&back);
    assert_int_equal(trace_write(t, path, &err), ERR_OK);
    store_free(st);
    trace_free(t);
    struct json *root = read_trace(path);
    const struct json *events = json_get(root, "traceEvents");
    assert_int_equal(json_count(events), 5 + 3); /* and the names of all, of steps and store */
    assert_operation(json_at(events, 0), "put_new", 12, "ok");
    assert_operation(json_at(events, 1), "put_new", 0, "conflict");
    const struct json *load = json_at(events, 2);
    assert_string_equal(json_string(json_get(load, "name")), "load");
    assert_true(ends(json_at(events, 1)) <= ends(load));
    assert_operation(json_at(events, 3), "get", 12, "ok");
    const struct json *delta = json_at(events, 4);
    assert_string_equal(json_string(json_get(delta, "name")), "delta");
    assert_int_equal(ends(load), json_integer(json_get(delta, "ts")));
    json_free(root);
    free(path);
    temp_folder_free(folder);
}

/* ---- Operations that run side by side ------------------------------------------------------- */

#define WRITERS 6
#define EACH 300

struct writer {
    struct store *store;
    int number;
};

static void *write_much(void *arg)
{
    const struct writer *w = arg;
    char key[40];
    struct store_body body = store_body_bytes("bytes", 5);
    for (int i = 0; i < EACH; i++) {
        snprintf(key, sizeof key, "events/%d/%d", w->number, i);
        assert_int_equal(store_put_new(w->store, key, &body, NULL, NULL), ERR_OK);
    }
    return NULL;
}

/* Events come in the order of their ends. */
static size_t assert_no_row_overlaps(const struct json *events)
{
    int64_t free_from[100] = {0};
    size_t operations = 0;
    for (size_t i = 0; i < json_count(events); i++) {
        const struct json *e = json_at(events, i);
        if (strcmp(json_string(json_get(e, "ph")), "X") != 0)
            continue;
        int64_t row = json_integer(json_get(e, "tid"));
        assert_in_range((uint64_t)row, 1, 99);
        assert_true(json_integer(json_get(e, "ts")) >= free_from[row]);
        free_from[row] = ends(e);
        operations += strcmp(json_string(json_get(e, "cat")), "store") == 0;
    }
    return operations;
}

static void operations_side_by_side_stand_in_rows_of_their_own(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "trace.json");
    struct trace *t = trace_new();
    struct store *stores[WRITERS];
    struct writer writers[WRITERS];
    pthread_t threads[WRITERS];
    trace_step(t, "write_events");
    for (int i = 0; i < WRITERS; i++) {
        assert_int_equal(store_memory_open("side-by-side", &stores[i], &err), ERR_OK);
        stores[i] = trace_store(t, stores[i]);
        writers[i] = (struct writer){.store = stores[i], .number = i};
        assert_int_equal(pthread_create(&threads[i], NULL, write_much, &writers[i]), 0);
    }
    for (int i = 0; i < WRITERS; i++)
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    assert_int_equal(trace_write(t, path, &err), ERR_OK);
    struct json *root = read_trace(path);
    assert_int_equal(assert_no_row_overlaps(json_get(root, "traceEvents")), WRITERS * EACH);
    assert_int_equal(json_integer(json_get(json_get(root, "otherData"), "events_left_out")), 0);
    json_free(root);
    for (int i = 0; i < WRITERS; i++)
        store_free(stores[i]);
    trace_free(t);
    free(path);
    temp_folder_free(folder);
}

static void no_trace_is_no_trouble(void **state)
{
    (void)state;
    trace_step(NULL, "load");
    assert_int_equal(trace_write(NULL, NULL, NULL), ERR_OK);
    trace_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_each_other_and_operations_carry_their_key),
        cmocka_unit_test(operations_side_by_side_stand_in_rows_of_their_own),
        cmocka_unit_test(no_trace_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

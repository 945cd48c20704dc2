/* A trace holds the steps and the operations, in the shape that viewers read. */
#include "pipeline/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
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
    trace_step(t, STEP_LOAD);
    assert_int_equal(store_put_new(st, "events/a", &body, NULL, &err), ERR_OK);
    assert_int_equal(store_put_new(st, "events/a", &body, NULL, &err), ERR_CONFLICT);
    trace_step(t, STEP_DELTA);
    str_init(&back, 100);
    assert_int_equal(store_get(st, "events/a", &back, NULL, &err), ERR_OK);
    str_release(&back);
    assert_int_equal(trace_write(t, path, &err), ERR_OK);
    store_free(st);
    trace_free(t);
    struct json *root = read_trace(path);
    const struct json *events = json_get(root, "traceEvents");
    assert_int_equal(json_count(events), 5);
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

static void no_trace_is_no_trouble(void **state)
{
    (void)state;
    trace_step(NULL, STEP_LOAD);
    assert_int_equal(trace_write(NULL, NULL, NULL), ERR_OK);
    trace_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_each_other_and_operations_carry_their_key),
        cmocka_unit_test(no_trace_is_no_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

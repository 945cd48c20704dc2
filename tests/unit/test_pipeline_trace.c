/* A trace holds the steps and the operations, in the shape that viewers read. */
#include "pipeline/trace.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

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

static void steps_follow_each_other_and_operations_carry_their_key(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    char *folder = temp_folder_new();
    char *path = fs_join(folder, "trace.json");
    struct trace *t = trace_new();
    struct store_trace_event put = {.operation = "put_new",
                                    .key = "events/a",
                                    .count = 1,
                                    .bytes = 12,
                                    .started = 5,
                                    .duration = 7,
                                    .result = ERR_CONFLICT,
                                    .text = ""};
    trace_step(t, STEP_LOAD);
    trace_operation(t, &put);
    trace_step(t, STEP_DELTA);
    assert_int_equal(trace_write(t, path, &err), ERR_OK);
    trace_free(t);
    struct json *root = read_trace(path);
    const struct json *events = json_get(root, "traceEvents");
    assert_int_equal(json_count(events), 3);
    assert_string_equal(json_string(json_get(json_at(events, 0), "name")), "put_new");
    assert_int_equal(json_integer(json_get(json_at(events, 0), "dur")), 7);
    const struct json *args = json_get(json_at(events, 0), "args");
    assert_string_equal(json_string(json_get(args, "key")), "events/a");
    assert_string_equal(json_string(json_get(args, "result")), "conflict");
    assert_string_equal(json_string(json_get(json_at(events, 1), "name")), "load");
    assert_string_equal(json_string(json_get(json_at(events, 2), "name")), "delta");
    int64_t end = json_integer(json_get(json_at(events, 1), "ts")) +
                  json_integer(json_get(json_at(events, 1), "dur"));
    assert_int_equal(end, json_integer(json_get(json_at(events, 2), "ts")));
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

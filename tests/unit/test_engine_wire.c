#include "engine/wire.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/mem.h"

static int ends[2];
static struct wire near, far;
static struct error err;

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    wire_init(&near, ends[0], NULL, NULL);
    wire_init(&far, ends[1], NULL, NULL);
    error_clear(&err);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    wire_release(&near);
    wire_release(&far);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void frames_arrive_whole_and_in_order(void **state)
{
    (void)state;
    struct wire_frame frame;
    assert_int_equal(wire_send(&near, 1, 11, "first", 5, &err), ERR_OK);
    assert_int_equal(wire_send(&near, 2, 22, NULL, 0, &err), ERR_OK);
    assert_int_equal(wire_send(&near, 3, 33, "third", 5, &err), ERR_OK);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_OK);
    assert_int_equal(frame.kind, 1);
    assert_int_equal(frame.word, 11);
    assert_int_equal(frame.count, 5);
    assert_memory_equal(frame.bytes, "first", 5);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_OK);
    assert_int_equal(frame.count, 0);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_OK);
    assert_memory_equal(frame.bytes, "third", 5);
}

#define LARGE ((size_t)5 << 20)

static void *send_large(void *bytes)
{
    for (uint32_t i = 0; i < 3; i++)
        assert_int_equal(wire_send(&near, 7, i, bytes, LARGE + i, NULL), ERR_OK);
    return NULL;
}

static void a_frame_may_be_larger_than_what_is_on_its_way(void **state)
{
    (void)state;
    pthread_t thread;
    struct wire_frame frame;
    unsigned char *bytes = mem_alloc(LARGE + 3);
    for (size_t i = 0; i < LARGE + 3; i++)
        bytes[i] = (unsigned char)(i * 31 + i / 256);
    assert_int_equal(pthread_create(&thread, NULL, send_large, bytes), 0);
    for (uint32_t i = 0; i < 3; i++) {
        assert_int_equal(wire_receive(&far, &frame, &err), ERR_OK);
        assert_int_equal(frame.word, i);
        assert_int_equal(frame.count, LARGE + i);
        assert_memory_equal(frame.bytes, bytes, LARGE + i);
    }
    pthread_join(thread, NULL);
    free(bytes);
}

static void the_end_of_the_other_side_is_told(void **state)
{
    (void)state;
    struct wire_frame frame;
    assert_int_equal(send(ends[0], "half a head", 11, 0), 11);
    shutdown(ends[0], SHUT_WR);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_ABSENT);
    shutdown(ends[0], SHUT_RD);
    assert_int_equal(wire_send(&far, 1, 0, "x", 1, &err), ERR_ABSENT);
}

static void a_length_beyond_the_limit_is_refused(void **state)
{
    (void)state;
    struct wire_frame frame;
    uint64_t head[2] = {1, WIRE_BYTES_MAX + 1};
    assert_int_equal(send(ends[0], head, sizeof head, 0), sizeof head);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "a frame of"));
}

static int give_up(void *ctx, struct error *e)
{
    int *ticks = ctx;
    return --*ticks > 0 ? ERR_OK : error_set(e, ERR_INTERRUPTED, "Enough.");
}

static void whoever_waits_may_give_up(void **state)
{
    (void)state;
    struct wire_frame frame;
    int ticks = 3;
    wire_init(&far, ends[1], give_up, &ticks);
    assert_int_equal(wire_receive(&far, &frame, &err), ERR_INTERRUPTED);
    assert_int_equal(ticks, 0);
    /* So may one who cannot send, as nobody reads. */
    char *bytes = mem_calloc(LARGE, 1);
    ticks = 3;
    wire_init(&near, ends[0], give_up, &ticks);
    assert_int_equal(wire_send(&near, 1, 0, bytes, LARGE, &err), ERR_INTERRUPTED);
    free(bytes);
}

static struct wire_frame frame_of(const struct str *bytes, size_t count)
{
    return (struct wire_frame){.bytes = (const unsigned char *)bytes->data, .count = count};
}

static void fields_come_back_as_they_were_put(void **state)
{
    (void)state;
    static const char *const texts[] = {"a", "", "it's"};
    struct str bytes;
    size_t count = 0;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_number(&bytes, UINT64_MAX);
    wire_put_text(&bytes, NULL);
    wire_put_text(&bytes, "text");
    wire_put_texts(&bytes, texts, 3);
    struct wire_frame frame = frame_of(&bytes, bytes.len);
    struct wire_fields f = wire_fields_of(&frame);
    assert_true(wire_get_number(&f) == UINT64_MAX);
    assert_null(wire_get_text(&f));
    assert_string_equal(wire_get_text(&f), "text");
    const char **back = wire_get_texts(&f, &count);
    assert_int_equal(count, 3);
    for (size_t i = 0; i < count; i++)
        assert_string_equal(back[i], texts[i]);
    assert_false(f.bad);
    assert_ptr_equal(f.at, f.end);
    free(back);
    str_release(&bytes);
}

/* Wherever a frame is cut, nothing behind it is read. */
static void fields_that_end_outside_of_their_frame_are_bad(void **state)
{
    (void)state;
    static const char *const texts[] = {"one", "two"};
    struct str bytes;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_text(&bytes, "text");
    wire_put_texts(&bytes, texts, 2);
    for (size_t cut = 0; cut < bytes.len; cut++) {
        size_t count = 0;
        char *copy = mem_strndup(bytes.data, cut);
        struct wire_frame frame = {.bytes = (const unsigned char *)copy, .count = cut};
        struct wire_fields f = wire_fields_of(&frame);
        wire_get_text(&f);
        const char **back = wire_get_texts(&f, &count);
        assert_true(f.bad);
        assert_int_equal(count, 0);
        free(back);
        free(copy);
    }
    str_release(&bytes);
}

static void garbled_fields_are_bad(void **state)
{
    (void)state;
    struct str bytes;
    size_t length = 1;
    str_init(&bytes, STR_MAX_DEFAULT);
    wire_put_number(&bytes, UINT64_MAX - 1);
    struct wire_frame frame = frame_of(&bytes, bytes.len);
    struct wire_fields f = wire_fields_of(&frame);
    assert_null(wire_get_text(&f));
    assert_true(f.bad);
    f = wire_fields_of(&frame);
    assert_null(wire_get_texts(&f, &length));
    assert_true(f.bad);
    /* No NUL behind a value. */
    uint32_t two = 2;
    str_clear(&bytes);
    str_append_bytes(&bytes, &two, sizeof two);
    str_append_bytes(&bytes, "abc", 3);
    frame = frame_of(&bytes, bytes.len);
    f = wire_fields_of(&frame);
    assert_null(wire_get_value(&f, &length));
    assert_true(f.bad);
    str_release(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        TEST(frames_arrive_whole_and_in_order),
        TEST(a_frame_may_be_larger_than_what_is_on_its_way),
        TEST(the_end_of_the_other_side_is_told),
        TEST(a_length_beyond_the_limit_is_refused),
        TEST(whoever_waits_may_give_up),
        TEST(fields_come_back_as_they_were_put),
        TEST(fields_that_end_outside_of_their_frame_are_bad),
        TEST(garbled_fields_are_bad),
#undef TEST
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include "engine/wire_batch.h"

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

static const struct type types[] = {{TYPE_BIGINT, 0, 0}, {TYPE_TEXT, 0, 0}, {TYPE_BOOLEAN, 0, 0}};
#define TYPES (sizeof types / sizeof *types)
#define ROWS 21

static int ends[2];
static struct wire near, far;
static struct batch batch;
static struct column columns[TYPES];
static struct batch view = {columns, TYPES, 0};

static int set_up(void **state)
{
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    wire_init(&near, ends[0], NULL, NULL);
    wire_init(&far, ends[1], NULL, NULL);
    batch_init(&batch, types, TYPES);
    for (size_t i = 0; i < ROWS; i++) {
        if (i % 5 == 3)
            column_add_null(&batch.columns[0]);
        else
            column_add_bigint(&batch.columns[0], (int64_t)i);
        assert_true(column_add_bytes(&batch.columns[1], "twenty-one characters", i));
        column_add_boolean(&batch.columns[2], i % 2 == 0);
    }
    batch.rows = ROWS;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    batch_release(&batch);
    wire_release(&near);
    wire_release(&far);
    close(ends[0]);
    close(ends[1]);
    return 0;
}

static void reset_view(void)
{
    for (size_t i = 0; i < TYPES; i++)
        columns[i] = (struct column){.type = types[i]};
}

static void assert_rows(const struct batch *got, size_t first, size_t rows)
{
    assert_int_equal(got->rows, rows);
    for (size_t i = 0; i < rows; i++) {
        size_t length = 0;
        assert_int_equal(column_is_null(&got->columns[0], i), (first + i) % 5 == 3);
        assert_int_equal(((int64_t *)got->columns[0].values)[i],
                         (first + i) % 5 == 3 ? 0 : first + i);
        const char *text = column_bytes(&got->columns[1], i, &length);
        assert_int_equal(length, first + i);
        assert_memory_equal(text, "twenty-one characters", length);
        assert_int_equal(((uint8_t *)got->columns[2].values)[i], (first + i) % 2 == 0);
    }
}

static void a_batch_arrives_whole_or_in_parts(void **state)
{
    (void)state;
    static const size_t parts[][2] = {{0, ROWS}, {0, 8}, {8, 13}, {16, 5}, {16, 0}};
    struct batch copy;
    batch_init(&copy, types, TYPES);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct wire_frame frame;
        assert_int_equal(
            wire_batch_send(&near, WIRE_BATCH, 0, &batch, parts[i][0], parts[i][1], NULL), ERR_OK);
        assert_int_equal(wire_receive(&far, &frame, NULL), ERR_OK);
        assert_int_equal((uintptr_t)frame.bytes % WIRE_ALIGN, 0);
        reset_view();
        assert_int_equal(wire_batch_view(&frame, &view, NULL), ERR_OK);
        wire_batch_copy(&copy, &view);
        assert_rows(&copy, parts[i][0], parts[i][1]);
        assert_null(view.columns[1].valid); /* no NULLs, no bitmap */
    }
    batch_release(&copy);
}

/* Wherever the frame is cut or changed, nothing outside of it is read. */
static void a_garbled_batch_is_refused(void **state)
{
    (void)state;
    struct wire_frame frame;
    assert_int_equal(wire_batch_send(&near, WIRE_BATCH, 0, &batch, 0, ROWS, NULL), ERR_OK);
    assert_int_equal(wire_receive(&far, &frame, NULL), ERR_OK);
    size_t count = frame.count;
    for (size_t cut = 0; cut < count; cut += WIRE_ALIGN) {
        unsigned char *bytes = mem_alloc(cut);
        memcpy(bytes, frame.bytes, cut);
        struct wire_frame part = {.bytes = bytes, .count = cut};
        reset_view();
        assert_int_equal(wire_batch_view(&part, &view, NULL), ERR_SYSTEM);
        free(bytes);
    }
    for (size_t at = 0; at < count; at += 4) {
        unsigned char *bytes = mem_alloc(count);
        memcpy(bytes, frame.bytes, count);
        memset(bytes + at, 0xff, 4);
        struct wire_frame changed = {.bytes = bytes, .count = count};
        reset_view();
        /* It may be other values; then every place is inside. */
        if (wire_batch_view(&changed, &view, NULL) == ERR_OK) {
            struct batch copy;
            batch_init(&copy, types, TYPES);
            wire_batch_copy(&copy, &view);
            batch_release(&copy);
        }
        free(bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_batch_arrives_whole_or_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_garbled_batch_is_refused, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Many partitions. What takes time in proportion is done in a second, also under a sanitizer; what
 * looks at every one for every one needs minutes, and the limit of processor time ends it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "derived/index/pieces.h"
#include "derived/projection/partition_set.h"
#include "derived/projection/state.h"

#define SECONDS 40
#define MANY 150000

static void a_set_takes_partitions_in_any_order(void **state)
{
    (void)state;
    const int32_t count = 2000000;
    struct partition_set s = {0};
    for (int32_t i = count; i > 0; i--)
        partition_set_add(&s, i);
    for (int32_t i = 1; i <= count; i++)
        partition_set_add(&s, i);
    partition_set_settle(&s);
    assert_int_equal(s.count, count);
    for (int32_t i = 1; i <= count; i++)
        assert_true(s.items[i - 1] == i && partition_set_has(&s, i));
    assert_false(partition_set_has(&s, 0));
    assert_false(partition_set_has(&s, count + 1));
    partition_set_add(&s, 7);
    partition_set_settle(&s);
    assert_int_equal(s.count, count);
    partition_set_release(&s);
}

static void an_ascending_set_is_settled_as_it_grows(void **state)
{
    (void)state;
    struct partition_set s = {0};
    assert_false(partition_set_has(&s, 1));
    for (int32_t i = -2; i < 3; i++) {
        partition_set_add(&s, i);
        partition_set_add(&s, i);
        assert_true(partition_set_has(&s, i));
    }
    assert_int_equal(s.count, 5);
    partition_set_release(&s);
}

static void parts_are_found_by_partition(void **state)
{
    (void)state;
    struct projection_part *parts = calloc(MANY, sizeof *parts);
    assert_non_null(parts);
    for (int32_t i = 0; i < MANY; i++)
        parts[i].partition = 2 * (MANY - i);
    projection_sort(parts, MANY);
    for (int32_t i = 1; i <= MANY; i++) {
        assert_ptr_equal(projection_find(parts, MANY, 2 * i), &parts[i - 1]);
        assert_null(projection_find(parts, MANY, 2 * i + 1));
    }
    assert_null(projection_find(NULL, 0, 1));
    free(parts);
}

/* An index of MANY partitions, each second of which has a new shard, and one partition is new. */
static void shards_are_replaced_one_by_one(void **state)
{
    (void)state;
    struct index_state index = {.by_partition = true};
    struct index_state next = {.by_partition = true};
    struct index_pieces pieces = {0};
    for (int32_t i = 0; i < MANY; i++)
        index_add_shard(&index, &(struct index_shard){.size = 1, .partition = 2 * i});
    for (int32_t i = 0; i < MANY; i += 2) {
        const struct index_slice slice = {.by_partition = true, .partition = 2 * i};
        size_t origin = index_find(&index, 2 * i);
        assert_int_equal(origin, i);
        index_pieces_add(&pieces, &slice, 1, origin, NULL);
    }
    const struct index_slice slice = {.by_partition = true, .partition = 7};
    index_pieces_add(&pieces, &slice, 1, index_find(&index, 7), NULL);
    assert_true(pieces.items[pieces.count - 1].origin == INDEX_NO_ORIGIN);
    index_pieces_assemble(&pieces, &index, &next);
    assert_int_equal(next.shard_count, MANY + 1);
    for (size_t i = 0; i < next.shard_count; i++) {
        int32_t partition = i < 4 ? 2 * (int32_t)i : i == 4 ? 7 : 2 * ((int32_t)i - 1);
        assert_int_equal(next.shards[i].partition, partition);
        assert_int_equal(next.shards[i].size, partition % 4 == 2);
    }
    index_pieces_release(&pieces);
    index_release(&index);
    index_release(&next);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_set_takes_partitions_in_any_order),
        cmocka_unit_test(an_ascending_set_is_settled_as_it_grows),
        cmocka_unit_test(parts_are_found_by_partition),
        cmocka_unit_test(shards_are_replaced_one_by_one),
    };
    setrlimit(RLIMIT_CPU, &(struct rlimit){SECONDS, SECONDS});
    return cmocka_run_group_tests(tests, NULL, NULL);
}

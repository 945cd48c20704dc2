/*
 * As test_fail_each, for the longest runs: those that first heal what an interrupted run left.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "support/torture.h"

#include <cmocka.h>

/* Memory of the sanitizer for each of millions of allocations costs half of the time. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "malloc_context_size=3:quarantine_size_mb=4";
}

static void each_operation_of_a_run_that_catches_the_index_up_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_INDEX_BEHIND, "month");
}

static void each_operation_of_a_run_that_replays_a_redo_list_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_REDO, "ignore");
}

static void each_operation_of_a_run_that_finishes_half_moved_projections_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_HALF_MOVED, "month");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_of_a_run_that_catches_the_index_up_fails),
        cmocka_unit_test(each_operation_of_a_run_that_replays_a_redo_list_fails),
        cmocka_unit_test(each_operation_of_a_run_that_finishes_half_moved_projections_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * Every operation of a run fails once: nothing happens, or it happens and the answer is lost, or it
 * happens late, or what arrives is not what was sent. After each, the invariants hold; the next run
 * puts everything right; the one after that has nothing to do. (The loop: support/torture_fail.c.)
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

static void each_operation_of_the_initial_load_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_EMPTY, "month");
}

static void each_operation_of_the_second_snapshot_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_PUBLISHED, "moving");
}

static void each_operation_of_a_run_that_rebuilds_the_index_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_INDEX_GONE, "uncut");
}

static void each_operation_of_a_run_that_resumes_a_consolidation_fails(void **state)
{
    (void)state;
    torture_fail_each(TORTURE_BEGUN, "separators");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_operation_of_the_initial_load_fails),
        cmocka_unit_test(each_operation_of_the_second_snapshot_fails),
        cmocka_unit_test(each_operation_of_a_run_that_rebuilds_the_index_fails),
        cmocka_unit_test(each_operation_of_a_run_that_resumes_a_consolidation_fails),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

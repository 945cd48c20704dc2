#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sys/resource.h>

#include "util/mem.h"
#include "util/name_index.h"

struct thing {
    int number;
    const char *name;
};

static void a_name_is_found_where_it_stands_first(void **state)
{
    (void)state;
    const struct thing things[] = {{1, "a"}, {2, NULL}, {3, "b"}, {4, "a"}, {5, "A"}, {6, ""}};
    struct name_index x;
    name_index_init(&x, &things[0].name, 6, sizeof *things, false);
    assert_int_equal(name_index_find(&x, "a"), 0);
    assert_int_equal(name_index_find(&x, "b"), 2);
    assert_int_equal(name_index_find(&x, "A"), 4);
    assert_int_equal(name_index_find(&x, ""), 5);
    assert_true(name_index_find(&x, "c") == SIZE_MAX);
    assert_true(name_index_find(&x, "B") == SIZE_MAX);
    name_index_release(&x);
    assert_true(name_index_find(&x, "a") == SIZE_MAX);
}

static void upper_and_lower_case_may_be_the_same(void **state)
{
    (void)state;
    const char *names[] = {"Day", "day", "Zoë"};
    struct name_index x;
    name_index_init(&x, names, 3, sizeof *names, true);
    assert_int_equal(name_index_find(&x, "dAY"), 0);
    assert_int_equal(name_index_find(&x, "zoë"), 2);
    assert_true(name_index_find(&x, "days") == SIZE_MAX);
    name_index_release(&x);
}

static void an_empty_list_has_no_name(void **state)
{
    (void)state;
    struct name_index x;
    name_index_init(&x, NULL, 0, sizeof(char *), true);
    assert_true(name_index_find(&x, "a") == SIZE_MAX);
    name_index_release(&x);
}

/* One by one that were 9 * 10^10 comparisons: the limit of processor time would end it. */
static void many_names_are_found_in_proportion(void **state)
{
    (void)state;
    enum { MANY = 300000 };
    char **names = mem_calloc(MANY, sizeof *names);
    struct name_index x;
    for (size_t i = 0; i < MANY; i++)
        names[i] = mem_printf("column_%zu", i);
    name_index_init(&x, names, MANY, sizeof *names, true);
    for (size_t i = 0; i < MANY; i++)
        assert_int_equal(name_index_find(&x, names[i]), i);
    name_index_release(&x);
    for (size_t i = 0; i < MANY; i++)
        free(names[i]);
    free(names);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_found_where_it_stands_first),
        cmocka_unit_test(upper_and_lower_case_may_be_the_same),
        cmocka_unit_test(an_empty_list_has_no_name),
        cmocka_unit_test(many_names_are_found_in_proportion),
    };
    setrlimit(RLIMIT_CPU, &(struct rlimit){40, 40});
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/id.h"

#define MANY 2000

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, ID_SIZE);
}

static void ids_are_valid_and_never_repeat(void **state)
{
    (void)state;
    static char ids[MANY][ID_SIZE];
    for (size_t i = 0; i < MANY; i++) {
        id_new(ids[i]);
        assert_true(id_valid(ids[i]));
    }
    qsort(ids, MANY, ID_SIZE, compare);
    for (size_t i = 1; i < MANY; i++)
        assert_string_not_equal(ids[i - 1], ids[i]);
}

static void every_bit_takes_both_values(void **state)
{
    (void)state;
    uint64_t ones = 0;
    uint64_t zeros = 0;
    for (int i = 0; i < 200; i++) {
        uint64_t value = id_random64();
        ones |= value;
        zeros |= ~value;
    }
    assert_int_equal(ones, UINT64_MAX);
    assert_int_equal(zeros, UINT64_MAX);
}

static void a_forked_process_has_ids_of_its_own(void **state)
{
    (void)state;
    int ends[2];
    char theirs[ID_SIZE] = "";
    char mine[ID_SIZE];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        char id[ID_SIZE];
        id_new(id);
        _exit(write(ends[1], id, sizeof id) == sizeof id ? 0 : 1);
    }
    id_new(mine);
    assert_int_equal(read(ends[0], theirs, sizeof theirs), sizeof theirs);
    int status;
    waitpid(child, &status, 0);
    assert_int_equal(status, 0);
    assert_true(id_valid(theirs));
    assert_string_not_equal(mine, theirs);
    close(ends[0]);
    close(ends[1]);
}

static void other_text_is_no_id(void **state)
{
    (void)state;
    assert_true(id_valid("0123456789abcdef0123456789abcdef"));
    assert_false(id_valid(""));
    assert_false(id_valid("0123456789abcdef0123456789abcde"));
    assert_false(id_valid("0123456789abcdef0123456789abcdef0"));
    assert_false(id_valid("0123456789ABCDEF0123456789abcdef"));
    assert_false(id_valid("0123456789abcdef0123456789abcde/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_are_valid_and_never_repeat),
        cmocka_unit_test(every_bit_takes_both_values),
        cmocka_unit_test(a_forked_process_has_ids_of_its_own),
        cmocka_unit_test(other_text_is_no_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

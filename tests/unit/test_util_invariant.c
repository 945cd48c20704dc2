#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "util/invariant.h"

static void one_that_holds_is_evaluated_once_and_says_nothing(void **state)
{
    (void)state;
    int times = 0;
    invariant(1, ++times == 1);
    assert_int_equal(times, 1);
}

static void one_that_does_not_ends_the_process_and_says_which(void **state)
{
    (void)state;
    char text[512] = "";
    int out[2];
    int status;
    assert_int_equal(pipe(out), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        signal(SIGABRT, SIG_DFL);
        dup2(out[1], STDERR_FILENO);
        invariant(6, 1 + 1 == 3);
        _exit(0);
    }
    close(out[1]);
    assert_true(read(out[0], text, sizeof text - 1) > 0);
    close(out[0]);
    assert_true(waitpid(child, &status, 0) == child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, "invariant 6 of the protocol does not hold: 1 + 1 == 3"));
    assert_non_null(strstr(text, "test_util_invariant.c"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_that_holds_is_evaluated_once_and_says_nothing),
        cmocka_unit_test(one_that_does_not_ends_the_process_and_says_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

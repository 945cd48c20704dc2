#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "util/stop.h"

static int reset(void **state)
{
    (void)state;
    stop_on_request(NULL, NULL);
    stop_clear();
    return 0;
}

static void a_request_stands_until_it_is_cleared(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_false(stop_requested());
    assert_int_equal(stop_check(&err), ERR_OK);
    assert_string_equal(err.text, "");
    stop_request();
    stop_request();
    assert_true(stop_requested());
    assert_int_equal(stop_check(&err), ERR_INTERRUPTED);
    assert_int_equal(err.code, ERR_INTERRUPTED);
    assert_non_null(strstr(err.text, "Stopped by a signal"));
    assert_int_equal(stop_check(NULL), ERR_INTERRUPTED);
    stop_clear();
    assert_false(stop_requested());
    assert_int_equal(stop_check(&err), ERR_OK);
}

static void count_call(void *ctx)
{
    int *count = ctx;
    (*count)++;
    errno = EDOM;
}

static void the_hook_is_called_with_its_context(void **state)
{
    (void)state;
    int a = 0;
    int b = 0;
    stop_on_request(count_call, &a);
    assert_int_equal(a, 0);
    stop_request();
    assert_int_equal(a, 1);
    stop_on_request(count_call, &b);
    stop_request();
    assert_int_equal(a, 1);
    assert_int_equal(b, 1);
    stop_on_request(NULL, NULL);
    stop_request();
    assert_int_equal(b, 1);
}

static void signals_set_the_request_and_keep_errno(void **state)
{
    (void)state;
    int count = 0;
    stop_install();
    stop_on_request(count_call, &count);
    errno = ENOENT;
    raise(SIGTERM);
    assert_int_equal(errno, ENOENT);
    assert_true(stop_requested());
    assert_int_equal(count, 1);
    stop_clear();
    raise(SIGINT);
    assert_true(stop_requested());
    assert_int_equal(count, 2);
}

/* How a child ends that does this. */
static int end_of_child(void (*work)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        stop_install();
        work();
        _exit(stop_requested() ? 7 : 8);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

static void interrupt_once(void)
{
    raise(SIGINT);
}

static void interrupt_twice(void)
{
    raise(SIGINT);
    raise(SIGINT);
}

static void terminate_often(void)
{
    raise(SIGTERM);
    raise(SIGTERM);
    raise(SIGTERM);
}

static void a_second_interrupt_kills(void **state)
{
    (void)state;
    int status = end_of_child(interrupt_once);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
    status = end_of_child(interrupt_twice);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGINT);
    status = end_of_child(terminate_often);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

static void wait_in_read(void)
{
    int ends[2];
    char byte;
    pid_t waiting = getpid();
    if (pipe(ends) != 0)
        _exit(1);
    if (fork() == 0) {
        /* Again and again: the first may come before the call. */
        while (getppid() == waiting) {
            usleep(20000);
            kill(waiting, SIGTERM);
        }
        _exit(0);
    }
    ssize_t n = read(ends[0], &byte, 1);
    _exit(n < 0 && errno == EINTR && stop_requested() ? 7 : 1);
}

static void a_call_that_waits_is_interrupted(void **state)
{
    (void)state;
    int status = end_of_child(wait_in_read);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 7);
}

/* A hook that is seen to run, and to end. */
struct slow {
    atomic_bool entered;
    atomic_bool ended;
};

static void slow_hook(void *ctx)
{
    struct slow *s = ctx;
    atomic_store(&s->entered, true);
    usleep(50000);
    atomic_store(&s->ended, true);
}

static void *request(void *unused)
{
    stop_request();
    return unused;
}

static void a_hook_is_not_taken_away_while_it_runs(void **state)
{
    (void)state;
    struct slow slow = {false, false};
    pthread_t thread;
    stop_on_request(slow_hook, &slow);
    assert_int_equal(pthread_create(&thread, NULL, request, NULL), 0);
    while (!atomic_load(&slow.entered))
        usleep(100);
    stop_on_request(NULL, NULL);
    assert_true(atomic_load(&slow.ended));
    pthread_join(thread, NULL);
}

static void the_end_of_a_time_limit_is_a_request(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int count = 0;
    stop_on_request(count_call, &count);
    stop_after(1);
    assert_false(stop_requested());
    /* It ends what waits, too. */
    assert_int_equal(usleep(20000000), -1);
    assert_int_equal(errno, EINTR);
    assert_true(stop_requested());
    assert_true(stop_timed_out());
    assert_int_equal(count, 1);
    assert_int_equal(stop_check(&err), ERR_INTERRUPTED);
    assert_non_null(strstr(err.text, "`timeout`"));
    stop_clear();
    assert_true(stop_requested()); /* of another kind */
    stop_after(0);
    assert_false(stop_requested());
    assert_false(stop_timed_out());
}

static void a_time_limit_that_is_taken_back_does_nothing(void **state)
{
    (void)state;
    stop_after(1);
    stop_after(0);
    assert_int_equal(usleep(999999), 0);
    usleep(500000);
    assert_false(stop_requested());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_request_stands_until_it_is_cleared, reset),
        cmocka_unit_test_teardown(the_hook_is_called_with_its_context, reset),
        cmocka_unit_test_teardown(signals_set_the_request_and_keep_errno, reset),
        cmocka_unit_test_teardown(a_second_interrupt_kills, reset),
        cmocka_unit_test_teardown(a_call_that_waits_is_interrupted, reset),
        cmocka_unit_test_teardown(a_hook_is_not_taken_away_while_it_runs, reset),
        cmocka_unit_test_teardown(the_end_of_a_time_limit_is_a_request, reset),
        cmocka_unit_test_teardown(a_time_limit_that_is_taken_back_does_nothing, reset),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"

static char *folder;

static int set_up(void **state)
{
    folder = temp_folder_new();
    *state = fs_join(folder, "lock");
    return 0;
}

static int tear_down(void **state)
{
    free(*state);
    temp_folder_free(folder);
    return 0;
}

static void a_held_lock_is_a_conflict(void **state)
{
    const char *path = *state;
    struct error err = ERROR_INIT;
    int a = -1;
    int b = 7;
    assert_int_equal(fs_lock(path, false, &a, &err), ERR_OK);
    assert_true(a >= 0);
    assert_int_equal(fs_lock(path, false, &b, &err), ERR_CONFLICT);
    assert_int_equal(b, -1);
    assert_non_null(strstr(err.text, path));
    fs_unlock(a);
    assert_int_equal(fs_lock(path, false, &b, &err), ERR_OK);
    fs_unlock(b);
    fs_unlock(-1);
}

static void the_lock_file_follows_the_umask_and_is_not_inherited(void **state)
{
    const char *path = *state;
    struct stat st;
    int fd;
    mode_t old = umask(022);
    assert_int_equal(fs_lock(path, true, &fd, NULL), ERR_OK);
    umask(old);
    assert_int_equal(fstat(fd, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0644);
    assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    fs_unlock(fd);
}

static void closing_another_descriptor_keeps_the_lock(void **state)
{
    const char *path = *state;
    int a;
    int b;
    assert_int_equal(fs_lock(path, false, &a, NULL), ERR_OK);
    /* Locks of the process (F_SETLK) would be lost here. */
    close(open(path, O_RDWR | O_CLOEXEC));
    assert_int_equal(fs_lock(path, false, &b, NULL), ERR_CONFLICT);
    fs_unlock(a);
}

static int try_in_child(const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int fd;
        _exit(fs_lock(path, false, &fd, NULL));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void another_process_is_kept_out(void **state)
{
    const char *path = *state;
    int fd;
    assert_int_equal(fs_lock(path, false, &fd, NULL), ERR_OK);
    assert_int_equal(try_in_child(path), ERR_CONFLICT);
    fs_unlock(fd);
    assert_int_equal(try_in_child(path), ERR_OK);
}

static void a_killed_process_gives_its_lock_back(void **state)
{
    const char *path = *state;
    int ends[2];
    int fd;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int held;
        if (fs_lock(path, false, &held, NULL) != ERR_OK || write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    assert_int_equal(fs_lock(path, false, &fd, NULL), ERR_CONFLICT);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(fs_lock(path, false, &fd, NULL), ERR_OK);
    fs_unlock(fd);
    close(ends[0]);
    close(ends[1]);
}

/* A thread that waits for the lock and says when it has it. */
struct waiter {
    const char *path;
    atomic_bool has;
    int fd;
    int rc;
};

static void *wait_for_lock(void *ctx)
{
    struct waiter *w = ctx;
    w->rc = fs_lock(w->path, true, &w->fd, NULL);
    atomic_store(&w->has, true);
    return NULL;
}

static void a_thread_waits_until_the_other_is_done(void **state)
{
    struct waiter w = {.path = *state};
    pthread_t thread;
    int fd;
    assert_int_equal(fs_lock(w.path, false, &fd, NULL), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_lock, &w), 0);
    usleep(50000);
    assert_false(atomic_load(&w.has));
    fs_unlock(fd);
    pthread_join(thread, NULL);
    assert_int_equal(w.rc, ERR_OK);
    assert_int_equal(fs_lock(w.path, false, &fd, NULL), ERR_CONFLICT);
    fs_unlock(w.fd);
}

static void a_lock_file_that_was_deleted_is_not_enough(void **state)
{
    struct waiter w = {.path = *state};
    pthread_t thread;
    int fd;
    assert_int_equal(fs_lock(w.path, false, &fd, NULL), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_lock, &w), 0);
    usleep(50000);
    assert_int_equal(unlink(w.path), 0);
    fs_unlock(fd);
    pthread_join(thread, NULL);
    assert_int_equal(w.rc, ERR_OK);
    /* The waiter holds the file of that name, so whoever comes now meets it there. */
    assert_int_equal(fs_lock(w.path, false, &fd, NULL), ERR_CONFLICT);
    fs_unlock(w.fd);
}

static volatile sig_atomic_t alarms;

static void on_alarm(int number)
{
    (void)number;
    alarms++;
}

static void set_timer(suseconds_t micros)
{
    struct itimerval timer = {.it_interval = {.tv_usec = micros}, .it_value = {.tv_usec = micros}};
    setitimer(ITIMER_REAL, &timer, NULL);
}

static void a_signal_does_not_end_the_wait(void **state)
{
    const char *path = *state;
    int ends[2];
    int fd;
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        int held;
        if (fs_lock(path, false, &held, NULL) != ERR_OK || write(ends[1], "x", 1) != 1)
            _exit(1);
        usleep(150000);
        _exit(0);
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    struct sigaction action = {.sa_handler = on_alarm};
    sigaction(SIGALRM, &action, NULL);
    alarms = 0;
    set_timer(10000);
    int rc = fs_lock(path, true, &fd, NULL);
    set_timer(0);
    assert_int_equal(rc, ERR_OK);
    assert_true(alarms > 0);
    fs_unlock(fd);
    assert_int_equal(waitpid(child, NULL, 0), child);
    close(ends[0]);
    close(ends[1]);
}

static void a_lock_that_cannot_be_created_is_named(void **state)
{
    const char *path = *state;
    struct error err = ERROR_INIT;
    int fd = 3;
    assert_int_equal(fs_write(path, "", 0, NULL), ERR_OK);
    char *below = fs_join(path, "below");
    assert_int_equal(fs_lock(below, true, &fd, &err), ERR_SYSTEM);
    assert_int_equal(fd, -1);
    assert_non_null(strstr(err.text, below));
    assert_int_equal(fs_lock(folder, false, &fd, &err), ERR_SYSTEM);
    free(below);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_held_lock_is_a_conflict),
        T(the_lock_file_follows_the_umask_and_is_not_inherited),
        T(closing_another_descriptor_keeps_the_lock),
        T(another_process_is_kept_out),
        T(a_killed_process_gives_its_lock_back),
        T(a_thread_waits_until_the_other_is_done),
        T(a_lock_file_that_was_deleted_is_not_enough),
        T(a_signal_does_not_end_the_wait),
        T(a_lock_that_cannot_be_created_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

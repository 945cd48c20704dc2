#include "engine/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

static char *root;
static char *inside;   /* may be written */
static char *readable; /* may be read */
static char *outside;

static char *make_folder(const char *name)
{
    char *path = fs_join(root, name);
    char *file = fs_join(path, "file");
    assert_int_equal(fs_make_folders(path, false, NULL), ERR_OK);
    assert_int_equal(fs_write(file, "x", 1, NULL), ERR_OK);
    free(file);
    return path;
}

static int set_up(void **state)
{
    (void)state;
    root = temp_folder_new();
    inside = make_folder("inside");
    readable = make_folder("readable");
    outside = make_folder("outside");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(inside);
    free(readable);
    free(outside);
    temp_folder_free(root);
    return 0;
}

/* Can it be done inside the sandbox? 0 and the errno of what was tried; 200: no sandbox. */
static int try_inside(int (*what)(void), uint64_t memory)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        const char *read_only[] = {readable, "/nowhere"};
        struct sandbox s = {inside, read_only, 2, memory};
        _exit(sandbox_enter(&s, NULL) != ERR_OK ? 200 : what());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int try_open(const char *folder, const char *name, int flags)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    int fd = open(path, flags | O_CLOEXEC, 0600);
    int reason = errno;
    if (fd >= 0)
        close(fd);
    return fd >= 0 ? 0 : reason;
}

static int read_inside(void)
{
    return try_open(inside, "file", O_RDONLY);
}

static int write_inside(void)
{
    return try_open(inside, "new", O_WRONLY | O_CREAT | O_TRUNC);
}

static int read_readable(void)
{
    return try_open(readable, "file", O_RDONLY);
}

static int write_readable(void)
{
    return try_open(readable, "file", O_WRONLY);
}

static int create_readable(void)
{
    return try_open(readable, "new", O_WRONLY | O_CREAT);
}

static int delete_readable(void)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/file", readable);
    return unlink(path) == 0 ? 0 : errno;
}

static int read_outside(void)
{
    return try_open(outside, "file", O_RDONLY);
}

static int read_passwords(void)
{
    return try_open("/etc", "passwd", O_RDONLY);
}

static int read_environment_of_the_parent(void)
{
    char folder[64];
    snprintf(folder, sizeof folder, "/proc/%d", (int)getppid());
    return try_open(folder, "environ", O_RDONLY);
}

static void files_outside_cannot_be_opened(void **state)
{
    (void)state;
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1)
        skip(); /* the kernel has no Landlock */
    assert_int_equal(try_inside(read_inside, 0), 0);
    assert_int_equal(try_inside(write_inside, 0), 0);
    assert_int_equal(try_inside(read_readable, 0), 0);
    assert_int_equal(try_inside(write_readable, 0), EACCES);
    assert_int_equal(try_inside(create_readable, 0), EACCES);
    assert_int_equal(try_inside(delete_readable, 0), EACCES);
    assert_int_equal(try_inside(read_outside, 0), EACCES);
    assert_int_equal(try_inside(read_passwords, 0), EACCES);
    assert_int_equal(try_inside(read_environment_of_the_parent, 0), EACCES);
}

static int make_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : errno;
}

static int make_pair(void)
{
    int pair[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 ? 0 : errno;
}

static void there_is_no_network(void **state)
{
    (void)state;
    assert_int_equal(try_inside(make_socket, 0), EPERM);
    assert_int_equal(try_inside(make_pair, 0), EPERM);
}

static int start_a_process(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    return pid > 0 ? 0 : errno;
}

static int start_a_program(void)
{
    char name[] = "true";
    char *arguments[] = {name, NULL};
    execve("/bin/true", arguments, NULL);
    return errno;
}

static int kill_the_parent(void)
{
    return kill(getppid(), 0) == 0 ? 0 : errno;
}

static int signal_a_thread_of_the_parent(void)
{
    return syscall(SYS_tgkill, getppid(), getppid(), 0) == 0 ? 0 : errno;
}

static int limit_the_parent(void)
{
    struct rlimit now;
    return prlimit(getppid(), RLIMIT_NOFILE, NULL, &now) == 0 ? 0 : errno;
}

static void *nothing(void *ctx)
{
    return ctx;
}

static int start_a_thread(void)
{
    pthread_t thread;
    int rc = pthread_create(&thread, NULL, nothing, NULL);
    return rc == 0 ? pthread_join(thread, NULL) : rc;
}

static int signal_itself(void)
{
    signal(SIGUSR1, SIG_IGN);
    return raise(SIGUSR1) == 0 ? 0 : errno;
}

static int read_its_limits(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_NOFILE, &now) == 0 ? 0 : errno;
}

static void other_processes_are_out_of_reach(void **state)
{
    (void)state;
    assert_int_equal(try_inside(start_a_process, 0), EPERM);
    assert_int_equal(try_inside(start_a_program, 0), EPERM);
    assert_int_equal(try_inside(kill_the_parent, 0), EPERM);
    assert_int_equal(try_inside(signal_a_thread_of_the_parent, 0), EPERM);
    assert_int_equal(try_inside(limit_the_parent, 0), EPERM);
}

static void the_process_itself_can_work(void **state)
{
    (void)state;
    assert_int_equal(try_inside(start_a_thread, 0), 0);
    assert_int_equal(try_inside(signal_itself, 0), 0);
    assert_int_equal(try_inside(read_its_limits, 0), 0);
}

#define ROOM ((size_t)256 << 20)

static int take_memory(void)
{
    void *p = mmap(NULL, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED ? 0 : errno;
}

static int has_no_core(void)
{
    struct rlimit now;
    return getrlimit(RLIMIT_CORE, &now) == 0 && now.rlim_max == 0 ? 0 : 1;
}

static void memory_is_limited_and_no_core_is_left(void **state)
{
    (void)state;
#if !defined(__SANITIZE_THREAD__) && !defined(__SANITIZE_ADDRESS__)
    assert_int_equal(try_inside(take_memory, ROOM / 2), ENOMEM);
#endif
    assert_int_equal(try_inside(take_memory, 0), 0);
    assert_int_equal(try_inside(has_no_core, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_outside_cannot_be_opened),
        cmocka_unit_test(there_is_no_network),
        cmocka_unit_test(other_processes_are_out_of_reach),
        cmocka_unit_test(the_process_itself_can_work),
        cmocka_unit_test(memory_is_limited_and_no_core_is_left),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}

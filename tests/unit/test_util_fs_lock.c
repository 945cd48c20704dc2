#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"

static int folder; /* open */

static int set_up(void **state)
{
    char *path = temp_folder_new();
    folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(folder >= 0);
    *state = path;
    return 0;
}

static int tear_down(void **state)
{
    close(folder);
    temp_folder_free(*state);
    return 0;
}

static void a_held_lock_is_a_conflict(void **state)
{
    const char *path = *state;
    struct error err = ERROR_INIT;
    struct fs_lock a;
    struct fs_lock b;
    assert_int_equal(fs_lock_folder(folder, path, &a, &err), ERR_OK);
    assert_true(a.folder >= 0);
    assert_true(fcntl(a.folder, F_GETFD) & FD_CLOEXEC);
    assert_int_equal(fs_lock_folder(folder, path, &b, &err), ERR_CONFLICT);
    assert_int_equal(b.folder, -1);
    assert_non_null(strstr(err.text, path));
    fs_unlock(&a);
    assert_int_equal(a.folder, -1);
    assert_int_equal(fs_lock_folder(folder, path, &b, &err), ERR_OK);
    fs_unlock(&b);
    fs_unlock(&b);
}

static void closing_another_descriptor_keeps_the_lock(void **state)
{
    const char *path = *state;
    struct fs_lock a;
    struct fs_lock b;
    assert_int_equal(fs_lock_folder(folder, path, &a, NULL), ERR_OK);
    close(open(path, O_RDONLY | O_CLOEXEC));
    assert_int_equal(fs_lock_folder(folder, path, &b, NULL), ERR_CONFLICT);
    fs_unlock(&a);
}

static int try_in_child(const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fs_lock lock;
        _exit(fs_lock_folder(folder, path, &lock, NULL));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void another_process_is_kept_out(void **state)
{
    const char *path = *state;
    struct fs_lock lock;
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    assert_int_equal(try_in_child(path), ERR_CONFLICT);
    fs_unlock(&lock);
    assert_int_equal(try_in_child(path), ERR_OK);
}

/* A process that holds the lock until it is killed. */
static pid_t hold_in_child(const char *path)
{
    int ends[2];
    char byte;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct fs_lock lock;
        if (fs_lock_folder(folder, path, &lock, NULL) != ERR_OK || write(ends[1], "x", 1) != 1)
            _exit(1);
        for (;;)
            pause();
    }
    assert_int_equal(read(ends[0], &byte, 1), 1);
    close(ends[0]);
    close(ends[1]);
    return child;
}

static void a_killed_process_gives_its_lock_back(void **state)
{
    const char *path = *state;
    struct fs_lock lock;
    pid_t child = hold_in_child(path);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_CONFLICT);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    fs_unlock(&lock);
}

static void the_holder_is_named(void **state)
{
    char expected[64];
    struct str who;
    str_init(&who, 256);
    pid_t child = hold_in_child(*state);
    fs_lock_holder(folder, &who);
    snprintf(expected, sizeof expected, "process %d (test_util_fs_lo)", (int)child);
    assert_string_equal(who.data, expected);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
    str_clear(&who);
    fs_lock_holder(folder, &who);
    assert_string_equal(who.data, "another process");
    str_release(&who);
}

/* A child that was forked while the lock was held has the descriptor, too. */
static void unlocking_does_not_wait_for_children(void **state)
{
    const char *path = *state;
    struct fs_lock lock;
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        for (;;)
            pause();
    }
    fs_unlock(&lock);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    fs_unlock(&lock);
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, NULL, 0), child);
}

static void nothing_in_the_folder_can_free_the_lock(void **state)
{
    const char *path = *state;
    struct fs_lock a;
    struct fs_lock b;
    char *file = fs_join(path, FS_LOCK_FILE);
    assert_int_equal(fs_lock_folder(folder, path, &a, NULL), ERR_OK);
    assert_int_equal(fs_write(file, "", 0, NULL), ERR_OK);
    assert_int_equal(fs_remove(file, NULL), ERR_OK);
    assert_int_equal(fs_lock_folder(folder, path, &b, NULL), ERR_CONFLICT);
    fs_unlock(&a);
    free(file);
}

/* Versions that knew no other lock may be at work on the store while this one begins. */
static void the_lock_file_of_former_versions_is_kept_to_where_it_is_found(void **state)
{
    const char *path = *state;
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    struct fs_lock lock;
    int file = openat(folder, FS_LOCK_FILE, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    assert_int_equal(fcntl(file, F_OFD_SETLK, &whole), 0);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_CONFLICT);
    close(file);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    file = openat(folder, FS_LOCK_FILE, O_RDWR | O_CLOEXEC);
    assert_int_equal(fcntl(file, F_OFD_SETLK, &whole), -1);
    fs_unlock(&lock);
    close(file);
    assert_int_equal(unlinkat(folder, FS_LOCK_FILE, 0), 0);
    assert_int_equal(fs_lock_folder(folder, path, &lock, NULL), ERR_OK);
    assert_int_equal(faccessat(folder, FS_LOCK_FILE, F_OK, 0), -1);
    fs_unlock(&lock);
}

static void a_path_names_a_folder_until_another_takes_its_place(void **state)
{
    char *path = fs_join(*state, "x");
    char *away = fs_join(*state, "y");
    assert_int_equal(mkdir(path, 0777), 0);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fs_names(path, fd));
    assert_int_equal(rename(path, away), 0);
    assert_false(fs_names(path, fd));
    assert_true(fs_names(away, fd));
    assert_int_equal(mkdir(path, 0777), 0);
    assert_false(fs_names(path, fd));
    close(fd);
    free(away);
    free(path);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(a_held_lock_is_a_conflict),
        T(closing_another_descriptor_keeps_the_lock),
        T(another_process_is_kept_out),
        T(a_killed_process_gives_its_lock_back),
        T(the_holder_is_named),
        T(unlocking_does_not_wait_for_children),
        T(nothing_in_the_folder_can_free_the_lock),
        T(the_lock_file_of_former_versions_is_kept_to_where_it_is_found),
        T(a_path_names_a_folder_until_another_takes_its_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

/* Every fsync of the program passes here: counted, and failing at one of them if asked for. */
static int sync_count;
static int sync_fails_at;

int fsync(int fd)
{
    if (++sync_count == sync_fails_at) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

static void fail_sync(int at)
{
    sync_count = 0;
    sync_fails_at = at;
}

struct place {
    char *folder;
    char *path; /* "data" in it */
};

static int set_up(void **state)
{
    struct place *p = mem_alloc(sizeof *p);
    p->folder = temp_folder_new();
    p->path = fs_join(p->folder, "data");
    *state = p;
    fail_sync(0);
    return 0;
}

static int tear_down(void **state)
{
    struct place *p = *state;
    fail_sync(0);
    temp_folder_free(p->folder);
    free(p->path);
    free(p);
    return 0;
}

static void assert_content(const char *path, const char *expected)
{
    struct str s;
    str_init(&s, 1 << 20);
    assert_int_equal(fs_read(path, &s, NULL), ERR_OK);
    assert_string_equal(s.data, expected);
    str_release(&s);
}

static size_t count_names(const char *folder)
{
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    size_t count = 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count - 2; /* "." and ".." */
}

static void stat_tells_size_time_and_kind(void **state)
{
    const struct place *p = *state;
    struct fs_stat st;
    assert_int_equal(fs_write(p->path, "12345", 5, NULL), ERR_OK);
    const struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 0},
                                      {.tv_sec = 1769903999, .tv_nsec = 1999}};
    assert_int_equal(utimensat(AT_FDCWD, p->path, times, 0), 0);
    assert_int_equal(fs_stat(p->path, &st, NULL), ERR_OK);
    assert_int_equal(st.size, 5);
    assert_int_equal(st.modified, INT64_C(1769903999000001));
    assert_false(st.folder);
    assert_int_not_equal(st.inode, 0);
    struct fs_stat folder;
    assert_int_equal(fs_stat(p->folder, &folder, NULL), ERR_OK);
    assert_true(folder.folder);
    assert_int_equal(folder.device, st.device);
    assert_int_not_equal(folder.inode, st.inode);
    assert_true(fs_exists(p->path));
    assert_true(fs_exists(p->folder));
}

static void what_is_not_there_is_absent(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    struct fs_stat st;
    struct str s;
    char *out = NULL;
    str_init(&s, 100);
    assert_int_equal(fs_stat(p->path, &st, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, p->path));
    assert_int_equal(fs_read(p->path, &s, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, p->path));
    assert_int_equal(fs_copy_to(p->path, 1, "stdout", &err), ERR_ABSENT);
    assert_int_equal(fs_sync(p->path, &err), ERR_ABSENT);
    assert_int_equal(fs_real_path(p->path, &out, &err), ERR_ABSENT);
    assert_null(out);
    assert_false(fs_exists(p->path));
    assert_int_equal(fs_write(p->path, "", 0, NULL), ERR_OK);
    char *below = fs_join(p->path, "below");
    assert_int_equal(fs_stat(below, &st, NULL), ERR_ABSENT);
    assert_int_equal(fs_read(below, &s, NULL), ERR_ABSENT);
    assert_false(fs_exists(below));
    free(below);
    str_release(&s);
}

static void a_dangling_link_is_absent(void **state)
{
    const struct place *p = *state;
    struct fs_stat st;
    assert_int_equal(symlink("nowhere", p->path), 0);
    assert_int_equal(fs_stat(p->path, &st, NULL), ERR_ABSENT);
    assert_false(fs_exists(p->path));
}

static void what_is_written_is_read(void **state)
{
    const struct place *p = *state;
    const size_t big = 1000003;
    char *bytes = mem_alloc(big);
    for (size_t i = 0; i < big; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    assert_int_equal(fs_write(p->path, bytes, big, NULL), ERR_OK);
    struct str s;
    str_init(&s, big + 4);
    str_append(&s, "head");
    assert_int_equal(fs_read(p->path, &s, NULL), ERR_OK);
    assert_int_equal(s.len, big + 4);
    assert_memory_equal(s.data, "head", 4);
    assert_memory_equal(s.data + 4, bytes, big);
    str_release(&s);
    free(bytes);
    assert_int_equal(fs_write(p->path, "short", 5, NULL), ERR_OK);
    assert_content(p->path, "short");
    assert_int_equal(fs_write(p->path, NULL, 0, NULL), ERR_OK);
    assert_content(p->path, "");
}

static void a_file_beyond_the_cap_is_refused(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    struct str s;
    assert_int_equal(fs_write(p->path, "123456", 6, NULL), ERR_OK);
    str_init(&s, 6);
    assert_int_equal(fs_read(p->path, &s, &err), ERR_OK);
    assert_string_equal(s.data, "123456");
    assert_int_equal(fs_read(p->path, &s, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, p->path));
    assert_non_null(strstr(err.text, "6 bytes"));
    str_release(&s);
}

static void an_endless_file_ends_at_the_cap(void **state)
{
    (void)state;
    struct str s;
    str_init(&s, 1 << 20);
    assert_int_equal(fs_read("/dev/zero", &s, NULL), ERR_LIMIT);
    assert_true(s.len <= 1 << 20);
    str_release(&s);
}

static void a_folder_is_no_file(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    struct str s;
    str_init(&s, 100);
    assert_int_equal(fs_read(p->folder, &s, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, p->folder));
    assert_int_equal(fs_write(p->folder, "x", 1, &err), ERR_SYSTEM);
    assert_int_equal(fs_remove(p->folder, &err), ERR_SYSTEM);
    str_release(&s);
}

static void a_full_disk_is_reported(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write("/dev/full", "x", 1, &err), ERR_SYSTEM);
    assert_string_equal(err.text, "Cannot write /dev/full: No space left on device");
}

static void a_path_below_a_file_cannot_be_written(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(p->path, "keep", 4, NULL), ERR_OK);
    char *below = fs_join(p->path, "below");
    assert_int_equal(fs_write(below, "x", 1, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, below));
    assert_int_equal(fs_replace(below, "x", 1, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, below));
    assert_int_equal(fs_remove(below, &err), ERR_OK);
    assert_content(p->path, "keep");
    free(below);
}

static void a_file_is_copied_into_a_descriptor(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    const size_t big = 300001;
    char *bytes = mem_alloc(big);
    memset(bytes, 'c', big);
    char *copy = fs_join(p->folder, "copy");
    assert_int_equal(fs_write(p->path, bytes, big, NULL), ERR_OK);
    int fd = open(copy, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(fs_write_all(fd, "head", 4, copy, &err), ERR_OK);
    assert_int_equal(fs_copy_to(p->path, fd, copy, &err), ERR_OK);
    close(fd);
    struct fs_stat st;
    assert_int_equal(fs_stat(copy, &st, NULL), ERR_OK);
    assert_int_equal(st.size, big + 4);
    fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_int_equal(fs_copy_to(p->path, fd, "the output", &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "Cannot write the output: No space left"));
    close(fd);
    assert_int_equal(fs_copy_to(p->folder, 1, "stdout", &err), ERR_SYSTEM);
    free(copy);
    free(bytes);
}

/* A reader of the pipe in a child; returns the number of bytes it got, at most 255 kilobytes. */
static pid_t start_reader(const int ends[2])
{
    pid_t child = fork();
    if (child == 0) {
        char buffer[1000];
        size_t total = 0;
        ssize_t n;
        close(ends[1]);
        usleep(30000); /* let the pipe run full */
        while ((n = read(ends[0], buffer, sizeof buffer)) > 0)
            total += (size_t)n;
        _exit((int)(total / 1000));
    }
    return child;
}

static void a_pipe_that_is_full_is_waited_for(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    int ends[2];
    int status;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
    pid_t child = start_reader(ends);
    assert_true(child > 0);
    char *bytes = mem_calloc(1, 200000);
    assert_int_equal(fs_write_all(ends[1], bytes, 200000, "pipe", &err), ERR_OK);
    close(ends[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 200);
    close(ends[0]);
    free(bytes);
}

static void a_descriptor_that_cannot_be_written_is_named(void **state)
{
    (void)state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write_all(-1, "x", 1, "the report", &err), ERR_SYSTEM);
    assert_string_equal(err.text, "Cannot write the report: Bad file descriptor");
    assert_int_equal(fs_write_all(-1, NULL, 0, "the report", &err), ERR_OK);
}

static void replacing_creates_and_replaces(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_replace(p->path, "one", 3, &err), ERR_OK);
    assert_content(p->path, "one");
    assert_int_equal(fs_replace(p->path, "2", 1, &err), ERR_OK);
    assert_content(p->path, "2");
    assert_int_equal(fs_replace(p->path, NULL, 0, &err), ERR_OK);
    assert_content(p->path, "");
    assert_int_equal(count_names(p->folder), 1);
}

static void a_reader_of_the_old_file_keeps_it(void **state)
{
    const struct place *p = *state;
    char buffer[8] = "";
    assert_int_equal(fs_replace(p->path, "old", 3, NULL), ERR_OK);
    int fd = open(p->path, O_RDONLY | O_CLOEXEC);
    assert_int_equal(fs_replace(p->path, "new", 3, NULL), ERR_OK);
    assert_int_equal(read(fd, buffer, sizeof buffer), 3);
    assert_string_equal(buffer, "old");
    close(fd);
}

static void replacing_flushes_the_file_and_its_folder(void **state)
{
    const struct place *p = *state;
    fail_sync(0);
    assert_int_equal(fs_replace(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(sync_count, 2);
    fail_sync(0);
    assert_int_equal(fs_write(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(sync_count, 0);
}

static void a_temp_file_whose_fsync_failed_is_abandoned(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(p->path, "old", 3, NULL), ERR_OK);
    fail_sync(1);
    assert_int_equal(fs_replace(p->path, "new", 3, &err), ERR_SYSTEM);
    assert_int_equal(sync_count, 1);
    assert_non_null(strstr(err.text, "was not replaced"));
    assert_non_null(strstr(err.text, "Input/output error"));
    assert_content(p->path, "old");
    assert_int_equal(count_names(p->folder), 1);
}

static void a_folder_whose_fsync_failed_leaves_the_outcome_unknown(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(p->path, "old", 3, NULL), ERR_OK);
    fail_sync(2);
    assert_int_equal(fs_replace(p->path, "new", 3, &err), ERR_UNKNOWN);
    assert_int_equal(err.code, ERR_UNKNOWN);
    assert_non_null(strstr(err.text, "was replaced, but"));
    assert_content(p->path, "new");
    assert_int_equal(count_names(p->folder), 1);
}

static void a_folder_is_not_replaced_by_a_file(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(mkdir(p->path, 0700), 0);
    assert_int_equal(fs_replace(p->path, "new", 3, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, p->path));
    assert_int_equal(count_names(p->folder), 1);
}

static void a_write_that_fails_halfway_changes_nothing(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    struct rlimit limit;
    struct rlimit small;
    char *bytes = mem_calloc(1, 8192);
    assert_int_equal(fs_write(p->path, "old", 3, NULL), ERR_OK);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = limit.rlim_max};
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = fs_replace(p->path, bytes, 8192, &err);
    setrlimit(RLIMIT_FSIZE, &limit);
    assert_int_equal(rc, ERR_SYSTEM);
    assert_non_null(strstr(err.text, "File too large"));
    assert_content(p->path, "old");
    assert_int_equal(count_names(p->folder), 1);
    free(bytes);
}

static void new_files_follow_the_umask(void **state)
{
    const struct place *p = *state;
    struct stat st;
    mode_t old = umask(027);
    assert_int_equal(fs_write(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    umask(077);
    assert_int_equal(fs_replace(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(stat(p->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    umask(old);
}

/* What `work` gives in a process without privileges. */
static int without_privileges(int (*work)(const char *path), const char *path)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        _exit(work(path));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static int try_read(const char *path)
{
    struct str s;
    str_init(&s, 100);
    return fs_read(path, &s, NULL);
}

static int try_write(const char *path)
{
    return fs_write(path, "x", 1, NULL);
}

static int try_replace(const char *path)
{
    return fs_replace(path, "x", 1, NULL);
}

static int try_remove(const char *path)
{
    return fs_remove(path, NULL);
}

static void a_lack_of_permission_is_told_apart(void **state)
{
    const struct place *p = *state;
    assert_int_equal(fs_write(p->path, "old", 3, NULL), ERR_OK);
    assert_int_equal(chmod(p->path, 0), 0);
    assert_int_equal(chmod(p->folder, 0555), 0);
    assert_int_equal(without_privileges(try_read, p->path), ERR_DENIED);
    assert_int_equal(without_privileges(try_write, p->path), ERR_DENIED);
    assert_int_equal(without_privileges(try_replace, p->path), ERR_DENIED);
    assert_int_equal(without_privileges(try_remove, p->path), ERR_DENIED);
    assert_int_equal(chmod(p->folder, 0700), 0);
    assert_int_equal(chmod(p->path, 0600), 0);
    assert_content(p->path, "old");
}

static void files_and_folders_are_synced_by_name(void **state)
{
    const struct place *p = *state;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(p->path, "x", 1, NULL), ERR_OK);
    fail_sync(0);
    assert_int_equal(fs_sync(p->path, &err), ERR_OK);
    assert_int_equal(fs_sync(p->folder, &err), ERR_OK);
    assert_int_equal(sync_count, 2);
    fail_sync(1);
    assert_int_equal(fs_sync(p->path, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, p->path));
    fail_sync(0);
    assert_int_equal(fs_sync("/dev/null", &err), ERR_SYSTEM);
}

static void removing_twice_is_success(void **state)
{
    const struct place *p = *state;
    assert_int_equal(fs_write(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(fs_remove(p->path, NULL), ERR_OK);
    assert_false(fs_exists(p->path));
    assert_int_equal(fs_remove(p->path, NULL), ERR_OK);
}

static void assert_parent(const char *path, const char *expected)
{
    char *parent = fs_parent(path);
    assert_string_equal(parent, expected);
    free(parent);
}

static void parents_of_paths(void **state)
{
    (void)state;
    assert_parent("a/b/c", "a/b");
    assert_parent("/a/b", "/a");
    assert_parent("/a", "/");
    assert_parent("//a", "/");
    assert_parent("a", ".");
    assert_parent("a/", ".");
    assert_parent("a/b/", "a");
    assert_parent("a//b//", "a");
    assert_parent("/", "/");
    assert_parent("//", "/");
    assert_parent("", ".");
    assert_parent(".", ".");
    assert_parent("./a", ".");
    assert_parent("../a", "..");
}

static void assert_join(const char *folder, const char *name, const char *expected)
{
    char *path = fs_join(folder, name);
    assert_string_equal(path, expected);
    free(path);
}

static void names_are_joined_by_one_slash(void **state)
{
    (void)state;
    assert_join("a", "b", "a/b");
    assert_join("a/", "b", "a/b");
    assert_join("/", "b", "/b");
    assert_join("", "b", "b");
    assert_join(".", "b/c", "./b/c");
}

static void links_are_resolved(void **state)
{
    const struct place *p = *state;
    char *link = fs_join(p->folder, "link");
    char *roundabout = fs_join(p->folder, "./../");
    char *expected = NULL;
    char *out = NULL;
    assert_int_equal(fs_write(p->path, "x", 1, NULL), ERR_OK);
    assert_int_equal(symlink("data", link), 0);
    assert_int_equal(fs_real_path(p->path, &expected, NULL), ERR_OK);
    assert_int_equal(fs_real_path(link, &out, NULL), ERR_OK);
    assert_string_equal(out, expected);
    assert_int_equal(out[0], '/');
    free(out);
    free(expected);
    assert_int_equal(fs_real_path(roundabout, &out, NULL), ERR_OK);
    assert_null(strstr(out, ".."));
    free(out);
    free(roundabout);
    free(link);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(stat_tells_size_time_and_kind),
        T(what_is_not_there_is_absent),
        T(a_dangling_link_is_absent),
        T(what_is_written_is_read),
        T(a_file_beyond_the_cap_is_refused),
        T(an_endless_file_ends_at_the_cap),
        T(a_folder_is_no_file),
        T(a_full_disk_is_reported),
        T(a_path_below_a_file_cannot_be_written),
        T(a_file_is_copied_into_a_descriptor),
        T(a_pipe_that_is_full_is_waited_for),
        T(a_descriptor_that_cannot_be_written_is_named),
        T(replacing_creates_and_replaces),
        T(a_reader_of_the_old_file_keeps_it),
        T(replacing_flushes_the_file_and_its_folder),
        T(a_temp_file_whose_fsync_failed_is_abandoned),
        T(a_folder_whose_fsync_failed_leaves_the_outcome_unknown),
        T(a_folder_is_not_replaced_by_a_file),
        T(a_write_that_fails_halfway_changes_nothing),
        T(new_files_follow_the_umask),
        T(a_lack_of_permission_is_told_apart),
        T(files_and_folders_are_synced_by_name),
        T(removing_twice_is_success),
        T(parents_of_paths),
        T(names_are_joined_by_one_slash),
        T(links_are_resolved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

/* Every fsync of the program passes here and is counted. */
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

static int set_up(void **state)
{
    *state = temp_folder_new();
    sync_count = 0;
    sync_fails_at = 0;
    return 0;
}

static int tear_down(void **state)
{
    temp_folder_free(*state);
    return 0;
}

/* An empty file `name` in `folder`, with the folders it needs. */
static void touch(const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    char *parent = fs_parent(path);
    assert_int_equal(fs_make_folders(parent, false, NULL), ERR_OK);
    assert_int_equal(fs_write(path, name, strlen(name), NULL), ERR_OK);
    free(parent);
    free(path);
}

static bool is_there(const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    struct stat st;
    bool there = lstat(path, &st) == 0;
    free(path);
    return there;
}

static void link_to(const char *target, const char *folder, const char *name)
{
    char *path = fs_join(folder, name);
    assert_int_equal(symlink(target, path), 0);
    free(path);
}

static void folders_are_made_with_their_parents(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    struct fs_stat st;
    char *path = fs_join(root, "a/b//c");
    assert_int_equal(fs_make_folders(path, false, &err), ERR_OK);
    assert_int_equal(fs_stat(path, &st, &err), ERR_OK);
    assert_true(st.folder);
    assert_int_equal(fs_make_folders(path, false, &err), ERR_OK);
    assert_int_equal(sync_count, 0);
    free(path);
    path = fs_join(root, "d/e/");
    assert_int_equal(fs_make_folders(path, false, &err), ERR_OK);
    assert_true(is_there(root, "d/e"));
    free(path);
    assert_int_equal(fs_make_folders("/", false, &err), ERR_OK);
    assert_int_equal(fs_make_folders(".", true, &err), ERR_OK);
}

static void every_parent_that_gained_an_entry_is_flushed(void **state)
{
    const char *root = *state;
    char *path = fs_join(root, "a/b/c");
    assert_int_equal(fs_make_folders(path, true, NULL), ERR_OK);
    assert_int_equal(sync_count, 3);
    assert_int_equal(fs_make_folders(path, true, NULL), ERR_OK);
    assert_int_equal(sync_count, 3);
    free(path);
    path = fs_join(root, "a/b/d");
    assert_int_equal(fs_make_folders(path, true, NULL), ERR_OK);
    assert_int_equal(sync_count, 4);
    free(path);
}

static void a_failed_flush_of_a_parent_is_reported(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    char *path = fs_join(root, "a/b");
    sync_fails_at = 1;
    assert_int_equal(fs_make_folders(path, true, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, root));
    assert_false(is_there(root, "a/b"));
    free(path);
}

static void a_file_in_the_way_of_a_folder_is_named(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    touch(root, "file");
    char *file = fs_join(root, "file");
    char *below = fs_join(root, "file/a/b");
    assert_int_equal(fs_make_folders(file, false, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, file));
    assert_non_null(strstr(err.text, "File exists"));
    assert_int_equal(fs_make_folders(below, false, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, file));
    assert_int_equal(fs_make_folders("", false, &err), ERR_SYSTEM);
    free(below);
    free(file);
}

/* What a walk has visited: each name and a newline. */
struct seen {
    struct str names;
    size_t stop_after; /* 0: never */
    size_t count;
};

static int note(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    struct seen *seen = ctx;
    assert_false(stat->folder);
    str_append(&seen->names, name);
    str_append_char(&seen->names, '\n');
    seen->count++;
    if (seen->stop_after > 0 && seen->count == seen->stop_after)
        return error_set(err, ERR_GATE, "enough");
    return ERR_OK;
}

static void assert_walk(const char *folder, const char *expected)
{
    struct error err = ERROR_INIT;
    struct seen seen = {0};
    str_init(&seen.names, 1 << 20);
    assert_int_equal(fs_walk(folder, note, &seen, &err), ERR_OK);
    assert_string_equal(seen.names.data, expected);
    str_release(&seen.names);
}

static void a_walk_visits_files_in_byte_order_of_their_paths(void **state)
{
    const char *root = *state;
    static const char *const names[] = {"b",   "a/z", "a.txt", "a-b",      "a0",      "A",
                                        "a/b", "ab",  "a/b/c", "\xc3\xa9", "a/b.txt", "z/y/x"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(names[i], "a/b") != 0)
            touch(root, names[i]);
    }
    assert_walk(root, "A\na-b\na.txt\na/b.txt\na/b/c\na/z\na0\nab\nb\nz/y/x\n\xc3\xa9\n");
}

static void folders_without_files_show_nothing(void **state)
{
    const char *root = *state;
    char *path = fs_join(root, "a/b/c");
    assert_walk(root, "");
    assert_int_equal(fs_make_folders(path, false, NULL), ERR_OK);
    assert_walk(root, "");
    free(path);
    path = fs_join(root, "nowhere");
    assert_walk(path, "");
    free(path);
}

static void links_are_reported_and_not_followed(void **state)
{
    const char *root = *state;
    touch(root, "real/inside");
    link_to("real", root, "link");
    link_to("nowhere", root, "dangling");
    link_to("..", root, "real/up");
    assert_walk(root, "dangling\nlink\nreal/inside\nreal/up\n");
    /* The root itself may be a link. */
    char *link = fs_join(root, "link");
    assert_walk(link, "inside\nup\n");
    free(link);
}

static int check_stat(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    (void)err;
    char *path = fs_join(ctx, name);
    struct fs_stat expected;
    assert_int_equal(fs_stat(path, &expected, NULL), ERR_OK);
    assert_int_equal(stat->size, strlen(name));
    assert_int_equal(stat->inode, expected.inode);
    assert_int_equal(stat->device, expected.device);
    assert_int_equal(stat->modified, expected.modified);
    free(path);
    return ERR_OK;
}

static void a_walk_tells_what_stat_tells(void **state)
{
    char *root = *state;
    touch(root, "a");
    touch(root, "b/cc/ddd");
    assert_int_equal(fs_walk(root, check_stat, root, NULL), ERR_OK);
}

static void the_visitor_can_end_the_walk(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    struct seen seen = {.stop_after = 2};
    str_init(&seen.names, 1000);
    touch(root, "a/1");
    touch(root, "a/2");
    touch(root, "a/3");
    touch(root, "b");
    assert_int_equal(fs_walk(root, note, &seen, &err), ERR_GATE);
    assert_string_equal(seen.names.data, "a/1\na/2\n");
    assert_string_equal(err.text, "enough");
    str_release(&seen.names);
}

static int remove_all(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    (void)name;
    (void)stat;
    return fs_remove_tree(ctx, err);
}

static void a_folder_that_vanishes_meanwhile_has_no_files(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    touch(root, "a");
    touch(root, "b/c");
    char *b = fs_join(root, "b");
    assert_int_equal(fs_walk(root, remove_all, b, &err), ERR_OK);
    assert_string_equal(err.text, "");
    assert_false(is_there(root, "b"));
    free(b);
}

static void a_file_cannot_be_walked(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    struct seen seen = {0};
    str_init(&seen.names, 1000);
    touch(root, "file");
    char *file = fs_join(root, "file");
    assert_int_equal(fs_walk(file, note, &seen, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, file));
    free(file);
    str_release(&seen.names);
}

/* A path of `levels` folders below `root`, made. */
static void make_deep(const char *root, size_t levels)
{
    struct str path;
    str_init(&path, 1 << 20);
    str_append(&path, root);
    for (size_t i = 0; i < levels; i++)
        str_append(&path, "/d");
    assert_int_equal(fs_make_folders(path.data, false, NULL), ERR_OK);
    str_append(&path, "/file");
    assert_int_equal(fs_write(path.data, "x", 1, NULL), ERR_OK);
    str_release(&path);
}

static void a_tree_deeper_than_the_limit_is_refused(void **state)
{
    const char *root = *state;
    struct error err = ERROR_INIT;
    struct seen seen = {0};
    str_init(&seen.names, 10000);
    char *top = fs_join(root, "d");
    make_deep(root, 128);
    assert_int_equal(fs_walk(root, note, &seen, &err), ERR_OK);
    assert_int_equal(seen.count, 1);
    make_deep(root, 130);
    assert_int_equal(fs_walk(root, note, &seen, &err), ERR_LIMIT);
    assert_non_null(strstr(err.text, "128 levels"));
    assert_int_equal(fs_remove_tree(root, &err), ERR_LIMIT);
    assert_true(is_there(root, "d"));
    /* From two levels further down it can be removed. */
    char *lower = fs_join(root, "d/d");
    assert_int_equal(fs_remove_tree(lower, &err), ERR_OK);
    assert_int_equal(fs_remove_tree(top, &err), ERR_OK);
    free(lower);
    free(top);
    str_release(&seen.names);
}

static void a_tree_is_removed_and_nothing_beside_it(void **state)
{
    const char *root = *state;
    touch(root, "tree/a");
    touch(root, "tree/b/c");
    touch(root, "tree/b/d/e");
    touch(root, "trees");
    char *tree = fs_join(root, "tree");
    assert_int_equal(fs_remove_tree(tree, NULL), ERR_OK);
    assert_false(is_there(root, "tree"));
    assert_true(is_there(root, "trees"));
    assert_int_equal(fs_remove_tree(tree, NULL), ERR_OK);
    free(tree);
}

static void removing_never_follows_a_link(void **state)
{
    const char *root = *state;
    touch(root, "outside/keep");
    touch(root, "tree/a");
    link_to("../outside", root, "tree/link");
    link_to("../outside/keep", root, "tree/file-link");
    link_to("outside", root, "link");
    char *tree = fs_join(root, "tree");
    char *link = fs_join(root, "link");
    assert_int_equal(fs_remove_tree(tree, NULL), ERR_OK);
    assert_false(is_there(root, "tree"));
    assert_true(is_there(root, "outside/keep"));
    assert_int_equal(fs_remove_tree(link, NULL), ERR_OK);
    assert_false(is_there(root, "link"));
    assert_true(is_there(root, "outside/keep"));
    free(link);
    free(tree);
}

static void a_single_file_is_removed_too(void **state)
{
    const char *root = *state;
    touch(root, "file");
    char *file = fs_join(root, "file");
    char *below = fs_join(root, "file/below");
    assert_int_equal(fs_remove_tree(below, NULL), ERR_OK);
    assert_true(is_there(root, "file"));
    assert_int_equal(fs_remove_tree(file, NULL), ERR_OK);
    assert_false(is_there(root, "file"));
    free(below);
    free(file);
}

static void a_lack_of_permission_is_told_apart(void **state)
{
    const char *root = *state;
    touch(root, "tree/a");
    char *tree = fs_join(root, "tree");
    char *below = fs_join(root, "tree/new");
    assert_int_equal(chmod(root, 0755), 0);
    assert_int_equal(chmod(tree, 0555), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
            _exit(99);
        if (fs_make_folders(below, false, NULL) != ERR_DENIED)
            _exit(1);
        _exit(fs_remove_tree(tree, NULL));
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(chmod(tree, 0755), 0);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), ERR_DENIED);
    assert_true(is_there(root, "tree/a"));
    free(below);
    free(tree);
}

static int count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    if (dir == NULL)
        return -1;
    int count = 0;
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

static void no_descriptor_is_left_open(void **state)
{
    const char *root = *state;
    struct seen seen = {.stop_after = 2};
    str_init(&seen.names, 1000);
    touch(root, "a/b/1");
    touch(root, "a/b/2");
    int before = count_descriptors();
    assert_int_equal(fs_walk(root, note, &seen, NULL), ERR_GATE);
    char *a = fs_join(root, "a");
    assert_int_equal(fs_remove_tree(a, NULL), ERR_OK);
    assert_int_equal(count_descriptors(), before);
    free(a);
    str_release(&seen.names);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(folders_are_made_with_their_parents),
        T(every_parent_that_gained_an_entry_is_flushed),
        T(a_failed_flush_of_a_parent_is_reported),
        T(a_file_in_the_way_of_a_folder_is_named),
        T(a_walk_visits_files_in_byte_order_of_their_paths),
        T(folders_without_files_show_nothing),
        T(links_are_reported_and_not_followed),
        T(a_walk_tells_what_stat_tells),
        T(the_visitor_can_end_the_walk),
        T(a_folder_that_vanishes_meanwhile_has_no_files),
        T(a_file_cannot_be_walked),
        T(a_tree_deeper_than_the_limit_is_refused),
        T(a_tree_is_removed_and_nothing_beside_it),
        T(removing_never_follows_a_link),
        T(a_single_file_is_removed_too),
        T(a_lack_of_permission_is_told_apart),
        T(no_descriptor_is_left_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

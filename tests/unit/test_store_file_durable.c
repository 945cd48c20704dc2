/*
 * Durability of the folder store: what is brought to disk, in which order, and what happens where
 * that fails. The calls that matter are taken over by functions of this program, which note them,
 * and fail them where a test says so.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

/* ---- The seam ---- */

static struct {
    char base[256];    /* names are noted relative to this folder */
    char notes[4096];  /* one line per call */
    size_t calls;      /* noted so far */
    size_t fail_at;    /* the call, from 1, that fails with EIO; 0: none */
    char failed[64];   /* the call that failed */
    ino_t abandoned;   /* a file whose fsync failed */
    bool synced_again; /* it was synced once more */
} seam;

/* Note a call on `name` in the folder (or file) `fd`; false where it shall fail. */
static bool note(const char *call, int fd, const char *name)
{
    char link[64];
    char path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    const char *shown = str_starts(path, seam.base) ? path + strlen(seam.base) : path;
    char line[1200];
    snprintf(line, sizeof line, "%s %s%s%s", call, *shown == '/' ? shown + 1 : ".",
             name != NULL ? "/" : "", name != NULL ? name : "");
    char *mark = strstr(line, ".tmp-");
    if (mark != NULL)
        snprintf(mark, 2, "~"); /* the random part */
    size_t used = strlen(seam.notes);
    snprintf(seam.notes + used, sizeof seam.notes - used, "%s\n", line);
    seam.calls++;
    if (seam.calls != seam.fail_at)
        return true;
    snprintf(seam.failed, sizeof seam.failed, "%.60s", line);
    errno = EIO;
    return false;
}

int fsync(int fd)
{
    struct stat st;
    bool file = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    if (file && st.st_ino == seam.abandoned)
        seam.synced_again = true;
    if (!note("sync", fd, NULL)) {
        if (file)
            seam.abandoned = st.st_ino;
        return -1;
    }
    return (int)syscall(SYS_fsync, fd);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    if (strstr(to, ".tmp-") == NULL && !note("link", to_fd, to))
        return -1;
    return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    if (!note("rename", to_fd, to))
        return -1;
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

static void watch(size_t fail_at)
{
    seam.notes[0] = '\0';
    seam.failed[0] = '\0';
    seam.calls = 0;
    seam.fail_at = fail_at;
    seam.abandoned = 0;
    seam.synced_again = false;
}

/* ---- Kit ---- */

struct here {
    char *folder;
    char *root;
    struct store *st;
    struct error err;
};

static struct store *open_root(const struct here *h)
{
    struct store *st;
    assert_int_equal(store_open(h->root, &(struct store_options){.create = true}, &st, NULL),
                     ERR_OK);
    return st;
}

static int set_up(void **state)
{
    struct here *h = mem_calloc(1, sizeof *h);
    h->folder = temp_folder_new();
    h->root = fs_join(h->folder, "root");
    h->st = open_root(h);
    char *real;
    assert_int_equal(fs_real_path(h->root, &real, NULL), ERR_OK);
    snprintf(seam.base, sizeof seam.base, "%s", real);
    free(real);
    watch(0);
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct here *h = *state;
    watch(0);
    store_free(h->st);
    temp_folder_free(h->folder);
    free(h->root);
    free(h);
    return 0;
}

static int put(struct here *h, const char *key, const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_put_new(h->st, key, &body, tag, &h->err);
}

static int swap(struct here *h, const char *key, const struct store_tag *expected, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    return store_swap(h->st, key, expected, &body, NULL, &h->err);
}

static void holds(struct here *h, const char *key, const char *text)
{
    struct str body;
    str_init(&body, 1000);
    assert_int_equal(store_get(h->st, key, &body, NULL, NULL), text != NULL ? ERR_OK : ERR_ABSENT);
    assert_string_equal(body.data, text != NULL ? text : "");
    str_release(&body);
}

static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)entry;
    (void)err;
    ++*(size_t *)ctx;
    return ERR_OK;
}

static size_t count(struct here *h)
{
    size_t n = 0;
    assert_int_equal(store_list(h->st, "", count_entry, &n, NULL), ERR_OK);
    return n;
}

/* A folder is only known again where the file system tells when it was made. */
static void need_times_of_birth(const struct here *h)
{
    struct statx st;
    if (statx(AT_FDCWD, h->root, 0, STATX_BTIME, &st) != 0 || !(st.stx_mask & STATX_BTIME))
        skip();
}

static char *local_file(const struct here *h, const char *text, struct store_body *body)
{
    char *path = fs_join(h->folder, "local");
    assert_int_equal(fs_write(path, text, strlen(text), NULL), ERR_OK);
    assert_int_equal(store_body_file(path, body, NULL), ERR_OK);
    return path;
}

/* ---- Order ---- */

static void test_content_and_folders_are_on_disk_before_and_the_name_before_success(void **state)
{
    struct here *h = *state;
    assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
    assert_string_equal(seam.notes, "sync a/b/k~\n"
                                    "sync .\n"
                                    "sync a\n"
                                    "link a/b/k\n"
                                    "sync a/b\n");
}

static void test_known_folders_are_not_synced_again(void **state)
{
    struct here *h = *state;
    need_times_of_birth(h);
    assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
    watch(0);
    assert_int_equal(put(h, "a/b/l", "x", NULL), ERR_OK);
    assert_int_equal(put(h, "a/c/m", "x", NULL), ERR_OK);
    assert_string_equal(seam.notes, "sync a/b/l~\n"
                                    "link a/b/l\n"
                                    "sync a/b\n"
                                    "sync a/c/m~\n"
                                    "sync a\n"
                                    "link a/c/m\n"
                                    "sync a/c\n");
}

/* Whoever made the folders may not have come to syncing them yet. */
static void test_folders_made_by_others_are_synced(void **state)
{
    struct here *h = *state;
    assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
    struct store *first = h->st;
    h->st = open_root(h);
    watch(0);
    assert_int_equal(put(h, "a/b/l", "x", NULL), ERR_OK);
    assert_string_equal(seam.notes, "sync a/b/l~\n"
                                    "sync .\n"
                                    "sync a\n"
                                    "link a/b/l\n"
                                    "sync a/b\n");
    store_free(first);
}

static void test_folders_made_anew_are_synced_anew(void **state)
{
    struct here *h = *state;
    for (int i = 0; i < 3; i++) {
        watch(0);
        assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
        assert_string_equal(seam.notes, "sync a/b/k~\n"
                                        "sync .\n"
                                        "sync a\n"
                                        "link a/b/k\n"
                                        "sync a/b\n");
        assert_int_equal(store_remove(h->st, "a/b/k", NULL), ERR_OK);
    }
}

static void test_a_swap_syncs_content_then_name(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    assert_int_equal(put(h, "d/p", "one", &tag), ERR_OK);
    watch(0);
    assert_int_equal(swap(h, "d/p", &tag, "two"), ERR_OK);
    assert_string_equal(seam.notes, "sync d/p~\n"
                                    "rename d/p\n"
                                    "sync d\n");
}

static void test_a_move_syncs_both_folders(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    struct store_info info;
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, ".t/1/part", "x", NULL), ERR_OK);
    assert_int_equal(put(h, ".t/2/part", "y", NULL), ERR_OK);
    struct store_move move = {
        .from = ".t/1/part", .to = "final/part", .guard = "guard", .guard_tag = &guard};
    watch(0);
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    assert_string_equal(seam.notes, "sync .\n"
                                    "link final/part\n"
                                    "sync final\n"
                                    "sync .t/1\n");
    need_times_of_birth(h);
    assert_int_equal(store_head(h->st, "final/part", &info, NULL), ERR_OK);
    move.from = ".t/2/part";
    move.expected = &info.tag;
    watch(0);
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    assert_string_equal(seam.notes, "rename final/part\n"
                                    "sync final\n"
                                    "sync .t/2\n");
}

static void test_a_linked_file_is_synced_before_it_gets_its_name(void **state)
{
    struct here *h = *state;
    struct store_body body;
    struct stat local;
    struct stat object;
    char *path = local_file(h, "content", &body);
    char *key_path = fs_join(h->root, "k");
    assert_int_equal(store_put_new(h->st, "k", &body, NULL, NULL), ERR_OK);
    assert_non_null(strstr(seam.notes, "/local\nlink ./k\nsync .\n"));
    assert_int_equal(seam.calls, 3);
    assert_int_equal(stat(path, &local), 0);
    assert_int_equal(stat(key_path, &object), 0);
    assert_int_equal(local.st_ino, object.st_ino);
    free(key_path);
    free(path);
}

/* ---- Failures ---- */

/* Was the failing call before the moment in which the object gets its name? */
static bool failed_before_naming(void)
{
    const char *naming = strstr(seam.notes, "link ");
    if (naming == NULL)
        naming = strstr(seam.notes, "rename ");
    return naming == NULL;
}

static void test_each_failure_of_a_creation_is_told_for_what_it_is(void **state)
{
    struct here *h = *state;
    size_t k = 1;
    for (;; k++) {
        watch(k);
        int rc = put(h, "a/b/k", "content", NULL);
        if (seam.failed[0] == '\0') {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_false(seam.synced_again);
        if (failed_before_naming()) {
            assert_int_equal(rc, ERR_AGAIN);
            assert_int_equal(count(h), 0);
            holds(h, "a/b/k", NULL);
        } else {
            /* The folder could not be synced: the object is there, and whole; or link failed. */
            assert_int_equal(rc, ERR_UNKNOWN);
            holds(h, "a/b/k", strncmp(seam.failed, "link", 4) == 0 ? NULL : "content");
        }
        watch(0);
        assert_int_equal(store_remove(h->st, "a/b/k", NULL), ERR_OK);
        assert_int_equal(count(h), 0);
    }
    assert_int_equal(k, 6);
}

static void test_each_failure_of_a_swap_is_told_for_what_it_is(void **state)
{
    struct here *h = *state;
    size_t k = 1;
    for (;; k++) {
        struct store_tag tag;
        watch(0);
        assert_int_equal(put(h, "d/p", "old", &tag), ERR_OK);
        watch(k);
        int rc = swap(h, "d/p", &tag, "new");
        if (seam.failed[0] == '\0') {
            assert_int_equal(rc, ERR_OK);
            break;
        }
        assert_false(seam.synced_again);
        if (failed_before_naming()) {
            assert_int_equal(rc, ERR_AGAIN);
            assert_int_equal(count(h), 1);
            holds(h, "d/p", "old");
            /* Nothing happened: the same swap may be tried again. */
            watch(0);
            assert_int_equal(swap(h, "d/p", &tag, "new"), ERR_OK);
        } else {
            assert_int_equal(rc, ERR_UNKNOWN);
            holds(h, "d/p", strncmp(seam.failed, "rename", 6) == 0 ? "old" : "new");
        }
        assert_int_equal(store_remove(h->st, "d/p", NULL), ERR_OK);
    }
    assert_int_equal(k, 4);
}

static void test_a_move_that_cannot_be_synced_is_unknown(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    for (size_t k = 1; k <= 5; k++) {
        struct store_move move = {
            .from = ".t/part", .to = "final/part", .guard = "guard", .guard_tag = &guard};
        watch(0);
        assert_int_equal(put(h, ".t/part", "x", NULL), ERR_OK);
        watch(k);
        int rc = store_move(h->st, &move, NULL);
        if (k == 5) {
            assert_int_equal(rc, ERR_OK);
            assert_string_equal(seam.failed, "");
        } else {
            assert_int_equal(rc, failed_before_naming() ? ERR_AGAIN : ERR_UNKNOWN);
            holds(h, "final/part", k >= 3 ? "x" : NULL);
            holds(h, ".t/part", k <= 3 ? "x" : NULL);
        }
        watch(0);
        assert_int_equal(store_remove(h->st, "final/part", NULL), ERR_OK);
        assert_int_equal(store_remove(h->st, ".t/part", NULL), ERR_OK);
    }
}

/*
 * After a failed fsync the kernel takes the pages for clean, and a second fsync of the same file
 * would succeed over lost data: the content is copied, now and from then on.
 */
static void test_a_local_file_whose_sync_failed_is_copied_and_never_synced_again(void **state)
{
    struct here *h = *state;
    struct store_body body;
    struct stat local;
    struct stat object;
    char *path = local_file(h, "content", &body);
    watch(1);
    assert_int_equal(store_put_new(h->st, "k", &body, NULL, NULL), ERR_OK);
    seam.fail_at = 0;
    assert_int_equal(store_put_new(h->st, "l", &body, NULL, NULL), ERR_OK);
    assert_false(seam.synced_again);
    assert_int_equal(stat(path, &local), 0);
    assert_int_equal(seam.abandoned, local.st_ino);
    static const char *const keys[] = {"k", "l"};
    for (size_t i = 0; i < 2; i++) {
        char *key_path = fs_join(h->root, keys[i]);
        assert_int_equal(stat(key_path, &object), 0);
        assert_int_not_equal(local.st_ino, object.st_ino);
        free(key_path);
        holds(h, keys[i], "content");
    }
    assert_int_equal(count(h), 2);
    free(path);
}

#define in_store(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_store(test_content_and_folders_are_on_disk_before_and_the_name_before_success),
        in_store(test_known_folders_are_not_synced_again),
        in_store(test_folders_made_by_others_are_synced),
        in_store(test_folders_made_anew_are_synced_anew),
        in_store(test_a_swap_syncs_content_then_name),
        in_store(test_a_move_syncs_both_folders),
        in_store(test_a_linked_file_is_synced_before_it_gets_its_name),
        in_store(test_each_failure_of_a_creation_is_told_for_what_it_is),
        in_store(test_each_failure_of_a_swap_is_told_for_what_it_is),
        in_store(test_a_move_that_cannot_be_synced_is_unknown),
        in_store(test_a_local_file_whose_sync_failed_is_copied_and_never_synced_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

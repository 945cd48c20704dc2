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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/time.h"

/* ---- The seam ---- */

static struct {
    char base[256];              /* names are noted relative to this folder */
    char notes[4096];            /* one line per call */
    size_t calls;                /* noted so far */
    size_t fail_at;              /* the call, from 1, that fails with EIO; 0: none */
    char failed[64];             /* the call that failed */
    ino_t abandoned;             /* a file whose fsync failed */
    bool synced_again;           /* it was synced once more */
    int vanishing;               /* so many folders are removed right after they were made, */
    int vanishing_later;         /* or right before something is created in them */
    void (*before_naming)(void); /* called once, before the next link or rename, */
    void (*before_lock)(void);   /* or before the next lock */
    bool plain_renames;          /* as on file systems that cannot refuse a name that is taken */
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

static void come_before(void (**hook)(void))
{
    void (*call)(void) = *hook;
    *hook = NULL;
    if (call != NULL)
        call();
}

/* Take an open folder away, as long as the test wants it and nothing lies in it. */
static void vanish(int fd, int *times)
{
    char link[64];
    char path[1024];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = *times > 0 ? readlink(link, path, sizeof path - 1) : 0;
    path[n > 0 ? n : 0] = '\0';
    if (n > 0 && rmdir(path) == 0)
        --*times;
}

int mkdirat(int fd, const char *name, mode_t mode)
{
    int rc = (int)syscall(SYS_mkdirat, fd, name, mode);
    if (rc == 0 && seam.vanishing > 0 && syscall(SYS_unlinkat, fd, name, AT_REMOVEDIR) == 0)
        seam.vanishing--;
    return rc;
}

int openat(int fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list args;
        va_start(args, flags);
        mode = va_arg(args, mode_t);
        va_end(args);
        if (strstr(name, ".tmp-") != NULL)
            vanish(fd, &seam.vanishing_later);
    }
    return (int)syscall(SYS_openat, fd, name, flags, mode);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
    bool naming = strstr(to, ".tmp-") == NULL;
    if (!naming)
        vanish(to_fd, &seam.vanishing_later);
    if (naming)
        come_before(&seam.before_naming);
    if (naming && !note("link", to_fd, to))
        return -1;
    return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
    if (seam.plain_renames) {
        errno = EINVAL;
        return -1;
    }
    come_before(&seam.before_naming);
    if (!note("name", to_fd, to))
        return -1;
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    come_before(&seam.before_naming);
    if (!note("rename", to_fd, to))
        return -1;
    return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int flock(int fd, int operation)
{
    if ((operation & LOCK_EX) != 0)
        come_before(&seam.before_lock);
    return (int)syscall(SYS_flock, fd, operation);
}

static void watch(size_t fail_at)
{
    seam.notes[0] = '\0';
    seam.failed[0] = '\0';
    seam.calls = 0;
    seam.fail_at = fail_at;
    seam.abandoned = 0;
    seam.synced_again = false;
    seam.vanishing = 0;
    seam.vanishing_later = 0;
    seam.before_naming = NULL;
    seam.before_lock = NULL;
    seam.plain_renames = false;
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
    body->given = true;
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
                                    "name a/b/k\n"
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
                                    "name a/b/l\n"
                                    "sync a/b\n"
                                    "sync a/c/m~\n"
                                    "sync a\n"
                                    "name a/c/m\n"
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
                                    "name a/b/l\n"
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
                                        "name a/b/k\n"
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
                                    "name final/part\n"
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

static void test_a_file_that_is_given_is_synced_before_it_gets_its_name(void **state)
{
    struct here *h = *state;
    struct store_body body;
    struct stat local;
    struct stat object;
    char *path = local_file(h, "content", &body);
    char *key_path = fs_join(h->root, "k");
    assert_int_equal(stat(path, &local), 0);
    assert_int_equal(store_put_new(h->st, "k", &body, NULL, NULL), ERR_OK);
    assert_non_null(strstr(seam.notes, "/local\nname ./k\nsync .\n"));
    assert_int_equal(seam.calls, 3);
    assert_false(fs_exists(path));
    assert_int_equal(stat(key_path, &object), 0);
    assert_int_equal(local.st_ino, object.st_ino);
    free(key_path);
    free(path);
}

/* ---- Failures ---- */

/* Was the failing call before the moment in which the object gets its name? */
static bool failed_before_naming(void)
{
    const char *naming = strstr(seam.notes, "name ");
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
            /* The folder could not be synced: the object is there, and whole; or naming failed. */
            assert_int_equal(rc, ERR_UNKNOWN);
            holds(h, "a/b/k", strncmp(seam.failed, "name", 4) == 0 ? NULL : "content");
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
            holds(h, ".t/part", k <= 2 ? "x" : NULL);
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
    /* A copy is checked like anything. */
    body.sha256[0] = body.sha256[0] == '0' ? '1' : '0';
    assert_int_equal(store_put_new(h->st, "m", &body, NULL, NULL), ERR_DAMAGED);
    body.size++;
    assert_int_equal(store_put_new(h->st, "m", &body, NULL, NULL), ERR_DAMAGED);
    assert_int_equal(count(h), 2);
    free(path);
}

/* ---- Others at the same moment ---- */

/* Folders that others remove before something lies in them are made again. */
static void test_a_folder_that_vanishes_is_made_again(void **state)
{
    struct here *h = *state;
    struct store_body body;
    char *path = local_file(h, "content", &body);
    for (int times = 1; times < 30; times += 7) {
        watch(0);
        seam.vanishing = times;
        assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
        assert_int_equal(seam.vanishing, 0);
        seam.vanishing_later = times;
        assert_int_equal(put(h, "a/c/k", "x", NULL), ERR_OK);
        assert_int_equal(seam.vanishing_later, 0);
        seam.vanishing_later = times;
        assert_int_equal(fs_write(path, "content", 7, NULL), ERR_OK); /* it was given away */
        assert_int_equal(store_put_new(h->st, "a/d/k", &body, NULL, NULL), ERR_OK);
        assert_int_equal(seam.vanishing_later, 0);
        assert_int_equal(count(h), 3);
        const char *const keys[] = {"a/b/k", "a/c/k", "a/d/k"};
        assert_int_equal(store_remove_many(h->st, keys, 3, NULL, NULL), ERR_OK);
    }
    free(path);
}

static void test_folders_that_never_stay_end_in_an_error(void **state)
{
    struct here *h = *state;
    seam.vanishing = 1000;
    assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_AGAIN);
    assert_true(seam.vanishing > 0);
    seam.vanishing = 0;
    assert_int_equal(count(h), 0);
    assert_int_equal(put(h, "a/b/k", "x", NULL), ERR_OK);
}

static struct here *in_between; /* for the hooks */

static void create_the_target(void)
{
    assert_int_equal(put(in_between, "final", "somebody else's", NULL), ERR_OK);
}

/* put_new takes no lock: a move to a free key must not replace what comes in between. */
static void test_a_move_to_a_free_key_replaces_nothing_that_comes_in_between(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, "from", "moved", NULL), ERR_OK);
    struct store_move move = {.from = "from", .to = "final", .guard = "guard", .guard_tag = &guard};
    in_between = h;
    seam.before_naming = create_the_target;
    assert_int_equal(store_move(h->st, &move, NULL), ERR_CONFLICT);
    holds(h, "final", "somebody else's");
    holds(h, "from", "moved");
}

static void replace_by_copy(const char *path)
{
    char *away = mem_printf("%s.away", path);
    char *command = mem_printf("mv '%s' '%s' && cp -a '%s' '%s'", path, away, away, path);
    assert_int_equal(system(command), 0);
    free(command);
    free(away);
}

/* A backup is put in the place of the store, or of a folder of it. */
static void replace_the_root(void)
{
    replace_by_copy(in_between->root);
}

static void replace_the_folder(void)
{
    char *path = fs_join(in_between->root, "d");
    replace_by_copy(path);
    free(path);
}

static void test_a_folder_replaced_before_it_is_locked_is_not_written_to(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    assert_int_equal(put(h, "d/p", "old", &tag), ERR_OK);
    in_between = h;
    seam.before_lock = replace_the_root;
    assert_int_equal(swap(h, "d/p", &tag, "new"), ERR_DENIED);
    assert_non_null(strstr(h->err.text, "replaced"));
    struct store *first = h->st;
    h->st = open_root(h);
    holds(h, "d/p", "old");
    assert_int_equal(swap(h, "d/p", &tag, "new"), ERR_OK);
    store_free(first);
}

/* The rename lands in what was moved away: nobody may be told that it was made. */
static void test_a_folder_replaced_between_comparing_and_renaming_is_no_success(void **state)
{
    struct here *h = *state;
    static void (*const hooks[])(void) = {replace_the_root, replace_the_folder};
    for (size_t i = 0; i < 2; i++) {
        struct store_tag tag;
        watch(0);
        store_free(h->st);
        h->st = open_root(h);
        assert_int_equal(put(h, "d/p", "old", &tag), ERR_OK);
        in_between = h;
        seam.before_naming = hooks[i];
        assert_int_equal(swap(h, "d/p", &tag, "new"), ERR_UNKNOWN);
        struct store *first = h->st;
        h->st = open_root(h);
        holds(h, "d/p", "old");
        assert_int_equal(store_remove(h->st, "d/p", NULL), ERR_OK);
        store_free(first);
    }
}

static void test_where_a_rename_cannot_refuse_a_name_a_link_does(void **state)
{
    struct here *h = *state;
    seam.plain_renames = true;
    assert_int_equal(put(h, "d/k", "one", NULL), ERR_OK);
    assert_int_equal(count(h), 1);
    in_between = h;
    seam.before_naming = create_the_target;
    assert_int_equal(put(h, "final", "two", NULL), ERR_CONFLICT);
    holds(h, "final", "somebody else's");
    assert_int_equal(count(h), 2);
}

/* What an interrupted write leaves must be a key, or nobody could remove it. */
static void test_a_temporary_name_is_cut_between_characters(void **state)
{
    struct here *h = *state;
    char name[256];
    char expected[300];
    for (size_t i = 0; i < 255; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3);
    name[255] = '\0';
    assert_int_equal(put(h, name, "x", NULL), ERR_OK);
    snprintf(expected, sizeof expected, "sync %.216s~\n", name);
    assert_true(str_starts(seam.notes, expected));
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
        in_store(test_a_file_that_is_given_is_synced_before_it_gets_its_name),
        in_store(test_where_a_rename_cannot_refuse_a_name_a_link_does),
        in_store(test_each_failure_of_a_creation_is_told_for_what_it_is),
        in_store(test_each_failure_of_a_swap_is_told_for_what_it_is),
        in_store(test_a_move_that_cannot_be_synced_is_unknown),
        in_store(test_a_local_file_whose_sync_failed_is_copied_and_never_synced_again),
        in_store(test_a_folder_that_vanishes_is_made_again),
        in_store(test_folders_that_never_stay_end_in_an_error),
        in_store(test_a_move_to_a_free_key_replaces_nothing_that_comes_in_between),
        in_store(test_a_folder_replaced_before_it_is_locked_is_not_written_to),
        in_store(test_a_folder_replaced_between_comparing_and_renaming_is_no_success),
        in_store(test_a_temporary_name_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* What is special to the folder store; what it shares with every other is in tests/contract. */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

#include "store/store.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/stop.h"
#include "util/time.h"

#define REMAIN ".tmp-0123456789abcdef0123456789abcdef"

struct here {
    char *folder;  /* of the test */
    char *root;    /* of the store, below it */
    char *outside; /* beside it */
    struct store *st;
    struct error err;
};

/* ---- Kit ---- */

static struct store *open_root(const char *root)
{
    struct store *st;
    struct error err = ERROR_INIT;
    if (store_open(root, &(struct store_options){.create = true}, &st, &err) != ERR_OK)
        fail_msg("%s", err.text);
    return st;
}

static int set_up(void **state)
{
    struct here *h = mem_calloc(1, sizeof *h);
    h->folder = temp_folder_new();
    h->root = fs_join(h->folder, "root");
    h->outside = fs_join(h->folder, "outside");
    h->st = open_root(h->root);
    assert_int_equal(fs_make_folders(h->outside, false, NULL), ERR_OK);
    *state = h;
    return 0;
}

static int tear_down(void **state)
{
    struct here *h = *state;
    store_free(h->st);
    free(h->root);
    free(h->outside);
    temp_folder_free(h->folder);
    free(h);
    return 0;
}

/* Path below the store's root, below the test's folder; new strings. */
static char *in_root(const struct here *h, const char *key)
{
    return fs_join(h->root, key);
}

static char *beside(const struct here *h, const char *name)
{
    return fs_join(h->folder, name);
}

static int put(struct here *h, const char *key, const char *text, struct store_tag *tag)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    error_clear(&h->err);
    return store_put_new(h->st, key, &body, tag, &h->err);
}

static int swap(struct here *h, const char *key, const struct store_tag *expected, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    error_clear(&h->err);
    return store_swap(h->st, key, expected, &body, NULL, &h->err);
}

static int put_file(struct here *h, const char *key, const char *path)
{
    struct store_body body;
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    error_clear(&h->err);
    return store_put_new(h->st, key, &body, NULL, &h->err);
}

static void write_file(const char *path, const char *text)
{
    assert_int_equal(fs_write(path, text, strlen(text), NULL), ERR_OK);
}

static void file_is(const char *path, const char *text)
{
    struct str content;
    str_init(&content, 1 << 20);
    assert_int_equal(fs_read(path, &content, NULL), ERR_OK);
    assert_string_equal(content.data, text);
    str_release(&content);
}

static void holds(struct here *h, const char *key, const char *text)
{
    struct str body;
    str_init(&body, 1 << 20);
    assert_int_equal(store_get(h->st, key, &body, NULL, &h->err), ERR_OK);
    assert_string_equal(body.data, text);
    str_release(&body);
}

static int join_key(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    str_printf(ctx, "%s\n", entry->key);
    return ERR_OK;
}

static void lists(struct here *h, const char *expected)
{
    struct str all;
    str_init(&all, 1 << 20);
    assert_int_equal(store_list(h->st, "", join_key, &all, &h->err), ERR_OK);
    assert_string_equal(all.data, expected);
    str_release(&all);
}

static struct stat stat_of(const char *path)
{
    struct stat st;
    assert_int_equal(lstat(path, &st), 0);
    return st;
}

/* ---- Opening ---- */

static void test_a_folder_that_is_absent_is_made_only_where_asked(void **state)
{
    struct here *h = *state;
    struct store *st = NULL;
    char *path = beside(h, "new/deep/root");
    assert_int_equal(store_open(path, NULL, &st, &h->err), ERR_ABSENT);
    assert_null(st);
    assert_false(fs_exists(path));
    assert_int_equal(store_open(path, &(struct store_options){.create = true}, &st, &h->err),
                     ERR_OK);
    assert_true(fs_exists(path));
    store_free(st);
    char *file = beside(h, "file");
    write_file(file, "x");
    assert_int_equal(store_open(file, NULL, &st, &h->err), ERR_CONFIG);
    assert_null(st);
    free(file);
    free(path);
}

static void test_file_urls_are_decoded(void **state)
{
    struct here *h = *state;
    char *root = beside(h, "a b%");
    struct store *st = open_root(root);
    char *url = mem_printf("file://%s/a%%20b%%25", h->folder);
    struct store_body body = store_body_bytes("x", 1);
    assert_int_equal(store_put_new(st, "k", &body, NULL, NULL), ERR_OK);
    store_free(st);
    assert_int_equal(store_open(url, NULL, &st, &h->err), ERR_OK);
    struct store_info info;
    assert_int_equal(store_head(st, "k", &info, NULL), ERR_OK);
    store_free(st);
    free(url);
    free(root);
}

static void test_a_relative_path_outlives_a_change_of_folder(void **state)
{
    struct here *h = *state;
    struct store *st;
    char *path = NULL;
    char *before = getcwd(NULL, 0);
    assert_int_equal(chdir(h->folder), 0);
    assert_int_equal(store_open("root", NULL, &st, &h->err), ERR_OK);
    assert_int_equal(chdir(before), 0);
    free(before);
    assert_int_equal(put(h, "d/k", "text", NULL), ERR_OK);
    assert_int_equal(store_local_path(st, "d/k", &path, &h->err), ERR_OK);
    file_is(path, "text");
    free(path);
    store_free(st);
}

/* ---- Links never lead out ---- */

/* Every operation on a key that passes through a link is refused, and nothing outside changes. */
static void refuses_link(struct here *h, const char *key)
{
    struct store_tag tag = {"x"};
    struct store_info info;
    struct str body;
    char *path = NULL;
    str_init(&body, 100);
    assert_int_equal(store_get(h->st, key, &body, NULL, &h->err), ERR_DENIED);
    assert_non_null(strstr(h->err.text, "links"));
    assert_int_equal(store_head(h->st, key, &info, NULL), ERR_DENIED);
    assert_int_equal(store_local_path(h->st, key, &path, NULL), ERR_DENIED);
    assert_int_equal(swap(h, key, &tag, "y"), ERR_DENIED);
    struct store_move move = {.from = key, .to = "t", .guard = "g", .guard_tag = &tag};
    assert_int_equal(put(h, "g", "g", &tag), ERR_OK);
    assert_int_equal(store_move(h->st, &move, NULL), ERR_DENIED);
    assert_int_equal(put(h, "f", "f", NULL), ERR_OK);
    move.from = "f";
    move.to = key;
    assert_int_equal(store_move(h->st, &move, NULL), ERR_DENIED);
    assert_int_equal(store_remove(h->st, "g", NULL), ERR_OK);
    assert_int_equal(store_remove(h->st, "f", NULL), ERR_OK);
    str_release(&body);
}

static void test_a_linked_folder_is_not_entered(void **state)
{
    struct here *h = *state;
    char *link = in_root(h, "link");
    char *secret = fs_join(h->outside, "secret");
    write_file(secret, "outside");
    assert_int_equal(symlink(h->outside, link), 0);
    refuses_link(h, "link/secret");
    refuses_link(h, "link/deep/er");
    assert_int_equal(put(h, "link/new", "x", NULL), ERR_DENIED);
    assert_int_equal(put(h, "link/deep/new", "x", NULL), ERR_DENIED);
    assert_int_equal(store_remove(h->st, "link/secret", NULL), ERR_DENIED);
    struct str all;
    str_init(&all, 1000);
    assert_int_not_equal(store_list(h->st, "link/", join_key, &all, NULL), ERR_OK);
    assert_string_equal(all.data, "");
    str_release(&all);
    /* The link itself stands in the way of a key: it is shown, and can be removed. */
    lists(h, "link\n");
    assert_int_equal(store_remove(h->st, "link", NULL), ERR_OK);
    lists(h, "");
    file_is(secret, "outside");
    free(secret);
    free(link);
}

static void test_a_linked_object_is_not_followed(void **state)
{
    struct here *h = *state;
    char *link = in_root(h, "object");
    char *secret = fs_join(h->outside, "secret");
    write_file(secret, "outside");
    assert_int_equal(symlink(secret, link), 0);
    refuses_link(h, "object");
    assert_int_equal(put(h, "object", "x", NULL), ERR_CONFLICT);
    assert_int_equal(swap(h, "object", NULL, "x"), ERR_CONFLICT);
    assert_int_equal(store_remove(h->st, "object", NULL), ERR_OK);
    assert_int_equal(put(h, "object", "x", NULL), ERR_OK);
    file_is(secret, "outside");
    free(secret);
    free(link);
}

static void test_what_is_no_plain_file_is_no_object(void **state)
{
    struct here *h = *state;
    struct str body;
    str_init(&body, 100);
    char *path = in_root(h, "pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(store_get(h->st, "pipe", &body, NULL, &h->err), ERR_DENIED);
    assert_int_equal(put(h, "pipe", "x", NULL), ERR_CONFLICT);
    free(path);
    str_release(&body);
}

/* ---- Remains, foreign names, folders ---- */

static void test_remains_of_interrupted_writes_are_listed_and_removed(void **state)
{
    struct here *h = *state;
    char *path = in_root(h, "events/part" REMAIN);
    assert_int_equal(put(h, "events/part", "x", NULL), ERR_OK);
    write_file(path, "hal");
    lists(h, "events/part\nevents/part" REMAIN "\n");
    assert_int_equal(store_remove(h->st, "events/part" REMAIN, NULL), ERR_OK);
    lists(h, "events/part\n");
    free(path);
}

static void test_names_that_no_key_can_have_are_passed_over(void **state)
{
    struct here *h = *state;
    static const char *const names[] = {"a\\b", "line\nbreak", "\xff", "d\x01"};
    for (size_t i = 0; i < 4; i++) {
        char *path = in_root(h, names[i]);
        write_file(path, "x");
        free(path);
    }
    char *folder = in_root(h, "bad\\folder/inside");
    assert_int_equal(fs_make_folders(folder, false, NULL), ERR_OK);
    free(folder);
    assert_int_equal(put(h, "good", "x", NULL), ERR_OK);
    lists(h, "good\n");
}

static void test_the_lock_is_no_object(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    struct str body;
    char *path = in_root(h, ".cauce.lock");
    str_init(&body, 100);
    assert_int_equal(put(h, "k", "x", &tag), ERR_OK);
    assert_int_equal(swap(h, "k", &tag, "y"), ERR_OK);
    assert_false(fs_exists(path));
    /* Where the file system is a network's it lies there. */
    write_file(path, "");
    lists(h, "k\n");
    assert_int_equal(store_get(h->st, ".cauce.lock", &body, NULL, NULL), ERR_CONFIG);
    assert_int_equal(put(h, ".cauce.lock", "x", NULL), ERR_CONFIG);
    assert_int_equal(store_remove(h->st, ".cauce.lock", NULL), ERR_CONFIG);
    assert_true(fs_exists(path));
    /* Elsewhere the name is free. */
    assert_int_equal(put(h, "d/.cauce.lock", "x", NULL), ERR_OK);
    lists(h, "d/.cauce.lock\nk\n");
    free(path);
    str_release(&body);
}

static void test_folders_that_become_empty_are_removed_but_never_the_root(void **state)
{
    struct here *h = *state;
    char *deep = in_root(h, "a/b/c");
    char *middle = in_root(h, "a/b");
    char *top = in_root(h, "a");
    assert_int_equal(put(h, "a/b/c/1", "x", NULL), ERR_OK);
    assert_int_equal(put(h, "a/b/2", "x", NULL), ERR_OK);
    assert_int_equal(store_remove(h->st, "a/b/c/1", NULL), ERR_OK);
    assert_false(fs_exists(deep));
    assert_true(fs_exists(middle));
    assert_int_equal(store_remove(h->st, "a/b/2", NULL), ERR_OK);
    assert_false(fs_exists(top));
    assert_int_equal(put(h, "alone", "x", NULL), ERR_OK);
    assert_int_equal(store_remove(h->st, "alone", NULL), ERR_OK);
    assert_true(fs_exists(h->root));
    free(deep);
    free(middle);
    free(top);
}

static void test_a_move_takes_empty_folders_with_it(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    struct store_tag other = {"another state"};
    char *temp = in_root(h, ".tmp");
    char *final = in_root(h, "final");
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, ".tmp/1/part", "x", NULL), ERR_OK);
    struct store_move move = {.from = ".tmp/1/part",
                              .to = "final/deep/part",
                              .expected = &other,
                              .guard = "guard",
                              .guard_tag = &guard};
    assert_int_equal(store_move(h->st, &move, NULL), ERR_CONFLICT);
    assert_false(fs_exists(final));
    move.expected = NULL;
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    assert_false(fs_exists(temp));
    free(temp);
    free(final);
}

/* A move that was interrupted after the new name and before the old one went. */
static void test_a_move_ends_what_an_interrupted_one_began(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    struct store_info info;
    char *from = in_root(h, ".tmp/part");
    char *to = in_root(h, "final");
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, ".tmp/part", "moved", NULL), ERR_OK);
    assert_int_equal(link(from, to), 0);
    assert_int_equal(store_head(h->st, "final", &info, NULL), ERR_OK);
    struct store_move move = {.from = ".tmp/part",
                              .to = "final",
                              .expected = &info.tag,
                              .guard = "guard",
                              .guard_tag = &guard};
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    assert_false(fs_exists(from));
    holds(h, "final", "moved");
    free(from);
    free(to);
}

/* As datasets of older programs have them. */
static void test_a_file_with_another_name_is_copied_when_it_is_moved(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    char *event = in_root(h, "event");
    char *former = in_root(h, "former");
    char *final = in_root(h, "final");
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, "event", "rows", NULL), ERR_OK);
    assert_int_equal(link(event, former), 0);
    struct store_move move = {
        .from = "former", .to = "final", .guard = "guard", .guard_tag = &guard};
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    assert_int_equal(stat_of(event).st_nlink, 1);
    assert_int_equal(stat_of(final).st_nlink, 1);
    holds(h, "event", "rows");
    holds(h, "final", "rows");
    lists(h, "event\nfinal\nguard\n");
    free(final);
    free(former);
    free(event);
}

static void test_a_guard_changed_by_hand_is_another_state(void **state)
{
    struct here *h = *state;
    struct store_tag guard;
    char *path = in_root(h, "guard");
    assert_int_equal(put(h, "guard", "mine", &guard), ERR_OK);
    assert_int_equal(put(h, "1", "x", NULL), ERR_OK);
    assert_int_equal(put(h, "2", "y", NULL), ERR_OK);
    struct store_move move = {.from = "1", .to = "to/1", .guard = "guard", .guard_tag = &guard};
    assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    struct stat before = stat_of(path);
    time_sleep(20000); /* a tick of the clock that stamps files */
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, "ours", 4), 4);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    move.from = "2";
    move.to = "to/2";
    assert_int_equal(store_move(h->st, &move, NULL), ERR_CONFLICT);
    holds(h, "2", "y");
    free(path);
}

/* There are as many moves as partitions, and the guard names them all. */
static void test_many_moves_read_their_guard_once(void **state)
{
    enum { MOVES = 1000, SIZE = 16 << 20 };
    struct here *h = *state;
    struct store_tag guard;
    char *text = mem_alloc(SIZE + 1);
    memset(text, 'g', SIZE);
    text[SIZE] = '\0';
    assert_int_equal(put(h, "guard", text, &guard), ERR_OK);
    assert_int_equal(put(h, "a", "x", NULL), ERR_OK);
    clock_t began = clock();
    for (int i = 0; i < MOVES; i++) {
        struct store_move move = {.from = i % 2 == 0 ? "a" : "b",
                                  .to = i % 2 == 0 ? "b" : "a",
                                  .guard = "guard",
                                  .guard_tag = &guard};
        assert_int_equal(store_move(h->st, &move, NULL), ERR_OK);
    }
    /* Reading 16 GiB takes longer anywhere. */
    assert_true(clock() - began < 4 * CLOCKS_PER_SEC);
    free(text);
}

static void test_a_change_by_hand_is_another_state(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    struct store_tag guard;
    struct store_info info;
    char *path = in_root(h, "k");
    assert_int_equal(put(h, "guard", "g", &guard), ERR_OK);
    assert_int_equal(put(h, "k", "one", &tag), ERR_OK);
    assert_int_equal(put(h, "from", "x", NULL), ERR_OK);
    assert_int_equal(store_head(h->st, "k", &info, NULL), ERR_OK);
    struct stat before = stat_of(path);
    int fd = open(path, O_WRONLY);
    assert_int_equal(write(fd, "two", 3), 3);
    struct timespec times[2] = {before.st_atim, before.st_mtim};
    assert_int_equal(futimens(fd, times), 0);
    close(fd);
    struct store_move move = {
        .from = "from", .to = "k", .expected = &info.tag, .guard = "guard", .guard_tag = &guard};
    assert_int_equal(swap(h, "k", &tag, "three"), ERR_CONFLICT);
    assert_int_equal(store_move(h->st, &move, NULL), ERR_CONFLICT);
    holds(h, "k", "two");
    free(path);
}

static void test_long_names(void **state)
{
    struct here *h = *state;
    char name[257];
    memset(name, 'n', 256);
    name[256] = '\0';
    assert_int_equal(put(h, name, "x", NULL), ERR_CONFIG);
    name[255] = '\0';
    struct store_tag tag;
    assert_int_equal(put(h, name, "x", &tag), ERR_OK);
    assert_int_equal(swap(h, name, &tag, "y"), ERR_OK);
    holds(h, name, "y");
    /* Cut for the temporary name in the middle of a character, it would be no key. */
    for (size_t i = 0; i + 2 < 255; i += 3)
        memcpy(name + i, "\xe2\x82\xac", 3);
    assert_int_equal(put(h, name, "x", NULL), ERR_OK);
    holds(h, name, "x");
}

/* ---- Bodies in local files ---- */

static void test_a_local_file_that_is_given_is_moved_and_not_copied(void **state)
{
    struct here *h = *state;
    struct store_body body;
    char *path = beside(h, "local");
    char *object = in_root(h, "d/k");
    write_file(path, "content");
    ino_t inode = stat_of(path).st_ino;
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    body.given = true;
    assert_int_equal(store_put_new(h->st, "d/k", &body, NULL, NULL), ERR_OK);
    assert_int_equal(stat_of(object).st_ino, inode);
    assert_int_equal(stat_of(object).st_nlink, 1);
    assert_false(fs_exists(path));
    holds(h, "d/k", "content");
    lists(h, "d/k\n");
    free(object);
    free(path);
}

/* Damage in place to one must not reach the other. */
static void test_what_is_stored_shares_its_bytes_with_nothing(void **state)
{
    struct here *h = *state;
    char *path = beside(h, "local");
    char *object = in_root(h, "d/k");
    write_file(path, "content");
    assert_int_equal(put_file(h, "d/k", path), ERR_OK);
    assert_int_not_equal(stat_of(path).st_ino, stat_of(object).st_ino);
    assert_int_equal(stat_of(object).st_nlink, 1);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_equal(pwrite(fd, "damaged", 7, 0), 7);
    close(fd);
    holds(h, "d/k", "content");
    free(object);
    free(path);
}

/* What gc does beside a writer: it takes what is on its way for the remain of an interrupted write. */
static void *sweep(void *ctx)
{
    struct here *h = ctx;
    char *folder = in_root(h, "given");
    for (int i = 0; i < 20000; i++) {
        DIR *dir = opendir(folder);
        for (struct dirent *e = dir != NULL ? readdir(dir) : NULL; e != NULL; e = readdir(dir))
            if (strstr(e->d_name, ".tmp-") != NULL)
                unlinkat(dirfd(dir), e->d_name, 0);
        if (dir != NULL)
            closedir(dir);
        if (fs_exists(h->outside) == false)
            break;
        /* Else a writer whose disk is slow never gets through. */
        time_sleep((int64_t)(id_random64() % 50000));
    }
    free(folder);
    return NULL;
}

static void test_a_given_file_that_is_swept_on_its_way_arrives_all_the_same(void **state)
{
    struct here *h = *state;
    pthread_t sweeper;
    assert_int_equal(pthread_create(&sweeper, NULL, sweep, h), 0);
    for (int i = 0; i < 300; i++) {
        char *path = mem_printf("%s/scratch-%d", h->folder, i);
        char *key = mem_printf("given/%d", i);
        struct store_body body;
        struct str back;
        str_init(&back, 100);
        assert_int_equal(fs_write(path, key, strlen(key), NULL), ERR_OK);
        assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
        body.given = true;
        if (store_put_new(h->st, key, &body, NULL, &h->err) != ERR_OK)
            fail_msg("%s: %s", key, h->err.text);
        assert_int_equal(store_get(h->st, key, &back, NULL, NULL), ERR_OK);
        assert_string_equal(back.data, key);
        str_release(&back);
        free(key);
        free(path);
    }
    assert_int_equal(rmdir(h->outside), 0);
    pthread_join(sweeper, NULL);
}

/* Somebody else has another name for what is given away. */
static void test_a_local_file_with_another_name_is_copied(void **state)
{
    struct here *h = *state;
    struct store_body body;
    char *path = beside(h, "local");
    char *other = beside(h, "other");
    char *object = in_root(h, "d/k");
    write_file(path, "content");
    assert_int_equal(link(path, other), 0);
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    body.given = true;
    assert_int_equal(store_put_new(h->st, "d/k", &body, NULL, NULL), ERR_OK);
    assert_int_not_equal(stat_of(other).st_ino, stat_of(object).st_ino);
    assert_int_equal(stat_of(object).st_nlink, 1);
    holds(h, "d/k", "content");
    free(object);
    free(other);
    free(path);
}

static void test_a_local_file_elsewhere_is_copied(void **state)
{
    struct here *h = *state;
    char path[] = "/dev/shm/cauce-test-XXXXXX";
    int fd = mkstemp(path);
    if (fd < 0)
        skip();
    close(fd);
    write_file(path, "content");
    bool elsewhere = stat_of(path).st_dev != stat_of(h->root).st_dev;
    int rc = elsewhere ? put_file(h, "k", path) : ERR_OK;
    unlink(path);
    if (!elsewhere)
        skip();
    assert_int_equal(rc, ERR_OK);
    holds(h, "k", "content");
    lists(h, "k\n");
}

static void test_permissions_follow_the_umask(void **state)
{
    struct here *h = *state;
    static const mode_t masks[] = {022, 027, 077, 002};
    for (size_t i = 0; i < 4; i++) {
        mode_t before = umask(masks[i]);
        char *key = mem_printf("d%zu/bytes", i);
        char *given = mem_printf("d%zu/given", i);
        char *local = mem_printf("%s/local-XXXXXX", h->folder);
        struct store_tag tag;
        /* As temporary files are made: for nobody else. */
        close(mkstemp(local));
        write_file(local, "x");
        assert_int_equal(put(h, key, "x", &tag), ERR_OK);
        ino_t inode = stat_of(local).st_ino;
        struct store_body body;
        assert_int_equal(store_body_file(local, &body, NULL), ERR_OK);
        body.given = true;
        assert_int_equal(store_put_new(h->st, given, &body, NULL, NULL), ERR_OK);
        char *path = in_root(h, key);
        char *given_path = in_root(h, given);
        char *folder = fs_parent(path);
        assert_int_equal(stat_of(path).st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(stat_of(given_path).st_mode & 07777, 0666 & ~masks[i]);
        assert_int_equal(stat_of(given_path).st_ino, inode);
        assert_int_equal(stat_of(folder).st_mode & 0777, 0777 & ~masks[i]);
        assert_int_equal(swap(h, key, &tag, "y"), ERR_OK);
        assert_int_equal(stat_of(path).st_mode & 07777, 0666 & ~masks[i]);
        umask(before);
        free(folder);
        free(given_path);
        free(path);
        free(local);
        free(given);
        free(key);
    }
}

/* In a folder that hands its group down, a file of another group that is moved there would not. */
static void test_the_group_of_the_folder_is_kept(void **state)
{
    struct here *h = *state;
    struct store_body body;
    char *path = beside(h, "local");
    char *object = in_root(h, "k");
    if (geteuid() != 0) {
        free(path);
        free(object);
        skip();
    }
    assert_int_equal(chown(h->root, (uid_t)-1, 12345), 0);
    assert_int_equal(chmod(h->root, 02775), 0);
    write_file(path, "x");
    assert_int_equal(store_body_file(path, &body, NULL), ERR_OK);
    body.given = true;
    assert_int_equal(store_put_new(h->st, "k", &body, NULL, NULL), ERR_OK);
    assert_int_equal(stat_of(object).st_gid, 12345);
    free(object);
    free(path);
}

/* ---- Failures ---- */

/* Run a part of a test in a child; its exit status. */
static int in_child(struct here *h, int (*part)(struct here *h))
{
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0)
        _exit(part(h));
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static int write_as_nobody(struct here *h)
{
    struct str body;
    struct store_tag tag;
    str_init(&body, 100);
    if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534)))
        return 77;
    if (store_get(h->st, "d/k", &body, &tag, NULL) != ERR_OK)
        return 1;
    if (put(h, "d/new", "x", NULL) != ERR_DENIED || put(h, "new/new", "x", NULL) != ERR_DENIED)
        return 2;
    if (swap(h, "d/k", &tag, "y") != ERR_DENIED || store_remove(h->st, "d/k", NULL) != ERR_DENIED)
        return 3;
    return strstr(h->err.text, "permission") != NULL ? 0 : 4;
}

static void test_without_permission_reading_works_and_writing_is_denied(void **state)
{
    struct here *h = *state;
    char *folder = in_root(h, "d");
    assert_int_equal(put(h, "d/k", "x", NULL), ERR_OK);
    assert_int_equal(chmod(h->folder, 0755), 0);
    assert_int_equal(chmod(folder, 0555), 0);
    assert_int_equal(chmod(h->root, 0555), 0);
    int status = in_child(h, write_as_nobody);
    assert_int_equal(chmod(h->root, 0755), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    free(folder);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
    lists(h, "d/k\n");
}

/* Writes fail half-way. */
static int write_beyond_limit(struct here *h)
{
    struct store_tag tag;
    size_t size = (size_t)1 << 20;
    char *bytes = mem_calloc(size, 1);
    struct store_body body = store_body_bytes(bytes, size);
    signal(SIGXFSZ, SIG_IGN);
    if (put(h, "d/p", "old", &tag) != ERR_OK ||
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){1 << 16, 1 << 16}) != 0)
        return 1;
    if (store_put_new(h->st, "d/k", &body, NULL, &h->err) != ERR_AGAIN)
        return 2;
    if (store_swap(h->st, "d/p", &tag, &body, NULL, &h->err) != ERR_AGAIN)
        return 3;
    free(bytes);
    return 0;
}

/* A folder that may not be looked into may well hold a store: it is not absent. */
static int open_as_nobody(struct here *h)
{
    struct store *st = NULL;
    if (geteuid() == 0 && (setresgid(65534, 65534, 65534) != 0 || setresuid(65534, 65534, 65534)))
        return 77;
    if (store_open(h->root, NULL, &st, &h->err) != ERR_DENIED || st != NULL)
        return 1;
    return strstr(h->err.text, "permissions") != NULL ? 0 : 2;
}

static void test_a_folder_that_cannot_be_reached_is_denied_and_not_absent(void **state)
{
    struct here *h = *state;
    assert_int_equal(chmod(h->folder, 0), 0);
    int status = in_child(h, open_as_nobody);
    assert_int_equal(chmod(h->folder, 0755), 0);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

static void test_the_probe_is_carried_out_only_where_asked_and_leaves_nothing(void **state)
{
    struct here *h = *state;
    struct store *st = NULL;
    uint64_t swaps = h->st->bill.swaps;
    assert_int_equal(store_probe(h->st, &h->err), ERR_OK);
    assert_int_equal(h->st->bill.swaps, swaps);
    assert_int_equal(store_open(h->root, &(struct store_options){.prove = true}, &st, &h->err),
                     ERR_OK);
    assert_int_equal(store_probe(st, &h->err), ERR_OK);
    assert_true(st->bill.swaps > 0);
    store_free(st);
    lists(h, "");
}

static void test_a_write_that_fails_half_way_leaves_nothing(void **state)
{
    struct here *h = *state;
    assert_int_equal(in_child(h, write_beyond_limit), 0);
    lists(h, "d/p\n");
    holds(h, "d/p", "old");
}

/* A small file system that only this process sees; false where that is not allowed. */
static bool mount_small(const char *folder)
{
    char map[32];
    uid_t user = geteuid();
    if (unshare(CLONE_NEWNS) != 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
            return false;
        snprintf(map, sizeof map, "0 %u 1", (unsigned)user);
        if (fs_write("/proc/self/uid_map", map, strlen(map), NULL) != ERR_OK)
            return false;
    }
    return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
           mount("tmpfs", folder, "tmpfs", 0, "size=1m") == 0;
}

static int fill_the_disk(struct here *h)
{
    size_t size = (size_t)2 << 20;
    char *bytes = mem_calloc(size, 1);
    struct store_body body = store_body_bytes(bytes, size);
    struct store *st;
    if (!mount_small(h->outside))
        return 77;
    if (store_open(h->outside, NULL, &st, &h->err) != ERR_OK)
        return 1;
    if (store_put_new(st, "d/k", &body, NULL, &h->err) != ERR_FULL)
        return 2;
    if (strstr(h->err.text, "Free some space") == NULL)
        return 3;
    struct str all;
    str_init(&all, 1000);
    if (store_list(st, "", join_key, &all, NULL) != ERR_OK || all.len > 0)
        return 4;
    body = store_body_bytes(bytes, 1000);
    return store_put_new(st, "d/k", &body, NULL, &h->err) == ERR_OK ? 0 : 5;
}

static void test_a_full_disk_is_said_and_leaves_nothing(void **state)
{
    struct here *h = *state;
    int status = in_child(h, fill_the_disk);
    if (status == 77)
        skip();
    assert_int_equal(status, 0);
}

static void test_a_store_whose_folder_is_gone_fails_and_makes_nothing(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    assert_int_equal(put(h, "d/k", "x", &tag), ERR_OK);
    assert_int_equal(fs_remove_tree(h->root, NULL), ERR_OK);
    assert_int_not_equal(put(h, "d/new", "x", NULL), ERR_OK);
    assert_int_not_equal(put(h, "new", "x", NULL), ERR_OK);
    assert_int_not_equal(swap(h, "d/k", &tag, "y"), ERR_OK);
    assert_false(fs_exists(h->root));
}

/* ---- Processes that die, locks ---- */

/* A pipe in place of a local file holds the writer up in the middle of its work. */
struct stuck {
    char *pipe;
    int fd; /* our end */
    pid_t child;
};

static void get_stuck(struct here *h, struct stuck *s, const struct store_tag *expected)
{
    s->pipe = beside(h, "pipe");
    assert_int_equal(mkfifo(s->pipe, 0600), 0);
    s->fd = open(s->pipe, O_RDWR | O_CLOEXEC);
    assert_true(s->fd >= 0);
    fflush(NULL);
    s->child = fork();
    assert_true(s->child >= 0);
    if (s->child == 0) {
        struct store_body body = store_body_bytes("never whole", 11);
        struct store *st = open_root(h->root);
        body.path = s->pipe;
        if (expected == NULL)
            error_ignore(store_put_new(st, "d/k", &body, NULL, NULL)); /* it is killed meanwhile */
        else
            error_ignore(store_swap(st, "d/k", expected, &body, NULL, NULL));
        _exit(1);
    }
}

/* Wait until the child has written something: a remain is there and not empty. */
static void feed(struct here *h, struct stuck *s)
{
    assert_int_equal(write(s->fd, "never", 5), 5);
    for (int i = 0; i < 2000; i++) {
        struct str all;
        str_init(&all, 10000);
        assert_int_equal(store_list(h->st, "d/", join_key, &all, NULL), ERR_OK);
        char *remain = strstr(all.data, "d/k.tmp-");
        struct store_info info = {0};
        if (remain != NULL) {
            remain[strcspn(remain, "\n")] = '\0';
            error_ignore(store_head(h->st, remain, &info, NULL)); /* the writer may be faster */
        }
        str_release(&all);
        if (info.size == 5)
            return;
        usleep(5000);
    }
    fail_msg("the child never wrote");
}

static void kill_stuck(struct stuck *s)
{
    int status;
    assert_int_equal(kill(s->child, SIGKILL), 0);
    assert_int_equal(waitpid(s->child, &status, 0), s->child);
    assert_true(WIFSIGNALED(status));
    close(s->fd);
    free(s->pipe);
}

static void test_a_writer_that_is_killed_leaves_only_a_listed_remain(void **state)
{
    struct here *h = *state;
    struct stuck s;
    struct str all;
    struct store_info info;
    str_init(&all, 10000);
    get_stuck(h, &s, NULL);
    feed(h, &s);
    kill_stuck(&s);
    assert_int_equal(store_head(h->st, "d/k", &info, NULL), ERR_ABSENT);
    assert_int_equal(put(h, "d/k", "whole", NULL), ERR_OK);
    assert_int_equal(store_list(h->st, "", join_key, &all, NULL), ERR_OK);
    assert_true(str_starts(all.data, "d/k\nd/k.tmp-"));
    char *remain = mem_strndup(all.data + 4, strlen(all.data + 4) - 1);
    assert_int_equal(store_remove(h->st, remain, NULL), ERR_OK);
    lists(h, "d/k\n");
    holds(h, "d/k", "whole");
    free(remain);
    str_release(&all);
}

/* Take the lock of the store as another process would. */
static int lock_root(const struct here *h, struct fs_lock *lock)
{
    int fd = open(h->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_true(fd >= 0);
    int rc = fs_lock_folder(fd, h->root, lock, NULL);
    close(fd);
    return rc;
}

static void test_the_lock_is_freed_when_its_holder_is_killed(void **state)
{
    struct here *h = *state;
    struct stuck s;
    struct store_tag tag;
    struct fs_lock lock;
    assert_int_equal(put(h, "d/k", "old", &tag), ERR_OK);
    get_stuck(h, &s, &tag);
    feed(h, &s);
    assert_int_equal(lock_root(h, &lock), ERR_CONFLICT);
    holds(h, "d/k", "old");
    kill_stuck(&s);
    assert_int_equal(swap(h, "d/k", &tag, "new"), ERR_OK);
    holds(h, "d/k", "new");
}

/* A clock that a sleep moves on. */
static int64_t fake_now;

static int64_t read_clock(void *ctx)
{
    (void)ctx;
    return fake_now;
}

static void sleep_on_clock(void *ctx, int64_t microseconds)
{
    (void)ctx;
    fake_now += microseconds;
}

static void test_waiting_for_the_lock_has_an_end_and_says_for_whom(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    struct fs_lock lock;
    assert_int_equal(put(h, "k", "old", &tag), ERR_OK);
    assert_int_equal(lock_root(h, &lock), ERR_OK);
    struct time_source clock = {
        .now = read_clock, .monotonic = read_clock, .sleep = sleep_on_clock};
    time_replace(&clock);
    int rc = swap(h, "k", &tag, "new");
    time_replace(NULL);
    assert_int_equal(rc, ERR_AGAIN);
    assert_true(fake_now >= 60000000);
    char *us = mem_printf("process %d (", (int)getpid());
    assert_non_null(strstr(h->err.text, us));
    free(us);
    holds(h, "k", "old");
    fs_unlock(&lock);
    assert_int_equal(swap(h, "k", &tag, "new"), ERR_OK);
}

static void stop_after_a_second(void *ctx, int64_t microseconds)
{
    sleep_on_clock(ctx, microseconds);
    if (fake_now >= 1000000)
        stop_request();
}

static void test_a_signal_ends_the_waiting_for_the_lock_at_once(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    struct fs_lock lock;
    assert_int_equal(put(h, "k", "old", &tag), ERR_OK);
    assert_int_equal(lock_root(h, &lock), ERR_OK);
    struct time_source clock = {
        .now = read_clock, .monotonic = read_clock, .sleep = stop_after_a_second};
    fake_now = 0;
    time_replace(&clock);
    int rc = swap(h, "k", &tag, "new");
    int removed = store_remove(h->st, "k", NULL);
    time_replace(NULL);
    assert_int_equal(rc, ERR_INTERRUPTED);
    assert_int_equal(removed, ERR_INTERRUPTED);
    assert_true(fake_now < 1100000);
    holds(h, "k", "old");
    fs_unlock(&lock);
    /* What need not wait is done all the same: rolling back comes after the signal. */
    assert_int_equal(store_remove(h->st, "k", NULL), ERR_OK);
    stop_clear();
}

/* Whoever deletes files by hand must not make two holders. */
static void test_no_file_that_is_deleted_frees_the_lock(void **state)
{
    struct here *h = *state;
    struct store_tag tag;
    struct fs_lock lock;
    struct fs_lock second;
    char *command = mem_printf("find '%s' -type f -delete", h->root);
    assert_int_equal(put(h, "k", "old", &tag), ERR_OK);
    assert_int_equal(lock_root(h, &lock), ERR_OK);
    assert_int_equal(system(command), 0);
    assert_int_equal(lock_root(h, &second), ERR_CONFLICT);
    fs_unlock(&lock);
    free(command);
}

#define in_store(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_store(test_a_folder_that_is_absent_is_made_only_where_asked),
        in_store(test_file_urls_are_decoded),
        in_store(test_a_relative_path_outlives_a_change_of_folder),
        in_store(test_a_linked_folder_is_not_entered),
        in_store(test_a_linked_object_is_not_followed),
        in_store(test_what_is_no_plain_file_is_no_object),
        in_store(test_remains_of_interrupted_writes_are_listed_and_removed),
        in_store(test_names_that_no_key_can_have_are_passed_over),
        in_store(test_the_lock_is_no_object),
        in_store(test_folders_that_become_empty_are_removed_but_never_the_root),
        in_store(test_a_move_takes_empty_folders_with_it),
        in_store(test_a_move_ends_what_an_interrupted_one_began),
        in_store(test_a_file_with_another_name_is_copied_when_it_is_moved),
        in_store(test_a_guard_changed_by_hand_is_another_state),
        in_store(test_many_moves_read_their_guard_once),
        in_store(test_a_change_by_hand_is_another_state),
        in_store(test_long_names),
        in_store(test_a_local_file_that_is_given_is_moved_and_not_copied),
        in_store(test_a_given_file_that_is_swept_on_its_way_arrives_all_the_same),
        in_store(test_what_is_stored_shares_its_bytes_with_nothing),
        in_store(test_a_local_file_with_another_name_is_copied),
        in_store(test_a_local_file_elsewhere_is_copied),
        in_store(test_permissions_follow_the_umask),
        in_store(test_the_group_of_the_folder_is_kept),
        in_store(test_without_permission_reading_works_and_writing_is_denied),
        in_store(test_a_folder_that_cannot_be_reached_is_denied_and_not_absent),
        in_store(test_the_probe_is_carried_out_only_where_asked_and_leaves_nothing),
        in_store(test_a_write_that_fails_half_way_leaves_nothing),
        in_store(test_a_full_disk_is_said_and_leaves_nothing),
        in_store(test_a_store_whose_folder_is_gone_fails_and_makes_nothing),
        in_store(test_a_writer_that_is_killed_leaves_only_a_listed_remain),
        in_store(test_the_lock_is_freed_when_its_holder_is_killed),
        in_store(test_waiting_for_the_lock_has_an_end_and_says_for_whom),
        in_store(test_a_signal_ends_the_waiting_for_the_lock_at_once),
        in_store(test_no_file_that_is_deleted_frees_the_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

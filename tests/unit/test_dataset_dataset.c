/* Objects of a dataset as local files, where the store is remote and takes several requests at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataset/dataset.h"
#include "support/temp_folder.h"
#include "util/fs.h"
#include "util/mem.h"

#define COUNT 40

struct fixture {
    char *folder;
    struct store *st;
    struct dataset d;
    char keys[COUNT][16];
    char sha256[COUNT][SHA256_HEX_SIZE];
    struct wanted wanted[COUNT];
};

static void content_of(size_t i, char out[16])
{
    /* Two and two are the same. */
    snprintf(out, 16, "content %03zu", i / 2);
}

static void begin(struct fixture *f, unsigned parallel)
{
    f->folder = temp_folder_new();
    assert_int_equal(store_open("memory:", NULL, &f->st, NULL), ERR_OK);
    f->st->traits.parallel = parallel;
    struct limits limits = {.memory = 1 << 28, .threads = 1, .temp = f->folder};
    dataset_init(&f->d, f->st, "d", NULL, &limits);
    for (size_t i = 0; i < COUNT; i++) {
        char text[16];
        content_of(i, text);
        struct store_body body = store_body_bytes(text, strlen(text));
        snprintf(f->keys[i], sizeof f->keys[i], "k/%03zu", i);
        assert_int_equal(store_put_new(f->st, f->keys[i], &body, NULL, NULL), ERR_OK);
        memcpy(f->sha256[i], body.sha256, sizeof body.sha256);
        f->wanted[i] = (struct wanted){f->keys[i], body.size, f->sha256[i]};
    }
}

static void end(struct fixture *f)
{
    dataset_release(&f->d);
    store_free(f->st);
    temp_folder_free(f->folder);
}

static void replace(struct fixture *f, size_t i, const char *text)
{
    struct store_body body = store_body_bytes(text, strlen(text));
    assert_int_equal(store_remove(f->st, f->keys[i], NULL), ERR_OK);
    assert_int_equal(store_put_new(f->st, f->keys[i], &body, NULL, NULL), ERR_OK);
}

static void threads_are_no_more_than_the_memory_has_room_for(void **state)
{
    (void)state;
    static const struct {
        uint64_t memory;
        unsigned wanted;
        unsigned threads;
    } cases[] = {{64 << 20, 8, 1}, {100 << 20, 8, 1}, {256 << 20, 8, 4}, {256 << 20, 2, 2}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f;
        uint64_t threads = 0;
        begin(&f, 1);
        f.d.limits.memory = cases[i].memory;
        f.d.limits.threads = cases[i].wanted;
        assert_int_equal(dataset_engine(&f.d, 1, NULL), ERR_OK);
        assert_int_equal(
            engine_count(f.d.engine, "SELECT current_setting('threads')", &threads, NULL), ERR_OK);
        assert_int_equal(threads, cases[i].threads);
        end(&f);
    }
}

static void many_are_fetched_with_their_content(void **state)
{
    (void)state;
    static const unsigned counts[] = {0, 1, 8};
    for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++) {
        struct fixture f;
        char *paths[COUNT];
        begin(&f, counts[c]);
        assert_int_equal(dataset_fetch_many(&f.d, f.wanted, COUNT, paths, NULL), ERR_OK);
        for (size_t i = 0; i < COUNT; i++) {
            char expected[16];
            struct str text;
            str_init(&text, 100);
            content_of(i, expected);
            assert_int_equal(fs_read(paths[i], &text, NULL), ERR_OK);
            assert_string_equal(text.data, expected);
            str_release(&text);
            free(paths[i]);
        }
        end(&f);
    }
}

static void what_is_there_is_not_asked_for_again(void **state)
{
    (void)state;
    struct fixture f;
    char *paths[COUNT];
    begin(&f, 8);
    assert_int_equal(dataset_prefetch(&f.d, f.wanted, COUNT, NULL), ERR_OK);
    uint64_t gets = f.st->bill.gets;
    assert_true(gets >= COUNT / 2 && gets <= COUNT);
    assert_int_equal(dataset_fetch_many(&f.d, f.wanted, COUNT, paths, NULL), ERR_OK);
    assert_int_equal(f.st->bill.gets, gets);
    for (size_t i = 0; i < COUNT; i++)
        free(paths[i]);
    end(&f);
}

static void what_was_just_stored_is_not_asked_for(void **state)
{
    (void)state;
    struct fixture f;
    char *path = NULL;
    begin(&f, 8);
    assert_int_equal(dataset_workdir(&f.d, NULL), ERR_OK);
    char *own = dataset_scratch(&f.d, ".parquet");
    assert_int_equal(fs_write(own, "content 000", 11, NULL), ERR_OK);
    dataset_keep(&f.d, own, f.sha256[0]);
    dataset_keep(&f.d, own, f.sha256[0]);
    assert_int_equal(fs_remove(own, NULL), ERR_OK);
    assert_int_equal(dataset_fetch(&f.d, f.keys[0], 11, f.sha256[0], &path, NULL), ERR_OK);
    assert_int_equal(f.st->bill.gets, 0);
    free(path);
    free(own);
    end(&f);
}

static void what_is_absent_is_named_by_the_fetch(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = ERROR_INIT;
    char *path;
    begin(&f, 8);
    assert_int_equal(store_remove(f.st, f.keys[21], NULL), ERR_OK);
    f.wanted[21].sha256 = "0000000000000000000000000000000000000000000000000000000000000000";
    assert_int_equal(dataset_prefetch(&f.d, f.wanted, COUNT, &err), ERR_OK);
    assert_int_equal(
        dataset_fetch(&f.d, f.keys[21], f.wanted[21].size, f.wanted[21].sha256, &path, &err),
        ERR_ABSENT);
    assert_null(path);
    assert_non_null(strstr(err.text, f.keys[21]));
    end(&f);
}

static void a_damaged_download_is_not_kept(void **state)
{
    (void)state;
    struct fixture f;
    struct error err = ERROR_INIT;
    char *path;
    begin(&f, 8);
    replace(&f, 3, "kontent 001");
    f.wanted[2] = f.wanted[4];
    assert_int_equal(dataset_prefetch(&f.d, f.wanted, COUNT, NULL), ERR_OK);
    assert_int_equal(dataset_fetch(&f.d, f.keys[3], 11, f.sha256[3], &path, &err), ERR_DAMAGED);
    assert_null(path);
    /* Healed meanwhile, it is read anew. */
    replace(&f, 3, "content 001");
    assert_int_equal(dataset_fetch(&f.d, f.keys[3], 11, f.sha256[3], &path, NULL), ERR_OK);
    free(path);
    end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(many_are_fetched_with_their_content),
        cmocka_unit_test(threads_are_no_more_than_the_memory_has_room_for),
        cmocka_unit_test(what_is_there_is_not_asked_for_again),
        cmocka_unit_test(what_was_just_stored_is_not_asked_for),
        cmocka_unit_test(what_is_absent_is_named_by_the_fetch),
        cmocka_unit_test(a_damaged_download_is_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

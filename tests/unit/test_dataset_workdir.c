#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataset/workdir.h"
#include "support/temp_folder.h"

#define ABANDONED "cauce-0123456789abcdef0123456789abcdef"

static int set_up(void **state)
{
    *state = temp_folder_new();
    return 0;
}

static int tear_down(void **state)
{
    temp_folder_free(*state);
    return 0;
}

static void what_a_dead_process_left_is_swept(void **state)
{
    struct workdir w;
    char *folder = fs_join(*state, ABANDONED);
    char *file = fs_join(folder, "spill");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(fs_write(file, "x", 1, NULL), ERR_OK);
    assert_int_equal(workdir_create(*state, &w, NULL), ERR_OK);
    assert_false(fs_exists(folder));
    assert_true(fs_exists(w.path));
    workdir_remove(&w);
    workdir_remove(&w);
    free(file);
    free(folder);
}

static void what_is_not_named_like_ours_stays(void **state)
{
    struct workdir w;
    char *folder = fs_join(*state, "cauce-notes");
    assert_int_equal(mkdir(folder, 0700), 0);
    assert_int_equal(workdir_create(*state, &w, NULL), ERR_OK);
    assert_true(fs_exists(folder));
    workdir_remove(&w);
    free(folder);
}

/* Also where somebody tidied up in it: nothing inside it holds the lock. */
static void the_folder_of_a_living_process_is_never_swept(void **state)
{
    struct workdir w;
    assert_int_equal(workdir_create(*state, &w, NULL), ERR_OK);
    workdir_sweep(*state);
    assert_true(fs_exists(w.path));
    workdir_remove(&w);
}

#define PROCESSES 8
#define ROUNDS 200

/* Make folders one after the other; how many went away while they were held. */
static int make_many(const char *parent)
{
    int lost = 0;
    for (int i = 0; i < ROUNDS; i++) {
        struct workdir w;
        if (workdir_create(parent, &w, NULL) != ERR_OK)
            return 100;
        char *file = fs_join(w.path, "file");
        lost += fs_write(file, "x", 1, NULL) != ERR_OK;
        lost += !fs_exists(file);
        free(file);
        workdir_remove(&w);
    }
    return lost > 99 ? 99 : lost;
}

static void processes_that_start_together_do_not_sweep_each_other(void **state)
{
    pid_t children[PROCESSES];
    for (size_t i = 0; i < PROCESSES; i++) {
        children[i] = fork();
        assert_true(children[i] >= 0);
        if (children[i] == 0)
            _exit(make_many(*state));
    }
    for (size_t i = 0; i < PROCESSES; i++) {
        int status;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        T(what_a_dead_process_left_is_swept),
        T(what_is_not_named_like_ours_stays),
        T(the_folder_of_a_living_process_is_never_swept),
        T(processes_that_start_together_do_not_sweep_each_other),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

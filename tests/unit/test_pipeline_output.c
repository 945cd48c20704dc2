#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "pipeline/output.h"
#include "support/temp_folder.h"
#include "util/fs.h"

static char *folder;
static char *target;

static int setup(void **state)
{
    (void)state;
    folder = temp_folder_new();
    target = fs_join(folder, "rows.csv");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(target);
    temp_folder_free(folder);
    return 0;
}

static int count_file(void *ctx, const char *name, const struct fs_stat *stat, struct error *err)
{
    (void)name;
    (void)stat;
    (void)err;
    ++*(int *)ctx;
    return ERR_OK;
}

static int files(void)
{
    int count = 0;
    assert_int_equal(fs_walk(folder, count_file, &count, NULL), ERR_OK);
    return count;
}

static void expect(const char *path, const char *text)
{
    struct str found;
    str_init(&found, 1 << 20);
    assert_int_equal(fs_read(path, &found, NULL), ERR_OK);
    assert_string_equal(found.data, text);
    str_release(&found);
}

static void a_file_appears_when_it_is_complete(void **state)
{
    (void)state;
    struct output o;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(target, "old", 3, &err), ERR_OK);
    assert_int_equal(output_open(target, NULL, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "new ", 4, &err), ERR_OK);
    expect(target, "old");
    char *part = fs_join(folder, "part");
    assert_int_equal(fs_write(part, "rows", 4, &err), ERR_OK);
    assert_int_equal(output_copy(&o, part, &err), ERR_OK);
    free(part);
    assert_int_equal(output_finish(&o, &err), ERR_OK);
    expect(target, "new rows");
    output_release(&o);
    assert_int_equal(files(), 2);
}

static void what_is_not_finished_leaves_nothing_behind(void **state)
{
    (void)state;
    struct output o;
    struct error err = ERROR_INIT;
    assert_int_equal(fs_write(target, "old", 3, &err), ERR_OK);
    assert_int_equal(output_open(target, NULL, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "new", 3, &err), ERR_OK);
    output_release(&o);
    output_release(&o);
    expect(target, "old");
    assert_int_equal(files(), 1);
}

static void what_a_link_points_at_is_replaced(void **state)
{
    (void)state;
    struct output o;
    struct stat st;
    struct error err = ERROR_INIT;
    char *link = fs_join(folder, "link");
    assert_int_equal(fs_write(target, "old", 3, &err), ERR_OK);
    assert_int_equal(symlink("rows.csv", link), 0);
    assert_int_equal(output_open(link, NULL, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "new", 3, &err), ERR_OK);
    assert_int_equal(output_finish(&o, &err), ERR_OK);
    output_release(&o);
    assert_int_equal(lstat(link, &st), 0);
    assert_true(S_ISLNK(st.st_mode));
    expect(target, "new");
    free(link);
}

static void a_device_is_written_to_as_it_is(void **state)
{
    (void)state;
    struct output o;
    struct stat st;
    struct error err = ERROR_INIT;
    assert_int_equal(output_open("/dev/null", NULL, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "x", 1, &err), ERR_OK);
    assert_int_equal(output_finish(&o, &err), ERR_OK);
    output_release(&o);
    assert_int_equal(stat("/dev/null", &st), 0);
    assert_true(S_ISCHR(st.st_mode));
}

static void a_stream_stays_the_callers(void **state)
{
    (void)state;
    struct output o;
    struct error err = ERROR_INIT;
    FILE *stream = fopen(target, "w");
    assert_non_null(stream);
    assert_int_equal(output_open(NULL, stream, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "a", 1, &err), ERR_OK);
    assert_int_equal(output_finish(&o, &err), ERR_OK);
    output_release(&o);
    expect(target, "a");
    assert_true(fputs("b", stream) >= 0);
    assert_int_equal(fclose(stream), 0);
    expect(target, "ab");
}

static void what_cannot_be_written_says_why(void **state)
{
    (void)state;
    struct output o;
    struct error err = ERROR_INIT;
    char *below = fs_join(folder, "absent/rows.csv");
    assert_int_equal(output_open(folder, NULL, &o, &err), ERR_CONFIG);
    assert_non_null(strstr(err.text, "it is a folder"));
    assert_int_equal(output_open(below, NULL, &o, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "No such file or directory"));
    assert_non_null(strstr(err.text, below));
    assert_int_equal(output_open("/dev/full", NULL, &o, &err), ERR_OK);
    assert_int_equal(output_write(&o, "x", 1, &err), ERR_OK);
    assert_int_equal(output_finish(&o, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "No space left on device"));
    output_release(&o);
    assert_int_equal(fs_write(target, "rows", 4, &err), ERR_OK);
    assert_int_equal(output_open("/dev/full", NULL, &o, &err), ERR_OK);
    assert_int_equal(output_copy(&o, target, &err), ERR_OK);
    assert_int_equal(output_finish(&o, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, "/dev/full"));
    assert_int_equal(output_copy(&o, below, &err), ERR_SYSTEM);
    assert_non_null(strstr(err.text, below));
    output_release(&o);
    free(below);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_file_appears_when_it_is_complete), CASE(what_is_not_finished_leaves_nothing_behind),
        CASE(what_a_link_points_at_is_replaced),  CASE(a_device_is_written_to_as_it_is),
        CASE(a_stream_stays_the_callers),         CASE(what_cannot_be_written_says_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <cmocka.h>

#include "support/temp_folder.h"
#include "util/fs.h"

/* Every statfs of the program passes here: the kind of file system can be feigned. */
static long feigned;

int statfs(const char *path, struct statfs *out)
{
    int n = (int)syscall(SYS_statfs, path, out);
    if (n == 0 && feigned != 0)
        out->f_type = feigned;
    return n;
}

static bool is_network(long magic, const char **name)
{
    bool network = false;
    feigned = magic;
    assert_int_equal(fs_is_network("/", &network, name, NULL), ERR_OK);
    feigned = 0;
    return network;
}

static void network_file_systems_are_known_by_name(void **state)
{
    (void)state;
    const char *name = NULL;
    assert_true(is_network(0x6969, &name));
    assert_string_equal(name, "NFS");
    assert_true(is_network(0x65735546, &name));
    assert_string_equal(name, "FUSE");
    assert_true(is_network(0x01021997, &name));
    assert_string_equal(name, "9P");
    assert_true(is_network(0x517b, &name));
    assert_string_equal(name, "SMB");
    /* Magic numbers with the highest bit may arrive with their sign. */
    assert_true(is_network((long)0xff534d42, &name));
    assert_string_equal(name, "CIFS");
    assert_true(is_network((long)(int32_t)0xfe534d42, &name));
    assert_string_equal(name, "SMB2");
}

static void local_file_systems_are_no_network(void **state)
{
    (void)state;
    /* ext4, XFS, Btrfs, tmpfs, overlayfs */
    static const long local[] = {0xef53, 0x58465342, (long)0x9123683e, 0x01021994, 0x794c7630};
    for (size_t i = 0; i < sizeof local / sizeof local[0]; i++) {
        const char *name = NULL;
        assert_false(is_network(local[i], &name));
        assert_string_equal(name, "local");
    }
}

static void proc_is_local(void **state)
{
    (void)state;
    bool network = true;
    const char *name = NULL;
    assert_int_equal(fs_is_network("/proc", &network, &name, NULL), ERR_OK);
    assert_false(network);
}

static void free_space_is_what_the_system_says(void **state)
{
    const char *folder = *state;
    uint64_t bytes = 0;
    struct statvfs st;
    assert_int_equal(fs_free_space(folder, &bytes, NULL), ERR_OK);
    assert_int_equal(statvfs(folder, &st), 0);
    uint64_t total = (uint64_t)st.f_blocks * st.f_frsize;
    assert_true(bytes > 0);
    assert_true(total == 0 || bytes <= total);
    /* Others may write meanwhile: a half and a double leave room for that. */
    uint64_t expected = (uint64_t)st.f_bavail * st.f_frsize;
    assert_true(bytes >= expected / 2 && bytes / 2 <= expected);
}

static void what_is_not_there_is_absent(void **state)
{
    const char *folder = *state;
    struct error err = ERROR_INIT;
    bool network = true;
    const char *name = NULL;
    uint64_t bytes = 42;
    char *path = fs_join(folder, "missing");
    assert_int_equal(fs_is_network(path, &network, &name, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(fs_free_space(path, &bytes, &err), ERR_ABSENT);
    assert_non_null(strstr(err.text, path));
    assert_int_equal(bytes, 42);
    free(path);
}

static int make_folder(void **state)
{
    *state = temp_folder_new();
    return 0;
}

static int drop_folder(void **state)
{
    temp_folder_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(network_file_systems_are_known_by_name),
        cmocka_unit_test(local_file_systems_are_no_network),
        cmocka_unit_test(proc_is_local),
        cmocka_unit_test(free_space_is_what_the_system_says),
        cmocka_unit_test(what_is_not_there_is_absent),
    };
    return cmocka_run_group_tests(tests, make_folder, drop_folder);
}

#include "config/config_read.h"

#include "support/temp_folder.h"
#include "unit/config_test.h"
#include "util/fs.h"

#define MEMINFO "MemTotal:       16777216 kB\nMemFree:         1000 kB\n"
#define ALL ((uint64_t)16777216 * 1024)

/* Write a file below the folder that stands for the root. */
static void put(const char *root, const char *path, const char *text)
{
    char *name = mem_printf("%s%s", root, path);
    char *folder = fs_parent(name);
    assert_int_equal(fs_make_folders(folder, false, NULL), ERR_OK);
    assert_int_equal(fs_write(name, text, strlen(text), NULL), ERR_OK);
    free(folder);
    free(name);
}

static char *machine(const char *cgroup)
{
    char *root = temp_folder_new();
    put(root, "/proc/meminfo", MEMINFO);
    if (cgroup != NULL)
        put(root, "/proc/self/cgroup", cgroup);
    return root;
}

static void without_groups_the_machine_counts(void **state)
{
    (void)state;
    char *root = machine(NULL);
    assert_int_equal(config_machine_memory(root), ALL);
    assert_true(config_machine_cpus(root) >= 1);
    temp_folder_free(root);
}

static void an_unreadable_machine_tells_nothing(void **state)
{
    (void)state;
    char *root = temp_folder_new();
    assert_int_equal(config_machine_memory(root), 0);
    put(root, "/proc/meminfo", "nothing of use\n");
    assert_int_equal(config_machine_memory(root), 0);
    temp_folder_free(root);
}

static void the_least_limit_on_the_way_up_counts(void **state)
{
    (void)state;
    char *root = machine("0::/a/b\n");
    put(root, "/sys/fs/cgroup/a/b/memory.max", "max\n");
    assert_int_equal(config_machine_memory(root), ALL);
    put(root, "/sys/fs/cgroup/a/memory.max", "3000000000\n");
    assert_int_equal(config_machine_memory(root), 3000000000);
    put(root, "/sys/fs/cgroup/a/b/memory.max", "4000000000\n");
    assert_int_equal(config_machine_memory(root), 3000000000);
    put(root, "/sys/fs/cgroup/a/b/memory.max", "2000000000\n");
    assert_int_equal(config_machine_memory(root), 2000000000);
    put(root, "/sys/fs/cgroup/memory.max", "1000000000\n");
    assert_int_equal(config_machine_memory(root), 1000000000);
    temp_folder_free(root);
}

static void inside_a_container_the_limit_is_at_the_top(void **state)
{
    (void)state;
    static const char *const groups[] = {"0::/\n", "0::/system.slice/x.scope\n", "0::/a"};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        char *root = machine(groups[i]);
        put(root, "/sys/fs/cgroup/memory.max", "536870912\n");
        assert_int_equal(config_machine_memory(root), 536870912);
        temp_folder_free(root);
    }
}

static void groups_of_version_one_count_too(void **state)
{
    (void)state;
    char *root = machine("5:cpu,cpuacct:/x\n4:memory:/docker/1\n0::/y\n");
    put(root, "/sys/fs/cgroup/memory/docker/1/memory.limit_in_bytes", "1073741824\n");
    put(root, "/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_int_equal(config_machine_memory(root), 1073741824);
    put(root, "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
    put(root, "/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    unsigned all = config_machine_cpus(root);
    put(root, "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "50000\n");
    assert_int_equal(config_machine_cpus(root), 1);
    put(root, "/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "100000000\n");
    assert_int_equal(config_machine_cpus(root), all);
    temp_folder_free(root);
}

static void a_quota_limits_the_processors(void **state)
{
    (void)state;
    char *root = machine("0::/a\n");
    unsigned all = config_machine_cpus(root);
    put(root, "/sys/fs/cgroup/a/cpu.max", "max 100000\n");
    assert_int_equal(config_machine_cpus(root), all);
    put(root, "/sys/fs/cgroup/a/cpu.max", "100000 100000\n");
    assert_int_equal(config_machine_cpus(root), 1);
    put(root, "/sys/fs/cgroup/a/cpu.max", "1000 100000\n");
    assert_int_equal(config_machine_cpus(root), 1);
    put(root, "/sys/fs/cgroup/a/cpu.max", "100001 100000\n");
    assert_int_equal(config_machine_cpus(root), all < 2 ? all : 2);
    put(root, "/sys/fs/cgroup/a/cpu.max", "0 0\n");
    assert_int_equal(config_machine_cpus(root), all);
    temp_folder_free(root);
}

static void strange_files_are_passed_over(void **state)
{
    (void)state;
    static const char *const groups[] = {"",
                                         "garbage",
                                         ":",
                                         "::",
                                         "0:",
                                         "0::",
                                         "0::../..",
                                         "0::/../../etc\n",
                                         "0::relative\n",
                                         "\n\n::\n"};
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++) {
        char *root = machine(groups[i]);
        put(root, "/sys/fs/cgroup/a/memory.max", "1\n");
        assert_int_equal(config_machine_memory(root), ALL);
        assert_true(config_machine_cpus(root) >= 1);
        temp_folder_free(root);
    }
    char *root = machine("0::/a\n");
    put(root, "/sys/fs/cgroup/a/memory.max", "");
    put(root, "/sys/fs/cgroup/a/cpu.max", "100000");
    assert_int_equal(config_machine_memory(root), ALL);
    assert_true(config_machine_cpus(root) >= 1);
    temp_folder_free(root);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_groups_the_machine_counts),
        cmocka_unit_test(an_unreadable_machine_tells_nothing),
        cmocka_unit_test(the_least_limit_on_the_way_up_counts),
        cmocka_unit_test(inside_a_container_the_limit_is_at_the_top),
        cmocka_unit_test(groups_of_version_one_count_too),
        cmocka_unit_test(a_quota_limits_the_processors),
        cmocka_unit_test(strange_files_are_passed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

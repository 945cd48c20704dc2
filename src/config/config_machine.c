#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/config_read.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/str.h"

#define FILE_MAX ((size_t)64 << 10)

/* Content of a small file of the kernel's; false where it cannot be read. */
static bool read_small(const char *root, const char *path, struct str *out)
{
    char *name = mem_printf("%s%s", root, path);
    str_init(out, FILE_MAX);
    bool ok = fs_read(name, out, NULL) == ERR_OK;
    free(name);
    if (!ok)
        str_release(out);
    return ok;
}

/* The first number in a text after `label` (NULL: at its start). */
static bool find_number(const char *text, const char *label, uint64_t *out)
{
    const char *at = label != NULL ? strstr(text, label) : text;
    if (at == NULL)
        return false;
    at += label != NULL ? strlen(label) : 0;
    at += strspn(at, " \t");
    size_t length = strspn(at, "0123456789");
    char *digits = mem_strndup(at, length);
    bool ok = config_parse_number(digits, out);
    free(digits);
    return ok;
}

/*
 * Path of this process in a control group hierarchy (cgroups(7)), as a new string, NULL where there
 * is none: version 2 has the line "0::/path", version 1 "4:cpu,cpuacct:/path".
 */
static char *group_path(const char *root, const char *controller)
{
    struct str text;
    char *found = NULL;
    if (!read_small(root, "/proc/self/cgroup", &text))
        return NULL;
    for (char *line = text.data; line != NULL && found == NULL;) {
        char *end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        char *first = strchr(line, ':');
        char *second = first != NULL ? strchr(first + 1, ':') : NULL;
        if (second != NULL) {
            *second = '\0';
            char *list = mem_printf(",%s,", first + 1);
            char *wanted = mem_printf(",%s,", controller);
            /* A path outside our own view ("/../..") cannot be followed. */
            if (strstr(list, wanted) != NULL && second[1] == '/' &&
                strstr(second + 1, "..") == NULL)
                found = mem_strdup(second + 1);
            free(list);
            free(wanted);
        }
        line = end != NULL ? end + 1 : NULL;
    }
    str_release(&text);
    return found;
}

/* What one group allows; false where it sets no limit. */
typedef bool group_limit(const char *root, const char *folder, uint64_t *out);

/*
 * The smallest limit of a group and all above it, else `most`. Inside a container the path of the
 * group is often not there, but its limits are at the top.
 */
static uint64_t least_limit(const char *root, const char *mount, const char *controller,
                            group_limit *limit, uint64_t most)
{
    char *path = group_path(root, controller);
    if (path == NULL)
        return most;
    for (;;) {
        uint64_t value;
        char *folder = mem_printf("%s%s", mount, strcmp(path, "/") == 0 ? "" : path);
        if (limit(root, folder, &value) && value < most)
            most = value;
        free(folder);
        char *slash = strrchr(path, '/');
        if (slash == NULL || *path == '\0')
            break;
        *slash = '\0';
    }
    free(path);
    return most;
}

static bool number_in(const char *root, const char *folder, const char *file, uint64_t *out)
{
    struct str text;
    char *path = mem_printf("%s/%s", folder, file);
    bool ok = read_small(root, path, &text);
    free(path);
    if (!ok)
        return false;
    ok = find_number(text.data, NULL, out);
    str_release(&text);
    return ok;
}

static bool memory_limit_v2(const char *root, const char *folder, uint64_t *out)
{
    return number_in(root, folder, "memory.max", out);
}

static bool memory_limit_v1(const char *root, const char *folder, uint64_t *out)
{
    return number_in(root, folder, "memory.limit_in_bytes", out);
}

uint64_t config_machine_memory(const char *root)
{
    struct str text;
    uint64_t kilobytes;
    if (!read_small(root, "/proc/meminfo", &text))
        return 0;
    bool ok = find_number(text.data, "MemTotal:", &kilobytes);
    str_release(&text);
    if (!ok || kilobytes > UINT64_MAX / 1024)
        return 0;
    uint64_t most = kilobytes * 1024;
    most = least_limit(root, "/sys/fs/cgroup", "", memory_limit_v2, most);
    return least_limit(root, "/sys/fs/cgroup/memory", "memory", memory_limit_v1, most);
}

/* Processors that a quota of `quota` in each `period` amounts to, rounded up. */
static bool quota_to_cpus(uint64_t quota, uint64_t period, uint64_t *out)
{
    if (quota == 0 || period == 0)
        return false;
    *out = quota / period + (quota % period != 0);
    return true;
}

/* "max 100000", or "150000 100000". */
static bool cpu_limit_v2(const char *root, const char *folder, uint64_t *out)
{
    struct str text;
    uint64_t quota;
    uint64_t period;
    char *path = mem_printf("%s/cpu.max", folder);
    bool ok = read_small(root, path, &text);
    free(path);
    if (!ok)
        return false;
    ok = find_number(text.data, NULL, &quota) && find_number(text.data, " ", &period) &&
         quota_to_cpus(quota, period, out);
    str_release(&text);
    return ok;
}

static bool cpu_limit_v1(const char *root, const char *folder, uint64_t *out)
{
    uint64_t quota; /* "-1" where there is none: no number */
    uint64_t period;
    return number_in(root, folder, "cpu.cfs_quota_us", &quota) &&
           number_in(root, folder, "cpu.cfs_period_us", &period) &&
           quota_to_cpus(quota, period, out);
}

/* Processors that the scheduler lets this process run on. */
static unsigned affinity(void)
{
    for (int most = 1024; most <= 65536; most *= 4) {
        cpu_set_t *set = CPU_ALLOC((size_t)most);
        size_t size = CPU_ALLOC_SIZE((size_t)most);
        int count = 0;
        if (set != NULL && sched_getaffinity(0, size, set) == 0)
            count = CPU_COUNT_S(size, set);
        CPU_FREE(set);
        if (count > 0)
            return (unsigned)count;
    }
    return 1;
}

unsigned config_machine_cpus(const char *root)
{
    uint64_t most = affinity();
    most = least_limit(root, "/sys/fs/cgroup", "", cpu_limit_v2, most);
    return (unsigned)least_limit(root, "/sys/fs/cgroup/cpu", "cpu", cpu_limit_v1, most);
}

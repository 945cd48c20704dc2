#include "engine/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- Landlock: https://docs.kernel.org/userspace-api/landlock.html --------------------------- */

#define READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define WRITE                                                               \
    (READ | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | \
     LANDLOCK_ACCESS_FS_REMOVE_FILE | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG)
/* All there is in the first version; later ones add to it, and headers may not know them. */
#define FIRST_VERSION ((UINT64_C(1) << 13) - 1)
#define REFER (UINT64_C(1) << 13)    /* version 2: to link and rename from folder to folder */
#define TRUNCATE (UINT64_C(1) << 14) /* version 3 */
#define DEVICES (UINT64_C(1) << 15)  /* version 5: ioctl on devices */

/*
 * What the runtime reads by itself: how much memory and how many cores there are, also in a container,
 * and seeds of random numbers.
 */
static const char *const SYSTEM_FILES[] = {"/proc/self", "/proc/meminfo", "/sys/fs/cgroup",
                                           "/sys/devices/system/cpu", "/dev/urandom"};

static uint64_t accesses_of(long version)
{
    uint64_t all = FIRST_VERSION;
    if (version >= 2)
        all |= REFER;
    if (version >= 3)
        all |= TRUNCATE;
    if (version >= 5)
        all |= DEVICES;
    return all;
}

static int allow_path(int rules, const char *path, uint64_t accesses, struct error *err)
{
    struct stat s;
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK;
    /* Rights to folders cannot be given for a file. */
    if (fstat(fd, &s) == 0 && !S_ISDIR(s.st_mode))
        accesses &= LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | TRUNCATE;
    struct landlock_path_beneath_attr rule = {.allowed_access = accesses, .parent_fd = fd};
    long rc = syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    int reason = errno;
    close(fd);
    if (rc != 0)
        return error_set_errno(err, ERR_SYSTEM, reason, "Landlock refuses a rule for %s", path);
    return ERR_OK;
}

static int allow_reading(int rules, const char *const *paths, size_t count, struct error *err)
{
    int rc = ERR_OK;
    for (size_t i = 0; i < count && rc == ERR_OK; i++)
        rc = allow_path(rules, paths[i], READ, err);
    return rc;
}

static int fence_files(const struct sandbox *s, struct error *err)
{
    long version = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    if (version < 1) /* not built in, or switched off */
        return ERR_OK;
    uint64_t all = accesses_of(version);
    struct landlock_ruleset_attr attr = {.handled_access_fs = all};
    int rules = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof attr, 0);
    if (rules < 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "Landlock cannot make a set of rules");
    int rc = allow_path(rules, s->folder, (WRITE | REFER | TRUNCATE) & all, err);
    if (rc == ERR_OK)
        rc = allow_reading(rules, s->readable, s->count, err);
    if (rc == ERR_OK)
        rc = allow_reading(rules, SYSTEM_FILES, sizeof SYSTEM_FILES / sizeof *SYSTEM_FILES, err);
    if (rc == ERR_OK && syscall(SYS_landlock_restrict_self, rules, 0) != 0)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Landlock cannot be entered");
    close(rules);
    return rc;
}

/* ---- seccomp: https://docs.kernel.org/userspace-api/seccomp_filter.html ------------------------ */

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif /* elsewhere it does not compile: a filter is made for one machine */

#define LOAD(field) \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define ANSWER(what) BPF_STMT(BPF_RET | BPF_K, (what))
#define REFUSE_AS(reason) ANSWER(SECCOMP_RET_ERRNO | (reason))
/* Skip as many instructions where the loaded value is not this one, or has none of these bits. */
#define UNLESS_EQUAL(value, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), 0, (skip))
#define UNLESS_BITS(bits, skip) BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, (uint32_t)(bits), 0, (skip))

#define REFUSE(call) UNLESS_EQUAL(SYS_##call, 1), REFUSE_AS(EPERM)
/* Allowed where the first argument is this one (has these bits). */
#define ONLY_WITH(call, test) \
    UNLESS_EQUAL(SYS_##call, 4), LOAD(args[0]), test, ANSWER(SECCOMP_RET_ALLOW), REFUSE_AS(EPERM)

#if defined(__x86_64__)
/* Calls of the x32 ABI have numbers of their own; fork and vfork exist only here. */
#define REFUSE_BY_ARCHITECTURE                                                             \
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), REFUSE_AS(EPERM), REFUSE(fork), \
        REFUSE(vfork),
#else
#define REFUSE_BY_ARCHITECTURE
#endif

/*
 * By a list of what is refused, because what a C library needs to run threads and allocate differs
 * from one release to the next, and Landlock guards the files. Everything that reaches beyond the
 * process is refused. The wire to the program is open already. clone3 hides its flags: the C
 * library falls back to clone.
 */
/* clang-format off */
#define REFUSED                                                                               \
    /* network */                                                                             \
    REFUSE(socket), REFUSE(socketpair), REFUSE(connect), REFUSE(bind), REFUSE(listen),        \
    REFUSE(accept), REFUSE(accept4),                                                          \
    /* other programs and processes */                                                        \
    REFUSE(execve), REFUSE(execveat), UNLESS_EQUAL(SYS_clone3, 1), REFUSE_AS(ENOSYS),         \
    REFUSE(kill), REFUSE(tkill), REFUSE(rt_sigqueueinfo), REFUSE(rt_tgsigqueueinfo),          \
    REFUSE(pidfd_send_signal), REFUSE(pidfd_open), REFUSE(pidfd_getfd), REFUSE(ptrace),       \
    REFUSE(process_vm_readv), REFUSE(process_vm_writev), REFUSE(process_madvise),             \
    /* the system, and ways around the other fences */                                        \
    REFUSE(setns), REFUSE(unshare), REFUSE(personality), REFUSE(mount), REFUSE(umount2),      \
    REFUSE(pivot_root), REFUSE(chroot), REFUSE(move_mount), REFUSE(open_tree),                \
    REFUSE(fsopen), REFUSE(fsmount), REFUSE(open_by_handle_at), REFUSE(bpf),                  \
    REFUSE(perf_event_open), REFUSE(userfaultfd), REFUSE(io_uring_setup),                     \
    REFUSE(io_uring_enter), REFUSE(io_uring_register), REFUSE(add_key), REFUSE(request_key),  \
    REFUSE(keyctl), REFUSE(init_module), REFUSE(finit_module), REFUSE(kexec_load),            \
    REFUSE(reboot), REFUSE(swapon), REFUSE(acct), REFUSE(syslog), REFUSE(shmget),             \
    REFUSE(msgget), REFUSE(semget), REFUSE(mq_open)
/* clang-format on */

static int fence_calls(struct error *err)
{
    struct sock_filter filter[] = {
        LOAD(arch),
        UNLESS_EQUAL(ARCHITECTURE, 1),
        BPF_STMT(BPF_JMP | BPF_JA, 1),
        ANSWER(SECCOMP_RET_KILL_PROCESS),
        LOAD(nr),
        REFUSE_BY_ARCHITECTURE REFUSED,
        ONLY_WITH(clone, UNLESS_BITS(CLONE_THREAD, 1)),
        ONLY_WITH(tgkill, UNLESS_EQUAL(getpid(), 1)),
        ONLY_WITH(prlimit64, UNLESS_EQUAL(0, 1)),
        ANSWER(SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) == 0 || errno == EINVAL)
        return ERR_OK; /* EINVAL: not built in */
    return error_set_errno(err, ERR_SYSTEM, errno, "seccomp refuses the filter");
}

#define STATM_DATA 6 /* field of /proc/self/statm: pages of data and stack */

/* ---- rlimits ------------------------------------------------------------------------------- */

static int limit(int what, uint64_t most, struct error *err)
{
    struct rlimit now;
    if (getrlimit((__rlimit_resource_t)what, &now) != 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "a limit cannot be read");
    rlim_t wanted = now.rlim_max != RLIM_INFINITY && now.rlim_max < most ? now.rlim_max : most;
    if (setrlimit((__rlimit_resource_t)what, &(struct rlimit){wanted, wanted}) != 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "a limit cannot be set");
    return ERR_OK;
}

/* Bytes of data of this process, as RLIMIT_DATA counts them; 0 where that cannot be read. */
static uint64_t data_size(void)
{
    char line[128] = "";
    char *at = line;
    FILE *statm = fopen("/proc/self/statm", "re");
    if (statm == NULL)
        return 0;
    if (fgets(line, sizeof line, statm) == NULL)
        line[0] = '\0';
    fclose(statm);
    uint64_t pages = 0;
    for (int field = 1; field <= STATM_DATA; field++)
        pages = strtoull(at, &at, 10);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

int sandbox_enter(const struct sandbox *s, struct error *err)
{
    /* A core would hold rows. */
    int rc = limit(RLIMIT_CORE, 0, err);
    if (rc == ERR_OK && s->memory > 0)
        rc = limit(RLIMIT_DATA, data_size() + s->memory, err);
    /* Without it, only root may enter the other two. */
    if (rc == ERR_OK && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "the process cannot give up privileges");
    if (rc == ERR_OK)
        rc = fence_files(s, err);
    if (rc == ERR_OK)
        rc = fence_calls(err);
    return rc;
}

#include "engine/engine_process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/engine_child.h"
#include "util/mem.h"
#include "util/str.h"

extern char **environ;

/* The process gets its descriptors under the fixed numbers below: ours must not be among them. */
#define FIRST_FREE 10

/* What is kept of what the process said before it crashed. */
#define LAST_WORDS 400

/* How often its end is waited for, and for how many milliseconds each time. */
#define END_TICKS 200
#define END_TICK 10

struct ends {
    int wire[2];
    int control[2];
    int output[2];
};

static void close_end(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void close_pair(int pair[2])
{
    close_end(&pair[0]);
    close_end(&pair[1]);
}

/* Move an end out of the way of the fixed numbers. */
static int lift(int *fd)
{
    int lifted = fcntl(*fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    close(*fd);
    *fd = lifted;
    return lifted < 0 ? -1 : 0;
}

static int make_ends(struct ends *e, struct error *err)
{
    *e = (struct ends){{-1, -1}, {-1, -1}, {-1, -1}};
    int rc = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, e->wire);
    if (rc == 0)
        rc = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, e->control);
    /* What does not fit into the pipe is lost: the process must not wait for a reader. */
    if (rc == 0)
        rc = pipe2(e->output, O_CLOEXEC | O_NONBLOCK);
    int *all[] = {&e->wire[0],    &e->wire[1],   &e->control[0],
                  &e->control[1], &e->output[0], &e->output[1]};
    for (size_t i = 0; i < sizeof all / sizeof all[0] && rc == 0; i++)
        rc = lift(all[i]);
    if (rc == 0)
        return ERR_OK;
    rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot make the wire to the engine's process");
    close_pair(e->wire);
    close_pair(e->control);
    close_pair(e->output);
    return rc;
}

/*
 * Before main: so every program that links the engine, tests included, can be its own engine's
 * process, and nothing on a command line can turn it into one.
 */
__attribute__((constructor)) static void become_the_engine(void)
{
    if (strcmp(program_invocation_name, ENGINE_PROCESS_NAME) == 0)
        engine_child_run();
}

/* Where libraries are found and how sanitizers behave; nothing else of the environment. */
static bool is_for_the_loader(const char *entry)
{
    static const char *const names[] = {
        "LD_LIBRARY_PATH=", "ASAN_OPTIONS=", "LSAN_OPTIONS=", "UBSAN_OPTIONS=", "TSAN_OPTIONS="};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (str_starts(entry, names[i]))
            return true;
    return false;
}

static char **loader_environment(void)
{
    size_t count = 0;
    while (environ != NULL && environ[count] != NULL)
        count++;
    char **some = mem_calloc(count + 1, sizeof *some);
    for (size_t i = 0, n = 0; i < count; i++)
        if (is_for_the_loader(environ[i]))
            some[n++] = environ[i];
    return some;
}

/*
 * /proc works even where the file has been replaced; the other name is for where there is no /proc.
 */
static int spawn(pid_t *pid, const posix_spawn_file_actions_t *actions,
                 const posix_spawnattr_t *attributes)
{
    char name[] = ENGINE_PROCESS_NAME;
    char *const arguments[] = {name, NULL};
    char **environment = loader_environment();
    int rc = posix_spawn(pid, "/proc/self/exe", actions, attributes, arguments, environment);
    const char *other = (const char *)getauxval(AT_EXECFN);
    if (rc == ENOENT && other != NULL)
        rc = posix_spawn(pid, other, actions, attributes, arguments, environment);
    free(environment);
    return rc;
}

static int start(const struct ends *e, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int rc = posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, e->output[1], STDOUT_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, e->output[1], STDERR_FILENO);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, e->wire[1], ENGINE_PROCESS_WIRE);
    if (rc == 0)
        rc = posix_spawn_file_actions_adddup2(&actions, e->control[0], ENGINE_PROCESS_CONTROL);
    if (rc == 0)
        rc = spawn(pid, &actions, &attributes);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

int engine_process_start(struct engine_process *p, struct error *err)
{
    struct ends e;
    *p = (struct engine_process){.wire = -1, .control = -1, .output = -1};
    int rc = make_ends(&e, err);
    if (rc != ERR_OK)
        return rc;
    int reason = start(&e, &p->pid);
    close_end(&e.wire[1]);
    close_end(&e.control[0]);
    close_end(&e.output[1]);
    p->wire = e.wire[0];
    p->control = e.control[1];
    p->output = e.output[0];
    if (reason == 0)
        return ERR_OK;
    p->pid = 0;
    engine_process_end(p);
    return error_set_errno(err, ERR_SYSTEM, reason, "cannot start the engine's process");
}

/* Wait for the end; false where the system does not say how it ended (SIGCHLD is ignored). */
static bool reap(struct engine_process *p, int *status)
{
    pid_t pid = p->pid;
    p->pid = 0;
    pid_t rc = 0;
    do
        rc = waitpid(pid, status, 0);
    while (rc < 0 && errno == EINTR);
    return rc == pid;
}

/* A process whose wire is closed ends within moments, unless the wire was closed on purpose. */
static void wait_a_moment(const struct engine_process *p)
{
    siginfo_t info = {.si_pid = 0};
    for (int i = 0; i < END_TICKS && info.si_pid == 0; i++) {
        if (waitid(P_PID, (id_t)p->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return;
        if (info.si_pid == 0)
            poll(NULL, 0, END_TICK);
    }
}

void engine_process_end(struct engine_process *p)
{
    int status;
    if (p->pid > 0) {
        kill(p->pid, SIGKILL);
        reap(p, &status);
    }
    if (p->wire > 0)
        close(p->wire);
    if (p->control > 0)
        close(p->control);
    if (p->output > 0)
        close(p->output);
    *p = (struct engine_process){.wire = -1, .control = -1, .output = -1};
}

/* What the process wrote last, on one line: the beginning, where a C++ runtime names its exception. */
static void last_words(const struct engine_process *p, char words[LAST_WORDS + 1])
{
    ssize_t n = read(p->output, words, LAST_WORDS);
    words[n > 0 ? n : 0] = '\0';
    for (char *c = words; *c != '\0'; c++)
        if ((unsigned char)*c < ' ')
            *c = ' ';
}

int engine_process_explain(struct engine_process *p, struct error *err)
{
    char words[LAST_WORDS + 1];
    int status = 0;
    int pid = (int)p->pid;
    int rc = ERR_SYSTEM;
    wait_a_moment(p);
    kill(p->pid, SIGKILL);
    bool known = reap(p, &status);
    last_words(p, words);
    if (known && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        rc = error_set(
            err, ERR_LIMIT,
            "The engine (libduckdb, process %d) was killed with signal %d: by the kernel, "
            "where this machine or container ran out of memory (its log says so), or by "
            "somebody else. If it was memory, lower `memory` or `threads`.",
            pid, SIGKILL);
    else if (known && WIFSIGNALED(status))
        rc = error_set(err, ERR_SYSTEM,
                       "The engine (libduckdb, process %d) crashed with signal %d (%s).", pid,
                       WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (known)
        rc = error_set(err, ERR_SYSTEM,
                       "The engine (libduckdb, process %d) ended by itself with exit code %d.", pid,
                       WEXITSTATUS(status));
    else
        rc =
            error_set(err, ERR_SYSTEM,
                      "The engine (libduckdb, process %d) ended. How is not known, as this program "
                      "was started with SIGCHLD ignored.",
                      pid);
    if (words[0] != '\0')
        error_append(err, "It said: %s", words);
    return rc;
}

void engine_process_interrupt(const struct engine_process *p, uint64_t request)
{
    /* Where it cannot be sent, the process has ended, or enough of them are on their way. */
    if (p->control > 0)
        (void)send(p->control, &request, sizeof request, MSG_NOSIGNAL | MSG_DONTWAIT);
}

uint64_t engine_process_peak(const struct engine_process *p)
{
    char path[64];
    char line[256];
    unsigned long long kibibytes = 0;
    snprintf(path, sizeof path, "/proc/%d/status", (int)p->pid);
    FILE *status = p->pid > 0 ? fopen(path, "re") : NULL;
    while (status != NULL && kibibytes == 0 && fgets(line, sizeof line, status) != NULL)
        if (str_starts(line, "VmHWM:"))
            kibibytes = strtoull(line + strlen("VmHWM:"), NULL, 10);
    if (status != NULL)
        fclose(status);
    return kibibytes * 1024;
}

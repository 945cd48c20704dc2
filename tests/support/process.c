#include "support/process.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "util/id.h"

pid_t process_start(process_body *body, void *ctx)
{
    fflush(NULL);
    pid_t pid = fork();
    if (pid < 0) {
        perror("fork");
        abort();
    }
    if (pid > 0)
        return pid;
    int status = body(ctx);
    fflush(NULL);
    _exit(status);
}

int process_wait(pid_t pid)
{
    int status;
    while (waitpid(pid, &status, 0) < 0) {
        if (errno != EINTR) {
            perror("waitpid");
            abort();
        }
    }
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int process_run(process_body *body, void *ctx)
{
    return process_wait(process_start(body, ctx));
}

int process_kill(pid_t pid)
{
    kill(pid, SIGKILL);
    return process_wait(pid);
}

void process_sleep(int64_t microseconds)
{
    struct timespec left = {.tv_sec = microseconds / 1000000,
                            .tv_nsec = microseconds % 1000000 * 1000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR) {
    }
}

/* splitmix64: small, and the same everywhere. */
static uint64_t random_state;

void process_seed(const char *what)
{
    const char *given = getenv("CAUCE_TORTURE_SEED");
    random_state = given != NULL ? strtoull(given, NULL, 0) : id_random64();
    fprintf(stderr, "%s: CAUCE_TORTURE_SEED=0x%llx\n", what, (unsigned long long)random_state);
}

uint64_t process_random(uint64_t below)
{
    random_state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = random_state;
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % below;
}

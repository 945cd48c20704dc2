/*
 * Children that may die: forked, without exec. The parent must not have loaded libduckdb (its threads
 * would be missing in the child), so whatever runs SQL runs in a child.
 */
#ifndef CAUCE_TESTS_SUPPORT_PROCESS_H
#define CAUCE_TESTS_SUPPORT_PROCESS_H

#include <stdint.h>
#include <sys/types.h>

/* Its return value is the child's exit status (0 to 125). */
typedef int process_body(void *ctx);

/* The child never returns from this; what its body leaves open is not released. */
pid_t process_start(process_body *body, void *ctx);

/* Exit status, or 128 and the number of the signal that killed it. */
int process_wait(pid_t pid);

int process_run(process_body *body, void *ctx);

/* Kill (SIGKILL) and reap; returns what process_wait returns. */
int process_kill(pid_t pid);

/* Sleep in real time. */
void process_sleep(int64_t microseconds);

/*
 * Numbers for random tests: the seed is CAUCE_TORTURE_SEED, else a fresh one, and is printed with the
 * command that repeats it.
 */
void process_seed(const char *what);
uint64_t process_random(uint64_t below);

#endif

#include "util/stop.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <sys/time.h>

typedef void stop_hook(void *ctx);

static atomic_bool requested;
static atomic_bool timed_out;
static _Atomic(stop_hook *) current_hook;
static _Atomic(void *) current_ctx;
static atomic_int in_handler; /* calls of stop_request under way, in whatever thread */

_Static_assert(ATOMIC_POINTER_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2 &&
                   ATOMIC_BOOL_LOCK_FREE == 2,
               "a signal handler may only touch atomics without locks");

static void tell_hook(void)
{
    atomic_fetch_add(&in_handler, 1);
    stop_hook *hook = atomic_load(&current_hook);
    if (hook != NULL)
        hook(atomic_load(&current_ctx));
    atomic_fetch_sub(&in_handler, 1);
}

void stop_request(void)
{
    atomic_store(&requested, true);
    tell_hook();
}

static void on_signal(int number)
{
    int saved = errno;
    if (number == SIGALRM) {
        atomic_store(&timed_out, true);
        tell_hook();
    } else {
        stop_request();
    }
    errno = saved;
}

void stop_install(void)
{
    /* No SA_RESTART: a call that waits must return, so that its caller sees the request. */
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags = (int)SA_RESETHAND;
    sigaction(SIGINT, &action, NULL);
}

void stop_after(int64_t seconds)
{
    struct itimerval timer = {.it_value = {.tv_sec = (time_t)seconds}};
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    if (seconds > 0)
        sigaction(SIGALRM, &action, NULL);
    setitimer(ITIMER_REAL, &timer, NULL);
    if (seconds == 0)
        atomic_store(&timed_out, false);
}

bool stop_timed_out(void)
{
    return atomic_load(&timed_out);
}

void stop_clear(void)
{
    atomic_store(&requested, false);
}

bool stop_requested(void)
{
    return atomic_load(&requested) || atomic_load(&timed_out);
}

void stop_on_request(void (*hook)(void *ctx), void *ctx)
{
    /* The handler may be running the old hook in another thread, on a `ctx` about to be freed. */
    atomic_store(&current_hook, NULL);
    while (atomic_load(&in_handler) > 0)
        sched_yield();
    atomic_store(&current_ctx, ctx);
    atomic_store(&current_hook, hook);
}

int stop_check(struct error *err)
{
    if (!stop_requested())
        return ERR_OK;
    return error_set(err, ERR_INTERRUPTED,
                     atomic_load(&requested) ? "Stopped by a signal."
                                             : "Stopped: the time that `timeout` allows is over.");
}

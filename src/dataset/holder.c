#include "dataset/holder.h"

#include <signal.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "catalog/layout.h"
#include "util/log.h"
#include "util/time.h"

#define SECOND INT64_C(1000000)

/* Wait until it is time to renew; true: the run has ended. The lock is held. */
static bool wait_for_end(struct holder *h, int64_t wait)
{
    int64_t end = time_monotonic() + wait;
    struct timespec until = {.tv_sec = (time_t)(end / SECOND),
                             .tv_nsec = (long)(end % SECOND * 1000)};
    int rc = 0;
    while (!h->ending && rc == 0)
        rc = pthread_cond_timedwait(&h->wake, &h->lock, &until);
    return h->ending;
}

/* Renew three times as often as needed, so that one failure does no harm. */
static void *renew(void *arg)
{
    struct holder *h = arg;
    pthread_mutex_lock(&h->lock);
    while (h->held && !wait_for_end(h, h->ttl / 3)) {
        struct error err = ERROR_INIT;
        int rc = lease_renew(h->store, &h->lease, h->ttl, &err);
        if (rc == ERR_CONFLICT) {
            log_warn("the lease was lost (%s); the run goes on, and publishes nothing twice",
                     err.text);
            h->held = false;
        } else if (rc != ERR_OK) {
            log_warn("the lease could not be renewed: %s", err.text);
        }
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

/* Signals are for the threads that handle them. */
static int start_thread(struct holder *h)
{
    sigset_t all;
    sigset_t before;
    pthread_condattr_t attributes;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&h->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int rc = pthread_create(&h->thread, NULL, renew, h);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

static void forget_thread(struct holder *h)
{
    pthread_cond_destroy(&h->wake);
    pthread_mutex_destroy(&h->lock);
}

static void give_back(struct holder *h)
{
    struct error err = ERROR_INIT;
    if (h->held && lease_give_back(h->store, &h->lease, &err) != ERR_OK)
        log_info("the lease could not be given back, and ends by itself: %s", err.text);
    *h = (struct holder){.held = false};
}

int holder_begin(struct holder *h, struct store *st, const char *name, int64_t ttl,
                 struct error *err)
{
    char host[64] = "?";
    char who[LEASE_HOLDER_SIZE];
    *h = (struct holder){.store = st, .ttl = ttl};
    gethostname(host, sizeof host - 1);
    snprintf(who, sizeof who, "run %s, process %ld on %s", name, (long)getpid(), host);
    int rc = lease_take(st, LAYOUT_LEASE, who, ttl, &h->lease, err);
    h->held = rc == ERR_OK;
    if (rc != ERR_OK) {
        h->store = NULL;
        return rc;
    }
    if (start_thread(h) == 0)
        return ERR_OK;
    forget_thread(h);
    give_back(h);
    return error_set(err, ERR_SYSTEM, "no thread could be started to renew the lease.");
}

void holder_end(struct holder *h)
{
    if (h->store == NULL)
        return;
    pthread_mutex_lock(&h->lock);
    h->ending = true;
    pthread_cond_signal(&h->wake);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    forget_thread(h);
    give_back(h);
}

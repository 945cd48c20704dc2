#include "source/relay.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "util/mem.h"

/* Parts that the caller works on alone before it gets help. */
#define ALONE 2

enum state { FREE, BUSY, READY, TAKEN };

struct relay {
    struct relay_work work;
    struct relay_part **parts; /* number n is the n-th modulo `count` */
    enum state *states;
    size_t count;
    unsigned threads;
    unsigned started;
    pthread_t *ids;
    pthread_mutex_t lock; /* of all below */
    pthread_cond_t changed;
    uint64_t read;  /* parts that were read, or are being */
    uint64_t taken; /* parts that were taken */
    bool reading;
    bool end; /* nothing is left to be read */
    bool stop;
    unsigned workers; /* numbers given to threads */
};

struct relay *relay_new(const struct relay_work *work, struct relay_part **parts, size_t count,
                        unsigned threads)
{
    assert(count > 0);
    struct relay *r = mem_calloc(1, sizeof *r);
    r->work = *work;
    r->parts = parts;
    r->count = count;
    r->states = mem_calloc(count, sizeof *r->states);
    r->threads = threads > 1 ? threads : 1;
    r->ids = mem_calloc(r->threads, sizeof *r->ids);
    r->workers = 1;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->changed, NULL);
    return r;
}

/* With the lock held: is there a part to be read, and room for it? */
static bool can_read(const struct relay *r)
{
    return !r->stop && !r->end && !r->reading && r->states[r->read % r->count] == FREE;
}

/* With the lock held, which is released in between: read the next part and work on it. */
static void do_part(struct relay *r, unsigned worker)
{
    size_t slot = r->read++ % r->count;
    struct relay_part *part = r->parts[slot];
    r->states[slot] = BUSY;
    r->reading = true;
    pthread_mutex_unlock(&r->lock);
    part->rc = ERR_OK;
    part->last = false;
    error_clear(&part->err);
    r->work.read(r->work.ctx, part);
    pthread_mutex_lock(&r->lock);
    r->reading = false;
    r->end = r->end || part->last || part->rc != ERR_OK;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    if (part->rc == ERR_OK)
        r->work.work(r->work.ctx, part, worker);
    pthread_mutex_lock(&r->lock);
    r->states[slot] = READY;
    pthread_cond_broadcast(&r->changed);
}

static void *help(void *ctx)
{
    struct relay *r = ctx;
    pthread_mutex_lock(&r->lock);
    unsigned worker = r->workers++;
    while (!r->stop && !r->end) {
        if (can_read(r))
            do_part(r, worker);
        else
            pthread_cond_wait(&r->changed, &r->lock);
    }
    pthread_mutex_unlock(&r->lock);
    return NULL;
}

/* Threads that cannot be started are not needed. Signals are for the program's main thread. */
static void start(struct relay *r)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (r->started + 1 < r->threads && pthread_create(&r->ids[r->started], NULL, help, r) == 0)
        r->started++;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    r->threads = r->started + 1;
}

struct relay_part *relay_take(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    size_t slot = r->taken % r->count;
    while (r->states[slot] != READY && !(r->end && r->taken == r->read)) {
        if (!can_read(r)) {
            pthread_cond_wait(&r->changed, &r->lock);
            continue;
        }
        if (r->read == ALONE && r->started + 1 < r->threads)
            start(r);
        do_part(r, 0);
    }
    struct relay_part *part = NULL;
    if (r->states[slot] == READY) {
        part = r->parts[slot];
        r->states[slot] = TAKEN;
        r->taken++;
    }
    pthread_mutex_unlock(&r->lock);
    return part;
}

void relay_give(struct relay *r, struct relay_part *part)
{
    pthread_mutex_lock(&r->lock);
    for (size_t i = 0; i < r->count; i++)
        if (r->parts[i] == part)
            r->states[i] = FREE;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
}

void relay_stop(struct relay *r)
{
    pthread_mutex_lock(&r->lock);
    r->stop = true;
    pthread_cond_broadcast(&r->changed);
    pthread_mutex_unlock(&r->lock);
    for (; r->started > 0; r->started--)
        pthread_join(r->ids[r->started - 1], NULL);
    r->threads = 1;
}

void relay_free(struct relay *r)
{
    if (r == NULL)
        return;
    relay_stop(r);
    pthread_cond_destroy(&r->changed);
    pthread_mutex_destroy(&r->lock);
    free(r->ids);
    free(r->states);
    free(r);
}

#include "store/store_parallel.h"

#include <pthread.h>
#include <stdlib.h>

#include "util/mem.h"

#define THREADS_MAX 64

struct crew {
    pthread_mutex_t lock;
    size_t next;
    size_t count;
    bool stop;
    store_task *task;
    void *ctx;
    int rc; /* of the first failure */
    struct error *err;
};

static bool take(struct crew *crew, size_t *index)
{
    pthread_mutex_lock(&crew->lock);
    bool more = crew->next < crew->count && !(crew->stop && crew->rc != ERR_OK);
    if (more)
        *index = crew->next++;
    pthread_mutex_unlock(&crew->lock);
    return more;
}

static void report(struct crew *crew, int rc, const struct error *why)
{
    pthread_mutex_lock(&crew->lock);
    if (crew->rc == ERR_OK) {
        crew->rc = rc;
        if (crew->err != NULL)
            *crew->err = *why;
    }
    pthread_mutex_unlock(&crew->lock);
}

static void *work(void *arg)
{
    struct crew *crew = arg;
    size_t index;
    while (take(crew, &index)) {
        struct error why = ERROR_INIT;
        int rc = crew->task(crew->ctx, index, &why);
        if (rc != ERR_OK)
            report(crew, rc, &why);
    }
    return NULL;
}

int store_parallel(size_t count, unsigned threads, bool stop, store_task *task, void *ctx,
                   struct error *err)
{
    struct crew crew = {.count = count, .stop = stop, .task = task, .ctx = ctx, .err = err};
    pthread_mutex_init(&crew.lock, NULL);
    pthread_t ids[THREADS_MAX];
    size_t wanted = threads < THREADS_MAX ? threads : THREADS_MAX;
    if (wanted > count)
        wanted = count;
    size_t started = 0;
    /* This thread works too, so that it gets done even where no other can be started. */
    while (started + 1 < wanted && pthread_create(&ids[started], NULL, work, &crew) == 0)
        started++;
    work(&crew);
    for (size_t i = 0; i < started; i++)
        pthread_join(ids[i], NULL);
    pthread_mutex_destroy(&crew.lock);
    return crew.rc;
}

struct put_many {
    struct store *st;
    const char *const *keys;
    const struct store_body *bodies;
    bool *written;
};

static int put_one(void *ctx, size_t i, struct error *err)
{
    struct put_many *p = ctx;
    int rc = p->st->ops->put_new(p->st, p->keys[i], &p->bodies[i], NULL, err);
    p->written[i] = rc == ERR_OK || rc == ERR_UNKNOWN;
    return rc;
}

int store_parallel_put_many(struct store *st, unsigned threads, const char *const *keys,
                            const struct store_body *bodies, size_t count, bool *written,
                            struct error *err)
{
    struct put_many p = {st, keys, bodies, written};
    for (size_t i = 0; i < count; i++)
        written[i] = false;
    return store_parallel(count, threads, true, put_one, &p, err);
}

/*
 * Many statements at once. A COPY of one partition keeps one core busy, so the files of many
 * partitions are written by several connections side by side.
 */
#include <pthread.h>
#include <stdatomic.h>

#include "engine/database.h"

struct batch {
    struct database *database;
    const char *const *statements;
    size_t count;
    atomic_size_t next;
    atomic_bool failed;
    pthread_mutex_t lock; /* of the first error */
    struct error error;
};

struct worker {
    struct batch *batch;
    duckdb_connection connection;
};

static void note_failure(struct batch *b, const struct error *err)
{
    pthread_mutex_lock(&b->lock);
    if (!atomic_load(&b->failed))
        b->error = *err;
    atomic_store(&b->failed, true);
    pthread_mutex_unlock(&b->lock);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct batch *b = w->batch;
    while (!atomic_load(&b->failed)) {
        struct error err = ERROR_INIT;
        size_t i = atomic_fetch_add(&b->next, 1);
        if (i >= b->count)
            break;
        int rc = database_run_on(b->database, w->connection, b->statements[i], &err);
        if (rc != ERR_OK)
            note_failure(b, &err);
    }
    return NULL;
}

int database_run_all(struct database *d, const char *const *statements, size_t count,
                     struct error *err)
{
    struct batch b = {.database = d, .statements = statements, .count = count};
    struct worker workers[DATABASE_WORKERS_MAX] = {{&b, d->workers[0]}};
    pthread_t threads[DATABASE_WORKERS_MAX];
    unsigned started = 0;
    pthread_mutex_init(&b.lock, NULL);
    for (unsigned i = 0; i < d->worker_count && i < count; i++)
        workers[i] = (struct worker){&b, d->workers[i]};
    /* Where no thread can be started, the caller's own does the work. */
    while (started + 1 < d->worker_count && started + 1 < count &&
           pthread_create(&threads[started], NULL, work, &workers[started + 1]) == 0)
        started++;
    if (count > 0)
        work(&workers[0]);
    for (unsigned i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    pthread_mutex_destroy(&b.lock);
    return atomic_load(&b.failed) ? error_pass(err, b.error.code, &b.error) : ERR_OK;
}

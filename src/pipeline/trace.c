#include "pipeline/trace.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/store_trace.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/time.h"

/* Events of one trace; what comes beyond is counted, not kept. */
#define EVENTS_MAX 200000

/* Rows of the picture: steps above, operations below. */
enum track { TRACK_STEPS = 1, TRACK_STORE = 2 };

struct trace {
    pthread_mutex_t lock;
    struct json *events;
    size_t count;
    const char *step; /* that is on; NULL: none */
    int64_t step_began;
};

struct trace *trace_new(void)
{
    struct trace *t = mem_calloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->events = json_new_array();
    return t;
}

void trace_free(struct trace *t)
{
    if (t == NULL)
        return;
    json_free(t->events);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* Append an event that began at a moment and took some time; the lock is held. */
static struct json *add(struct trace *t, const char *name, const char *category, enum track track,
                        int64_t began, int64_t duration)
{
    if (t->count++ >= EVENTS_MAX)
        return NULL;
    struct json *event = json_new_object();
    json_set_string(event, "name", name);
    json_set_string(event, "cat", category);
    json_set_string(event, "ph", "X");
    json_set_integer(event, "ts", began);
    json_set_integer(event, "dur", duration);
    json_set_integer(event, "pid", 1);
    json_set_integer(event, "tid", track);
    json_append(t->events, event);
    return event;
}

static void end_step(struct trace *t, int64_t now)
{
    if (t->step != NULL)
        add(t, t->step, "step", TRACK_STEPS, t->step_began, now - t->step_began);
    t->step = NULL;
}

void trace_step(struct trace *t, enum run_step step)
{
    if (t == NULL)
        return;
    int64_t now = time_now();
    pthread_mutex_lock(&t->lock);
    end_step(t, now);
    t->step = run_step_name(step);
    t->step_began = now;
    pthread_mutex_unlock(&t->lock);
}

static void note_operation(void *ctx, const struct store_trace_event *event)
{
    struct trace *t = ctx;
    pthread_mutex_lock(&t->lock);
    struct json *e =
        add(t, event->operation, "store", TRACK_STORE, event->started, event->duration);
    if (e != NULL) {
        struct json *args = json_new_object();
        json_set_string(args, "key", event->key);
        json_set_unsigned(args, "objects", event->count);
        json_set_unsigned(args, "bytes", event->bytes);
        json_set_string(args, "result", error_name(event->result));
        json_set(e, "args", args);
    }
    pthread_mutex_unlock(&t->lock);
}

struct store *trace_store(struct trace *t, struct store *inner)
{
    return store_trace_new(inner, note_operation, t);
}

int trace_write(struct trace *t, const char *path, struct error *err)
{
    if (t == NULL)
        return ERR_OK;
    struct str text;
    struct json *root = json_new_object();
    str_init(&text, STR_MAX_DEFAULT);
    pthread_mutex_lock(&t->lock);
    end_step(t, time_now());
    json_set_string(root, "displayTimeUnit", "ms");
    json_set(root, "traceEvents", json_copy(t->events));
    pthread_mutex_unlock(&t->lock);
    json_write(root, false, &text);
    int rc = str_check(&text, "the trace", err);
    if (rc == ERR_OK)
        rc = fs_replace(path, text.data, text.len, err);
    str_release(&text);
    json_free(root);
    return rc;
}

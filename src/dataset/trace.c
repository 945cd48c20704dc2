#include "dataset/trace.h"

#include <pthread.h>
#include <stdlib.h>

#include "store/store_trace.h"
#include "util/fs.h"
#include "util/json.h"
#include "util/mem.h"
#include "util/time.h"

/* Events of one trace; what comes beyond is counted, not kept. */
#define EVENTS_MAX 200000

/*
 * Rows of the picture: steps above, operations below. Events of one row must not overlap, so
 * operations that run side by side stand in rows of their own.
 */
#define TRACK_STEPS 1
#define TRACK_STORE 2
#define LANES 64 /* more at once share the last one */

struct trace {
    pthread_mutex_t lock;
    int64_t clock;   /* what the clock said, microseconds since 1970, ... */
    int64_t counter; /* ... when the monotonic one said this: a trace never goes back */
    struct json *events;
    size_t count;
    const char *step; /* that is on; NULL: none */
    int64_t step_began;
    int64_t lane_ends[LANES]; /* when the newest operation of each row ended; 0: none yet */
};

struct trace *trace_new(void)
{
    struct trace *t = mem_calloc(1, sizeof *t);
    pthread_mutex_init(&t->lock, NULL);
    t->events = json_new_array();
    t->clock = time_now();
    t->counter = time_monotonic();
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

static int64_t moment(const struct trace *t)
{
    return t->clock + (time_monotonic() - t->counter);
}

/* Append an event that began at a moment and took some time; the lock is held. */
static struct json *add(struct trace *t, const char *name, const char *category, int track,
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

void trace_step(struct trace *t, const char *step)
{
    if (t == NULL)
        return;
    pthread_mutex_lock(&t->lock);
    int64_t now = moment(t);
    end_step(t, now);
    t->step = step;
    t->step_began = now;
    pthread_mutex_unlock(&t->lock);
}

/* The row of an operation: the first that was free when it began. The lock is held. */
static int take_lane(struct trace *t, int64_t began, int64_t end)
{
    int lane = 0;
    while (lane < LANES - 1 && t->lane_ends[lane] > began)
        lane++;
    t->lane_ends[lane] = end;
    return TRACK_STORE + lane;
}

static void note_operation(void *ctx, const struct store_trace_event *event)
{
    struct trace *t = ctx;
    pthread_mutex_lock(&t->lock);
    int64_t end = moment(t);
    int64_t began = end - event->duration;
    struct json *e =
        add(t, event->operation, "store", take_lane(t, began, end), began, event->duration);
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

/* What viewers call a row, or with track 0 the whole. */
static void add_name(struct json *events, const char *kind, int track, const char *name)
{
    struct json *event = json_new_object();
    struct json *args = json_new_object();
    json_set_string(event, "name", kind);
    json_set_string(event, "ph", "M");
    json_set_integer(event, "pid", 1);
    json_set_integer(event, "tid", track);
    json_set_string(args, "name", name);
    json_set(event, "args", args);
    json_append(events, event);
}

/* The whole as JSON, which takes the events over; the lock is held. */
static struct json *encode(struct trace *t)
{
    struct json *root = json_new_object();
    struct json *events = t->events;
    struct json *other = json_new_object();
    t->events = json_new_array();
    add_name(events, "process_name", 0, "cauce");
    add_name(events, "thread_name", TRACK_STEPS, "steps");
    for (int lane = 0; lane < LANES && t->lane_ends[lane] != 0; lane++)
        add_name(events, "thread_name", TRACK_STORE + lane, "store");
    json_set_string(root, "displayTimeUnit", "ms");
    json_set(root, "traceEvents", events);
    json_set_unsigned(other, "events_left_out", t->count > EVENTS_MAX ? t->count - EVENTS_MAX : 0);
    json_set(root, "otherData", other);
    return root;
}

int trace_write(struct trace *t, const char *path, struct error *err)
{
    if (t == NULL)
        return ERR_OK;
    struct str text;
    str_init(&text, STR_MAX_DEFAULT);
    pthread_mutex_lock(&t->lock);
    end_step(t, moment(t));
    struct json *root = encode(t);
    pthread_mutex_unlock(&t->lock);
    json_write_visible(root, false, &text);
    int rc = str_check(&text, "the trace", err);
    if (rc == ERR_OK)
        rc = fs_replace(path, text.data, text.len, err);
    str_release(&text);
    json_free(root);
    return rc;
}

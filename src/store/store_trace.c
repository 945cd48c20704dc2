#include "store/store_trace.h"

#include <stdlib.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/time.h"

struct store_trace {
    struct store base;
    struct store *inner;
    store_trace_sink *sink;
    void *ctx;
};

/* One operation under way. Its error text is kept even where the caller wants none. */
struct span {
    struct store_trace *trace;
    struct store_trace_event event;
    int64_t begun;
    struct error *err;
    struct error own;
};

static struct store *inner_of(struct store *st)
{
    return ((struct store_trace *)st)->inner;
}

static void span_begin(struct span *span, struct store *st, const char *operation, const char *key,
                       struct error *err)
{
    *span = (struct span){
        .trace = (struct store_trace *)st,
        .event = {.operation = operation, .key = key, .count = 1, .started = time_now()},
        .begun = time_monotonic(),
        .own = ERROR_INIT,
    };
    span->err = err != NULL ? err : &span->own;
}

static void log_event(const struct store_trace_event *event)
{
    struct log_field fields[] = {
        LOG_STR("operation", event->operation),
        LOG_STR("key", event->key),
        LOG_STR("result", error_name(event->result)),
        LOG_INT("bytes", (int64_t)event->bytes),
        LOG_REAL("seconds", (double)event->duration / 1e6),
        LOG_INT("count", (int64_t)event->count),
        event->to != NULL ? LOG_STR("to", event->to) : LOG_END,
        LOG_END,
    };
    log_write(LOG_DEBUG, fields, "store");
}

/* Report the operation and pass its result on. */
static int span_end(struct span *span, int rc, uint64_t bytes)
{
    struct store_trace_event *event = &span->event;
    event->duration = time_monotonic() - span->begun;
    event->result = rc;
    event->bytes = rc == ERR_OK ? bytes : 0;
    event->text = rc == ERR_OK ? "" : span->err->text;
    store_bill_pass(&span->trace->base, span->trace->inner);
    if (log_enabled(LOG_DEBUG))
        log_event(event);
    if (span->trace->sink != NULL)
        span->trace->sink(span->trace->ctx, event);
    return rc;
}

static int trace_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                     struct error *err)
{
    struct span span;
    span_begin(&span, st, "get", key, err);
    size_t before = body->len;
    int rc = store_get(inner_of(st), key, body, tag, span.err);
    return span_end(&span, rc, body->len - before);
}

static int trace_get_file(struct store *st, const char *key, const char *path,
                          struct store_tag *tag, struct error *err)
{
    struct span span;
    struct fs_stat stat = {0};
    span_begin(&span, st, "get_file", key, err);
    int rc = store_get_file(inner_of(st), key, path, tag, span.err);
    if (rc == ERR_OK)
        error_ignore(fs_stat(path, &stat, NULL)); /* a trace may say 0 bytes */
    return span_end(&span, rc, stat.size);
}

static int trace_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    struct span span;
    span_begin(&span, st, "head", key, err);
    return span_end(&span, store_head(inner_of(st), key, info, span.err), 0);
}

static int trace_put_new(struct store *st, const char *key, const struct store_body *body,
                         struct store_tag *tag, struct error *err)
{
    struct span span;
    span_begin(&span, st, "put_new", key, err);
    return span_end(&span, store_put_new(inner_of(st), key, body, tag, span.err), body->size);
}

static int trace_swap(struct store *st, const char *key, const struct store_tag *expected,
                      const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct span span;
    span_begin(&span, st, "swap", key, err);
    int rc = store_swap(inner_of(st), key, expected, body, tag, span.err);
    return span_end(&span, rc, body->size);
}

static int trace_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct span span;
    span_begin(&span, st, "move", move->from, err);
    span.event.to = move->to;
    return span_end(&span, store_move(inner_of(st), move, span.err), 0);
}

/* Counts what a listing shows on its way to the caller. */
struct counted_visit {
    store_visit *visit;
    void *ctx;
    size_t count;
};

static int count_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    struct counted_visit *counted = ctx;
    counted->count++;
    return counted->visit(counted->ctx, entry, err);
}

static int trace_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                      struct error *err)
{
    struct span span;
    struct counted_visit counted = {.visit = visit, .ctx = ctx};
    span_begin(&span, st, "list", prefix, err);
    int rc = store_list(inner_of(st), prefix, count_entry, &counted, span.err);
    span.event.count = counted.count;
    return span_end(&span, rc, 0);
}

static int trace_remove(struct store *st, const char *key, struct error *err)
{
    struct span span;
    span_begin(&span, st, "remove", key, err);
    return span_end(&span, store_remove(inner_of(st), key, span.err), 0);
}

static int trace_remove_many(struct store *st, const char *const *keys, size_t count,
                             size_t *removed, struct error *err)
{
    struct span span;
    span_begin(&span, st, "remove_many", keys[0], err);
    span.event.count = count;
    return span_end(&span, store_remove_many(inner_of(st), keys, count, removed, span.err), 0);
}

static int trace_put_many(struct store *st, const char *const *keys,
                          const struct store_body *bodies, size_t count, bool *written,
                          struct error *err)
{
    struct span span;
    uint64_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += bodies[i].size;
    span_begin(&span, st, "put_many", keys[0], err);
    span.event.count = count;
    int rc = store_put_many(inner_of(st), keys, bodies, count, written, span.err);
    return span_end(&span, rc, bytes);
}

static int trace_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    return store_local_path(inner_of(st), key, path, err);
}

static int trace_probe(struct store *st, struct error *err)
{
    struct span span;
    span_begin(&span, st, "probe", "", err);
    return span_end(&span, store_probe(inner_of(st), span.err), 0);
}

static int trace_describe(struct store *st, struct str *out, struct error *err)
{
    return store_describe(inner_of(st), out, err);
}

static void trace_free(struct store *st)
{
    store_free(inner_of(st));
    free(st->url);
    free(st);
}

static const struct store_ops trace_ops = {
    .get = trace_get,
    .get_file = trace_get_file,
    .head = trace_head,
    .put_new = trace_put_new,
    .swap = trace_swap,
    .move = trace_move,
    .list = trace_list,
    .remove = trace_remove,
    .remove_many = trace_remove_many,
    .put_many = trace_put_many,
    .local_path = trace_local_path,
    .probe = trace_probe,
    .describe = trace_describe,
    .free = trace_free,
};

struct store *store_trace_new(struct store *inner, store_trace_sink *sink, void *ctx)
{
    struct store_trace *trace = mem_calloc(1, sizeof *trace);
    trace->base = (struct store){
        .ops = &trace_ops,
        .traits = inner->traits,
        .bill = inner->bill,
        .url = mem_strdup(inner->url),
    };
    trace->inner = inner;
    trace->sink = sink;
    trace->ctx = ctx;
    return &trace->base;
}

#include "support/store_fault.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

#define DEATH 137

struct planned {
    struct fault fault;
    size_t seen; /* matching operations so far */
};

struct operation {
    enum fault_op op;
    char *key;
};

/* A request under way: everything it needs, copied. */
struct late {
    size_t due; /* number of the operation before which it arrives; 0: only by flush */
    enum fault_op op;
    char *key;
    char *bytes;
    struct store_body body;
    bool has_expected;
    struct store_tag expected;
    char *to, *guard;
    struct store_tag guard_tag;
    struct store_label labels[STORE_LABELS_MAX];
};

struct store_fault {
    struct store base;
    struct store *inner;
    pthread_mutex_t mutex;
    struct planned *plan;
    size_t plan_count, plan_capacity;
    struct operation *operations;
    size_t operation_count, operation_capacity;
    struct late *late;
    size_t late_count, late_capacity;
    size_t fired;
};

/* One operation on its way: what it is, and what shall befall it. */
struct request {
    enum fault_op op;
    const char *key;
    const char *to; /* of a move */
    const struct store_body *body;
    const struct store_tag *expected;
    const struct store_move *move;
    bool fail, lose, late, die, die_after, corrupt;
    size_t later;
    int code;
    const struct fault *call_before;
    const struct fault *call_after;
};

static struct store_fault *self(struct store *st)
{
    return (struct store_fault *)st;
}

struct store *store_fault_inner(struct store *st)
{
    return self(st)->inner;
}

const char *store_fault_op_name(enum fault_op op)
{
    static const char *const names[FAULT_OP_COUNT] = {"any",     "get",        "get_file", "head",
                                                      "put_new", "swap",       "move",     "list",
                                                      "remove",  "local_path", "probe"};
    return names[op];
}

/* ---- Requests that arrive late ------------------------------------------------------------- */

static bool changes(enum fault_op op)
{
    return op == FAULT_PUT_NEW || op == FAULT_SWAP || op == FAULT_MOVE || op == FAULT_REMOVE;
}

/* A fault that could not be prepared would be a test of something else. */
static void must(int rc)
{
    if (rc != ERR_OK)
        abort();
}

/* A body of its own: the local file may be gone when the request arrives. */
static void copy_body(const struct store_body *body, struct late *l)
{
    struct str content;
    str_init(&content, SIZE_MAX / 2);
    if (body->path != NULL)
        must(fs_read(body->path, &content, NULL));
    else
        str_append_bytes(&content, body->bytes, (size_t)body->size);
    l->bytes = str_detach(&content);
    l->body = *body;
    l->body.path = NULL;
    l->body.bytes = l->bytes;
}

static void set_out(struct store_fault *f, const struct request *r)
{
    struct late l = {.op = r->op, .key = mem_strdup(r->key)};
    if (r->body != NULL)
        copy_body(r->body, &l);
    l.has_expected = r->expected != NULL;
    if (r->expected != NULL)
        l.expected = *r->expected;
    if (r->move != NULL) {
        l.to = mem_strdup(r->move->to);
        l.guard = mem_strdup(r->move->guard);
        l.guard_tag = *r->move->guard_tag;
        memcpy(l.labels, r->move->labels, sizeof l.labels);
    }
    pthread_mutex_lock(&f->mutex);
    l.due = r->later > 0 ? f->operation_count + r->later : 0;
    f->late = mem_grow(f->late, f->late_count, &f->late_capacity, sizeof *f->late);
    f->late[f->late_count++] = l;
    pthread_mutex_unlock(&f->mutex);
}

static void late_release(struct late *l)
{
    free(l->key);
    free(l->bytes);
    free(l->to);
    free(l->guard);
}

static void arrive(struct store_fault *f, struct late *l)
{
    const struct store_tag *expected = l->has_expected ? &l->expected : NULL;
    struct store_move move = {.from = l->key,
                              .to = l->to,
                              .expected = expected,
                              .guard = l->guard,
                              .guard_tag = &l->guard_tag};
    memcpy(move.labels, l->labels, sizeof move.labels);
    /* Nobody waits for the answer any more. */
    if (l->op == FAULT_PUT_NEW)
        error_ignore(store_put_new(f->inner, l->key, &l->body, NULL, NULL));
    else if (l->op == FAULT_SWAP)
        error_ignore(store_swap(f->inner, l->key, expected, &l->body, NULL, NULL));
    else if (l->op == FAULT_MOVE)
        error_ignore(store_move(f->inner, &move, NULL));
    else
        error_ignore(store_remove(f->inner, l->key, NULL));
    late_release(l);
}

/* Let arrive what is due at operation `number` (0: all). */
static void deliver(struct store_fault *f, size_t number)
{
    for (;;) {
        struct late l;
        bool found = false;
        pthread_mutex_lock(&f->mutex);
        for (size_t i = 0; !found && i < f->late_count; i++) {
            if (number != 0 && (f->late[i].due == 0 || f->late[i].due > number))
                continue;
            l = f->late[i];
            f->late_count--;
            memmove(&f->late[i], &f->late[i + 1], (f->late_count - i) * sizeof *f->late);
            found = true;
        }
        pthread_mutex_unlock(&f->mutex);
        if (!found)
            return;
        arrive(f, &l);
    }
}

void store_fault_flush(struct store *st)
{
    deliver(self(st), 0);
}

size_t store_fault_pending(struct store *st)
{
    struct store_fault *f = self(st);
    pthread_mutex_lock(&f->mutex);
    size_t count = f->late_count;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

/* ---- The plan ------------------------------------------------------------------------------ */

void store_fault_add(struct store *st, const struct fault *fault)
{
    struct store_fault *f = self(st);
    f->plan = mem_grow(f->plan, f->plan_count, &f->plan_capacity, sizeof *f->plan);
    f->plan[f->plan_count++] = (struct planned){.fault = *fault};
}

size_t store_fault_fired(struct store *st)
{
    struct store_fault *f = self(st);
    pthread_mutex_lock(&f->mutex);
    size_t fired = f->fired;
    pthread_mutex_unlock(&f->mutex);
    return fired;
}

size_t store_fault_count(struct store *st)
{
    struct store_fault *f = self(st);
    pthread_mutex_lock(&f->mutex);
    size_t count = f->operation_count;
    pthread_mutex_unlock(&f->mutex);
    return count;
}

enum fault_op store_fault_operation(struct store *st, size_t i, const char **key)
{
    struct store_fault *f = self(st);
    pthread_mutex_lock(&f->mutex);
    struct operation operation = f->operations[i - 1];
    pthread_mutex_unlock(&f->mutex);
    if (key != NULL)
        *key = operation.key;
    return operation.op;
}

static bool matches(const struct fault *fault, const struct request *r)
{
    if (fault->op != FAULT_ANY && fault->op != r->op)
        return false;
    if (fault->action == FAULT_CORRUPT && r->op != FAULT_GET && r->op != FAULT_GET_FILE)
        return false;
    return fault->key == NULL || strstr(r->key, fault->key) != NULL ||
           (r->to != NULL && strstr(r->to, fault->key) != NULL);
}

static void befall(const struct fault *fault, struct request *r)
{
    bool *const flags[] = {
        [FAULT_FAIL] = &r->fail, [FAULT_LOSE_ANSWER] = &r->lose,    [FAULT_APPLY_LATE] = &r->late,
        [FAULT_DIE] = &r->die,   [FAULT_DIE_AFTER] = &r->die_after, [FAULT_CORRUPT] = &r->corrupt,
    };
    if (fault->action == FAULT_CALL)
        r->call_before = fault;
    else if (fault->action == FAULT_CALL_AFTER)
        r->call_after = fault;
    else
        *flags[fault->action] = true;
    if (fault->code != ERR_OK)
        r->code = fault->code;
    if (fault->action == FAULT_APPLY_LATE)
        r->later = fault->later;
}

/* Count the operation, let arrive what is due before it, and look what befalls it. */
static void begin(struct store_fault *f, struct request *r)
{
    pthread_mutex_lock(&f->mutex);
    f->operations =
        mem_grow(f->operations, f->operation_count, &f->operation_capacity, sizeof *f->operations);
    f->operations[f->operation_count++] = (struct operation){r->op, mem_strdup(r->key)};
    size_t number = f->operation_count;
    for (size_t i = 0; i < f->plan_count; i++) {
        struct planned *p = &f->plan[i];
        if (!matches(&p->fault, r))
            continue;
        p->seen++;
        if (p->fault.at == 0 || p->fault.at == p->seen) {
            f->fired++;
            befall(&p->fault, r);
        }
    }
    pthread_mutex_unlock(&f->mutex);
    deliver(f, number);
    if (r->call_before != NULL)
        r->call_before->call(r->call_before->ctx, f->inner);
    if (r->die)
        _exit(DEATH);
}

static int injected(const struct request *r, int code, const char *what, struct error *err)
{
    return error_set(err, r->code != ERR_OK ? r->code : code, "Injected fault: %s of %s %s.",
                     store_fault_op_name(r->op), r->key, what);
}

/* Is the operation not to be done at all? Then `*rc` is its result. */
static bool prevented(struct store_fault *f, const struct request *r, int *rc, struct error *err)
{
    if (r->fail || (r->late && !changes(r->op))) {
        *rc = injected(r, ERR_AGAIN, "failed", err);
        return true;
    }
    if (r->late) {
        set_out(f, r);
        *rc = injected(r, ERR_UNKNOWN, "is under way", err);
        return true;
    }
    return false;
}

/* What the caller gets to know of the operation, which was done. */
static int finish(struct store_fault *f, const struct request *r, int rc, struct error *err)
{
    store_bill_pass(&f->base, f->inner);
    if (r->die_after)
        _exit(DEATH);
    if (r->call_after != NULL)
        r->call_after->call(r->call_after->ctx, f->inner);
    if (!r->lose)
        return rc;
    error_clear(err);
    return injected(r, changes(r->op) ? ERR_UNKNOWN : ERR_AGAIN, "lost its answer", err);
}

/* ---- Operations ---------------------------------------------------------------------------- */

static int fault_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                     struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_GET, .key = key};
    struct store_tag got = {""};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    size_t before = body->len;
    rc = store_get(f->inner, key, body, &got, err);
    if (rc == ERR_OK && r.corrupt && body->len > before)
        body->data[before + (body->len - before) / 2] ^= 0x20;
    /* A read that fails is cut back by the caller's front. */
    rc = finish(f, &r, rc, err);
    if (rc == ERR_OK)
        store_tag_set(tag, got.text);
    return rc;
}

/* Flip one byte in the middle of a local file. */
static void corrupt_file(const char *path)
{
    struct str content;
    str_init(&content, SIZE_MAX / 2);
    if (fs_read(path, &content, NULL) == ERR_OK && content.len > 0) {
        content.data[content.len / 2] ^= 0x20;
        must(fs_write(path, content.data, content.len, NULL));
    }
    str_release(&content);
}

static int fault_get_file(struct store *st, const char *key, const char *path,
                          struct store_tag *tag, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_GET_FILE, .key = key};
    struct store_tag got = {""};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = store_get_file(f->inner, key, path, &got, err);
    if (rc == ERR_OK && r.corrupt)
        corrupt_file(path);
    rc = finish(f, &r, rc, err);
    if (rc == ERR_OK)
        store_tag_set(tag, got.text);
    return rc;
}

static int fault_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_HEAD, .key = key};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = finish(f, &r, store_head(f->inner, key, info, err), err);
    if (rc != ERR_OK)
        *info = (struct store_info){0};
    return rc;
}

static int fault_put_new(struct store *st, const char *key, const struct store_body *body,
                         struct store_tag *tag, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_PUT_NEW, .key = key, .body = body};
    struct store_tag got = {""};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = finish(f, &r, store_put_new(f->inner, key, body, &got, err), err);
    if (rc == ERR_OK)
        store_tag_set(tag, got.text);
    return rc;
}

static int fault_swap(struct store *st, const char *key, const struct store_tag *expected,
                      const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_SWAP, .key = key, .body = body, .expected = expected};
    struct store_tag got = {""};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = finish(f, &r, store_swap(f->inner, key, expected, body, &got, err), err);
    if (rc == ERR_OK)
        store_tag_set(tag, got.text);
    return rc;
}

static int fault_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_MOVE,
                        .key = move->from,
                        .to = move->to,
                        .expected = move->expected,
                        .move = move};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    return finish(f, &r, store_move(f->inner, move, err), err);
}

/* Keeps a listing back until it is known whether its answer arrives. */
struct kept_list {
    struct store_entry *entries;
    size_t count, capacity;
};

static int keep_entry(void *ctx, const struct store_entry *entry, struct error *err)
{
    (void)err;
    struct kept_list *kept = ctx;
    kept->entries = mem_grow(kept->entries, kept->count, &kept->capacity, sizeof *kept->entries);
    kept->entries[kept->count++] =
        (struct store_entry){.key = mem_strdup(entry->key), .size = entry->size};
    return ERR_OK;
}

static int fault_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                      struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_LIST, .key = prefix};
    struct kept_list kept = {0};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = finish(f, &r, store_list(f->inner, prefix, keep_entry, &kept, err), err);
    for (size_t i = 0; rc == ERR_OK && i < kept.count; i++)
        rc = visit(ctx, &kept.entries[i], err);
    for (size_t i = 0; i < kept.count; i++)
        free(mem_unconst(kept.entries[i].key));
    free(kept.entries);
    return rc;
}

static int fault_remove(struct store *st, const char *key, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_REMOVE, .key = key};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    return finish(f, &r, store_remove(f->inner, key, err), err);
}

static int fault_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_LOCAL_PATH, .key = key};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    rc = finish(f, &r, store_local_path(f->inner, key, path, err), err);
    if (rc != ERR_OK) {
        free(*path);
        *path = NULL;
    }
    return rc;
}

static int fault_probe(struct store *st, struct error *err)
{
    struct store_fault *f = self(st);
    struct request r = {.op = FAULT_PROBE, .key = ""};
    int rc;
    begin(f, &r);
    if (prevented(f, &r, &rc, err))
        return rc;
    return finish(f, &r, store_probe(f->inner, err), err);
}

static int fault_describe(struct store *st, struct str *out, struct error *err)
{
    return store_describe(self(st)->inner, out, err);
}

static void fault_free(struct store *st)
{
    struct store_fault *f = self(st);
    store_free(f->inner);
    for (size_t i = 0; i < f->operation_count; i++)
        free(f->operations[i].key);
    for (size_t i = 0; i < f->late_count; i++)
        late_release(&f->late[i]);
    free(f->operations);
    free(f->late);
    free(f->plan);
    pthread_mutex_destroy(&f->mutex);
    free(st->url);
    free(f);
}

/* Without put_many and remove_many: the front takes them apart, so that each part can fail. */
static const struct store_ops fault_ops = {
    .get = fault_get,
    .get_file = fault_get_file,
    .head = fault_head,
    .put_new = fault_put_new,
    .swap = fault_swap,
    .move = fault_move,
    .list = fault_list,
    .remove = fault_remove,
    .local_path = fault_local_path,
    .probe = fault_probe,
    .describe = fault_describe,
    .free = fault_free,
};

struct store *store_fault_new(struct store *inner)
{
    struct store_fault *f = mem_calloc(1, sizeof *f);
    f->base = (struct store){
        .ops = &fault_ops,
        .traits = inner->traits,
        .bill = inner->bill,
        .url = mem_strdup(inner->url),
    };
    /* One after the other, or the k-th operation would be another one in every run. */
    f->base.traits.parallel = 0;
    f->inner = inner;
    pthread_mutex_init(&f->mutex, NULL);
    return &f->base;
}

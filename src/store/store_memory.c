#include "store/store_memory.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

struct object {
    char *key;
    char *bytes;
    size_t size;
    uint64_t number; /* the tag: given once, to one state of one object */
    struct store_label labels[STORE_LABELS_MAX];
};

/* The objects of one name, in byte order of their keys. */
struct space {
    char *name;         /* NULL: of one store alone */
    struct space *next; /* in the registry */
    pthread_mutex_t mutex;
    struct object *objects;
    size_t count;
    size_t capacity;
    uint64_t last_number;
};

struct store_memory {
    struct store base;
    struct space *space;
};

/* Named memory, for the life of the process. */
static struct space *registry;
static pthread_mutex_t registry_mutex = PTHREAD_MUTEX_INITIALIZER;

static struct space *space_new(const char *name)
{
    struct space *space = mem_calloc(1, sizeof *space);
    space->name = mem_strdup(name);
    pthread_mutex_init(&space->mutex, NULL);
    return space;
}

static void space_free(struct space *space)
{
    for (size_t i = 0; i < space->count; i++) {
        free(space->objects[i].key);
        free(space->objects[i].bytes);
    }
    free(space->objects);
    pthread_mutex_destroy(&space->mutex);
    free(space->name);
    free(space);
}

static struct space *space_named(const char *name)
{
    pthread_mutex_lock(&registry_mutex);
    struct space *space = registry;
    while (space != NULL && strcmp(space->name, name) != 0)
        space = space->next;
    if (space == NULL) {
        space = space_new(name);
        space->next = registry;
        registry = space;
    }
    pthread_mutex_unlock(&registry_mutex);
    return space;
}

static struct space *lock(struct store *st)
{
    struct space *space = ((struct store_memory *)st)->space;
    pthread_mutex_lock(&space->mutex);
    return space;
}

static void unlock(struct space *space)
{
    pthread_mutex_unlock(&space->mutex);
}

/* Index of the first object whose key is not below `key`. */
static size_t position(const struct space *space, const char *key)
{
    size_t low = 0;
    size_t high = space->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(space->objects[middle].key, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static struct object *find(const struct space *space, const char *key)
{
    size_t i = position(space, key);
    if (i == space->count || strcmp(space->objects[i].key, key) != 0)
        return NULL;
    return &space->objects[i];
}

/* The object of this key, made where there is none. Pointers to objects are invalid afterwards. */
static struct object *find_or_make(struct space *space, const char *key)
{
    size_t i = position(space, key);
    if (i < space->count && strcmp(space->objects[i].key, key) == 0)
        return &space->objects[i];
    space->objects =
        mem_grow(space->objects, space->count, &space->capacity, sizeof *space->objects);
    memmove(&space->objects[i + 1], &space->objects[i],
            (space->count - i) * sizeof *space->objects);
    space->objects[i] = (struct object){.key = mem_strdup(key)};
    space->count++;
    return &space->objects[i];
}

static void drop(struct space *space, struct object *object)
{
    size_t i = (size_t)(object - space->objects);
    free(object->key);
    free(object->bytes);
    space->count--;
    memmove(&space->objects[i], &space->objects[i + 1],
            (space->count - i) * sizeof *space->objects);
}

/* `tag` may be NULL. */
static void tag_of(const struct object *object, struct store_tag *tag)
{
    char *text = mem_printf("%llu", (unsigned long long)object->number);
    store_tag_set(tag, text);
    free(text);
}

static bool carries(const struct object *object, const struct store_tag *tag)
{
    struct store_tag now;
    tag_of(object, &now);
    return store_tag_equal(&now, tag);
}

/* Is the object (NULL: none) in the expected state (NULL: absent)? */
static bool as_expected(const struct object *object, const struct store_tag *expected)
{
    if (expected == NULL || object == NULL)
        return expected == NULL && object == NULL;
    return carries(object, expected);
}

static int absent(const struct store *st, const char *key, struct error *err)
{
    return error_set(err, ERR_ABSENT, "There is no object %s in %s.", key, st->url);
}

static int memory_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                      struct error *err)
{
    store_count_request(st, &st->bill.gets);
    struct space *space = lock(st);
    const struct object *object = find(space, key);
    int rc = ERR_OK;
    if (object == NULL) {
        rc = absent(st, key, err);
        goto out;
    }
    str_append_bytes(body, object->bytes, object->size);
    rc = str_check(body, key, err);
    if (rc != ERR_OK)
        goto out;
    tag_of(object, tag);
    store_count(&st->bill.bytes_read, object->size);
out:
    unlock(space);
    return rc;
}

static int memory_get_file(struct store *st, const char *key, const char *path,
                           struct store_tag *tag, struct error *err)
{
    struct str body;
    str_init(&body, SIZE_MAX / 2);
    int rc = memory_get(st, key, &body, tag, err);
    if (rc == ERR_OK)
        rc = fs_write(path, body.data, body.len, err);
    str_release(&body);
    return rc;
}

static int memory_head(struct store *st, const char *key, struct store_info *info,
                       struct error *err)
{
    store_count_request(st, &st->bill.heads);
    struct space *space = lock(st);
    const struct object *object = find(space, key);
    int rc = ERR_OK;
    if (object == NULL) {
        rc = absent(st, key, err);
    } else {
        info->size = object->size;
        tag_of(object, &info->tag);
        memcpy(info->labels, object->labels, sizeof info->labels);
    }
    unlock(space);
    return rc;
}

/* A copy of what the body holds, checked against its size and digest. */
static int take_content(const struct store_body *body, const char *key, struct str *out,
                        struct error *err)
{
    if (body->path == NULL) {
        str_append_bytes(out, body->bytes, (size_t)body->size);
    } else {
        int rc = fs_read(body->path, out, err);
        if (rc == ERR_ABSENT) {
            error_set(err, ERR_SYSTEM, "The local file %s for %s is gone.", body->path, key);
            rc = error_tell(err, ERR_SYSTEM, ERROR_UNCHANGED, NULL);
        }
        if (rc != ERR_OK)
            return rc;
    }
    char sha256[SHA256_HEX_SIZE];
    sha256_hex(out->data, out->len, sha256);
    return store_body_verify(body, key, out->len, sha256, err);
}

/* Store the body at the key if the object there is as expected. */
static int replace(struct store *st, const char *key, const struct store_tag *expected,
                   const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct str content;
    str_init(&content, SIZE_MAX / 2);
    int rc = take_content(body, key, &content, err);
    if (rc != ERR_OK) {
        str_release(&content);
        return rc;
    }
    struct space *space = lock(st);
    if (as_expected(find(space, key), expected)) {
        struct object *object = find_or_make(space, key);
        free(object->bytes);
        object->size = content.len;
        object->bytes = str_detach(&content);
        object->number = ++space->last_number;
        memcpy(object->labels, body->labels, sizeof object->labels);
        tag_of(object, tag);
        store_count(&st->bill.bytes_written, body->size);
    } else {
        error_set(err, ERR_CONFLICT, "%s in %s is not in the expected state.", key, st->url);
        rc = error_tell(err, ERR_CONFLICT, ERROR_UNCHANGED, NULL);
    }
    unlock(space);
    str_release(&content);
    return rc;
}

static int memory_put_new(struct store *st, const char *key, const struct store_body *body,
                          struct store_tag *tag, struct error *err)
{
    store_count_request(st, &st->bill.puts);
    return replace(st, key, NULL, body, tag, err);
}

static int memory_swap(struct store *st, const char *key, const struct store_tag *expected,
                       const struct store_body *body, struct store_tag *tag, struct error *err)
{
    store_count_request(st, &st->bill.swaps);
    return replace(st, key, expected, body, tag, err);
}

static int memory_move(struct store *st, const struct store_move *move, struct error *err)
{
    store_count_request(st, &st->bill.moves);
    struct space *space = lock(st);
    const struct object *guard = find(space, move->guard);
    int rc = ERR_OK;
    if (guard == NULL || !carries(guard, move->guard_tag)) {
        rc = error_set(err, ERR_CONFLICT, "%s is not in the expected state. %s was not moved.",
                       move->guard, move->from);
    } else if (find(space, move->from) == NULL) {
        rc = absent(st, move->from, err);
    } else if (!as_expected(find(space, move->to), move->expected)) {
        rc = error_set(err, ERR_CONFLICT, "%s is not in the expected state. %s was not moved.",
                       move->to, move->from);
    } else {
        struct object *to = find_or_make(space, move->to);
        struct object *from = find(space, move->from);
        free(to->bytes);
        to->bytes = from->bytes;
        to->size = from->size;
        to->number = ++space->last_number;
        memcpy(to->labels, move->labels, sizeof to->labels);
        from->bytes = NULL;
        drop(space, from);
    }
    unlock(space);
    return rc;
}

static int memory_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                       struct error *err)
{
    store_count_request(st, &st->bill.lists);
    /* Copied first: `visit` may use the store. */
    struct space *space = lock(st);
    size_t begin = position(space, prefix);
    size_t count = 0;
    while (begin + count < space->count && str_starts(space->objects[begin + count].key, prefix))
        count++;
    struct store_entry *found = mem_calloc(count, sizeof *found);
    for (size_t i = 0; i < count; i++) {
        found[i].key = mem_strdup(space->objects[begin + i].key);
        found[i].size = space->objects[begin + i].size;
    }
    unlock(space);
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < count; i++)
        rc = visit(ctx, &found[i], err);
    for (size_t i = 0; i < count; i++)
        free(mem_unconst(found[i].key));
    free(found);
    return rc;
}

static int memory_remove(struct store *st, const char *key, struct error *err)
{
    (void)err;
    store_count_request(st, &st->bill.deletes);
    struct space *space = lock(st);
    struct object *object = find(space, key);
    if (object != NULL)
        drop(space, object);
    unlock(space);
    return ERR_OK;
}

static void memory_free(struct store *st)
{
    struct store_memory *memory = (struct store_memory *)st;
    if (memory->space->name == NULL)
        space_free(memory->space);
    free(st->url);
    free(memory);
}

static const struct store_ops memory_ops = {
    .get = memory_get,
    .get_file = memory_get_file,
    .head = memory_head,
    .put_new = memory_put_new,
    .swap = memory_swap,
    .move = memory_move,
    .list = memory_list,
    .remove = memory_remove,
    .free = memory_free,
};

int store_memory_open(const char *name, struct store **out, struct error *err)
{
    (void)err;
    struct store_memory *memory = mem_calloc(1, sizeof *memory);
    memory->base = (struct store){
        .ops = &memory_ops,
        .traits = {.kind = "memory",
                   .compare_and_swap = true,
                   .labels = true,
                   .guarded_move = true},
        .url = mem_printf("memory:%s", name),
    };
    memory->space = name[0] == '\0' ? space_new(NULL) : space_named(name);
    *out = &memory->base;
    return ERR_OK;
}

int store_memory_open_url(const char *url, const struct store_options *options, struct store **out,
                          struct error *err)
{
    (void)options;
    return store_memory_open(url + strlen("memory:"), out, err);
}

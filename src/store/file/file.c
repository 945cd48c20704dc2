#include "store/file/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/file/content.h"
#include "store/file/root.h"
#include "store/file/state.h"
#include "store/file/where.h"
#include "store/store_backend.h"
#include "store/store_parallel.h"
#include "store/store_probe.h"
#include "util/fs.h"
#include "util/hex.h"
#include "util/mem.h"
#include "util/str.h"
#include "util/time.h"

/*
 * How often a write begins again because others remove its folder at the same moment; and after how
 * many attempts it takes the lock, under which no store removes a folder.
 */
#define WRITE_TRIES 100
#define WRITE_PATIENCE 8
#define WRITE_PAUSE 50 /* microseconds more before each attempt, to get out of step with others */

/*
 * Objects created at once by put_many. Each waits for the disk several times, and a file system
 * syncs in one go what waits together: 658 files took 0.6 s on ext4, and 5 s one by one.
 */
#define PUT_THREADS 8

struct store_file {
    struct store base;
    struct file_root root;
    /* Once a file could not be synced, a second fsync of it would lie: copy from then on. */
    atomic_bool copy_only;
    bool prove; /* the probe makes and deletes objects */
};

static struct store_file *self(struct store *st)
{
    return (struct store_file *)st;
}

/* The lock file of network file systems is not an object. */
static int refuse_lock(const char *key, struct error *err)
{
    if (strcmp(key, FS_LOCK_FILE) != 0)
        return ERR_OK;
    error_set(err, ERR_CONFIG, "%s cannot be the key of an object: it is the lock of the store.",
              key);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, NULL);
}

/* ---- Reading ------------------------------------------------------------------------------- */

/* Count a request to read an object, and open it; the caller closes `*fd` on success. */
static int begin_get(struct store *st, const char *key, int *fd, struct error *err)
{
    store_count_request(st, &st->bill.gets);
    int rc = refuse_lock(key, err);
    return rc == ERR_OK ? file_content_open(&self(st)->root, key, fd, NULL, err) : rc;
}

static int file_get(struct store *st, const char *key, struct str *body, struct store_tag *tag,
                    struct error *err)
{
    struct store_file *fs = self(st);
    int fd;
    int rc = begin_get(st, key, &fd, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t size;
    rc = file_content_read(&fs->root, fd, key, body, -1, NULL, tag, &size, err);
    close(fd);
    if (rc == ERR_OK)
        store_count(&st->bill.bytes_read, size);
    return rc;
}

static int file_get_file(struct store *st, const char *key, const char *path, struct store_tag *tag,
                         struct error *err)
{
    struct store_file *fs = self(st);
    int fd;
    int rc = begin_get(st, key, &fd, err);
    if (rc != ERR_OK)
        return rc;
    uint64_t size;
    /* New, never written through: the path may be another name of something. */
    int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (out < 0)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot create %s, a local copy of %s", path,
                             key);
    else
        rc = file_content_read(&fs->root, fd, key, NULL, out, path, tag, &size, err);
    if (out >= 0 && close(out) != 0 && errno != EINTR && rc == ERR_OK)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot write %s, a local copy of %s", path,
                             key);
    close(fd);
    if (rc == ERR_OK)
        store_count(&st->bill.bytes_read, size);
    return rc;
}

static int file_head(struct store *st, const char *key, struct store_info *info, struct error *err)
{
    struct store_file *fs = self(st);
    store_count_request(st, &st->bill.heads);
    struct file_place place;
    int rc = refuse_lock(key, err);
    if (rc == ERR_OK)
        rc = file_root_enter(&fs->root, key, FILE_LOOK, &place, err);
    if (rc != ERR_OK)
        return rc;
    struct stat seen;
    rc = file_look(&fs->root, &place, key, &seen, err);
    file_place_leave(&place);
    if (rc == ERR_OK) {
        info->size = (uint64_t)seen.st_size;
        file_stat_tag(&seen, &info->tag);
    }
    return rc;
}

static int file_list(struct store *st, const char *prefix, store_visit *visit, void *ctx,
                     struct error *err)
{
    store_count_request(st, &st->bill.lists);
    return file_root_list(&self(st)->root, prefix, visit, ctx, err);
}

static int file_local_path(struct store *st, const char *key, char **path, struct error *err)
{
    struct store_file *fs = self(st);
    int fd;
    int rc = refuse_lock(key, err);
    if (rc == ERR_OK)
        rc = file_content_open(&fs->root, key, &fd, NULL, err);
    if (rc != ERR_OK)
        return rc;
    close(fd);
    *path = fs_join(fs->root.path, key);
    return ERR_OK;
}

/* ---- Creating and replacing ---------------------------------------------------------------- */

/*
 * A file that is given away gets a temporary name before that of the object; in between gc may take
 * it for what an interrupted write left and delete it. Held open, its bytes can still be copied.
 */
struct held {
    int fd;
    char path[32]; /* by descriptor: proc(5) */
    struct store_body body;
};

static void hold(const struct store_body *body, struct held *h)
{
    h->fd = body->given ? open(body->path, O_RDONLY | O_CLOEXEC) : -1;
    h->body = *body;
    if (h->fd < 0)
        return;
    snprintf(h->path, sizeof h->path, "/proc/self/fd/%d", h->fd);
    h->body.path = h->path;
    h->body.given = false;
}

static void let_go(struct held *h)
{
    if (h->fd >= 0)
        close(h->fd);
}

/* Put the body on disk under its temporary name: moved where that is as good, else copied. */
static int prepare(struct store_file *fs, const char *key, const struct store_body *body,
                   const struct held *held, const struct file_temp *temp, bool *vanished,
                   struct error *err)
{
    if (body->given && !atomic_load(&fs->copy_only)) {
        bool moved;
        bool unsafe;
        int rc = file_temp_move(&fs->root, key, body, temp, &moved, &unsafe, err);
        if (unsafe)
            atomic_store(&fs->copy_only, true);
        if (moved || rc != ERR_OK)
            return rc;
    }
    return file_temp_write(&fs->root, key, &held->body, temp, vanished, err);
}

/* One attempt at an object in its open folder, which must not have that name yet. */
static int create_in(struct store_file *fs, const struct file_place *place, const char *key,
                     const struct store_body *body, const struct held *held, bool *vanished,
                     struct error *err)
{
    struct stat st;
    struct file_temp temp;
    if (fstatat(place->folder, place->name, &st, AT_SYMLINK_NOFOLLOW) == 0)
        return file_conflict(&fs->root, key, err); /* spares the writing; link(2) is what decides */
    file_temp_name(&fs->root, place, key, &temp);
    int rc = prepare(fs, key, body, held, &temp, vanished, err);
    if (rc == ERR_OK)
        rc = file_publish_new(&fs->root, &temp, place, key, vanished, err);
    return rc;
}

/* Create an object; its folders may be removed by others until something lies in them. */
static int create(struct store_file *fs, const char *key, const struct store_body *body,
                  struct error *err)
{
    bool vanished = true;
    int rc = ERR_OK;
    struct fs_lock lock = FS_LOCK_NONE;
    struct held held;
    hold(body, &held);
    for (int tries = 0; vanished && tries < WRITE_TRIES; tries++) {
        struct file_place place;
        vanished = false;
        time_sleep((int64_t)tries * WRITE_PAUSE);
        rc = tries == WRITE_PATIENCE ? file_root_lock(&fs->root, &lock, err) : ERR_OK;
        if (rc != ERR_OK)
            break;
        rc = file_root_enter(&fs->root, key, FILE_CREATE, &place, err);
        if (rc == ERR_OK)
            rc = create_in(fs, &place, key, body, &held, &vanished, err);
        else
            vanished = rc == ERR_ABSENT;
        file_place_leave(&place);
    }
    fs_unlock(&lock);
    let_go(&held);
    return vanished ? file_vanished(&fs->root, key, err) : rc;
}

static int file_put_new(struct store *st, const char *key, const struct store_body *body,
                        struct store_tag *tag, struct error *err)
{
    store_count_request(st, &st->bill.puts);
    int rc = refuse_lock(key, err);
    if (rc == ERR_OK)
        rc = create(self(st), key, body, err);
    if (rc == ERR_OK) {
        store_tag_set(tag, body->sha256);
        store_count(&st->bill.bytes_written, body->size);
    }
    return rc;
}

static int file_put_many(struct store *st, const char *const *keys, const struct store_body *bodies,
                         size_t count, bool *written, struct error *err)
{
    return store_parallel_put_many(st, PUT_THREADS, keys, bodies, count, written, err);
}

static int replace_locked(struct store_file *fs, const char *key, const struct store_tag *expected,
                          const struct store_body *body, struct error *err)
{
    int rc = file_compare_locked(&fs->root, key, expected, err);
    if (rc != ERR_OK)
        return rc;
    struct file_place place;
    struct file_temp temp;
    bool vanished = false;
    rc = file_root_enter(&fs->root, key, FILE_CHANGE, &place, err);
    if (rc != ERR_OK)
        return rc == ERR_ABSENT ? file_conflict(&fs->root, key, err) : rc;
    file_temp_name(&fs->root, &place, key, &temp);
    struct held held;
    hold(body, &held);
    rc = prepare(fs, key, body, &held, &temp, &vanished, err);
    let_go(&held);
    if (rc == ERR_OK)
        rc = file_publish_over(&fs->root, &temp, &place, key, err);
    else if (vanished)
        rc = file_vanished(&fs->root, key, err);
    file_place_leave(&place);
    return rc;
}

static int file_swap(struct store *st, const char *key, const struct store_tag *expected,
                     const struct store_body *body, struct store_tag *tag, struct error *err)
{
    struct store_file *fs = self(st);
    store_count_request(st, &st->bill.swaps);
    struct fs_lock lock = FS_LOCK_NONE;
    int rc = refuse_lock(key, err);
    /* Creating needs no lock: link(2) decides, and whoever replaces or removes finds it or not. */
    if (rc == ERR_OK && expected == NULL)
        rc = create(fs, key, body, err);
    if (rc == ERR_OK && expected != NULL) {
        rc = file_root_lock(&fs->root, &lock, err);
        if (rc == ERR_OK) {
            rc = replace_locked(fs, key, expected, body, err);
            fs_unlock(&lock);
        }
    }
    if (rc == ERR_OK) {
        store_tag_set(tag, body->sha256);
        store_count(&st->bill.bytes_written, body->size);
    }
    return rc;
}

/* ---- Moving and removing ------------------------------------------------------------------- */

static int file_move(struct store *st, const struct store_move *move, struct error *err)
{
    struct store_file *fs = self(st);
    store_count_request(st, &st->bill.moves);
    const char *keys[] = {move->from, move->to, move->guard};
    int rc = ERR_OK;
    for (size_t i = 0; rc == ERR_OK && i < 3; i++)
        rc = refuse_lock(keys[i], err);
    struct fs_lock lock;
    if (rc == ERR_OK)
        rc = file_root_lock(&fs->root, &lock, err);
    if (rc != ERR_OK)
        return rc;
    rc = file_move_locked(&fs->root, move, err);
    fs_unlock(&lock);
    return rc;
}

static int file_remove(struct store *st, const char *key, struct error *err)
{
    struct store_file *fs = self(st);
    store_count_request(st, &st->bill.deletes);
    int rc = refuse_lock(key, err);
    struct fs_lock lock;
    /* The lock, because a swap that compared before the removal must not bring the object back. */
    if (rc == ERR_OK)
        rc = file_root_lock(&fs->root, &lock, err);
    if (rc != ERR_OK)
        return rc;
    rc = file_remove_locked(&fs->root, key, err);
    fs_unlock(&lock);
    return rc;
}

/* ---- Opening ------------------------------------------------------------------------------- */

/* A local file system keeps its promises: proven only where somebody asks. */
static int file_probe(struct store *st, struct error *err)
{
    struct store_dialect dialect;
    if (!self(st)->prove)
        return ERR_OK;
    return store_probe_prove(&(struct store_subject){.store = st}, &dialect, err);
}

static void file_free(struct store *st)
{
    struct store_file *fs = self(st);
    file_root_release(&fs->root);
    free(st->url);
    free(fs);
}

static const struct store_ops file_ops = {
    .get = file_get,
    .get_file = file_get_file,
    .head = file_head,
    .put_new = file_put_new,
    .swap = file_swap,
    .move = file_move,
    .list = file_list,
    .remove = file_remove,
    .put_many = file_put_many,
    .local_path = file_local_path,
    .probe = file_probe,
    .free = file_free,
};

static int refuse_network(const char *path, struct error *err)
{
    bool network;
    const char *kind;
    int rc = fs_is_network(path, &network, &kind, err);
    if (rc != ERR_OK || !network)
        return rc;
    error_set(err, ERR_GATE,
              "The folder %s is on a network file system (%s), whose locks and renames may not "
              "keep what a store promises.",
              path, kind);
    return error_tell(err, ERR_GATE, ERROR_UNCHANGED,
                      "Use a local folder or s3://, or allow network file systems explicitly.");
}

/* What may not be examined is not absent: taking it for absent would create it anew. */
static int look_at(const char *path, struct error *err)
{
    struct fs_stat st;
    int rc = fs_stat(path, &st, err);
    if (rc == ERR_ABSENT)
        return error_set(err, rc, "There is no folder %s.", path);
    if (rc == ERR_DENIED)
        error_tell(err, rc, ERROR_UNCHANGED, "Check the permissions of the folders above it.");
    return rc;
}

int store_file_open(const char *path, const struct store_options *options, struct store **out,
                    struct error *err)
{
    *out = NULL;
    int rc = file_where_check(path, err);
    if (rc == ERR_OK && options->create)
        rc = fs_make_folders(path, true, err);
    if (rc == ERR_OK)
        rc = look_at(path, err);
    if (rc == ERR_OK && !options->allow_network_filesystem)
        rc = refuse_network(path, err);
    if (rc != ERR_OK)
        return rc;
    struct store_file *fs = mem_calloc(1, sizeof *fs);
    rc = file_root_open(&fs->root, path, err);
    if (rc != ERR_OK) {
        free(fs);
        return rc;
    }
    fs->prove = options->prove;
    fs->base = (struct store){
        .ops = &file_ops,
        .traits = {.kind = "file",
                   .compare_and_swap = true,
                   .local_paths = true,
                   .guarded_move = true},
        .url = mem_printf("file://%s", fs->root.path),
    };
    *out = &fs->base;
    return ERR_OK;
}

int store_file_open_url(const char *url, const struct store_options *options, struct store **out,
                        struct error *err)
{
    const char *rest = url + strlen("file:");
    if (str_starts(rest, "//")) {
        rest += 2;
        if (str_starts(rest, "localhost/"))
            rest += strlen("localhost");
    }
    if (rest[0] != '/')
        return error_set(
            err, ERR_CONFIG,
            "The store %s is not the URL of a local folder: write file:///path/to/folder, "
            "or the plain path.",
            url);
    char *path = hex_percent_decode(rest);
    if (path == NULL)
        return error_set(
            err, ERR_CONFIG,
            "The store %s has a \"%%\" that is not followed by two hex digits: write a "
            "per cent sign as %%25, or give the plain path.",
            url);
    int rc = store_file_open(path, options, out, err);
    free(path);
    return rc;
}

#include "dataset/dataset.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "catalog/recall.h"
#include "util/fs.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/stop.h"

void dataset_init(struct dataset *d, struct store *store, const char *id,
                  const struct config *config, const struct limits *limits)
{
    *d = (struct dataset){
        .store = store, .id = id, .config = config, .limits = *limits, .work = WORKDIR_NONE};
}

void dataset_release(struct dataset *d)
{
    stop_on_request(NULL, NULL);
    engine_free(d->engine);
    d->engine = NULL;
    workdir_remove(&d->work);
    for (size_t i = 0; i < d->file_count; i++)
        free(d->files[i]);
    free(d->files);
    d->files = NULL;
    d->file_count = 0;
    d->file_capacity = 0;
}

void dataset_allow(struct dataset *d, const char *path)
{
    d->files = mem_grow(d->files, d->file_count, &d->file_capacity, sizeof *d->files);
    d->files[d->file_count++] = mem_strdup(path);
}

int dataset_check_pointer(struct dataset *d, const struct base *base, struct error *err)
{
    struct witness w;
    recall_load(d->memory, d->place, &base->pointer, &w);
    int rc = witness_check(d->store, base, &w, err);
    if (rc == ERR_OK)
        dataset_remember(d, &base->pointer);
    return rc;
}

void dataset_remember(const struct dataset *d, const struct pointer *p)
{
    recall_save(d->memory, d->place, p);
}

int dataset_workdir(struct dataset *d, struct error *err)
{
    if (d->work.path != NULL)
        return ERR_OK;
    return workdir_create(d->limits.temp, &d->work, err);
}

/* The folder of a local store, as a new string; NULL where objects are not files. */
static int local_root(struct dataset *d, char **root, struct error *err)
{
    *root = NULL;
    if (!d->store->traits.local_paths)
        return ERR_OK;
    char *path;
    int rc = store_local_path(d->store, LAYOUT_POINTER, &path, err);
    if (rc == ERR_OK) {
        path[strlen(path) - strlen("/" LAYOUT_POINTER)] = '\0';
        *root = path;
    }
    return rc;
}

static void interrupt(void *ctx)
{
    engine_interrupt(ctx);
}

/* Below that a thread of DuckDB may fail where it should spill. */
#define MEMORY_PER_THREAD ((uint64_t)64 << 20)

static unsigned threads_within(const struct limits *limits)
{
    uint64_t most = limits->memory / MEMORY_PER_THREAD;
    if (limits->memory == 0 || most >= limits->threads)
        return limits->threads;
    return most == 0 ? 1 : (unsigned)most;
}

int dataset_engine(struct dataset *d, uint64_t key_seed, struct error *err)
{
    if (d->engine != NULL)
        return ERR_OK;
    char *root = NULL;
    int rc = dataset_workdir(d, err);
    if (rc == ERR_OK)
        rc = local_root(d, &root, err);
    if (rc == ERR_OK) {
        const char *folders[1] = {root};
        struct engine_options options = {
            .library = d->limits.library,
            .workdir = d->work.path,
            .memory = d->limits.memory,
            .threads = threads_within(&d->limits),
            .key_seed = key_seed,
            .folders = folders,
            .folder_count = root != NULL ? 1 : 0,
            .files = (const char *const *)d->files,
            .file_count = d->file_count,
        };
        rc = engine_open(&options, &d->engine, err);
    }
    if (rc == ERR_OK)
        stop_on_request(interrupt, d->engine);
    free(root);
    return rc;
}

char *dataset_scratch(struct dataset *d, const char *suffix)
{
    return mem_printf("%s/%llu%s", d->work.path, d->work.next++, suffix);
}

/* Is the local file what a manifest says? */
static int compare(const char *key, const char *path, uint64_t size, const char *sha256,
                   struct error *err)
{
    char found[SHA256_HEX_SIZE];
    uint64_t bytes;
    int rc = sha256_file(path, found, &bytes, err);
    if (rc != ERR_OK)
        return rc;
    if (bytes == size && strcmp(found, sha256) == 0)
        return ERR_OK;
    return error_set(err, ERR_DAMAGED,
                     "%s is damaged: it has %llu bytes with SHA-256 %s, its manifest says %llu "
                     "bytes with %s. Restore the file from a copy; `cauce verify --data` lists all "
                     "that is damaged.",
                     key, (unsigned long long)bytes, found, (unsigned long long)size, sha256);
}

/* Named by content, so the same object is downloaded once. */
static char *download_path(const struct dataset *d, const char *sha256)
{
    return mem_printf("%s/%s.parquet", d->work.path, sha256);
}

/* Several threads may want the same content at once: it gets its name when it is whole. */
static int download(struct dataset *d, const char *key, const char *path, struct error *err)
{
    char id[ID_SIZE];
    id_new(id);
    char *part = mem_printf("%s.%s", path, id);
    int rc = store_get_file(d->store, key, part, NULL, err);
    if (rc == ERR_OK && rename(part, path) != 0) {
        rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot rename %s", part);
        fs_discard(part);
    }
    free(part);
    return rc;
}

int dataset_fetch(struct dataset *d, const char *key, uint64_t size, const char *sha256,
                  char **path, struct error *err)
{
    *path = NULL;
    int rc = dataset_workdir(d, err);
    if (rc != ERR_OK)
        return rc;
    if (d->store->traits.local_paths) {
        rc = store_local_path(d->store, key, path, err);
    } else {
        *path = download_path(d, sha256);
        if (!fs_exists(*path))
            rc = download(d, key, *path, err);
    }
    if (rc == ERR_OK && d->store->traits.local_paths && !fs_exists(*path))
        rc = error_set(err, ERR_ABSENT, "%s is missing. `cauce verify` lists all that is missing.",
                       key);
    if (rc == ERR_OK)
        rc = compare(key, *path, size, sha256, err);
    /* Asked for again it is read again: by then it may have been healed. */
    if (rc == ERR_DAMAGED && !d->store->traits.local_paths)
        fs_discard(*path);
    if (rc != ERR_OK) {
        free(*path);
        *path = NULL;
    }
    return rc;
}

int dataset_fetch_event(struct dataset *d, const char *key, uint64_t size, const char *sha256,
                        char **path, struct error *err)
{
    int rc = dataset_fetch(d, key, size, sha256, path, err);
    if (rc != ERR_ABSENT)
        return rc;
    return error_set(err, ERR_DAMAGED,
                     "%s is missing although a published version names it. Restore the file from a "
                     "copy; `cauce verify` lists all that is missing.",
                     key);
}

void dataset_keep(struct dataset *d, const char *path, const char *sha256)
{
    if (d->store->traits.local_paths || d->work.path == NULL)
        return;
    char *kept = download_path(d, sha256);
    if (link(path, kept) != 0 && errno != EEXIST) {
        struct error why = ERROR_INIT;
        error_set_errno(&why, ERR_SYSTEM, errno, "%s is not kept", path);
        log_debug("%s", why.text);
    }
    free(kept);
}

struct prefetch {
    struct dataset *d;
    const struct wanted *wanted;
};

static int prefetch_one(void *ctx, size_t i, struct error *err)
{
    struct prefetch *p = ctx;
    struct error why = ERROR_INIT;
    int rc = stop_check(err);
    if (rc != ERR_OK)
        return rc;
    char *path = download_path(p->d, p->wanted[i].sha256);
    if (!fs_exists(path))
        rc = download(p->d, p->wanted[i].key, path, &why);
    free(path);
    if (rc == ERR_OK || rc == ERR_ABSENT || rc == ERR_DAMAGED)
        return ERR_OK;
    return error_pass(err, rc, &why);
}

int dataset_prefetch(struct dataset *d, const struct wanted *wanted, size_t count,
                     struct error *err)
{
    struct prefetch p = {d, wanted};
    if (d->store->traits.local_paths || d->store->traits.parallel < 2 || count < 2)
        return ERR_OK;
    int rc = dataset_workdir(d, err);
    return rc != ERR_OK ? rc : store_each(d->store, count, prefetch_one, &p, err);
}

int dataset_fetch_many(struct dataset *d, const struct wanted *wanted, size_t count, char **paths,
                       struct error *err)
{
    for (size_t i = 0; i < count; i++)
        paths[i] = NULL;
    int rc = dataset_prefetch(d, wanted, count, err);
    for (size_t i = 0; i < count && rc == ERR_OK; i++) {
        rc = stop_check(err);
        if (rc == ERR_OK)
            rc = dataset_fetch_event(d, wanted[i].key, wanted[i].size, wanted[i].sha256, &paths[i],
                                     err);
    }
    for (size_t i = 0; rc != ERR_OK && i < count; i++) {
        free(paths[i]);
        paths[i] = NULL;
    }
    return rc;
}

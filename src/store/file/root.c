#include "store/file/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/fs.h"
#include "util/mem.h"

/* Folders remembered as durable; beyond that all are forgotten, which costs time only. */
#define DURABLE_MAX 65536

int file_root_error(const struct file_root *root, int errnum, const char *doing, const char *key,
                    struct error *err)
{
    int code = ERR_AGAIN;
    const char *advice = "Run again.";
    switch (errnum) {
    case ENOENT:
        code = ERR_ABSENT;
        break;
    case ENOSPC:
    case EDQUOT:
        code = ERR_FULL;
        advice = "Free some space and run again.";
        break;
    case EIO:
        advice = "Check the kernel's log for disk errors before running again.";
        break;
    case EACCES:
    case EPERM:
        code = ERR_DENIED;
        advice = "Check the permissions of the folder.";
        break;
    case EROFS:
        code = ERR_DENIED;
        advice = "Nothing can be written to this file system.";
        break;
    case ELOOP:
    case ENOTDIR:
    case EISDIR:
    case ENXIO:
        code = ERR_DENIED;
        advice = "Something in the way is neither a plain file nor a folder of the store (links "
                 "are never followed): remove it by hand.";
        break;
    case ENAMETOOLONG:
        code = ERR_CONFIG;
        advice = "A name between two slashes is too long for this file system.";
        break;
    default:
        break;
    }
    char reason[128];
    error_set(err, code, "Cannot %s %s in the folder %s: %s.", doing,
              key[0] != '\0' ? key : "the objects", root->path,
              strerror_r(errnum, reason, sizeof reason));
    if (code != ERR_ABSENT)
        return error_tell(err, code, ERROR_UNCHANGED, advice);
    error_append(err, "There is no such object.");
    return code;
}

/* The path as it was given, made independent of the working directory. */
static int absolute(const char *path, char **out, struct error *err)
{
    char *here = NULL;
    int rc = path[0] == '/' ? ERR_OK : fs_real_path(".", &here, err);
    if (rc == ERR_OK)
        *out = here == NULL ? mem_strdup(path) : fs_join(here, path);
    free(here);
    return rc;
}

int file_root_open(struct file_root *root, const char *path, struct error *err)
{
    *root = (struct file_root){.fd = -1, .guard.fd = -1};
    int rc = fs_real_path(path, &root->path, err);
    if (rc == ERR_OK)
        rc = absolute(path, &root->name, err);
    if (rc == ERR_OK)
        root->fd = open(root->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (rc == ERR_OK && root->fd < 0) {
        int code = errno == EACCES ? ERR_DENIED : ERR_CONFIG;
        rc = error_set_errno(err, code, errno, "Cannot open the store's folder %s", root->path);
    }
    if (rc != ERR_OK) {
        free(root->path);
        free(root->name);
        *root = (struct file_root){.fd = -1, .guard.fd = -1};
        return rc;
    }
    pthread_mutex_init(&root->mutex, NULL);
    pthread_mutex_init(&root->guard.mutex, NULL);
    return ERR_OK;
}

void file_root_release(struct file_root *root)
{
    if (root->path == NULL)
        return;
    close(root->fd);
    if (root->guard.fd >= 0)
        close(root->guard.fd);
    pthread_mutex_destroy(&root->mutex);
    pthread_mutex_destroy(&root->guard.mutex);
    free(root->durable);
    free(root->path);
    free(root->name);
    *root = (struct file_root){.fd = -1, .guard.fd = -1};
}

int file_root_check(const struct file_root *root, struct error *err)
{
    if (fs_names(root->name, root->fd))
        return ERR_OK;
    error_set(err, ERR_DENIED,
              "The store's folder %s was moved, replaced or deleted while it was in use.",
              root->name);
    return error_tell(err, ERR_DENIED, ERROR_UNCHANGED, "Run again.");
}

/* ---- Folders on disk ----------------------------------------------------------------------- */

int file_folder_sync(int folder)
{
    int n;
    do {
        n = fsync(folder);
    } while (n != 0 && errno == EINTR);
    /* Some file systems cannot sync folders and say so: nothing can be done. */
    return n == 0 || errno == EINVAL ? 0 : errno;
}

/* False where the kernel does not say; such a folder is never taken for a known one. */
static bool identify(int folder, struct folder_id *id)
{
    struct statx st;
    if (statx(folder, "", AT_EMPTY_PATH, STATX_INO | STATX_BTIME, &st) != 0 ||
        (st.stx_mask & STATX_INO) == 0 || (st.stx_mask & STATX_BTIME) == 0)
        return false;
    *id = (struct folder_id){
        .device = (uint64_t)st.stx_dev_major << 32 | st.stx_dev_minor,
        .inode = st.stx_ino,
        .born_seconds = st.stx_btime.tv_sec,
        .born_nanoseconds = st.stx_btime.tv_nsec,
    };
    return true;
}

static int compare_ids(const struct folder_id *a, const struct folder_id *b)
{
    if (a->device != b->device)
        return a->device < b->device ? -1 : 1;
    if (a->inode != b->inode)
        return a->inode < b->inode ? -1 : 1;
    if (a->born_seconds != b->born_seconds)
        return a->born_seconds < b->born_seconds ? -1 : 1;
    if (a->born_nanoseconds != b->born_nanoseconds)
        return a->born_nanoseconds < b->born_nanoseconds ? -1 : 1;
    return 0;
}

/* Index of the first remembered folder not below `id`. */
static size_t position(const struct file_root *root, const struct folder_id *id)
{
    size_t low = 0;
    size_t high = root->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_ids(&root->durable[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool is_remembered(struct file_root *root, const struct folder_id *id)
{
    pthread_mutex_lock(&root->mutex);
    size_t i = position(root, id);
    bool found = i < root->count && compare_ids(&root->durable[i], id) == 0;
    pthread_mutex_unlock(&root->mutex);
    return found;
}

static void remember(struct file_root *root, const struct folder_id *id)
{
    pthread_mutex_lock(&root->mutex);
    if (root->count == DURABLE_MAX)
        root->count = 0;
    size_t i = position(root, id);
    if (i == root->count || compare_ids(&root->durable[i], id) != 0) {
        root->durable =
            mem_grow(root->durable, root->count, &root->capacity, sizeof *root->durable);
        memmove(&root->durable[i + 1], &root->durable[i],
                (root->count - i) * sizeof *root->durable);
        root->durable[i] = *id;
        root->count++;
    }
    pthread_mutex_unlock(&root->mutex);
}

/*
 * Sync the entry of `folder` in `parent` to disk, once in the life of that folder. This is also
 * done for a folder that was merely found: its maker may not have got to it, and a power failure
 * would then take away what was reported durable below it.
 */
static int settle(struct file_root *root, int parent, int folder, const char *key,
                  struct error *err)
{
    struct folder_id id;
    bool known = identify(folder, &id);
    if (known && is_remembered(root, &id))
        return ERR_OK;
    int errnum = file_folder_sync(parent);
    if (errnum != 0)
        return file_root_error(root, errnum, "sync to disk the folders of", key, err);
    if (known)
        remember(root, &id);
    return ERR_OK;
}

/* ---- Entering ------------------------------------------------------------------------------ */

/* Open one folder in another. A link gives ENOTDIR. Returns the descriptor, or -1 and errno. */
static int open_in(int parent, const char *name, enum file_entry entry)
{
    /* Looking needs no more than the right to pass; fsync needs a real descriptor. */
    int flags = (entry == FILE_LOOK ? O_PATH : O_RDONLY) | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat(parent, name, flags);
    if (fd >= 0 || errno != ENOENT || entry != FILE_CREATE)
        return fd;
    if (mkdirat(parent, name, 0777) != 0 && errno != EEXIST)
        return -1;
    return openat(parent, name, flags);
}

/* An object (or nothing) where a folder should be is an absent object to a reader. */
static bool is_plain_file(int parent, const char *name)
{
    struct stat st;
    return fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode);
}

/*
 * Open the folder that the first `length` bytes of `key` name, segment by segment; with `settling`,
 * each is on disk. ERR_ABSENT under FILE_CREATE says that somebody removed a folder meanwhile.
 */
static int walk(struct file_root *root, const char *key, size_t length, enum file_entry entry,
                bool settling, int *out, struct error *err)
{
    char name[NAME_MAX + 1];
    int rc = ERR_OK;
    int fd = fcntl(root->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return file_root_error(root, errno, "open the folder of", key, err);
    for (size_t i = 0; rc == ERR_OK && i < length;) {
        size_t n = strcspn(key + i, "/");
        int errnum = n > NAME_MAX ? ENAMETOOLONG : 0;
        int next = -1;
        if (errnum == 0) {
            memcpy(name, key + i, n);
            name[n] = '\0';
            next = open_in(fd, name, entry);
            errnum = errno;
        }
        if (next < 0) {
            if (errnum == ENOTDIR && entry != FILE_CREATE && is_plain_file(fd, name))
                errnum = ENOENT;
            rc = file_root_error(root, errnum, "reach", key, err);
        } else if (settling) {
            rc = settle(root, fd, next, key, err);
        }
        close(fd);
        fd = next;
        i += n + 1;
    }
    if (rc == ERR_OK)
        *out = fd;
    else if (fd >= 0)
        close(fd);
    return rc;
}

/* Bytes of the key before its last slash; 0 where it has none. */
static size_t folder_length(const char *key)
{
    const char *slash = strrchr(key, '/');
    return slash == NULL ? 0 : (size_t)(slash - key);
}

int file_root_enter(struct file_root *root, const char *key, enum file_entry entry,
                    struct file_place *place, struct error *err)
{
    size_t length = folder_length(key);
    *place = (struct file_place){.folder = -1, .name = key + (length > 0 ? length + 1 : 0)};
    int rc = file_root_check(root, err);
    return rc == ERR_OK ? walk(root, key, length, entry, false, &place->folder, err) : rc;
}

int file_root_settle(struct file_root *root, const char *key, struct error *err)
{
    int fd;
    int rc = walk(root, key, folder_length(key), FILE_CHANGE, true, &fd, err);
    if (rc == ERR_OK)
        close(fd);
    return rc;
}

void file_place_leave(struct file_place *place)
{
    if (place->folder >= 0)
        close(place->folder);
    place->folder = -1;
}

void file_root_prune(struct file_root *root, const char *key)
{
    char *path = mem_strdup(key);
    for (size_t n = folder_length(path); n > 0; n = folder_length(path)) {
        path[n] = '\0'; /* now the key of the folder itself */
        struct file_place place;
        int rc = file_root_enter(root, path, FILE_LOOK, &place, NULL);
        if (rc == ERR_ABSENT)
            continue;
        bool gone = rc == ERR_OK &&
                    (unlinkat(place.folder, place.name, AT_REMOVEDIR) == 0 || errno == ENOENT);
        file_place_leave(&place);
        if (!gone)
            break;
    }
    free(path);
}

#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/id.h"
#include "util/mem.h"

#define CHUNK ((size_t)128 << 10)

/* Code of a failed attempt to look at or open something that may be absent. */
static int code_of(int errnum)
{
    switch (errnum) {
    case ENOENT:
    case ENOTDIR:
        return ERR_ABSENT;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_DENIED;
    default:
        return ERR_SYSTEM;
    }
}

/* The same for an attempt to write: a missing parent does not mean that the object is absent. */
static int write_code_of(int errnum)
{
    int code = code_of(errnum);
    return code == ERR_ABSENT ? ERR_SYSTEM : code;
}

int fs_stat(const char *path, struct fs_stat *out, struct error *err)
{
    struct stat st;
    if (stat(path, &st) != 0)
        return error_set_errno(err, code_of(errno), errno, "Cannot examine %s", path);
    *out = (struct fs_stat){
        .size = (uint64_t)st.st_size,
        .modified = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000,
        .inode = st.st_ino,
        .device = st.st_dev,
        .folder = S_ISDIR(st.st_mode),
        .regular = S_ISREG(st.st_mode),
    };
    return ERR_OK;
}

bool fs_exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0;
}

static int open_to_read(const char *path, int *fd, struct error *err)
{
    *fd = open(path, O_RDONLY | O_CLOEXEC);
    if (*fd < 0)
        return error_set_errno(err, code_of(errno), errno, "Cannot open %s", path);
    return ERR_OK;
}

/* One read(2), repeated where a signal interrupts it. `count` 0 is the end. */
static int read_some(int fd, void *buffer, const char *path, size_t *count, struct error *err)
{
    ssize_t n;
    do {
        n = read(fd, buffer, CHUNK);
    } while (n < 0 && errno == EINTR);
    *count = n < 0 ? 0 : (size_t)n;
    if (n < 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "Cannot read %s", path);
    return ERR_OK;
}

int fs_read(const char *path, struct str *out, struct error *err)
{
    int fd;
    int rc = open_to_read(path, &fd, err);
    if (rc != ERR_OK)
        return rc;
    char *buffer = mem_alloc(CHUNK);
    size_t n;
    do {
        rc = read_some(fd, buffer, path, &n, err);
        str_append_bytes(out, buffer, n);
        if (rc == ERR_OK)
            rc = str_check(out, path, err);
    } while (rc == ERR_OK && n > 0);
    free(buffer);
    close(fd);
    return rc;
}

int fs_copy_to(const char *path, int fd, const char *name, struct error *err)
{
    int from;
    int rc = open_to_read(path, &from, err);
    if (rc != ERR_OK)
        return rc;
    char *buffer = mem_alloc(CHUNK);
    size_t n;
    do {
        rc = read_some(from, buffer, path, &n, err);
        if (rc == ERR_OK)
            rc = fs_write_all(fd, buffer, n, name, err);
    } while (rc == ERR_OK && n > 0);
    free(buffer);
    close(from);
    return rc;
}

int fs_write_all(int fd, const void *bytes, size_t count, const char *name, struct error *err)
{
    const char *at = bytes;
    while (count > 0) {
        ssize_t n = write(fd, at, count);
        if (n >= 0) {
            at += n;
            count -= (size_t)n;
        } else if (errno == EAGAIN) {
            struct pollfd ready = {.fd = fd, .events = POLLOUT};
            poll(&ready, 1, -1);
        } else if (errno != EINTR) {
            return error_set_errno(err, write_code_of(errno), errno, "Cannot write %s", name);
        }
    }
    return ERR_OK;
}

static int close_written(int fd, const char *path, struct error *err)
{
    /* On Linux the descriptor is gone whatever close says; EINTR is not a failure to write. */
    if (close(fd) != 0 && errno != EINTR)
        return error_set_errno(err, ERR_SYSTEM, errno, "Cannot write %s", path);
    return ERR_OK;
}

int fs_write(const char *path, const void *bytes, size_t count, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set_errno(err, write_code_of(errno), errno, "Cannot create %s", path);
    int rc = fs_write_all(fd, bytes, count, path, err);
    int closed = close_written(fd, path, rc == ERR_OK ? err : NULL);
    return rc != ERR_OK ? rc : closed;
}

/* A new file `path`, written and on disk. Nothing of that name is left behind by a failure. */
static int write_durably(const char *path, const void *bytes, size_t count, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return error_set_errno(err, write_code_of(errno), errno, "Cannot create %s", path);
    int rc = fs_write_all(fd, bytes, count, path, err);
    if (rc == ERR_OK && fsync(fd) != 0)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot sync %s to disk", path);
    int closed = close_written(fd, path, rc == ERR_OK ? err : NULL);
    if (rc == ERR_OK)
        rc = closed;
    /* After a failed fsync the kernel may have dropped the pages: a second one would lie. */
    if (rc != ERR_OK)
        unlink(path);
    return rc;
}

/* Give a written file its name, durably; `folder_fd` is its folder's. */
static int rename_durably(const char *temp, const char *path, int folder_fd, struct error *err)
{
    if (rename(temp, path) != 0) {
        int rc = error_set_errno(err, write_code_of(errno), errno, "Cannot replace %s", path);
        unlink(temp);
        return rc;
    }
    if (fsync(folder_fd) == 0 || errno == EINVAL)
        return ERR_OK; /* EINVAL: see fs.h, fs_sync */
    return error_set_errno(err, ERR_UNKNOWN, errno,
                           "%s was replaced, but its folder could not be synced to disk, so a "
                           "power failure may bring the old content back",
                           path);
}

int fs_replace(const char *path, const void *bytes, size_t count, struct error *err)
{
    char id[ID_SIZE];
    id_new(id);
    char *folder = fs_parent(path);
    char *name = mem_printf(FS_TEMP_PREFIX "%s", id);
    char *temp = fs_join(folder, name);
    int rc;
    /* Before anything changes, so that only the fsync itself can fail once it has. */
    int folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (folder_fd < 0) {
        rc =
            error_set_errno(err, write_code_of(errno), errno, "Cannot open the folder of %s", path);
        goto out;
    }
    rc = write_durably(temp, bytes, count, err);
    if (rc == ERR_OK)
        rc = rename_durably(temp, path, folder_fd, err);
    else
        error_prefix(err, "%s was not replaced", path);
    close(folder_fd);
out:
    free(temp);
    free(name);
    free(folder);
    return rc;
}

int fs_sync(const char *path, struct error *err)
{
    int fd;
    int rc = open_to_read(path, &fd, err);
    if (rc != ERR_OK)
        return rc;
    struct stat st;
    if (fsync(fd) != 0 && !(errno == EINVAL && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)))
        rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot sync %s to disk", path);
    close(fd);
    return rc;
}

int fs_remove(const char *path, struct error *err)
{
    if (unlink(path) == 0 || code_of(errno) == ERR_ABSENT)
        return ERR_OK;
    return error_set_errno(err, code_of(errno), errno, "Cannot delete %s", path);
}

void fs_discard(const char *path)
{
    if (path != NULL)
        error_ignore(fs_remove(path, NULL));
}

char *fs_parent(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n > 0 && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    return n == 0 ? mem_strdup(".") : mem_strndup(path, n);
}

char *fs_join(const char *folder, const char *name)
{
    bool bare = folder[0] == '\0' || str_ends(folder, "/");
    return mem_printf("%s%s%s", folder, bare ? "" : "/", name);
}

int fs_real_path(const char *path, char **out, struct error *err)
{
    *out = realpath(path, NULL);
    if (*out == NULL)
        return error_set_errno(err, code_of(errno), errno, "Cannot find %s", path);
    return ERR_OK;
}

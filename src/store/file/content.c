#include "store/file/content.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/digest.h"
#include "util/id.h"
#include "util/mem.h"
#include "util/utf8.h"

#define CHUNK ((size_t)256 << 10)

#define TEMP_SUFFIX (sizeof STORE_TEMP_MARK - 1 + ID_SIZE - 1)

/* ---- Reading ------------------------------------------------------------------------------- */

int file_content_open(struct file_root *root, const char *key, int *fd, uint64_t *size,
                      struct error *err)
{
    struct file_place place;
    int rc = file_root_enter(root, key, FILE_LOOK, &place, err);
    if (rc != ERR_OK)
        return rc;
    /* O_NONBLOCK: a pipe in that place must not block us. */
    int file = openat(place.folder, place.name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int errnum = errno;
    file_place_leave(&place);
    struct stat st;
    if (file >= 0 && fstat(file, &st) == 0 && S_ISREG(st.st_mode)) {
        *fd = file;
        if (size != NULL)
            *size = (uint64_t)st.st_size;
        return ERR_OK;
    }
    if (file >= 0) {
        errnum = S_ISDIR(st.st_mode) ? ENOENT : ENXIO;
        close(file);
    }
    return file_root_error(root, errnum, "read", key, err);
}

static bool write_fully(int fd, const char *bytes, size_t count)
{
    while (count > 0) {
        ssize_t n = write(fd, bytes, count);
        if (n < 0 && errno != EINTR)
            return false;
        if (n > 0) {
            bytes += n;
            count -= (size_t)n;
        }
    }
    return true;
}

/* What became of moving bytes from one descriptor elsewhere; errno says why it failed. */
enum pump_end { PUMP_DONE, PUMP_NOT_READ, PUMP_NOT_WRITTEN, PUMP_FULL };

static enum pump_end pump(int in, struct str *body, int out, char sha256[SHA256_HEX_SIZE],
                          uint64_t *size)
{
    enum pump_end end = PUMP_DONE;
    char *buffer = mem_alloc(CHUNK);
    struct sha256 *h = sha256_new();
    *size = 0;
    while (end == PUMP_DONE) {
        ssize_t n = read(in, buffer, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            end = n < 0 ? PUMP_NOT_READ : PUMP_DONE;
            break;
        }
        sha256_update(h, buffer, (size_t)n);
        *size += (uint64_t)n;
        if (body != NULL)
            str_append_bytes(body, buffer, (size_t)n);
        if (body != NULL && body->full)
            end = PUMP_FULL;
        else if (out >= 0 && !write_fully(out, buffer, (size_t)n))
            end = PUMP_NOT_WRITTEN;
    }
    int errnum = errno;
    unsigned char digest[SHA256_SIZE];
    sha256_finish(h, digest);
    digest_to_hex(digest, sizeof digest, sha256);
    sha256_free(h);
    free(buffer);
    errno = errnum;
    return end;
}

int file_content_read(const struct file_root *root, int fd, const char *key, struct str *body,
                      int out, const char *out_name, struct store_tag *tag, uint64_t *size,
                      struct error *err)
{
    char sha256[SHA256_HEX_SIZE];
    uint64_t count;
    switch (pump(fd, body, out, sha256, &count)) {
    case PUMP_NOT_READ:
        return file_root_error(root, errno, "read", key, err);
    case PUMP_NOT_WRITTEN:
        error_set_errno(err, ERR_SYSTEM, errno, "Cannot write %s, a local copy of %s", out_name,
                        key);
        return error_tell(err, ERR_SYSTEM, ERROR_UNCHANGED, NULL);
    case PUMP_FULL:
        return str_check(body, key, err);
    case PUMP_DONE:
        break;
    }
    store_tag_set(tag, sha256);
    if (size != NULL)
        *size = count;
    return ERR_OK;
}

int file_content_tag(struct file_root *root, const char *key, struct store_tag *tag,
                     struct error *err)
{
    int fd = -1;
    int rc = file_content_open(root, key, &fd, NULL, err);
    if (rc != ERR_OK)
        return rc;
    rc = file_content_read(root, fd, key, NULL, -1, NULL, tag, NULL, err);
    close(fd);
    return rc;
}

/* ---- Writing ------------------------------------------------------------------------------- */

/*
 * The name must itself be a key, so that what is left of an interrupted write is listed; where the
 * folder's own name leaves no room, the file goes to the root.
 */
void file_temp_name(const struct file_root *root, const struct file_place *place, const char *key,
                    struct file_temp *temp)
{
    size_t before = strlen(key) - strlen(place->name);
    size_t room = STORE_KEY_MAX - before;
    temp->folder = place->folder;
    if (room < TEMP_SUFFIX) {
        temp->folder = root->fd;
        room = STORE_KEY_MAX;
    }
    if (room > NAME_MAX)
        room = NAME_MAX;
    size_t n = utf8_cut(place->name, strlen(place->name), room - TEMP_SUFFIX);
    memcpy(temp->name, place->name, n);
    memcpy(temp->name + n, STORE_TEMP_MARK, sizeof STORE_TEMP_MARK);
    id_new(temp->name + n + sizeof STORE_TEMP_MARK - 1);
}

static int unreadable(const struct store_body *body, const char *key, int errnum, struct error *err)
{
    error_set_errno(err, ERR_SYSTEM, errnum, "The local file %s for %s cannot be read", body->path,
                    key);
    return error_tell(err, ERR_SYSTEM, ERROR_UNCHANGED, NULL);
}

/* Body of bytes in memory. */
static int write_bytes(const struct file_root *root, int fd, const char *key,
                       const struct store_body *body, struct error *err)
{
    char sha256[SHA256_HEX_SIZE];
    sha256_hex(body->bytes, (size_t)body->size, sha256);
    int rc = store_body_verify(body, key, body->size, sha256, err);
    if (rc == ERR_OK && !write_fully(fd, body->bytes, (size_t)body->size))
        rc = file_root_error(root, errno, "write", key, err);
    return rc;
}

/* Body in a local file, cloned or copied. */
static int write_copy(const struct file_root *root, int fd, const char *key,
                      const struct store_body *body, struct error *err)
{
    int in = open(body->path, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return unreadable(body, key, errno, err);
    char sha256[SHA256_HEX_SIZE];
    uint64_t size;
    bool cloned = ioctl(fd, FICLONE, in) == 0;
    enum pump_end end = pump(cloned ? fd : in, NULL, cloned ? -1 : fd, sha256, &size);
    int rc = ERR_OK;
    if (end == PUMP_NOT_READ)
        rc = unreadable(body, key, errno, err);
    else if (end == PUMP_NOT_WRITTEN)
        rc = file_root_error(root, errno, "write", key, err);
    else
        rc = store_body_verify(body, key, size, sha256, err);
    close(in);
    return rc;
}

int file_temp_write(struct file_root *root, const char *key, const struct store_body *body,
                    const struct file_temp *temp, bool *vanished, struct error *err)
{
    *vanished = false;
    int fd =
        openat(temp->folder, temp->name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0666);
    if (fd < 0) {
        *vanished = errno == ENOENT;
        return file_root_error(root, errno, "write", key, err);
    }
    int rc = body->path != NULL ? write_copy(root, fd, key, body, err)
                                : write_bytes(root, fd, key, body, err);
    if (rc == ERR_OK && fsync(fd) != 0)
        rc = file_root_error(root, errno, "sync to disk", key, err);
    if (close(fd) != 0 && errno != EINTR && rc == ERR_OK)
        rc = file_root_error(root, errno, "write", key, err);
    if (rc != ERR_OK)
        file_temp_drop(temp);
    return rc;
}

void file_temp_drop(const struct file_temp *temp)
{
    unlinkat(temp->folder, temp->name, 0);
}

/* ---- Naming -------------------------------------------------------------------------------- */

int file_unclear(const struct file_root *root, int errnum, const char *key, struct error *err)
{
    error_set_errno(err, ERR_UNKNOWN, errnum,
                    "It is not known whether %s in the folder %s was changed. Nothing was "
                    "deleted; the next run finds out",
                    key, root->path);
    error_told(err, ERROR_IN_DOUBT);
    return ERR_UNKNOWN;
}

int file_settle_change(const struct file_root *root, int folder, const char *key, struct error *err)
{
    int errnum = file_folder_sync(folder);
    return errnum == 0 ? ERR_OK : file_unclear(root, errnum, key, err);
}

int file_confirm_change(struct file_root *root, int folder, const char *key, struct error *err)
{
    struct file_place now;
    struct stat changed;
    struct stat named;
    int rc = file_root_enter(root, key, FILE_LOOK, &now, NULL);
    bool same = rc == ERR_OK && fstat(folder, &changed) == 0 && fstat(now.folder, &named) == 0 &&
                changed.st_ino == named.st_ino && changed.st_dev == named.st_dev;
    file_place_leave(&now);
    if (same)
        return ERR_OK;
    error_set(
        err, ERR_UNKNOWN,
        "A folder above %s in %s was moved or replaced while it was being changed: it is not "
        "known whether what is there now has the change. Nothing was deleted; the next run finds "
        "out.",
        key, root->path);
    error_told(err, ERROR_IN_DOUBT);
    return ERR_UNKNOWN;
}

int file_rename_new(int from_folder, const char *from, int to_folder, const char *to)
{
    if (renameat2(from_folder, from, to_folder, to, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    int failed = linkat(from_folder, from, to_folder, to, 0);
    if (failed == 0)
        unlinkat(from_folder, from, 0);
    return failed;
}

int file_publish_new(struct file_root *root, const struct file_temp *temp,
                     const struct file_place *place, const char *key, bool *vanished,
                     struct error *err)
{
    int rc = file_root_settle(root, key, err);
    *vanished = rc == ERR_ABSENT;
    if (rc != ERR_OK) {
        file_temp_drop(temp);
        return rc;
    }
    int failed = file_rename_new(temp->folder, temp->name, place->folder, place->name);
    int errnum = errno;
    if (failed != 0)
        file_temp_drop(temp);
    *vanished = failed != 0 && errnum == ENOENT;
    if (failed == 0)
        return file_settle_change(root, place->folder, key, err);
    if (errnum == EEXIST)
        return error_set(err, ERR_CONFLICT,
                         "%s already exists in the folder %s. It was not changed.", key,
                         root->path);
    if (errnum == EIO)
        return file_unclear(root, errnum, key, err);
    if (errnum == EPERM || errnum == EOPNOTSUPP) {
        error_set_errno(
            err, ERR_DENIED, errnum,
            "Cannot give %s its name in the folder %s: the file system seems to have no "
            "hard links, which a store needs",
            key, root->path);
        return error_tell(err, ERR_DENIED, ERROR_UNCHANGED, NULL);
    }
    return file_root_error(root, errnum, "name", key, err);
}

int file_publish_over(struct file_root *root, const struct file_temp *temp,
                      const struct file_place *place, const char *key, struct error *err)
{
    if (renameat(temp->folder, temp->name, place->folder, place->name) == 0) {
        int rc = file_settle_change(root, place->folder, key, err);
        return rc == ERR_OK ? file_confirm_change(root, place->folder, key, err) : rc;
    }
    int errnum = errno;
    if (errnum == EIO)
        return file_unclear(root, errnum, key, err);
    file_temp_drop(temp);
    /* The temporary file was deleted by somebody: nothing happened, and the object is there. */
    return file_root_error(root, errnum == ENOENT ? EAGAIN : errnum, "replace", key, err);
}

/* Exclusive locks on files. */
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static int take(int fd, bool wait, const char *path, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int n;
    do {
        n = fcntl(fd, wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole);
    } while (n != 0 && errno == EINTR);
    if (n == 0)
        return ERR_OK;
    if (errno == EAGAIN || errno == EACCES)
        return error_set(err, ERR_CONFLICT, "The lock %s is held by another process or thread.",
                         path);
    return error_set_errno(err, ERR_SYSTEM, errno, "Cannot lock %s", path);
}

/* Is the locked file still the one that the path names, so that everybody meets at it? */
static bool still_there(int fd, const char *path)
{
    struct stat held;
    struct stat named;
    return fstat(fd, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
           held.st_dev == named.st_dev;
}

int fs_lock(const char *path, bool wait, int *fd, struct error *err)
{
    *fd = -1;
    for (;;) {
        int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (file < 0) {
            int code =
                errno == EACCES || errno == EPERM || errno == EROFS ? ERR_DENIED : ERR_SYSTEM;
            return error_set_errno(err, code, errno, "Cannot open the lock %s", path);
        }
        int rc = take(file, wait, path, err);
        if (rc == ERR_OK && still_there(file, path)) {
            *fd = file;
            return ERR_OK;
        }
        close(file);
        if (rc != ERR_OK)
            return rc;
    }
}

void fs_unlock(int fd)
{
    if (fd >= 0)
        close(fd);
}

/* Exclusive locks on folders. */
#include "util/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define LINE 256

static int held(const char *path, struct error *err)
{
    return error_set(err, ERR_CONFLICT, "The folder %s is locked by another process or thread.",
                     path);
}

static int failed(const char *path, int errnum, struct error *err)
{
    bool denied = errnum == EACCES || errnum == EPERM || errnum == EROFS || errnum == ELOOP;
    return error_set_errno(err, denied ? ERR_DENIED : ERR_SYSTEM, errnum,
                           "Cannot lock the folder %s", path);
}

bool fs_names(const char *path, int fd)
{
    struct stat open_file;
    struct stat named;
    return fstat(fd, &open_file) == 0 && stat(path, &named) == 0 &&
           open_file.st_ino == named.st_ino && open_file.st_dev == named.st_dev;
}

/* The lock on the folder itself, by a descriptor of its own: those of flock(2) belong to it. */
static int take_folder(int folder, const char *path, int *out, struct error *err)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return failed(path, errno, err);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0) {
        *out = fd;
        return ERR_OK;
    }
    int errnum = errno;
    close(fd);
    return errnum == EWOULDBLOCK || errnum == EINTR ? held(path, err) : failed(path, errnum, err);
}

/* Is it still the file that everybody else finds under the name? */
static bool is_current(int folder, int file)
{
    struct stat locked;
    struct stat named;
    return fstat(file, &locked) == 0 &&
           fstatat(folder, FS_LOCK_FILE, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
           locked.st_ino == named.st_ino && locked.st_dev == named.st_dev;
}

/* The lock on the file in the folder, which other machines and earlier versions see, too. */
static int take_file(int folder, const char *path, bool make, int *out, struct error *err)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | (make ? O_CREAT : 0);
    int fd = openat(folder, FS_LOCK_FILE, flags, 0666);
    if (fd < 0 && errno == ENOENT && !make)
        return ERR_OK;
    if (fd < 0)
        return failed(path, errno, err);
    int errnum = fcntl(fd, F_OFD_SETLK, &whole) == 0 ? 0 : errno;
    if (errnum == 0 && is_current(folder, fd)) {
        *out = fd;
        return ERR_OK;
    }
    close(fd);
    if (errnum == 0 || errnum == EAGAIN || errnum == EACCES || errnum == EINTR)
        return held(path, err);
    return failed(path, errnum, err);
}

int fs_lock_folder(int folder, const char *path, struct fs_lock *out, struct error *err)
{
    *out = FS_LOCK_NONE;
    int rc = take_folder(folder, path, &out->folder, err);
    if (rc == ERR_OK)
        rc = take_file(folder, path, fs_is_network_fd(folder), &out->file, err);
    if (rc != ERR_OK)
        fs_unlock(out);
    return rc;
}

void fs_unlock(struct fs_lock *lock)
{
    if (lock->file >= 0)
        close(lock->file);
    if (lock->folder >= 0) {
        /* Explicitly: a child that was forked in the meantime has the descriptor, too. */
        flock(lock->folder, LOCK_UN);
        close(lock->folder);
    }
    *lock = FS_LOCK_NONE;
}

/* The process that holds the lock, from the list of all locks (proc_locks(5)); 0: not known. */
static long holder_of(const struct stat *folder)
{
    char line[LINE];
    long found = 0;
    FILE *locks = fopen("/proc/locks", "re");
    while (locks != NULL && found == 0 && fgets(line, sizeof line, locks) != NULL) {
        long process;
        unsigned major_number;
        unsigned minor_number;
        uintmax_t inode;
        if (sscanf(line, "%*d: FLOCK %*s WRITE %ld %x:%x:%ju", &process, &major_number,
                   &minor_number, &inode) == 4 &&
            inode == folder->st_ino && major_number == major(folder->st_dev) &&
            minor_number == minor(folder->st_dev))
            found = process;
    }
    if (locks != NULL)
        fclose(locks);
    return found;
}

void fs_lock_holder(int folder, struct str *out)
{
    struct stat st;
    char path[64];
    struct str name;
    long process = fstat(folder, &st) == 0 ? holder_of(&st) : 0;
    if (process <= 0) {
        str_append(out, "another process");
        return;
    }
    str_init(&name, 64);
    snprintf(path, sizeof path, "/proc/%ld/comm", process);
    if (fs_read(path, &name, NULL) == ERR_OK && str_ends(name.data, "\n"))
        str_printf(out, "process %ld (%.*s)", process, (int)name.len - 1, name.data);
    else
        str_printf(out, "process %ld", process);
    str_release(&name);
}

/* A local file that is given away and becomes an object without being copied. */
#include "store/file/content.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "store/store_backend.h"
#include "util/mem.h"

/*
 * The umask, without setting it, which would be a race with other threads: proc(5). False where
 * /proc does not tell.
 */
static bool read_umask(mode_t *mask)
{
    char text[1024];
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0)
        return false;
    text[n] = '\0';
    const char *line = strstr(text, "\nUmask:");
    if (line == NULL)
        return false;
    *mask = (mode_t)strtoul(line + strlen("\nUmask:"), NULL, 8) & 0777;
    return true;
}

/* Would a file created in the folder belong to the same file system, user and group? */
static bool is_at_home(int folder, const struct stat *file)
{
    struct stat home;
    if (fstat(folder, &home) != 0 || home.st_dev != file->st_dev)
        return false;
    gid_t group = (home.st_mode & S_ISGID) != 0 ? home.st_gid : getegid();
    return file->st_uid == geteuid() && file->st_gid == group &&
           fgetxattr(folder, "system.posix_acl_default", NULL, 0) <= 0;
}

/* Make the file what creating it in the folder would have made it; false where that cannot be. */
static bool adapt(int fd, int folder)
{
    struct stat st;
    mode_t mask;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1 ||
        !is_at_home(folder, &st) || !read_umask(&mask))
        return false;
    mode_t wanted = 0666 & ~mask;
    return (st.st_mode & 07777) == wanted || fchmod(fd, wanted) == 0;
}

/* Give the open file a name in the folder. */
static bool link_descriptor(int fd, int folder, const char *name)
{
    /* By descriptor, so that exactly the file that was checked gets the name: open(2). */
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return linkat(AT_FDCWD, path, folder, name, AT_SYMLINK_FOLLOW) == 0;
}

/* Take its own name away from the file; false where another name may be left. */
static bool leave_one_name(int fd, const char *path)
{
    struct stat st;
    return unlink(path) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1;
}

int file_temp_move(struct file_root *root, const char *key, const struct store_body *body,
                   const struct file_temp *temp, bool *moved, bool *unsafe, struct error *err)
{
    struct store_tag tag = {""};
    uint64_t size = 0;
    int rc = ERR_OK;
    *moved = false;
    *unsafe = false;
    /* Copying the file will say what is wrong with it. */
    int fd = open(body->path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return ERR_OK;
    /* Named first: from then on nobody removes the folder. */
    if (!adapt(fd, temp->folder) || !link_descriptor(fd, temp->folder, temp->name))
        goto out;
    if (file_content_read(root, fd, key, NULL, -1, NULL, &tag, &size, NULL) == ERR_OK) {
        rc = store_body_verify(body, key, size, tag.text, err);
        *unsafe = rc == ERR_OK && fsync(fd) != 0;
        *moved = rc == ERR_OK && !*unsafe && leave_one_name(fd, body->path);
    }
    if (!*moved)
        file_temp_drop(temp);
out:
    close(fd);
    return rc;
}

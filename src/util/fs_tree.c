/* Folders: made with their parents, walked, removed. */
#include "util/fs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/mem.h"

/* Each level of a walk keeps a descriptor open. */
#define DEPTH_MAX 128

static int code_of(int errnum)
{
    return errnum == EACCES || errnum == EPERM || errnum == EROFS ? ERR_DENIED : ERR_SYSTEM;
}

static int make_folder(const char *path, bool durable, struct error *err)
{
    if (mkdir(path, 0777) != 0) {
        int errnum = errno;
        struct fs_stat st;
        if (errnum == EEXIST && fs_stat(path, &st, NULL) == ERR_OK && st.folder)
            return ERR_OK;
        return error_set_errno(err, code_of(errnum), errnum, "Cannot create the folder %s", path);
    }
    if (!durable)
        return ERR_OK;
    char *parent = fs_parent(path);
    int rc = fs_sync(parent, err);
    free(parent);
    return rc;
}

int fs_make_folders(const char *path, bool durable, struct error *err)
{
    struct fs_stat st;
    if (fs_stat(path, &st, NULL) == ERR_OK && st.folder)
        return ERR_OK;
    char *part = mem_strdup(path);
    int rc = ERR_OK;
    for (size_t i = 1; rc == ERR_OK && part[0] != '\0' && part[i] != '\0'; i++) {
        if (part[i] != '/' || part[i - 1] == '/')
            continue;
        part[i] = '\0';
        rc = make_folder(part, durable, err);
        part[i] = '/';
    }
    if (rc == ERR_OK)
        rc = make_folder(path, durable, err);
    free(part);
    return rc;
}

/* One name in a folder. */
struct entry {
    char *name;
    struct fs_stat stat;
};

struct entries {
    struct entry *list;
    size_t count;
    size_t capacity;
};

static void entries_release(struct entries *e)
{
    for (size_t i = 0; i < e->count; i++)
        free(e->list[i].name);
    free(e->list);
    *e = (struct entries){0};
}

/* The byte of an entry's sort key at `i`: a folder counts as if its name ended in "/". */
static int key_byte(const struct entry *e, size_t i, size_t length)
{
    if (i < length)
        return (unsigned char)e->name[i];
    return i == length && e->stat.folder ? '/' : -1;
}

/* Such an order of names puts the paths of a whole walk into byte order. */
static int compare(const void *a, const void *b)
{
    const struct entry *x = a;
    const struct entry *y = b;
    size_t n = strlen(x->name);
    size_t m = strlen(y->name);
    size_t same = 0;
    while (same < n && same < m && x->name[same] == y->name[same])
        same++;
    return key_byte(x, same, n) - key_byte(y, same, m);
}

static bool is_self(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Add what `name` in `folder` is; what has vanished in the meantime is left out. */
static int add_entry(int folder, const char *path, const char *name, struct entries *out,
                     struct error *err)
{
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return ERR_OK;
        return error_set_errno(err, code_of(errno), errno, "Cannot examine %s/%s", path, name);
    }
    out->list = mem_grow(out->list, out->count, &out->capacity, sizeof *out->list);
    out->list[out->count++] = (struct entry){
        .name = mem_strdup(name),
        .stat =
            {
                .size = (uint64_t)st.st_size,
                .modified = (int64_t)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000,
                .inode = st.st_ino,
                .device = st.st_dev,
                .folder = S_ISDIR(st.st_mode),
                .regular = S_ISREG(st.st_mode),
            },
    };
    return ERR_OK;
}

/* Everything in a folder, sorted. `fd` stays open. */
static int list_folder(int fd, const char *path, struct entries *out, struct error *err)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    DIR *dir = copy < 0 ? NULL : fdopendir(copy);
    if (dir == NULL) {
        int rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot list %s", path);
        if (copy >= 0)
            close(copy);
        return rc;
    }
    int rc = ERR_OK;
    while (rc == ERR_OK) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL) {
            if (errno != 0)
                rc = error_set_errno(err, ERR_SYSTEM, errno, "Cannot list %s", path);
            break;
        }
        if (!is_self(d->d_name))
            rc = add_entry(fd, path, d->d_name, out, err);
    }
    closedir(dir);
    if (rc == ERR_OK && out->count > 1)
        qsort(out->list, out->count, sizeof *out->list, compare);
    return rc;
}

/* Open a folder, but no link to one. `*fd` is -1, with ERR_OK, where nothing is there. */
static int open_folder(int parent, const char *name, const char *path, int flags, int *fd,
                       struct error *err)
{
    *fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
    if (*fd >= 0 || errno == ENOENT)
        return ERR_OK;
    return error_set_errno(err, code_of(errno), errno, "Cannot open the folder %s", path);
}

static int check_depth(int depth, const char *path, struct error *err)
{
    if (depth <= DEPTH_MAX)
        return ERR_OK;
    return error_set(err, ERR_LIMIT, "The folder %s is more than %d levels deep.", path, DEPTH_MAX);
}

/* What stays the same during a walk. */
struct walk {
    const char *root;
    fs_visit *visit;
    void *ctx;
};

static int walk_folder(const struct walk *w, int fd, const char *path, int depth,
                       struct error *err);

static int walk_below(const struct walk *w, int parent, const char *path, const struct entry *e,
                      int depth, struct error *err)
{
    char *below = fs_join(path, e->name);
    int fd = -1;
    int rc = ERR_OK;
    if (!e->stat.folder) {
        rc = w->visit(w->ctx, below, &e->stat, err);
        goto out;
    }
    rc = check_depth(depth + 1, below, err);
    if (rc == ERR_OK)
        rc = open_folder(parent, e->name, below, O_NOFOLLOW, &fd, err);
    if (rc == ERR_OK && fd >= 0)
        rc = walk_folder(w, fd, below, depth + 1, err);
out:
    if (fd >= 0)
        close(fd);
    free(below);
    return rc;
}

static int walk_folder(const struct walk *w, int fd, const char *path, int depth, struct error *err)
{
    struct entries e = {0};
    int rc = list_folder(fd, path[0] != '\0' ? path : w->root, &e, err);
    for (size_t i = 0; rc == ERR_OK && i < e.count; i++)
        rc = walk_below(w, fd, path, &e.list[i], depth, err);
    entries_release(&e);
    return rc;
}

int fs_walk(const char *folder, fs_visit *visit, void *ctx, struct error *err)
{
    int fd;
    int rc = open_folder(AT_FDCWD, folder, folder, 0, &fd, err);
    if (rc != ERR_OK || fd < 0)
        return rc;
    struct walk w = {.root = folder, .visit = visit, .ctx = ctx};
    rc = walk_folder(&w, fd, "", 0, err);
    close(fd);
    return rc;
}

static int remove_name(int parent, const char *name, const char *path, int flags, struct error *err)
{
    if (unlinkat(parent, name, flags) == 0 || errno == ENOENT)
        return ERR_OK;
    return error_set_errno(err, code_of(errno), errno, "Cannot delete %s", path);
}

/* The folder `name` in `parent`, with all below it; `path` is for messages. */
static int remove_folder(int parent, const char *name, const char *path, int depth,
                         struct error *err)
{
    struct entries e = {0};
    int fd = -1;
    int rc = check_depth(depth, path, err);
    if (rc == ERR_OK)
        rc = open_folder(parent, name, path, O_NOFOLLOW, &fd, err);
    if (rc != ERR_OK || fd < 0)
        return rc;
    rc = list_folder(fd, path, &e, err);
    for (size_t i = 0; rc == ERR_OK && i < e.count; i++) {
        char *below = fs_join(path, e.list[i].name);
        rc = e.list[i].stat.folder ? remove_folder(fd, e.list[i].name, below, depth + 1, err)
                                   : remove_name(fd, e.list[i].name, below, 0, err);
        free(below);
    }
    entries_release(&e);
    close(fd);
    return rc != ERR_OK ? rc : remove_name(parent, name, path, AT_REMOVEDIR, err);
}

int fs_remove_tree(const char *path, struct error *err)
{
    struct stat st;
    if (lstat(path, &st) != 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return ERR_OK;
        return error_set_errno(err, code_of(errno), errno, "Cannot examine %s", path);
    }
    if (!S_ISDIR(st.st_mode))
        return remove_name(AT_FDCWD, path, path, 0, err);
    return remove_folder(AT_FDCWD, path, path, 0, err);
}

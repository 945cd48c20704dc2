#include "dataset/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

#define PREFIX "cauce-"

/* How often a new folder may be taken for an abandoned one before its maker has locked it. */
#define CREATE_TRIES 100

static int open_folder(const char *path)
{
    return open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

/* A folder of ours whose lock nobody holds belonged to a process that died, or is not yet locked. */
static void remove_abandoned(const char *folder)
{
    struct fs_lock lock = FS_LOCK_NONE;
    int fd = open_folder(folder);
    if (fd >= 0 && fs_lock_folder(fd, folder, &lock, NULL) == ERR_OK) {
        log_debug("removing the scratch folder %s of a process that died", folder);
        error_ignore(fs_remove_tree(folder, NULL)); /* the next process tries again */
    }
    fs_unlock(&lock);
    if (fd >= 0)
        close(fd);
}

void workdir_sweep(const char *parent)
{
    DIR *d = opendir(parent);
    if (d == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        const char *id = entry->d_name + strlen(PREFIX);
        if (!str_starts(entry->d_name, PREFIX) || !id_valid(id))
            continue;
        char *folder = fs_join(parent, entry->d_name);
        remove_abandoned(folder);
        free(folder);
    }
    closedir(d);
}

/*
 * One attempt at a folder that is ours alone. ERR_CONFLICT: before it was locked, somebody took it
 * for an abandoned one. Once it is locked and still in its place, nobody does.
 */
static int create_once(const char *path, struct workdir *out, struct error *err)
{
    if (mkdir(path, 0700) != 0)
        return error_set_errno(err, ERR_SYSTEM, errno, "cannot make the scratch folder %s", path);
    int fd = open_folder(path);
    int rc = fd < 0 && errno != ENOENT ? ERR_SYSTEM : ERR_OK;
    if (rc != ERR_OK)
        return error_set_errno(err, rc, errno, "cannot open the scratch folder %s", path);
    rc = fd < 0 ? ERR_CONFLICT : fs_lock_folder(fd, path, &out->lock, err);
    if (rc == ERR_OK && !fs_names(path, fd))
        rc = ERR_CONFLICT;
    if (rc != ERR_OK)
        fs_unlock(&out->lock);
    if (fd >= 0)
        close(fd);
    return rc == ERR_CONFLICT
               ? error_set(err, rc, "the scratch folder %s was removed by another process", path)
               : rc;
}

int workdir_create(const char *parent, struct workdir *out, struct error *err)
{
    *out = WORKDIR_NONE;
    int rc = fs_make_folders(parent, false, err);
    if (rc != ERR_OK)
        return error_prefix(err, "the folder for scratch files (setting `temp`)");
    workdir_sweep(parent);
    rc = ERR_CONFLICT;
    for (int i = 0; i < CREATE_TRIES && rc == ERR_CONFLICT; i++) {
        char id[ID_SIZE];
        id_new(id);
        char *path = mem_printf("%s/" PREFIX "%s", parent, id);
        rc = create_once(path, out, err);
        /* DuckDB compares paths as text, so it must get the one with links resolved. */
        if (rc == ERR_OK)
            rc = fs_real_path(path, &out->path, err);
        free(path);
    }
    if (rc == ERR_CONFLICT && err != NULL)
        err->code = ERR_SYSTEM;
    return rc == ERR_CONFLICT ? ERR_SYSTEM : rc;
}

void workdir_remove(struct workdir *w)
{
    struct error err = ERROR_INIT;
    if (w->path == NULL)
        return;
    if (fs_remove_tree(w->path, &err) != ERR_OK)
        log_warn("the scratch folder %s could not be removed: %s", w->path, err.text);
    fs_unlock(&w->lock);
    free(w->path);
    *w = WORKDIR_NONE;
}

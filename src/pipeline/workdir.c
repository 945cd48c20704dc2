#include "pipeline/workdir.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "util/fs.h"
#include "util/id.h"
#include "util/log.h"
#include "util/mem.h"
#include "util/str.h"

#define PREFIX "cauce-"

/* A folder of ours whose lock nobody holds belonged to a process that died. */
static void remove_abandoned(const char *parent, const char *name)
{
    char *folder = fs_join(parent, name);
    char *file = fs_join(folder, "lock");
    int lock;
    if (fs_exists(file) && fs_lock(file, false, &lock, NULL) == ERR_OK) {
        log_debug("removing the scratch folder %s of a process that died", folder);
        fs_remove_tree(folder, NULL);
        fs_unlock(lock);
    }
    free(file);
    free(folder);
}

static void sweep(const char *parent)
{
    DIR *d = opendir(parent);
    if (d == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(d)) != NULL;) {
        const char *id = entry->d_name + strlen(PREFIX);
        if (str_starts(entry->d_name, PREFIX) && id_valid(id))
            remove_abandoned(parent, entry->d_name);
    }
    closedir(d);
}

int workdir_create(const char *parent, struct workdir *out, struct error *err)
{
    char id[ID_SIZE];
    id_new(id);
    *out = (struct workdir){.lock = -1};
    int rc = fs_make_folders(parent, false, err);
    if (rc != ERR_OK)
        return error_prefix(err, "the folder for scratch files (setting `temp`)");
    sweep(parent);
    char *path = mem_printf("%s/" PREFIX "%s", parent, id);
    char *lock = fs_join(path, "lock");
    if (mkdir(path, 0700) != 0)
        rc = error_set_errno(err, ERR_SYSTEM, errno, "cannot make the scratch folder %s", path);
    if (rc == ERR_OK)
        rc = fs_lock(lock, false, &out->lock, err);
    /* DuckDB compares paths as text, so it must be given the one without links. */
    if (rc == ERR_OK)
        rc = fs_real_path(path, &out->path, err);
    free(lock);
    free(path);
    return rc;
}

void workdir_remove(struct workdir *w)
{
    struct error err = ERROR_INIT;
    if (w->path == NULL)
        return;
    if (fs_remove_tree(w->path, &err) != ERR_OK)
        log_warn("the scratch folder %s could not be removed: %s", w->path, err.text);
    fs_unlock(w->lock);
    free(w->path);
    *w = (struct workdir){.lock = -1};
}

#include "store/file/where.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>

#include "store/store.h"
#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"
#include "util/utf8.h"

/* The longest name of one file of a dataset: a record of a run, with the mark of an interrupted write. */
#define NAME_ROOM 128

/*
 * What the path will be with links resolved: those of the part that exists, with the rest after it.
 */
static char *resolve(const char *path, char **existing)
{
    char *real = realpath(path, NULL);
    if (real != NULL) {
        *existing = mem_strdup(real);
        return real;
    }
    char *parent = fs_parent(path);
    if (strcmp(parent, path) == 0) { /* no part of it exists: making it will say why */
        *existing = mem_strdup("/");
        return parent;
    }
    char *above = resolve(parent, existing);
    const char *name = strrchr(path, '/');
    char *whole = fs_join(above, name != NULL ? name + 1 : path);
    free(above);
    free(parent);
    return whole;
}

static int refuse(const char *path, const char *why, struct error *err)
{
    error_set(err, ERR_CONFIG, "The folder %.300s cannot be a store: %s.", path, why);
    return error_tell(err, ERR_CONFIG, ERROR_UNCHANGED, "Choose another one.");
}

static const char *fault_of(const char *whole, const char *existing)
{
    struct statvfs st;
    if (strlen(whole) + 1 + STORE_ROOM >= PATH_MAX)
        return "its path is so long that names of objects would not fit behind it";
    if (!utf8_valid(whole, strlen(whole)))
        return "its path is not UTF-8";
    if (strpbrk(whole, "*?[") != NULL)
        return "its path contains *, ? or [, which DuckDB takes for a pattern of names";
    if (statvfs(existing, &st) == 0 && st.f_namemax != 0 && st.f_namemax < NAME_ROOM)
        return "its file system does not allow names of 128 bytes";
    return NULL;
}

int file_where_check(const char *path, struct error *err)
{
    if (strlen(path) >= PATH_MAX)
        return refuse(path, "its path is too long", err);
    char *existing = NULL;
    char *whole = resolve(path, &existing);
    const char *fault = fault_of(whole, existing);
    int rc = fault == NULL ? ERR_OK : refuse(whole, fault, err);
    free(existing);
    free(whole);
    return rc;
}

/* Listing of a folder store, in the order of keys. */
#include "store/file/root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "util/mem.h"

/*
 * A name in a folder. That of a folder ends in its slash: sorted like that, the names are in the
 * order of the keys below them ("a-b" before "a/b", because "-" is less than "/").
 */
struct entry {
    char *name;
    uint64_t size;
    bool folder;
};

struct entries {
    struct entry *items;
    size_t count, capacity;
};

struct lister {
    struct file_root *root;
    store_visit *visit;
    void *ctx;
    char key[STORE_KEY_MAX + 1]; /* of the folder that is being listed, with its slash */
    size_t length;
};

static void entries_release(struct entries *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i].name);
    free(list->items);
}

static int compare_entries(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

/* Add a name of the folder, unless it has vanished or no key can have it. */
static int add_entry(struct lister *l, int folder, const char *name, struct entries *list,
                     struct error *err)
{
    struct stat st;
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return ERR_OK;
    if (l->length == 0 && strcmp(name, FS_LOCK_FILE) == 0)
        return ERR_OK;
    if (strlen(name) > STORE_KEY_MAX - l->length || store_key_check(name, NULL) != ERR_OK)
        return ERR_OK;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        if (errno == ENOENT)
            return ERR_OK;
        l->key[l->length] = '\0';
        return file_root_error(l->root, errno, "list", l->key, err);
    }
    bool is_folder = S_ISDIR(st.st_mode);
    list->items = mem_grow(list->items, list->count, &list->capacity, sizeof *list->items);
    list->items[list->count++] = (struct entry){
        .name = mem_printf("%s%s", name, is_folder ? "/" : ""),
        .size = (uint64_t)st.st_size,
        .folder = is_folder,
    };
    return ERR_OK;
}

/* All names of the folder. Takes over `fd`. */
static int read_folder(struct lister *l, int fd, struct entries *list, struct error *err)
{
    DIR *dir = fdopendir(fd);
    if (dir == NULL) {
        int rc = file_root_error(l->root, errno, "list", l->key, err);
        close(fd);
        return rc;
    }
    int rc = ERR_OK;
    while (rc == ERR_OK) {
        errno = 0;
        const struct dirent *d = readdir(dir);
        if (d == NULL) {
            if (errno != 0)
                rc = file_root_error(l->root, errno, "list", l->key, err);
            break;
        }
        rc = add_entry(l, fd, d->d_name, list, err);
    }
    closedir(dir);
    return rc;
}

static int list_folder(struct lister *l, int parent, const char *name, struct error *err);

/* One entry of the open folder: visited, or entered. */
static int list_entry(struct lister *l, int folder, struct entry *entry, struct error *err)
{
    size_t before = l->length;
    size_t n = strlen(entry->name);
    if (n > STORE_KEY_MAX - before)
        return ERR_OK;
    memcpy(l->key + before, entry->name, n + 1);
    int rc = ERR_OK;
    if (entry->folder) {
        l->length = before + n;
        /* With a slash at its end, a name that has become a link would be followed. */
        entry->name[n - 1] = '\0';
        rc = list_folder(l, folder, entry->name, err);
        l->length = before;
    } else {
        rc = l->visit(l->ctx, &(struct store_entry){.key = l->key, .size = entry->size}, err);
    }
    l->key[before] = '\0';
    return rc;
}

/* Depth first, one descriptor for each level: keys are short enough that there are few. */
static int list_folder(struct lister *l, int parent, const char *name, struct error *err)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) {
        /* It has vanished, or become something else: the next listing will show. */
        if (errno == ENOENT || errno == ENOTDIR)
            return ERR_OK;
        return file_root_error(l->root, errno, "list", l->key, err);
    }
    struct entries list = {0};
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
    int rc = copy < 0 ? file_root_error(l->root, errno, "list", l->key, err)
                      : read_folder(l, copy, &list, err);
    if (rc == ERR_OK && list.count > 0)
        qsort(list.items, list.count, sizeof *list.items, compare_entries);
    for (size_t i = 0; rc == ERR_OK && i < list.count; i++)
        rc = list_entry(l, fd, &list.items[i], err);
    entries_release(&list);
    close(fd);
    return rc;
}

int file_root_list(struct file_root *root, const char *prefix, store_visit *visit, void *ctx,
                   struct error *err)
{
    struct lister l = {.root = root, .visit = visit, .ctx = ctx, .length = strlen(prefix)};
    if (l.length > STORE_KEY_MAX)
        return ERR_OK; /* no key is long enough to lie below it */
    memcpy(l.key, prefix, l.length + 1);
    /* The folder of any name below the prefix. */
    char *inside = mem_printf("%s-", prefix);
    struct file_place place;
    int rc = file_root_enter(root, inside, FILE_LOOK, &place, err);
    if (rc == ERR_OK)
        rc = list_folder(&l, place.folder, ".", err);
    else if (rc == ERR_ABSENT)
        rc = ERR_OK;
    file_place_leave(&place);
    free(inside);
    return rc;
}

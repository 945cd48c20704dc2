#include "store/file/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "store/file/content.h"
#include "store/store_backend.h"
#include "util/fs.h"
#include "util/mem.h"

int file_conflict(const struct file_root *root, const char *key, struct error *err)
{
    error_set(err, ERR_CONFLICT, "%s in the folder %s is not in the expected state.", key,
              root->path);
    return error_tell(err, ERR_CONFLICT, ERROR_UNCHANGED, NULL);
}

int file_vanished(const struct file_root *root, const char *key, struct error *err)
{
    error_set(err, ERR_AGAIN, "The folder of %s in %s vanishes while it is being written.", key,
              root->path);
    return error_tell(err, ERR_AGAIN, ERROR_UNCHANGED, "Run again.");
}

void file_stat_tag(const struct stat *st, struct store_tag *tag)
{
    char *text =
        mem_printf("%llu-%lld-%lld.%09ld-%lld.%09ld", (unsigned long long)st->st_ino,
                   (long long)st->st_size, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                   (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
    store_tag_set(tag, text);
    free(text);
}

int file_look(const struct file_root *root, const struct file_place *place, const char *key,
              struct stat *st, struct error *err)
{
    int errnum = 0;
    if (fstatat(place->folder, place->name, st, AT_SYMLINK_NOFOLLOW) != 0)
        errnum = errno;
    else if (S_ISDIR(st->st_mode))
        errnum = ENOENT;
    else if (!S_ISREG(st->st_mode))
        errnum = ELOOP;
    return errnum == 0 ? ERR_OK : file_root_error(root, errnum, "examine", key, err);
}

int file_compare_locked(struct file_root *root, const char *key, const struct store_tag *expected,
                        struct error *err)
{
    struct store_tag now = {""};
    int rc = file_content_tag(root, key, &now, err);
    if (rc == ERR_ABSENT || (rc == ERR_OK && !store_tag_equal(&now, expected)))
        return file_conflict(root, key, err);
    return rc;
}

/* Is the object at the place in the state that head saw (NULL: absent)? ERR_CONFLICT where not. */
static int compare_state(const struct file_root *root, const struct file_place *place,
                         const char *key, const struct store_tag *expected, struct error *err)
{
    struct stat st;
    struct store_tag now = {""};
    int rc = file_look(root, place, key, &st, err);
    if (rc == ERR_ABSENT)
        return expected == NULL ? ERR_OK : file_conflict(root, key, err);
    if (rc != ERR_OK)
        return rc;
    file_stat_tag(&st, &now);
    return expected != NULL && store_tag_equal(&now, expected) ? ERR_OK
                                                               : file_conflict(root, key, err);
}

/* Give the object its new name, and take the old one away. */
static int rename_locked(struct file_root *root, const struct store_move *move,
                         const struct file_place *from, const struct file_place *to,
                         struct error *err)
{
    int failed;
    /*
     * What another process, which needs no lock for it, creates at this moment must not be
     * replaced.
     */
    if (move->expected == NULL)
        failed = file_rename_new(from->folder, from->name, to->folder, to->name);
    else
        failed = renameat(from->folder, from->name, to->folder, to->name);
    if (failed != 0) {
        int errnum = errno;
        if (errnum == EEXIST)
            return file_conflict(root, move->to, err);
        if (errnum == EIO)
            return file_unclear(root, errnum, move->to, err);
        return file_root_error(root, errnum, "move", move->from, err);
    }
    int rc = file_settle_change(root, to->folder, move->to, err);
    if (rc == ERR_OK)
        rc = file_confirm_change(root, to->folder, move->to, err);
    if (rc != ERR_OK)
        return rc;
    /* Also after a rename: two names of one file are left alone by it (rename(2)), as a move that
     * was interrupted right here leaves them. */
    unlinkat(from->folder, from->name, 0);
    return file_settle_change(root, from->folder, move->from, err);
}

/*
 * A file that has another name would share its bytes with it for good, as projections of older
 * datasets do with their event files: put a copy in its place first.
 */
static int take_apart(struct file_root *root, const char *key, const struct file_place *place,
                      struct error *err)
{
    struct store_body body;
    struct file_temp temp;
    bool vanished;
    char *path = fs_join(root->path, key);
    int rc = store_body_file(path, &body, err);
    file_temp_name(root, place, key, &temp);
    if (rc == ERR_OK)
        rc = file_temp_write(root, key, &body, &temp, &vanished, err);
    if (rc == ERR_OK && renameat(temp.folder, temp.name, place->folder, place->name) != 0) {
        rc = file_root_error(root, errno, "replace", key, err);
        file_temp_drop(&temp);
    }
    free(path);
    return rc;
}

/* Has the file another name than that of `from`, and is it not `to`, which the move takes away? */
static bool is_shared(const struct file_place *from, const struct file_place *to)
{
    struct stat moved;
    struct stat replaced;
    if (fstatat(from->folder, from->name, &moved, AT_SYMLINK_NOFOLLOW) != 0 || moved.st_nlink < 2)
        return false;
    return fstatat(to->folder, to->name, &replaced, AT_SYMLINK_NOFOLLOW) != 0 ||
           replaced.st_ino != moved.st_ino || replaced.st_dev != moved.st_dev;
}

/* From an open folder; `to` is entered, and left by the caller. */
static int move_to(struct file_root *root, const struct store_move *move,
                   const struct file_place *from, struct file_place *to, struct error *err)
{
    int rc = file_root_enter(root, move->to, FILE_CREATE, to, err);
    if (rc == ERR_OK)
        rc = compare_state(root, to, move->to, move->expected, err);
    if (rc == ERR_OK)
        rc = file_root_settle(root, move->to, err);
    if (rc == ERR_OK && is_shared(from, to))
        rc = take_apart(root, move->from, from, err);
    /* No store removes folders under the lock; ERR_ABSENT is kept for an absent source. */
    if (rc == ERR_ABSENT)
        return file_vanished(root, move->to, err);
    return rc == ERR_OK ? rename_locked(root, move, from, to, err) : rc;
}

static bool is_seen(const struct file_seen *seen, const struct stat *st)
{
    const struct stat *s = &seen->st;
    return seen->fd >= 0 && s->st_dev == st->st_dev && s->st_ino == st->st_ino &&
           s->st_size == st->st_size && s->st_mtim.tv_sec == st->st_mtim.tv_sec &&
           s->st_mtim.tv_nsec == st->st_mtim.tv_nsec && s->st_ctim.tv_sec == st->st_ctim.tv_sec &&
           s->st_ctim.tv_nsec == st->st_ctim.tv_nsec;
}

/* Tag of an open object, which is kept or closed. */
static int see(const struct file_root *root, const char *key, int fd, struct file_seen *seen,
               struct error *err)
{
    struct stat st;
    struct store_tag tag;
    bool known = fstat(fd, &st) == 0;
    if (known && is_seen(seen, &st)) {
        close(fd);
        return ERR_OK;
    }
    int rc = known ? file_content_read(root, fd, key, NULL, -1, NULL, &tag, NULL, err)
                   : file_root_error(root, errno, "examine", key, err);
    if (rc != ERR_OK) {
        close(fd);
        return rc;
    }
    if (seen->fd >= 0)
        close(seen->fd);
    seen->fd = fd;
    seen->st = st;
    seen->tag = tag;
    return ERR_OK;
}

/*
 * As file_compare_locked, for an object that is compared again and again: a consolidation moves as
 * many files as there are partitions, under a guard that grows with their number.
 */
static int compare_guard(struct file_root *root, const char *key, const struct store_tag *expected,
                         struct error *err)
{
    int fd = -1;
    int rc = file_content_open(root, key, &fd, NULL, err);
    if (rc == ERR_ABSENT)
        return file_conflict(root, key, err);
    if (rc != ERR_OK)
        return rc;
    pthread_mutex_lock(&root->guard.mutex);
    rc = see(root, key, fd, &root->guard, err);
    if (rc == ERR_OK && !store_tag_equal(&root->guard.tag, expected))
        rc = file_conflict(root, key, err);
    pthread_mutex_unlock(&root->guard.mutex);
    return rc;
}

int file_move_locked(struct file_root *root, const struct store_move *move, struct error *err)
{
    struct file_place from;
    struct file_place to = {.folder = -1};
    struct stat st;
    int rc = compare_guard(root, move->guard, move->guard_tag, err);
    if (rc != ERR_OK)
        return rc;
    rc = file_root_enter(root, move->from, FILE_CHANGE, &from, err);
    if (rc != ERR_OK)
        return rc;
    rc = file_look(root, &from, move->from, &st, err);
    if (rc == ERR_OK)
        rc = move_to(root, move, &from, &to, err);
    file_place_leave(&to);
    file_place_leave(&from);
    if (rc == ERR_OK)
        file_root_prune(root, move->from);
    else if (rc != ERR_UNKNOWN)
        file_root_prune(root, move->to);
    return rc;
}

int file_remove_locked(struct file_root *root, const char *key, struct error *err)
{
    struct file_place place;
    int rc = file_root_enter(root, key, FILE_LOOK, &place, err);
    if (rc == ERR_ABSENT)
        return ERR_OK;
    if (rc != ERR_OK)
        return rc;
    int errnum = unlinkat(place.folder, place.name, 0) == 0 ? 0 : errno;
    file_place_leave(&place);
    if (errnum == EIO)
        return file_unclear(root, errnum, key, err);
    if (errnum != 0 && errnum != ENOENT && errnum != EISDIR)
        return file_root_error(root, errnum, "delete", key, err);
    if (errnum != EISDIR)
        file_root_prune(root, key);
    return ERR_OK;
}

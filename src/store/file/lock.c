/* Waiting for the lock of a folder store: for a bounded time, and saying who holds it. */
#include "store/file/root.h"

#include "util/log.h"
#include "util/stop.h"
#include "util/time.h"

#define PATIENCE INT64_C(60000000)
#define SAY_AFTER INT64_C(2000000)
#define PAUSE_MIN 500
#define PAUSE_MAX 20000

#define HOLDER_MAX 128

/* One attempt. ERR_CONFLICT: somebody else holds it. */
static int try_lock(struct file_root *root, struct fs_lock *lock, struct error *err)
{
    *lock = FS_LOCK_NONE;
    int rc = file_root_check(root, err);
    if (rc == ERR_OK)
        rc = fs_lock_folder(root->fd, root->path, lock, err);
    /* Once more: a lock on a folder that the path no longer names protects nothing. */
    if (rc == ERR_OK)
        rc = file_root_check(root, err);
    if (rc != ERR_OK)
        fs_unlock(lock);
    return rc;
}

static int interrupted(const struct file_root *root, const char *holder, struct error *err)
{
    int rc = stop_check(err);
    error_append(err, "This was while waiting for the lock of the store %s, which %s holds.",
                 root->path, holder);
    return error_tell(err, rc, ERROR_UNCHANGED, NULL);
}

static int exhausted(const struct file_root *root, const char *holder, struct error *err)
{
    error_set(err, ERR_AGAIN, "The lock of the store %s was held for a minute by %s.", root->path,
              holder);
    return error_tell(err, ERR_AGAIN, ERROR_UNCHANGED,
                      "Check whether that process is stopped, and run again.");
}

int file_root_lock(struct file_root *root, struct fs_lock *lock, struct error *err)
{
    int64_t begun = time_monotonic();
    int64_t pause = PAUSE_MIN;
    bool said = false;
    struct str holder;
    str_init(&holder, HOLDER_MAX);
    int rc = try_lock(root, lock, err);
    /*
     * After one wait in vain, what follows (a roll-back, file by file) does not wait a minute for
     * each.
     */
    int64_t patience = atomic_load(&root->waited_in_vain) ? 0 : PATIENCE;
    while (rc == ERR_CONFLICT) {
        int64_t waited = time_monotonic() - begun;
        str_clear(&holder);
        if (waited >= SAY_AFTER || waited >= patience || stop_requested())
            fs_lock_holder(root->fd, &holder);
        if (stop_requested()) {
            rc = interrupted(root, holder.data, err);
        } else if (waited >= patience) {
            rc = exhausted(root, holder.data, err);
        } else {
            if (waited >= SAY_AFTER && !said)
                log_warn("waiting for the lock of the store %s, which %s holds", root->path,
                         holder.data);
            said = waited >= SAY_AFTER;
            time_sleep(pause);
            pause = pause * 2 < PAUSE_MAX ? pause * 2 : PAUSE_MAX;
            rc = try_lock(root, lock, err);
        }
    }
    if (rc == ERR_OK || rc == ERR_AGAIN)
        atomic_store(&root->waited_in_vain, rc == ERR_AGAIN);
    str_release(&holder);
    return rc;
}
